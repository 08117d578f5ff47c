package scan

import (
	"strings"
	"time"

	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
)

// rescanFailed as when_run: only after a run that did not pass. Any other word: after whichever run.
const rescanFailed = "failed"

// allowance is what the plan says about scanning again within its period: a rescan is a start after a finished run in the same one.
type allowance struct {
	most  int // a scan and period; -1: as often as one likes
	since clock.Time
	when  string
}

// allowanceOf a subscription. A plan that doesn't speak of rescans sets no limit to them.
func allowanceOf(s *plan.Subscription, now clock.Time) allowance {
	f, told := s.Granted()[access.Rescan]
	a := allowance{most: -1, since: periodStart(f.Unit, s, now), when: strings.ToLower(f.WhenRun)}
	switch {
	case !told:
	case f.Active != nil && !*f.Active:
		a.most = 0
	case f.Unlimited || f.NumOfRescans == nil:
	default:
		a.most = *f.NumOfRescans
	}
	return a
}

// periodStart is when the period that holds now began: of the unit's length, counted from the start of the subscription. Without a
// unit the subscription's own interval is the period, and all its time where it has none.
func periodStart(unit string, s *plan.Subscription, now clock.Time) clock.Time {
	unit = strings.TrimSuffix(strings.ToLower(unit), "s")
	if unit == "" {
		unit = map[string]string{"monthly": "month", "yearly": "year"}[s.BillingInterval]
	}
	start, at := s.StartAt.Time(), now.Time()
	switch unit {
	case "day":
		return clock.At(start.Add(at.Sub(start).Truncate(24 * time.Hour)))
	case "week":
		return clock.At(start.Add(at.Sub(start).Truncate(7 * 24 * time.Hour)))
	}
	months := map[string]int{"month": 1, "quarter": 3, "year": 12}[unit]
	if months == 0 {
		return s.StartAt
	}
	n := ((at.Year()-start.Year())*12 + int(at.Month()-start.Month())) / months
	for n > 0 && start.AddDate(0, n*months, 0).After(at) {
		n--
	}
	return clock.At(start.AddDate(0, n*months, 0))
}

// mayRescan refuses a start that the plan's rules about rescans do not allow. CheckQuota holds the subscription, so that starts are
// counted one after the other. Fault kind: forbidden with code rescan_limit.
func mayRescan(tx *db.Tx, s *Scan) error {
	used, a, err := rescansOf(tx, s)
	if err != nil || used < 0 {
		return err
	}
	switch {
	case a.most == 0:
		return rescanLimit("Your plan covers no rescan: this scan has run since %s already.", a.since)
	case a.most > 0 && used >= a.most:
		return rescanLimit("Your plan covers %d rescans of a scan, and all are used since %s; wait for the next period, or take a larger plan.", a.most, a.since)
	case a.when == rescanFailed && s.LastVerdict != nil && *s.LastVerdict == "pass":
		return rescanLimit("Your plan covers rescans after a run that did not pass, and the last run passed (since %s).", a.since)
	}
	return nil
}

// rescansOf tells how many rescans of a scan were used in the present period; -1 where the next start is none.
func rescansOf(tx *db.Tx, s *Scan) (int, allowance, error) {
	if tx.Organization() == access.Installation {
		return -1, allowance{most: -1}, nil
	}
	all, err := plan.Active(tx, tx.Organization())
	if err != nil {
		return 0, allowance{}, err
	}
	for i := range all {
		if all[i].Product != s.Product {
			continue
		}
		a := allowanceOf(&all[i], tx.Now())
		used, err := rescansSince(tx, s.ID, a.since)
		return used, a, err
	}
	return -1, allowance{most: -1}, nil
}

func rescanLimit(format string, args ...any) error {
	return fault.New(fault.Forbidden, format, args...).Coded("rescan_limit")
}
