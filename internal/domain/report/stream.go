package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"strings"
)

// stream is a list of a data file that is written one by one, so that a long one never stands in memory; nil is empty.
type stream[T any] func(yield func(T) bool)

// MarshalJSON leaves the place at which writeTree puts the elements.
func (stream[T]) MarshalJSON() ([]byte, error) { return []byte("[]"), nil }

// MarshalXML writes an element for each.
func (s stream[T]) MarshalXML(e *xml.Encoder, start xml.StartElement) (err error) {
	s.elements(func(v any) bool {
		err = e.EncodeElement(v, start)
		return err == nil
	})
	return err
}

func (s stream[T]) elements(yield func(any) bool) {
	if s != nil {
		s(func(v T) bool { return yield(v) })
	}
}

// streamed names a stream of a tree, and tells how deep within it it stands.
type streamed struct {
	name     string
	depth    int
	elements func(yield func(any) bool)
}

// writeTree writes a value as indented JSON with the elements of its streams, which come in the order of the fields; one that the
// value leaves out is passed over.
func writeTree(w io.Writer, tree any, indent string, streams ...streamed) error {
	text, err := json.MarshalIndent(tree, "", indent)
	if err != nil {
		return err
	}
	for _, s := range streams {
		margin := "\n" + strings.Repeat(indent, s.depth)
		place := []byte(margin + `"` + s.name + `": [`)
		at := bytes.Index(text, append(place, ']'))
		if at < 0 {
			continue
		}
		at += len(place)
		if _, err := w.Write(text[:at]); err != nil {
			return err
		}
		if err := writeElements(w, s, margin, indent); err != nil {
			return err
		}
		text = text[at:]
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

func writeElements(w io.Writer, s streamed, margin, indent string) (err error) {
	before := margin + indent
	s.elements(func(v any) bool {
		var text []byte
		if text, err = json.MarshalIndent(v, margin[1:]+indent, indent); err == nil {
			_, err = w.Write(append([]byte(before), text...))
		}
		before = "," + margin + indent
		return err == nil
	})
	if err == nil && before[0] == ',' {
		_, err = io.WriteString(w, margin)
	}
	return err
}
