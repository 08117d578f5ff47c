package dsl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const maxExpression = 16 << 10

var errExpression = errors.New("malformed expression")

// translation is an expression of the template language rewritten for expr: functions carry the prefix f_ and
// variables are looked up by name, so no name of a template can meet an operator or built-in of expr.
type translation struct {
	text      string
	functions []string
	names     []string
}

type translator struct {
	in     string
	pos    int
	out    strings.Builder
	result translation
	opens  []byte // closing characters that the output still owes
	inNext bool   // the next parenthesis is the list of an "in"
}

// translate rewrites one expression. Text in it may hold {{name}} markers, within string literals or bare.
func translate(in string) (translation, error) {
	if len(in) > maxExpression {
		return translation{}, fmt.Errorf("%w: longer than %d bytes", errExpression, maxExpression)
	}
	t := &translator{in: in}
	for t.pos < len(t.in) {
		if err := t.next(); err != nil {
			return translation{}, err
		}
	}
	if len(t.opens) > 0 {
		return translation{}, fmt.Errorf("%w: unclosed parenthesis", errExpression)
	}
	t.result.text = t.out.String()
	return t.result, nil
}

func (t *translator) next() error {
	c := t.in[t.pos]
	switch {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		t.out.WriteByte(' ')
		t.pos++
	case c == '"' || c == '\'' || c == '`':
		return t.literal(c)
	case c == '{' || c == '[' && t.bracketName():
		return t.marker(c)
	case isNameStart(c):
		return t.name()
	case c >= '0' && c <= '9':
		t.number()
	default:
		return t.operator(c)
	}
	return nil
}

func (t *translator) number() {
	start := t.pos
	for t.pos < len(t.in) && (t.in[t.pos] >= '0' && t.in[t.pos] <= '9' || t.in[t.pos] == '.') {
		t.pos++
	}
	t.out.WriteString(t.in[start:t.pos])
}

func (t *translator) operator(c byte) error {
	rest := t.in[t.pos:]
	for _, op := range []struct{ from, to string }{
		{"=~", " matches "}, {"!~", " not matches "}, {"==", " == "}, {"!=", " != "}, {"<=", " <= "}, {">=", " >= "},
		{"&&", " and "}, {"||", " or "},
	} {
		if strings.HasPrefix(rest, op.from) {
			t.out.WriteString(op.to)
			t.pos += 2
			return nil
		}
	}
	t.pos++
	switch c {
	case '!':
		t.out.WriteString(" not ")
	case '(':
		t.open()
	case '[':
		t.out.WriteByte('[')
		t.opens = append(t.opens, ']')
	case ')', ']':
		return t.close(c)
	case ',', '+', '-', '*', '/', '%', '<', '>', '?', ':':
		t.out.WriteString(" " + string(c) + " ")
	default:
		return fmt.Errorf("%w: unexpected %q", errExpression, c)
	}
	return nil
}

func (t *translator) open() {
	if t.inNext {
		t.inNext = false
		t.out.WriteByte('[')
		t.opens = append(t.opens, ']')
		return
	}
	t.out.WriteByte('(')
	t.opens = append(t.opens, ')')
}

func (t *translator) close(c byte) error {
	if len(t.opens) == 0 {
		return fmt.Errorf("%w: unexpected %q", errExpression, c)
	}
	t.out.WriteByte(t.opens[len(t.opens)-1])
	t.opens = t.opens[:len(t.opens)-1]
	return nil
}

func (t *translator) name() error {
	start := t.pos
	for t.pos < len(t.in) && isNamePart(t.in[t.pos]) {
		t.pos++
	}
	name := t.in[start:t.pos]
	if t.peekCall() {
		if name == "in" {
			t.inNext = true
			t.out.WriteString(" in ")
			return nil
		}
		if name == "not" || name == "and" || name == "or" {
			t.out.WriteString(" " + name + " ")
			return nil
		}
		name = strings.ToLower(strings.ReplaceAll(name, "_", ""))
		t.result.functions = append(t.result.functions, name)
		t.out.WriteString("f_" + name)
		if ofTarget[name] {
			t.fromTarget(name)
		}
		return nil
	}
	switch name {
	case "true", "false", "nil", "in", "not", "and", "or":
		t.out.WriteString(" " + name + " ")
	default:
		t.variable(name)
	}
	return nil
}

// ofTarget are functions that ask the target: their first argument becomes the variable of their name and (), which the
// run has. What a template asks about is not heeded, since only the target may be asked.
var ofTarget = map[string]bool{"jarm": true}

func (t *translator) fromTarget(name string) {
	t.pos += strings.IndexByte(t.in[t.pos:], '(') + 1
	t.open()
	t.variable(name + "()")
	t.out.WriteString(" , ")
}

func (t *translator) peekCall() bool {
	for i := t.pos; i < len(t.in); i++ {
		if t.in[i] != ' ' {
			return t.in[i] == '('
		}
	}
	return false
}

func (t *translator) variable(name string) {
	t.result.names = append(t.result.names, name)
	t.out.WriteString("lookup(" + strconv.Quote(name) + ")")
}

// bracketName tells [content-type], a variable whose name is no identifier, from a list.
func (t *translator) bracketName() bool {
	end := strings.IndexByte(t.in[t.pos:], ']')
	return end > 1 && isMarkerName(t.in[t.pos+1:t.pos+end])
}

func (t *translator) marker(c byte) error {
	rest := t.in[t.pos:]
	if c == '[' {
		end := strings.IndexByte(rest, ']')
		t.variable(rest[1:end])
		t.pos += end + 1
		return nil
	}
	end := strings.Index(rest, "}}")
	if !strings.HasPrefix(rest, "{{") || end < 0 || !isMarkerName(rest[2:end]) {
		return fmt.Errorf("%w: unexpected {", errExpression)
	}
	t.variable(rest[2:end])
	t.pos += end + 2
	return nil
}

// literal reads a string literal and writes it as one, or as a concatenation where it holds {{name}} markers.
func (t *translator) literal(quote byte) error {
	t.pos++
	var b strings.Builder
	for t.pos < len(t.in) {
		c := t.in[t.pos]
		if c == quote {
			t.pos++
			t.writeLiteral(b.String())
			return nil
		}
		if c == '\\' && quote != '`' && t.pos+1 < len(t.in) {
			t.pos += unescape(&b, t.in[t.pos:])
			continue
		}
		b.WriteByte(c)
		t.pos++
	}
	return fmt.Errorf("%w: unclosed string", errExpression)
}

// unescape writes the character that an escape stands for and returns the escape's length. An unknown escape, as in a
// regular expression's \d, stays as it is.
func unescape(b *strings.Builder, in string) int {
	switch in[1] {
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case '\\', '"', '\'', '/':
		b.WriteByte(in[1])
	case 'x':
		if len(in) >= 4 {
			if v, err := strconv.ParseUint(in[2:4], 16, 8); err == nil {
				b.WriteByte(byte(v))
				return 4
			}
		}
		b.WriteString(in[:2])
	case 'u':
		if len(in) >= 6 {
			if v, err := strconv.ParseUint(in[2:6], 16, 16); err == nil {
				b.WriteRune(rune(v))
				return 6
			}
		}
		b.WriteString(in[:2])
	default:
		b.WriteString(in[:2])
	}
	return 2
}

func (t *translator) writeLiteral(text string) {
	parts := splitMarkers(text)
	if len(parts) == 1 && !parts[0].marker {
		t.out.WriteString(quote(text))
		return
	}
	t.out.WriteString("f_concat(\"\"")
	for _, p := range parts {
		t.out.WriteByte(',')
		switch {
		case p.marker && isMarkerName(p.text):
			t.variable(p.text)
		case p.marker && t.nested(p.text):
		case p.marker:
			t.out.WriteString(quote("{{" + p.text + "}}"))
		default:
			t.out.WriteString(quote(p.text))
		}
	}
	t.out.WriteByte(')')
}

// nested writes the expression of a marker within a literal, where it is one.
func (t *translator) nested(text string) bool {
	e, err := Compile(text)
	if err != nil || e.Pure() {
		return false
	}
	inner, err := translate(text)
	if err != nil {
		return false
	}
	t.out.WriteString("(" + inner.text + ")")
	t.result.names = append(t.result.names, inner.names...)
	t.result.functions = append(t.result.functions, inner.functions...)
	return true
}

// quote writes a literal that expr reads back byte for byte. Bytes that are no UTF-8 go through a function, since a
// literal of expr is text.
func quote(s string) string {
	q := strconv.QuoteToASCII(s)
	if strings.Contains(q, `\x`) || strings.Contains(q, `\U`) {
		return "f_rawhex(\"" + fmt.Sprintf("%x", s) + "\")"
	}
	return q
}

func isNameStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isNamePart(c byte) bool {
	return isNameStart(c) || c >= '0' && c <= '9' || c == '.'
}

// isMarkerName says whether the text between braces is the plain name of a variable.
func isMarkerName(s string) bool {
	if s == "" || len(s) > 100 || !isNameStart(s[0]) {
		return false
	}
	for i := range len(s) {
		if !isNamePart(s[i]) && s[i] != '-' {
			return false
		}
	}
	return true
}

type part struct {
	text   string
	marker bool
}

// splitMarkers cuts text at its {{…}} markers. Braces without an end are plain text.
func splitMarkers(s string) []part {
	var parts []part
	for s != "" {
		start := strings.Index(s, "{{")
		if start < 0 {
			break
		}
		end := markerEnd(s[start+2:])
		if end < 0 {
			break
		}
		if start > 0 {
			parts = append(parts, part{text: s[:start]})
		}
		parts = append(parts, part{text: strings.TrimSpace(s[start+2 : start+2+end]), marker: true})
		s = s[start+2+end+2:]
	}
	if s != "" || len(parts) == 0 {
		parts = append(parts, part{text: s})
	}
	return parts
}

// markerEnd finds the }} that closes a marker, passing over nested markers.
func markerEnd(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "{{":
			depth++
			i++
		case "}}":
			if depth == 0 {
				return i
			}
			depth--
			i++
		}
	}
	return -1
}
