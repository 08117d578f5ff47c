package tlsprobe

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/zmap/zcrypto/x509"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink"
)

// certificateFaults judges one leaf and what was sent with it.
//
// Trust has four outcomes, of which at most one is reported: the leaf signs itself and no root is it (selfsigned); the
// chain ends at a self-signed certificate that no root is (untrusted); it ends at a certificate whose issuer was not
// sent (left to Settle); it reaches a root (nothing). A self-signed leaf proves no name and its signature protects
// nothing, so name, signature and validity span are not held against it as well.
func (p *prober) certificateFaults(l leaf) []scanlink.Finding {
	roots := rootsOf(p.t.Roots)
	chain, trusted := path(l.cert, l.sent, roots)
	out := p.dateFaults(chain)
	if kind, size := keyOf(l.cert); weakKey(kind, size) {
		out = append(out, p.fault("weak-key", 99, l.cert, fmt.Sprintf("The certificate's %s key has %d bits.", kind, size)))
	}
	own := selfSigned(l.cert)
	if own && !trusted {
		return append(out, p.fault("selfsigned", 99, l.cert, "The certificate is signed by its own key, so anybody could have made it."))
	}
	if last := chain[len(chain)-1]; !trusted && selfSigned(last) {
		out = append(out, p.fault("untrusted", 99, l.cert, "The chain ends at "+quote(last.Subject.String())+", which is no trusted root."))
	}
	if !own {
		out = append(out, p.signatureFaults(chain, trusted)...)
	}
	if wrong := p.wrongName(l.cert); wrong != "" {
		out = append(out, p.fault("wrong-name", 99, l.cert, wrong))
	}
	if long := span(l.cert); trusted && !own && long != "" {
		out = append(out, p.fault("long-validity", 99, l.cert, long))
	}
	return out
}

func (p *prober) dateFaults(chain []*x509.Certificate) []scanlink.Finding {
	var out []scanlink.Finding
	now := clock.Now()
	for _, c := range chain {
		switch {
		case now.After(c.NotAfter):
			out = append(out, p.fault("expired", 99, c, "Valid until "+c.NotAfter.UTC().Format(time.RFC3339)+"."))
		case now.Before(c.NotBefore):
			out = append(out, p.fault("not-yet-valid", 99, c, "Valid from "+c.NotBefore.UTC().Format(time.RFC3339)+"."))
		}
	}
	return out
}

// signatureFaults looks at the signatures that a client relies on: all but that of a root.
func (p *prober) signatureFaults(chain []*x509.Certificate, trusted bool) []scanlink.Finding {
	var out []scanlink.Finding
	for i, c := range chain {
		if i == len(chain)-1 && !trusted && selfSigned(c) {
			continue
		}
		switch name := strings.ToUpper(c.SignatureAlgorithmName()); {
		case strings.Contains(name, "MD5"), strings.Contains(name, "MD2"):
			out = append(out, p.fault("md5", 99, c, "Signed with "+name+"."))
		case strings.Contains(name, "SHA1"):
			out = append(out, p.fault("sha1", 99, c, "Signed with "+name+"."))
		}
	}
	return out
}

// wrongName says why the certificate is not good for the target: under none of the customer's names, or, without any,
// not for the address.
func (p *prober) wrongName(c *x509.Certificate) string {
	names := p.t.Host.Names
	if len(names) == 0 {
		names = []string{p.t.Host.Address.Unmap().String()}
	}
	for _, name := range names {
		if c.VerifyHostname(strings.TrimSuffix(name, ".")) == nil {
			return ""
		}
	}
	return fmt.Sprintf("The certificate is for %s, not for %s.", quote(strings.Join(held(c), ", ")), strings.Join(names, ", "))
}

func held(c *x509.Certificate) []string {
	var names []string
	for _, n := range c.DNSNames[:min(8, len(c.DNSNames))] {
		names = append(names, n)
	}
	for _, ip := range c.IPAddresses[:min(8, len(c.IPAddresses))] {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		names = append(names, c.Subject.CommonName)
	}
	return names
}

// longest and since are of the CA/Browser Forum's Baseline Requirements, section 6.3.2: 398 days since 1 September 2020.
const longest = 398 * 24 * time.Hour

var since = time.Date(2020, 9, 1, 0, 0, 0, 0, time.UTC)

func span(c *x509.Certificate) string {
	length := c.NotAfter.Sub(c.NotBefore)
	if c.NotBefore.Before(since) || length <= longest {
		return ""
	}
	return fmt.Sprintf("Valid for %d days; the public limit is 398.", int(length.Hours()/24))
}

func (p *prober) fault(class string, qod int, c *x509.Certificate, detail string) scanlink.Finding {
	f := p.t.Finding("tls."+class, "tls-"+class, qod)
	f.QoDType = "remote_analysis"
	facts := certificateFacts(c)
	f.Evidence = scanlink.Evidence{
		Request:  "TLS handshake, Certificate message",
		Response: fmt.Sprintf("subject %s\nissuer %s\nserial %s\nSHA-256 %s", facts.Subject, facts.Issuer, facts.Serial, facts.SHA256),
		Detail:   detail,
	}
	return f
}

// orphan is the end of a chain that breaks off: its issuer was not sent and no root has that name and key.
func orphan(l leaf, roots []*x509.Certificate) *x509.Certificate {
	chain, trusted := path(l.cert, l.sent, roots)
	last := chain[len(chain)-1]
	if trusted || selfSigned(last) || bytes.Equal(last.RawIssuer, last.RawSubject) {
		return nil
	}
	return last
}
