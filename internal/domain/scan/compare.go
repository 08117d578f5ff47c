package scan

import (
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
)

// Pair picks two completed runs of a scan that are compared: those asked for, else the last that completed and the one before it. A
// run of another scan is fault.NotFound, one that has not completed and a scan that has too few are fault.Conflict.
func Pair(tx *db.Tx, scan, from, to string) (former, later *History, err error) {
	s, err := ByID(tx, scan)
	if err != nil {
		return nil, nil, err
	}
	if later, err = completedRun(tx, s.ID, to, nil); err != nil {
		return nil, nil, err
	}
	former, err = completedRun(tx, s.ID, from, later)
	return former, later, err
}

// completedRun is the one asked for, or the last that completed, before another where that is given.
func completedRun(tx *db.Tx, scan, asked string, before *History) (*History, error) {
	if asked == "" {
		h, err := lastCompleted(tx, scan, before)
		if err == nil && h == nil {
			err = fault.New(fault.Conflict, "There are no two completed runs of this scan to compare.").Coded("too_few_runs")
		}
		return h, err
	}
	h, err := HistoryByID(tx, scan, asked)
	if err == nil && h.State != Completed {
		err = fault.New(fault.Conflict, "Only completed runs are compared; the run %s is %s.", h.ID, h.State).Coded("run_not_completed")
	}
	return h, err
}
