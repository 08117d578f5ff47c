package pdf

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// text prints one line with its baseline at y.
func (w *Writer) text(x, y float64, s string, st style, size float64, c rgb) {
	if s == "" {
		return
	}
	w.setFont(st, size)
	w.f.SetTextColor(c.r, c.g, c.b)
	w.f.Text(x, y, w.held(s, st))
}

// setFont writes a change of font only where there is one; every page begins without.
func (w *Writer) setFont(st style, size float64) {
	if now := (fontState{w.f.PageNo(), st, size}); now != w.font {
		w.f.SetFont(families[st][0], families[st][1], size)
		w.font = now
	}
}

type fontState struct {
	page  int
	style style
	size  float64
}

// held replaces what the face itself lacks; clean has looked at the regular face only.
func (w *Writer) held(s string, st style) string {
	if plain(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if w.faces[st].width(r) < 0 {
			return replacement
		}
		return r
	}, s)
}

func (w *Writer) textRight(x, y float64, s string, st style, size float64, c rgb) {
	w.text(x-w.measure(s, st, size), y, s, st, size, c)
}

func (w *Writer) textCentre(x, y float64, s string, st style, size float64, c rgb) {
	w.text(x-w.measure(s, st, size)/2, y, s, st, size, c)
}

// lineHeight of running text in millimetres for a size in points.
func lineHeight(size float64) float64 { return size * 25.4 / 72 * 1.38 }

// rise is the way from the top of a line to its baseline.
func rise(size float64) float64 { return size * 25.4 / 72 * 1.04 }

// wrap breaks text into lines no wider than width millimetres: at spaces, else after a mark such as / or -, else
// anywhere. Line feeds break too.
func (w *Writer) wrap(s string, st style, size, width float64) []string {
	s = clean(s)
	var lines []string
	for paragraph := range strings.SplitSeq(s, "\n") {
		lines = w.wrapLine(lines, paragraph, st, size, width)
	}
	return lines
}

func (w *Writer) wrapLine(lines []string, s string, st style, size, width float64) []string {
	limit := width / (size * 25.4 / 72) // in em
	face := w.faces[st]
	start, used := 0, 0.0
	space, mark := -1, -1 // last chances to break: a space (dropped), the place after a mark
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		advance := face.advance(r)
		if used+advance > limit && i > start && r != ' ' {
			end, next := i, i
			switch {
			case space > start:
				end, next = space, space+1
			case mark > start:
				end, next = mark, mark
			}
			lines = append(lines, strings.TrimRight(s[start:end], " "))
			start, i, used, space, mark = next, next, 0, -1, -1
			continue
		}
		if r == ' ' {
			space = i
		} else if strings.ContainsRune("/-_.,:;?&=@|)]", r) && i+n < len(s) {
			mark = i + n
		}
		used += advance
		i += n
	}
	return append(lines, strings.TrimRight(s[start:], " "))
}

// clamp breaks text into at most n lines; the last one of a longer text ends in an ellipsis.
func (w *Writer) clamp(s string, st style, size, width float64, n int) []string {
	lines := w.wrap(s, st, size, width)
	if len(lines) > n {
		lines = lines[:n]
		lines[n-1] = w.cut(lines[n-1]+strings.Repeat(" ", 400)+".", st, size, width)
	}
	return lines
}

// cut shortens one line to a width, with an ellipsis.
func (w *Writer) cut(s string, st style, size, width float64) string {
	s = strings.ReplaceAll(clean(s), "\n", " ")
	limit, used, end := width/(size*25.4/72), 0.0, 0
	dots := w.faces[st].advance('…')
	for i, r := range s {
		if used += w.faces[st].advance(r); used > limit {
			return strings.TrimRight(s[:end], " ") + "…"
		}
		if used+dots <= limit {
			end = i + utf8.RuneLen(r)
		}
	}
	return s
}

// safeURL is an absolute address that a reader may be led to, or empty.
func safeURL(s string) string {
	if len(s) > 2000 {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "mailto") {
		return ""
	}
	if u.Scheme != "mailto" && u.Host == "" {
		return ""
	}
	u.Host = strings.Map(func(r rune) rune {
		if r < '!' || r > '~' {
			return -1
		}
		return r
	}, u.Host)
	return u.String()
}

// link makes a rectangle clickable: to holds an address, or # and the name of an anchor.
func (w *Writer) link(x, y, wd, h float64, to string) {
	if name, ok := strings.CutPrefix(to, "#"); ok {
		w.f.Link(x, y, wd, h, w.anchor(name))
		return
	}
	if address := safeURL(to); address != "" {
		w.f.LinkString(x, y, wd, h, address)
	}
}

// flow prints lines from the current place on, over pages, never leaving one line alone at either end of a page.
func (w *Writer) flow(lines []string, x float64, st style, size float64, c rgb) {
	h := lineHeight(size)
	for len(lines) > 0 {
		fit := int(w.room() / h)
		n := min(len(lines), fit)
		if left := len(lines) - n; left > 0 && (n < 2 || n == 2 && left == 1) {
			w.page()
			continue
		} else if left == 1 {
			n--
		}
		for _, l := range lines[:n] {
			w.text(x, w.y+rise(size), l, st, size, c)
			w.y += h
		}
		if lines = lines[n:]; len(lines) > 0 {
			w.page()
		}
	}
}
