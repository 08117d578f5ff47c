package plan

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
)

// Status of a subscription.
const (
	active   = "active"
	inactive = "inactive" // its time is over
	canceled = "canceled" // it was ended before its time
)

// Lengths of a period.
const (
	none    = "none"
	monthly = "monthly"
	yearly  = "yearly"
)

// Subscription is one row.
type Subscription struct {
	bun.BaseModel `bun:"table:subscriptions,alias:s"`
	db.Branched
	ID                 string          `bun:"id,pk"`
	PlanOrganizationID string          `bun:"plan_organization_id"`
	PlanID             string          `bun:"plan_id"`
	PlanCode           string          `bun:"plan_code"` // these three as they were when it was bought
	PlanName           string          `bun:"plan_name"`
	PlanOpen           bool            `bun:"plan_open"`
	Product            string          `bun:"product"`
	Status             string          `bun:"status"`
	BillingInterval    string          `bun:"billing_interval"` // length of a period
	BilledInterval     string          `bun:"billed_interval"`  // how often it is billed
	StartAt            clock.Time      `bun:"start_at"`
	PeriodAt           clock.Time      `bun:"period_at"` // start of the period that EndAt ends
	EndAt              *clock.Time     `bun:"end_at"`
	NoticedEndAt       *clock.Time     `bun:"noticed_end_at"`
	Price              string          `bun:"price"`
	TrialEnabled       bool            `bun:"trial_enabled"`
	TrialDurationDays  int             `bun:"trial_duration_days"`
	TrialEndsAt        *clock.Time     `bun:"trial_ends_at"`
	AutoRenewal        bool            `bun:"auto_renewal"`
	CancellationReason string          `bun:"cancellation_reason"`
	Features           json.RawMessage `bun:"features,type:jsonb"`
	Partner            bool            `bun:"partner"` // the partner is billed
	CreatedAt          clock.Time      `bun:"created_at"`
	UpdatedAt          clock.Time      `bun:"updated_at"`
}

// RowID breaks ties of a list.
func (s Subscription) RowID() string { return s.ID }

// Granted features of the subscription.
func (s Subscription) Granted() Features { return read(s.Features) }

// renews says whether a period follows the present one: the next of its interval, or after a trial the first that is paid for.
func (s Subscription) renews() bool {
	return s.AutoRenewal && s.EndAt != nil && (s.BillingInterval != none || s.inTrial())
}

// inTrial says whether the present period is the trial.
func (s Subscription) inTrial() bool {
	return s.TrialEnabled && s.TrialEndsAt != nil && s.EndAt != nil && *s.TrialEndsAt == *s.EndAt
}

// over says whether its time has come to an end, whether or not the job has seen it yet.
func (s Subscription) over(now clock.Time) bool {
	return s.Status != active || s.EndAt != nil && *s.EndAt <= now && !s.renews()
}

// status on the wire.
func (s Subscription) status(now clock.Time) string {
	if s.Status == active && s.over(now) {
		return inactive
	}
	return s.Status
}

// renew moves the period on until it holds now. Periods are counted from where the first one began, so that one from the 31st does
// not shrink for good in February; an end that was set by hand starts a new count.
func (s *Subscription) renew(now clock.Time) {
	s.PeriodAt = *s.EndAt
	months := monthsOf(s.BillingInterval)
	if months == 0 {
		s.EndAt = nil
		return
	}
	first := s.StartAt
	if s.TrialEnabled && s.TrialEndsAt != nil {
		first = *s.TrialEndsAt
	}
	n := 0
	for boundary(first, n*months) < *s.EndAt {
		n++
	}
	if boundary(first, n*months) != *s.EndAt {
		first, n = *s.EndAt, 0
	}
	for n++; boundary(first, n*months) <= now; n++ {
		s.PeriodAt = boundary(first, n*months)
	}
	s.EndAt = clock.AtPointer(boundary(first, n*months).Time())
}

// endAfter is the first end of a period counted from an instant that is still to come; nil without an interval.
func endAfter(from clock.Time, interval string, now clock.Time) *clock.Time {
	months := monthsOf(interval)
	if months == 0 {
		return nil
	}
	n := 1
	for boundary(from, n*months) <= now {
		n++
	}
	return clock.AtPointer(boundary(from, n*months).Time())
}

func boundary(first clock.Time, months int) clock.Time {
	return clock.At(addMonths(first.Time(), months))
}

func monthsOf(interval string) int {
	switch interval {
	case monthly:
		return 1
	case yearly:
		return 12
	}
	return 0
}

// addMonths keeps the day, or takes the last one of a shorter month.
func addMonths(t time.Time, n int) time.Time {
	moved := t.AddDate(0, n, 0)
	if moved.Day() != t.Day() {
		moved = moved.AddDate(0, 0, -moved.Day())
	}
	return moved
}

// Order is one plan asked for.
type Order struct {
	Plan      string
	Partner   bool
	Interval  string
	Billed    string // empty: the interval
	StartDate time.Time
	EndDate   time.Time
	TrialDays int
	Renews    *bool    // nil: unless EndDate is given, or the first period is over already
	Price     string   // empty: the plan's
	Features  Features // of an open plan; nil: the plan's
	pointer   string   // of the request's attributes
}

// maxTrial is the longest trial, in days.
const maxTrial = 365

// schedule sets when the subscription starts and ends: what was asked for, or the end of the trial, or one interval after the
// start; no end where there is no interval.
func (o Order) schedule(s *Subscription, interval string, now clock.Time) error {
	s.BillingInterval, s.BilledInterval = interval, o.Billed
	if s.BilledInterval == "" {
		s.BilledInterval = interval
	}
	s.StartAt = now
	if !o.StartDate.IsZero() {
		s.StartAt = clock.At(o.StartDate)
	}
	s.PeriodAt = s.StartAt
	s.AutoRenewal = o.EndDate.IsZero()
	if o.Renews != nil {
		s.AutoRenewal = *o.Renews
	}
	start := s.StartAt.Time()
	switch {
	case !o.EndDate.IsZero():
		s.EndAt = clock.AtPointer(o.EndDate)
		if *s.EndAt <= s.StartAt {
			return fault.At(o.pointer+"/end_date", "out_of_order", "A subscription ends after it starts; end_date %s is not after start_date %s.", s.EndAt, s.StartAt)
		}
	case o.TrialDays > 0:
		s.EndAt = clock.AtPointer(start.AddDate(0, 0, o.TrialDays))
	case monthsOf(interval) > 0:
		s.EndAt = clock.AtPointer(addMonths(start, monthsOf(interval)))
	}
	if o.TrialDays > 0 {
		s.TrialEnabled, s.TrialDurationDays = true, o.TrialDays
		s.TrialEndsAt = clock.AtPointer(start.AddDate(0, 0, o.TrialDays))
	}
	if o.Renews == nil && s.EndAt != nil && *s.EndAt <= now {
		s.AutoRenewal = false // what is noted afterwards is over
	}
	return nil
}

var money = regexp.MustCompile(`^[0-9]{1,10}(\.[0-9]{1,2})?$`)

// CleanPrice writes an amount with two decimals. pointer names the attribute.
func CleanPrice(price, pointer string) (string, error) {
	price = strings.TrimSpace(price)
	if !money.MatchString(price) {
		return "", fault.At(pointer, "invalid", `A price is a text of digits, such as "9.99"; it is not negative.`)
	}
	whole, cents, _ := strings.Cut(price, ".")
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	return whole + "." + (cents + "00")[:2], nil
}
