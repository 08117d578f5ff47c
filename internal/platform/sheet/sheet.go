// Package sheet writes workbooks (XLSX, Office Open XML) of plain tables: a header that stays in sight, filters, widths,
// and cells that no program takes for a formula. It alone knows the spreadsheet library. Rows are streamed, so that a
// long table needs little memory.
package sheet

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// Column of a sheet; Width is in characters.
type Column struct {
	Title string
	Width float64
	Wrap  bool
}

// Cell holds text, or a number where Number is set. A tone colours it.
type Cell struct {
	Text   string
	Number *float64
	Tone   string // critical, high, medium, low, info, pass, fail, note, inconclusive or empty
	Format string // of a number: "0.0" or "0.0%"; empty is as it comes
}

// Sheet is one table. Rows gives them in order; it stops when yield says false.
type Sheet struct {
	Name    string
	Columns []Column
	Rows    func(yield func([]Cell) bool)
}

// Book is a workbook.
type Book struct {
	Title   string
	Author  string
	Created time.Time
	Header  string // printed on every page
	Color   string // #rrggbb of the header row
	Sheets  []Sheet
}

// maxCell is Excel's limit of characters in a cell.
const maxCell = 32767

// Text makes a text safe in a spreadsheet: one that would be taken for a formula gets an apostrophe before it, control
// characters go, and what is too long is cut with an ellipsis.
func Text(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, s)
	if s != "" && strings.ContainsRune("=+-@\t", rune(s[0])) {
		s = "'" + s
	}
	if utf8.RuneCountInString(s) >= maxCell {
		s = string([]rune(s)[:maxCell-2]) + "…"
	}
	return s
}

// Write writes the workbook.
func Write(w io.Writer, b Book) error {
	f := excelize.NewFile()
	defer f.Close()
	styles := &styles{file: f, made: map[styleKey]int{}, header: strings.TrimPrefix(b.Color, "#")}
	for i, s := range b.Sheets {
		if i == 0 {
			if err := f.SetSheetName("Sheet1", s.Name); err != nil {
				return fmt.Errorf("name sheet %s: %w", s.Name, err)
			}
		} else if _, err := f.NewSheet(s.Name); err != nil {
			return fmt.Errorf("add sheet %s: %w", s.Name, err)
		}
		if err := fill(f, s, styles); err != nil {
			return fmt.Errorf("fill sheet %s: %w", s.Name, err)
		}
		if err := setPage(f, s.Name, b.Header); err != nil {
			return fmt.Errorf("set page of sheet %s: %w", s.Name, err)
		}
	}
	f.SetActiveSheet(0)
	at := b.Created.UTC().Format(time.RFC3339)
	if err := f.SetDocProps(&excelize.DocProperties{Title: Text(b.Title), Creator: Text(b.Author), Created: at, Modified: at, LastModifiedBy: Text(b.Author)}); err != nil {
		return fmt.Errorf("set properties: %w", err)
	}
	var made bytes.Buffer
	if _, err := f.WriteTo(&made); err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	if err := order(w, made.Bytes()); err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	return nil
}

// order copies an archive with its parts sorted by name: the library writes streamed sheets as a map gives them.
func order(w io.Writer, archive []byte) error {
	in, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return err
	}
	slices.SortFunc(in.File, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	out := zip.NewWriter(w)
	for _, part := range in.File {
		if err := out.Copy(part); err != nil {
			return err
		}
	}
	return out.Close()
}

func setPage(f *excelize.File, name, header string) error {
	landscape, paper, width, height := "landscape", 9, 1, 0
	if err := f.SetPageLayout(name, &excelize.PageLayoutOptions{Orientation: &landscape, Size: &paper, FitToWidth: &width, FitToHeight: &height}); err != nil {
		return err
	}
	text := strings.ReplaceAll(header, "&", "&&")
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "")
	}
	return f.SetHeaderFooter(name, &excelize.HeaderFooterOptions{OddHeader: "&L" + text, OddFooter: "&L&A&RPage &P of &N"})
}

func fill(f *excelize.File, s Sheet, styles *styles) error {
	out, err := f.NewStreamWriter(s.Name)
	if err != nil {
		return err
	}
	for i, c := range s.Columns {
		if err := out.SetColWidth(i+1, i+1, c.Width); err != nil {
			return err
		}
	}
	if err := out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	head, err := styles.of(styleKey{head: true})
	if err != nil {
		return err
	}
	titles := make([]any, len(s.Columns))
	for i, c := range s.Columns {
		titles[i] = excelize.Cell{StyleID: head, Value: c.Title}
	}
	if err := out.SetRow("A1", titles, excelize.RowOpts{Height: 22}); err != nil {
		return err
	}
	last, err := fillRows(out, s, styles)
	if err != nil {
		return err
	}
	if last > 1 {
		if err := addTable(out, s, last); err != nil {
			return err
		}
	}
	return out.Flush()
}

// addTable gives the rows filters.
func addTable(out *excelize.StreamWriter, s Sheet, last int) error {
	corner, err := excelize.CoordinatesToCellName(len(s.Columns), last)
	if err != nil {
		return err
	}
	return out.AddTable(&excelize.Table{Range: "A1:" + corner, Name: strings.ReplaceAll(s.Name, " ", "_"), StyleName: "TableStyleLight1"})
}

func fillRows(out *excelize.StreamWriter, s Sheet, styles *styles) (last int, err error) {
	last = 1
	s.Rows(func(row []Cell) bool {
		last++
		values := make([]any, len(row))
		for i, c := range row {
			var style int
			if style, err = styles.of(styleKey{tone: c.Tone, format: c.Format, wrap: i < len(s.Columns) && s.Columns[i].Wrap}); err != nil {
				return false
			}
			if c.Number != nil {
				values[i] = excelize.Cell{StyleID: style, Value: *c.Number}
			} else {
				values[i] = excelize.Cell{StyleID: style, Value: Text(c.Text)}
			}
		}
		var at string
		if at, err = excelize.CoordinatesToCellName(1, last); err != nil {
			return false
		}
		err = out.SetRow(at, values)
		return err == nil
	})
	return last, err
}

type styleKey struct {
	head         bool
	tone, format string
	wrap         bool
}

type styles struct {
	file   *excelize.File
	made   map[styleKey]int
	header string
}

var toneColors = map[string]string{
	"critical": "7A122F", "high": "B42318", "medium": "A84706", "low": "1F5FB4", "info": "475467",
	"pass": "056B45", "fail": "B42318", "inconclusive": "8A5005", "note": "5B3FA6",
}

func (s *styles) of(k styleKey) (int, error) {
	if id, ok := s.made[k]; ok {
		return id, nil
	}
	st := &excelize.Style{Font: &excelize.Font{Family: "Calibri", Size: 10}, Alignment: &excelize.Alignment{Vertical: "top", WrapText: k.wrap}}
	switch {
	case k.head:
		st.Font.Bold, st.Font.Color = true, "FFFFFF"
		st.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{s.header}}
		st.Alignment.Vertical = "center"
	case toneColors[k.tone] != "":
		st.Font.Bold, st.Font.Color = true, toneColors[k.tone]
	}
	if k.format != "" {
		st.CustomNumFmt = &k.format
	}
	id, err := s.file.NewStyle(st)
	if err == nil {
		s.made[k] = id
	}
	return id, err
}
