package auth

import (
	"fmt"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/db"
)

func insertHalf(tx *db.Tx, h *half) error {
	if _, err := tx.Insert(h).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert half sign-in: %w", err)
	}
	return nil
}

// halfByHash is nil where there is none.
func halfByHash(tx *db.Tx, hash string) (*half, error) {
	var all []half
	if err := tx.Select(&all).Where("hash = ?", hash).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("half sign-in: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return &all[0], nil
}

// takeTry counts a try in one statement, so that tries at the same time see each other.
func takeTry(tx *db.Tx, h *half) error {
	res, err := tx.Update((*half)(nil)).Set("tries = tries + 1").Where("id = ? AND tries < ? AND expires_at > ?", h.ID, stateTries, tx.Now()).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("count a try: %w", err)
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return errState
	}
	return err
}

// deleteHalf uses the state up; the second who tries gets a fault.
func deleteHalf(tx *db.Tx, h *half) error {
	res, err := tx.Delete((*half)(nil)).Where("id = ?", h.ID).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("end half sign-in: %w", err)
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return errState
	}
	return err
}

// deleteHalves of a user.
func deleteHalves(tx *db.Tx, u *user.User) error {
	if _, err := tx.Delete((*half)(nil)).Where("user_id = ?", u.ID).Exec(tx.Context()); err != nil {
		return fmt.Errorf("end half sign-ins: %w", err)
	}
	return nil
}

func forgetOldHalves(tx *db.Tx) error {
	if _, err := tx.Delete((*half)(nil)).Where("expires_at < ?", tx.Now()).Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete expired half sign-ins: %w", err)
	}
	return nil
}
