package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/platform/fault"
)

// Blackout is a window of the week in which nothing starts: from start until just before end, on the days on which it begins.
type Blackout struct {
	Start    string   `json:"start" example:"08:00" doc:"hh:mm"`
	End      string   `json:"end" example:"18:00" doc:"hh:mm, to 24:00; not after start: on the next day"`
	Days     []string `json:"days,omitempty" maxItems:"7" example:"[\"mon\",\"tue\"]" doc:"mon, tue, wed, thu, fri, sat, sun: on which it begins; none: every day"`
	Timezone string   `json:"timezone,omitempty" doc:"IANA name; default: the schedule's"`
}

// Days of a blackout, by time.Weekday.
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// window is a blackout, read. Times are seconds since midnight.
type window struct {
	start, end int
	days       [7]bool
	zone       *time.Location
}

func readWindows(all []Blackout, zone *time.Location) ([]window, error) {
	var wrong []fault.Detail
	windows := make([]window, 0, len(all))
	for i, b := range all {
		w, err := b.read(fmt.Sprintf("/schedule/blackouts/%d", i), zone)
		wrong = append(wrong, fault.DetailsOf(err)...)
		windows = append(windows, w)
	}
	return windows, fault.All(wrong)
}

func (b Blackout) read(pointer string, zone *time.Location) (window, error) {
	w := window{zone: zone}
	var ok bool
	if w.start, ok = secondOfDay(b.Start); !ok || w.start == secondsADay {
		return w, fault.At(pointer+"/start", "invalid", "Write the start as hh:mm, from 00:00 to 23:59.")
	}
	if w.end, ok = secondOfDay(b.End); !ok {
		return w, fault.At(pointer+"/end", "invalid", "Write the end as hh:mm, from 00:00 to 24:00.")
	}
	if b.Timezone != "" {
		var err error
		if w.zone, err = readZone(pointer+"/timezone", b.Timezone); err != nil {
			return w, err
		}
	}
	for _, d := range b.Days {
		i := slices.Index(weekdays, strings.ToLower(d))
		if i < 0 {
			return w, fault.At(pointer+"/days", "unknown", "Days are mon, tue, wed, thu, fri, sat and sun.")
		}
		w.days[i] = true
	}
	if len(b.Days) == 0 {
		w.days = [7]bool{true, true, true, true, true, true, true}
	}
	return w, nil
}

const secondsADay = 24 * 60 * 60

func secondOfDay(text string) (int, bool) {
	if len(text) != 5 || text[2] != ':' {
		return 0, false
	}
	h, err := strconv.ParseUint(text[:2], 10, 8)
	m, err2 := strconv.ParseUint(text[3:], 10, 8)
	if err != nil || err2 != nil || h > 24 || m > 59 || (h == 24 && m > 0) {
		return 0, false
	}
	return int(h)*3600 + int(m)*60, true
}

// holds says whether the instant lies in the window.
func (w window) holds(at time.Time) bool {
	l := at.In(w.zone)
	second, day := l.Hour()*3600+l.Minute()*60+l.Second(), int(l.Weekday())
	if w.start < w.end {
		return w.days[day] && second >= w.start && second < w.end
	}
	return (w.days[day] && second >= w.start) || (w.days[(day+6)%7] && second < w.end)
}

// longestDark is how long blackouts can last without a break and still end: a week has no more different days.
const longestDark = 8 * 24 * time.Hour

// FreeAt is the first full minute from an instant on that lies in no blackout; eight days later where there is none.
func (t *Timing) FreeAt(at time.Time) time.Time {
	end := at.Add(longestDark)
	for at = at.Truncate(time.Minute).Add(time.Minute); at.Before(end) && t.Blocked(at); at = at.Add(time.Minute) {
	}
	return at
}
