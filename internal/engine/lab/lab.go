// Package lab holds small in-process servers that speak enough of a protocol to be identified, checked and attacked by
// the engine's tests. Every server listens on a loopback address, on a port of its own, and ends with the test.
package lab

import (
	"bufio"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// TCP serves each connection with handle, in a goroutine of its own; the connection is closed when handle returns.
func TCP(t testing.TB, handle func(net.Conn)) netip.AddrPort {
	t.Helper()
	return TCPAt(t, netip.AddrFrom4([4]byte{127, 0, 0, 1}), handle)
}

// TCPAt serves at another loopback address of this machine.
func TCPAt(t testing.TB, host netip.Addr, handle func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(host, 0)))
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, handle)
	return addrPort(l.Addr())
}

func serve(t testing.TB, l net.Listener, handle func(net.Conn)) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			wg.Go(func() {
				defer func() {
					c.Close()
					mu.Lock()
					delete(open, c)
					mu.Unlock()
				}()
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
}

// UDP answers each datagram with what answer returns; nil stays silent.
func UDP(t testing.TB, answer func([]byte) []byte) netip.AddrPort {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		b := make([]byte, 64<<10)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			if out := answer(b[:n]); out != nil {
				_, _ = c.WriteTo(out, from)
			}
		}
	}()
	return addrPort(c.LocalAddr())
}

func addrPort(a net.Addr) netip.AddrPort { return netip.MustParseAddrPort(a.String()) }

// ClosedPort is a TCP port of 127.0.0.1 that refuses connections (it was free a moment ago).
func ClosedPort(t testing.TB) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return addrPort(l.Addr())
}

// Banner greets each client with the text and then only listens.
func Banner(t testing.TB, text string) netip.AddrPort {
	t.Helper()
	return TCP(t, func(c net.Conn) {
		if _, err := io.WriteString(c, text); err == nil {
			_, _ = io.Copy(io.Discard, c)
		}
	})
}

// Lines greets each client with greeting (unless empty) and answers each line with what answer returns; an empty
// answer ends the connection.
func Lines(t testing.TB, greeting string, answer func(line string) string) netip.AddrPort {
	t.Helper()
	return TCP(t, func(c net.Conn) { lines(c, greeting, answer) })
}

func lines(c net.Conn, greeting string, answer func(line string) string) {
	if _, err := io.WriteString(c, greeting); err != nil {
		return
	}
	r := bufio.NewReaderSize(c, 4096)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		out := answer(strings.TrimRight(line, "\r\n"))
		if out == "" {
			return
		}
		if _, err := io.WriteString(c, out); err != nil {
			return
		}
	}
}

// Net reaches 127.0.0.1 and ::1 and nothing else, without limits of rate.
func Net(t testing.TB) *wire.Net {
	t.Helper()
	return wire.New([]scanlink.PlanHost{{Address: netip.MustParseAddr("127.0.0.1")}, {Address: netip.IPv6Loopback()}}, wire.Limits{})
}

// Target is the service at the address as the later stages get it. Names are the host's.
func Target(at netip.AddrPort, service scanlink.Service, names ...string) wire.Target {
	service.Address, service.Port, service.State = at.Addr(), at.Port(), "open"
	if service.Protocol == "" {
		service.Protocol = "tcp"
	}
	return wire.Target{Host: scanlink.PlanHost{Address: at.Addr(), Names: names}, Service: service}
}

// Answering greets each client (unless greeting is empty) and answers each packet that arrives with what answer
// returns; nil ends the connection.
func Answering(t testing.TB, greeting []byte, answer func(packet []byte) []byte) netip.AddrPort {
	t.Helper()
	return TCP(t, func(c net.Conn) {
		if _, err := c.Write(greeting); err != nil {
			return
		}
		b := make([]byte, 64<<10)
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			out := answer(b[:n])
			if out == nil {
				return
			}
			if _, err := c.Write(out); err != nil {
				return
			}
		}
	})
}
