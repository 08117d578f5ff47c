package plan

import (
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
	OneOf
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
