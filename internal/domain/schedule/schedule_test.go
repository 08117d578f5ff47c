package schedule

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/fault"
)

func timing(t *testing.T, s Schedule) *Timing {
	t.Helper()
	got, err := s.Timing()
	if err != nil {
		t.Fatalf("%+v: %v", s, fault.DetailsOf(err))
	}
	return got
}

func utc(text string) time.Time {
	at, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return at
}

// TestClocksTurned holds the known edges of three zones.
func TestClocksTurned(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, first, unit, rrule, after string
		want                            []string // UTC
	}{
		{"Europe/Vienna", "2026-03-28 02:30:00", Day, "", "2026-03-28 00:00", []string{"2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"}},
		{"Europe/Vienna", "2026-10-24 02:30:00", Day, "", "2026-10-24 00:00", []string{"2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"}},
		{"America/New_York", "2026-03-07 02:30:00", "", "FREQ=DAILY", "2026-03-07 00:00", []string{"2026-03-07 07:30", "2026-03-08 07:00", "2026-03-09 06:30"}},
		{"Australia/Lord_Howe", "2026-10-03 02:15:00", Day, "", "2026-10-02 00:00", []string{"2026-10-02 15:45", "2026-10-03 15:30", "2026-10-04 15:15"}},
		{"Pacific/Apia", "2011-12-29 12:00:00", Day, "", "2011-12-29 00:00", []string{"2011-12-29 22:00", "2011-12-30 10:00", "2011-12-30 22:00"}},
		{"UTC", "2027-01-31 05:00:00", Month, "", "2027-01-31 05:00", []string{"2027-02-28 05:00", "2027-03-31 05:00", "2027-04-30 05:00"}},
		{"UTC", "2027-01-31 05:00:00", "", "FREQ=MONTHLY", "2027-01-31 05:00", []string{"2027-03-31 05:00", "2027-05-31 05:00"}},
		{"Europe/Vienna", "2026-01-01 09:00:00", "", "FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", "2025-01-01 00:00", []string{"2026-01-30 08:00", "2026-02-27 08:00", "2026-03-27 08:00"}},
		{"Europe/Vienna", "2026-01-01 09:00:00", "", "rrule:freq=daily;until=20260102", "2025-01-01 00:00", []string{"2026-01-01 08:00", "2026-01-02 08:00"}},
		{"Asia/Tokyo", "2026-01-01 09:00:00", "", "FREQ=DAILY;UNTIL=20260101T235959Z", "2025-01-01 00:00", []string{"2026-01-01 00:00"}},
		{"UTC", "2026-01-01 00:00:00", "", "FREQ=HOURLY;INTERVAL=6;BYDAY=FR", "2030-01-01 00:00", []string{"2030-01-04 00:00", "2030-01-04 06:00"}},
		{"UTC", "2026-01-01 00:00:00", Once, "", "2025-01-01 00:00", []string{"2026-01-01 00:00"}},
	} {
		tm := timing(t, Schedule{FirstTime: c.first, Timezone: c.zone, Period: 1, PeriodUnit: c.unit, RRule: c.rrule})
		n := len(c.want)
		if c.unit == Once || strings.Contains(strings.ToUpper(c.rrule), "COUNT") || strings.Contains(strings.ToUpper(c.rrule), "UNTIL") {
			n += 5
		}
		var got []string
		for _, at := range tm.Times(utc(c.after), n) {
			got = append(got, at.Format("2006-01-02 15:04"))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s %s %s%s fires at %v, not %v", c.zone, c.first, c.unit, c.rrule, got, c.want)
		}
	}
}

func TestBlackouts(t *testing.T) {
	t.Parallel()
	tm := timing(t, Schedule{FirstTime: "2026-06-01 22:30:00", Timezone: "Europe/Vienna", Period: 1, PeriodUnit: Day, Blackouts: []Blackout{
		{Start: "22:00", End: "06:00", Days: []string{"mon", "TUE"}},
		{Start: "20:00", End: "21:00", Timezone: "UTC", Days: []string{"fri"}},
	}})
	var got []string
	for _, at := range tm.Times(utc("2026-05-31 00:00"), 3) { // 1 June is a Monday
		got = append(got, at.Format("2006-01-02 15:04"))
	}
	if want := []string{"2026-06-03 20:30", "2026-06-04 20:30", "2026-06-06 20:30"}; !slices.Equal(got, want) {
		t.Errorf("fires at %v, not %v", got, want)
	}
	for at, want := range map[string]bool{"2026-06-02 02:00": true, "2026-06-01 02:00": false, "2026-06-03 03:59": true, "2026-06-03 04:00": false} {
		if tm.Blocked(utc(at)) != want {
			t.Errorf("blocked at %s: %v", at, !want)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	good := Schedule{FirstTime: "2026-06-01 22:30:00", Timezone: "Europe/Vienna", Period: 1, PeriodUnit: Day}
	for name, c := range map[string]struct {
		change  func(*Schedule)
		pointer string
	}{
		"no zone":      {func(s *Schedule) { s.Timezone = "" }, "/schedule/timezone"},
		"machine zone": {func(s *Schedule) { s.Timezone = "Local" }, "/schedule/timezone"},
		"path":         {func(s *Schedule) { s.Timezone = "../../etc/passwd" }, "/schedule/timezone"},
		"no day":       {func(s *Schedule) { s.FirstTime = "2026-02-30 10:00:00" }, "/schedule/first_time"},
		"fraction":     {func(s *Schedule) { s.FirstTime = "2026-02-03 10:00:00.5" }, "/schedule/first_time"},
		"year":         {func(s *Schedule) { s.FirstTime = "1969-02-03 10:00:00" }, "/schedule/first_time"},
		"unit":         {func(s *Schedule) { s.PeriodUnit = "year" }, "/schedule/period_unit"},
		"period":       {func(s *Schedule) { s.Period = 1001 }, "/schedule/period"},
		"start":        {func(s *Schedule) { s.Blackouts = []Blackout{{Start: "24:00", End: "10:00"}} }, "/schedule/blackouts/0/start"},
		"end":          {func(s *Schedule) { s.Blackouts = []Blackout{{Start: "10:00", End: "24:01"}} }, "/schedule/blackouts/0/end"},
		"day":          {func(s *Schedule) { s.Blackouts = []Blackout{{Start: "10:00", End: "12:00", Days: []string{"noday"}}} }, "/schedule/blackouts/0/days"},
		"many":         {func(s *Schedule) { s.Blackouts = make([]Blackout, 21) }, "/schedule/blackouts"},
	} {
		s := good
		c.change(&s)
		_, err := s.Timing()
		if d := fault.DetailsOf(err); len(d) != 1 || d[0].Pointer != c.pointer {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRulesRefused(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{
		"FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=HOURLY;BYMINUTE=1,2,3", "FREQ=DAILY;BYSECOND=1,2", "FREQ=HOURLY;INTERVAL=24", "FREQ=DAILY;INTERVAL=0",
		"FREQ=DAILY;INTERVAL=1001", "FREQ=DAILY;COUNT=10001", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=2;UNTIL=20300101", "FREQ=DAILY;UNTIL=soon", "", "DAILY",
		"FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY\nDTSTART:20260101T000000", "FREQ=DAILY;DTSTART=20260101T000000", "FREQ=DAILY;BYSETPOS=1", "FREQ=WEEKLY;BYMONTHDAY=1",
		"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31", "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
		"FREQ=DAILY;BYDAY=1MO", "FREQ=WEEKLY;BYDAY=2MO", "FREQ=DAILY;BYMONTH=13", "FREQ=MONTHLY;BYSETPOS=0;BYDAY=MO", "FREQ=YEARLY;BYEASTER=1", "FREQ=MONTHLY;BYDAY=99MO",
		"FREQ=DAILY;BYHOUR=24", "FREQ=DAILY;UNTIL=20200101", "FREQ=DAILY;X=1", "FREQ=MONTHLY;BYSETPOS=300;BYDAY=MO", "FREQ=WEEKLY;BYSETPOS=2", "FREQ=WEEKLY;BYDAY=MO,MO", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1,2,3,4,5,-1,-2,-3,-4,-5,9",
		"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=0,1,2;BYSETPOS=1,2,3,4,5,6,7,8,9,366", "FREQ=MONTHLY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12;BYSETPOS=366,365,364,363,362,361,360,359,358,357",
		strings.Repeat("FREQ=DAILY;", 100),
	} {
		s := Schedule{FirstTime: "2026-06-01 22:30:00", Timezone: "UTC", RRule: rule} // a Monday
		_, err := s.Timing()
		if d := fault.DetailsOf(err); len(d) != 1 || (d[0].Pointer != rulePointer && rule != "") {
			t.Errorf("%q: %v", rule, err)
		}
	}
}

// TestFire holds the rule of what was missed.
func TestFire(t *testing.T) {
	t.Parallel()
	daily := Schedule{FirstTime: "2026-06-01 10:00:00", Timezone: "UTC", Period: 1, PeriodUnit: Day}
	weekly, noon := daily, daily
	weekly.PeriodUnit = Week
	noon.Blackouts, noon.DurationMinutes = []Blackout{{Start: "11:00", End: "13:00"}}, 30
	for _, c := range []struct {
		s              Schedule
		due, now       string
		wantDue, wants string
		fires          bool
	}{
		{daily, "2026-06-01 10:00", "2026-06-01 10:00", "2026-06-01 10:00", "2026-06-02 10:00", true},
		{daily, "2026-06-01 10:00", "2026-06-04 11:00", "2026-06-04 10:00", "2026-06-05 10:00", true},
		{weekly, "2026-06-01 10:00", "2026-06-02 09:59", "2026-06-01 10:00", "2026-06-08 10:00", true},
		{weekly, "2026-06-01 10:00", "2026-06-02 10:00", "2026-06-01 10:00", "2026-06-08 10:00", false},
		{weekly, "2026-06-01 10:00", "2026-06-09 09:00", "2026-06-08 10:00", "2026-06-15 10:00", true},
		{noon, "2026-06-01 10:00", "2026-06-01 12:00", "2026-06-01 10:00", "2026-06-02 10:00", false},
	} {
		c.s.NextAt = clock.AtPointer(utc(c.due))
		now := clock.At(utc(c.now))
		f, err := c.s.Fire(now)
		if err != nil || f.Due != clock.At(utc(c.wantDue)) || *f.Next != clock.At(utc(c.wants)) || f.Fires != c.fires {
			t.Errorf("%+v at %s: %+v, %v", c.s, c.now, f, err)
		}
		if c.s.DurationMinutes > 0 && *f.StopAt != now.Add(30*time.Minute) {
			t.Errorf("stops at %v", f.StopAt)
		}
	}
}

func TestCalculators(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 1, 10, 0, 0, 500e6, time.UTC)
	for name, c := range map[string]struct {
		in   TimingAttributes
		want string
	}{
		"from now, at the next second": {TimingAttributes{Timezone: "Europe/Vienna", PeriodUnit: Day}, "2026-06-01 12:00:01"},
		"after a local time":           {TimingAttributes{Timezone: "Europe/Vienna", PeriodUnit: Day, FirstTime: "2026-01-01 08:00:00", After: "2026-06-01 08:00:00"}, "2026-06-01 08:00:00"},
		"after an instant":             {TimingAttributes{Timezone: "Europe/Vienna", PeriodUnit: Day, FirstTime: "2026-01-01 08:00:00", After: "2026-06-01T08:00:00Z"}, "2026-06-02 08:00:00"},
		"a rule":                       {TimingAttributes{Timezone: "Europe/Vienna", RRule: "FREQ=WEEKLY;BYDAY=WE;BYHOUR=3;BYMINUTE=0;BYSECOND=0"}, "2026-06-03 03:00:00"},
		"over":                         {TimingAttributes{Timezone: "Europe/Vienna", FirstTime: "2026-01-01 08:00:00"}, ""},
	} {
		got, err := c.in.times(now, 1)
		if err != nil || strings.Join(got.NextTimes, " ") != c.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for _, in := range []TimingAttributes{{}, {Timezone: "UTC", After: "tomorrow"}, {Timezone: "UTC", RRule: "FREQ=DAILY", PeriodUnit: Day}} {
		if _, err := in.times(now, 1); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", in, err)
		}
	}
}

// zones of the property: whole, half and quarter hours, both hemispheres, changes at midnight, of half an hour, and of a day.
var zones = strings.Fields(`Africa/Cairo Africa/Casablanca Africa/Johannesburg Africa/Lagos Africa/Nairobi America/Adak America/Anchorage America/Argentina/Buenos_Aires
	America/Asuncion America/Bogota America/Caracas America/Chicago America/Denver America/Halifax America/Havana America/Los_Angeles America/Mexico_City America/New_York
	America/Nuuk America/Phoenix America/Santiago America/Sao_Paulo America/St_Johns Antarctica/Troll Asia/Amman Asia/Beirut Asia/Dubai Asia/Gaza Asia/Jerusalem
	Asia/Kathmandu Asia/Kolkata Asia/Pyongyang Asia/Shanghai Asia/Tehran Asia/Tokyo Atlantic/Azores Australia/Adelaide Australia/Lord_Howe Australia/Sydney Europe/Dublin
	Europe/Istanbul Europe/London Europe/Moscow Europe/Vienna Pacific/Apia Pacific/Auckland Pacific/Chatham Pacific/Fiji Pacific/Norfolk UTC`)

// enumerate is the slow way: day after day, asks of each what a person with a calendar would, and finds the instant by looking
// at what the zone's clock shows, minute after minute around it.
func enumerate(zone *time.Location, first time.Time, days int, fires func(day time.Time, n int) bool) []time.Time {
	var all []time.Time
	for n := range days {
		day := time.Date(first.Year(), first.Month(), first.Day()+n, 0, 0, 0, 0, time.UTC)
		if !fires(day, n) {
			continue
		}
		at := shown(zone, day.Year(), day.Month(), day.Day(), first.Hour(), first.Minute())
		if len(all) == 0 || at.After(all[len(all)-1]) {
			all = append(all, at)
		}
	}
	return all
}

// shown is the first instant at which the clock shows the time or a later one of the days around.
func shown(zone *time.Location, y int, m time.Month, d, hour, minute int) time.Time {
	want := fmt.Sprintf("%04d-%02d-%02d %02d:%02d", y, m, d, hour, minute)
	at := time.Date(y, m, d, hour, minute, 0, 0, zone)
	if at.Format("2006-01-02 15:04") == want && at.Add(-26*time.Hour).Format("-0700") == at.Add(26*time.Hour).Format("-0700") {
		return at.UTC() // the clocks are not turned anywhere near
	}
	for at = at.Add(-26 * time.Hour); at.Format("2006-01-02 15:04") < want; at = at.Add(time.Minute) {
	}
	return at.UTC()
}

// TestAgainstEnumeration compares twenty years in fifty zones with the slow way.
func TestAgainstEnumeration(t *testing.T) {
	t.Parallel()
	if len(zones) != 50 {
		t.Fatalf("%d zones", len(zones))
	}
	const days = 20 * 365
	patterns := []struct {
		unit   string
		period int
		rrule  string
		fires  func(first time.Time) func(day time.Time, n int) bool
	}{
		{Day, 3, "", func(time.Time) func(time.Time, int) bool { return func(_ time.Time, n int) bool { return n%3 == 0 } }},
		{Week, 2, "", func(time.Time) func(time.Time, int) bool { return func(_ time.Time, n int) bool { return n%14 == 0 } }},
		{Month, 1, "", func(first time.Time) func(time.Time, int) bool {
			return func(day time.Time, _ int) bool {
				tomorrow := day.AddDate(0, 0, 1)
				return day.Day() == first.Day() || (tomorrow.Day() == 1 && day.Day() < first.Day())
			}
		}},
		{"", 0, "FREQ=DAILY", func(time.Time) func(time.Time, int) bool { return func(time.Time, int) bool { return true } }},
		{"", 0, "FREQ=MONTHLY;BYDAY=-1SU,2SA", func(time.Time) func(time.Time, int) bool {
			return func(day time.Time, _ int) bool {
				return (day.Weekday() == time.Sunday && day.AddDate(0, 0, 7).Month() != day.Month()) ||
					(day.Weekday() == time.Saturday && day.Day() > 7 && day.Day() < 15)
			}
		}},
	}
	for i, name := range zones {
		h := fnv.New32a()
		_, _ = h.Write([]byte(name))
		seed := int(h.Sum32() % 1000)
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		p := patterns[i%len(patterns)]
		if i%2 == 1 {
			p = patterns[3] // every day, so that each change of clocks is met
		}
		first := time.Date(2007+seed%3, time.Month(1+seed%12), 28+seed%4, seed%4, 15*(seed%4), 0, 0, time.UTC) // where clocks are turned
		want := enumerate(zone, first, days, p.fires(first))
		tm := timing(t, Schedule{FirstTime: first.Format(Layout), Timezone: name, Period: p.period, PeriodUnit: p.unit, RRule: p.rrule})
		got := tm.Times(first.AddDate(0, 0, -3), len(want))
		for k := range want {
			if k >= len(got) || !got[k].Equal(want[k]) {
				t.Errorf("%s from %s by %s%s: firing %d of %d is %v, not %v", name, first.Format(Layout), p.unit, p.rrule, k, len(want), got[min(k, len(got)-1)], want[k])
				break
			}
		}
		for k := 0; k+1 < len(want); k += 97 { // asked in the midst, it answers the same
			if at, ok := tm.Next(want[k]); !ok || !at.Equal(want[k+1]) {
				t.Errorf("%s: after %v comes %v, not %v", name, want[k], at, want[k+1])
			}
		}
	}
}

func FuzzRule(f *testing.F) {
	for _, seed := range []string{"FREQ=DAILY", "FREQ=MONTHLY;BYDAY=-1FR;COUNT=5", "RRULE:FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;WKST=SU", "FREQ=HOURLY;INTERVAL=5;UNTIL=20300101T000000Z",
		"FREQ=WEEKLY;BYDAY=MO,TU;BYHOUR=1,2;BYSETPOS=-1", "FREQ=YEARLY;BYYEARDAY=-1,366"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, rule string) {
		s := Schedule{FirstTime: "2026-06-01 22:30:00", Timezone: "Europe/Vienna", RRule: rule}
		if tm, err := s.Timing(); err != nil && !fault.Is(err, fault.Invalid) {
			t.Fatal(err)
		} else if err == nil {
			after := utc("2031-01-01 00:00")
			for _, at := range tm.Times(after, 5) {
				if !at.After(after) {
					t.Fatalf("%q: %v is not after %v", rule, at, after)
				}
				after = at
			}
		}
	})
}
