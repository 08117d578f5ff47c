// Package plan is what customers buy. A plan belongs to the installation or to a partner and names the features of one
// product; a subscription ties an organization to a plan. An organization has at most one active subscription a
// product. Creating an organization is here too, because it comes with its first subscriptions.
package plan

import (
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
)

// Products that can be bought.
const (
	PCI         = "pci"
	VRMS        = "vrms" // vulnerability management
	Penetration = "penetration"
)

// Products in the order in which they are shown.
var Products = []string{PCI, VRMS, Penetration}

// Intervals of billing.
var Intervals = []string{"none", "monthly", "yearly"}

// Feature is what a plan or subscription grants of one feature. Limit counts where it is set; Unlimited lifts it.
type Feature struct {
	Active       *bool  `json:"active,omitempty"`
	Unlimited    bool   `json:"unlimited,omitempty"`
	Limit        *int   `json:"limit,omitempty" minimum:"0"`
	NumOfRescans *int   `json:"num_of_rescans,omitempty" minimum:"0"`
	Unit         string `json:"unit,omitempty"`
	WhenRun      string `json:"when_run,omitempty"`
}

// Features by their code.
type Features map[access.Feature]Feature

// Gives says whether the feature is granted.
func (f Features) Gives(code access.Feature) bool {
	x, ok := f[code]
	return ok && (x.Active == nil || *x.Active)
}

// IPs is how many addresses may be targets; -1 where there is no limit.
func (f Features) IPs() int {
	x, ok := f[access.NumberOfIPs]
	switch {
	case x.Unlimited:
		return -1
	case !ok || x.Limit == nil:
		return 0
	}
	return *x.Limit
}

// Plan is one row.
type Plan struct {
	bun.BaseModel `bun:"table:plans,alias:p"`
	db.Shared
	ID              string          `bun:"id,pk"`
	Code            string          `bun:"code"`
	Name            string          `bun:"name"`
	Description     string          `bun:"description"`
	Product         string          `bun:"product"`
	Open            bool            `bun:"open"`
	Features        json.RawMessage `bun:"features,type:jsonb"`
	Price           string          `bun:"price"`
	IsDefault       bool            `bun:"is_default"`
	DefaultInterval string          `bun:"default_interval"`
	CreatedAt       clock.Time      `bun:"created_at"`
	UpdatedAt       clock.Time      `bun:"updated_at"`
}

// Subscription is one row.
type Subscription struct {
	bun.BaseModel `bun:"table:subscriptions,alias:s"`
	db.Branched
	ID                 string          `bun:"id,pk"`
	PlanOrganizationID string          `bun:"plan_organization_id"`
	PlanID             string          `bun:"plan_id"`
	Product            string          `bun:"product"`
	Status             string          `bun:"status"` // active, inactive or canceled
	BillingInterval    string          `bun:"billing_interval"`
	StartAt            clock.Time      `bun:"start_at"`
	EndAt              *clock.Time     `bun:"end_at"`
	Price              string          `bun:"price"`
	AutoRenewal        bool            `bun:"auto_renewal"`
	Features           json.RawMessage `bun:"features,type:jsonb"`
	Partner            bool            `bun:"partner"`
	CreatedAt          clock.Time      `bun:"created_at"`
	UpdatedAt          clock.Time      `bun:"updated_at"`
}

// Granted features of the subscription.
func (s Subscription) Granted() Features {
	var f Features
	if json.Unmarshal(s.Features, &f) != nil {
		return Features{}
	}
	return f
}

// Order is one plan asked for.
type Order struct {
	Plan      string
	Partner   bool
	Interval  string
	StartDate time.Time
	EndDate   time.Time
}

// period gives the end of a subscription: what was asked for, or one interval after its start; nil has no end.
func (o Order) period(interval string, now clock.Time) (clock.Time, *clock.Time, error) {
	start := now
	if !o.StartDate.IsZero() {
		start = clock.At(o.StartDate)
	}
	if !o.EndDate.IsZero() {
		end := clock.At(o.EndDate)
		if end <= start {
			return 0, nil, fault.At("/organization/plans", "out_of_order", "A subscription ends after it starts; end_date %s is not after start_date %s.", end, start)
		}
		return start, &end, nil
	}
	switch interval {
	case "monthly":
		return start, clock.AtPointer(start.Time().AddDate(0, 1, 0)), nil
	case "yearly":
		return start, clock.AtPointer(start.Time().AddDate(1, 0, 0)), nil
	}
	return start, nil, nil
}

// defaultPlans are those of a first start: generous, so that an installation for one's own use needs nothing more.
func defaultPlans() []Plan {
	yes := true
	limit := func(n int) *int { return &n }
	all := Features{
		access.NumberOfIPs:         {Limit: limit(65536)},
		access.Rescan:              {Active: &yes, Unlimited: true},
		access.InternalVRMS:        {Active: &yes, Unlimited: true},
		access.InternalPenetration: {Active: &yes, Unlimited: true},
		access.SAQ:                 {Active: &yes},
		access.OwnScanners:         {Limit: limit(100)},
		access.OwnPortLists:        {Active: &yes},
		access.TargetCredentials:   {Active: &yes},
		access.AIChat:              {Active: &yes},
		access.Webhooks:            {Limit: limit(100)},
		access.WhiteLabel:          {Active: &yes},
	}
	raw, _ := json.Marshal(all) // plain values
	var plans []Plan
	for _, p := range []struct{ product, name string }{
		{PCI, "PCI compliance"}, {VRMS, "Vulnerability management"}, {Penetration, "Penetration testing"},
	} {
		plans = append(plans, Plan{Code: p.product + "-default", Name: p.name, Product: p.product, Features: raw, Price: "0.00",
			IsDefault: true, DefaultInterval: "none", Description: "Made at the first start of the installation."})
	}
	return plans
}
