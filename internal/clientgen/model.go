package main

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/vedette/vedette/internal/api/docs/openapi"
)

// model is what the templates write.
type model struct {
	Groups []*group
	Types  []*structure

	document *openapi.Document
	byName   map[string]*structure
}

// group is one tag of the API: a field of Client.
type group struct {
	Title   string
	Name    string
	Methods []method
}

type method struct {
	Name       string
	Doc        []string
	Verb       string
	Path       string // a Go expression
	Arguments  []string
	Result     string // type of the answer within; empty where there is none
	Kind       string // list, one, short, refs, flat, file, done
	Parameters []field
	Query      string // type of the parameters
	Body       string // a Go expression
	Raw        string // media type of a body that is no JSON
	ID         string
}

// structure is one struct type.
type structure struct {
	Name   string
	Doc    []string
	Fields []field

	from string // what it was made of, to tell clashes
}

type field struct {
	Name string
	Type string
	JSON string // name and options
	Doc  string
	Wire string // a parameter's name
}

// mode is how a schema's optional attributes are written.
type mode int

const (
	answered mode = iota // null is the zero value but for numbers and yes-no
	asked                // left out where zero; numbers and yes-no are pointers
	changed              // every attribute is a Change
)

func build(d *openapi.Document) (*model, error) {
	m := &model{document: d, byName: map[string]*structure{}}
	groups := map[string]*group{}
	for _, o := range d.Operations() { // what is asked comes first: a schema that is asked and answered is written as it is asked
		if _, err := m.input(&method{}, o); err != nil {
			return nil, fmt.Errorf("%s: %w", o.ID, err)
		}
	}
	for _, o := range d.Operations() {
		if len(o.Tags) != 1 || o.ID == "" {
			return nil, fmt.Errorf("%s %s: needs one tag and an operationId", o.Method, o.Path)
		}
		g, ok := groups[o.Tags[0]]
		if !ok {
			g = &group{Title: o.Tags[0], Name: exported(words(o.Tags[0]))}
			groups[o.Tags[0]] = g
			m.Groups = append(m.Groups, g)
		}
		x, err := m.method(g, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.ID, err)
		}
		if err := g.add(x); err != nil {
			return nil, err
		}
	}
	sort.Slice(m.Groups, func(i, j int) bool { return m.Groups[i].Name < m.Groups[j].Name })
	for _, g := range m.Groups {
		sort.Slice(g.Methods, func(i, j int) bool { return g.Methods[i].Name < g.Methods[j].Name })
	}
	for _, s := range m.byName {
		m.Types = append(m.Types, s)
	}
	sort.Slice(m.Types, func(i, j int) bool { return m.Types[i].Name < m.Types[j].Name })
	return m, nil
}

func (g *group) add(x method) error {
	for _, other := range g.Methods {
		if other.Name == x.Name {
			return fmt.Errorf("%s and %s would both be %s.%s", other.ID, x.ID, g.Name, x.Name)
		}
	}
	g.Methods = append(g.Methods, x)
	return nil
}

func (m *model) method(g *group, o openapi.Operation) (method, error) {
	x := method{ID: o.ID, Verb: "http.Method" + exported(words(strings.ToLower(o.Method)))}
	bulk, err := m.input(&x, o)
	if err != nil {
		return x, err
	}
	x.Name = methodName(o.ID, g.Title, bulk)
	if err := m.result(&x, o); err != nil {
		return x, err
	}
	m.parameters(&x, o, bulk)
	x.Doc = methodDoc(x, o)
	return x, nil
}

// input finds what the body is made of: ids, attributes wrapped in a noun, plain attributes, or no JSON.
func (m *model) input(x *method, o openapi.Operation) (bulk bool, err error) {
	path, arguments := pathOf(o.Path)
	x.Path, x.Arguments = path, arguments
	if o.RequestBody == nil {
		return false, nil
	}
	content, ok := o.RequestBody.Content["application/json"]
	if !ok {
		for kind := range o.RequestBody.Content {
			x.Raw = max(x.Raw, kind)
		}
		x.Arguments = append(x.Arguments, "content io.Reader")
		return false, nil
	}
	s, err := m.document.Resolve(content.Schema)
	if err != nil {
		return false, err
	}
	if ids := s.Properties["ids"]; len(s.Properties) == 1 && ids != nil && ids.Is("array") {
		x.Arguments = append(x.Arguments, "ids ...string")
		x.Body = `map[string][]string{"ids": ids}`
		return true, nil
	}
	how, noun := asked, ""
	if len(s.Properties) == 1 {
		for name, inner := range s.Properties {
			wrapped, err := m.document.Resolve(inner)
			if err != nil {
				return false, err
			}
			if len(wrapped.Properties) > 0 {
				noun, s = name, wrapped
			}
		}
	}
	if noun != "" && o.Method == "PUT" {
		how = changed
	}
	name := inputName(o.ID)
	if err := m.structure(name, s, how, "what "+o.ID+" takes", fmt.Sprintf("%s is what the operation %q takes.", name, o.Summary)); err != nil {
		return false, err
	}
	x.Arguments = append(x.Arguments, "in "+name)
	x.Body = "in"
	if noun != "" {
		x.Body = fmt.Sprintf("map[string]%s{%q: in}", name, noun)
	}
	return false, nil
}

// pathOf makes a Go expression of a path, and an argument for each of its parameters.
func pathOf(path string) (string, []string) {
	var arguments []string
	expression := ""
	for rest := path; rest != ""; {
		before, after, found := strings.Cut(rest, "{")
		expression += fmt.Sprintf(" + %q", before)
		if !found {
			break
		}
		name, next, _ := strings.Cut(after, "}")
		argument := unexported(words(name))
		arguments = append(arguments, argument+" string")
		expression += " + url.PathEscape(" + argument + ")"
		rest = next
	}
	return strings.TrimPrefix(expression, " + "), arguments
}

func (m *model) result(x *method, o openapi.Operation) error {
	_, media, file := o.Success()
	if file {
		x.Kind = "file"
		return nil
	}
	if media == nil {
		x.Kind = "done"
		return nil
	}
	s := media.Schema
	outer, err := m.document.Resolve(s)
	if err != nil {
		return err
	}
	data := outer.Properties["data"]
	if data == nil {
		x.Kind = "flat"
		x.Result, err = m.goType(s, answered, exported(words(o.ID))+"Answer")
		return err
	}
	many := data.Is("array")
	if many {
		data = data.Items
	}
	inner, err := m.document.Resolve(data)
	if err != nil {
		return err
	}
	attributes := inner.Properties["attributes"]
	switch {
	case attributes == nil && many && inner.Properties["type"] != nil:
		x.Kind, x.Result = "refs", "Ref"
		return nil
	case attributes == nil && inner.Properties["type"] != nil:
		x.Kind = "done"
		return nil
	case attributes == nil:
		x.Kind = "flat"
		x.Result, err = m.goType(s, answered, exported(words(o.ID))+"Answer")
		return err
	case many && outer.Properties["meta"] != nil:
		x.Kind = "list"
	case many:
		x.Kind = "short"
	default:
		x.Kind = "one"
	}
	x.Result, err = m.goType(attributes, answered, exported(words(o.ID))+"Answer")
	return err
}

// parameters of the query get a type of their own; a list has Query instead, and a body's attributes come before parameters of the
// same names.
func (m *model) parameters(x *method, o openapi.Operation, bulk bool) {
	if x.Kind == "list" {
		x.Arguments = append(x.Arguments, "q Query")
		return
	}
	var inBody []string
	if s := m.byName[inputName(o.ID)]; s != nil && x.Body != "" {
		for _, f := range s.Fields {
			name, _, _ := strings.Cut(f.JSON, ",")
			inBody = append(inBody, name)
		}
	}
	for _, p := range o.Parameters {
		if p.In != "query" || slices.Contains(inBody, p.Name) || (bulk && p.Name == "ids") {
			continue
		}
		x.Parameters = append(x.Parameters, field{Name: exported(words(p.Name)), Type: parameterType(p.Schema), Wire: p.Name, Doc: p.Description})
	}
	if len(x.Parameters) > 0 {
		x.Query = exported(words(o.ID)) + "Query"
		x.Arguments = append(x.Arguments, "q "+x.Query)
	}
}

func parameterType(s *openapi.Schema) string {
	switch {
	case s == nil:
		return "string"
	case s.Is("boolean"):
		return "bool"
	case s.Is("integer"):
		return "int"
	case s.Is("array"):
		return "[]string"
	}
	return "string"
}

func methodDoc(x method, o openapi.Operation) []string {
	lines := []string{fmt.Sprintf("%s: %s.", x.Name, strings.TrimSuffix(o.Summary, ".")), fmt.Sprintf("%s %s.", o.Method, o.Path)}
	for _, paragraph := range strings.Split(o.Description, "\n\n") {
		if strings.HasPrefix(paragraph, "Filter with") || paragraph == "" {
			continue
		}
		lines = append(lines, "", strings.ReplaceAll(strings.ReplaceAll(paragraph, "`", ""), "\n", " "))
	}
	if len(o.Filterable) > 0 {
		lines = append(lines, "", "Filters: "+strings.Join(o.Filterable, ", ")+".")
	}
	for _, p := range o.Parameters {
		if x.Kind == "list" && p.In == "query" && !slices.Contains(ofQuery, p.Name) && !strings.HasPrefix(p.Name, "q[") {
			lines = append(lines, "", fmt.Sprintf("In Query.Other: %s (%s).", p.Name, strings.TrimSuffix(p.Description, ".")))
		}
	}
	return lines
}

var ofQuery = []string{"page", "per_page", "cursor", "q", "sort_by", "date_range_start", "date_range_end", "relative_date_range", "date_column"}
