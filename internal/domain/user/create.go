package user

import (
	"context"
	"slices"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

type inviteInput struct {
	Body struct {
		User inviteAttributes `json:"user"`
	}
}

type inviteAttributes struct {
	Email        string      `json:"email" maxLength:"254" example:"grace@example.com"`
	Role         access.Role `json:"role,omitempty" enum:"admin,partner,manager,user,auditor" doc:"Default: user"`
	FirstName    string      `json:"first_name,omitempty" maxLength:"200"`
	LastName     string      `json:"last_name,omitempty" maxLength:"200"`
	Organization string      `json:"organization,omitempty" doc:"Id; default: the organization that the caller acts in"`
}

// Message of a small action.
type Message struct {
	Message string `json:"message"`
}

// create a user, by itself: the hash of a password is made before the transaction.
func (p Parts) create(ctx context.Context, open op.Opener, in *CreateInput) (Attributes, error) {
	a := in.Body.User
	u, err := a.user(open.Grant().Principal(), p.Host)
	if err != nil {
		return Attributes{}, err
	}
	if a.Password != "" {
		if u.PasswordHash, err = p.Hasher.Hash(ctx, a.Password); err != nil {
			return Attributes{}, err
		}
	}
	confirmed := a.Confirmed || a.Password != "" && open.Grant().Principal().Role == access.Admin
	return op.Answer(ctx, open, func(tx *db.Tx) (Attributes, error) { return p.add(tx, u, confirmed) })
}

// add a user, who is confirmed already or is asked to by mail.
func (p Parts) add(tx *db.Tx, u *User, confirmed bool) (Attributes, error) {
	u.CreatedAt, u.UpdatedAt = tx.Now(), tx.Now()
	if confirmed {
		u.ConfirmedAt = clock.AtPointer(tx.Now().Time())
	}
	if _, err := organization.ByID(tx, u.OrganizationID); err != nil {
		return Attributes{}, err
	}
	if err := Insert(tx, u); err != nil {
		return Attributes{}, err
	}
	if err := p.welcome(tx, u); err != nil {
		return Attributes{}, err
	}
	out, err := Represent(tx, u)
	tx.Changed(db.Change{Type: "user", ID: u.ID, Name: u.Username, After: out})
	return out, err
}

// welcome has the mail sent that a user who is not confirmed needs.
func (p Parts) welcome(tx *db.Tx, u *User) error {
	switch {
	case u.ConfirmedAt != nil:
		return nil
	case u.InvitedAt != nil:
		return p.Letters.Invite(tx, u)
	}
	return p.Letters.Confirm(tx, u)
}

func (p Parts) invite(tx *db.Tx, in *inviteInput) (Attributes, error) {
	a := in.Body.User
	if a.Role == "" {
		a.Role = access.User
	}
	u, err := CreateAttributes{Email: a.Email, Role: a.Role, FirstName: a.FirstName, LastName: a.LastName, Organization: a.Organization}.
		user(tx.Grant().Principal())
	if err != nil {
		return Attributes{}, err
	}
	u.InvitedAt = clock.AtPointer(tx.Now().Time())
	return p.add(tx, u, false)
}

// resend the mail that a user has not followed yet.
func (p Parts) resend(tx *db.Tx, id string) (Message, error) {
	u, _, err := changeable(tx, id)
	if err != nil {
		return Message{}, err
	}
	if u.ConfirmedAt != nil {
		return Message{}, fault.New(fault.Conflict, "This user has confirmed the address already.").Coded("confirmed")
	}
	tx.Changed(db.Change{Type: "user", ID: u.ID, Name: u.Username})
	return Message{"A mail is on its way to " + u.Email + "."}, p.welcome(tx, u)
}

// user checks the attributes; every mistake is told at once. No password may be made of the words. Fault kinds: invalid; notfound
// for an organization that is not below the caller.
func (in CreateAttributes) user(maker access.Principal, words ...string) (*User, error) {
	u := New(0)
	if u.OrganizationID = in.Organization; u.OrganizationID == "" {
		u.OrganizationID = maker.Acting.ID
	}
	if err := reaches(maker, u.OrganizationID); err != nil {
		return nil, err
	}
	wrong := in.names(u)
	note := func(err error) { wrong = append(wrong, fault.DetailsOf(err)...) }
	u.Role = in.Role
	note(checkRole(maker.Role, u.Role, u.OrganizationID))
	if in.Confirmed && maker.Role != access.Admin && maker.Role != access.Partner {
		note(notConfirmer())
	}
	if in.Password != "" {
		names := append(words, in.Username, in.Email, in.FirstName, in.LastName)
		if u.OrganizationID == maker.Acting.ID {
			names = append(names, maker.Acting.Name)
		}
		note(CheckPassword(in.Password, "/user/password", names...))
	}
	for _, f := range []struct {
		from string
		to   *string
	}{{in.FirstName, &u.FirstName}, {in.LastName, &u.LastName}, {in.Locale, &u.Locale}, {in.Timezone, &u.Timezone}, {in.Phone, &u.Phone},
		{in.MobilePhone, &u.MobilePhone}, {in.URL, &u.URL}, {in.Title, &u.Title}, {in.Address, &u.Address}, {in.City, &u.City}, {in.State, &u.State},
		{in.Country, &u.Country}, {in.Zipcode, &u.Zipcode}, {in.Comment, &u.Comment}} {
		if f.from != "" {
			*f.to = f.from
		}
	}
	return u, fault.All(slices.Concat(wrong, u.Profile.check("/user")))
}

// names sets e-mail address and user name.
func (in CreateAttributes) names(u *User) []fault.Detail {
	var err, nameErr error
	u.Email, err = CleanEmail(in.Email, "/user/email")
	if u.Username = u.Email; in.Username != "" {
		u.Username, nameErr = CleanUsername(in.Username, "/user/username")
	}
	return slices.Concat(fault.DetailsOf(err), fault.DetailsOf(nameErr))
}
