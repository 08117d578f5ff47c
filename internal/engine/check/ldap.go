package check

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// ldapMessage wraps an operation (RFC 4511 section 4.1.1).
func ldapMessage(id int64, operation func(*cryptobyte.Builder)) []byte {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(id)
		operation(b)
	})
	return b.BytesOrPanic()
}

func ldapBind(name, password string) []byte {
	return ldapMessage(1, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.Tag(0x60), func(b *cryptobyte.Builder) {
			b.AddASN1Int64(3)
			b.AddASN1OctetString([]byte(name))
			b.AddASN1(asn1.Tag(0x80), func(b *cryptobyte.Builder) { b.AddBytes([]byte(password)) })
		})
	})
}

// ldapResult gives the result code of the first message of a kind (61: bind response, 65: search done).
func ldapResult(reply []byte, kind byte) (int, bool) {
	s := cryptobyte.String(reply)
	var message, operation cryptobyte.String
	for s.ReadASN1(&message, asn1.SEQUENCE) {
		var id, code int
		var tag asn1.Tag
		if !message.ReadASN1Integer(&id) || !message.ReadAnyASN1(&operation, &tag) {
			return 0, false
		}
		if byte(tag) == kind {
			return code, operation.ReadASN1Enum(&code)
		}
	}
	return 0, false
}
