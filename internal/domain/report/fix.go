package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/vedette/vedette/internal/domain/vulnerability"
)

// fix is one piece of work and the findings that it solves.
type fix struct {
	title    string
	detail   string
	work     string // the kind of work
	findings []*vulnerability.Finding
	hosts    []string
	cves     []string
	worst    int // tenths
	failing  bool
	kev      *bool
	epss     *float64
}

// fixes groups findings by what solves them, the most pressing first: exploited in the wild, then failing PCI, then the
// worst score, then the likelihood of exploitation, then how much it solves.
func (m *Model) fixes(list []*vulnerability.Finding) []*fix {
	var all []*fix
	byKey := map[[2]string]*fix{}
	for _, f := range list {
		key := fixKey(f)
		x := byKey[key]
		if x == nil {
			x = &fix{work: workOf(f)}
			byKey[key] = x
			all = append(all, x)
		}
		x.take(f)
	}
	for _, x := range all {
		x.name()
		slices.SortFunc(x.hosts, compareHosts)
		x.hosts = slices.Compact(x.hosts)
		slices.Sort(x.cves)
		x.cves = slices.Compact(x.cves)
	}
	slices.SortStableFunc(all, compareFixes)
	return all
}

// fixKey: one update mends every CVE of a product; for the rest, what is solved in the same words is one piece of work.
func fixKey(f *vulnerability.Finding) [2]string {
	switch {
	case f.Product != "":
		return [2]string{"product", f.Product}
	case f.Solution != "":
		return [2]string{"solution", f.Solution}
	}
	return [2]string{"class", f.Class + " " + f.NVT}
}

// name gives a fix its title and detail, once its findings are known.
func (x *fix) name() {
	var solutions []string
	seen := map[string]bool{}
	for _, f := range x.findings {
		if f.Solution != "" && !seen[f.Solution] {
			seen[f.Solution] = true
			solutions = append(solutions, f.Solution)
		}
	}
	x.detail = strings.Join(solutions[:min(len(solutions), 8)], "\n")
	switch f := x.findings[0]; {
	case len(solutions) == 1:
		x.title = sentence(solutions[0], 160)
	case f.Product != "":
		x.title = "Update " + f.Product + " to a fixed version"
	default:
		x.title = "Resolve: " + or(f.Name, f.NVT)
	}
}

// sentence is the first one of a text, at most so many characters of it.
func sentence(s string, most int) string {
	s = strings.Join(strings.Fields(s), " ")
	if i := strings.Index(s, ". "); i > 0 {
		s = s[:i]
	}
	s = strings.TrimSuffix(s, ".")
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	s = string(runes[:most])
	if i := strings.LastIndexByte(s, ' '); i > most/2 {
		s = s[:i]
	}
	return s + " …"
}

func workOf(f *vulnerability.Finding) string {
	switch f.SolutionType {
	case "vendor_fix":
		return "Update"
	case "mitigation":
		return "Configuration"
	case "workaround":
		return "Workaround"
	case "none_available", "will_not_fix":
		return "Replace or isolate"
	}
	if f.Product != "" {
		return "Update"
	}
	return "Configuration"
}

func (x *fix) take(f *vulnerability.Finding) {
	x.findings = append(x.findings, f)
	x.hosts = append(x.hosts, f.Host)
	x.cves = append(x.cves, f.CVEs...)
	x.worst = max(x.worst, f.Severity)
	x.failing = x.failing || f.PCI.Status == Fail
	if f.KEV != nil && (x.kev == nil || *f.KEV) {
		x.kev = f.KEV
	}
	if f.EPSS != nil && (x.epss == nil || *f.EPSS > *x.epss) {
		x.epss = f.EPSS
	}
}

func (x *fix) exploited() bool { return x.kev != nil && *x.kev }

func compareFixes(a, b *fix) int {
	yes := func(v bool) int {
		if v {
			return 0
		}
		return 1
	}
	likely := func(p *float64) float64 {
		if p == nil {
			return 0
		}
		return *p
	}
	return cmp.Or(cmp.Compare(yes(a.exploited()), yes(b.exploited())), cmp.Compare(yes(a.failing), yes(b.failing)), cmp.Compare(b.worst, a.worst),
		cmp.Compare(likely(b.epss), likely(a.epss)), cmp.Compare(len(b.findings), len(a.findings)), cmp.Compare(a.title, b.title))
}

// why says in a line what makes a fix worth its place.
func (x *fix) why() string {
	parts := []string{x.work, "worst score " + score(x.worst)}
	if x.exploited() {
		parts = append(parts, "exploited in the wild (KEV)")
	}
	if x.epss != nil && *x.epss >= 0.01 {
		parts = append(parts, "EPSS "+percent(x.epss))
	}
	if len(x.cves) > 0 {
		parts = append(parts, names(x.cves, 2))
	}
	return strings.Join(parts, " · ")
}

func hostList(hosts []string, most int) string {
	if len(hosts) <= most {
		return strings.Join(hosts, ", ")
	}
	return strings.Join(hosts[:most], ", ") + " and " + strconv.Itoa(len(hosts)-most) + " more"
}
