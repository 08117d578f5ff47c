package template

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/vedette/vedette/internal/engine/template/dsl"
)

const (
	maxPayloads     = 5000 // values of one payload
	maxCombinations = 200  // requests that payloads may cause in one block
)

// payloads are the values that a block is repeated with.
type payloads struct {
	names  []string
	values [][]*dsl.Template
	attack string
}

// compilePayloads reads the values, or the file of a value: one a line.
func compilePayloads(n *yaml.Node, attack string, files fs.FS) (*payloads, error) {
	p := &payloads{attack: attack}
	for _, entry := range pairs(n) {
		values, err := payloadValues(entry.value, files)
		if err != nil {
			return nil, fmt.Errorf("payload %s: %w", entry.key, err)
		}
		var compiled []*dsl.Template
		for _, v := range values[:min(len(values), maxPayloads)] {
			t, err := dsl.CompileText(v)
			if err != nil {
				return nil, fmt.Errorf("payload %s: %w", entry.key, err)
			}
			compiled = append(compiled, t)
		}
		if len(compiled) == 0 {
			return nil, fmt.Errorf("payload %s has no values", entry.key)
		}
		p.names, p.values = append(p.names, entry.key), append(p.values, compiled)
	}
	switch attack {
	case "", "batteringram", "sniper", "pitchfork", "clusterbomb":
	default:
		return nil, fmt.Errorf("attack %q", attack)
	}
	return p, nil
}

func payloadValues(n *yaml.Node, files fs.FS) ([]string, error) {
	switch n.Kind {
	case yaml.SequenceNode:
		var all texts
		return all, all.UnmarshalYAML(n)
	case yaml.MappingNode: // lists by how aggressive they are: all of them
		var all []string
		for _, level := range pairs(n) {
			more, err := payloadValues(level.value, files)
			if all = append(all, more...); err != nil || len(all) > maxPayloads {
				return all, err
			}
		}
		return all, nil
	}
	if strings.Contains(n.Value, "\n") {
		return strings.Split(strings.TrimRight(n.Value, "\n"), "\n"), nil
	}
	if files == nil {
		return nil, fmt.Errorf("list %s is not available", n.Value)
	}
	b, err := fs.ReadFile(files, path.Clean(n.Value))
	if err != nil || len(b) > maxFile {
		return nil, fmt.Errorf("list %s is not available", n.Value)
	}
	var all []string
	for l := range strings.Lines(string(b)) {
		if l = strings.TrimRight(l, "\r\n"); l != "" && len(all) < maxPayloads {
			all = append(all, l)
		}
	}
	return all, nil
}

// combinations calls yield with the values of each combination, until it returns false or the bound is reached.
func (p *payloads) combinations(yield func(values []*dsl.Template) bool) {
	if len(p.names) == 0 {
		yield(nil)
		return
	}
	if p.attack == "clusterbomb" {
		p.product(yield)
		return
	}
	for i := range min(p.longest(), maxCombinations) {
		row := make([]*dsl.Template, len(p.values))
		for k, v := range p.values {
			if i >= len(v) {
				return
			}
			row[k] = v[i]
		}
		if !yield(row) {
			return
		}
	}
}

func (p *payloads) longest() int {
	n := 0
	for _, v := range p.values {
		n = max(n, len(v))
	}
	return n
}

func (p *payloads) product(yield func([]*dsl.Template) bool) {
	at := make([]int, len(p.values))
	for range maxCombinations {
		row := make([]*dsl.Template, len(p.values))
		for k, i := range at {
			row[k] = p.values[k][i]
		}
		if !yield(row) {
			return
		}
		k := len(at) - 1
		for ; k >= 0; k-- {
			if at[k]++; at[k] < len(p.values[k]) {
				break
			}
			at[k] = 0
		}
		if k < 0 {
			return
		}
	}
}

// fill sets the payload variables of one combination.
func (p *payloads) fill(s *scope, row []*dsl.Template) {
	s.payload = dsl.Map{}
	for k, t := range row {
		v, err := t.Render(s)
		if err != nil {
			v = t.Source()
		}
		s.payload[p.names[k]] = v
	}
}
