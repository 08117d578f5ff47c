package feed

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	gocvss20 "github.com/pandatix/go-cvss/20"
	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"

	"github.com/vedette/vedette/internal/domain/feed/eol"
	"github.com/vedette/vedette/internal/domain/feed/fix"
	"github.com/vedette/vedette/internal/domain/feed/kev"
	"github.com/vedette/vedette/internal/domain/feed/nvd"
)

//go:embed starter.txt
var starterText string

// Starter is the knowledge inside the program: well-known, remotely exploitable vulnerabilities and the release cycles
// of common software, written from the advisories. It is small and says so.
var Starter = sync.OnceValue(func() *Knowledge {
	k, err := readStarter(starterText)
	if err != nil {
		panic("the starter set inside the program does not read: " + err.Error()) // a test reads it
	}
	return k
})

// readStarter builds a version from the starter's text. A line is a word and its values; # begins a comment:
//
//	date 2026-11-24
//	cve CVE-2011-2523 2011-07-03        opens a record: id, day of publication
//	cvss CVSS:3.1/AV:N/…                  a vector; the score is computed from it
//	text …                                what it is
//	cwe CWE-78
//	affects vendor:product >=1 <2         an entry; several are alternatives. =1:p1 is one version, o/ before the name an operating system
//	on o/vendor:product                   the entries before it hold only on this platform
//	ref https://…                         an advisory
//	exploited 2021-11-03 ransomware       listed by CISA on that day
//	product name "Title" vendor:product…  opens a product with release cycles
//	cycle 11 2018-10-18 2023-11-09 11.22  cycle, released, end of life (no: none set; yes: over), latest, +day of the end of extended support
//	debian openssh 12 1:9.2p1-2 9.2p1     opens a source package: release, version, maker's version
//	fixed CVE-2024-6387 1:9.2p1-2+deb12u3 the package version that fixed it; - : not fixed
func readStarter(text string) (*Knowledge, error) {
	var out bytes.Buffer
	s := &starter{b: newBuilder(&out)}
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := s.line(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
	}
	if err := s.end(); err != nil {
		return nil, err
	}
	s.b.info.Small = true
	s.b.info.Sources = []SourceInfo{{Kind: kindStarter, Name: "starter set", Date: s.b.info.Date, Records: s.records}}
	if _, err := s.b.finish(); err != nil {
		return nil, err
	}
	f, err := openBytes(out.Bytes())
	if err != nil {
		return nil, err
	}
	return knowledgeOf(f), nil
}

type starter struct {
	b       *builder
	records int
	cve     *nvd.CVE
	entries []nvd.Match // of the configuration that is being read
	product *eol.Product
	source  *fix.Source
}

func (s *starter) line(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	f := strings.Fields(rest)
	switch word {
	case "date":
		s.b.info.Date = rest
		return nil
	case "cve", "product", "debian":
		if err := s.end(); err != nil {
			return err
		}
		return s.begin(word, rest, f)
	case "cycle":
		return s.cycle(f)
	case "fixed":
		if s.source == nil || len(f) != 2 || !nvd.ValidID(f[0]) {
			return fmt.Errorf("a fix stands outside a package, or is no CVE with a version")
		}
		s.source.Fixed[f[0]] = strings.TrimPrefix(f[1], "-")
		return nil
	}
	if s.cve == nil {
		return fmt.Errorf("%q stands outside a record", word)
	}
	return s.attribute(word, rest, f)
}

func (s *starter) begin(word, rest string, f []string) error {
	s.records++
	switch {
	case word == "cve" && len(f) == 2 && nvd.ValidID(f[0]):
		s.cve = &nvd.CVE{ID: f[0], Published: f[1]}
	case word == "debian" && len(f) == 4:
		s.source = &fix.Source{Name: f[0], Release: f[1], Version: f[2], Upstream: f[3], Fixed: map[string]string{}}
	case word == "product" && strings.Count(rest, `"`) == 2:
		q := strings.Split(rest, `"`)
		s.product = &eol.Product{Name: strings.TrimSpace(q[0]), Title: q[1], CPE: strings.Fields(q[2])}
	default:
		return fmt.Errorf("%s %s cannot be read", word, rest)
	}
	return nil
}

func (s *starter) cycle(f []string) error {
	if s.product == nil || len(f) < 3 {
		return fmt.Errorf("a cycle stands outside a product, or lacks its days")
	}
	c := eol.Cycle{Cycle: f[0]}
	if f[1] != "-" {
		c.Released = f[1]
	}
	switch f[2] {
	case "no":
	case "yes":
		c.Ended = true
	default:
		c.EOL = f[2]
	}
	for _, more := range f[3:] {
		if strings.HasPrefix(more, "+") {
			c.Extended = more[1:]
		} else {
			c.Latest = more
		}
	}
	s.product.Cycles = append(s.product.Cycles, c)
	return nil
}

func (s *starter) attribute(word, rest string, f []string) error {
	c := s.cve
	switch word {
	case "text":
		c.Description = rest
	case "cwe":
		c.Weaknesses = append(c.Weaknesses, f...)
	case "ref":
		c.References = append(c.References, nvd.Reference{URL: rest, Tags: []string{"Vendor Advisory"}})
	case "cvss":
		m, err := metricOf(rest)
		if err != nil {
			return err
		}
		c.Metrics = append(c.Metrics, m)
	case "affects":
		m, err := entryOf(f, true)
		if err != nil {
			return err
		}
		s.entries = append(s.entries, m)
	case "on":
		m, err := entryOf(f, false)
		if err != nil {
			return err
		}
		c.Configurations = append(c.Configurations, nvd.Configuration{Operator: "AND", Nodes: []nvd.Node{{Matches: s.entries}, {Matches: []nvd.Match{m}}}})
		s.entries = nil
	case "exploited":
		if len(f) == 0 {
			return fmt.Errorf("the day is missing")
		}
		s.b.addKEV(kev.Entry{CVE: c.ID, Added: f[0], Ransomware: slices.Contains(f, "ransomware")})
	default:
		return fmt.Errorf("%q is no word of the starter set", word)
	}
	return nil
}

// metricOf computes the score of a vector.
func metricOf(vector string) (nvd.Metric, error) {
	m := nvd.Metric{Vector: vector, Source: "starter set", Primary: true}
	score := 0.0
	switch {
	case strings.HasPrefix(vector, "CVSS:3.1/"):
		v, err := gocvss31.ParseVector(vector)
		if err != nil {
			return m, fmt.Errorf("vector %s: %w", vector, err)
		}
		m.Version, score = "3.1", v.BaseScore()
	case strings.HasPrefix(vector, "CVSS:3.0/"):
		v, err := gocvss30.ParseVector(vector)
		if err != nil {
			return m, fmt.Errorf("vector %s: %w", vector, err)
		}
		m.Version, score = "3.0", v.BaseScore()
	default:
		v, err := gocvss20.ParseVector(vector)
		if err != nil {
			return m, fmt.Errorf("vector %s: %w", vector, err)
		}
		m.Version, score = "2.0", v.BaseScore()
	}
	m.Score = int(score*10 + 0.5)
	return m, nil
}

// entryOf reads a name with its bounds.
func entryOf(f []string, vulnerable bool) (nvd.Match, error) {
	if len(f) == 0 || strings.Count(f[0], ":") != 1 {
		return nvd.Match{}, fmt.Errorf("%v does not begin with vendor:product", f)
	}
	part, name := "a", f[0]
	if p, rest, ok := strings.Cut(name, "/"); ok && len(p) == 1 {
		part, name = p, rest
	}
	m := nvd.Match{Vulnerable: vulnerable}
	version := "*"
	for _, bound := range f[1:] {
		switch {
		case strings.HasPrefix(bound, ">="):
			m.StartIncluding = bound[2:]
		case strings.HasPrefix(bound, ">"):
			m.StartExcluding = bound[1:]
		case strings.HasPrefix(bound, "<="):
			m.EndIncluding = bound[2:]
		case strings.HasPrefix(bound, "<"):
			m.EndExcluding = bound[1:]
		case strings.HasPrefix(bound, "="):
			version = bound[1:]
		default:
			return m, fmt.Errorf("%q is no bound", bound)
		}
	}
	m.Criteria = "cpe:2.3:" + part + ":" + name + ":" + version
	return m, nil
}

// end closes what is open.
func (s *starter) end() error {
	if s.cve != nil {
		if len(s.entries) > 0 {
			s.cve.Configurations = append(s.cve.Configurations, nvd.Configuration{Nodes: []nvd.Node{{Matches: s.entries}}})
		}
		if len(s.cve.Metrics) == 0 || s.cve.Description == "" {
			return fmt.Errorf("%s has no vector or no text", s.cve.ID)
		}
		s.b.addCVE(*s.cve)
	}
	if s.product != nil {
		s.b.addEOL(*s.product)
	}
	if s.source != nil {
		s.b.addDebian(*s.source)
	}
	s.cve, s.entries, s.product, s.source = nil, nil, nil, nil
	return nil
}
