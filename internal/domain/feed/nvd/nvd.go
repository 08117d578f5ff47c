// Package nvd reads CVE records in the JSON format 2.0 of the National Vulnerability Database.
package nvd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"

	"github.com/vedette/vedette/internal/domain/feed/record"
)

// CVE is what is kept of one record.
type CVE struct {
	ID             string          `json:"id"`
	Status         string          `json:"status,omitempty"`
	Published      string          `json:"published,omitempty"` // as the feed writes it, UTC
	Modified       string          `json:"modified,omitempty"`
	Description    string          `json:"description,omitempty"` // English
	Metrics        []Metric        `json:"metrics,omitempty"`     // best source first
	Weaknesses     []string        `json:"weaknesses,omitempty"`  // CWE ids
	References     []Reference     `json:"references,omitempty"`
	Configurations []Configuration `json:"-"` // kept apart: matching needs nothing else
}

// Metric is one CVSS vector with its base score.
type Metric struct {
	Version string `json:"v"` // 2.0, 3.0, 3.1 or 4.0
	Vector  string `json:"vector"`
	Score   int    `json:"score"` // tenths
	Source  string `json:"source,omitempty"`
	Primary bool   `json:"primary,omitempty"`
}

// Reference is a link.
type Reference struct {
	URL  string   `json:"url"`
	Tags []string `json:"tags,omitempty"`
}

// Configuration is one way to be affected; several of a CVE are alternatives.
type Configuration struct {
	Operator string `json:"o,omitempty"` // AND or OR between the nodes; empty is OR
	Negate   bool   `json:"n,omitempty"`
	Nodes    []Node `json:"d"`
}

// Node is a group of names.
type Node struct {
	Operator string  `json:"o,omitempty"`
	Negate   bool    `json:"n,omitempty"`
	Matches  []Match `json:"m"`
}

// Match is a CPE name with bounds of the version; empty bounds do not bind.
type Match struct {
	Vulnerable     bool   `json:"v,omitempty"`
	Criteria       string `json:"c"`
	StartIncluding string `json:"si,omitempty"`
	StartExcluding string `json:"se,omitempty"`
	EndIncluding   string `json:"ei,omitempty"`
	EndExcluding   string `json:"ee,omitempty"`
}

// Ranged says whether any bound is set.
func (m Match) Ranged() bool {
	return m.StartIncluding != "" || m.StartExcluding != "" || m.EndIncluding != "" || m.EndExcluding != ""
}

// Bounds of one record, beyond which the rest is left out or the record refused.
const (
	maxText       = 16 << 10
	maxReferences = 100
	maxMatches    = 20000
)

var (
	// ErrWithdrawn is given for a record that was rejected or withdrawn: it is no vulnerability.
	ErrWithdrawn = errors.New("withdrawn")

	idForm = regexp.MustCompile(`^CVE-\d{4}-\d{4,10}$`)
)

// ValidID says whether a text is a CVE id.
func ValidID(id string) bool { return idForm.MatchString(id) }

// Read streams a feed: each record in turn, or what is wrong with it. An error of each ends the reading.
func Read(ctx context.Context, r io.Reader, each func(CVE, error) error) error {
	return record.Split(ctx, r, "cve", func(raw []byte, err error) error {
		if err != nil {
			return each(CVE{}, err)
		}
		return each(Parse(raw))
	})
}

// Parse reads one record, {"cve":{…}}; what follows it is passed over. The id is set even beside an error, where it
// could be read.
func Parse(raw []byte) (CVE, error) {
	var w wireRecord
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&w); err != nil {
		return CVE{ID: guessID(raw)}, fmt.Errorf("read the record: %w", err)
	}
	c := w.CVE
	if !ValidID(c.ID) {
		return CVE{}, fmt.Errorf("%q is no CVE id", cut(c.ID, 40))
	}
	if s := strings.ToLower(c.Status); s == "rejected" || s == "withdrawn" || s == "reject" {
		return CVE{ID: c.ID}, ErrWithdrawn
	}
	out := CVE{ID: c.ID, Status: cut(c.Status, 64), Published: cut(c.Published, 40), Modified: cut(c.Modified, 40)}
	for _, d := range c.Descriptions {
		if strings.HasPrefix(d.Lang, "en") {
			out.Description = cut(d.Value, maxText)
			break
		}
	}
	out.Metrics = c.Metrics.list()
	out.Weaknesses = c.weaknesses()
	out.References = c.references()
	configurations, err := c.configurations()
	out.Configurations = configurations
	return out, err
}

var idInside = regexp.MustCompile(`"id"\s*:\s*"(CVE-\d{4}-\d{4,10})"`)

func guessID(raw []byte) string {
	if m := idInside.FindSubmatch(raw[:min(len(raw), 4096)]); m != nil {
		return string(m[1])
	}
	return ""
}

// cut shortens a text to at most n bytes of whole characters and drops what is not printable.
func cut(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	s = strings.ToValidUTF8(s, "")
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

// tenths turns a score into tenths without the rounding of floats getting in the way.
func tenths(score float64) int {
	if math.IsNaN(score) || score < 0 || score > 10 {
		return 0
	}
	return int(math.Round(score * 10))
}
