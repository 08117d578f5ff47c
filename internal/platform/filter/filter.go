// Package filter reads the query of a list (page, q[…], date ranges, sort_by) and applies it to a SELECT. Every list of
// the API is filtered, sorted and paged by the same rules.
package filter

import (
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/fault"
)

// Kind of a column's values.
type Kind int

// Kinds.
const (
	Text   Kind = iota // compared without case; * matches anything
	Word               // one of Column.Words, or any where none are named; compared without case
	Number             // integer
	Tenths             // a number with one decimal, kept as integer tenths
	Moment             // clock.Time
	Real               // a number with decimals
	Flag               // true or false
	Listed             // several words in one text, each between separators: equal to one of them is enough
	ID                 // UUID
)

// Column that a list can be filtered and sorted by. SQL is the expression, over ?TableAlias or joined tables.
type Column struct {
	Name   string
	SQL    string
	Kind   Kind
	Null   bool     // the expression may be null
	Search bool     // a bare q= looks here
	NoSort bool     // may not be sorted by
	Words  []string // for Word: what there is
	// Alias rewrites a value before it is compared, such as a status word into the states it stands for.
	Alias func(value string) []string
}

// Columns of one list; Date is the column that date ranges filter unless date_column says otherwise.
type Columns struct {
	All  []Column
	Date string
	Sort string // default, such as "created_at desc"
}

// Find a column by name.
func (c Columns) Find(name string) (Column, bool) {
	i := slices.IndexFunc(c.All, func(x Column) bool { return x.Name == name })
	if i < 0 {
		noun, isID := strings.CutSuffix(name, "_id")
		i = slices.IndexFunc(c.All, func(x Column) bool { return isID && x.Name == noun && x.Kind == ID })
	}
	if i < 0 {
		return Column{}, false
	}
	return c.All[i], true
}

// Names of the columns, in order.
func (c Columns) Names() []string {
	names := make([]string, len(c.All))
	for i, x := range c.All {
		names[i] = x.Name
	}
	return names
}

// Sortable names, in order.
func (c Columns) Sortable() []string {
	var names []string
	for _, x := range c.All {
		if !x.NoSort {
			names = append(names, x.Name)
		}
	}
	return names
}

// Limits of a page.
const (
	DefaultPerPage = 25
	MaxPerPage     = 500
	MaxDepth       = 10_000 // page × per_page; beyond, only a cursor
	MaxCount       = 10_000 // counted exactly up to here
)

// Query of a list, parsed.
type Query struct {
	Page, PerPage int
	cursor        []any // values of the sort columns and the id of the last row seen
	conditions    []condition
	order         []order
	columns       Columns
	search        string
	url           *url.URL
}

type condition struct {
	column Column
	any    []test // OR-ed
}

type test struct {
	op    string // =, !=, >, >=, <, <=, like, !like
	value any
}

type order struct {
	column Column
	desc   bool
}

// Parameters that every list takes besides q[…].
var Parameters = []string{"page", "per_page", "cursor", "q", "sort_by", "date_range_start", "date_range_end", "relative_date_range", "date_column"}

// Parameters that a list of the columns takes; one without columns has only pages.
func (c Columns) Parameters() []string {
	if len(c.All) == 0 {
		return Parameters[:3]
	}
	return Parameters
}

// Parse reads the raw query of a list. extra names the operation's own parameters, which are left alone; anything else
// that is not known is refused with the list of what is. Times without a zone are the user's. The error is a
// fault of kind invalid that names every mistake.
func Parse(u *url.URL, columns Columns, extra []string, zone *time.Location, now time.Time) (Query, error) {
	q := Query{Page: 1, PerPage: DefaultPerPage, columns: columns, url: u}
	p := parser{query: &q, values: u.Query(), zone: zone, now: now}
	common := columns.Parameters()
	for name, values := range p.values {
		if !keepable(values) || !keepable([]string{name}) {
			p.wrong(strings.ToValidUTF8(name, "?"), "bad_text", "A query parameter is UTF-8 without NUL.")
			continue
		}
		if slices.Contains(extra, name) || slices.Contains(common, name) {
			continue
		}
		if column, ok := strings.CutPrefix(name, "q["); ok && strings.HasSuffix(column, "]") && len(columns.All) > 0 {
			p.filter(name, strings.TrimSuffix(column, "]"), values)
			continue
		}
		there := strings.Join(append(slices.Clone(extra), common...), ", ")
		if len(columns.All) > 0 {
			there += " and q[column] with the columns " + strings.Join(columns.Names(), ", ")
		}
		p.wrong(name, "unknown_parameter", "There is no query parameter %s; there are %s.", name, there)
	}
	p.paging()
	p.search()
	p.dates()
	p.sorting()
	p.readCursor()
	slices.SortFunc(p.details, func(a, b fault.Detail) int { return strings.Compare(a.Pointer, b.Pointer) })
	return q, fault.All(p.details)
}

// keepable says whether both databases can hold the text.
func keepable(values []string) bool {
	return !slices.ContainsFunc(values, func(s string) bool { return !utf8.ValidString(s) || strings.ContainsRune(s, 0) })
}

type parser struct {
	query   *Query
	values  url.Values
	zone    *time.Location
	now     time.Time
	details []fault.Detail
}

func (p *parser) wrong(parameter, code, format string, args ...any) {
	p.details = append(p.details, fault.Detail{Pointer: parameter, Code: code, Detail: fmt.Sprintf(format, args...)})
}

func (p *parser) paging() {
	p.number("page", &p.query.Page, math.MaxInt32)
	p.number("per_page", &p.query.PerPage, MaxPerPage)
	if p.query.Page > MaxDepth || p.query.Page*p.query.PerPage > MaxDepth {
		p.wrong("page", "too_deep", "Pages end at %d rows (page × per_page); go deeper with cursor, the next_cursor of meta.pagination.", MaxDepth)
	}
}

func (p *parser) number(name string, into *int, most int) {
	text := p.values.Get(name)
	if text == "" {
		return
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		p.wrong(name, "out_of_range", "%s is a whole number from 1 to %d, not %q.", name, most, clip(text))
		return
	}
	*into = n
}

func (p *parser) search() {
	text, _ := unquote(p.values.Get("q"))
	if text == "" {
		return
	}
	if len(text) > 500 {
		p.wrong("q", "too_long", "q is at most 500 characters long.")
		return
	}
	p.query.search = text
}

func (p *parser) sorting() {
	spec := p.values.Get("sort_by")
	if spec == "" {
		spec = p.query.columns.Sort
	}
	for _, part := range strings.Split(spec, ",") {
		name, desc, ok := direction(part)
		if !ok {
			p.wrong("sort_by", "bad_value", "Write sort_by as name, -name, \"name desc\" or name:desc, several by comma, not %q.", clip(part))
			continue
		}
		if name == "" {
			continue
		}
		if len(p.query.order) == maxOrder {
			p.wrong("sort_by", "too_long", "A list is sorted by at most %d columns.", maxOrder)
			return
		}
		c, ok := p.query.columns.Find(name)
		if !ok || c.NoSort {
			p.wrong("sort_by", "unknown_column", "This list can't be sorted by %q; it can by %s.", clip(name), strings.Join(p.query.columns.Sortable(), ", "))
			continue
		}
		p.query.order = append(p.query.order, order{c, desc})
	}
}

// maxOrder is how many columns a list is sorted by at most.
const maxOrder = 8

// direction reads name, -name, "name desc" and name:desc.
func direction(part string) (name string, desc, ok bool) {
	words := strings.Fields(strings.ReplaceAll(part, ":", " "))
	switch len(words) {
	case 0:
		return "", false, true
	case 1:
		name, desc = strings.CutPrefix(words[0], "-")
		return name, desc, true
	case 2:
		desc = strings.EqualFold(words[1], "desc")
		return words[0], desc, desc || strings.EqualFold(words[1], "asc")
	}
	return "", false, false
}

// filter reads q[column]=value: several values are OR-ed by commas, a leading ! negates, > >= < <= compare.
func (p *parser) filter(parameter, name string, values []string) {
	c, ok := p.query.columns.Find(name)
	if !ok {
		p.wrong(parameter, "unknown_column", "There is no column %q here; there are %s.", clip(name), strings.Join(p.query.columns.Names(), ", "))
		return
	}
	for _, value := range values {
		if len(value) > 1000 {
			p.wrong(parameter, "too_long", "A filter is at most 1000 characters long.")
			continue
		}
		var tests []test
		for _, part := range parts(value) {
			ts, err := readTests(c, part, p.zone)
			if err != nil {
				p.wrong(parameter, "bad_value", "%s", err)
				continue
			}
			tests = append(tests, ts...)
		}
		negate(tests)
		if len(tests) > 0 {
			p.query.conditions = append(p.query.conditions, condition{c, tests})
		}
	}
}

// negate carries a leading ! over the list behind it: !a,b means neither.
func negate(tests []test) {
	if len(tests) == 0 || !strings.HasPrefix(tests[0].op, "!") {
		return
	}
	for i, t := range tests {
		switch t.op {
		case "=":
			tests[i].op = "!="
		case "like":
			tests[i].op = "!like"
		}
	}
}

// parts splits by commas outside quotes. What closes a quote is its like before a comma or the end, so that 'it's' is one.
func parts(value string) []string {
	var all []string
	var quote rune
	start := 0
	for i, r := range value {
		switch {
		case quote != 0 && r == quote && (i+1 == len(value) || value[i+1] == ','):
			quote = 0
		case quote == 0 && (r == '\'' || r == '"') && (i == start || value[i-1] == '!' || value[i-1] == '='):
			quote = r
		case quote == 0 && r == ',':
			all = append(all, value[start:i])
			start = i + 1
		}
	}
	return append(all, value[start:])
}

func unquote(s string) (string, bool) {
	if len(s) >= 2 && (s[0] == '\'' || s[0] == '"') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1], true
	}
	return s, false
}

var operators = []string{">=", "<=", "!=", ">", "<", "!", "="}

func readTests(c Column, part string, zone *time.Location) ([]test, error) {
	op := "="
	text, quoted := unquote(part)
	if !quoted {
		for _, o := range operators {
			if rest, ok := strings.CutPrefix(text, o); ok {
				op, text = o, rest
				text, _ = unquote(strings.TrimSpace(text))
				break
			}
		}
	}
	if op == "!" {
		op = "!="
	}
	if c.Alias != nil {
		var all []test
		for _, v := range c.Alias(text) {
			all = append(all, test{op: op, value: v})
		}
		if len(all) > 0 {
			return all, nil
		}
	}
	t, err := readTest(c, op, text, zone)
	return []test{t}, err
}

func readTest(c Column, op, text string, zone *time.Location) (test, error) {
	switch c.Kind {
	case Real:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return test{}, fmt.Errorf("%s is a number, such as >=0.5, not %q.", c.Name, clip(text))
		}
		return test{op: op, value: n}, nil
	case Listed:
		return test{op: likeness(op), value: "% " + strings.TrimSpace(Pattern(text)) + " %"}, nil
	case Number, Tenths:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(n) || math.Abs(n) > 1e15 || c.Kind == Number && n != math.Trunc(n) {
			return test{}, fmt.Errorf("%s is a number, such as 7 or >=7, not %q.", c.Name, clip(text))
		}
		if c.Kind == Tenths {
			n *= 10
		}
		return test{op: op, value: int64(math.Round(n))}, nil
	case Moment:
		at, err := ParseTime(text, zone)
		return test{op: op, value: int64(clock.At(at))}, err
	case Flag:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return test{}, fmt.Errorf("%s is true or false, not %q.", c.Name, clip(text))
		}
		return test{op: op, value: b}, nil
	case ID:
		if !IsID(text) {
			return test{}, fmt.Errorf("%s is the id of a resource (a UUID), not %q.", c.Name, clip(text))
		}
		return test{op: op, value: strings.ToLower(text)}, nil
	case Word:
		return readWord(c, op, text)
	}
	if op != "=" && op != "!=" {
		return test{op: op, value: strings.ToLower(text)}, nil
	}
	if strings.Contains(text, "*") {
		return test{op: likeness(op), value: Pattern(text)}, nil
	}
	return test{op: op, value: strings.ToLower(text)}, nil
}

// likeness is the pattern form of an operator.
func likeness(op string) string {
	if op == "!=" {
		return "!like"
	}
	return "like"
}

func readWord(c Column, op, text string) (test, error) {
	if strings.Contains(text, "*") {
		return test{op: likeness(op), value: Pattern(text)}, nil
	}
	if len(c.Words) > 0 && !slices.ContainsFunc(c.Words, func(w string) bool { return strings.EqualFold(w, text) }) {
		return test{}, fmt.Errorf("%s is one of %s, not %q.", c.Name, strings.Join(c.Words, ", "), clip(text))
	}
	return test{op: op, value: strings.ToLower(text)}, nil
}

// Pattern turns the wildcard * into LIKE's, everything else taken literally (escape character \).
func Pattern(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, `*`, `%`).Replace(strings.ToLower(text))
}

var uuid = regexp.MustCompile(`(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// IsID says whether the text is a UUID.
func IsID(text string) bool { return uuid.MatchString(text) }

func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
