package template

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/antchfx/htmlquery"
	"github.com/antchfx/xpath"

	"github.com/vedette/vedette/internal/engine/template/dsl"
)

// matcher is one condition over an answer.
type matcher struct {
	name     string
	part     string
	all      bool // every item must hold, not any
	negative bool
	internal bool
	tests    []test
	kind     string // as written, with its items
	items    []string
	hears    bool // reads what the collaborator heard
}

// test is one item of a matcher: it says whether it holds of the part's text, and which piece of it shows so.
type test func(text string, vars dsl.Vars) (holds bool, shown string)

func compileMatcher(m matcherSyntax) (*matcher, error) {
	c := &matcher{
		name: m.Name, part: partName(m.Part), all: m.Condition == "and", negative: m.Negative, internal: m.Internal,
		kind: m.Type,
	}
	compile, items := m.compiler()
	c.items = items
	if compile == nil {
		return nil, fmt.Errorf("matcher type %q", m.Type)
	}
	for _, item := range items {
		t, err := compile(item)
		if err != nil {
			return nil, fmt.Errorf("matcher %s: %w", m.Type, err)
		}
		c.tests = append(c.tests, t)
	}
	c.hears = outOfBand.MatchString(m.Part) || m.Type == "dsl" && slices.ContainsFunc(m.DSL, outOfBand.MatchString)
	switch m.Type {
	case "status":
		c.part = "status_code"
	case "dsl":
		c.part = ""
	}
	return c, nil
}

func (m matcherSyntax) compiler() (func(string) (test, error), texts) {
	switch m.Type {
	case "status":
		return statusTest, m.Status
	case "size":
		return sizeTest, m.Size
	case "word":
		return func(s string) (test, error) { return wordTest(s, m.CaseInsensitive, m.Encoding) }, m.Words
	case "regex":
		return func(s string) (test, error) { return regexTest(s, m.CaseInsensitive) }, m.Regex
	case "binary":
		return binaryTest, m.Binary
	case "dsl":
		return dslTest, m.DSL
	case "xpath":
		return xpathTest, m.XPath
	}
	return nil, nil
}

// partName gives the parts their plain names.
func partName(p string) string {
	switch p {
	case "":
		return "body"
	case "header", "headers", "all_header":
		return "header"
	case "response":
		return "raw"
	}
	return p
}

// match says whether the matcher holds. A part that the answers do not have holds nothing, not even negatively.
func (m *matcher) match(vars dsl.Vars) (bool, string) {
	text := ""
	if len(m.tests) == 0 {
		return false, ""
	}
	if m.part != "" {
		v, ok := vars.Lookup(m.part)
		if !ok {
			return false, ""
		}
		text = dsl.Text(v)
	}
	holds, first := m.all, ""
	for _, t := range m.tests {
		ok, shown := t(text, vars)
		if ok && first == "" {
			first = shown
		}
		if ok != m.all {
			holds = ok
			break
		}
	}
	if m.negative {
		return !holds, ""
	}
	return holds, first
}

func statusTest(s string) (test, error) {
	code := strings.TrimSpace(s)
	if _, err := strconv.Atoi(code); err != nil {
		return nil, err
	}
	return func(text string, _ dsl.Vars) (bool, string) { return text == code, "" }, nil
}

func sizeTest(s string) (test, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return nil, err
	}
	return func(text string, _ dsl.Vars) (bool, string) { return len(text) == n, "" }, nil
}

func wordTest(s string, fold bool, encoding string) (test, error) {
	if encoding == "hex" {
		if b, err := hex.DecodeString(s); err == nil && len(b) > 0 {
			s = string(b) // what is no hex is meant as it stands
		}
		return func(text string, _ dsl.Vars) (bool, string) { return strings.Contains(text, s), s }, nil
	}
	word, err := dsl.CompileText(s)
	if err != nil {
		return nil, err
	}
	if !word.Static() {
		return func(text string, vars dsl.Vars) (bool, string) {
			w := word.RenderLenient(vars)
			if fold {
				return strings.Contains(strings.ToLower(text), strings.ToLower(w)), w
			}
			return strings.Contains(text, w), w
		}, nil
	}
	if fold {
		folded := strings.ToLower(s)
		return func(text string, _ dsl.Vars) (bool, string) {
			return strings.Contains(strings.ToLower(text), folded), s
		}, nil
	}
	return func(text string, _ dsl.Vars) (bool, string) { return strings.Contains(text, s), s }, nil
}

func regexTest(s string, fold bool) (test, error) {
	if fold {
		s = "(?i)" + s
	}
	marked, err := dsl.CompileText(s)
	if err == nil && !marked.Static() {
		return dynamicRegex(marked), nil
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, err
	}
	return func(text string, _ dsl.Vars) (bool, string) { return findRegex(re, text) }, nil
}

func findRegex(re *regexp.Regexp, text string) (bool, string) {
	at := re.FindStringIndex(text)
	if at == nil {
		return false, ""
	}
	return true, text[at[0]:at[1]]
}

func dynamicRegex(marked *dsl.Template) test {
	return func(text string, vars dsl.Vars) (bool, string) {
		s, err := marked.Render(vars)
		if err != nil {
			return false, ""
		}
		re, err := dsl.Pattern(s)
		if err != nil {
			return false, ""
		}
		return findRegex(re, text)
	}
}

func binaryTest(s string) (test, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		return nil, err
	}
	if len(b) == 0 {
		return nil, errors.New("empty")
	}
	want := string(b)
	return func(text string, _ dsl.Vars) (bool, string) { return strings.Contains(text, want), want }, nil
}

func dslTest(s string) (test, error) {
	e, err := dsl.Compile(s)
	if err != nil {
		return nil, err
	}
	return func(_ string, vars dsl.Vars) (bool, string) { return e.True(vars), "" }, nil
}

func xpathTest(s string) (test, error) {
	e, err := xpath.Compile(s)
	if err != nil {
		return nil, err
	}
	return func(text string, _ dsl.Vars) (bool, string) {
		doc, err := htmlquery.Parse(strings.NewReader(text))
		if err != nil {
			return false, ""
		}
		n := htmlquery.QuerySelector(doc, e)
		if n == nil {
			return false, ""
		}
		return true, strings.TrimSpace(htmlquery.InnerText(n))
	}, nil
}

// judgement is what the operators of a block say of one answer.
type judgement struct {
	matched  bool
	internal bool // matched by internal matchers only: nothing to report
	names    []string
	shown    string            // a piece of the answer that shows the match
	values   map[string]string // what named extractors took, for later requests
	taken    []string          // what extractors took, for the report
}

// rules are the compiled operators of a block.
type rules struct {
	matchers   []*matcher
	all        bool
	extractors []*extractor
	hears      bool // a condition reads what the collaborator heard
}

// mayHear says that what the collaborator has yet to hear could make the conditions hold.
func (r *rules) mayHear(s *scope) bool {
	return r.hears && (!r.all || !slices.ContainsFunc(r.matchers, func(m *matcher) bool {
		if m.hears {
			return false
		}
		holds, _ := m.match(s)
		return !holds
	}))
}

func compileRules(o operators) (*rules, error) {
	r := &rules{all: o.MatchersCondition == "and"}
	for _, m := range o.Matchers {
		c, err := compileMatcher(m)
		if err != nil {
			return nil, err
		}
		r.matchers = append(r.matchers, c)
		r.hears = r.hears || c.hears
	}
	for _, e := range o.Extractors {
		c, err := compileExtractor(e)
		if err != nil {
			return nil, err
		}
		r.extractors = append(r.extractors, c)
	}
	return r, nil
}

// judge applies extractors, then matchers. A block without matchers matches when an extractor takes something.
func (r *rules) judge(vars *scope) judgement {
	j := judgement{values: map[string]string{}}
	r.extract(vars, &j)
	if len(r.matchers) == 0 {
		j.matched = len(j.taken) > 0 || len(j.values) > 0
		j.internal = len(j.taken) == 0
		return j
	}
	j.matched, j.internal = r.all, true
	for _, m := range r.matchers {
		ok, shown := m.match(vars)
		if ok {
			if j.shown == "" && !m.hears {
				j.shown = shown
			}
			if m.name != "" {
				j.names = append(j.names, m.name)
			}
			j.internal = j.internal && m.internal
		}
		if !r.all && ok {
			j.matched = true
		}
		if r.all && !ok {
			j.matched = false
			return j
		}
	}
	return j
}

func (r *rules) extract(vars *scope, j *judgement) {
	for _, e := range r.extractors {
		found := e.extract(vars)
		if len(found) == 0 {
			continue
		}
		if e.name != "" {
			j.values[e.name] = found[0]
			vars.extracted[e.name], vars.lists[e.name] = found[0], found
		}
		if !e.internal {
			j.taken = append(j.taken, found...)
		}
	}
}
