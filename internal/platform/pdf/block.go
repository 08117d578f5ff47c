package pdf

// Paragraph is running text.
type Paragraph struct {
	Text  string
	Label string // a small heading run in above it
	Small bool
	To    string // address or #anchor that the whole text leads to
}

// Paragraph prints running text.
func (w *Writer) Paragraph(p Paragraph) {
	size, c := 9.5, ink
	if p.Small {
		size, c = 8.2, muted
	}
	if p.To != "" {
		c = linked
	}
	lines := w.wrap(p.Text, regular, size, bodyWidth)
	least := lineHeight(size) * float64(min(len(lines), 2))
	if p.Label != "" {
		least += labelHeight
	}
	w.need(least)
	w.label(p.Label)
	if p.To != "" {
		w.link(margin, w.y, bodyWidth, min(lineHeight(size)*float64(len(lines)), w.room()), p.To)
	}
	w.flow(lines, margin, regular, size, c)
	w.gap(2.2)
}

const labelHeight = 5.0

func (w *Writer) label(s string) {
	if s == "" {
		return
	}
	w.text(margin, w.y+rise(8), w.cut(s, bold, 8, bodyWidth), bold, 8, muted)
	w.y += labelHeight
}

// List prints short texts with bullets, or with numbers.
type List struct {
	Items    []string
	Numbered bool
	Links    bool // items are addresses and lead there
	Small    bool
}

// List prints a list.
func (w *Writer) List(l List) {
	size := 9.5
	if l.Small {
		size = 8.2
	}
	w.keepList(l.Items, size)
	for i, item := range l.Items {
		lines := w.wrap(item, regular, size, bodyWidth-6)
		h := lineHeight(size)
		w.need(h * float64(min(len(lines), 2)))
		if l.Numbered {
			w.text(margin, w.y+rise(size), itoa(i+1)+".", bold, size, muted)
		} else {
			w.fill(muted)
			w.f.Circle(margin+1.4, w.y+h*0.5, 0.6, "F")
		}
		c := ink
		if l.Links && safeURL(item) != "" {
			c = linked
			w.link(margin+6, w.y, bodyWidth-6, min(h*float64(len(lines)), w.room()), item)
		}
		w.flow(lines, margin+6, regular, size, c)
		w.y += 0.7
	}
	w.gap(2)
}

// keepList moves a short list to the next page rather than tear it.
func (w *Writer) keepList(items []string, size float64) {
	if len(items) > 12 {
		return
	}
	n := 0
	for _, item := range items {
		n += len(w.wrap(item, regular, size, bodyWidth-6))
	}
	if h := float64(n)*lineHeight(size) + 0.7*float64(len(items)); h < 60 {
		w.need(h)
	}
}

// Callout is a text that must not be missed.
type Callout struct {
	Tone  string
	Title string
	Text  string
}

// Callout prints a tinted panel.
func (w *Writer) Callout(c Callout) {
	t := toneOf(c.Tone)
	var lines []panelLine
	for _, l := range w.wrap(c.Title, bold, 9.5, bodyWidth-11) {
		if l != "" {
			lines = append(lines, panelLine{l, bold, 9.5, t.strong})
		}
	}
	for _, l := range w.wrap(c.Text, regular, 9.2, bodyWidth-11) {
		if l != "" {
			lines = append(lines, panelLine{l, regular, 9.2, ink})
		}
	}
	w.panel(lines, t.soft, &t.strong, 5.5, 2.6, 12)
	w.gap(3)
}

// Code is text of a machine, shown as it was.
type Code struct {
	Label string
	Text  string
	Lines int // at most so many are shown; 0: 40
}

// Code prints monospaced text on a panel, wrapped, and cut with a note when it is long.
func (w *Writer) Code(c Code) {
	const size = 7.6
	if c.Lines == 0 {
		c.Lines = 40
	}
	wrapped := w.wrap(c.Text, mono, size, bodyWidth-7)
	var lines []panelLine
	for _, l := range first(wrapped, c.Lines) {
		lines = append(lines, panelLine{l, mono, size, ink})
	}
	if n := len(wrapped) - c.Lines; n > 0 {
		lines = append(lines, panelLine{"… " + plural(n, "more line", "more lines") + ", kept with the scan's evidence", italic, size, muted})
	}
	together := 3
	if len(lines) <= 14 {
		together = len(lines)
	}
	least := float64(min(len(lines), together))*lineHeight(size) + 4.4
	w.need(least + labelHeight)
	w.label(c.Label)
	w.panel(lines, panel, nil, 3.5, 2.2, together)
	w.gap(2.6)
}

type panelLine struct {
	text  string
	style style
	size  float64
	color rgb
}

// panel prints lines on a ground, page by page; together is how many lines stay in one piece.
func (w *Writer) panel(lines []panelLine, ground rgb, bar *rgb, inset, pad float64, together int) {
	height := func(part []panelLine) (h float64) {
		for _, l := range part {
			h += lineHeight(l.size)
		}
		return h + 2*pad
	}
	w.need(height(first(lines, together)))
	for len(lines) > 0 {
		n := len(lines)
		for n > 1 && height(lines[:n]) > w.room() {
			n--
		}
		if n == len(lines)-1 && n > 2 {
			n-- // no line alone on the next page
		}
		h := height(lines[:n])
		w.box(margin, w.y, bodyWidth, h, 0, ground)
		if bar != nil {
			w.box(margin, w.y, 1.4, h, 0, *bar)
		}
		y := w.y + pad
		for _, l := range lines[:n] {
			w.text(margin+inset, y+rise(l.size), l.text, l.style, l.size, l.color)
			y += lineHeight(l.size)
		}
		w.y += h
		if lines = lines[n:]; len(lines) > 0 {
			w.page()
		}
	}
}

// Tile is one figure worth a look.
type Tile struct {
	Value string
	Label string
	Tone  string
}

// Tiles prints figures side by side; six stand in a row.
func (w *Writer) Tiles(all []Tile) {
	const gap, h = 3.0, 19.0
	for len(all) > 0 {
		row := first(all, 6)
		all = all[len(row):]
		w.need(h)
		wd := (bodyWidth - gap*float64(len(row)-1)) / float64(len(row))
		for i, t := range row {
			x := margin + float64(i)*(wd+gap)
			c := toneOf(t.Tone)
			w.box(x, w.y, wd, h, 1.4, panel)
			w.box(x, w.y, wd, 1.1, 0, c.strong)
			w.text(x+3.2, w.y+10.6, w.cut(t.Value, bold, 17, wd-6), bold, 17, c.strong)
			w.text(x+3.2, w.y+15.8, w.cut(t.Label, regular, 7.8, wd-5), regular, 7.8, muted)
		}
		w.y += h + gap
	}
	w.gap(2)
}
