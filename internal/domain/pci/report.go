package pci

import (
	"cmp"
	"slices"
	"time"
)

// Inconclusive is the status of a component or scan that could not be looked at fully: the attestation counts it as
// failed and says so (5.6, 7.6).
const Inconclusive = "inconclusive"

// Validity is how long a scan's result holds after its completion (requirement 11.3.2: once every three months), and how
// long an accepted dispute does (7.7).
const Validity = 90 // days

// Dispute is what a customer brought against a finding at a component, and what the reviewer said. It is kept with the
// finding; only the status changes.
type Dispute struct {
	Kind      string // false positive, disputed score, compensating control, …
	Accepted  bool
	DecidedAt time.Time
}

// Holds says whether a dispute counts at a moment: accepted, and decided in that quarterly period. Afterwards it is
// submitted and judged again (7.7, 7.8).
func (d Dispute) Holds(at time.Time) bool {
	return d.Accepted && !at.Before(d.DecidedAt) && days(d.DecidedAt, at) <= Validity
}

// Finding is one vulnerability with what stands against it.
type Finding struct {
	ID       string // of the caller; told back for notes
	Verdict  Verdict
	Dispute  *Dispute
	Declared *Declaration // of a special note
}

// Declaration is what a customer declares of a special note, and its review (7.2).
type Declaration struct {
	Removed        bool // or disabled
	BusinessNeed   string
	SecureHow      string // how it is secured: declaration, controls, actions taken
	ReviewedAt     time.Time
	ReviewAccepted bool
}

// Settled says whether the declaration is complete, reviewed and accepted.
func (d *Declaration) Settled() bool {
	return d != nil && d.ReviewAccepted && !d.ReviewedAt.IsZero() && (d.Removed || d.BusinessNeed != "" && d.SecureHow != "")
}

// Component is an IP address, name, virtual host or URL with its result.
type Component struct {
	Name          string
	OutOfScope    bool // declared by the customer with a reason; never counts, is counted
	Findings      []Finding
	Interference  string // blocking that reacted to the scan and was not resolved, in a sentence
	Filtered      bool   // every port was filtered
	Stopped       bool   // the host stopped answering midway
	NoServices    bool   // nothing is open
	ConfirmedIdle bool   // the customer confirmed that nothing should be open
	CompletedAt   time.Time
}

// ComponentResult is the verdict of a component.
type ComponentResult struct {
	Name    string
	Status  string // pass, fail or inconclusive
	Reason  string
	Failing int // vulnerabilities that fail, after accepted disputes
	Notes   int // special notes
	Open    int // special notes without a settled declaration
}

// Component fails with one failing vulnerability left after accepted disputes (6.3.1); a component that hid is
// inconclusive, never clean (5.6).
func (c Component) Result(at time.Time) ComponentResult {
	r := ComponentResult{Name: c.Name, Status: Pass, Reason: "No vulnerability fails."}
	for _, f := range c.Findings {
		if f.Verdict.Note != "" {
			r.Notes++
			if !f.Declared.Settled() {
				r.Open++
			}
		}
		if f.Verdict.Status == Fail && (f.Dispute == nil || !f.Dispute.Holds(at)) {
			r.Failing++
		}
	}
	switch {
	case r.Failing > 0:
		r.Status, r.Reason = Fail, "At least one vulnerability fails (ASV Program Guide 6.3.1)."
	case c.Interference != "":
		r.Status, r.Reason = Inconclusive, "The scan was interfered with and the interference is not resolved: "+c.Interference+" (ASV Program Guide 5.6)."
	case c.Filtered:
		r.Status, r.Reason = Inconclusive, "All ports are filtered: nothing could be looked at (ASV Program Guide 5.6)."
	case c.Stopped:
		r.Status, r.Reason = Inconclusive, "The host stopped answering during the scan (ASV Program Guide 5.6)."
	}
	return r
}

// ScanResult is the verdict of a scan, with the figures of the attestation (A.3).
type ScanResult struct {
	Status     string // pass, fail or inconclusive
	Components []ComponentResult
	InScope    int // unique components scanned in scope
	OutOfScope int
	Failing    int // failing vulnerabilities
	OpenNotes  int
}

// Technical is the attestation's word: what is inconclusive has failed.
func (r ScanResult) Technical() string {
	if r.Status == Pass {
		return Pass
	}
	return Fail
}

// Scan judges the components together: one failing component in scope fails it; components out of scope never count.
// A scan with nothing in scope proves nothing.
func Scan(components []Component, at time.Time) ScanResult {
	r := ScanResult{Status: Pass}
	inconclusive := false
	for _, c := range components {
		if c.OutOfScope {
			r.OutOfScope++
			continue
		}
		one := c.Result(at)
		r.InScope++
		r.Failing += one.Failing
		r.OpenNotes += one.Open
		r.Components = append(r.Components, one)
		switch one.Status {
		case Fail:
			r.Status = Fail
		case Inconclusive:
			inconclusive = true
		}
	}
	if r.Status == Pass && (inconclusive || r.InScope == 0) {
		r.Status = Inconclusive
	}
	return r
}

// Aggregate combines partial scans and rescans of a period into one: of each component the latest result counts (7.3,
// 7.4).
func Aggregate(scans ...[]Component) []Component {
	latest := map[string]Component{}
	for _, components := range scans {
		for _, c := range components {
			if have, ok := latest[c.Name]; !ok || !c.CompletedAt.Before(have.CompletedAt) {
				latest[c.Name] = c
			}
		}
	}
	out := make([]Component, 0, len(latest))
	for _, c := range latest {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Component) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// ReportInput is what the status of a report is formed from.
type ReportInput struct {
	Components       []Component
	InScope          []string // every component that the customer named; each must be covered
	CompletedAt      time.Time
	CustomerAttested bool
	ScopeSettled     bool // every gap of the scope was scanned or declared out of scope
	SignedOff        bool // by the reviewer
	OpenDisputes     int
}

// ReportResult is the status of a report.
type ReportResult struct {
	Scan      ScanResult
	Status    string   // pass or fail
	Obstacles []string // why it may not be issued; empty: it may
	ExpiresAt time.Time
}

// Report passes when the scan passes and every special note is declared and reviewed (7.2). It may be issued when, besides,
// the customer attested, the scope is settled, the reviewer signed, no dispute is open and it has not expired.
func Report(in ReportInput, at time.Time) ReportResult {
	r := ReportResult{Scan: Scan(in.Components, at), Status: Pass, ExpiresAt: Expires(in.CompletedAt)}
	covered := map[string]bool{}
	idle := false
	for _, c := range in.Components {
		covered[c.Name] = true
		idle = idle || !c.OutOfScope && c.NoServices && !c.ConfirmedIdle
	}
	missing := slices.ContainsFunc(in.InScope, func(name string) bool { return !covered[name] })
	if r.Scan.Status != Pass || r.Scan.OpenNotes > 0 || missing {
		r.Status = Fail
	}
	for _, o := range []struct {
		stands bool
		why    string
	}{
		{r.Scan.Status != Pass, "the scan has not passed"},
		{r.Scan.OpenNotes > 0, "a special note is not declared and reviewed"},
		{missing, "a component in scope was not scanned"},
		{idle, "a host without open services is not confirmed by the customer"},
		{!in.CustomerAttested, "the customer has not attested"},
		{!in.ScopeSettled, "gaps of the scope are not settled"},
		{in.OpenDisputes > 0, "a dispute is open"},
		{!in.SignedOff, "the reviewer has not signed"},
		{Expired(in.CompletedAt, at), "the scan has expired"},
	} {
		if o.stands {
			r.Obstacles = append(r.Obstacles, o.why)
		}
	}
	return r
}

// Expires is the last moment at which a result completed then is valid: the end of its ninetieth day.
func Expires(completed time.Time) time.Time {
	return completed.Add((Validity+1)*24*time.Hour - time.Millisecond)
}

// Expired says whether a result is too old: on day 90 it is valid, on day 91 it is not.
func Expired(completed, at time.Time) bool { return days(completed, at) > Validity }

func days(from, to time.Time) int { return int(to.Sub(from) / (24 * time.Hour)) }
