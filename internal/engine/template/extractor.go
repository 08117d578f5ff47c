package template

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"context"

	"github.com/antchfx/htmlquery"
	"github.com/antchfx/xpath"
	"github.com/itchyny/gojq"

	"github.com/vedette/vedette/internal/engine/template/dsl"
)

const (
	maxExtracted     = 20       // values of one extractor
	maxExtractedSize = 16 << 10 // bytes of one value
)

// extractor takes values from an answer.
type extractor struct {
	name     string
	part     string
	internal bool
	takes    []take
}

type take func(text string, vars dsl.Vars) []string

func compileExtractor(e extractorSyntax) (*extractor, error) {
	c := &extractor{name: e.Name, part: partName(e.Part), internal: e.Internal}
	compile, items := e.compiler()
	if compile == nil {
		return nil, fmt.Errorf("extractor type %q", e.Type)
	}
	for _, item := range items {
		t, err := compile(item)
		if err != nil {
			return nil, fmt.Errorf("extractor %s: %w", e.Type, err)
		}
		c.takes = append(c.takes, t)
	}
	if e.Type == "dsl" || e.Type == "kval" {
		c.part = ""
	}
	return c, nil
}

func (e extractorSyntax) compiler() (func(string) (take, error), texts) {
	switch e.Type {
	case "regex":
		return func(s string) (take, error) { return takeRegex(s, e.Group, e.CaseInsensitive) }, e.Regex
	case "kval":
		return takeKey, e.KVal
	case "json":
		return takeJSON, e.JSON
	case "xpath":
		return func(s string) (take, error) { return takeXPath(s, e.Attribute) }, e.XPath
	case "dsl":
		return takeDSL, e.DSL
	}
	return nil, nil
}

func (e *extractor) extract(vars dsl.Vars) []string {
	text := ""
	if e.part != "" {
		v, ok := vars.Lookup(e.part)
		if !ok {
			return nil
		}
		text = dsl.Text(v)
	}
	var all []string
	for _, t := range e.takes {
		for _, v := range t(text, vars) {
			if len(all) < maxExtracted && v != "" && len(v) <= maxExtractedSize {
				all = append(all, v)
			}
		}
	}
	return all
}

func takeRegex(s string, group int, fold bool) (take, error) {
	if fold {
		s = "(?i)" + s
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, err
	}
	if group < 0 || group > re.NumSubexp() {
		return func(string, dsl.Vars) []string { return nil }, nil // as the format has it: nothing is taken
	}
	return func(text string, _ dsl.Vars) []string {
		var all []string
		for _, m := range re.FindAllStringSubmatch(text, maxExtracted) {
			all = append(all, m[group])
		}
		return all
	}, nil
}

// takeKey reads one variable of the answer, as a header field or cookie by its name with underscores.
func takeKey(s string) (take, error) {
	name := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), "-", "_"))
	return func(_ string, vars dsl.Vars) []string {
		v, ok := vars.Lookup(name)
		if !ok {
			return nil
		}
		return []string{dsl.Text(v)}
	}, nil
}

func takeDSL(s string) (take, error) {
	e, err := dsl.Compile(s)
	if err != nil {
		var list error
		if e, list = dsl.Compile("[" + s + "]"); list != nil { // several values with commas
			return nil, err
		}
	}
	return func(_ string, vars dsl.Vars) []string {
		v, err := e.Eval(vars)
		if err != nil || v == nil {
			return nil
		}
		return []string{dsl.Text(v)}
	}, nil
}

// takeJSON runs a jq query, bounded in time and results.
func takeJSON(s string) (take, error) {
	query, err := gojq.Parse(s)
	if err != nil {
		return nil, err
	}
	code, err := gojq.Compile(query, gojq.WithEnvironLoader(func() []string { return nil }))
	if err != nil {
		return nil, err
	}
	return func(text string, _ dsl.Vars) []string {
		var doc any
		if json.Unmarshal([]byte(text), &doc) != nil {
			return nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		var all []string
		for it := code.RunWithContext(ctx, doc); len(all) < maxExtracted; {
			v, ok := it.Next()
			if _, failed := v.(error); !ok || failed {
				break
			}
			if v != nil {
				all = append(all, jsonText(v))
			}
		}
		return all
	}, nil
}

func jsonText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := gojq.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

func takeXPath(s, attribute string) (take, error) {
	e, err := xpath.Compile(s)
	if err != nil {
		return nil, err
	}
	return func(text string, _ dsl.Vars) []string {
		doc, err := htmlquery.Parse(strings.NewReader(text))
		if err != nil {
			return nil
		}
		var all []string
		for _, n := range htmlquery.QuerySelectorAll(doc, e) {
			if len(all) == maxExtracted {
				break
			}
			if attribute != "" {
				all = append(all, htmlquery.SelectAttr(n, attribute))
			} else {
				all = append(all, strings.TrimSpace(htmlquery.InnerText(n)))
			}
		}
		return all
	}, nil
}
