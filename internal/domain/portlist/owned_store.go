package portlist

import (
	"fmt"

	"github.com/vedette/vedette/internal/platform/db"
)

// CountOwned counts the port lists of the organization that a user made, or got from who did, in all products.
func CountOwned(tx *db.Tx, owner string) (int, error) {
	n, err := tx.Select((*PortList)(nil)).Where("?TableAlias.organization_id = ? AND ?TableAlias.created_by = ?", tx.Organization(), owner).Count(tx.Context())
	if err != nil {
		return 0, fmt.Errorf("count port lists of a user: %w", err)
	}
	return int(n), nil
}

// MoveOwned gives the port lists of one user to another, and tells how many there were.
func MoveOwned(tx *db.Tx, from, to string) (int, error) {
	res, err := tx.Update((*PortList)(nil)).Set("created_by = ?", to).Where("?TableAlias.created_by = ?", from).Exec(tx.Context())
	if err != nil {
		return 0, fmt.Errorf("give port lists to another user: %w", err)
	}
	n, err := res.RowsAffected()
	return int(n), err
}
