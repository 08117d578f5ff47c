package tlsprobe

import (
	"bytes"
	zrand "crypto/rand"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"testing"

	zrsa "github.com/zmap/zcrypto/rsa"
	zx509 "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zcrypto/x509/pkix"
	"golang.org/x/crypto/cryptobyte"

	"github.com/vedette/vedette/internal/scanlink"
)

// Service keeps the tests short.
type Service = scanlink.Service

func addrOf(s Service) netip.AddrPort { return netip.AddrPortFrom(s.Address, s.Port) }

func addrPort(t *testing.T) netip.AddrPort {
	t.Helper()
	return netip.MustParseAddrPort("127.0.0.1:1")
}

// old is a server of versions and suites that no library speaks any more. It answers the first flight and no more,
// but for the behaviour of then.
type old struct {
	versions []uint16
	suites   []uint16
	ske      []byte
	beats    bool
	loose    bool // knows no RFC 5746
	deflates bool
	chain    [][]byte
	then     func(net.Conn, uint16)
}

func (o old) handle(c net.Conn) {
	kind, _, body, err := readRecord(c)
	if err != nil || kind != recordHandshake || len(body) < 4 {
		return
	}
	asked, ok := readHello(body[4:])
	version := asked.version
	if !ok || !slices.Contains(o.versions, version) {
		_, _ = c.Write(record(recordAlert, tls10, []byte{2, protocolVersion}))
		return
	}
	for _, s := range o.suites {
		if slices.Contains(asked.suites, s) {
			_, _ = c.Write(o.flight(s, asked))
			if o.then != nil {
				o.then(c, version)
			}
			return
		}
	}
	_, _ = c.Write(record(recordAlert, version, []byte{2, 40}))
}

// asked is what a ClientHello offers.
type asked struct {
	version            uint16
	suites             []uint16
	heartbeat, deflate bool
}

func readHello(b []byte) (a asked, ok bool) {
	s := cryptobyte.String(b)
	var session, list, methods, extensions, body cryptobyte.String
	if !s.ReadUint16(&a.version) || !s.Skip(32) || !s.ReadUint8LengthPrefixed(&session) || !s.ReadUint16LengthPrefixed(&list) || !s.ReadUint8LengthPrefixed(&methods) {
		return a, false
	}
	a.deflate = bytes.IndexByte(methods, deflate) >= 0
	var id, kind uint16
	for list.ReadUint16(&id) {
		a.suites = append(a.suites, id)
	}
	if s.ReadUint16LengthPrefixed(&extensions) {
		for extensions.ReadUint16(&kind) && extensions.ReadUint16LengthPrefixed(&body) {
			a.heartbeat = a.heartbeat || kind == 15
			if kind == 43 {
				a.version = tls13
			}
		}
	}
	return a, true
}

func (o old) flight(suite uint16, a asked) []byte {
	version, method := a.version, uint8(0)
	if o.deflates && a.deflate {
		method = deflate
	}
	b := cryptobyte.NewBuilder(nil)
	message := func(kind byte, body func(*cryptobyte.Builder)) {
		b.AddUint8(kind)
		b.AddUint24LengthPrefixed(body)
	}
	message(serverHello, func(b *cryptobyte.Builder) {
		b.AddUint16(version)
		b.AddBytes(make([]byte, 32))
		b.AddUint8(0)
		b.AddUint16(suite)
		b.AddUint8(method)
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			if o.beats && a.heartbeat {
				extension(b, 15, func(b *cryptobyte.Builder) { b.AddUint8(1) })
			}
			if !o.loose {
				extension(b, 0xff01, func(b *cryptobyte.Builder) { b.AddUint8(0) })
			}
		})
	})
	if len(o.chain) > 0 {
		message(certificate, func(b *cryptobyte.Builder) {
			b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
				for _, der := range o.chain {
					b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(der) })
				}
			})
		})
	}
	if o.ske != nil {
		message(serverKeyExchange, func(b *cryptobyte.Builder) { b.AddBytes(o.ske) })
	}
	message(serverHelloDone, func(*cryptobyte.Builder) {})
	return record(recordHandshake, version, b.BytesOrPanic())
}

// group is a ServerKeyExchange with a prime of so many bits.
func group(bits int) []byte {
	prime := make([]byte, bits/8)
	prime[0] = 0x80
	b := binary.BigEndian.AppendUint16(nil, uint16(len(prime)))
	return append(append(b, prime...), 0, 1, 2, 0, 1, 3)
}

func TestFaultsOfOldServers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		server old
		want   []string
	}{
		{"SSL 3 with export", old{versions: []uint16{ssl3}, suites: []uint16{0x0003, 0x0009}}, []string{"export", "no-1.2", "no-pfs", "sslv3", "weak-cipher"}},
		{"NULL and anonymous", old{versions: []uint16{tls12}, suites: []uint16{0x0002, 0x003b, 0xc018, 0x0034}, ske: group(2048)}, []string{"anon-dh", "null"}},
		{"small group", old{versions: []uint16{tls12}, suites: []uint16{0x009e}, ske: group(1024)}, []string{"dh"}},
		{"big group", old{versions: []uint16{tls12}, suites: []uint16{0x009e}, ske: group(2048)}, []string{}},
		{"heartbeats refused", old{versions: []uint16{tls12}, suites: []uint16{0x009e}, ske: group(2048), beats: true, then: beat(false)}, []string{}},
		{"heartbleed", old{versions: []uint16{tls12}, suites: []uint16{0x009e}, ske: group(2048), beats: true, then: beat(true)}, []string{"heartbleed"}},
		{"no secure renegotiation", old{versions: []uint16{tls12}, suites: []uint16{0x009e}, ske: group(2048), loose: true}, []string{"renegotiation"}},
		{"compression", old{versions: []uint16{tls12}, suites: []uint16{0x009e}, ske: group(2048), deflates: true}, []string{"compression"}},
		{"early CCS refused", old{versions: []uint16{tls12}, suites: []uint16{0x009e}, ske: group(2048), then: ccs(10)}, []string{}},
		{"early CCS taken", old{versions: []uint16{tls12}, suites: []uint16{0x009e}, ske: group(2048), then: ccs(20)}, []string{"ccs"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n, target := target(serve(t, c.server.handle), "https", "tls")
			if _, found := classesOf(t, n, target); !slices.Equal(found, c.want) {
				t.Errorf("faults %v, want %v", found, c.want)
			}
		})
	}
}

// beat answers heartbeats as a server with or without the fault does.
func beat(bleeds bool) func(net.Conn, uint16) {
	return func(c net.Conn, version uint16) {
		kind, _, body, err := readRecord(c)
		if err != nil {
			return
		}
		if kind == recordHeartbeat && bleeds {
			_, _ = c.Write(record(recordHeartbeat, version, append([]byte{2, 0, body[2]}, make([]byte, int(body[2])+16)...)))
		}
		if kind == recordChangeCipher {
			_, _ = c.Write(record(recordAlert, version, []byte{2, 10}))
		}
	}
}

// ccs takes the first ChangeCipherSpec in silence and answers the second by an alert, or refuses the first by alert 10.
func ccs(alert byte) func(net.Conn, uint16) {
	return func(c net.Conn, version uint16) {
		if _, _, _, err := readRecord(c); err != nil {
			return
		}
		if alert != 10 {
			if _, _, _, err := readRecord(c); err != nil {
				return
			}
		}
		_, _ = c.Write(record(recordAlert, version, []byte{2, alert}))
	}
}

func TestRobot(t *testing.T) {
	t.Parallel()
	key, err := zrsa.GenerateKey(zrand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := zx509.CreateCertificate(zrand.Reader, odd("SHA256-RSA"), odd("SHA256-RSA"), &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, oracle := range []bool{true, false} {
		server := old{versions: []uint16{tls12}, suites: []uint16{0x002f}, chain: [][]byte{der}, then: bleichenbacher(key, oracle)}
		n, target := target(serve(t, server.handle), "https", "tls")
		_, found := classesOf(t, n, target)
		if slices.Contains(found, "robot") != oracle {
			t.Errorf("oracle %v: faults %v", oracle, found)
		}
	}
}

// bleichenbacher reads a ClientKeyExchange and answers by an alert that tells good padding, or by one that does not.
func bleichenbacher(key *zrsa.PrivateKey, tells bool) func(net.Conn, uint16) {
	return func(c net.Conn, version uint16) {
		kind, _, body, err := readRecord(c)
		if err != nil || kind != recordHandshake || len(body) < 6 {
			_, _ = c.Write(record(recordAlert, version, []byte{2, 10}))
			return
		}
		m := new(big.Int).Exp(new(big.Int).SetBytes(body[6:]), key.D, key.N).FillBytes(make([]byte, key.Size()))
		alert := byte(badRecordMAC)
		if tells && (m[0] != 0 || m[1] != 2 || !bytes.Contains(m[10:], []byte{0})) {
			alert = 51
		}
		for range 2 { // so that the client may write all of it
			_, _, _, _ = readRecord(c)
		}
		_, _ = c.Write(record(recordAlert, version, []byte{2, alert}))
	}
}

func TestSSLv2(t *testing.T) {
	t.Parallel()
	at := serve(t, func(c net.Conn) {
		head := make([]byte, 2)
		if _, err := io.ReadFull(c, head); err != nil || head[0]&0x80 == 0 {
			return // TLS: hang up, as such a server does
		}
		body := []byte{4, 0, 1, 0, 2, 0, 0, 0, 3, 0, 16, 1, 0, 0x80}
		body = append(body, make([]byte, 16)...)
		_, _ = c.Write(append([]byte{0x80, byte(len(body))}, body...))
	})
	n, target := target(at, "https", "tls")
	facts, found := classesOf(t, n, target)
	if want := []string{"no-1.2", "no-pfs", "rc4", "sslv2"}; !slices.Equal(found, want) {
		t.Errorf("faults %v, want %v", found, want)
	}
	if !slices.Equal(facts.Versions, []string{"SSLv2"}) {
		t.Errorf("versions %v", facts.Versions)
	}
}

func odd(algorithm string) *zx509.Certificate {
	c := &zx509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "odd"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: leafTemplate().NotBefore, NotAfter: leafTemplate().NotAfter,
	}
	for _, a := range []zx509.SignatureAlgorithm{zx509.MD5WithRSA, zx509.SHA1WithRSA, zx509.SHA256WithRSA} {
		if a.String() == algorithm {
			c.SignatureAlgorithm = a
		}
	}
	return c
}

// oddCertificate is one by an unknown authority with an old signature, which the standard library would not make.
func oddCertificate(t *testing.T, algorithm string) *zx509.Certificate {
	t.Helper()
	key, err := zrsa.GenerateKey(zrand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	parent := odd(algorithm)
	parent.Subject.CommonName = "authority"
	der, err := zx509.CreateCertificate(zrand.Reader, odd(algorithm), parent, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := zx509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func withIssuerURL(c *x509.Certificate) *x509.Certificate {
	c.IssuingCertificateURL = []string{"http://ca.invalid/middle.crt"}
	return c
}
