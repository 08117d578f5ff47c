package report

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/vedette/vedette/internal/platform/sheet"
)

// writeCSV is a row a finding, or of the remediation plan a row a fix (RFC 4180, UTF-8). Cells that a spreadsheet would
// take for a formula get an apostrophe before them.
func writeCSV(ctx context.Context, out io.Writer, m *Model, t Type) error {
	w := csv.NewWriter(out)
	w.UseCRLF = true
	rows := m.findingRows
	if t == Remediation {
		rows = m.fixRows
	}
	rows(func(row []string) bool {
		for i := range row {
			row[i] = sheet.Text(row[i])
		}
		return ctx.Err() == nil && w.Write(row) == nil
	})
	w.Flush()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := w.Error(); err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	return nil
}

func (m *Model) findingRows(yield func([]string) bool) {
	if !yield([]string{"host", "port", "protocol", "name", "severity", "score", "pci_status", "pci_reason", "certainty", "qod", "class", "nvt", "cves", "cvss_version", "cvss_vector", "cvss_source",
		"epss", "kev", "product", "login", "path", "solution", "solution_type", "evidence", "references", "exception"}) {
		return
	}
	judged, unconfirmed := m.sorted()
	exceptions := m.exceptions()
	for _, f := range append(judged, unconfirmed...) {
		epss := ""
		if f.EPSS != nil {
			epss = strconv.FormatFloat(*f.EPSS, 'f', -1, 64)
		}
		if !yield([]string{f.Host, strconv.Itoa(f.Port), f.Protocol, f.Name, strings.ToLower(rating(f.Severity)), score(f.Severity), f.PCI.Status, f.PCI.Reason, f.Certainty, strconv.Itoa(f.QoD), f.Class, f.NVT,
			strings.Join(f.CVEs, " "), f.CVSS.Version, f.CVSS.Vector, f.CVSS.Source, epss, knownOrEmpty(f.KEV), f.Product, f.Login, f.Path, f.Solution, f.SolutionType, f.Evidence, strings.Join(f.References, " "),
			exceptionWords(m, exceptions[keyOf(f)])}) {
			return
		}
	}
}

func knownOrEmpty(b *bool) string {
	if b == nil {
		return ""
	}
	return strconv.FormatBool(*b)
}

func (m *Model) fixRows(yield func([]string) bool) {
	if !yield([]string{"order", "fix", "kind_of_work", "worst_severity", "worst_score", "fails_pci", "kev", "epss", "findings", "hosts", "cves", "solution"}) {
		return
	}
	judged, _ := m.sorted()
	for i, f := range m.fixes(open(judged, m.exceptions())) {
		epss := ""
		if f.epss != nil {
			epss = strconv.FormatFloat(*f.epss, 'f', -1, 64)
		}
		if !yield([]string{strconv.Itoa(i + 1), f.title, f.work, strings.ToLower(rating(f.worst)), score(f.worst), strconv.FormatBool(f.failing), knownOrEmpty(f.kev), epss,
			strconv.Itoa(len(f.findings)), strings.Join(f.hosts, " "), strings.Join(f.cves, " "), f.detail}) {
			return
		}
	}
}
