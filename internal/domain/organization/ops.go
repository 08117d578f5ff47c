package organization

import (
	"net/http"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
)

// Attributes on the wire. Users and subscriptions are counted by nouns above this one, through Enrich.
type Attributes struct {
	ID                 string   `json:"id"`
	Name               string   `json:"name" example:"Blue Cup Coffee"`
	Description        string   `json:"description"`
	ParentOrganization *op.Link `json:"parent_organization"`
	Contact
	Partner             bool         `json:"partner" doc:"It has organizations below it"`
	TwoFactorRequired   bool         `json:"two_factor_required" doc:"Its own users, not those of organizations below, need a second factor"`
	UsersCount          int          `json:"users_count"`
	ActiveSubscriptions []Subscribed `json:"active_subscriptions"`
	CreatedAt           clock.Time   `json:"created_at" format:"date-time"`
	UpdatedAt           clock.Time   `json:"updated_at" format:"date-time"`
}

// Subscribed is a short form of an active subscription.
type Subscribed struct {
	ID      string `json:"id"`
	Plan    string `json:"plan"`
	Product string `json:"product"`
}

// Key is the resource's id and type.
func (a Attributes) Key() (string, string) { return a.ID, "organization" }

// Enrich fills in what nouns above know of organizations; app sets it.
type Enrich func(tx *db.Tx, all []Attributes) error

var columns = filter.Columns{Date: "created_at", Sort: "name", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "name", SQL: "?TableAlias.name", Search: true},
	{Name: "description", SQL: "?TableAlias.description", NoSort: true},
	{Name: "company_name", SQL: "?TableAlias.company_name", Search: true},
	{Name: "email", SQL: "?TableAlias.email", Search: true},
	{Name: "contact_email", SQL: "?TableAlias.contact_email", Search: true},
	{Name: "city", SQL: "?TableAlias.city"},
	{Name: "country", SQL: "?TableAlias.country"},
	{Name: "parent_organization", SQL: "?TableAlias.parent_id", Kind: filter.ID, Null: true, NoSort: true},
	{Name: "partner", SQL: "?TableAlias.partner", Kind: filter.Flag},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
	{Name: "updated_at", SQL: "?TableAlias.updated_at", Kind: filter.Moment},
}}

// UpdateAttributes of an organization; what is not sent stays.
type UpdateAttributes struct {
	Name               op.Field[string] `json:"name,omitempty" maxLength:"200"`
	Description        op.Field[string] `json:"description,omitempty" maxLength:"2000"`
	ParentOrganization op.Field[string] `json:"parent_organization,omitempty" doc:"An organization stays where it is: another one than its own is refused"`
	CompanyName        op.Field[string] `json:"company_name,omitempty" maxLength:"200"`
	Address            op.Field[string] `json:"address,omitempty" maxLength:"500"`
	City               op.Field[string] `json:"city,omitempty" maxLength:"200"`
	State              op.Field[string] `json:"state,omitempty" maxLength:"200"`
	Zipcode            op.Field[string] `json:"zipcode,omitempty" maxLength:"40"`
	Country            op.Field[string] `json:"country,omitempty" maxLength:"100"`
	Phone              op.Field[string] `json:"phone,omitempty" maxLength:"60"`
	Website            op.Field[string] `json:"website,omitempty" maxLength:"500"`
	Email              op.Field[string] `json:"email,omitempty" maxLength:"320"`
	ContactName        op.Field[string] `json:"contact_name,omitempty" maxLength:"200"`
	ContactTitle       op.Field[string] `json:"contact_title,omitempty" maxLength:"200"`
	ContactPhone       op.Field[string] `json:"contact_phone,omitempty" maxLength:"60"`
	ContactEmail       op.Field[string] `json:"contact_email,omitempty" maxLength:"320"`
	TwoFactorRequired  op.Field[bool]   `json:"two_factor_required,omitempty" doc:"Its own users need a second factor; whoever has none may only turn one on"`
}

type updateInput struct {
	op.Path
	Body struct {
		Organization UpdateAttributes `json:"organization"`
	}
}

// Deleted is the answer of Delete an organization.
type Deleted struct {
	Data    op.Ref `json:"data"`
	Message string `json:"message" doc:"What was deleted and what is kept"`
}

// Operations of the noun; creating an organization and selling to it is plan's, because that comes with plans.
func Operations(enrich Enrich, end End) []op.Operation {
	list := func(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[Attributes], error) {
		rows, meta, err := Fetch(tx, q)
		if err != nil {
			return filter.Page[Attributes]{}, err
		}
		all, err := represent(tx, rows, enrich)
		return filter.Page[Attributes]{Rows: all, Meta: meta}, err
	}
	return op.In("Organizations", "",
		op.List("listOrganizations", "List organizations", "/v2/organizations", access.OrganizationAccess, columns, list).
			Says("The organizations of the whole branch below the one that the caller acts in, itself included."),
		op.Show("showOrganization", "Retrieve an organization", "/v2/organizations/{id}", access.OrganizationAccess,
			func(tx *db.Tx, in *op.Path) (Attributes, error) {
				o, err := ByID(tx, in.ID)
				if err != nil {
					return Attributes{}, err
				}
				return Represent(tx, o, enrich)
			}),
		op.Update("updateOrganization", "Update an organization", "/v2/organizations/{id}", access.OrganizationCreate,
			func(tx *db.Tx, in *updateInput) (Attributes, error) {
				o, err := Update(tx, in.ID, in.Body.Organization)
				if err != nil {
					return Attributes{}, err
				}
				return Represent(tx, o, enrich)
			}),
		op.Do("deleteOrganization", "Delete an organization", http.MethodDelete, "/v2/organizations/{id}", access.OrganizationCreate,
			func(tx *db.Tx, in *op.Path) (Deleted, error) { return remove(tx, in.ID, end) }).Conflicts().
			Says("Deletes its users, credentials, targets, schedules, scans and all else that it owns, at once and for good. Issued PCI reports and the "+
				"audit trail are kept, for three years and for good: who stands above reads them by acting in the deleted organization (`X-Organization-Id`). "+
				"409 while organizations are below it, or one of its scans is running."),
		op.Export("exportOrganizations", "Export organizations", "/v2/organizations/export", access.OrganizationAccess, columns, list).
			Says("The whole list as CSV. A cell that a spreadsheet would take for a formula begins with an apostrophe."),
	)
}

// Represent one organization.
func Represent(tx *db.Tx, o *Organization, enrich Enrich) (Attributes, error) {
	all, err := represent(tx, []Organization{*o}, enrich)
	if err != nil {
		return Attributes{}, err
	}
	return all[0], nil
}

func represent(tx *db.Tx, rows []Organization, enrich Enrich) ([]Attributes, error) {
	var parents []string
	for _, o := range rows {
		if o.ParentID != nil {
			parents = append(parents, *o.ParentID)
		}
	}
	names, err := Names(tx, parents)
	if err != nil {
		return nil, err
	}
	all := make([]Attributes, len(rows))
	for i, o := range rows {
		all[i] = Attributes{ID: o.ID, Name: o.Name, Description: o.Description, Contact: o.Contact, Partner: o.Partner,
			TwoFactorRequired: o.TwoFactorRequired, ActiveSubscriptions: []Subscribed{}, CreatedAt: o.CreatedAt, UpdatedAt: o.UpdatedAt}
		if o.ParentID != nil {
			if name, visible := names[*o.ParentID]; visible {
				all[i].ParentOrganization = &op.Link{ID: *o.ParentID, Name: name}
			}
		}
	}
	if enrich == nil {
		return all, nil
	}
	return all, enrich(tx, all)
}
