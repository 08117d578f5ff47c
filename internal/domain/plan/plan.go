// Package plan is what customers buy. A plan belongs to the installation or to a partner and names the features of one
// product; a subscription ties an organization to a plan, and keeps what was bought, whatever becomes of the plan. An
// organization has at most one active subscription a product, whose limits never pass those of the organization above it. A
// job ends and renews subscriptions on time. Creating an organization is here too, because it comes with its first ones.
package plan

import (
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
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

// RowID breaks ties of a list.
func (p Plan) RowID() string { return p.ID }

// Grants are the plan's features.
func (p Plan) Grants() Features { return read(p.Features) }

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
