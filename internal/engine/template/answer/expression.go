package answer

import (
	"errors"
	"strconv"
	"strings"
)

// node is an expression of the template language.
type node struct {
	op    string // or, and, not, ==, !=, <, <=, >, >=, +, -, *, /, =~, call, name, text, number, list
	name  string // of a call or name; the text or number
	src   string // as written
	items []*node
}

var errSyntax = errors.New("expression is not understood")

type reader struct {
	in    string
	pos   int
	depth int
}

const maxDepth = 200

func parseExpression(s string) (*node, error) {
	r := &reader{in: s}
	n, err := r.binary(0)
	if err != nil {
		return nil, err
	}
	if r.blank(); r.pos < len(r.in) {
		return nil, errSyntax
	}
	return n, nil
}

// levels of binary operators, the loosest first.
var levels = [][]string{{"||", " or "}, {"&&", " and "}, {"==", "!=", "=~", "<=", ">=", "<", ">"}, {"+", "-"}, {"*", "/", "%"}}

func (r *reader) blank() {
	for r.pos < len(r.in) && strings.IndexByte(" \t\r\n", r.in[r.pos]) >= 0 {
		r.pos++
	}
}

func (r *reader) binary(level int) (*node, error) {
	if level == len(levels) {
		return r.unary()
	}
	left, err := r.binary(level + 1)
	for err == nil {
		op := r.operator(levels[level])
		if op == "" {
			return left, nil
		}
		var right *node
		if right, err = r.binary(level + 1); err == nil {
			left = &node{op: map[string]string{"||": "or", " or ": "or", "&&": "and", " and ": "and"}[op], name: op, items: []*node{left, right}}
			if left.op == "" {
				left.op = op
			}
		}
	}
	return nil, err
}

func (r *reader) operator(all []string) string {
	if strings.TrimSpace(all[1]) != all[1] && strings.HasPrefix(r.in[r.pos:], all[1]) {
		r.pos += len(all[1])
		return all[1]
	}
	r.blank()
	for _, op := range all {
		word := strings.TrimSpace(op)
		if rest := r.in[r.pos:]; strings.HasPrefix(rest, word) && (word == op || len(rest) > len(word) && rest[len(word)] == ' ') {
			r.pos += len(word)
			return op
		}
	}
	return ""
}

func (r *reader) unary() (*node, error) {
	r.blank()
	if r.pos >= len(r.in) {
		return nil, errSyntax
	}
	if r.depth++; r.depth > maxDepth {
		return nil, errSyntax
	}
	defer func() { r.depth-- }()
	start := r.pos
	n, err := r.operand()
	if err == nil && n.src == "" {
		n.src = r.in[start:r.pos]
	}
	return n, err
}

func (r *reader) operand() (*node, error) {
	c := r.in[r.pos]
	switch {
	case c == '!':
		r.pos++
		n, err := r.unary()
		if err != nil {
			return nil, err
		}
		return &node{op: "not", items: []*node{n}}, nil
	case c == '(':
		r.pos++
		n, err := r.binary(0)
		if r.blank(); err == nil && !r.take(')') {
			err = errSyntax
		}
		return n, err
	case c == '"' || c == '\'' || c == '`':
		return r.text(c)
	case c >= '0' && c <= '9' || c == '-':
		return r.number(), nil
	}
	return r.name()
}

func (r *reader) take(c byte) bool {
	if r.pos < len(r.in) && r.in[r.pos] == c {
		r.pos++
		return true
	}
	return false
}

func (r *reader) number() *node {
	start := r.pos
	r.pos++
	for r.pos < len(r.in) && (r.in[r.pos] >= '0' && r.in[r.pos] <= '9' || r.in[r.pos] == '.') {
		r.pos++
	}
	return &node{op: "number", name: r.in[start:r.pos]}
}

func (r *reader) text(quote byte) (*node, error) {
	var b strings.Builder
	for r.pos++; r.pos < len(r.in); r.pos++ {
		c := r.in[r.pos]
		switch {
		case c == quote:
			r.pos++
			return &node{op: "text", name: b.String()}, nil
		case c == '\\' && quote != '`' && r.pos+1 < len(r.in):
			r.pos++
			if plain := strings.IndexByte(`nrt"'\/`, r.in[r.pos]); plain >= 0 {
				b.WriteByte("\n\r\t\"'\\/"[plain])
				continue
			}
			if v, err := strconv.ParseUint(r.in[min(r.pos+1, len(r.in)):min(r.pos+3, len(r.in))], 16, 8); err == nil && r.in[r.pos] == 'x' {
				b.WriteByte(byte(v))
				r.pos += 2
				continue
			}
			b.WriteByte('\\')
			b.WriteByte(r.in[r.pos])
		default:
			b.WriteByte(c)
		}
	}
	return nil, errSyntax
}

func nameByte(c byte) bool {
	return c == '_' || c == '.' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func (r *reader) name() (*node, error) {
	if strings.HasPrefix(r.in[r.pos:], "{{") {
		end := strings.Index(r.in[r.pos:], "}}")
		if end < 0 {
			return nil, errSyntax
		}
		inner := &reader{in: r.in[r.pos+2 : r.pos+end], depth: r.depth}
		r.pos += end + 2
		return inner.binary(0)
	}
	start := r.pos
	for r.pos < len(r.in) && nameByte(r.in[r.pos]) {
		r.pos++
	}
	name := r.in[start:r.pos]
	if name == "" {
		return nil, errSyntax
	}
	if r.blank(); !r.take('(') {
		return &node{op: "name", name: name}, nil
	}
	call := &node{op: "call", name: strings.ToLower(strings.ReplaceAll(name, "_", ""))}
	for r.blank(); !r.take(')'); r.blank() {
		if len(call.items) > 0 && !r.take(',') {
			return nil, errSyntax
		}
		item, err := r.binary(0)
		if err != nil {
			return nil, err
		}
		call.items = append(call.items, item)
	}
	return call, nil
}
