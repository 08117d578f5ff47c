package tlsprobe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// protocolFaults judges versions and suites.
func (p *prober) protocolFaults() []scanlink.Finding {
	var out []scanlink.Finding
	for version, class := range map[string]string{"SSLv2": "sslv2", "SSLv3": "sslv3", "TLSv1.0": "v1.0", "TLSv1.1": "v1.1"} {
		if slices.Contains(p.versions, version) {
			out = append(out, p.seen(class, "ClientHello of "+version, "The server accepts "+version+".", p.namesOf(version)))
		}
	}
	if !slices.Contains(p.versions, "TLSv1.2") && !slices.Contains(p.versions, "TLSv1.3") {
		out = append(out, p.seen("no-1.2", "ClientHello of TLSv1.2 and TLSv1.3", "The server accepts neither TLS 1.2 nor 1.3.", p.versions))
	}
	by := map[string][]string{}
	for _, s := range p.accepted {
		for _, class := range suiteFaults(s.Name) {
			by[class] = append(by[class], s.Version+" "+s.Name)
		}
		if weakGroup(s) {
			by["dh"] = append(by["dh"], fmt.Sprintf("%s %s with %d bits", s.Version, s.Name, s.Bits))
		}
	}
	if len(p.loose) > 0 {
		out = append(out, p.renegotiation())
	}
	for class, names := range by {
		out = append(out, p.seen(class, "ClientHello with such suites alone", details[class], names))
	}
	if len(p.accepted) > 0 && !slices.ContainsFunc(p.accepted, func(s scanlink.Suite) bool { return forwardSecret(s.Name) }) {
		out = append(out, p.seen("no-pfs", "ClientHello with ephemeral suites", "No accepted suite gives forward secrecy.", p.allNames()))
	}
	slices.SortFunc(out, func(a, b scanlink.Finding) int { return strings.Compare(a.Class, b.Class) })
	return out
}

// renegotiation is CVE-2009-3555: without the extension of RFC 5746 a man in the middle may put his own bytes before the client's.
// Whether the server renegotiates at all is not tried.
func (p *prober) renegotiation() scanlink.Finding {
	f := p.seen("renegotiation", "ClientHello with TLS_EMPTY_RENEGOTIATION_INFO_SCSV", "The server does not answer with renegotiation_info (RFC 5746).", p.loose)
	f.CVEs, f.QoD = []string{"CVE-2009-3555"}, 80
	return f
}

var details = map[string]string{
	"null":        "These suites authenticate but do not encrypt.",
	"anon-dh":     "These suites authenticate nobody, so that a man in the middle goes unnoticed.",
	"export":      "These suites were weakened for export and are broken in hours.",
	"rc4":         "RC4 leaks plaintext through its biases (RFC 7465).",
	"3des":        "3DES has blocks of 64 bits, which long sessions exhaust (CVE-2016-2183).",
	"weak-cipher": "These ciphers have keys or blocks that are too short.",
	"dh":          "The ephemeral key can be solved by precomputation or outright (CVE-2015-4000).",
}

// weakGroup applies NIST SP 800-56A: finite-field groups under 2048 bits, curves under 224. The key of an export suite
// is reported as such.
func weakGroup(s scanlink.Suite) bool {
	switch {
	case s.Bits == 0 || strings.Contains(s.Name, "RSA_EXPORT"):
		return false
	case strings.Contains(s.Name, "_ECDH") || !strings.Contains(s.Name, "_WITH_"):
		return s.Bits < 224
	}
	return s.Bits < 2048
}

func (p *prober) namesOf(version string) []string {
	var names []string
	for _, s := range p.accepted {
		if s.Version == version {
			names = append(names, s.Name)
		}
	}
	return names
}

func (p *prober) allNames() []string {
	var names []string
	for _, s := range p.accepted {
		names = append(names, s.Version+" "+s.Name)
	}
	return names
}

func (p *prober) seen(class, request, detail string, names []string) scanlink.Finding {
	f := p.t.Finding("tls."+class, "tls-"+class, 99)
	f.QoDType = "remote_analysis"
	f.Evidence = scanlink.Evidence{Request: request, Response: wire.Printable([]byte(strings.Join(names, "\n")), 4096), Detail: detail}
	return f
}

func quote(text string) string { return fmt.Sprintf("%q", wire.Printable([]byte(text), maxText)) }
