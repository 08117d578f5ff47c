package filter

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/fault"
)

var testColumns = Columns{Date: "created_at", Sort: "name", All: []Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: ID, NoSort: true},
	{Name: "name", SQL: "?TableAlias.name", Search: true},
	{Name: "threat", SQL: "?TableAlias.threat", Kind: Word, Words: []string{"High", "Low"}},
	{Name: "port", SQL: "?TableAlias.port", Kind: Number},
	{Name: "severity", SQL: "?TableAlias.severity", Kind: Tenths},
	{Name: "epss", SQL: "?TableAlias.epss", Kind: Real, Null: true},
	{Name: "kev", SQL: "?TableAlias.kev", Kind: Flag, Null: true},
	{Name: "cves", SQL: "?TableAlias.cves", Kind: Listed, NoSort: true},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: Moment},
	{Name: "seen_at", SQL: "?TableAlias.seen_at", Kind: Moment, Null: true},
	{Name: "status", SQL: "?TableAlias.state", Kind: Word, Alias: func(v string) []string {
		if strings.EqualFold(v, "running") {
			return []string{"running", "stopping"}
		}
		return nil
	}},
}}

var (
	testNow = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	berlin  = func() *time.Location {
		z, err := time.LoadLocation("Europe/Berlin")
		if err != nil {
			panic(err)
		}
		return z
	}()
)

func parse(query string) (Query, error) {
	return Parse(&url.URL{Path: "/v2/things", RawQuery: query}, testColumns, []string{"history_id"}, berlin, testNow)
}

// wire encodes a query that is written readably.
func wire(query string) string {
	if query == "" {
		return ""
	}
	var parts []string
	for _, p := range strings.Split(query, "&") {
		name, value, _ := strings.Cut(p, "]=")
		if value == "" {
			name, value, _ = strings.Cut(p, "=")
		} else {
			name += "]"
		}
		parts = append(parts, url.QueryEscape(name)+"="+url.QueryEscape(value))
	}
	return strings.Join(parts, "&")
}

// told writes the conditions as one reads them: column, operator, value; | within one, & between.
func told(q Query) string {
	var all []string
	for _, c := range q.conditions {
		var any []string
		for _, t := range c.any {
			v := fmt.Sprint(t.value)
			if c.column.Kind == Moment {
				v = clock.Time(t.value.(int64)).String()
			}
			any = append(any, c.column.Name+" "+t.op+" "+v)
		}
		all = append(all, strings.Join(any, " | "))
	}
	return strings.Join(all, " & ")
}

func TestConditions(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"q[name]=Web":                     "name = web",
		"q[name]=test*":                   "name like test%",
		"q[name]='test*'":                 "name like test%",
		`q[name]="test"`:                  "name = test",
		"q[name]=50%_a*":                  `name like 50\%\_a%`,
		"q[name]=!test*":                  "name !like test%",
		"q[name]=!test":                   "name != test",
		"q[name]=!'>=7'":                  "name != >=7",
		"q[name]='>=7'":                   "name = >=7",
		"q[name]='!x'":                    "name = !x",
		"q[name]='a,b'":                   "name = a,b",
		"q[name]='it's, 5'":               "name = it's, 5",
		"q[name]=a,b":                     "name = a | name = b",
		"q[name]='a,b',c*":                "name = a,b | name like c%",
		"q[name]=!a,b":                    "name != a | name != b",
		"q[name]=a*&q[name]=!*z":          "name like a% & name !like %z",
		"q[threat]=high,LOW":              "threat = high | threat = low",
		"q[port]=>=443":                   "port >= 443",
		"q[port]=<1024":                   "port < 1024",
		"q[port]=!80":                     "port != 80",
		"q[severity]=>=7":                 "severity >= 70",
		"q[severity]=9.8":                 "severity = 98",
		"q[epss]=>0.5":                    "epss > 0.5",
		"q[kev]=true":                     "kev = true",
		"q[cves]=CVE-2026-1*":             "cves like % cve-2026-1% %",
		"q[cves]=!CVE-2026-10":            "cves !like % cve-2026-10 %",
		"q[status]=Running":               "status = running | status = stopping",
		"q[status]=!running":              "status != running | status != stopping",
		"q[status]=done":                  "status = done",
		"q[created_at]=>=2026-01-02":      "created_at >= 2026-01-01T23:00:00.000Z",
		"q[seen_at]=<2026-07-01 08:30:00": "seen_at < 2026-07-01T06:30:00.000Z",
		"q[id]=019AB5A0-0000-7000-8000-000000000001":                              "id = 019ab5a0-0000-7000-8000-000000000001",
		"date_range_start=2026-07-01 00:00:00&date_range_end=2026-07-01 12:00:00": "created_at >= 2026-06-30T22:00:00.000Z & created_at <= 2026-07-01T10:00:00.000Z",
		"date_range_start='2026-01-01'&date_range_end=2026-01-31":                 "created_at >= 2025-12-31T23:00:00.000Z & created_at < 2026-01-31T23:00:00.000Z",
		"date_range_start=2026-07-01T00:00:00Z":                                   "created_at >= 2026-07-01T00:00:00.000Z",
		"date_column=seen_at&date_range_end=2026-07-01T00:00:00.5+02:00":          "seen_at <= 2026-06-30T22:00:00.500Z",
		"relative_date_range=10d":                                                 "created_at >= 2026-11-14T12:00:00.000Z & created_at < 2026-11-24T12:00:00.001Z",
		"relative_date_range=90s":                                                 "created_at >= 2026-11-24T11:58:30.000Z & created_at < 2026-11-24T12:00:00.001Z",
		"relative_date_range=5m":                                                  "created_at >= 2026-11-24T11:55:00.000Z & created_at < 2026-11-24T12:00:00.001Z",
		"relative_date_range=2h":                                                  "created_at >= 2026-11-24T10:00:00.000Z & created_at < 2026-11-24T12:00:00.001Z",
		"relative_date_range=3M":                                                  "created_at >= 2026-08-24T11:00:00.000Z & created_at < 2026-11-24T12:00:00.001Z",
		"relative_date_range=1y":                                                  "created_at >= 2025-11-24T12:00:00.000Z & created_at < 2026-11-24T12:00:00.001Z",
		"relative_date_range=1q2020":                                              "created_at >= 2019-12-31T23:00:00.000Z & created_at < 2020-03-31T22:00:00.000Z",
		"relative_date_range=4q":                                                  "created_at >= 2026-09-30T22:00:00.000Z & created_at < 2026-12-31T23:00:00.000Z",
		"history_id=whatever":                                                     "",
	} {
		q, err := parse(wire(query))
		if got := told(q); err != nil || got != want {
			t.Errorf("%s\n got %s, %v\nwant %s", query, got, err, want)
		}
	}
}

func TestSorting(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"":                             "name:false,",
		"sort_by=port":                 "port:false,",
		"sort_by=port desc":            "port:true,",
		"sort_by=port DESC":            "port:true,",
		"sort_by=port:desc":            "port:true,",
		"sort_by=port:asc":             "port:false,",
		"sort_by=-port":                "port:true,",
		"sort_by=-port,name asc, kev":  "port:true,name:false,kev:false,",
		"sort_by=created_at  desc,":    "created_at:true,",
		"sort_by=seen_at&per_page=500": "seen_at:false,",
	} {
		q, err := parse(wire(query))
		if got := q.sortKey(); err != nil || got != want {
			t.Errorf("%q sorts by %s, %v; want %s", query, got, err, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	names := strings.Join(testColumns.Names(), ", ")
	for query, want := range map[string]string{
		"color=red":                             "color unknown_parameter page, per_page",
		"q[color]=red":                          "q[color] unknown_column " + names,
		"q[threat]=Awful":                       "q[threat] bad_value High, Low",
		"q[port]=many":                          "q[port] bad_value number",
		"q[port]=7.5":                           "q[port] bad_value number",
		"q[port]=NaN":                           "q[port] bad_value number",
		"q[epss]=NaN":                           "q[epss] bad_value number",
		"q[epss]=Inf":                           "q[epss] bad_value number",
		"q[severity]=1e300":                     "q[severity] bad_value number",
		"q[kev]=perhaps":                        "q[kev] bad_value true or false",
		"q[id]=*":                               "q[id] bad_value UUID",
		"q[created_at]=yesterday":               "q[created_at] bad_value YYYY-MM-DD hh:mm:ss",
		"page=0":                                "page out_of_range 1 to",
		"page=x":                                "page out_of_range 1 to",
		"per_page=501":                          "per_page out_of_range 1 to 500",
		"per_page=-1":                           "per_page out_of_range 1 to 500",
		"page=401":                              "page too_deep cursor",
		"page=101&per_page=100":                 "page too_deep cursor",
		"page=2147483647&per_page=500":          "page too_deep cursor",
		"sort_by=color":                         "sort_by unknown_column name, threat",
		"sort_by=id":                            "sort_by unknown_column name, threat",
		"sort_by=name up":                       "sort_by bad_value desc",
		"sort_by=name desc desc":                "sort_by bad_value desc",
		"sort_by=" + strings.Repeat("name,", 9): "sort_by too_long at most 8",
		"relative_date_range=ten":               "relative_date_range bad_value 10d",
		"relative_date_range=10w":               "relative_date_range bad_value 10d",
		"relative_date_range=5q2020":            "relative_date_range bad_value 10d",
		"relative_date_range=9999999d":          "relative_date_range bad_value 10d",
		"date_range_start=01/02/2026":           "date_range_start bad_value YYYY-MM-DD",
		"date_column=name&date_range_start=2026-01-01": "date_column unknown_column created_at, seen_at",
		"cursor=!!!":                           "cursor bad_cursor next_cursor",
		"cursor=bnVsbA":                        "cursor bad_cursor next_cursor",
		"q[name]=" + strings.Repeat("x", 1001): "q[name] too_long 1000",
		"q=" + strings.Repeat("x", 501):        "q too_long 500",
		"q[name]=a\x00b":                       "q[name] bad_text NUL",
		"q=\xff\xfe":                           "q bad_text UTF-8",
	} {
		_, err := parse(wire(query))
		details := fault.DetailsOf(err)
		if !fault.Is(err, fault.Invalid) || len(details) != 1 {
			t.Errorf("%s: %v", query, err)
			continue
		}
		pointer, rest, _ := strings.Cut(want, " ")
		code, text, _ := strings.Cut(rest, " ")
		if d := details[0]; d.Pointer != pointer || d.Code != code || !strings.Contains(d.Detail, text) {
			t.Errorf("%s: %+v, want %s", query, d, want)
		}
	}
	if _, err := parse("color=red&page=0&sort_by=x"); len(fault.DetailsOf(err)) != 3 {
		t.Errorf("three mistakes are told as %v", fault.DetailsOf(err))
	}
	if q, err := parse("page=400"); err != nil || q.Page != 400 || q.PerPage != DefaultPerPage {
		t.Errorf("the deepest page: %+v, %v", q, err)
	}
}

// A cursor comes back from the client, who may have changed it.
func TestForgedCursors(t *testing.T) {
	t.Parallel()
	id := "019ab5a0-0000-7000-8000-000000000001"
	for cursor, good := range map[string]bool{
		`{"s":"name:false,","v":["a","` + id + `"]}`:       true,
		`{"s":"name:false,","v":["a","x' OR 1=1"]}`:        false,
		`{"s":"name:false,","v":[{"a":1},"` + id + `"]}`:   false,
		`{"s":"name:false,","v":[7,"` + id + `"]}`:         false,
		`{"s":"name:false,","v":["a\u0000","` + id + `"]}`: false,
		`{"s":"name:false,","v":["` + id + `"]}`:           false,
		`{"s":"port:false,","v":[7,"` + id + `"]}`:         false,
		`{"s":"name:false,","v":null}`:                     false,
	} {
		_, err := parse("cursor=" + encode(cursor))
		if (err == nil) != good {
			t.Errorf("%s: %v", cursor, err)
		}
	}
	for sort, value := range map[string]string{"port": "7", "epss": "0.25", "kev": "true", "created_at": "1700000000000", "severity": "98"} {
		q, err := parse("sort_by=" + sort + "&cursor=" + encode(`{"s":"`+sort+`:false,","v":[`+value+`,"`+id+`"]}`))
		if err != nil || fmt.Sprint(q.cursor[0]) != value {
			t.Errorf("a cursor of %s holds %v, %v; want %s", sort, q.cursor, err, value)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"q[name]='a,b',!c*&sort_by=-port,name:desc&page=3", "q=x&relative_date_range=1q2020", "q%5Bid%5D=x&cursor=" + encode(`{"s":"name:false,","v":[1]}`),
		"date_range_start=2026-01-02&date_column=seen_at", "q[port]=>=7,<=x&q[severity]=!1.5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, err := parse(query)
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Fatalf("%q: %v", query, err)
		}
		if err == nil && (q.Page < 1 || q.PerPage < 1 || q.PerPage > MaxPerPage || q.Page*q.PerPage > MaxDepth || len(q.order) > maxOrder) {
			t.Fatalf("%q passes as %+v", query, q)
		}
	})
}

func encode(cursor string) string { return base64.RawURLEncoding.EncodeToString([]byte(cursor)) }
