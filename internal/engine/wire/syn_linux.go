package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// SYN asks the TCP ports of one host with bare SYN segments: the kernel resets what answers, so no service ever sees a
// connection. It needs CAP_NET_RAW.
type SYN struct {
	net    *Net
	to     netip.Addr
	source netip.Addr
	port   uint16 // ours
	seq    uint32
	hold   int // a bound socket that keeps the port for us
	out    int
	in     int

	mu      sync.Mutex
	waiting map[uint16]chan Answer
	closed  bool
	done    chan struct{}
}

var errNoSYN = errors.New("no SYN scan")

// SYN prepares the scan of a host of the plan. An error means that this machine, or the kind of address, allows none.
func (n *Net) SYN(to netip.Addr) (*SYN, error) {
	to = to.Unmap()
	if !n.Allowed(to) {
		return nil, ErrOutOfScope
	}
	s := &SYN{net: n, to: to, seq: rand.Uint32(), hold: -1, out: -1, in: -1, waiting: map[uint16]chan Answer{}, done: make(chan struct{})}
	if err := s.open(); err != nil {
		s.closeAll()
		return nil, fmt.Errorf("%w: %w", errNoSYN, err)
	}
	go s.listen()
	return s, nil
}

func (s *SYN) open() (err error) {
	if s.source, err = sourceFor(s.to); err != nil {
		return err
	}
	if err = s.holdPort(); err != nil {
		return err
	}
	if s.out, err = unix.Socket(s.family(), unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP); err != nil {
		return err
	}
	_ = unix.SetsockoptInt(s.out, unix.SOL_SOCKET, unix.SO_RCVBUF, 1) // it only sends
	if s.in, err = unix.Socket(s.family(), unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP); err != nil {
		return err
	}
	if err = s.filter(); err != nil {
		return err
	}
	tv := unix.Timeval{Usec: 100_000} // the reader wakes now and then, so that Close ends it
	if err = unix.SetsockoptTimeval(s.in, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		return err
	}
	_ = unix.SetsockoptInt(s.in, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<20)
	return nil
}

func (s *SYN) family() int {
	if s.to.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// socketAddress of a raw or bound socket; a raw one of IPv6 wants the port to be zero.
func socketAddress(a netip.Addr) unix.Sockaddr {
	if a.Is4() {
		return &unix.SockaddrInet4{Addr: a.As4()}
	}
	at := &unix.SockaddrInet6{Addr: a.As16()}
	if i, err := net.InterfaceByName(a.Zone()); err == nil {
		at.ZoneId = uint32(i.Index)
	}
	return at
}

// holdPort takes a port of the kernel's choice.
func (s *SYN) holdPort() (err error) {
	if s.hold, err = unix.Socket(s.family(), unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	if err = unix.Bind(s.hold, socketAddress(s.source)); err != nil {
		return err
	}
	name, err := unix.Getsockname(s.hold)
	if err != nil {
		return err
	}
	switch own := name.(type) {
	case *unix.SockaddrInet4:
		s.port = uint16(own.Port)
	case *unix.SockaddrInet6:
		s.port = uint16(own.Port)
	default:
		return errNoSYN
	}
	return nil
}

// filter lets only segments from the host to our port into the reading socket. Of IPv6 the kernel gives the segment without
// its header: there the connected socket knows the host.
func (s *SYN) filter() error {
	if !s.to.Is4() {
		return unix.Connect(s.in, socketAddress(s.to))
	}
	from := binary.BigEndian.Uint32(s.to.AsSlice())
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 12},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 4, K: from},
		{Code: unix.BPF_LDX | unix.BPF_B | unix.BPF_MSH, K: 0},
		{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_IND, K: 2},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: uint32(s.port)},
		{Code: unix.BPF_RET | unix.BPF_K, K: 128},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	}
	return unix.SetsockoptSockFprog(s.in, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}

// sourceFor is the address from which this machine reaches another; no packet is sent.
func sourceFor(to netip.Addr) (netip.Addr, error) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 9)))
	if err != nil {
		return netip.Addr{}, err
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

// Close ends the scan; it may be called once.
func (s *SYN) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	<-s.done
	s.closeAll()
}

func (s *SYN) closeAll() {
	for _, fd := range []int{s.hold, s.out, s.in} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

func (s *SYN) listen() {
	defer close(s.done)
	b := make([]byte, 256)
	for {
		s.mu.Lock()
		closed := s.closed
		s.mu.Unlock()
		if closed {
			return
		}
		n, _, err := unix.Recvfrom(s.in, b, 0)
		if err != nil {
			if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
				continue
			}
			return
		}
		s.heard(b[:n])
	}
}

// heard reads a segment: SYN and ACK of our sequence number mean open, RST closed (RFC 9293, 3.10.7.3).
func (s *SYN) heard(b []byte) {
	t := b
	if s.to.Is4() && len(b) > 0 {
		t = b[min(len(b), int(b[0]&15)*4):]
	}
	if len(t) < 20 || binary.BigEndian.Uint16(t[2:]) != s.port {
		return
	}
	flags, ack := t[13], binary.BigEndian.Uint32(t[8:])
	port := binary.BigEndian.Uint16(t)
	answer := Silent
	switch {
	case ack != s.seqOf(port)+1:
		return
	case flags&0x17 == 0x12:
		answer = Open
	case flags&4 != 0:
		answer = Closed
	default:
		return
	}
	s.mu.Lock()
	w := s.waiting[port]
	delete(s.waiting, port)
	s.mu.Unlock()
	if w != nil {
		w <- answer
	}
}

// seqOf differs by port, so that only who saw the SYN can answer it.
func (s *SYN) seqOf(port uint16) uint32 { return s.seq + uint32(port)*2654435761 }

// Knock sends one SYN and waits for its answer. It takes no token: the caller calls Wait before. err is ctx's.
func (s *SYN) Knock(ctx context.Context, port uint16, timeout time.Duration) (Answer, error) {
	w := make(chan Answer, 1)
	s.mu.Lock()
	s.waiting[port] = w
	s.mu.Unlock()
	if err := unix.Sendto(s.out, s.segment(port), 0, socketAddress(s.to)); err != nil { // Sendto writes into the address
		s.forget(port, w)
		return AnswerOf(err), ctx.Err()
	}
	t := time.NewTimer(timeout)
	defer t.Stop()
	select {
	case a := <-w:
		return a, nil
	case <-ctx.Done():
		s.forget(port, w)
		return Silent, ctx.Err()
	case <-t.C:
		s.forget(port, w)
		return Silent, nil
	}
}

func (s *SYN) forget(port uint16, w chan Answer) {
	s.mu.Lock()
	if s.waiting[port] == w {
		delete(s.waiting, port)
	}
	s.mu.Unlock()
}

// segment is a SYN with the usual maximum segment size; the kernel adds the IP header.
func (s *SYN) segment(port uint16) []byte {
	b := make([]byte, 24)
	binary.BigEndian.PutUint16(b, s.port)
	binary.BigEndian.PutUint16(b[2:], port)
	binary.BigEndian.PutUint32(b[4:], s.seqOf(port))
	b[12], b[13] = 6<<4, 2
	binary.BigEndian.PutUint16(b[14:], 64240)
	copy(b[20:], []byte{2, 4, 5, 0xb4})
	binary.BigEndian.PutUint16(b[16:], s.checksum(b))
	return b
}

// checksum over pseudo-header and segment.
func (s *SYN) checksum(b []byte) uint16 {
	sum := uint32(unix.IPPROTO_TCP) + uint32(len(b))
	add := func(p []byte) {
		for ; len(p) >= 2; p = p[2:] {
			sum += uint32(binary.BigEndian.Uint16(p))
		}
	}
	add(s.source.AsSlice())
	add(s.to.AsSlice())
	add(b)
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}
