package scan

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/schedule"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
)

// EnrichSchedules fills in how many scans follow each schedule.
func EnrichSchedules(tx *db.Tx, all []schedule.Attributes) error {
	if len(all) == 0 {
		return nil
	}
	ids := make([]string, len(all))
	for i, s := range all {
		ids[i] = s.ID
	}
	var rows []struct {
		ScheduleID string
		N          int
	}
	err := tx.Select((*Scan)(nil)).Column("schedule_id").ColumnExpr("count(*) AS n").Where("schedule_id IN (?)", bun.List(ids)).Group("schedule_id").
		Scan(tx.Context(), &rows)
	if err != nil {
		return fmt.Errorf("count scans: %w", err)
	}
	for _, r := range rows {
		for i := range all {
			if all[i].ID == r.ScheduleID {
				all[i].ScansCount = r.N
			}
		}
	}
	return nil
}

// scheduled are the scans that follow the schedule; through a door.
func scheduled(tx *db.Tx, s *schedule.Schedule) ([]Scan, error) {
	var all []Scan
	err := tx.Select(&all).Where("organization_id = ? AND schedule_id = ?", s.OrganizationID, s.ID).Order("id").Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("scheduled scans: %w", err)
	}
	return all, nil
}

// markScheduled notes the firing that starts the scan; false where it, or a later one, did so before.
func markScheduled(tx *db.Tx, id string, due clock.Time) (bool, error) {
	res, err := tx.Update((*Scan)(nil)).Set("scheduled_at = ?", due).Where("id = ? AND (scheduled_at IS NULL OR scheduled_at < ?)", id, due).Exec(tx.Context())
	if err != nil {
		return false, fmt.Errorf("scheduled start: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// overdue are runs that have to end by now, and who acts for them; through a door.
func overdue(tx *db.Tx, limit int) ([]Outdated, error) {
	var rows []History
	err := tx.Select(&rows).Where("stop_at <= ? AND finished_at IS NULL AND state <> ?", tx.Now(), Stopping).Order("stop_at").Limit(int64(limit)).Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("overdue runs: %w", err)
	}
	return actorsOf(tx, rows)
}
