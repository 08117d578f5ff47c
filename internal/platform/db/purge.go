package db

import (
	"fmt"
	"slices"
)

// Purge deletes all rows of the organization that the transaction is bound to, but for the tables that outlast their
// organization. Rows that refer to others go first, so that every table of the schema is reached whatever nouns come.
func (tx *Tx) Purge() error {
	if tx.grant.IsSystem() {
		return fmt.Errorf("purge: a system grant has no organization")
	}
	order, err := tx.deletionOrder()
	if err != nil {
		return err
	}
	for _, table := range order {
		if _, err := tx.bun.NewRaw("delete from "+table+" where organization_id = ?", tx.Organization()).Exec(tx.ctx); err != nil {
			return fmt.Errorf("purge %s: %w", table, err)
		}
	}
	return nil
}

// deletionOrder lists the tables of tenants that do not outlast them, each before the tables that it refers to.
func (tx *Tx) deletionOrder() ([]string, error) {
	query := "select m.name as child, f.\"table\" as parent from sqlite_master m, pragma_foreign_key_list(m.name) f where m.type = 'table'"
	if tx.dialect == Postgres {
		query = "select conrelid::regclass::text as child, confrelid::regclass::text as parent from pg_constraint where contype = 'f'"
	}
	var references []struct{ Child, Parent string }
	if err := tx.bun.NewRaw(query).Scan(tx.ctx, &references); err != nil {
		return nil, fmt.Errorf("purge: %w", err)
	}
	referring := map[string][]string{}
	for _, r := range references {
		if r.Child != r.Parent {
			referring[r.Parent] = append(referring[r.Parent], r.Child)
		}
	}
	var order, names []string
	for name, tenancy := range tables {
		if tenancy != NoTenant {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	seen := map[string]bool{}
	var visit func(string)
	visit = func(table string) {
		if seen[table] {
			return
		}
		seen[table] = true
		for _, child := range referring[table] {
			visit(child)
		}
		if TenancyOf(table) != NoTenant && !outlast[table] {
			order = append(order, table)
		}
	}
	for _, name := range names {
		visit(name)
	}
	return order, nil
}
