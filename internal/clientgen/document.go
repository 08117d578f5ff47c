package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// document is the part of OpenAPI 3.1 that the API uses.
type document struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	ID          string            `json:"operationId"`
	Summary     string            `json:"summary"`
	Description string            `json:"description"`
	Tags        []string          `json:"tags"`
	Permission  string            `json:"x-permission"`
	Parameters  []parameter       `json:"parameters"`
	RequestBody *body             `json:"requestBody"`
	Responses   map[string]answer `json:"responses"`
	Filterable  []string          `json:"x-filterable"`

	method string
	path   string
}

type parameter struct {
	Name        string  `json:"name"`
	In          string  `json:"in"`
	Description string  `json:"description"`
	Required    bool    `json:"required"`
	Schema      *schema `json:"schema"`
}

type body struct {
	Content map[string]media `json:"content"`
}

type answer struct {
	Content map[string]media `json:"content"`
}

type media struct {
	Schema *schema `json:"schema"`
}

type schema struct {
	Ref         string             `json:"$ref"`
	Type        types              `json:"type"`
	Format      string             `json:"format"`
	Description string             `json:"description"`
	Properties  map[string]*schema `json:"properties"`
	Required    []string           `json:"required"`
	Items       *schema            `json:"items"`
	Additional  additional         `json:"additionalProperties"`
	OneOf       []*schema          `json:"oneOf"`
	Enum        []any              `json:"enum"`
}

// types is one name or several.
type types []string

func (t *types) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*t = types{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(t))
}

// additional is false, or a schema.
type additional struct{ *schema }

func (a *additional) UnmarshalJSON(raw []byte) error {
	if raw[0] != '{' {
		return nil
	}
	a.schema = new(schema)
	return json.Unmarshal(raw, a.schema)
}

func (s *schema) is(kind string) bool { return slices.Contains(s.Type, kind) }

// name of the schema that s refers to; empty for one that is written in place.
func (s *schema) name() string {
	if s == nil {
		return ""
	}
	return strings.TrimPrefix(s.Ref, "#/components/schemas/")
}

func read(raw []byte) (*document, error) {
	d := new(document)
	if err := json.Unmarshal(raw, d); err != nil {
		return nil, err
	}
	return d, nil
}

// operations in the order of path and method.
func (d *document) operations() []operation {
	var all []operation
	for path, methods := range d.Paths {
		for method, o := range methods {
			o.path, o.method = path, strings.ToUpper(method)
			all = append(all, o)
		}
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].path != all[j].path {
			return all[i].path < all[j].path
		}
		return all[i].method < all[j].method
	})
	return all
}

// resolve follows a reference.
func (d *document) resolve(s *schema) (*schema, error) {
	if s == nil || s.Ref == "" {
		return s, nil
	}
	found, ok := d.Components.Schemas[s.name()]
	if !ok {
		return nil, fmt.Errorf("there is no schema %s", s.Ref)
	}
	return found, nil
}

// success is the schema of the 2xx answer as JSON; file where it is only something else, empty where there is no body.
func (o operation) success() (json *schema, file bool) {
	for status, a := range o.Responses {
		if !strings.HasPrefix(status, "2") {
			continue
		}
		if m, ok := a.Content["application/json"]; ok {
			return m.Schema, false
		}
		return nil, len(a.Content) > 0
	}
	return nil, false
}
