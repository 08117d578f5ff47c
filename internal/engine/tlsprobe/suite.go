package tlsprobe

import (
	"slices"
	"strings"
)

// suite is one cipher suite: its number and IANA name.
type suite struct {
	id   uint16
	name string
}

var suiteNames = func() map[uint16]string {
	m := make(map[uint16]string, len(suites))
	for _, s := range suites {
		m[s.id] = s.name
	}
	return m
}()

func (s suite) tls13() bool { return s.id>>8 == 0x13 }

// only12 says whether the suite is defined for TLS 1.2 alone (RFC 5246 section 5, RFC 5288, RFC 5289): an AEAD mode, or
// a hash of the SHA-2 family.
func (s suite) only12() bool {
	return strings.HasSuffix(s.name, "SHA256") || strings.HasSuffix(s.name, "SHA384") ||
		strings.Contains(s.name, "_GCM_") || strings.Contains(s.name, "_CCM")
}

func (s suite) curve() bool { return strings.Contains(s.name, "_ECDH") }

// rare suites are offered last, so that the usual case needs few handshakes.
func (s suite) rare() bool {
	for _, part := range []string{"ARIA", "CAMELLIA", "SEED", "CCM", "_DH_RSA", "_ECDH_RSA", "_ECDH_ECDSA", "DSS", "EXPORT1024"} {
		if strings.Contains(s.name, part) {
			return true
		}
	}
	return false
}

// offers gives the suites that make sense at a version, in groups small enough for old servers, the usual ones first.
func offers(version uint16) [][]uint16 {
	var usual, rare []uint16
	for _, s := range suites {
		switch {
		case s.tls13() != (version == tls13), version < tls12 && s.only12(), version == ssl3 && s.curve():
		case s.rare():
			rare = append(rare, s.id)
		default:
			usual = append(usual, s.id)
		}
	}
	slices.SortStableFunc(usual, func(a, b uint16) int { return strength(b) - strength(a) })
	return append(slices.Collect(slices.Chunk(usual, groupSize)), slices.Collect(slices.Chunk(rare, groupSize))...)
}

// groupSize keeps a ClientHello under 256 bytes of suites: some old servers refuse longer ones.
const groupSize = 60

func strength(id uint16) int {
	name, n := suiteNames[id], 0
	for _, part := range []string{"_ECDHE_", "_GCM_", "CHACHA", "AES", "RSA"} {
		if strings.Contains(name, part) {
			n++
		}
	}
	return n
}

// faults of a suite, as classes without their family.
func suiteFaults(name string) []string {
	var out []string
	has := func(part string) bool { return strings.Contains(name, part) }
	if has("_NULL_") || strings.HasSuffix(name, "_NULL") {
		out = append(out, "null")
	}
	if has("_anon_") {
		out = append(out, "anon-dh")
	}
	switch {
	case has("EXPORT"):
		out = append(out, "export")
	case has("RC4"):
		out = append(out, "rc4")
	case has("3DES"), has("EDE3"):
		out = append(out, "3des")
	case has("_DES_"), has("_DES40_"), has("RC2"), has("IDEA"):
		out = append(out, "weak-cipher")
	}
	return out
}

// forwardSecret says whether a stolen server key leaves old sessions safe.
func forwardSecret(name string) bool {
	return strings.Contains(name, "DHE_") || strings.Contains(name, "_anon_") || !strings.Contains(name, "_WITH_")
}
