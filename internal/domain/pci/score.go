package pci

import (
	"math"
	"strings"

	gocvss20 "github.com/pandatix/go-cvss/20"
	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"
	gocvss40 "github.com/pandatix/go-cvss/40"
)

// Metric is one CVSS metric of a CVE's record.
type Metric struct {
	Version string // 2.0, 3.0, 3.1 or 4.0
	Vector  string
	Score   int // tenths
	Source  string
	Primary bool
}

// Score is the metric that decides, and where it came from.
type Score struct {
	Version string // 3.1, 3.0 or 2.0
	Vector  string
	Score   int    // tenths
	Source  string // nvd-primary, nvd-secondary, calculated, template or override
}

const (
	sourcePrimary    = "nvd-primary"
	sourceSecondary  = "nvd-secondary"
	sourceCalculated = "calculated"
	sourceTemplate   = "template"

	// unscored is assumed of a CVE that no one has scored yet: reachable over the network, partial loss of each kind.
	unscored = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:L"
)

// scoreOf chooses the score: the first of v3.1, v3.0 and v2.0 that the CVE's record has (a precedence, not the highest),
// of several of one version the primary one; else a v3.1 that is calculated: from the v4.0 vector, from the finder's own
// vector, from the severity that a template's author gave it, from the class (6.2.1). Of encryption the class knows better.
func scoreOf(row Row, in Input, metrics []Metric) Score {
	for _, version := range []string{"3.1", "3.0", "2.0"} {
		if m, ok := best(metrics, version); ok {
			return recorded(m)
		}
	}
	if m, ok := best(metrics, "4.0"); ok {
		if vector, ok := FromV4(m.Vector); ok {
			return Calculated(vector)
		}
	}
	if in.Vector != "" {
		if s, ok := own(in.Vector); ok {
			return s
		}
	}
	if vector := bySeverity[in.Severity]; vector != "" && !strings.HasPrefix(in.Class, "tls.") {
		s := Calculated(vector)
		s.Source = sourceTemplate
		return s
	}
	if row.Vector != "" {
		return Calculated(row.Vector)
	}
	return Calculated(unscored)
}

// bySeverity are the vectors that stand for the word of a template's author: an attack over the network whose base score
// lies within the band of that name (CVSS v3.1, 5), since a verdict wants a base score and not a word.
var bySeverity = map[string]string{
	"info":     "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", // 0.0
	"low":      "CVSS:3.1/AV:N/AC:H/PR:L/UI:R/S:U/C:L/I:N/A:N", // 2.6
	"medium":   "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N", // 5.3
	"high":     "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", // 7.5
	"critical": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", // 9.8
}

func best(metrics []Metric, version string) (Metric, bool) {
	var found Metric
	ok := false
	for _, m := range metrics {
		if m.Version == version && (!ok || m.Primary && !found.Primary) {
			found, ok = m, true
		}
	}
	return found, ok
}

func recorded(m Metric) Score {
	s := Score{Version: m.Version, Vector: m.Vector, Score: m.Score, Source: sourceSecondary}
	if m.Primary || m.Source == "nvd@nist.gov" {
		s.Source = sourcePrimary
	}
	if s.Score == 0 {
		if _, score, ok := BaseScore(m.Vector); ok {
			s.Score = score
		}
	}
	return s
}

// own is the score of the vector that a check or template brings; one of v4.0 is turned into v3.1.
func own(vector string) (Score, bool) {
	if strings.HasPrefix(vector, "CVSS:4.") {
		v, ok := FromV4(vector)
		return Calculated(v), ok
	}
	version, score, ok := BaseScore(vector)
	return Score{Version: version, Vector: vector, Score: score, Source: sourceCalculated}, ok
}

// Calculated is the score of a v3.1 vector that the scanner vendor computes.
func Calculated(vector string) Score {
	_, score, _ := BaseScore(vector)
	return Score{Version: "3.1", Vector: vector, Score: score, Source: sourceCalculated}
}

// BaseScore reads a vector of any version and gives its base score in tenths. Of v4.0 it is the score by the
// vector alone.
func BaseScore(vector string) (version string, tenths int, ok bool) {
	vector = strings.Trim(vector, "()")
	var score float64
	var err error
	switch {
	case len(vector) > 400:
		return "", 0, false
	case strings.HasPrefix(vector, "CVSS:4.0/"):
		var v *gocvss40.CVSS40
		if v, err = gocvss40.ParseVector(vector); err == nil {
			version, score = "4.0", v.Score()
		}
	case strings.HasPrefix(vector, "CVSS:3.1/"):
		var v *gocvss31.CVSS31
		if v, err = gocvss31.ParseVector(vector); err == nil {
			version, score = "3.1", v.BaseScore()
		}
	case strings.HasPrefix(vector, "CVSS:3.0/"):
		var v *gocvss30.CVSS30
		if v, err = gocvss30.ParseVector(vector); err == nil {
			version, score = "3.0", v.BaseScore()
		}
	default:
		var v *gocvss20.CVSS20
		if v, err = gocvss20.ParseVector(vector); err == nil {
			version, score = "2.0", v.BaseScore()
		}
	}
	if err != nil || math.IsNaN(score) {
		return "", 0, false
	}
	return version, int(math.Round(score * 10)), true
}

// FromV4 computes the v3.1 base vector that a v4.0 vector comes to, for CVEs that have no other (6.2.1): attack vector
// and privileges are the same; complexity is high where v4 names it so or names attack requirements; passive and active
// interaction are interaction; scope is changed where a subsequent system suffers; each impact is the graver of the
// vulnerable and the subsequent system's.
func FromV4(vector string) (string, bool) {
	v, err := gocvss40.ParseVector(vector)
	if err != nil {
		return "", false
	}
	get := func(name string) string {
		s, err := v.Get(name)
		if err != nil {
			return "N"
		}
		return s
	}
	complexity := "L"
	if get("AC") == "H" || get("AT") == "P" {
		complexity = "H"
	}
	interaction := "R"
	if get("UI") == "N" {
		interaction = "N"
	}
	scope := "U"
	if get("SC") != "N" || get("SI") != "N" || get("SA") != "N" {
		scope = "C"
	}
	return "CVSS:3.1/AV:" + get("AV") + "/AC:" + complexity + "/PR:" + get("PR") + "/UI:" + interaction + "/S:" + scope +
		"/C:" + graver(get("VC"), get("SC")) + "/I:" + graver(get("VI"), get("SI")) + "/A:" + graver(get("VA"), get("SA")), true
}

func graver(a, b string) string {
	for _, x := range []string{"H", "L"} {
		if a == x || b == x {
			return x
		}
	}
	return "N"
}

// denialOfService says whether availability alone is lost.
func (s Score) denialOfService() bool {
	c, i, a := "", "", ""
	for _, part := range strings.Split(strings.Trim(s.Vector, "()"), "/") {
		name, value, _ := strings.Cut(part, ":")
		switch name {
		case "C":
			c = value
		case "I":
			i = value
		case "A":
			a = value
		}
	}
	return c == "N" && i == "N" && a != "" && a != "N"
}

func (s Score) name() string {
	if s.Version == "" {
		return "CVSS"
	}
	return "CVSS v" + s.Version
}
