package identify

import (
	"crypto/tls"
	"errors"
	"net"
	"time"

	ztls "github.com/zmap/zcrypto/tls"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
)

// isTLS tells a TLS record of a handshake or an alert, or an SSLv2 server's hello or error.
func isTLS(b []byte) bool {
	if len(b) >= 5 && (b[0] == 0x16 || b[0] == 0x15) && b[1] == 3 && b[2] <= 4 {
		n := int(b[3])<<8 | int(b[4])
		if b[0] == 0x15 {
			return n == 2 && len(b) >= 7 && (b[5] == 1 || b[5] == 2)
		}
		return n >= 4 && n <= 1<<14+256 && len(b) >= 6 && b[5] == 2
	}
	return false
}

// clientHello offers all that servers may still speak, old and anonymous suites too, so that whatever TLS listens shows
// itself by a hello or an alert.
var clientHello = buildHello()

func buildHello() []byte {
	suites := []uint16{
		0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0xc009, 0xc00a, 0x009e, 0x009f, 0x0067, 0x006b,
		0x0033, 0x0039, 0x009c, 0x009d, 0x003c, 0x003d, 0x002f, 0x0035, 0x0016, 0x000a, 0x0005, 0x0004, 0x0018, 0x001b, 0x0034, 0x003a, 0x006c,
		0x006d, 0x00a6, 0x00a7, 0xc018, 0xc019, 0x0001, 0x0002, 0x003b, 0xc006, 0xc010, 0xc015, 0x0003, 0x0006, 0x0008, 0x0009, 0x0014, 0x0015,
	}
	var body []byte
	body = append(body, 3, 3)
	for i := range 32 {
		body = append(body, byte(i*7+1))
	}
	body = append(body, 0)
	body = append(body, byte(len(suites)*2>>8), byte(len(suites)*2))
	for _, s := range suites {
		body = append(body, byte(s>>8), byte(s))
	}
	body = append(body, 1, 0)
	ext := []byte{
		0, 10, 0, 12, 0, 10, 0, 29, 0, 23, 0, 24, 0, 25, 1, 0, // supported groups
		0, 11, 0, 2, 1, 0, // point formats
		0, 13, 0, 26, 0, 24, 4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8, 6, 6, 1, 2, 3, 2, 1, 1, 1, 6, 3, // signature algorithms
		0, 43, 0, 9, 8, 3, 4, 3, 3, 3, 2, 3, 1, // versions
	}
	share := append([]byte{0, 51, 0, 38, 0, 36, 0, 29, 0, 32}, make([]byte, 32)...)
	share[10] = 9 // the base point of X25519
	ext = append(ext, share...)
	body = append(body, byte(len(ext)>>8), byte(len(ext)))
	body = append(body, ext...)
	msg := append([]byte{1, 0, byte(len(body) >> 8), byte(len(body))}, body...)
	return append([]byte{0x16, 3, 1, byte(len(msg) >> 8), byte(len(msg))}, msg...)
}

// speaksTLS sends a hello and looks at the answer.
func (s *session) speaksTLS() bool {
	c, err := s.plain()
	if err != nil {
		return false
	}
	defer c.Close()
	if _, err := c.Write(clientHello); err != nil {
		return false
	}
	b, _ := wire.Read(c, 4096, s.patience(2*time.Second))
	return isTLS(b)
}

// enterTLS identifies what speaks inside. clear is what the port said to clear text, if it did.
func (s *session) enterTLS(clear Match) (Match, bool) {
	inner := &session{ctx: s.ctx, net: s.net, target: s.target, start: s.start, tunnel: true, dial: s.encrypted}
	c, err := s.encrypted()
	if err != nil {
		s.tlsBad = err
		return s.clearOnTLS(clear)
	}
	c.Close()
	m, ok := inner.run()
	s.banner, s.closed, s.failed = inner.banner, inner.closed, inner.failed
	if m.Tunnel = "tls"; !ok {
		if m.Note == "" {
			m.Note = inner.whyUnknown()
		}
		if clear.Name != "" {
			clear.Tunnel = "tls"
			return clear, true
		}
		m.Name = "unknown"
	}
	return m, true
}

// clearOnTLS makes use of web servers' habit to answer clear text on a TLS port with an error in clear text, where no
// handshake succeeds.
func (s *session) clearOnTLS(m Match) (Match, bool) {
	if m.Name == "" {
		for i := range tcpProbes {
			if p := &tcpProbes[i]; p.name == "http" {
				if h := s.say(nil, p); len(h.bytes) > 0 && !isTLS(h.bytes) {
					m, _ = p.match(h.bytes)
					s.banner = h.bytes
				}
			}
		}
	}
	m.Tunnel = "tls"
	if m.Name == "" {
		m.Name, m.Note = "unknown", s.whyUnknown()
	} else {
		m.Note = "No TLS handshake succeeded with the suites that the server wants; it was identified by its answer to clear text."
	}
	return m, true
}

func clientConfig(t Target) *tls.Config {
	var all []uint16
	for _, c := range tls.CipherSuites() {
		all = append(all, c.ID)
	}
	for _, c := range tls.InsecureCipherSuites() {
		all = append(all, c.ID)
	}
	config := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, CipherSuites: all}
	if len(t.Host.Names) > 0 {
		config.ServerName = t.Host.Names[0]
	}
	return config
}

// encrypted makes a connection inside TLS: with Go's own library, then with one that still knows older suites.
func (s *session) encrypted() (net.Conn, error) {
	c, err := s.plain()
	if err != nil {
		return nil, err
	}
	t := tls.Client(c, clientConfig(s.target))
	if err := handshake(c, s.patience(5*time.Second), func() error { return t.HandshakeContext(s.ctx) }); err == nil {
		return t, nil
	}
	c.Close()
	if c, err = s.plain(); err != nil {
		return nil, err
	}
	z := ztls.Client(c, &ztls.Config{
		InsecureSkipVerify: true, MinVersion: ztls.VersionTLS10, MaxVersion: ztls.VersionTLS12,
		ServerName: s.target.host(), CipherSuites: legacySuites, ForceSuites: true,
	})
	if err := handshake(c, s.patience(5*time.Second), z.Handshake); err != nil {
		c.Close()
		return nil, err
	}
	return z, nil
}

// legacySuites are those that zcrypto can carry out and Go's library cannot.
var legacySuites = []uint16{
	0x009e, 0x009f, 0x0033, 0x0039, 0x0067, 0x006b, 0x0016, 0xc013, 0xc014, 0x002f, 0x0035, 0x000a, 0x0005, 0x0004, 0x0032, 0x0038, 0x0013,
	0x0015, 0x0009, 0x0003, 0x0008, 0x0014, 0x0006, 0xc011, 0xc007, 0xc012,
}

var errHandshake = errors.New("TLS handshake failed")

func handshake(c net.Conn, wait time.Duration, shake func() error) (err error) {
	defer func() {
		if recover() != nil { // a library for research: hostile input may break it
			err = errHandshake
		}
	}()
	if err := c.SetDeadline(clock.Monotonic().Add(wait)); err != nil {
		return err
	}
	if err := shake(); err != nil {
		return err
	}
	return c.SetDeadline(time.Time{})
}
