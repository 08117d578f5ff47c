package scan

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/scanlink"
)

// stale is the answer to a token that is not the chunk's newest, and to a chunk whose lease has ended.
func stale() *fault.Fault {
	return fault.New(fault.Conflict, "The lease of this chunk has ended.").Coded("stale_token")
}

// heldChunk is the chunk that the scanner holds with that token; a fault of kind conflict otherwise.
func heldChunk(tx *db.Tx, scanner, id string, token int64) (*Chunk, error) {
	c, err := chunkByID(tx, id)
	if err != nil {
		return nil, err
	}
	if c.State != chunkLeased || c.LeasedBy == nil || *c.LeasedBy != scanner || c.Token != token {
		return nil, stale()
	}
	return c, nil
}

func chunkByID(tx *db.Tx, id string) (*Chunk, error) {
	c := &Chunk{}
	q := tx.Select(c).Where("id = ?", id)
	if err := q.Scan(tx.Context()); err != nil {
		if db.NoRows(err) {
			return nil, stale().Because(err)
		}
		return nil, fmt.Errorf("chunk: %w", err)
	}
	return c, nil
}

// lockChunk keeps others from changing the chunk until this transaction ends.
func lockChunk(tx *db.Tx, id string) error {
	if _, err := tx.Update((*Chunk)(nil)).Set("state = state").Where("id = ?", id).Exec(tx.Context()); err != nil {
		return fmt.Errorf("lock chunk: %w", err)
	}
	return nil
}

// extend the lease, and note the progress.
func extend(tx *db.Tx, c *Chunk, length time.Duration, p *scanlink.Progress) error {
	q := tx.Update((*Chunk)(nil)).Set("lease_until = ?", tx.Now().Add(length)).Where("id = ? AND token = ? AND state = ?", c.ID, c.Token, chunkLeased)
	if p != nil {
		q = q.Set("progress = ?, stage = ?, hosts_done = ?", int(p.Percent*10), p.Stage, p.Hosts)
	}
	res, err := q.Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("beat: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 { // it ended between the look and this
		return stale().Because(err)
	}
	return nil
}

// setChunk ends or returns a chunk.
func setChunk(tx *db.Tx, c *Chunk, state, failure string, failures int) error {
	progress, done := c.Progress, c.HostsDone
	switch state {
	case chunkQueued:
		progress, done = 0, 0
	case chunkDone, chunkFailed:
		progress, done = 1000, c.HostsCount
	}
	_, err := tx.Update((*Chunk)(nil)).Set("state = ?, error = ?, failures = ?, progress = ?, hosts_done = ?, leased_by = NULL, lease_until = NULL", state, failure, failures, progress, done).
		Where("id = ?", c.ID).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("end chunk: %w", err)
	}
	return nil
}

type observationRow struct {
	bun.BaseModel `bun:"table:scan_observations,alias:b"`
	db.Owned
	ChunkID  string `bun:"chunk_id,pk"`
	Attempt  int    `bun:"attempt,pk"`
	Sequence int    `bun:"sequence,pk"`
	Body     string `bun:"body"`
}

// stage keeps a batch; a repeat changes nothing. Fault kind: toolarge where the lease has staged all that it may.
func stage(tx *db.Tx, c *Chunk, sequence int, observations []scanlink.Observation) error {
	body, err := json.Marshal(observations)
	if err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	row := &observationRow{ChunkID: c.ID, Attempt: c.Attempt, Sequence: sequence, Body: string(body)}
	row.OrganizationID = c.OrganizationID
	res, err := tx.Insert(row).On("CONFLICT DO NOTHING").Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	res, err = tx.Update((*Chunk)(nil)).Set("staged_bytes = staged_bytes + ?", len(body)).
		Where("id = ? AND staged_bytes + ? <= ?", c.ID, len(body), mostStaged).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return fault.New(fault.TooLarge, "The observations of this chunk come to more than %d MiB.", mostStaged>>20).Coded("too_much_observed").Because(err)
	}
	return nil
}

// condemn lets the next failure of a chunk be its last: trying again would bring the same.
func condemn(tx *db.Tx, id string, token int64) error {
	_, err := tx.Update((*Chunk)(nil)).Set("failures = ?", maxFailures-1).Where("id = ? AND token = ?", id, token).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("condemn chunk: %w", err)
	}
	return nil
}

// staged are the facts of the chunk's attempt, when every batch up to last is there; missing otherwise.
func staged(tx *db.Tx, c *Chunk, last int) (*scanlink.Facts, bool, error) {
	var rows []observationRow
	err := tx.Select(&rows).Where("chunk_id = ? AND attempt = ?", c.ID, c.Attempt).Order("sequence").Scan(tx.Context())
	if err != nil {
		return nil, false, fmt.Errorf("staged: %w", err)
	}
	facts := scanlink.NewFacts()
	for i, row := range rows {
		if row.Sequence != i+1 {
			return nil, false, nil
		}
		var all []scanlink.Observation
		if err := json.Unmarshal([]byte(row.Body), &all); err != nil {
			return nil, false, fmt.Errorf("staged: %w", err)
		}
		for _, o := range all {
			facts.Add(o)
		}
	}
	return facts, len(rows) >= last, nil
}

// dropStaged forgets what any attempt of the chunk observed.
func dropStaged(tx *db.Tx, c *Chunk) error {
	if _, err := tx.Delete((*observationRow)(nil)).Where("chunk_id = ?", c.ID).Exec(tx.Context()); err != nil {
		return fmt.Errorf("drop staged: %w", err)
	}
	return nil
}

// remaining counts the chunks of a run that have not ended, and locks the run meanwhile.
func remaining(tx *db.Tx, id string) (int, error) {
	if _, err := tx.Update((*History)(nil)).Set("state = state").Where("id = ?", id).Exec(tx.Context()); err != nil {
		return 0, fmt.Errorf("lock history: %w", err)
	}
	n, err := tx.Select((*Chunk)(nil)).Where("history_id = ? AND state IN (?)", id, bun.List([]string{chunkQueued, chunkLeased})).Count(tx.Context())
	if err != nil {
		return 0, fmt.Errorf("remaining chunks: %w", err)
	}
	return int(n), nil
}

// tally sums up the chunks of runs: what is done, and the progress by hosts.
type tally struct {
	HistoryID string
	Hosts     int
	Done      int
	Scanned   int
	Weight    int64
	Stage     string
	Failed    int
}

func tallies(tx *db.Tx, histories ...string) (map[string]tally, error) {
	byID := map[string]tally{}
	if len(histories) == 0 {
		return byID, nil
	}
	var rows []tally
	err := tx.Select((*Chunk)(nil)).Column("history_id").
		ColumnExpr("coalesce(sum(hosts_count), 0) AS hosts").
		ColumnExpr("coalesce(sum(CASE WHEN state IN ('done', 'failed', 'stopped') THEN 1 ELSE 0 END), 0) AS done").
		ColumnExpr("coalesce(sum(CASE WHEN state = 'done' THEN hosts_count WHEN state = 'leased' THEN hosts_done ELSE 0 END), 0) AS scanned").
		ColumnExpr("coalesce(sum(progress * hosts_count), 0) AS weight").
		ColumnExpr("coalesce(max(CASE WHEN state = 'leased' THEN stage ELSE '' END), '') AS stage").
		ColumnExpr("coalesce(sum(CASE WHEN state = 'failed' THEN 1 ELSE 0 END), 0) AS failed").
		Where("history_id IN (?)", bun.List(histories)).Group("history_id").Scan(tx.Context(), &rows)
	if err != nil {
		return nil, fmt.Errorf("tally: %w", err)
	}
	for _, t := range rows {
		byID[t.HistoryID] = t
	}
	return byID, nil
}

// end writes how a run ended.
func end(tx *db.Tx, h *History) error {
	h.FinishedAt = clock.AtPointer(tx.Now().Time())
	_, err := tx.Update(h).Column("state", "finished_at", "coverage", "hosts_scanned", "chunks_done", "progress", "stage", "critical", "high", "medium",
		"low", "log", "pci_status", "pci_reason", "report_id", "feed_version", "error").WherePK().Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("end history: %w", err)
	}
	q := tx.Update((*Scan)(nil)).Set("state = ?, current_history_id = NULL", h.State).Where("id = ?", h.ScanID)
	if h.State == Completed {
		q = q.Set("last_history_id = ?, last_finished_at = ?, last_verdict = ?", h.ID, *h.FinishedAt, h.PCIStatus)
	}
	if _, err := q.Exec(tx.Context()); err != nil {
		return fmt.Errorf("end scan: %w", err)
	}
	return nil
}

// abandoned are runs that have had no lease for too long, though their scanner is busy with no other.
func abandoned(tx *db.Tx) ([]History, error) {
	var all []History
	err := tx.Select(&all).Where("finished_at IS NULL AND state NOT IN (?) AND coalesce(resumed_at, requested_at) < ?", bun.List([]string{Stopping, Paused}), tx.Now().Add(-ResumeTime)).
		Where("NOT EXISTS (SELECT 1 FROM scan_chunks c WHERE c.organization_id = h.organization_id AND c.history_id = h.id AND c.leased_at > ?)", tx.Now().Add(-ResumeTime)).
		Where("NOT EXISTS (SELECT 1 FROM scan_chunks c WHERE c.state = 'leased' AND (c.scanner_id = h.scanner_id OR c.organization_id = h.organization_id AND c.history_id = h.id))").
		Limit(100).Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("abandoned runs: %w", err)
	}
	return all, nil
}

// forsaken are runs that nobody will end: no scanner holds any part of them, and they are to stop or have no part left to work.
func forsaken(tx *db.Tx) ([]History, error) {
	var all []History
	const open = "NOT EXISTS (SELECT 1 FROM scan_chunks c WHERE c.organization_id = h.organization_id AND c.history_id = h.id AND c.state IN (?))"
	err := tx.Select(&all).Where("finished_at IS NULL").Where(open, bun.List([]string{chunkLeased})).
		Where("(state = ? OR "+open+")", Stopping, bun.List([]string{chunkLeased, chunkQueued})).Limit(100).Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("forsaken runs: %w", err)
	}
	return all, nil
}

// SetReport names the report that a run yielded.
func SetReport(tx *db.Tx, history, report string) error {
	if _, err := tx.Update((*History)(nil)).Set("report_id = ?", report).Where("id = ?", history).Exec(tx.Context()); err != nil {
		return fmt.Errorf("report of history: %w", err)
	}
	return nil
}

// outdated are the last completed runs of scans that another version of the knowledge judged.
func outdated(tx *db.Tx, version string, n int) ([]History, error) {
	var all []History
	err := tx.Select(&all).Where("feed_version <> ? AND state = ?", version, Completed).
		Where("EXISTS (SELECT 1 FROM scans s WHERE s.organization_id = h.organization_id AND s.last_history_id = h.id)").Order("id").Limit(int64(n)).Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("outdated runs: %w", err)
	}
	return all, nil
}
