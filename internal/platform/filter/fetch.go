package filter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/db"
)

// Page of a list, ready for the wire.
type Page[A any] struct {
	Rows []A
	Meta Meta
}

// Meta is meta.pagination of a list.
type Meta struct {
	TotalCount  int     `json:"total_count"`
	LowerBound  bool    `json:"total_count_is_lower_bound,omitempty"`
	TotalPages  int     `json:"total_pages"`
	CurrentPage int     `json:"current_page"`
	PerPage     int     `json:"per_page"`
	NextCursor  *string `json:"next_cursor"`
}

// Fetch runs the query over what build selects and returns the rows of the page. build is called for the rows, the count and the
// cursor; it must bind the Tx (Tx.Select) and may join. Rows are ordered by sort_by, ties by id.
func Fetch[R any](tx *db.Tx, q Query, build func(rows any) *bun.SelectQuery) ([]R, Meta, error) {
	rows := []R{}
	meta := Meta{CurrentPage: q.Page, PerPage: q.PerPage}
	page := q.ordered(q.where(build(&rows)))
	page = q.after(page)
	if q.cursor == nil {
		page = page.Offset(int64((q.Page - 1) * q.PerPage))
	}
	if err := page.Limit(int64(q.PerPage + 1)).Scan(tx.Context()); err != nil {
		return nil, meta, fmt.Errorf("list: %w", err)
	}
	more := len(rows) > q.PerPage
	if more {
		rows = rows[:q.PerPage]
	}
	if err := q.count(tx, &meta, len(rows), more, func() *bun.SelectQuery { return q.where(build((*R)(nil))) }); err != nil {
		return nil, meta, err
	}
	if more {
		next, err := q.next(tx, func() *bun.SelectQuery { return q.ordered(q.where(build((*R)(nil)))) }, rowID(rows[len(rows)-1]))
		if err != nil {
			return nil, meta, err
		}
		meta.NextCursor = &next
	}
	return rows, meta, nil
}

// Cut gives the page of rows that are all at hand, in their order; id tells them apart.
func Cut[R any](q Query, all []R, id func(R) string) Page[R] {
	start := (q.Page - 1) * q.PerPage
	if q.cursor != nil {
		start = 1 + slices.IndexFunc(all, func(r R) bool { return id(r) == q.cursor[0] })
	}
	start = min(start, len(all))
	end := min(start+q.PerPage, len(all))
	meta := Meta{TotalCount: len(all), TotalPages: (len(all) + q.PerPage - 1) / q.PerPage, CurrentPage: q.Page, PerPage: q.PerPage}
	if end < len(all) {
		next := cursor{Sort: q.sortKey(), Values: []any{id(all[end-1])}}.encode()
		meta.NextCursor = &next
	}
	return Page[R]{Rows: all[start:end], Meta: meta}
}

// Identified rows tell the id that breaks ties.
type Identified interface{ RowID() string }

func rowID(row any) string { return row.(Identified).RowID() }

// count is skipped where the first page holds all.
func (q Query) count(tx *db.Tx, meta *Meta, got int, more bool, build func() *bun.SelectQuery) error {
	if !more && q.Page == 1 && q.cursor == nil {
		meta.TotalCount = got
	} else {
		inner := build().ColumnExpr("1").Limit(MaxCount + 1)
		if err := tx.Wrap(inner).Scan(tx.Context(), &meta.TotalCount); err != nil {
			return fmt.Errorf("count: %w", err)
		}
	}
	if meta.TotalCount > MaxCount {
		meta.TotalCount, meta.LowerBound = MaxCount, true
	}
	meta.TotalPages = (meta.TotalCount + q.PerPage - 1) / q.PerPage
	return nil
}

// where adds the filters.
func (q Query) where(s *bun.SelectQuery) *bun.SelectQuery {
	for _, c := range q.conditions {
		s = s.WhereGroup(" AND ", func(s *bun.SelectQuery) *bun.SelectQuery {
			negated := len(c.any) > 0 && strings.HasPrefix(c.any[0].op, "!")
			for _, t := range c.any {
				sql, args := t.sql(c.column)
				if negated { // !a,b means neither
					s = s.Where(sql, args...)
				} else {
					s = s.WhereOr(sql, args...)
				}
			}
			return s
		})
	}
	if q.search == "" {
		return s
	}
	return s.WhereGroup(" AND ", func(s *bun.SelectQuery) *bun.SelectQuery {
		pattern := "%" + Pattern(q.search) + "%"
		for _, c := range q.columns.All {
			if c.Search {
				s = s.WhereOr("lower("+c.SQL+`) LIKE ? ESCAPE '\'`, pattern)
			}
		}
		return s
	})
}

func (t test) sql(c Column) (string, []any) {
	expr := c.SQL
	if c.Kind == Text || c.Kind == Word || c.Kind == Listed {
		expr = "lower(" + expr + ")"
	}
	var sql string
	switch t.op {
	case "like":
		sql = expr + ` LIKE ? ESCAPE '\'`
	case "!like":
		sql = expr + ` NOT LIKE ? ESCAPE '\'`
	case "!=":
		sql = expr + " <> ?"
	default:
		sql = expr + " " + t.op + " ?"
	}
	if c.Null && strings.HasPrefix(t.op, "!") {
		sql = "(" + c.SQL + " IS NULL OR " + sql + ")"
	}
	return sql, []any{t.value}
}

// sortSQL never yields null, whose place the two databases see differently.
func sortSQL(c Column) string {
	if !c.Null {
		return c.SQL
	}
	zero := "''"
	switch c.Kind {
	case Number, Tenths, Moment, Real:
		zero = "-1"
	case Flag:
		zero = "false"
	case ID:
		zero = "'00000000-0000-0000-0000-000000000000'"
	}
	return "coalesce(" + c.SQL + ", " + zero + ")"
}

func (q Query) ordered(s *bun.SelectQuery) *bun.SelectQuery {
	desc := false
	for _, o := range q.order {
		s = s.OrderExpr(sortSQL(o.column) + direct(o.desc))
		desc = o.desc
	}
	return s.OrderExpr("?TableAlias.id" + direct(desc))
}

func direct(desc bool) string {
	if desc {
		return " DESC"
	}
	return " ASC"
}

// after continues behind the cursor.
func (q Query) after(s *bun.SelectQuery) *bun.SelectQuery {
	if q.cursor == nil {
		return s
	}
	exprs, descs := []string{}, []bool{}
	for _, o := range q.order {
		exprs, descs = append(exprs, sortSQL(o.column)), append(descs, o.desc)
	}
	last := len(descs) > 0 && descs[len(descs)-1]
	exprs, descs = append(exprs, "?TableAlias.id"), append(descs, last)
	if !slices.Contains(descs, !last) {
		return s.Where("("+strings.Join(exprs, ", ")+")"+beyond(last)+"(?)", bun.List(q.cursor))
	}
	return q.afterMixed(s, exprs, descs)
}

// afterMixed spells (a, b, id) > (x, y, z) out, for columns of different directions. Where all have one, a comparison of rows
// lets both databases enter an index at the cursor.
func (q Query) afterMixed(s *bun.SelectQuery, exprs []string, descs []bool) *bun.SelectQuery {
	return s.WhereGroup(" AND ", func(s *bun.SelectQuery) *bun.SelectQuery {
		for i := range exprs {
			var sql strings.Builder
			for j := range i {
				sql.WriteString(exprs[j] + " = ? AND ")
			}
			sql.WriteString(exprs[i] + beyond(descs[i]) + "?")
			s = s.WhereOr("("+sql.String()+")", q.cursor[:i+1]...)
		}
		return s
	})
}

func beyond(desc bool) string {
	if desc {
		return " < "
	}
	return " > "
}

// next asks for the sort values of the last row, so that a list needs no code of its own for its cursor.
func (q Query) next(tx *db.Tx, build func() *bun.SelectQuery, id string) (string, error) {
	c := cursor{Sort: q.sortKey()}
	if len(q.order) > 0 {
		dest := make([]any, len(q.order))
		s := build().Where("?TableAlias.id = ?", id).Limit(1)
		for i, o := range q.order {
			s = s.ColumnExpr(sortSQL(o.column))
			dest[i] = new(any)
		}
		if err := s.Scan(tx.Context(), dest...); err != nil {
			return "", fmt.Errorf("cursor: %w", err)
		}
		for _, d := range dest {
			v := *d.(*any)
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			c.Values = append(c.Values, v)
		}
	}
	c.Values = append(c.Values, id)
	return c.encode(), nil
}

// Links gives the Link header's values (RFC 8288): first, prev, next, last as far as there are.
func (q Query) Links(m Meta) []string {
	link := func(rel string, set map[string]string) string {
		values := q.url.Query()
		for k, v := range set {
			if values.Del(k); v != "" {
				values.Set(k, v)
			}
		}
		return fmt.Sprintf("<%s?%s>; rel=%q", q.url.Path, values.Encode(), rel)
	}
	var links []string
	if q.cursor != nil || (q.Page+1)*q.PerPage > MaxDepth {
		if m.NextCursor != nil {
			links = append(links, link("next", map[string]string{"page": "", "cursor": *m.NextCursor}))
		}
		return links
	}
	links = append(links, link("first", map[string]string{"page": "1"}))
	if q.Page > 1 {
		links = append(links, link("prev", map[string]string{"page": fmt.Sprint(q.Page - 1)}))
	}
	if m.NextCursor != nil {
		links = append(links, link("next", map[string]string{"page": fmt.Sprint(q.Page + 1)}))
	}
	if !m.LowerBound && m.TotalPages > 0 {
		links = append(links, link("last", map[string]string{"page": fmt.Sprint(m.TotalPages)}))
	}
	return links
}
