package user

import (
	"cmp"
	"errors"
	"strings"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
)

type customerInput struct {
	Body struct {
		Customer customerAttributes `json:"customer"`
	}
}

type customerAttributes struct {
	Email        string            `json:"email" maxLength:"254" example:"ada@example.com"`
	Username     string            `json:"username,omitempty" maxLength:"254" doc:"Default: the e-mail address"`
	FirstName    string            `json:"first_name,omitempty" maxLength:"200"`
	LastName     string            `json:"last_name,omitempty" maxLength:"200"`
	Locale       string            `json:"locale,omitempty" maxLength:"20"`
	Timezone     string            `json:"timezone,omitempty" maxLength:"60" doc:"IANA name; default UTC"`
	Phone        string            `json:"phone,omitempty" maxLength:"60"`
	MobilePhone  string            `json:"mobile_phone,omitempty" maxLength:"60"`
	URL          string            `json:"url,omitempty" maxLength:"500"`
	Title        string            `json:"title,omitempty" maxLength:"200"`
	Address      string            `json:"address,omitempty" maxLength:"500"`
	City         string            `json:"city,omitempty" maxLength:"200"`
	State        string            `json:"state,omitempty" maxLength:"200"`
	Country      string            `json:"country,omitempty" maxLength:"100"`
	Zipcode      string            `json:"zipcode,omitempty" maxLength:"40"`
	Comment      string            `json:"comment,omitempty" maxLength:"2000"`
	Confirmed    bool              `json:"confirmed,omitempty" doc:"Without it a mail asks to confirm the address and choose a password"`
	Organization string            `json:"organization,omitempty" doc:"Id of the organization that the customer joins (organization_id is accepted too); default: a new one"`
	Name         string            `json:"name,omitempty" maxLength:"200" doc:"Of the new organization; default: company_name, else the user's name, else the e-mail address"`
	CompanyName  string            `json:"company_name,omitempty" maxLength:"200" doc:"Of the new organization"`
	Plans        []plan.OrderInput `json:"plans,omitempty" maxItems:"10" doc:"What the organization subscribes to; required where a new one has no default plan"`

	SkipDefaultSubscription bool `json:"skip_default_subscription,omitempty" doc:"A new organization subscribes to plans alone"`
}

// createCustomer makes an organization, or uses one, with its manager and subscriptions: all of it or nothing.
func (p Parts) createCustomer(tx *db.Tx, in *customerInput) (Attributes, error) {
	a := in.Body.Customer
	u, err := a.user().user(tx.Grant().Principal())
	if err != nil {
		return Attributes{}, asked(err)
	}
	o, err := a.organization(tx)
	if err != nil {
		return Attributes{}, asked(err)
	}
	u.OrganizationID = o.ID
	out, err := p.add(tx, u, a.Confirmed)
	return out, asked(err)
}

func (in customerAttributes) user() CreateAttributes {
	return CreateAttributes{Email: in.Email, Username: in.Username, Role: access.Manager, FirstName: in.FirstName, LastName: in.LastName, Locale: in.Locale,
		Timezone: in.Timezone, Phone: in.Phone, MobilePhone: in.MobilePhone, URL: in.URL, Title: in.Title, Address: in.Address, City: in.City,
		State: in.State, Country: in.Country, Zipcode: in.Zipcode, Comment: in.Comment, Confirmed: in.Confirmed}
}

// organization that the customer belongs to. The contact of a new one is the customer, so that an attestation can print it.
func (in customerAttributes) organization(tx *db.Tx) (*organization.Organization, error) {
	if in.Organization != "" {
		return in.join(tx)
	}
	person := strings.TrimSpace(in.FirstName + " " + in.LastName)
	return plan.Create(tx, plan.CreateAttributes{Name: cmp.Or(in.Name, in.CompanyName, person, in.Email), CompanyName: in.CompanyName, Address: in.Address,
		City: in.City, State: in.State, Zipcode: in.Zipcode, Country: in.Country, Phone: in.Phone, Website: in.URL, Email: in.Email, ContactName: person,
		ContactTitle: in.Title, ContactPhone: in.Phone, ContactEmail: in.Email, SkipDefaultSubscription: in.SkipDefaultSubscription, Plans: in.Plans})
}

// join an organization that is there.
func (in customerAttributes) join(tx *db.Tx) (*organization.Organization, error) {
	o, err := organization.ByID(tx, strings.ToLower(in.Organization))
	switch {
	case err != nil:
		return nil, err
	case o.ID == access.Installation:
		return nil, fault.At("/customer/organization", "invalid", "The installation's own organization is no customer.")
	case in.Name != "" || in.CompanyName != "":
		return nil, fault.At("/customer/organization", "both", "Name an organization that is there, or a new one by name and company_name, not both.")
	case len(in.Plans) == 0:
		return o, nil
	}
	orders, err := plan.Orders(in.Plans, "/customer/plans")
	if err != nil {
		return nil, err
	}
	return o, plan.SubscribeNew(tx, o, orders, true)
}

// asked is the fault in words of the request: what is wrong with the user or the organization is so with the customer.
func asked(err error) error {
	var f *fault.Fault
	if !errors.As(err, &f) {
		if taken := takenBy(err); taken == nil || !errors.As(taken, &f) {
			return err
		}
	}
	if len(f.Details) == 0 {
		return err
	}
	g := *f
	g.Details = make([]fault.Detail, len(f.Details))
	for i, d := range f.Details {
		for _, noun := range []string{"/user/", "/organization/", "/subscription/"} {
			if rest, ok := strings.CutPrefix(d.Pointer, noun); ok {
				d.Pointer = "/customer/" + rest
			}
		}
		g.Details[i] = d
	}
	return &g
}
