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

// linkByID is nil where the link is gone or has expired.
func linkByID(tx *db.Tx, organization, id string) (*Link, error) {
	var all []Link
	if err := tx.Select(&all).Where("organization_id = ? AND id = ? AND expires_at > ?", organization, id, tx.Now()).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return &all[0], nil
}

// linkByHash is nil where no link of the kind has this token, or it has expired.
func linkByHash(tx *db.Tx, kind linkKind, hash string) (*Link, error) {
	var all []Link
	if err := tx.Select(&all).Where("hash = ? AND kind = ? AND expires_at > ?", hash, kind, tx.Now()).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return &all[0], nil
}

func setLinkHash(tx *db.Tx, l *Link, hash string) error {
	if _, err := tx.Update((*Link)(nil)).Set("hash = ?", hash).Where("organization_id = ? AND id = ?", l.OrganizationID, l.ID).Exec(tx.Context()); err != nil {
		return fmt.Errorf("set the token of a link: %w", err)
	}
	return nil
}

// takeLink uses the link up; false: somebody was faster.
func takeLink(tx *db.Tx, l *Link) (bool, error) {
	res, err := tx.Delete((*Link)(nil)).Where("organization_id = ? AND id = ?", l.OrganizationID, l.ID).Exec(tx.Context())
	if err != nil {
		return false, fmt.Errorf("use a link: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

func countLinks(tx *db.Tx, u *user.User, kind linkKind) (int, error) {
	n, err := tx.Select((*Link)(nil)).Where("organization_id = ? AND user_id = ? AND kind = ? AND expires_at > ?", u.OrganizationID, u.ID, kind, tx.Now()).Count(tx.Context())
	if err != nil {
		return 0, fmt.Errorf("count links: %w", err)
	}
	return int(n), nil
}

// deleteLinks of a user; without a kind, all.
func deleteLinks(tx *db.Tx, u *user.User, kind linkKind) error {
	q := tx.Delete((*Link)(nil)).Where("organization_id = ? AND user_id = ?", u.OrganizationID, u.ID)
	if kind != "" {
		q = q.Where("kind = ?", kind)
	}
	if _, err := q.Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete links: %w", err)
	}
	return nil
}

// forgetLinks drops those that have expired.
func forgetLinks(tx *db.Tx) error {
	if _, err := tx.Delete((*Link)(nil)).Where("expires_at <= ?", tx.Now()).Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete expired links: %w", err)
	}
	return nil
}
