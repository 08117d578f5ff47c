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
	if err := lockTree(tx); err != nil {
		return err
	}
	if o.ParentID != nil {
		if _, err := ByID(tx, *o.ParentID); err != nil {
			return err
		}
	}
	if _, err := tx.Insert(o).Returning("NULL").Exec(tx.Context()); err != nil { // read back, the row would be in no branch yet
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

// lockTree makes changes of the tree wait for each other, so that nothing is added below what is deleted meanwhile.
func lockTree(tx *db.Tx) error { return tx.Lock("organization tree") }

// ByID finds an organization of the caller's branch; one that was deleted is not there. Fault kind: notfound.
func ByID(tx *db.Tx, id string) (*Organization, error) {
	if !filter.IsID(id) {
		return nil, fault.Missing()
	}
	o := &Organization{}
	if err := tx.Select(o).Where("?TableAlias.id = ? AND ?TableAlias.deleted_at IS NULL", id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("organization: %w", err)
	}
	return o, nil
}

// Fetch a page of the branch.
func Fetch(tx *db.Tx, q filter.Query) ([]Organization, filter.Meta, error) {
	return filter.Fetch[Organization](tx, q, func(rows any) *bun.SelectQuery { return tx.Select(rows).Where("?TableAlias.deleted_at IS NULL") })
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

// Children counts the organizations right below one.
func Children(tx *db.Tx, id string) (int, error) {
	n, err := tx.Select((*Organization)(nil)).Where("?TableAlias.parent_id = ? AND ?TableAlias.deleted_at IS NULL", id).Count(tx.Context())
	if err != nil {
		return 0, fmt.Errorf("organizations below: %w", err)
	}
	return int(n), nil
}

func save(tx *db.Tx, o *Organization) error {
	o.UpdatedAt = tx.Now()
	_, err := tx.Update(o).Column("name", "description", "company_name", "address", "city", "state", "zipcode", "country", "phone", "website", "email",
		"contact_name", "contact_title", "contact_phone", "contact_email", "two_factor_required", "updated_at").WherePK().Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("update organization: %w", err)
	}
	return nil
}

// bury leaves the name of an organization over what outlasts it, and takes the mark of a partner from who has nobody below any more.
func bury(tx *db.Tx, o *Organization) error {
	o.Description, o.Contact = "", Contact{}
	if err := save(tx, o); err != nil {
		return err
	}
	if _, err := tx.Update((*Organization)(nil)).Set("deleted_at = ?", tx.Now()).Where("?TableAlias.id = ?", o.ID).Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete organization: %w", err)
	}
	if o.ParentID == nil || *o.ParentID == access.Installation {
		return nil
	}
	left, err := Children(tx, *o.ParentID)
	if err != nil || left > 0 {
		return err
	}
	if _, err := tx.Update((*Organization)(nil)).Set("partner = ?", false).Where("?TableAlias.id = ?", *o.ParentID).Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete organization: %w", err)
	}
	return nil
}

// Place of an organization in the tree, whoever asks: its name and its ancestors. One that was deleted has a place still, so that
// who stands above can read what outlasted it.
func Place(tx *db.Tx, id string) (access.Organization, error) {
	place := access.Organization{ID: id}
	var o Organization
	if err := tx.Select(&o).Where("?TableAlias.id = ?", id).Scan(tx.Context()); err != nil {
		return place, fmt.Errorf("organization: %w", err)
	}
	place.Name, place.TwoFactorRequired = o.Name, o.TwoFactorRequired
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
