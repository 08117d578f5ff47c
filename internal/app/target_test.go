package app

import (
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// zone is a DNS server of this test: addresses and texts by name, which may change.
type zone struct {
	sync.Mutex
	addresses, texts map[string]string
}

func (z *zone) set(of map[string]string, name, value string) {
	z.Lock()
	defer z.Unlock()
	of[name+"."] = value
}

// serve the zone, and give its address.
func (z *zone) serve(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, question *dns.Msg) {
		z.Lock()
		defer z.Unlock()
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
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	return conn.LocalAddr().String()
}

type control struct {
	Proven bool
	Hosts  []struct {
		Host       string
		Needed     bool
		Proven     bool
		State      *string
		Challenges []struct{ Method, Where, What string }
	}
}

// TestControl: a shared scanner attacks only what is proven; a name that leads to a forbidden address later is refused at the start.
func TestControl(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			z := &zone{addresses: map[string]string{}, texts: map[string]string{}}
			p := start(t, dialect, "VEDETTE_DNS_SERVER="+z.serve(t))
			north := p.organization("admin", "north", access.Manager)
			const by = "manager@north"
			p.must(200, by, "PUT", "/v2/user/change_product?product_code=vrms", nil)
			z.set(z.addresses, "www.shop.example", "198.51.100.7")
			made := object{"name": "shop", "hosts": []string{"www.shop.example", "203.0.113.8", "192.0.2.1"}}
			target := p.must(201, by, "POST", "/v2/targets", object{"target": made}).id(p)
			scan := p.scan(by, "shop", target)
			p.proves(by, north, z, target, scan)
			p.rebinds(by, z, target, scan)
		})
	}
}

func (p *program) proves(by, org string, z *zone, target, scan string) {
	p.Helper()
	begin, verify := "/v2/scans/"+scan+"/start", "/v2/targets/"+target+"/verify_control"
	if x := p.refused(422, by, "POST", begin, nil); x.Code != "control_not_proven" || !strings.Contains(x.Detail, "www.shop.example") || strings.Contains(x.Detail, "192.0.2.1") {
		p.Errorf("unproven: %+v", x)
	}
	var c control
	p.must(200, by, "POST", verify, object{"method": "dns_txt"}).decode(p, &c)
	if c.Proven || len(c.Hosts) != 3 || *c.Hosts[0].State != "pending" || len(c.Hosts[0].Challenges) != 2 || c.Hosts[2].Needed {
		p.Fatalf("the first call: %+v", c)
	}
	txt := c.Hosts[0].Challenges[0]
	z.set(z.texts, txt.Where, "something else")
	p.must(200, by, "POST", verify, object{"method": "dns_txt"}).decode(p, &c)
	if c.Hosts[0].Proven || *c.Hosts[0].State != "failed" {
		p.Errorf("another text: %+v", c)
	}
	z.set(z.texts, txt.Where, txt.What)
	p.must(200, by, "POST", verify, object{"method": "dns_txt", "hosts": "www.shop.example"}).decode(p, &c)
	if !c.Hosts[0].Proven || *c.Hosts[0].State != "verified" || c.Proven {
		p.Errorf("proven: %+v", c)
	}
	p.refused(422, by, "POST", verify, object{"method": "dns_txt", "hosts": "203.0.113.9"})
	word := object{"method": "operator", "note": "contract 17"}
	p.refused(403, by, "POST", verify, word)
	p.must(200, "admin", "POST", verify+"?product=vrms", word, "X-Organization-Id", org).decode(p, &c)
	if !c.Proven {
		p.Errorf("an operator's word: %+v", c)
	}
	p.must(200, by, "POST", begin, nil)
	p.work(redis)
	p.later(366)
	if x := p.refused(422, by, "POST", begin, nil); x.Code != "control_not_proven" {
		p.Errorf("after a year: %+v", x)
	}
}

// rebinds: what was public when the target was made leads to forbidden places later. Discovery needs the recorded permission alone.
func (p *program) rebinds(by string, z *zone, target, scan string) {
	p.Helper()
	begin := "/v2/scans/" + scan + "/start"
	p.must(200, by, "PUT", "/v2/scans/"+scan, object{"scan": object{"profile": "discovery"}})
	if x := p.refused(422, by, "POST", begin, nil); x.Code != "scope_not_attested" {
		p.Errorf("without permission: %+v", x)
	}
	p.must(200, by, "PUT", "/v2/targets/"+target, object{"target": object{"scope_attestation": object{"accepted": true, "name": "Ada", "title": "CTO"}}})
	for _, forbidden := range []string{"127.0.0.1", "10.0.0.5", "169.254.169.254"} {
		z.set(z.addresses, "www.shop.example", forbidden)
		if x := p.refused(422, by, "POST", begin, nil); x.Code != "forbidden_address" {
			p.Errorf("%s: %+v", forbidden, x)
		}
	}
	z.set(z.addresses, "www.shop.example", "198.51.100.9")
	p.must(200, by, "POST", begin, nil)
	z.set(z.addresses, "www.shop.example", "10.0.0.5") // the plan keeps the address that was checked
	lease := p.lease()
	if lease == nil {
		p.Fatal("nothing is to be done")
	}
	pinned := false
	for _, h := range lease.Plan.Hosts {
		pinned = pinned || h.Address.String() == "198.51.100.9" && len(h.Names) == 1 && h.Names[0] == "www.shop.example"
		if h.Address.IsPrivate() {
			p.Errorf("the plan has %s", h.Address)
		}
	}
	if !pinned {
		p.Errorf("the plan does not pin the address: %+v", lease.Plan.Hosts)
	}
	p.must(200, by, "PUT", "/v2/targets/tags", object{"ids": []string{target}, "add": []string{"Prod", "eu"}, "remove": []string{"old"}})
	if p.total(by, "/v2/targets?q[tags]=prod") != 1 || p.total(by, "/v2/targets?q[tags]=pro") != 0 {
		p.Error("filtered by tags")
	}
	p.refused(422, by, "PUT", "/v2/targets/tags", object{"ids": []string{target}, "add": []string{"two words"}})
}
