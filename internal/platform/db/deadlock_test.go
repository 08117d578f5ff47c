package db_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"sync"
	"testing"

	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/schema"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// TestDeadlock: of two transactions that wait for each other PostgreSQL ends one, and whoever sent it is told to try again.
// SQLite has one writer, so that both go through.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		org := db.NewID()
		mustWrite(t, d, grant(org), func(tx *db.Tx) error {
			if err := add(tx, "one"); err != nil {
				return err
			}
			return add(tx, "two")
		})
		var both sync.WaitGroup // each holds its first row
		if d.Dialect() == db.Postgres {
			both.Add(2)
		}
		crossed := func(first, second string) error {
			return d.Write(context.Background(), grant(org), func(tx *db.Tx) error {
				if err := rename(tx, first); err != nil {
					return err
				}
				if d.Dialect() == db.Postgres {
					both.Done()
					both.Wait()
				}
				return rename(tx, second)
			})
		}
		answers := make(chan error, 2)
		go func() { answers <- crossed("one", "two") }()
		go func() { answers <- crossed("two", "one") }()
		failed := 0
		for range 2 {
			if err := <-answers; fault.Is(err, fault.Unavailable) {
				failed++
			} else if err != nil {
				t.Error(err)
			}
		}
		want := map[db.Dialect]int{db.Postgres: 1, db.SQLite: 0}[d.Dialect()]
		if failed != want {
			t.Errorf("%d were told to try again, want %d", failed, want)
		}
	})
}

func rename(tx *db.Tx, name string) error {
	_, err := tx.Update((*event)(nil)).Set("created_at = created_at + 1").Where("name = ?", name).Exec(tx.Context())
	return err
}

// TestMigrateBesideWork: a server that starts waits for what others have locked, but holds nothing that they may want meanwhile.
func TestMigrateBesideWork(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	address := dbtest.Address(t, db.Postgres)
	application, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := sql.Open("pgx", dbtest.OwnerURL(address))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	work, err := pool.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := work.Exec("lock table tokens in access share mode"); err != nil {
		t.Fatal(err)
	}
	migrated := make(chan error, 1)
	go func() {
		migrated <- db.Migrate(ctx, dbtest.OwnerURL(address), application.User.Username(), schema.Files)
	}()
	for waits := false; !waits; {
		select {
		case err := <-migrated:
			t.Fatalf("did not wait: %v", err)
		default:
		}
		if err := pool.QueryRow(`select exists (select 1 from pg_locks l join pg_class c on c.oid = l.relation
			where not l.granted and c.relname = 'tokens' and l.database = (select oid from pg_database where datname = current_database()))`).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range []string{"audit_events", "users"} {
		if _, err := work.Exec("select 1 from " + table + " limit 1"); err != nil {
			t.Errorf("%s: %v", table, err)
		}
	}
	if err := errors.Join(work.Commit(), <-migrated); err != nil {
		t.Error(err)
	}
}
