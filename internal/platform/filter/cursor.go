package filter

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// readCursor checks that the cursor fits the sorting.
func (p *parser) readCursor() {
	text := p.values.Get("cursor")
	if text == "" {
		return
	}
	values, ok := p.query.decode(text)
	if !ok {
		p.wrong("cursor", "bad_cursor", "This cursor is none of this list with this sort_by; take next_cursor from meta.pagination of the page before.")
		return
	}
	p.query.cursor = values
}

// decode reads a cursor of this list with this sorting.
func (q Query) decode(text string) ([]any, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) > 8192 {
		return nil, false
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var c cursor
	if decoder.Decode(&c) != nil || c.Sort != q.sortKey() || len(c.Values) != len(q.order)+1 {
		return nil, false
	}
	for i := range q.order {
		if c.Values[i], err = q.order[i].column.cursorValue(c.Values[i]); err != nil {
			return nil, false
		}
	}
	id, ok := c.Values[len(q.order)].(string)
	return c.Values, ok && (IsID(id) || len(q.columns.All) == 0)
}

// cursorValue is what a cursor may hold for the column: it came from a client.
func (c Column) cursorValue(v any) (any, error) {
	switch v := v.(type) {
	case json.Number:
		if c.Kind == Real {
			return v.Float64()
		}
		n, err := v.Int64()
		switch {
		case err == nil && (c.Kind == Number || c.Kind == Tenths || c.Kind == Moment):
			return n, nil
		case err == nil && c.Kind == Flag: // as SQLite keeps it
			return n != 0, nil
		}
	case bool:
		if c.Kind == Flag {
			return v, nil
		}
	case string:
		if c.Kind == ID && IsID(v) || (c.Kind == Text || c.Kind == Word || c.Kind == Listed) && keepable([]string{v}) {
			return v, nil
		}
	}
	return nil, fmt.Errorf("%v is no value of %s", v, c.Name)
}

type cursor struct {
	Sort   string `json:"s"`
	Values []any  `json:"v"`
}

func (c cursor) encode() string {
	raw, _ := json.Marshal(c) // plain values
	return base64.RawURLEncoding.EncodeToString(raw)
}

func (q Query) sortKey() string {
	var b strings.Builder
	for _, o := range q.order {
		fmt.Fprintf(&b, "%s:%t,", o.column.Name, o.desc)
	}
	return b.String()
}

// WithCursor is the query for the page behind.
func (q Query) WithCursor(text string) (Query, error) {
	values, ok := q.decode(text)
	if !ok {
		return q, errors.New("cursor of another list")
	}
	q.cursor = values
	return q, nil
}
