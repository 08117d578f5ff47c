package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

// sell a plan to an organization. What a normal plan gives beyond the limits of the organization above is cut to those; what was
// asked for of an open plan is refused instead. Fault kinds: invalid, conflict.
func sell(tx *db.Tx, o *organization.Organization, p Plan, order Order) (*Subscription, error) {
	if err := lock(tx); err != nil {
		return nil, err
	}
	if err := lapse(tx, o.ID, p.Product); err != nil {
		return nil, err
	}
	interval := order.Interval
	if interval == "" {
		interval = p.DefaultInterval
	}
	s := &Subscription{ID: db.NewID(), PlanOrganizationID: p.OrganizationID, PlanID: p.ID, PlanCode: p.Code, PlanName: p.Name, PlanOpen: p.Open,
		Product: p.Product, Status: active, Price: p.Price, Partner: order.Partner, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
	s.OrganizationID = o.ID
	if order.Price != "" {
		s.Price = order.Price
	}
	if err := order.schedule(s, interval, tx.Now()); err != nil {
		return nil, err
	}
	features, err := granted(tx, o, p, order)
	if err != nil {
		return nil, err
	}
	s.Features = features.raw()
	return s, insertSubscription(tx, s)
}

// granted are the features that a sale gives.
func granted(tx *db.Tx, o *organization.Organization, p Plan, order Order) (Features, error) {
	most, limited, err := limits(tx, o, p.Product)
	if err != nil {
		return nil, err
	}
	if order.Features == nil {
		if limited {
			return p.Grants().Within(most), nil
		}
		return p.Grants(), nil
	}
	if !p.Open {
		return nil, fault.At(order.pointer+"/features", "fixed", "The features of the plan %s are fixed; only an open plan takes features with a subscription.", p.Code)
	}
	if wrong := order.Features.check(order.pointer + "/features"); len(wrong) > 0 {
		return nil, fault.All(wrong)
	}
	if limited {
		return order.Features, withinLimits(order.Features, most, order.pointer+"/features")
	}
	return order.Features, nil
}

// limits of what an organization may be given: those of the organization right above it. The installation has none.
func limits(tx *db.Tx, o *organization.Organization, product string) (most Features, limited bool, err error) {
	if o.ParentID == nil || *o.ParentID == access.Installation {
		return nil, false, nil
	}
	most, err = limitsOf(tx, *o.ParentID, product)
	if most == nil {
		most = nothing() // an organization that did not buy the product has nothing to give
	}
	return most, true, err
}

func nothing() Features {
	none := false
	return Features{access.NumberOfIPs: {Limit: new(int)}, access.Rescan: {Active: &none}}
}

// withinLimits refuses features that exceed those of the organization above.
func withinLimits(f, most Features, pointer string) error {
	var wrong []fault.Detail
	for _, code := range f.Exceeding(most) {
		there := "gives none of it"
		if n := most.Amount(code); n > 0 {
			there = fmt.Sprintf("gives %d", n)
		}
		wrong = append(wrong, fault.DetailsOf(fault.At(pointer+"/"+string(code), "above_parent",
			"%s may not pass what the organization above has: its subscription %s.", code, there))...)
	}
	return fault.All(wrong)
}

// seller refuses changes of what an organization bought by its own users: they are made by who stands above, or an operator.
func seller(tx *db.Tx, organizationID string) error {
	p := tx.Grant().Principal()
	if p.Role == access.Admin || organizationID != p.Home.ID {
		return nil
	}
	return fault.New(fault.Forbidden, "What an organization bought is changed by who sold it, not by its own users; ask who stands above.").Coded("not_seller")
}

// changeable finds a subscription that the caller may change. Fault kinds: notfound, forbidden, conflict.
func changeable(tx *db.Tx, organizationID, id string) (*organization.Organization, *Subscription, error) {
	if err := lock(tx); err != nil {
		return nil, nil, err
	}
	o, err := organization.ByID(tx, organizationID)
	if err != nil {
		return nil, nil, err
	}
	s, err := subscriptionOf(tx, o.ID, id)
	if err != nil {
		return nil, nil, err
	}
	if err := seller(tx, o.ID); err != nil {
		return nil, nil, err
	}
	if s.over(tx.Now()) {
		return nil, nil, fault.New(fault.Conflict, "This subscription has ended and can't be changed; subscribe anew.").Coded("ended")
	}
	return o, s, nil
}

// setFeatures gives the subscription other features, within the limits above and no lower than what leans on them.
func setFeatures(tx *db.Tx, o *organization.Organization, s *Subscription, f Features, pointer string) error {
	if !s.PlanOpen {
		return fault.New(fault.Conflict, "The features of the plan %s are fixed; only those of an open plan can be assigned and revoked.", s.PlanCode).Coded("features_fixed")
	}
	if wrong := f.check(pointer); len(wrong) > 0 {
		return fault.All(wrong)
	}
	most, limited, err := limits(tx, o, s.Product)
	if err != nil {
		return err
	}
	if limited {
		if err := withinLimits(f, most, pointer); err != nil {
			return err
		}
	}
	leaning, err := dependents(tx, o.ID, s.Product)
	if err != nil {
		return err
	}
	var above []Subscription
	for _, d := range leaning {
		if len(d.Granted().Exceeding(f)) > 0 {
			above = append(above, d)
		}
	}
	if err := leanedOn(tx, above); err != nil {
		return err
	}
	s.Features = f.raw()
	return nil
}

// leanedOn is the fault that lists the subscriptions which keep a limit from being lowered.
func leanedOn(tx *db.Tx, all []Subscription) error {
	if len(all) == 0 {
		return nil
	}
	var ids []string
	for _, s := range all {
		ids = append(ids, s.OrganizationID)
	}
	names, err := organization.Names(tx, ids)
	if err != nil {
		return err
	}
	f := fault.New(fault.Conflict, "%d subscriptions of organizations below lean on what would be taken away; lower or end those first.", len(all)).Coded("dependents")
	for _, s := range all {
		f.Details = append(f.Details, fault.Detail{Pointer: "/dependents/" + s.ID, Code: "dependent",
			Detail: fmt.Sprintf("%s has the plan %s (organization %s).", names[s.OrganizationID], s.PlanCode, s.OrganizationID)})
	}
	return f
}

// change what an update sends.
func change(tx *db.Tx, organizationID, id string, in UpdateSubscription) (*Subscription, error) {
	if err := op.NoneSent("/subscription", in); err != nil {
		return nil, err
	}
	o, s, err := changeable(tx, organizationID, id)
	if err != nil {
		return nil, err
	}
	before, price := told(*s), s.Price
	if wrong := in.apply(s, tx.Now()); len(wrong) > 0 {
		return nil, fault.All(wrong)
	}
	if in.Features.Sent {
		if err := setFeatures(tx, o, s, in.Features.Value, "/subscription/features"); err != nil {
			return nil, err
		}
	}
	return s, keep(tx, o, s, before, price)
}

// keep writes the subscription, and its price into the history where that is a new one.
func keep(tx *db.Tx, o *organization.Organization, s *Subscription, before audited, price string) error {
	if err := saveSubscription(tx, s); err != nil {
		return err
	}
	if s.Price != price {
		if err := notePrice(tx, s); err != nil {
			return err
		}
	}
	tx.Changed(db.Change{Type: "subscription", ID: s.ID, Name: o.Name + ": " + s.PlanCode, Before: before, After: told(*s)})
	return nil
}

// assign adds features to a subscription, or replaces those that it has.
func assign(tx *db.Tx, organizationID, id string, given Features) (*Subscription, error) {
	o, s, err := changeable(tx, organizationID, id)
	if err != nil {
		return nil, err
	}
	if len(given) == 0 {
		return nil, fault.At("/features", "required", `Send {"features": {"number_of_ips": {"limit": 16}}} with at least one feature.`)
	}
	before, all := told(*s), s.Granted()
	for code, f := range given {
		all[code] = f
	}
	if err := setFeatures(tx, o, s, all, "/features"); err != nil {
		return nil, err
	}
	return s, keep(tx, o, s, before, s.Price)
}

// revoke takes features from a subscription. Of rescans, whose absence sets no limit, none are left.
func revoke(tx *db.Tx, organizationID, id string, names []string) (*Subscription, error) {
	o, s, err := changeable(tx, organizationID, id)
	if err != nil {
		return nil, err
	}
	before, all := told(*s), s.Granted()
	if len(names) == 0 {
		return nil, fault.At("/features", "required", `Name the features: {"features": "rescan,number_of_ips"}.`)
	}
	for _, name := range names {
		code := access.Feature(strings.TrimSpace(name))
		if !slices.Contains(Codes, code) {
			return nil, unknownFeature("/features", name)
		}
		delete(all, code)
		if code == access.Rescan {
			all[code] = nothing()[code]
		}
	}
	if err := setFeatures(tx, o, s, all, "/features"); err != nil {
		return nil, err
	}
	return s, keep(tx, o, s, before, s.Price)
}

// end a subscription before its time. An organization may end its own.
func end(tx *db.Tx, organizationID string, in unsubscribeAttributes) (*Subscription, error) {
	if err := lock(tx); err != nil {
		return nil, err
	}
	o, err := organization.ByID(tx, organizationID)
	if err != nil {
		return nil, err
	}
	s, err := toEnd(tx, o.ID, in)
	if err != nil {
		return nil, err
	}
	if s.over(tx.Now()) {
		return nil, fault.New(fault.Conflict, "This subscription has ended already.").Coded("ended")
	}
	leaning, err := dependents(tx, o.ID, s.Product)
	if err != nil {
		return nil, err
	}
	if o.ID != access.Installation {
		if err := leanedOn(tx, leaning); err != nil {
			return nil, err
		}
	}
	before := told(*s)
	s.Status, s.CancellationReason, s.AutoRenewal = canceled, strings.TrimSpace(in.Reason), false
	if s.EndAt == nil || *s.EndAt > tx.Now() {
		s.EndAt = clock.AtPointer(tx.Now().Time())
	}
	return s, keep(tx, o, s, before, s.Price)
}

// toEnd is the subscription that a request names, by its own id or by its plan.
func toEnd(tx *db.Tx, organizationID string, in unsubscribeAttributes) (*Subscription, error) {
	if in.SubscriptionID != "" {
		return subscriptionOf(tx, organizationID, strings.ToLower(in.SubscriptionID))
	}
	if in.Plan == "" {
		return nil, fault.At("/plan", "required", "Name what to end: plan (code or id), or subscription_id.")
	}
	all, err := Of(tx, organizationID, false)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if !s.over(tx.Now()) && (s.PlanCode == in.Plan || strings.EqualFold(s.PlanID, in.Plan)) {
			return &s, nil
		}
	}
	return nil, fault.At("/plan", "not_subscribed", "The organization has no active subscription to that plan.")
}

// audited is what the audit trail keeps of a subscription.
type audited struct {
	Plan               string      `json:"plan"`
	Status             string      `json:"status"`
	Interval           string      `json:"interval"`
	EndDate            *clock.Time `json:"end_date"`
	Price              string      `json:"price"`
	AutoRenewal        bool        `json:"auto_renewal"`
	TrialEndsAt        *clock.Time `json:"trial_ends_at"`
	CancellationReason string      `json:"cancellation_reason"`
	Features           Features    `json:"features"`
}

func told(s Subscription) audited {
	return audited{Plan: s.PlanCode, Status: s.Status, Interval: s.BillingInterval, EndDate: s.EndAt, Price: s.Price, AutoRenewal: s.AutoRenewal,
		TrialEndsAt: s.TrialEndsAt, CancellationReason: s.CancellationReason, Features: s.Granted()}
}
