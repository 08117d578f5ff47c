package scanner

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
)

// Told is what a scanner tells of itself.
type Told struct {
	Version         string
	FeedVersion     string
	Capabilities    []string
	SourceAddresses []string
}

// Seen notes what a scanner tells of itself; an outage is over.
func Seen(tx *db.Tx, id string, t Told) error {
	capabilities, err := json.Marshal(t.Capabilities)
	if err != nil {
		return fmt.Errorf("scanner seen: %w", err)
	}
	addresses, err := json.Marshal(t.SourceAddresses)
	if err != nil {
		return fmt.Errorf("scanner seen: %w", err)
	}
	_, err = tx.Update((*Scanner)(nil)).
		Set("version = ?, feed_version = ?, capabilities = ?, source_addresses = ?", t.Version, t.FeedVersion, string(capabilities), string(addresses)).
		Set("last_seen_at = ?, offline_at = NULL", tx.Now()).Where("id = ?", id).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("scanner seen: %w", err)
	}
	return nil
}

// Touch notes that a scanner is alive.
func Touch(tx *db.Tx, id string) error {
	if _, err := tx.Update((*Scanner)(nil)).Set("last_seen_at = ?, offline_at = NULL", tx.Now()).Where("id = ?", id).Exec(tx.Context()); err != nil {
		return fmt.Errorf("scanner seen: %w", err)
	}
	return nil
}

// Silent claims the outages that were not announced yet: scanners that have been seen and are silent now. Each outage is given to
// one caller, once; through a door.
func Silent(tx *db.Tx, limit int) ([]Scanner, error) {
	var all, claimed []Scanner
	const silent = "?TableAlias.offline_at IS NULL AND ?TableAlias.state NOT IN ('new', 'deactivated') AND ?TableAlias.last_seen_at < ?"
	since := tx.Now().Add(-Silence)
	if err := tx.Select(&all).Where(silent, since).OrderExpr("?TableAlias.id").Limit(int64(limit)).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("silent scanners: %w", err)
	}
	for _, s := range all {
		res, err := tx.Update((*Scanner)(nil)).Set("offline_at = ?", tx.Now()).Where("id = ? AND offline_at IS NULL AND last_seen_at < ?", s.ID, since).Exec(tx.Context())
		if err != nil {
			return nil, fmt.Errorf("silent scanners: %w", err)
		}
		if n, err := res.RowsAffected(); err == nil && n == 1 {
			claimed = append(claimed, s)
		}
	}
	return claimed, nil
}

// Places is how many parts of scans the scanners that are there can work at once; through a door.
func Places(tx *db.Tx) (int, error) {
	var n int
	err := tx.Select((*Scanner)(nil)).ColumnExpr("coalesce(sum(max_concurrency), 0)").
		Where("state NOT IN ('new', 'deactivated') AND last_seen_at >= ?", tx.Now().Add(-Silence)).Scan(tx.Context(), &n)
	if err != nil {
		return 0, fmt.Errorf("places of scanners: %w", err)
	}
	return n, nil
}

func unknownCode() *fault.Fault {
	return fault.New(fault.Unauthenticated, "The linking code is not known, was used or has expired.")
}

// Linkable is the scanner whose linking code has that hash. fault.Unauthenticated where the code is not known, was used or has
// expired.
func Linkable(tx *db.Tx, hash string) (string, error) {
	var all []Scanner
	err := tx.Select(&all).Column("id").Where("link_hash = ? AND link_expires_at > ? AND state <> ?", hash, tx.Now(), Deactivated).Scan(tx.Context())
	if err != nil {
		return "", fmt.Errorf("link: %w", err)
	}
	if len(all) == 0 {
		return "", unknownCode()
	}
	return all[0].ID, nil
}

// Link uses up the linking code with that hash: from then on the certificate with the serial number is the scanner's, and none
// that it had before. Fault as of Linkable.
func Link(tx *db.Tx, id, hash, serial string) error {
	res, err := tx.Update((*Scanner)(nil)).Set("state = ?, link_hash = NULL, link_expires_at = NULL, updated_at = ?", Linked, tx.Now()).
		Set("certificate_serial = ?, next_serial = ''", serial).
		Where("id = ? AND link_hash = ? AND link_expires_at > ? AND state <> ?", id, hash, tx.Now(), Deactivated).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("link: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return unknownCode()
	}
	return nil
}

// Renewed remembers a certificate that was signed for a scanner which showed another. Both are good from then on, because calls on
// the former's connections are still under way; whatever it had before is not.
func Renewed(tx *db.Tx, id, shown, next string) error {
	_, err := tx.Update((*Scanner)(nil)).Set("certificate_serial = ?, next_serial = ?", shown, next).Where("id = ? AND kind = ?", id, Remote).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("renew: %w", err)
	}
	return nil
}

// Remember the serial number of a scanner that was linked before serial numbers were kept.
func Remember(tx *db.Tx, id, serial string) error {
	_, err := tx.Update((*Scanner)(nil)).Set("certificate_serial = ?", serial).Where("id = ? AND certificate_serial = ''", id).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	return nil
}

// offerAgain is when a verification is offered once more, because the offer may not have arrived.
const offerAgain = 5 * time.Second

// OfferVerification takes the oldest open one of a scanner that is still waited for; nil where there is none, or all are offered.
func OfferVerification(tx *db.Tx, id string) (*Verification, error) {
	var all []Verification
	err := tx.Select(&all).Where("scanner_id = ? AND answered_at IS NULL AND asked_at > ?", id, tx.Now().Add(-verifyPatience)).
		Where("offered_at IS NULL OR offered_at < ?", tx.Now().Add(-offerAgain)).Order("asked_at").Limit(1).Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("verification: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	v := &all[0]
	v.OfferedAt = clock.AtPointer(tx.Now().Time())
	if _, err := tx.Update(v).Column("offered_at").WherePK().Exec(tx.Context()); err != nil {
		return nil, fmt.Errorf("verification: %w", err)
	}
	return v, nil
}

// VerificationByID of whatever organization, for a door.
func VerificationByID(tx *db.Tx, id string) (*Verification, error) { return verificationByID(tx, id) }

// signInsSince an instant that the organization asked for.
func signInsSince(tx *db.Tx, since clock.Time) (int, error) {
	n, err := tx.Select((*Verification)(nil)).Where("sign_in IS NOT NULL AND asked_at > ?", since).Count(tx.Context())
	if err != nil {
		return 0, fmt.Errorf("verifications: %w", err)
	}
	return int(n), nil
}
