package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/vedette/vedette/internal/api/docs/openapi"
)

// group is a tag of the API: one page of the reference.
type group struct {
	Name       string
	Text       string
	Path       string
	Operations []*shown
}

// shown is an operation as the reference shows it.
type shown struct {
	ID         string
	Title      string
	Subgroup   string
	Method     string
	Path       string
	Permission string
	Text       template.HTML
	Parameters []attribute // of path and query
	Listed     bool        // takes the parameters of every list
	Filterable []string
	Sortable   []string
	Attributes []attribute // of the request
	Request    string      // a command line
	Status     string
	Answer     string // an example
	Answered   []attribute
	Errors     []problem
}

// attribute is a row of a table.
type attribute struct {
	Name     string
	In       string
	Type     string
	Required bool
	Text     string
}

type problem struct {
	Status  string
	Title   string
	Example string
}

func groupsOf(d *openapi.Document) ([]*group, error) {
	byName := map[string]*group{}
	var all []*group
	for _, t := range d.Tags {
		g := &group{Name: t.Name, Text: t.Description, Path: reference + "/" + strings.ReplaceAll(strings.ToLower(t.Name), " ", "-")}
		byName[t.Name] = g
		all = append(all, g)
	}
	for _, o := range d.Operations() {
		if len(o.Tags) == 0 || byName[o.Tags[0]] == nil {
			return nil, fmt.Errorf("%s is in no group", o.ID)
		}
		s, err := show(d, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.ID, err)
		}
		g := byName[o.Tags[0]]
		g.Operations = append(g.Operations, s)
	}
	for _, g := range all {
		sort.SliceStable(g.Operations, func(i, j int) bool { return rank(g.Operations[i]) < rank(g.Operations[j]) })
	}
	return all, nil
}

// rank orders a group: what is in no subgroup first, and within a path as people work: list, create, show, update, delete.
func rank(s *shown) string {
	verb := strings.Index("GET    POST   PUT    DELETE ", s.Method)
	depth := strings.Count(s.Path, "/")
	return fmt.Sprintf("%s\x00%02d%s\x00%02d", s.Subgroup, depth, s.Path, verb)
}

func show(d *openapi.Document, o openapi.Operation) (*shown, error) {
	s := &shown{ID: o.ID, Title: o.Summary, Subgroup: o.Subgroup, Method: o.Method, Path: o.Path, Permission: permissionOf(o.Permission),
		Filterable: o.Filterable, Sortable: o.Sortable, Listed: len(o.Filterable) > 0}
	var err error
	if s.Text, err = description(o.Description); err != nil {
		return nil, err
	}
	for _, p := range o.Parameters {
		if p.In == "header" || (s.Listed && p.In == "query" && slices.Contains(ofLists, p.Name)) {
			continue // said once, in the guides and above the reference
		}
		s.Parameters = append(s.Parameters, attribute{Name: p.Name, In: p.In, Type: typeOf(d, p.Schema), Required: p.Required || p.In == "path", Text: textOf(p.Schema, p.Description)})
	}
	var body string
	if o.RequestBody != nil {
		media := o.RequestBody.Content["application/json"]
		s.Attributes = table(d, media.Schema, "", 0)
		body = compact(media.Example)
	}
	s.Request = commandLine(o, body)
	status, media, file := o.Success()
	code, _ := strconv.Atoi(status) // zero has no text
	s.Status = strings.TrimSpace(status + " " + http.StatusText(code))
	switch {
	case media != nil:
		s.Answer, s.Answered = indented(media.Example), table(d, media.Schema, "", 0)
	case file:
		s.Answer = "(the file)"
	}
	s.Errors = problems(o)
	return s, nil
}

var ofLists = []string{"page", "per_page", "cursor", "q", "sort_by", "date_range_start", "date_range_end", "relative_date_range", "date_column"}

// description is without what the page shows in a place of its own: the permission, and the columns of a list.
func description(text string) (template.HTML, error) {
	var kept []string
	for _, paragraph := range strings.Split(text, "\n\n") {
		if strings.HasPrefix(paragraph, "Filter with `q[") {
			continue
		}
		for _, said := range []string{"Needs no sign-in.", "Any signed-in caller, whatever the role."} {
			paragraph = strings.TrimPrefix(paragraph, said)
		}
		if _, rest, ok := strings.Cut(paragraph, "`."); ok && strings.HasPrefix(paragraph, "Needs the permission `") {
			paragraph = rest
		}
		kept = append(kept, strings.TrimSpace(paragraph))
	}
	html, _, err := markdown([]byte(strings.Join(kept, "\n\n")))
	return html, err
}

func permissionOf(code string) string {
	switch strings.ToLower(code) {
	case "public":
		return "no sign-in"
	case "signed in", "signed_in", "own":
		return "any signed-in caller"
	}
	return "needs " + code
}

const deepest = 5

// table lists the attributes of an object, those within under their whole names.
func table(d *openapi.Document, s *openapi.Schema, before string, depth int) []attribute {
	s, err := d.Resolve(s)
	if err != nil || s == nil || depth > deepest {
		return nil
	}
	var rows []attribute
	for _, name := range s.Sorted() {
		p := s.Properties[name]
		inner, err := d.Resolve(p)
		if err != nil {
			continue
		}
		row := attribute{Name: before + name, Type: typeOf(d, p), Required: slices.Contains(s.Required, name), Text: textOf(inner, p.Description)}
		rows = append(rows, row)
		within, suffix := inner, "."
		if inner.Is("array") && inner.Items != nil {
			within, suffix = inner.Items, "[]."
		} else if inner.Additional.Schema != nil {
			within, suffix = inner.Additional.Schema, ".*."
		}
		rows = append(rows, table(d, within, before+name+suffix, depth+1)...)
	}
	return rows
}

func typeOf(d *openapi.Document, s *openapi.Schema) string {
	s, err := d.Resolve(s)
	if err != nil || s == nil {
		return "text"
	}
	if len(s.OneOf) > 0 {
		var all []string
		for _, one := range s.OneOf {
			all = append(all, typeOf(d, one))
		}
		return strings.Join(all, " or ")
	}
	name := "any"
	switch {
	case s.Is("string") && s.Format == "date-time":
		name = "time"
	case s.Is("string"):
		name = "text"
	case s.Is("integer"):
		name = "integer"
	case s.Is("number"):
		name = "number"
	case s.Is("boolean"):
		name = "true or false"
	case s.Is("array"):
		name = "list of " + typeOf(d, s.Items)
	case s.Is("object"):
		name = "object"
	}
	if s.Is("null") && len(s.Type) > 1 {
		name += " or null"
	}
	return name
}

// textOf is the description, with what the schema says of the values.
func textOf(s *openapi.Schema, description string) string {
	parts := []string{}
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if description == "" && s != nil {
		description = s.Description
	}
	if description != "" {
		add("%s", strings.TrimSuffix(description, "."))
	}
	if s == nil {
		return strings.Join(parts, ". ")
	}
	if len(s.Enum) > 0 {
		var values []string
		for _, v := range s.Enum {
			if v != nil {
				values = append(values, fmt.Sprint(v))
			}
		}
		add("One of %s", strings.Join(values, ", "))
	}
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		add("%g to %g", *s.Minimum, *s.Maximum)
	case s.Minimum != nil:
		add("At least %g", *s.Minimum)
	case s.Maximum != nil:
		add("At most %g", *s.Maximum)
	}
	if s.MaxLength != nil {
		add("At most %d characters", *s.MaxLength)
	}
	if s.MaxItems != nil {
		add("At most %d entries", *s.MaxItems)
	}
	return strings.Join(parts, ". ")
}

// commandLine is a request that can be pasted, once VEDETTE and TOKEN are set.
func commandLine(o openapi.Operation, body string) string {
	var b strings.Builder
	b.WriteString("curl -sS --fail-with-body")
	if o.Method != http.MethodGet && (o.Method != http.MethodPost || body == "") {
		b.WriteString(" -X " + o.Method)
	}
	fmt.Fprintf(&b, " \"$VEDETTE%s\"", strings.NewReplacer("{", "$", "}", "").Replace(upperNames(o.Path)))
	if !strings.EqualFold(o.Permission, "public") {
		b.WriteString(" \\\n  -H \"Authorization: Bearer $TOKEN\"")
	}
	if body != "" {
		b.WriteString(" \\\n  --json '" + strings.ReplaceAll(body, "'", `'\''`) + "'")
	}
	if _, media, file := o.Success(); media == nil && file {
		b.WriteString(" -OJ")
	}
	return b.String()
}

// upperNames writes {scan_id} as {SCAN_ID}, a shell's variable.
func upperNames(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, "{") {
			parts[i] = strings.ToUpper(part)
		}
	}
	return strings.Join(parts, "/")
}

func problems(o openapi.Operation) []problem {
	var all []problem
	for status, a := range o.Responses {
		if status >= "400" {
			all = append(all, problem{Status: status, Title: a.Description, Example: indented(a.Content["application/problem+json"].Example)})
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Status < all[j].Status })
	return all
}

func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if len(raw) == 0 || json.Compact(&b, raw) != nil {
		return ""
	}
	return b.String()
}
