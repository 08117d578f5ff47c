package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/vedette/vedette/internal/domain/vulnerability"
)

// executive is appendix B of the ASV Program Guide: the summary.
func executive(m *Model) Document {
	d := m.document("Executive Summary")
	d.Cover = m.cover("Vulnerability Scan\nExecutive Summary")
	judged, _ := m.sorted()
	exceptions := m.exceptions()
	d.Body = func(emit Emit) {
		m.glance(emit, judged)
		m.scanInformation(emit)
		m.componentSummary(emit)
		m.byComponent(emit, judged, exceptions)
		m.specialNotes(emit)
		m.scopeLists(emit)
	}
	return d
}

// glance is the result for people who would rather look than read.
func (m *Model) glance(emit Emit, judged []*vulnerability.Finding) {
	emit.heading(1, "At a glance", "")
	components := m.components()
	emit(Block{Tiles: []Tile{
		tile(len(components), "component", "components", ""),
		{strconv.Itoa(failing(components)), "not passing", toneIf(failing(components), Fail, m.calm())},
		tile(m.Counts.Failing, "failing finding", "failing findings", toneIf(m.Counts.Failing, Fail, m.calm())),
		tile(m.openNotes(), "open note", "open notes", toneIf(m.openNotes(), "note", "")),
		{strconv.Itoa(m.Counts.Exploited), "known exploited", toneIf(m.Counts.Exploited, "critical", "")},
		{strconv.Itoa(m.Counts.Unconfirmed), "unconfirmed", ""},
	}})
	emit(Block{Charts: m.charts(components)})
	fixes := m.fixes(judged)
	if len(fixes) == 0 {
		return
	}
	emit.heading(2, "What to do first", "")
	var rows [][]Cell
	for i, f := range fixes[:min(len(fixes), 5)] {
		rows = append(rows, []Cell{{Text: strconv.Itoa(i + 1), Bold: true}, {Text: f.title, Sub: f.why()}, {Text: band(f.worst), Tone: toneOf(band(f.worst))},
			{Text: strconv.Itoa(len(f.findings))}, {Text: hostList(f.hosts, 2)}})
	}
	emit.table(Table{Caption: "What to do first", Columns: []Column{{"#", 1, false}, {"Fix", 11, false}, {"Severity", 2.6, false}, {"Solves", 2, true}, {"Components", 4.4, false}}, Rows: rows})
	if len(fixes) > 5 {
		emit.small(count(len(fixes)-5, "further fix stands", "further fixes stand") + " in the remediation plan of this report.")
	}
}

func tile(n int, one, many string, tone Tone) Tile {
	if n == 1 {
		many = one
	}
	return Tile{strconv.Itoa(n), many, tone}
}

func toneIf(n int, some, none Tone) Tone {
	if n > 0 {
		return some
	}
	return none
}

// calm is the tone of a nought that is good news; after a scan that was hindered it is none.
func (m *Model) calm() Tone {
	if m.Verdict.Status == Inconclusive {
		return ""
	}
	return Pass
}

// nothing says that there is no finding, and what that means.
func (m *Model) nothing() string {
	if m.Verdict.Status == Inconclusive {
		return "The scan found nothing to report, but it was hindered: this does not mean that there is nothing."
	}
	return "The scan found nothing to report."
}

func (m *Model) openNotes() (n int) {
	for i := range m.Notes {
		if !m.Notes[i].settled() {
			n++
		}
	}
	return n
}

// severityTiles are the figures of a cover.
func (m *Model) severityTiles() (tiles []Tile) {
	for _, b := range m.Counts.bands() {
		tiles = append(tiles, Tile{strconv.Itoa(b.Value), strings.ToLower(b.Label) + " severity", toneIf(b.Value, b.Tone, "")})
	}
	return append(tiles, Tile{strconv.Itoa(m.Counts.Exploited), "known exploited", toneIf(m.Counts.Exploited, "critical", "")})
}

// bands of an ASV report from counts; what is for information only counts as low there.
func (c Counts) bands() []Share {
	return []Share{{"High", c.Critical + c.High, "high"}, {"Medium", c.Medium, "medium"}, {"Low", c.Low + c.Log, "low"}}
}

const barsShown = 8

func (m *Model) charts(components []*Component) []Chart {
	worst := slices.Clone(components)
	slices.SortStableFunc(worst, func(a, b *Component) int {
		x, y := a.Counts, b.Counts
		return cmp.Or(cmp.Compare(y.Critical+y.High, x.Critical+x.High), cmp.Compare(y.Medium, x.Medium), cmp.Compare(y.Low+y.Log, x.Low+x.Log))
	})
	bars := []Bar{}
	for _, c := range worst[:min(len(worst), barsShown)] {
		bars = append(bars, Bar{Label: c.Host, Shares: c.Counts.bands()})
	}
	title := "Findings by component"
	if len(worst) > barsShown {
		title = "The " + strconv.Itoa(barsShown) + " components most at risk"
	}
	return []Chart{{Title: "Findings by severity", Donut: m.Counts.bands(), Centre: tile(m.Counts.Total(), "finding", "findings", "").Label}, {Title: title, Bars: bars}}
}

func (m *Model) scanInformation(emit Emit) {
	emit.heading(1, "1  Scan information", "")
	emit.facts(2,
		Fact{Label: "Scan customer", Value: or(m.Customer.Company, "–")}, Fact{Label: m.vendorLabel(), Value: or(m.ASV.Company, "–")},
		Fact{Label: "Scan", Value: or(m.Scan.Name, m.Title)}, Fact{Label: "Profile", Value: or(m.Scan.Profile, "–")},
		Fact{Label: "Started", Value: m.moment(m.Scan.StartedAt)}, Fact{Label: "Completed", Value: m.moment(m.Scan.FinishedAt)},
		Fact{Label: "Duration", Value: span(m.Scan.StartedAt, m.Scan.FinishedAt)}, Fact{Label: "Expires", Value: or(m.day(m.Scan.ExpiresAt), "–")},
		Fact{Label: "Scanner", Value: or(m.Scan.Scanner, "–")}, Fact{Label: "Knowledge of", Value: or(m.Scan.FeedVersion, "–")},
		Fact{Label: "Report type", Value: m.scope()}, Fact{Label: "Status", Value: m.reportStatus(), Tone: statusTone(m.Verdict.Status)})
}

func (m *Model) vendorLabel() string {
	if m.Certificate == "" {
		return "Scan vendor"
	}
	return "ASV"
}

func (m *Model) componentSummary(emit Emit) {
	emit.heading(1, "2  Component compliance summary", "")
	var rows [][]Cell
	var interference []*Component
	listed := m.listed()
	emit.leftOut(len(listed), len(m.Components), "components, those that do not pass first,", dataFiles)
	for _, c := range listed {
		bands := c.Counts.bands()
		rows = append(rows, []Cell{{Text: c.Host, Sub: names(c.Names, 3), Bold: true}, {Text: or(c.OS, "–")}, {Text: statusWord(c.Status), Tone: statusTone(c.Status)},
			{Text: strconv.Itoa(bands[0].Value)}, {Text: strconv.Itoa(bands[1].Value)}, {Text: strconv.Itoa(bands[2].Value)}, {Text: strconv.Itoa(c.Counts.Failing)}})
		if c.Interference != "" {
			interference = append(interference, c)
		}
	}
	emit.table(Table{Caption: "Components and whether they pass", Empty: "No component was scanned.", Rows: rows,
		Columns: []Column{{"Component", 6, false}, {"System", 4.2, false}, {"Status", 2.9, false}, {"High", 1.5, true}, {"Medium", 1.9, true}, {"Low", 1.4, true}, {"Failing", 1.8, true}}})
	for _, c := range interference {
		emit.callout(Inconclusive, c.Host+": the scan is inconclusive", c.Interference)
	}
}

func names(all []string, most int) string {
	s := ""
	for i, n := range all {
		if i == most {
			return s + " and " + strconv.Itoa(len(all)-most) + " more"
		}
		if i > 0 {
			s += ", "
		}
		s += n
	}
	return s
}

func (m *Model) byComponent(emit Emit, judged []*vulnerability.Finding, exceptions map[findingKey]*Exception) {
	emit.heading(1, "3a  Vulnerabilities by component", "")
	byHost := map[string][]*vulnerability.Finding{}
	low, listed := 0, 0
	for _, f := range judged {
		if f.Severity < 40 && f.PCI.Status == Pass && exceptions[keyOf(f)] == nil {
			low++
			continue
		}
		if listed < mostFindings {
			byHost[f.Host] = append(byHost[f.Host], f)
			listed++
		}
	}
	emit.leftOut(listed, len(judged)-low, "findings, the worst,", dataFiles)
	if low > 0 {
		emit.small(count(low, "passing finding of low severity is", "passing findings of low severity are") + " left out here; the detailed report lists them all.")
	}
	if len(byHost) == 0 {
		emit.text(m.nothing())
		return
	}
	for _, c := range m.components() {
		if list := byHost[c.Host]; len(list) > 0 {
			emit(Block{Heading: &Heading{Level: 2, Text: c.title(), Badges: []Badge{{statusWord(c.Status), statusTone(c.Status)}}}})
			emit.table(summaryTable(m, list, exceptions))
			m.correctionPlan(emit, list, exceptions)
		}
	}
}

func (c *Component) title() string {
	if c.titled() {
		return c.Host + "  –  " + c.Names[0]
	}
	return c.Host
}

// titled says whether the first name is short enough to stand in a title.
func (c *Component) titled() bool { return len(c.Names) > 0 && len(c.Names[0]) <= 40 }

func summaryTable(m *Model, list []*vulnerability.Finding, exceptions map[findingKey]*Exception) Table {
	var rows [][]Cell
	for _, f := range list {
		e := exceptions[keyOf(f)]
		word, tone := findingStatus(f, e)
		rows = append(rows, []Cell{{Text: portOf(f.Port, f.Protocol)}, {Text: f.Name, Sub: names(f.CVEs, 3)}, {Text: band(f.Severity), Tone: toneOf(band(f.Severity))},
			{Text: score(f.Severity)}, {Text: word, Tone: tone}, {Text: or(exceptionWords(m, e), "–")}})
	}
	return Table{Caption: "Vulnerabilities of the component", Rows: rows,
		Columns: []Column{{"Port", 2, false}, {"Vulnerability", 7, false}, {"Severity", 2.3, false}, {"CVSS", 1.4, true}, {"Status", 2.4, false}, {"Exceptions, false positives, compensating controls", 4.6, false}}}
}

// findingStatus is the word for a finding after what was decided about it.
func findingStatus(f *vulnerability.Finding, e *Exception) (string, Tone) {
	if e != nil && e.State == Accepted {
		return "Excepted", Pass
	}
	return statusWord(f.PCI.Status), statusTone(f.PCI.Status)
}

var exceptionKinds = map[string]string{
	"false_positive": "False positive", "score": "Disputed score", "compensating_control": "Compensating control", "other": "Exception",
}

func exceptionWords(m *Model, e *Exception) string {
	if e == nil {
		return ""
	}
	s := or(exceptionKinds[e.Kind], "Exception") + ", " + or(e.State, Submitted)
	if e.State == Accepted && !e.Until.IsZero() {
		s += " until " + m.day(e.Until)
	}
	if text := or(e.Decision, e.Text); text != "" {
		s += ": " + text
	}
	return s
}

// correctionPlan says once a fix what to do on a component.
func (m *Model) correctionPlan(emit Emit, list []*vulnerability.Finding, exceptions map[findingKey]*Exception) {
	var items []string
	for _, f := range m.fixes(open(list, exceptions)) {
		item := f.title
		if len(f.findings) > 1 {
			item += " (solves " + strconv.Itoa(len(f.findings)) + ")"
		}
		items = append(items, item)
	}
	if len(items) == 0 {
		return
	}
	emit(Block{Heading: &Heading{Level: 3, Text: "Correction plan for " + list[0].Host, Quiet: true}})
	emit(Block{List: &List{Items: items}})
}

// open leaves out what was accepted as an exception.
func open(list []*vulnerability.Finding, exceptions map[findingKey]*Exception) []*vulnerability.Finding {
	var left []*vulnerability.Finding
	for _, f := range list {
		if e := exceptions[keyOf(f)]; e == nil || e.State != Accepted {
			left = append(left, f)
		}
	}
	return left
}

func (m *Model) specialNotes(emit Emit) {
	emit.heading(1, "3b  Special notes by component", "")
	var rows [][]Cell
	emit.leftOut(min(len(m.Notes), mostNotes), len(m.Notes), "special notes", dataFiles)
	for i := range m.Notes[:min(len(m.Notes), mostNotes)] {
		n := &m.Notes[i]
		word, tone := n.state()
		rows = append(rows, []Cell{{Text: n.Host, Sub: portOf(n.Port, n.Protocol)}, {Text: noteKind(n.Kind).Title}, {Text: n.Item}, {Text: n.words(m)}, {Text: word, Tone: tone}})
	}
	emit.table(Table{Caption: "Special notes by component", Empty: "The scan gave rise to no special note.", Rows: rows,
		Columns: []Column{{"Component", 3.6, false}, {"Note", 3.6, false}, {"Item noted", 3.8, false}, {"Declaration of the scan customer", 6, false}, {"State", 2.5, false}}})
	if n := m.openNotes(); n > 0 {
		emit.callout("note", count(n, "note waits", "notes wait")+" for a declaration or its review",
			"A special note fails no component, but the report keeps its failing status until each note is answered by the customer and the answer has been accepted.")
	}
	emit.heading(1, "3c  Special notes in full", "")
	for _, k := range m.noteKinds() {
		emit(Block{Paragraph: &Paragraph{Label: k.Title, Text: k.Text}})
	}
}

// noteKinds are those of the report's notes, in the order of the Guide; all of them where it has no note.
func (m *Model) noteKinds() []NoteKind {
	if len(m.Notes) == 0 {
		return NoteKinds
	}
	var kinds []NoteKind
	for i := range m.Notes {
		if k := noteKind(m.Notes[i].Kind); !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	slices.SortStableFunc(kinds, func(a, b NoteKind) int { return cmp.Compare(noteOrder(a), noteOrder(b)) })
	return kinds
}

func noteOrder(k NoteKind) int {
	if i := slices.Index(NoteKinds, k); i >= 0 {
		return i
	}
	return len(NoteKinds)
}

func (m *Model) scopeLists(emit Emit) {
	emit.heading(1, "4a  Scope submitted by the scan customer", "")
	emit.table(Table{Caption: "Submitted scope", Columns: []Column{{"Submitted", 1, false}, {"", 1, false}, {"", 1, false}}, Rows: grid(m.SubmittedScope, 3), Empty: "No scope was recorded with this scan."})
	emit.heading(1, "4b  Components in scope", "")
	var scanned []string
	listed := m.listed()
	emit.leftOut(len(listed), len(m.Components), "components, those that do not pass first,", dataFiles)
	for _, c := range listed {
		s := c.Host
		if n := names(c.Names, 2); n != "" {
			s += " (" + n + ")"
		}
		scanned = append(scanned, s)
	}
	emit.table(Table{Caption: "Components in scope", Columns: []Column{{"In scope and scanned", 1, false}, {"", 1, false}}, Rows: grid(scanned, 2), Empty: "No component was in scope."})
	emit.heading(1, "4c  Components out of scope", "")
	var rows [][]Cell
	for _, o := range m.OutOfScope {
		rows = append(rows, []Cell{{Text: o.Component, Bold: true}, {Text: or(o.Reason, "–")}, {Text: or(o.By, "–")}})
	}
	emit.table(Table{Caption: "Components out of scope", Columns: []Column{{"Component", 4, false}, {"Why it is out of scope", 7, false}, {"Confirmed by", 3, false}}, Rows: rows,
		Empty: "No component was found or declared out of scope."})
}

// grid lays a list out in columns, row by row.
func grid(items []string, columns int) (rows [][]Cell) {
	for i := 0; i < len(items); i += columns {
		var row []Cell
		for _, s := range items[i:min(i+columns, len(items))] {
			row = append(row, Cell{Text: s})
		}
		rows = append(rows, row)
	}
	return rows
}
