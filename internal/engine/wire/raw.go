package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Pinger sends ICMP echo requests to hosts of the plan. It holds state only for requests under way.
type Pinger struct {
	net     *Net
	v4, v6  *icmp.PacketConn
	raw     bool
	mu      sync.Mutex
	waiting map[netip.Addr]chan struct{}
}

// ErrNoICMP is returned where the machine lets this program send no ICMP.
var ErrNoICMP = errors.New("no permission for ICMP")

// Pinger opens sockets for ICMP: raw ones where permitted, else the datagram kind that Linux grants to groups.
func (n *Net) Pinger() (*Pinger, error) {
	p := &Pinger{net: n, waiting: map[netip.Addr]chan struct{}{}, raw: true}
	var err error
	if p.v4, err = icmp.ListenPacket("ip4:icmp", ""); err != nil {
		p.raw = false
		if p.v4, err = icmp.ListenPacket("udp4", ""); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoICMP, err)
		}
	}
	network := "ip6:ipv6-icmp"
	if !p.raw {
		network = "udp6"
	}
	if p.v6, err = icmp.ListenPacket(network, ""); err == nil {
		go p.listen(p.v6, 58)
	} else {
		p.v6 = nil
	}
	go p.listen(p.v4, 1)
	return p, nil
}

// Close ends all.
func (p *Pinger) Close() {
	p.v4.Close()
	if p.v6 != nil {
		p.v6.Close()
	}
}

const pingID = 0x5644

func (p *Pinger) listen(c *icmp.PacketConn, protocol int) {
	b := make([]byte, 1500)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		m, err := icmp.ParseMessage(protocol, b[:n])
		if err != nil || m.Type != ipv4.ICMPTypeEchoReply && m.Type != ipv6.ICMPTypeEchoReply {
			continue
		}
		if e, ok := m.Body.(*icmp.Echo); !ok || p.raw && e.ID != pingID {
			continue
		}
		if a, ok := addrOf(from); ok {
			p.mu.Lock()
			if w := p.waiting[a]; w != nil {
				close(w)
				delete(p.waiting, a)
			}
			p.mu.Unlock()
		}
	}
}

func addrOf(a net.Addr) (netip.Addr, bool) {
	switch a := a.(type) {
	case *net.IPAddr:
		x, ok := netip.AddrFromSlice(a.IP)
		return x.Unmap(), ok
	case *net.UDPAddr:
		x, ok := netip.AddrFromSlice(a.IP)
		return x.Unmap(), ok
	}
	return netip.Addr{}, false
}

// Ping sends up to tries echo requests and waits for an answer to any; it gives the round-trip time. False when none
// came. An error is ctx's, or that the plan does not name the address.
func (p *Pinger) Ping(ctx context.Context, to netip.Addr, tries int, wait time.Duration) (time.Duration, bool, error) {
	to = to.Unmap()
	answered := make(chan struct{})
	p.mu.Lock()
	p.waiting[to] = answered
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		if p.waiting[to] == answered {
			delete(p.waiting, to)
		}
		p.mu.Unlock()
	}()
	for i := range tries {
		if err := p.net.Wait(ctx, to); err != nil {
			return 0, false, err
		}
		start := time.Now()
		if err := p.send(to, i+1); err != nil {
			return 0, false, nil
		}
		t := time.NewTimer(wait)
		select {
		case <-answered:
			t.Stop()
			return time.Since(start), true, nil
		case <-ctx.Done():
			t.Stop()
			return 0, false, ctx.Err()
		case <-t.C:
		}
	}
	return 0, false, nil
}

func (p *Pinger) send(to netip.Addr, seq int) error {
	c, kind := p.v4, icmp.Type(ipv4.ICMPTypeEcho)
	if to.Is6() {
		c, kind = p.v6, ipv6.ICMPTypeEchoRequest
	}
	if c == nil {
		return ErrNoICMP
	}
	m := icmp.Message{Type: kind, Body: &icmp.Echo{ID: pingID, Seq: seq, Data: []byte("vedette vedette vedette vedette ")}}
	b, err := m.Marshal(nil)
	if err != nil {
		return err
	}
	var dst net.Addr = &net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	if !p.raw {
		dst = &net.UDPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	}
	_, err = c.WriteTo(b, dst)
	return err
}
