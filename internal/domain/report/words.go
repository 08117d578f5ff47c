package report

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/domain/vulnerability"
)

// PreAssessment stands on every page while no ASV certificate number is configured.
const PreAssessment = "Pre-assessment – not an ASV attestation"

// rating is the qualitative rating of CVSS v3 (specification, section 5) for tenths.
func rating(tenths int) string {
	switch {
	case tenths >= 90:
		return "Critical"
	case tenths >= 70:
		return "High"
	case tenths >= 40:
		return "Medium"
	case tenths > 0:
		return "Low"
	}
	return "Info"
}

// band is the severity of an ASV report, which knows no critical one (ASV Program Guide 6.3.2).
func band(tenths int) string {
	switch {
	case tenths >= 70:
		return "High"
	case tenths >= 40:
		return "Medium"
	}
	return "Low"
}

func toneOf(word string) Tone { return strings.ToLower(word) }

func score(tenths int) string { return strconv.Itoa(tenths/10) + "." + strconv.Itoa(tenths%10) }

// statusWord is how a PCI status or a verdict is written.
func statusWord(status string) string {
	switch status {
	case Pass:
		return "Pass"
	case Fail:
		return "Fail"
	case "note":
		return "Note"
	case Inconclusive:
		return "Inconclusive"
	}
	return "Not judged"
}

func statusTone(status string) Tone {
	switch status {
	case Pass, Fail, Inconclusive, "note":
		return status
	}
	return ""
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// place writes where a finding is.
func place(host string, port int, protocol string) string {
	if port == 0 {
		return host
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(port) + "/" + or(protocol, "tcp")
}

func portOf(port int, protocol string) string {
	if port == 0 {
		return "host"
	}
	return strconv.Itoa(port) + "/" + or(protocol, "tcp")
}

func (m *Model) zone() *time.Location {
	zone, err := time.LoadLocation(m.Scan.Timezone)
	if err != nil || zone == time.Local {
		return time.UTC
	}
	return zone
}

func (m *Model) moment(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(m.zone()).Format("2 January 2006, 15:04 MST")
}

func (m *Model) day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(m.zone()).Format("2 January 2006")
}

func (m *Model) mark() string {
	if m.Certificate == "" {
		return PreAssessment
	}
	return ""
}

// span writes how long something took.
func span(from, to time.Time) string {
	if from.IsZero() || to.Before(from) {
		return "–"
	}
	d := to.Sub(from).Round(time.Second)
	switch {
	case d < time.Minute:
		return count(int(d.Seconds()), "second", "seconds")
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min " + strconv.Itoa(int(d.Seconds())%60) + " s"
	}
	return strconv.Itoa(int(d.Hours())) + " h " + strconv.Itoa(int(d.Minutes())%60) + " min"
}

func known(b *bool) string {
	switch {
	case b == nil:
		return "not known"
	case *b:
		return "yes"
	}
	return "no"
}

func percent(p *float64) string {
	if p == nil {
		return "not known"
	}
	if *p < 0.001 {
		return "below 0.1 %"
	}
	return strconv.FormatFloat(*p*100, 'f', 1, 64) + " %"
}

// judged are the findings that count, and unconfirmed those that do not, worst first (appendix C: by severity, then
// score).
func (m *Model) sorted() (judged, unconfirmed []*vulnerability.Finding) {
	for i := range m.Findings {
		f := &m.Findings[i]
		if f.Certainty == vulnerability.Possible {
			unconfirmed = append(unconfirmed, f)
		} else {
			judged = append(judged, f)
		}
	}
	slices.SortStableFunc(judged, compareFindings)
	slices.SortStableFunc(unconfirmed, compareFindings)
	return judged, unconfirmed
}

func compareFindings(a, b *vulnerability.Finding) int {
	return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(statusRank(a.PCI.Status), statusRank(b.PCI.Status)),
		cmp.Compare(a.Name, b.Name), compareHosts(a.Host, b.Host), cmp.Compare(a.Port, b.Port),
		cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.NVT, b.NVT), cmp.Compare(a.Login, b.Login), cmp.Compare(a.Path, b.Path))
}

func statusRank(status string) int {
	switch status {
	case Fail:
		return 0
	case "note":
		return 1
	}
	return 2
}

// compareHosts orders addresses as numbers and names as text.
func compareHosts(a, b string) int {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	if errX == nil && errY == nil {
		return x.Compare(y)
	}
	return cmp.Compare(a, b)
}

// components in a stable order: by address.
func (m *Model) components() []*Component {
	all := make([]*Component, len(m.Components))
	for i := range m.Components {
		all[i] = &m.Components[i]
	}
	slices.SortStableFunc(all, func(a, b *Component) int { return compareHosts(a.Host, b.Host) })
	return all
}

func failing(components []*Component) (n int) {
	for _, c := range components {
		if c.Status == Fail || c.Status == Inconclusive {
			n++
		}
	}
	return n
}
