package auth

import (
	"fmt"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/db"
)

// Sessions and access tokens go along with a user who moves; what else hangs on a user the database takes along.
func init() { user.Follow(moveTokens) }

func moveTokens(tx *db.Tx, from, to user.Place) error {
	_, err := tx.Update((*Token)(nil)).Set("organization_id = ?, user_id = ?", to.OrganizationID, to.ID).
		Where("?TableAlias.organization_id = ? AND ?TableAlias.user_id = ?", from.OrganizationID, from.ID).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("move tokens: %w", err)
	}
	return nil
}
