package user

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/fault"
)

// MaxImport is how many users one file may bring.
const MaxImport = 10_000

// importable are the columns of a file: attributes of a user that a create takes as text.
var importable = importColumns()

func importColumns() []string {
	var all []string
	t := reflect.TypeFor[CreateAttributes]()
	for i := range t.NumField() {
		if name := jsonName(t.Field(i)); t.Field(i).Type.Kind() == reflect.String && name != "password" {
			all = append(all, name)
		}
	}
	return all
}

// record is one row of a file.
type record struct {
	line  int
	in    CreateAttributes
	wrong []fault.Detail
}

// readCSV reads the rows below a header. The separator is a comma, or a semicolon where the header has no comma. What makes the
// file as a whole unreadable is a fault of kind invalid at "file"; what is wrong with one row stands in it.
func readCSV(content []byte) ([]record, error) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	if !utf8.Valid(content) || bytes.IndexByte(content, 0) >= 0 {
		return nil, fault.At("file", "bad_text", "The file is CSV in UTF-8, without NUL; save it so.")
	}
	r := csv.NewReader(bytes.NewReader(content))
	r.FieldsPerRecord = -1
	first, _, _ := bytes.Cut(content, []byte("\n"))
	if bytes.IndexByte(first, ';') >= 0 && bytes.IndexByte(first, ',') < 0 {
		r.Comma = ';'
	}
	header, err := r.Read()
	if err != nil {
		return nil, broken(err)
	}
	if err := checkHeader(header); err != nil {
		return nil, err
	}
	var all []record
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, broken(err)
		}
		if len(all) == MaxImport {
			return nil, fault.At("file", "too_many", "A file brings at most %d users; send the rest in another.", MaxImport)
		}
		line, _ := r.FieldPos(0)
		all = append(all, readRecord(header, cells, line))
	}
	if len(all) == 0 {
		return nil, fault.At("file", "empty", "The file has no rows below its header.")
	}
	return all, nil
}

func broken(err error) error {
	var at *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return fault.At("file", "empty", "The file is empty; it has a header and a row for each user.")
	case errors.As(err, &at):
		return fault.At("file", "bad_csv", "Line %d is no CSV: a quote stands open or in the midst of a cell; write a quote within quotes twice.", at.Line).Because(err)
	}
	return fault.At("file", "bad_csv", "The file is no CSV.").Because(err)
}

// checkHeader cleans the names of the columns, and refuses those that are not known or are there twice.
func checkHeader(header []string) error {
	if len(header) > 2*len(importable) {
		return fault.At("file", "unknown_column", "The header has %d columns; there are %s.", len(header), strings.Join(importable, ", "))
	}
	var wrong []fault.Detail
	for i, name := range header {
		header[i] = strings.ToLower(strings.TrimSpace(name))
		switch {
		case !slices.Contains(importable, header[i]):
			wrong = append(wrong, fault.Detail{Pointer: "file", Code: "unknown_column", Detail: fmt.Sprintf("There is no column %q; there are %s.",
				clip(header[i]), strings.Join(importable, ", "))})
		case slices.Contains(header[:i], header[i]):
			wrong = append(wrong, fault.Detail{Pointer: "file", Code: "column_twice", Detail: fmt.Sprintf("The column %s is there twice.", header[i])})
		}
	}
	if !slices.Contains(header, "email") {
		wrong = append(wrong, fault.Detail{Pointer: "file", Code: "column_missing", Detail: "The file needs a header with the column email."})
	}
	return fault.All(wrong)
}

func readRecord(header, cells []string, line int) record {
	rec := record{line: line, in: CreateAttributes{Role: access.User}}
	if len(cells) != len(header) {
		rec.wrong = []fault.Detail{{Pointer: "line", Code: "columns", Detail: fmt.Sprintf("The row has %d cells, and the header %d.", len(cells), len(header))}}
		if i := slices.Index(header, "email"); i < len(cells) {
			rec.in.Email = clip(cells[i])
		}
		return rec
	}
	v := reflect.ValueOf(&rec.in).Elem()
	for i, name := range header {
		value := armed(strings.TrimSpace(cells[i]))
		if most := longest[name]; most > 0 && utf8.RuneCountInString(value) > most {
			rec.wrong = append(rec.wrong, fault.Detail{Pointer: name, Code: "too_long", Detail: fmt.Sprintf("%s is at most %d characters long.", name, most)})
			value = ""
		}
		if value != "" {
			v.Field(importField[name]).SetString(value)
		}
	}
	return rec
}

// importField is where a column stands in CreateAttributes.
var importField = func() map[string]int {
	at := map[string]int{}
	t := reflect.TypeFor[CreateAttributes]()
	for i := range t.NumField() {
		at[jsonName(t.Field(i))] = i
	}
	return at
}()

// armed takes off the apostrophe that an export puts before what a spreadsheet would take for a formula.
func armed(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.ContainsRune("=+-@", rune(cell[1])) {
		return cell[1:]
	}
	return cell
}

func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
