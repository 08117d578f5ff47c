package client

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Change is an attribute of an update: unchanged where it is left out, a value with Set, cleared with Null.
type Change[T any] struct {
	sent  bool
	null  bool
	value T
}

// Set changes an attribute to v.
func Set[T any](v T) Change[T] { return Change[T]{sent: true, value: v} }

// Null clears an attribute.
func Null[T any]() Change[T] { return Change[T]{sent: true, null: true} }

// IsZero tells whether the attribute is left out.
func (c Change[T]) IsZero() bool { return !c.sent }

// MarshalJSON writes the value, or null.
func (c Change[T]) MarshalJSON() ([]byte, error) {
	if c.null || !c.sent {
		return []byte("null"), nil
	}
	return json.Marshal(c.value)
}

// Ref names a resource that was deleted or acted upon.
type Ref struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// File is a download. Whoever gets it reads it and closes it.
type File struct {
	io.ReadCloser
	Name        string // as the server proposes it; never a path
	ContentType string
	Size        int64 // in bytes; -1 where the server does not tell
}

// Query says which part of a list is wanted, in which order. The zero Query is the first page in the list's own order.
type Query struct {
	Page       int               // from 1
	PerPage    int               // 1 to 500; the server's default is 25
	Cursor     string            // Page.NextCursor of the page before; goes deeper than 10,000 rows
	Filter     map[string]string // by column; * matches anything, as in "name": "shop*"; see Filtering Data in the documentation
	Search     string            // in the columns that people search
	SortBy     string            // "name", "-created_at", several by comma
	From       time.Time         // of the date column
	To         time.Time
	Relative   string     // "10d": the last ten days; "1q2026": the first quarter of 2026
	DateColumn string     // the column that From, To and Relative filter, where it is not the list's own
	Other      url.Values // further parameters, as they are sent: history_id, or a second q[column] on the same column
}

func (q Query) values() url.Values {
	v := url.Values{}
	for name, values := range q.Other {
		v[name] = append([]string(nil), values...)
	}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.Page > 0 {
		set("page", strconv.Itoa(q.Page))
	}
	if q.PerPage > 0 {
		set("per_page", strconv.Itoa(q.PerPage))
	}
	for column, value := range q.Filter {
		v.Add("q["+column+"]", value)
	}
	set("cursor", q.Cursor)
	set("q", q.Search)
	set("sort_by", q.SortBy)
	set("relative_date_range", q.Relative)
	set("date_column", q.DateColumn)
	if !q.From.IsZero() {
		set("date_range_start", q.From.UTC().Format(time.RFC3339))
	}
	if !q.To.IsZero() {
		set("date_range_end", q.To.UTC().Format(time.RFC3339))
	}
	return v
}

// Page is a part of a list.
type Page[T any] struct {
	Items       []T
	CurrentPage int
	PerPage     int
	TotalPages  int
	TotalCount  int    // at least that many where AtLeast is set
	AtLeast     bool   // the list is longer than is counted
	NextCursor  string // empty on the last page
}

type resource[T any] struct {
	Attributes T `json:"attributes"`
}

type pageBody[T any] struct {
	Data []resource[T] `json:"data"`
	Meta struct {
		Pagination struct {
			CurrentPage int    `json:"current_page"`
			PerPage     int    `json:"per_page"`
			TotalPages  int    `json:"total_pages"`
			TotalCount  int    `json:"total_count"`
			AtLeast     bool   `json:"total_count_is_lower_bound"`
			NextCursor  string `json:"next_cursor"`
		} `json:"pagination"`
	} `json:"meta"`
}

func attributes[T any](all []resource[T]) []T {
	items := make([]T, len(all))
	for i, r := range all {
		items[i] = r.Attributes
	}
	return items
}

func list[T any](ctx context.Context, c *connection, path string, q Query) (*Page[T], error) {
	var body pageBody[T]
	if _, err := c.call(ctx, request{method: http.MethodGet, path: path, query: q.values()}, &body); err != nil {
		return nil, err
	}
	p := body.Meta.Pagination
	return &Page[T]{Items: attributes(body.Data), CurrentPage: p.CurrentPage, PerPage: p.PerPage, TotalPages: p.TotalPages, TotalCount: p.TotalCount,
		AtLeast: p.AtLeast, NextCursor: p.NextCursor}, nil
}

// all follows next_cursor from the page that q names. It ends after the first error, and where a server gives the cursor again
// that it was asked for.
func all[T any](ctx context.Context, c *connection, path string, q Query) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		q := q
		for {
			page, err := list[T](ctx, c, path, q)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.NextCursor == "" || page.NextCursor == q.Cursor {
				return
			}
			q.Cursor, q.Page = page.NextCursor, 0
		}
	}
}

// CSV downloads a whole list, such as /v2/targets, with a row for each resource.
func (c *Client) CSV(ctx context.Context, path string, q Query) (*File, error) {
	return c.connection.download(ctx, request{method: http.MethodGet, path: path, query: q.values(), accept: "text/csv"})
}
