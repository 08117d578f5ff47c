package check

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	ztls "github.com/zmap/zcrypto/tls"

	"github.com/vedette/vedette/internal/engine/tlsprobe"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

var xmppChecks = []check{
	{"xmpp-registration", []string{"xmpp.open-registration"}, over("tcp", "xmpp", "xmpp-client", "jabber"), xmppRegistration},
}

const maxDomains = 6

// xmppRegistration asks for the form of a new account (XEP-0077) and sends none. It is asked in clear, then after
// STARTTLS, for each name that the server may serve: it answers only for its own.
func xmppRegistration(ctx context.Context, e *env) []scanlink.Finding {
	for _, domain := range e.xmppDomains() {
		for _, open := range []func(context.Context) (net.Conn, error){e.dial, e.afterStartTLS(domain)} {
			c, err := open(ctx)
			if err != nil {
				continue
			}
			form := xmppForm(c, domain)
			c.Close()
			if form != nil {
				f := e.found("xmpp.open-registration", []byte("iq get jabber:iq:register to "+domain), form, "Anybody may open an account at "+domain+"; none was opened.")
				f.Path = domain
				return one(f)
			}
		}
	}
	return nil
}

// xmppDomains are the names given, those of the certificate, and those learnt elsewhere with their parents.
func (e *env) xmppDomains() []string {
	all := slices.Clone(e.t.Host.Names)
	if tls := e.t.Service.TLS; tls != nil && tls.Certificate != nil {
		all = append(all, tls.Certificate.Names...)
	}
	all = append(all, "localhost")
	for _, n := range e.o.Names {
		all = append(all, n)
		if _, parent, ok := strings.Cut(n, "."); ok && strings.Contains(parent, ".") {
			all = append(all, parent)
		}
	}
	var out []string
	for _, n := range all {
		n = strings.ToLower(strings.Trim(strings.TrimPrefix(n, "*."), "."))
		if n != "" && !strings.ContainsAny(n, "'\"<>& ") && !slices.Contains(out, n) && len(out) < maxDomains {
			out = append(out, n)
		}
	}
	return out
}

// afterStartTLS begins TLS by the protocol's own command, under a name.
func (e *env) afterStartTLS(name string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		t := e.t
		if t.Service.Name, t.Service.Tunnel = protocol(e.t), "starttls"; name != "" {
			t.Host.Names = []string{name}
		}
		c, err := tlsprobe.Dial(ctx, e.n, t)
		if err != nil {
			return nil, err
		}
		_ = c.SetDeadline(time.Now().Add(2 * wait))
		client := ztls.Client(c, &ztls.Config{InsecureSkipVerify: true, ServerName: name, MinVersion: ztls.VersionTLS10})
		if err := client.HandshakeContext(ctx); err != nil {
			c.Close()
			return nil, fmt.Errorf("handshake: %w", err)
		}
		return client, nil
	}
}

// xmppForm gives the registration form, or nil.
func xmppForm(c net.Conn, domain string) []byte {
	if _, err := fmt.Fprintf(c, "<?xml version='1.0'?><stream:stream to='%s' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>", domain); err != nil {
		return nil
	}
	features, err := wire.Read(c, maxReply, wait)
	if err != nil || !strings.Contains(string(features), "stream:features") {
		return nil
	}
	if _, err := io.WriteString(c, "<iq type='get' id='r1'><query xmlns='jabber:iq:register'/></iq>"); err != nil {
		return nil
	}
	reply, err := wire.Read(c, maxReply, wait)
	text := strings.ReplaceAll(string(reply), `"`, "'")
	if err != nil || !strings.Contains(text, "type='result'") || !strings.Contains(text, "jabber:iq:register") || !strings.Contains(text, "<username") {
		return nil
	}
	return reply
}
