package test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/client"
	"github.com/vedette/vedette/internal/app"
	"github.com/vedette/vedette/internal/domain/feed"
	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/domain/vulnerability"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/config"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// BenchmarkFindings measures how findings come in, against the same rows written by bare statements, and how their list goes
// out through the API once there are 100,000, against the bare statement of the same page.
func BenchmarkFindings(b *testing.B) {
	for _, dialect := range dbtest.Dialects() {
		b.Run(string(dialect), func(b *testing.B) {
			f := newFlood(b, dialect)
			b.Run("ingest", f.ingest)
			b.Run("list", f.list)
		})
	}
}

const (
	perChunk = 1008 // findings: 63 on each of 16 hosts
	flooded  = 100_000
)

type flood struct {
	app      *app.App
	api      *client.Client
	bare     *sql.DB
	dialect  db.Dialect
	customer string
	history  *scan.History
	grant    access.Grant
	judge    scan.Judge
	written  int
}

func newFlood(b *testing.B, dialect db.Dialect) *flood {
	address := dbtest.Address(b, dialect)
	url, driver, bare := address, "pgx", ""
	if dialect == db.SQLite {
		url, driver, bare = "sqlite:"+address, "sqlite", "file:"+address+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"
	} else {
		bare = dbtest.OwnerURL(address)
	}
	w := floodWorld(b, url)
	k := feed.Starter()
	f := &flood{app: w.app, dialect: dialect, judge: vulnerability.Judging(func(string) *feed.Knowledge { return k }, w.app.DB.Clock())}
	c := w.customer("Flood")
	f.api, f.customer = c.Client, c.organization
	s := w.scan(c, "T:80", "127.11.0.1")
	run := must(c.Scans.Start(context.Background(), s.ID))
	home := access.Organization{ID: c.organization, Name: "Flood", Chain: []string{access.Installation}}
	f.grant = must(access.Check(access.Principal{User: db.NewID(), Role: access.Manager, Timezone: "UTC", Home: home, Acting: home, Product: plan.PCI, Subscribed: true}, access.ScanAccess))
	err := w.app.DB.Read(context.Background(), f.grant, func(tx *db.Tx) (err error) {
		f.history, err = scan.HistoryByID(tx, s.ID, run.CurrentHistoryID)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	f.bare = must(sql.Open(driver, bare))
	b.Cleanup(func() { _ = f.bare.Close() })
	return f
}

// floodWorld is a server whose scanner stays out, so that the run waits for ever.
func floodWorld(b *testing.B, database string) *world {
	c := must(config.Read(nil, []string{
		"VEDETTE_DATA_DIR=" + b.TempDir(), "VEDETTE_DATABASE_URL=" + database, "VEDETTE_HTTP_ADDRESS=127.0.0.1:0", "VEDETTE_OPERATOR_PASSWORD=" + password,
		"VEDETTE_SCAN_ALLOW_NETWORKS=127.0.0.0/8", "VEDETTE_API_RATE_LIMIT=0", "VEDETTE_API_SIGN_IN_LIMIT=0",
	}))
	a, err := app.New(b.Context(), c, slog.New(slog.DiscardHandler), &clock.Clock{})
	if err != nil {
		b.Fatal(err)
	}
	a.Executable = filepath.Join(b.TempDir(), "idle") // stays, and asks for no work
	if err := os.WriteFile(a.Executable, []byte("#!/bin/sh\nexec cat >/dev/null\n"), 0o700); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		<-done
	})
	w := &world{TB: b, app: a, url: "http://" + a.Address()}
	w.enter()
	return w
}

// classes have severities from 0 to 9.8.
var classes = []string{"web.headers", "clear.http", "tls.expired", "anon.redis", "web.listing"}

// chunk is the facts of 16 hosts that nobody saw before.
func (f *flood) chunk(n int) []scanlink.HostFacts {
	var all []scanlink.HostFacts
	for i := range 16 {
		at := netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), byte(i)})
		h := scanlink.HostFacts{Host: scanlink.Host{Address: at, Alive: true, Coverage: scanlink.Complete}}
		for p := range perChunk / 16 {
			port := uint16(8000 + p)
			h.Services = append(h.Services, scanlink.Service{Address: at, Port: port, Protocol: "tcp", State: "open", Name: "http"})
			h.Findings = append(h.Findings, scanlink.Finding{Address: at, Port: port, Protocol: "tcp", Class: classes[p%len(classes)], Check: "bench", QoD: 98,
				Evidence: scanlink.Evidence{Request: "GET / HTTP/1.1", Response: "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html", Detail: "No Content-Security-Policy."}})
		}
		all = append(all, h)
	}
	return all
}

// pour takes in one more chunk and tells how long the commit took.
func (f *flood) pour(b *testing.B) time.Duration {
	facts := f.chunk(f.written)
	f.written++
	began := clock.Monotonic()
	write := f.judge("", facts)
	if err := f.app.DB.Write(context.Background(), f.grant, func(tx *db.Tx) error { return write(tx, f.history, &scan.Chunk{}) }); err != nil {
		b.Fatal(err)
	}
	return clock.Since(began)
}

// ingest pours chunks, and writes their rows again by bare statements.
func (f *flood) ingest(b *testing.B) {
	var judged, bare time.Duration
	n := 0
	for b.Loop() {
		judged += f.pour(b)
		bare += f.again(b)
		n += perChunk
	}
	b.ReportMetric(float64(n)/judged.Seconds(), "findings/s")
	b.ReportMetric(float64(n)/bare.Seconds(), "bare-findings/s")
	b.ReportMetric(judged.Seconds()/bare.Seconds(), "x-bare")
}

// again deletes the rows of the last chunk's findings and writes the same ones by multi-row inserts; only the latter is measured.
func (f *flood) again(b *testing.B) time.Duration {
	network := fmt.Sprintf("10.%d.%d.%%", (f.written-1)>>8, byte(f.written-1))
	var took time.Duration
	for _, table := range []string{"vulnerabilities", "scan_vulnerabilities"} {
		columns, rows := f.rows(b, table, network)
		if len(rows) != perChunk {
			b.Fatalf("%d rows in %s, want %d", len(rows), table, perChunk)
		}
		if _, err := f.bare.Exec("delete from "+table+" where host like "+f.mark(1), network); err != nil {
			b.Fatal(err)
		}
		statement, values := f.insert(table, columns, rows)
		began := clock.Monotonic()
		if _, err := f.bare.Exec(statement, values...); err != nil {
			b.Fatal(err)
		}
		took += clock.Since(began)
	}
	return took
}

func (f *flood) mark(n int) string {
	if f.dialect == db.Postgres {
		return fmt.Sprintf("$%d", n)
	}
	return "?"
}

func (f *flood) rows(b *testing.B, table, network string) (columns []string, all [][]any) {
	rows, err := f.bare.Query("select * from "+table+" where host like "+f.mark(1), network)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	columns, _ = rows.Columns()
	for rows.Next() {
		row, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			b.Fatal(err)
		}
		for i, v := range row {
			if raw, ok := v.([]byte); ok {
				row[i] = string(raw)
			}
		}
		all = append(all, row)
	}
	return columns, all
}

func (f *flood) insert(table string, columns []string, rows [][]any) (string, []any) {
	var text strings.Builder
	fmt.Fprintf(&text, "insert into %s (%s) values ", table, strings.Join(columns, ", "))
	var values []any
	for i, row := range rows {
		if i > 0 {
			text.WriteString(", ")
		}
		text.WriteString("(")
		for j, v := range row {
			if j > 0 {
				text.WriteString(", ")
			}
			values = append(values, v)
			text.WriteString(f.mark(len(values)))
		}
		text.WriteString(")")
	}
	return text.String(), values
}

// list fills up to 100,000 and fetches pages.
func (f *flood) list(b *testing.B) {
	for f.written*perChunk < flooded {
		f.pour(b)
	}
	deep, last := client.Query{}, client.Vulnerability{}
	for range 40 { // to row 20,000
		q := deep
		q.PerPage = 500
		page := must(f.api.Vulnerabilities.List(context.Background(), q))
		deep.Cursor, last = page.NextCursor, page.Items[len(page.Items)-1]
	}
	beyond := fmt.Sprintf(" and (severity, id) < (%d, '%s')", int(math.Round(last.Severity*10)), last.ID)
	const page = "select * from vulnerabilities where organization_id = %s and product = 'pci'%s order by severity desc, id desc limit 26"
	for _, c := range []struct {
		name, where string
		q           client.Query
	}{
		{"first", "", client.Query{}},
		{"filtered", " and host like '10.0.7%'", client.Query{Filter: map[string]string{"host": "10.0.7*"}}},
		{"deep", beyond, deep},
	} {
		b.Run(c.name, func(b *testing.B) { f.compare(b, c.q, fmt.Sprintf(page, f.mark(1), c.where)) })
	}
}

func (f *flood) compare(b *testing.B, q client.Query, statement string) {
	var api, bare time.Duration
	n := 0
	for b.Loop() {
		began := clock.Monotonic()
		page, err := f.api.Vulnerabilities.List(context.Background(), q)
		if err != nil || len(page.Items) != 25 {
			b.Fatalf("%d rows: %v", len(page.Items), err)
		}
		api += clock.Since(began)
		began = clock.Monotonic()
		first := f.read(b, statement)
		bare += clock.Since(began)
		if first != page.Items[0].ID {
			b.Fatalf("the statement begins with %s, the API with %s", first, page.Items[0].ID)
		}
		n++
	}
	b.ReportMetric(float64(api.Microseconds())/1000/float64(n), "api-ms")
	b.ReportMetric(float64(bare.Microseconds())/1000/float64(n), "sql-ms")
	b.ReportMetric(api.Seconds()/bare.Seconds(), "x-sql")
}

// read fetches all columns of the page and tells the id of its first row.
func (f *flood) read(b *testing.B, statement string) (first string) {
	rows, err := f.bare.Query(statement, f.customer)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	into := make([]any, len(columns))
	for i := range into {
		into[i] = new(any)
	}
	id, n := slices.Index(columns, "id"), 0
	for ; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			b.Fatal(err)
		}
		if n == 0 {
			first = fmt.Sprint(*into[id].(*any))
		}
	}
	if n != 26 {
		b.Fatalf("the statement gives %d rows", n)
	}
	return first
}
