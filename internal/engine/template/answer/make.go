package answer

import (
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Case is a template's own example: what a vulnerable target answers, and one that differs in one matched element.
type Case struct {
	ID, Kind  string
	Good, Bad []Exchange
	Changed   string            // what differs
	Variables map[string]string // what the template expects its user to give, such as an account
	Tags      []string
	Port      string
	TLS       bool   // the template speaks through TLS
	Record    string // of a dns template: the type it asks for
	// Collaborator hears what the target does besides answering. Nil: nobody does.
	Collaborator *Collaborator

	defined   map[string]string // the template's variables, as written
	payloads  map[string]string // the first value of each payload
	lists     map[string][]*regexp.Regexp
	extracted map[string]string // what extractors take from the answers
}

// Exchange is one request that the template sends and its answer.
type Exchange struct {
	Request Request
	Answer  Answer
}

// Make reads a template, with the collection that its payloads may be files of, and makes its case. An error says what the generator does not understand.
func Make(template []byte, files fs.FS) (*Case, error) {
	d, err := parse(template)
	if err != nil {
		return nil, err
	}
	c := &Case{
		ID: d.ID, Tags: d.tags(), Variables: map[string]string{}, defined: d.variables(), payloads: map[string]string{}, lists: map[string][]*regexp.Regexp{}, extracted: map[string]string{},
	}
	for name, def := range c.defined {
		if def == "{{"+name+"}}" { // its user gives it
			delete(c.defined, name)
		}
	}
	var blocks []block
	c.Kind, blocks = d.kind()
	m := &maker{c: c, text: string(template), files: files, flow: d.Flow, blocks: blocks}
	if err := m.prepare(); err != nil {
		return nil, err
	}
	return c, m.make()
}

type maker struct {
	c        *Case
	text     string // of the template
	files    fs.FS
	flow     string
	blocks   []block
	choices  [][][]element // of each block: each set makes it match
	extra    [][]element   // what its extractors want
	elements [][]element   // what is taken of these
	failed   []error       // and why it has none
	chosen   int           // the block that is made to match and then not to
}

func (m *maker) prepare() error {
	for i := range m.blocks {
		b := &m.blocks[i]
		choices, err := b.choices()
		if len(choices) == 0 {
			choices = [][]element{nil}
		}
		m.choices, m.failed, m.extra = append(m.choices, choices), append(m.failed, err), append(m.extra, nil)
		m.elements = append(m.elements, choices[0])
		for name, n := range b.Payloads {
			m.payload(name, n)
		}
		if b.Port != "" {
			m.c.Port = strings.TrimSpace(strings.Split(b.Port, ",")[0])
		}
		m.c.TLS = m.c.TLS || slices.ContainsFunc(b.Host, func(h string) bool { return strings.HasPrefix(h, "tls://") })
		m.c.Record = strings.ToUpper(b.Type)
	}
	m.given()
	return m.choose()
}

// payload keeps the values of a payload: those written, or the lines of a file of the collection.
func (m *maker) payload(name string, n yaml.Node) {
	var all []string
	for _, item := range n.Content {
		all = append(all, item.Value)
	}
	if b, err := fs.ReadFile(m.files, path.Clean(n.Value)); err == nil && len(all) == 0 {
		all = strings.Fields(string(b))
	}
	m.c.payloads[name] = name
	if len(all) > 0 {
		m.c.payloads[name] = all[0]
	}
	for _, one := range all {
		if re, err := regexp.Compile("^" + shape(one) + "$"); err == nil {
			m.c.lists[name] = append(m.c.lists[name], re)
		}
	}
}

// extractors adds what internal extractors, and those that something reads, shall take.
func (m *maker) extractors() {
	wanted, taken := map[string]string{}, map[string]bool{}
	for i := range m.blocks {
		m.elements[i] = slices.Clone(m.elements[i])
		for _, e := range m.elements[i] {
			if name, ok := strings.CutPrefix(e.part, value); ok {
				wanted[name] = e.text
			}
		}
	}
	for i := range m.blocks {
		b := &m.blocks[i]
		m.extra[i] = nil
		for _, e := range b.Extractors {
			taken[e.Name] = true
			if len(b.Matchers) == 0 && !e.Internal || !e.Internal && !m.read(e.Name) {
				continue
			}
			if es, err := e.elements(wanted[e.Name]); err == nil {
				m.extra[i] = append(m.extra[i], es...)
			}
		}
	}
	for i := range m.elements {
		for k, e := range m.elements[i] {
			if name, ok := strings.CutPrefix(e.part, value); ok && !taken[name] {
				m.elements[i][k].part, m.elements[i][k].index = partIndex(name)
			}
		}
		m.elements[i] = append(m.elements[i], m.extra[i]...)
	}
}

// read says that something reads the name of an extractor.
func (m *maker) read(name string) bool {
	word := regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `(_\d+)?\b`)
	return name != "" && len(word.FindAllString(m.text, -1)) > strings.Count(m.text, "name: "+name)
}

// given finds the names that only the user of a template can give.
func (m *maker) given() {
	known := m.env()
	for i := range m.blocks {
		b := &m.blocks[i]
		names := map[string]bool{}
		for _, e := range b.Extractors {
			names[e.Name] = true
		}
		for _, text := range slices.Concat(b.Path, b.Raw, list{b.Body}) {
			for _, name := range plainMarkers(text) {
				if _, ok := known(name); !ok && !names[name] && !m.extractedSomewhere(name) && !strings.HasPrefix(name, "interactsh") {
					m.c.Variables[name] = "given" + name
				}
			}
		}
	}
}

func (m *maker) extractedSomewhere(name string) bool {
	return slices.ContainsFunc(m.blocks, func(b block) bool {
		return slices.ContainsFunc(b.Extractors, func(e extractor) bool { return e.Name == name })
	})
}

// choose takes the block that will be changed.
func (m *maker) choose() error {
	m.chosen = -1
	sequence := m.flow != "" && !strings.Contains(m.flow, "||")
	for i := range m.blocks {
		reports := len(m.blocks[i].Matchers) > 0 || slices.ContainsFunc(m.blocks[i].Extractors, func(e extractor) bool { return !e.Internal })
		switch {
		case m.failed[i] != nil && sequence:
			return m.failed[i]
		case m.failed[i] != nil || !reports || slices.ContainsFunc(m.blocks[i].Matchers, func(m matcher) bool { return m.Internal }) && !sequence:
		case m.chosen < 0 || sequence:
			m.chosen = i
		}
	}
	if m.chosen < 0 {
		for _, err := range m.failed {
			if err != nil {
				return err
			}
		}
		return unmade("no conditions")
	}
	return nil
}

// env is what stands for values before any request is sent.
func (m *maker) env() values {
	rest := func(name string) (any, bool) {
		for _, from := range []map[string]string{m.c.payloads, m.c.Variables} {
			if s, ok := from[name]; ok {
				return s, true
			}
		}
		return "value-" + name, strings.HasPrefix(name, "rand") || targetName(name)
	}
	return func(name string) (any, bool) {
		_, defined := m.c.defined[name]
		if v, ok := m.c.definition(nothing, rest)(name); ok || !defined {
			return v, ok
		}
		return "value-" + name, true
	}
}

func nothing(string) (any, bool) { return nil, false }

// definition gives what first has, then the template's own variables, which may read one another, and then the rest.
func (c *Case) definition(first, rest values) values {
	busy := map[string]bool{}
	var v values
	v = func(name string) (any, bool) {
		if got, ok := first(name); ok {
			return got, true
		}
		def, ok := c.defined[name]
		if !ok || busy[name] {
			return rest(name)
		}
		busy[name] = true
		defer delete(busy, name)
		out, err := fill(def, v)
		return out, err == nil
	}
	return v
}

func targetName(name string) bool {
	return slices.Contains(strings.Fields("BaseURL RootURL Hostname Host host Port Scheme Path File FQDN RDN DN TLD SD ip Input"), name)
}

// make tries each set of elements that lets the chosen block match, until one can also be changed so that it does not.
func (m *maker) make() error {
	err := unmade("no conditions")
	first := slices.Clone(m.elements)
	for _, choice := range m.choices[m.chosen] {
		copy(m.elements, first)
		m.elements[m.chosen] = choice
		m.extractors()
		if err = m.attempt(); err == nil {
			return nil
		}
	}
	return err
}

func (m *maker) attempt() error {
	good := m.answers(m.elements)
	env := m.env()
	if !m.blocks[m.chosen].opinion(good[m.chosen], env) {
		return unmade("the answer that was made does not match by the generator's own reading")
	}
	m.take(good, env)
	bad, what, ok := m.change(env)
	if !ok {
		return unmade("no single element decides")
	}
	m.c.Changed = what
	m.c.Good, m.c.Bad = m.exchanges(good), m.exchanges(bad)
	return nil
}

// answers of every block. Where blocks are independent, the others only give what extractors want.
func (m *maker) answers(elements [][]element) [][]Answer {
	all := make([][]Answer, len(m.blocks))
	sequence := m.flow != "" && !strings.Contains(m.flow, "||")
	for i := range m.blocks {
		b := &m.blocks[i]
		es := elements[i]
		if i != m.chosen && !sequence {
			es = nil
			for _, e := range b.Extractors {
				if more, err := e.elements(""); err == nil && e.Internal {
					es = append(es, more...)
				}
			}
		}
		all[i] = answers(es, max(1, len(b.Path)+len(b.Raw)))
	}
	return all
}

func (m *maker) take(all [][]Answer, env values) {
	for i := range m.blocks {
		for _, e := range m.blocks[i].Extractors {
			for k := range all[i] {
				if v, ok := e.take(partsOf(all[i][k], env)); ok && e.Name != "" {
					m.c.extracted[e.Name] = v
				}
			}
		}
	}
}

// change alters one element after the other until the answer matches no more.
func (m *maker) change(env values) ([][]Answer, string, bool) {
	order := make([]int, len(m.elements[m.chosen]))
	for i := range order {
		order[i] = i
	}
	mine := m.elements[m.chosen]
	slices.SortStableFunc(order, func(a, b int) int { return weight(mine[b]) - weight(mine[a]) })
	for _, i := range order {
		for _, other := range mine[i].altered() {
			changed := slices.Clone(m.elements)
			changed[m.chosen] = slices.Clone(mine)
			for k, e := range mine {
				if e.part == mine[i].part && e.text == mine[i].text && e.number == mine[i].number {
					changed[m.chosen][k] = other
				}
			}
			bad := m.answers(changed)
			if m.silent(bad, env) {
				return bad, fmt.Sprintf("%s %q became %q", mine[i].part, mine[i].text+number(mine[i]), other.text+number(other)), true
			}
		}
	}
	return nil, "", false
}

func number(e element) string {
	if e.number == 0 {
		return ""
	}
	return strconv.Itoa(e.number)
}

func (m *maker) silent(all [][]Answer, env values) bool {
	if m.flow != "" && !strings.Contains(m.flow, "||") {
		return !m.blocks[m.chosen].opinion(all[m.chosen], env)
	}
	for i := range m.blocks {
		if m.failed[i] == nil && m.blocks[i].opinion(all[i], env) {
			return false
		}
	}
	return true
}

// weight orders what to change: what the target says before how it says it.
func weight(e element) int {
	switch e.part {
	case "body", "raw", "answer":
		return 1000 + min(900, len(e.text))
	case status, size, least, delay:
		return 1
	}
	return 100
}

func (e element) altered() []element {
	var all []element
	add := func(text string, number int) {
		o := e
		o.text, o.number = text, number
		all = append(all, o)
	}
	switch e.part {
	case status:
		add("", map[bool]int{true: 503, false: 200}[e.number == 200])
	case size, least:
		add("", 0)
		add("", e.number+7)
	case delay:
		add("", 0)
	default:
		field, _, ok := strings.Cut(e.text, ": ")
		if ok && e.part == "header" {
			add(field+": unlike", 0)
		}
		add("unlike", 0)
	}
	return all
}

// exchanges ties each answer to its request.
func (m *maker) exchanges(all [][]Answer) []Exchange {
	var out []Exchange
	for i := range m.blocks {
		b := &m.blocks[i]
		if len(b.Path)+len(b.Raw) == 0 {
			out = append(out, Exchange{b.plain(), all[i][0]})
			continue
		}
		for k, p := range b.Path {
			out = append(out, Exchange{b.pathRequest(p), all[i][k]})
		}
		for k, r := range b.Raw {
			out = append(out, Exchange{rawRequest(r), all[i][len(b.Path)+k]})
		}
	}
	return out
}

func statusLine(code int) string {
	if t := http.StatusText(code); t != "" {
		return strconv.Itoa(code) + " " + t
	}
	return strconv.Itoa(code) + " Status"
}
