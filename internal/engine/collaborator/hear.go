package collaborator

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
)

// Bounds of one connection.
const (
	maxRead    = 32 << 10
	maxTime    = 15 * time.Second // in all
	greetAfter = 1200 * time.Millisecond
	restTime   = 2 * time.Second // for more of what has begun
	maxLines   = 40
)

// talk is one connection: what was read, and what was said.
type talk struct {
	net.Conn
	server *Server
	source netip.AddrPort
	until  time.Time
	in     []byte
	out    []byte
	eof    bool
}

// hear finds out which protocol a client speaks, answers it, and tells of what it said. A client that waits to be
// greeted is greeted.
func (s *Server) hear(conn net.Conn, source netip.AddrPort) {
	t := &talk{Conn: conn, server: s, source: source, until: clock.Now().Add(maxTime)}
	if t.more(greetAfter); len(t.in) == 0 {
		if !t.eof {
			t.lines()
		}
		return
	}
	if t.in[0] == 0x16 {
		s.encrypted(t)
		return
	}
	t.speak()
}

func (t *talk) speak() {
	switch {
	case t.in[0] == 0x30:
		t.ldap()
	case bytes.HasPrefix(t.in, []byte("JRMI")):
		t.rmi()
	case requestLine(t.in):
		t.http()
	default:
		t.raw()
	}
}

// more reads once, within the bounds of the connection.
func (t *talk) more(wait time.Duration) bool {
	if t.eof || len(t.in) >= maxRead {
		return false
	}
	by := clock.Now().Add(wait)
	if by.After(t.until) {
		by = t.until
	}
	if t.SetReadDeadline(by) != nil {
		return false
	}
	b := make([]byte, min(4096, maxRead-len(t.in)))
	n, err := t.Read(b)
	t.in = append(t.in, b[:n]...)
	t.eof = err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
	return n > 0
}

func (t *talk) say(b []byte) bool {
	if t.SetWriteDeadline(clock.Now().Add(restTime)) != nil {
		return false
	}
	t.out = append(t.out, b...)
	_, err := t.Write(b)
	return err == nil
}

func (t *talk) tell(protocol string) []*Probe {
	return t.server.tell(Interaction{Protocol: protocol, Source: t.source, Request: printable(t.in), Response: printable(t.out)})
}

// printable keeps what may be shown and writes the rest as \xNN.
func printable(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		if c >= 0x20 && c < 0x7f || c == '\r' || c == '\n' || c == '\t' {
			s.WriteByte(c)
		} else {
			fmt.Fprintf(&s, `\x%02x`, c)
		}
	}
	return s.String()
}

func requestLine(b []byte) bool {
	method, rest, ok := bytes.Cut(b[:min(len(b), 64)], []byte(" "))
	return ok && len(method) > 0 && len(method) < 12 && len(rest) > 0 && !bytes.ContainsFunc(method, func(r rune) bool { return r < 'A' || r > 'Z' }) &&
		(rest[0] == '/' || rest[0] == '*' || bytes.HasPrefix(rest, []byte("http")) || string(method) == "CONNECT")
}

// http answers one request with a page of the probe's id, turned round: who shows it to its own client has fetched it.
func (t *talk) http() {
	for !bytes.Contains(t.in, []byte("\r\n\r\n")) && !bytes.Contains(t.in, []byte("\n\n")) && t.more(restTime) {
		continue
	}
	head, body, _ := bytes.Cut(t.in, []byte("\r\n\r\n"))
	for missing := contentLength(head) - len(body); missing > 0 && t.more(restTime); {
		_, body, _ = bytes.Cut(t.in, []byte("\r\n\r\n"))
		missing = contentLength(head) - len(body)
	}
	page, status := "<html><head></head><body></body></html>", "404 Not Found"
	if known := t.server.find(t.in); len(known) > 0 {
		page, status = "<html><head></head><body>"+reversed(known[0].ID)+"</body></html>", "200 OK"
	}
	t.say([]byte("HTTP/1.1 " + status + "\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\nContent-Length: " + strconv.Itoa(len(page)) + "\r\n\r\n" + page))
	t.tell("http")
}

func contentLength(head []byte) int {
	for line := range strings.SplitSeq(string(head), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, "Content-Length") {
			n, _ := strconv.Atoi(strings.TrimSpace(value))
			return min(n, maxRead)
		}
	}
	return 0
}

func reversed(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

// replay gives back what was read already.
type replay struct {
	net.Conn
	first io.Reader
}

func (r *replay) Read(b []byte) (int, error) {
	if n, err := r.first.Read(b); n > 0 || err == nil {
		return n, err
	}
	return r.Conn.Read(b)
}

// encrypted goes on within TLS. The name that the client asks for counts even where it then refuses the certificate.
func (s *Server) encrypted(t *talk) {
	if t.SetDeadline(t.until) != nil {
		return
	}
	conn := tls.Server(&replay{t.Conn, bytes.NewReader(t.in)}, &tls.Config{
		Certificates: []tls.Certificate{s.secure}, MinVersion: tls.VersionTLS10,
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			s.tell(Interaction{Protocol: "tls", Source: t.source, Request: "hello to " + printable([]byte(h.ServerName))})
			return nil, nil
		},
	})
	if conn.HandshakeContext(s.ctx) != nil {
		return
	}
	defer conn.Close()
	inner := &talk{Conn: conn, server: s, source: t.source, until: t.until}
	if inner.more(greetAfter); len(inner.in) > 0 {
		inner.speak()
	} else if !inner.eof {
		inner.lines()
	}
}

// rmi answers the handshake of Java's remote calls (JRMP, 10.2 of its specification); the name comes with the call.
func (t *talk) rmi() {
	for len(t.in) < 7 && t.more(restTime) {
		continue
	}
	host := t.source.Addr().String()
	ack := append([]byte{0x4e, 0, byte(len(host))}, host...)
	t.say(append(ack, 0, 0, byte(t.source.Port()>>8), byte(t.source.Port())))
	for len(t.server.find(t.in)) == 0 && t.more(restTime) {
		continue
	}
	t.tell("rmi")
}

// raw takes what comes from a client of an unknown protocol.
func (t *talk) raw() {
	for t.more(restTime) {
		continue
	}
	t.tell("tcp")
}

// lines greets, and says yes to whatever a mail or file client asks.
func (t *talk) lines() {
	if !t.say([]byte("220 ready\r\n")) {
		return
	}
	protocol, read, data := "tcp", 0, false
	for range maxLines {
		for bytes.IndexByte(t.in[read:], '\n') < 0 && t.more(5*time.Second) {
			continue
		}
		end := bytes.IndexByte(t.in[read:], '\n')
		if end < 0 {
			break
		}
		line := strings.ToUpper(strings.TrimSpace(string(t.in[read : read+end])))
		read += end + 1
		reply, last := "", !data && strings.HasPrefix(line, "QUIT")
		if protocol, reply, data = reaction(protocol, line, data); reply != "" && !t.say([]byte(reply+"\r\n")) || last {
			break
		}
	}
	t.tell(protocol)
}

// reaction to one line of a client of mail (RFC 5321) or files (RFC 959).
func reaction(protocol, line string, data bool) (next, reply string, inData bool) {
	if data {
		if line == "." {
			return protocol, "250 ok", false
		}
		return protocol, "", true
	}
	verb, _, _ := strings.Cut(line, " ")
	switch verb {
	case "HELO", "EHLO", "MAIL", "RCPT":
		return "smtp", "250 ok", false
	case "DATA":
		return "smtp", "354 go on", true
	case "USER":
		return "ftp", "331 password", false
	case "PASS":
		return "ftp", "230 welcome", false
	case "CWD":
		return "ftp", "250 ok", false
	case "RETR", "SIZE", "LIST", "NLST", "PASV", "EPSV":
		return "ftp", "550 not there", false
	case "QUIT":
		return protocol, "221 bye", false
	}
	return protocol, "200 ok", false
}
