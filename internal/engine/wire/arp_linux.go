package wire

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ARP asks hosts of the plan on this machine's own links for their hardware address.
type ARP struct {
	net     *Net
	links   []arpLink
	mu      sync.Mutex
	waiting map[netip.Addr]chan net.HardwareAddr
}

type arpLink struct {
	fd     int
	index  int
	source netip.Addr
	prefix netip.Prefix
	mac    net.HardwareAddr
}

// ARP opens packet sockets on the links that hold a host of the plan; nil where there is none, or no permission.
func (n *Net) ARP() *ARP {
	a := &ARP{net: n, waiting: map[netip.Addr]chan net.HardwareAddr{}}
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 || len(i.HardwareAddr) != 6 {
			continue
		}
		addresses, _ := i.Addrs()
		for _, x := range addresses {
			p, err := netip.ParsePrefix(x.String())
			if err != nil || !p.Addr().Is4() || p.Bits() >= 31 {
				continue
			}
			if l, ok := openLink(i, p); ok {
				a.links = append(a.links, l)
				go a.listen(l.fd)
			}
		}
	}
	if len(a.links) == 0 {
		return nil
	}
	return a
}

func openLink(i net.Interface, p netip.Prefix) (arpLink, bool) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(htons(unix.ETH_P_ARP)))
	if err != nil {
		return arpLink{}, false
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ARP), Ifindex: i.Index}); err != nil {
		unix.Close(fd)
		return arpLink{}, false
	}
	// The reader wakes now and then, so that Close ends it.
	tv := unix.Timeval{Usec: 200_000}
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv)
	return arpLink{fd: fd, index: i.Index, source: p.Addr(), prefix: p.Masked(), mac: i.HardwareAddr}, true
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }

// Close ends all.
func (a *ARP) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting = nil
}

func (a *ARP) listen(fd int) {
	defer unix.Close(fd)
	b := make([]byte, 128)
	for {
		a.mu.Lock()
		closed := a.waiting == nil
		a.mu.Unlock()
		if closed {
			return
		}
		n, _, err := unix.Recvfrom(fd, b, 0)
		if err != nil {
			if err == unix.EAGAIN || err == unix.EINTR {
				continue
			}
			return
		}
		a.heard(b[:n])
	}
}

// heard reads a reply of RFC 826 for Ethernet and IPv4.
func (a *ARP) heard(b []byte) {
	if len(b) < 28 || binary.BigEndian.Uint16(b[6:]) != 2 || b[4] != 6 || b[5] != 4 {
		return
	}
	from := netip.AddrFrom4([4]byte(b[14:18]))
	a.mu.Lock()
	defer a.mu.Unlock()
	if w := a.waiting[from]; w != nil {
		delete(a.waiting, from)
		w <- append(net.HardwareAddr(nil), b[8:14]...)
	}
}

// OnLink says whether the address is on one of the links.
func (a *ARP) OnLink(to netip.Addr) bool { return a.link(to) != nil }

func (a *ARP) link(to netip.Addr) *arpLink {
	for i := range a.links {
		if a.links[i].prefix.Contains(to) && a.links[i].source != to {
			return &a.links[i]
		}
	}
	return nil
}

// Ask sends up to tries requests and waits for an answer; nil when none came. An error is ctx's, or that the plan does
// not name the address.
func (a *ARP) Ask(ctx context.Context, to netip.Addr, tries int, wait time.Duration) (net.HardwareAddr, time.Duration, error) {
	l := a.link(to)
	if l == nil {
		return nil, 0, nil
	}
	w := make(chan net.HardwareAddr, 1)
	a.mu.Lock()
	if a.waiting == nil {
		a.mu.Unlock()
		return nil, 0, net.ErrClosed
	}
	a.waiting[to] = w
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		if a.waiting != nil && a.waiting[to] == w {
			delete(a.waiting, to)
		}
		a.mu.Unlock()
	}()
	for range tries {
		if err := a.net.Wait(ctx, to); err != nil {
			return nil, 0, err
		}
		start := time.Now()
		if l.send(to) != nil {
			return nil, 0, nil
		}
		t := time.NewTimer(wait)
		select {
		case mac := <-w:
			t.Stop()
			return mac, time.Since(start), nil
		case <-ctx.Done():
			t.Stop()
			return nil, 0, ctx.Err()
		case <-t.C:
		}
	}
	return nil, 0, nil
}

func (l *arpLink) send(to netip.Addr) error {
	b := []byte{0, 1, 8, 0, 6, 4, 0, 1}
	b = append(b, l.mac...)
	b = append(b, l.source.AsSlice()...)
	b = append(b, 0, 0, 0, 0, 0, 0)
	b = append(b, to.AsSlice()...)
	return unix.Sendto(l.fd, b, 0, &unix.SockaddrLinklayer{
		Protocol: htons(unix.ETH_P_ARP), Ifindex: l.index, Hatype: unix.ARPHRD_ETHER, Halen: 6,
		Addr: [8]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	})
}
