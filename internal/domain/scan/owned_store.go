package scan

import (
	"fmt"

	"github.com/vedette/vedette/internal/platform/db"
)

// CountOwned counts the scans of the organization that a user made, or got from who did, in all products.
func CountOwned(tx *db.Tx, owner string) (int, error) {
	n, err := tx.Select((*Scan)(nil)).Where("?TableAlias.organization_id = ? AND ?TableAlias.created_by = ?", tx.Organization(), owner).Count(tx.Context())
	if err != nil {
		return 0, fmt.Errorf("count scans of a user: %w", err)
	}
	return int(n), nil
}

// MoveOwned gives the scans of one user to another, and tells how many there were.
func MoveOwned(tx *db.Tx, from, to string) (int, error) {
	res, err := tx.Update((*Scan)(nil)).Set("created_by = ?", to).Where("?TableAlias.created_by = ?", from).Exec(tx.Context())
	if err != nil {
		return 0, fmt.Errorf("give scans to another user: %w", err)
	}
	n, err := res.RowsAffected()
	return int(n), err
}
