package pdf

import (
	"math"

	"codeberg.org/go-pdf/fpdf"
)

// Share is one part of a whole.
type Share struct {
	Label string
	Value int
	Tone  string
}

// Bar is one line of a bar chart, made of shares.
type Bar struct {
	Label  string
	Shares []Share
}

// Chart is a donut of shares, or bars that share one scale.
type Chart struct {
	Title  string
	Donut  []Share
	Centre string // under the donut's total
	Bars   []Bar
}

// Charts prints one chart over the width, or two side by side.
func (w *Writer) Charts(all []Chart) {
	all = first(all, 2)
	if len(all) == 0 {
		return
	}
	const gap = 8.0
	widths := []float64{bodyWidth}
	if len(all) == 2 {
		widths = []float64{bodyWidth * 0.44, bodyWidth*0.56 - gap}
	}
	h := 0.0
	for _, c := range all {
		h = max(h, chartHeight(c))
	}
	w.need(h)
	x := margin
	for i, c := range all {
		w.text(x, w.y+rise(9.5), w.cut(c.Title, bold, 9.5, widths[i]), bold, 9.5, ink)
		if c.Bars != nil {
			w.bars(c, x, w.y+8, widths[i])
		} else {
			w.donut(c, x, w.y+8, widths[i])
		}
		x += widths[i] + gap
	}
	w.y += h
	w.gap(5)
}

const (
	donutRadius = 20.0
	barHeight   = 4.4
	barStep     = 7.6
)

func chartHeight(c Chart) float64 {
	if c.Bars != nil {
		return 9 + float64(len(c.Bars))*barStep
	}
	return 9 + max(2*donutRadius, float64(len(c.Donut))*7)
}

func (w *Writer) donut(c Chart, x, y, _ float64) {
	total := 0
	for _, s := range c.Donut {
		total += max(s.Value, 0)
	}
	cx, cy := x+donutRadius, y+donutRadius
	angle := -math.Pi / 2
	for _, s := range c.Donut {
		if s.Value <= 0 {
			continue
		}
		end := angle + 2*math.Pi*float64(s.Value)/float64(total)
		w.fill(toneOf(s.Tone).strong)
		w.draw(white)
		w.f.SetLineWidth(0.45)
		look := "FD"
		if s.Value == total {
			look = "F" // a whole ring has no seam
		}
		w.f.Polygon(ring(cx, cy, donutRadius, donutRadius*0.62, angle, end), look)
		angle = end
	}
	if total == 0 {
		w.fill(rule)
		w.f.Polygon(ring(cx, cy, donutRadius, donutRadius*0.62, 0, 2*math.Pi), "F")
	}
	w.textCentre(cx, cy+1.6, itoa(total), bold, 19, ink)
	w.textCentre(cx, cy+6.2, w.cut(c.Centre, regular, 7.2, donutRadius), regular, 7.2, muted)
	ly := cy - float64(len(c.Donut))*3.5
	for _, s := range c.Donut {
		lx := x + 2*donutRadius + 6
		w.box(lx, ly+1.6, 3.4, 3.4, 0.7, toneOf(s.Tone).strong)
		w.text(lx+5.4, ly+4.4, clean(s.Label), regular, 8.6, ink)
		w.textRight(lx+28, ly+4.4, itoa(s.Value), bold, 8.6, ink)
		ly += 7
	}
}

// ring is the outline of a part of a ring, clockwise from one angle to another.
func ring(cx, cy, outer, inner, from, to float64) []fpdf.PointType {
	n := max(int(math.Ceil((to-from)/(math.Pi/90))), 1)
	points := make([]fpdf.PointType, 0, 2*n+2)
	for i := range n + 1 {
		a := from + (to-from)*float64(i)/float64(n)
		points = append(points, fpdf.PointType{X: cx + outer*math.Cos(a), Y: cy + outer*math.Sin(a)})
	}
	for i := n; i >= 0; i-- {
		a := from + (to-from)*float64(i)/float64(n)
		points = append(points, fpdf.PointType{X: cx + inner*math.Cos(a), Y: cy + inner*math.Sin(a)})
	}
	return points
}

func (w *Writer) bars(c Chart, x, y, width float64) {
	label := min(width*0.42, 40)
	most := 1
	sums := make([]int, len(c.Bars))
	for i, b := range c.Bars {
		for _, s := range b.Shares {
			sums[i] += max(s.Value, 0)
		}
		most = max(most, sums[i])
	}
	scale := (width - label - 10) / float64(most)
	for i, b := range c.Bars {
		w.text(x, y+barHeight/2+1.1, w.cut(b.Label, regular, 8.2, label-2), regular, 8.2, ink)
		at := x + label
		w.box(at, y, width-label-10, barHeight, 0, panel)
		for _, s := range b.Shares {
			if s.Value > 0 {
				w.box(at, y, float64(s.Value)*scale, barHeight, 0, toneOf(s.Tone).strong)
				at += float64(s.Value) * scale
			}
		}
		w.textRight(x+width, y+barHeight/2+1.1, itoa(sums[i]), bold, 8.2, ink)
		y += barStep
	}
}
