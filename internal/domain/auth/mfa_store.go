package auth

import (
	"fmt"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/db"
)

// lockFactors makes changes of one user's second factors wait for each other.
func lockFactors(tx *db.Tx, userID string) error { return tx.Lock("factors:" + userID) }

func insertMethod(tx *db.Tx, m *otpMethod) error {
	if _, err := tx.Insert(m).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert method: %w", err)
	}
	return nil
}

func deleteMethod(tx *db.Tx, u *user.User, method string) error {
	if _, err := tx.Delete((*otpMethod)(nil)).Where("user_id = ? AND method = ?", u.ID, method).Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete method: %w", err)
	}
	return nil
}

// methodOf is nil where there is none.
func methodOf(tx *db.Tx, u *user.User, method string) (*otpMethod, error) {
	var all []otpMethod
	if err := tx.Select(&all).Where("user_id = ? AND method = ?", u.ID, method).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("method: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return &all[0], nil
}

// advance uses up the code of a step; false: it was used meanwhile.
func advance(tx *db.Tx, m *otpMethod, step int64) (bool, error) {
	res, err := tx.Update((*otpMethod)(nil)).Set("last_step = ?", step).Where("id = ? AND last_step < ?", m.ID, step).Exec(tx.Context())
	if err != nil {
		return false, fmt.Errorf("use a code: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// passwordChecked notes that the password was asked for with this token.
func passwordChecked(tx *db.Tx, tokenID string) error {
	if _, err := tx.Update((*Token)(nil)).Set("password_checked_at = ?", tx.Now()).Where("id = ?", tokenID).Exec(tx.Context()); err != nil {
		return fmt.Errorf("note a password check: %w", err)
	}
	return nil
}

func tokenByID(tx *db.Tx, id string) (*Token, error) {
	t := &Token{}
	if err := tx.Select(t).Where("id = ?", id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	return t, nil
}
