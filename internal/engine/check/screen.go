package check

import (
	"context"
	"crypto/des" //nolint:gosec // the protocol's own
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"net"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/scanlink"
)

// screenChecks look for desktops open to anybody.
var screenChecks = []check{
	{"anon-x11", []string{"anon.x11"}, maybe("tcp", []uint16{6000, 6001, 6002, 6003}, "x11"), anonX11},
	{"anon-vnc", []string{"anon.vnc", "creds"}, over("tcp", "vnc"), anonVNC},
}

// anonX11 opens a display without a cookie (X11 protocol, section 8: connection setup).
func anonX11(ctx context.Context, e *env) []scanlink.Finding {
	request := []byte{'l', 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	reply, err := e.ask(ctx, request)
	if err != nil || len(reply) < 40 || reply[0] != 1 || binary.LittleEndian.Uint16(reply[2:]) != 11 {
		return nil
	}
	vendor := reply[40:min(len(reply), 40+int(binary.LittleEndian.Uint16(reply[24:])))]
	return e.opened(e.found("anon.x11", request, reply[:min(len(reply), 512)], fmt.Sprintf("The display of %q opens to anybody: screen, keyboard and mouse.", vendor)))
}

// rfb is a VNC conversation after the choice of versions (RFC 6143 section 7.1).
type rfb struct {
	conn  net.Conn
	minor int
	types []byte // security types offered
}

const (
	rfbNone = 1
	rfbVNC  = 2
)

func (e *env) rfb(ctx context.Context) (*rfb, error) {
	c, err := e.dial(ctx)
	if err != nil {
		return nil, err
	}
	r := &rfb{conn: c}
	if err := r.start(); err != nil {
		c.Close()
		return nil, err
	}
	return r, nil
}

func (r *rfb) start() error {
	var hello [12]byte
	if _, err := io.ReadFull(r.conn, hello[:]); err != nil {
		return err
	}
	if string(hello[:4]) != "RFB " {
		return errProtocol
	}
	r.minor = 8
	if strings.HasPrefix(string(hello[:]), "RFB 003.003") || strings.HasPrefix(string(hello[:]), "RFB 003.005") {
		r.minor = 3
	} else if strings.HasPrefix(string(hello[:]), "RFB 003.007") {
		r.minor = 7
	}
	if _, err := fmt.Fprintf(r.conn, "RFB 003.%03d\n", r.minor); err != nil {
		return err
	}
	if r.minor == 3 {
		var kind [4]byte
		if _, err := io.ReadFull(r.conn, kind[:]); err != nil {
			return err
		}
		if r.types = kind[3:]; kind == [4]byte{} {
			return r.refusal()
		}
		return nil
	}
	var n [1]byte
	if _, err := io.ReadFull(r.conn, n[:]); err != nil {
		return err
	}
	if n[0] == 0 {
		return r.refusal()
	}
	r.types = make([]byte, n[0])
	_, err := io.ReadFull(r.conn, r.types)
	return err
}

// errBlocked: the server shuts this address out for a while, after too many connections that did not log in.
var errBlocked = errors.New("shut out for a while")

func (r *rfb) refusal() error {
	var size [4]byte
	if _, err := io.ReadFull(r.conn, size[:]); err != nil {
		return err
	}
	reason := make([]byte, min(binary.BigEndian.Uint32(size[:]), 1024))
	if _, err := io.ReadFull(r.conn, reason); err != nil {
		return err
	}
	if strings.Contains(strings.ToLower(string(reason)), "too many") {
		return errBlocked
	}
	return errProtocol
}

func (r *rfb) offers(kind byte) bool { return strings.IndexByte(string(r.types), kind) >= 0 }

func anonVNC(ctx context.Context, e *env) []scanlink.Finding {
	r, err := e.rfb(ctx)
	if err != nil {
		if errors.Is(err, errBlocked) && e.o.Logins {
			return e.vncPasswords(ctx, vncDefaults)
		}
		return nil
	}
	defer r.conn.Close()
	if r.offers(rfbNone) {
		return e.opened(e.found("anon.vnc", []byte(fmt.Sprintf("RFB 003.%03d", r.minor)), r.types, "The desktop opens without a password (security type None)."))
	}
	if !e.o.Logins || !r.offers(rfbVNC) {
		return nil
	}
	// The first password goes over this connection: servers count those that did not log in.
	ok, err := r.login(vncDefaults[0])
	r.conn.Close()
	switch {
	case err != nil && !errors.Is(err, errBlocked):
		return nil
	case ok:
		return e.vncOpened(ctx, vncDefaults[0])
	case err != nil:
		return e.vncPasswords(ctx, vncDefaults)
	}
	return e.vncPasswords(ctx, vncDefaults[1:])
}

// vncDefaults are few: servers shut addresses out after some failures.
var vncDefaults = []string{"password", "vnc", "admin"}

func (e *env) vncPasswords(ctx context.Context, passwords []string) []scanlink.Finding {
	for _, password := range passwords {
		ok, err := e.vncPatient(ctx, password)
		if err != nil {
			return nil
		}
		if ok {
			return e.vncOpened(ctx, password)
		}
	}
	return nil
}

// vncOpened tries an invented password only now that another was right, to save tries: a server that takes it has none.
func (e *env) vncOpened(ctx context.Context, password string) []scanlink.Finding {
	if any, err := e.vncLogin(ctx, canary()[:8]); err == nil && any {
		return e.opened(e.found("anon.vnc", []byte("an invented password"), nil, "The desktop opens with any password."))
	}
	return one(e.login("", password, nil))
}

// shutOuts are how long servers shut an address out, the second time twice as long.
var shutOuts = []time.Duration{11 * time.Second, 21 * time.Second}

func (e *env) vncPatient(ctx context.Context, password string) (bool, error) {
	ok, err := e.vncLogin(ctx, password)
	for _, pause := range shutOuts {
		if !errors.Is(err, errBlocked) {
			break
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(pause):
		}
		ok, err = e.vncLogin(ctx, password)
	}
	return ok, err
}

func (e *env) vncLogin(ctx context.Context, password string) (bool, error) {
	r, err := e.rfb(ctx)
	if err != nil {
		return false, err
	}
	defer r.conn.Close()
	if !r.offers(rfbVNC) {
		return false, errProtocol
	}
	return r.login(password)
}

// login answers the challenge (RFC 6143 section 7.2.2).
func (r *rfb) login(password string) (bool, error) {
	if r.minor > 3 {
		if _, err := r.conn.Write([]byte{rfbVNC}); err != nil {
			return false, err
		}
	}
	var challenge [16]byte
	if _, err := io.ReadFull(r.conn, challenge[:]); err != nil {
		return false, err
	}
	if _, err := r.conn.Write(vncResponse(password, challenge)); err != nil {
		return false, err
	}
	var result [4]byte
	if _, err := io.ReadFull(r.conn, result[:]); err != nil {
		return false, err
	}
	return binary.BigEndian.Uint32(result[:]) == 0, nil
}

// vncResponse encrypts the challenge by DES with the password's first eight bytes, their bits reversed.
func vncResponse(password string, challenge [16]byte) []byte {
	var key [8]byte
	copy(key[:], password)
	for i := range key {
		key[i] = bits.Reverse8(key[i])
	}
	out := make([]byte, 16)
	block, err := des.NewCipher(key[:])
	if err != nil {
		return out
	}
	block.Encrypt(out[:8], challenge[:8])
	block.Encrypt(out[8:], challenge[8:])
	return out
}
