package scan

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/schedule"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
)

// lockedRun reads a run and keeps others from changing it until the transaction ends.
func lockedRun(tx *db.Tx, id string) (*History, error) {
	h := &History{}
	q := tx.Select(h).Where("id = ?", id)
	if tx.Dialect() == db.Postgres {
		q = q.For("UPDATE")
	}
	if err := q.Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	return h, nil
}

func setPaused(tx *db.Tx, h *History, by string) error {
	at := tx.Now()
	if h.PausedAt != nil {
		at = *h.PausedAt
	}
	_, err := tx.Update((*History)(nil)).Set("state = ?, paused_by = ?, paused_at = ?", Paused, by, at).Where("id = ?", h.ID).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("pause: %w", err)
	}
	return nil
}

func setResumed(tx *db.Tx, h *History, exempt *clock.Time) error {
	passed := clock.Time(0)
	if h.PausedAt != nil && h.StartedAt != nil {
		passed = tx.Now() - max(*h.PausedAt, *h.StartedAt)
	}
	_, err := tx.Update((*History)(nil)).Set("state = ?, paused_by = NULL, paused_at = NULL, paused_for = paused_for + ?, resumed_at = ?, exempt_until = ?",
		Queued, passed, tx.Now(), exempt).Where("id = ?", h.ID).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	return nil
}

// shadowed are the open runs of scans whose schedule has blackouts; through a door.
func shadowed(tx *db.Tx, limit int) ([]darkened, error) {
	var rows []struct {
		History
		ScheduleID string
	}
	err := tx.Select((*History)(nil)).ColumnExpr("?TableColumns").ColumnExpr("coalesce(CAST(sch.id AS text), '') AS schedule_id").
		Join("JOIN scans AS sc ON sc.organization_id = h.organization_id AND sc.id = h.scan_id").
		Join("LEFT JOIN schedules AS sch ON sch.organization_id = sc.organization_id AND sch.id = sc.schedule_id").
		Where("h.finished_at IS NULL AND h.state IN (?)", bun.List([]string{Queued, Running, Paused})).
		Where("(CAST(sch.blackouts AS text) <> '[]' OR h.paused_by = ?)", ByBlackout).Order("h.id").Limit(int64(limit)).Scan(tx.Context(), &rows)
	if err != nil {
		return nil, fmt.Errorf("runs with blackouts: %w", err)
	}
	var ids []string
	for _, r := range rows {
		if r.ScheduleID != "" {
			ids = append(ids, r.ScheduleID)
		}
	}
	schedules, err := schedule.Some(tx, ids)
	if err != nil {
		return nil, err
	}
	var all []darkened
	for _, r := range rows {
		d := darkened{Outdated: Outdated{History: r.History}, schedule: schedules[r.ScheduleID]}
		if !d.due(tx.Now()) {
			continue
		}
		if d.Actor, err = r.actor(tx); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}
