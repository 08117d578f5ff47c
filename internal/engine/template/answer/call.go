package answer

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink"
)

// Call is what a vulnerable target does besides answering: it uses the name that the request gave it.
type Call struct {
	Protocol string   // dns, http, smtp …; what is none of these is not done
	Says     []string // what its request holds
}

// Collaborator is where names below a zone lead.
type Collaborator struct {
	Zone     string
	DNS, Web netip.AddrPort
}

const callTime = 2 * time.Second

// told is what a reader of the call would be shown.
func (c *Call) told(name string) (string, bool) {
	if c == nil || !slices.Contains([]string{"dns", "http", "smtp", "ldap"}, c.Protocol) {
		return "", false
	}
	if name == "interactsh_protocol" {
		return c.Protocol, true
	}
	return strings.Join(c.Says, "\n") + "\n;app.where.vd2.vd234567.oob.example.org.\tIN\tA", name == "interactsh_request"
}

var (
	hidden  = regexp.MustCompile(`[A-Za-z0-9+/_-]{24,}={0,2}`)
	unnamed = regexp.MustCompile(`\$\{hostName\}`)
	spelled = regexp.MustCompile(`\$\{:-([^}]*)\}`)
)

// names below the zone that a request says, in clear or in the usual disguises.
func (c *Collaborator) names(request string) []string {
	texts := []string{request}
	for i := 0; i < len(texts) && len(texts) < 50; i++ {
		if plain, err := url.QueryUnescape(texts[i]); err == nil && plain != texts[i] {
			texts = append(texts, plain)
		}
		for _, h := range hidden.FindAllString(texts[i], 20) {
			if b, err := hex.DecodeString(h); err == nil {
				texts = append(texts, string(b))
			}
			if b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(h, "=")); err == nil {
				texts = append(texts, string(b))
			}
		}
	}
	name := regexp.MustCompile(`(?i)[a-z0-9-]+(?:\.[a-z0-9-]+)*\.` + regexp.QuoteMeta(c.Zone))
	var all []string
	for _, text := range texts {
		text = spelled.ReplaceAllString(unnamed.ReplaceAllString(text, "app"), "$1")
		for _, n := range name.FindAllString(text, 20) {
			if !slices.Contains(all, n) {
				all = append(all, n)
			}
		}
	}
	return all
}

// call does what the fault makes the target do.
func (s *Server) call(c *Call, request string) {
	at := s.c.Collaborator
	if c == nil || at == nil {
		return
	}
	for _, name := range at.names(request) {
		if _, known := c.told("interactsh_protocol"); !known {
			continue
		}
		kind := dns.TypeA
		if slices.ContainsFunc(c.Says, func(s string) bool { return strings.EqualFold(s, "srv") }) {
			kind = dns.TypeSRV
		}
		at.say("udp", at.DNS, lookup(name, kind))
		switch c.Protocol {
		case "http":
			at.say("tcp", at.Web, "GET / HTTP/1.1\r\nHost: "+name+"\r\n"+fields(c.Says)+"\r\n"+strings.Join(c.Says, "\n"))
		case "smtp":
			at.say("tcp", at.Web, "EHLO app\r\nMAIL FROM:<a@app>\r\nRCPT TO:<b@"+name+">\r\n"+strings.Join(c.Says, "\n")+"\r\nQUIT\r\n")
		}
	}
}

func fields(all []string) string {
	var b strings.Builder
	for _, f := range all {
		if fieldForm.MatchString(f) {
			b.WriteString(f + "\r\n")
		}
	}
	return b.String() + fmt.Sprintf("Content-Length: %d\r\n", len(strings.Join(all, "\n")))
}

func lookup(name string, kind uint16) string {
	b, err := new(dns.Msg).SetQuestion(dns.Fqdn(name), kind).Pack()
	if err != nil {
		return ""
	}
	return string(b)
}

// say sends a text and waits for some answer.
func (c *Collaborator) say(network string, to netip.AddrPort, text string) {
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	n := wire.New([]scanlink.PlanHost{{Address: to.Addr()}}, wire.Limits{})
	conn, err := n.Dial(ctx, network, to)
	if err != nil {
		return
	}
	defer conn.Close()
	if conn.SetDeadline(clock.Now().Add(callTime)) != nil {
		return
	}
	if _, err := conn.Write([]byte(text)); err == nil {
		_, _ = conn.Read(make([]byte, 4096)) // it was heard
	}
}
