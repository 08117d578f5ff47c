package agent

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/authority"
)

// State is what a linked scanner keeps in its directory: one file, readable by its owner alone.
type State struct {
	Server      string `json:"server"`
	ScannerID   string `json:"scanner_id"`
	Authority   string `json:"authority"`
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

func (State) String() string   { return "••••" }
func (State) GoString() string { return "••••" }

const stateFile = "scanner.json"

// ErrNoPin is returned when neither the linking code nor the caller tells which server to trust with the code.
var ErrNoPin = errors.New("the linking code names no authority; give its fingerprint with --ca-pin")

// Link trades a linking code for an identity. The key is made here and stays here. The server is known by the SHA-256 of
// its authority, in pin or else in the code, before the code is given to it.
func Link(ctx context.Context, server, code, pin string) (State, error) {
	cfg := Config{Server: server, Engine: func(context.Context, scanlink.Plan, func(scanlink.Observation)) error { return nil }}
	if err := cfg.check(); err != nil {
		return State{}, err
	}
	secret, inCode := scanlink.SplitCode(code)
	if pin == "" {
		pin = inCode
	}
	sum, err := readPin(pin)
	if err != nil {
		return State{}, err
	}
	csr, key, err := authority.NewRequest()
	if err != nil {
		return State{}, err
	}
	c := newClient(cfg.Server, authority.VerifyPinned(sum))
	defer c.http.CloseIdleConnections()
	var answer scanlink.LinkAnswer
	if _, err := c.post(ctx, scanlink.PathLink, scanlink.LinkRequest{Code: secret, CSR: csr}, &answer); err != nil {
		return State{}, fmt.Errorf("link this scanner: %w", err)
	}
	if got, err := scanlink.Pin(answer.Authority); err != nil || got != hex.EncodeToString(sum[:]) {
		return State{}, errors.New("link this scanner: the server sent another authority than its own")
	}
	if _, err := identityOf(answer.Certificate, key); err != nil {
		return State{}, err
	}
	return State{cfg.Server, answer.ScannerID, answer.Authority, answer.Certificate, key}, nil
}

func readPin(pin string) (sum [sha256.Size]byte, err error) {
	if pin == "" {
		return sum, ErrNoPin
	}
	b, err := hex.DecodeString(strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(pin, "sha256:"), ":", "")))
	if err != nil || len(b) != len(sum) {
		return sum, errors.New("the fingerprint of the authority is not a SHA-256 in hexadecimal")
	}
	copy(sum[:], b)
	return sum, nil
}

// Load reads the state of a directory.
func Load(dir string) (State, error) {
	b, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return State{}, fmt.Errorf("read the scanner's state (link it first): %w", err)
	}
	var s State
	if err := json.Unmarshal(b, &s); err != nil {
		return State{}, fmt.Errorf("read the scanner's state: %w", err)
	}
	if _, err := tls.X509KeyPair([]byte(s.Certificate), []byte(s.Key)); err != nil {
		return State{}, fmt.Errorf("read the scanner's state: %w", err)
	}
	return s, nil
}

// Save writes the state whole or not at all.
func (s State) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, stateFile+".*") // made with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, stateFile))
}

// Apply fills the identity of a Config and keeps it when it is renewed.
func (s State) Apply(cfg *Config, dir string) {
	cfg.Server, cfg.Authority, cfg.Certificate, cfg.Key = s.Server, s.Authority, s.Certificate, s.Key
	cfg.Renewed = func(certificate, key string) error {
		s.Certificate, s.Key = certificate, key
		return s.Save(dir)
	}
}
