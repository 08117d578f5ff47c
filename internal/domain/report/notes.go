package report

import (
	"cmp"
	"slices"

	"github.com/vedette/vedette/internal/domain/pci"
	"github.com/vedette/vedette/internal/domain/vulnerability"
)

// NoteKind is a kind of special note to the scan customer (ASV Program Guide 7.2), with what it asks in our words.
type NoteKind struct {
	Kind    string
	Subject string // what package pci calls it
	Title   string
	Text    string
}

// NoteKinds in the order of the Guide. A note of another kind is shown with its own words.
var NoteKinds = []NoteKind{
	{"remote_access", "Remote access software", "Remote access software",
		"Software that lets people reach this component from elsewhere was seen from the Internet. Stolen or guessed logins of such software are a common way into card-data environments. " +
			"Tell us why the business needs it and confirm that it is set up securely (strong authentication with more than one factor, access limited to those who need it, patched), or that it has been removed or disabled."},
	{"point_of_sale", "Point-of-sale software", "Point-of-sale software",
		"A point-of-sale application was seen from the Internet, where it is exposed to everyone. " +
			"Tell us why it must be reachable and confirm that it is set up securely, or that it has been removed or disabled."},
	{"directory_browsing", "Directory browsing", "Browsing of directories on web servers",
		"The web server lists the contents of a directory. Such lists show files that were never meant to be found. " +
			"Confirm that everything in the listed places is public on purpose and tell us why the listing is needed, or that it has been switched off."},
	{"embedded_code", "Embedded links or code from out-of-scope domains", "Embedded links or code from other domains",
		"Pages load code or content from domains outside your control. If such a domain is taken over, its code runs in the browsers of your customers. " +
			"Confirm that each source was obtained from a trusted place, is needed, and has been put in securely, or that it has been removed."},
	{"insecure_service", "Insecure services", "Insecure services",
		"A service speaks a protocol that sends data, often also passwords, unencrypted, or that is known to be weak by design. " +
			"Tell us why the business needs it and which controls make up for its weakness, or that it has been removed or disabled."},
	{"unknown_service", "Unknown services", "Unknown services",
		"A port is open and answers, but what listens there could not be identified, so it could not be judged. " +
			"Find out what it is, tell us what it serves and confirm that it is set up securely, or that it has been removed or disabled."},
	{"anonymous_key_exchange", "Anonymous key exchange", "Anonymous key exchange",
		"The service offers key exchange without proof of identity, which lets anyone on the way pose as the server. " +
			"Tell us why the business needs it and which controls make up for it, or that it has been disabled."},
	{"payment_page_script", "Payment-page scripts", "Scripts on payment pages",
		"Scripts run on pages on which card data is entered, or that lead there. A changed script can copy card data unseen. " +
			"Confirm that each script is authorized, needed and protected against change, or that it has been removed."},
	{"load_balancer", "Load balancers not shown to be in step", "Load balancers",
		"Several servers seem to answer behind one address, so the scan may have seen only some of them. " +
			"Confirm that all of them are configured alike and kept in step, or have each scanned by itself."},
}

func noteKind(kind string) NoteKind {
	for _, k := range NoteKinds {
		if k.Kind == kind || k.Subject == kind {
			return k
		}
	}
	return NoteKind{Kind: kind, Title: or(kind, "Note"), Text: "Review what was seen and confirm that it is needed and set up securely, or that it has been removed or disabled."}
}

// notesOf are the special notes that findings give rise to, also those that fail by their score; one for each kind on
// each port, none yet declared.
func notesOf(findings []vulnerability.Finding) []Note {
	type place struct {
		host     string
		port     int
		protocol string
		kind     string
	}
	notes, at := []Note{}, map[place]int{}
	for i := range findings {
		f := &findings[i]
		row, ok := pci.Lookup(f.Class)
		if !ok || row.Rule != pci.RuleNote || f.Certainty == vulnerability.Possible {
			continue
		}
		p := place{f.Host, f.Port, f.Protocol, noteKind(row.Subject).Kind}
		item := or(f.Name, f.NVT)
		if f.Path != "" {
			item += " (" + f.Path + ")"
		}
		if j, seen := at[p]; seen {
			notes[j].Item += "\n" + item
			continue
		}
		at[p] = len(notes)
		notes = append(notes, Note{Host: p.host, Port: p.port, Protocol: p.protocol, Kind: p.kind, Item: item})
	}
	slices.SortStableFunc(notes, compareNotes)
	return notes
}

func compareNotes(a, b Note) int {
	return cmp.Or(compareHosts(a.Host, b.Host), cmp.Compare(a.Port, b.Port), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Kind, b.Kind))
}

// settled says whether nothing more is asked about a note.
func (n *Note) settled() bool { return n.Declaration != nil && n.Review != nil && n.Review.Accepted }

func (n *Note) state() (word string, tone Tone) {
	switch {
	case n.Declaration == nil:
		return "Open", Fail
	case n.Review == nil:
		return "In review", Inconclusive
	case n.Review.Accepted:
		return "Accepted", Pass
	}
	return "Rejected", Fail
}

// words of the customer's declaration, for a cell.
func (n *Note) words(m *Model) string {
	d := n.Declaration
	if d == nil {
		return "Awaiting the customer's declaration"
	}
	var s string
	switch d.Action {
	case "removed":
		s = "The customer declares that it was removed."
	case "disabled":
		s = "The customer declares that it was disabled."
	default:
		s = "Needed: " + or(d.BusinessNeed, "no reason given")
		for _, part := range []struct{ label, text string }{{"Secured: ", d.Secure}, {"Controls: ", d.Controls}, {"Actions: ", d.Actions}} {
			if part.text != "" {
				s += "\n" + part.label + part.text
			}
		}
	}
	if d.By != "" {
		s += "\n" + d.By
		if !d.At.IsZero() {
			s += ", " + m.day(d.At)
		}
	}
	if n.Review != nil && n.Review.Comment != "" {
		s += "\nReviewer: " + n.Review.Comment
	}
	return s
}
