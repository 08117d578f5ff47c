// Package pdf sets documents on A4 pages: cover, contents, headings, paragraphs, facts, tables, charts, evidence. It
// knows nothing of what the documents say, and it alone knows the PDF library and the fonts, so that another library,
// tagged output or fonts for more scripts change this package only.
//
// A Writer is filled from top to bottom; every block finds its own place, breaks over pages and never runs out of the
// margins. The same calls give the same bytes. Texts may come from anywhere: control characters and characters that no
// font holds are replaced, links are kept only if they are plain http, https or mailto.
package pdf

import (
	"fmt"
	"io"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

// Millimetres of an A4 page.
const (
	pageWidth  = 210.0
	pageHeight = 297.0
	margin     = 18.0
	top        = 25.0 // of the body, under the running header
	bottom     = 22.0 // kept free for the footer
	bodyWidth  = pageWidth - 2*margin
	bodyEnd    = pageHeight - bottom
)

// Options are what the whole document shares.
type Options struct {
	Title    string
	Author   string
	Subject  string
	Language string    // BCP 47, empty is en
	Created  time.Time // written into the file; the machine's time is never used
	Brand    string    // running header, left
	Running  string    // running header, right
	Footer   string    // every page, left of the page number
	Mark     string    // a warning every page bears; empty: none
	Primary  string    // #rrggbb; a colour too pale to read on white is darkened
	Logo     []byte    // PNG or JPEG; anything else is left out
}

// Writer sets one document. It is not safe for concurrent use.
type Writer struct {
	f       *fpdf.Fpdf
	opt     Options
	faces   faces
	font    fontState
	primary rgb
	logo    *logo
	y       float64
	tail    float64   // of y, the space left below the last block
	pending []heading // headings waiting for the block that they must not be parted from
	bare    map[int]bool
	anchors map[string]int // name to link id
	placed  map[int]bool   // link ids with a place in the document
	toc     contents
	level   int // of the last bookmark
}

// New starts a document with no page.
func New(o Options) *Writer {
	f := fpdf.NewCustom(&fpdf.InitType{OrientationStr: "P", UnitStr: "mm", SizeStr: "A4"})
	f.SetMargins(margin, top, margin)
	f.SetAutoPageBreak(false, 0)
	f.SetCellMargin(0)
	f.SetCatalogSort(true)
	if o.Created.IsZero() {
		o.Created = time.Unix(0, 0).UTC() // the library would take the machine's time
	}
	f.SetCreationDate(o.Created)
	f.SetModificationDate(o.Created)
	w := &Writer{f: f, opt: o, primary: readable(o.Primary), bare: map[int]bool{}, anchors: map[string]int{}, placed: map[int]bool{}, level: -1}
	w.loadFaces()
	f.SetTitle(clean(o.Title), true)
	f.SetAuthor(clean(o.Author), true)
	f.SetSubject(clean(o.Subject), true)
	f.SetProducer("Vedette", true)
	f.SetCreator("Vedette", true)
	lang := o.Language
	if lang == "" {
		lang = "en"
	}
	f.SetLang(lang)
	w.loadLogo(o.Logo)
	return w
}

// Close draws contents, headers and footers, and writes the file.
func (w *Writer) Close(out io.Writer) error {
	w.flush(0)
	if w.f.PageCount() == 0 {
		w.page()
	}
	w.drawContents()
	w.drawMargins()
	w.settleAnchors()
	if err := w.f.Output(out); err != nil {
		return fmt.Errorf("write pdf: %w", err)
	}
	return nil
}

// page begins a page of the body.
func (w *Writer) page() {
	w.f.AddPage()
	w.y, w.tail = top, 0
}

// gap leaves space below a block; a heading's own space above takes it up.
func (w *Writer) gap(h float64) {
	w.y += h
	w.tail = h
}

func (w *Writer) room() float64 { return bodyEnd - w.y }

// need makes sure that h millimetres fit below the current place, together with the headings that wait; a block calls it
// with the height of its first part that may not be torn.
func (w *Writer) need(h float64) {
	if w.f.PageCount() == 0 {
		w.page()
	}
	w.flush(h)
	if h > w.room() && w.y > top {
		w.page()
	}
}

// Break ends the page unless it is still empty.
func (w *Writer) Break() {
	w.flush(0)
	if w.f.PageCount() == 0 || w.y > top {
		w.page()
	}
}

// anchor is the link id of a name, made when first asked for.
func (w *Writer) anchor(name string) int {
	id, ok := w.anchors[name]
	if !ok {
		id = w.f.AddLink()
		w.anchors[name] = id
	}
	return id
}

// settleAnchors lets links to a place that was never set lead to the first page: the library knows no page 0.
func (w *Writer) settleAnchors() {
	for _, id := range w.anchors {
		if !w.placed[id] {
			w.f.SetLink(id, 0, 1)
		}
	}
}

func (w *Writer) place(name string, y float64) {
	if name == "" {
		return
	}
	id := w.anchor(name)
	w.placed[id] = true
	w.f.SetLink(id, y, w.f.PageNo())
}
