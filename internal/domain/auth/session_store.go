package auth

import (
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
)

func fetchSessions(tx *db.Tx, user string, idle time.Duration, q filter.Query) ([]Token, filter.Meta, error) {
	return filter.Fetch[Token](tx, q, func(rows any) *bun.SelectQuery {
		return live(tx, tx.Select(rows), user, idle)
	})
}

// live sessions of a user; an access token is none.
func live(tx *db.Tx, q *bun.SelectQuery, user string, idle time.Duration) *bun.SelectQuery {
	since := usedSince(tx, idle)
	return q.Where("?TableAlias.user_id = ? AND ?TableAlias.kind <> ? AND ?TableAlias.expires_at > ?", user, accessToken, tx.Now()).
		Where("(?TableAlias.created_at > ? OR ?TableAlias.last_used_at > ?)", since, since)
}

// sessionOf a user.
func sessionOf(tx *db.Tx, user, id string, idle time.Duration) (*Token, error) {
	t := &Token{}
	if err := live(tx, tx.Select(t), user, idle).Where("?TableAlias.id = ?", id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return t, nil
}

func countOtherSessions(tx *db.Tx, user, current string, idle time.Duration) (int, error) {
	n, err := live(tx, tx.Select((*Token)(nil)), user, idle).Where("?TableAlias.id <> ?", current).Count(tx.Context())
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
