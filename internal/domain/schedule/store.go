package schedule

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
)

func init() {
	db.Constrain(db.Constraint{Name: "schedules_name_key", Columns: "schedules.organization_id, schedules.product, schedules.name",
		Fault: func() *fault.Fault {
			return fault.At("/schedule/name", "taken", "There is a schedule of this name already; choose another.")
		}})
}

// ByID finds a schedule of the caller's organization and product. Fault kind: notfound.
func ByID(tx *db.Tx, id string) (*Schedule, error) {
	all, err := byIDs(tx, []string{id}, "")
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// Use is ByID for who will refer to the schedule: until the end of the transaction nobody deletes it.
func Use(tx *db.Tx, id string) (*Schedule, error) {
	all, err := byIDs(tx, []string{id}, "SHARE")
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// byIDs finds all of them or none, with a row lock where one is named.
func byIDs(tx *db.Tx, ids []string, lock string) ([]Schedule, error) {
	for _, id := range ids {
		if !filter.IsID(id) {
			return nil, fault.Missing()
		}
	}
	var all []Schedule
	q := tx.Select(&all).Where("?TableAlias.id IN (?) AND ?TableAlias.product = ?", bun.List(ids), tx.Product()).OrderExpr("?TableAlias.id")
	if lock != "" && tx.Dialect() == db.Postgres {
		q = q.For(lock)
	}
	if err := q.Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("schedules: %w", err)
	}
	if len(all) != len(ids) {
		return nil, fault.Missing()
	}
	return all, nil
}

// Some schedules by id, for references; one that is not there is left out.
func Some(tx *db.Tx, ids []string) (map[string]Schedule, error) {
	byID := map[string]Schedule{}
	if len(ids) == 0 {
		return byID, nil
	}
	var all []Schedule
	if err := tx.Select(&all).Where("?TableAlias.id IN (?)", bun.List(ids)).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("schedules: %w", err)
	}
	for _, s := range all {
		byID[s.ID] = s
	}
	return byID, nil
}

func fetch(tx *db.Tx, q filter.Query) ([]Schedule, filter.Meta, error) {
	return filter.Fetch[Schedule](tx, q, func(rows any) *bun.SelectQuery {
		return tx.Select(rows).Where("?TableAlias.product = ?", tx.Product())
	})
}

func insert(tx *db.Tx, s *Schedule) error {
	if _, err := tx.Insert(s).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert schedule: %w", err)
	}
	return nil
}

func save(tx *db.Tx, s *Schedule) error {
	_, err := tx.Update(s).Column("name", "first_time", "timezone", "period", "period_unit", "rrule", "duration_minutes", "blackouts", "comment",
		"next_at", "updated_at").WherePK().Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("update schedule: %w", err)
	}
	return nil
}

func remove(tx *db.Tx, ids []string) error {
	if _, err := tx.Delete((*Schedule)(nil)).Where("?TableAlias.id IN (?)", bun.List(ids)).Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete schedules: %w", err)
	}
	return nil
}

// Due schedules of all organizations, the longest due first; through a door.
func Due(tx *db.Tx, limit int) ([]Schedule, error) {
	var all []Schedule
	err := tx.Select(&all).Where("?TableAlias.next_at <= ?", tx.Now()).OrderExpr("?TableAlias.next_at, ?TableAlias.id").Limit(int64(limit)).Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("due schedules: %w", err)
	}
	return all, nil
}

// Claim a firing: the schedule goes on to the next instant (nil: none), unless another did so or it was changed; then false.
func Claim(tx *db.Tx, s *Schedule, next *clock.Time) (bool, error) {
	res, err := tx.Update((*Schedule)(nil)).Set("next_at = ?", next).
		Where("organization_id = ? AND id = ? AND next_at = ?", s.OrganizationID, s.ID, s.NextAt).Exec(tx.Context())
	if err != nil {
		return false, fmt.Errorf("claim schedule: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}
