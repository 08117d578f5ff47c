// Package mailtest is a mail server for tests: it speaks SMTP over TCP and keeps what it gets.
package mailtest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	stdmail "net/mail"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Server is listening until the test ends.
type Server struct {
	Host string
	Port int

	login   string // user name and password by colon; empty: nobody needs to sign in
	mu      sync.Mutex
	mails   []Mail
	refused map[string]error
	news    chan struct{}
}

// Mail that came.
type Mail struct {
	From, To string // of the envelope
	Header   stdmail.Header
	Subject  string // decoded
	Text     string
	HTML     string
	TLS      bool // it came over TLS
	Raw      string
}

// Start a server. certificate may be nil: no TLS then; login may be empty, or "name:password".
func Start(t testing.TB, certificate *tls.Certificate, login string) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, login: login, refused: map[string]error{}, news: make(chan struct{}, 1)}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{server: s, conn: c}, nil }))
	server.Domain, server.ErrorLog = "mail.test", log.New(io.Discard, "", 0)
	if certificate != nil {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12}
	}
	go func() { _ = server.Serve(l) }() // ends with Close
	t.Cleanup(func() { _ = server.Close() })
	return s
}

// Refuse what is sent to an address, with an SMTP code.
func (s *Server) Refuse(address string, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[address] = &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "not here"}
}

// To gives the mails that came for an address, in their order.
func (s *Server) To(address string) []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Mail
	for _, m := range s.mails {
		if m.To == address {
			all = append(all, m)
		}
	}
	return all
}

// Wait until n mails have come for an address, and give the last of them.
func (s *Server) Wait(t testing.TB, address string, n int) Mail {
	t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	for {
		if all := s.To(address); len(all) >= n {
			return all[n-1]
		}
		select {
		case <-s.news:
		case <-deadline.C:
			t.Fatalf("%d mails came to %s, want %d", len(s.To(address)), address, n)
		}
	}
}

var token = regexp.MustCompile(`_token=([A-Za-z0-9_-]+)`)

// Token of the link in the mail's text.
func (m Mail) Token(t testing.TB) string {
	t.Helper()
	found := token.FindStringSubmatch(m.Text)
	if found == nil {
		t.Fatalf("no link in %q", m.Text)
	}
	return found[1]
}

type session struct {
	server   *Server
	conn     *smtp.Conn
	from, to string
	signedIn bool
}

func (*session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username+":"+password != s.server.login {
			return errors.New("wrong name or password")
		}
		s.signedIn = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.login != "" && !s.signedIn {
		return smtp.ErrAuthRequired
	}
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.to = to
	return s.server.refused[to]
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(io.LimitReader(r, 16<<20))
	if err != nil {
		return err
	}
	_, encrypted := s.conn.TLSConnectionState()
	m, err := parse(string(raw))
	if err != nil {
		return err
	}
	m.From, m.To, m.TLS = s.from, s.to, encrypted
	s.server.mu.Lock()
	s.server.mails = append(s.server.mails, m)
	s.server.mu.Unlock()
	select {
	case s.server.news <- struct{}{}:
	default:
	}
	return nil
}

func (*session) Reset()        {}
func (*session) Logout() error { return nil }

func parse(raw string) (Mail, error) {
	message, err := stdmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		return Mail{}, err
	}
	m := Mail{Header: message.Header, Raw: raw}
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject")); err != nil {
		return m, err
	}
	return m, m.read(message.Header.Get("Content-Type"), message.Body)
}

// read finds the text and the HTML among the parts.
func (m *Mail) read(contentType string, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(kind, "multipart/") {
		return fmt.Errorf("a mail of type %s", kind)
	}
	parts := multipart.NewReader(body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if strings.HasPrefix(kind, "multipart/") {
			if err := m.read(part.Header.Get("Content-Type"), part); err != nil {
				return err
			}
			continue
		}
		content, err := io.ReadAll(quotedprintable.NewReader(part))
		switch {
		case part.Header.Get("Content-Disposition") != "":
		case err != nil:
			return err
		case kind == "text/plain":
			m.Text = string(content)
		case kind == "text/html":
			m.HTML = string(content)
		}
	}
}
