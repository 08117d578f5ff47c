package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/api/docs/openapi"
)

// byHand are the types that client/ writes itself.
var byHand = []string{"Client", "Option", "Query", "Page", "Problem", "Mistake", "Ref", "File", "Change"}

// structure makes a struct type of an object, and of all objects within.
func (m *model) structure(name string, s *openapi.Schema, how mode, from, doc string) error {
	if slices.Contains(byHand, name) {
		return fmt.Errorf("%s would take the name %s", from, name)
	}
	if known, ok := m.byName[name]; ok {
		if known.from != from {
			return fmt.Errorf("%s and %s would both be called %s", known.from, from, name)
		}
		return nil
	}
	made := &structure{Name: name, Doc: []string{doc}, from: from}
	if s.Description != "" {
		made.Doc = append(made.Doc, s.Description)
	}
	m.byName[name] = made
	for _, property := range s.Sorted() {
		if alias(property, s) {
			continue
		}
		f, err := m.field(name, property, s, how)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", name, property, err)
		}
		made.Fields = append(made.Fields, f)
	}
	return nil
}

// alias is port_list_id beside port_list: the same reference under a second name.
func alias(property string, s *openapi.Schema) bool {
	bare, ok := strings.CutSuffix(property, "_id")
	return ok && s.Properties[bare] != nil
}

func (m *model) field(owner, property string, s *openapi.Schema, how mode) (field, error) {
	p := s.Properties[property]
	within := how
	if how == changed {
		within = asked
	}
	kind, err := m.goType(p, within, owner+exported(words(property)))
	if err != nil {
		return field{}, err
	}
	f := field{Name: exported(words(property)), Type: kind, JSON: property, Doc: fieldDoc(p)}
	if slices.Contains(s.Required, property) {
		if p.Is("null") && (scalar(kind) || within == asked && kind == "string") { // null says something else than the zero value
			f.Type = "*" + kind
		}
		return f, nil
	}
	f.JSON += ",omitzero"
	switch {
	case how == changed:
		f.Type = "Change[" + kind + "]"
	case scalar(kind) && (how == asked || p.Is("null")):
		f.Type = "*" + kind
	case how == asked && m.byName[kind] != nil:
		f.Type = "*" + kind
	}
	return f, nil
}

func scalar(kind string) bool { return kind == "int" || kind == "float64" || kind == "bool" }

func fieldDoc(s *openapi.Schema) string {
	parts := []string{}
	if s.Description != "" {
		parts = append(parts, strings.ReplaceAll(s.Description, "\n", " "))
	}
	if len(s.Enum) > 0 {
		var values []string
		for _, v := range s.Enum {
			if v != nil && v != "" {
				values = append(values, fmt.Sprint(v))
			}
		}
		parts = append(parts, strings.Join(values, ", "))
	}
	return strings.Join(parts, ": ")
}

// goType of a schema; an object written in place is called name.
func (m *model) goType(s *openapi.Schema, how mode, name string) (string, error) {
	if s.Ref != "" {
		found, err := m.document.Resolve(s)
		if err != nil {
			return "", err
		}
		if !found.Is("object") {
			return m.goType(found, how, name)
		}
		if len(found.Properties) > 0 {
			called := typeName(s.Name())
			return called, m.structure(called, found, how, "the schema "+s.Name(), called+" is part of the API's answers and requests.")
		}
		return m.goType(found, how, name)
	}
	for _, one := range s.OneOf {
		if one.Is("array") {
			return m.goType(one, how, name)
		}
	}
	switch {
	case s.Is("string") && s.Format == "date-time":
		return "time.Time", nil
	case s.Is("string"):
		return "string", nil
	case s.Is("boolean"):
		return "bool", nil
	case s.Is("integer"):
		return "int", nil
	case s.Is("number"):
		return "float64", nil
	case s.Is("array"):
		item, err := m.goType(s.Items, how, name)
		return "[]" + item, err
	case s.Is("object") && len(s.Properties) > 0:
		return name, m.structure(name, s, how, "the object "+name, name+" is part of the API's answers and requests.")
	case s.Additional.Schema != nil:
		value, err := m.goType(s.Additional.Schema, how, name)
		return "map[string]" + value, err
	case s.Is("object"):
		return "map[string]any", nil
	}
	return "any", nil
}
