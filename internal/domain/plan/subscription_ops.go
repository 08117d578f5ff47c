package plan

import (
	"net/http"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
)

// OfOrganization names whose subscriptions are meant. What is embedded in an input is exported: huma passes over other fields.
type OfOrganization struct {
	OrganizationID string `path:"organization_id" doc:"Id of the organization (UUID)"`
}

// OneOf the subscriptions of an organization.
type OneOf struct {
	OfOrganization
	op.Path
}

type assignInput struct {
	OneOf
	Body struct {
		Features Features `json:"features" example:"{\"number_of_ips\":{\"limit\":16}}"`
	}
}

type revokeInput struct {
	OneOf
	Body struct {
		Features op.Strings `json:"features"`
	}
}

type unsubscribeInput struct {
	op.Path
	Body unsubscribeAttributes
}

type unsubscribeAttributes struct {
	Plan           string `json:"plan,omitempty" doc:"Code or id of the plan; or send subscription_id"`
	SubscriptionID string `json:"subscription_id,omitempty"`
	Reason         string `json:"reason,omitempty" maxLength:"2000"`
}

// SubscriptionColumns by which subscriptions are filtered and sorted.
var SubscriptionColumns = filter.Columns{Date: "start_date", Sort: "start_date desc", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "organization", SQL: "?TableAlias.organization_id", Kind: filter.ID, NoSort: true},
	{Name: "plan", SQL: "?TableAlias.plan_code", Search: true},
	{Name: "product", SQL: "?TableAlias.product", Kind: filter.Word, Words: Products},
	{Name: "status", SQL: "?TableAlias.status", Kind: filter.Word, Words: []string{active, inactive, canceled}},
	{Name: "interval", SQL: "?TableAlias.billing_interval", Kind: filter.Word, Words: Intervals},
	{Name: "auto_renewal", SQL: "?TableAlias.auto_renewal", Kind: filter.Flag},
	{Name: "partner", SQL: "?TableAlias.partner", Kind: filter.Flag},
	{Name: "start_date", SQL: "?TableAlias.start_at", Kind: filter.Moment},
	{Name: "end_date", SQL: "?TableAlias.end_at", Kind: filter.Moment, Null: true},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
	{Name: "updated_at", SQL: "?TableAlias.updated_at", Kind: filter.Moment},
}}

type shelf struct{ count CountIPs }

// SubscriptionOperations of the noun.
func SubscriptionOperations(count CountIPs) []op.Operation {
	s := shelf{count}
	const root = "/v2/organizations/{organization_id}/subscriptions"
	const sold = "/v2/organizations/{id}/subscriptions"
	return append(op.In("Organizations", "Organization Subscriptions",
		op.List("listSubscriptions", "List an organization's subscriptions", root, access.SubscriptionAccess, SubscriptionColumns, s.list(false)),
		op.List("listActiveSubscriptions", "List an organization's active subscriptions", root+"/active", access.SubscriptionAccess, SubscriptionColumns, s.list(true)),
		op.Show("showSubscription", "Show an organization's subscription", root+"/{id}", access.SubscriptionAccess,
			func(tx *db.Tx, in *OneOf) (SubscriptionAttributes, error) {
				found, err := s.find(tx, in.OrganizationID, in.ID)
				return s.one(tx, found, err)
			}),
		op.Update("updateSubscription", "Update an organization's subscription", root+"/{id}", access.SubscriptionCreate,
			func(tx *db.Tx, in *updateSubscriptionInput) (SubscriptionAttributes, error) {
				changed, err := change(tx, in.OrganizationID, in.ID, in.Body.Subscription)
				return s.one(tx, changed, err)
			}).Conflicts().Says("By who stands above the organization, or an operator. "+limitsText),
		op.Action("assignSubscriptionFeatures", "Assign features to a subscription", http.MethodPut, root+"/{id}/assign_features", access.SubscriptionCreate,
			func(tx *db.Tx, in *assignInput) (SubscriptionAttributes, error) {
				changed, err := assign(tx, in.OrganizationID, in.ID, in.Body.Features)
				return s.one(tx, changed, err)
			}).Conflicts().Says("Adds features to a subscription to an open plan, or replaces those that are named. "+limitsText),
		op.Action("revokeSubscriptionFeatures", "Revoke features from a subscription", http.MethodPut, root+"/{id}/revoke_features", access.SubscriptionCreate,
			func(tx *db.Tx, in *revokeInput) (SubscriptionAttributes, error) {
				changed, err := revoke(tx, in.OrganizationID, in.ID, in.Body.Features)
				return s.one(tx, changed, err)
			}).Conflicts().Says("Takes features from a subscription to an open plan. "+limitsText),
	), op.In("Organizations", "",
		op.Create("subscribe", "Subscribe to a plan", "/v2/organizations/{id}/subscribe", access.SubscriptionCreate,
			func(tx *db.Tx, in *subscribeInput) (SubscriptionAttributes, error) {
				bought, err := in.buy(tx)
				return s.one(tx, bought, err)
			}).MakesAt(sold).Conflicts().Says("The caller's own organization buys for itself, at the plan's own price and features; an operator for any. "+limitsText),
		op.List("listDependentSubscriptions", "List dependent subscriptions", "/v2/organizations/{id}/dependent_subscriptions", access.SubscriptionAccess, SubscriptionColumns,
			s.dependent).Says("The active subscriptions of organizations below that lean on the limits of this one's."),
		op.Create("subscribeBelow", "Subscribe an organization to a plan", "/v2/organizations/{id}/subscribe_organization", access.SubscriptionCreate,
			func(tx *db.Tx, in *subscribeInput) (SubscriptionAttributes, error) {
				sold, err := in.sell(tx)
				return s.one(tx, sold, err)
			}).MakesAt(sold).Conflicts().Says("For an organization below the caller's. "+limitsText),
		op.Action("unsubscribeOrganization", "Unsubscribe an organization from a plan", http.MethodPost, "/v2/organizations/{id}/unsubscribe_organization",
			access.SubscriptionCreate, func(tx *db.Tx, in *unsubscribeInput) (SubscriptionAttributes, error) {
				ended, err := end(tx, in.ID, in.Body)
				return s.one(tx, ended, err)
			}).Conflicts().Says("Ends the subscription now. 409 while subscriptions of organizations below lean on it; they are listed."),
	)...)
}

const limitsText = "What an organization has never passes what the one above it has; 409 where subscriptions below lean on what would be taken away."

func (s shelf) list(current bool) func(*db.Tx, *OfOrganization, filter.Query) (filter.Page[SubscriptionAttributes], error) {
	return func(tx *db.Tx, in *OfOrganization, q filter.Query) (filter.Page[SubscriptionAttributes], error) {
		if _, err := organization.ByID(tx, in.OrganizationID); err != nil {
			return filter.Page[SubscriptionAttributes]{}, err
		}
		return PageOf(tx, in.OrganizationID, current, q, s.count)
	}
}

// PageOf lists the subscriptions of an organization: all that it has or had, or those in force.
func PageOf(tx *db.Tx, organization string, current bool, q filter.Query, count CountIPs) (filter.Page[SubscriptionAttributes], error) {
	rows, meta, err := fetchOf(tx, organization, current, q)
	if err != nil {
		return filter.Page[SubscriptionAttributes]{}, err
	}
	all, err := Represent(tx, rows, count)
	return filter.Page[SubscriptionAttributes]{Rows: all, Meta: meta}, err
}

// dependent subscriptions; the installation has no limits on which any could lean.
func (s shelf) dependent(tx *db.Tx, in *op.Path, q filter.Query) (filter.Page[SubscriptionAttributes], error) {
	page := filter.Page[SubscriptionAttributes]{}
	if _, err := organization.ByID(tx, in.ID); err != nil {
		return page, err
	}
	own, err := Active(tx, in.ID)
	if err != nil {
		return page, err
	}
	var products []string
	for _, o := range own {
		if in.ID != access.Installation {
			products = append(products, o.Product)
		}
	}
	rows, meta, err := fetchBelow(tx, in.ID, products, q)
	if err != nil {
		return page, err
	}
	page.Meta = meta
	page.Rows, err = Represent(tx, rows, s.count)
	return page, err
}

func (s shelf) find(tx *db.Tx, organizationID, id string) (*Subscription, error) {
	if _, err := organization.ByID(tx, organizationID); err != nil {
		return nil, err
	}
	return subscriptionOf(tx, organizationID, id)
}

func (s shelf) one(tx *db.Tx, found *Subscription, err error) (SubscriptionAttributes, error) {
	if err != nil {
		return SubscriptionAttributes{}, err
	}
	all, err := Represent(tx, []Subscription{*found}, s.count)
	if err != nil {
		return SubscriptionAttributes{}, err
	}
	return all[0], nil
}
