// Package report says what was found, to people: one report of a finished scan, handed over as several documents. The
// attestation states the PCI result, the executive summary tells it to those who answer for it, the details show every
// vulnerability and service with its evidence, and the remediation plan orders the work by fix. (ASV Program Guide,
// appendices A to C.)
//
// A report belongs to the organization whose scan it is. Deleting it hides it and ends its download; the files stay
// until their retention ends, and an issued report never changes.
//
// Everything that a document says is in a Model, a pure value; Render turns it into a file with no database and no
// clock, so the same Model gives the same file, in the service as in a one-shot scan. In between stands a Document,
// blocks that know nothing of PDF or HTML.
package report

import (
	"encoding/json"
	"time"
)

// Tone is the meaning that colours something: critical, high, medium, low, info, pass, fail, inconclusive, note, or
// empty for none.
type Tone = string

// Document is what one file says, apart from how it looks. Body gives its blocks in order, each time anew, so that a
// long document never stands in memory at once.
type Document struct {
	Title    string          `json:"title"`
	Subject  string          `json:"subject"`
	Author   string          `json:"author"`
	Brand    Brand           `json:"-"`
	Running  string          `json:"running"` // at the top of every page
	Footer   string          `json:"footer"`  // at the foot of every page
	Mark     string          `json:"mark,omitempty"`
	Created  time.Time       `json:"created"`
	Cover    *Cover          `json:"cover,omitempty"`
	Contents bool            `json:"contents,omitempty"`
	Body     func(emit Emit) `json:"-"`
}

// Emit takes the next block.
type Emit func(Block)

// MarshalJSON shows the document with its body as a list of blocks.
func (d Document) MarshalJSON() ([]byte, error) {
	type head Document
	all := struct {
		head
		Blocks []Block `json:"blocks"`
	}{head: head(d)}
	d.Body(func(b Block) { all.Blocks = append(all.Blocks, b) })
	return json.Marshal(all)
}

// Cover is the front page.
type Cover struct {
	Title    string `json:"title"`
	Subtitle string `json:"subtitle"`
	Result   Result `json:"result"`
	Tiles    []Tile `json:"tiles"`
	Facts    []Fact `json:"facts"`
	Notice   string `json:"notice"`
}

// Block is one piece of the body. Exactly one field is set.
type Block struct {
	Heading   *Heading   `json:"heading,omitempty"`
	Paragraph *Paragraph `json:"paragraph,omitempty"`
	Facts     *Facts     `json:"facts,omitempty"`
	Table     *Table     `json:"table,omitempty"`
	List      *List      `json:"list,omitempty"`
	Callout   *Callout   `json:"callout,omitempty"`
	Code      *Code      `json:"code,omitempty"`
	Tiles     []Tile     `json:"tiles,omitempty"`
	Charts    []Chart    `json:"charts,omitempty"`
	Result    *Result    `json:"result,omitempty"`
	Break     bool       `json:"break,omitempty"` // a new page, where there are pages
}

// Heading begins a section; with a tone it heads an item such as a finding.
type Heading struct {
	Level  int     `json:"level"` // 1 to 3
	Text   string  `json:"text"`
	Sub    string  `json:"sub,omitempty"` // in small print below
	Anchor string  `json:"anchor,omitempty"`
	Tone   Tone    `json:"tone,omitempty"`
	Badges []Badge `json:"badges,omitempty"`
	Quiet  bool    `json:"quiet,omitempty"` // not in the contents
}

// Badge is a short word on a coloured ground.
type Badge struct {
	Text string `json:"text"`
	Tone Tone   `json:"tone"`
}

// Paragraph is running text; To is an address or #anchor that it leads to.
type Paragraph struct {
	Text  string `json:"text"`
	Label string `json:"label,omitempty"`
	Small bool   `json:"small,omitempty"`
	To    string `json:"to,omitempty"`
}

// Fact is a label with its value; a tone shows the value as a badge, Blank makes an empty one a line to write on.
type Fact struct {
	Label string `json:"label"`
	Value string `json:"value"`
	Tone  Tone   `json:"tone,omitempty"`
	To    string `json:"to,omitempty"`
	Mono  bool   `json:"mono,omitempty"`
	Wide  bool   `json:"wide,omitempty"` // over all columns
	Blank bool   `json:"blank,omitempty"`
}

// FactGroup is a list of facts with a title, which may be empty.
type FactGroup struct {
	Title string `json:"title,omitempty"`
	Items []Fact `json:"items"`
}

// Facts are one group over the width, in Columns columns, or two groups side by side.
type Facts struct {
	Groups  []FactGroup `json:"groups"`
	Columns int         `json:"columns,omitempty"`
	Dense   bool        `json:"dense,omitempty"`
}

// Column of a table; weights share the width.
type Column struct {
	Title  string  `json:"title"`
	Weight float64 `json:"weight"`
	Right  bool    `json:"right,omitempty"`
}

// Cell of a table. Sub is a second, smaller text; a tone shows the text as a badge; To is an address or #anchor.
type Cell struct {
	Text string `json:"text"`
	Sub  string `json:"sub,omitempty"`
	Tone Tone   `json:"tone,omitempty"`
	Mono bool   `json:"mono,omitempty"`
	Bold bool   `json:"bold,omitempty"`
	To   string `json:"to,omitempty"`
}

// Table with a header; Empty is said where there are no rows.
type Table struct {
	Caption string   `json:"caption"` // for screen readers
	Columns []Column `json:"columns"`
	Rows    [][]Cell `json:"rows"`
	Empty   string   `json:"empty,omitempty"`
}

// List of short texts; Links makes addresses of them.
type List struct {
	Items    []string `json:"items"`
	Numbered bool     `json:"numbered,omitempty"`
	Links    bool     `json:"links,omitempty"`
	Small    bool     `json:"small,omitempty"`
}

// Callout is a text that must not be missed.
type Callout struct {
	Tone  Tone   `json:"tone"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Code is text of a machine, as it was; after Lines lines it is cut with a note (0: 40).
type Code struct {
	Label string `json:"label,omitempty"`
	Text  string `json:"text"`
	Lines int    `json:"lines,omitempty"`
}

// Tile is one figure worth a look.
type Tile struct {
	Value string `json:"value"`
	Label string `json:"label"`
	Tone  Tone   `json:"tone,omitempty"`
}

// Share is one part of a whole.
type Share struct {
	Label string `json:"label"`
	Value int    `json:"value"`
	Tone  Tone   `json:"tone"`
}

// Bar is one line of a bar chart.
type Bar struct {
	Label  string  `json:"label"`
	Shares []Share `json:"shares"`
}

// Chart is a donut of shares, or bars that share one scale.
type Chart struct {
	Title  string  `json:"title"`
	Donut  []Share `json:"donut,omitempty"`
	Centre string  `json:"centre,omitempty"`
	Bars   []Bar   `json:"bars,omitempty"`
}

// Result is the verdict as a card.
type Result struct {
	Word   string `json:"word"`
	Tone   Tone   `json:"tone"`
	Reason string `json:"reason"`
	Small  bool   `json:"small,omitempty"`
}

// Short hands for those who write documents.

func (e Emit) heading(level int, text, anchor string) {
	e(Block{Heading: &Heading{Level: level, Text: text, Anchor: anchor}})
}

func (e Emit) text(s string) { e(Block{Paragraph: &Paragraph{Text: s}}) }

func (e Emit) small(s string) { e(Block{Paragraph: &Paragraph{Text: s, Small: true}}) }

// labelled leaves out what is empty.
func (e Emit) labelled(label, s string) {
	if s != "" {
		e(Block{Paragraph: &Paragraph{Label: label, Text: s}})
	}
}

func (e Emit) facts(columns int, items ...Fact) {
	e(Block{Facts: &Facts{Groups: []FactGroup{{Items: items}}, Columns: columns}})
}

// dense is facts in two columns with less air.
func (e Emit) dense(items ...Fact) {
	e(Block{Facts: &Facts{Groups: []FactGroup{{Items: items}}, Columns: 2, Dense: true}})
}

func (e Emit) pair(a, b FactGroup) {
	e(Block{Facts: &Facts{Groups: []FactGroup{a, b}, Dense: true}})
}

func (e Emit) callout(tone Tone, title, text string) {
	e(Block{Callout: &Callout{Tone: tone, Title: title, Text: text}})
}

func (e Emit) table(t Table) { e(Block{Table: &t}) }
