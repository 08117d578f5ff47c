package plan

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
)

// SubscriptionAttributes on the wire.
type SubscriptionAttributes struct {
	ID                 string      `json:"id"`
	Organization       op.Link     `json:"organization"`
	Plan               PlanLink    `json:"plan" doc:"As it was when it was bought"`
	Status             string      `json:"status" enum:"active,inactive,canceled"`
	Interval           string      `json:"interval" enum:"none,monthly,yearly"`
	StartDate          clock.Time  `json:"start_date" format:"date-time"`
	EndDate            *clock.Time `json:"end_date" format:"date-time" doc:"End of the present period; null: it has none"`
	Price              string      `json:"price" example:"9.99"`
	PriceHistory       []Price     `json:"price_history" doc:"The oldest first"`
	TrialEnabled       bool        `json:"trial_enabled"`
	TrialDurationDays  int         `json:"trial_duration_days"`
	TrialEndsAt        *clock.Time `json:"trial_ends_at" format:"date-time"`
	AutoRenewal        bool        `json:"auto_renewal"`
	CancellationReason string      `json:"cancellation_reason"`
	BillingInterval    string      `json:"billing_interval" enum:"none,monthly,yearly"`
	Features           Features    `json:"features"`
	Usage              *Usage      `json:"usage" doc:"null where the subscription is not active"`
	Partner            bool        `json:"partner" doc:"The partner is billed"`
	CreatedAt          clock.Time  `json:"created_at" format:"date-time"`
	UpdatedAt          clock.Time  `json:"updated_at" format:"date-time"`
}

// Key is the resource's id and type.
func (a SubscriptionAttributes) Key() (string, string) { return a.ID, "subscription" }

// PlanLink answers a reference to a plan.
type PlanLink struct {
	ID      string `json:"id"`
	Code    string `json:"code"`
	Name    string `json:"name"`
	Product string `json:"product" enum:"pci,vrms,penetration"`
	Open    bool   `json:"open"`
}

// Price since an instant.
type Price struct {
	Price string     `json:"price" example:"9.99"`
	Since clock.Time `json:"since" format:"date-time"`
}

// Usage of what a subscription limits.
type Usage struct {
	NumberOfIPs Used `json:"number_of_ips"`
}

// Used of a limit; null is none.
type Used struct {
	Limit *int `json:"limit"`
	Used  int  `json:"used"`
}

// CountIPs tells how many addresses the transaction's organization uses in the transaction's product; app sets it.
type CountIPs func(tx *db.Tx) (int, error)

type ofOrganization struct {
	OrganizationID string `path:"organization_id" doc:"Id of the organization (UUID)"`
}

type oneOf struct {
	ofOrganization
	op.Path
}

type subscribeInput struct {
	op.Path
	Body struct {
		SubscribeAttributes
		Subscription *SubscribeAttributes `json:"subscription,omitempty" doc:"The attributes may stand in here, or beside"`
	}
}

// SubscribeAttributes of a sale.
type SubscribeAttributes struct {
	Plan              string   `json:"plan,omitempty" doc:"Required: code or id of the plan" example:"pci-default"`
	PlanID            string   `json:"plan_id,omitempty" doc:"The same as plan"`
	Interval          string   `json:"interval,omitempty" enum:"none,monthly,yearly" doc:"Default the plan's"`
	BillingInterval   string   `json:"billing_interval,omitempty" enum:"none,monthly,yearly" doc:"Default the interval"`
	StartDate         string   `json:"start_date,omitempty" doc:"YYYY-MM-DD; default now"`
	EndDate           string   `json:"end_date,omitempty" doc:"YYYY-MM-DD; default one interval after the start"`
	Features          Features `json:"features,omitempty" doc:"Of an open plan, instead of the plan's own"`
	Price             string   `json:"price,omitempty" doc:"Default the plan's" example:"9.99"`
	Partner           bool     `json:"partner,omitempty" doc:"The partner is billed"`
	TrialEnabled      bool     `json:"trial_enabled,omitempty"`
	TrialDurationDays int      `json:"trial_duration_days,omitempty" minimum:"0" maximum:"365" doc:"Required with trial_enabled: the first period, before the first that is paid for"`
	AutoRenewal       *bool    `json:"auto_renewal,omitempty" doc:"Default true, unless end_date is given"`
}

type updateSubscriptionInput struct {
	oneOf
	Body struct {
		Subscription UpdateSubscription `json:"subscription"`
	}
}

// UpdateSubscription sends what changes; what is not sent stays.
type UpdateSubscription struct {
	Interval           op.Field[string]   `json:"interval,omitempty" doc:"none, monthly or yearly; the present period then ends one interval after its start, unless end_date is sent too"`
	BillingInterval    op.Field[string]   `json:"billing_interval,omitempty" doc:"none, monthly or yearly"`
	EndDate            op.Field[string]   `json:"end_date,omitempty" doc:"YYYY-MM-DD; null: no end"`
	Price              op.Field[string]   `json:"price,omitempty"`
	TrialEnabled       op.Field[bool]     `json:"trial_enabled,omitempty"`
	TrialDurationDays  op.Field[int]      `json:"trial_duration_days,omitempty" minimum:"0" maximum:"365"`
	AutoRenewal        op.Field[bool]     `json:"auto_renewal,omitempty"`
	CancellationReason op.Field[string]   `json:"cancellation_reason,omitempty" maxLength:"2000"`
	Features           op.Field[Features] `json:"features,omitempty" doc:"Of an open plan; replaces them all"`
	Partner            op.Field[bool]     `json:"partner,omitempty"`
}

type assignInput struct {
	oneOf
	Body struct {
		Features Features `json:"features" example:"{\"number_of_ips\":{\"limit\":16}}"`
	}
}

type revokeInput struct {
	oneOf
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

var subscriptionColumns = filter.Columns{Date: "start_date", Sort: "start_date desc", All: []filter.Column{
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
		op.List("listSubscriptions", "List an organization's subscriptions", root, access.SubscriptionAccess, subscriptionColumns, s.list(false)),
		op.List("listActiveSubscriptions", "List an organization's active subscriptions", root+"/active", access.SubscriptionAccess, subscriptionColumns, s.list(true)),
		op.Show("showSubscription", "Show an organization's subscription", root+"/{id}", access.SubscriptionAccess,
			func(tx *db.Tx, in *oneOf) (SubscriptionAttributes, error) {
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
		op.List("listDependentSubscriptions", "List dependent subscriptions", "/v2/organizations/{id}/dependent_subscriptions", access.SubscriptionAccess, subscriptionColumns,
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

func (s shelf) list(current bool) func(*db.Tx, *ofOrganization, filter.Query) (filter.Page[SubscriptionAttributes], error) {
	return func(tx *db.Tx, in *ofOrganization, q filter.Query) (filter.Page[SubscriptionAttributes], error) {
		page := filter.Page[SubscriptionAttributes]{}
		if _, err := organization.ByID(tx, in.OrganizationID); err != nil {
			return page, err
		}
		rows, meta, err := fetchOf(tx, in.OrganizationID, current, q)
		if err != nil {
			return page, err
		}
		page.Meta = meta
		page.Rows, err = Represent(tx, rows, s.count)
		return page, err
	}
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

// Represent subscriptions of organizations of the caller's branch; count may be nil.
func Represent(tx *db.Tx, rows []Subscription, count CountIPs) ([]SubscriptionAttributes, error) {
	var ids, organizations []string
	for _, s := range rows {
		ids, organizations = append(ids, s.ID), append(organizations, s.OrganizationID)
	}
	names, err := organization.Names(tx, organizations)
	if err != nil {
		return nil, err
	}
	history, err := prices(tx, ids)
	if err != nil {
		return nil, err
	}
	all := make([]SubscriptionAttributes, len(rows))
	for i, s := range rows {
		all[i] = s.attributes(tx.Now())
		all[i].Organization.Name = names[s.OrganizationID]
		all[i].PriceHistory = append(all[i].PriceHistory, history[s.ID]...)
		if count == nil || s.over(tx.Now()) || s.StartAt > tx.Now() {
			continue
		}
		if all[i].Usage, err = s.usage(tx, count); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s Subscription) usage(tx *db.Tx, count CountIPs) (*Usage, error) {
	u := &Usage{}
	if n := s.Granted().IPs(); n != unlimited {
		u.NumberOfIPs.Limit = &n
	}
	err := tx.In(s.OrganizationID, s.Product, func(own *db.Tx) error {
		var err error
		u.NumberOfIPs.Used, err = count(own)
		return err
	})
	return u, err
}

func (s Subscription) attributes(now clock.Time) SubscriptionAttributes {
	return SubscriptionAttributes{ID: s.ID, Organization: op.Link{ID: s.OrganizationID},
		Plan:   PlanLink{ID: s.PlanID, Code: s.PlanCode, Name: s.PlanName, Product: s.Product, Open: s.PlanOpen},
		Status: s.status(now), Interval: s.BillingInterval, StartDate: s.StartAt, EndDate: s.EndAt, Price: s.Price, PriceHistory: []Price{},
		TrialEnabled: s.TrialEnabled, TrialDurationDays: s.TrialDurationDays, TrialEndsAt: s.TrialEndsAt, AutoRenewal: s.AutoRenewal,
		CancellationReason: s.CancellationReason, BillingInterval: s.BilledInterval, Features: s.Granted(), Partner: s.Partner,
		CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt}
}

// attributes of the request and the pointer to them, wrapped or not.
func (in *subscribeInput) attributes() (SubscribeAttributes, string) {
	a, pointer := in.Body.SubscribeAttributes, ""
	if in.Body.Subscription != nil {
		a, pointer = *in.Body.Subscription, "/subscription"
	}
	if a.Plan == "" {
		a.Plan = a.PlanID
	}
	return a, pointer
}

// order reads the attributes; every mistake is told at once.
func (a SubscribeAttributes) order(pointer string) (Order, error) {
	o := Order{Plan: a.Plan, Partner: a.Partner, Interval: a.Interval, Billed: a.BillingInterval, Renews: a.AutoRenewal, Features: a.Features, pointer: pointer}
	var wrong []fault.Detail
	note := func(err error) { wrong = append(wrong, fault.DetailsOf(err)...) }
	var err error
	if o.StartDate, err = readDate(a.StartDate, pointer+"/start_date"); err != nil {
		note(err)
	}
	if o.EndDate, err = readDate(a.EndDate, pointer+"/end_date"); err != nil {
		note(err)
	}
	if a.Price != "" {
		if o.Price, err = CleanPrice(a.Price, pointer+"/price"); err != nil {
			note(err)
		}
	}
	if a.TrialEnabled {
		o.TrialDays = a.TrialDurationDays
	}
	switch {
	case a.TrialEnabled && (a.TrialDurationDays < 1 || a.TrialDurationDays > maxTrial):
		note(fault.At(pointer+"/trial_duration_days", "out_of_range", "A trial takes 1 to %d days.", maxTrial))
	case !a.TrialEnabled && a.TrialDurationDays > 0:
		note(fault.At(pointer+"/trial_enabled", "required", "trial_duration_days is for trial_enabled: true."))
	}
	if a.Plan == "" {
		note(fault.At(pointer+"/plan", "required", "Name the plan by its code or id."))
	}
	return o, fault.All(wrong)
}

func readDate(text, pointer string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := filter.ParseTime(text, time.UTC)
	if err != nil {
		return at, fault.At(pointer, "bad_value", "%s", err)
	}
	return at, nil
}

// buy for the caller's own organization, or by an operator for any.
func (in *subscribeInput) buy(tx *db.Tx) (*Subscription, error) {
	o, err := organization.ByID(tx, in.ID)
	if err != nil {
		return nil, err
	}
	a, pointer := in.attributes()
	p := tx.Grant().Principal()
	switch {
	case p.Role == access.Admin:
	case o.ID != p.Home.ID:
		return nil, fault.New(fault.Forbidden, "An organization buys for itself here; sell to one below with subscribe_organization.").Coded("not_own")
	case a.Price != "":
		return nil, fault.At(pointer+"/price", "forbidden", "The price is the plan's; another is agreed on with who sells it.")
	case a.Features != nil:
		return nil, fault.At(pointer+"/features", "forbidden", "The features are the plan's; others are agreed on with who sells it.")
	}
	return place(tx, o, a, pointer)
}

// sell to an organization below the caller's.
func (in *subscribeInput) sell(tx *db.Tx) (*Subscription, error) {
	o, err := organization.ByID(tx, in.ID)
	if err != nil {
		return nil, err
	}
	if o.ID == tx.Grant().Principal().Home.ID {
		return nil, fault.New(fault.Forbidden, "An organization is sold to by who stands above it; buy for your own with subscribe.").Coded("not_seller")
	}
	a, pointer := in.attributes()
	return place(tx, o, a, pointer)
}

func place(tx *db.Tx, o *organization.Organization, a SubscribeAttributes, pointer string) (*Subscription, error) {
	if o.ID == access.Installation {
		return nil, fault.New(fault.Conflict, "The installation's own organization has every feature and subscribes to nothing.").Coded("installation")
	}
	order, err := a.order(pointer)
	if err != nil {
		return nil, err
	}
	p, err := find(tx, order.Plan)
	if db.NoRows(err) {
		return nil, fault.At(pointer+"/plan", "unknown", "There is no plan %q; take the code or id of one of GET /v2/plans.", clip(order.Plan))
	}
	if err != nil {
		return nil, err
	}
	s, err := sell(tx, o, *p, order)
	if err != nil {
		return nil, err
	}
	tx.Changed(db.Change{Type: "subscription", ID: s.ID, Name: o.Name + ": " + s.PlanCode, After: told(*s)})
	return s, nil
}

func clip(text string) string {
	if r := []rune(text); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return text
}

// apply what is sent to the row; it returns the mistakes.
func (in UpdateSubscription) apply(s *Subscription, now clock.Time) []fault.Detail {
	var wrong []fault.Detail
	note := func(err error) { wrong = append(wrong, fault.DetailsOf(err)...) }
	for _, f := range []struct {
		name string
		from op.Field[string]
		to   *string
	}{{"interval", in.Interval, &s.BillingInterval}, {"billing_interval", in.BillingInterval, &s.BilledInterval}} {
		if f.from.Sent && !slices.Contains(Intervals, f.from.Value) {
			note(fault.At("/subscription/"+f.name, "unknown", "An interval is one of %s.", strings.Join(Intervals, ", ")))
			continue
		}
		f.from.Set(f.to)
	}
	in.AutoRenewal.Set(&s.AutoRenewal)
	in.Partner.Set(&s.Partner)
	in.CancellationReason.Set(&s.CancellationReason)
	if in.Price.Sent {
		price, err := CleanPrice(in.Price.Value, "/subscription/price")
		note(err)
		s.Price = price
	}
	note(in.applyTrial(s))
	note(in.applyEnd(s, now))
	return wrong
}

func (in UpdateSubscription) applyTrial(s *Subscription) error {
	if !in.TrialEnabled.Sent && !in.TrialDurationDays.Sent {
		return nil
	}
	in.TrialEnabled.Set(&s.TrialEnabled)
	in.TrialDurationDays.Set(&s.TrialDurationDays)
	if !s.TrialEnabled {
		s.TrialDurationDays, s.TrialEndsAt = 0, nil
		return nil
	}
	if s.TrialDurationDays < 1 || s.TrialDurationDays > maxTrial {
		return fault.At("/subscription/trial_duration_days", "out_of_range", "A trial takes 1 to %d days.", maxTrial)
	}
	inTrial := s.inTrial()
	s.TrialEndsAt = clock.AtPointer(s.StartAt.Time().AddDate(0, 0, s.TrialDurationDays))
	if inTrial {
		s.EndAt = s.TrialEndsAt
	}
	return nil
}

func (in UpdateSubscription) applyEnd(s *Subscription, now clock.Time) error {
	switch {
	case in.EndDate.Null:
		s.EndAt = nil
		if months := monthsOf(s.BillingInterval); months > 0 {
			return fault.At("/subscription/end_date", "required", "A subscription with an interval ends; set interval to none besides.")
		}
	case in.EndDate.Sent:
		at, err := readDate(in.EndDate.Value, "/subscription/end_date")
		if err != nil {
			return err
		}
		if s.EndAt = clock.AtPointer(at); *s.EndAt <= s.StartAt || at.IsZero() {
			return fault.At("/subscription/end_date", "out_of_order", "A subscription ends after it starts, on %s.", s.StartAt)
		}
		if *s.EndAt <= now {
			return fault.At("/subscription/end_date", "in_the_past", "An end_date is in the future; end it now with unsubscribe_organization.")
		}
	case in.Interval.Sent && !s.inTrial():
		s.EndAt = endAfter(s.PeriodAt, s.BillingInterval, now)
	}
	return nil
}
