package user

import (
	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

// Follower takes a user's rows along that the database does not (on update cascade) when the user moves to another organization. They
// belong to the user that from names, and then to the one that to names; both are there while it works.
type Follower func(tx *db.Tx, from, to Place) error

// Place of a user: the two columns by which other tables refer to it.
type Place struct{ OrganizationID, ID string }

var followers []Follower

// Follow registers what follows a user; called when a noun's package is initialised.
func Follow(f Follower) { followers = append(followers, f) }

// Move a user to another organization of the caller's branch. Fault kinds: notfound, forbidden (a mightier user), conflict (the
// user owns something, or is the last partner of its organization), invalid (an operator).
func (p Parts) Move(tx *db.Tx, id, to string) (Attributes, error) {
	return p.change(tx, id, updateAttributes{Organization: op.Field[string]{Sent: true, Value: to}})
}

// rehome moves the row and all that follows it. Followers refer to a user by organization and id, so that they go by way of a stand-in,
// which is there only meanwhile.
func (p Parts) rehome(tx *db.Tx, u *User, to string) error {
	if _, err := organization.ByID(tx, to); err != nil {
		return err
	}
	all, err := p.blockers(tx, u)
	if err == nil {
		err = blocked(all)
	}
	if err != nil {
		return err
	}
	if err := mayLeave(tx, u); err != nil {
		return err
	}
	standIn := New(tx.Now())
	standIn.OrganizationID, standIn.Role = to, access.Auditor
	standIn.Username, standIn.Email = standIn.ID, standIn.ID
	if err := Insert(tx, standIn); err != nil {
		return err
	}
	old, between, final := Place{u.OrganizationID, u.ID}, Place{to, standIn.ID}, Place{to, u.ID}
	for _, f := range followers {
		if err := f(tx, old, between); err != nil {
			return err
		}
	}
	if err := setOrganization(tx, u, to); err != nil {
		return err
	}
	for _, f := range followers {
		if err := f(tx, between, final); err != nil {
			return err
		}
	}
	return deleteRow(tx, standIn)
}

// mayLeave refuses to take the last partner from an organization that has others below it.
func mayLeave(tx *db.Tx, u *User) error {
	if u.Role == access.Admin {
		return fault.At("/user/role", "elsewhere", "Operators (admin) belong to the installation's own organization.")
	}
	if u.Role == access.Partner {
		return lastPartner(tx, u)
	}
	return nil
}
