package wire

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// Answer is how an address reacted to one probe.
type Answer uint8

const (
	Silent      Answer = iota // nothing came within the time given
	Open                      // the connection was made
	Closed                    // refused by the host itself
	Unreachable               // a router, or this machine, says that there is no way
	Exhausted                 // this machine ran out of sockets, ports or buffers: try again later
)

// Knock tries a TCP connection for at most timeout and closes it at once when it is made. It takes no token: the caller
// calls Wait before, so that the time spent there is not counted. err is set only when the plan forbids the address or
// ctx has ended.
func (n *Net) Knock(ctx context.Context, to netip.AddrPort, timeout time.Duration) (Answer, error) {
	if !n.Allowed(to.Addr()) {
		return Silent, ErrOutOfScope
	}
	d := net.Dialer{Timeout: timeout, KeepAlive: -1}
	c, err := d.DialContext(ctx, "tcp", to.String())
	if err == nil {
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.SetLinger(0) // a scan of many ports must not fill this machine with TIME_WAIT
		}
		c.Close()
		return Open, nil
	}
	if ctx.Err() != nil {
		return Silent, ctx.Err()
	}
	return AnswerOf(err), nil
}

// AnswerOf reads the answer from the error of a connect, read or write.
func AnswerOf(err error) Answer {
	var timeout net.Error
	switch {
	case err == nil:
		return Open
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET):
		return Closed
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EACCES),
		errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EHOSTDOWN), errors.Is(err, syscall.ENETDOWN):
		return Unreachable
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.EADDRNOTAVAIL),
		errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.ENOMEM), errors.Is(err, syscall.EAGAIN):
		return Exhausted
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return Silent
	}
	return Unreachable
}

// Exchange sends one datagram from an unbound socket and gives the first answer from the address, whatever its port:
// TFTP answers from a new one. It returns no bytes when nothing came within wait.
func (n *Net) Exchange(ctx context.Context, to netip.AddrPort, payload []byte, wait time.Duration) ([]byte, error) {
	if err := n.Wait(ctx, to.Addr()); err != nil {
		return nil, err
	}
	c, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if _, err := c.WriteToUDPAddrPort(payload, to); err != nil {
		return nil, err
	}
	if err := c.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return nil, err
	}
	b := make([]byte, 64<<10)
	for {
		k, from, err := c.ReadFromUDPAddrPort(b)
		if err != nil {
			return nil, ctx.Err()
		}
		if from.Addr().Unmap() == to.Addr().Unmap() {
			return b[:k:k], nil
		}
	}
}

// DialLow connects over TCP from a port below 1024, as the remote shells of old demand; it fails where this program may
// not use such ports.
func (n *Net) DialLow(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	var last error
	for port := 1023; port > 1013; port-- {
		if err := n.Wait(ctx, to.Addr()); err != nil {
			return nil, err
		}
		d := net.Dialer{Timeout: n.timeout, LocalAddr: &net.TCPAddr{Port: port}}
		c, err := d.DialContext(ctx, "tcp", to.String())
		if err == nil {
			return held(ctx, c), nil
		}
		if last = err; errors.Is(err, syscall.EACCES) || ctx.Err() != nil {
			break
		}
	}
	return nil, last
}
