package scan

import (
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
)

// sharesQueue: the scan names no scanner and its run began with one that stands in the target's network; the others of its
// organization that stand there are a group with it, and each takes parts of the run.
const sharesQueue = `EXISTS (SELECT 1 FROM scans s, scanners chosen, scanners other
	WHERE s.organization_id = h.organization_id AND s.id = h.scan_id AND s.scanner_id IS NULL
	AND chosen.id = h.scanner_id AND chosen.organization_id = h.organization_id AND chosen.network_id = h.network_id
	AND other.id = ? AND other.organization_id = h.organization_id AND other.network_id = h.network_id
	AND other.app_type IN ('all', h.product))`

// waitingRuns of all organizations that have parts for the scanner.
func waitingRuns(tx *db.Tx, scanner string) ([]waitingRun, error) {
	var all []waitingRun
	err := tx.Select((*History)(nil)).Column("organization_id", "id", "state", "priority", "requested_at", "last_leased_at").
		Where("(h.scanner_id = ? OR "+sharesQueue+")", scanner, scanner).
		Where("h.finished_at IS NULL AND h.state IN (?)", bun.List([]string{Requested, Queued, Running})).
		Where("EXISTS (SELECT 1 FROM scan_chunks c WHERE c.organization_id = h.organization_id AND c.history_id = h.id AND c.state = 'queued' AND c.not_before <= ?)", tx.Now()).
		Scan(tx.Context(), &all)
	if err != nil {
		return nil, fmt.Errorf("waiting runs: %w", err)
	}
	return all, nil
}

// busyOrganizations counts the parts of each organization that the scanner works.
func busyOrganizations(tx *db.Tx, scanner string) (map[string]int, error) {
	var rows []struct {
		OrganizationID string
		N              int
	}
	err := tx.Select((*Chunk)(nil)).Column("organization_id").ColumnExpr("count(*) AS n").Where("scanner_id = ? AND state = 'leased'", scanner).
		Group("organization_id").Scan(tx.Context(), &rows)
	if err != nil {
		return nil, fmt.Errorf("leased chunks: %w", err)
	}
	busy := map[string]int{}
	for _, r := range rows {
		busy[r.OrganizationID] = r.N
	}
	return busy, nil
}

// takeChunk takes the first waiting part of a run; nil where there is none. On PostgreSQL rows that another node is taking at this
// moment are passed over.
func takeChunk(tx *db.Tx, r waitingRun) (*Chunk, error) {
	var all []Chunk
	q := tx.Select(&all).Where("organization_id = ? AND history_id = ? AND state = 'queued' AND not_before <= ?", r.OrganizationID, r.ID, tx.Now()).Order("number").Limit(1)
	if tx.Dialect() == db.Postgres {
		q = q.For("UPDATE SKIP LOCKED")
	}
	if err := q.Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("next chunk: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return &all[0], nil
}

// leasedBy counts the chunks that a scanner works at this moment.
func leasedBy(tx *db.Tx, scanner string) (int, error) {
	n, err := tx.Select((*Chunk)(nil)).Where("scanner_id = ? AND state = ?", scanner, chunkLeased).Count(tx.Context())
	if err != nil {
		return 0, fmt.Errorf("leased chunks: %w", err)
	}
	return int(n), nil
}

// givenRates sums up what leased chunks may send, in packets a second.
func givenRates(tx *db.Tx) (int, error) {
	var n int
	if err := tx.Select((*Chunk)(nil)).ColumnExpr("coalesce(sum(rate), 0)").Where("state = 'leased'").Scan(tx.Context(), &n); err != nil {
		return 0, fmt.Errorf("given rates: %w", err)
	}
	return n, nil
}

// runningRuns counts the runs of the installation that are worked.
func runningRuns(tx *db.Tx) (int, error) {
	n, err := tx.Select((*History)(nil)).Where("finished_at IS NULL AND state IN (?)", bun.List([]string{Running, Stopping})).Count(tx.Context())
	if err != nil {
		return 0, fmt.Errorf("running scans: %w", err)
	}
	return int(n), nil
}

// lease gives the chunk to a scanner, with a new token.
func lease(tx *db.Tx, c *Chunk, scanner string, length time.Duration) error {
	c.ScannerID = scanner
	c.State, c.LeasedBy, c.LeasedAt, c.LeaseUntil = chunkLeased, &scanner, clock.AtPointer(tx.Now().Time()), clock.AtPointer(tx.Now().Add(length).Time())
	c.Attempt++
	c.Token++
	c.Progress, c.Stage, c.HostsDone, c.Staged = 0, "", 0, 0
	_, err := tx.Update(c).Column("scanner_id", "state", "leased_by", "leased_at", "lease_until", "attempt", "token", "progress", "stage", "hosts_done", "staged_bytes",
		"rate", "leased_instance").WherePK().Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("lease: %w", err)
	}
	return nil
}

// markLeased notes that a part of a run was leased, and gives the run's state then; the first one begins it.
func markLeased(tx *db.Tx, h *History, first bool) (string, error) {
	var all []History
	q := tx.Update((*History)(nil)).Set("last_leased_at = ?", tx.Now()).Where("organization_id = ? AND id = ?", h.OrganizationID, h.ID)
	if first {
		q = q.Set("started_at = ?, feed_version = ?, plan = ?", tx.Now(), h.FeedVersion, h.Plan)
	}
	q = q.Set("state = CASE WHEN state IN (?) THEN ? ELSE state END", bun.List([]string{Requested, Queued}), Running)
	if err := q.Returning("state").Scan(tx.Context(), &all); err != nil {
		return "", fmt.Errorf("begin: %w", err)
	}
	if len(all) == 0 {
		return "", stale()
	}
	return all[0].State, nil
}

// expire ends the leases of one process of a scanner, and tells how many there were.
func expire(tx *db.Tx, scanner, instance string) (int, error) {
	res, err := tx.Update((*Chunk)(nil)).Set("lease_until = ?", tx.Now().Add(-time.Millisecond)).
		Where("leased_by = ? AND leased_instance = ? AND state = 'leased'", scanner, instance).Exec(tx.Context())
	if err != nil {
		return 0, fmt.Errorf("release: %w", err)
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// returnExpired puts chunks whose scanner has been silent back into the pool, or fails them by the rule of lost.
func returnExpired(tx *db.Tx) error {
	var all []Chunk
	q := tx.Select(&all).Where("state = ? AND lease_until < ?", chunkLeased, tx.Now())
	if tx.Dialect() == db.Postgres {
		q = q.For("UPDATE SKIP LOCKED")
	}
	if err := q.Scan(tx.Context()); err != nil {
		return fmt.Errorf("expired leases: %w", err)
	}
	for i := range all {
		if err := returnLost(tx, &all[i]); err != nil {
			return err
		}
	}
	return nil
}

func returnLost(tx *db.Tx, c *Chunk) error {
	c.lost(tx.Now())
	_, err := tx.Update(c).Column("state", "progress", "error", "losses", "leased_by", "lease_until", "stage", "not_before").WherePK().Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("return an expired lease: %w", err)
	}
	return dropStaged(tx, c)
}
