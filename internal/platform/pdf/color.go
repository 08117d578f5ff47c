package pdf

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

type rgb struct{ r, g, b int }

var (
	white  = rgb{255, 255, 255}
	ink    = rgb{0x18, 0x20, 0x2c}
	muted  = rgb{0x52, 0x5d, 0x6d}
	faint  = rgb{0x8a, 0x94, 0xa3} // rules and marks, never text
	rule   = rgb{0xd9, 0xde, 0xe6}
	zebra  = rgb{0xf6, 0xf8, 0xfa}
	panel  = rgb{0xf3, 0xf5, 0xf8}
	navy   = rgb{0x17, 0x36, 0x5d}
	linked = rgb{0x1a, 0x56, 0xb0}
)

// tone is the pair of colours of a meaning: strong carries white text and stands as text on white or on its own soft
// one; all at 4.5:1 or better (WCAG 2.2, 1.4.3).
type tone struct{ strong, soft rgb }

var tones = map[string]tone{
	"":             {rgb{0x47, 0x54, 0x67}, rgb{0xee, 0xf1, 0xf5}},
	"critical":     {rgb{0x7a, 0x12, 0x2f}, rgb{0xfb, 0xe9, 0xee}},
	"high":         {rgb{0xb4, 0x23, 0x18}, rgb{0xfd, 0xec, 0xea}},
	"medium":       {rgb{0xa8, 0x47, 0x06}, rgb{0xfe, 0xf0, 0xe2}},
	"low":          {rgb{0x1f, 0x5f, 0xb4}, rgb{0xe9, 0xf1, 0xfc}},
	"info":         {rgb{0x47, 0x54, 0x67}, rgb{0xee, 0xf1, 0xf5}},
	"pass":         {rgb{0x05, 0x6b, 0x45}, rgb{0xe6, 0xf5, 0xee}},
	"fail":         {rgb{0xb4, 0x23, 0x18}, rgb{0xfd, 0xec, 0xea}},
	"inconclusive": {rgb{0x8a, 0x50, 0x05}, rgb{0xfd, 0xf3, 0xdc}},
	"note":         {rgb{0x5b, 0x3f, 0xa6}, rgb{0xf1, 0xed, 0xfb}},
}

func toneOf(name string) tone {
	if t, ok := tones[name]; ok {
		return t
	}
	return tones[""]
}

func parseColor(s string) (rgb, bool) {
	s = strings.TrimPrefix(s, "#")
	if len(s) == 3 {
		s = string([]byte{s[0], s[0], s[1], s[1], s[2], s[2]})
	}
	v, err := strconv.ParseUint(s, 16, 32)
	if err != nil || len(s) != 6 {
		return navy, false
	}
	return rgb{int(v >> 16), int(v >> 8 & 255), int(v & 255)}, true
}

// readable is a brand's colour, darkened until white text can be read on it.
func readable(s string) rgb {
	c, ok := parseColor(s)
	if !ok {
		return navy
	}
	for contrast(c, white) < 5 {
		c = rgb{c.r * 9 / 10, c.g * 9 / 10, c.b * 9 / 10}
	}
	return c
}

// contrast is the ratio of WCAG 2.2, 1 to 21.
func contrast(a, b rgb) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(c rgb) float64 {
	linear := func(v int) float64 {
		x := float64(v) / 255
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}

func (w *Writer) fill(c rgb) { w.f.SetFillColor(c.r, c.g, c.b) }
func (w *Writer) draw(c rgb) { w.f.SetDrawColor(c.r, c.g, c.b) }

// box fills a rectangle; r rounds its corners.
func (w *Writer) box(x, y, wd, h, r float64, c rgb) {
	w.fill(c)
	if r > 0 && wd > 2*r && h > 2*r {
		w.f.RoundedRect(x, y, wd, h, r, "1234", "F")
		return
	}
	w.f.Rect(x, y, wd, h, "F")
}

func (w *Writer) line(x1, y1, x2, y2, width float64, c rgb) {
	w.draw(c)
	w.f.SetLineWidth(width)
	w.f.Line(x1, y1, x2, y2)
}

// Readable is a brand's colour, #rrggbb, darkened until white text can be read on it (5:1); the standard one where s is
// no colour.
func Readable(s string) string {
	c := readable(s)
	return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b)
}
