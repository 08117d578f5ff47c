package oneshot

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/vedette/vedette/internal/domain/pci"
	"github.com/vedette/vedette/internal/domain/vulnerability"
)

// Colours of a terminal (ECMA-48, SGR).
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
	alarm  = "1;97;41"
)

type table struct {
	bytes.Buffer
	colour bool
}

func (t *table) paint(style, text string) string {
	if !t.colour || style == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// writeTable writes a result for people: per host its ports and what is wrong there, the worst first.
func writeTable(w io.Writer, r Result, baseline *Result, colour bool) error {
	t := &table{colour: colour}
	fresh := map[vulnerabilityKey]bool{}
	if baseline != nil {
		for _, v := range compare(*baseline, r).failing {
			fresh[keyOf(v)] = true
		}
	}
	status := map[string]Component{}
	for _, c := range r.PCI.Components {
		status[c.Host] = c
	}
	silent := 0
	for _, h := range r.Hosts {
		c, ok := status[h.Address]
		if !ok {
			silent++
			continue
		}
		t.host(h, c, of(r.Vulnerabilities, h.Address), fresh)
	}
	if silent > 0 {
		fmt.Fprintf(t, "%s\n\n", t.paint(dim, plural(silent, "address did not answer.", "addresses did not answer.")))
	}
	t.verdict(r, baseline)
	_, err := w.Write(t.Bytes())
	return err
}

func of(all []Vulnerability, host string) []Vulnerability {
	var out []Vulnerability
	for _, v := range all {
		if v.Host == host {
			out = append(out, v)
		}
	}
	return out
}

func (t *table) host(h Host, c Component, found []Vulnerability, fresh map[vulnerabilityKey]bool) {
	head := h.Address
	if len(h.Names) > 0 {
		head += "  " + plain(strings.Join(h.Names[:min(3, len(h.Names))], ", "))
	}
	if h.OS != "" {
		head += "  " + plain(h.OS)
	}
	fmt.Fprintf(t, "%s  %s\n", t.paint(bold, head), t.status(c.Status))
	if c.Status == pci.Inconclusive {
		fmt.Fprintf(t, "  %s\n", t.paint(yellow, plain(c.Reason)))
	}
	t.ports(h.Ports)
	t.findings(found, fresh)
	fmt.Fprintln(t)
}

func (t *table) status(s string) string {
	switch s {
	case pci.Pass:
		return t.paint(green, "PASS")
	case pci.Fail:
		return t.paint(red, "FAIL")
	}
	return t.paint(yellow, strings.ToUpper(s))
}

func (t *table) ports(all []Port) {
	if len(all) == 0 {
		fmt.Fprintf(t, "  %s\n", t.paint(dim, "no open port"))
		return
	}
	rows := [][]cell{{{"PORT", dim}, {"STATE", dim}, {"SERVICE", dim}, {"PRODUCT", dim}}}
	for _, p := range all {
		product, style := strings.TrimSpace(plain(p.Product)+" "+plain(p.Version)), ""
		switch {
		case product == "" && p.Note != "":
			product, style = shorten(plain(p.Note), 90), dim
		case p.Version == "" && p.Note != "":
			product += " (" + shorten(plain(p.Note), 90) + ")"
		}
		service := plain(p.Service)
		if p.TLS != nil && !strings.HasSuffix(service, "s") {
			service += " (tls)"
		}
		rows = append(rows, []cell{{strconv.Itoa(int(p.Port)) + "/" + p.Proto, cyan}, {p.State, ""}, {service, ""}, {product, style}})
	}
	t.rows(rows)
}

// line is one or several vulnerabilities in one row: those of one kind at one port, as the CVEs of one product.
type line struct {
	Vulnerability
	severity int
	cves     []string
	new      bool
}

func (t *table) findings(found []Vulnerability, fresh map[vulnerabilityKey]bool) {
	lines, possible := fold(found, fresh)
	if len(lines) > 0 {
		fmt.Fprintln(t)
		rows := [][]cell{{{"SEVERITY", dim}, {"WHERE", dim}, {"PCI", dim}, {"FINDING", dim}}}
		for _, l := range lines {
			name, style := shorten(l.title(), 110), ""
			if l.new {
				name, style = "NEW "+name, bold
			}
			rows = append(rows, []cell{t.severity(l.severity), {where(l.Vulnerability), cyan}, pciCell(l.PCI.Status), {name, style}})
		}
		t.rows(rows)
	}
	if possible > 0 {
		fmt.Fprintf(t, "  %s\n", t.paint(dim, plural(possible, "more is possible", "more are possible")+" by version alone; the patch state cannot be seen from outside, so nothing counts them."))
	}
}

// fold joins version matches of one product at one port, and orders by severity.
func fold(found []Vulnerability, fresh map[vulnerabilityKey]bool) (lines []line, possible int) {
	type group struct {
		port                int
		proto, product, pci string
	}
	at := map[group]int{}
	found = slices.Clone(found)
	slices.SortStableFunc(found, func(a, b Vulnerability) int {
		return cmp.Compare(fromTenths(string(b.Severity)), fromTenths(string(a.Severity)))
	})
	for _, v := range found {
		if v.Certainty == vulnerability.Possible {
			possible++
			continue
		}
		l := line{Vulnerability: v, severity: fromTenths(string(v.Severity)), cves: v.CVEs, new: fresh[keyOf(v)]}
		if v.Class == "cve" && len(v.CVEs) == 1 && v.ID == v.CVEs[0] {
			product, _, _ := strings.Cut(v.Name, ":")
			g := group{v.Port, v.Proto, product, v.PCI.Status}
			if i, ok := at[g]; ok {
				lines[i].cves = append(slices.Clip(lines[i].cves), v.CVEs...)
				lines[i].new = lines[i].new || l.new
				continue
			}
			at[g] = len(lines)
		}
		lines = append(lines, l)
	}
	slices.SortStableFunc(lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(a.Port, b.Port), cmp.Compare(a.Class, b.Class))
	})
	return lines, possible
}

func (l line) title() string {
	name := plain(l.Name)
	if len(l.cves) > 1 && l.Class == "cve" {
		product, _, _ := strings.Cut(name, ":")
		name = fmt.Sprintf("%s: %d known vulnerabilities (%s", product, len(l.cves), strings.Join(l.cves[:min(3, len(l.cves))], ", "))
		if len(l.cves) > 3 {
			name += ", …"
		}
		name += ")"
	}
	if l.Login != "" {
		name += " (" + plain(l.Login) + ")"
	}
	if l.Path != "" {
		name += " at " + plain(l.Path)
	}
	return name
}

func where(v Vulnerability) string {
	if v.Port == 0 {
		return "host"
	}
	return fmt.Sprintf("%d/%s", v.Port, v.Proto)
}

func (t *table) severity(n int) cell {
	text := string(tenths(n)) + " " + rating(n)
	switch {
	case n >= 90:
		return cell{text, alarm}
	case n >= 70:
		return cell{text, red}
	case n >= 40:
		return cell{text, yellow}
	}
	return cell{text, ""}
}

// rating names a CVSS v3 score (FIRST, CVSS v3.1 specification, section 5).
func rating(n int) string {
	switch {
	case n >= 90:
		return "Critical"
	case n >= 70:
		return "High"
	case n >= 40:
		return "Medium"
	case n > 0:
		return "Low"
	}
	return "None"
}

func pciCell(s string) cell {
	switch s {
	case pci.Fail:
		return cell{"fail", red}
	case pci.Pass:
		return cell{"pass", green}
	}
	return cell{s, yellow}
}

func (t *table) verdict(r Result, baseline *Result) {
	fmt.Fprintf(t, "PCI %s  %s\n", t.status(r.PCI.Status), countLine(r))
	if baseline != nil {
		n := compare(*baseline, r)
		fmt.Fprintf(t, "Since the baseline: %s, %d gone, %s.\n", plural(len(n.failing), "new failing finding", "new failing findings"), n.gone,
			plural(len(n.inconclusive), "host newly inconclusive", "hosts newly inconclusive"))
	}
	if r.Feed.Small {
		fmt.Fprintf(t, "%s\n", t.paint(dim, fmt.Sprintf("Known vulnerabilities: only the %d inside the program, as of %s; --feed takes more.", r.Feed.CVEs, r.Feed.Date)))
	}
}

// countLine sums up what counts, by severity.
func countLine(r Result) string {
	counts := map[string]int{}
	possible, alive := 0, 0
	for _, v := range r.Vulnerabilities {
		if v.Certainty == vulnerability.Possible {
			possible++
			continue
		}
		counts[rating(fromTenths(string(v.Severity)))]++
	}
	for _, h := range r.Hosts {
		if h.Alive {
			alive++
		}
	}
	return fmt.Sprintf("%d of %s alive; %d critical, %d high, %d medium, %d low, %d for information, %d possible.", alive, plural(len(r.Hosts), "address", "addresses"),
		counts["Critical"], counts["High"], counts["Medium"], counts["Low"], counts["None"], possible)
}

func fromTenths(s string) int {
	whole, part, _ := strings.Cut(s, ".")
	a, _ := strconv.Atoi(whole)
	b, _ := strconv.Atoi((part + "0")[:1])
	return a*10 + b
}

type cell struct{ text, style string }

// rows writes cells in columns, two spaces apart; colours take no width.
func (t *table) rows(rows [][]cell) {
	var widths []int
	for _, r := range rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	for _, r := range rows {
		var b strings.Builder
		for i, c := range r {
			b.WriteString("  ")
			b.WriteString(t.paint(c.style, c.text))
			if i < len(r)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)))
			}
		}
		fmt.Fprintln(t, strings.TrimRight(b.String(), " "))
	}
}

// plain makes a text of a target harmless on a terminal and keeps it in one line.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r < 0x20 || r >= 0x7f && r < 0xa0 || r == utf8.RuneError || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2060 && r <= 0x206f || r == 0xfeff:
			return -1
		}
		return r
	}, s)
}

func shorten(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
