package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

// Migrate brings the schema up to date: the files of the folder in order, each in a transaction, then the job queue's
// tables, then (PostgreSQL) row security and the grants of the application role. address is the owner's; application
// is the name of the role that the service runs as, which is granted what it needs.
func Migrate(ctx context.Context, address, application string, files fs.FS) error {
	if DialectOf(address) == SQLite {
		return migrateSQLite(ctx, address, files)
	}
	pool, err := sql.Open("pgx", address)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer pool.Close()
	turn, err := pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer turn.Close()
	// Servers that start at once migrate one after the other; the lock ends with the session.
	if _, err := turn.ExecContext(ctx, "select pg_advisory_lock(hashtext('vedette migrate'))"); err != nil {
		return fmt.Errorf("wait for others who migrate: %w", err)
	}
	defer func() { _, _ = turn.ExecContext(context.WithoutCancel(ctx), "select pg_advisory_unlock_all()") }()
	if err := up(ctx, goose.DialectPostgres, pool, Postgres, files); err != nil {
		return err
	}
	if err := migrateQueue(ctx, address); err != nil {
		return err
	}
	return secure(ctx, pool, application)
}

func migrateSQLite(ctx context.Context, address string, files fs.FS) error {
	d, err := openSQLite(address, nil)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := up(ctx, goose.DialectSQLite3, d.Pool(), SQLite, files); err != nil {
		return err
	}
	m, err := rivermigrate.New(riversqlite.New(d.Pool()), nil)
	if err != nil {
		return fmt.Errorf("migrate the job queue: %w", err)
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return wrapErr("migrate the job queue", err)
}

func migrateQueue(ctx context.Context, address string) error {
	pool, err := pgxpool.New(ctx, address)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer pool.Close()
	m, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return fmt.Errorf("migrate the job queue: %w", err)
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return wrapErr("migrate the job queue", err)
}

// up runs the files named NNNN_words.sql. They are written in PostgreSQL's types; Portable turns them for SQLite. What the two
// can't share, such as a trigger, stands in NNNN_words.postgres.sql and NNNN_words.sqlite.sql, and runs after it.
func up(ctx context.Context, gd goose.Dialect, pool *sql.DB, d Dialect, files fs.FS) error {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return fmt.Errorf("list migrations: %w", err)
	}
	slices.Sort(names)
	var all []*goose.Migration
	for _, name := range names {
		if strings.Count(name, ".") > 1 {
			continue // for one database, read with the file that it goes with
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("read migration %s: %w", name, err)
		}
		own, err := fs.ReadFile(files, strings.TrimSuffix(name, ".sql")+"."+string(d)+".sql")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("read migration %s: %w", name, err)
		}
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return fmt.Errorf("migration %s does not start with a number", name)
		}
		all = append(all, goose.NewGoMigration(version, &goose.GoFunc{RunTx: statements(Portable(string(text), d), string(own))}, nil))
	}
	p, err := goose.NewProvider(gd, pool, nil, goose.WithGoMigrations(all...), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("prepare migrations: %w", err)
	}
	_, err = p.Up(ctx)
	return wrapErr("migrate", err)
}

// statements runs those of a migration one by one, then the text for this database as a whole: bodies of functions hold semicolons.
func statements(text, own string) func(context.Context, *sql.Tx) error {
	return func(ctx context.Context, tx *sql.Tx) error {
		for _, s := range append(strings.Split(text, ";\n"), own) {
			if strings.TrimSpace(s) == "" {
				continue
			}
			if _, err := tx.ExecContext(ctx, s); err != nil {
				return fmt.Errorf("%w in: %s", err, s)
			}
		}
		return nil
	}
}

var portable = []struct {
	pattern *regexp.Regexp
	sqlite  string
}{
	{regexp.MustCompile(`\b(uuid|jsonb)\b`), "text"},
	{regexp.MustCompile(`\bbytea\b`), "blob"},
	{regexp.MustCompile(`\b(bigint|integer)\b`), "integer"},
	{regexp.MustCompile(`\bdouble precision\b`), "real"},
	{regexp.MustCompile(`(?m)\s*--.*$`), ""},
}

// Portable turns a migration's types into the dialect's. Comments run to the end of their line.
func Portable(text string, d Dialect) string {
	if d == Postgres {
		return regexp.MustCompile(`(?m)\s*--.*$`).ReplaceAllString(text, "")
	}
	for _, p := range portable {
		text = p.pattern.ReplaceAllString(text, p.sqlite)
	}
	return text
}

// secure (re)makes row security on every tenant's table, by the rule of its tenancy, and the grants of both roles. Each table is
// locked by itself: servers that are at work hold several at once, in whatever order, and would deadlock with a lock on all.
func secure(ctx context.Context, pool *sql.DB, application string) error {
	for _, group := range PolicyStatements(application) {
		if err := inOne(ctx, pool, group); err != nil {
			return fmt.Errorf("secure: %w", err)
		}
	}
	return nil
}

func inOne(ctx context.Context, pool *sql.DB, all []string) error {
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, s := range all {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%w in: %s", err, s)
		}
	}
	return tx.Commit()
}

// PolicyStatements are what secure runs: the policies of each registered table in a transaction of its own, then the grants. What is new
// is thus granted to nobody before its policies hold.
func PolicyStatements(application string) [][]string {
	app := quote(application)
	names := make([]string, 0, len(tables))
	for name := range tables {
		names = append(names, name)
	}
	slices.Sort(names)
	var all [][]string
	for _, name := range names {
		if tables[name] != NoTenant {
			all = append(all, policies(name, tables[name], app))
		}
	}
	return append(all, grants(app))
}

func grants(app string) []string {
	all := []string{
		"grant usage on schema public to " + app + ", " + doorRole,
		"grant select, insert, update, delete on all tables in schema public to " + app + ", " + doorRole,
		"grant usage, select on all sequences in schema public to " + app + ", " + doorRole,
		"grant execute on all functions in schema public to " + app + ", " + doorRole,
	}
	for _, t := range narrowed {
		what, from := "update, delete", app
		switch {
		case t.Closed:
			what = "all"
		case t.Derived:
			what, from = "insert, update, delete", app+", "+doorRole
		}
		all = append(all, "revoke "+what+" on "+t.Name+" from "+from)
	}
	return all
}

const (
	ownSQL    = "organization_id = (select current_setting('vedette.organization', true)::uuid)"
	sharedSQL = "(shared and organization_id = any (string_to_array(current_setting('vedette.chain', true), ',')::uuid[]))"
	aboveSQL  = "organization_id = any (string_to_array(current_setting('vedette.chain', true), ',')::uuid[])"
	branchSQL = "organization_id in (select descendant_id from organization_tree where ancestor_id = (select current_setting('vedette.organization', true)::uuid))"
)

func policies(table string, t Tenancy, app string) []string {
	read, write := ownSQL, ownSQL
	switch t {
	case SharedDown:
		read = ownSQL + " or " + sharedSQL
	case Branch:
		read, write = branchSQL, branchSQL
	case BranchAndAbove:
		read, write = branchSQL+" or "+aboveSQL, branchSQL
	}
	add := write
	if child, ok := children[table]; ok {
		add = strings.Replace(branchSQL, "organization_id", child, 1)
	}
	return []string{
		"alter table " + table + " enable row level security",
		"alter table " + table + " force row level security",
		"drop policy if exists tenant_read on " + table,
		"drop policy if exists tenant_insert on " + table,
		"drop policy if exists tenant_update on " + table,
		"drop policy if exists tenant_delete on " + table,
		"drop policy if exists door on " + table,
		"create policy tenant_read on " + table + " for select to " + app + " using (" + read + ")",
		"create policy tenant_insert on " + table + " for insert to " + app + " with check (" + add + ")",
		"create policy tenant_update on " + table + " for update to " + app + " using (" + write + ") with check (" + write + ")",
		"create policy tenant_delete on " + table + " for delete to " + app + " using (" + write + ")",
		"create policy door on " + table + " to " + doorRole + " using (true) with check (true)",
	}
}

// CreateRoles makes the application role with the password and the door role, and lets the one take the other. The
// address is that of a role that may create roles.
func CreateRoles(ctx context.Context, address, application, password string) error {
	pool, err := sql.Open("pgx", address)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer pool.Close()
	for _, role := range []struct{ name, with string }{
		{doorRole, "nologin"},
		{application, "login password '" + strings.ReplaceAll(password, "'", "''") + "'"},
	} {
		var there bool
		if err := pool.QueryRowContext(ctx, "select exists (select 1 from pg_roles where rolname = $1)", role.name).Scan(&there); err != nil {
			return fmt.Errorf("look for role %s: %w", role.name, err)
		}
		verb := "create"
		if there {
			verb = "alter"
		}
		if _, err := pool.ExecContext(ctx, verb+" role "+quote(role.name)+" with noinherit "+role.with); err != nil {
			return errors.New(verb + " role " + role.name + " failed; does database.migrate_url name a role that may create roles?")
		}
	}
	_, err = pool.ExecContext(ctx, "grant "+doorRole+" to "+quote(application))
	return wrapErr("grant the door role", err)
}

// RoleOf is the user name in a PostgreSQL address.
func RoleOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return ""
	}
	return u.User.Username()
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// PasswordOf a PostgreSQL address.
func PasswordOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return ""
	}
	password, _ := u.User.Password()
	return password
}
