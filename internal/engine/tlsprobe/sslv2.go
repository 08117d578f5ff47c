package tlsprobe

import (
	"encoding/binary"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
)

// SSL 2.0 as its draft of 1995 says it; no library speaks it any more, which is right.

var sslv2Names = map[uint32]string{
	0x010080: "SSL_CK_RC4_128_WITH_MD5",
	0x020080: "SSL_CK_RC4_128_EXPORT40_WITH_MD5",
	0x030080: "SSL_CK_RC2_128_CBC_WITH_MD5",
	0x040080: "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5",
	0x050080: "SSL_CK_IDEA_128_CBC_WITH_MD5",
	0x060040: "SSL_CK_DES_64_CBC_WITH_MD5",
	0x0700c0: "SSL_CK_DES_192_EDE3_CBC_WITH_MD5",
}

func sslv2Hello() []byte {
	b := cryptobyte.NewBuilder(nil)
	b.AddUint8(1) // CLIENT-HELLO
	b.AddUint16(0x0002)
	b.AddUint16(uint16(3 * len(sslv2Names)))
	b.AddUint16(0)
	b.AddUint16(16)
	for kind := uint32(1); kind <= 7; kind++ {
		for id := range sslv2Names {
			if id>>16 == kind {
				b.AddUint24(id)
			}
		}
	}
	b.AddBytes(random(16))
	body := b.BytesOrPanic()
	return append([]byte{0x80 | byte(len(body)>>8), byte(len(body))}, body...)
}

// readSSLv2 reads a SERVER-HELLO: the cipher kinds and the certificate. A server may answer with no kinds at all, which
// is still SSL 2 (CVE-2016-0800), but a TLS record or text is errNoTLS.
func readSSLv2(r io.Reader) (names []string, der []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, nil, err
	}
	size := int(binary.BigEndian.Uint16(head[:]) & 0x7fff)
	if head[0]&0x80 == 0 || size < 11 {
		return nil, nil, errNoTLS
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, nil, fmt.Errorf("SERVER-HELLO cut short: %w", err)
	}
	s := cryptobyte.String(body)
	var kind, hit, certType uint8
	var version, certSize, kindsSize, idSize uint16
	if !s.ReadUint8(&kind) || !s.ReadUint8(&hit) || !s.ReadUint8(&certType) || !s.ReadUint16(&version) ||
		!s.ReadUint16(&certSize) || !s.ReadUint16(&kindsSize) || !s.ReadUint16(&idSize) || kind != 4 || version != 2 {
		return nil, nil, errNoTLS
	}
	var kinds []byte
	if !s.ReadBytes(&der, int(certSize)) || !s.ReadBytes(&kinds, int(kindsSize)) || kindsSize%3 != 0 {
		return nil, nil, errMalformed
	}
	for ; len(kinds) >= 3; kinds = kinds[3:] {
		if name := sslv2Names[uint32(kinds[0])<<16|uint32(kinds[1])<<8|uint32(kinds[2])]; name != "" {
			names = append(names, name)
		}
	}
	return names, der, nil
}
