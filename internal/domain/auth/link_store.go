package auth

import (
	"fmt"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/db"
)

func insertLink(tx *db.Tx, l *Link) error {
	if _, err := tx.Insert(l).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert link: %w", err)
	}
	return nil
}

// deleteLinks of one kind of a user.
func deleteLinks(tx *db.Tx, u *user.User, kind linkKind) error {
	_, err := tx.Delete((*Link)(nil)).Where("organization_id = ? AND user_id = ? AND kind = ?", u.OrganizationID, u.ID, kind).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("delete links: %w", err)
	}
	return nil
}
