package dsl

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

var codecFunctions = map[string]*function{
	"base64":       mapText(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }),
	"base64py":     mapText(base64Lines),
	"base64decode": {1, 1, base64Decode},
	"hexencode":    mapText(func(s string) string { return hex.EncodeToString([]byte(s)) }),
	"hexdecode":    {1, 1, hexDecode},
	"rawhex":       {1, 1, hexDecode},
	"gzip": {1, 1, func(a args) (any, error) {
		return pack(a, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	}},
	"zlib": {1, 1, func(a args) (any, error) {
		return pack(a, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
	}},
	"gzipdecode":   {1, 1, func(a args) (any, error) { return unpackGzip(a.text(0)) }},
	"zlibdecode":   {1, 1, func(a args) (any, error) { return unpackZlib(a.text(0)) }},
	"zip":          {2, -1, zipFiles},
	"jsonminify":   {1, 1, jsonMinify},
	"jsonprettify": {1, 1, jsonPrettify},
	"dectohex":     {1, 1, func(a args) (any, error) { return base(a, 10, 16) }},
	"hextodec":     {1, 1, func(a args) (any, error) { return base(a, 16, 10) }},
	"bintodec":     {1, 1, func(a args) (any, error) { return base(a, 2, 10) }},
	"octtodec":     {1, 1, func(a args) (any, error) { return base(a, 8, 10) }},
	"strtoutf16le": mapText(utf16le),
	"ipformat":     {2, 2, ipFormat},
	"unpack":       {2, 2, unpackNumber},
	"tounicode":    mapText(escapeUnicode),
}

// base64Lines breaks the lines at 76 characters and ends with a line end, as Python's encodebytes: the icon hashes of
// search engines are built on it.
func base64Lines(s string) string {
	encoded := base64.StdEncoding.EncodeToString([]byte(s))
	var b strings.Builder
	for len(encoded) > 76 {
		b.WriteString(encoded[:76] + "\n")
		encoded = encoded[76:]
	}
	if encoded != "" {
		b.WriteString(encoded + "\n")
	}
	return b.String()
}

func base64Decode(a args) (any, error) {
	s := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, a.text(0))
	s = strings.TrimRight(s, "=")
	codec := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		codec = base64.RawURLEncoding
	}
	b, err := codec.DecodeString(s)
	return string(b), err
}

func hexDecode(a args) (any, error) {
	b, err := hex.DecodeString(strings.TrimSpace(a.text(0)))
	return string(b), err
}

func pack(a args, writer func(io.Writer) io.WriteCloser) (any, error) {
	var b bytes.Buffer
	w := writer(&b)
	if _, err := io.WriteString(w, a.text(0)); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.String(), nil
}

func unpackGzip(s string) (any, error) {
	r, err := gzip.NewReader(strings.NewReader(s))
	if err != nil {
		return nil, err
	}
	return readBounded(r)
}

func unpackZlib(s string) (any, error) {
	r, err := zlib.NewReader(strings.NewReader(s))
	if err != nil {
		return nil, err
	}
	return readBounded(r)
}

func readBounded(r io.Reader) (any, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxOutput+1))
	if len(b) > maxOutput {
		return nil, errTooLarge
	}
	return string(b), err
}

// zipFiles takes names and contents in turn.
func zipFiles(a args) (any, error) {
	if len(a)%2 != 0 {
		return nil, errArguments
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(a); i += 2 {
		f, err := w.Create(a.text(i))
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(f, a.text(i+1)); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.String(), nil
}

func jsonMinify(a args) (any, error) {
	var b bytes.Buffer
	err := json.Compact(&b, []byte(a.text(0)))
	return b.String(), err
}

func jsonPrettify(a args) (any, error) {
	var b bytes.Buffer
	err := json.Indent(&b, []byte(a.text(0)), "", "    ")
	return b.String(), err
}

func base(a args, from, to int) (any, error) {
	s := strings.ToLower(strings.TrimSpace(a.text(0)))
	for _, prefix := range []string{"0x", "0b", "0o"} {
		s = strings.TrimPrefix(s, prefix)
	}
	v, err := strconv.ParseInt(s, from, 64)
	if err != nil {
		return nil, err
	}
	if to == 10 {
		return int(v), nil
	}
	return strconv.FormatInt(v, to), nil
}

func utf16le(s string) string {
	units := utf16.Encode([]rune(s))
	b := make([]byte, 0, 2*len(units))
	for _, u := range units {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// ipFormat writes an IPv4 address in another notation: 2 a decimal number, 3 octal, 4 hexadecimal; the others as is.
func ipFormat(a args) (any, error) {
	addr, err := netip.ParseAddr(a.text(0))
	if err != nil || !addr.Is4() {
		return nil, errArguments
	}
	b := addr.As4()
	n := uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3])
	switch a.integer(1, 0) {
	case 2:
		return strconv.FormatUint(n, 10), nil
	case 3:
		return "0" + strconv.FormatUint(n, 8), nil
	case 4:
		return "0x" + strconv.FormatUint(n, 16), nil
	}
	return addr.String(), nil
}

// unpackNumber reads one number in the manner of Python's struct: > or <, then b, B, h, H, i, I, l, L, q or Q.
func unpackNumber(a args) (any, error) {
	layout, b := a.text(0), []byte(a.text(1))
	little := strings.HasPrefix(layout, "<")
	code := strings.TrimLeft(layout, "<>!=@")
	size := map[string]int{"b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "l": 4, "L": 4, "q": 8, "Q": 8}[code]
	if size == 0 || len(b) < size {
		return nil, errArguments
	}
	var v uint64
	for i := range size {
		at := i
		if little {
			at = size - 1 - i
		}
		v = v<<8 | uint64(b[at])
	}
	if code == strings.ToLower(code) {
		shift := 64 - 8*size
		return int(int64(v<<shift) >> shift), nil
	}
	return int(v & 0x7fffffffffffffff), nil
}

func escapeUnicode(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		b.WriteString(`\u` + strings.ToLower(strconv.FormatInt(int64(u)+0x10000, 16)[1:]))
	}
	return b.String()
}
