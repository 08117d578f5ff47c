package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/domain/vulnerability"
)

// wide is a run with more of everything than a document lists: one finding on each component, each with a note, and the last
// component is the one that fails.
func wide() Model {
	m := base("0193a7ff-5e55-7d01", "Wide network")
	const n = mostComponents + 7
	for i := range n {
		host := fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
		c := Component{Host: host, Status: Pass, Services: []Service{{23, "tcp", "open", "telnet", "", "", "", ""}}}
		f := vulnerability.Finding{Host: host, Port: 23, Protocol: "tcp", NVT: "clear.telnet", Class: "clear.telnet", Name: "Telnet", Severity: 10, Certainty: vulnerability.Confirmed, PCI: vulnerability.PCI{Status: "note"}}
		if i == n-1 {
			c.Status, f.Severity, f.PCI.Status = Fail, 98, Fail
		}
		m.Components, m.Findings = append(m.Components, c), append(m.Findings, f)
	}
	m.Tally()
	return m
}

// TestDocumentsSayWhatTheyLeaveOut: what people read lists the worst and says so; what programs read lists all.
func TestDocumentsSayWhatTheyLeaveOut(t *testing.T) {
	t.Parallel()
	m := wide()
	n, last := len(m.Components), m.Components[len(m.Components)-1].Host
	for ty, cut := range map[Type]int{Detailed: 2, Executive: 4, Remediation: 1, Attestation: 0} {
		said, rows, worst := 0, 0, false
		documents[ty](&m).Body(func(b Block) {
			switch {
			case b.Callout != nil && strings.Contains(b.Callout.Title, fmt.Sprintf(" of %d ", n)):
				said++
			case b.Table != nil:
				rows = max(rows, len(b.Table.Rows))
				for _, r := range b.Table.Rows {
					worst = worst || strings.HasPrefix(r[0].Text, last)
				}
			case b.Heading != nil:
				worst = worst || b.Heading.Text == last
			}
		})
		if said != cut || rows > max(mostFindings, mostComponents, mostNotes) || !worst && ty != Attestation {
			t.Errorf("%s: says %d times that it leaves something out, at most %d rows, lists the worst: %v", ty, said, rows, worst)
		}
	}
	var file dataFile
	if err := json.Unmarshal(render(t, m, Executive, JSON), &file); err != nil || len(file.Components) != n || len(file.Findings) != n || len(file.Notes) != n {
		t.Errorf("JSON: %d components, %d findings, %d notes of %d (%v)", len(file.Components), len(file.Findings), len(file.Notes), n, err)
	}
	if rows, err := csv.NewReader(bytes.NewReader(render(t, m, Detailed, CSV))).ReadAll(); err != nil || len(rows) != n+1 {
		t.Errorf("CSV: %d rows of %d (%v)", len(rows), n+1, err)
	}
}
