// Package dbtest gives each test a migrated database of its own, on SQLite and on PostgreSQL. PostgreSQL is the server that
// VEDETTE_TEST_POSTGRES names (an owner's address; tests themselves run as the ordinary application role).
package dbtest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/schema"
)

const (
	application = "vedette_app"
	password    = "test-application"
)

// Each runs the story on both databases, or on those that VEDETTE_TEST_DATABASES names (sqlite, postgres).
func Each(t *testing.T, story func(*testing.T, *db.DB)) {
	t.Helper()
	for _, dialect := range Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			story(t, Open(t, dialect))
		})
	}
}

// Dialects to test on.
func Dialects() []db.Dialect {
	switch os.Getenv("VEDETTE_TEST_DATABASES") {
	case "sqlite":
		return []db.Dialect{db.SQLite}
	case "postgres":
		return []db.Dialect{db.Postgres}
	}
	return []db.Dialect{db.SQLite, db.Postgres}
}

// Open makes a database and removes it when the test ends.
func Open(tb testing.TB, dialect db.Dialect) *db.DB {
	tb.Helper()
	address := Address(tb, dialect)
	d, err := db.Open(context.Background(), address, &clock.Clock{})
	if err != nil {
		tb.Fatalf("open %s: %v", dialect, err)
	}
	tb.Cleanup(func() { _ = d.Close() })
	return d
}

// Address of a new database of the dialect, for tests that start the whole program on it.
func Address(tb testing.TB, dialect db.Dialect) string {
	tb.Helper()
	if dialect == db.SQLite {
		return sqliteAddress(tb)
	}
	return postgresAddress(tb)
}

var lite struct {
	sync.Once
	image []byte
	err   error
}

// sqliteAddress copies a file that was migrated once.
func sqliteAddress(tb testing.TB) string {
	lite.Do(func() {
		dir, err := os.MkdirTemp("", "vedette-template")
		if err != nil {
			lite.err = err
			return
		}
		defer os.RemoveAll(dir)
		file := filepath.Join(dir, "template.db")
		if lite.err = db.Migrate(context.Background(), file, "", schema.Files); lite.err == nil {
			lite.image, lite.err = os.ReadFile(file)
		}
	})
	if lite.err != nil {
		tb.Fatalf("migrate sqlite: %v", lite.err)
	}
	file := filepath.Join(tb.TempDir(), "vedette.db")
	if err := os.WriteFile(file, lite.image, 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}

var (
	pg struct {
		sync.Once
		template string
		err      error
	}
	counter atomic.Int64
)

// postgresAddress clones a template that carries the schema's hash in its name, made once by whichever process comes first.
func postgresAddress(tb testing.TB) string {
	owner := os.Getenv("VEDETTE_TEST_POSTGRES")
	if owner == "" {
		tb.Fatal("VEDETTE_TEST_POSTGRES is not set: start the tests with `make test`, which starts a PostgreSQL for them")
	}
	pg.Do(func() { pg.template, pg.err = template(owner) })
	if pg.err != nil {
		tb.Fatalf("prepare postgres: %v", pg.err)
	}
	name := fmt.Sprintf("t_%d_%d", os.Getpid(), counter.Add(1))
	if err := admin(owner, "create database "+name+" template "+pg.template); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = admin(owner, "drop database if exists "+name+" with (force)") })
	return applicationURL(owner, name)
}

func applicationURL(owner, name string) string {
	u, _ := url.Parse(owner) // it was parsed before
	u.User = url.UserPassword(application, password)
	u.Path = "/" + name
	return u.String()
}

// OwnerURL of a test's database, for tests that must look past row security.
func OwnerURL(address string) string {
	u, _ := url.Parse(os.Getenv("VEDETTE_TEST_POSTGRES"))
	name, _ := url.Parse(address)
	u.Path = name.Path
	return u.String()
}

func template(owner string) (string, error) {
	ctx := context.Background()
	name := "template_" + hash()
	pool, err := sql.Open("pgx", owner)
	if err != nil {
		return "", err
	}
	defer pool.Close()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	const lock = 7_301_553
	if _, err := conn.ExecContext(ctx, "select pg_advisory_lock($1)", lock); err != nil {
		return "", err
	}
	defer func() { _, _ = conn.ExecContext(ctx, "select pg_advisory_unlock($1)", lock) }()
	var there bool
	if err := conn.QueryRowContext(ctx, "select exists (select 1 from pg_database where datname = $1)", name).Scan(&there); err != nil || there {
		return name, err
	}
	if err := db.CreateRoles(ctx, owner, application, password); err != nil {
		return "", err
	}
	draft := name + "_draft"
	for _, s := range []string{"drop database if exists " + draft, "create database " + draft} {
		if err := admin(owner, s); err != nil {
			return "", err
		}
	}
	u, err := url.Parse(owner)
	if err != nil {
		return "", err
	}
	u.Path = "/" + draft
	if err := db.Migrate(ctx, u.String(), application, schema.Files); err != nil {
		return "", err
	}
	return name, admin(owner, "alter database "+draft+" rename to "+name)
}

func admin(owner, statement string) error {
	pool, err := sql.Open("pgx", owner)
	if err != nil {
		return err
	}
	defer pool.Close()
	if _, err := pool.Exec(statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// hash of all that makes the schema: the migrations and the policies.
func hash() string {
	h := sha256.New()
	names, _ := fs.Glob(schema.Files, "*.sql")
	for _, n := range names {
		b, _ := fs.ReadFile(schema.Files, n)
		h.Write(b)
	}
	for _, group := range db.PolicyStatements(application) {
		h.Write([]byte(strings.Join(group, ";")))
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
