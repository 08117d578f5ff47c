package schedule

import (
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
)

// Grace is how late a firing that was missed is still caught up with.
const Grace = 24 * time.Hour

// Firing is what becomes of a schedule that is due.
type Firing struct {
	Due    clock.Time  // the last firing up to now
	Fires  bool        // it starts; otherwise it is passed over: too late, or in a blackout now
	Next   *clock.Time // nil: none any more
	StopAt *clock.Time // when what starts has to end; nil: no limit
}

// Fire tells what a schedule that is due does now: of the firings that were missed the last one starts if it is less than a day
// late.
func (s *Schedule) Fire(now clock.Time) (Firing, error) {
	t, err := s.Timing()
	if err != nil {
		return Firing{}, err
	}
	f := Firing{Due: *s.NextAt, Next: next(t, now)}
	for at := range missed(t, f.Due, now) {
		f.Due = at
	}
	f.Fires = now-f.Due < clock.Time(Grace.Milliseconds()) && !t.Blocked(now.Time())
	if s.DurationMinutes > 0 {
		at := now.Add(time.Duration(s.DurationMinutes) * time.Minute)
		f.StopAt = &at
	}
	return f, nil
}

// missed firings after one, as far as they lie within the grace.
func missed(t *Timing, due, now clock.Time) func(func(clock.Time) bool) {
	from := max(due, now.Add(-Grace))
	return func(yield func(clock.Time) bool) {
		for {
			at, ok := t.Next(from.Time())
			if !ok || clock.At(at) > now || !yield(clock.At(at)) {
				return
			}
			from = clock.At(at)
		}
	}
}

func next(t *Timing, after clock.Time) *clock.Time {
	at, ok := t.Next(after.Time())
	if !ok {
		return nil
	}
	return clock.AtPointer(at)
}
