package scan

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
)

func init() {
	db.Constrain(
		db.Constraint{Name: "scans_name_key", Columns: "scans.organization_id, scans.product, scans.name", Fault: func() *fault.Fault {
			return fault.At("/scan/name", "taken", "There is a scan of this name already; choose another.")
		}},
		db.Constraint{Name: "scan_histories_running_key", Columns: "scan_histories.organization_id, scan_histories.scan_id", Fault: running},
	)
}

func running() *fault.Fault {
	return fault.New(fault.Conflict, "This scan is running; stop it, or wait until it is done.").Coded("scan_running")
}

func insertScan(tx *db.Tx, s *Scan) error {
	if _, err := tx.Insert(s).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert scan: %w", err)
	}
	return nil
}

// ByID finds a scan of the active product.
func ByID(tx *db.Tx, id string) (*Scan, error) {
	if !filter.IsID(id) {
		return nil, fault.Missing()
	}
	s := &Scan{}
	if err := tx.Select(s).Where("id = ? AND product = ?", id, tx.Product()).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("scan: %w", err)
	}
	return s, nil
}

func byIDs(tx *db.Tx, ids []string) ([]Scan, error) {
	var all []Scan
	if err := tx.Select(&all).Where("id IN (?) AND product = ?", bun.List(ids), tx.Product()).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("scans: %w", err)
	}
	return all, nil
}

// nextTimeSQL is when the scan's schedule fires next.
const nextTimeSQL = "(SELECT sch.next_at FROM schedules AS sch WHERE sch.organization_id = ?TableAlias.organization_id AND sch.id = ?TableAlias.schedule_id)"

// view narrows a list of scans.
type view int

const (
	every view = iota
	runningOnly
	recentOnly
	upcomingOnly
)

func fetch(tx *db.Tx, q filter.Query, v view) ([]Scan, filter.Meta, error) {
	return filter.Fetch[Scan](tx, q, func(rows any) *bun.SelectQuery {
		s := tx.Select(rows).Where("?TableAlias.product = ?", tx.Product())
		switch v {
		case runningOnly:
			s = s.Where("?TableAlias.state IN (?)", bun.List([]string{Requested, Queued, Running, Paused, Stopping}))
		case recentOnly:
			s = s.Where("?TableAlias.last_finished_at IS NOT NULL")
		case upcomingOnly:
			s = s.Where(nextTimeSQL + " IS NOT NULL")
		}
		return s
	})
}

func updateScan(tx *db.Tx, s *Scan) error {
	s.UpdatedAt = tx.Now()
	_, err := tx.Update(s).Column("name", "target_id", "scanner_organization_id", "scanner_id", "schedule_id", "profile", "priority", "comment", "notify", "updated_at").
		WherePK().Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("update scan: %w", err)
	}
	return nil
}

// deleteScans with their runs.
func deleteScans(tx *db.Tx, ids []string) error {
	if _, err := tx.Delete((*Scan)(nil)).Where("id IN (?)", bun.List(ids)).Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete scans: %w", err)
	}
	return nil
}

func setState(tx *db.Tx, id, state string, history *string) error {
	_, err := tx.Update((*Scan)(nil)).Set("state = ?, current_history_id = ?", state, history).Where("id = ?", id).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("scan state: %w", err)
	}
	return nil
}

func setPriority(tx *db.Tx, history string, priority int) error {
	if _, err := tx.Update((*History)(nil)).Set("priority = ?", priority).Where("id = ?", history).Exec(tx.Context()); err != nil {
		return fmt.Errorf("priority: %w", err)
	}
	return nil
}

func insertHistory(tx *db.Tx, h *History, chunks []Chunk) error {
	if _, err := tx.Insert(h).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert history: %w", err)
	}
	const batch = 500
	for len(chunks) > 0 {
		some := chunks[:min(batch, len(chunks))]
		if _, err := tx.Insert(&some).Exec(tx.Context()); err != nil {
			return fmt.Errorf("insert chunks: %w", err)
		}
		chunks = chunks[len(some):]
	}
	return nil
}

// HistoryByID finds a run of a scan.
func HistoryByID(tx *db.Tx, scan, id string) (*History, error) {
	if !filter.IsID(id) {
		return nil, fault.Missing()
	}
	h := &History{}
	if err := tx.Select(h).Where("id = ? AND scan_id = ?", id, scan).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	return h, nil
}

func history(tx *db.Tx, id string) (*History, error) {
	h := &History{}
	if err := tx.Select(h).Where("id = ?", id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	return h, nil
}

func historiesByID(tx *db.Tx, ids []string) (map[string]History, error) {
	byID := map[string]History{}
	if len(ids) == 0 {
		return byID, nil
	}
	var all []History
	if err := tx.Select(&all).Where("id IN (?)", bun.List(ids)).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("histories: %w", err)
	}
	for _, h := range all {
		byID[h.ID] = h
	}
	return byID, nil
}

func fetchHistories(tx *db.Tx, q filter.Query, scan string) ([]History, filter.Meta, error) {
	return filter.Fetch[History](tx, q, func(rows any) *bun.SelectQuery { return tx.Select(rows).Where("?TableAlias.scan_id = ?", scan) })
}

// LastHistory picks the run that a list of a scan's hosts or vulnerabilities shows: the one asked for, or the last that
// completed. Empty: it never finished.
func LastHistory(tx *db.Tx, scan, asked string) (string, error) {
	s, err := ByID(tx, scan)
	if err != nil {
		return "", err
	}
	if asked != "" {
		h, err := HistoryByID(tx, scan, asked)
		if err != nil {
			return "", err
		}
		return h.ID, nil
	}
	if s.LastHistoryID == nil {
		return "", nil
	}
	return *s.LastHistoryID, nil
}

// CountByTarget counts the scans of each target.
func CountByTarget(tx *db.Tx, ids []string) (map[string]int, error) {
	counts := map[string]int{}
	if len(ids) == 0 {
		return counts, nil
	}
	var rows []struct {
		TargetID string
		N        int
	}
	err := tx.Select((*Scan)(nil)).Column("target_id").ColumnExpr("count(*) AS n").Where("target_id IN (?)", bun.List(ids)).Group("target_id").Scan(tx.Context(), &rows)
	if err != nil {
		return nil, fmt.Errorf("count scans: %w", err)
	}
	for _, r := range rows {
		counts[r.TargetID] = r.N
	}
	return counts, nil
}

// Names of scans by id.
func Names(tx *db.Tx, ids []string) (map[string]string, error) {
	names := map[string]string{}
	if len(ids) == 0 {
		return names, nil
	}
	var all []Scan
	if err := tx.Select(&all).Column("id", "name").Where("id IN (?)", bun.List(ids)).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("scan names: %w", err)
	}
	for _, s := range all {
		names[s.ID] = s.Name
	}
	return names, nil
}

// requestStop turns a run that has not ended to stopping; false where there is none.
func requestStop(tx *db.Tx, id string) (bool, error) {
	res, err := tx.Update((*History)(nil)).Set("state = ?", Stopping).Where("id = ? AND finished_at IS NULL", id).Exec(tx.Context())
	if err != nil {
		return false, fmt.Errorf("stop: %w", err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// stopQueued ends the chunks that no scanner works, and forgets what lost leases of them have staged.
func stopQueued(tx *db.Tx, id string) error {
	_, err := tx.Update((*Chunk)(nil)).Set("state = ?", chunkStopped).Where("history_id = ? AND state = ?", id, chunkQueued).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	_, err = tx.Delete((*observationRow)(nil)).
		Where("chunk_id IN (SELECT c.id FROM scan_chunks c WHERE c.organization_id = ? AND c.history_id = ? AND c.state = ?)", tx.Organization(), id, chunkStopped).
		Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}

// CompletedScans of a product are those with a run that completed and has a verdict.
func CompletedScans(tx *db.Tx, product string) ([]Scan, error) {
	var all []Scan
	err := tx.Select(&all).Where("product = ? AND last_verdict IS NOT NULL AND last_finished_at IS NOT NULL", product).Order("name").Limit(1000).Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("completed scans: %w", err)
	}
	return all, nil
}
