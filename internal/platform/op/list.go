package op

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
)

type bodyList struct {
	Link []string `header:"Link"`
	Body func(huma.Context)
}

func registerList[I any, A Key](m *Mount, o Operation, h func(*db.Tx, *I, filter.Query) (filter.Page[A], error)) {
	extra := inputNames[I]()
	declared := m.huma(o, extra)
	schema := m.API.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Many[A]](), true, "")
	csvOnly := map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: "string", Description: "The whole list, one row a resource"}}}
	if o.exports {
		declared.Responses = map[string]*huma.Response{"200": {Description: "The whole list", Content: csvOnly}}
	} else {
		declared.Responses = map[string]*huma.Response{"200": {
			Description: "A page of the list",
			Content:     map[string]*huma.MediaType{"application/json": {Schema: schema}, "text/csv": csvOnly["text/csv"]},
			Headers:     map[string]*huma.Param{"Link": {Description: "first, prev, next, last (RFC 8288)", Schema: &huma.Schema{Type: "string"}}},
		}}
	}
	huma.Register(m.API, declared, func(ctx context.Context, in *I) (*bodyList, error) {
		grant, _ := ctx.Value(grantKey).(access.Grant)
		r, _ := ctx.Value(rawKey).(raw)
		u := r.ctx.URL()
		q, err := filter.Parse(&u, *o.Columns, extra, zone(grant), m.DB.Clock().Now())
		if err != nil {
			return nil, m.fail(ctx, err)
		}
		if o.exports || strings.Contains(r.ctx.Header("Accept"), "text/csv") {
			return listCSV(ctx, m, o, in, q, h)
		}
		var page filter.Page[A]
		err = m.read(ctx, o, func(tx *db.Tx) (any, error) {
			var err error
			page, err = h(tx, in, q)
			return nil, err
		})
		if err != nil {
			return nil, err
		}
		body := Many[A]{Data: RepresentAll(page.Rows).Data, Meta: PageMeta{page.Meta}}
		return &bodyList{Link: q.Links(page.Meta), Body: func(ctx huma.Context) { writeJSON(ctx, o.Status, body) }}, nil
	})
}

// listCSV streams all rows, page after page, each in a transaction of its own: a slow reader holds none open. The first page is
// read before the answer begins, so that an error there is still an error answer.
func listCSV[I any, A Key](ctx context.Context, m *Mount, o Operation, in *I, q filter.Query, h func(*db.Tx, *I, filter.Query) (filter.Page[A], error)) (*bodyList, error) {
	q.PerPage, q.Page = filter.MaxPerPage, 1
	first, err := pageOf(ctx, m, o, in, q, h)
	if err != nil {
		return nil, err
	}
	return &bodyList{Body: func(hctx huma.Context) {
		hctx.SetHeader("Content-Type", "text/csv; charset=utf-8")
		hctx.SetHeader("Content-Disposition", fmt.Sprintf("attachment; filename=%q", o.ID+".csv"))
		w := csv.NewWriter(hctx.BodyWriter())
		header := csvHeader(reflect.TypeFor[A]())
		_ = w.Write(header)
		page := first
		for {
			for _, row := range page.Rows {
				_ = w.Write(csvRow(header, row))
			}
			w.Flush()
			if page.Meta.NextCursor == nil || w.Error() != nil {
				return
			}
			next, err := q.WithCursor(*page.Meta.NextCursor)
			if err != nil {
				return
			}
			if page, err = pageOf(ctx, m, o, in, next, h); err != nil {
				panic(http.ErrAbortHandler) // the client must see that the list is cut
			}
		}
	}}, nil
}

func pageOf[I any, A Key](ctx context.Context, m *Mount, o Operation, in *I, q filter.Query, h func(*db.Tx, *I, filter.Query) (filter.Page[A], error)) (filter.Page[A], error) {
	var page filter.Page[A]
	err := m.read(ctx, o, func(tx *db.Tx) (any, error) {
		var err error
		page, err = h(tx, in, q)
		return nil, err
	})
	return page, err
}

// csvHeader lists the attributes in the order of the struct.
func csvHeader(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			names = append(names, csvHeader(f.Type)...)
			continue
		}
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// csvRow writes plain values as they are, a reference as its name, lists joined by semicolons, the rest as JSON. A cell that a
// spreadsheet would take for a formula gets an apostrophe.
func csvRow(header []string, row any) []string {
	raw, _ := json.Marshal(row) // attributes are plain values
	var values map[string]any
	_ = json.Unmarshal(raw, &values)
	cells := make([]string, len(header))
	for i, name := range header {
		cells[i] = defuse(cell(values[name]))
	}
	return cells
}

func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = cell(x)
		}
		return strings.Join(parts, "; ")
	case map[string]any:
		if name, ok := v["name"].(string); ok && len(v) == 2 {
			return name
		}
	}
	raw, _ := json.Marshal(v)
	return string(raw)
}

func defuse(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func listParameters(c filter.Columns) []*huma.Param {
	text := &huma.Schema{Type: "string"}
	number := func(most float64) *huma.Schema {
		least := 1.0
		return &huma.Schema{Type: "integer", Minimum: &least, Maximum: &most}
	}
	properties := map[string]*huma.Schema{}
	for _, x := range c.All {
		properties[x.Name] = text
	}
	explode := true
	all := []*huma.Param{
		{Name: "page", In: "query", Description: "Page, from 1", Schema: number(filter.MaxDepth)},
		{Name: "per_page", In: "query", Description: "Rows a page; default 25", Schema: number(filter.MaxPerPage)},
		{Name: "cursor", In: "query", Description: "next_cursor of the page before, for going deeper than 10,000 rows", Schema: text},
		{Name: "q", In: "query", Style: "deepObject", Explode: &explode, Description: "q[column]=value, where * matches anything; see Filtering Data", Schema: &huma.Schema{
			Type: "object", Properties: properties, AdditionalProperties: false}},
		{Name: "sort_by", In: "query", Description: "column, -column, \"column desc\", several by comma", Schema: text},
		{Name: "date_range_start", In: "query", Description: "YYYY-MM-DD hh:mm:ss in your timezone, or RFC 3339", Schema: text},
		{Name: "date_range_end", In: "query", Description: "YYYY-MM-DD hh:mm:ss in your timezone, or RFC 3339", Schema: text},
		{Name: "relative_date_range", In: "query", Description: "10d is the last ten days (s m h d M y); 1q2020 the first quarter of 2020", Schema: text},
		{Name: "date_column", In: "query", Description: "Column that the date range filters; default " + c.Date, Schema: text},
	}
	return all[:len(c.Parameters())]
}
