package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/domain/vulnerability"
)

// dataVersion of the JSON and XML files. It grows when a field changes its meaning or goes; new fields leave it.
const dataVersion = 1

// data is a report for programs: the same tree in JSON and XML. Scores run from 0.0 to 10.0, times are RFC 3339 in UTC.
type data struct {
	XMLName       xml.Name              `json:"-" xml:"report"`
	Version       int                   `json:"version" xml:"version,attr"`
	Type          Type                  `json:"type" xml:"type,attr"`
	ID            string                `json:"id" xml:"id"`
	Title         string                `json:"title" xml:"title"`
	Product       string                `json:"product" xml:"product"`
	GeneratedAt   *time.Time            `json:"generated_at" xml:"generated_at,omitempty"`
	PreAssessment bool                  `json:"pre_assessment" xml:"pre_assessment"`
	Certificate   string                `json:"certificate_number" xml:"certificate_number"`
	Reviewer      string                `json:"reviewer" xml:"reviewer"`
	Customer      dataParty             `json:"customer" xml:"customer"`
	ASV           dataParty             `json:"asv" xml:"asv"`
	Scan          dataScan              `json:"scan" xml:"scan"`
	Verdict       dataVerdict           `json:"verdict" xml:"verdict"`
	Counts        dataCounts            `json:"counts" xml:"counts"`
	Components    stream[dataComponent] `json:"components" xml:"components>component"`
	Findings      stream[dataFinding]   `json:"findings,omitzero" xml:"findings>finding"`
	Fixes         stream[dataFix]       `json:"fixes,omitzero" xml:"fixes>fix"`
	Notes         stream[dataNote]      `json:"notes,omitzero" xml:"notes>note"`
	Submitted     []string              `json:"submitted_scope" xml:"submitted_scope>component"`
	OutOfScope    []dataOutside         `json:"out_of_scope" xml:"out_of_scope>component"`
}

type dataParty struct {
	Company   string `json:"company" xml:"company"`
	Contact   string `json:"contact" xml:"contact"`
	Title     string `json:"title" xml:"title"`
	Telephone string `json:"telephone" xml:"telephone"`
	Email     string `json:"email" xml:"email"`
	Address   string `json:"address" xml:"address"`
	City      string `json:"city" xml:"city"`
	State     string `json:"state" xml:"state"`
	ZIP       string `json:"zip" xml:"zip"`
	Country   string `json:"country" xml:"country"`
	URL       string `json:"url" xml:"url"`
}

type dataScan struct {
	Name        string     `json:"name" xml:"name"`
	Profile     string     `json:"profile" xml:"profile"`
	Scanner     string     `json:"scanner" xml:"scanner"`
	StartedAt   *time.Time `json:"started_at" xml:"started_at,omitempty"`
	FinishedAt  *time.Time `json:"finished_at" xml:"finished_at,omitempty"`
	ExpiresAt   *time.Time `json:"expires_at" xml:"expires_at,omitempty"`
	FeedVersion string     `json:"feed_version" xml:"feed_version"`
	Coverage    string     `json:"coverage" xml:"coverage"`
	Full        bool       `json:"full" xml:"full"`
}

type dataVerdict struct {
	Status string `json:"status" xml:"status"`
	Reason string `json:"reason" xml:"reason"`
}

type dataCounts struct {
	Critical    int `json:"critical" xml:"critical"`
	High        int `json:"high" xml:"high"`
	Medium      int `json:"medium" xml:"medium"`
	Low         int `json:"low" xml:"low"`
	Log         int `json:"log" xml:"log"`
	Failing     int `json:"failing" xml:"failing"`
	Noted       int `json:"noted" xml:"noted"`
	Exploited   int `json:"exploited" xml:"exploited"`
	Unconfirmed int `json:"unconfirmed" xml:"unconfirmed"`
	Excepted    int `json:"excepted" xml:"excepted"`
}

type dataComponent struct {
	Host          string        `json:"host" xml:"host"`
	Names         []string      `json:"names" xml:"names>name"`
	OS            string        `json:"os" xml:"os"`
	Status        string        `json:"status" xml:"status"`
	Interference  string        `json:"interference,omitempty" xml:"interference,omitempty"`
	Authenticated string        `json:"authenticated,omitempty" xml:"authenticated,omitempty"`
	Counts        dataCounts    `json:"counts" xml:"counts"`
	Services      []dataService `json:"services" xml:"services>service"`
}

type dataService struct {
	Port     int    `json:"port" xml:"port"`
	Protocol string `json:"protocol" xml:"protocol"`
	State    string `json:"state" xml:"state"`
	Name     string `json:"name" xml:"name"`
	Tunnel   string `json:"tunnel,omitempty" xml:"tunnel,omitempty"`
	Product  string `json:"product" xml:"product"`
	Version  string `json:"version" xml:"version"`
	Note     string `json:"note,omitempty" xml:"note,omitempty"`
}

type dataFinding struct {
	Host         string         `json:"host" xml:"host"`
	Port         int            `json:"port" xml:"port"`
	Protocol     string         `json:"protocol" xml:"protocol"`
	NVT          string         `json:"nvt" xml:"nvt"`
	Class        string         `json:"class" xml:"class"`
	Login        string         `json:"login,omitempty" xml:"login,omitempty"`
	Path         string         `json:"path,omitempty" xml:"path,omitempty"`
	Name         string         `json:"name" xml:"name"`
	Severity     json.Number    `json:"severity" xml:"severity"`
	Rating       string         `json:"rating" xml:"rating"`
	Certainty    string         `json:"certainty" xml:"certainty"`
	QoD          int            `json:"qod" xml:"qod"`
	CVSS         dataCVSS       `json:"cvss" xml:"cvss"`
	CVEs         []string       `json:"cves" xml:"cves>cve"`
	EPSS         *float64       `json:"epss" xml:"epss,omitempty"`
	KEV          *bool          `json:"kev" xml:"kev,omitempty"`
	Product      string         `json:"product,omitempty" xml:"product,omitempty"`
	Summary      string         `json:"summary" xml:"summary"`
	Impact       string         `json:"impact" xml:"impact"`
	Evidence     string         `json:"evidence" xml:"evidence"`
	Solution     string         `json:"solution" xml:"solution"`
	SolutionType string         `json:"solution_type" xml:"solution_type"`
	References   []string       `json:"references" xml:"references>reference"`
	PCI          dataVerdict    `json:"pci" xml:"pci"`
	Exception    *dataException `json:"exception,omitempty" xml:"exception,omitempty"`
}

type dataCVSS struct {
	Version string      `json:"version" xml:"version"`
	Vector  string      `json:"vector" xml:"vector"`
	Score   json.Number `json:"score" xml:"score"`
	Source  string      `json:"source" xml:"source"`
}

type dataException struct {
	Kind     string     `json:"kind" xml:"kind"`
	State    string     `json:"state" xml:"state"`
	Text     string     `json:"text" xml:"text"`
	Decision string     `json:"decision" xml:"decision"`
	By       string     `json:"by" xml:"by"`
	Until    *time.Time `json:"until" xml:"until,omitempty"`
}

type dataFix struct {
	Order    int         `json:"order" xml:"order"`
	Fix      string      `json:"fix" xml:"fix"`
	Work     string      `json:"kind_of_work" xml:"kind_of_work"`
	Solution string      `json:"solution" xml:"solution"`
	Worst    json.Number `json:"worst_score" xml:"worst_score"`
	Failing  bool        `json:"fails_pci" xml:"fails_pci"`
	KEV      *bool       `json:"kev" xml:"kev,omitempty"`
	EPSS     *float64    `json:"epss" xml:"epss,omitempty"`
	Hosts    []string    `json:"hosts" xml:"hosts>host"`
	CVEs     []string    `json:"cves" xml:"cves>cve"`
	Findings int         `json:"findings" xml:"findings"`
}

type dataNote struct {
	Host        string           `json:"host" xml:"host"`
	Port        int              `json:"port" xml:"port"`
	Protocol    string           `json:"protocol" xml:"protocol"`
	Kind        string           `json:"kind" xml:"kind"`
	Item        string           `json:"item" xml:"item"`
	Settled     bool             `json:"settled" xml:"settled"`
	Declaration *dataDeclaration `json:"declaration" xml:"declaration,omitempty"`
}

type dataDeclaration struct {
	Action       string `json:"action" xml:"action"`
	BusinessNeed string `json:"business_need" xml:"business_need"`
	Secure       string `json:"secure_declaration" xml:"secure_declaration"`
	Controls     string `json:"controls_detail" xml:"controls_detail"`
	Actions      string `json:"actions_taken" xml:"actions_taken"`
	By           string `json:"by" xml:"by"`
}

type dataOutside struct {
	Component string `json:"component" xml:"component"`
	Reason    string `json:"reason" xml:"reason"`
	By        string `json:"by" xml:"by"`
}

// data builds the tree, the long lists of which are streams; which it holds depends on the document.
func (m *Model) data(t Type) data {
	d := data{
		Version: dataVersion, Type: t, ID: m.ID, Title: m.Title, Product: m.Product, GeneratedAt: set(m.GeneratedAt), PreAssessment: m.Certificate == "",
		Certificate: m.Certificate, Reviewer: m.Reviewer, Customer: dataParty(m.Customer), ASV: dataParty(m.ASV), Verdict: dataVerdict(m.Verdict), Counts: dataCounts(m.Counts),
		Scan:       dataScan{m.Scan.Name, m.Scan.Profile, m.Scan.Scanner, set(m.Scan.StartedAt), set(m.Scan.FinishedAt), set(m.Scan.ExpiresAt), m.Scan.FeedVersion, m.Scan.Coverage, m.Scan.Full},
		Components: m.dataComponents(), Submitted: some(m.SubmittedScope), OutOfScope: []dataOutside{},
	}
	for _, o := range m.OutOfScope {
		d.OutOfScope = append(d.OutOfScope, dataOutside(o))
	}
	switch t {
	case Executive, Detailed:
		d.Findings, d.Notes = m.dataFindings(), m.dataNotes()
	case Remediation:
		d.Fixes = m.dataFixes()
	}
	return d
}

func set(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func some(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// elements of a list as a stream; nil where it is empty.
func elements[T, D any](list []T, convert func(i int, v T) D) stream[D] {
	if len(list) == 0 {
		return nil
	}
	return func(yield func(D) bool) {
		for i, v := range list {
			if !yield(convert(i, v)) {
				return
			}
		}
	}
}

func (m *Model) dataComponents() stream[dataComponent] {
	return elements(m.components(), func(_ int, c *Component) dataComponent {
		services := []dataService{}
		for _, s := range c.Services {
			services = append(services, dataService(s))
		}
		return dataComponent{c.Host, some(c.Names), c.OS, c.Status, c.Interference, c.Authenticated, dataCounts(c.Counts), services}
	})
}

func (m *Model) dataFindings() stream[dataFinding] {
	judged, unconfirmed := m.sorted()
	exceptions := m.exceptions()
	return elements(append(judged, unconfirmed...), func(_ int, f *vulnerability.Finding) dataFinding {
		d := dataFinding{
			Host: f.Host, Port: f.Port, Protocol: f.Protocol, NVT: f.NVT, Class: f.Class, Login: f.Login, Path: f.Path, Name: f.Name, Severity: json.Number(score(f.Severity)),
			Rating: strings.ToLower(rating(f.Severity)), Certainty: f.Certainty, QoD: f.QoD, CVSS: dataCVSS{f.CVSS.Version, f.CVSS.Vector, json.Number(score(f.CVSS.Score)), f.CVSS.Source},
			CVEs: some(f.CVEs), EPSS: f.EPSS, KEV: f.KEV, Product: f.Product, Summary: f.Summary, Impact: f.Impact, Evidence: f.Evidence, Solution: f.Solution, SolutionType: f.SolutionType,
			References: some(f.References), PCI: dataVerdict(f.PCI),
		}
		if e := exceptions[keyOf(f)]; e != nil {
			d.Exception = &dataException{e.Kind, e.State, e.Text, e.Decision, e.By, set(e.Until)}
		}
		return d
	})
}

func (m *Model) dataFixes() stream[dataFix] {
	judged, _ := m.sorted()
	return elements(m.fixes(open(judged, m.exceptions())), func(i int, f *fix) dataFix {
		return dataFix{i + 1, f.title, f.work, f.detail, json.Number(score(f.worst)), f.failing, f.kev, f.epss, some(f.hosts), some(f.cves), len(f.findings)}
	})
}

func (m *Model) dataNotes() stream[dataNote] {
	return elements(m.Notes, func(_ int, n Note) dataNote {
		d := dataNote{Host: n.Host, Port: n.Port, Protocol: n.Protocol, Kind: n.Kind, Item: n.Item, Settled: n.settled()}
		if x := n.Declaration; x != nil {
			d.Declaration = &dataDeclaration{x.Action, x.BusinessNeed, x.Secure, x.Controls, x.Actions, x.By}
		}
		return d
	})
}

func writeJSON(w io.Writer, m *Model, t Type) error {
	d := m.data(t)
	streams := []streamed{{"components", 1, d.Components.elements}, {"findings", 1, d.Findings.elements}, {"fixes", 1, d.Fixes.elements}, {"notes", 1, d.Notes.elements}}
	if err := writeTree(w, d, "  ", streams...); err != nil {
		return fmt.Errorf("write json: %w", err)
	}
	return nil
}

func writeXML(w io.Writer, m *Model, t Type) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write xml: %w", err)
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(m.data(t)); err != nil {
		return fmt.Errorf("write xml: %w", err)
	}
	return nil
}
