package oneshot

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/domain/feed"
	"github.com/vedette/vedette/internal/domain/pci"
	"github.com/vedette/vedette/internal/domain/vulnerability"
	"github.com/vedette/vedette/internal/scanlink"
)

// ResultVersion of the JSON. It grows when a field changes its meaning or goes.
const ResultVersion = 1

// Result is the JSON of a scan.
type Result struct {
	Version         int             `json:"version"`
	StartedAt       time.Time       `json:"started_at"`
	FinishedAt      time.Time       `json:"finished_at"`
	Feed            Feed            `json:"feed"`
	Hosts           []Host          `json:"hosts"`
	Vulnerabilities []Vulnerability `json:"vulnerabilities"`
	PCI             Verdict         `json:"pci"`
	Errors          []TargetError   `json:"errors"`
}

// Feed is the knowledge that judged.
type Feed struct {
	Version  string       `json:"version"`
	Date     string       `json:"date"`  // of the newest source
	Small    bool         `json:"small"` // only the set inside the program
	CVEs     int          `json:"cves"`
	KEVs     int          `json:"kevs"`
	Scores   int          `json:"scores"`
	Products int          `json:"products"` // with release cycles
	Sources  []FeedSource `json:"sources"`
	Ignored  []FeedFile   `json:"ignored"` // by --feed
}

// FeedSource is one source of the knowledge.
type FeedSource struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Date    string `json:"date"`
	Records int    `json:"records"`
}

// FeedFile is a file that could not be used, and why.
type FeedFile struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

func feedOf(i feed.Info, ignored []feed.Ignored) Feed {
	f := Feed{
		Version: i.Version, Date: i.Date, Small: i.Small, CVEs: i.CVEs, KEVs: i.KEVs, Scores: i.Scores, Products: i.Cycles,
		Sources: []FeedSource{}, Ignored: []FeedFile{},
	}
	for _, s := range i.Sources {
		f.Sources = append(f.Sources, FeedSource{s.Kind, s.Name, s.Date, s.Records})
	}
	for _, g := range ignored {
		f.Ignored = append(f.Ignored, FeedFile{g.Path, g.Reason})
	}
	return f
}

// TargetError is an error of the engine on one target; the others' results stand.
type TargetError struct {
	Target string `json:"target"`
	Detail string `json:"detail"`
}

// Host is one address that was to be scanned.
type Host struct {
	Address  string   `json:"address"`
	Names    []string `json:"names"`
	Alive    bool     `json:"alive"`
	Coverage string   `json:"coverage"` // complete or inconclusive
	OS       string   `json:"os"`
	// Interference says why a host is inconclusive; Unanswered, which requests to what is there got no answer.
	Interference string                `json:"interference,omitempty"`
	Unanswered   []scanlink.Unanswered `json:"unanswered,omitempty"`
	// Authenticated tells what came of logging in; empty where no credentials were given.
	Authenticated string             `json:"authenticated,omitempty"`
	Logins        []scanlink.Login   `json:"logins,omitempty"`
	Packages      []scanlink.Package `json:"packages,omitempty"`
	Kernel        string             `json:"kernel,omitempty"`
	Ports         []Port             `json:"ports"`
}

// Port is one port that is not closed.
type Port struct {
	Port    uint16 `json:"port"`
	Proto   string `json:"proto"`
	State   string `json:"state"`
	Service string `json:"service"`
	Product string `json:"product"` // lower case
	Version string `json:"version"`
	CPE     string `json:"cpe"`
	QoD     int    `json:"qod"`
	Note    string `json:"note,omitempty"` // why something is not known
	TLS     *TLS   `json:"tls"`
	Banner  string `json:"banner"`
}

// TLS of a port.
type TLS struct {
	Versions    []string              `json:"versions"`
	Suites      []scanlink.Suite      `json:"suites"`
	Certificate *scanlink.Certificate `json:"certificate"`
}

// Vulnerability is one finding.
type Vulnerability struct {
	Host       string      `json:"host"`
	Port       int         `json:"port"` // 0 where the whole host is meant
	Proto      string      `json:"proto"`
	ID         string      `json:"id"`
	Class      string      `json:"class"`
	Login      string      `json:"login,omitempty"`
	Path       string      `json:"path,omitempty"`
	Name       string      `json:"name"`
	Severity   json.Number `json:"severity"` // 0.0 to 10.0
	Certainty  string      `json:"certainty"`
	CVSS       CVSS        `json:"cvss"`
	CVEs       []string    `json:"cves"`
	EPSS       *float64    `json:"epss"` // null: not known
	KEV        *bool       `json:"kev"`
	QoD        int         `json:"qod"`
	Evidence   string      `json:"evidence"`
	Solution   string      `json:"solution"`
	References []string    `json:"references"`
	PCI        FindingPCI  `json:"pci"`
}

// CVSS is the score that decides.
type CVSS struct {
	Version string      `json:"version"`
	Vector  string      `json:"vector"`
	Score   json.Number `json:"score"`
	Source  string      `json:"source"`
}

// FindingPCI is the verdict of one finding.
type FindingPCI struct {
	Status string `json:"status"` // pass, fail or note
	Reason string `json:"reason"`
}

// Verdict of the whole scan.
type Verdict struct {
	Status     string      `json:"status"` // pass, fail or inconclusive
	Components []Component `json:"components"`
}

// Component is the verdict of one host.
type Component struct {
	Host   string `json:"host"`
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// result puts everything together.
func (j *job) result() Result {
	r := Result{
		Version: ResultVersion, StartedAt: j.started, FinishedAt: j.finished, Feed: feedOf(j.knowledge.Info(), j.ignored),
		Hosts: []Host{}, Vulnerabilities: []Vulnerability{}, Errors: append([]TargetError{}, j.errors...),
	}
	for _, h := range j.facts {
		r.Hosts = append(r.Hosts, hostOf(h))
	}
	for _, f := range j.findings {
		r.Vulnerabilities = append(r.Vulnerabilities, vulnerabilityOf(f))
	}
	r.PCI = j.verdict()
	return r
}

func hostOf(h scanlink.HostFacts) Host {
	out := Host{
		Address: h.Host.Address.String(), Names: list(h.Host.Names), Alive: h.Host.Alive, Coverage: h.Host.Coverage, OS: h.Host.OS, Ports: []Port{},
		Authenticated: h.Host.Authenticated, Logins: h.Host.Logins, Packages: h.Host.Packages, Kernel: h.Host.Kernel,
		Interference: h.Host.Interference, Unanswered: h.Host.Unanswered,
	}
	if out.Coverage != scanlink.Complete {
		out.Coverage = scanlink.Inconclusive
	}
	for _, s := range h.Services {
		p := Port{
			Port: s.Port, Proto: s.Protocol, State: s.State, Service: s.Name, Product: strings.ToLower(s.Product), Version: s.Version,
			CPE: s.CPE, QoD: s.QoD, Note: s.Note, Banner: s.Banner,
		}
		if s.TLS != nil {
			p.TLS = &TLS{list(s.TLS.Versions), list(s.TLS.Suites), s.TLS.Certificate}
		}
		out.Ports = append(out.Ports, p)
	}
	return out
}

func vulnerabilityOf(f vulnerability.Finding) Vulnerability {
	return Vulnerability{
		Host: f.Host, Port: f.Port, Proto: f.Protocol, ID: f.NVT, Class: f.Class, Login: f.Login, Path: f.Path, Name: f.Name,
		Severity: tenths(f.Severity), Certainty: f.Certainty, CVSS: CVSS{f.CVSS.Version, f.CVSS.Vector, tenths(f.CVSS.Score), f.CVSS.Source},
		CVEs: list(f.CVEs), EPSS: f.EPSS, KEV: f.KEV, QoD: f.QoD, Evidence: f.Evidence, Solution: f.Solution, References: list(f.References),
		PCI: FindingPCI{f.PCI.Status, f.PCI.Reason},
	}
}

func tenths(n int) json.Number { return json.Number(fmt.Sprintf("%d.%d", n/10, n%10)) }

func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// verdict judges each host that lives, and each that was named alone: what was asked for by its address and did not
// answer was not looked at, and is not clean.
func (j *job) verdict() Verdict {
	byHost := map[string][]vulnerability.Finding{}
	for _, f := range j.findings {
		byHost[f.Host] = append(byHost[f.Host], f)
	}
	var components []pci.Component
	for _, h := range j.facts {
		if h.Host.Alive || j.explicit[h.Host.Address] || !h.Host.Done {
			components = append(components, vulnerability.Component(h, byHost[h.Host.Address.String()], j.finished))
		}
	}
	scan := pci.Scan(components, j.finished)
	unfinished := map[string]string{}
	for _, h := range j.facts {
		if !h.Host.Done {
			unfinished[h.Host.Address.String()] = h.Host.Interference
		}
	}
	v := Verdict{Status: scan.Status, Components: []Component{}}
	for _, c := range scan.Components {
		if why := unfinished[c.Name]; why != "" && c.Status == pci.Inconclusive {
			c.Reason = why
		}
		v.Components = append(v.Components, Component{c.Name, c.Status, c.Reason})
	}
	return v
}

// exit code of a result.
func (j *job) exit(r Result) int {
	switch {
	case j.interrupted:
		return ExitInterrupted
	case len(r.Errors) > 0:
		return ExitError
	case j.baseline != nil:
		if news := compare(*j.baseline, r); len(news.failing) > 0 || len(news.inconclusive) > 0 {
			return ExitFailing
		}
	case r.PCI.Status != pci.Pass:
		return ExitFailing
	}
	return ExitClean
}

// news is what a result has that its baseline had not.
type news struct {
	failing      []Vulnerability
	inconclusive []string // components
	gone         int      // failing ones that are no more
}

type vulnerabilityKey struct {
	host                          string
	port                          int
	proto, id, class, login, path string
}

func keyOf(v Vulnerability) vulnerabilityKey {
	return vulnerabilityKey{v.Host, v.Port, v.Proto, v.ID, v.Class, v.Login, v.Path}
}

func (v Vulnerability) fails() bool {
	return v.PCI.Status == pci.Fail && v.Certainty != vulnerability.Possible
}

func compare(old, now Result) news {
	var n news
	before := map[vulnerabilityKey]bool{}
	for _, v := range old.Vulnerabilities {
		if v.fails() {
			before[keyOf(v)] = true
		}
	}
	still := 0
	for _, v := range now.Vulnerabilities {
		switch {
		case !v.fails():
		case before[keyOf(v)]:
			still++
		default:
			n.failing = append(n.failing, v)
		}
	}
	n.gone = len(before) - still
	status := map[string]string{}
	for _, c := range old.PCI.Components {
		status[c.Host] = c.Status
	}
	for _, c := range now.PCI.Components {
		if c.Status == pci.Inconclusive && status[c.Host] != pci.Inconclusive {
			n.inconclusive = append(n.inconclusive, c.Host)
		}
	}
	if len(now.PCI.Components) == 0 && old.PCI.Status != pci.Inconclusive {
		n.inconclusive = append(n.inconclusive, "the whole scan")
	}
	return n
}
