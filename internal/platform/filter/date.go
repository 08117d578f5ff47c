package filter

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
)

// ParseTime reads "YYYY-MM-DD hh:mm:ss" and "YYYY-MM-DD" in the zone, and RFC 3339.
func ParseTime(text string, zone *time.Location) (time.Time, error) {
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("A time is written YYYY-MM-DD hh:mm:ss, or as in RFC 3339, not %q.", clip(text))
}

// dates reads date_range_start, date_range_end, relative_date_range and date_column.
func (p *parser) dates() {
	start, end := p.values.Get("date_range_start"), p.values.Get("date_range_end")
	relative, name := p.values.Get("relative_date_range"), p.values.Get("date_column")
	if start == "" && end == "" && relative == "" {
		return
	}
	if name == "" {
		name = p.query.columns.Date
	}
	c, ok := p.query.columns.Find(name)
	if !ok || c.Kind != Moment {
		p.wrong("date_column", "unknown_column", "date_column is one of %s.", strings.Join(p.moments(), ", "))
		return
	}
	if relative != "" {
		from, to, err := Relative(relative, p.now, p.zone)
		if err != nil {
			p.wrong("relative_date_range", "bad_value", "%s", err)
			return
		}
		p.bound(c, ">=", from)
		p.bound(c, "<", to)
	}
	p.edge("date_range_start", start, c, ">=")
	p.edge("date_range_end", end, c, "<=")
}

func (p *parser) moments() []string {
	var names []string
	for _, c := range p.query.columns.All {
		if c.Kind == Moment {
			names = append(names, c.Name)
		}
	}
	return names
}

func (p *parser) edge(parameter, text string, c Column, op string) {
	if text == "" {
		return
	}
	text, _ = unquote(text)
	at, err := ParseTime(text, p.zone)
	if err != nil {
		p.wrong(parameter, "bad_value", "%s", err)
		return
	}
	if op == "<=" && len(text) == len("2006-01-02") {
		op, at = "<", at.AddDate(0, 0, 1)
	}
	p.bound(c, op, at)
}

func (p *parser) bound(c Column, op string, at time.Time) {
	p.query.conditions = append(p.query.conditions, condition{c, []test{{op: op, value: int64(clock.At(at))}}})
}

var (
	relativeSpan    = regexp.MustCompile(`^(\d{1,6})([smhdMy])$`)
	relativeQuarter = regexp.MustCompile(`^([1-4])q(\d{4})?$`)
)

// Relative reads "10d", the last ten days until now (units s m h d M y), and "1q2020", the first quarter of 2020 (of
// this year without one). The end is exclusive.
func Relative(text string, now time.Time, zone *time.Location) (from, to time.Time, err error) {
	now = now.In(zone)
	if m := relativeQuarter.FindStringSubmatch(text); m != nil {
		quarter, _ := strconv.Atoi(m[1])
		year := now.Year()
		if m[2] != "" {
			year, _ = strconv.Atoi(m[2])
		}
		from = time.Date(year, time.Month(quarter*3-2), 1, 0, 0, 0, 0, zone)
		return from, from.AddDate(0, 3, 0), nil
	}
	m := relativeSpan.FindStringSubmatch(text)
	if m == nil {
		return from, to, fmt.Errorf("relative_date_range is a number and a unit (s m h d M y), such as 10d, or a quarter, such as 1q2020, not %q.", clip(text))
	}
	n, _ := strconv.Atoi(m[1])
	to = now.Add(time.Millisecond)
	seconds := []string{"s", "m", "h"}
	if i := slices.Index(seconds, m[2]); i >= 0 {
		return now.Add(-time.Duration(n) * []time.Duration{time.Second, time.Minute, time.Hour}[i]), to, nil
	}
	switch m[2] {
	case "d":
		return now.AddDate(0, 0, -n), to, nil
	case "M":
		return now.AddDate(0, -min(n, 12_000), 0), to, nil
	}
	return now.AddDate(-min(n, 1000), 0, 0), to, nil
}
