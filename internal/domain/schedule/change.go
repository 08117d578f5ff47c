package schedule

import (
	"slices"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

// Create a schedule in the caller's organization and product. Fault kind: invalid.
func Create(tx *db.Tx, in CreateAttributes) (*Schedule, error) {
	s := &Schedule{ID: db.NewID(), Product: tx.Product(), CreatedAt: tx.Now()}
	if user := tx.Grant().Principal().User; user != "" {
		s.CreatedBy = &user
	}
	f := UpdateAttributes{Name: sent(in.Name), FirstTime: sent(in.FirstTime), Timezone: sent(in.Timezone), DurationMinutes: sent(in.DurationMinutes),
		Blackouts: sent(in.Blackouts), Comment: sent(in.Comment)}
	if in.RRule != "" {
		f.RRule = sent(in.RRule)
	}
	if in.Period != 0 || in.PeriodUnit != "" || in.RRule == "" {
		f.Period, f.PeriodUnit = sent(in.Period), sent(in.PeriodUnit)
	}
	if err := s.apply(tx, f); err != nil {
		return nil, err
	}
	if err := insert(tx, s); err != nil {
		return nil, err
	}
	tx.Changed(db.Change{Type: "schedule", ID: s.ID, Name: s.Name, After: s.attributes()})
	return s, nil
}

func sent[T any](value T) op.Field[T] { return op.Field[T]{Sent: true, Value: value} }

func update(tx *db.Tx, id string, in UpdateAttributes) (*Schedule, error) {
	if err := op.NoneSent("/schedule", in); err != nil {
		return nil, err
	}
	all, err := byIDs(tx, []string{id}, "UPDATE")
	if err != nil {
		return nil, err
	}
	s := &all[0]
	before := s.attributes()
	if err := s.apply(tx, in); err != nil {
		return nil, err
	}
	if err := save(tx, s); err != nil {
		return nil, err
	}
	tx.Changed(db.Change{Type: "schedule", ID: s.ID, Name: s.Name, Before: before, After: s.attributes()})
	return s, nil
}

// apply checks what is sent and writes it into the row. What changes the times must leave a firing in the future.
func (s *Schedule) apply(tx *db.Tx, in UpdateAttributes) error {
	var wrong []fault.Detail
	if in.Name.Sent {
		name, err := organization.CleanName(in.Name.Value, "/schedule/name")
		wrong = append(wrong, fault.DetailsOf(err)...)
		s.Name = name
	}
	in.Comment.Set(&s.Comment)
	in.DurationMinutes.Set(&s.DurationMinutes)
	if s.DurationMinutes < 0 || s.DurationMinutes > MaxDuration {
		wrong = append(wrong, fault.DetailsOf(fault.At("/schedule/duration_minutes", "out_of_range", "duration_minutes is from 0 to %d.", MaxDuration))...)
	}
	timed := in.FirstTime.Sent || in.Timezone.Sent || in.Period.Sent || in.PeriodUnit.Sent || in.RRule.Sent || in.Blackouts.Sent
	if timed {
		wrong = append(wrong, fault.DetailsOf(s.retime(tx, in))...)
	}
	s.UpdatedAt = tx.Now()
	return fault.All(wrong)
}

func (s *Schedule) retime(tx *db.Tx, in UpdateAttributes) error {
	in.FirstTime.Set(&s.FirstTime)
	in.Timezone.Set(&s.Timezone)
	in.Blackouts.Set(&s.Blackouts)
	s.Blackouts = slices.Clone(s.Blackouts)
	if s.Blackouts == nil {
		s.Blackouts = []Blackout{}
	}
	if err := s.recur(in.Period, in.PeriodUnit, in.RRule); err != nil {
		return err
	}
	t, err := s.Timing()
	if err != nil {
		return err
	}
	if s.NextAt = next(t, tx.Now()); s.NextAt == nil {
		return fault.At("/schedule/first_time", "never", "This schedule would never fire: its times are over, or lie in its blackouts.")
	}
	return nil
}

// recur sets the period or the rule, whichever is sent; the other goes.
func (s *Schedule) recur(period op.Field[int], unit, rule op.Field[string]) error {
	byPeriod := (period.Sent && !period.Null) || (unit.Sent && !unit.Null)
	if rule.Value != "" && byPeriod {
		return fault.At("/schedule/rrule", "both", "Send rrule, or period and period_unit, not both.")
	}
	if rule.Sent || byPeriod {
		s.RRule = rule.Value
	}
	if s.RRule != "" {
		s.Period, s.PeriodUnit = 0, ""
		return nil
	}
	period.Set(&s.Period)
	unit.Set(&s.PeriodUnit)
	if s.PeriodUnit == "" {
		s.PeriodUnit = Once
	}
	if s.Period == 0 {
		s.Period = 1
	}
	return nil
}

func deleteAll(tx *db.Tx, ids []string, enrich Enrich) error {
	all, err := byIDs(tx, ids, "UPDATE")
	if err != nil {
		return err
	}
	before, err := represent(tx, all, enrich)
	if err != nil {
		return err
	}
	for _, a := range before {
		if a.ScansCount > 0 {
			return fault.New(fault.Conflict, "%d scans use the schedule %s; give them another first, or none.", a.ScansCount, a.Name).Coded("in_use")
		}
		tx.Changed(db.Change{Type: "schedule", ID: a.ID, Name: a.Name, Before: a})
	}
	return remove(tx, ids)
}
