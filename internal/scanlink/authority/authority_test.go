package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/vedette/vedette/internal/platform/fault"
)

func open(t *testing.T) *Authority {
	t.Helper()
	pair, err := New()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", pair, pair, pair), "PRIVATE") {
		t.Error("a pair prints its key")
	}
	a, err := Open(pair)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func parse(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestScannerCertificate(t *testing.T) {
	t.Parallel()
	a := open(t)
	csr, key, err := NewRequest()
	if err != nil {
		t.Fatal(err)
	}
	id := uuid.NewString()
	text, err := a.Scanner(csr, id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tls.X509KeyPair([]byte(text), []byte(key)); err != nil {
		t.Errorf("certificate and key do not fit: %v", err)
	}
	c := parse(t, text)
	if got, ok := ScannerID(c); !ok || got != id {
		t.Errorf("id %q", got)
	}
	for usage, want := range map[x509.ExtKeyUsage]bool{x509.ExtKeyUsageClientAuth: true, x509.ExtKeyUsageServerAuth: false} {
		if _, err := c.Verify(x509.VerifyOptions{Roots: a.Pool(), KeyUsages: []x509.ExtKeyUsage{usage}}); (err == nil) != want {
			t.Errorf("usage %v: %v", usage, err)
		}
	}
	if _, err := c.Verify(x509.VerifyOptions{Roots: open(t).Pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err == nil {
		t.Error("another installation trusts it")
	}
	if err := VerifyServer(a.Pool())(tls.ConnectionState{PeerCertificates: []*x509.Certificate{c}}); err == nil {
		t.Error("a scanner passes for the server")
	}
}

func TestServerCertificate(t *testing.T) {
	t.Parallel()
	a, b := open(t), open(t)
	s, err := a.Server()
	if err != nil {
		t.Fatal(err)
	}
	state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{s.Leaf, parse(t, a.Certificate())}}
	if err := VerifyServer(a.Pool())(state); err != nil {
		t.Error(err)
	}
	if VerifyServer(b.Pool())(state) == nil || VerifyServer(a.Pool())(tls.ConnectionState{}) == nil {
		t.Error("a strange server is trusted")
	}
	pin := sha256.Sum256(parse(t, a.Certificate()).Raw)
	if err := VerifyPinned(pin)(state); err != nil {
		t.Error(err)
	}
	if VerifyPinned(sha256.Sum256([]byte("x")))(state) == nil || VerifyPinned(pin)(tls.ConnectionState{}) == nil {
		t.Error("a wrong pin passes")
	}
	if _, ok := ScannerID(s.Leaf); ok {
		t.Error("the server has a scanner's id")
	}
}

func TestScannerRefuses(t *testing.T) {
	t.Parallel()
	a := open(t)
	request := func(key any) string {
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	}
	small, _ := rsa.GenerateKey(rand.Reader, 2048)
	other, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	forged := []byte(request(other))
	forged[len(forged)-60] ^= 1
	for name, csr := range map[string]string{
		"empty": "", "garbage": "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", "rsa": request(small), "p384": request(other),
		"forged": string(forged), "long": strings.Repeat("x", maxPEM+1), "a certificate": a.Certificate(),
	} {
		if _, err := a.Scanner(csr, uuid.NewString()); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	csr, _, _ := NewRequest()
	if _, err := a.Scanner(csr, "../x"); err == nil {
		t.Error("an id that is no UUID")
	}
	if _, err := Open(Pair{"x", "y"}); err == nil {
		t.Error("garbage is an authority")
	}
}
