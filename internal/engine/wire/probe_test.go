package wire_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/engine/lab"
	"github.com/vedette/vedette/internal/engine/wire"
)

func TestKnock(t *testing.T) {
	t.Parallel()
	n := lab.Net(t)
	for _, c := range []struct {
		at   netip.AddrPort
		want wire.Answer
	}{{lab.Silent(t), wire.Open}, {lab.ClosedPort(t), wire.Closed}} {
		if got, err := n.Knock(context.Background(), c.at, time.Second); got != c.want || err != nil {
			t.Errorf("%s: %v, %v; want %v", c.at, got, err, c.want)
		}
	}
	strange := netip.MustParseAddrPort("127.0.0.77:80")
	if _, err := n.Knock(context.Background(), strange, time.Second); !errors.Is(err, wire.ErrOutOfScope) {
		t.Errorf("strange address: %v", err)
	}
	if _, err := n.Exchange(context.Background(), strange, []byte("x"), time.Second); !errors.Is(err, wire.ErrOutOfScope) {
		t.Errorf("strange address by UDP: %v", err)
	}
	if _, err := n.DialLow(context.Background(), strange); !errors.Is(err, wire.ErrOutOfScope) {
		t.Errorf("strange address from a low port: %v", err)
	}
	if _, err := n.SYN(strange.Addr()); err == nil {
		t.Error("a SYN scan of a strange address was prepared")
	}
}

// Where this machine permits raw sockets a bare SYN must tell the same as a connection, and the service must see none, at
// each loopback address of this machine: 127.0.0.1 and, where it speaks IPv6, ::1.
func TestSYN(t *testing.T) {
	t.Parallel()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().IsLoopback() {
			t.Run(p.Addr().String(), func(t *testing.T) {
				t.Parallel()
				syn(t, p.Addr())
			})
		}
	}
}

func syn(t *testing.T, host netip.Addr) {
	seen := make(chan struct{}, 8)
	open := lab.TCPAt(t, host, func(c net.Conn) {
		seen <- struct{}{}
		_, _ = io.Copy(io.Discard, c)
	})
	closed := lab.ClosedPort(t).Port()
	n := lab.Net(t)
	s, err := n.SYN(host)
	if err != nil {
		if os.Geteuid() == 0 {
			t.Fatalf("root may not scan: %v", err)
		}
		return
	}
	defer s.Close()
	for port, want := range map[uint16]wire.Answer{open.Port(): wire.Open, closed: wire.Closed} {
		if got, err := s.Knock(context.Background(), port, 2*time.Second); got != want || err != nil {
			t.Errorf("%d: %v, %v; want %v", port, got, err, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Knock(ctx, closed, time.Second); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("after a stop: %v", err)
	}
	if len(seen) != 0 {
		t.Errorf("the service saw %d connections", len(seen))
	}
}

func TestAnswerOf(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]wire.Answer{
		nil: wire.Open, syscall.ECONNREFUSED: wire.Closed, syscall.EHOSTUNREACH: wire.Unreachable, syscall.EMFILE: wire.Exhausted, os.ErrDeadlineExceeded: wire.Silent,
		&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EADDRNOTAVAIL)}: wire.Exhausted,
	} {
		if got := wire.AnswerOf(err); got != want {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
}
