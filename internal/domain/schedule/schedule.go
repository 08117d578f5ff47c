// Package schedule is when scans start: a first time on the local clock of a timezone, and how it recurs, by a period or by an
// RRULE (RFC 5545). Blackouts are windows of the week in which nothing starts; a firing in one is passed over. The same code
// answers the calculators and fires.
//
// A local time that a change of clocks leaves out fires at the first instant after the gap; one that occurs twice fires at the
// earlier. A monthly schedule on day 29 to 31 fires on the last day of shorter months.
package schedule

import (
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a container has no zone database of its own

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
)

// Units of a period.
const (
	Once  = "once"
	Day   = "day"
	Week  = "week"
	Month = "month"
)

// Units that a period may have.
var Units = []string{Once, Day, Week, Month}

// Layout of a local time on the wire.
const Layout = "2006-01-02 15:04:05"

// Limits.
const (
	MaxPeriod    = 1000
	MaxDuration  = 60 * 24 * 31 // minutes
	MaxBlackouts = 20
	firstYear    = 2000
	lastYear     = 2199
	// mostPassed firings in a row that blackouts or the past swallow before the schedule counts as one that never fires: more
	// than half a year of hourly ones.
	mostPassed = 5000
)

// Schedule is one row. A row without a next instant fires no more.
type Schedule struct {
	bun.BaseModel `bun:"table:schedules,alias:sch"`
	db.Owned
	ID              string      `bun:"id,pk"`
	Product         string      `bun:"product"`
	Name            string      `bun:"name"`
	FirstTime       string      `bun:"first_time"` // Layout, on the clock of Timezone
	Timezone        string      `bun:"timezone"`
	Period          int         `bun:"period"`
	PeriodUnit      string      `bun:"period_unit"`
	RRule           string      `bun:"rrule"` // instead of the period; empty: none
	DurationMinutes int         `bun:"duration_minutes"`
	Blackouts       []Blackout  `bun:"blackouts,type:jsonb"`
	Comment         string      `bun:"comment"`
	NextAt          *clock.Time `bun:"next_at"`
	CreatedBy       *string     `bun:"created_by"`
	CreatedAt       clock.Time  `bun:"created_at"`
	UpdatedAt       clock.Time  `bun:"updated_at"`
}

// RowID breaks ties of a list.
func (s Schedule) RowID() string { return s.ID }

// Timing is a schedule's rule, read and checked. Local times are kept as if they were UTC.
type Timing struct {
	first     time.Time
	zone      *time.Location
	period    int
	unit      string
	rule      *recurrence
	blackouts []window
}

// Timing of the row. Fault kind: invalid, pointing at the attributes; every mistake is told.
func (s *Schedule) Timing() (*Timing, error) {
	var wrong []fault.Detail
	note := func(err error) { wrong = append(wrong, fault.DetailsOf(err)...) }
	t := &Timing{period: s.Period, unit: s.PeriodUnit}
	var err error
	t.zone, err = readZone("/schedule/timezone", s.Timezone)
	note(err)
	t.first, err = readLocal("/schedule/first_time", s.FirstTime)
	note(err)
	switch {
	case s.RRule != "":
		t.unit = ""
	case !slices.Contains(Units, s.PeriodUnit):
		note(fault.At("/schedule/period_unit", "unknown", "period_unit is one of %s.", strings.Join(Units, ", ")))
	case s.Period < 1 || s.Period > MaxPeriod:
		note(fault.At("/schedule/period", "out_of_range", "period is from 1 to %d.", MaxPeriod))
	}
	if len(s.Blackouts) > MaxBlackouts {
		note(fault.At("/schedule/blackouts", "too_many", "A schedule has at most %d blackouts.", MaxBlackouts))
	} else {
		t.blackouts, err = readWindows(s.Blackouts, t.zone)
		note(err)
	}
	if s.RRule != "" && t.zone != nil {
		t.rule, err = readRule(s.RRule, t.first, t.zone)
		note(err)
	}
	if len(wrong) > 0 {
		return nil, fault.All(wrong)
	}
	return t, nil
}

func readZone(pointer, name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || strings.EqualFold(name, "local") || len(name) > 64 {
		return nil, fault.At(pointer, "unknown", "timezone is a name of the IANA database, such as Europe/Vienna.")
	}
	return zone, nil
}

func readLocal(pointer, text string) (time.Time, error) {
	at, err := time.Parse(Layout, text)
	if err != nil || at.Nanosecond() != 0 {
		return time.Time{}, fault.At(pointer, "invalid", "Write a local time as YYYY-MM-DD hh:mm:ss, such as 2030-01-31 22:00:00.")
	}
	if at.Year() < firstYear || at.Year() > lastYear {
		return time.Time{}, fault.At(pointer, "out_of_range", "The year is from %d to %d.", firstYear, lastYear)
	}
	return at, nil
}

// Next firing after an instant; false where there is none any more.
func (t *Timing) Next(after time.Time) (time.Time, bool) {
	all := t.Times(after, 1)
	if len(all) == 0 {
		return time.Time{}, false
	}
	return all[0], true
}

// Times are the next n firings after an instant, in UTC, fewer where the schedule ends.
func (t *Timing) Times(after time.Time, n int) []time.Time {
	var all []time.Time
	last := after
	// The clocks of a zone are turned by less than the margin, so that no firing before it can be after the instant.
	next := t.walk(wall(after, t.zone).Add(-26 * time.Hour))
	for passed := 0; len(all) < n && passed < mostPassed; passed++ {
		local, ok := next()
		if !ok || local.Year() > lastYear {
			break
		}
		at := instant(local, t.zone)
		if !at.After(last) || t.Blocked(at) {
			continue
		}
		all, last, passed = append(all, at), at, 0
	}
	return all
}

// Blocked says whether the instant lies in a blackout.
func (t *Timing) Blocked(at time.Time) bool {
	return slices.ContainsFunc(t.blackouts, func(w window) bool { return w.holds(at) })
}

// Zone of the schedule's clock.
func (t *Timing) Zone() *time.Location { return t.zone }

// walk gives local times in order, beginning at or before the first that is not before from.
func (t *Timing) walk(from time.Time) func() (time.Time, bool) {
	if t.rule != nil {
		return t.rule.walk(from)
	}
	k := t.steps(from)
	return func() (time.Time, bool) {
		if t.unit == Once && k > 0 {
			return time.Time{}, false
		}
		local := t.step(k)
		k++
		return local, true
	}
}

// steps is a number of periods that does not lead beyond from.
func (t *Timing) steps(from time.Time) int {
	if !from.After(t.first) {
		return 0
	}
	switch t.unit {
	case Day, Week:
		return int(from.Sub(t.first)/(24*time.Hour)) / t.days()
	case Month:
		months := (from.Year()-t.first.Year())*12 + int(from.Month()) - int(t.first.Month())
		return max(0, months/t.period-1)
	}
	return 0
}

func (t *Timing) days() int {
	if t.unit == Week {
		return 7 * t.period
	}
	return t.period
}

// step is the local time of the k-th firing, from 0.
func (t *Timing) step(k int) time.Time {
	switch t.unit {
	case Day, Week:
		return t.first.AddDate(0, 0, k*t.days())
	case Month:
		month := time.Date(t.first.Year(), t.first.Month()+time.Month(k*t.period), 1, t.first.Hour(), t.first.Minute(), t.first.Second(), 0, time.UTC)
		last := month.AddDate(0, 1, -1).Day()
		return month.AddDate(0, 0, min(t.first.Day(), last)-1)
	}
	return t.first
}

// wall is what a clock of the zone shows, as if it were UTC.
func wall(at time.Time, zone *time.Location) time.Time {
	l := at.In(zone)
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), 0, time.UTC)
}

// instant at which a clock of the zone first shows the local time, or the first one after the gap that leaves it out.
func instant(local time.Time, zone *time.Location) time.Time {
	at := local.Add(-16 * time.Hour).In(zone) // no zone is further from UTC
	for {
		_, offset := at.Zone()
		start, end := at.ZoneBounds()
		candidate := local.Add(-time.Duration(offset) * time.Second)
		switch {
		case !start.IsZero() && candidate.Before(start):
			return start.UTC()
		case end.IsZero() || candidate.Before(end):
			return candidate.UTC()
		}
		at = end
	}
}
