package answer

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// element is one thing that an answer must have to match.
type element struct {
	part   string // body, header, raw, a field of the head, or one of the kinds below
	index  int    // which answer of the block, from 1; 0 is each of them
	text   string // may hold markers, which the server fills in
	number int
	place  string // first or last, in the body
}

// Kinds of elements that are no text in a part.
const (
	status = "status_code"
	size   = "size"      // bytes of the body
	least  = "least"     // bytes of the body, at least
	delay  = "duration"  // seconds
	value  = "value of " // and the name of an extractor: what it must take
)

var errUnmade = errors.New("the generator cannot make an answer")

func unmade(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errUnmade, fmt.Sprintf(format, args...))
}

// partIndex splits body_2 into body and 2, and gives a part its plain name.
func partIndex(p string) (string, int) {
	index := 0
	if at := strings.LastIndexByte(p, '_'); at > 0 {
		if n, err := strconv.Atoi(p[at+1:]); err == nil {
			p, index = p[:at], n
		}
	}
	switch p {
	case "", "data":
		p = "body"
	case "header", "headers", "all_headers":
		p = "header"
	case "raw", "all", "response":
		p = "raw"
	}
	return p, index
}

// choices are the sets of elements that make a block match: one where every matcher must hold, one for each matcher
// where any is enough.
func (b *block) choices() ([][]element, error) {
	if len(b.Matchers) == 0 {
		return [][]element{b.extracted()}, nil
	}
	var all [][]element
	var every []element
	var failed error
	for _, m := range b.Matchers {
		es, err := m.elements()
		if err != nil {
			failed = err
			continue
		}
		if !m.Negative {
			all = append(all, es)
		}
		every = append(every, es...)
	}
	if b.Condition == "and" {
		return [][]element{every}, failed
	}
	if len(all) > 0 {
		failed = nil
	}
	calls := func(es []element) int {
		if slices.ContainsFunc(es, func(e element) bool { return strings.HasPrefix(e.part, "interactsh_") }) {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b []element) int { return calls(a) - calls(b) }) // an answer alone before one with a call
	return all, failed
}

func (m *matcher) elements() ([]element, error) {
	if m.Type == "dsl" {
		return m.expressions()
	}
	if m.Negative {
		return nil, nil
	}
	part, index := partIndex(m.Part)
	var all []element
	add := func(texts list, read func(string) (string, bool)) error {
		for _, t := range texts {
			s, ok := read(t)
			if !ok && m.Condition != "and" && t != texts[len(texts)-1] {
				continue
			}
			if !ok {
				return unmade("%q", t)
			}
			if all = append(all, element{part: part, index: index, text: s, place: placeOf(m.Type, t)}); m.Condition != "and" {
				break
			}
		}
		return nil
	}
	var err error
	switch m.Type {
	case "status", "size":
		if len(m.Status)+len(m.Size) == 0 {
			return nil, unmade("matcher %s without a number", m.Type)
		}
	}
	switch m.Type {
	case "status":
		all = []element{{part: status, number: slices.Concat(m.Status, m.Size)[0]}}
	case "size":
		all = []element{{part: size, number: slices.Concat(m.Size, m.Status)[0]}}
	case "word":
		err = add(m.Words, func(s string) (string, bool) { return m.word(s), true })
	case "regex":
		err = add(m.Regex, func(s string) (string, bool) { return sample(s, 0, "") })
	case "binary":
		err = add(m.Binary, func(s string) (string, bool) { b, err := hex.DecodeString(s); return string(b), err == nil })
	default:
		err = unmade("matcher %s", m.Type)
	}
	return all, err
}

func placeOf(kind, text string) string {
	if kind == "regex" && strings.HasPrefix(text, "^") {
		return "first"
	}
	if kind == "regex" && strings.HasSuffix(text, "$") {
		return "last"
	}
	return ""
}

func (m *matcher) word(s string) string {
	if m.Encoding == "hex" {
		if b, err := hex.DecodeString(s); err == nil {
			return string(b)
		}
	}
	return s
}

func (m *matcher) expressions() ([]element, error) {
	var all []element
	var failed error
	for _, s := range m.DSL {
		n, err := parseExpression(s)
		var es []element
		if err == nil {
			es, err = want(n, !m.Negative)
		}
		if err != nil {
			failed = err
		} else if m.Condition != "and" {
			return es, nil
		}
		all = append(all, es...)
	}
	return all, failed
}

// want is what makes an expression true, or false.
func want(n *node, yes bool) ([]element, error) {
	switch n.op {
	case "not":
		return want(n.items[0], !yes)
	case "and", "or":
		return wantMany(n, yes)
	case "call":
		return wantCall(n, yes)
	case "==", "!=":
		if (n.op == "==") == yes {
			return wantEqual(n)
		}
		return nil, nil
	case "=~":
		if !yes {
			return nil, nil
		}
		s, ok := sample(n.items[1].name, 0, "")
		if !ok {
			return nil, unmade("%q", n.items[1].name)
		}
		return place(n.items[0], s, "")
	case "<", "<=", ">", ">=":
		return wantOrder(n, yes)
	}
	return nil, unmade("expression %s", n.src)
}

func wantMany(n *node, yes bool) ([]element, error) {
	var all []element
	var failed error
	for _, item := range n.items {
		es, err := want(item, yes)
		if err == nil && (n.op == "or") == yes {
			return es, nil
		}
		if err != nil {
			failed = err
		}
		all = append(all, es...)
	}
	return all, failed
}

// place puts a text into the part that an expression speaks of.
func place(subject *node, text, where string) ([]element, error) {
	for subject.op == "call" && len(subject.items) > 0 {
		if !strings.Contains(" tolower toupper trimspace tostring htmlunescape replace trim ", " "+subject.name+" ") {
			return nil, unmade("%s()", subject.name)
		}
		subject = subject.items[0]
	}
	if subject.op != "name" {
		return nil, unmade("no part: %s", subject.src)
	}
	part, index := partIndex(subject.name)
	return []element{{part: part, index: index, text: text, place: where}}, nil
}

// literal is the text that an expression stands for, as a marker where it must be computed.
func literal(n *node) string {
	if n.op == "text" {
		return n.name
	}
	return "{{" + n.src + "}}"
}

func wantCall(n *node, yes bool) ([]element, error) {
	if len(n.items) < 2 {
		return nil, unmade("%s()", n.name)
	}
	if !yes && n.name != "compareversions" {
		return nil, nil
	}
	switch n.name {
	case "contains", "containsall":
		var all []element
		for _, item := range n.items[1:] {
			es, err := place(n.items[0], literal(item), "")
			if err != nil {
				return nil, err
			}
			all = append(all, es...)
		}
		return all, nil
	case "containsany", "equalsany":
		return place(n.items[0], literal(n.items[1]), "")
	case "startswith":
		return place(n.items[0], literal(n.items[1]), "first")
	case "endswith":
		return place(n.items[0], literal(n.items[1]), "last")
	case "regex":
		if s, ok := sample(n.items[0].name, 0, ""); ok {
			return place(n.items[1], s, placeOf("regex", n.items[0].name))
		}
	case "compareversions":
		return wantVersion(n, yes)
	}
	return nil, unmade("%s()", n.name)
}

// wantVersion finds a version within the bounds, among neighbours of the bounds themselves.
func wantVersion(n *node, yes bool) ([]element, error) {
	name := n.items[0]
	if name.op == "call" && len(name.items) == 1 {
		name = name.items[0]
	}
	if name.op != "name" {
		return nil, unmade("version of %s", n.items[0].src)
	}
	var bounds []string
	for _, item := range n.items[1:] {
		bounds = append(bounds, item.name)
	}
	if v, ok := versionFor(bounds, yes); ok {
		return []element{{part: value + name.name, text: v}}, nil
	}
	return nil, unmade("version for %v", bounds)
}

func versionFor(bounds []string, inside bool) (string, bool) {
	candidates := []string{"1.0.0", "0.0.1", "9999.0.0"}
	for _, b := range bounds {
		b = strings.TrimLeft(b, "<>=! ")
		candidates = append([]string{b, b + ".1", neighbour(b, -1), neighbour(b, 1)}, candidates...)
	}
	for _, c := range candidates {
		all := c != ""
		for _, b := range bounds {
			all = all && holds(c, b)
		}
		if all == inside && c != "" {
			return c, true
		}
	}
	return "", false
}

// neighbour is the version whose last number that may change differs by one.
func neighbour(v string, by int) string {
	parts := strings.Split(v, ".")
	for i := len(parts) - 1; i >= 0; i-- {
		if n, err := strconv.Atoi(parts[i]); err == nil && n+by >= 0 {
			parts[i] = strconv.Itoa(n + by)
			return strings.Join(parts, ".")
		}
	}
	return ""
}

func wantEqual(n *node) ([]element, error) {
	subject, object := n.items[0], n.items[1]
	if subject.op == "text" || subject.op == "number" {
		subject, object = object, subject
	}
	switch {
	case subject.op == "name" && strings.HasPrefix(subject.name, "status_code"):
		number, err := strconv.Atoi(object.name)
		_, index := partIndex(subject.name)
		return []element{{part: status, index: index, number: number}}, err
	case subject.op == "call" && subject.name == "len":
		number, err := strconv.Atoi(object.name)
		return []element{{part: size, number: number}}, err
	case subject.op == "call" && subject.name == "mmh3":
		icon, ok := iconFor(object.name)
		if !ok {
			return nil, unmade("icon hash %s", object.name)
		}
		return []element{{part: "body", text: icon, place: "alone"}}, nil
	case object.op == "name" && object.name == "true":
		return want(subject, true)
	case object.op == "name" && object.name == "false":
		return want(subject, false)
	case subject.op == "name" && !answerPart(subject.name):
		return []element{{part: value + subject.name, text: literal(object)}}, nil
	}
	return place(subject, literal(object), "alone")
}

func answerPart(name string) bool {
	p, _ := partIndex(name)
	return strings.HasPrefix(p, "interactsh_") || p == "body" || p == "header" || p == "raw" || strings.Contains(" content_type server location set_cookie title ", " "+p+" ")
}

func wantOrder(n *node, yes bool) ([]element, error) {
	number, err := strconv.ParseFloat(n.items[1].name, 64)
	if err != nil || !yes {
		return nil, unmade("order %s", n.src)
	}
	bound := int(number)
	if n.op == ">" {
		bound++
	}
	more := n.op[0] == '>'
	subject := n.items[0]
	switch {
	case subject.op == "name" && strings.HasPrefix(subject.name, "status_code"):
		if !more {
			return nil, nil
		}
		_, index := partIndex(subject.name)
		return []element{{part: status, index: index, number: bound}}, nil
	case subject.op == "name" && strings.HasPrefix(subject.name, "duration"):
		if !more {
			return nil, nil
		}
		_, index := partIndex(subject.name)
		return []element{{part: delay, index: index, number: bound}}, nil
	case subject.op == "call" && subject.name == "len", subject.name == "content_length":
		if !more {
			return nil, nil
		}
		return []element{{part: least, number: bound}}, nil
	}
	return nil, unmade("order of %s", subject.src)
}
