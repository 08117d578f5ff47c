package pdf

import (
	"strings"
	"sync"
	"unicode"

	"codeberg.org/go-fonts/liberation/liberationmonoregular"
	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansitalic"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// style names a face of the document.
type style int

const (
	regular style = iota
	bold
	italic
	mono
	styles
)

var sources = [styles][]byte{
	regular: liberationsansregular.TTF,
	bold:    liberationsansbold.TTF,
	italic:  liberationsansitalic.TTF,
	mono:    liberationmonoregular.TTF,
}

var families = [styles][2]string{regular: {"sans", ""}, bold: {"sans", "B"}, italic: {"sans", "I"}, mono: {"mono", ""}}

// face tells which characters a font holds and how wide they are.
type face struct {
	mu     sync.Mutex
	font   *sfnt.Font
	buffer sfnt.Buffer
	low    [0x250]float64   // Latin, looked up without the lock
	widths map[rune]float64 // the others; in em; below 0: not held
}

type faces [styles]*face

var shared = sync.OnceValue(func() faces {
	var all faces
	for s, data := range sources {
		parsed, err := sfnt.Parse(data)
		if err != nil {
			panic("embedded font: " + err.Error()) // part of the program: cannot happen outside its build
		}
		c := &face{font: parsed, widths: map[rune]float64{}}
		for r := range c.low {
			c.low[r] = c.lookUp(rune(r))
		}
		all[s] = c
	}
	return all
})

func (w *Writer) loadFaces() {
	w.faces = shared()
	for s, data := range sources {
		w.f.AddUTF8FontFromBytes(families[s][0], families[s][1], data)
	}
}

// width of one character in em, below 0 where the face does not hold it. The library takes no character beyond the
// basic plane.
func (c *face) width(r rune) float64 {
	switch {
	case r > 0xffff || r < 0:
		return -1
	case int(r) < len(c.low):
		return c.low[r]
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.widths[r]
	if !ok {
		v = c.lookUp(r)
		c.widths[r] = v
	}
	return v
}

// advance is the width of what is printed for a character.
func (c *face) advance(r rune) float64 {
	if v := c.width(r); v >= 0 {
		return v
	}
	return c.low[replacement]
}

func (c *face) lookUp(r rune) float64 {
	v := -1.0
	if glyph, err := c.font.GlyphIndex(&c.buffer, r); err == nil && glyph != 0 {
		if advance, err := c.font.GlyphAdvance(&c.buffer, glyph, fixed.I(1000), font.HintingNone); err == nil {
			v = float64(advance) / 64 / 1000
		}
	}
	return v
}

// covers says whether every character of s can be shown by every face.
func covers(s string) bool {
	for _, c := range shared() {
		for _, r := range s {
			if c.width(r) < 0 {
				return false
			}
		}
	}
	return true
}

// measure gives the width of s in millimetres at a size in points.
func (w *Writer) measure(s string, st style, size float64) float64 {
	total := 0.0
	for _, r := range s {
		total += w.faces[st].advance(r)
	}
	return total * size * 25.4 / 72
}

// replacement stands for a character that no font here holds.
const replacement = '?'

// clean makes text of anything: no control characters, invisible or direction-changing ones, nothing the fonts lack.
// Line feeds stay, tabs become spaces.
func clean(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	regularFace := shared()[regular]
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteByte('\n')
		case r == '\t':
			b.WriteString("    ")
		case r == '\u00ad' || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Mn, r) && regularFace.width(r) < 0:
		case unicode.Is(unicode.Zs, r):
			b.WriteByte(' ')
		case regularFace.width(r) < 0:
			b.WriteRune(replacement)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' && c != '\n') || c > '~' {
			return false
		}
	}
	return true
}
