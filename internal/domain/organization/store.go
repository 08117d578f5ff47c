package organization

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
)

// Insert adds the organization under its parent; the database adds its paths to the tree.
func Insert(tx *db.Tx, o *Organization) error {
	o.OrganizationID = o.ID
	if o.ParentID != nil {
		if _, err := ByID(tx, *o.ParentID); err != nil {
			return err
		}
	}
	if _, err := tx.Insert(o).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert organization: %w", err)
	}
	if o.ParentID == nil || *o.ParentID == access.Installation {
		return nil
	}
	if _, err := tx.Update((*Organization)(nil)).Set("partner = ?", true).Where("?TableAlias.id = ?", *o.ParentID).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert organization: %w", err)
	}
	return nil
}

// ByID finds an organization of the caller's branch.
func ByID(tx *db.Tx, id string) (*Organization, error) {
	if !filter.IsID(id) {
		return nil, fault.Missing()
	}
	o := &Organization{}
	if err := tx.Select(o).Where("?TableAlias.id = ?", id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("organization: %w", err)
	}
	return o, nil
}

// Fetch a page of the branch.
func Fetch(tx *db.Tx, q filter.Query) ([]Organization, filter.Meta, error) {
	return filter.Fetch[Organization](tx, q, func(rows any) *bun.SelectQuery { return tx.Select(rows) })
}

// Names of organizations by id, for references.
func Names(tx *db.Tx, ids []string) (map[string]string, error) {
	names := map[string]string{}
	if len(ids) == 0 {
		return names, nil
	}
	var rows []Organization
	if err := tx.Select(&rows).Where("?TableAlias.id IN (?)", bun.List(ids)).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("organization names: %w", err)
	}
	for _, o := range rows {
		names[o.ID] = o.Name
	}
	return names, nil
}

// Place of an organization in the tree, whoever asks: its name and its ancestors.
func Place(tx *db.Tx, id string) (access.Organization, error) {
	place := access.Organization{ID: id}
	var o Organization
	if err := tx.Select(&o).Where("?TableAlias.id = ?", id).Scan(tx.Context()); err != nil {
		return place, fmt.Errorf("organization: %w", err)
	}
	place.Name = o.Name
	err := tx.Query(&place.Chain, `select ancestor_id from organization_tree where descendant_id = ? and depth > 0 order by depth`, id)
	if err != nil {
		return place, fmt.Errorf("organization: %w", err)
	}
	return place, nil
}

// Exists says whether the installation's own organization is there.
func Exists(tx *db.Tx) (bool, error) {
	n, err := tx.Select((*Organization)(nil)).Where("?TableAlias.id = ?", access.Installation).Count(tx.Context())
	return n > 0, err
}
