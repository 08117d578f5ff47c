package pdf

// Fact is a label with its value.
type Fact struct {
	Label string
	Value string
	Tone  string // shows the value as a badge
	To    string // address or #anchor
	Mono  bool
	Wide  bool // takes both columns
	Blank bool // an empty value is a line to write on
}

// FactGroup is a list of facts under a title, which may be empty.
type FactGroup struct {
	Title string
	Items []Fact
}

// Facts are groups of facts: two stand side by side, one fills the width in one or two columns.
type Facts struct {
	Groups  []FactGroup
	Columns int
	Dense   bool // less air
}

const (
	factSize   = 8.8
	factGap    = 8.0
	halfColumn = (bodyWidth - factGap) / 2
)

// Facts prints labels and values with a hair line under each row.
func (w *Writer) Facts(f Facts) {
	if len(f.Groups) == 0 {
		return
	}
	set := factSet{pad: 1.25}
	if f.Dense {
		set.pad = 0.72
	}
	a, b := f.Groups[0], FactGroup{}
	if len(f.Groups) >= 2 {
		b = f.Groups[1]
	}
	set.label = w.labelWidth(append(a.Items[:len(a.Items):len(a.Items)], b.Items...), 22, 50)
	rows := pairs(a.Items, b.Items)
	if len(f.Groups) == 1 {
		rows = deal(a.Items, f.Columns)
	}
	w.factTitles(a, b)
	w.keepFacts(rows, set)
	for _, r := range rows {
		w.factRow(r, set)
	}
	w.gap(2.8)
}

// factPair is a row of facts; the right one may be missing.
type factPair struct{ left, right *Fact }

// pairs puts two lists side by side.
func pairs(a, b []Fact) (rows []factPair) {
	for i := range max(len(a), len(b)) {
		rows = append(rows, factPair{at(a, i), at(b, i)})
	}
	return rows
}

// deal lays a list out row by row in one or two columns.
func deal(items []Fact, columns int) (rows []factPair) {
	for i := range items {
		f := items[i]
		f.Wide = f.Wide || columns < 2
		n := len(rows)
		if f.Wide || n == 0 || rows[n-1].right != nil || rows[n-1].left.Wide {
			rows = append(rows, factPair{left: &f})
		} else {
			rows[n-1].right = &f
		}
	}
	return rows
}

// factSet is what the facts of one block share.
type factSet struct {
	label float64 // width of the labels
	pad   float64
}

// labelWidth is as wide as the widest label, between two bounds.
func (w *Writer) labelWidth(items []Fact, least, most float64) float64 {
	for _, f := range items {
		least = max(least, w.measure(clean(f.Label), regular, factSize-0.6)+3)
	}
	return min(least, most)
}

// keepFacts moves a short block to the next page rather than tear it.
func (w *Writer) keepFacts(rows []factPair, set factSet) {
	if len(rows) > 12 {
		return
	}
	h := 0.0
	for _, r := range rows {
		_, _, height := w.setPair(r, set)
		h += height
	}
	if h < 80 {
		w.need(h)
	}
}

func at(items []Fact, i int) *Fact {
	if i < len(items) {
		return &items[i]
	}
	return nil
}

func (w *Writer) factTitles(a, b FactGroup) {
	if a.Title == "" && b.Title == "" {
		return
	}
	w.need(20)
	w.text(margin, w.y+rise(9.5), w.cut(a.Title, bold, 9.5, halfColumn), bold, 9.5, w.primary)
	w.text(margin+halfColumn+factGap, w.y+rise(9.5), w.cut(b.Title, bold, 9.5, halfColumn), bold, 9.5, w.primary)
	w.y += 5.6
	w.line(margin, w.y, margin+halfColumn, w.y, 0.35, w.primary)
	w.line(margin+halfColumn+factGap, w.y, pageWidth-margin, w.y, 0.35, w.primary)
	w.y += 0.4
}

// setFact is one fact, measured.
type setFact struct {
	*Fact
	label, value []string
	style        style
	height       float64
}

func (w *Writer) setFact(f *Fact, set factSet, width float64) setFact {
	if f == nil {
		return setFact{}
	}
	s := setFact{Fact: f, style: regular}
	if f.Mono {
		s.style = mono
	}
	s.label = w.wrap(f.Label, regular, factSize-0.6, set.label-2)
	s.value = w.wrap(f.Value, s.style, w.factValueSize(s), width-set.label)
	s.height = float64(max(len(s.label), len(s.value)))*lineHeight(factSize) + 2*set.pad
	return s
}

func (w *Writer) factValueSize(s setFact) float64 {
	if s.style == mono {
		return factSize - 0.8
	}
	return factSize
}

func (w *Writer) drawFact(s setFact, x, width float64, set factSet) {
	if s.Fact == nil {
		return
	}
	y := w.y + set.pad
	for _, l := range s.label {
		w.text(x, y+rise(factSize), l, regular, factSize-0.6, muted)
		y += lineHeight(factSize)
	}
	y = w.y + set.pad
	at := x + set.label
	switch {
	case s.Tone != "" && s.Value != "":
		w.badge(at, y+(lineHeight(factSize)-badgeHeight)/2, w.cut(s.Value, bold, badgeSize, width-set.label-4), s.Tone)
		return
	case s.Value == "" && s.Blank:
		w.line(at, y+lineHeight(factSize)*0.86, x+width, y+lineHeight(factSize)*0.86, 0.25, faint)
		return
	}
	c := ink
	if s.To != "" && (s.To[0] == '#' || safeURL(s.To) != "") {
		c = linked
		w.link(at, y, width-set.label, s.height-2*set.pad, s.To)
	}
	for _, l := range s.value {
		w.text(at, y+rise(factSize), l, s.style, w.factValueSize(s), c)
		y += lineHeight(factSize)
	}
}

func (r factPair) width() float64 {
	if r.left != nil && r.left.Wide {
		return bodyWidth
	}
	return halfColumn
}

func (w *Writer) setPair(r factPair, set factSet) (left, right setFact, height float64) {
	left, right = w.setFact(r.left, set, r.width()), w.setFact(r.right, set, halfColumn)
	return left, right, max(left.height, right.height)
}

func (w *Writer) factRow(r factPair, set factSet) {
	left, right, h := w.setPair(r, set)
	if h > bodyEnd-top { // no page holds it
		w.longFact(left)
		w.longFact(right)
		return
	}
	w.need(h)
	w.drawFact(left, margin, r.width(), set)
	w.drawFact(right, margin+halfColumn+factGap, halfColumn, set)
	w.y += h
	if r.left != nil {
		w.line(margin, w.y, margin+r.width(), w.y, 0.15, rule)
	}
	if r.right != nil {
		w.line(margin+halfColumn+factGap, w.y, pageWidth-margin, w.y, 0.15, rule)
	}
}

// longFact prints a value that needs more than a page.
func (w *Writer) longFact(s setFact) {
	if s.Fact == nil {
		return
	}
	w.need(4 * lineHeight(factSize))
	w.label(s.Label)
	w.flow(w.wrap(s.Value, s.style, factSize-0.8, bodyWidth), margin, s.style, factSize-0.8, ink)
}
