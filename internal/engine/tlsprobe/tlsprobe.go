// Package tlsprobe learns what one TLS port speaks and what is wrong with it: versions from SSL 2 to TLS 1.3, every
// suite a stranger can use, key sizes, the certificate and its chain. It never completes a handshake where the answer
// to the first message tells enough.
package tlsprobe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	ztls "github.com/zmap/zcrypto/tls"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

const (
	handshakeWait = 6 * time.Second
	portBudget    = 3 * time.Minute
	maxHandshakes = 400 // of one port
)

// Run probes one port that speaks TLS at once or after a protocol's own STARTTLS. The result is nil with an error where
// the port speaks no TLS or could not be reached. The findings have class tls.<fault>; a server without fault has none.
// A leaf whose issuer is neither sent nor known is reported by Settle, which sees the host's other ports.
func Run(ctx context.Context, n *wire.Net, t wire.Target) (*scanlink.TLS, []scanlink.Finding, error) {
	ctx, cancel := context.WithTimeout(ctx, portBudget)
	defer cancel()
	p := newProber(n, t)
	if err := p.enumerate(ctx); err != nil {
		return nil, nil, err
	}
	p.tls13Certificate(ctx)
	found := p.protocolFaults()
	facts := &scanlink.TLS{Versions: p.versions, Suites: p.accepted}
	if leaves := p.leaves(); len(leaves) > 0 {
		facts.Certificate, facts.Chain = leaves[0].facts()
		for _, l := range leaves {
			found = append(found, p.certificateFaults(l)...)
		}
	}
	found = append(found, p.attacks(ctx)...)
	return facts, distinct(found), nil
}

// prober is the work on one port.
type prober struct {
	t        wire.Target
	dial     func(context.Context) (net.Conn, error)
	left     int
	versions []string
	accepted []scanlink.Suite
	chains   [][][]byte // of distinct leaves
	speaks   bool       // any answer was TLS
	beats    bool       // a server agreed to heartbeats
	loose    []string   // accepted versions whose renegotiation is bound to nothing
}

func newProber(n *wire.Net, t wire.Target) *prober {
	return &prober{t: t, left: maxHandshakes, dial: func(ctx context.Context) (net.Conn, error) { return Dial(ctx, n, t) }}
}

// enumerate walks the versions from new to old. An error means that nothing spoke TLS.
func (p *prober) enumerate(ctx context.Context) error {
	var first error
	for _, v := range []uint16{tls13, tls12, tls11, tls10, ssl3} {
		err := p.version(ctx, v)
		if err != nil && first == nil {
			first = err
		}
		if errors.Is(err, errDial) && !p.speaks {
			return err
		}
		if ctx.Err() != nil {
			break
		}
	}
	p.sslv2(ctx)
	if len(p.versions) == 0 {
		if first == nil || p.speaks {
			first = errors.New("no version of TLS was accepted")
		}
		return first
	}
	slices.SortFunc(p.versions, func(a, b string) int { return versionRank(a) - versionRank(b) })
	return nil
}

func versionRank(name string) int {
	return slices.Index([]string{"SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"}, name)
}

// version finds every suite that the server accepts at one version: offer, note and remove what was chosen, repeat.
func (p *prober) version(ctx context.Context, version uint16) error {
	var first error
	for _, group := range offers(version) {
		for len(group) > 0 {
			f, err := p.offer(ctx, version, group)
			if err != nil {
				if first == nil {
					first = err
				}
				var refused alertError
				if errors.As(err, &refused) && refused.description == protocolVersion {
					return first
				}
				break
			}
			i := slices.Index(group, f.suite)
			if f.version != version || i < 0 {
				break
			}
			p.note(f)
			group = slices.Delete(slices.Clone(group), i, i+1)
		}
	}
	return first
}

// offer makes one handshake's beginning. A connection that breaks without an alert is tried once more, without
// extensions where these may be what the server cannot bear.
func (p *prober) offer(ctx context.Context, version uint16, group []uint16) (*flight, error) {
	h := hello{version: version, suites: group, name: p.t.Name(), heartbeat: version < tls13}
	f, err := p.shake(ctx, h)
	var refused alertError
	if err == nil || errors.As(err, &refused) || errors.Is(err, errDial) || !p.speaks && version > tls11 {
		return f, err
	}
	h.bare = version <= tls11 && !p.speaksNow(version)
	return p.shake(ctx, h)
}

func (p *prober) speaksNow(version uint16) bool {
	return slices.Contains(p.versions, versionNames[version])
}

var (
	errDial   = errors.New("no connection for TLS")
	errBudget = errors.New("enough handshakes with this port")
)

// shake sends one ClientHello on a fresh connection and reads the server's flight. A flight that broke off after the
// ServerHello still tells the suite.
func (p *prober) shake(ctx context.Context, h hello) (*flight, error) {
	c, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := c.Write(h.record()); err != nil {
		return nil, err
	}
	f, err := readFlight(c)
	var refused alertError
	if f.version != 0 || errors.As(err, &refused) {
		p.speaks = true
	}
	if f.suite != 0 {
		return f, nil
	}
	return f, err
}

// pauses before further tries to connect, once the port has spoken TLS: it is there, but busy (SMTP's 421, a full
// backlog).
var pauses = []time.Duration{200 * time.Millisecond, time.Second, 3 * time.Second}

func (p *prober) open(ctx context.Context) (net.Conn, error) {
	if p.left--; p.left < 0 {
		return nil, errBudget
	}
	c, err := p.dial(ctx)
	for try := 0; err != nil && ctx.Err() == nil && p.worthRetry(err, try); try++ {
		select {
		case <-ctx.Done():
		case <-time.After(pauses[try]):
		}
		c, err = p.dial(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDial, err)
	}
	if err := c.SetDeadline(time.Now().Add(handshakeWait)); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (p *prober) worthRetry(err error, try int) bool {
	if errors.Is(err, wire.ErrOutOfScope) || try >= len(pauses) {
		return false
	}
	return p.speaks || (try == 0 && !errors.Is(err, errNotOffered))
}

func (p *prober) note(f *flight) {
	name := versionNames[f.version]
	if !slices.Contains(p.versions, name) {
		p.versions = append(p.versions, name)
	}
	p.accepted = append(p.accepted, scanlink.Suite{Version: name, Name: suiteNames[f.suite], Bits: f.bits})
	p.beats = p.beats || f.heartbeat
	if f.version < tls13 && !f.secure && !slices.Contains(p.loose, name) {
		p.loose = append(p.loose, name)
	}
	p.keep(f.chain)
}

const maxLeaves = 4

// keep remembers a chain with a leaf not seen yet: a server may have one for RSA and one for ECDSA.
func (p *prober) keep(chain [][]byte) {
	if len(chain) == 0 || len(p.chains) >= maxLeaves {
		return
	}
	for _, c := range p.chains {
		if string(c[0]) == string(chain[0]) {
			return
		}
	}
	p.chains = append(p.chains, chain)
}

func (p *prober) sslv2(ctx context.Context) {
	c, err := p.open(ctx)
	if err != nil {
		return
	}
	defer c.Close()
	if _, err := c.Write(sslv2Hello()); err != nil {
		return
	}
	names, der, err := readSSLv2(c)
	if err != nil {
		return
	}
	p.versions = append(p.versions, "SSLv2")
	for _, name := range names {
		p.accepted = append(p.accepted, scanlink.Suite{Version: "SSLv2", Name: name})
	}
	if len(der) > 0 && len(p.chains) == 0 {
		p.keep([][]byte{der})
	}
}

// tls13Certificate fetches the chain of a server that speaks TLS 1.3 alone, whose certificate is sealed: a whole
// handshake is needed.
func (p *prober) tls13Certificate(ctx context.Context) {
	if len(p.chains) > 0 || !p.speaksNow(tls13) {
		return
	}
	for range 2 {
		if chain, err := sealedChain(ctx, p); err == nil {
			p.keep(chain)
			return
		}
	}
}

func sealedChain(ctx context.Context, p *prober) ([][]byte, error) {
	c, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	client := ztls.Client(c, &ztls.Config{InsecureSkipVerify: true, ServerName: p.t.Name(), MinVersion: ztls.VersionTLS12})
	if err := client.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	var chain [][]byte
	for _, cert := range client.ConnectionState().PeerCertificates {
		if len(chain) < maxChain {
			chain = append(chain, cert.Raw)
		}
	}
	return chain, nil
}

// distinct drops a class that another leaf has already brought.
func distinct(all []scanlink.Finding) []scanlink.Finding {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(f scanlink.Finding) bool {
		key := f.Class + " " + strings.ToLower(f.Path)
		dup := seen[key]
		seen[key] = true
		return dup
	})
}
