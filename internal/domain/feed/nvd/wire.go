package nvd

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// wireRecord is the part of the feed's JSON that is read. Fields that are not named here (cveTags, affected,
// metrics.ssvcV203 and what may come) are passed over.
type wireRecord struct {
	CVE wireCVE `json:"cve"`
}

type wireCVE struct {
	ID           string     `json:"id"`
	Status       string     `json:"vulnStatus"`
	Published    string     `json:"published"`
	Modified     string     `json:"lastModified"`
	Descriptions []wireText `json:"descriptions"`
	Metrics      wireScores `json:"metrics"`
	Weaknesses   []struct {
		Description []wireText `json:"description"`
	} `json:"weaknesses"`
	Configurations []struct {
		Operator string     `json:"operator"`
		Negate   bool       `json:"negate"`
		Nodes    []wireNode `json:"nodes"`
	} `json:"configurations"`
	References []Reference `json:"references"`
}

type wireText struct {
	Lang  string `json:"lang"`
	Value string `json:"value"`
}

type wireNode struct {
	Operator string      `json:"operator"`
	Negate   bool        `json:"negate"`
	Matches  []wireMatch `json:"cpeMatch"`
}

type wireMatch struct {
	Vulnerable     bool   `json:"vulnerable"`
	Criteria       string `json:"criteria"`
	StartIncluding string `json:"versionStartIncluding"`
	StartExcluding string `json:"versionStartExcluding"`
	EndIncluding   string `json:"versionEndIncluding"`
	EndExcluding   string `json:"versionEndExcluding"`
}

type wireScores struct {
	V40 []wireMetric `json:"cvssMetricV40"`
	V31 []wireMetric `json:"cvssMetricV31"`
	V30 []wireMetric `json:"cvssMetricV30"`
	V2  []wireMetric `json:"cvssMetricV2"`
}

type wireMetric struct {
	Source string `json:"source"`
	Type   string `json:"type"`
	Data   struct {
		Vector string  `json:"vectorString"`
		Score  float64 `json:"baseScore"`
	} `json:"cvssData"`
}

// list orders the metrics: by version as the ASV rules prefer them, then Primary, then NVD's own, then the others by
// name.
func (s wireScores) list() []Metric {
	var out []Metric
	add := func(version string, ms []wireMetric) {
		var of []Metric
		for _, m := range ms[:min(len(ms), 20)] {
			if m.Data.Vector == "" || len(m.Data.Vector) > 400 {
				continue
			}
			of = append(of, Metric{
				Version: version, Vector: strings.Trim(cut(m.Data.Vector, 400), "()"), Score: tenths(m.Data.Score),
				Source: cut(m.Source, 80), Primary: m.Type == "Primary",
			})
		}
		slices.SortStableFunc(of, func(a, b Metric) int {
			return cmp.Or(cmp.Compare(metricRank(a), metricRank(b)), cmp.Compare(a.Source, b.Source))
		})
		out = append(out, of...)
	}
	add("3.1", s.V31)
	add("3.0", s.V30)
	add("2.0", s.V2)
	add("4.0", s.V40)
	return out
}

func metricRank(m Metric) int {
	switch {
	case m.Primary:
		return 0
	case m.Source == "nvd@nist.gov":
		return 1
	}
	return 2
}

func (c wireCVE) weaknesses() []string {
	var out []string
	for _, w := range c.Weaknesses {
		for _, d := range w.Description {
			if strings.HasPrefix(d.Value, "CWE-") && len(d.Value) < 16 && !slices.Contains(out, d.Value) && len(out) < 20 {
				out = append(out, d.Value)
			}
		}
	}
	return out
}

// references keeps web links alone, each once.
func (c wireCVE) references() []Reference {
	var out []Reference
	seen := map[string]bool{}
	for _, r := range c.References {
		r.URL = cut(r.URL, 1000)
		web := strings.HasPrefix(r.URL, "https://") || strings.HasPrefix(r.URL, "http://")
		if !web || seen[r.URL] || len(out) == maxReferences {
			continue
		}
		seen[r.URL] = true
		for i := range r.Tags {
			r.Tags[i] = cut(r.Tags[i], 60)
		}
		r.Tags = r.Tags[:min(len(r.Tags), 10)]
		out = append(out, r)
	}
	return out
}

func (c wireCVE) configurations() ([]Configuration, error) {
	var out []Configuration
	total := 0
	for _, w := range c.Configurations {
		conf := Configuration{Operator: operator(w.Operator), Negate: w.Negate}
		for _, n := range w.Nodes {
			node := Node{Operator: operator(n.Operator), Negate: n.Negate}
			for _, m := range n.Matches {
				if total++; total > maxMatches {
					return nil, fmt.Errorf("more than %d names", maxMatches)
				}
				node.Matches = append(node.Matches, Match{
					m.Vulnerable, cut(m.Criteria, 600), cut(m.StartIncluding, 128), cut(m.StartExcluding, 128), cut(m.EndIncluding, 128), cut(m.EndExcluding, 128),
				})
			}
			if len(node.Matches) > 0 {
				conf.Nodes = append(conf.Nodes, node)
			}
		}
		if len(conf.Nodes) > 0 {
			out = append(out, conf)
		}
	}
	return out, nil
}

func operator(s string) string {
	if strings.EqualFold(s, "AND") {
		return "AND"
	}
	return ""
}
