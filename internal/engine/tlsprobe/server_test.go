package tlsprobe

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink"
)

// authority is a certificate with its key, for tests.
type authority struct {
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

var serials = struct {
	sync.Mutex
	n int64
}{n: 1000}

func serial() *big.Int {
	serials.Lock()
	defer serials.Unlock()
	serials.n++
	return big.NewInt(serials.n)
}

// keys are made once: they are what takes the time.
var testKey = sync.OnceValue(func() *rsa.PrivateKey { return mustKey(2048) })

func mustKey(bits int) *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return k
}

func caTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name}, NotBefore: clock.Now().Add(-time.Hour), NotAfter: clock.Now().Add(9000 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
}

func leafTemplate() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "probe.test"}, DNSNames: []string{"probe.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: clock.Now().Add(-time.Hour), NotAfter: clock.Now().Add(80 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

func newAuthority(t *testing.T, name string, by *authority) *authority {
	t.Helper()
	key := mustKey(2048)
	template := caTemplate(name)
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	return &authority{mustCert(t, template, parent, key, signer), key}
}

func mustCert(t *testing.T, template, parent *x509.Certificate, key, signer *rsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// issue makes a server's certificate and chain; nil by is self-signed.
func issue(t *testing.T, by *authority, template *x509.Certificate, key *rsa.PrivateKey, rest ...*x509.Certificate) tls.Certificate {
	t.Helper()
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	out := tls.Certificate{PrivateKey: key, Certificate: [][]byte{mustCert(t, template, parent, key, signer).Raw}}
	for _, c := range rest {
		out.Certificate = append(out.Certificate, c.Raw)
	}
	return out
}

func (a *authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
}

// serve answers each connection with handle until the test ends.
func serve(t *testing.T, handle func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	t.Cleanup(func() { l.Close(); group.Wait() })
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				handle(c)
			})
		}
	})
	return netip.MustParseAddrPort(l.Addr().String())
}

func serveTLS(t *testing.T, config *tls.Config) netip.AddrPort {
	t.Helper()
	return serve(t, func(c net.Conn) {
		s := tls.Server(c, config)
		_ = s.Handshake()
		s.Close()
	})
}

// target is a service of 127.0.0.1; without names the address must be in the certificate.
func target(at netip.AddrPort, name, tunnel string, roots ...string) (*wire.Net, wire.Target) {
	host := scanlink.PlanHost{Address: at.Addr()}
	return wire.New([]scanlink.PlanHost{host}, wire.Limits{}), wire.Target{
		Host: host, Roots: roots,
		Service: scanlink.Service{Address: at.Addr(), Port: at.Port(), Protocol: "tcp", State: "open", Name: name, Tunnel: tunnel},
	}
}

// classesOf runs the probe and gives the faults without their family.
func classesOf(t *testing.T, n *wire.Net, target wire.Target) (*scanlink.TLS, []string) {
	t.Helper()
	facts, found, err := Run(context.Background(), n, target)
	if err != nil {
		t.Fatal(err)
	}
	return facts, faultNames(found)
}

func faultNames(found []scanlink.Finding) []string {
	names := []string{}
	for _, f := range found {
		names = append(names, strings.TrimPrefix(f.Class, "tls."))
	}
	slices.Sort(names)
	return names
}

var modern = []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}

func modernConfig(cert tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, CipherSuites: modern}
}

func ecLeaf(t *testing.T, by *authority, curve elliptic.Curve) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, leafTemplate(), by.cert, &key.PublicKey, by.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{PrivateKey: key, Certificate: [][]byte{der}}
}
