package check

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the protocol's own
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net"

	ztls "github.com/zmap/zcrypto/tls"
)

// mysqlReply is what a login attempt came to.
type mysqlReply struct {
	ok      bool
	code    uint16 // of the error: 1045 access denied, 1129 and 1130 host refused
	version string
	raw     []byte
}

// refused says that the server shuts this host out, so that trying on would only harm.
func (r *mysqlReply) refused() bool { return r.code == 1129 || r.code == 1130 || r.code == 1040 }

// Capabilities of the client/server protocol.
const (
	mysqlProtocol41   = 0x0200
	mysqlSecure       = 0x8000
	mysqlPluginAuth   = 0x00080000
	mysqlLongPassword = 0x0001
	mysqlTLS          = 0x0800
)

// mysqlLogin speaks the protocol of MySQL 4.1 and later to the end of the login. It takes the TLS that is offered, for
// where that is demanded a login in clear fails like one with a wrong password.
func (e *env) mysqlLogin(ctx context.Context, user, password string) (*mysqlReply, error) {
	if e.t.Service.Tunnel == "starttls" {
		if r, err := e.mysqlTry(ctx, user, password, true); err == nil {
			return r, nil
		}
	}
	return e.mysqlTry(ctx, user, password, false)
}

func (e *env) mysqlTry(ctx context.Context, user, password string, secure bool) (*mysqlReply, error) {
	c, err := e.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { c.Close() }()
	greeting, sequence, err := mysqlPacket(c)
	if err != nil {
		return nil, err
	}
	r := &mysqlReply{raw: greeting}
	if len(greeting) > 2 && greeting[0] == 0xff {
		r.code = binary.LittleEndian.Uint16(greeting[1:])
		return r, nil
	}
	salt, plugin, version, err := mysqlGreeting(greeting)
	if err != nil {
		return nil, err
	}
	r.version = version
	response := mysqlResponse(user, mysqlAnswer(plugin, password, salt), plugin)
	if secure {
		binary.LittleEndian.PutUint32(response, binary.LittleEndian.Uint32(response)|mysqlTLS)
		sequence++
		if err := mysqlWrite(c, sequence, response[:32]); err != nil { // the head alone asks for TLS
			return nil, err
		}
		client := ztls.Client(c, &ztls.Config{InsecureSkipVerify: true, MinVersion: ztls.VersionTLS10})
		if err := client.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("handshake: %w", err)
		}
		c = client
	}
	if err := mysqlWrite(c, sequence+1, response); err != nil {
		return nil, err
	}
	return r, r.finish(c, password, salt)
}

// finish follows the server through a change of plugin to its verdict.
func (r *mysqlReply) finish(c net.Conn, password string, salt []byte) error {
	for range 6 {
		body, sequence, err := mysqlPacket(c)
		if err != nil {
			return err
		}
		r.raw = append(r.raw, body...)
		switch {
		case len(body) == 0:
			return errProtocol
		case body[0] == 0:
			r.ok = true
			return nil
		case body[0] == 0xff && len(body) > 2:
			r.code = binary.LittleEndian.Uint16(body[1:])
			return nil
		case body[0] == 0xfe:
			name, data, _ := bytes.Cut(body[1:], []byte{0})
			salt = bytes.TrimSuffix(data, []byte{0})
			if err := mysqlWrite(c, sequence+1, mysqlAnswer(string(name), password, salt)); err != nil {
				return err
			}
		case body[0] == 1 && len(body) == 2 && body[1] == 3: // caching_sha2_password: the fast way was enough
		default: // the slow way would need TLS or the server's key
			return nil
		}
	}
	return errProtocol
}

func mysqlPacket(r io.Reader) ([]byte, byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, 0, err
	}
	size := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	if size > maxReply {
		return nil, 0, errProtocol
	}
	body := make([]byte, size)
	_, err := io.ReadFull(r, body)
	return body, head[3], err
}

func mysqlWrite(w io.Writer, sequence byte, body []byte) error {
	n := len(body)
	_, err := w.Write(append([]byte{byte(n), byte(n >> 8), byte(n >> 16), sequence}, body...))
	return err
}

// mysqlGreeting reads the handshake of protocol 10.
func mysqlGreeting(b []byte) (salt []byte, plugin, version string, err error) {
	if len(b) < 1 || b[0] != 10 {
		return nil, "", "", errProtocol
	}
	text, rest, ok := bytes.Cut(b[1:], []byte{0})
	if !ok || len(rest) < 4+8+1+2 {
		return nil, "", "", errProtocol
	}
	salt, plugin = append(salt, rest[4:12]...), "mysql_native_password"
	if rest = rest[15:]; len(rest) > 16 {
		tail := rest[16:]
		if len(tail) >= 12 {
			salt = append(salt, tail[:12]...)
		}
		if len(tail) > 13 {
			if name, _, ok := bytes.Cut(tail[13:], []byte{0}); ok && len(name) > 0 {
				plugin = string(name)
			}
		}
	}
	return salt, plugin, string(text), nil
}

func mysqlResponse(user string, answer []byte, plugin string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, mysqlLongPassword|mysqlProtocol41|mysqlSecure|mysqlPluginAuth)
	b = binary.LittleEndian.AppendUint32(b, 1<<24)
	b = append(b, 33)
	b = append(b, make([]byte, 23)...)
	b = append(append(b, user...), 0)
	b = append(append(b, byte(len(answer))), answer...)
	return append(append(b, plugin...), 0)
}

// mysqlAnswer scrambles the password as the plugin wants it; an empty password is an empty answer.
func mysqlAnswer(plugin, password string, salt []byte) []byte {
	if password == "" {
		return nil
	}
	if plugin == "caching_sha2_password" {
		one := sha256.Sum256([]byte(password))
		two := sha256.Sum256(one[:])
		three := sha256.Sum256(append(two[:], salt...))
		return xor(one[:], three[:])
	}
	one := sha1.Sum([]byte(password))
	two := sha1.Sum(one[:])
	three := sha1.Sum(append(append([]byte{}, salt[:min(20, len(salt))]...), two[:]...))
	return xor(one[:], three[:])
}

func xor(a, b []byte) []byte {
	out := make([]byte, len(a))
	for i := range a {
		out[i] = a[i] ^ b[i]
	}
	return out
}
