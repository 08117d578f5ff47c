package pdf

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"strings"
	"testing"
)

// hostile texts: long words, control and direction characters, scripts that no font here holds, markup.
var hostile = []string{
	strings.Repeat("x", 3000), strings.Repeat("ab-", 500), "line\nfeed\r\n\ttab", "\x00\x1b[31m\u202e\u200b\ufeffend", "漢字 العربية 😀 \U000F0000", "(paren) \\back\\ ) Tj ET",
	"Ελληνικά Кириллица Ünïcödé ſt ﬁ", "", " ", strings.Repeat("word ", 2000), "\xff\xfe\xc0broken utf-8", strings.Repeat("é", 700), "=cmd|' /C calc'!A0", "<script>alert(1)</script>",
}

// everything fills a document with each kind of block, made of one text.
func everything(w *Writer, s string) {
	w.Cover(Cover{Title: s, Subtitle: s, Verdict: Verdict{Word: s, Tone: "fail", Reason: s}, Tiles: []Tile{{s, s, "high"}}, Facts: []Fact{{Label: s, Value: s}}, Notice: s})
	w.Contents("Contents")
	for level := 1; level <= 3; level++ {
		w.Heading(Heading{Level: level, Text: s, Sub: s, Badges: []Badge{{"High 9.8", "high"}}})
	}
	w.Heading(Heading{Level: 2, Text: s, Tone: "high", Anchor: s})
	w.Paragraph(Paragraph{Text: s, Label: s, To: s})
	w.List(List{Items: []string{s, s}, Links: true})
	w.List(List{Items: []string{s}, Numbered: true, Small: true})
	w.Facts(Facts{Columns: 2, Groups: []FactGroup{{Items: []Fact{{Label: s, Value: s}, {Label: s, Value: s, Mono: true}, {Label: s, Value: s, Wide: true}, {Label: s, Value: s, Tone: "pass"}, {Label: s, Blank: true}}}}})
	w.Facts(Facts{Columns: 1, Groups: []FactGroup{{Items: []Fact{{Label: s, Value: s, To: s}}}}})
	w.Facts(Facts{Groups: []FactGroup{{Title: s, Items: []Fact{{Label: s, Value: s}}}, {Title: s}}, Dense: true})
	cell := []Cell{{Text: s, Sub: s, To: "#" + s}, {Text: s, Tone: "low"}, {Text: s, Mono: true}, {Text: s}}
	w.Table(Table{Columns: []Column{{s, 3, false}, {"B", 1, false}, {"C", 2, false}, {"D", 1, true}}, Rows: [][]Cell{cell, cell, {{Text: s}}, nil}})
	w.Table(Table{Empty: s})
	w.Callout(Callout{Tone: "note", Title: s, Text: s})
	w.Code(Code{Label: s, Text: s})
	w.Tiles([]Tile{{s, s, ""}, {s, s, "pass"}})
	w.Charts([]Chart{{Title: s, Donut: []Share{{"High", 3, "high"}}, Centre: s}, {Title: s, Bars: []Bar{{s, []Share{{s, 2, "low"}}}}}})
	w.Verdict(Verdict{Word: "Pass", Tone: "pass", Reason: s, Small: true})
	w.Break()
}

// inside fails for every line that leaves the margins of its page.
func inside(t testing.TB, file []byte) {
	t.Helper()
	w := New(Options{})
	_, lines := read(t, file)
	for _, l := range lines {
		right := l.x + w.measure(l.text, l.style, l.size)
		if l.x < margin-0.1 || right > pageWidth-margin+0.6 || l.y < 10 || l.y > pageHeight-8 {
			t.Errorf("page %d: %.60q runs from %.1f to %.1f mm at %.1f", l.page, l.text, l.x, right, l.y)
		}
		if strings.ContainsFunc(l.text, func(r rune) bool { return w.faces[l.style].width(r) < 0 }) {
			t.Errorf("page %d: %.60q has a character that its font lacks", l.page, l.text)
		}
	}
}

func TestNothingLeavesThePage(t *testing.T) {
	t.Parallel()
	for i, s := range hostile {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			o := Options{Title: s, Author: s, Brand: s, Running: s, Footer: s, Mark: s, Primary: s, Logo: []byte(s)}
			inside(t, build(t, o, func(w *Writer) { everything(w, s) }))
		})
	}
}

func TestScriptsAreShown(t *testing.T) {
	t.Parallel()
	texts := []string{"Prüfbericht für Größe", "Łódź, Čáslav, Ğüç, œuvre", "Αναφορά ελέγχου ευπαθειών", "Отчёт о проверке уязвимостей", "Звіт: Їжак, Ђорђе"}
	for _, s := range texts {
		if !covers(s) {
			t.Errorf("a face lacks a character of %q", s)
		}
	}
	file := build(t, Options{}, func(w *Writer) {
		for _, s := range texts {
			w.Paragraph(Paragraph{Text: s})
			w.Code(Code{Text: s})
		}
	})
	_, lines := read(t, file)
	for _, s := range texts {
		if n := strings.Count(joined(lines), s); n != 2 {
			t.Errorf("%q is printed %d times", s, n)
		}
	}
}

func TestPageNumbersMarkAndHeader(t *testing.T) {
	t.Parallel()
	file := build(t, Options{Mark: "A draft", Footer: "Report 7", Brand: "Brand"}, func(w *Writer) {
		w.Cover(Cover{Title: "Cover"})
		w.Contents("Contents")
		for i := range 120 {
			w.Heading(Heading{Level: 1 + i%2, Text: fmt.Sprintf("Section %d", i)})
			w.Paragraph(Paragraph{Text: strings.Repeat("Words that fill the page. ", 30)})
		}
	})
	pages, lines := read(t, file)
	if pages < 10 {
		t.Fatalf("%d pages", pages)
	}
	for p := 1; p <= pages; p++ {
		var all []printed
		for _, l := range lines {
			if l.page == p {
				all = append(all, l)
			}
		}
		for _, want := range []string{fmt.Sprintf("Page %d of %d", p, pages), "A draft", "Report 7"} {
			if !strings.Contains(joined(all), want) {
				t.Errorf("page %d has no %q", p, want)
			}
		}
		if body := all[0]; p > 2 && body.style == bold && len(all) < 8 {
			t.Errorf("page %d holds a heading and next to nothing", p)
		}
	}
	inside(t, file)
}

// Headers are drawn last, page after page; the colour of the last thing on one page must not tint the next.
func TestHeadersKeepTheirColour(t *testing.T) {
	t.Parallel()
	_, lines := read(t, build(t, Options{Brand: "Brand"}, func(w *Writer) {
		w.Callout(Callout{Tone: "pass", Title: "Callout"})
		w.Break()
		w.Code(Code{Text: "code"})
		w.Break()
		w.Heading(Heading{Level: 1, Text: "The last fill is the brand's colour"})
	}))
	n := 0
	for _, l := range lines {
		if l.text == "Brand" {
			if n++; l.color != "0.090 0.212 0.365" {
				t.Errorf("page %d: the header's colour is %s", l.page, l.color)
			}
		}
	}
	if n != 3 {
		t.Errorf("%d headers", n)
	}
}

// A heading stands above at least one line of what follows, on the same page.
func TestNoHeadingIsLeftAlone(t *testing.T) {
	t.Parallel()
	for filler := range 60 {
		w := New(Options{})
		for range filler {
			w.Paragraph(Paragraph{Text: "One line."})
		}
		w.Heading(Heading{Level: 1, Text: "First heading"})
		w.Heading(Heading{Level: 2, Text: "Second heading"})
		w.Table(Table{Columns: []Column{{"Column title", 1, false}}, Rows: [][]Cell{{{Text: "row one"}}, {{Text: "row two"}}}})
		var out bytes.Buffer
		if err := w.Close(&out); err != nil {
			t.Fatal(err)
		}
		_, lines := read(t, out.Bytes())
		pageOf := map[string]int{}
		for _, l := range lines {
			if _, ok := pageOf[l.text]; !ok {
				pageOf[l.text] = l.page
			}
		}
		if p := pageOf["First heading"]; p == 0 || p != pageOf["Second heading"] || p != pageOf["Column title"] || p != pageOf["row one"] {
			t.Fatalf("after %d lines: %v", filler, pageOf)
		}
	}
}

func TestTableHeadReturnsOnEveryPage(t *testing.T) {
	t.Parallel()
	var rows [][]Cell
	for i := range 300 {
		rows = append(rows, []Cell{{Text: fmt.Sprintf("row %d", i)}})
	}
	rows = append(rows, []Cell{{Text: strings.Repeat("a very tall row ", 2500)}}, []Cell{{Text: "the last row"}})
	pages, lines := read(t, build(t, Options{}, func(w *Writer) { w.Table(Table{Columns: []Column{{"Head", 1, false}}, Rows: rows}) }))
	heads, seen := map[int]bool{}, map[string]int{}
	for _, l := range lines {
		if l.text == "Head" {
			heads[l.page] = true
		}
		seen[l.text]++
	}
	if len(heads) != pages {
		t.Errorf("%d of %d pages have the head", len(heads), pages)
	}
	for i := range 300 {
		if seen[fmt.Sprintf("row %d", i)] != 1 {
			t.Errorf("row %d is printed %d times", i, seen[fmt.Sprintf("row %d", i)])
		}
	}
	if seen["the last row"] != 1 || strings.Count(joined(lines), "very") != 2500 {
		t.Error("the tall row or the one after it is not whole")
	}
}

func TestLinksLeadOnlyToPlainAddresses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://example.com/a?b=c": "https://example.com/a?b=c", "http://example.com": "http://example.com", "mailto:a@example.com": "mailto:a@example.com",
		"javascript:alert(1)": "", "file:///etc/passwd": "", "https:opaque": "", "//example.com": "", "data:text/html,x": "", "https://exa mple.com": "", "\x00": "", "https://" + strings.Repeat("a", 3000): "",
	} {
		if got := safeURL(in); got != want {
			t.Errorf("safeURL(%.40q) = %q, want %q", in, got, want)
		}
	}
	file := build(t, Options{}, func(w *Writer) {
		w.Paragraph(Paragraph{Text: "bad", To: "javascript:alert(1)"})
		w.Paragraph(Paragraph{Text: "nowhere", To: "#missing"})
		w.Paragraph(Paragraph{Text: "good", To: "https://example.com/(x)"})
	})
	if bytes.Contains(file, []byte("javascript")) || bytes.Count(file, []byte("/Subtype /Link")) != 2 {
		t.Error("links are not as they should be")
	}
}

func TestColoursCanBeRead(t *testing.T) {
	t.Parallel()
	const least = 4.5
	for name, c := range tones {
		for what, ratio := range map[string]float64{"white on strong": contrast(white, c.strong), "strong on soft": contrast(c.strong, c.soft), "ink on soft": contrast(ink, c.soft), "strong on panel": contrast(c.strong, panel)} {
			if ratio < least {
				t.Errorf("%q: %s is %.2f", name, what, ratio)
			}
		}
	}
	for what, ratio := range map[string]float64{"muted on white": contrast(muted, white), "muted on zebra": contrast(muted, zebra), "muted on panel": contrast(muted, panel), "link": contrast(linked, zebra)} {
		if ratio < least {
			t.Errorf("%s is %.2f", what, ratio)
		}
	}
	for _, brand := range []string{"#ffffff", "#fd0", "#7fd1c2", "#000000", "no colour", ""} {
		if r := contrast(readable(brand), white); r < least {
			t.Errorf("brand %s: %.2f", brand, r)
		}
	}
}

func TestSameCallsSameBytes(t *testing.T) {
	t.Parallel()
	one := build(t, Options{Title: "T"}, func(w *Writer) { everything(w, "Ελληνικά text") })
	if !bytes.Equal(one, build(t, Options{Title: "T"}, func(w *Writer) { everything(w, "Ελληνικά text") })) {
		t.Error("two runs differ")
	}
}

func TestLogo(t *testing.T) {
	t.Parallel()
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewNRGBA(image.Rect(0, 0, 300, 10))); err != nil {
		t.Fatal(err)
	}
	if plain, width, height := Logo(picture.Bytes()); plain == nil || width != 300 || height != 10 {
		t.Errorf("%d×%d", width, height)
	}
	picture.Reset()
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 5000, 1))); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"too wide": picture.Bytes(), "no picture": []byte("<svg/>"), "empty": nil, "cut": picture.Bytes()[:30]} {
		if plain, _, _ := Logo(data); plain != nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func FuzzText(f *testing.F) {
	for i, s := range hostile {
		f.Add(s, 5+i*13)
	}
	w := New(Options{})
	f.Fuzz(func(t *testing.T, s string, millimetres int) {
		width := float64(min(max(millimetres, 5), 174))
		for st := range styles {
			lines := append(w.wrap(s, st, 9, width), w.cut(s, st, 9, width))
			for _, l := range append(lines, w.clamp(s, st, 9, width, 2)...) {
				if strings.ContainsFunc(l, func(r rune) bool { return r < ' ' }) || w.measure(l, st, 9) > width+0.01 {
					t.Errorf("%q is no line of %.0f mm", l, width)
				}
			}
		}
		safeURL(s)
	})
}

func FuzzLogo(f *testing.F) {
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewNRGBA(image.Rect(0, 0, 3, 2))); err != nil {
		f.Fatal(err)
	}
	f.Add(picture.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		if plain, width, height := Logo(data); plain != nil && (width < 1 || height < 1 || width > maxLogoSide || height > maxLogoSide) {
			t.Errorf("%d×%d", width, height)
		}
	})
}
