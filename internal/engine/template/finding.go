package template

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

const maxEvidence = 4 << 10

// findings turns hits into findings with the template's texts.
func (x *execution) findings(hits []hit) []scanlink.Finding {
	t := x.template
	var all []scanlink.Finding
	for _, h := range hits {
		f := x.target.Finding(t.class, t.id, t.qod)
		f.QoDType = qodType(t.qod, t.class)
		f.Login, f.Path = wire.Printable([]byte(h.login), 200), wire.Printable([]byte(h.path), 500)
		f.Name, f.Summary = line(t.info.Name, 200), text(t.info.Description)
		f.Impact, f.Solution = text(t.info.Impact), text(t.info.Remediation)
		f.CVEs, f.CVSS = t.cves(), line(t.info.Classification.CVSSMetrics, 200)
		if !strings.HasPrefix(f.CVSS, "CVSS:") && !strings.HasPrefix(f.CVSS, "AV:") {
			f.CVSS = ""
		}
		if f.CVSS == "" && !t.own {
			f.Severity = t.severity()
		}
		for _, r := range t.info.Reference {
			if strings.HasPrefix(r, "http://") || strings.HasPrefix(r, "https://") {
				f.References = append(f.References, line(r, 500))
			}
		}
		f.Evidence = scanlink.Evidence{
			Request:  wire.Printable([]byte(h.request), maxEvidence),
			Response: wire.Printable([]byte(h.response), maxEvidence),
			Detail:   t.detail(h),
		}
		all = append(all, f)
	}
	return all
}

// severity is the author's word, where it is one of the known ones.
func (t *Template) severity() string {
	s := strings.ToLower(strings.TrimSpace(t.info.Severity))
	if slices.Contains([]string{"info", "low", "medium", "high", "critical"}, s) {
		return s
	}
	return ""
}

func qodType(qod int, class string) string {
	switch {
	case qod <= 80:
		return "remote_banner"
	case class == "cve" || class == "web.rce" || class == "web.lfi" || class == "web.sqli":
		return "exploit"
	case strings.HasPrefix(class, "web."):
		return "remote_app"
	}
	return "remote_vul"
}

func line(s string, limit int) string {
	return wire.Printable([]byte(strings.Join(strings.Fields(s), " ")), limit)
}

func text(s string) string { return wire.Printable([]byte(strings.TrimSpace(s)), 4<<10) }

func (t *Template) detail(h hit) string {
	var parts []string
	j := h.judgement
	if t.version != "" {
		parts = append(parts, "Template "+t.id+" of the collection "+t.version)
	}
	if len(j.names) > 0 {
		parts = append(parts, "Matched: "+strings.Join(j.names, ", "))
	}
	if len(j.taken) > 0 {
		parts = append(parts, "Extracted: "+strings.Join(j.taken, ", "))
	}
	if j.shown != "" {
		parts = append(parts, fmt.Sprintf("Seen in the answer: %s", firstBytes(j.shown, 300)))
	}
	if h.called != "" {
		parts = append(parts, h.called)
	}
	return wire.Printable([]byte(strings.Join(parts, "\n")), maxEvidence)
}

func firstBytes(s string, n int) string { return s[:min(len(s), n)] }

// excerpt is the start of an answer and the surroundings of the piece that shows the match.
func excerpt(answer, shown string) string {
	const head, around = 1200, 1000
	if len(answer) <= head+2*around {
		return answer
	}
	at := -1
	if shown != "" {
		at = strings.Index(answer, shown)
	}
	if at < 0 || at+len(shown) <= head {
		return answer[:head+around] + "\n[…]"
	}
	start, end := max(head, at-around/2), min(len(answer), at+min(len(shown), around)+around/2)
	s := answer[:head]
	if start > head {
		s += "\n[…]\n"
	}
	s += answer[start:end]
	if end < len(answer) {
		s += "\n[…]"
	}
	return s
}
