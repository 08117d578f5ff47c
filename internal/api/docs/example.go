package docs

import (
	"encoding/json"
	"slices"
	"sort"
	"strings"
)

// first are the members that a reader looks for first.
var first = []string{"id", "type", "title", "status", "name", "username"}

// indented writes an example for reading: two blanks a level, the telling members first. What is no JSON gives nothing.
func indented(raw json.RawMessage) string {
	var v any
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	if len(raw) == 0 || decoder.Decode(&v) != nil {
		return ""
	}
	var b strings.Builder
	write(&b, v, "\n")
	return b.String()
}

func write(b *strings.Builder, v any, line string) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			b.WriteString("{}")
			return
		}
		for i, name := range ordered(v) {
			b.WriteString([]string{"{", ","}[min(i, 1)] + line + "  ")
			write(b, name, "")
			b.WriteString(": ")
			write(b, v[name], line+"  ")
		}
		b.WriteString(line + "}")
	case []any:
		if len(v) == 0 {
			b.WriteString("[]")
			return
		}
		for i, one := range v {
			b.WriteString([]string{"[", ","}[min(i, 1)] + line + "  ")
			write(b, one, line+"  ")
		}
		b.WriteString(line + "]")
	default:
		encoder := json.NewEncoder(trimmed{b})
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(v) // a text, a number, a truth value or null
	}
}

// trimmed leaves out the line end that an encoder adds.
type trimmed struct{ b *strings.Builder }

func (t trimmed) Write(p []byte) (int, error) {
	t.b.WriteString(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

func ordered(members map[string]any) []string {
	var names []string
	for name := range members {
		names = append(names, name)
	}
	rank := func(name string) int {
		if i := slices.Index(first, name); i >= 0 {
			return i
		}
		return len(first)
	}
	sort.Slice(names, func(i, j int) bool {
		if rank(names[i]) != rank(names[j]) {
			return rank(names[i]) < rank(names[j])
		}
		return names[i] < names[j]
	})
	return names
}
