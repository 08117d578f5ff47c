// Package discover finds out which addresses of a plan have a host behind them. It keeps no state for the silent ones,
// so a list of any length takes the memory of those asked at the moment.
package discover

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
)

// Alive tests, as a plan names them.
const (
	Auto = "auto" // ARP on the own links, else ICMP and TCP together
	ICMP = "icmp"
	TCP  = "tcp"
	ARP  = "arp" // ICMP and TCP for hosts that are on no own link
	None = "none"
)

// Result of one address.
type Result struct {
	Alive bool
	RTT   time.Duration // 0 when unknown
	MAC   string
}

// Tester tests addresses; it is safe for concurrent use. Close it after the last.
type Tester struct {
	net    *wire.Net
	how    string
	pinger *wire.Pinger
	arp    *wire.ARP
}

// New prepares the sockets that the alive test needs, as far as this machine permits; what it does not permit is left out.
func New(n *wire.Net, how string) *Tester {
	t := &Tester{net: n, how: how}
	if how == "" {
		t.how = Auto
	}
	if t.how == None {
		return t
	}
	if t.how != TCP {
		t.pinger, _ = n.Pinger()
	}
	if t.how == Auto || t.how == ARP {
		t.arp = n.ARP()
	}
	return t
}

// Close ends the sockets.
func (t *Tester) Close() {
	if t.pinger != nil {
		t.pinger.Close()
	}
	if t.arp != nil {
		t.arp.Close()
	}
}

// knocked are the TCP ports of the alive test: open or refused, either is a sign of life.
var knocked = []uint16{443, 80, 22, 445, 3389, 25, 53, 21, 8080, 8443, 110, 143, 5900, 3306, 23, 111}

const wait = 700 * time.Millisecond

// Test asks one address. An error is ctx's, or that the plan does not name the address.
func (t *Tester) Test(ctx context.Context, a netip.Addr) (Result, error) {
	if !t.net.Allowed(a) {
		return Result{}, wire.ErrOutOfScope
	}
	switch {
	case t.how == None:
		return Result{Alive: true}, ctx.Err()
	case t.arp != nil && t.arp.OnLink(a):
		mac, rtt, err := t.arp.Ask(ctx, a, 3, wait/2)
		return Result{Alive: mac != nil, RTT: rtt, MAC: strings.ToUpper(mac.String())}, err
	case t.how == TCP || t.pinger == nil:
		return t.tcp(ctx, a)
	case t.how == ICMP:
		return t.icmp(ctx, a)
	}
	return t.both(ctx, a)
}

func (t *Tester) icmp(ctx context.Context, a netip.Addr) (Result, error) {
	rtt, alive, err := t.pinger.Ping(ctx, a, 3, wait)
	return Result{Alive: alive, RTT: rtt}, err
}

// both asks by ICMP and TCP; the first sign of life ends the other.
func (t *Tester) both(ctx context.Context, a netip.Addr) (Result, error) {
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		Result
		err error
	}
	answers := make(chan answer, 2)
	go func() {
		r, err := t.icmp(work, a)
		answers <- answer{r, err}
	}()
	go func() {
		r, err := t.tcp(work, a)
		answers <- answer{r, err}
	}()
	for range 2 {
		if r := <-answers; r.Alive {
			return r.Result, nil
		}
	}
	return Result{}, ctx.Err()
}

// tcp knocks at common ports, a few at a time.
func (t *Tester) tcp(ctx context.Context, a netip.Addr) (Result, error) {
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	for at := 0; at < len(knocked); at += 4 {
		group := knocked[at:min(at+4, len(knocked))]
		found := make(chan time.Duration, len(group))
		for _, port := range group {
			go func() { found <- t.knock(work, netip.AddrPortFrom(a, port)) }()
		}
		for range group {
			if rtt := <-found; rtt > 0 {
				return Result{Alive: true, RTT: rtt}, nil
			}
		}
		if ctx.Err() != nil {
			return Result{}, ctx.Err()
		}
	}
	return Result{}, nil
}

// knock gives the round-trip time, 0 without an answer from the host.
func (t *Tester) knock(ctx context.Context, to netip.AddrPort) time.Duration {
	if t.net.Wait(ctx, to.Addr()) != nil {
		return 0
	}
	start := clock.Monotonic()
	answer, err := t.net.Knock(ctx, to, wait)
	if err != nil || answer != wire.Open && answer != wire.Closed {
		return 0
	}
	return max(clock.Since(start), time.Microsecond)
}

// Names looks up the names of an address with this machine's resolver, for at most two seconds; they are hints only.
func Names(ctx context.Context, a netip.Addr) []string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	found, err := net.DefaultResolver.LookupAddr(ctx, a.String())
	if err != nil {
		return nil
	}
	var names []string
	for _, n := range found[:min(len(found), 8)] {
		if n = strings.ToLower(strings.TrimSuffix(n, ".")); validName(n) {
			names = append(names, n)
		}
	}
	return names
}

// validName keeps what anyone may have put into a reverse zone out of Host headers and pages.
func validName(n string) bool {
	if len(n) == 0 || len(n) > 253 {
		return false
	}
	for i := range len(n) {
		c := n[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return true
}
