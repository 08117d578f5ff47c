package portlist

import (
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
)

func init() {
	db.Constrain(db.Constraint{Name: "port_lists_name_key", Columns: "port_lists.organization_id, port_lists.name",
		Fault: func() *fault.Fault {
			return fault.At("/port_list/name", "taken", "There is a port list of this name already; choose another.")
		}})
}

// Insert a list with its ranges, whose counts, ids and owner are filled in.
func Insert(tx *db.Tx, l *PortList, ranges []Range) error {
	l.TCPCount, l.UDPCount = count(ranges, TCP), count(ranges, UDP)
	if _, err := tx.Insert(l).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert port list: %w", err)
	}
	return insertRanges(tx, rowsOf(l, ranges))
}

// rowsOf gives ranges their ids and their list.
func rowsOf(l *PortList, ranges []Range) []Range {
	rows := slices.Clone(ranges)
	for i := range rows {
		rows[i].ID, rows[i].PortListID, rows[i].Shared = db.NewID(), l.ID, l.Shared
	}
	return rows
}

func insertRanges(tx *db.Tx, rows []Range) error {
	const batch = 2000
	for len(rows) > 0 {
		some := rows[:min(batch, len(rows))]
		if _, err := tx.Insert(&some).Exec(tx.Context()); err != nil {
			return fmt.Errorf("insert port ranges: %w", err)
		}
		rows = rows[len(some):]
	}
	return nil
}

func deleteRange(tx *db.Tx, id string) error {
	if _, err := tx.Delete((*Range)(nil)).Where("id = ?", id).Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete port range: %w", err)
	}
	return nil
}

func replaceRanges(tx *db.Tx, l *PortList, ranges []Range) error {
	if _, err := tx.Delete((*Range)(nil)).Where("port_list_id = ?", l.ID).Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete port ranges: %w", err)
	}
	return insertRanges(tx, rowsOf(l, ranges))
}

// lock the caller's own list until the transaction ends, and read it as it then is.
func lock(tx *db.Tx, l *PortList) error {
	q := tx.Select(l).WherePK()
	if tx.Dialect() == db.Postgres {
		q = q.For("UPDATE")
	}
	if err := q.Scan(tx.Context()); err != nil {
		return fmt.Errorf("lock port list: %w", err)
	}
	return nil
}

func save(tx *db.Tx, l *PortList) error {
	l.UpdatedAt = tx.Now()
	_, err := tx.Update(l).Column("name", "description", "app_type", "active", "tcp_count", "udp_count", "updated_at").WherePK().Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("update port list: %w", err)
	}
	return nil
}

// deleteList with its ranges. A target that uses it, also one of an organization below, is a conflict.
func deleteList(tx *db.Tx, id string) error {
	_, err := tx.Delete((*PortList)(nil)).Where("id = ?", id).Exec(tx.Context())
	if v := db.Violation(err); v == "targets_port_list_fkey" || strings.HasPrefix(v, "FOREIGN KEY") {
		return fault.New(fault.Conflict, "A target uses this port list; give the target another one first.").Coded("in_use").Because(err)
	}
	if err != nil {
		return fmt.Errorf("delete port list: %w", err)
	}
	return nil
}

// ByID finds a list that the caller may see: its own, or one shared from above. Fault kind: notfound.
func ByID(tx *db.Tx, id string) (*PortList, error) {
	if !filter.IsID(id) {
		return nil, fault.Missing()
	}
	l := &PortList{}
	if err := tx.Select(l).Where("?TableAlias.id = ?", id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("port list: %w", err)
	}
	return l, nil
}

// Default is the predefined list that a target of the product gets unless it chooses another.
func Default(tx *db.Tx, product string) (*PortList, error) {
	name, ok := standard[product]
	if !ok {
		return nil, fmt.Errorf("there is no product %q to have a port list", product)
	}
	var all []PortList
	err := tx.Select(&all).Where("?TableAlias.organization_id = ? AND predefined AND name = ?", access.Installation, name).Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("default port list: %w", err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the predefined port list %q is missing; a first start makes it", name)
	}
	return &all[0], nil
}

// Ranges of lists by their id, in order.
func Ranges(tx *db.Tx, ids ...string) (map[string][]Range, error) {
	found := map[string][]Range{}
	if len(ids) == 0 {
		return found, nil
	}
	var rows []Range
	err := tx.Select(&rows).Where("?TableAlias.port_list_id IN (?)", bun.List(ids)).
		OrderExpr("?TableAlias.protocol, ?TableAlias.start_port, ?TableAlias.end_port, ?TableAlias.id").Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("port ranges: %w", err)
	}
	for _, r := range rows {
		found[r.PortListID] = append(found[r.PortListID], r)
	}
	return found, nil
}

// Spec is the ports of a list as scanners read them: "T:1-65535,U:53,161".
func Spec(tx *db.Tx, l *PortList) (string, error) {
	ranges, err := Ranges(tx, l.ID)
	if err != nil {
		return "", err
	}
	return Format(ranges[l.ID]), nil
}

// Names of lists by id, for references.
func Names(tx *db.Tx, ids []string) (map[string]string, error) {
	names := map[string]string{}
	if len(ids) == 0 {
		return names, nil
	}
	var rows []PortList
	if err := tx.Select(&rows).Where("?TableAlias.id IN (?)", bun.List(ids)).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("port list names: %w", err)
	}
	for _, l := range rows {
		names[l.ID] = l.Name
	}
	return names, nil
}

// fetch a page of the lists that the caller sees; activated: only those that may be chosen in the active product.
func fetch(tx *db.Tx, q filter.Query, activated bool) ([]PortList, filter.Meta, error) {
	return filter.Fetch[PortList](tx, q, func(rows any) *bun.SelectQuery {
		s := tx.Select(rows)
		if activated {
			s = s.Where("?TableAlias.active AND ?TableAlias.app_type IN (?)", bun.List([]string{AllProducts, tx.Product()}))
		}
		return s
	})
}

// ofInstallation are the installation's own lists by name.
func ofInstallation(tx *db.Tx) (map[string]*PortList, error) {
	var rows []PortList
	if err := tx.Select(&rows).Where("?TableAlias.organization_id = ?", access.Installation).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("predefined port lists: %w", err)
	}
	byName := make(map[string]*PortList, len(rows))
	for i := range rows {
		byName[rows[i].Name] = &rows[i]
	}
	return byName, nil
}

// FirstStart makes those predefined lists of the installation that are not there yet.
func FirstStart(tx *db.Tx, now clock.Time) error {
	there, err := ofInstallation(tx)
	if err != nil {
		return err
	}
	all, err := predefined()
	if err != nil {
		return err
	}
	for _, d := range all {
		if there[d.name] != nil {
			continue
		}
		if _, err := insertPredefined(tx, d, now); err != nil {
			return err
		}
	}
	return nil
}

func insertPredefined(tx *db.Tx, d definition, now clock.Time) (*PortList, error) {
	ranges, err := ParseSpec("/port_list/ranges", d.spec)
	if err != nil {
		return nil, fmt.Errorf("predefined port list %s: %w", d.name, err)
	}
	l := &PortList{ID: db.NewID(), Name: d.name, Description: d.description, AppType: d.appType, Active: true, Predefined: true,
		CreatedAt: now, UpdatedAt: now, Shared: db.Shared{OrganizationID: access.Installation, Shared: true}}
	return l, Insert(tx, l, ranges)
}
