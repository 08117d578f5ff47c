package scanner

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/plan"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/secret"
)

func init() {
	db.Constrain(db.Constraint{Name: "scanners_name_key", Columns: "scanners.organization_id, scanners.name", Fault: func() *fault.Fault {
		return fault.At("/scanner/name", "taken", "There is a scanner of this name already; choose another.")
	}})
}

// ByID finds a scanner of the caller's own, or one shared with it.
func ByID(tx *db.Tx, id string) (*Scanner, error) {
	if !filter.IsID(id) {
		return nil, fault.Missing()
	}
	s := &Scanner{}
	if err := tx.Select(s).Where("?TableAlias.id = ?", id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("scanner: %w", err)
	}
	return s, nil
}

// Names of scanners by id, for references; one that is no longer shared with the caller has none.
func Names(tx *db.Tx, ids []string) (map[string]string, error) {
	names := map[string]string{}
	if len(ids) == 0 {
		return names, nil
	}
	var rows []Scanner
	if err := tx.Select(&rows).Column("id", "name").Where("?TableAlias.id IN (?)", bun.List(ids)).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("scanner names: %w", err)
	}
	for _, s := range rows {
		names[s.ID] = s.Name
	}
	return names, nil
}

// Default is the scanner for a product where a scan names none: the embedded one, or whichever is shared here.
func Default(tx *db.Tx, product string) (*Scanner, error) {
	var all []Scanner
	err := serving(tx.Select(&all), product).Where("?TableAlias.network_id IS NULL").OrderExpr("kind = ? DESC, created_at", Embedded).Limit(1).Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("default scanner: %w", err)
	}
	if len(all) == 0 {
		return nil, fault.New(fault.Conflict, "There is no active scanner for %s; link one, or turn the embedded one on.", product).Coded("no_scanner")
	}
	return &all[0], nil
}

// serving narrows to scanners that are Active for the product.
func serving(q *bun.SelectQuery, product string) *bun.SelectQuery {
	q = q.Where("?TableAlias.state NOT IN (?)", bun.List([]string{New, Deactivated})).Where("?TableAlias.app_type IN ('all', ?)", product)
	if product == plan.PCI {
		q = q.Where("?TableAlias.organization_id = ?", access.Installation)
	}
	return q
}

// HasOwn says whether the caller's organization has an active scanner of its own.
func HasOwn(tx *db.Tx) (bool, error) {
	n, err := tx.Select((*Scanner)(nil)).Where("?TableAlias.organization_id = ? AND kind = ? AND state NOT IN (?)", tx.Organization(), Remote,
		bun.List([]string{New, Deactivated})).Count(tx.Context())
	if err != nil {
		return false, fmt.Errorf("own scanner: %w", err)
	}
	return n > 0, nil
}

func fetch(tx *db.Tx, q filter.Query, active bool) ([]Scanner, filter.Meta, error) {
	return filter.Fetch[Scanner](tx, q, func(rows any) *bun.SelectQuery {
		s := tx.Select(rows)
		if active {
			s = serving(s, tx.Product())
		}
		return s
	})
}

func insert(tx *db.Tx, s *Scanner) error {
	if _, err := tx.Insert(s).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert scanner: %w", err)
	}
	return nil
}

// lock the scanner until the transaction ends, and read it as it then is.
func lock(tx *db.Tx, s *Scanner) error {
	q := tx.Select(s).WherePK()
	if tx.Dialect() == db.Postgres {
		q = q.For("UPDATE")
	}
	if err := q.Scan(tx.Context()); err != nil {
		return fmt.Errorf("lock scanner: %w", err)
	}
	return nil
}

func save(tx *db.Tx, s *Scanner) error {
	s.UpdatedAt = tx.Now()
	_, err := tx.Update(s).Column("name", "comment", "app_type", "state", "max_concurrency", "draining", "network_id", "updated_at").WherePK().Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("update scanner: %w", err)
	}
	return nil
}

// countOf the remote scanners that an organization owns.
func countOf(tx *db.Tx, organization string) (int, error) {
	n, err := tx.Select((*Scanner)(nil)).Where("?TableAlias.organization_id = ? AND kind = ?", organization, Remote).Count(tx.Context())
	if err != nil {
		return 0, fmt.Errorf("count scanners: %w", err)
	}
	return int(n), nil
}

// awaitsLink says whether the scanner was never linked.
func awaitsLink(tx *db.Tx, id string) (bool, error) {
	n, err := tx.Select((*Scanner)(nil)).Where("?TableAlias.id = ? AND link_hash IS NOT NULL AND certificate_serial = '' AND last_seen_at IS NULL", id).Count(tx.Context())
	if err != nil {
		return false, fmt.Errorf("linking code: %w", err)
	}
	return n > 0, nil
}

// working says whether the caller's organization has work for the scanner that has not ended.
func working(tx *db.Tx, id string) (bool, error) {
	var some bool
	err := tx.Query(&some, "select exists (select 1 from scan_chunks where organization_id = ?org and scanner_id = ? and state in ('queued', 'leased'))", id)
	if err != nil {
		return false, fmt.Errorf("work of scanner: %w", err)
	}
	return some, nil
}

// referred says whether scans name the scanner or are worked by it, those of one organization (which may be empty) left out; for a
// door.
func referred(tx *db.Tx, id, but string) (bool, error) {
	if but == "" {
		but = id // no organization's
	}
	var some bool
	err := tx.Query(&some, `select exists (select 1 from scans where scanner_id = ? and organization_id <> ?) or
		exists (select 1 from scan_chunks where scanner_id = ? and organization_id <> ? and state in ('queued', 'leased'))`, id, but, id, but)
	if err != nil {
		return false, fmt.Errorf("scans of scanner: %w", err)
	}
	return some, nil
}

// deleteScanner with its verifications. A scan that refers to it, also one of an organization below, is a conflict.
func deleteScanner(tx *db.Tx, id string) error {
	_, err := tx.Delete((*Scanner)(nil)).Where("id = ?", id).Exec(tx.Context())
	if v := db.Violation(err); v == "scans_scanner_fkey" || strings.HasPrefix(v, "FOREIGN KEY") {
		return inUse().Because(err)
	}
	if err != nil {
		return fmt.Errorf("delete scanner: %w", err)
	}
	return nil
}

// setOwner gives the scanner to an organization. Its verifications go: they name the owner, and are the former one's. For a door.
func setOwner(tx *db.Tx, s *Scanner, organization string, shared bool) error {
	if organization != s.OrganizationID {
		if _, err := tx.Delete((*Verification)(nil)).Where("scanner_id = ?", s.ID).Exec(tx.Context()); err != nil {
			return fmt.Errorf("assign scanner: %w", err)
		}
	}
	q := tx.Update((*Scanner)(nil))
	if organization != s.OrganizationID { // networks and users are the owner's
		q, s.NetworkID, s.CreatedBy = q.Set("network_id = NULL, created_by = NULL"), nil, nil
	}
	_, err := q.Set("organization_id = ?, shared = ?, updated_at = ?", organization, shared, tx.Now()).
		Where("id = ?", s.ID).Exec(tx.Context())
	switch v := db.Violation(err); {
	case v == "scans_scanner_fkey" || strings.HasPrefix(v, "FOREIGN KEY"):
		return inUse().Because(err)
	case v == "scanners_name_key" || v == "scanners.organization_id, scanners.name":
		return fault.New(fault.Conflict, "The organization has a scanner named %q already; rename one of the two first.", s.Name).Coded("name_taken").Because(err)
	case err != nil:
		return fmt.Errorf("assign scanner: %w", err)
	}
	s.OrganizationID, s.Shared.Shared, s.UpdatedAt = organization, shared, tx.Now()
	return nil
}

// SetLink gives a scanner the hash of a one-use linking code.
func SetLink(tx *db.Tx, id, hash string, until clock.Time) error {
	_, err := tx.Update((*Scanner)(nil)).Set("link_hash = ?, link_expires_at = ?", hash, until).Where("id = ?", id).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("link: %w", err)
	}
	return nil
}

// FirstStart makes the embedded scanner's row where there is none, or activates it. A server that runs none leaves the row to
// those that do; KeepEmbedded deactivates it when there are none.
func FirstStart(tx *db.Tx, now clock.Time, active bool, parallel int) error {
	state := Linked
	if !active {
		state = Deactivated
	}
	s := &Scanner{ID: EmbeddedID, Name: "Embedded scanner", Comment: "Runs on the machine of the service.", Kind: Embedded, AppType: "all", State: state,
		Capabilities: []string{}, SourceAddresses: []string{}, MaxConcurrency: parallel, CreatedAt: now, UpdatedAt: now}
	s.OrganizationID, s.Shared.Shared = access.Installation, true
	q := tx.Insert(s).On("CONFLICT (organization_id, id) DO NOTHING")
	if active {
		q = tx.Insert(s).On("CONFLICT (organization_id, id) DO UPDATE").Set("state = EXCLUDED.state, max_concurrency = EXCLUDED.max_concurrency")
	}
	if _, err := q.Exec(tx.Context()); err != nil {
		return fmt.Errorf("embedded scanner: %w", err)
	}
	return KeepEmbedded(tx, active)
}

// KeepEmbedded lets the embedded scanner be active as long as any server runs one: a server that does activates it, one that does
// not deactivates it when it has been silent.
func KeepEmbedded(tx *db.Tx, active bool) error {
	q := tx.Update((*Scanner)(nil)).Set("state = ?", Linked).Where("id = ? AND state = ?", EmbeddedID, Deactivated)
	if !active {
		q = tx.Update((*Scanner)(nil)).Set("state = ?", Deactivated).
			Where("id = ? AND state <> ? AND coalesce(last_seen_at, 0) < ?", EmbeddedID, Deactivated, tx.Now().Add(-Silence))
	}
	if _, err := q.Exec(tx.Context()); err != nil {
		return fmt.Errorf("embedded scanner: %w", err)
	}
	return nil
}

func insertVerification(tx *db.Tx, v *Verification) error {
	if _, err := tx.Insert(v).Exec(tx.Context()); err != nil {
		return fmt.Errorf("verification: %w", err)
	}
	return nil
}

func verificationByID(tx *db.Tx, id string) (*Verification, error) {
	v := &Verification{}
	if err := tx.Select(v).Where("id = ?", id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("verification: %w", err)
	}
	return v, nil
}

// Answer keeps what a scanner proved; an answer to another scanner's question is not there.
func Answer(tx *db.Tx, scanner, id string, verified bool, checks json.RawMessage) error {
	res, err := tx.Update((*Verification)(nil)).Set("verified = ?, checks = ?, answered_at = ?", verified, string(checks), tx.Now()).
		Where("id = ? AND scanner_id = ? AND answered_at IS NULL", id, scanner).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("verification: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return fault.Missing()
	}
	return tx.Wake(VerifyTopic)
}

type authorityRow struct {
	bun.BaseModel `bun:"table:authorities,alias:a"`
	ID            int           `bun:"id,pk"`
	Certificate   string        `bun:"certificate"`
	PrivateKey    secret.Sealed `bun:"private_key"`
	CreatedAt     clock.Time    `bun:"created_at"`
}

// Authority that scanners are certified by: its certificate and its sealed key; empty before the first start.
func Authority(tx *db.Tx) (string, secret.Sealed, error) {
	var all []authorityRow
	if err := tx.Select(&all).Where("id = 1").Scan(tx.Context()); err != nil {
		return "", secret.Sealed{}, fmt.Errorf("authority: %w", err)
	}
	if len(all) == 0 {
		return "", secret.Sealed{}, nil
	}
	return all[0].Certificate, all[0].PrivateKey, nil
}

// KeepAuthority of a first start.
func KeepAuthority(tx *db.Tx, certificate string, key secret.Sealed) error {
	row := &authorityRow{ID: 1, Certificate: certificate, PrivateKey: key, CreatedAt: tx.Now()}
	if _, err := tx.Insert(row).Exec(tx.Context()); err != nil {
		return fmt.Errorf("authority: %w", err)
	}
	return nil
}

// inBranch says whether an organization stands below another, or is it.
func inBranch(tx *db.Tx, ancestor, organization string) (bool, error) {
	if !filter.IsID(organization) {
		return false, nil
	}
	var inside bool
	err := tx.Query(&inside, "select exists (select 1 from organization_tree where ancestor_id = ? and descendant_id = ?)", ancestor, organization)
	return inside, err
}
