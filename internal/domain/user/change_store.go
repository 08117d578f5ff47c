package user

import (
	"fmt"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
)

// lock a user of the branch until the transaction ends.
func lock(tx *db.Tx, id string) (*User, error) {
	if !filter.IsID(id) {
		return nil, fault.Missing()
	}
	u := &User{}
	q := tx.Select(u).Where("?TableAlias.id = ?", id)
	if tx.Dialect() == db.Postgres {
		q = q.For("UPDATE")
	}
	if err := q.Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("lock user: %w", err)
	}
	return u, nil
}

// lastAdmin says whether no operator but this one can sign in. Until the end of a transaction that writes, no other answers it.
func lastAdmin(tx *db.Tx, id string) (bool, error) {
	if err := tx.Lock("last admin"); err != nil {
		return false, err
	}
	n, err := tx.Select((*User)(nil)).Where("?TableAlias.organization_id = ?", access.Installation).Where("?TableAlias.role = ?", access.Admin).
		Where("?TableAlias.id <> ? AND ?TableAlias.locked_at IS NULL AND ?TableAlias.confirmed_at IS NOT NULL", id).Count(tx.Context())
	if err != nil {
		return false, fmt.Errorf("count operators: %w", err)
	}
	return n == 0, nil
}

// countRole counts the users of a role in an organization besides one.
func countRole(tx *db.Tx, organization string, r access.Role, besides string) (int, error) {
	n, err := tx.Select((*User)(nil)).Where("?TableAlias.organization_id = ?", organization).
		Where("?TableAlias.role = ? AND ?TableAlias.id <> ?", r, besides).Count(tx.Context())
	if err != nil {
		return 0, fmt.Errorf("count users: %w", err)
	}
	return int(n), nil
}

// deleteRow and all that hangs on it.
func deleteRow(tx *db.Tx, u *User) error {
	if _, err := tx.Delete(u).WherePK().Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete user: %w", err)
	}
	return nil
}

// setOrganization gives the user to another organization of the branch.
func setOrganization(tx *db.Tx, u *User, to string) error {
	_, err := tx.Update((*User)(nil)).Set("organization_id = ?", to).Where("?TableAlias.organization_id = ? AND ?TableAlias.id = ?", u.OrganizationID, u.ID).
		Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("move user: %w", err)
	}
	u.OrganizationID = to
	return nil
}
