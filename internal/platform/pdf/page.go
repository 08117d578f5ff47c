package pdf

import (
	"bytes"
	"image"
	_ "image/jpeg" // logos
	"image/png"
	"slices"
	"strings"

	"codeberg.org/go-pdf/fpdf"
)

// Cover is a page of its own at the front.
type Cover struct {
	Title    string
	Subtitle string
	Verdict  Verdict
	Tiles    []Tile
	Facts    []Fact
	Notice   string // in small print at the foot
}

// Verdict is a result in one word, with its reason.
type Verdict struct {
	Word   string
	Tone   string
	Reason string
	Small  bool
}

// Verdict prints the card that says how it ended.
func (w *Writer) Verdict(v Verdict) {
	_, _, _, h := w.setVerdict(v)
	w.need(h)
	w.verdict(v)
	w.gap(5)
}

const bandHeight = 112.0

// Cover draws the cover page; call it first.
func (w *Writer) Cover(c Cover) {
	w.f.AddPage()
	w.bare[w.f.PageNo()] = true
	w.box(0, 0, pageWidth, bandHeight, 0, w.primary)
	w.coverBrand()
	y := 58.0
	for _, l := range w.clamp(c.Title, bold, 30, bodyWidth, 3) {
		w.text(margin, y, l, bold, 30, white)
		y += 12.5
	}
	y += 1
	for _, l := range w.clamp(c.Subtitle, regular, 13, bodyWidth, 2) {
		w.text(margin, y, l, regular, 13, white)
		y += 6.6
	}
	w.y = bandHeight + 12
	w.verdict(c.Verdict)
	w.y += 5
	w.Tiles(c.Tiles)
	w.y += 2
	w.Facts(Facts{Columns: 2, Groups: []FactGroup{{Items: w.short(c.Facts)}}})
	lines := w.clamp(c.Notice, regular, 8, bodyWidth, 5)
	y = pageHeight - bottom - 4 - float64(len(lines))*lineHeight(8)
	for _, l := range lines {
		w.text(margin, y+rise(8), l, regular, 8, muted)
		y += lineHeight(8)
	}
	w.y = bodyEnd
}

// short facts are a few of at most two lines, so that the cover holds them.
func (w *Writer) short(facts []Fact) []Fact {
	var all []Fact
	for _, f := range first(facts, 10) {
		f.Label = w.cut(f.Label, regular, factSize, 30)
		st := regular
		if f.Mono {
			st = mono
		}
		if width := halfColumn - 34.0; len(w.wrap(f.Value, st, factSize, width)) > 2 {
			f.Value = strings.Join(w.clamp(f.Value, st, factSize, width, 2), " ")
		}
		all = append(all, f)
	}
	return all
}

func (w *Writer) coverBrand() {
	if w.opt.Mark != "" {
		mark := w.cut(w.opt.Mark, bold, badgeSize, 80)
		w.markAt(pageWidth-margin-w.badgeWidth(mark), 20.5, mark)
	}
	if w.logo != nil {
		h := 13.0
		wd := h * w.logo.ratio
		if wd > 80 {
			wd, h = 80, 80/w.logo.ratio
		}
		w.box(margin, 16, wd+8, h+7, 1.6, white)
		w.f.ImageOptions(w.logo.name, margin+4, 19.5, wd, h, false, fpdf.ImageOptions{ImageType: "PNG"}, 0, "")
		return
	}
	w.text(margin, 25, w.cut(w.opt.Brand, bold, 15, bodyWidth), bold, 15, white)
	w.box(margin, 29, 14, 0.9, 0, white)
}

// setVerdict breaks the reason into lines and gives the width of the word's part and the height of the card.
func (w *Writer) setVerdict(v Verdict) (lines []string, size, left, height float64) {
	size, least, air := 28.0, 25.0, 9.0
	if v.Small {
		size, least, air = 20, 16, 5
	}
	for size > 14 && w.measure(verdictWord(v), bold, size) > 56 {
		size--
	}
	left = max(w.measure(verdictWord(v), bold, size)+18, 46)
	lines = w.clamp(v.Reason, regular, 10.2, bodyWidth-left-14, 7)
	return lines, size, left, max(least, float64(len(lines))*lineHeight(10.2)+air)
}

func verdictWord(v Verdict) string {
	return string(first([]rune(strings.ReplaceAll(clean(v.Word), "\n", " ")), 16))
}

func (w *Writer) verdict(v Verdict) {
	t := toneOf(v.Tone)
	lines, size, left, h := w.setVerdict(v)
	w.box(margin, w.y, bodyWidth, h, 2, t.soft)
	w.fill(t.strong)
	w.f.RoundedRect(margin, w.y, left, h, 2, "14", "F") // the left corners
	w.textCentre(margin+left/2, w.y+h/2+size*0.125, verdictWord(v), bold, size, white)
	y := w.y + (h-float64(len(lines))*lineHeight(10.2))/2
	for _, l := range lines {
		w.text(margin+left+7, y+rise(10.2), l, regular, 10.2, ink)
		y += lineHeight(10.2)
	}
	w.y += h
}

// drawMargins puts header and footer on every page, once their number is known.
func (w *Writer) drawMargins() {
	n := w.f.PageCount()
	for p := 1; p <= n; p++ {
		w.turn(p)
		if !w.bare[p] {
			w.header()
		}
		w.footer(p, n)
	}
}

// turn goes back to a page. The library believes that the last colour it wrote still holds there, so it is told one.
func (w *Writer) turn(page int) {
	w.f.SetPage(page)
	w.fill(white)
}

func (w *Writer) header() {
	const y = 13.0
	w.text(margin, y, w.cut(w.opt.Brand, bold, 8, bodyWidth*0.4), bold, 8, w.primary)
	w.textRight(pageWidth-margin, y, w.cut(w.opt.Running, regular, 8, bodyWidth*0.58), regular, 8, muted)
	w.line(margin, 17, pageWidth-margin, 17, 0.2, rule)
}

func (w *Writer) footer(p, n int) {
	const y = pageHeight - 11.5
	w.line(margin, y-5, pageWidth-margin, y-5, 0.2, rule)
	w.textRight(pageWidth-margin, y, "Page "+itoa(p)+" of "+itoa(n), regular, 7.5, muted)
	room := bodyWidth - 30
	if w.opt.Mark != "" {
		mark := w.cut(w.opt.Mark, bold, badgeSize, 80)
		x := (pageWidth - w.badgeWidth(mark)) / 2
		w.markAt(x, y-3.3, mark)
		room = x - margin - 3
	}
	w.text(margin, y, w.cut(w.opt.Footer, regular, 7.5, room), regular, 7.5, muted)
}

// markAt prints the mark that every page bears.
func (w *Writer) markAt(x, y float64, mark string) {
	t := toneOf("inconclusive")
	w.box(x, y, w.badgeWidth(mark), badgeHeight+0.4, 1.1, t.soft)
	w.text(x+2, y+badgeHeight/2+0.2+badgeSize*0.126, mark, bold, badgeSize, t.strong)
}

// contents is one page of headings, filled in at the end.
type contents struct {
	title   string
	page    int // 0: none asked for
	entries []entry
}

type entry struct {
	text  string
	level int
	page  int
	link  int
}

// Contents keeps a page for the list of sections.
func (w *Writer) Contents(title string) {
	w.f.AddPage()
	w.toc = contents{title: title, page: w.f.PageNo()}
	w.y = bodyEnd
}

func (c *contents) add(w *Writer, p heading) {
	if c.page == 0 || p.Level > 2 || len(c.entries) > 2000 {
		return
	}
	id := w.f.AddLink()
	w.f.SetLink(id, w.y-2, w.f.PageNo())
	c.entries = append(c.entries, entry{p.Text, p.Level, w.f.PageNo(), id})
}

const (
	entryHeight = 6.4
	entryIndent = 6.0
)

func (w *Writer) drawContents() {
	if w.toc.page == 0 {
		return
	}
	w.turn(w.toc.page)
	look := headingLooks[1]
	w.text(margin, top+rise(look.size), clean(w.toc.title), bold, look.size, w.primary)
	w.box(margin, top+9, 14, 0.9, 0, w.primary)
	y := top + 15
	for _, e := range w.toc.fitting((bodyEnd - y) / entryHeight) {
		if y+entryHeight > bodyEnd {
			break
		}
		st, size, c, x := bold, 10.0, ink, margin
		if e.level > 1 {
			st, size, c, x = regular, 9, muted, margin+entryIndent
		} else if y > top+15 {
			y += 1.4
		}
		number := itoa(e.page)
		text := w.cut(e.text, st, size, pageWidth-margin-x-16)
		w.text(x, y+4, text, st, size, c)
		w.textRight(pageWidth-margin, y+4, number, regular, size, c)
		from, to := x+w.measure(text, st, size)+2, pageWidth-margin-w.measure(number, regular, size)-2
		w.f.SetDashPattern([]float64{0.2, 1.2}, 0)
		w.line(from, y+4, to, y+4, 0.2, faint)
		w.f.SetDashPattern(nil, 0)
		w.f.Link(x, y, pageWidth-margin-x, entryHeight, e.link)
		y += entryHeight
	}
}

// fitting keeps the second level of those sections whose entries all fit, short sections first.
func (c *contents) fitting(lines float64) []entry {
	type section struct{ index, size int }
	var sections []section
	for i, e := range c.entries {
		if e.level == 1 || len(sections) == 0 {
			sections = append(sections, section{i, 0})
		} else {
			sections[len(sections)-1].size++
		}
	}
	spare := int(lines) - len(sections) - len(sections)/4 - 1
	slices.SortStableFunc(sections, func(a, b section) int { return a.size - b.size })
	open := map[int]bool{}
	for _, s := range sections {
		if spare -= s.size; spare < 0 {
			break
		}
		open[s.index] = true
	}
	var kept []entry
	shown := false
	for i, e := range c.entries {
		if e.level == 1 {
			shown = open[i]
		}
		if e.level == 1 || shown {
			kept = append(kept, e)
		}
	}
	return first(kept, int(lines))
}

func first[T any](s []T, n int) []T { return s[:min(len(s), max(n, 0))] }

// logo is a picture ready for the library.
type logo struct {
	name  string
	ratio float64 // width by height
}

// Bounds of a logo: anyone may upload one.
const (
	maxLogoBytes = 2 << 20
	maxLogoSide  = 4000
)

// Logo decodes a picture and gives it as plain PNG, or nil if it is no PNG or JPEG of a sensible size.
func Logo(data []byte) (plainPNG []byte, width, height int) {
	if len(data) == 0 || len(data) > maxLogoBytes {
		return nil, 0, 0
	}
	c, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || c.Width < 1 || c.Height < 1 || c.Width > maxLogoSide || c.Height > maxLogoSide {
		return nil, 0, 0
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, 0, 0
	}
	canvas := image.NewNRGBA(img.Bounds())
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			canvas.Set(x, y, img.At(x, y))
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, canvas); err != nil {
		return nil, 0, 0
	}
	return out.Bytes(), c.Width, c.Height
}

func (w *Writer) loadLogo(data []byte) {
	plainPNG, width, height := Logo(data)
	if plainPNG == nil {
		return
	}
	w.f.RegisterImageOptionsReader("logo", fpdf.ImageOptions{ImageType: "PNG"}, bytes.NewReader(plainPNG))
	w.logo = &logo{"logo", float64(width) / float64(height)}
}
