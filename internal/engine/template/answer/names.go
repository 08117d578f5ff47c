package answer

import (
	"fmt"
	"net"
	"strings"

	"github.com/miekg/dns"
)

// serveNames answers as a name server: the text of the answer becomes the data of one record of the type asked for.
func (c *Case) serveNames(exchanges []Exchange) (*Server, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve answers: %w", err)
	}
	s := &Server{c: c, exchanges: exchanges, used: make([]bool, len(exchanges)), values: map[string]string{}}
	s.names = &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(s.name)}
	go func() { _ = s.names.ActivateAndServe() }()
	return s, nil
}

func (s *Server) name(w dns.ResponseWriter, q *dns.Msg) {
	s.lock.Lock()
	s.asked = append(s.asked, q.Question[0].String())
	body := s.use(0, "", "").Body
	s.lock.Unlock()
	m := new(dns.Msg).SetReply(q)
	for code, word := range dns.RcodeToString {
		if strings.Contains(body, word) {
			m.Rcode = code
		}
	}
	data := body[strings.LastIndexByte(body, '\t')+1:]
	kind := dns.TypeToString[q.Question[0].Qtype]
	switch kind {
	case "TXT":
		data = fmt.Sprintf("%q", data)
	case "MX":
		data = "10 " + dns.Fqdn(data)
	case "CNAME", "NS", "PTR":
		data = dns.Fqdn(data)
	}
	rr, err := dns.NewRR(fmt.Sprintf("%s 60 IN %s %s", q.Question[0].Name, kind, data))
	if err == nil && body != "unlike" {
		m.Answer = append(m.Answer, rr)
	}
	_ = w.WriteMsg(m) // the client may be gone
}
