package report

import (
	"strconv"
	"strings"
)

// remediation is the plan of work: by fix, then by component.
func remediation(m *Model) Document {
	d := m.document("Remediation Plan")
	d.Cover = m.cover("Vulnerability Scan\nRemediation Plan")
	judged, _ := m.sorted()
	todo := open(judged, m.exceptions())
	fixes := m.fixes(todo)
	d.Body = func(emit Emit) {
		emit.heading(1, "The work by fix", "")
		emit.text(count(len(fixes), "fix solves", "fixes solve") + " " + count(len(todo), "finding", "findings") +
			". The order is: exploited in the wild, failing PCI, worst score, likelihood of exploitation.")
		var rows [][]Cell
		shown := fixes[:min(len(fixes), mostFixes)]
		emit.leftOut(len(shown), len(fixes), "fixes, the most pressing,", fixFiles)
		for i, f := range shown {
			rows = append(rows, []Cell{{Text: strconv.Itoa(i + 1), Bold: true}, {Text: f.title, Sub: f.why()}, {Text: rating(f.worst), Tone: toneOf(rating(f.worst))},
				{Text: yesNo(f.failing), Bold: f.failing}, {Text: strconv.Itoa(len(f.findings))}, {Text: hostList(f.hosts, 4)}})
		}
		emit.table(Table{Caption: "Fixes, the most pressing first", Rows: rows, Empty: "There is nothing to fix.",
			Columns: []Column{{"#", 1.2, false}, {"What to do", 9, false}, {"Worst", 2.4, false}, {"Fails PCI", 2.3, false}, {"Solves", 1.8, true}, {"Components", 4.4, false}}})
		room := mostFindings
		for i, f := range shown {
			room -= m.fixDetail(emit, i+1, f, min(room, mostSolved))
		}
	}
	return d
}

func yesNo(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

// fixDetail tells of one fix, and of at most so many of the findings that it solves; it gives back of how many.
func (m *Model) fixDetail(emit Emit, number int, f *fix, most int) int {
	if number == 1 {
		emit.heading(1, "The fixes in detail", "")
	}
	emit(Block{Heading: &Heading{Level: 2, Text: strconv.Itoa(number) + ". " + f.title, Tone: toneOf(rating(f.worst)), Badges: []Badge{{rating(f.worst) + " " + score(f.worst), toneOf(rating(f.worst))}}}})
	if text := strings.TrimSpace(f.detail); text != "" && sentence(text, 1<<20) != f.title {
		emit.text(text)
	}
	var rows [][]Cell
	shown := f.findings[:min(len(f.findings), most)]
	emit.leftOut(len(shown), len(f.findings), "findings, the worst,", fixFiles)
	for _, v := range shown {
		rows = append(rows, []Cell{{Text: place(v.Host, v.Port, v.Protocol)}, {Text: v.Name, Sub: names(v.CVEs, 4)}, {Text: score(v.Severity)}, {Text: statusWord(v.PCI.Status), Tone: statusTone(v.PCI.Status)}})
	}
	emit.table(Table{Caption: "Findings that this fix solves", Rows: rows,
		Columns: []Column{{"Component and port", 4.6, false}, {"Finding", 8, false}, {"CVSS", 1.5, true}, {"Status", 2.3, false}}})
	return len(shown)
}
