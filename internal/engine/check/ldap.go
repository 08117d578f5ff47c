package check

import (
	"net"

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

const maxEntries = 10

// ldapSearch gives the messages up to the end of a search of few entries (RFC 4511 section 4.5).
func ldapSearch(c net.Conn, base string, scope int64, attribute string) ([][]byte, error) {
	request := ldapMessage(2, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.Tag(0x63), func(b *cryptobyte.Builder) {
			b.AddASN1OctetString([]byte(base))
			b.AddASN1Enum(scope)
			b.AddASN1Enum(0)
			b.AddASN1Int64(maxEntries)
			b.AddASN1Int64(5)
			b.AddASN1Boolean(false)
			b.AddASN1(asn1.Tag(0x87), func(b *cryptobyte.Builder) { b.AddBytes([]byte("objectClass")) })
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1OctetString([]byte(attribute)) })
		})
	})
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	var out [][]byte
	for range maxEntries + 10 {
		message, err := readBER(c)
		if err != nil {
			return nil, err
		}
		out = append(out, message)
		if _, end := ldapResult(message, 0x65); end {
			return out, nil
		}
	}
	return out, nil
}

// ldapEntry takes a search result entry apart.
func ldapEntry(message []byte) (name string, attributes cryptobyte.String, ok bool) {
	s := cryptobyte.String(message)
	var body, entry, dn cryptobyte.String
	var id int
	if !s.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1Integer(&id) || !body.ReadASN1(&entry, asn1.Tag(0x64)) ||
		!entry.ReadASN1(&dn, asn1.OCTET_STRING) || !entry.ReadASN1(&attributes, asn1.SEQUENCE) {
		return "", nil, false
	}
	return string(dn), attributes, true
}

func ldapNames(messages [][]byte) []string {
	var names []string
	for _, m := range messages {
		if name, _, ok := ldapEntry(m); ok && name != "" {
			names = append(names, name)
		}
	}
	return names
}

// ldapValues are all values of all attributes.
func ldapValues(messages [][]byte) []string {
	var values []string
	for _, m := range messages {
		_, attributes, _ := ldapEntry(m)
		var attribute, name, set, value cryptobyte.String
		for attributes.ReadASN1(&attribute, asn1.SEQUENCE) {
			if !attribute.ReadASN1(&name, asn1.OCTET_STRING) || !attribute.ReadASN1(&set, asn1.SET) {
				break
			}
			for set.ReadASN1(&value, asn1.OCTET_STRING) && len(values) < maxEntries {
				values = append(values, string(value))
			}
		}
	}
	return values
}
