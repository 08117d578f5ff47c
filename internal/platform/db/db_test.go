package db_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// event is a row that refers to no other.
type event struct {
	bun.BaseModel `bun:"table:events,alias:e"`
	db.Owned
	ID        string          `bun:"id,pk"`
	Name      string          `bun:"name"`
	Data      json.RawMessage `bun:"data,type:jsonb"`
	CreatedAt clock.Time      `bun:"created_at"`
}

type shared struct {
	bun.BaseModel `bun:"table:plans,alias:p"`
	db.Shared
	ID string `bun:"id,pk"`
}

func init() {
	db.Constrain(db.Constraint{Name: "events_pkey", Columns: "events.organization_id, events.id", Fault: func() *fault.Fault {
		return fault.At("/event/id", "taken", "There is such an event.")
	}})
}

func grant(org string, chain ...string) access.Grant {
	return access.Job(access.Organization{ID: org, Name: org, Chain: chain}, "pci", "", "test")
}

func add(tx *db.Tx, name string) error {
	_, err := tx.Insert(&event{ID: db.NewID(), Name: name, Data: json.RawMessage(`{}`), CreatedAt: tx.Now()}).Exec(tx.Context())
	return err
}

func mustWrite(t *testing.T, d *db.DB, g access.Grant, fn func(*db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), g, fn); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, d *db.DB, g access.Grant) int {
	t.Helper()
	n := 0
	err := d.Read(context.Background(), g, func(tx *db.Tx) error {
		got, err := tx.Select((*event)(nil)).Count(tx.Context())
		n = int(got)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestGrant(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		never := func(*db.Tx) error { t.Error("a transaction opened"); return nil }
		ctx := context.Background()
		for name, g := range map[string]access.Grant{"zero": {}, "without an organization": access.Job(access.Organization{}, "pci", "", "")} {
			if d.Read(ctx, g, never) == nil || d.Write(ctx, g, never) == nil {
				t.Errorf("the grant %s is taken", name)
			}
		}
		if _, err := access.Check(access.Principal{}, access.TargetAccess); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("nobody: %v", err)
		}
		if err := d.Read(ctx, grant(db.NewID()), func(tx *db.Tx) error { return add(tx, "x") }); err == nil {
			t.Error("a reading transaction writes")
		}
	})
}

func TestTenancy(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		mine, theirs := db.NewID(), db.NewID()
		for _, o := range []string{mine, theirs, theirs} {
			mustWrite(t, d, grant(o), func(tx *db.Tx) error { return add(tx, "a") })
		}
		if a, b, all := count(t, d, grant(mine)), count(t, d, grant(theirs)), count(t, d, access.System(access.DoorTest)); a != 1 || b != 2 || all != 3 {
			t.Errorf("%d mine, %d theirs, %d in all", a, b, all)
		}
		mustWrite(t, d, grant(mine), func(tx *db.Tx) error {
			e := &event{ID: db.NewID(), Name: "strange", Data: json.RawMessage(`{}`)}
			e.OrganizationID = theirs
			if _, err := tx.Insert(e).Exec(tx.Context()); err == nil {
				t.Error("a row for another organization is inserted")
			}
			if _, err := tx.Insert(&[]event{{ID: db.NewID(), Data: json.RawMessage(`{}`)}, *e}).Exec(tx.Context()); err == nil {
				t.Error("a row for another organization is inserted among one's own")
			}
			if _, err := tx.Insert(&shared{ID: db.NewID(), Shared: db.Shared{OrganizationID: theirs}}).Exec(tx.Context()); err == nil {
				t.Error("a shared row for another organization is inserted")
			}
			for _, query := range []string{"select count(*) from events", "select count(*) from events e, users u where e.organization_id = ?org",
				"select count(*) from events where id in (select id from targets)", "update events set name = 'x'", "delete from EVENTS", "insert into events (id) values (1)",
				"select count(*)\nfrom\n\tevents", `select count(*) from "events"`} {
				var n int
				if err := tx.Query(&n, query); err == nil || !strings.Contains(err.Error(), "?org") {
					t.Errorf("%s: %v", query, err)
				}
				if _, err := tx.Exec(query); err == nil {
					t.Errorf("%s is run", query)
				}
			}
			var n int
			if err := tx.Query(&n, "select count(*) from events where organization_id = ?org and name = ?", "a"); err != nil || n != 1 {
				t.Errorf("%d, %v", n, err)
			}
			if err := tx.Query(&n, "select count(*) from organization_tree"); err != nil {
				t.Error(err)
			}
			res, err := tx.Update((*event)(nil)).Set("name = 'b'").Where("1 = 1").Exec(tx.Context())
			if touched, _ := res.RowsAffected(); err != nil || touched != 1 {
				t.Errorf("an update touches %d rows, %v", touched, err)
			}
			res, err = tx.Delete((*event)(nil)).Where("1 = 1 OR 2 = 2").Exec(tx.Context())
			if touched, _ := res.RowsAffected(); err != nil || touched != 1 {
				t.Errorf("a delete with OR touches %d rows, %v", touched, err)
			}
			return nil
		})
		if n := count(t, d, grant(theirs)); n != 2 {
			t.Errorf("%d of 2 rows are left to the other", n)
		}
	})
}

// TestRowSecurity: what a query forgets, PostgreSQL does not.
func TestRowSecurity(t *testing.T) {
	t.Parallel()
	address := dbtest.Address(t, db.Postgres)
	d, err := db.Open(context.Background(), address, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	mine, theirs := db.NewID(), db.NewID()
	for _, o := range []string{mine, theirs, theirs} {
		mustWrite(t, d, grant(o), func(tx *db.Tx) error { return add(tx, "a") })
	}
	// a subquery and a raw statement that name no organization
	mustWrite(t, d, grant(mine), func(tx *db.Tx) error {
		var n int
		if err := tx.Select((*event)(nil)).ColumnExpr("(SELECT count(*) FROM events x) AS n").Scan(tx.Context(), &n); err != nil || n != 1 {
			t.Errorf("the subquery sees %d rows, %v", n, err)
		}
		for statement, want := range map[string]int64{"update events set name = 'x'": 1, "update events set name = 'x' where organization_id = '" + theirs + "'": 0, "delete from events where organization_id = '" + theirs + "'": 0} {
			res, err := tx.SQL().ExecContext(tx.Context(), statement)
			if err != nil {
				t.Fatal(err)
			}
			if n, _ := res.RowsAffected(); n != want {
				t.Errorf("%s touches %d rows, want %d", statement, n, want)
			}
		}
		return nil
	})
	for _, statement := range []string{
		"insert into events (organization_id, id, name, data, created_at) values ('" + theirs + "', '" + db.NewID() + "', 'x', '{}', 1)",
		"update events set organization_id = '" + theirs + "'",
		"alter table events disable row level security", "alter table events no force row level security", "drop policy tenant_read on events",
		"create policy all_read on events using (true)", "truncate events", "alter role current_user bypassrls", "set session authorization postgres",
		"set local row_security = off; select count(*) from events", "create table mine (id int)",
	} {
		err := d.Write(context.Background(), grant(mine), func(tx *db.Tx) error {
			_, err := tx.SQL().ExecContext(tx.Context(), statement)
			return err
		})
		if err == nil {
			t.Errorf("the application role may: %s", statement)
		}
	}
	if n := count(t, d, grant(theirs)); n != 2 {
		t.Errorf("%d of 2 rows are left to the other", n)
	}
	everyTable(t, address)
}

// everyTable that carries an organization is secured, and forced upon its owner.
func everyTable(t *testing.T, address string) {
	t.Helper()
	pool, err := sql.Open("pgx", dbtest.OwnerURL(address))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	rows, err := pool.Query(`select c.relname, c.relrowsecurity and c.relforcerowsecurity, (select count(*) from pg_policy p where p.polrelid = c.oid)
		from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
		where n.nspname = 'public' and c.relkind in ('r', 'p') and a.attname = 'organization_id' and not a.attisdropped`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var table string
		var secured bool
		var policies int
		if err := rows.Scan(&table, &secured, &policies); err != nil {
			t.Fatal(err)
		}
		if n++; !secured || policies < 5 || db.TenancyOf(table) == db.NoTenant {
			t.Errorf("%s: secured %t, %d policies, tenancy %d", table, secured, policies, db.TenancyOf(table))
		}
	}
	if n < 20 || rows.Err() != nil {
		t.Errorf("%d tables, %v", n, rows.Err())
	}
}

func TestMightyRoles(t *testing.T) {
	t.Parallel()
	address := dbtest.Address(t, db.Postgres)
	if d, err := db.Open(context.Background(), dbtest.OwnerURL(address), nil); err == nil || !strings.Contains(err.Error(), "row security") {
		t.Errorf("a superuser is let in: %v, %v", d, err)
	}
	if _, err := db.Open(context.Background(), "postgres://nobody:wrong@127.0.0.1:1/none", nil); err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("a database that is not there: %v", err)
	}
}

func TestConstraints(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		org, id := db.NewID(), db.NewID()
		insert := func() error {
			return d.Write(context.Background(), grant(org), func(tx *db.Tx) error {
				_, err := tx.Insert(&event{ID: id, Data: json.RawMessage(`{}`)}).Exec(tx.Context())
				return err
			})
		}
		if err := insert(); err != nil {
			t.Fatal(err)
		}
		if d := fault.DetailsOf(insert()); len(d) != 1 || d[0].Pointer != "/event/id" {
			t.Errorf("twice: %v", d)
		}
		err := d.Read(context.Background(), grant(org), func(tx *db.Tx) error {
			return tx.Select(&event{}).Where("id = ?", db.NewID()).Scan(tx.Context())
		})
		if !fault.Is(err, fault.NotFound) || !db.NoRows(err) {
			t.Errorf("no row: %v", err)
		}
		err = d.Write(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
			_, err := tx.Exec(`insert into port_ranges (organization_id, id, shared, port_list_id, protocol, start_port, end_port) values (?, ?, ?, ?, 'tcp', 1, 2)`, org, db.NewID(), false, db.NewID())
			return err
		})
		if !fault.Is(err, fault.Conflict) || strings.Contains(fault.Missing().Text, "port_ranges") {
			t.Errorf("a reference to nothing: %v", err)
		}
	})
}

// TestJSON: what is kept is what comes back, to the letter.
func TestJSON(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		org := db.NewID()
		for _, text := range []string{"plain", `the words \u0000 and \\u0000`, `'; drop table events; --`, `\'; x`, `"quotes" 'single' \back`, "line\nand tab\t", "ä€😀", `ends with \`, `?org ?0 {}`, "\u2028"} {
			raw, err := json.Marshal(map[string]string{"text": text})
			if err != nil {
				t.Fatal(err)
			}
			id := db.NewID()
			mustWrite(t, d, grant(org), func(tx *db.Tx) error {
				_, err := tx.Insert(&event{ID: id, Name: text, Data: raw}).Exec(tx.Context())
				return err
			})
			back := &event{}
			mustWrite(t, d, grant(org), func(tx *db.Tx) error { return tx.Select(back).Where("id = ?", id).Scan(tx.Context()) })
			var got struct{ Text string }
			if err := json.Unmarshal(back.Data, &got); err != nil || got.Text != text || back.Name != text {
				t.Errorf("%q comes back as %q and %q, %v", text, got.Text, back.Name, err)
			}
		}
		// a NUL within JSON is kept as its escape, not refused: a target may send one
		mustWrite(t, d, grant(org), func(tx *db.Tx) error {
			_, err := tx.Insert(&event{ID: db.NewID(), Data: json.RawMessage(`{"banner":"a\u0000b"}`)}).Exec(tx.Context())
			return err
		})
		mustWrite(t, d, grant(org), func(tx *db.Tx) error { return add(tx, "a\x00\xff'") })
		mustWrite(t, d, grant(org), func(tx *db.Tx) error {
			n, err := tx.Select((*event)(nil)).Where("name = ?", "a\uFFFD\uFFFD'").Count(tx.Context())
			if n != 1 {
				t.Errorf("%d rows with replacement characters", n)
			}
			return err
		})
	})
}

func TestAfterCommit(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		org, ran := db.NewID(), 0
		refused := errors.New("refused")
		err := d.Write(context.Background(), grant(org), func(tx *db.Tx) error {
			tx.AfterCommit(func() { ran++ })
			return errors.Join(add(tx, "x"), refused)
		})
		if !errors.Is(err, refused) || ran != 0 || count(t, d, grant(org)) != 0 {
			t.Errorf("rolled back: %v, ran %d", err, ran)
		}
		woken := d.Wait("topic")
		mustWrite(t, d, grant(org), func(tx *db.Tx) error {
			tx.AfterCommit(func() { ran++ })
			if ran != 0 {
				t.Error("it ran before the commit")
			}
			return errors.Join(add(tx, "x"), tx.Wake("topic"), tx.Wake("other"))
		})
		select {
		case <-woken:
		default:
			t.Error("nobody was woken")
		}
		if ran != 1 {
			t.Errorf("it ran %d times", ran)
		}
		func() {
			defer func() { _ = recover() }()
			_ = d.Write(context.Background(), grant(org), func(tx *db.Tx) error {
				_ = add(tx, "x")
				panic("in a transaction")
			})
		}()
		if n := count(t, d, grant(org)); n != 1 {
			t.Errorf("%d rows after a panic", n)
		}
	})
}

// TestWakeAcross: another process hears of a commit.
func TestWakeAcross(t *testing.T) {
	t.Parallel()
	address := dbtest.Address(t, db.Postgres)
	var two [2]*db.DB
	for i := range two {
		d, err := db.Open(context.Background(), address, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		two[i] = d
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = two[1].ListenForWakes(ctx)
	}()
	defer func() { cancel(); <-ended }()
	woken := two[1].Wait("topic")
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		mustWrite(t, two[0], grant(db.NewID()), func(tx *db.Tx) error { return tx.Wake("topic") }) // until the other listens
		select {
		case <-woken:
			return
		case <-again.C:
		case <-deadline.C:
			t.Fatal("the other process never heard of it")
		}
	}
}

// TestNoLooseOr: WhereOr at the top of a query would undo the condition by which a Tx binds it; only filter uses it, within a
// group.
func TestNoLooseOr(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if strings.Contains(string(source), ".WhereOr(") && filepath.Base(filepath.Dir(path)) != "filter" {
			t.Errorf("%s uses WhereOr; write OR within one Where", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
