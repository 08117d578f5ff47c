package web

import (
	"net"
	"sync"
)

// single is a listener that accepts a connection only when the one before is closed.
type single struct {
	net.Listener
	free chan struct{}
}

func (l *single) Accept() (net.Conn, error) {
	l.free <- struct{}{}
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &only{Conn: c, done: sync.OnceFunc(func() { <-l.free })}, nil
}

type only struct {
	net.Conn
	done func()
}

func (c *only) Close() error {
	defer c.done()
	return c.Conn.Close()
}
