package check

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	ztls "github.com/zmap/zcrypto/tls"

	"github.com/vedette/vedette/internal/engine/wire"
)

const (
	wait     = 5 * time.Second
	maxReply = 64 << 10
)

// dial connects to the service, inside TLS where the port speaks it; certificates are the TLS stage's business.
func (e *env) dial(ctx context.Context) (net.Conn, error) {
	c, err := e.n.Dial(ctx, e.t.Service.Protocol, e.t.AddrPort())
	if err != nil {
		return nil, err
	}
	if err := c.SetDeadline(time.Now().Add(4 * wait)); err != nil || !sealed(e.t) || e.t.Service.Protocol != "tcp" {
		return c, err
	}
	client := ztls.Client(c, &ztls.Config{InsecureSkipVerify: true, ServerName: e.t.Name(), MinVersion: ztls.VersionTLS10})
	if err := client.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("handshake: %w", err)
	}
	return client, nil
}

// ask sends one request on a fresh connection and gives what comes back.
func (e *env) ask(ctx context.Context, request []byte) ([]byte, error) {
	c, err := e.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if len(request) > 0 {
		if _, err := c.Write(request); err != nil {
			return nil, err
		}
	}
	return wire.Read(c, maxReply, wait)
}

// lines is a conversation in lines of text, as FTP, SMTP, POP3 and IMAP hold it.
type lines struct {
	conn net.Conn
	r    *bufio.Reader
	log  strings.Builder // both sides, for evidence

	patience time.Duration // for one line
}

var errLong = errors.New("the answer is too long")

func (e *env) lines(ctx context.Context) (*lines, error) {
	c, err := e.dial(ctx)
	if err != nil {
		return nil, err
	}
	return newLines(c), nil
}

// greeted opens a conversation for a login, after the protocol's own change to TLS where that is offered: some servers
// take no password before. It gives the greeting, which is empty after the change, where none is sent again.
func (e *env) greeted(ctx context.Context) (*lines, string, error) {
	if e.t.Service.Tunnel == "starttls" {
		if c, err := e.dialUpgraded(ctx); err == nil {
			return newLines(c), "", nil
		}
	}
	l, err := e.lines(ctx)
	if err != nil {
		return nil, "", err
	}
	l.patience = mailPatience
	greeting, err := l.until(func(text string) bool { return !strings.HasPrefix(text, "220-") && !strings.HasPrefix(text, " ") })
	if err != nil {
		l.close()
		return nil, "", err
	}
	return l, greeting, nil
}

func newLines(c net.Conn) *lines {
	return &lines{conn: c, patience: 2 * wait, r: bufio.NewReaderSize(io.LimitReader(c, 1<<20), 4096)}
}

func (l *lines) close() { l.conn.Close() }

func (l *lines) read() (string, error) {
	_ = l.conn.SetDeadline(time.Now().Add(l.patience))
	b, err := l.r.ReadSlice('\n')
	if err != nil && len(b) == 0 {
		return "", err
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("%w: %w", errLong, err)
	}
	text := strings.TrimRight(string(b), "\r\n")
	l.note("< ", text)
	return text, nil
}

func (l *lines) note(sign, text string) {
	if l.log.Len() < 4096 {
		l.log.WriteString(sign + text + "\n")
	}
}

func (l *lines) say(text string) error {
	l.note("> ", text)
	_, err := io.WriteString(l.conn, text+"\r\n")
	return err
}

// until reads to the first line that stop accepts and gives it.
func (l *lines) until(stop func(string) bool) (string, error) {
	for range 500 {
		text, err := l.read()
		if err != nil {
			return "", err
		}
		if stop(text) {
			return text, nil
		}
	}
	return "", errLong
}

// reply reads an answer of three digits with its continuation lines, and gives its code and last line.
func (l *lines) reply() (int, string, error) {
	text, err := l.until(isReply)
	if err != nil {
		return 0, "", err
	}
	code := int(text[0]-'0')*100 + int(text[1]-'0')*10 + int(text[2]-'0')
	return code, text, nil
}

func isReply(text string) bool {
	if len(text) < 3 || (len(text) > 3 && text[3] != ' ') {
		return false
	}
	for _, d := range text[:3] {
		if d < '0' || d > '9' {
			return false
		}
	}
	return true
}

// command sends one and gives the reply's code; 0 where the connection broke.
func (l *lines) command(text string) int {
	if l.say(text) != nil {
		return 0
	}
	code, _, err := l.reply()
	if err != nil {
		return 0
	}
	return code
}

// canary is a word that no service knows beforehand.
func canary() string {
	b := make([]byte, 5)
	_, _ = rand.Read(b) // never fails (Go 1.24)
	return "vdt" + hex.EncodeToString(b)
}
