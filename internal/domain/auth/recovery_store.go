package auth

import (
	"fmt"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/db"
)

func insertRecoveryCodes(tx *db.Tx, rows []recoveryCode) error {
	if _, err := tx.Insert(&rows).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert recovery codes: %w", err)
	}
	return nil
}

func deleteRecoveryCodes(tx *db.Tx, u *user.User) error {
	if _, err := tx.Delete((*recoveryCode)(nil)).Where("user_id = ?", u.ID).Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete recovery codes: %w", err)
	}
	return nil
}

func unusedRecoveryCodes(tx *db.Tx, u *user.User) ([]recoveryCode, error) {
	var all []recoveryCode
	if err := tx.Select(&all).Where("user_id = ? AND used_at IS NULL", u.ID).Order("number").Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("recovery codes: %w", err)
	}
	return all, nil
}

// useRecoveryCode is false where the code was used meanwhile.
func useRecoveryCode(tx *db.Tx, c *recoveryCode) (bool, error) {
	res, err := tx.Update((*recoveryCode)(nil)).Set("used_at = ?, code = NULL", tx.Now()).Where("id = ? AND used_at IS NULL", c.ID).Exec(tx.Context())
	if err != nil {
		return false, fmt.Errorf("use a recovery code: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}
