package scan

import (
	"fmt"

	"github.com/vedette/vedette/internal/platform/db"
)

// Unfinished tells in words how many runs the transaction's organization has under way, whatever the product; empty: none.
func Unfinished(tx *db.Tx) (string, error) {
	n, err := tx.Select((*History)(nil)).Where("?TableAlias.finished_at IS NULL").Count(tx.Context())
	if err != nil {
		return "", fmt.Errorf("unfinished runs: %w", err)
	}
	if n == 0 {
		return "", nil
	}
	return fmt.Sprintf("%d of its scans are running; stop them, or wait", n), nil
}
