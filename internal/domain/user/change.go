package user

import (
	"strings"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

type updateInput struct {
	op.Path
	Body struct {
		User updateAttributes `json:"user"`
	}
}

type updateAttributes struct {
	Email        op.Field[string] `json:"email,omitempty" maxLength:"254"`
	Username     op.Field[string] `json:"username,omitempty" maxLength:"254"`
	Role         op.Field[string] `json:"role,omitempty" doc:"admin, partner, manager, user or auditor"`
	Organization op.Field[string] `json:"organization,omitempty" doc:"Id; moves the user, who must own nothing then"`
	Confirmed    op.Field[bool]   `json:"confirmed,omitempty" doc:"true confirms the user without a mail; operators and partners only"`
	ProfileInput
}

// change a user. Fault kinds: notfound, forbidden (a mightier user), invalid, conflict (the last operator; a user who moves and
// owns something).
func (p Parts) change(tx *db.Tx, id string, in updateAttributes) (Attributes, error) {
	if op.NoneSent("/user", in) != nil && op.NoneSent("/user", in.ProfileInput) != nil {
		return Attributes{}, op.NoneSent("/user", in.ProfileInput)
	}
	u, before, err := changeable(tx, id)
	if err != nil {
		return Attributes{}, err
	}
	to := u.OrganizationID
	if in.Organization.Sent {
		to = strings.ToLower(in.Organization.Value)
	}
	if err := u.apply(tx, in, to); err != nil {
		return Attributes{}, err
	}
	if to != u.OrganizationID {
		if err := p.rehome(tx, u, to); err != nil {
			return Attributes{}, err
		}
	}
	if err := update(tx, u); err != nil {
		return Attributes{}, err
	}
	out, err := Represent(tx, u)
	tx.Changed(db.Change{Type: "user", ID: u.ID, Name: u.Username, Before: before, After: out})
	return out, err
}

// changeable locks a user whom the caller may change, and tells what it is like now. Fault kinds: notfound, also for one of an
// organization below where the caller's role reaches its own alone; forbidden.
func changeable(tx *db.Tx, id string) (*User, Attributes, error) {
	u, err := lock(tx, id)
	if err != nil {
		return nil, Attributes{}, err
	}
	maker := tx.Grant().Principal()
	if err := reaches(maker, u.OrganizationID); err != nil {
		return nil, Attributes{}, err
	}
	if !MayMake(maker.Role, u.Role) {
		return nil, Attributes{}, fault.New(fault.Forbidden, "Your role %s can't change a user of role %s.", maker.Role, u.Role).Coded("too_mighty")
	}
	before, err := Represent(tx, u)
	return u, before, err
}

// reaches says whether the caller may make and change users of the organization, which is the one acted in or below it.
func reaches(p access.Principal, organization string) error {
	if !strings.EqualFold(organization, p.Acting.ID) && !access.AllowsBelow(p.Role, access.UserCreate) {
		return fault.Missing()
	}
	return nil
}

// apply writes what is sent into the row of a user who will belong to the organization; every mistake is told at once.
func (u *User) apply(tx *db.Tx, in updateAttributes, organization string) error {
	maker := tx.Grant().Principal().Role
	var wrong []fault.Detail
	note := func(err error) { wrong = append(wrong, fault.DetailsOf(err)...) }
	var err error
	if in.Email.Sent {
		u.Email, err = CleanEmail(in.Email.Value, "/user/email")
		note(err)
	}
	if in.Username.Sent {
		u.Username, err = CleanUsername(in.Username.Value, "/user/username")
		note(err)
	}
	if in.Confirmed.Sent {
		note(u.confirm(tx, in.Confirmed.Value, maker))
	}
	wrong = append(wrong, in.ProfileInput.apply(&u.Profile, "/user")...)
	was := u.Role
	if in.Role.Sent {
		u.Role = access.Role(in.Role.Value)
	}
	note(checkRole(maker, u.Role, organization))
	if len(wrong) > 0 {
		return fault.All(wrong)
	}
	return mayLeaveRole(tx, u, was)
}

func (u *User) confirm(tx *db.Tx, confirmed bool, maker access.Role) error {
	switch {
	case maker != access.Admin && maker != access.Partner:
		return notConfirmer()
	case !confirmed:
		return fault.At("/user/confirmed", "invalid", "A user is not unconfirmed again; send true, or leave it out.")
	case u.ConfirmedAt == nil:
		u.ConfirmedAt = clock.AtPointer(tx.Now().Time())
	}
	return nil
}

func notConfirmer() error {
	return fault.At("/user/confirmed", "forbidden", "Only operators and partners confirm a user; the user is sent a mail instead.")
}

// checkRole says whether the maker may make a user of the role in the organization.
func checkRole(maker, role access.Role, organization string) error {
	switch {
	case !role.Known():
		return fault.At("/user/role", "unknown", "role is one of admin, partner, manager, user, auditor.")
	case !MayMake(maker, role):
		return fault.At("/user/role", "too_mighty", "Your role %s can't make a user of role %s.", maker, role)
	case role == access.Admin && organization != access.Installation:
		return fault.At("/user/role", "elsewhere", "Operators (admin) belong to the installation's own organization.")
	}
	return nil
}

// mayLeaveRole refuses to take the role of the last operator, and that of the last partner of an organization that has others
// below it.
func mayLeaveRole(tx *db.Tx, u *User, was access.Role) error {
	if u.Role == was {
		return nil
	}
	switch was {
	case access.Admin:
		last, err := lastAdmin(tx, u.ID)
		if err == nil && last {
			err = isLastAdmin()
		}
		return err
	case access.Partner:
		return lastPartner(tx, u)
	}
	return nil
}

// customersOf says whether a partner's organization has others below it; the installation's are its operators' care.
func customersOf(tx *db.Tx, u *User) (bool, error) {
	if u.OrganizationID == access.Installation {
		return false, nil
	}
	n, err := organization.Children(tx, u.OrganizationID)
	return n > 0, err
}

// lastPartner refuses where the user is the last partner of an organization that has others below it.
func lastPartner(tx *db.Tx, u *User) error {
	below, err := customersOf(tx, u)
	if err != nil || !below {
		return err
	}
	others, err := countRole(tx, u.OrganizationID, access.Partner, u.ID)
	if err == nil && others == 0 {
		err = hasCustomers()
	}
	return err
}

func isLastAdmin() *fault.Fault {
	return fault.New(fault.Conflict, "This is the last operator who can sign in; make another first.").Coded("last_admin")
}

func hasCustomers() *fault.Fault {
	return fault.New(fault.Conflict, "Organizations are below this partner's; move or delete them first.").Coded("has_organizations")
}

// setPartner makes a manager a partner, and back. A user who is it already stays as it is.
func setPartner(tx *db.Tx, id string, partner bool) (Attributes, error) {
	u, before, err := changeable(tx, id)
	if err != nil {
		return Attributes{}, err
	}
	from, to := access.Manager, access.Partner
	if !partner {
		from, to = to, from
	}
	switch u.Role {
	case to:
		return before, nil
	case from:
	default:
		return Attributes{}, fault.New(fault.Conflict, "This user is of role %s; a manager becomes a partner, and a partner a manager.", u.Role).Coded("not_" + string(from))
	}
	if !partner {
		below, err := customersOf(tx, u)
		if err == nil && below {
			err = hasCustomers()
		}
		if err != nil {
			return Attributes{}, err
		}
	}
	u.Role = to
	if err := update(tx, u); err != nil {
		return Attributes{}, err
	}
	out, err := Represent(tx, u)
	tx.Changed(db.Change{Type: "user", ID: u.ID, Name: u.Username, Before: before, After: out})
	return out, err
}
