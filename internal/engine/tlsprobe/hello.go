package tlsprobe

import (
	"crypto/rand"
	"net/netip"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// Versions on the wire.
const (
	ssl3  = 0x0300
	tls10 = 0x0301
	tls11 = 0x0302
	tls12 = 0x0303
	tls13 = 0x0304
)

var versionNames = map[uint16]string{
	0x0002: "SSLv2", ssl3: "SSLv3", tls10: "TLSv1.0", tls11: "TLSv1.1", tls12: "TLSv1.2", tls13: "TLSv1.3",
}

// hello describes one ClientHello. The library would not say most of these, hence our own.
type hello struct {
	version   uint16
	suites    []uint16
	name      string // for SNI; an address is left out (RFC 6066 section 3)
	bare      bool   // without extensions, for servers that cannot bear any
	heartbeat bool   // RFC 6520: the client may receive requests
	deflate   bool   // offers compression (RFC 3749)
}

// renegotiationInfo is the signalling suite of RFC 5746; it serves where extensions do not.
const renegotiationInfo = 0x00ff

// deflate is the compression method of RFC 3749.
const deflate = 1

// record gives the ClientHello in one TLS record.
func (h hello) record() []byte {
	b := cryptobyte.NewBuilder(make([]byte, 0, 512))
	b.AddUint8(recordHandshake)
	b.AddUint16(min(h.version, tls10))
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint8(clientHello)
		b.AddUint24LengthPrefixed(h.body)
	})
	return b.BytesOrPanic()
}

func (h hello) body(b *cryptobyte.Builder) {
	b.AddUint16(min(h.version, tls12))
	b.AddBytes(random(32))
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) {
		if h.version == tls13 { // middlebox compatibility, RFC 8446 appendix D.4
			b.AddBytes(random(32))
		}
	})
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, s := range h.suites {
			b.AddUint16(s)
		}
		if h.version < tls13 {
			b.AddUint16(renegotiationInfo)
		}
	})
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) {
		if h.deflate {
			b.AddUint8(deflate)
		}
		b.AddUint8(0) // no compression
	})
	if h.version > ssl3 && !h.bare {
		b.AddUint16LengthPrefixed(h.extensions)
	}
}

func (h hello) extensions(b *cryptobyte.Builder) {
	if _, err := netip.ParseAddr(h.name); h.name != "" && err != nil {
		extension(b, 0, func(b *cryptobyte.Builder) {
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				b.AddUint8(0)
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(h.name)) })
			})
		})
	}
	if h.version == tls13 || slices.ContainsFunc(h.suites, func(id uint16) bool { return suite{id, suiteNames[id]}.curve() }) {
		extension(b, 10, list16(0x001d, 0x0017, 0x0018, 0x0019, 0x001e, 0x0016, 0x0015, 0x0013, 0x0100, 0x0101))
		extension(b, 11, func(b *cryptobyte.Builder) { b.AddUint8(1); b.AddUint8(0) })
	}
	if h.version >= tls12 {
		extension(b, 13, list16(0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0807, 0x0808, 0x0401, 0x0501, 0x0601,
			0x0402, 0x0301, 0x0303, 0x0203, 0x0201, 0x0202, 0x0101))
	}
	if h.heartbeat {
		extension(b, 15, func(b *cryptobyte.Builder) { b.AddUint8(1) })
	}
	if h.version == tls13 {
		extension(b, 43, func(b *cryptobyte.Builder) { b.AddUint8(2); b.AddUint16(tls13) })
		extension(b, 51, func(b *cryptobyte.Builder) {
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				b.AddUint16(0x001d) // any 32 bytes are a public key of X25519; the handshake goes no further
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(random(32)) })
			})
		})
	}
}

func extension(b *cryptobyte.Builder, kind uint16, body func(*cryptobyte.Builder)) {
	b.AddUint16(kind)
	b.AddUint16LengthPrefixed(body)
}

func list16(values ...uint16) func(*cryptobyte.Builder) {
	return func(b *cryptobyte.Builder) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, v := range values {
				b.AddUint16(v)
			}
		})
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (Go 1.24)
	return b
}
