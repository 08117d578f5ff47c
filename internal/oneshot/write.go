package oneshot

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vedette/vedette/internal/domain/pci"
	"github.com/vedette/vedette/internal/domain/report"
	"github.com/vedette/vedette/internal/domain/vulnerability"
)

// Formats of a result.
func Formats() []string { return []string{"table", "json", "html", "pdf", "sarif"} }

// write puts the result where it belongs, in the format that was asked for.
func (j *job) write(ctx context.Context, r Result) error {
	var err error
	switch j.options.Format {
	case "table":
		err = writeTable(j.output, r, j.baseline, j.output.file == nil && j.streams.OutTerminal)
	case "json":
		encoder := json.NewEncoder(j.output)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(r)
	default:
		err = report.Render(ctx, j.output, j.model(r), report.Detailed, report.Format(j.options.Format))
	}
	if err != nil {
		return err
	}
	return j.output.finish()
}

// summary says on standard error what a machine-readable result says, and which targets failed.
func (j *job) summary(r Result) {
	w := j.streams.Err
	if j.interrupted {
		fmt.Fprintln(w, "Interrupted: the result is partial.")
	}
	for _, e := range r.Errors {
		fmt.Fprintf(w, "Error on %s: %s\n", plain(e.Target), plain(e.Detail))
	}
	if j.options.Format == "table" && j.output.file == nil {
		return
	}
	fmt.Fprintf(w, "PCI: %s. %s\n", strings.ToUpper(r.PCI.Status), countLine(r))
	if j.output.file != nil {
		fmt.Fprintf(w, "Written: %s\n", j.output.name)
	}
}

// model is the result as a report.
func (j *job) model(r Result) report.Model {
	m := report.Model{
		ID: j.started.Format("20060102T150405Z"), Title: "Scan of " + shorten(strings.Join(j.submitted, ", "), 80), GeneratedAt: j.finished,
		Scan: report.Scan{
			Name: "One-shot scan", Profile: j.profile.Name, Scanner: "vedette scan", StartedAt: j.started, FinishedAt: j.finished,
			ExpiresAt: pci.Expires(j.finished), FeedVersion: j.knowledge.Version(), Coverage: coverage(r), Full: !j.interrupted && len(r.Errors) == 0,
		},
		Findings: j.findings, SubmittedScope: j.submitted, Verdict: report.Verdict{Status: r.PCI.Status, Reason: verdictReason(r)},
	}
	status := map[string]Component{}
	for _, c := range r.PCI.Components {
		status[c.Host] = c
	}
	for i, h := range r.Hosts {
		c, ok := status[h.Address]
		if !ok {
			continue
		}
		facts := j.facts[i]
		component := report.Component{
			Host: h.Address, Names: h.Names, OS: h.OS, Status: c.Status, Interference: facts.Host.Interference, Authenticated: facts.Host.Authenticated,
		}
		for _, s := range facts.Services {
			component.Services = append(component.Services, report.ServiceOf(s))
		}
		m.Components = append(m.Components, component)
	}
	m.Notes = notesOf(j.findings)
	m.Tally()
	return m
}

// kinds of special notes in the report, by the first word of the subject in the PCI rules.
var kinds = map[string]string{
	"Remote": "remote_access", "Point-of-sale": "point_of_sale", "Directory": "directory_browsing", "Embedded": "embedded_code",
	"Insecure": "insecure_service", "Unknown": "unknown_service", "Anonymous": "anonymous_key_exchange", "Payment-page": "payment_page_script",
	"Load": "load_balancer",
}

// notesOf are the special notes to declare, one a place.
func notesOf(findings []vulnerability.Finding) []report.Note {
	var notes []report.Note
	for _, f := range findings {
		if f.PCI.Status != pci.Note || f.Certainty == vulnerability.Possible {
			continue
		}
		row, _ := pci.Lookup(f.Class)
		first, _, _ := strings.Cut(row.Subject, " ")
		notes = append(notes, report.Note{Host: f.Host, Port: f.Port, Protocol: f.Protocol, Kind: cmp.Or(kinds[first], "insecure_service"), Item: f.Name})
	}
	return notes
}

func coverage(r Result) string {
	for _, c := range r.PCI.Components {
		if c.Status == pci.Inconclusive {
			return pci.Inconclusive
		}
	}
	return "complete"
}

func verdictReason(r Result) string {
	counts := map[string]int{}
	for _, c := range r.PCI.Components {
		counts[c.Status]++
	}
	switch r.PCI.Status {
	case pci.Fail:
		return fmt.Sprintf("%d of %s failed because of at least one vulnerability.", counts[pci.Fail], plural(len(r.PCI.Components), "component", "components"))
	case pci.Inconclusive:
		return fmt.Sprintf("%d of %s could not be looked at fully.", counts[pci.Inconclusive], plural(len(r.PCI.Components), "component", "components"))
	}
	return "No component has a vulnerability that fails."
}
