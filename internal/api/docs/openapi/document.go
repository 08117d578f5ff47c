// Package openapi reads the part of OpenAPI 3.1 that the API's own document uses: for the documentation page and the client's
// generator.
package openapi

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Document describes the API.
type Document struct {
	Paths      map[string]map[string]Operation `json:"paths"`
	Tags       []Tag                           `json:"tags"`
	Components struct {
		Schemas   map[string]*Schema `json:"schemas"`
		Responses map[string]Answer  `json:"responses"`
	} `json:"components"`
}

// Tag is a group of operations.
type Tag struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// Operation is one method of one path.
type Operation struct {
	ID          string            `json:"operationId"`
	Summary     string            `json:"summary"`
	Description string            `json:"description"`
	Tags        []string          `json:"tags"`
	Permission  string            `json:"x-permission"`
	Subgroup    string            `json:"x-subgroup"`
	Filterable  []string          `json:"x-filterable"`
	Sortable    []string          `json:"x-sortable"`
	Parameters  []Parameter       `json:"parameters"`
	RequestBody *Body             `json:"requestBody"`
	Responses   map[string]Answer `json:"responses"`

	Method string `json:"-"` // in capitals
	Path   string `json:"-"`
}

// Parameter of a path, query or header.
type Parameter struct {
	Name        string  `json:"name"`
	In          string  `json:"in"`
	Description string  `json:"description"`
	Required    bool    `json:"required"`
	Schema      *Schema `json:"schema"`
}

// Body of a request.
type Body struct {
	Content map[string]Media `json:"content"`
}

// Answer of one status; Ref is empty in a document that was Read.
type Answer struct {
	Ref         string           `json:"$ref"`
	Description string           `json:"description"`
	Content     map[string]Media `json:"content"`
}

// Media is a body of one media type.
type Media struct {
	Schema  *Schema         `json:"schema"`
	Example json.RawMessage `json:"example"`
}

// Schema of a value.
type Schema struct {
	Ref         string             `json:"$ref"`
	Type        Types              `json:"type"`
	Format      string             `json:"format"`
	Description string             `json:"description"`
	Properties  map[string]*Schema `json:"properties"`
	Required    []string           `json:"required"`
	Items       *Schema            `json:"items"`
	Additional  Additional         `json:"additionalProperties"`
	OneOf       []*Schema          `json:"oneOf"`
	Enum        []any              `json:"enum"`
	Minimum     *float64           `json:"minimum"`
	Maximum     *float64           `json:"maximum"`
	MinLength   *int               `json:"minLength"`
	MaxLength   *int               `json:"maxLength"`
	MinItems    *int               `json:"minItems"`
	MaxItems    *int               `json:"maxItems"`
}

// Types is one name or several.
type Types []string

// UnmarshalJSON takes both.
func (t *Types) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*t = Types{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(t))
}

// Additional is nil for false, or a schema.
type Additional struct{ *Schema }

// UnmarshalJSON takes both.
func (a *Additional) UnmarshalJSON(raw []byte) error {
	if raw[0] != '{' {
		return nil
	}
	a.Schema = new(Schema)
	return json.Unmarshal(raw, a.Schema)
}

// Is tells whether the value may be of that type.
func (s *Schema) Is(kind string) bool { return slices.Contains(s.Type, kind) }

// Name of the schema that s refers to; empty for one that is written in place.
func (s *Schema) Name() string {
	if s == nil {
		return ""
	}
	return strings.TrimPrefix(s.Ref, "#/components/schemas/")
}

// Sorted are the names of the properties: id and name first, then what is required, then the rest.
func (s *Schema) Sorted() []string {
	rank := func(name string) int {
		switch {
		case name == "id":
			return 0
		case name == "name":
			return 1
		case slices.Contains(s.Required, name):
			return 2
		}
		return 3
	}
	var all []string
	for name := range s.Properties {
		all = append(all, name)
	}
	sort.Slice(all, func(i, j int) bool {
		if rank(all[i]) != rank(all[j]) {
			return rank(all[i]) < rank(all[j])
		}
		return all[i] < all[j]
	})
	return all
}

// Read a document, with the answers that its operations share put in their places.
func Read(raw []byte) (*Document, error) {
	d := new(Document)
	if err := json.Unmarshal(raw, d); err != nil {
		return nil, err
	}
	for _, o := range d.Operations() {
		for status, a := range o.Responses {
			if a.Ref == "" {
				continue
			}
			shared, ok := d.Components.Responses[strings.TrimPrefix(a.Ref, "#/components/responses/")]
			if !ok {
				return nil, fmt.Errorf("%s: there is no answer %s", o.ID, a.Ref)
			}
			o.Responses[status] = shared
		}
	}
	return d, nil
}

// Operations in the order of path and method.
func (d *Document) Operations() []Operation {
	var all []Operation
	for path, methods := range d.Paths {
		for method, o := range methods {
			o.Path, o.Method = path, strings.ToUpper(method)
			all = append(all, o)
		}
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].Path != all[j].Path {
			return all[i].Path < all[j].Path
		}
		return all[i].Method < all[j].Method
	})
	return all
}

// Resolve follows a reference.
func (d *Document) Resolve(s *Schema) (*Schema, error) {
	if s == nil || s.Ref == "" {
		return s, nil
	}
	found, ok := d.Components.Schemas[s.Name()]
	if !ok {
		return nil, fmt.Errorf("there is no schema %s", s.Ref)
	}
	return found, nil
}

// Success is the 2xx answer as JSON; file where it is only something else, nil where there is no body.
func (o Operation) Success() (status string, media *Media, file bool) {
	for status, a := range o.Responses {
		if !strings.HasPrefix(status, "2") {
			continue
		}
		if m, ok := a.Content["application/json"]; ok {
			return status, &m, false
		}
		return status, nil, len(a.Content) > 0
	}
	return "", nil, false
}
