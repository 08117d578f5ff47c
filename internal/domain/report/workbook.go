package report

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/vedette/vedette/internal/domain/vulnerability"
	"github.com/vedette/vedette/internal/platform/pdf"
	"github.com/vedette/vedette/internal/platform/sheet"
)

// writeXLSX is the remediation plan as a workbook: a row a fix, a row a component, a row a finding, and what it is about.
func writeXLSX(ctx context.Context, w io.Writer, m *Model) error {
	judged, unconfirmed := m.sorted()
	exceptions := m.exceptions()
	fixes := m.fixes(open(judged, exceptions))
	header := "Remediation plan" + prefixed(" · ", or(m.Customer.Company, m.Title)) + prefixed(" · report ", m.ID)
	if mark := m.mark(); mark != "" {
		header += " · " + mark
	}
	err := sheet.Write(w, sheet.Book{
		Title: "Remediation plan" + prefixed(" – ", or(m.Title, m.Scan.Name)), Author: or(m.Brand.Name, or(m.ASV.Company, "Vedette")), Created: m.GeneratedAt, Header: header, Color: pdf.Readable(m.Brand.PrimaryColor),
		Sheets: []sheet.Sheet{
			fixSheet(ctx, fixes),
			m.hostSheet(ctx, fixes),
			findingSheet(ctx, m, "Findings", judged, exceptions),
			findingSheet(ctx, m, "Unconfirmed", unconfirmed, exceptions),
			m.aboutSheet(),
		},
	})
	if err == nil {
		err = ctx.Err()
	}
	return err
}

func number(n int) sheet.Cell {
	v := float64(n)
	return sheet.Cell{Number: &v}
}

func tenths(n int) sheet.Cell {
	v := float64(n) / 10
	return sheet.Cell{Number: &v, Format: "0.0"}
}

func share(p *float64) sheet.Cell {
	if p == nil {
		return sheet.Cell{Text: "not known"}
	}
	return sheet.Cell{Number: p, Format: "0.0%"}
}

func word(s string) sheet.Cell { return sheet.Cell{Text: s, Tone: toneOf(s)} }

func kevCell(b *bool) sheet.Cell {
	c := sheet.Cell{Text: known(b)}
	if b != nil && *b {
		c.Tone = "critical"
	}
	return c
}

func fixSheet(ctx context.Context, fixes []*fix) sheet.Sheet {
	return sheet.Sheet{Name: "Fixes",
		Columns: []sheet.Column{{Title: "Order", Width: 8}, {Title: "What to do", Width: 52, Wrap: true}, {Title: "Kind of work", Width: 18}, {Title: "Worst severity", Width: 16},
			{Title: "Worst CVSS", Width: 13}, {Title: "Fails PCI", Width: 11}, {Title: "Known exploited", Width: 17}, {Title: "EPSS", Width: 11}, {Title: "Findings solved", Width: 16},
			{Title: "Host count", Width: 12}, {Title: "Hosts", Width: 38, Wrap: true}, {Title: "CVEs", Width: 38, Wrap: true}, {Title: "Findings", Width: 50, Wrap: true}, {Title: "Solution in full", Width: 70, Wrap: true}},
		Rows: func(yield func([]sheet.Cell) bool) {
			for i, f := range fixes {
				if ctx.Err() != nil || !yield([]sheet.Cell{number(i + 1), {Text: f.title}, {Text: f.work}, word(rating(f.worst)), tenths(f.worst), failCell(f.failing), kevCell(f.kev), share(f.epss),
					number(len(f.findings)), number(len(f.hosts)), {Text: hostList(f.hosts, 200)}, {Text: hostList(f.cves, 200)}, {Text: hostList(f.findingNames(), 50)}, {Text: f.detail}}) {
					return
				}
			}
		}}
}

func failCell(failing bool) sheet.Cell {
	if failing {
		return sheet.Cell{Text: "yes", Tone: Fail}
	}
	return sheet.Cell{Text: "no"}
}

// names of the findings of a fix, each once.
func (x *fix) findingNames() (all []string) {
	seen := map[string]bool{}
	for _, f := range x.findings {
		if !seen[f.Name] {
			seen[f.Name] = true
			all = append(all, f.Name)
		}
	}
	return all
}

func (m *Model) hostSheet(ctx context.Context, fixes []*fix) sheet.Sheet {
	work := map[string][]string{}
	for i, f := range fixes {
		for _, h := range f.hosts {
			work[h] = append(work[h], strconv.Itoa(i+1)+". "+f.title)
		}
	}
	return sheet.Sheet{Name: "Hosts",
		Columns: []sheet.Column{{Title: "Host", Width: 20}, {Title: "Names", Width: 34, Wrap: true}, {Title: "System", Width: 28}, {Title: "PCI status", Width: 14}, {Title: "Critical", Width: 10},
			{Title: "High", Width: 9}, {Title: "Medium", Width: 10}, {Title: "Low", Width: 9}, {Title: "Info", Width: 9}, {Title: "Failing", Width: 10}, {Title: "Known exploited", Width: 17},
			{Title: "Open services", Width: 15}, {Title: "Number of fixes", Width: 16}, {Title: "Fixes", Width: 90, Wrap: true}},
		Rows: func(yield func([]sheet.Cell) bool) {
			for _, c := range m.components() {
				n := c.Counts
				status := sheet.Cell{Text: statusWord(c.Status), Tone: statusTone(c.Status)}
				if ctx.Err() != nil || !yield([]sheet.Cell{{Text: c.Host}, {Text: strings.Join(c.Names, ", ")}, {Text: c.OS}, status, number(n.Critical), number(n.High), number(n.Medium), number(n.Low),
					number(n.Log), number(n.Failing), number(n.Exploited), number(len(c.Services)), number(len(work[c.Host])), {Text: strings.Join(work[c.Host], "\n")}}) {
					return
				}
			}
		}}
}

func findingSheet(ctx context.Context, m *Model, name string, list []*vulnerability.Finding, exceptions map[findingKey]*Exception) sheet.Sheet {
	return sheet.Sheet{Name: name,
		Columns: []sheet.Column{{Title: "Host", Width: 18}, {Title: "Port", Width: 8}, {Title: "Protocol", Width: 10}, {Title: "Finding", Width: 50, Wrap: true}, {Title: "Severity", Width: 11}, {Title: "CVSS", Width: 8},
			{Title: "PCI", Width: 10}, {Title: "Certainty", Width: 12}, {Title: "Known exploited", Width: 17}, {Title: "EPSS", Width: 10}, {Title: "CVEs", Width: 30, Wrap: true}, {Title: "Product", Width: 26},
			{Title: "Path", Width: 24}, {Title: "Solution", Width: 60, Wrap: true}, {Title: "Evidence", Width: 60}, {Title: "Vector", Width: 44}, {Title: "Exception", Width: 30}, {Title: "Class", Width: 20}, {Title: "Found by", Width: 24}},
		Rows: func(yield func([]sheet.Cell) bool) {
			for _, f := range list {
				e := exceptions[keyOf(f)]
				status, tone := findingStatus(f, e)
				if ctx.Err() != nil || !yield([]sheet.Cell{{Text: f.Host}, number(f.Port), {Text: f.Protocol}, {Text: f.Name}, word(rating(f.Severity)), tenths(f.Severity), {Text: status, Tone: tone}, {Text: f.Certainty},
					kevCell(f.KEV), share(f.EPSS), {Text: strings.Join(f.CVEs, ", ")}, {Text: f.Product}, {Text: or(f.Path, f.Login)}, {Text: f.Solution}, {Text: cutText(f.Evidence, 2000)}, {Text: f.CVSS.Vector},
					{Text: exceptionWords(m, e)}, {Text: f.Class}, {Text: f.NVT}}) {
					return
				}
			}
		}}
}

// cutText keeps at most so many bytes of a text, at a character's border, and says so.
func cutText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + " … (cut)"
}

func (m *Model) aboutSheet() sheet.Sheet {
	rows := [][2]string{
		{"Report", m.ID}, {"Scan", or(m.Title, m.Scan.Name)}, {"Customer", m.Customer.Company}, {"Scan vendor", m.ASV.Company}, {"Completed", m.moment(m.Scan.FinishedAt)},
		{"Valid until", m.day(m.Scan.ExpiresAt)}, {"Result", m.reportStatus()}, {"Reason", m.Verdict.Reason}, {"Mark", m.mark()},
		{"Order of fixes", "Exploited in the wild first, then what fails PCI, then the worst score, then the likelihood of exploitation (EPSS), then how much a fix solves."},
		{"Unconfirmed", "Findings that follow from a version alone, where a fix may have been carried back. They stand on a sheet of their own and count in no figure."},
	}
	return sheet.Sheet{Name: "About", Columns: []sheet.Column{{Title: "About this plan", Width: 20}, {Title: "Details", Width: 100, Wrap: true}},
		Rows: func(yield func([]sheet.Cell) bool) {
			for _, r := range rows {
				if r[1] != "" && !yield([]sheet.Cell{{Text: r[0]}, {Text: r[1]}}) {
					return
				}
			}
		}}
}
