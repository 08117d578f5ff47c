package lab

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"
)

// Silent accepts and never says a word, nor closes.
func Silent(t testing.TB) netip.AddrPort {
	t.Helper()
	return TCP(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
}

// Tarpit drips one byte every interval for as long as the client stays.
func Tarpit(t testing.TB, interval time.Duration) netip.AddrPort {
	t.Helper()
	return TCP(t, func(c net.Conn) {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for range tick.C {
			if _, err := c.Write([]byte{'a'}); err != nil {
				return
			}
		}
	})
}

// Endless sends the line again and again, as fast as the client reads.
func Endless(t testing.TB, line string) netip.AddrPort {
	t.Helper()
	block := bytes.Repeat([]byte(line), 1+(32<<10)/max(1, len(line)))
	return TCP(t, func(c net.Conn) {
		for {
			if _, err := c.Write(block); err != nil {
				return
			}
		}
	})
}

// Garbage answers whatever comes with pseudo-random bytes of the seed.
func Garbage(t testing.TB, seed uint64) netip.AddrPort {
	t.Helper()
	return TCP(t, func(c net.Conn) {
		r := rand.New(rand.NewPCG(seed, seed))
		b := make([]byte, 4096)
		for {
			out := make([]byte, 1+r.IntN(2000))
			for i := range out {
				out[i] = byte(r.Uint32())
			}
			if _, err := c.Write(out); err != nil {
				return
			}
			if _, err := c.Read(b); err != nil {
				return
			}
		}
	})
}

// Closer accepts and closes at once.
func Closer(t testing.TB) netip.AddrPort {
	t.Helper()
	return TCP(t, func(net.Conn) {})
}
