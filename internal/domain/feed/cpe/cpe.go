// Package cpe reads names of the Common Platform Enumeration 2.3 in their formatted-string binding (NISTIR 7695) and
// says what one attribute says of another (NISTIR 7696).
package cpe

import (
	"errors"
	"strings"
)

// Any and NA are the two logical values of an attribute.
const (
	Any = "*" // nothing is said
	NA  = "-" // the attribute has no meaning here
)

// maxLength bounds a name in bytes; the longest of the dictionary are under 400.
const maxLength = 1024

// ErrSyntax is returned for what is no formatted string of CPE 2.3.
var ErrSyntax = errors.New("not a CPE 2.3 formatted string")

// Name is one platform name. Values are lower case with the escapes resolved; Any and NA stand for the logical values.
type Name struct {
	Part      string // a: application, o: operating system, h: hardware
	Vendor    string
	Product   string
	Version   string
	Update    string
	Edition   string
	Language  string
	SWEdition string
	TargetSW  string
	TargetHW  string
	Other     string
}

// Parse reads a formatted string. A name cut short, as people write it (cpe:2.3:a:nginx:nginx:1.2), is completed with
// Any. The older URI binding (cpe:/a:vendor:product:version) is accepted too.
func Parse(s string) (Name, error) {
	if len(s) > maxLength {
		return Name{}, ErrSyntax
	}
	s = strings.TrimSpace(s)
	lower := strings.ToLower(s)
	var fields []string
	switch {
	case strings.HasPrefix(lower, "cpe:2.3:"):
		fields = split(lower[len("cpe:2.3:"):])
	case strings.HasPrefix(lower, "cpe:/"):
		fields = uriFields(lower[len("cpe:/"):])
	default:
		return Name{}, ErrSyntax
	}
	if len(fields) < 3 || len(fields) > 11 {
		return Name{}, ErrSyntax
	}
	for len(fields) < 11 {
		fields = append(fields, Any)
	}
	for i, f := range fields {
		v, err := unescape(f)
		if err != nil {
			return Name{}, err
		}
		fields[i] = v
	}
	n := Name{fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], fields[6], fields[7], fields[8], fields[9], fields[10]}
	if n.Part != "a" && n.Part != "o" && n.Part != "h" {
		return Name{}, ErrSyntax
	}
	return n, nil
}

// split cuts at colons that are not escaped.
func split(s string) []string {
	var out []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ':':
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

// uriFields turns the URI binding into fields: seven components, the sixth perhaps packed with tildes.
func uriFields(s string) []string {
	out := strings.Split(s, ":")
	for i, f := range out {
		if f == "" {
			out[i] = Any
			continue
		}
		f = strings.NewReplacer("%21", "!", "%2f", "/", "%2b", "+", "%28", "(", "%29", ")", "%7e", "~").Replace(f)
		out[i] = f
	}
	if len(out) > 5 && strings.HasPrefix(out[5], "~") {
		packed := strings.Split(out[5], "~")
		language := Any
		if len(out) > 6 {
			language = out[6]
		}
		out = append(out[:5:5], value(packed, 1), language, value(packed, 2), value(packed, 3), value(packed, 4), value(packed, 5))
	}
	return out
}

func value(fields []string, i int) string {
	if i >= len(fields) || fields[i] == "" {
		return Any
	}
	return fields[i]
}

// unescape resolves backslashes. A quoted hyphen or asterisk that stands alone would read as a logical value and is
// refused; no product is called so.
func unescape(s string) (string, error) {
	if s == "" {
		return Any, nil
	}
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			if i++; i == len(s) {
				return "", ErrSyntax
			}
		}
		b.WriteByte(s[i])
	}
	out := b.String()
	if out == Any || out == NA {
		return "", ErrSyntax
	}
	return out, nil
}

// String is the formatted string of the name.
func (n Name) String() string {
	var b strings.Builder
	b.WriteString("cpe:2.3")
	for _, f := range []string{n.Part, n.Vendor, n.Product, n.Version, n.Update, n.Edition, n.Language, n.SWEdition, n.TargetSW, n.TargetHW, n.Other} {
		b.WriteByte(':')
		b.WriteString(escape(f))
	}
	return b.String()
}

func escape(s string) string {
	if s == "" || s == Any {
		return Any
	}
	if s == NA {
		return NA
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-' || c >= 0x80
		if !plain {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}

// Key is vendor and product, under which knowledge is indexed.
func (n Name) Key() string { return n.Vendor + ":" + n.Product }

// Covers says whether a value of a source name holds for a value of a target, with the wildcards * and ? at its ends
// or inside (NISTIR 7696 6.3).
func Covers(source, target string) bool {
	if source == Any || source == target {
		return true
	}
	if source == NA || target == NA || strings.IndexAny(source, "*?") < 0 {
		return false
	}
	return glob(source, target)
}

func glob(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
