package target

import (
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/secret"
)

func init() {
	db.Constrain(
		db.Constraint{Name: "targets_name_key", Columns: "targets.organization_id, targets.product, targets.name", Fault: func() *fault.Fault {
			return fault.At("/target/name", "taken", "There is a target of this name already; choose another.")
		}},
		db.Constraint{Name: "scans_target_fkey", Fault: inUse},
	)
}

func inUse() *fault.Fault {
	return fault.New(fault.Conflict, "A scan uses this target; delete the scan first, or give it another target.").Coded("in_use")
}

// rows of the caller's product; a door's grant has none and sees all.
func inProduct(tx *db.Tx, q *bun.SelectQuery) *bun.SelectQuery {
	if tx.Grant().IsSystem() {
		return q
	}
	return q.Where("?TableAlias.product = ?", tx.Product())
}

// ByID finds a target of the caller's organization and product. Fault kind: notfound.
func ByID(tx *db.Tx, id string) (*Target, error) {
	all, err := byIDs(tx, []string{id}, false)
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// byIDs finds all of them or none; lock keeps others from changing them meanwhile.
func byIDs(tx *db.Tx, ids []string, lock bool) ([]Target, error) {
	for _, id := range ids {
		if !filter.IsID(id) {
			return nil, fault.Missing()
		}
	}
	var all []Target
	q := inProduct(tx, tx.Select(&all)).Where("?TableAlias.id IN (?)", bun.List(ids)).OrderExpr("?TableAlias.id")
	if lock && tx.Dialect() == db.Postgres {
		q = q.For("UPDATE")
	}
	if err := q.Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("targets: %w", err)
	}
	if len(all) != len(ids) {
		return nil, fault.Missing()
	}
	return all, nil
}

// Names of targets by id, for references.
func Names(tx *db.Tx, ids []string) (map[string]string, error) {
	names := map[string]string{}
	if len(ids) == 0 {
		return names, nil
	}
	var rows []Target
	if err := tx.Select(&rows).Column("id", "name").Where("?TableAlias.id IN (?)", bun.List(ids)).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("target names: %w", err)
	}
	for _, t := range rows {
		names[t.ID] = t.Name
	}
	return names, nil
}

// hostMatch is one q[hosts]: some host of the list is like one of the patterns; negated, none is like any.
type hostMatch struct {
	patterns []string
	negated  bool
}

func fetch(tx *db.Tx, q filter.Query, hosts []hostMatch) ([]Target, filter.Meta, error) {
	entries := "jsonb_array_elements_text"
	if tx.Dialect() == db.SQLite {
		entries = "json_each"
	}
	return filter.Fetch[Target](tx, q, func(rows any) *bun.SelectQuery {
		s := inProduct(tx, tx.Select(rows))
		for _, m := range hosts {
			some := strings.TrimSuffix(strings.Repeat(`lower(entry.value) LIKE ? ESCAPE '\' OR `, len(m.patterns)), " OR ")
			args := make([]any, len(m.patterns))
			for i, p := range m.patterns {
				args[i] = p
			}
			exists := "EXISTS (SELECT 1 FROM " + entries + "(?TableAlias.hosts) AS entry WHERE " + some + ")"
			if m.negated {
				exists = "NOT " + exists
			}
			s = s.Where(exists, args...)
		}
		return s
	})
}

func insert(tx *db.Tx, t *Target) error {
	if _, err := tx.Insert(t).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert target: %w", err)
	}
	return nil
}

func save(tx *db.Tx, t *Target) error {
	_, err := tx.Update(t).Column("name", "hosts", "exclude_hosts", "hosts_text", "comment", "port_list_organization_id", "port_list_id",
		"alive_test", "max_parallel", "hosts_count", "scope_accepted", "scope_name", "scope_title", "scope_at", "scope_user_id", "network_id", "tags", "updated_at").
		WherePK().Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("update target: %w", err)
	}
	return nil
}

// saveTags alone: what a start is checked by does not change with them.
func saveTags(tx *db.Tx, t *Target) error {
	if _, err := tx.Update(t).Column("tags").WherePK().Exec(tx.Context()); err != nil {
		return fmt.Errorf("tag targets: %w", err)
	}
	return nil
}

func remove(tx *db.Tx, ids []string) error {
	_, err := tx.Delete((*Target)(nil)).Where("?TableAlias.id IN (?)", bun.List(ids)).Exec(tx.Context())
	if strings.HasPrefix(db.Violation(err), "FOREIGN KEY") { // SQLite does not tell which
		return inUse().Because(err)
	}
	if err != nil {
		return fmt.Errorf("delete targets: %w", err)
	}
	return nil
}

// scopes of all targets of the caller's organization and product, by id.
func scopes(tx *db.Tx) (map[string]Scope, error) {
	var rows []Target
	if err := inProduct(tx, tx.Select(&rows)).Column("id", "hosts", "exclude_hosts", "network_id").Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("scopes: %w", err)
	}
	all := make(map[string]Scope, len(rows))
	for _, t := range rows {
		s, err := t.Scope()
		if err != nil {
			return nil, err
		}
		all[t.ID] = s
	}
	return all, nil
}

// credentials of targets by target, by kind.
func credentials(tx *db.Tx, ids ...string) (map[string][]Credential, error) {
	found := map[string][]Credential{}
	if len(ids) == 0 {
		return found, nil
	}
	var rows []Credential
	if err := tx.Select(&rows).Where("?TableAlias.target_id IN (?)", bun.List(ids)).OrderExpr("?TableAlias.kind").Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	for _, c := range rows {
		found[c.TargetID] = append(found[c.TargetID], c)
	}
	return found, nil
}

// Logins of a target in the clear, for the plan of a scan.
func Logins(tx *db.Tx, s *secret.Sealer, targetID string) ([]Login, error) {
	rows, err := credentials(tx, targetID)
	if err != nil {
		return nil, err
	}
	var logins []Login
	for _, c := range rows[targetID] {
		l, err := c.open(s)
		if err != nil {
			return nil, err
		}
		logins = append(logins, l)
	}
	return logins, nil
}

// setCredentials replaces those of the target.
func setCredentials(tx *db.Tx, targetID string, rows []Credential) error {
	if _, err := tx.Delete((*Credential)(nil)).Where("?TableAlias.target_id = ?", targetID).Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete credentials: %w", err)
	}
	if len(rows) == 0 {
		return nil
	}
	for i := range rows {
		rows[i].TargetID = targetID
	}
	if _, err := tx.Insert(&rows).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert credentials: %w", err)
	}
	return nil
}

// LoginKinds of a target's credentials.
func LoginKinds(tx *db.Tx, targetID string) ([]string, error) {
	rows, err := credentials(tx, targetID)
	kinds := []string{}
	for _, c := range rows[targetID] {
		kinds = append(kinds, c.Kind)
	}
	return kinds, err
}
