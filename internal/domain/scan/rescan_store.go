package scan

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
)

// rescansSince counts the runs of a scan that began after one that had finished since the instant; -1 where none has finished. Runs
// that the service could not bring to an end are not counted.
func rescansSince(tx *db.Tx, scan string, since clock.Time) (int, error) {
	var first *clock.Time
	err := tx.Select((*History)(nil)).ColumnExpr("min(finished_at)").Where("scan_id = ? AND state = ? AND finished_at >= ?", scan, Completed, since).Scan(tx.Context(), &first)
	if err != nil {
		return 0, fmt.Errorf("first run of the period: %w", err)
	}
	if first == nil {
		return -1, nil
	}
	n, err := tx.Select((*History)(nil)).Where("scan_id = ? AND requested_at >= ? AND state NOT IN (?)", scan, *first, bun.List([]string{Failed, Interrupted})).
		Count(tx.Context())
	if err != nil {
		return 0, fmt.Errorf("rescans: %w", err)
	}
	return int(n), nil
}

// measured is how many seconds a host took in the last runs of a scan with the profile, and how many those runs are.
func measured(tx *db.Tx, scan, profile string) (float64, int, error) {
	var rows []History
	err := tx.Select(&rows).Where("scan_id = ? AND state = ? AND hosts_total > 0 AND started_at IS NOT NULL", scan, Completed).
		Order("requested_at DESC").Limit(5).Scan(tx.Context())
	if err != nil {
		return 0, 0, fmt.Errorf("earlier runs: %w", err)
	}
	total, n := 0.0, 0
	for _, h := range rows {
		if h.Plan.Profile == profile {
			total += h.worked(tx.Now()).Seconds() / float64(h.HostsTotal)
			n++
		}
	}
	if n == 0 {
		return 0, 0, nil
	}
	return total / float64(n), n, nil
}
