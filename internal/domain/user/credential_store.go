package user

import (
	"fmt"

	"github.com/vedette/vedette/internal/platform/db"
)

// KeepCredentials writes what a confirmation, an invitation or a new password changes: the hash, the address with its
// confirmation, and the name.
func KeepCredentials(tx *db.Tx, u *User) error {
	u.EmailKey, u.UpdatedAt = Fold(u.Email), tx.Now()
	_, err := tx.Update(u).Column("password_hash", "email", "email_key", "confirmed_at", "first_name", "last_name", "updated_at").WherePK().Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("keep credentials: %w", err)
	}
	return nil
}

// ByEmail finds the user of an address; nil: there is none.
func ByEmail(tx *db.Tx, email string) (*User, error) {
	var all []User
	if err := tx.Select(&all).Where("email_key = ?", Fold(email)).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("user: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return &all[0], nil
}
