// Package bundle is one version of the knowledge in one signed file, for installations that fetch theirs from another one,
// or by hand. It is three lines of text, then the knowledge file as it is:
//
//	vedette-feed-bundle 1
//	{"version":…,"date":…,"size":…,"sha256":…}
//	Ed25519 signature of the two lines above (RFC 8032), in base64
//
// Nothing of it is used before the signature of a trusted key and the hash of the content are right.
package bundle

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	magic   = "vedette-feed-bundle 1\n"
	maxLine = 4096
	maxSize = 8 << 30 // bytes of a knowledge file
)

// Manifest says what a bundle holds.
type Manifest struct {
	Version string `json:"version"`
	Date    string `json:"date,omitempty"` // YYYY-MM-DD of the newest source
	Size    int64  `json:"size"`           // bytes of the knowledge file
	SHA256  string `json:"sha256"`         // of the knowledge file, hexadecimal
}

var (
	// ErrForm is returned for what is no bundle, or a damaged one.
	ErrForm = errors.New("this is no whole bundle")
	// ErrSignature is returned where no trusted key has signed.
	ErrSignature = errors.New("no key of feed.trusted_keys has signed this bundle")
)

// Is says whether a file begins as a bundle does.
func Is(head []byte) bool { return bytes.HasPrefix(head, []byte(magic)) }

// Pack writes the knowledge file at path as a bundle.
func Pack(w io.Writer, path, version, date string, key ed25519.PrivateKey) (Manifest, error) {
	m := Manifest{Version: version, Date: date}
	in, err := os.Open(path)
	if err != nil {
		return m, fmt.Errorf("pack: %w", err)
	}
	defer in.Close()
	sum := sha256.New()
	if m.Size, err = io.Copy(sum, in); err != nil {
		return m, fmt.Errorf("pack: %w", err)
	}
	m.SHA256 = hex.EncodeToString(sum.Sum(nil))
	line, err := json.Marshal(m)
	if err != nil {
		return m, fmt.Errorf("pack: %w", err)
	}
	head := magic + string(line) + "\n"
	if _, err := io.WriteString(w, head+base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(head)))+"\n"); err != nil {
		return m, fmt.Errorf("pack: %w", err)
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return m, fmt.Errorf("pack: %w", err)
	}
	if _, err := io.Copy(w, in); err != nil {
		return m, fmt.Errorf("pack: %w", err)
	}
	return m, nil
}

// Read checks the signature and gives the manifest and the content, whose reader fails at its end unless size and hash
// are right.
func Read(r io.Reader, trusted []ed25519.PublicKey) (Manifest, io.Reader, error) {
	var m Manifest
	in := bufio.NewReaderSize(r, maxLine)
	first, second, third := line(in), line(in), line(in)
	if string(first) != magic || len(second) == 0 || len(third) == 0 {
		return m, nil, ErrForm
	}
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(string(third), "\n"))
	if err != nil {
		return m, nil, ErrForm
	}
	if !signed(trusted, append(first, second...), signature) {
		return m, nil, ErrSignature
	}
	if json.Unmarshal(second, &m) != nil || !versionForm.MatchString(m.Version) || m.Size <= 0 || m.Size > maxSize || len(m.SHA256) != 2*sha256.Size {
		return m, nil, ErrForm
	}
	return m, &checked{in: in, sum: sha256.New(), left: m.Size, want: m.SHA256}, nil
}

// versionForm keeps a version from leading out of its folder.
var versionForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,79}$`)

func line(in *bufio.Reader) []byte {
	b, err := in.ReadSlice('\n')
	if err != nil {
		return nil
	}
	return bytes.Clone(b)
}

func signed(trusted []ed25519.PublicKey, text, signature []byte) bool {
	for _, key := range trusted {
		if ed25519.Verify(key, text, signature) {
			return true
		}
	}
	return false
}

type checked struct {
	in   io.Reader
	sum  hash.Hash
	left int64
	want string
}

func (c *checked) Read(p []byte) (int, error) {
	if c.left == 0 {
		if hex.EncodeToString(c.sum.Sum(nil)) != c.want {
			return 0, fmt.Errorf("%w: its content is not what was signed", ErrForm)
		}
		return 0, io.EOF
	}
	n, err := c.in.Read(p[:min(int64(len(p)), c.left)])
	c.sum.Write(p[:n])
	c.left -= int64(n)
	if errors.Is(err, io.EOF) && c.left > 0 {
		return n, fmt.Errorf("%w: it is cut short", ErrForm)
	}
	if errors.Is(err, io.EOF) {
		err = nil // the next call compares the hash
	}
	return n, err
}

// Install checks a bundle and puts its knowledge into dir, at once or not at all, under VERSION and the suffix.
func Install(r io.Reader, dir, suffix string, trusted []ed25519.PublicKey) (Manifest, string, error) {
	m, content, err := Read(r, trusted)
	if err != nil {
		return m, "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return m, "", fmt.Errorf("install a bundle: %w", err)
	}
	draft, err := os.CreateTemp(dir, "building-*")
	if err != nil {
		return m, "", fmt.Errorf("install a bundle: %w", err)
	}
	defer os.Remove(draft.Name())
	_, err = io.Copy(draft, content)
	if err := errors.Join(err, draft.Chmod(0o644), draft.Sync(), draft.Close()); err != nil {
		return m, "", fmt.Errorf("install a bundle: %w", err)
	}
	path := filepath.Join(dir, m.Version+suffix)
	if err := os.Rename(draft.Name(), path); err != nil {
		return m, "", fmt.Errorf("install a bundle: %w", err)
	}
	return m, path, nil
}

// NewKey makes a signing key, as PEM (PKCS #8).
func NewKey() ([]byte, ed25519.PublicKey, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), public, nil
}

// ParseKey reads what NewKey or `openssl genpkey -algorithm ed25519` wrote.
func ParseKey(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("want an Ed25519 private key in PEM (PKCS #8)")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("want an Ed25519 private key in PEM (PKCS #8): %w", err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("want an Ed25519 key, not %T", key)
	}
	return private, nil
}

// PublicText is how a public key stands in feed.trusted_keys: its 32 bytes in base64.
func PublicText(key ed25519.PublicKey) string { return base64.StdEncoding.EncodeToString(key) }

// ParsePublic reads keys as PublicText writes them.
func ParsePublic(all []string) ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	for _, text := range all {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(b) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("%q is no public key: want 32 bytes in base64, as `vedette feed key` prints them", text)
		}
		keys = append(keys, b)
	}
	return keys, nil
}
