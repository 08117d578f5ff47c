package check

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

var dnsChecks = []check{
	{"dns-version", []string{"info.version"}, overDNS, dnsVersion},
	{"dns-recursion", []string{"dns.open-recursion"}, overDNS, openRecursion},
	{"dns-axfr", []string{"dns.axfr"}, over("tcp", "dns"), zoneTransfers},
}

func overDNS(t wire.Target) bool { return protocol(t) == "dns" }

const dnsWait = 4 * time.Second

// exchange asks over the service's own transport.
func (e *env) exchange(ctx context.Context, m *dns.Msg, patience time.Duration) (*dns.Msg, error) {
	c, err := e.n.Dial(ctx, e.t.Service.Protocol, e.t.AddrPort())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	r, err := roundTrip(c, m, e.t.Service.Protocol == "udp")
	if err == nil && r.Id != m.Id {
		err = errProtocol
	}
	return r, err
}

// roundTrip packs by hand for datagrams: the library knows them by the connection's type, which is hidden here.
func roundTrip(c net.Conn, m *dns.Msg, datagram bool) (*dns.Msg, error) {
	if !datagram {
		conn := &dns.Conn{Conn: c}
		if err := conn.WriteMsg(m); err != nil {
			return nil, fmt.Errorf("query: %w", err)
		}
		r, err := conn.ReadMsg()
		if err != nil {
			return nil, fmt.Errorf("answer: %w", err)
		}
		return r, nil
	}
	query, err := m.Pack()
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	if _, err := c.Write(query); err != nil {
		return nil, err
	}
	buf := make([]byte, 4096)
	k, err := c.Read(buf)
	if err != nil {
		return nil, err
	}
	r := new(dns.Msg)
	if err := r.Unpack(buf[:k]); err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	return r, nil
}

func dnsVersion(ctx context.Context, e *env) []scanlink.Finding {
	m := new(dns.Msg)
	m.SetQuestion("version.bind.", dns.TypeTXT)
	m.Question[0].Qclass = dns.ClassCHAOS
	r, err := e.exchange(ctx, m, dnsWait)
	if err != nil {
		return nil
	}
	for _, rr := range r.Answer {
		if txt, ok := rr.(*dns.TXT); ok && strings.ContainsAny(strings.Join(txt.Txt, ""), "0123456789") {
			return one(e.found("info.version", []byte("version.bind. CH TXT"), []byte(strings.Join(txt.Txt, " ")), "The name server tells its version."))
		}
	}
	return nil
}

// openRecursion wants a name looked up that is certainly not the server's own. It is open if it says that recursion is
// available and tries: it answers anything but REFUSED, without authority, or is still at it while another question is
// answered at once.
func openRecursion(ctx context.Context, e *env) []scanlink.Finding {
	m := new(dns.Msg)
	m.SetQuestion(canary()+".example.com.", dns.TypeA)
	r, err := e.exchange(ctx, m, 2*dnsWait)
	if err != nil {
		return e.stillRecursing(ctx)
	}
	if !r.RecursionAvailable || r.Authoritative || !slices.Contains([]int{dns.RcodeSuccess, dns.RcodeNameError, dns.RcodeServerFailure}, r.Rcode) {
		return nil
	}
	return one(e.found("dns.open-recursion", []byte(m.Question[0].String()), []byte(r.String()),
		"A name outside its zones is looked up for anybody ("+dns.RcodeToString[r.Rcode]+")."))
}

func (e *env) stillRecursing(ctx context.Context) []scanlink.Finding {
	m := new(dns.Msg)
	m.SetQuestion("localhost.", dns.TypeA)
	r, err := e.exchange(ctx, m, dnsWait)
	if err != nil || !r.RecursionAvailable || r.Rcode == dns.RcodeRefused {
		return nil
	}
	f := e.found("dns.open-recursion", []byte(m.Question[0].String()), []byte(r.String()),
		"The server says that it recurses for anybody, and did not refuse to look up a foreign name, though no answer came in time.")
	f.QoD = 95
	return one(f)
}

// zoneTransfers asks for every zone that the names known of the target lie in, and that the server itself points at.
func zoneTransfers(ctx context.Context, e *env) []scanlink.Finding {
	var out []scanlink.Finding
	for _, zone := range e.zones(ctx) {
		if records := e.axfr(ctx, zone); len(records) > 0 {
			f := e.found("dns.axfr", []byte(zone+" AXFR"), []byte(strings.Join(records, "\n")), fmt.Sprintf("The whole zone %s is given to anybody.", zone))
			f.Path = strings.TrimSuffix(zone, ".")
			out = append(out, f)
		}
	}
	return out
}

const maxZones = 24

// zones are the parents of the names, for which the server has a SOA of its own, and its reverse zone.
func (e *env) zones(ctx context.Context) []string {
	var asked, zones []string
	for _, name := range slices.Concat(e.t.Host.Names, e.o.Names, e.reverseNames(ctx)) {
		name = strings.TrimPrefix(strings.ToLower(name), "*.")
		if _, err := netip.ParseAddr(name); err == nil || !strings.Contains(strings.Trim(name, "."), ".") {
			continue
		}
		for name = dns.Fqdn(name); dns.CountLabel(name) >= 2 && len(asked) < 4*maxZones; name = parent(name) {
			if slices.Contains(asked, name) {
				break
			}
			asked = append(asked, name)
			if e.authoritative(ctx, name) && len(zones) < maxZones {
				zones = append(zones, name)
			}
		}
	}
	return zones
}

func parent(name string) string {
	next, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[next:]
}

func (e *env) authoritative(ctx context.Context, zone string) bool {
	m := new(dns.Msg)
	m.SetQuestion(zone, dns.TypeSOA)
	m.RecursionDesired = false
	r, err := e.exchange(ctx, m, dnsWait)
	if err != nil || !r.Authoritative {
		return false
	}
	return slices.ContainsFunc(r.Answer, func(rr dns.RR) bool {
		return rr.Header().Rrtype == dns.TypeSOA && strings.EqualFold(rr.Header().Name, zone)
	})
}

// reverseNames asks the server itself for the name of its address.
func (e *env) reverseNames(ctx context.Context) []string {
	arpa, err := dns.ReverseAddr(e.t.Host.Address.Unmap().String())
	if err != nil {
		return nil
	}
	m := new(dns.Msg)
	m.SetQuestion(arpa, dns.TypePTR)
	r, err := e.exchange(ctx, m, dnsWait)
	if err != nil {
		return nil
	}
	names := []string{arpa}
	for _, rr := range r.Answer {
		if ptr, ok := rr.(*dns.PTR); ok {
			names = append(names, ptr.Ptr)
		}
	}
	return names
}

const maxRecords = 40

// axfr gives the first records of a transfer; nil where it is refused.
func (e *env) axfr(ctx context.Context, zone string) []string {
	c, err := e.n.Dial(ctx, "tcp", e.t.AddrPort())
	if err != nil {
		return nil
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * dnsWait))
	m := new(dns.Msg)
	m.SetAxfr(zone)
	conn := &dns.Conn{Conn: c}
	if conn.WriteMsg(m) != nil {
		return nil
	}
	r, err := conn.ReadMsg()
	if err != nil || r.Id != m.Id || r.Rcode != dns.RcodeSuccess || len(r.Answer) == 0 || r.Answer[0].Header().Rrtype != dns.TypeSOA {
		return nil
	}
	if len(r.Answer) == 1 { // a SOA alone may be all of an answer to an IXFR, or the first message of more
		more, err := conn.ReadMsg()
		if err != nil || len(more.Answer) == 0 {
			return nil
		}
		r.Answer = append(r.Answer, more.Answer...)
	}
	var records []string
	for _, rr := range r.Answer[:min(len(r.Answer), maxRecords)] {
		records = append(records, rr.String())
	}
	return records
}
