package plan

import (
	"fmt"
	"slices"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

// CreateInput is the body of Create Organization.
type CreateInput struct {
	Body struct {
		Organization CreateAttributes `json:"organization"`
	}
}

// CreateAttributes of an organization.
type CreateAttributes struct {
	Name               string `json:"name" maxLength:"200" example:"Blue Cup Coffee"`
	Description        string `json:"description,omitempty" maxLength:"2000"`
	ParentOrganization string `json:"parent_organization,omitempty" doc:"Id; default: the organization that the caller acts in"`
	CompanyName        string `json:"company_name,omitempty" maxLength:"200"`
	Address            string `json:"address,omitempty" maxLength:"500"`
	City               string `json:"city,omitempty" maxLength:"200"`
	State              string `json:"state,omitempty" maxLength:"200"`
	Zipcode            string `json:"zipcode,omitempty" maxLength:"40"`
	Country            string `json:"country,omitempty" maxLength:"100"`
	Phone              string `json:"phone,omitempty" maxLength:"60"`
	Website            string `json:"website,omitempty" maxLength:"500"`
	Email              string `json:"email,omitempty" maxLength:"320"`
	ContactName        string `json:"contact_name,omitempty" maxLength:"200"`
	ContactTitle       string `json:"contact_title,omitempty" maxLength:"200"`
	ContactPhone       string `json:"contact_phone,omitempty" maxLength:"60"`
	ContactEmail       string `json:"contact_email,omitempty" maxLength:"320"`

	SkipDefaultSubscription bool         `json:"skip_default_subscription,omitempty"`
	Plans                   []OrderInput `json:"plans,omitempty" maxItems:"10" doc:"Required when skip_default_subscription is true or no default plan exists; of two plans for one product the first wins"`
}

// OrderInput is one plan asked for.
type OrderInput struct {
	Plan      string `json:"plan" doc:"Code or id of the plan" example:"pci-default"`
	Partner   bool   `json:"partner,omitempty" doc:"The partner is billed"`
	Interval  string `json:"interval,omitempty" enum:"none,monthly,yearly"`
	StartDate string `json:"start_date,omitempty" doc:"YYYY-MM-DD; default now"`
	EndDate   string `json:"end_date,omitempty" doc:"YYYY-MM-DD; default one interval after the start"`
}

// Operations of the noun, but for subscriptions.
func Operations(enrich organization.Enrich) []op.Operation {
	return append(planOperations(), op.In("Organizations", "",
		op.CreateBare("createOrganization", "Create Organization", "/v2/organizations", access.OrganizationCreate,
			func(tx *db.Tx, in *CreateInput) (organization.Attributes, error) {
				o, err := Create(tx, in.Body.Organization)
				if err != nil {
					return organization.Attributes{}, err
				}
				return organization.Represent(tx, o, enrich)
			}),
	)...)
}

// Create an organization with its subscriptions.
func Create(tx *db.Tx, in CreateAttributes) (*organization.Organization, error) {
	name, err := organization.CleanName(in.Name, "/organization/name")
	if err != nil {
		return nil, err
	}
	parent := in.ParentOrganization
	if parent == "" {
		parent = tx.Organization()
	}
	o := &organization.Organization{ID: db.NewID(), ParentID: &parent, Name: name, Description: in.Description, CreatedAt: tx.Now(), UpdatedAt: tx.Now(),
		Contact: organization.Contact{CompanyName: in.CompanyName, Address: in.Address, City: in.City, State: in.State, Zipcode: in.Zipcode,
			Country: in.Country, Phone: in.Phone, Website: in.Website, Email: in.Email, ContactName: in.ContactName,
			ContactTitle: in.ContactTitle, ContactPhone: in.ContactPhone, ContactEmail: in.ContactEmail}}
	if err := organization.Insert(tx, o); err != nil {
		return nil, err
	}
	orders, err := Orders(in.Plans, "/organization/plans")
	if err != nil {
		return nil, err
	}
	if err := SubscribeNew(tx, o, orders, in.SkipDefaultSubscription); err != nil {
		return nil, err
	}
	tx.Changed(db.Change{Type: "organization", ID: o.ID, Name: o.Name, After: in})
	return o, nil
}

// Orders reads the plans asked for; pointer is where they stand in the request. Fault kind: invalid.
func Orders(plans []OrderInput, pointer string) ([]Order, error) {
	var orders []Order
	var err error
	for i, p := range plans {
		o := Order{Plan: p.Plan, Partner: p.Partner, Interval: p.Interval, pointer: fmt.Sprintf("%s/%d", pointer, i)}
		if o.StartDate, err = readDate(p.StartDate, o.pointer+"/start_date"); err != nil {
			return nil, err
		}
		if o.EndDate, err = readDate(p.EndDate, o.pointer+"/end_date"); err != nil {
			return nil, err
		}
		orders = append(orders, o)
	}
	return orders, nil
}

// SubscribeNew gives a new organization the plans asked for and the defaults of the products that were not.
func SubscribeNew(tx *db.Tx, o *organization.Organization, orders []Order, skipDefault bool) error {
	standard, err := defaults(tx)
	if err != nil {
		return err
	}
	if len(orders) == 0 && (skipDefault || len(standard) == 0) {
		return fault.At("/organization/plans", "required", "plans is required when skip_default_subscription is true or when no default plan exists.")
	}
	var taken []string
	for i, order := range orders {
		p, err := find(tx, order.Plan)
		if db.NoRows(err) {
			return fault.At(fmt.Sprintf("/organization/plans/%d/plan", i), "unknown", "There is no plan %q; take the code or id of a plan that you may sell.", order.Plan)
		}
		if err != nil {
			return err
		}
		if slices.Contains(taken, p.Product) {
			continue
		}
		if _, err := sell(tx, o, *p, order); err != nil {
			return err
		}
		taken = append(taken, p.Product)
	}
	if skipDefault {
		return nil
	}
	for _, p := range standard {
		if slices.Contains(taken, p.Product) {
			continue
		}
		if _, err := sell(tx, o, p, Order{}); err != nil {
			return err
		}
	}
	return nil
}

// Enrich tells the active subscriptions of organizations.
func Enrich(tx *db.Tx, all []organization.Attributes) error {
	var ids []string
	for _, a := range all {
		ids = append(ids, a.ID)
	}
	active, err := Active(tx, ids...)
	if err != nil {
		return err
	}
	for i := range all {
		for _, s := range active {
			if s.OrganizationID == all[i].ID {
				all[i].ActiveSubscriptions = append(all[i].ActiveSubscriptions, organization.Subscribed{ID: s.ID, Plan: s.PlanCode, Product: s.Product})
			}
		}
	}
	return nil
}
