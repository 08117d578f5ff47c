package pdf

import "strconv"

// Column of a table. Weights share the width of the page.
type Column struct {
	Title  string
	Weight float64
	Right  bool // numbers
}

// Cell of a table.
type Cell struct {
	Text string
	Sub  string // a second, smaller text below
	Tone string // shows the text as a badge
	Mono bool
	Bold bool
	To   string // address or #anchor
}

// Table with a header that returns on every page. Rows shorter than the columns are filled with empty cells.
type Table struct {
	Columns []Column
	Rows    [][]Cell
	Empty   string // said instead of a table without rows
}

const (
	cellSize    = 8.2
	cellSubSize = 7.2
	cellPadX    = 1.8
	cellPadY    = 1.5
)

type cellLine struct {
	text  string
	style style
	size  float64
	color rgb
	tone  string // a badge
}

func (l cellLine) height() float64 {
	if l.tone != "" {
		return badgeHeight + 0.6
	}
	return lineHeight(l.size)
}

// Table prints a table.
func (w *Writer) Table(t Table) {
	if len(t.Rows) == 0 {
		w.Paragraph(Paragraph{Text: t.Empty, Small: true})
		return
	}
	widths := shares(t.Columns)
	head, headHeight := w.tableHead(t.Columns, widths)
	for i, row := range t.Rows {
		cells, h := w.setRow(row, t.Columns, widths)
		if i == 0 {
			w.need(headHeight + min(h, 60))
			w.drawHead(head, t.Columns, widths, headHeight)
		} else if h > w.room() && (h <= bodyEnd-top-headHeight || w.room() < 20) {
			w.page()
			w.drawHead(head, t.Columns, widths, headHeight)
		}
		w.drawRow(cells, row, t.Columns, widths, i%2 == 1, func() {
			w.page()
			w.drawHead(head, t.Columns, widths, headHeight)
		})
	}
	w.line(margin, w.y, pageWidth-margin, w.y, 0.25, rule)
	w.gap(4.5)
}

func shares(columns []Column) []float64 {
	total := 0.0
	for _, c := range columns {
		total += max(c.Weight, 0.1)
	}
	widths := make([]float64, len(columns))
	for i, c := range columns {
		widths[i] = bodyWidth * max(c.Weight, 0.1) / total
	}
	return widths
}

func (w *Writer) tableHead(columns []Column, widths []float64) ([][]string, float64) {
	head := make([][]string, len(columns))
	most := 1
	for i, c := range columns {
		head[i] = w.clamp(c.Title, bold, 7.8, widths[i]-2*cellPadX, 4)
		most = max(most, len(head[i]))
	}
	return head, float64(most)*lineHeight(7.8) + 2.8
}

func (w *Writer) drawHead(head [][]string, columns []Column, widths []float64, h float64) {
	w.box(margin, w.y, bodyWidth, h, 0, w.primary)
	x := margin
	for i, lines := range head {
		y := w.y + h - 1.4 - float64(len(lines))*lineHeight(7.8)
		for _, l := range lines {
			if columns[i].Right {
				w.textRight(x+widths[i]-cellPadX, y+rise(7.8), l, bold, 7.8, white)
			} else {
				w.text(x+cellPadX, y+rise(7.8), l, bold, 7.8, white)
			}
			y += lineHeight(7.8)
		}
		x += widths[i]
	}
	w.y += h
}

// setRow breaks the cells of a row into lines and gives the height of the row.
func (w *Writer) setRow(row []Cell, columns []Column, widths []float64) ([][]cellLine, float64) {
	cells := make([][]cellLine, len(columns))
	most := 0.0
	for i := range columns {
		if i >= len(row) {
			break
		}
		cells[i] = w.setCell(row[i], widths[i]-2*cellPadX)
		h := 0.0
		for _, l := range cells[i] {
			h += l.height()
		}
		most = max(most, h)
	}
	return cells, most + 2*cellPadY
}

func (w *Writer) setCell(c Cell, width float64) (lines []cellLine) {
	st, size, color := regular, cellSize, ink
	switch {
	case c.Mono:
		st, size = mono, cellSize-0.8
	case c.Bold:
		st = bold
	}
	if c.To != "" && (c.To[0] == '#' || safeURL(c.To) != "") {
		color = linked
	}
	if c.Tone != "" && c.Text != "" {
		lines = append(lines, cellLine{text: w.cut(c.Text, bold, badgeSize, width-4), tone: c.Tone, size: cellSize})
	} else if c.Text != "" {
		for _, l := range w.wrap(c.Text, st, size, width) {
			lines = append(lines, cellLine{text: l, style: st, size: size, color: color})
		}
	}
	if c.Sub != "" {
		for _, l := range w.wrap(c.Sub, regular, cellSubSize, width) {
			lines = append(lines, cellLine{text: l, style: regular, size: cellSubSize, color: muted})
		}
	}
	return lines
}

// drawRow prints a row, and goes on after next() where no page holds it.
func (w *Writer) drawRow(cells [][]cellLine, row []Cell, columns []Column, widths []float64, shaded bool, next func()) {
	for {
		part, rest, h := split(cells, w.room()-2*cellPadY)
		h += 2 * cellPadY
		if shaded {
			w.box(margin, w.y, bodyWidth, h, 0, zebra)
		}
		x := margin
		for i, lines := range part {
			w.drawCell(lines, x, widths[i], columns[i].Right)
			if i < len(row) && row[i].To != "" {
				w.link(x, w.y, widths[i], h, row[i].To)
			}
			x += widths[i]
		}
		w.y += h
		if rest == nil {
			w.line(margin, w.y, pageWidth-margin, w.y, 0.12, rule)
			return
		}
		cells = rest
		next()
	}
}

func (w *Writer) drawCell(lines []cellLine, x, width float64, right bool) {
	y := w.y + cellPadY
	for _, l := range lines {
		switch {
		case l.tone != "":
			at := x + cellPadX
			if right {
				at = x + width - cellPadX - w.badgeWidth(l.text)
			}
			w.badge(at, y-0.2, l.text, l.tone)
		case right:
			w.textRight(x+width-cellPadX, y+rise(l.size), l.text, l.style, l.size, l.color)
		default:
			w.text(x+cellPadX, y+rise(l.size), l.text, l.style, l.size, l.color)
		}
		y += l.height()
	}
}

// split takes from every cell the lines that fit into room, at least one; rest is nil when nothing is left.
func split(cells [][]cellLine, room float64) (part, rest [][]cellLine, most float64) {
	part = make([][]cellLine, len(cells))
	left := make([][]cellLine, len(cells))
	more := false
	for i, lines := range cells {
		h, n := 0.0, 0
		for n < len(lines) && (n == 0 || h+lines[n].height() <= room) {
			h += lines[n].height()
			n++
		}
		part[i], left[i] = lines[:n], lines[n:]
		more = more || n < len(lines)
		most = max(most, h)
	}
	if more {
		rest = left
	}
	return part, rest, most
}

func itoa(n int) string { return strconv.Itoa(n) }

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return itoa(n) + " " + many
}
