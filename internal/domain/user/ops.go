package user

import (
	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
)

// Attributes of a user on the wire.
type Attributes struct {
	ID       string      `json:"id"`
	Username string      `json:"username"`
	Email    string      `json:"email"`
	Role     access.Role `json:"role" enum:"admin,partner,manager,user,auditor"`
	Profile
	Organization            *op.Link    `json:"organization"`
	ActiveProduct           string      `json:"active_product"`
	Confirmed               bool        `json:"confirmed" doc:"The address is known to be the user's"`
	ConfirmedAt             *clock.Time `json:"confirmed_at" format:"date-time"`
	LockedAt                *clock.Time `json:"locked_at" format:"date-time"`
	LastSignInAt            *clock.Time `json:"last_sign_in_at" format:"date-time"`
	TwoFactorAuthentication TwoFactor   `json:"two_factor_authentication"`
	Partner                 bool        `json:"partner"`
	CreatedAt               clock.Time  `json:"created_at" format:"date-time"`
	UpdatedAt               clock.Time  `json:"updated_at" format:"date-time"`
}

// Key is the resource's id and type.
func (a Attributes) Key() (string, string) { return a.ID, "user" }

// CreateInput is the body of Create User.
type CreateInput struct {
	Body struct {
		User CreateAttributes `json:"user"`
	}
}

// CreateAttributes of a user.
type CreateAttributes struct {
	Email        string      `json:"email" maxLength:"254" example:"ada@example.com"`
	Username     string      `json:"username,omitempty" maxLength:"254" doc:"Default: the e-mail address"`
	Role         access.Role `json:"role" enum:"admin,partner,manager,user,auditor"`
	FirstName    string      `json:"first_name,omitempty" maxLength:"200"`
	LastName     string      `json:"last_name,omitempty" maxLength:"200"`
	Locale       string      `json:"locale,omitempty" maxLength:"20"`
	Timezone     string      `json:"timezone,omitempty" maxLength:"60" doc:"IANA name; default UTC"`
	Phone        string      `json:"phone,omitempty" maxLength:"60"`
	MobilePhone  string      `json:"mobile_phone,omitempty" maxLength:"60"`
	URL          string      `json:"url,omitempty" maxLength:"500"`
	Title        string      `json:"title,omitempty" maxLength:"200"`
	Address      string      `json:"address,omitempty" maxLength:"500"`
	City         string      `json:"city,omitempty" maxLength:"200"`
	State        string      `json:"state,omitempty" maxLength:"200"`
	Country      string      `json:"country,omitempty" maxLength:"100"`
	Zipcode      string      `json:"zipcode,omitempty" maxLength:"40"`
	Comment      string      `json:"comment,omitempty" maxLength:"2000"`
	Organization string      `json:"organization,omitempty" doc:"Id; default: the organization that the caller acts in"`
	Confirmed    bool        `json:"confirmed,omitempty" doc:"Operators and partners only"`
	Password     string      `json:"password,omitempty" maxLength:"512" doc:"On create only; without one the user is asked for it by mail"`
}

var columns = filter.Columns{Date: "created_at", Sort: "username", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "username", SQL: "?TableAlias.username", Search: true},
	{Name: "email", SQL: "?TableAlias.email", Search: true},
	{Name: "first_name", SQL: "?TableAlias.first_name", Search: true},
	{Name: "last_name", SQL: "?TableAlias.last_name", Search: true},
	{Name: "role", SQL: "?TableAlias.role", Kind: filter.Word, Words: []string{"admin", "partner", "manager", "user", "auditor"}},
	{Name: "organization", SQL: "?TableAlias.organization_id", Kind: filter.ID, NoSort: true},
	{Name: "confirmed_at", SQL: "?TableAlias.confirmed_at", Kind: filter.Moment, Null: true},
	{Name: "last_sign_in_at", SQL: "?TableAlias.last_sign_in_at", Kind: filter.Moment, Null: true},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
	{Name: "updated_at", SQL: "?TableAlias.updated_at", Kind: filter.Moment},
}}

// Represent one user.
func Represent(tx *db.Tx, u *User) (Attributes, error) {
	all, err := represent(tx, []User{*u})
	if err != nil {
		return Attributes{}, err
	}
	return all[0], nil
}

func represent(tx *db.Tx, rows []User) ([]Attributes, error) {
	var ids []string
	for _, u := range rows {
		ids = append(ids, u.OrganizationID)
	}
	names, err := organization.Names(tx, ids)
	if err != nil {
		return nil, err
	}
	all := make([]Attributes, len(rows))
	for i, u := range rows {
		all[i] = Attributes{ID: u.ID, Username: u.Username, Email: u.Email, Role: u.Role, Profile: u.Profile,
			Organization: &op.Link{ID: u.OrganizationID, Name: names[u.OrganizationID]}, ActiveProduct: u.ActiveProduct,
			Confirmed: u.ConfirmedAt != nil, ConfirmedAt: u.ConfirmedAt, LockedAt: u.LockedAt, LastSignInAt: u.LastSignInAt, TwoFactorAuthentication: u.TwoFactor(), Partner: u.Role == access.Partner,
			CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt}
	}
	return all, nil
}

// Enrich tells how many users organizations have.
func Enrich(tx *db.Tx, all []organization.Attributes) error {
	var ids []string
	for _, a := range all {
		ids = append(ids, a.ID)
	}
	counts, err := CountByOrganization(tx, ids)
	if err != nil {
		return err
	}
	for i := range all {
		all[i].UsersCount = counts[all[i].ID]
	}
	return nil
}
