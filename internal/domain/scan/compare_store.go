package scan

import (
	"fmt"

	"github.com/vedette/vedette/internal/platform/db"
)

// lastCompleted run of a scan, before another where that is given; nil where there is none.
func lastCompleted(tx *db.Tx, scan string, before *History) (*History, error) {
	var rows []History
	q := tx.Select(&rows).Where("scan_id = ? AND state = ? AND finished_at IS NOT NULL", scan, Completed)
	if before != nil {
		q = q.Where("(finished_at < ? OR (finished_at = ? AND id < ?))", before.FinishedAt, before.FinishedAt, before.ID)
	}
	if err := q.Order("finished_at DESC", "id DESC").Limit(1).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("completed run: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}
