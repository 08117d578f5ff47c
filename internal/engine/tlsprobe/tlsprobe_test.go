package tlsprobe

import (
	"context"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
)

func TestCleanServerHasNoFault(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, "root", nil)
	middle := newAuthority(t, "middle", root)
	at := serveTLS(t, modernConfig(issue(t, middle, leafTemplate(), testKey(), middle.cert)))
	n, target := target(at, "https", "tls", root.pem())
	facts, found := classesOf(t, n, target)
	if len(found) != 0 {
		t.Errorf("faults of a clean server: %v", found)
	}
	if want := []string{"TLSv1.2", "TLSv1.3"}; !slices.Equal(facts.Versions, want) {
		t.Errorf("versions %v, want %v", facts.Versions, want)
	}
	if len(facts.Suites) != 5 {
		t.Errorf("suites %v, want the three of TLS 1.3 and two of 1.2", facts.Suites)
	}
	if facts.Certificate == nil || facts.Certificate.KeyBits != 2048 || len(facts.Chain) != 1 || facts.Chain[0].Subject != "CN=middle" {
		t.Errorf("certificate %+v chain %+v", facts.Certificate, facts.Chain)
	}
}

func TestSealedCertificateIsRead(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, "root", nil)
	config := modernConfig(ecLeaf(t, root, elliptic.P256()))
	config.MinVersion = tls.VersionTLS13
	n, target := target(serveTLS(t, config), "https", "tls", root.pem())
	facts, found := classesOf(t, n, target)
	if len(found) != 0 || facts.Certificate == nil || facts.Certificate.KeyType != "EC" || facts.Certificate.KeyBits != 256 {
		t.Errorf("faults %v, certificate %+v", found, facts.Certificate)
	}
}

func TestCertificateFaults(t *testing.T) {
	t.Parallel()
	root, stranger := newAuthority(t, "root", nil), newAuthority(t, "stranger", nil)
	change := func(f func(*x509.Certificate)) *x509.Certificate { c := leafTemplate(); f(c); return c }
	for _, c := range []struct {
		name string
		cert tls.Certificate
		want []string
	}{
		{"expired", issue(t, root, change(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = clock.Now().Add(-50*time.Hour), clock.Now().Add(-time.Hour)
		}), testKey()), []string{"expired"}},
		{"not yet valid", issue(t, root, change(func(c *x509.Certificate) { c.NotBefore = clock.Now().Add(24 * time.Hour) }), testKey()), []string{"not-yet-valid"}},
		{"self-signed with a wrong name", issue(t, nil, change(func(c *x509.Certificate) { c.IPAddresses = nil }), testKey()), []string{"selfsigned"}},
		{"self-signed and expired", issue(t, nil, change(func(c *x509.Certificate) { c.NotAfter = clock.Now().Add(-time.Minute) }), testKey()), []string{"expired", "selfsigned"}},
		{"unknown root sent along", issue(t, stranger, leafTemplate(), testKey(), stranger.cert), []string{"untrusted"}},
		{"issuer missing, left to Settle", issue(t, stranger, leafTemplate(), testKey()), []string{}},
		{"wrong name", issue(t, root, change(func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 2)} }), testKey()), []string{"wrong-name"}},
		{"short key", issue(t, root, leafTemplate(), mustKey(1024)), []string{"weak-key"}},
		{"long validity", issue(t, root, change(func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(400 * 24 * time.Hour) }), testKey()), []string{"long-validity"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n, target := target(serveTLS(t, modernConfig(c.cert)), "https", "tls", root.pem())
			if _, found := classesOf(t, n, target); !slices.Equal(found, c.want) {
				t.Errorf("faults %v, want %v", found, c.want)
			}
		})
	}
}

func TestNameOfThePlanDecides(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, "root", nil)
	at := serveTLS(t, modernConfig(issue(t, root, leafTemplate(), testKey())))
	for name, want := range map[string][]string{"probe.test": {}, "other.test": {"wrong-name"}} {
		n, target := target(at, "https", "tls", root.pem())
		target.Host.Names = []string{name}
		if _, found := classesOf(t, n, target); !slices.Equal(found, want) {
			t.Errorf("%s: faults %v, want %v", name, found, want)
		}
	}
}

func TestProtocolFaults(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, "root", nil)
	cert := issue(t, root, leafTemplate(), testKey())
	for _, c := range []struct {
		name     string
		min, max uint16
		suites   []uint16
		want     []string
	}{
		{"TLS 1.0 alone", tls.VersionTLS10, tls.VersionTLS10, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}, []string{"no-1.2", "v1.0"}},
		{"from TLS 1.1", tls.VersionTLS11, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}, []string{"v1.1"}},
		{"no forward secrecy", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}, []string{"no-pfs"}},
		{"RC4 and 3DES", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA, tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA}, []string{"3des", "rc4"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: c.min, MaxVersion: c.max, CipherSuites: c.suites}
			n, target := target(serveTLS(t, config), "https", "tls", root.pem())
			if _, found := classesOf(t, n, target); !slices.Equal(found, c.want) {
				t.Errorf("faults %v, want %v", found, c.want)
			}
		})
	}
}

func TestPortWithoutTLS(t *testing.T) {
	t.Parallel()
	at := serve(t, func(c net.Conn) { _, _ = c.Write([]byte("HTTP/1.0 400 Bad Request\r\n\r\n")) })
	n, target := target(at, "http", "")
	facts, found, err := Run(context.Background(), n, target)
	if facts != nil || found != nil || err == nil {
		t.Errorf("facts %v, findings %v, error %v; want an error alone", facts, found, err)
	}
}

func TestSettleTellsMissingFromUnknown(t *testing.T) {
	t.Parallel()
	root, stranger := newAuthority(t, "root", nil), newAuthority(t, "stranger", nil)
	middle := newAuthority(t, "middle", root)
	ports := map[uint16]string{}
	var services []Service
	for _, c := range []struct {
		cert tls.Certificate
		want string
	}{
		{issue(t, middle, leafTemplate(), testKey(), middle.cert), ""},
		{issue(t, middle, leafTemplate(), testKey()), "tls.incomplete-chain"},
		{issue(t, stranger, leafTemplate(), testKey()), "tls.untrusted"},
		{issue(t, stranger, withIssuerURL(leafTemplate()), testKey()), "tls.incomplete-chain"},
	} {
		n, target := target(serveTLS(t, modernConfig(c.cert)), "https", "tls", root.pem())
		facts, found := classesOf(t, n, target)
		if len(found) != 0 {
			t.Errorf("faults before Settle: %v", found)
		}
		target.Service.TLS = facts
		services = append(services, target.Service)
		ports[target.Service.Port] = c.want
	}
	n, target := target(addrOf(services[0]), "", "")
	for _, f := range Settle(context.Background(), n, target.Host, services, []string{root.pem()}) {
		if ports[f.Port] != f.Class {
			t.Errorf("port %d: %s, want %q", f.Port, f.Class, ports[f.Port])
		}
		delete(ports, f.Port)
	}
	for port, want := range ports {
		if want != "" {
			t.Errorf("port %d: nothing, want %s", port, want)
		}
	}
}

func TestMD5AndSHA1(t *testing.T) {
	t.Parallel()
	for algorithm, want := range map[string]string{"MD5-RSA": "md5", "SHA1-RSA": "sha1"} {
		l := leaf{cert: oddCertificate(t, algorithm)}
		n, target := target(addrPort(t), "https", "tls")
		found := faultNames(newProber(n, target).certificateFaults(l))
		if !slices.Contains(found, want) {
			t.Errorf("%s: faults %v, want %s among them", algorithm, found, want)
		}
	}
}

func TestSuiteTable(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"TLS_RSA_WITH_NULL_SHA":                "null",
		"TLS_ECDH_anon_WITH_NULL_SHA":          "null anon-dh",
		"TLS_RSA_EXPORT_WITH_RC4_40_MD5":       "export",
		"TLS_DHE_RSA_WITH_DES_CBC_SHA":         "weak-cipher",
		"TLS_RSA_WITH_3DES_EDE_CBC_SHA":        "3des",
		"TLS_AES_128_GCM_SHA256":               "",
		"TLS_DH_anon_WITH_AES_128_CBC_SHA":     "anon-dh",
		"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA":   "",
		"SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5": "export",
		"SSL_CK_DES_192_EDE3_CBC_WITH_MD5":     "3des",
	} {
		if got := strings.Join(suiteFaults(name), " "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, v := range []uint16{ssl3, tls10, tls11, tls12, tls13} {
		for _, group := range offers(v) {
			if len(group) > groupSize {
				t.Errorf("version %x: %d suites in one offer", v, len(group))
			}
		}
	}
}
