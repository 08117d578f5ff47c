package collaborator

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/netutil"
)

const (
	maxNameConns = 32
	nameTimeout  = 5 * time.Second
	ttl          = 60
)

// openNames serves the zone by UDP and TCP.
func (s *Server) openNames() error {
	at := netip.AddrPortFrom(s.config.Listen, s.config.DNS)
	var l net.Listener
	var u net.PacketConn
	var err error
	for try := range 10 { // a free port of one protocol may be taken in the other
		if u, err = (&net.ListenConfig{}).ListenPacket(s.ctx, "udp", at.String()); err != nil {
			return err
		}
		bound, parse := netip.ParseAddrPort(u.LocalAddr().String())
		if parse != nil {
			return parse
		}
		if l, err = (&net.ListenConfig{}).Listen(s.ctx, "tcp", netip.AddrPortFrom(at.Addr(), bound.Port()).String()); err == nil {
			s.config.DNS = bound.Port()
			break
		}
		u.Close()
		if at.Port() != 0 || try == 9 {
			return err
		}
	}
	tcp := &dns.Server{
		Listener: netutil.LimitListener(l, maxNameConns), Handler: dns.HandlerFunc(s.answer), ReadTimeout: nameTimeout, WriteTimeout: nameTimeout,
		IdleTimeout: func() time.Duration { return nameTimeout }, MaxTCPQueries: 16,
	}
	udp := &dns.Server{PacketConn: u, Handler: dns.HandlerFunc(s.answer), UDPSize: 1232}
	s.names = []*dns.Server{tcp, udp}
	for _, n := range s.names {
		up := make(chan struct{})
		n.NotifyStartedFunc = func() { close(up) }
		s.work.Go(func() { _ = n.ActivateAndServe() })
		select {
		case <-up:
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		}
	}
	return nil
}

// answer speaks for the zone alone. It never answers with much more than it was asked, so that nobody can use it to
// flood another (RFC 5358).
func (s *Server) answer(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg)
	switch {
	case q.Response:
		return
	case len(q.Question) != 1:
		m.SetRcode(q, dns.RcodeFormatError)
	case q.Opcode != dns.OpcodeQuery:
		m.SetRcode(q, dns.RcodeNotImplemented)
	default:
		s.resolve(m, q)
	}
	if o := q.IsEdns0(); o != nil {
		m.SetEdns0(1232, false)
	}
	if m.Rcode == dns.RcodeSuccess {
		s.tell(Interaction{Protocol: "dns", Source: sourceOf(w.RemoteAddr()), Request: q.String(), Response: m.String()})
	}
	_ = w.WriteMsg(m) // who asked may be gone
}

func (s *Server) resolve(m, q *dns.Msg) {
	question := q.Question[0]
	apex := dns.Fqdn(s.config.Zone)
	name := strings.ToLower(question.Name)
	if !dns.IsSubDomain(apex, name) || question.Qclass != dns.ClassINET {
		m.SetRcode(q, dns.RcodeRefused)
		return
	}
	m.SetReply(q)
	m.Authoritative, m.RecursionAvailable = true, false
	head := func(kind uint16) dns.RR_Header {
		return dns.RR_Header{Name: question.Name, Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
	}
	address := s.config.Public
	switch kind := question.Qtype; {
	case kind == dns.TypeA && address.Is4():
		m.Answer = []dns.RR{&dns.A{Hdr: head(kind), A: address.AsSlice()}}
	case kind == dns.TypeAAAA && address.Is6():
		m.Answer = []dns.RR{&dns.AAAA{Hdr: head(kind), AAAA: address.AsSlice()}}
	case kind == dns.TypeMX:
		m.Answer = []dns.RR{&dns.MX{Hdr: head(kind), Preference: 10, Mx: question.Name}}
	case kind == dns.TypeNS && name == apex:
		m.Answer = []dns.RR{&dns.NS{Hdr: head(kind), Ns: "ns." + apex}}
	case kind == dns.TypeSOA && name == apex:
		m.Answer = []dns.RR{soa(apex)}
	default:
		m.Ns = []dns.RR{soa(apex)} // the name is there, and has nothing of that type
	}
}

func soa(apex string) dns.RR {
	return &dns.SOA{
		Hdr: dns.RR_Header{Name: apex, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: ttl},
		Ns:  "ns." + apex, Mbox: "hostmaster." + apex, Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: ttl,
	}
}

func sourceOf(a net.Addr) netip.AddrPort {
	at, _ := netip.ParseAddrPort(a.String())
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}
