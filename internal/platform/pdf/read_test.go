package pdf

import (
	"bytes"
	"compress/zlib"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// printed is one line of text as the file has it.
type printed struct {
	page  int
	x, y  float64 // millimetres from the upper left corner
	style style
	size  float64
	text  string
	color string // as the file has it: red green blue, or one grey
}

var (
	fontName   = regexp.MustCompile(`/F([0-9a-f]+) (\d+) 0 R`)
	fontObject = regexp.MustCompile(`(?s)(\d+) 0 obj\n<</Type /Font\n/Subtype /Type0\n/BaseFont /utf8(\w+)`)
	pageObject = regexp.MustCompile(`(?s)<</Type /Page\n.*?/Contents (\d+) 0 R`)
	operator   = regexp.MustCompile(`(?sm)BT /F([0-9a-f]+) ([0-9.]+) Tf ET|^([0-9. ]+) (?:rg|g)$|(?:q ([0-9. ]+) (?:rg|g) )?BT ([-0-9.]+) ([-0-9.]+) Td \(((?:[^\\)]|\\.)*)\) Tj ET`)
)

// read takes a file of this package apart with no help of the library that wrote it.
func read(t testing.TB, file []byte) (pages int, lines []printed) {
	t.Helper()
	styleOf := map[string]style{"sans": regular, "sansB": bold, "sansI": italic, "mono": mono}
	objects := map[string]style{}
	for _, m := range fontObject.FindAllSubmatch(file, -1) {
		objects[string(m[1])] = styleOf[string(m[2])]
	}
	fonts := map[string]style{}
	for _, m := range fontName.FindAllSubmatch(file, -1) {
		fonts[string(m[1])] = objects[string(m[2])]
	}
	for _, m := range pageObject.FindAllSubmatch(file, -1) {
		pages++
		st, size, fill := regular, 0.0, "0"
		for _, op := range operator.FindAllSubmatch(content(t, file, string(m[1])), -1) {
			if len(op[1]) > 0 {
				st, size = fonts[string(op[1])], float(t, op[2])
				continue
			}
			if len(op[3]) > 0 {
				fill = string(op[3])
				continue
			}
			color := fill
			if len(op[4]) > 0 {
				color = string(op[4])
			}
			lines = append(lines, printed{pages, float(t, op[5]) * 25.4 / 72, pageHeight - float(t, op[6])*25.4/72, st, size, decode(op[7]), color})
		}
	}
	return pages, lines
}

func float(t testing.TB, s []byte) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(string(s), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func content(t testing.TB, file []byte, object string) []byte {
	t.Helper()
	at := bytes.Index(file, []byte("\n"+object+" 0 obj\n"))
	start := at + bytes.Index(file[at:], []byte("stream\n")) + len("stream\n")
	r, err := zlib.NewReader(bytes.NewReader(file[start:]))
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func decode(s []byte) string {
	var raw []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if s[i] == 'r' {
				raw = append(raw, '\r')
				continue
			}
		}
		raw = append(raw, s[i])
	}
	var units []uint16
	for i := 0; i+1 < len(raw); i += 2 {
		units = append(units, uint16(raw[i])<<8|uint16(raw[i+1]))
	}
	return string(utf16.Decode(units))
}

// build sets a document and gives its bytes.
func build(t testing.TB, o Options, fill func(*Writer)) []byte {
	t.Helper()
	w := New(o)
	fill(w)
	var out bytes.Buffer
	if err := w.Close(&out); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(out.Bytes(), []byte("%PDF-")) || !bytes.Contains(out.Bytes()[out.Len()-16:], []byte("%%EOF")) {
		t.Fatal("not a whole PDF file")
	}
	return out.Bytes()
}

func joined(lines []printed) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.text)
		b.WriteByte('\n')
	}
	return b.String()
}
