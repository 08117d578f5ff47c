package lab

import (
	"crypto"
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
	"testing"
	"time"
)

// CertOptions describe a certificate. The zero value is a self-signed P-256 certificate of 127.0.0.1 and localhost,
// valid from yesterday for 90 days.
type CertOptions struct {
	Name      string   // subject's common name; empty is "localhost"
	DNS       []string // nil is {"localhost"}
	Addresses []netip.Addr
	NotBefore time.Time
	NotAfter  time.Time
	RSABits   int // 0 makes an ECDSA key
	CA        bool
	Issuer    *tls.Certificate // nil is self-signed
}

// Cert makes a certificate; the chain holds the issuer's chain after the leaf, but for a self-signed root.
func Cert(t testing.TB, o CertOptions) tls.Certificate {
	t.Helper()
	key, err := newKey(o.RSABits)
	if err != nil {
		t.Fatal(err)
	}
	leaf := template(o)
	parent, signer := leaf, key
	if o.Issuer != nil {
		parent, signer = o.Issuer.Leaf, o.Issuer.PrivateKey.(crypto.Signer)
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	c := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	if c.Leaf, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if o.Issuer != nil && o.Issuer.Leaf.Subject.String() != o.Issuer.Leaf.Issuer.String() {
		c.Certificate = append(c.Certificate, o.Issuer.Certificate...)
	}
	return c
}

func newKey(bits int) (crypto.Signer, error) {
	if bits > 0 {
		return rsa.GenerateKey(rand.Reader, bits)
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

func template(o CertOptions) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	x := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: o.Name}, DNSNames: o.DNS,
		NotBefore: o.NotBefore, NotAfter: o.NotAfter, IsCA: o.CA, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if o.RSABits > 0 {
		x.KeyUsage |= x509.KeyUsageKeyEncipherment
	}
	if o.CA {
		x.KeyUsage, x.ExtKeyUsage = x509.KeyUsageCertSign|x509.KeyUsageCRLSign, nil
	}
	if x.Subject.CommonName == "" {
		x.Subject.CommonName = "localhost"
	}
	if o.DNS == nil && !o.CA {
		x.DNSNames = []string{"localhost"}
	}
	if o.Addresses == nil && !o.CA {
		o.Addresses = []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	}
	for _, a := range o.Addresses {
		x.IPAddresses = append(x.IPAddresses, a.AsSlice())
	}
	if x.NotBefore.IsZero() {
		x.NotBefore = time.Now().Add(-24 * time.Hour)
	}
	if x.NotAfter.IsZero() {
		x.NotAfter = x.NotBefore.Add(90 * 24 * time.Hour)
	}
	return x
}

// PEM of the leaf, fit for Plan.TrustedCAs.
func PEM(c tls.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}))
}

// TLSConfig serves the certificates with Go's defaults.
func TLSConfig(certs ...tls.Certificate) *tls.Config { return &tls.Config{Certificates: certs} }

// TLS serves handle inside TLS.
func TLS(t testing.TB, config *tls.Config, handle func(net.Conn)) netip.AddrPort {
	t.Helper()
	return TCP(t, func(c net.Conn) {
		s := tls.Server(c, config)
		defer s.Close()
		if s.Handshake() == nil {
			handle(s)
		}
	})
}
