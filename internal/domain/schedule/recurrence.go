package schedule

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/vedette/vedette/internal/platform/fault"
)

// Limits of an RRULE, so that no rule costs more than a moment to follow.
const (
	maxRule     = 500 // characters
	maxCount    = 10_000
	maxHours    = 23 // between firings of an hourly rule
	maxPlaces   = 10 // values of BYSETPOS
	reachedDays = 100 * 366
)

// parts of a rule by frequency, as RFC 5545 section 3.3.10 has them, without what only makes rules that hardly ever fire. An
// hourly rule with chosen hours or months is better written as a daily one.
var parts = map[string][]string{
	"HOURLY":  {"BYDAY", "BYMINUTE", "BYSECOND"},
	"DAILY":   {"BYDAY", "BYMONTH", "BYMONTHDAY", "BYHOUR", "BYMINUTE", "BYSECOND"},
	"WEEKLY":  {"BYDAY", "BYMONTH", "BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS"},
	"MONTHLY": {"BYDAY", "BYMONTH", "BYMONTHDAY", "BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS"},
	"YEARLY":  {"BYDAY", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS"},
}

// recurrence is an RRULE on the local clock, kept as if that were UTC.
type recurrence struct {
	options rrule.ROption
	step    time.Duration // by which its start may be moved without changing the rule; 0: it may not
}

const rulePointer = "/schedule/rrule"

func badRule(format string, args ...any) error {
	return fault.At(rulePointer, "invalid_rrule", format, args...)
}

// readRule reads an RRULE that starts at the local time. Fault kind: invalid.
func readRule(text string, first time.Time, zone *time.Location) (*recurrence, error) {
	if len(text) > maxRule {
		return nil, badRule("The rule is at most %d characters long.", maxRule)
	}
	values, err := split(text)
	if err != nil {
		return nil, err
	}
	if err := allowed(values); err != nil {
		return nil, err
	}
	until := values["UNTIL"]
	delete(values, "UNTIL")
	options, err := rrule.StrToROption(joined(values))
	if err != nil {
		return nil, badRule("This is no RRULE after RFC 5545: one is FREQ=WEEKLY;BYDAY=MO,TH.")
	}
	if options.Until, err = readUntil(until, zone); err != nil {
		return nil, err
	}
	options.Dtstart = first
	r := &recurrence{options: *options, step: stride(*options)}
	if err := r.check(); err != nil {
		return nil, err
	}
	return r, nil
}

// split reads NAME=value;… into a map.
func split(text string) (map[string]string, error) {
	text = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text)), "RRULE:")
	values := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		name, value, ok := strings.Cut(part, "=")
		if !ok || value == "" || values[name] != "" || strings.ContainsAny(part, " \r\n\t:") {
			return nil, badRule("Write the rule as one line of NAME=value, each once, such as FREQ=WEEKLY;BYDAY=MO,TH.")
		}
		values[name] = value
	}
	return values, nil
}

func joined(values map[string]string) string {
	all := make([]string, 0, len(values))
	for name, value := range values {
		all = append(all, name+"="+value)
	}
	return strings.Join(all, ";")
}

// allowed refuses parts that the frequency does not have, and numbers beyond the limits.
func allowed(values map[string]string) error {
	freq := values["FREQ"]
	known, ok := parts[freq]
	if !ok {
		return badRule("FREQ is YEARLY, MONTHLY, WEEKLY, DAILY or HOURLY.")
	}
	for name, value := range values {
		switch {
		case slices.Contains([]string{"FREQ", "UNTIL", "WKST"}, name):
		case name == "INTERVAL":
			most := MaxPeriod
			if freq == "HOURLY" {
				most = maxHours
			}
			if n, err := strconv.Atoi(value); err != nil || n < 1 || n > most {
				return badRule("INTERVAL of FREQ=%s is from 1 to %d.", freq, most)
			}
		case name == "COUNT":
			if n, err := strconv.Atoi(value); err != nil || n < 1 || n > maxCount || values["UNTIL"] != "" {
				return badRule("COUNT is from 1 to %d, and does not stand beside UNTIL.", maxCount)
			}
		case !slices.Contains(known, name):
			return badRule("FREQ=%s takes %s, and INTERVAL, COUNT, UNTIL and WKST.", freq, strings.Join(known, ", "))
		case (name == "BYMINUTE" || name == "BYSECOND") && strings.Contains(value, ","):
			return badRule("%s takes one value: a schedule fires at most once an hour.", name)
		case name == "BYSETPOS" && strings.Count(value, ",") >= maxPlaces:
			return badRule("BYSETPOS takes at most %d values.", maxPlaces)
		case repeats(value):
			return badRule("%s names a value twice.", name)
		}
	}
	return nil
}

func repeats(value string) bool {
	all := strings.Split(value, ",")
	slices.Sort(all)
	return len(slices.Compact(all)) < strings.Count(value, ",")+1
}

// readUntil gives the local time of an UNTIL, which is a day (all of it), a local time, or an instant in UTC.
func readUntil(text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse("20060102T150405Z", text); err == nil {
		return wall(at, zone), nil
	}
	if at, err := time.Parse("20060102T150405", text); err == nil {
		return at, nil
	}
	if at, err := time.Parse("20060102", text); err == nil {
		return at.Add(24*time.Hour - time.Second), nil
	}
	return time.Time{}, badRule("UNTIL is a day or a time, such as 20301231 or 20301231T220000Z.")
}

// stride is the step by which the start of a rule can be moved. Months and years depend on the day at which they start, and a
// count on all firings before; they are few.
func stride(o rrule.ROption) time.Duration {
	if o.Count > 0 {
		return 0
	}
	n := time.Duration(max(1, o.Interval))
	switch o.Freq {
	case rrule.HOURLY:
		return n * time.Hour
	case rrule.DAILY:
		return n * 24 * time.Hour
	case rrule.WEEKLY:
		return n * 7 * 24 * time.Hour
	}
	return 0
}

// check refuses what can't be followed, and rules that never fire: finding that out would take until the year 9999.
func (r *recurrence) check() error {
	o := r.options
	if o.Freq > rrule.MONTHLY && slices.ContainsFunc(o.Byweekday, func(d rrule.Weekday) bool { return d.N() != 0 }) {
		return badRule("BYDAY with numbers needs FREQ=MONTHLY or FREQ=YEARLY.")
	}
	most := max(1, len(o.Byweekday)) * max(1, len(o.Byhour))
	if o.Freq == rrule.WEEKLY && slices.ContainsFunc(o.Bysetpos, func(n int) bool { return max(n, -n) > most }) {
		return badRule("BYSETPOS of this rule is at most %d: a week has no more firings.", most)
	}
	rule, err := rrule.NewRRule(o)
	if err != nil {
		return badRule("A number of the rule is out of its range.")
	}
	if o.Freq == rrule.DAILY && !r.reached() {
		return badRule("The rule never fires.")
	}
	if _, ok := rule.Iterator()(); !ok {
		return badRule("The rule never fires.")
	}
	return nil
}

// reached says whether a daily rule meets a day that it allows within a hundred years.
func (r *recurrence) reached() bool {
	o, n := r.options, max(1, r.options.Interval)
	for day := 0; day < reachedDays; day += n {
		at := o.Dtstart.AddDate(0, 0, day)
		left := at.AddDate(0, 1, -at.Day()).Day() - at.Day() + 1 // days to the end of the month, this one counted
		if (len(o.Bymonth) == 0 || slices.Contains(o.Bymonth, int(at.Month()))) &&
			(len(o.Bymonthday) == 0 || slices.Contains(o.Bymonthday, at.Day()) || slices.Contains(o.Bymonthday, -left)) &&
			(len(o.Byweekday) == 0 || slices.ContainsFunc(o.Byweekday, func(d rrule.Weekday) bool { return d.Day() == (int(at.Weekday())+6)%7 })) {
			return true
		}
	}
	return false
}

// walk gives the rule's local times in order, beginning at or before the first that is not before from.
func (r *recurrence) walk(from time.Time) func() (time.Time, bool) {
	o := r.options
	if ahead := from.Sub(o.Dtstart); r.step > 0 && ahead > r.step {
		o.Dtstart = o.Dtstart.Add(ahead.Truncate(r.step) - r.step)
	}
	rule, err := rrule.NewRRule(o)
	if err != nil {
		return func() (time.Time, bool) { return time.Time{}, false } // it was made before
	}
	next := rule.Iterator()
	return func() (time.Time, bool) {
		for {
			at, ok := next()
			if !ok || !at.Before(from) {
				return at, ok
			}
		}
	}
}
