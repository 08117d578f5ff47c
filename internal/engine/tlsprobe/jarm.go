package tlsprobe

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
)

// JARM (Salesforce, 2020) tells TLS stacks apart by their answers to ten odd ClientHellos. What follows keeps to its
// reference in each byte, since fingerprints are compared with those of others.

// order in which a list of a hello is given.
type order int

const (
	forward order = iota
	backward
	topHalf
	bottomHalf
	middleOut
)

// jarmHello is one of the ten.
type jarmHello struct {
	version  uint16
	no13     bool // without the suites of TLS 1.3
	suites   order
	grease   bool
	rare     bool   // only protocols that nobody speaks
	versions uint16 // the newest in supported_versions; 0 leaves the extension out
	lists    order  // of protocols and versions
}

var jarmHellos = []jarmHello{
	{version: tls12, versions: tls12, lists: backward},
	{version: tls12, suites: backward, versions: tls12},
	{version: tls12, suites: topHalf},
	{version: tls12, suites: bottomHalf, rare: true},
	{version: tls12, suites: middleOut, grease: true, rare: true, lists: backward},
	{version: tls11},
	{version: tls13, versions: tls13, lists: backward},
	{version: tls13, suites: backward, versions: tls13},
	{version: tls13, no13: true, versions: tls13},
	{version: tls13, suites: middleOut, grease: true, versions: tls13, lists: backward},
}

var jarmSuites = []uint16{
	0x0016, 0x0033, 0x0067, 0xc09e, 0xc0a2, 0x009e, 0x0039, 0x006b, 0xc09f, 0xc0a3, 0x009f, 0x0045, 0x00be, 0x0088, 0x00c4, 0x009a,
	0xc008, 0xc009, 0xc023, 0xc0ac, 0xc0ae, 0xc02b, 0xc00a, 0xc024, 0xc0ad, 0xc0af, 0xc02c, 0xc072, 0xc073, 0xcca9, 0x1302, 0x1301,
	0xcc14, 0xc007, 0xc012, 0xc013, 0xc027, 0xc02f, 0xc014, 0xc028, 0xc030, 0xc060, 0xc061, 0xc076, 0xc077, 0xcca8, 0x1305, 0x1304,
	0x1303, 0xcc13, 0xc011, 0x000a, 0x002f, 0x003c, 0xc09c, 0xc0a0, 0x009c, 0x0035, 0x003d, 0xc09d, 0xc0a1, 0x009d, 0x0041, 0x00ba,
	0x0084, 0x00c0, 0x0007, 0x0004, 0x0005,
}

// jarmProtocols are the ALPN names. That spdy/3 and h2 move as one is the reference's slip, and part of the fingerprint.
var (
	jarmProtocols = []string{"\x08http/0.9", "\x08http/1.0", "\x08http/1.1", "\x06spdy/1", "\x06spdy/2", "\x06spdy/3\x02h2", "\x03h2c", "\x02hq"}
	jarmRare      = []string{"\x08http/0.9", "\x08http/1.0", "\x06spdy/1", "\x06spdy/2", "\x06spdy/3", "\x03h2c", "\x02hq"}
)

func arrange[T any](all []T, by order) []T {
	half, odd := len(all)/2, len(all)%2
	switch by {
	case backward:
		all = slices.Clone(all)
		slices.Reverse(all)
	case bottomHalf:
		all = all[half+odd:]
	case topHalf:
		all = slices.Clone(all[:half+odd])
		slices.Reverse(all)
	case middleOut:
		var out []T
		if odd == 1 {
			out = append(out, all[half])
		}
		for i := 1; i <= half; i++ {
			out = append(out, all[half-1+odd+i], all[half-i])
		}
		return out
	}
	return all
}

// greaseValue is one of RFC 8701, always the same: servers must treat them alike.
const greaseValue = 0x4a4a

func (h jarmHello) record(host string) []byte {
	b := cryptobyte.NewBuilder(nil)
	b.AddUint8(recordHandshake)
	if h.version == tls13 {
		b.AddUint16(tls10)
	} else {
		b.AddUint16(h.version)
	}
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint8(clientHello)
		b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { h.body(b, host) })
	})
	return b.BytesOrPanic()
}

func (h jarmHello) body(b *cryptobyte.Builder, host string) {
	b.AddUint16(min(h.version, tls12))
	b.AddBytes(random(32))
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(random(32)) })
	suites := jarmSuites
	if h.no13 {
		suites = slices.DeleteFunc(slices.Clone(suites), func(s uint16) bool { return s>>8 == 0x13 })
	}
	suites = arrange(suites, h.suites)
	if h.grease {
		suites = append([]uint16{greaseValue}, suites...)
	}
	list16(suites...)(b)
	b.AddBytes([]byte{1, 0})
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { h.extensions(b, host) })
}

func (h jarmHello) extensions(b *cryptobyte.Builder, host string) {
	raw := func(content ...byte) func(*cryptobyte.Builder) {
		return func(b *cryptobyte.Builder) { b.AddBytes(content) }
	}
	if h.grease {
		extension(b, greaseValue, raw())
	}
	extension(b, 0, func(b *cryptobyte.Builder) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			b.AddUint8(0)
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(host)) })
		})
	})
	extension(b, 0x17, raw())
	extension(b, 0x01, raw(1))
	extension(b, 0xff01, raw(0))
	extension(b, 0x0a, list16(0x1d, 0x17, 0x18, 0x19))
	extension(b, 0x0b, raw(1, 0))
	extension(b, 0x23, raw())
	protocols := jarmProtocols
	if h.rare {
		protocols = jarmRare
	}
	extension(b, 0x10, func(b *cryptobyte.Builder) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(strings.Join(arrange(protocols, h.lists), ""))) })
	})
	extension(b, 0x0d, list16(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, 0x0201))
	extension(b, 0x33, func(b *cryptobyte.Builder) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			if h.grease {
				b.AddUint16(greaseValue)
				b.AddBytes([]byte{0, 1, 0})
			}
			b.AddUint16(0x1d)
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(random(32)) })
		})
	})
	extension(b, 0x2d, raw(1, 1))
	if h.versions != 0 {
		extension(b, 0x2b, h.supported)
	}
}

func (h jarmHello) supported(b *cryptobyte.Builder) {
	versions := []uint16{tls10, tls11, tls12, tls13}[:h.versions-tls10+1]
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) {
		if h.grease {
			b.AddUint16(greaseValue)
		}
		for _, v := range arrange(versions, h.lists) {
			b.AddUint16(v)
		}
	})
}

// JARM asks the target ten times, and gives the 62 characters; all zeros where it does not answer as TLS.
func JARM(ctx context.Context, n *wire.Net, t wire.Target) (string, error) {
	host := t.Name()
	if host == "" {
		host = t.Host.Address.String()
	}
	var answers [][]byte
	for _, h := range jarmHellos {
		answer, err := jarmAsk(ctx, n, t, h.record(host))
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			return strings.Repeat("0", 62), nil
		}
		if ctx.Err() != nil {
			return "", fmt.Errorf("jarm: %w", ctx.Err())
		}
		answers = append(answers, answer)
	}
	return jarmOf(answers), nil
}

func jarmAsk(ctx context.Context, n *wire.Net, t wire.Target, hello []byte) ([]byte, error) {
	conn, err := n.Dial(ctx, "tcp", t.AddrPort())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(clock.Now().Add(10 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(hello); err != nil {
		return nil, err
	}
	b := make([]byte, 1484) // what the reference reads at once
	size, err := conn.Read(b)
	return b[:size], err
}

// jarmOf is the fingerprint of ten answers: suite and version of each, then a digest of protocols and extensions.
func jarmOf(answers [][]byte) string {
	var head, tail strings.Builder
	any := false
	for _, a := range answers {
		suite, version, protocol, extensions, ok := jarmRead(a)
		if !ok {
			head.WriteString("000")
			continue
		}
		any = true
		head.WriteString(fmt.Sprintf("%02x", jarmIndex(suite)) + string("abcdef"[min(version&15, 5)]))
		tail.WriteString(protocol + extensions)
	}
	if !any {
		return strings.Repeat("0", 62)
	}
	digest := sha256.Sum256([]byte(tail.String()))
	return head.String() + hex.EncodeToString(digest[:])[:32]
}

// jarmIndex is a suite's place in the sorted list, those of TLS 1.3 last.
func jarmIndex(suite uint16) int {
	rank := func(s uint16) int {
		if s>>8 == 0x13 {
			return int(s) + 1<<16
		}
		return int(s)
	}
	sorted := slices.Clone(jarmSuites)
	slices.SortFunc(sorted, func(a, b uint16) int { return rank(a) - rank(b) })
	if i := slices.Index(sorted, suite); i >= 0 {
		return i + 1
	}
	return len(sorted) + 1
}

// jarmRead reads a ServerHello as the reference does.
func jarmRead(a []byte) (suite, version uint16, protocol, extensions string, ok bool) {
	if len(a) < 44 || a[0] != recordHandshake || a[5] != serverHello {
		return 0, 0, "", "", false
	}
	at := int(a[43]) + 44
	if len(a) < at+2 {
		return 0, 0, "", "", false
	}
	suite, version = binary.BigEndian.Uint16(a[at:]), binary.BigEndian.Uint16(a[9:])
	at += 3
	if len(a) <= at || a[at] == certificate || len(a) >= at+6 && string(a[at+3:at+6]) == "\x0e\xac\x0b" || len(a) >= 85 && string(a[82:85]) == "\x0f\xf0\x0b" {
		return suite, version, "", "", true
	}
	s := cryptobyte.String(a[at:])
	var all cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&all) {
		return 0, 0, "", "", false
	}
	var kinds []string
	for !all.Empty() {
		var kind uint16
		var body cryptobyte.String
		if !all.ReadUint16(&kind) || !all.ReadUint16LengthPrefixed(&body) {
			return 0, 0, "", "", false
		}
		if kind == 0x10 && protocol == "" && len(body) > 3 {
			protocol = string(body[3:])
		}
		kinds = append(kinds, fmt.Sprintf("%04x", kind))
	}
	return suite, version, protocol, strings.Join(kinds, "-"), true
}
