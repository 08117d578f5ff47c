package identify

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
)

// asker opens further connections to a service whose protocol is known, the way the first was made.
type asker struct {
	ctx     context.Context
	dial    func() (net.Conn, error)
	wait    time.Duration
	target  Target
	secure  bool
	session *session
}

func (s *session) asker() *asker {
	return &asker{ctx: s.ctx, dial: s.dial, wait: s.patience(2 * time.Second), target: s.target, secure: s.tunnel, session: s}
}

// host is the name for SNI and the Host header: the customer's, else the address.
func (t Target) host() string {
	if len(t.Host.Names) > 0 {
		return t.Host.Names[0]
	}
	return t.Host.Address.String()
}

// chat is one connection in a conversation; after the first failure all its methods do nothing.
type chat struct {
	conn     net.Conn
	wait     time.Duration
	greeting []byte // read already
	err      error
}

// talk opens a connection and closes it after f. Where the server has just greeted, the first talk goes on with that
// connection: some servers shut out who connects too often.
func (a *asker) talk(f func(*chat)) {
	if c := a.session.live; c != nil {
		a.session.live = nil
		f(&chat{conn: c, wait: a.wait, greeting: a.session.banner})
		return
	}
	c, err := a.dial()
	if err != nil {
		return
	}
	defer c.Close()
	f(&chat{conn: c, wait: a.wait})
}

func (c *chat) send(b []byte) {
	if c.err != nil {
		return
	}
	if c.err = c.conn.SetWriteDeadline(clock.Monotonic().Add(5 * time.Second)); c.err == nil {
		_, c.err = c.conn.Write(b)
	}
}

func (c *chat) read() []byte {
	if c.err != nil {
		return nil
	}
	if b := c.greeting; b != nil {
		c.greeting = nil
		return b
	}
	var b []byte
	b, c.err = wire.Read(c.conn, replyLimit, c.wait)
	return b
}

// ask sends and reads the answer.
func (c *chat) ask(b []byte) []byte {
	c.greeting = nil
	c.send(b)
	return c.read()
}

// once asks one question on a connection of its own.
func (a *asker) once(hello []byte) (reply []byte) {
	a.talk(func(c *chat) { reply = c.ask(hello) })
	return reply
}

// startTLS goes on inside TLS.
func (c *chat) startTLS(a *asker) bool {
	if c.err != nil {
		return false
	}
	t := tls.Client(c.conn, clientConfig(a.target))
	if c.err = t.SetDeadline(clock.Monotonic().Add(a.wait + 5*time.Second)); c.err != nil {
		return false
	}
	if c.err = t.HandshakeContext(a.ctx); c.err == nil {
		c.conn = t
	}
	return c.err == nil
}
