// Package db opens the database, SQLite or PostgreSQL, and hands out transactions bound to a Grant. The pool never
// leaves this package: whoever holds a Tx may touch the rows of the Tx's organization and no others.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/stdlib" // registers pgx
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/schema"
	_ "modernc.org/sqlite" // registers sqlite

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/fault"
)

// Dialect of a database.
type Dialect string

// Dialects.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// doorRole is the PostgreSQL role of system grants; the application role is a member of it.
const doorRole = "vedette_door"

// DB is one database. On SQLite there is one writer and several readers; on PostgreSQL one pool serves both.
type DB struct {
	dialect        Dialect
	url            string
	clock          *clock.Clock
	writer, reader *bun.DB
	wakes          wakes
	watch          func(time.Duration)
}

// Open connects to postgres://… or to a SQLite file (a path, or sqlite:path). It refuses a PostgreSQL role that row
// security does not bind: superuser, owner of the tables, or BYPASSRLS.
func Open(ctx context.Context, address string, c *clock.Clock) (*DB, error) {
	if DialectOf(address) == Postgres {
		return openPostgres(ctx, address, c)
	}
	return openSQLite(address, c)
}

// DialectOf tells the dialect by the address.
func DialectOf(address string) Dialect {
	if strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") {
		return Postgres
	}
	return SQLite
}

// sqliteDSN sets the pragmas in the address: run on a pool they would reach one connection only.
func sqliteDSN(address string, readOnly bool) string {
	q := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)", "temp_store(MEMORY)", "cache_size(-32000)"}}
	if readOnly {
		q.Add("_pragma", "query_only(1)")
	} else {
		q.Set("_txlock", "immediate")
	}
	return "file:" + strings.TrimPrefix(address, "sqlite:") + "?" + q.Encode()
}

func openSQLite(address string, c *clock.Clock) (*DB, error) {
	writer, err := sql.Open("sqlite", sqliteDSN(address, false))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", address, err)
	}
	writer.SetMaxOpenConns(1)
	if err := writer.Ping(); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", address, err), writer.Close())
	}
	reader, err := sql.Open("sqlite", sqliteDSN(address, true))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", address, err), writer.Close())
	}
	reader.SetMaxOpenConns(4)
	return &DB{dialect: SQLite, url: address, clock: c, writer: wrap(writer, sqliteDialect{sqlitedialect.New()}), reader: wrap(reader, sqliteDialect{sqlitedialect.New()})}, nil
}

// openPostgres uses pgx's exec mode: bun writes values into the text, and caching each new text would be a loss.
func openPostgres(ctx context.Context, address string, c *clock.Clock) (*DB, error) {
	dsn, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("database.url is no URL: %w", err)
	}
	q := dsn.Query()
	q.Set("default_query_exec_mode", "exec")
	dsn.RawQuery = q.Encode()
	pool, err := sql.Open("pgx", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	pool.SetMaxOpenConns(20)
	pool.SetMaxIdleConns(10)
	if err := refuseMightyRole(ctx, pool); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	b := wrap(pool, postgresDialect{pgdialect.New()})
	return &DB{dialect: Postgres, url: address, clock: c, writer: b, reader: b}, nil
}

func refuseMightyRole(ctx context.Context, pool *sql.DB) error {
	var super, bypass, owner, open bool
	err := pool.QueryRowContext(ctx, `select rolsuper, rolbypassrls, exists (select 1 from pg_tables where tableowner = current_user and tablename = 'organizations'),
		exists (select 1 from pg_roles door where door.rolname = '`+doorRole+`' and pg_has_role(current_user, door.oid, 'usage'))
		from pg_roles where rolname = current_user`).Scan(&super, &bypass, &owner, &open)
	if err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	if super || bypass || owner {
		return errors.New("database.url names a role that row security does not bind (superuser, BYPASSRLS or owner of the tables); use the application role that `vedette migrate --create-roles` makes")
	}
	if open {
		return errors.New("database.url names a role that inherits " + doorRole + ", for which row security lets everything through; grant it `with inherit false`, as `vedette migrate --create-roles` does")
	}
	return nil
}

func wrap(pool *sql.DB, d schema.Dialect) *bun.DB { return bun.NewDB(pool, d) }

// Limit the open connections to PostgreSQL; SQLite has its fixed few.
func (d *DB) Limit(connections int) {
	if d.dialect == Postgres {
		d.writer.SetMaxOpenConns(connections)
		d.writer.SetMaxIdleConns(max(2, connections/2))
	}
}

// Watch calls fn with how long each write transaction took.
func (d *DB) Watch(fn func(time.Duration)) { d.watch = fn }

// Close ends all connections.
func (d *DB) Close() error {
	if d.writer == d.reader {
		return d.writer.Close()
	}
	return errors.Join(d.reader.Close(), d.writer.Close())
}

// Dialect of the database.
func (d *DB) Dialect() Dialect { return d.dialect }

// URL that the database was opened with.
func (d *DB) URL() string { return d.url }

// Clock of the database's transactions.
func (d *DB) Clock() *clock.Clock { return d.clock }

// Pool gives the raw writer pool to platform/jobs, whose library wants one; nothing else may call it.
func (d *DB) Pool() *sql.DB { return d.writer.DB }

// Ping says whether the database answers.
func (d *DB) Ping(ctx context.Context) error { return d.reader.PingContext(ctx) }

// Read runs fn in a read-only transaction bound to the grant.
func (d *DB) Read(ctx context.Context, g access.Grant, fn func(*Tx) error) error {
	return d.run(ctx, d.reader, g, &sql.TxOptions{ReadOnly: d.dialect == Postgres}, fn)
}

// Write runs fn in a transaction bound to the grant and commits it when fn returns nil. Functions given to
// Tx.AfterCommit run after the commit. A violated constraint comes back as the fault registered for it.
func (d *DB) Write(ctx context.Context, g access.Grant, fn func(*Tx) error) error {
	if d.watch != nil {
		began := clock.Monotonic()
		defer func() { d.watch(clock.Since(began)) }()
	}
	return d.run(ctx, d.writer, g, nil, fn)
}

func (d *DB) run(ctx context.Context, pool *bun.DB, g access.Grant, o *sql.TxOptions, fn func(*Tx) error) error {
	if err := g.Valid(); err != nil {
		return err
	}
	inner, err := pool.BeginTx(ctx, o)
	if err != nil {
		return away(ctx, fmt.Errorf("begin: %w", err))
	}
	defer func() { _ = inner.Rollback() }() // after a commit this does nothing
	tx := &Tx{ctx: ctx, bun: inner, grant: g, dialect: d.dialect, now: clock.At(d.clock.Now()), wakes: &d.wakes}
	if err := tx.bind(); err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return d.translate(err)
	}
	if err := inner.Commit(); err != nil {
		return d.translate(fmt.Errorf("commit: %w", err))
	}
	for _, f := range tx.after {
		f()
	}
	return nil
}

// away says that the database can't be reached, unless it was the caller who left.
func away(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return fault.New(fault.Unavailable, "The service can't reach its database at this moment; try again shortly.").RetryAfter(time.Second).Because(err)
}

// Listen calls fn with the payload of each notification on the channel until ctx ends; on SQLite, where one process is
// all, it only waits.
func (d *DB) Listen(ctx context.Context, channel string, fn func(payload string)) error {
	if d.dialect == SQLite {
		<-ctx.Done()
		return ctx.Err()
	}
	conn, err := d.writer.DB.Conn(ctx)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer conn.Close()
	return conn.Raw(func(driver any) error {
		pg := driver.(*stdlib.Conn).Conn()
		if _, err := pg.Exec(ctx, "listen "+channel); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		for {
			n, err := pg.WaitForNotification(ctx)
			if err != nil {
				return fmt.Errorf("listen: %w", err)
			}
			fn(n.Payload)
		}
	})
}
