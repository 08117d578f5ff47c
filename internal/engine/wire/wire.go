// Package wire is the engine's only way to the network. It keeps to the plan's addresses, counts connections against
// the plan's rates, bounds what is read, and ends everything when the scan is stopped.
package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"golang.org/x/time/rate"

	"github.com/vedette/vedette/internal/scanlink"
)

// ErrOutOfScope is returned for an address that the plan does not name.
var ErrOutOfScope = errors.New("address is outside the scan's plan")

// Net reaches the hosts of one plan. It is safe for concurrent use.
type Net struct {
	allowed map[netip.Addr]bool
	total   *rate.Limiter
	host    map[netip.Addr]*rate.Limiter
	timeout time.Duration
	tally   *Tally
}

// Limits of a Net. Zero rates mean no limit; a zero timeout is five seconds.
type Limits struct {
	Rate     int           // new connections or datagrams a second in total
	HostRate int           // the same a host
	Timeout  time.Duration // of one connect
}

// New allows exactly the hosts of the plan.
func New(hosts []scanlink.PlanHost, limits Limits) *Net {
	n := &Net{allowed: make(map[netip.Addr]bool, len(hosts)), timeout: limits.Timeout}
	if n.timeout == 0 {
		n.timeout = 5 * time.Second
	}
	if limits.Rate > 0 {
		n.total = rate.NewLimiter(rate.Limit(limits.Rate), max(1, limits.Rate/10))
	}
	if limits.HostRate > 0 {
		n.host = make(map[netip.Addr]*rate.Limiter, len(hosts))
	}
	for _, h := range hosts {
		n.allowed[h.Address.Unmap()] = true
		if n.host != nil {
			n.host[h.Address.Unmap()] = rate.NewLimiter(rate.Limit(limits.HostRate), max(1, limits.HostRate/10))
		}
	}
	return n
}

// Allowed says whether the plan names the address. Callers check it after each DNS answer and redirect.
func (n *Net) Allowed(a netip.Addr) bool { return n.allowed[a.Unmap()] }

// Wait takes one token for a probe to the address, or returns when ctx ends. ErrOutOfScope for a strange address.
func (n *Net) Wait(ctx context.Context, a netip.Addr) error {
	a = a.Unmap()
	if !n.allowed[a] {
		return fmt.Errorf("%w: %s", ErrOutOfScope, a)
	}
	if l := n.host[a]; l != nil {
		if err := l.Wait(ctx); err != nil {
			return err
		}
	}
	if n.total != nil {
		return n.total.Wait(ctx)
	}
	return ctx.Err()
}

// Dial connects to an address of the plan over tcp or udp. The connection is closed when ctx ends, so a stop reaches
// every socket at once.
func (n *Net) Dial(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
	if err := n.Wait(ctx, to.Addr()); err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: n.timeout}
	c, err := d.DialContext(ctx, network, to.String())
	if t := n.tally; t != nil && network == "tcp" && (t.Port == 0 || t.Port == to.Port()) {
		if err != nil && again(ctx) == nil && n.Wait(ctx, to.Addr()) == nil {
			c, err = d.DialContext(ctx, network, to.String())
		}
		if ctx.Err() == nil {
			t.Count(err == nil)
		}
	}
	if err != nil {
		return nil, err
	}
	return held(ctx, c), nil
}

// DialContext has the signature that http.Transport wants. A host name is refused: callers put the address into the
// URL's place and the name into Host and SNI.
func (n *Net) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %s is no address", ErrOutOfScope, address)
	}
	return n.Dial(ctx, network, to)
}

// Read returns at most limit bytes: what arrives until the peer closes, the deadline passes or the limit is reached.
// An error is returned only when nothing arrived.
func Read(c net.Conn, limit int, wait time.Duration) ([]byte, error) {
	if err := c.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return nil, err
	}
	b := make([]byte, 0, min(limit, 4096))
	for len(b) < limit {
		chunk := make([]byte, min(4096, limit-len(b)))
		k, err := c.Read(chunk)
		b = append(b, chunk[:k]...)
		if err != nil {
			if len(b) == 0 && !errors.Is(err, io.EOF) {
				return nil, err
			}
			return b, nil
		}
		if k < len(chunk) { // a banner or answer has come whole; wait only shortly for more
			_ = c.SetReadDeadline(time.Now().Add(min(wait, 200*time.Millisecond)))
		}
	}
	return b, nil
}

// Printable makes hostile bytes safe to keep and show: valid UTF-8, control characters as \xNN but for line ends and
// tabs, at most limit bytes.
func Printable(b []byte, limit int) string {
	out := make([]rune, 0, min(len(b), limit))
	size := 0
	for _, r := range string(b) {
		text := string(r)
		if (r < 0x20 && r != '\n' && r != '\r' && r != '\t') || r == 0x7f || r == 0xfffd || (r >= 0x80 && r < 0xa0) ||
			(r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
			text = fmt.Sprintf(`\x%02x`, r)
		}
		if size += len(text); size > limit {
			break
		}
		out = append(out, []rune(text)...)
	}
	return string(out)
}

// Target is one service of one host, as the later stages get it.
type Target struct {
	Host    scanlink.PlanHost
	Service scanlink.Service
	Roots   []string // PEM certificates trusted besides the machine's own
	Contact string   // for the User-Agent
}

// AddrPort of the service.
func (t Target) AddrPort() netip.AddrPort {
	return netip.AddrPortFrom(t.Host.Address, t.Service.Port)
}

// Name is the host name to use in SNI and Host; empty where the customer gave none.
func (t Target) Name() string {
	if len(t.Host.Names) == 0 {
		return ""
	}
	return t.Host.Names[0]
}

// Finding starts a finding at this target.
func (t Target) Finding(class, check string, qod int) scanlink.Finding {
	return scanlink.Finding{
		Address: t.Host.Address, Port: t.Service.Port, Protocol: t.Service.Protocol,
		Class: class, Check: check, QoD: qod,
	}
}
