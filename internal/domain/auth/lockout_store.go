package auth

import (
	"cmp"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
)

// attempt counts the failures of one subject.
type attempt struct {
	bun.BaseModel `bun:"table:sign_in_attempts,alias:a"`
	Subject       string     `bun:"subject,pk"`
	Failures      int        `bun:"failures"`
	BlockedUntil  clock.Time `bun:"blocked_until"`
	UpdatedAt     clock.Time `bun:"updated_at"`
}

// countTry adds a failure in one statement, so that tries at the same time see each other; counted is false while the
// subject must wait.
func countTry(tx *db.Tx, s subject) (failures int, counted bool, err error) {
	a := attempt{Subject: s.key, Failures: 1, UpdatedAt: tx.Now()}
	leak := cmp.Or(s.leak, s.memory).Milliseconds()
	err = tx.Insert(&a).On("CONFLICT (subject) DO UPDATE").
		Set("failures = CASE WHEN a.updated_at < ? THEN 1 WHEN a.failures > (? - a.updated_at) / ? THEN a.failures + 1 - (? - a.updated_at) / ? ELSE 1 END",
			tx.Now().Add(-s.memory), tx.Now(), leak, tx.Now(), leak).
		Set("updated_at = EXCLUDED.updated_at").Where("a.blocked_until <= ?", tx.Now()).Returning("failures").Scan(tx.Context(), &failures)
	if db.NoRows(err) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("count a try: %w", err)
	}
	return failures, true, nil
}

func block(tx *db.Tx, s subject, d time.Duration) error {
	if _, err := tx.Update((*attempt)(nil)).Set("blocked_until = ?", tx.Now().Add(d)).Where("subject = ?", s.key).Exec(tx.Context()); err != nil {
		return fmt.Errorf("block after failed tries: %w", err)
	}
	return nil
}

// blockedUntil is when the subject need wait no more; 0: it need not.
func blockedUntil(tx *db.Tx, key string) (clock.Time, error) {
	var all []attempt
	if err := tx.Select(&all).Where("subject = ?", key).Scan(tx.Context()); err != nil {
		return 0, fmt.Errorf("failed tries: %w", err)
	}
	if len(all) == 0 {
		return 0, nil
	}
	return all[0].BlockedUntil, nil
}

// forgive the failures of each account; of an address, the try that was counted in advance.
func forgive(tx *db.Tx, subjects []subject) error {
	for _, s := range subjects {
		var err error
		if s.many {
			_, err = tx.Update((*attempt)(nil)).Set("failures = failures - 1, blocked_until = 0").Where("subject = ? AND failures > 0", s.key).Exec(tx.Context())
		} else {
			_, err = tx.Delete((*attempt)(nil)).Where("subject = ?", s.key).Exec(tx.Context())
		}
		if err != nil {
			return fmt.Errorf("forgive failed tries: %w", err)
		}
	}
	return nil
}

func forgetOldTries(tx *db.Tx) error {
	if _, err := tx.Delete((*attempt)(nil)).Where("updated_at < ?", tx.Now().Add(-day)).Exec(tx.Context()); err != nil {
		return fmt.Errorf("forget old tries: %w", err)
	}
	return nil
}
