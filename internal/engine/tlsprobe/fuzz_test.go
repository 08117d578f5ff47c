package tlsprobe

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/zmap/zcrypto/x509"

	"github.com/vedette/vedette/internal/engine/wire"
)

func FuzzFlight(f *testing.F) {
	server := old{versions: []uint16{tls12}, suites: []uint16{0x009e}, ske: group(1024), beats: true, chain: [][]byte{{0x30, 0}}}
	f.Add(server.flight(0x009e, asked{version: tls12, heartbeat: true}))
	f.Add(record(recordAlert, tls12, []byte{2, 40}))
	f.Fuzz(func(t *testing.T, b []byte) {
		flight, err := readFlight(bytes.NewReader(b))
		if flight == nil || (err == nil && !flight.done) {
			t.Errorf("neither an error nor a whole flight: %+v", flight)
		}
		if len(flight.chain) > maxChain {
			t.Errorf("chain of %d", len(flight.chain))
		}
		for _, der := range flight.chain {
			if cert, err := x509.ParseCertificate(der); err == nil {
				_ = certificateFacts(cert)
			}
		}
	})
}

func FuzzSSLv2(f *testing.F) {
	f.Add([]byte{0x80, 14, 4, 0, 1, 0, 2, 0, 0, 0, 3, 0, 0, 1, 0, 0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		if names, _, err := readSSLv2(bytes.NewReader(b)); err != nil && len(names) > 0 {
			t.Error("names with an error")
		}
	})
}

func FuzzKeyExchange(f *testing.F) {
	f.Add("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", group(1024))
	f.Add("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", []byte{3, 0, 0x17})
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		if size, _ := keyExchange(name, b); size < 0 || size > 8*65536 {
			t.Errorf("%d bits", size)
		}
	})
}

// FuzzStartTLS gives every dance the same hostile server.
func FuzzStartTLS(f *testing.F) {
	f.Add([]byte(mysqlHello))
	f.Add([]byte("220 a\r\n250 b\r\n220 c\r\n"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		for _, d := range dances {
			_ = d(&conversation{conn: &canned{Reader: bytes.NewReader(b)}}, wire.Target{})
		}
	})
}

// canned is a connection that says what it was given and takes anything.
type canned struct{ *bytes.Reader }

func (*canned) Write(b []byte) (int, error)      { return len(b), nil }
func (*canned) Close() error                     { return nil }
func (*canned) LocalAddr() net.Addr              { return nil }
func (*canned) RemoteAddr() net.Addr             { return nil }
func (*canned) SetDeadline(time.Time) error      { return nil }
func (*canned) SetReadDeadline(time.Time) error  { return nil }
func (*canned) SetWriteDeadline(time.Time) error { return nil }
