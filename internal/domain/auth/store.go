package auth

import (
	"fmt"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
)

func init() {
	db.Constrain(db.Constraint{Name: "tokens_access_key", Columns: "tokens.organization_id, tokens.user_id", Fault: func() *fault.Fault {
		return fault.New(fault.Conflict, "Another access token is being made at this moment; ask again shortly.").Coded("token_twin")
	}})
}

func insert(tx *db.Tx, t *Token) error {
	if _, err := tx.Insert(t).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert token: %w", err)
	}
	return nil
}

func tokenByHash(tx *db.Tx, hash string) (*Token, error) {
	var all []Token
	if err := tx.Select(&all).Where("hash = ?", hash).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return &all[0], nil
}

// endSession deletes the token of a sign-in or an impersonation. An access token is ended by revoking it alone.
func endSession(tx *db.Tx, id string) error {
	if _, err := tx.Delete((*Token)(nil)).Where("id = ? AND kind <> ?", id, accessToken).Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete token: %w", err)
	}
	return nil
}

// deleteAccess ends the user's access token and tells whether there was one.
func deleteAccess(tx *db.Tx, user string) (bool, error) {
	res, err := tx.Delete((*Token)(nil)).Where("user_id = ? AND kind = ?", user, accessToken).Exec(tx.Context())
	if err != nil {
		return false, fmt.Errorf("revoke access token: %w", err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// tokenUsed notes that, unless another request has just done so.
func tokenUsed(tx *db.Tx, id string) error {
	_, err := tx.Update((*Token)(nil)).Set("last_used_at = ?", tx.Now()).Where("id = ? AND last_used_at <= ?", id, tx.Now().Add(-noteEvery)).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("note the use of a token: %w", err)
	}
	return nil
}

// forgetIdle drops tokens that went unused for too long.
func forgetIdle(tx *db.Tx, idle time.Duration) error {
	since := usedSince(tx, idle)
	if _, err := tx.Delete((*Token)(nil)).Where("kind <> ? AND created_at <= ? AND last_used_at <= ?", accessToken, since, since).Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete unused tokens: %w", err)
	}
	return nil
}

// usedSince is when a token must have been used last, or made, to work; before all time where there is no such end.
func usedSince(tx *db.Tx, idle time.Duration) clock.Time {
	if idle == 0 {
		return -1
	}
	return tx.Now().Add(-idle)
}

// forgetOld drops tokens and half sign-ins that have expired, and failures that no longer count.
func forgetOld(tx *db.Tx) error {
	if _, err := tx.Delete((*Token)(nil)).Where("expires_at < ?", tx.Now()).Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete expired tokens: %w", err)
	}
	if err := forgetOldHalves(tx); err != nil {
		return err
	}
	if err := forgetOldAways(tx); err != nil {
		return err
	}
	return forgetOldTries(tx)
}
