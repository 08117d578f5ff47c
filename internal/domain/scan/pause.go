package scan

import (
	"errors"
	"time"

	"github.com/vedette/vedette/internal/domain/schedule"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
)

// Who paused a run.
const (
	ByUser     = "user"
	ByBlackout = "blackout" // of the schedule that the scan follows; its end resumes the run
)

// pause the run of a scan: scanners give its parts back and send nothing more. A run that a blackout paused is the user's from
// then on. Fault kind: conflict.
func pause(tx *db.Tx, id string) error {
	s, h, err := openRun(tx, id)
	if err != nil {
		return err
	}
	if h.State == Stopping {
		return fault.New(fault.Conflict, "This scan is stopping.").Coded("scan_stopping")
	}
	if h.PausedBy != nil && *h.PausedBy == ByUser {
		return fault.New(fault.Conflict, "This scan is paused already.").Coded("scan_paused")
	}
	return pauseRun(tx, s, h, ByUser)
}

// resume a run that is paused, by whomever. Within a blackout it goes on until the blackout's end.
func resume(tx *db.Tx, id string) error {
	s, h, err := openRun(tx, id)
	if err != nil {
		return err
	}
	if h.State != Paused {
		return fault.New(fault.Conflict, "This scan is not paused.").Coded("scan_not_paused")
	}
	if err := notHeld(tx); err != nil {
		return err
	}
	exempt, err := exemption(tx, s)
	if err != nil {
		return err
	}
	return resumeRun(tx, s, h, exempt)
}

// openRun is the run of a scan that has not ended. Fault kind: conflict where there is none.
func openRun(tx *db.Tx, id string) (*Scan, *History, error) {
	s, err := ByID(tx, id)
	if err != nil {
		return nil, nil, err
	}
	if s.CurrentHistoryID == nil {
		return nil, nil, notRunning()
	}
	h, err := lockedRun(tx, *s.CurrentHistoryID)
	if err == nil && h.FinishedAt != nil {
		err = notRunning()
	}
	return s, h, err
}

func notRunning() *fault.Fault {
	return fault.New(fault.Conflict, "This scan is not running.").Coded("scan_not_running")
}

func pauseRun(tx *db.Tx, s *Scan, h *History, by string) error {
	if err := setPaused(tx, h, by); err != nil {
		return err
	}
	return turned(tx, s, h, Paused)
}

// resumeRun lets a run wait for its turn again.
func resumeRun(tx *db.Tx, s *Scan, h *History, exempt *clock.Time) error {
	if err := setResumed(tx, h, exempt); err != nil {
		return err
	}
	if err := turned(tx, s, h, Queued); err != nil {
		return err
	}
	return tx.Wake(chunksTopic)
}

// turned tells of a run's new state: the scan's row, the audit trail, scanners at work, and who watches.
func turned(tx *db.Tx, s *Scan, h *History, state string) error {
	if err := setState(tx, s.ID, state, &h.ID); err != nil {
		return err
	}
	tx.Changed(db.Change{Type: "scan", ID: s.ID, Name: s.Name, Before: map[string]string{"state": h.State}, After: map[string]string{"state": state, "history_id": h.ID}})
	return errors.Join(tx.Wake(historyTopic(h.ID)), tx.Wake(progressTopic(h.ID)))
}

// exemption is how long the blackout lasts in which a user starts or resumes the scan; nil outside of one.
func exemption(tx *db.Tx, s *Scan) (*clock.Time, error) {
	if s.ScheduleID == nil {
		return nil, nil
	}
	all, err := schedule.Some(tx, []string{*s.ScheduleID})
	if err != nil {
		return nil, err
	}
	row, there := all[*s.ScheduleID]
	if !there {
		return nil, nil
	}
	t, err := row.Timing()
	if err != nil || !t.Blocked(tx.Now().Time()) {
		return nil, nil //nolint:nilerr // a schedule that can't be followed blocks nothing
	}
	return clock.AtPointer(t.FreeAt(tx.Now().Time())), nil
}

// darkened is a run of a scan that follows a schedule with blackouts, or that one has paused, and who acts for it.
type darkened struct {
	Outdated
	schedule schedule.Schedule
}

// turn pauses the run while a blackout lasts, and resumes what one paused.
func (d darkened) turn(tx *db.Tx) error {
	s, h, err := openRun(tx, d.History.ScanID)
	if err != nil {
		if fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) {
			return nil // it ended meanwhile
		}
		return err
	}
	blocked := d.blocked(tx.Now())
	exempt := h.ExemptUntil != nil && *h.ExemptUntil > tx.Now()
	switch {
	case blocked && !exempt && (h.State == Queued || h.State == Running):
		return pauseRun(tx, s, h, ByBlackout)
	case !blocked && h.State == Paused && h.PausedBy != nil && *h.PausedBy == ByBlackout:
		return resumeRun(tx, s, h, nil)
	}
	return nil
}

// due says whether turn would do anything, so that most ticks open no transaction for the run.
func (d darkened) due(now clock.Time) bool {
	return d.blocked(now) != (d.History.State == Paused)
}

// blocked says whether a blackout lasts. A schedule that is gone, or can't be followed any more, blocks nothing.
func (d darkened) blocked(now clock.Time) bool {
	t, err := d.schedule.Timing()
	return err == nil && t.Blocked(now.Time())
}

// worked is how long a run has been worked or waited for since its start, pauses taken off.
func (h History) worked(now clock.Time) time.Duration {
	if h.StartedAt == nil {
		return 0
	}
	if h.FinishedAt != nil {
		now = *h.FinishedAt
	}
	if h.PausedAt != nil {
		now = *h.PausedAt
	}
	return time.Duration(max(0, now-*h.StartedAt-h.PausedFor)) * time.Millisecond
}

// actorsOf runs, each acting for whoever started it.
func actorsOf(tx *db.Tx, rows []History) ([]Outdated, error) {
	all := make([]Outdated, len(rows))
	for i, h := range rows {
		a, err := h.actor(tx)
		if err != nil {
			return nil, err
		}
		all[i] = Outdated{History: h, Actor: a}
	}
	return all, nil
}
