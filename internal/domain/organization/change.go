package organization

import (
	"fmt"
	"strings"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

// End is what nouns above have to say before all that an organization owns is deleted; app hands it in. Each function gets the
// deleting transaction, bound to that organization.
type End struct {
	// Blocked tells what stands in the way, in words for the caller; empty: nothing.
	Blocked []func(tx *db.Tx) (string, error)
	// Kept does away with what the noun does not keep of the tables that outlast the organization, and tells in words what it keeps;
	// empty: nothing.
	Kept []func(tx *db.Tx) (string, error)
}

// Update changes what is sent. Fault kinds: invalid, notfound.
func Update(tx *db.Tx, id string, in UpdateAttributes) (*Organization, error) {
	if err := op.NoneSent("/organization", in); err != nil {
		return nil, err
	}
	o, err := ByID(tx, id)
	if err != nil {
		return nil, err
	}
	before := o.told()
	if in.ParentOrganization.Sent {
		if err := stays(tx, o, in.ParentOrganization); err != nil {
			return nil, err
		}
	}
	if in.Name.Sent {
		if o.Name, err = CleanName(in.Name.Value, "/organization/name"); err != nil {
			return nil, err
		}
	}
	for _, f := range []struct {
		from op.Field[string]
		to   *string
	}{{in.Description, &o.Description}, {in.CompanyName, &o.CompanyName}, {in.Address, &o.Address}, {in.City, &o.City}, {in.State, &o.State},
		{in.Zipcode, &o.Zipcode}, {in.Country, &o.Country}, {in.Phone, &o.Phone}, {in.Website, &o.Website}, {in.Email, &o.Email},
		{in.ContactName, &o.ContactName}, {in.ContactTitle, &o.ContactTitle}, {in.ContactPhone, &o.ContactPhone}, {in.ContactEmail, &o.ContactEmail}} {
		f.from.Set(f.to)
	}
	in.TwoFactorRequired.Set(&o.TwoFactorRequired)
	if err := save(tx, o); err != nil {
		return nil, err
	}
	tx.Changed(db.Change{Type: "organization", ID: o.ID, Name: o.Name, Before: before, After: o.told()})
	return o, nil
}

// stays refuses to move the organization: its limits, its shared scanners and port lists, and who may see it follow from its place.
func stays(tx *db.Tx, o *Organization, to op.Field[string]) error {
	if o.ParentID != nil && strings.EqualFold(*o.ParentID, to.Value) {
		return nil
	}
	if to.Value != "" {
		if _, err := ByID(tx, to.Value); err != nil {
			return err
		}
	}
	return fault.At("/organization/parent_organization", "fixed",
		"An organization stays where it is in the tree; make a new one there and move the users (change_user_organization).")
}

// audited is what the audit trail keeps of an organization.
type audited struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Contact
	TwoFactorRequired bool `json:"two_factor_required"`
}

func (o Organization) told() audited {
	return audited{o.Name, o.Description, o.Contact, o.TwoFactorRequired}
}

// remove deletes all that the organization owns. Fault kinds: notfound, conflict.
func remove(tx *db.Tx, id string, end End) (Deleted, error) {
	if err := lockTree(tx); err != nil {
		return Deleted{}, err
	}
	o, err := ByID(tx, id)
	if err != nil {
		return Deleted{}, err
	}
	if err := removable(tx, o); err != nil {
		return Deleted{}, err
	}
	var kept []string
	err = tx.In(o.ID, tx.Product(), func(own *db.Tx) error {
		if err := end.blocked(own); err != nil {
			return err
		}
		if kept, err = told(own, end.Kept); err != nil {
			return err
		}
		return own.Purge()
	})
	if err != nil {
		return Deleted{}, err
	}
	before := o.told()
	if err := bury(tx, o); err != nil {
		return Deleted{}, err
	}
	tx.Changed(db.Change{Type: "organization", ID: o.ID, Name: o.Name, Before: before})
	return Deleted{Data: op.Ref{ID: o.ID, Type: "organization"}, Message: fmt.Sprintf(
		"Everything that %s owned is deleted. Kept: %s.", o.Name, strings.Join(append(kept, "the audit trail"), ", "))}, nil
}

func removable(tx *db.Tx, o *Organization) error {
	if o.ID == access.Installation || o.ID == tx.Grant().Principal().Home.ID {
		return fault.New(fault.Conflict, "An organization is deleted by who stands above it, not by its own users.").Coded("own_organization")
	}
	below, err := Children(tx, o.ID)
	if err != nil {
		return err
	}
	if below > 0 {
		return fault.New(fault.Conflict, "There are %d organizations below %s; delete those first.", below, o.Name).Coded("in_use")
	}
	return nil
}

func (e End) blocked(tx *db.Tx) error {
	words, err := told(tx, e.Blocked)
	if err == nil && len(words) > 0 {
		err = fault.New(fault.Conflict, "The organization can't be deleted yet: %s.", strings.Join(words, "; ")).Coded("in_use")
	}
	return err
}

// told are the words of those who have any.
func told(tx *db.Tx, all []func(*db.Tx) (string, error)) ([]string, error) {
	var words []string
	for _, f := range all {
		said, err := f(tx)
		if err != nil {
			return nil, err
		}
		if said != "" {
			words = append(words, said)
		}
	}
	return words, nil
}
