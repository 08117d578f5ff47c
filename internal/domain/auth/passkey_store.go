package auth

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
)

func init() {
	db.Constrain(db.Constraint{Name: "passkeys_credential_key", Columns: "passkeys.credential_id", Fault: func() *fault.Fault {
		return fault.At("/passkey/credential", "taken", "This passkey is registered already.")
	}})
}

// fetchPasskeys of the caller.
func fetchPasskeys(tx *db.Tx, q filter.Query) ([]Passkey, filter.Meta, error) {
	return filter.Fetch[Passkey](tx, q, func(rows any) *bun.SelectQuery {
		return tx.Select(rows).Where("?TableAlias.user_id = ?", tx.Grant().Principal().User)
	})
}

func passkeysOf(tx *db.Tx, u *user.User) ([]Passkey, error) {
	var all []Passkey
	if err := tx.Select(&all).Where("user_id = ?", u.ID).Order("id").Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	return all, nil
}

func insertPasskey(tx *db.Tx, p *Passkey) error {
	if _, err := tx.Insert(p).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert passkey: %w", err)
	}
	return nil
}

func usePasskey(tx *db.Tx, p *Passkey) error {
	now := tx.Now()
	p.LastUsedAt = &now
	if _, err := tx.Update(p).Column("record", "last_used_at").WherePK().Exec(tx.Context()); err != nil {
		return fmt.Errorf("use passkey: %w", err)
	}
	return nil
}

// deletePasskey of a user; a fault of kind notfound where there is none.
func deletePasskey(tx *db.Tx, u *user.User, id string) error {
	res, err := tx.Delete((*Passkey)(nil)).Where("id = ? AND user_id = ?", id, u.ID).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("delete passkey: %w", err)
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return fault.Missing()
	}
	return err
}

// beginRegistration replaces one that was begun before.
func beginRegistration(tx *db.Tx, r *registration) error {
	if _, err := tx.Delete((*registration)(nil)).Where("user_id = ?", r.UserID).Exec(tx.Context()); err != nil {
		return fmt.Errorf("begin registration: %w", err)
	}
	if _, err := tx.Insert(r).Exec(tx.Context()); err != nil {
		return fmt.Errorf("begin registration: %w", err)
	}
	return nil
}

// takeRegistration ends the registration that was begun, and gives it; nil where there is none.
func takeRegistration(tx *db.Tx, u *user.User) (*registration, error) {
	var all []registration
	if err := tx.Select(&all).Where("user_id = ?", u.ID).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("registration: %w", err)
	}
	if len(all) == 0 || all[0].CreatedAt <= tx.Now().Add(-registrationLifetime) {
		return nil, nil
	}
	if _, err := tx.Delete((*registration)(nil)).Where("id = ?", all[0].ID).Exec(tx.Context()); err != nil {
		return nil, fmt.Errorf("end registration: %w", err)
	}
	return &all[0], nil
}

// challengeHalf keeps what the passkey of a sign-in must answer; a former challenge is void.
func challengeHalf(tx *db.Tx, h *half) error {
	if _, err := tx.Update(h).Column("challenge").WherePK().Exec(tx.Context()); err != nil {
		return fmt.Errorf("keep challenge: %w", err)
	}
	return nil
}
