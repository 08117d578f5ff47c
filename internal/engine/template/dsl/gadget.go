package dsl

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
)

var errGadget = errors.New("gadgets that run programs are not made")

// gadget is generate_java_gadget(kind, url, encoding): a serialized Java object (Java Object Serialization
// Specification, 6.4). Only the kind dns is made, whose reading looks a host name up and does nothing else.
func gadget(a args) (any, error) {
	if a.text(0) != "dns" {
		return nil, errGadget
	}
	target := a.text(1)
	if strings.Contains(target, ".invalid") {
		return nil, ErrCollaborator // nobody would hear it
	}
	b := lookupObject(target)
	switch a.text(2) {
	case "raw":
		return string(b), nil
	case "hex":
		return hex.EncodeToString(b), nil
	case "gzip", "gzip-base64":
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write(b) // into memory
		_ = w.Close()
		if a.text(2) == "gzip" {
			return packed.String(), nil
		}
		return base64.StdEncoding.EncodeToString(packed.Bytes()), nil
	case "base64-raw":
		return base64.RawStdEncoding.EncodeToString(b), nil
	}
	return base64.StdEncoding.EncodeToString(b), nil
}

// lookupObject is a java.util.HashMap with a java.net.URL as its key: a map that is read hashes its keys, and a URL
// hashes the address of its host.
func lookupObject(target string) []byte {
	_, host, ok := strings.Cut(target, "://")
	if !ok {
		host = target
	}
	authority, file, slash := strings.Cut(host, "/")
	if slash {
		file = "/" + file
	}
	name, _, _ := strings.Cut(authority, ":")
	var b bytes.Buffer
	text := func(tag byte, s string) {
		if tag != 0 {
			b.WriteByte(tag)
		}
		_ = binary.Write(&b, binary.BigEndian, uint16(len(s)))
		b.WriteString(s)
	}
	const object, class, str, end, null = 0x73, 0x72, 0x74, 0x78, 0x70
	b.WriteString("\xac\xed\x00\x05")
	b.WriteByte(object)
	text(class, "java.util.HashMap")
	b.WriteString("\x05\x07\xda\xc1\xc3\x16\x60\xd1\x03\x00\x02")
	text('F', "loadFactor")
	text('I', "threshold")
	b.Write([]byte{end, null})
	b.WriteString("\x3f\x40\x00\x00\x00\x00\x00\x0c\x77\x08\x00\x00\x00\x10\x00\x00\x00\x01") // 0.75, 12; 16 buckets, 1 entry
	b.WriteByte(object)
	text(class, "java.net.URL")
	b.WriteString("\x96\x25\x37\x36\x1a\xfc\xe4\x72\x03\x00\x07")
	text('I', "hashCode")
	text('I', "port")
	text('L', "authority")
	text(str, "Ljava/lang/String;")
	for _, field := range []string{"file", "host", "protocol", "ref"} {
		text('L', field)
		b.WriteString("\x71\x00\x7e\x00\x03") // the type of authority once more
	}
	b.Write([]byte{end, null})
	b.WriteString("\xff\xff\xff\xff\xff\xff\xff\xff") // no hash yet, no port of its own
	for _, v := range []string{authority, file, name, "http"} {
		text(str, v)
	}
	b.Write([]byte{null, end})
	text(str, target)
	b.WriteByte(end)
	return b.Bytes()
}
