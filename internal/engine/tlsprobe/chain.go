package tlsprobe

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"slices"
	"sync"

	"github.com/zmap/zcrypto/x509"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// leaf is one certificate of the server with what came along.
type leaf struct {
	cert *x509.Certificate
	sent []*x509.Certificate // the rest of the chain, in order
}

// leaves parses the chains; what does not parse is passed over.
func (p *prober) leaves() []leaf {
	var out []leaf
	for _, chain := range p.chains {
		cert, err := x509.ParseCertificate(chain[0])
		if err != nil {
			continue
		}
		out = append(out, leaf{cert, parse(chain[1:])})
	}
	return out
}

func parse(ders [][]byte) []*x509.Certificate {
	var out []*x509.Certificate
	for _, der := range ders {
		if cert, err := x509.ParseCertificate(der); err == nil {
			out = append(out, cert)
		}
	}
	return out
}

func (l leaf) facts() (*scanlink.Certificate, []scanlink.Certificate) {
	first := certificateFacts(l.cert)
	var rest []scanlink.Certificate
	for _, c := range l.sent {
		rest = append(rest, certificateFacts(c))
	}
	return &first, rest
}

const maxText = 512

func certificateFacts(c *x509.Certificate) scanlink.Certificate {
	kind, size := keyOf(c)
	sum := sha256.Sum256(c.Raw)
	f := scanlink.Certificate{
		Subject: wire.Printable([]byte(c.Subject.String()), maxText), Issuer: wire.Printable([]byte(c.Issuer.String()), maxText),
		NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), KeyType: kind, KeyBits: size,
		Signature: c.SignatureAlgorithmName(), SHA256: hex.EncodeToString(sum[:]), SelfSigned: selfSigned(c),
	}
	if c.SerialNumber != nil {
		f.Serial = wire.Printable([]byte(c.SerialNumber.Text(16)), 128)
	}
	for _, name := range c.DNSNames[:min(len(c.DNSNames), 200)] {
		f.Names = append(f.Names, wire.Printable([]byte(name), 255))
	}
	for _, ip := range c.IPAddresses[:min(len(c.IPAddresses), 200)] {
		f.Names = append(f.Names, ip.String())
	}
	return f
}

func selfSigned(c *x509.Certificate) bool {
	if !bytes.Equal(c.RawSubject, c.RawIssuer) {
		return false
	}
	err := c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
	return err == nil || len(c.AuthorityKeyId) == 0 || bytes.Equal(c.AuthorityKeyId, c.SubjectKeyId)
}

// bundles are where systems keep their roots; the first that exists counts, as in the standard library, whose pool
// cannot be listed.
var bundles = []string{
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
}

var machineRoots = sync.OnceValue(func() []*x509.Certificate {
	pool := x509.NewCertPool()
	for _, file := range bundles {
		if text, err := os.ReadFile(file); err == nil {
			pool.AppendCertsFromPEM(text)
			break
		}
	}
	return pool.Certificates()
})

// rootsOf are the machine's roots and those of the plan.
func rootsOf(pems []string) []*x509.Certificate {
	own := x509.NewCertPool()
	for _, text := range pems {
		own.AppendCertsFromPEM([]byte(text))
	}
	return append(own.Certificates(), machineRoots()...)
}

const maxDepth = 8

// path builds a chain from cert by name and signature to one of roots through any of via, whatever the dates and
// algorithms: those are faults of their own. It does not hold the root. The second result says whether a root was met;
// without, it is the longest chain there is.
func path(cert *x509.Certificate, via, roots []*x509.Certificate) ([]*x509.Certificate, bool) {
	return extend([]*x509.Certificate{cert}, via, roots)
}

func extend(chain, via, roots []*x509.Certificate) ([]*x509.Certificate, bool) {
	last := chain[len(chain)-1]
	for _, r := range roots {
		if bytes.Equal(r.Raw, last.Raw) {
			return chain[:len(chain)-1], true
		}
		if signedBy(last, r) {
			return chain, true
		}
	}
	best := chain
	if len(chain) >= maxDepth {
		return best, false
	}
	for _, c := range via {
		if slices.ContainsFunc(chain, func(x *x509.Certificate) bool { return bytes.Equal(x.Raw, c.Raw) }) || !signedBy(last, c) {
			continue
		}
		longer, ok := extend(append(slices.Clip(chain), c), via, roots)
		if ok {
			return longer, true
		}
		if len(longer) > len(best) {
			best = longer
		}
	}
	return best, false
}

// signedBy compares names first, so that few signatures are checked. An old root may have no basic constraints; a
// version 1 certificate cannot.
func signedBy(c, by *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, by.RawSubject) && c.CheckSignatureFrom(by) == nil
}
