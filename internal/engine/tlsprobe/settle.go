package tlsprobe

import (
	"context"
	"slices"
	"strings"

	"github.com/zmap/zcrypto/x509"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// Settle decides what one port cannot tell: of a leaf whose issuer was not sent, whether a known authority's
// intermediate is missing (tls.incomplete-chain) or the authority is unknown (tls.untrusted). services are those of one
// host, after Run on each. The rule, in order:
//
//  1. A certificate that another port of the host sends completes the chain to a trusted root: incomplete.
//  2. The certificate names a place on the web where its issuer's is to be had (Authority Information Access, RFC 5280
//     section 4.2.2.1), as public intermediates do and roots need not: incomplete. The address is never fetched.
//  3. Otherwise the authority is unknown: untrusted.
func Settle(ctx context.Context, n *wire.Net, host scanlink.PlanHost, services []scanlink.Service, roots []string) []scanlink.Finding {
	if !slices.ContainsFunc(services, breaksOff) {
		return nil
	}
	trusted := rootsOf(roots)
	var known []*x509.Certificate
	probers := map[*prober]leaf{}
	var order []*prober
	for _, s := range services {
		if s.TLS == nil || s.TLS.Certificate == nil || (!breaksOff(s) && len(s.TLS.Chain) == 0) {
			continue
		}
		p := newProber(n, wire.Target{Host: host, Service: s, Roots: roots})
		for _, l := range p.fetch(ctx) {
			known = append(known, l.sent...)
			probers[p] = l
		}
		order = append(order, p)
	}
	var out []scanlink.Finding
	for _, p := range order {
		l, ok := probers[p]
		if !ok {
			continue
		}
		if last := orphan(l, trusted); last != nil {
			out = append(out, p.decide(l, last, known, trusted))
		}
	}
	return out
}

// breaksOff guesses from the facts whether a chain's last issuer is missing; a wrong guess costs a handshake.
func breaksOff(s scanlink.Service) bool {
	if s.TLS == nil || s.TLS.Certificate == nil || s.TLS.Certificate.SelfSigned {
		return false
	}
	issuer := s.TLS.Certificate.Issuer
	for range maxChain {
		i := slices.IndexFunc(s.TLS.Chain, func(c scanlink.Certificate) bool { return c.Subject == issuer })
		if i < 0 {
			return true
		}
		if s.TLS.Chain[i].SelfSigned {
			return false
		}
		issuer = s.TLS.Chain[i].Issuer
	}
	return false
}

// fetch gets the chain again, with one handshake where that is enough.
func (p *prober) fetch(ctx context.Context) []leaf {
	for _, s := range p.t.Service.TLS.Suites {
		for id, name := range suiteNames {
			version := versionNumber(s.Version)
			if name != s.Name || version < ssl3 || version == tls13 || strings.Contains(name, "_anon_") {
				continue
			}
			if f, err := p.offer(ctx, version, []uint16{id}); err == nil && len(f.chain) > 0 {
				p.keep(f.chain)
				return p.leaves()
			}
		}
	}
	if chain, err := sealedChain(ctx, p); err == nil {
		p.keep(chain)
	}
	return p.leaves()
}

func versionNumber(name string) uint16 {
	for number, n := range versionNames {
		if n == name {
			return number
		}
	}
	return 0
}

func (p *prober) decide(l leaf, last *x509.Certificate, known, trusted []*x509.Certificate) scanlink.Finding {
	issuer := quote(last.Issuer.String())
	if _, ok := path(l.cert, append(slices.Clone(l.sent), known...), trusted); ok {
		return p.fault("incomplete-chain", 99, l.cert, "The server does not send "+issuer+", an intermediate of a trusted root that another port of the host sends.")
	}
	for _, url := range last.IssuingCertificateURL {
		if strings.HasPrefix(strings.ToLower(url), "http") {
			return p.fault("incomplete-chain", 80, l.cert, "The server does not send the certificate of "+issuer+"; it is said to be at "+quote(url)+".")
		}
	}
	return p.fault("untrusted", 97, l.cert, "The certificate was issued by "+issuer+", which is no trusted root nor an intermediate known to belong to one.")
}
