// Package identify finds out which protocol a port speaks, and which product and version speak it. It listens, then asks
// in the words of the likeliest protocols, through TLS where the port wants it; the port's number only orders the
// questions and never answers them. Whatever a server sends is bounded in bytes and time.
package identify

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink"
)

// Target is one open port.
type Target struct {
	Host    scanlink.PlanHost
	Port    uint16
	RTT     time.Duration // 0 when unknown
	Contact string        // for the User-Agent
}

const (
	bannerLimit = 2 << 10   // kept
	replyLimit  = 64 << 10  // read of one answer
	pageLimit   = 512 << 10 // read of one page
	portTime    = 75 * time.Second
	longWait    = 6 * time.Second // for servers that greet late
)

// TCP identifies an open TCP port. The service's name is "unknown" when nothing fits. An error is ctx's.
func TCP(ctx context.Context, n *wire.Net, t Target) (scanlink.Service, OS, error) {
	work, cancel := context.WithTimeout(ctx, portTime)
	defer cancel()
	s := &session{ctx: work, net: n, target: t, start: clock.Monotonic()}
	s.dial = s.plain
	m, known := s.run()
	if !known {
		m.Name = "unknown"
		if m.Note == "" {
			m.Note = s.whyUnknown()
		}
	}
	return s.service(m), m.OS, ctx.Err()
}

// session is the identification of one port.
type session struct {
	ctx    context.Context
	net    *wire.Net
	target Target
	start  time.Time
	dial   func() (net.Conn, error)
	tunnel bool
	banner []byte
	closed int // connections that the server ended without a word
	failed int // connections that were not made
	tlsBad error
	live   net.Conn // the connection on which the server has just greeted
}

func (s *session) at() netip.AddrPort {
	return netip.AddrPortFrom(s.target.Host.Address, s.target.Port)
}

func (s *session) plain() (net.Conn, error) { return s.net.Dial(s.ctx, "tcp", s.at()) }

// patience is how long an answer is waited for, with the distance to the host in mind.
func (s *session) patience(base time.Duration) time.Duration {
	return base + min(3*time.Second, 4*s.target.RTT)
}

// printer says that a port is one of those where printers put on paper what is sent to them. They are asked in the
// printers' own language alone; a web server or TLS there gives itself away by its complaint.
func printer(port uint16) bool { return port >= 9100 && port <= 9107 }

func (s *session) run() (Match, bool) {
	order := inOrder(tcpProbes, s.target.Port)
	c, m, done := s.listen(order)
	if done {
		return m, true
	}
	if printer(s.target.Port) && !s.tunnel {
		order = []*probe{&printerProbe}
	}
	if s.banner == nil && !s.tunnel {
		if m, ok := s.fromLowPort(); ok {
			return m, true
		}
	}
	if m, done := s.askAll(order, c); done {
		return m, true
	}
	if s.banner == nil && s.closed > 0 && s.failed < 3 {
		if m, done := s.askAgain(order); done {
			return m, true
		}
	}
	if s.banner == nil && s.failed == 0 {
		return s.lastListen()
	}
	return Match{}, false
}

const (
	alone    = 8 // probes asked one by one, the likeliest; some servers take one connection at a time
	together = 4 // of the rest, at a time
)

// askAll asks in order until an answer is understood. c is a connection on which nothing was said yet; it may be nil.
func (s *session) askAll(order []*probe, c net.Conn) (Match, bool) {
	order = slices.DeleteFunc(slices.Clone(order), func(p *probe) bool { return p.hello == nil || s.tunnel && p.name == "tls" })
	for i := 0; i < len(order) && s.ctx.Err() == nil && s.failed < 3; {
		n := 1
		if i >= alone {
			n = min(together, len(order)-i)
		}
		group := order[i : i+n]
		i += n
		replies := make([]heard, n)
		var wg sync.WaitGroup
		for k, p := range group {
			conn := c
			c = nil
			wg.Go(func() { replies[k] = s.say(conn, p) })
		}
		wg.Wait()
		for k, p := range group {
			s.note(replies[k])
			if len(replies[k].bytes) == 0 {
				continue
			}
			if m, done := s.understand(p, replies[k].bytes); done {
				return m, true
			}
		}
	}
	return Match{}, false
}

// askAgain repeats the commonest questions after a while, for servers that were too busy to answer the first time.
func (s *session) askAgain(order []*probe) (Match, bool) {
	t := time.NewTimer(time.Second)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.ctx.Done():
		return Match{}, false
	}
	weight := func(p *probe) bool { return p.rank > 2 && !slices.Contains(p.ports, s.target.Port) }
	return s.askAll(slices.DeleteFunc(slices.Clone(order), weight), nil)
}

// heard is what one question brought.
type heard struct {
	bytes  []byte
	closed bool // the server ended the connection without a word
	failed bool // no connection was made
}

func (s *session) note(h heard) {
	switch {
	case h.failed:
		s.failed++
	case h.closed:
		s.closed++
	case s.banner == nil && len(h.bytes) > 0:
		s.banner = h.bytes
	}
}

// listen waits for a server that speaks first. Without a word from it the connection is handed back for the first question.
func (s *session) listen(order []*probe) (net.Conn, Match, bool) {
	c, err := s.dial()
	if err != nil {
		s.failed++
		return nil, Match{}, false
	}
	wait := 700 * time.Millisecond
	if len(order) > 0 && slices.Contains(order[0].ports, s.target.Port) {
		if wait = 250 * time.Millisecond; order[0].first {
			wait = longWait
		}
	}
	b, err := wire.Read(c, replyLimit, s.patience(wait))
	if len(b) > 0 {
		defer c.Close()
		s.banner, s.live = b, c
		m, ok := s.understand(nil, b)
		s.live = nil
		return nil, m, ok
	}
	if err == nil { // closed by the server
		c.Close()
		s.closed++
		return nil, Match{}, false
	}
	return c, Match{}, false
}

// say sends a probe's hello over c, or over a new connection when there is none, and reads the answer.
func (s *session) say(c net.Conn, p *probe) heard {
	if c == nil {
		var err error
		if c, err = s.dial(); err != nil {
			return heard{failed: true}
		}
	}
	defer c.Close()
	if err := c.SetWriteDeadline(clock.Monotonic().Add(5 * time.Second)); err != nil {
		return heard{closed: true}
	}
	if _, err := c.Write(p.hello); err != nil {
		return heard{closed: true}
	}
	wait := time.Second
	if p.rank <= 2 || slices.Contains(p.ports, s.target.Port) {
		wait = 2 * time.Second
	}
	b, err := wire.Read(c, replyLimit, s.patience(wait))
	return heard{bytes: b, closed: len(b) == 0 && (err == nil || wire.AnswerOf(err) == wire.Closed)}
}

// understand reads a reply: TLS is entered, a known protocol asked for more.
func (s *session) understand(asked *probe, reply []byte) (Match, bool) {
	if !s.tunnel && isTLS(reply) && !bytes.Equal(reply, clientHello) {
		return s.enterTLS(Match{})
	}
	p, m, ok := classify(tcpProbes, asked, reply)
	if !ok {
		return Match{}, false
	}
	if m.maybeTLS && !s.tunnel && s.speaksTLS() {
		return s.enterTLS(m)
	}
	s.banner = reply
	if p.ask != nil && m.Name != "echo" {
		p.ask(s.asker(), &m)
	}
	return m, true
}

// lastListen gives a server that greets late its time.
func (s *session) lastListen() (Match, bool) {
	c, err := s.dial()
	if err != nil {
		return Match{}, false
	}
	defer c.Close()
	b, _ := wire.Read(c, replyLimit, longWait)
	if len(b) == 0 {
		return Match{}, false
	}
	s.banner = b
	return s.understand(nil, b)
}

func (s *session) whyUnknown() string {
	switch {
	case printer(s.target.Port) && !s.tunnel:
		return "Printers listen on this port and print what they are sent, so it was not asked further."
	case s.tlsBad != nil:
		return "The port speaks TLS, but no handshake succeeded, so what is inside is not known."
	case s.failed > 0 && s.closed == 0 && len(s.banner) == 0:
		return "The port accepted connections at first and then no longer."
	case len(s.banner) == 0 && s.closed > 0:
		return "The port accepts connections and closes them without a word."
	case len(s.banner) == 0:
		return "The port accepts connections and stays silent to every protocol tried."
	case errors.Is(s.ctx.Err(), context.DeadlineExceeded):
		return "The port answers too slowly to be identified."
	}
	return "The port answers in no protocol known here; see its banner."
}

// insideTLS are the names that protocols have when TLS comes first.
var insideTLS = map[string]string{
	"http": "https", "imap": "imaps", "pop3": "pop3s", "smtp": "smtps", "ldap": "ldaps", "ftp": "ftps", "irc": "ircs",
	"sip": "sips", "telnet": "telnets", "mqtt": "mqtts", "amqp": "amqps", "nntp": "nntps",
}

func (s *session) service(m Match) scanlink.Service {
	name := m.Name
	if m.Tunnel == "tls" && insideTLS[name] != "" {
		name = insideTLS[name]
	}
	return scanlink.Service{
		Address: s.target.Host.Address, Port: s.target.Port, Protocol: "tcp", State: "open",
		Name: name, Tunnel: m.Tunnel, Product: m.Product, Version: clean(m.Version), Package: clean(m.Package),
		CPE: productCPE(m), QoD: m.QoD, Note: m.Note, Banner: wire.Printable(s.banner, bannerLimit),
		Software: m.Software, Headers: m.Headers, Title: m.Title,
	}
}

func productCPE(m Match) string {
	if m.Product == "" {
		return ""
	}
	return cpeOf(m.Product, clean(m.Version), m.CPE)
}

// clean keeps hostile text out of versions.
func clean(s string) string { return wire.Printable([]byte(s), 64) }
