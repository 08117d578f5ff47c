package auth

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
)

func fetchSessions(tx *db.Tx, user string, q filter.Query) ([]Token, filter.Meta, error) {
	return filter.Fetch[Token](tx, q, func(rows any) *bun.SelectQuery {
		return tx.Select(rows).Where("?TableAlias.user_id = ? AND ?TableAlias.kind <> ? AND ?TableAlias.expires_at > ?", user, accessToken, tx.Now())
	})
}

// sessionOf a user, which is no access token.
func sessionOf(tx *db.Tx, user, id string) (*Token, error) {
	t := &Token{}
	if err := tx.Select(t).Where("id = ? AND user_id = ? AND kind <> ? AND expires_at > ?", id, user, accessToken, tx.Now()).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return t, nil
}

func countOtherSessions(tx *db.Tx, user, current string) (int, error) {
	n, err := tx.Select((*Token)(nil)).Where("user_id = ? AND kind <> ? AND id <> ? AND expires_at > ?", user, accessToken, current, tx.Now()).Count(tx.Context())
	if err != nil {
		return 0, fmt.Errorf("count sessions: %w", err)
	}
	return int(n), nil
}

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
