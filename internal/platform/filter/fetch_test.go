package filter_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// event borrows a table that has texts, numbers and nulls, and refers to no other.
type event struct {
	bun.BaseModel `bun:"table:audit_events,alias:a"`
	db.Owned
	ID           string     `bun:"id,pk"`
	Sequence     int64      `bun:"sequence"`
	Action       string     `bun:"action"`
	ActorID      *string    `bun:"actor_id"`
	ResourceName string     `bun:"resource_name"`
	Changes      string     `bun:"changes,type:jsonb"`
	PreviousHash string     `bun:"previous_hash"`
	Hash         string     `bun:"hash"`
	CreatedAt    clock.Time `bun:"created_at"`
}

func (e event) RowID() string { return e.ID }

var eventColumns = filter.Columns{Date: "created_at", Sort: "action", All: []filter.Column{
	{Name: "action", SQL: "?TableAlias.action"},
	{Name: "name", SQL: "?TableAlias.resource_name", Search: true},
	{Name: "sequence", SQL: "?TableAlias.sequence", Kind: filter.Number},
	{Name: "actor_id", SQL: "?TableAlias.actor_id", Kind: filter.ID, Null: true},
	{Name: "share", SQL: "CAST(CASE WHEN ?TableAlias.sequence % 4 = 0 THEN NULL ELSE ?TableAlias.sequence % 5 / 8.0 END AS double precision)", Kind: filter.Real, Null: true},
	{Name: "even", SQL: "(?TableAlias.sequence % 2 = 0)", Kind: filter.Flag},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
}}

const many = 60

func own(id string) access.Grant {
	return access.Job(access.Organization{ID: id, Name: "One"}, "pci", "", "test")
}

// fill gives both organizations the same rows: few distinct values, some nulls.
func fill(t *testing.T, d *db.DB, organizations ...string) {
	t.Helper()
	for _, o := range organizations {
		err := d.Write(context.Background(), own(o), func(tx *db.Tx) error {
			for i := range many {
				e := &event{ID: db.NewID(), Sequence: int64(i + 1), Action: fmt.Sprint("action ", i%3), ResourceName: []string{"Ärger", "50%_off", "plain"}[i%3],
					Changes: "{}", CreatedAt: tx.Now().Add(time.Duration(i%2) * time.Hour)}
				if i%4 != 0 {
					e.ActorID = &[]string{o, db.NewID()}[i%2]
				}
				if _, err := tx.Insert(e).Exec(tx.Context()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

type reader struct {
	*testing.T
	d   *db.DB
	org string
}

func (r reader) page(query string) ([]event, filter.Meta, filter.Query) {
	r.Helper()
	q, err := filter.Parse(&url.URL{Path: "/v2/events", RawQuery: query}, eventColumns, nil, time.UTC, r.d.Clock().Now())
	if err != nil {
		r.Fatalf("%s: %v", query, err)
	}
	var rows []event
	var meta filter.Meta
	err = r.d.Read(context.Background(), own(r.org), func(tx *db.Tx) error {
		rows, meta, err = filter.Fetch[event](tx, q, func(rows any) *bun.SelectQuery { return tx.Select(rows) })
		return err
	})
	if err != nil {
		r.Fatalf("%s: %v", query, err)
	}
	return rows, meta, q
}

func (r reader) once(how string, ids []string, want int) {
	r.Helper()
	distinct := slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(ids) != want || len(distinct) != want {
		r.Errorf("%s: %d rows, %d distinct, want %d", how, len(ids), len(distinct), want)
	}
}

// Pages and cursors visit each row exactly once, in the same order, whatever they are sorted by.
func TestEveryRowOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		org, stranger := db.NewID(), db.NewID()
		fill(t, d, org, stranger)
		r := reader{t, d, org}
		for _, sort := range []string{"action", "-action", "action,-sequence", "-created_at,actor_id", "actor_id", "-actor_id", "share", "-share,name", "even", "-even,action", "name", "-sequence"} {
			var byPage, byCursor []string
			for page := 1; page <= 9; page++ {
				rows, meta, _ := r.page(fmt.Sprintf("per_page=7&page=%d&sort_by=%s", page, sort))
				if meta.TotalCount != many || meta.TotalPages != 9 || meta.CurrentPage != page || meta.LowerBound {
					t.Errorf("sorted by %s: %+v", sort, meta)
				}
				byPage = append(byPage, ids(rows)...)
			}
			for query := "per_page=7&sort_by=" + sort; query != ""; {
				rows, meta, _ := r.page(query)
				byCursor = append(byCursor, ids(rows)...)
				if query = ""; meta.NextCursor != nil {
					query = "per_page=7&sort_by=" + sort + "&cursor=" + *meta.NextCursor
				}
				if len(byCursor) > 2*many {
					t.Fatalf("sorted by %s the cursor never ends", sort)
				}
			}
			r.once("pages by "+sort, byPage, many)
			r.once("cursor by "+sort, byCursor, many)
			if !slices.Equal(byPage, byCursor) {
				t.Errorf("sorted by %s pages and cursor differ in order", sort)
			}
		}
	})
}

func ids(rows []event) []string {
	all := make([]string, len(rows))
	for i, r := range rows {
		all[i] = r.ID
	}
	return all
}

func TestFiltersOnBoth(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		org := db.NewID()
		fill(t, d, org)
		r := reader{t, d, org}
		for query, want := range map[string]int{
			"":                                  many,
			"q[action]=ACTION 1":                20,
			"q[action]=*1":                      20,
			"q[action]=!*1":                     40,
			"q[action]=!action 1,action 2":      20,
			"q[action]=action 1,action 2":       40,
			"q[action]=action*&q[action]=*2":    20,
			"q[name]=ÄRGER":                     20,
			"q[name]=är*":                       20,
			"q[name]=50%_*":                     20,
			"q[name]=5*%*f":                     20,
			"q=RGER":                            20,
			"q=ärg":                             20,
			"q=nothing":                         0,
			"q[sequence]=>=51":                  10,
			"q[sequence]=>50&q[sequence]=<=52":  2,
			"q[actor_id]=" + org:                15,
			"q[actor_id]=!" + org:               45,
			"q[share]=>=0.5":                    9,
			"q[even]=true":                      30,
			"q[even]=!true":                     30,
			"relative_date_range=1d":            30,
			"date_range_start=2020-01-01":       many,
			"date_range_end=2020-01-01":         0,
			"relative_date_range=1q2020":        0,
			"q[name]=' OR 1=1 --":               0,
			`q[name]=\`:                         0,
			"q[created_at]=>1970-01-01&page=50": many,
		} {
			values := url.Values{}
			for _, p := range strings.Split(query, "&") {
				if i := strings.LastIndex(p, "]="); i >= 0 {
					values.Add(p[:i+1], p[i+2:])
				} else if name, value, ok := strings.Cut(p, "="); ok {
					values.Add(name, value)
				}
			}
			rows, meta, _ := r.page(values.Encode())
			if meta.TotalCount != want || len(rows) > filter.DefaultPerPage {
				t.Errorf("%s: %d of %d, want %d", query, len(rows), meta.TotalCount, want)
			}
		}
	})
}

func TestLinks(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, db.SQLite)
	org := db.NewID()
	fill(t, d, org)
	r := reader{t, d, org}
	for query, want := range map[string][]string{
		"per_page=25&q[action]=action*": {"first page=1", "next page=2", "last page=3"},
		"per_page=25&page=2":            {"first page=1", "prev page=1", "next page=3", "last page=3"},
		"per_page=25&page=3":            {"first page=1", "prev page=2", "last page=3"},
		"per_page=100":                  {"first page=1", "last page=1"},
		"q[action]=none":                {"first page=1"},
	} {
		_, meta, q := r.page(query)
		var got []string
		for _, l := range q.Links(meta) {
			address, rel, _ := strings.Cut(strings.TrimPrefix(l, "<"), ">; rel=")
			u, err := url.Parse(address)
			if err != nil || u.Path != "/v2/events" {
				t.Errorf("%s: %s, %v", query, l, err)
				continue
			}
			got = append(got, strings.Trim(rel, `"`)+" page="+u.Query().Get("page"))
			if strings.Contains(query, "q[action]=action*") && u.Query().Get("q[action]") != "action*" {
				t.Errorf("%s loses its filter in %s", query, l)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	_, meta, _ := r.page("per_page=25")
	_, meta, q := r.page("per_page=25&cursor=" + *meta.NextCursor)
	if links := q.Links(meta); len(links) != 1 || !strings.Contains(links[0], "cursor="+*meta.NextCursor) || !strings.Contains(links[0], `rel="next"`) {
		t.Errorf("behind a cursor the links are %v", links)
	}
}
