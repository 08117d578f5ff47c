package check

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // the protocol's own
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"strconv"
	"strings"
)

// pgReply is what a login attempt came to.
type pgReply struct {
	ok       bool   // authenticated
	asked    bool   // a password was asked for
	routine  string // of the error, as the server's source names it: not translated, unlike the message
	message  string
	version  string // server_version, told after the login
	raw      []byte
	database bool // the only fault was a database that is not there
}

var errProtocol = errors.New("the answer does not fit the protocol")

// noRule is the routine that fails where no rule covers this host, or none without encryption.
const noRule = "ClientAuthentication"

// pgLogin logs in in clear and, where no rule allows that, after the protocol's own change to TLS.
func (e *env) pgLogin(ctx context.Context, user, password, database string) (*pgReply, error) {
	r, err := e.pgTry(ctx, e.dial, user, password, database)
	if err == nil && !r.ok && !r.asked && r.routine == noRule && e.t.Service.Tunnel == "starttls" {
		return e.pgTry(ctx, e.dialUpgraded, user, password, database)
	}
	return r, err
}

// pgTry speaks the frontend/backend protocol 3.0 to the end of the login. Without a password it stops when asked.
func (e *env) pgTry(ctx context.Context, dial func(context.Context) (net.Conn, error), user, password, database string) (*pgReply, error) {
	c, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	body := binary.BigEndian.AppendUint32(nil, 3<<16)
	for _, s := range []string{"user", user, "database", database, ""} {
		body = append(append(body, s...), 0)
	}
	if _, err := c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4)), body...)); err != nil {
		return nil, err
	}
	s := &pgSession{conn: c, user: user, password: password, reply: &pgReply{}}
	for range 100 {
		kind, body, err := s.read()
		if err != nil {
			return nil, err
		}
		if done, err := s.step(kind, body); done || err != nil {
			return s.reply, err
		}
	}
	return nil, errProtocol
}

type pgSession struct {
	conn           net.Conn
	user, password string
	reply          *pgReply
	scram          *scram
}

func (s *pgSession) read() (byte, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(s.conn, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size < 4 || size > maxReply || !strings.ContainsRune("RESKZNv", rune(head[0])) {
		return 0, nil, errProtocol
	}
	body := make([]byte, size-4)
	if _, err := io.ReadFull(s.conn, body); err != nil {
		return 0, nil, err
	}
	s.reply.raw = append(append(s.reply.raw, head[0]), body...)
	return head[0], body, nil
}

func (s *pgSession) write(body []byte) error {
	_, err := s.conn.Write(append(binary.BigEndian.AppendUint32([]byte{'p'}, uint32(len(body)+4)), body...))
	return err
}

func (s *pgSession) step(kind byte, body []byte) (done bool, err error) {
	switch kind {
	case 'E':
		s.reply.routine, s.reply.message = pgField(body, 'R'), pgField(body, 'M')
		s.reply.database = pgField(body, 'C') == "3D000"
		return true, nil
	case 'S':
		name, value, _ := bytes.Cut(body, []byte{0})
		if string(name) == "server_version" {
			s.reply.version = strings.TrimRight(string(value), "\x00")
		}
	case 'Z':
		return true, nil
	case 'R':
		return s.authenticate(body)
	}
	return false, nil
}

func pgField(body []byte, kind byte) string {
	for len(body) > 1 && body[0] != 0 {
		value, rest, ok := bytes.Cut(body[1:], []byte{0})
		if body[0] == kind {
			return string(value)
		}
		if !ok {
			return ""
		}
		body = rest
	}
	return ""
}

func (s *pgSession) authenticate(body []byte) (bool, error) {
	if len(body) < 4 {
		return false, errProtocol
	}
	method, rest := binary.BigEndian.Uint32(body), body[4:]
	if method == 0 {
		s.reply.ok = true
		return false, nil
	}
	s.reply.asked = true
	if s.password == "" {
		return true, nil
	}
	switch {
	case method == 3:
		return false, s.write(append([]byte(s.password), 0))
	case method == 5 && len(rest) >= 4:
		inner := md5.Sum([]byte(s.password + s.user))
		outer := md5.Sum(append([]byte(hex.EncodeToString(inner[:])), rest[:4]...))
		return false, s.write(append([]byte("md5"+hex.EncodeToString(outer[:])), 0))
	case method == 10 && bytes.Contains(rest, []byte("SCRAM-SHA-256\x00")):
		s.scram = &scram{password: s.password, nonce: canary()}
		first := s.scram.first()
		message := binary.BigEndian.AppendUint32([]byte("SCRAM-SHA-256\x00"), uint32(len(first)))
		return false, s.write(append(message, first...))
	case method == 11 && s.scram != nil:
		final, err := s.scram.final(string(rest))
		if err != nil {
			return false, err
		}
		return false, s.write([]byte(final))
	case method == 12:
		return false, nil
	}
	return true, nil
}

// scram is the client's side of a login by a proof. PostgreSQL takes the name from elsewhere.
type scram struct {
	password, nonce, user string
	sha1                  bool // RFC 5802, else RFC 7677
}

func (s *scram) bare() string  { return "n=" + s.user + ",r=" + s.nonce }
func (s *scram) first() string { return "n,," + s.bare() }

const maxIterations = 100_000

func (s *scram) final(challenge string) (string, error) {
	var nonce, salt64 string
	iterations := 0
	for part := range strings.SplitSeq(challenge, ",") {
		switch key, value, _ := strings.Cut(part, "="); key {
		case "r":
			nonce = value
		case "s":
			salt64 = value
		case "i":
			iterations, _ = strconv.Atoi(value)
		}
	}
	salt, err := base64.StdEncoding.DecodeString(salt64)
	if err != nil || !strings.HasPrefix(nonce, s.nonce) || iterations < 1 || iterations > maxIterations {
		return "", errProtocol
	}
	form := sha256.New
	if s.sha1 {
		form = sha1.New
	}
	salted, err := pbkdf2.Key(form, s.password, salt, iterations, form().Size())
	if err != nil {
		return "", fmt.Errorf("key: %w", err)
	}
	client := mac(form, salted, "Client Key")
	stored := form()
	stored.Write(client)
	without := "c=biws,r=" + nonce
	proof := mac(form, stored.Sum(nil), s.bare()+","+challenge+","+without)
	for i := range proof {
		proof[i] ^= client[i]
	}
	return without + ",p=" + base64.StdEncoding.EncodeToString(proof), nil
}

func mac(form func() hash.Hash, key []byte, text string) []byte {
	m := hmac.New(form, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}
