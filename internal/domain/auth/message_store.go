package auth

import (
	"fmt"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
)

// insertMessage also drops what the user asked for the day before.
func insertMessage(tx *db.Tx, m *message) error {
	if _, err := tx.Delete((*message)(nil)).Where("user_id = ? AND requested_at < ?", m.UserID, m.RequestedAt.Add(-day)).Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete old messages: %w", err)
	}
	if _, err := tx.Insert(m).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert message: %w", err)
	}
	return nil
}

// messagesSince are the newest, newest first.
func messagesSince(tx *db.Tx, u *user.User, since clock.Time) ([]message, error) {
	var all []message
	err := tx.Select(&all).Where("user_id = ? AND requested_at > ?", u.ID, since).Order("requested_at DESC").Limit(messagesAnHour).Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("messages: %w", err)
	}
	return all, nil
}

// messageByID is nil where the message is gone.
func messageByID(tx *db.Tx, id string) (*message, error) {
	var all []message
	if err := tx.Select(&all).Where("id = ?", id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return &all[0], nil
}

// newestMessage that was sent for a purpose, unless it was used or has expired.
func newestMessage(tx *db.Tx, userID, purpose string) (*message, error) {
	var all []message
	err := tx.Select(&all).Where("user_id = ? AND purpose_id = ? AND code_hash IS NOT NULL", userID, purpose).Order("requested_at DESC").Limit(1).Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	if len(all) == 0 || all[0].UsedAt != nil || all[0].ExpiresAt <= tx.Now() {
		return nil, nil
	}
	return &all[0], nil
}

func updateCode(tx *db.Tx, m *message) error {
	if _, err := tx.Update(m).Column("code_hash").WherePK().Exec(tx.Context()); err != nil {
		return fmt.Errorf("keep the code's hash: %w", err)
	}
	return nil
}

// useMessage is false where the code was used meanwhile.
func useMessage(tx *db.Tx, m *message) (bool, error) {
	res, err := tx.Update((*message)(nil)).Set("used_at = ?", tx.Now()).Where("id = ? AND used_at IS NULL", m.ID).Exec(tx.Context())
	if err != nil {
		return false, fmt.Errorf("use a code: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}
