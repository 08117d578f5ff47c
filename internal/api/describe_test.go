package api_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/api/docs/openapi"
	"github.com/vedette/vedette/internal/app"
)

func document(t *testing.T) *openapi.Document {
	t.Helper()
	raw, err := app.Document()
	if err != nil {
		t.Fatal(err)
	}
	d, err := openapi.Read(raw)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestOperationsAreDescribed holds every operation to what the documentation page and the client need of it.
func TestOperationsAreDescribed(t *testing.T) {
	t.Parallel()
	d := document(t)
	about := map[string]string{}
	for _, tag := range d.Tags {
		about[tag.Name] = tag.Description
	}
	for _, o := range d.Operations() {
		if o.ID == "" || o.Summary == "" || o.Description == "" || o.Permission == "" || len(o.Tags) != 1 || about[o.Tags[0]] == "" {
			t.Errorf("%s %s: id %q, summary %q, permission %q, tags %v (%q)", o.Method, o.Path, o.ID, o.Summary, o.Permission, o.Tags, about[o.Tags[0]])
		}
		for _, part := range strings.Split(o.Path, "/") {
			if name, ok := strings.CutPrefix(strings.TrimSuffix(part, "}"), "{"); ok {
				if !slices.ContainsFunc(o.Parameters, func(p openapi.Parameter) bool { return p.In == "path" && p.Name == name && p.Required }) {
					t.Errorf("%s: the parameter %s of the path is not declared", o.ID, name)
				}
			}
		}
		examples(t, d, o)
	}
}

func examples(t *testing.T, d *openapi.Document, o openapi.Operation) {
	t.Helper()
	if o.RequestBody != nil {
		for kind, media := range o.RequestBody.Content {
			if strings.Contains(kind, "json") {
				fits(t, d, o.ID+" request", media)
			}
		}
	}
	_, media, file := o.Success()
	if media != nil {
		fits(t, d, o.ID+" answer", *media)
	} else if !file {
		t.Errorf("%s: no answer of success is described", o.ID)
	}
	problems := 0
	for status, a := range o.Responses {
		if status < "400" {
			continue
		}
		problems++
		var p struct{ Title, Detail string }
		if err := json.Unmarshal(a.Content["application/problem+json"].Example, &p); err != nil || p.Title == "" || p.Detail == "" {
			t.Errorf("%s %s: example %s, %v", o.ID, status, a.Content["application/problem+json"].Example, err)
		}
	}
	if problems < 3 {
		t.Errorf("%s: %d error answers", o.ID, problems)
	}
}

func fits(t *testing.T, d *openapi.Document, where string, media openapi.Media) {
	t.Helper()
	var v any
	if err := json.Unmarshal(media.Example, &v); err != nil {
		t.Errorf("%s: no example: %v", where, err)
		return
	}
	check(t, d, where, media.Schema, v)
}

// check holds an example to its schema: types, known and required members, and words of an enumeration.
func check(t *testing.T, d *openapi.Document, where string, s *openapi.Schema, v any) {
	t.Helper()
	s, err := d.Resolve(s)
	if err != nil || s == nil {
		t.Errorf("%s: %v", where, err)
		return
	}
	switch v := v.(type) {
	case nil:
		return // many an attribute may be null without its schema saying so
	case string:
		if len(s.Type) > 0 && !s.Is("string") {
			t.Errorf("%s: %q is no %v", where, v, s.Type)
		}
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, any(v)) {
			t.Errorf("%s: %q is none of %v", where, v, s.Enum)
		}
	case float64:
		if !s.Is("integer") && !s.Is("number") {
			t.Errorf("%s: %v is no %v", where, v, s.Type)
		}
	case bool:
		if !s.Is("boolean") {
			t.Errorf("%s: %v is no %v", where, v, s.Type)
		}
	case []any:
		if len(s.OneOf) > 0 {
			s = s.OneOf[0]
		}
		for _, one := range v {
			check(t, d, where+"[]", s.Items, one)
		}
	case map[string]any:
		checkObject(t, d, where, s, v)
	}
}

func checkObject(t *testing.T, d *openapi.Document, where string, s *openapi.Schema, v map[string]any) {
	t.Helper()
	for name, inner := range v {
		p := s.Properties[name]
		if p == nil {
			p = s.Additional.Schema
		}
		if p == nil {
			t.Errorf("%s: there is no member %s", where, name)
			continue
		}
		check(t, d, where+"."+name, p, inner)
	}
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			t.Errorf("%s: %s is missing", where, name)
		}
	}
}
