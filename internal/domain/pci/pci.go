// Package pci holds the rules by which an Approved Scanning Vendor judges: what one vulnerability means, what a component,
// a scan and a report are worth. Sources: PCI SSC ASV Program Guide 4.0 r2 and PCI DSS 4.0.1 requirement 11.3; each rule
// names its section. Everything here is a pure function of values; EPSS, KEV and the like order work and never change a
// verdict.
package pci

import "fmt"

// The status of one vulnerability.
const (
	Pass = "pass"
	Fail = "fail"
	Note = "note" // a special note: fails nothing by itself, and must be declared before the report passes
)

// Bands of an ASV report (6.3.2); there is no critical one.
const (
	High   = "high"   // 7.0 to 10.0
	Medium = "medium" // 4.0 to 6.9
	Low    = "low"    // 0.0 to 3.9
)

// threshold is the score in tenths from which a vulnerability fails (6.3.2).
const threshold = 40

// BandOf is the band of a score in tenths.
func BandOf(tenths int) string {
	switch {
	case tenths >= 70:
		return High
	case tenths >= threshold:
		return Medium
	}
	return Low
}

// Input is what a verdict is formed from.
type Input struct {
	Class        string
	CVEs         [][]Metric // the CVSS metrics of each CVE of the finding; an empty list is a CVE without any score
	Vector       string     // CVSS vector of what found it; counts where no CVE tells a score
	Severity     string     // word of a template's author: info, low, medium, high or critical; counts where nothing tells a score
	OutOfSupport bool       // the software or the system that it runs on is out of its maker's support: a denial of service does not pass
	AllowTLS11   bool       // the installation's switch: TLS 1.1 fails no longer by itself
	Possible     bool       // a version whose patch state cannot be seen: counts in no verdict
}

// Verdict of one vulnerability.
type Verdict struct {
	Status    string
	Reason    string // in a sentence, with the Guide's section
	Score     Score
	Band      string
	Automatic bool   // failed whatever the score
	DoS       bool   // purely a denial of service, which passes
	Note      string // the special note's subject, also where the score fails; empty: none
	Decider   int    // which of the CVEs decided
}

// Judge forms the verdict of one vulnerability: automatic failure, then purely denial of service, then the score
// (6.3.3). That no patch is available is no exception.
func Judge(in Input) Verdict {
	row, _ := Lookup(in.Class)
	if len(in.CVEs) == 0 {
		return verdictOf(row, in, scoreOf(row, in, nil))
	}
	v := verdictOf(row, in, scoreOf(row, in, in.CVEs[0]))
	if row.Vector != "" {
		// A class with a rule of its own is judged by it, too: Logjam's 3.7 does not make a group of 512 bits pass.
		if own := verdictOf(row, in, scoreOf(row, in, nil)); worse(own, v) {
			v = own
		}
	}
	for i, metrics := range in.CVEs[1:] {
		if one := verdictOf(row, in, scoreOf(row, in, metrics)); worse(one, v) {
			v = one
			v.Decider = i + 1
		}
	}
	return v
}

// worse says whether a is the graver of two verdicts: of several CVEs the gravest decides.
func worse(a, b Verdict) bool {
	if (a.Status == Fail) != (b.Status == Fail) {
		return a.Status == Fail
	}
	return a.Score.Score > b.Score.Score
}

func verdictOf(row Row, in Input, s Score) Verdict {
	v := Verdict{Score: s, Band: BandOf(s.Score), DoS: s.denialOfService()}
	if row.Rule == RuleNote {
		v.Note = row.Subject
	}
	automatic := row.Rule == RuleAuto && !(in.Class == "tls.v1.1" && in.AllowTLS11)
	switch {
	case in.Possible:
		v.Status = Pass
		v.Reason = "Not counted: only the version was seen, and whether it is patched cannot be seen from outside."
		v.Note = ""
	case automatic:
		v.Status, v.Automatic = Fail, true
		v.Reason = fmt.Sprintf("Automatic failure whatever the score: %s (ASV Program Guide %s).", row.Reason, row.Section)
	case v.DoS && in.OutOfSupport:
		v.Status, v.Automatic = Fail, true
		v.Reason = "Automatic failure: a denial of service does not pass in software or on a system that is out of its maker's support (ASV Program Guide 6.3.3)."
	case v.DoS:
		v.Status = Pass
		v.Reason = "Passes: it is purely a denial of service, without loss of confidentiality or integrity (ASV Program Guide 6.3.3)."
	case s.Score >= threshold:
		v.Status = Fail
		v.Reason = fmt.Sprintf("Fails: the %s base score %s is 4.0 or higher (ASV Program Guide 6.3.2).", s.name(), decimal(s.Score))
	default:
		v.Status = Pass
		v.Reason = fmt.Sprintf("Passes: the %s base score %s is below 4.0 (ASV Program Guide 6.3.2).", s.name(), decimal(s.Score))
	}
	if v.Status == Pass && v.Note != "" {
		v.Status = Note
		v.Reason = fmt.Sprintf("Special note to the scan customer: %s; to be declared removed, disabled or justified before the report passes (ASV Program Guide 7.2).", row.Reason)
	}
	return v
}

func decimal(tenths int) string { return fmt.Sprintf("%d.%d", tenths/10, tenths%10) }
