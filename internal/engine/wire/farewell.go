package wire

import (
	"context"
	"net"
	"time"
)

// conn of a scan; the scan's end ends it.
type conn struct {
	net.Conn
	ctx  context.Context
	stop func() bool
}

func held(ctx context.Context, c net.Conn) *conn {
	return &conn{Conn: c, ctx: ctx, stop: context.AfterFunc(ctx, func() { hangUp(c, true) })}
}

func (c *conn) Close() error {
	c.stop()
	return hangUp(c.Conn, c.ctx.Err() != nil)
}

// hangUp closes a connection. To a host that answers no more the kernel would repeat its farewell for a minute and longer: once the
// scan has ended the connection is reset instead, and before that the kernel gives up within farewell.
func hangUp(c net.Conn, ended bool) error {
	if t, ok := c.(*net.TCPConn); ok {
		if ended {
			_ = t.SetLinger(0)
		} else {
			boundFarewell(t)
		}
	}
	return c.Close()
}

// farewell is much less than the five seconds in which a stopped scan falls silent: on a busy machine a stop itself takes a while.
const farewell = time.Second
