package network

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
)

func init() {
	db.Constrain(db.Constraint{Name: "networks_name_key", Columns: "networks.organization_id, networks.name", Fault: func() *fault.Fault {
		return fault.At("/network/name", "taken", "There is a network of this name already; choose another.")
	}})
}

func byID(tx *db.Tx, id string) (*Network, error) {
	all, err := byIDs(tx, []string{id}, "")
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

func use(tx *db.Tx, id string) (*Network, error) {
	all, err := byIDs(tx, []string{id}, "SHARE")
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// byIDs finds all of them or none, with a row lock where one is named.
func byIDs(tx *db.Tx, ids []string, lock string) ([]Network, error) {
	for _, id := range ids {
		if !filter.IsID(id) {
			return nil, fault.Missing()
		}
	}
	var all []Network
	q := tx.Select(&all).Where("?TableAlias.id IN (?)", bun.List(ids)).OrderExpr("?TableAlias.id")
	if lock != "" && tx.Dialect() == db.Postgres {
		q = q.For(lock)
	}
	if err := q.Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("networks: %w", err)
	}
	if len(all) != len(ids) {
		return nil, fault.Missing()
	}
	return all, nil
}

func names(tx *db.Tx, ids []string) (map[string]string, error) {
	names := map[string]string{}
	if len(ids) == 0 {
		return names, nil
	}
	var rows []Network
	if err := tx.Select(&rows).Column("id", "name").Where("?TableAlias.id IN (?)", bun.List(ids)).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("network names: %w", err)
	}
	for _, n := range rows {
		names[n.ID] = n.Name
	}
	return names, nil
}

// uses counts what names a network.
type uses struct{ Targets, Scanners, Hosts int }

func usesOf(tx *db.Tx, ids []string) (map[string]uses, error) {
	all := map[string]uses{}
	if len(ids) == 0 {
		return all, nil
	}
	for _, part := range []struct {
		query string
		add   func(*uses, int)
	}{
		{"select network_id, count(*) as n from targets where organization_id = ?org and network_id in (?) group by network_id", func(u *uses, n int) { u.Targets = n }},
		{"select network_id, count(*) as n from scanners where organization_id = ?org and network_id in (?) group by network_id", func(u *uses, n int) { u.Scanners = n }},
		{"select network_id, count(*) as n from hosts where organization_id = ?org and network_id in (?) and answered group by network_id", func(u *uses, n int) { u.Hosts = n }},
	} {
		var rows []struct {
			NetworkID string
			N         int
		}
		if err := tx.Query(&rows, part.query, bun.List(ids)); err != nil {
			return nil, fmt.Errorf("uses of networks: %w", err)
		}
		for _, r := range rows {
			u := all[r.NetworkID]
			part.add(&u, r.N)
			all[r.NetworkID] = u
		}
	}
	return all, nil
}

func fetch(tx *db.Tx, q filter.Query) ([]Network, filter.Meta, error) {
	return filter.Fetch[Network](tx, q, func(rows any) *bun.SelectQuery { return tx.Select(rows) })
}

func insert(tx *db.Tx, n *Network) error {
	if _, err := tx.Insert(n).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert network: %w", err)
	}
	return nil
}

func save(tx *db.Tx, n *Network) error {
	if _, err := tx.Update(n).Column("name", "description", "updated_at").WherePK().Exec(tx.Context()); err != nil {
		return fmt.Errorf("update network: %w", err)
	}
	return nil
}

func remove(tx *db.Tx, ids []string) error {
	if _, err := tx.Delete((*Network)(nil)).Where("?TableAlias.id IN (?)", bun.List(ids)).Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete networks: %w", err)
	}
	return nil
}
