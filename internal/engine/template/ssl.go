package template

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/engine/template/dsl"
	"github.com/vedette/vedette/internal/engine/web/httpwire"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
)

// sslProbe is the compiled ssl part of a template: one handshake, within bounds of versions.
type sslProbe struct {
	rules
	min, max uint16
}

var tlsVersions = map[string]uint16{
	"": 0, "sslv3": tls.VersionSSL30, "ssl30": tls.VersionSSL30, "tls10": tls.VersionTLS10, "tls11": tls.VersionTLS11,
	"tls12": tls.VersionTLS12, "tls13": tls.VersionTLS13,
}

func (p *sslProbe) protocol() string { return "ssl" }

func compileSSL(b *sslBlock) (*sslProbe, error) {
	o := b.operators
	for i := range o.Matchers {
		o.Matchers[i].Part = sslPart(o.Matchers[i].Part)
	}
	for i := range o.Extractors {
		o.Extractors[i].Part = sslPart(o.Extractors[i].Part)
	}
	r, err := compileRules(o)
	if err != nil {
		return nil, err
	}
	p := &sslProbe{rules: *r}
	for _, v := range []struct {
		to   *uint16
		name string
	}{{&p.min, b.MinVersion}, {&p.max, b.MaxVersion}} {
		n, ok := tlsVersions[strings.ToLower(v.name)]
		if !ok {
			return nil, fmt.Errorf("TLS version %q", v.name)
		}
		*v.to = n
	}
	return p, nil
}

func sslPart(p string) string {
	if p == "" || p == "body" || p == "all" || p == "raw" {
		return "response"
	}
	return p
}

func (p *sslProbe) fits(t wire.Target) bool {
	return t.Service.Protocol != "udp" && (httpwire.Secure(t) || t.Service.Tunnel == "tls")
}

func (p *sslProbe) run(x *execution) (res result) {
	if p.max != 0 && p.max < tls.VersionTLS10 {
		return res // no client speaks SSL 3 any more; the TLS stage looks for it with hellos of its own
	}
	state, err := p.handshake(x)
	if err != nil || len(state.PeerCertificates) == 0 {
		return res
	}
	res.ran = true
	vars := sslVars(state, x.target)
	x.scope.answers = []dsl.Vars{vars}
	j := p.judge(x.scope)
	if res.matched = j.matched; j.matched && !j.internal {
		res.hits = []hit{{response: dsl.Text(vars["response"]), judgement: j}}
	}
	return res
}

func (p *sslProbe) handshake(x *execution) (tls.ConnectionState, error) {
	ctx, cancel := context.WithTimeout(x.ctx, 10*time.Second)
	defer cancel()
	raw, err := x.net.Dial(ctx, "tcp", x.target.AddrPort())
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer raw.Close()
	var suites []uint16
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		suites = append(suites, s.ID)
	}
	conn := tls.Client(raw, &tls.Config{
		ServerName: x.target.Name(), InsecureSkipVerify: true, CipherSuites: suites, MinVersion: max(p.min, tls.VersionTLS10), MaxVersion: p.max,
	})
	if err := conn.HandshakeContext(ctx); err != nil {
		return tls.ConnectionState{}, err
	}
	return conn.ConnectionState(), nil
}

func sslVars(s tls.ConnectionState, t wire.Target) dsl.Map {
	leaf := s.PeerCertificates[0]
	now := clock.Now()
	digest := sha256.Sum256(leaf.Raw)
	names := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	host := t.Name()
	if host == "" {
		host = t.Host.Address.String()
	}
	vars := dsl.Map{
		"tls_version": map[uint16]string{tls.VersionTLS10: "tls10", tls.VersionTLS11: "tls11", tls.VersionTLS12: "tls12", tls.VersionTLS13: "tls13"}[s.Version],
		"cipher":      tls.CipherSuiteName(s.CipherSuite),
		"subject_dn":  leaf.Subject.String(), "subject_cn": leaf.Subject.CommonName, "subject_an": names, "subject_org": leaf.Subject.Organization,
		"issuer_dn": leaf.Issuer.String(), "issuer_cn": leaf.Issuer.CommonName, "issuer_org": leaf.Issuer.Organization,
		"not_before": int(leaf.NotBefore.Unix()), "not_after": int(leaf.NotAfter.Unix()),
		"expired": now.After(leaf.NotAfter), "self_signed": leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil,
		"mismatched": leaf.VerifyHostname(host) != nil, "untrusted": untrusted(s.PeerCertificates, t.Roots), "revoked": false,
		"wildcard_certificate": slices.ContainsFunc(leaf.DNSNames, func(n string) bool { return strings.HasPrefix(n, "*.") }),
		"serial":               strings.ToUpper(leaf.SerialNumber.Text(16)), "fingerprint_hash": map[string]string{"sha256": hex.EncodeToString(digest[:])},
		"sni": t.Name(), "host": host, "port": int(t.Service.Port), "probe_status": true, "version": s.Version,
	}
	b, err := json.Marshal(vars)
	if err == nil {
		vars["response"], vars["raw"] = string(b), string(b)
	}
	return vars
}

func untrusted(chain []*x509.Certificate, roots []string) bool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	for _, r := range roots {
		pool.AppendCertsFromPEM([]byte(r))
	}
	middle := x509.NewCertPool()
	for _, c := range chain[1:] {
		middle.AddCert(c)
	}
	_, err = chain[0].Verify(x509.VerifyOptions{Roots: pool, Intermediates: middle, CurrentTime: clock.Now()})
	return err != nil
}
