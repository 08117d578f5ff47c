package report

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/vedette/vedette/internal/domain/vulnerability"
)

// The parts of SARIF 2.1.0 (OASIS, 27 March 2020) that a report fills.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool           `json:"tool"`
		Automation  *sarifID            `json:"automationDetails,omitempty"`
		Invocations []sarifInvocation   `json:"invocations,omitempty"`
		Results     stream[sarifResult] `json:"results"`
		Properties  map[string]any      `json:"properties,omitempty"`
	}
	sarifID struct {
		ID string `json:"id"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name         string      `json:"name"`
		Organization string      `json:"organization,omitempty"`
		Rules        []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID         string         `json:"id"`
		Name       string         `json:"name,omitempty"`
		Short      sarifText      `json:"shortDescription"`
		Full       *sarifText     `json:"fullDescription,omitempty"`
		Help       *sarifText     `json:"help,omitempty"`
		HelpURI    string         `json:"helpUri,omitempty"`
		Properties map[string]any `json:"properties,omitempty"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		Successful bool   `json:"executionSuccessful"`
		Start      string `json:"startTimeUtc,omitempty"`
		End        string `json:"endTimeUtc,omitempty"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Kind         string             `json:"kind"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
		Properties   map[string]any     `json:"properties"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifLogical struct {
		Name      string `json:"name"`
		Qualified string `json:"fullyQualifiedName"`
		Kind      string `json:"kind"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification,omitempty"`
	}
)

// writeSARIF writes the findings as one run. Unconfirmed ones are results to review, of no level.
func writeSARIF(w io.Writer, m *Model) error {
	judged, unconfirmed := m.sorted()
	exceptions := m.exceptions()
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "Vedette", Organization: m.ASV.Company, Rules: []sarifRule{}}},
		Invocations: []sarifInvocation{{m.Scan.Coverage != Inconclusive, stamp(m.Scan.StartedAt), stamp(m.Scan.FinishedAt)}},
		Properties:  map[string]any{"pciStatus": m.Verdict.Status, "feedVersion": m.Scan.FeedVersion},
	}
	if m.ID != "" {
		run.Automation = &sarifID{"vedette/" + m.ID}
	}
	rules, all := map[string]int{}, append(judged, unconfirmed...)
	for _, f := range all {
		id := or(f.NVT, f.Class)
		if _, ok := rules[id]; !ok {
			rules[id] = len(run.Tool.Driver.Rules)
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(f, id))
		}
	}
	run.Results = func(yield func(sarifResult) bool) {
		for _, f := range all {
			id := or(f.NVT, f.Class)
			if !yield(sarifResultOf(f, id, rules[id], exceptions[keyOf(f)])) {
				return
			}
		}
	}
	log := sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}
	if err := writeTree(w, log, " ", streamed{"results", 3, run.Results.elements}); err != nil {
		return fmt.Errorf("write sarif: %w", err)
	}
	return nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func sarifRuleOf(f *vulnerability.Finding, id string) sarifRule {
	r := sarifRule{ID: id, Short: sarifText{or(f.Name, id)}, Properties: map[string]any{"tags": append([]string{"security", f.Class}, f.CVEs...), "security-severity": score(f.Severity)}}
	if f.Summary != "" {
		r.Full = &sarifText{f.Summary}
	}
	if f.Solution != "" {
		r.Help = &sarifText{f.Solution}
	}
	for _, ref := range f.References {
		if u, err := url.Parse(ref); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
			r.HelpURI = u.String()
			break
		}
	}
	return r
}

func sarifResultOf(f *vulnerability.Finding, id string, index int, e *Exception) sarifResult {
	where := place(f.Host, f.Port, f.Protocol)
	r := sarifResult{
		RuleID: id, RuleIndex: index, Kind: "fail", Level: sarifLevel(f), Message: sarifText{or(f.Name, id) + " at " + where},
		Locations:    []sarifLocation{{sarifPhysical{sarifArtifact{sarifURI(f)}}, []sarifLogical{{f.Host, where, "resource"}}}},
		Fingerprints: map[string]string{"vedette/v1": where + "|" + id + "|" + f.Login + "|" + f.Path},
		Properties:   map[string]any{"score": json.Number(score(f.Severity)), "certainty": f.Certainty, "qod": f.QoD, "pci": f.PCI.Status, "pciReason": f.PCI.Reason, "class": f.Class, "evidence": f.Evidence},
	}
	if f.EPSS != nil {
		r.Properties["epss"] = *f.EPSS
	}
	if f.KEV != nil {
		r.Properties["kev"] = *f.KEV
	}
	if f.Certainty == vulnerability.Possible {
		r.Kind, r.Level = "review", "none"
	}
	if e != nil && e.State == Accepted {
		r.Suppressions = []sarifSuppression{{"external", "accepted", or(e.Decision, e.Text)}}
	}
	return r
}

func sarifLevel(f *vulnerability.Finding) string {
	switch {
	case f.PCI.Status == Fail || f.Severity >= 70:
		return "error"
	case f.PCI.Status == "note" || f.Severity >= 40:
		return "warning"
	}
	return "note"
}

func sarifURI(f *vulnerability.Finding) string {
	u := url.URL{Scheme: or(f.Protocol, "host"), Host: f.Host, Path: "/"}
	if f.Port != 0 {
		u.Host = net.JoinHostPort(f.Host, strconv.Itoa(f.Port))
	} else if net.ParseIP(f.Host) != nil && net.ParseIP(f.Host).To4() == nil {
		u.Host = "[" + f.Host + "]"
	}
	if len(f.Path) > 0 && f.Path[0] == '/' {
		u.Path = f.Path
	}
	return u.String()
}
