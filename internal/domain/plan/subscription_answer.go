package plan

import (
	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
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
