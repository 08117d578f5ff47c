package clock

import (
	"fmt"
	"time"
)

// Time is an instant in milliseconds since 1970 UTC: an integer in both databases, so that comparisons use indexes
// under row security, and ISO 8601 with milliseconds and Z on the wire.
type Time int64

// Layout of a Time on the wire.
const Layout = "2006-01-02T15:04:05.000Z"

// At cuts an instant to milliseconds.
func At(t time.Time) Time { return Time(t.UnixMilli()) }

// AtPointer is At, for a column that may be null.
func AtPointer(t time.Time) *Time {
	at := At(t)
	return &at
}

// Time is the instant in UTC.
func (t Time) Time() time.Time { return time.UnixMilli(int64(t)).UTC() }

// Add moves the instant.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Milliseconds()) }

func (t Time) String() string { return t.Time().Format(Layout) }

// MarshalText writes the wire form.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads RFC 3339.
func (t *Time) UnmarshalText(b []byte) error {
	at, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil {
		return fmt.Errorf("%q is no time; write it as %s", b, Layout)
	}
	*t = At(at)
	return nil
}
