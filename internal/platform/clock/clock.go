// Package clock is the only place that asks the machine for the time, so that tests can move it.
package clock

import (
	"sync/atomic"
	"time"
)

// Clock tells the time. The zero value is the machine's clock.
type Clock struct {
	offset atomic.Int64
}

// Now is the present in UTC, cut to milliseconds, which is what both databases and the wire keep.
func (c *Clock) Now() time.Time {
	var offset time.Duration
	if c != nil {
		offset = time.Duration(c.offset.Load())
	}
	return time.Now().Add(offset).UTC().Truncate(time.Millisecond)
}

// Move shifts this clock; only tests call it.
func (c *Clock) Move(d time.Duration) { c.offset.Add(int64(d)) }

// Now is the machine's time for code with no clock of its own, such as the scan engine.
func Now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// Monotonic is an instant fit for measuring how long something took.
func Monotonic() time.Time { return time.Now() }

// Since is the time that has passed since an instant of Monotonic.
func Since(t time.Time) time.Duration { return time.Since(t) }
