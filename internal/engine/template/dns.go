package template

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/internal/engine/template/dsl"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
)

// dnsQuery is the compiled dns part of a template. It asks the target itself, as a DNS server of the plan, about the
// target's names: no other server is ever asked.
type dnsQuery struct {
	rules
	name      *dsl.Template
	kind      uint16
	class     uint16
	recursion bool
}

func (q *dnsQuery) protocol() string { return "dns" }

func compileDNS(b *dnsBlock) (*dnsQuery, error) {
	o := b.operators
	for i := range o.Matchers {
		o.Matchers[i].Part = dnsPart(o.Matchers[i].Part)
	}
	for i := range o.Extractors {
		o.Extractors[i].Part = dnsPart(o.Extractors[i].Part)
	}
	r, err := compileRules(o)
	if err != nil {
		return nil, err
	}
	q := &dnsQuery{rules: *r, kind: dns.TypeA, class: dns.ClassINET, recursion: b.Recursion == nil || *b.Recursion}
	if q.name, err = dsl.CompileText(b.Name); err != nil {
		return nil, err
	}
	if b.Type != "" {
		kind, ok := dns.StringToType[strings.ToUpper(b.Type)]
		if !ok {
			return nil, fmt.Errorf("dns type %q", b.Type)
		}
		q.kind = kind
	}
	if b.Class != "" {
		class, ok := dns.StringToClass[map[string]string{"inet": "IN", "chaos": "CH", "csnet": "CS", "hesiod": "HS"}[strings.ToLower(b.Class)]]
		if !ok {
			return nil, fmt.Errorf("dns class %q", b.Class)
		}
		q.class = class
	}
	return q, nil
}

func dnsPart(p string) string {
	if p == "" || p == "body" || p == "all" || p == "response" {
		return "raw"
	}
	return p
}

func (q *dnsQuery) fits(t wire.Target) bool {
	return (t.Service.Name == "dns" || t.Service.Name == "domain") && (t.Name() != "" || len(q.name.Names()) == 0)
}

func (q *dnsQuery) run(x *execution) (res result) {
	name, err := q.name.Render(x.scope)
	if err != nil {
		return res
	}
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), q.kind)
	m.Question[0].Qclass = q.class
	m.RecursionDesired = q.recursion
	answer, err := x.ask(m)
	if err != nil {
		return res
	}
	res.ran = true
	x.scope.answers = []dsl.Vars{dnsVars(m, answer)}
	j := q.judge(x.scope)
	if res.matched = j.matched; j.matched && !j.internal {
		res.hits = []hit{{path: name, request: m.String(), response: excerpt(answer.String(), j.shown), judgement: j}}
	}
	return res
}

func (x *execution) ask(m *dns.Msg) (*dns.Msg, error) {
	network := "udp"
	if x.target.Service.Protocol == "tcp" {
		network = "tcp"
	}
	ctx, cancel := context.WithTimeout(x.ctx, 5*time.Second)
	defer cancel()
	conn, err := x.net.Dial(ctx, network, x.target.AddrPort())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if network == "tcp" {
		answer, _, err := new(dns.Client).ExchangeWithConnContext(ctx, m, &dns.Conn{Conn: conn})
		return answer, err
	}
	return askDatagram(conn, m)
}

// askDatagram speaks over a connection that does not show that it carries datagrams, which the client would need.
func askDatagram(conn net.Conn, m *dns.Msg) (*dns.Msg, error) {
	b, err := m.Pack()
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(clock.Now().Add(5 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(b); err != nil {
		return nil, err
	}
	answer := make([]byte, 64<<10)
	for range 5 {
		n, err := conn.Read(answer)
		if err != nil {
			return nil, err
		}
		var a dns.Msg
		if a.Unpack(answer[:n]) == nil && a.Id == m.Id {
			return &a, nil
		}
	}
	return nil, dns.ErrId
}

func dnsVars(question, answer *dns.Msg) dsl.Map {
	section := func(rrs []dns.RR) string {
		var lines []string
		for _, rr := range rrs {
			lines = append(lines, rr.String())
		}
		return strings.Join(lines, "\n")
	}
	return dsl.Map{
		"raw": answer.String(), "request": question.String(), "rcode": dns.RcodeToString[answer.Rcode],
		"question": question.Question[0].String(), "answer": section(answer.Answer), "ns": section(answer.Ns), "extra": section(answer.Extra),
	}
}
