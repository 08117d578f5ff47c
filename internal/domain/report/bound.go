package report

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/vedette/vedette/internal/domain/vulnerability"
)

// Most of each that a document for people lists: more of them nobody reads, and no reader opens. What
// is left out is said, and stands in the files for programs, which list all.
const (
	mostFindings   = 5000
	mostComponents = 5000
	mostNotes      = 5000
	mostFixes      = 1000
	mostSolved     = 1000 // findings of one fix
)

// listed are the components that a document lists: all, or those that do not pass before the others.
func (m *Model) listed() []*Component {
	all := m.components()
	if len(all) <= mostComponents {
		return all
	}
	slices.SortStableFunc(all, func(a, b *Component) int { return cmp.Compare(verdictRank(a.Status), verdictRank(b.Status)) })
	return all[:mostComponents]
}

func verdictRank(status string) int {
	switch status {
	case Fail:
		return 0
	case Inconclusive:
		return 1
	}
	return 2
}

// listedFindings are the first of a list, worst first.
func listedFindings(list []*vulnerability.Finding) []*vulnerability.Finding {
	return list[:min(len(list), mostFindings)]
}

// leftOut says what a list leaves out, and where it stands.
func (e Emit) leftOut(listed, all int, what, files string) {
	if listed < all {
		e.callout("note", strconv.Itoa(listed)+" of "+strconv.Itoa(all)+" "+what+" are listed here",
			"The rest would make this document too long to be opened. All of them stand in the "+files+" of this report; the figures of this document count all of them.")
	}
}

// Where all of a list stands.
const (
	dataFiles    = "JSON and XML files"
	findingFiles = "CSV, JSON and XML files of the detailed report"
	fixFiles     = "workbook (XLSX)"
)
