package report

import (
	"time"

	"github.com/vedette/vedette/internal/domain/vulnerability"
)

// Model is everything that the documents of one report say. The caller makes it, from the database or from a one-shot
// scan, calls Tally unless it knows the counts, and renders it as often as it likes; rendering never changes it. The
// service keeps it as JSON for as long as the report lives, so no field of it may change its name or meaning.
type Model struct {
	ID          string // of the report, on every page
	Title       string // what the scan is called
	Product     string // the plan or product it was made under
	GeneratedAt time.Time

	Brand       Brand
	Customer    Party
	ASV         Party  // whoever runs this installation
	Certificate string // of the PCI SSC; without one every page says that this is a pre-assessment
	Reviewer    string // who reviewed for the ASV
	Attested    Signature
	Signed      Signature // of the ASV

	Scan           Scan
	Components     []Component
	Findings       []vulnerability.Finding
	Exceptions     []Exception
	Notes          []Note
	SubmittedScope []string
	OutOfScope     []OutOfScope
	Verdict        Verdict
	Counts         Counts
}

// Brand is the look of whoever hands the documents over (white label).
type Brand struct {
	Name         string
	Logo         []byte // PNG or JPEG; anything else is left out
	PrimaryColor string // #rrggbb
	Footer       string
	CoverText    string
}

// Party is one of the two named on an attestation (ASV Program Guide, appendix A, parts A.1 and A.2).
type Party struct {
	Company, Contact, Title, Telephone, Email string
	Address, City, State, ZIP, Country, URL   string
}

// Signature under an attestation; an unset date is a line to sign on.
type Signature struct {
	Name, Title string
	Date        time.Time
}

// Scan is the run that the report is about.
type Scan struct {
	Name        string
	Profile     string
	Scanner     string
	StartedAt   time.Time
	FinishedAt  time.Time
	ExpiresAt   time.Time
	FeedVersion string
	Coverage    string // complete or inconclusive
	Full        bool   // of the whole scope; else partial
	Timezone    string // IANA name in which times are written; empty is UTC
}

// The words of a verdict, of a component or a whole scan.
const (
	Pass         = "pass"
	Fail         = "fail"
	Inconclusive = "inconclusive"
)

// Verdict is the result of the whole report.
type Verdict struct {
	Status string // pass, fail or inconclusive
	Reason string // in a sentence or two
}

// Component is one in-scope address.
type Component struct {
	Host          string
	Names         []string
	OS            string
	Status        string // pass, fail or inconclusive
	Interference  string // why inconclusive, in a sentence
	Authenticated string // of a login: authenticated, insufficient, failed, not capable; empty: none asked
	Services      []Service
	Counts        Counts
}

// Service is one port that is open.
type Service struct {
	Port     int
	Protocol string
	State    string
	Name     string
	Tunnel   string
	Product  string
	Version  string
	Note     string
}

// Counts of findings by severity (CVSS v3 rating), without those of certainty possible and those of an accepted
// exception.
type Counts struct {
	Critical, High, Medium, Low, Log int

	Failing     int // PCI status fail
	Noted       int // PCI status note
	Exploited   int // in CISA's catalogue of known exploited vulnerabilities
	Unconfirmed int // certainty possible
	Excepted    int // accepted exceptions
}

// Total of those that count.
func (c Counts) Total() int { return c.Critical + c.High + c.Medium + c.Low + c.Log }

// Exception is what was decided about one finding of one component (ASV Program Guide 7.7). Accepted ones no longer fail
// it, but stay in the report.
type Exception struct {
	Host     string
	Port     int
	Protocol string
	NVT      string
	Login    string
	Path     string

	Kind     string // false_positive, score, compensating_control, other
	State    string // submitted, accepted or rejected
	Text     string // what the customer says, or the control
	Decision string // what the reviewer says
	By       string
	Until    time.Time
}

// States of an exception.
const (
	Submitted = "submitted"
	Accepted  = "accepted"
	Rejected  = "rejected"
)

// Note is a special note to the scan customer (ASV Program Guide 7.2).
type Note struct {
	Host     string
	Port     int
	Protocol string
	Kind     string // one of NoteKinds
	Item     string // what was seen

	Declaration *Declaration // nil: not yet given
	Review      *Review      // nil: not yet reviewed
}

// Declaration is the customer's answer to a note.
type Declaration struct {
	Action       string // removed, disabled or justified
	BusinessNeed string
	Secure       string
	Controls     string
	Actions      string
	By           string
	At           time.Time
}

// Review is the reviewer's decision on a declaration.
type Review struct {
	By       string
	At       time.Time
	Accepted bool
	Comment  string
}

// OutOfScope is a component that was found, or named, and is not part of the scope.
type OutOfScope struct {
	Component string
	Reason    string
	By        string // who confirmed it
}

type findingKey struct {
	host                       string
	port                       int
	protocol, nvt, login, path string
}

func keyOf(f *vulnerability.Finding) findingKey {
	return findingKey{f.Host, f.Port, f.Protocol, f.NVT, f.Login, f.Path}
}

func (m *Model) exceptions() map[findingKey]*Exception {
	all := make(map[findingKey]*Exception, len(m.Exceptions))
	for i := range m.Exceptions {
		e := &m.Exceptions[i]
		all[findingKey{e.Host, e.Port, e.Protocol, e.NVT, e.Login, e.Path}] = e
	}
	return all
}

// Tally fills the counts of the model and of its components from findings and exceptions, and the special notes from
// findings where Notes is nil: nobody has declared any yet.
func (m *Model) Tally() {
	if m.Notes == nil {
		m.Notes = notesOf(m.Findings)
	}
	exceptions := m.exceptions()
	byHost := make(map[string]*Counts, len(m.Components))
	for i := range m.Components {
		m.Components[i].Counts = Counts{}
		byHost[m.Components[i].Host] = &m.Components[i].Counts
	}
	m.Counts = Counts{}
	for i := range m.Findings {
		f := &m.Findings[i]
		e := exceptions[keyOf(f)]
		m.Counts.add(f, e)
		if c := byHost[f.Host]; c != nil {
			c.add(f, e)
		}
	}
}

func (c *Counts) add(f *vulnerability.Finding, e *Exception) {
	switch {
	case f.Certainty == vulnerability.Possible:
		c.Unconfirmed++
		return
	case e != nil && e.State == Accepted:
		c.Excepted++
		return
	}
	switch rating(f.Severity) {
	case "Critical":
		c.Critical++
	case "High":
		c.High++
	case "Medium":
		c.Medium++
	case "Low":
		c.Low++
	default:
		c.Log++
	}
	switch f.PCI.Status {
	case "fail":
		c.Failing++
	case "note":
		c.Noted++
	}
	if f.KEV != nil && *f.KEV {
		c.Exploited++
	}
}
