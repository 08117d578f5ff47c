package eol

import (
	"encoding/json"
	"fmt"
)

type wireV1 struct {
	Name        string `json:"name"`
	Label       string `json:"label"`
	Identifiers []struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	} `json:"identifiers"`
	Releases []struct {
		Name     string `json:"name"`
		Released any    `json:"releaseDate"`
		Ended    bool   `json:"isEol"`
		EOL      any    `json:"eolFrom"`
		Extended any    `json:"eoesFrom"`
		Latest   struct {
			Name string `json:"name"`
		} `json:"latest"`
	} `json:"releases"`
}

// readV1 takes the result of the interface's first version.
func readV1(result []byte, each func(Product, error) error) error {
	var all []json.RawMessage
	if err := json.Unmarshal(result, &all); err != nil {
		return fmt.Errorf("read the products: %w", err)
	}
	for _, raw := range all {
		if err := each(ParseV1(raw)); err != nil {
			return err
		}
	}
	return nil
}

// ParseV1 reads one product as the interface's first version gives it.
func ParseV1(raw []byte) (Product, error) {
	var w wireV1
	if err := json.Unmarshal(raw, &w); err != nil {
		return Product{}, err
	}
	p := Product{Name: text(w.Name, 80), Title: text(w.Label, 120)}
	for _, id := range w.Identifiers[:min(len(w.Identifiers), 100)] {
		if id.Type == "cpe" {
			p.addCPE(id.ID)
		}
	}
	for _, r := range w.Releases[:min(len(w.Releases), 1000)] {
		c := Cycle{Cycle: text(r.Name, 40), Released: day(r.Released), EOL: day(r.EOL), Extended: day(r.Extended), Latest: text(r.Latest.Name, 60)}
		c.Ended = r.Ended && c.EOL == ""
		if c.Cycle != "" {
			p.Cycles = append(p.Cycles, c)
		}
	}
	if p.Name == "" || len(p.Cycles) == 0 {
		return Product{}, fmt.Errorf("product %q: no name, or no cycles", p.Name)
	}
	return p, nil
}
