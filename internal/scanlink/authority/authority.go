// Package authority is the installation's own certificate authority for the link between server and scanners. It
// signs what proves a server to its scanners and a scanner to its server, and nothing else. Its key is a value that
// the caller keeps sealed. A certificate is not revoked here: the server looks its scanner and serial number up at each call.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/fault"
)

// Lifetimes of what is signed. A leaf is made anew when a third of its time is left.
const (
	AuthorityLife = 10 * 365 * 24 * time.Hour
	LeafLife      = 90 * 24 * time.Hour
	RenewBefore   = LeafLife / 3
)

const (
	scannerScheme = "vedette"
	scannerHost   = "scanner"
	maxPEM        = 16 << 10
	backdate      = 5 * time.Minute // for clocks that run behind
)

// Pair is a certificate and its key, as PEM.
type Pair struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

func (p Pair) String() string   { return "••••" }
func (p Pair) GoString() string { return "••••" }

// Authority signs. It is safe for concurrent use.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         string
}

// New makes an authority: an ECDSA P-256 key and a certificate for ten years that may sign leaves alone.
func New() (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Vedette scanner link"},
		NotBefore: clock.Now().Add(-backdate), NotAfter: clock.Now().Add(AuthorityLife),
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return Pair{}, err
	}
	keyPEM, err := encodeKey(key)
	return Pair{encodeCertificate(der), keyPEM}, err
}

// Open reads a pair that New made.
func Open(p Pair) (*Authority, error) {
	pair, err := tls.X509KeyPair([]byte(p.Certificate), []byte(p.Key))
	if err != nil {
		return nil, fmt.Errorf("read the scanner authority: %w", err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return nil, errors.New("read the scanner authority: no authority with an ECDSA key")
	}
	return &Authority{certificate: pair.Leaf, key: key, pem: p.Certificate}, nil
}

// Certificate of the authority as PEM, which scanners trust.
func (a *Authority) Certificate() string { return a.pem }

// Pool holds the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// Server makes a key and a certificate for the link's listener. It carries no name: scanners trust the authority, which
// signs for one kind of server only, so the server may be reached under any address.
func (a *Authority) Server() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := leaf("Vedette scanner link")
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.DNSNames = []string{ServerName}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.certificate.Raw}, PrivateKey: key, Leaf: parsed}, nil
}

// ServerName stands in the server's certificate whatever its address is.
const ServerName = "scanlink.vedette.internal"

// Scanner signs a PEM certificate request of a scanner. Only the request's public key is used; whatever else it asks
// for is passed over. The id, a UUID, becomes the URI vedette://scanner/<id>. fault.Invalid where the request is none.
func (a *Authority) Scanner(csrPEM, id string) (string, error) {
	if _, err := uuid.Parse(id); err != nil {
		return "", fmt.Errorf("scanner id: %w", err)
	}
	key, err := requestKey(csrPEM)
	if err != nil {
		return "", fault.New(fault.Invalid, "The certificate request cannot be used; it must be a PEM request with an ECDSA key on P-256.").Because(err)
	}
	template := leaf(id)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	template.URIs = []*url.URL{{Scheme: scannerScheme, Host: scannerHost, Path: "/" + id}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key, a.key)
	if err != nil {
		return "", err
	}
	return encodeCertificate(der), nil
}

// ScannerID reads the id that Scanner wrote into a certificate; the caller has verified its chain.
func ScannerID(c *x509.Certificate) (string, bool) {
	if len(c.URIs) != 1 {
		return "", false
	}
	u := c.URIs[0]
	id, err := uuid.Parse(u.Path[min(1, len(u.Path)):])
	if err != nil || u.Scheme != scannerScheme || u.Host != scannerHost || u.Path != "/"+id.String() {
		return "", false
	}
	return id.String(), true
}

// Serial number of a certificate, as it is kept to tell one from another.
func Serial(c *x509.Certificate) string {
	if c.SerialNumber == nil {
		return ""
	}
	return c.SerialNumber.Text(16)
}

// SerialOf a certificate in PEM that Scanner signed.
func SerialOf(certificatePEM string) (string, error) {
	block, _ := pem.Decode([]byte(certificatePEM))
	if block == nil {
		return "", errors.New("no PEM certificate")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", err
	}
	return Serial(c), nil
}

// NewRequest makes a scanner's key and its certificate request, both PEM. The key never leaves the scanner.
func NewRequest() (csr, key string, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, k)
	if err != nil {
		return "", "", err
	}
	key, err = encodeKey(k)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), key, err
}

func requestKey(csrPEM string) (*ecdsa.PublicKey, error) {
	if len(csrPEM) > maxPEM {
		return nil, errors.New("too long")
	}
	block, _ := pem.Decode([]byte(csrPEM))
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return nil, errors.New("no PEM certificate request")
	}
	r, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, err
	}
	if err := r.CheckSignature(); err != nil {
		return nil, err
	}
	key, ok := r.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("not an ECDSA key on P-256")
	}
	return key, nil
}

func leaf(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name},
		NotBefore: clock.Now().Add(-backdate), NotAfter: clock.Now().Add(LeafLife),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
}

// serial has 127 random bits (RFC 5280, section 4.1.2.2: positive and at most 20 octets).
func serial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	b[0] &= 0x7f
	b[15] |= 1
	return new(big.Int).SetBytes(b[:])
}

func encodeCertificate(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func encodeKey(key *ecdsa.PrivateKey) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// VerifyServer checks that a TLS peer is the link's server by its authority.
func VerifyServer(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return errors.New("the server showed no certificate")
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{
			Roots: roots, DNSName: ServerName, CurrentTime: clock.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		})
		return err
	}
}

// VerifyPinned is VerifyServer for a scanner that knows only the SHA-256 of the authority's certificate; the server
// sends that certificate in its chain.
func VerifyPinned(pin [sha256.Size]byte) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		for _, c := range s.PeerCertificates[min(1, len(s.PeerCertificates)):] {
			if sha256.Sum256(c.Raw) == pin {
				roots := x509.NewCertPool()
				roots.AddCert(c)
				return VerifyServer(roots)(s)
			}
		}
		return errors.New("the server's authority is not the one that the linking code or --ca-pin names")
	}
}
