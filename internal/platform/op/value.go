package op

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette/vedette/internal/platform/fault"
)

// Field is an attribute of an update: not sent, null, or a value. PUT changes what is sent; null clears.
type Field[T any] struct {
	Sent  bool
	Null  bool
	Value T
}

// UnmarshalJSON notes that the attribute was sent.
func (f *Field[T]) UnmarshalJSON(b []byte) error {
	f.Sent = true
	if bytes.Equal(b, []byte("null")) {
		f.Null = true
		return nil
	}
	return json.Unmarshal(b, &f.Value)
}

// Schema is T's, null allowed.
func (f Field[T]) Schema(r huma.Registry) *huma.Schema {
	s := *r.Schema(reflect.TypeFor[T](), true, "")
	if s.Ref == "" && s.Type != "" {
		s.Nullable = true
	}
	return &s
}

// Set writes the value into to where it was sent; null writes the zero value.
func (f Field[T]) Set(to *T) {
	if f.Sent {
		*to = f.Value
	}
}

// NoneSent refuses an update that sends nothing (422); fields is a struct of Field.
func NoneSent(pointer string, fields any) error {
	v := reflect.ValueOf(fields)
	for i := range v.NumField() {
		if v.Field(i).Kind() != reflect.Struct {
			continue
		}
		if sent := v.Field(i).FieldByName("Sent"); sent.IsValid() && sent.Bool() {
			return nil
		}
	}
	return fault.At(pointer, "empty", "Send at least one attribute to change.")
}

// Strings is accepted as an array, or as one text with commas or lines between.
type Strings []string

// UnmarshalJSON reads both forms.
func (s *Strings) UnmarshalJSON(b []byte) error {
	var list []string
	if err := json.Unmarshal(b, &list); err == nil {
		*s = list
		return nil
	}
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("send an array of texts, or one text with commas or lines between")
	}
	*s = Strings{}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		if part = strings.TrimSpace(part); part != "" {
			*s = append(*s, part)
		}
	}
	return nil
}

// Schema allows both forms.
func (Strings) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{
		{Type: "array", Items: &huma.Schema{Type: "string"}},
		{Type: "string"},
	}, Description: "An array of texts, or one text with commas or lines between"}
}

// Ref of a request names another resource by its id.
type RefID string

// Schema is a UUID's.
func (RefID) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "string", Description: "Id of the resource (UUID)"}
}
