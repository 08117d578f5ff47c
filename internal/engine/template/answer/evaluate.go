package answer

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// values gives the value of a name; false where it has none.
type values func(name string) (any, bool)

var errValue = errors.New("no value")

func (n *node) eval(v values) (any, error) {
	switch n.op {
	case "text":
		return fill(n.name, v)
	case "number":
		return strconv.ParseFloat(n.name, 64)
	case "name":
		if n.name == "true" || n.name == "false" {
			return n.name == "true", nil
		}
		if got, ok := v(n.name); ok {
			return got, nil
		}
		return nil, fmt.Errorf("%w: %s", errValue, n.name)
	case "and", "or":
		return n.logic(v)
	}
	args := make([]any, len(n.items))
	for i, item := range n.items {
		a, err := item.eval(v)
		if err != nil {
			return nil, err
		}
		args[i] = a
	}
	if n.op == "call" {
		return call(n.name, args)
	}
	return operate(n.op, args)
}

func (n *node) logic(v values) (any, error) {
	for _, item := range n.items {
		got, err := item.eval(v)
		if err != nil {
			return nil, err
		}
		if got == (n.op == "or") {
			return got, nil
		}
	}
	return n.op == "and", nil
}

func operate(op string, a []any) (any, error) {
	if op == "not" {
		b, ok := a[0].(bool)
		if !ok {
			return nil, errValue
		}
		return !b, nil
	}
	x, y, numbers := both(a[0], a[1])
	switch op {
	case "==", "!=":
		same := text(a[0]) == text(a[1]) || numbers && x == y
		return same == (op == "=="), nil
	case "=~":
		re, err := regexp.Compile(text(a[1]))
		return err == nil && re.MatchString(text(a[0])), err
	case "+":
		if !numbers {
			return text(a[0]) + text(a[1]), nil
		}
	}
	if !numbers {
		return nil, errValue
	}
	return map[string]func() any{
		"<": func() any { return x < y }, "<=": func() any { return x <= y }, ">": func() any { return x > y }, ">=": func() any { return x >= y },
		"+": func() any { return x + y }, "-": func() any { return x - y }, "*": func() any { return x * y }, "/": func() any { return x / y },
		"%": func() any { return float64(int(x) % max(1, int(y))) },
	}[op](), nil
}

func both(a, b any) (x, y float64, ok bool) {
	x, err := strconv.ParseFloat(text(a), 64)
	y, err2 := strconv.ParseFloat(text(b), 64)
	return x, y, err == nil && err2 == nil
}

func text(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

var textCalls = map[string]func(string) string{
	"tolower": strings.ToLower, "toupper": strings.ToUpper, "trimspace": strings.TrimSpace, "tostring": func(s string) string { return s },
	"md5":       func(s string) string { h := md5.Sum([]byte(s)); return hexOf(h[:]) },
	"sha1":      func(s string) string { h := sha1.Sum([]byte(s)); return hexOf(h[:]) },
	"sha256":    func(s string) string { h := sha256.Sum256([]byte(s)); return hexOf(h[:]) },
	"base64":    func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64py":  pythonBase64,
	"hexencode": func(s string) string { return hexOf([]byte(s)) },
	"hexdecode": func(s string) string { b, _ := hex.DecodeString(s); return string(b) },
	"base64decode": func(s string) string {
		b, _ := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
		return string(b)
	},
	"urlencode": url.QueryEscape,
	"urldecode": func(s string) string { d, _ := url.QueryUnescape(s); return d },
	"mmh3":      func(s string) string { return strconv.Itoa(int(int32(murmur([]byte(s))))) },
	"reverse": func(s string) string {
		b := []byte(s)
		for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
		return string(b)
	},
}

// conditions of one text with each of the others.
var conditions = map[string]struct {
	all  bool
	test func(s, with string) bool
}{
	"contains": {true, strings.Contains}, "containsall": {true, strings.Contains}, "containsany": {false, strings.Contains},
	"startswith": {false, strings.HasPrefix}, "endswith": {false, strings.HasSuffix},
	"equalsany": {false, func(a, b string) bool { return a == b }},
}

func call(name string, a []any) (any, error) {
	if len(a) == 0 {
		return nil, errValue
	}
	if f, ok := textCalls[name]; ok {
		return f(text(a[0])), nil
	}
	if c, ok := conditions[name]; ok {
		for _, with := range a[1:] {
			if c.test(text(a[0]), text(with)) != c.all {
				return !c.all, nil
			}
		}
		return c.all, nil
	}
	switch {
	case name == "len":
		return float64(len(text(a[0]))), nil
	case name == "tonumber":
		return strconv.ParseFloat(text(a[0]), 64)
	case name == "concat":
		var b strings.Builder
		for _, v := range a {
			b.WriteString(text(v))
		}
		return b.String(), nil
	case name == "regex" && len(a) == 2:
		re, err := regexp.Compile(text(a[0]))
		return err == nil && re.MatchString(text(a[1])), err
	case name == "replace" && len(a) == 3:
		return strings.ReplaceAll(text(a[0]), text(a[1]), text(a[2])), nil
	case name == "compareversions" && len(a) > 1:
		for _, c := range a[1:] {
			if !holds(text(a[0]), text(c)) {
				return false, nil
			}
		}
		return true, nil
	}
	return nil, fmt.Errorf("%w: %s()", errValue, name)
}

// holds compares dotted numbers, which is what templates compare.
func holds(version, constraint string) bool {
	for one := range strings.SplitSeq(constraint, ",") {
		bound := strings.TrimLeft(strings.TrimSpace(one), "<>=! ")
		c := compare(version, bound)
		ok := map[string]bool{"<": c < 0, "<=": c <= 0, ">": c > 0, ">=": c >= 0, "=": c == 0, "==": c == 0, "": c == 0, "!=": c != 0}[strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(one), bound))]
		if !ok {
			return false
		}
	}
	return true
}

func compare(a, b string) int {
	x, y := strings.FieldsFunc(a, separator), strings.FieldsFunc(b, separator)
	for i := range max(len(x), len(y)) {
		var p, q int
		if i < len(x) {
			p, _ = strconv.Atoi(x[i])
		}
		if i < len(y) {
			q, _ = strconv.Atoi(y[i])
		}
		if p != q {
			return p - q
		}
	}
	return 0
}

func separator(r rune) bool { return r < '0' || r > '9' }

// fill replaces the markers of a text by their values; markers within markers first.
func fill(s string, v values) (string, error) {
	var b strings.Builder
	last := 0
	for _, at := range markers(s) {
		inner, err := fill(s[at[0]+2:at[1]-2], v)
		if err != nil {
			return "", err
		}
		b.WriteString(s[last:at[0]])
		last = at[1]
		n, err := parseExpression(inner)
		if err != nil || !n.reads() { // a probe for template engines, as {{7*7}}
			b.WriteString(s[at[0]:at[1]])
			continue
		}
		got, err := n.eval(v)
		if err != nil {
			return "", err
		}
		b.WriteString(text(got))
	}
	return b.String() + s[last:], nil
}

// reads says that an expression calls or reads something.
func (n *node) reads() bool {
	return n.op == "call" || n.op == "name" || slices.ContainsFunc(n.items, (*node).reads)
}
