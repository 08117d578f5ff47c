package report

import (
	"strconv"
	"strings"

	"github.com/vedette/vedette/internal/domain/vulnerability"
)

// detailed is appendix C of the ASV Program Guide: every vulnerability, component, port and service.
func detailed(m *Model) Document {
	d := m.document("Detailed Report")
	d.Cover = m.cover("Vulnerability Scan\nDetailed Report")
	judged, unconfirmed := m.sorted()
	long := len(judged) > 5
	components, listed := m.components(), m.listed()
	shown := listedFindings(judged)
	links := hostLinks(listed)
	d.Contents = long
	exceptions := m.exceptions()
	d.Body = func(emit Emit) {
		emit.heading(1, "Overview", "")
		emit(Block{Tiles: []Tile{
			tile(len(components), "component", "components", ""),
			tile(services(components), "open service", "open services", ""),
			tile(m.Counts.Total(), "finding", "findings", ""),
			tile(m.Counts.Failing, "failing finding", "failing findings", toneIf(m.Counts.Failing, Fail, m.calm())),
			{strconv.Itoa(m.Counts.Exploited), "known exploited", toneIf(m.Counts.Exploited, "critical", "")},
			{strconv.Itoa(len(unconfirmed)), "unconfirmed", ""},
		}})
		emit(Block{Charts: m.charts(components)})
		m.scanFacts(emit)
		m.index(emit, shown, len(judged), exceptions)
		if long {
			emit(Block{Break: true})
		}
		if len(judged) > 0 {
			emit.heading(1, "Findings in detail", "")
		}
		for i, f := range shown {
			m.finding(emit, f, "finding-"+strconv.Itoa(i+1), links[f.Host], exceptions[keyOf(f)])
		}
		if long {
			emit(Block{Break: true})
		}
		m.services(emit, listed)
		m.unconfirmed(emit, unconfirmed)
		legend(emit)
	}
	return d
}

func services(components []*Component) (n int) {
	for _, c := range components {
		n += len(c.Services)
	}
	return n
}

func (m *Model) scanFacts(emit Emit) {
	emit(Block{Heading: &Heading{Level: 2, Text: "Scan", Quiet: true}})
	emit.facts(2,
		Fact{Label: "Started", Value: m.moment(m.Scan.StartedAt)}, Fact{Label: "Completed", Value: m.moment(m.Scan.FinishedAt)},
		Fact{Label: "Profile", Value: or(m.Scan.Profile, "–")}, Fact{Label: "Duration", Value: span(m.Scan.StartedAt, m.Scan.FinishedAt)},
		Fact{Label: "Scanner", Value: or(m.Scan.Scanner, "–")}, Fact{Label: "Knowledge of", Value: or(m.Scan.FeedVersion, "–")})
}

func (m *Model) index(emit Emit, shown []*vulnerability.Finding, all int, exceptions map[findingKey]*Exception) {
	emit.heading(1, "All findings", "")
	emit.leftOut(len(shown), all, "findings, the worst,", findingFiles)
	rows := make([][]Cell, 0, len(shown))
	for i, f := range shown {
		word, tone := findingStatus(f, exceptions[keyOf(f)])
		rows = append(rows, []Cell{{Text: score(f.Severity), Bold: true}, {Text: band(f.Severity), Tone: toneOf(band(f.Severity))},
			{Text: f.Name, Sub: names(f.CVEs, 3), To: "#finding-" + strconv.Itoa(i+1)}, {Text: place(f.Host, f.Port, f.Protocol)}, {Text: word, Tone: tone}})
	}
	emit.table(Table{Caption: "All findings, worst first", Empty: m.nothing(), Rows: rows,
		Columns: []Column{{"CVSS", 1.4, true}, {"Severity", 2.2, false}, {"Vulnerability", 8, false}, {"Component and port", 4.6, false}, {"Status", 2.3, false}}})
}

var solutionTypes = map[string]string{
	"vendor_fix": "Solution (fix by the maker)", "mitigation": "Solution (mitigation)", "workaround": "Solution (workaround)",
	"none_available": "Solution (none available yet)", "will_not_fix": "Solution (the maker will not fix it)",
}

var certainties = map[string]string{
	vulnerability.Confirmed: "Confirmed – the fault itself was seen", vulnerability.Likely: "Likely – product and version settle it",
	vulnerability.Possible: "Possible – version only",
}

func (m *Model) finding(emit Emit, f *vulnerability.Finding, anchor, link string, e *Exception) {
	word, tone := findingStatus(f, e)
	emit(Block{Heading: &Heading{Level: 2, Text: or(f.Name, f.NVT), Anchor: anchor, Tone: toneOf(band(f.Severity)),
		Badges: []Badge{{band(f.Severity) + " " + score(f.Severity), toneOf(band(f.Severity))}, {word, tone}}}})
	emit.facts(2, findingFacts(f, link)...)
	if f.PCI.Reason != "" {
		emit.labelled("PCI verdict", f.PCI.Reason)
	}
	if e != nil {
		emit.callout(tone, "Exception", exceptionWords(m, e))
	}
	emit.labelled("Summary", f.Summary)
	emit.labelled("Insight", f.Insight)
	emit.labelled("Affected", f.Affected)
	emit.labelled("Impact", f.Impact)
	if f.Evidence != "" {
		emit(Block{Code: &Code{Label: "Evidence", Text: f.Evidence, Lines: m.evidenceLines()}})
	}
	emit.labelled(or(solutionTypes[f.SolutionType], "Solution"), f.Solution)
	if len(f.References) > 0 {
		emit(Block{Heading: &Heading{Level: 3, Text: "References", Quiet: true}})
		emit(Block{List: &List{Items: f.References, Links: true, Small: true}})
	}
}

// evidenceLines keeps the document of a very long scan to a size that still opens.
func (m *Model) evidenceLines() int {
	if len(m.Findings) > 1000 {
		return 12
	}
	return 40
}

func findingFacts(f *vulnerability.Finding, link string) []Fact {
	facts := []Fact{
		{Label: "Component", Value: place(f.Host, f.Port, f.Protocol), To: link},
		{Label: "Certainty", Value: or(certainties[f.Certainty], f.Certainty)},
	}
	if f.Path != "" {
		facts = append(facts, Fact{Label: "Path", Value: f.Path, Mono: true, Wide: true})
	}
	if f.Login != "" {
		facts = append(facts, Fact{Label: "Account", Value: f.Login, Mono: true})
	}
	if len(f.CVEs) > 0 {
		facts = append(facts, Fact{Label: "CVE", Value: names(f.CVEs, 12), To: cveLink(f.CVEs)})
	}
	facts = append(facts, Fact{Label: "CVSS " + f.CVSS.Version, Value: or(strings.TrimSpace(score(f.Severity)+"  "+sourceWords[f.CVSS.Source]), "–")})
	if f.CVSS.V4 != nil {
		facts = append(facts, Fact{Label: "CVSS 4.0", Value: score(f.CVSS.V4.Score) + "  for information, decides nothing"})
	}
	if f.Product != "" {
		facts = append(facts, Fact{Label: "Product", Value: f.Product})
	}
	if len(f.CVEs) > 0 || f.KEV != nil {
		facts = append(facts, Fact{Label: "Known exploited", Value: known(f.KEV)}, Fact{Label: "EPSS, 30 days", Value: percent(f.EPSS)})
	}
	if f.QoD > 0 {
		facts = append(facts, Fact{Label: "Detection", Value: "QoD " + strconv.Itoa(f.QoD) + " %" + prefixed(", ", strings.ReplaceAll(f.QoDType, "_", " "))})
	}
	if f.CVSS.Vector != "" {
		facts = append(facts, Fact{Label: "Vector", Value: f.CVSS.Vector, Mono: true, Wide: true})
	}
	return facts
}

func hostAnchor(host string) string { return "host-" + host }

// hostLinks lead to the services of the components that the document lists.
func hostLinks(listed []*Component) map[string]string {
	links := make(map[string]string, len(listed))
	for _, c := range listed {
		links[c.Host] = "#" + hostAnchor(c.Host)
	}
	return links
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

var sourceWords = map[string]string{
	"nvd-primary": "NVD, primary", "nvd-secondary": "NVD, secondary", "calculated": "calculated by the scan vendor", "template": "by the severity that the check's author gave", "override": "set by the reviewer",
}

func cveLink(cves []string) string {
	if len(cves) != 1 {
		return ""
	}
	return "https://nvd.nist.gov/vuln/detail/" + cves[0]
}

func (m *Model) services(emit Emit, components []*Component) {
	emit.heading(1, "Open ports and services", "")
	emit.leftOut(len(components), len(m.Components), "components, those that do not pass first,", dataFiles+" of the detailed report")
	if len(components) == 0 {
		emit.text("No component was scanned.")
	}
	for _, c := range components {
		emit(Block{Heading: &Heading{Level: 2, Text: c.title(), Sub: c.about(), Anchor: hostAnchor(c.Host), Badges: []Badge{{statusWord(c.Status), statusTone(c.Status)}}}})
		if c.Interference != "" {
			emit.callout(Inconclusive, "Inconclusive", c.Interference)
		}
		var rows [][]Cell
		for _, s := range c.Services {
			rows = append(rows, []Cell{{Text: portOf(s.Port, s.Protocol), Bold: true}, {Text: or(s.State, "open")}, {Text: or(s.Name, "unknown"), Sub: tunnelWords(s.Tunnel)},
				{Text: or(strings.TrimSpace(s.Product+" "+s.Version), "–"), Sub: s.Note}})
		}
		emit.table(Table{Caption: "Open ports and services of " + c.Host, Rows: rows, Empty: "No open service was found. The customer must confirm that this component offers none before attesting.",
			Columns: []Column{{"Port", 2, false}, {"State", 2, false}, {"Service", 3, false}, {"Product and version", 8, false}}})
	}
}

// about a component, in a line.
func (c *Component) about() string {
	var parts []string
	if c.OS != "" {
		parts = append(parts, c.OS)
	}
	others := c.Names
	if c.titled() {
		others = c.Names[1:]
	}
	if len(others) > 0 {
		parts = append(parts, "also "+names(others, 8))
	}
	if c.Authenticated != "" {
		parts = append(parts, "login: "+c.Authenticated)
	}
	return strings.Join(parts, " · ")
}

func tunnelWords(tunnel string) string {
	switch tunnel {
	case "tls":
		return "over TLS"
	case "starttls":
		return "STARTTLS offered"
	}
	return ""
}

func (m *Model) unconfirmed(emit Emit, list []*vulnerability.Finding) {
	if len(list) == 0 {
		return
	}
	emit.heading(1, "Unconfirmed – version only", "")
	emit.text("These follow from the version that a service names, where it cannot be seen whether a fix was carried back into it. They count in no verdict and no figure of this report. " +
		"Compare them with your patch records, or scan with a login to settle them.")
	shown := listedFindings(list)
	emit.leftOut(len(shown), len(list), "unconfirmed findings", findingFiles)
	var rows [][]Cell
	for _, f := range shown {
		rows = append(rows, []Cell{{Text: score(f.Severity)}, {Text: or(f.Name, f.NVT), Sub: f.Product}, {Text: or(names(f.CVEs, 3), "–")}, {Text: place(f.Host, f.Port, f.Protocol)}, {Text: known(f.KEV)}, {Text: percent(f.EPSS)}})
	}
	emit.table(Table{Caption: "Unconfirmed findings", Rows: rows,
		Columns: []Column{{"CVSS", 1.4, true}, {"Vulnerability", 6.4, false}, {"CVE", 3.4, false}, {"Component and port", 4.2, false}, {"KEV", 2, false}, {"EPSS", 2, true}}})
}

func legend(emit Emit) {
	emit.heading(1, "How to read this report", "")
	emit.table(Table{Caption: "Severities", Columns: []Column{{"Severity", 2, false}, {"CVSS base score", 3, false}, {"Meaning for PCI DSS", 9, false}}, Rows: [][]Cell{
		{{Text: "High", Tone: "high"}, {Text: "7.0 to 10.0"}, {Text: "Fails the component; correct it and scan again."}},
		{{Text: "Medium", Tone: "medium"}, {Text: "4.0 to 6.9"}, {Text: "Fails the component; correct it and scan again."}},
		{{Text: "Low", Tone: "low"}, {Text: "0.0 to 3.9"}, {Text: "Passes; correct it when you can."}},
	}})
	emit(Block{List: &List{Small: true, Items: []string{
		"The score is the first that the CVE's entry in the NVD has of CVSS v3.1, v3.0 and v2.0, else one that the scan vendor calculated. CVSS v4.0 is shown and decides nothing.",
		"Some findings fail whatever their score, such as default logins, software out of support, open databases, old SSL and TLS versions and injection into web applications. Findings that are purely denial of service pass.",
		"KEV is CISA's catalogue of vulnerabilities that are known to be exploited; EPSS is FIRST's estimate that one will be within 30 days. Both order the work and never change a verdict.",
		"QoD is the quality of detection: how surely the method tells that the fault is there.",
	}}})
}
