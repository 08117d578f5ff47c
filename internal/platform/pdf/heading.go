package pdf

// Badge is a short word on a coloured ground.
type Badge struct {
	Text string
	Tone string
}

// Heading begins a section. Levels 1 to 3; with a tone it is the coloured head of an item, such as a finding.
type Heading struct {
	Level  int
	Text   string
	Sub    string // a line in small print below
	Anchor string
	Tone   string
	Badges []Badge // at the right end
	Quiet  bool    // neither bookmark nor line in the contents
}

type heading struct {
	Heading
	lines  []string
	sub    []string
	height float64 // with the space above and below
}

type headingLook struct{ size, above, below float64 }

var headingLooks = map[int]headingLook{1: {17, 9, 4}, 2: {12.5, 7, 2.6}, 3: {10, 4.5, 1.6}}

// Heading waits for the next block, so that it never stands alone at the foot of a page.
func (w *Writer) Heading(h Heading) {
	h.Level = min(max(h.Level, 1), 3)
	look := headingLooks[h.Level]
	width := bodyWidth
	if len(h.Badges) > 0 {
		width -= w.badgesWidth(h.Badges) + 4
	}
	if h.Tone != "" {
		width -= 6
	}
	lines := w.wrap(h.Text, bold, look.size, width)
	if len(lines) > 4 {
		lines = append(lines[:3], w.cut(lines[3]+" …", bold, look.size, width))
	}
	height := look.above + look.below + float64(len(lines))*lineHeight(look.size)*0.92
	if h.Tone != "" {
		height += 3
	}
	var small []string
	if h.Sub != "" {
		small = first(w.wrap(h.Sub, regular, subSize, bodyWidth), 3)
		height += float64(len(small)) * lineHeight(subSize)
	}
	w.pending = append(w.pending, heading{h, lines, small, height})
}

const subSize = 8.2

// flush draws the headings that wait, on a page that has room for them and for h millimetres more.
func (w *Writer) flush(h float64) {
	if len(w.pending) == 0 {
		return
	}
	total := h - min(w.tail, headingLooks[w.pending[0].Level].above)
	for _, p := range w.pending {
		total += p.height
	}
	if w.f.PageCount() == 0 || total > w.room() && w.y > top {
		w.page()
	}
	waiting := w.pending
	w.pending = nil
	for _, p := range waiting {
		w.drawHeading(p)
	}
}

func (w *Writer) drawHeading(p heading) {
	look := headingLooks[p.Level]
	if w.y > top {
		w.y += max(look.above-w.tail, 0)
	}
	w.tail = 0
	w.place(p.Anchor, w.y-2)
	w.mark(p)
	if p.Tone != "" {
		w.drawItemHead(p, look)
		return
	}
	color := ink
	if p.Level == 1 {
		color = w.primary
	}
	first := w.y
	for _, l := range p.lines {
		w.text(margin, w.y+rise(look.size), l, bold, look.size, color)
		w.y += lineHeight(look.size) * 0.92
	}
	w.badgesRight(pageWidth-margin, first+(lineHeight(look.size)-badgeHeight)/2, p.Badges)
	if p.Level == 1 {
		w.y += 1
		w.box(margin, w.y, 14, 0.9, 0, w.primary)
	}
	for _, l := range p.sub {
		w.text(margin, w.y+rise(subSize), l, regular, subSize, muted)
		w.y += lineHeight(subSize)
	}
	w.y += look.below
}

// drawItemHead draws the head of an item: a soft panel with a bar in the strong colour.
func (w *Writer) drawItemHead(p heading, look headingLook) {
	t := toneOf(p.Tone)
	h := float64(len(p.lines))*lineHeight(look.size)*0.92 + 3
	w.box(margin, w.y, bodyWidth, h, 0, t.soft)
	w.box(margin, w.y, 1.4, h, 0, t.strong)
	y := w.y + 1.5
	for _, l := range p.lines {
		w.text(margin+4.5, y+rise(look.size)*0.94, l, bold, look.size, ink)
		y += lineHeight(look.size) * 0.92
	}
	w.badgesRight(pageWidth-margin-1.8, w.y+1.5+(lineHeight(look.size)*0.92-badgeHeight)/2, p.Badges)
	w.y += h + look.below
}

// mark enters a heading into the bookmarks and the contents.
func (w *Writer) mark(p heading) {
	if p.Quiet {
		return
	}
	level := min(p.Level-1, w.level+1) // the library wants no gap between levels
	w.level = level
	w.setFont(bold, 10) // bookmarks are encoded by the current font
	w.f.Bookmark(w.cut(p.Text, regular, 10, 150), level, w.y-2)
	w.toc.add(w, p)
}

const (
	badgeHeight = 4.6
	badgeSize   = 7.2
)

func (w *Writer) badgeWidth(text string) float64 { return w.measure(clean(text), bold, badgeSize) + 4 }

func (w *Writer) badgesWidth(all []Badge) float64 {
	total := 0.0
	for _, b := range all {
		total += w.badgeWidth(b.Text) + 1.4
	}
	return max(total-1.4, 0)
}

// badge draws one with its upper left corner at x, y and gives its width.
func (w *Writer) badge(x, y float64, text, tone string) float64 {
	wd := w.badgeWidth(text)
	w.box(x, y, wd, badgeHeight, 1.1, toneOf(tone).strong)
	w.text(x+2, y+badgeHeight/2+badgeSize*0.126, clean(text), bold, badgeSize, white)
	return wd
}

func (w *Writer) badgesRight(right, y float64, all []Badge) {
	x := right - w.badgesWidth(all)
	for _, b := range all {
		x += w.badge(x, y, b.Text, b.Tone) + 1.4
	}
}
