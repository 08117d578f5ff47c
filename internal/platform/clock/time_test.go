package clock

import (
	"encoding/json"
	"testing"
	"time"
)

func TestTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-01-02T03:04:05Z": "2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05.678901+01:00": "2026-01-02T02:04:05.678Z", "1969-12-31T23:59:59.999Z": "1969-12-31T23:59:59.999Z",
		"0001-01-01T00:00:00Z": "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59Z": "9999-12-31T23:59:59.000Z",
	} {
		var at Time
		if err := json.Unmarshal([]byte(`"`+text+`"`), &at); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if raw, err := json.Marshal(at); err != nil || string(raw) != `"`+want+`"` || at.Time().Location() != time.UTC || At(at.Time()) != at {
			t.Errorf("%s: %s, %v", text, raw, err)
		}
	}
	for _, text := range []string{"", "now", "2026-01-02", "2026-13-02T00:00:00Z"} {
		var at Time
		if at.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is %s", text, at)
		}
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	var c Clock
	before := c.Now()
	c.Move(time.Hour)
	if moved := c.Now().Sub(before); moved < time.Hour || moved > time.Hour+time.Minute || before.Nanosecond()%int(time.Millisecond) != 0 {
		t.Errorf("moved by %s", moved)
	}
	if (*Clock)(nil).Now().IsZero() || Since(Monotonic()) < 0 {
		t.Error("no clock tells no time")
	}
}
