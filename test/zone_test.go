package test

import (
	"net"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// zone is a DNS server of this test: addresses and texts by name, which may change.
type zone struct {
	address          string
	mu               sync.Mutex
	addresses, texts map[string]string
}

func newZone(t testing.TB) *zone {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	z := &zone{address: conn.LocalAddr().String(), addresses: map[string]string{}, texts: map[string]string{}}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(z.answer)}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	return z
}

func (z *zone) answer(w dns.ResponseWriter, question *dns.Msg) {
	z.mu.Lock()
	defer z.mu.Unlock()
	answer, asked := new(dns.Msg).SetReply(question), question.Question[0]
	header := dns.RR_Header{Name: asked.Name, Rrtype: asked.Qtype, Class: dns.ClassINET}
	switch {
	case asked.Qtype == dns.TypeA && z.addresses[asked.Name] != "":
		answer.Answer = append(answer.Answer, &dns.A{Hdr: header, A: net.ParseIP(z.addresses[asked.Name])})
	case asked.Qtype == dns.TypeTXT && z.texts[asked.Name] != "":
		answer.Answer = append(answer.Answer, &dns.TXT{Hdr: header, Txt: []string{z.texts[asked.Name]}})
	case z.addresses[asked.Name] == "" && z.texts[asked.Name] == "":
		answer.Rcode = dns.RcodeNameError
	}
	_ = w.WriteMsg(answer)
}

// leads lets a name lead to an address.
func (z *zone) leads(name, address string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.addresses[name+"."] = address
}

// says lets a name have a text.
func (z *zone) says(name, text string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.texts[name+"."] = text
}
