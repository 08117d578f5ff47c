package auth

import (
	"fmt"

	"github.com/vedette/vedette/internal/platform/db"
)

// endSessions deletes the sign-ins of a user, impersonations by and of it, but not its access token nor the one that is spared.
func endSessions(tx *db.Tx, user, spared string) error {
	q := tx.Delete((*Token)(nil)).Where("(user_id = ? AND kind <> ?) OR impersonator_id = ?", user, accessToken, user)
	if spared != "" {
		q = q.Where("id <> ?", spared)
	}
	if _, err := q.Exec(tx.Context()); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}
