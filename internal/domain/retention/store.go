package retention

import (
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/platform/blob"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
)

// rule is rows that go once they are old enough. where may name the cutoff as ?0.
type rule struct {
	what, table, keys, where string
	keep                     time.Duration
}

// rules of what goes row by row.
func rules(p Periods) []rule {
	all := []rule{
		// What a lost attempt or a stopped run had staged.
		{what: "staged", table: "scan_observations", keys: "organization_id, chunk_id, attempt, sequence",
			where: "exists (select 1 from scan_chunks c where c.organization_id = x.organization_id and c.id = x.chunk_id and c.state in ('done', 'failed', 'stopped'))"},
		{what: "idempotency keys", table: "idempotency_keys", keys: "organization_id, caller, method, path, key", where: "x.expires_at < ?0"},
		{what: "tokens", table: "tokens", keys: "organization_id, id", where: "x.expires_at < ?0", keep: grace},
		{what: "links in mails", table: "mail_links", keys: "organization_id, id", where: "x.expires_at < ?0", keep: grace},
		{what: "sign-ins begun", table: "otp_sessions", keys: "organization_id, id", where: "x.expires_at < ?0", keep: grace},
		{what: "codes sent", table: "otp_messages", keys: "organization_id, id", where: "x.expires_at < ?0", keep: grace},
		{what: "sign-in attempts", table: "sign_in_attempts", keys: "subject", where: "x.updated_at < ?0 and x.blocked_until < ?0", keep: 30 * 24 * time.Hour},
	}
	dated := func(r rule, days int) {
		if r.keep = time.Duration(days) * 24 * time.Hour; days > 0 {
			all = append(all, r)
		}
	}
	dated(rule{what: "events", table: "events", keys: "organization_id, id", where: "x.created_at < ?0"}, p.Events)
	dated(rule{what: "changes of hosts", table: "host_changes", keys: "organization_id, id", where: "x.created_at < ?0"}, p.Histories)
	// The newest of each scanner stays.
	dated(rule{what: "verifications", table: "scanner_verifications", keys: "organization_id, id",
		where: "x.asked_at < ?0 and exists (select 1 from scanner_verifications n where n.scanner_id = x.scanner_id and n.asked_at > x.asked_at)"}, p.Verifications)
	return all
}

// prune one batch, and tell how many rows it was.
func (r rule) prune(tx *db.Tx, now clock.Time) (int, error) {
	n, err := tx.Exec("delete from "+r.table+" where ("+r.keys+") in (select "+prefixed(r.keys)+" from "+r.table+" x where "+r.where+" limit ?1)",
		now.Add(-r.keep), batch)
	if err != nil {
		return 0, fmt.Errorf("prune %s: %w", r.what, err)
	}
	return n, nil
}

func prefixed(keys string) string { return "x." + strings.ReplaceAll(keys, ", ", ", x.") }

// run is one history.
type run struct {
	OrganizationID string
	ID             string
}

// disposable says which runs h may go: those that ended, but for the last that completed of each scan.
const disposable = `h.finished_at < ? and not exists (select 1 from scans s where s.organization_id = h.organization_id and h.id in (s.last_history_id, s.current_history_id))`

// endedRuns are some runs that ended before an instant; evidence: only those that still have theirs.
func endedRuns(tx *db.Tx, before clock.Time, pci, evidence bool) ([]run, error) {
	query := "select h.organization_id, h.id from scan_histories h where (h.product = ?) = ? and " + disposable
	if evidence {
		query += " and h.evidence_dropped_at is null"
	}
	var all []run
	if err := tx.Query(&all, query+" limit 20", plan.PCI, pci, before); err != nil {
		return nil, fmt.Errorf("ended runs: %w", err)
	}
	return all, nil
}

// part of a run: rows of a table that name it.
type part struct{ table, keys string }

var runParts = []part{{"scan_vulnerabilities", "organization_id, history_id, id"}, {"scan_hosts", "organization_id, history_id, id"}, {"scan_chunks", "organization_id, id"}}

func (p part) drop(tx *db.Tx, h run) (int, error) {
	n, err := tx.Exec("delete from "+p.table+" where ("+p.keys+") in (select "+p.keys+" from "+p.table+" where organization_id = ? and history_id = ? limit ?)",
		h.OrganizationID, h.ID, batch)
	if err != nil {
		return 0, fmt.Errorf("prune %s: %w", p.table, err)
	}
	return n, nil
}

func dropRun(tx *db.Tx, h run) error {
	if _, err := tx.Exec("delete from scan_histories where organization_id = ? and id = ?", h.OrganizationID, h.ID); err != nil {
		return fmt.Errorf("prune histories: %w", err)
	}
	return nil
}

// dropFacts of a run's hosts: what each scanner saw, with its evidence.
func dropFacts(tx *db.Tx, h run) (int, error) {
	n, err := tx.Exec(`update scan_hosts set facts = '{}' where (organization_id, history_id, id) in
		(select organization_id, history_id, id from scan_hosts where organization_id = ? and history_id = ? and cast(facts as text) <> '{}' limit ?)`, h.OrganizationID, h.ID, batch)
	if err != nil {
		return 0, fmt.Errorf("prune facts: %w", err)
	}
	return n, nil
}

// dropEvidence of a run's vulnerabilities.
func dropEvidence(tx *db.Tx, h run) (int, error) {
	without := "json_remove(finding, '$.evidence')"
	if tx.Dialect() == db.Postgres {
		without = "finding - 'evidence'"
	}
	n, err := tx.Exec("update scan_vulnerabilities set finding = "+without+` where (organization_id, history_id, id) in
		(select organization_id, history_id, id from scan_vulnerabilities where organization_id = ? and history_id = ? and finding ->> 'evidence' is not null limit ?)`,
		h.OrganizationID, h.ID, batch)
	if err != nil {
		return 0, fmt.Errorf("prune evidence: %w", err)
	}
	return n, nil
}

func evidenceDropped(tx *db.Tx, h run) error {
	_, err := tx.Exec("update scan_histories set evidence_dropped_at = ? where organization_id = ? and id = ?", tx.Now(), h.OrganizationID, h.ID)
	if err != nil {
		return fmt.Errorf("prune evidence: %w", err)
	}
	return nil
}

// dropReports of runs that ended before an instant, with the rows of their files.
func dropReports(tx *db.Tx, before clock.Time, pci bool) (int, error) {
	var old []run
	err := tx.Query(&old, "select organization_id, id from reports where (product = ?) = ? and finished_at < ? order by finished_at limit ?", plan.PCI, pci, before, batch)
	if err != nil || len(old) == 0 {
		return 0, err
	}
	ids := make([]string, len(old))
	for i, r := range old {
		ids[i] = r.ID
	}
	for _, table := range []string{"report_files where report_id", "reports where id"} {
		if _, err := tx.Exec("delete from "+table+" in (?)", bun.List(ids)); err != nil {
			return 0, fmt.Errorf("prune reports: %w", err)
		}
	}
	return len(old), nil
}

// blobColumns are all columns that name a blob. Whoever keeps blobs elsewhere adds a line; a test holds the list against the
// schema.
var blobColumns = [][2]string{{"reports", "model_sha256"}, {"report_files", "sha256"}}

// namedBlobs are those of the hashes that a row names.
func namedBlobs(tx *db.Tx, hashes []blob.Hash) (map[blob.Hash]bool, error) {
	named := map[blob.Hash]bool{}
	for _, c := range blobColumns {
		var found []blob.Hash
		if err := tx.Query(&found, "select "+c[1]+" from "+c[0]+" where "+c[1]+" in (?)", bun.List(hashes)); err != nil {
			return nil, fmt.Errorf("named blobs: %w", err)
		}
		for _, h := range found {
			named[h] = true
		}
	}
	return named, nil
}
