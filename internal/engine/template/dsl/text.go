package dsl

import (
	"fmt"
	"strings"
)

// Template is a text with {{…}} markers, compiled.
type Template struct {
	source   string
	segments []segment
	names    []string
}

type segment struct {
	literal    string
	expression *Expression // nil: the literal
	marker     string      // the marker's own text, which stands where lenient rendering finds no value
}

// CompileText compiles a text with markers. A marker that is no expression of ours is literal text, as in the probes
// {{7*7}} and {{system('id')}}.
func CompileText(s string) (*Template, error) {
	t := &Template{source: s}
	for _, p := range splitMarkers(s) {
		if !p.marker {
			t.literal(p.text)
			continue
		}
		if isMarkerName(p.text) {
			e, err := Compile("[" + p.text + "]")
			if err != nil {
				return nil, err
			}
			t.expression(e, p.text)
			continue
		}
		e, err := Compile(p.text)
		if err != nil || e.Pure() {
			t.literal("{{" + p.text + "}}")
		} else {
			t.expression(e, p.text)
		}
	}
	return t, nil
}

func (t *Template) literal(s string) { t.segments = append(t.segments, segment{literal: s}) }

func (t *Template) expression(e *Expression, marker string) {
	t.segments = append(t.segments, segment{expression: e, marker: marker})
	t.names = append(t.names, e.names...)
}

// Source is the text that was compiled.
func (t *Template) Source() string { return t.source }

// Names are the variables that the markers read.
func (t *Template) Names() []string { return t.names }

// Static says that the text holds no marker.
func (t *Template) Static() bool {
	for _, s := range t.segments {
		if s.expression != nil {
			return false
		}
	}
	return true
}

// Render fills in the markers. ErrUndefined when one has no value.
func (t *Template) Render(vars Vars) (string, error) {
	return t.render(vars, false)
}

// RenderLenient fills in what has a value and leaves the other markers as they are.
func (t *Template) RenderLenient(vars Vars) string {
	s, _ := t.render(vars, true)
	return s
}

func (t *Template) render(vars Vars, leave bool) (string, error) {
	var b strings.Builder
	for _, s := range t.segments {
		if s.expression == nil {
			b.WriteString(s.literal)
			continue
		}
		v, err := s.expression.Eval(vars)
		switch {
		case err == nil:
			b.WriteString(Text(v))
		case leave:
			b.WriteString("{{" + s.marker + "}}")
		default:
			return "", fmt.Errorf("marker {{%s}}: %w", s.marker, err)
		}
		if b.Len() > maxOutput {
			return "", errTooLarge
		}
	}
	return b.String(), nil
}
