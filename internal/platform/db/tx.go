package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/fault"
)

// Tx is one transaction of one grant. Queries on a tenant's model are bound to the grant's organization before the
// caller adds to them; a system grant's are not.
type Tx struct {
	ctx     context.Context
	bun     bun.Tx
	grant   access.Grant
	dialect Dialect
	now     clock.Time
	after   []func()
	changes []Change
	wakes   *wakes
}

// Change is what a transaction did to one resource, for the audit trail. Before and After are values for JSON with
// secrets left out; nil where the resource was not there.
type Change struct {
	Type, ID, Name string
	Before, After  any
	Actor          *access.Principal // where a system grant acts for somebody: sign-in
}

// bind tells PostgreSQL whose rows this transaction may see (row security), or takes the door role.
func (tx *Tx) bind() error {
	if tx.dialect != Postgres {
		return nil
	}
	if tx.grant.IsSystem() {
		_, err := tx.bun.ExecContext(tx.ctx, "set local role "+doorRole)
		return wrapErr("take the door role", err)
	}
	_, err := tx.bun.ExecContext(tx.ctx, "select set_config('vedette.organization', ?, true), set_config('vedette.chain', ?, true)",
		tx.grant.Organization(), strings.Join(tx.grant.Principal().Acting.Chain, ","))
	return wrapErr("bind the transaction", err)
}

// In runs fn in the same transaction bound to another organization and product: one below, or one that the caller might have
// chosen instead. Fault kind: notfound for any other.
func (tx *Tx) In(organization, product string, fn func(*Tx) error) error {
	place := access.Organization{ID: organization}
	err := tx.bun.NewRaw("select ancestor_id from organization_tree where descendant_id = ? and depth > 0 order by depth", organization).Scan(tx.ctx, &place.Chain)
	if err != nil {
		return fmt.Errorf("place of an organization: %w", err)
	}
	inner := *tx
	if inner.grant, err = tx.grant.Within(place, product); err != nil {
		return err
	}
	if err := inner.bind(); err != nil {
		return err
	}
	if err := fn(&inner); err != nil {
		return err
	}
	tx.after, tx.changes = inner.after, inner.changes
	return tx.bind()
}

func wrapErr(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Context of the transaction.
func (tx *Tx) Context() context.Context { return tx.ctx }

// Now is the same instant throughout the transaction.
func (tx *Tx) Now() clock.Time { return tx.now }

// Dialect of the database.
func (tx *Tx) Dialect() Dialect { return tx.dialect }

// Grant that opened the transaction.
func (tx *Tx) Grant() access.Grant { return tx.grant }

// Organization that the transaction is bound to; empty for a system grant.
func (tx *Tx) Organization() string { return tx.grant.Organization() }

// Product that the caller works in.
func (tx *Tx) Product() string { return tx.grant.Principal().Product }

// AfterCommit runs f once the transaction is committed; never when it is rolled back.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

// Changed notes a change for the audit trail.
func (tx *Tx) Changed(c Change) { tx.changes = append(tx.changes, c) }

// Changes noted so far.
func (tx *Tx) Changes() []Change { return tx.changes }

// SQL gives the raw transaction to platform/jobs, so that a job is part of the transaction that causes it.
func (tx *Tx) SQL() *sql.Tx { return tx.bun.Tx }

// Select starts a query on the model's table, bound to what the grant may read.
func (tx *Tx) Select(model any) *bun.SelectQuery {
	q := tx.bun.NewSelect().Model(model)
	if where, args := tx.readable(model); where != "" {
		q = q.Where(where, args...)
	}
	return q
}

// Insert starts an insert. An empty organization of a tenant's row is filled in; a strange one is refused.
func (tx *Tx) Insert(model any) *bun.InsertQuery {
	q := tx.bun.NewInsert().Model(model)
	if err := tx.own(model); err != nil {
		return q.Err(err)
	}
	return q
}

// Update starts an update, bound to what the grant may write.
func (tx *Tx) Update(model any) *bun.UpdateQuery {
	q := tx.bun.NewUpdate().Model(model)
	if where, args := tx.writable(model); where != "" {
		q = q.Where(where, args...)
	}
	return q
}

// Delete starts a delete, bound to what the grant may write.
func (tx *Tx) Delete(model any) *bun.DeleteQuery {
	q := tx.bun.NewDelete().Model(model)
	if where, args := tx.writable(model); where != "" {
		q = q.Where(where, args...)
	}
	return q
}

// Query runs SQL and scans its rows into dst (a struct, a slice, or a pointer to a value). Each mention of a tenant's
// table needs its own ?org, which is bound here.
func (tx *Tx) Query(dst any, query string, args ...any) error {
	query, err := tx.named(query)
	if err != nil {
		return err
	}
	return tx.bun.NewRaw(query, args...).Scan(tx.ctx, dst)
}

// Exec runs SQL under the rule of Query and tells how many rows it touched.
func (tx *Tx) Exec(query string, args ...any) (int, error) {
	query, err := tx.named(query)
	if err != nil {
		return 0, err
	}
	res, err := tx.bun.NewRaw(query, args...).Exec(tx.ctx)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// Notify wakes listeners of other processes after the commit; on SQLite there are none.
func (tx *Tx) Notify(channel, payload string) error {
	if tx.dialect != Postgres {
		return nil
	}
	_, err := tx.bun.ExecContext(tx.ctx, "select pg_notify(?, ?)", channel, payload)
	return wrapErr("notify", err)
}

// named binds ?org and refuses SQL that mentions tenants' tables more often than ?org.
func (tx *Tx) named(query string) (string, error) {
	if tx.grant.IsSystem() {
		if strings.Contains(query, "?org") {
			return "", errors.New("a system grant has no ?org")
		}
		return query, nil
	}
	tables := 0
	for _, m := range tableMention.FindAllStringSubmatch(strings.ToLower(query), -1) {
		if TenancyOf(m[1]) != NoTenant {
			tables++
		}
	}
	if got := strings.Count(query, "?org"); got < tables {
		return "", fmt.Errorf("SQL names %d tenants' tables and ?org %d times: %s", tables, got, query)
	}
	return strings.ReplaceAll(query, "?org", "'"+tx.Organization()+"'"), nil
}

var tableMention = regexp.MustCompile(`(?:from|join|update|into|,)\s+"?([a-z_]+)"?`)

// readable and writable are the conditions by tenancy.
func (tx *Tx) readable(model any) (string, []any) {
	m, ok := tenantOf(model)
	if !ok || tx.grant.IsSystem() {
		return "", nil
	}
	org := tx.Organization()
	switch m.tenancy() {
	case SharedDown:
		chain := tx.grant.Principal().Acting.Chain
		if len(chain) == 0 {
			return "?TableAlias.organization_id = ?", []any{org}
		}
		return "(?TableAlias.organization_id = ? OR (?TableAlias.shared AND ?TableAlias.organization_id IN (?)))", []any{org, bun.List(chain)}
	case Branch:
		return "?TableAlias.organization_id IN (SELECT descendant_id FROM organization_tree WHERE ancestor_id = ?)", []any{org}
	default:
		return "?TableAlias.organization_id = ?", []any{org}
	}
}

func (tx *Tx) writable(model any) (string, []any) {
	m, ok := tenantOf(model)
	if !ok || tx.grant.IsSystem() {
		return "", nil
	}
	if m.tenancy() == Branch {
		return tx.readable(model)
	}
	return "?TableAlias.organization_id = ?", []any{tx.Organization()}
}

// own fills in the organization of each row.
func (tx *Tx) own(model any) error {
	if _, ok := tenantOf(model); !ok || tx.grant.IsSystem() {
		return nil
	}
	v := reflect.Indirect(reflect.ValueOf(model))
	if v.Kind() != reflect.Slice {
		return tx.ownRow(v)
	}
	for i := range v.Len() {
		if err := tx.ownRow(reflect.Indirect(v.Index(i))); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) ownRow(row reflect.Value) error {
	row = reflect.Indirect(row)
	field := row.FieldByName("OrganizationID")
	tenant := row.Addr().Interface().(tenant)
	if child, ok := row.Addr().Interface().(Child); ok {
		above := child.Above()
		if above == nil {
			return fault.Missing()
		}
		return tx.inBranch(*above)
	}
	switch field.String() {
	case "":
		field.SetString(tx.Organization())
		return nil
	case tx.Organization():
		return nil
	}
	if tenant.tenancy() != Branch {
		return fmt.Errorf("a row of %s was given to another organization", row.Type())
	}
	return tx.inBranch(field.String())
}

// inBranch is a fault of kind notfound where the organization is neither the transaction's nor below it.
func (tx *Tx) inBranch(organization string) error {
	var below bool
	err := tx.Query(&below, "select exists (select 1 from organization_tree where ancestor_id = ? and descendant_id = ?)", tx.Organization(), organization)
	if err != nil {
		return err
	}
	if !below {
		return fault.Missing()
	}
	return nil
}

// Wrap counts the rows of an inner query that this Tx built.
func (tx *Tx) Wrap(inner *bun.SelectQuery) *bun.SelectQuery {
	return tx.bun.NewSelect().TableExpr("(?) AS counted", inner).ColumnExpr("count(*)")
}

// Lock makes transactions that name the same purpose wait for each other. On SQLite there is one writer anyway.
func (tx *Tx) Lock(purpose string) error {
	if tx.dialect != Postgres {
		return nil
	}
	_, err := tx.bun.ExecContext(tx.ctx, "select pg_advisory_xact_lock(hashtext(?))", purpose)
	return wrapErr("lock", err)
}
