package report

import (
	"slices"
	"strconv"
	"strings"
)

// attestation is appendix A of the ASV Program Guide: the Attestation of Scan Compliance.
func attestation(m *Model) Document {
	d := m.document("Attestation of Scan Compliance")
	d.Body = func(emit Emit) {
		emit.heading(1, "Attestation of Scan Compliance", "")
		card := m.result()
		card.Small = true
		emit(Block{Result: card})
		emit.pair(
			FactGroup{"A.1  Scan customer", party(m.Customer)},
			FactGroup{"A.2  " + m.vendorTitle(), party(m.ASV)})
		m.scanStatus(emit)
		m.customerAttestation(emit)
		m.vendorAttestation(emit)
	}
	return d
}

func (m *Model) vendorTitle() string {
	if m.Certificate == "" {
		return "Scan vendor (not an ASV attestation)"
	}
	return "Approved Scanning Vendor"
}

func party(p Party) []Fact {
	facts := []Fact{
		{Label: "Company", Value: p.Company}, {Label: "Contact", Value: p.Contact}, {Label: "Title", Value: p.Title},
		{Label: "Telephone", Value: p.Telephone}, {Label: "E-mail", Value: p.Email, To: mailTo(p.Email)}, {Label: "Address", Value: p.Address},
		{Label: "City", Value: p.City}, {Label: "State / Province", Value: p.State}, {Label: "ZIP / Postal code", Value: p.ZIP},
		{Label: "Country", Value: p.Country}, {Label: "URL", Value: p.URL, To: p.URL},
	}
	for i := range facts {
		facts[i].Value = or(facts[i].Value, "–")
	}
	return facts
}

func mailTo(address string) string {
	if address == "" {
		return ""
	}
	return "mailto:" + address
}

func (m *Model) result() *Result {
	return &Result{Word: statusWord(m.Verdict.Status), Tone: statusTone(m.Verdict.Status), Reason: m.Verdict.Reason}
}

// reportStatus names an inconclusive scan a failed one, as it is (5.6, 7.6).
func (m *Model) reportStatus() string {
	if m.Verdict.Status == Inconclusive {
		return "Fail – inconclusive"
	}
	return statusWord(m.Verdict.Status)
}

func (m *Model) scope() string {
	if m.Scan.Full {
		return "Full scan"
	}
	return "Partial scan"
}

func (m *Model) scanStatus(emit Emit) {
	emit.heading(2, "A.3  Scan status", "")
	emit.dense(
		Fact{Label: "Scan completed", Value: or(m.day(m.Scan.FinishedAt), "–")},
		Fact{Label: "Scan expires", Value: or(m.day(m.Scan.ExpiresAt), "–")},
		Fact{Label: "Compliance status", Value: m.reportStatus(), Tone: statusTone(m.Verdict.Status)},
		Fact{Label: "Scan report type", Value: m.scope()},
		Fact{Label: "In-scope components scanned", Value: strconv.Itoa(len(m.Components))},
		Fact{Label: "Failing vulnerabilities", Value: strconv.Itoa(m.Counts.Failing)},
		Fact{Label: "Found, confirmed out of scope", Value: strconv.Itoa(len(m.OutOfScope))},
		Fact{Label: "Report", Value: or(m.ID, "–"), Mono: true})
}

func (m *Model) customerAttestation(emit Emit) {
	emit.heading(2, "A.4  Scan customer attestation", "")
	emit.small(or(m.Customer.Company, "The scan customer") + " attests for the scan completed on " + or(m.day(m.Scan.FinishedAt), "the date above") + " that:")
	emit(Block{List: &List{Numbered: true, Small: true, Items: []string{
		"the scope of the scan is right and holds every component that must be scanned under PCI DSS, and every component left out of it is properly kept apart from the cardholder data environment by segmentation;",
		"all evidence handed in to settle scan exceptions and special notes is accurate and complete;",
		"it knows that it alone answers for the scope and for its compliance with PCI DSS, and that this scan covers the external vulnerability scanning requirement only and proves nothing about the others.",
	}}})
	emit.dense(m.signature(m.Attested)...)
}

func (m *Model) signature(s Signature) []Fact {
	return []Fact{
		{Label: "Name", Value: s.Name, Blank: true}, {Label: "Title", Value: s.Title, Blank: true},
		{Label: "Date", Value: m.day(s.Date), Blank: true}, {Label: "Signature", Blank: true},
	}
}

func (m *Model) vendorAttestation(emit Emit) {
	emit.heading(2, "A.5  "+m.vendorHeading(), "")
	if m.Certificate == "" {
		emit.callout(Inconclusive, "This is a pre-assessment and not an ASV attestation",
			"No certificate number of an Approved Scanning Vendor is configured for this installation. The scan was judged by the rules of the ASV Program Guide and shows where you stand, "+
				"but only a company listed by the PCI Security Standards Council may issue an attestation. Do not submit this document to an acquirer or a payment brand as proof of compliance.")
		return
	}
	emit.small(or(m.ASV.Company, "The scan vendor") + " prepared this scan and its report under certificate number " + m.Certificate +
		", by internal processes that meet PCI DSS requirement 11.3.2 and the ASV Program Guide. They include a review of the scope for gaps and of interference, a review of every exception and declaration, and quality assurance of the result.")
	emit.dense(append([]Fact{
		{Label: "ASV company", Value: or(m.ASV.Company, "–")}, {Label: "Certificate number", Value: m.Certificate},
		{Label: "Reviewed by", Value: m.Reviewer, Blank: true}, {Label: "Status", Value: m.reportStatus(), Tone: statusTone(m.Verdict.Status)},
	}, m.signature(m.Signed)...)...)
}

func (m *Model) vendorHeading() string {
	if m.Certificate == "" {
		return "Scan vendor"
	}
	return "ASV attestation"
}

// document is what all documents of a report share.
func (m *Model) document(kind string) Document {
	footer := m.Brand.Footer
	if m.ID != "" {
		footer = strings.TrimPrefix(footer+" · Report "+m.ID, " · ")
	}
	brand := m.Brand
	brand.Name = or(brand.Name, or(m.ASV.Company, "Vedette"))
	return Document{
		Title: kind + prefixed(" – ", or(m.Title, m.Scan.Name)), Subject: kind, Author: brand.Name, Brand: brand,
		Running: kind + prefixed(" · ", or(m.Customer.Company, or(m.Title, m.Scan.Name))), Footer: footer, Mark: m.mark(), Created: m.GeneratedAt,
	}
}

func (m *Model) cover(kind string) *Cover {
	return &Cover{
		Title: kind, Subtitle: or(m.Customer.Company, or(m.Title, m.Scan.Name)), Result: *m.result(), Tiles: m.severityTiles(),
		Facts: filled([]Fact{
			{Label: "Scan", Value: or(m.Title, m.Scan.Name)}, {Label: "Report", Value: m.ID, Mono: true},
			{Label: "Scan completed", Value: m.moment(m.Scan.FinishedAt)}, {Label: "Valid until", Value: m.day(m.Scan.ExpiresAt)},
			{Label: "Components", Value: strconv.Itoa(len(m.Components))}, {Label: "Failing findings", Value: strconv.Itoa(m.Counts.Failing)},
			{Label: "Coverage", Value: m.scope() + ", " + or(m.Scan.Coverage, "complete")}, {Label: "Product", Value: m.Product},
		}),
		Notice: m.notice(),
	}
}

// filled leaves out what has no value.
func filled(facts []Fact) []Fact {
	return slices.DeleteFunc(facts, func(f Fact) bool { return f.Value == "" })
}

func (m *Model) notice() string {
	s := "Confidential. This document describes weaknesses of the named systems; share it only with those who need it."
	if m.Certificate == "" {
		s += " " + PreAssessment + ": no ASV certificate number is configured for this installation."
	}
	if m.Brand.CoverText != "" {
		s = m.Brand.CoverText + "\n" + s
	}
	return s
}
