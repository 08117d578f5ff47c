// Package eol reads the release cycles of products: until when each is supported. The data are endoflife.date's, either
// as an object of products with their cycles or as its interface gives them (/api/v1/products/full).
package eol

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Product is one product with its cycles, newest first.
type Product struct {
	Name   string   `json:"name"`
	Title  string   `json:"title"`
	CPE    []string `json:"cpe"` // names without version: vendor:product
	Cycles []Cycle  `json:"cycles"`
}

// Cycle is one line of releases.
type Cycle struct {
	Cycle    string `json:"cycle"`              // 11, 2.4, 20.04
	Released string `json:"released,omitempty"` // YYYY-MM-DD
	EOL      string `json:"eol,omitempty"`      // the day support ended or ends; empty: no day is set
	Ended    bool   `json:"ended,omitempty"`    // out of support, the day is not known
	Extended string `json:"extended,omitempty"` // the day extended support ends, which most makers sell apart
	Latest   string `json:"latest,omitempty"`   // the newest release of the cycle
}

// Out says whether the cycle is out of support at a moment, and whether it still is in extended support then.
func (c Cycle) Out(at time.Time) (out, extended bool) {
	day := at.UTC().Format(time.DateOnly)
	if !c.Ended && (c.EOL == "" || c.EOL >= day) {
		return false, false
	}
	return true, c.Extended >= day
}

// MaxSize bounds a file in bytes.
const MaxSize = 64 << 20

type wireProduct struct {
	Title  string   `json:"title"`
	CPE    []string `json:"cpe"`
	Cycles []struct {
		Cycle    any    `json:"cycle"`
		Released any    `json:"released"`
		Release  any    `json:"releaseDate"`
		EOL      any    `json:"eol"`
		Extended any    `json:"extended"`
		Latest   string `json:"latest"`
	} `json:"cycles"`
}

// Read takes a whole file and gives the products by name, or what is wrong with one.
func Read(r io.Reader, each func(Product, error) error) error {
	var all map[string]json.RawMessage
	if err := json.NewDecoder(io.LimitReader(r, MaxSize)).Decode(&all); err != nil {
		return fmt.Errorf("read the products: %w", err)
	}
	if _, ok := all["schema_version"]; ok {
		return readV1(all["result"], each)
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		p, err := Parse(name, all[name])
		if err != nil {
			err = fmt.Errorf("product %q: %w", name[:min(len(name), 60)], err)
		}
		if err := each(p, err); err != nil {
			return err
		}
	}
	return nil
}

// Parse reads one product.
func Parse(name string, raw []byte) (Product, error) {
	var w wireProduct
	if err := json.Unmarshal(raw, &w); err != nil {
		return Product{}, err
	}
	p := Product{Name: text(name, 80), Title: text(w.Title, 120)}
	for _, c := range w.CPE[:min(len(w.CPE), 50)] {
		p.addCPE(c)
	}
	for _, c := range w.Cycles[:min(len(w.Cycles), 1000)] {
		released := day(c.Released)
		if released == "" {
			released = day(c.Release)
		}
		cycle := Cycle{Cycle: word(c.Cycle), Released: released, EOL: day(c.EOL), Extended: day(c.Extended), Latest: text(c.Latest, 60)}
		if b, ok := c.EOL.(bool); ok {
			cycle.Ended = b
		}
		if cycle.Cycle != "" {
			p.Cycles = append(p.Cycles, cycle)
		}
	}
	if len(p.Cycles) == 0 {
		return Product{}, fmt.Errorf("no cycles")
	}
	return p, nil
}

func (p *Product) addCPE(name string) {
	if key := keyOf(name); key != "" && !slices.Contains(p.CPE, key) {
		p.CPE = append(p.CPE, key)
	}
}

// keyOf is vendor:product of cpe:2.3:a:vendor:product or cpe:/a:vendor:product.
func keyOf(name string) string {
	f := strings.Split(strings.ReplaceAll(strings.ToLower(text(name, 300)), `\`, ""), ":")
	switch {
	case len(f) >= 5 && f[0] == "cpe" && f[1] == "2.3":
		return f[3] + ":" + f[4]
	case len(f) >= 4 && f[0] == "cpe" && strings.HasPrefix(f[1], "/"):
		return f[2] + ":" + f[3]
	}
	return ""
}

var dayForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}`)

func day(v any) string {
	s, _ := v.(string)
	return dayForm.FindString(s)
}

func word(v any) string {
	switch x := v.(type) {
	case string:
		return text(x, 40)
	case float64:
		return text(fmt.Sprint(x), 40)
	}
	return ""
}

func text(s string, n int) string { return strings.ToValidUTF8(s[:min(len(s), n)], "") }
