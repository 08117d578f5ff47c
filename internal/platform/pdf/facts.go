package pdf

// Fact is a label with its value.
type Fact struct {
	Label string
	Value string
	Tone  string // shows the value as a badge
	To    string // address or #anchor
	Mono  bool
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
}

const (
	factSize   = 8.8
	factPad    = 1.25
	factGap    = 8.0
	halfColumn = (bodyWidth - factGap) / 2
)

// Facts prints labels and values with a hair line under each row.
func (w *Writer) Facts(f Facts) {
	switch {
	case len(f.Groups) >= 2:
		w.factTitles(f.Groups[0], f.Groups[1])
		a, b := f.Groups[0].Items, f.Groups[1].Items
		for i := range max(len(a), len(b)) {
			w.factRow(at(a, i), at(b, i))
		}
	case len(f.Groups) == 1 && f.Columns >= 2:
		items := f.Groups[0].Items
		for i := 0; i < len(items); i += 2 {
			w.factRow(at(items, i), at(items, i+1))
		}
	case len(f.Groups) == 1:
		for i := range f.Groups[0].Items {
			w.wideFact(f.Groups[0].Items[i])
		}
	}
	w.y += 2.6
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

func (w *Writer) setFact(f *Fact, labelWidth, width float64) setFact {
	if f == nil {
		return setFact{}
	}
	s := setFact{Fact: f, style: regular}
	if f.Mono {
		s.style = mono
	}
	s.label = w.wrap(f.Label, regular, factSize-0.6, labelWidth-2)
	s.value = w.wrap(f.Value, s.style, w.factValueSize(s), width-labelWidth)
	s.height = float64(max(len(s.label), len(s.value)))*lineHeight(factSize) + 2*factPad
	return s
}

func (w *Writer) factValueSize(s setFact) float64 {
	if s.style == mono {
		return factSize - 0.8
	}
	return factSize
}

func (w *Writer) drawFact(s setFact, x, labelWidth, width float64) {
	if s.Fact == nil {
		return
	}
	y := w.y + factPad
	for _, l := range s.label {
		w.text(x, y+rise(factSize), l, regular, factSize-0.6, muted)
		y += lineHeight(factSize)
	}
	y = w.y + factPad
	at := x + labelWidth
	switch {
	case s.Tone != "" && s.Value != "":
		w.badge(at, y+(lineHeight(factSize)-badgeHeight)/2, w.cut(s.Value, bold, badgeSize, width-labelWidth-4), s.Tone)
		return
	case s.Value == "" && s.Blank:
		w.line(at, y+lineHeight(factSize)*0.86, x+width, y+lineHeight(factSize)*0.86, 0.25, faint)
		return
	}
	c := ink
	if s.To != "" && (s.To[0] == '#' || safeURL(s.To) != "") {
		c = linked
		w.link(at, y, width-labelWidth, s.height-2*factPad, s.To)
	}
	for _, l := range s.value {
		w.text(at, y+rise(factSize), l, s.style, w.factValueSize(s), c)
		y += lineHeight(factSize)
	}
}

func (w *Writer) factRow(a, b *Fact) {
	const labelWidth = 29.0
	left, right := w.setFact(a, labelWidth, halfColumn), w.setFact(b, labelWidth, halfColumn)
	h := max(left.height, right.height)
	if h > bodyEnd-top { // no page holds it: one after the other
		for _, f := range []*Fact{a, b} {
			if f != nil {
				w.wideFact(*f)
			}
		}
		return
	}
	w.need(h)
	w.drawFact(left, margin, labelWidth, halfColumn)
	w.drawFact(right, margin+halfColumn+factGap, labelWidth, halfColumn)
	w.y += h
	if a != nil {
		w.line(margin, w.y, margin+halfColumn, w.y, 0.15, rule)
	}
	if b != nil {
		w.line(margin+halfColumn+factGap, w.y, pageWidth-margin, w.y, 0.15, rule)
	}
}

func (w *Writer) wideFact(f Fact) {
	const labelWidth = 38.0
	s := w.setFact(&f, labelWidth, bodyWidth)
	if s.height <= bodyEnd-top {
		w.need(s.height)
		w.drawFact(s, margin, labelWidth, bodyWidth)
		w.y += s.height
	} else {
		w.need(4 * lineHeight(factSize))
		w.label(f.Label)
		w.flow(w.wrap(f.Value, s.style, factSize-0.8, bodyWidth), margin, s.style, factSize-0.8, ink)
	}
	w.line(margin, w.y, pageWidth-margin, w.y, 0.15, rule)
}
