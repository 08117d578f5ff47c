package schedule

import (
	"context"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

// Limits of the list of firings.
const (
	MaxTimes     = 100
	defaultTimes = 10
)

// TimingAttributes are those of a schedule that its times depend on.
type TimingAttributes struct {
	FirstTime  string     `json:"first_time,omitempty" example:"2030-01-07 22:00:00" doc:"Default: after"`
	Timezone   string     `json:"timezone" example:"Europe/Vienna"`
	Period     int        `json:"period,omitempty" minimum:"0" maximum:"1000"`
	PeriodUnit string     `json:"period_unit,omitempty" enum:"once,day,week,month"`
	RRule      string     `json:"rrule,omitempty" maxLength:"500"`
	Blackouts  []Blackout `json:"blackouts,omitempty" maxItems:"20"`
	After      string     `json:"after,omitempty" doc:"A local time of the timezone, or RFC 3339; default: now"`
}

type firstInput struct {
	Body struct {
		Schedule TimingAttributes `json:"schedule"`
	}
}

type nextInput struct {
	Body struct {
		Schedule TimingAttributes `json:"schedule"`
		Count    int              `json:"count,omitempty" minimum:"1" maximum:"100" doc:"Default 10"`
	}
}

// FirstTime is the answer of the first calculator.
type FirstTime struct {
	FirstTime    *string     `json:"first_time" example:"2030-01-07 22:00:00" doc:"On the schedule's clock"`
	FirstTimeUTC *clock.Time `json:"first_time_utc" format:"date-time"`
}

// NextTimes is the answer of the second calculator.
type NextTimes struct {
	NextTimes    []string     `json:"next_times" doc:"On the schedule's clock"`
	NextTimesUTC []clock.Time `json:"next_times_utc"`
}

func firstTime(ctx context.Context, open op.Opener, in *firstInput) (FirstTime, error) {
	all, err := calculate(ctx, open, in.Body.Schedule, 1)
	if err != nil || len(all.NextTimes) == 0 {
		return FirstTime{}, err
	}
	return FirstTime{&all.NextTimes[0], &all.NextTimesUTC[0]}, nil
}

func nextTimes(ctx context.Context, open op.Opener, in *nextInput) (NextTimes, error) {
	n := in.Body.Count
	if n == 0 {
		n = defaultTimes
	}
	return calculate(ctx, open, in.Body.Schedule, min(n, MaxTimes))
}

func calculate(ctx context.Context, open op.Opener, a TimingAttributes, n int) (NextTimes, error) {
	var now time.Time
	err := open.Read(ctx, func(tx *db.Tx) error {
		now = tx.Now().Time()
		return nil
	})
	if err != nil {
		return NextTimes{}, err
	}
	return a.times(now, n)
}

// times are the n firings that are not before after, or now where that is not sent.
func (a TimingAttributes) times(now time.Time, n int) (NextTimes, error) {
	out := NextTimes{NextTimes: []string{}, NextTimesUTC: []clock.Time{}}
	zone, err := readZone("/schedule/timezone", a.Timezone)
	if err != nil {
		return out, err
	}
	after, err := a.after(now, zone)
	if err != nil {
		return out, err
	}
	s := Schedule{FirstTime: a.FirstTime, Timezone: a.Timezone, Blackouts: a.Blackouts}
	if s.FirstTime == "" {
		s.FirstTime = wall(after.Add(time.Second-1), zone).Format(Layout) // the next whole second
	}
	var period op.Field[int]
	var unit, rule op.Field[string]
	if a.Period != 0 || a.PeriodUnit != "" {
		period, unit = sent(a.Period), sent(a.PeriodUnit)
	}
	if a.RRule != "" {
		rule = sent(a.RRule)
	}
	if err := s.recur(period, unit, rule); err != nil {
		return out, err
	}
	t, err := s.Timing()
	if err != nil {
		return out, err
	}
	for _, at := range t.Times(after.Add(-1), n) {
		out.NextTimes = append(out.NextTimes, at.In(zone).Format(Layout))
		out.NextTimesUTC = append(out.NextTimesUTC, clock.At(at))
	}
	return out, nil
}

func (a TimingAttributes) after(now time.Time, zone *time.Location) (time.Time, error) {
	if a.After == "" {
		return now, nil
	}
	if at, err := time.Parse(time.RFC3339, a.After); err == nil && at.Year() >= firstYear && at.Year() <= lastYear {
		return at, nil
	}
	local, err := readLocal("/schedule/after", a.After)
	if err != nil {
		return time.Time{}, fault.At("/schedule/after", "invalid", "Write after as YYYY-MM-DD hh:mm:ss on the schedule's clock, or as RFC 3339.")
	}
	return instant(local, zone), nil
}
