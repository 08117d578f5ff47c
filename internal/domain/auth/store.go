package auth

import (
	"fmt"

	"github.com/uptrace/bun"

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

// endSession deletes a sign-in's token. An access token is ended by revoking it alone.
func endSession(tx *db.Tx, id string) error {
	if _, err := tx.Delete((*Token)(nil)).Where("id = ? AND kind = ?", id, session).Exec(tx.Context()); err != nil {
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

// forgetOld drops tokens that have expired, and failures that no longer count.
func forgetOld(tx *db.Tx) error {
	if _, err := tx.Delete((*Token)(nil)).Where("expires_at < ?", tx.Now()).Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete expired tokens: %w", err)
	}
	if _, err := tx.Delete((*attempt)(nil)).Where("updated_at < ?", tx.Now().Add(-memory)).Exec(tx.Context()); err != nil {
		return fmt.Errorf("forget old sign-in attempts: %w", err)
	}
	return nil
}

// memory of failed sign-ins.
const memory = 24 * hour

type attempt struct {
	bun.BaseModel `bun:"table:sign_in_attempts,alias:a"`
	Subject       string     `bun:"subject,pk"`
	Failures      int        `bun:"failures"`
	BlockedUntil  clock.Time `bun:"blocked_until"`
	UpdatedAt     clock.Time `bun:"updated_at"`
}

// blockedUntil is the latest instant until which one of the subjects must wait; 0: none must.
func blockedUntil(tx *db.Tx, subjects ...string) (clock.Time, error) {
	var all []attempt
	if err := tx.Select(&all).Where("subject IN (?)", bun.List(subjects)).Scan(tx.Context()); err != nil {
		return 0, fmt.Errorf("sign-in attempts: %w", err)
	}
	var latest clock.Time
	for _, a := range all {
		latest = max(latest, a.BlockedUntil)
	}
	return latest, nil
}

// failed counts a failure of each subject and sets how long it must wait.
func failed(tx *db.Tx, subjects ...string) error {
	for _, s := range subjects {
		a := attempt{Subject: s, Failures: 1, UpdatedAt: tx.Now()}
		_, err := tx.Insert(&a).On("CONFLICT (subject) DO UPDATE").
			Set("failures = CASE WHEN a.updated_at < ? THEN 1 ELSE a.failures + 1 END", tx.Now().Add(-memory)).
			Set("updated_at = EXCLUDED.updated_at").Returning("failures").Exec(tx.Context(), &a)
		if err != nil {
			return fmt.Errorf("count a failed sign-in: %w", err)
		}
		until := tx.Now().Add(wait(a.Failures))
		if _, err := tx.Update((*attempt)(nil)).Set("blocked_until = ?", until).Where("subject = ?", s).Exec(tx.Context()); err != nil {
			return fmt.Errorf("count a failed sign-in: %w", err)
		}
	}
	return nil
}

func forgive(tx *db.Tx, subjects ...string) error {
	if _, err := tx.Delete((*attempt)(nil)).Where("subject IN (?)", bun.List(subjects)).Exec(tx.Context()); err != nil {
		return fmt.Errorf("forgive failed sign-ins: %w", err)
	}
	return nil
}
