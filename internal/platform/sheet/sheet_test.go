package sheet

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

func book(rows [][]Cell) Book {
	return Book{Title: "T", Author: "A", Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Header: "Plan & more", Color: "#17365d", Sheets: []Sheet{
		{Name: "First", Columns: []Column{{"Name", 20, true}, {"Score", 8, false}}, Rows: func(yield func([]Cell) bool) {
			for _, r := range rows {
				if !yield(r) {
					return
				}
			}
		}},
		{Name: "Empty", Columns: []Column{{"Name", 20, false}}, Rows: func(func([]Cell) bool) {}},
	}}
}

func written(t *testing.T, b Book) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, b); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestBookReadsBack(t *testing.T) {
	t.Parallel()
	score := 9.8
	rows := [][]Cell{{{Text: "plain", Tone: "high"}, {Number: &score, Format: "0.0"}}, {{Text: `=HYPERLINK("https://evil.example")`}, {Text: "+1"}}, {{Text: "control \x00\x1b and \ufffe"}, {Text: "@x"}}, {{Text: strings.Repeat("ü", 40_000)}}}
	file := written(t, book(rows))
	if !bytes.Equal(file, written(t, book(rows))) {
		t.Error("two runs differ")
	}
	f, err := excelize.OpenReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for cell, want := range map[string]string{"A1": "Name", "B1": "Score", "A2": "plain", "B2": "9.8", "A3": `'=HYPERLINK("https://evil.example")`, "B3": "'+1", "A4": "control  and ", "B4": "'@x"} {
		if got, err := f.GetCellValue("First", cell); err != nil || got != want {
			t.Errorf("%s is %q, not %q (%v)", cell, got, want, err)
		}
		if formula, err := f.GetCellFormula("First", cell); err != nil || formula != "" {
			t.Errorf("%s is a formula: %q (%v)", cell, formula, err)
		}
	}
	if long, err := f.GetCellValue("First", "A5"); err != nil || utf8.RuneCountInString(long) >= maxCell || !strings.HasSuffix(long, "…") {
		t.Errorf("the long cell has %d characters (%v)", utf8.RuneCountInString(long), err)
	}
	panes, err := f.GetPanes("First")
	if err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("the header does not stay in sight: %+v (%v)", panes, err)
	}
	tables, err := f.GetTables("First")
	if err != nil || len(tables) != 1 || tables[0].Range != "A1:B5" {
		t.Errorf("filters: %+v (%v)", tables, err)
	}
	if names := f.GetSheetList(); len(names) != 2 || names[1] != "Empty" {
		t.Errorf("sheets: %v", names)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "=1+1", "\t=1", "-", "\xff", "'", "\u202e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		safe := Text(s)
		if !utf8.ValidString(safe) || safe != "" && strings.ContainsRune("=+-@\t\r", rune(safe[0])) {
			t.Errorf("%q stays %q", s, safe)
		}
	})
}
