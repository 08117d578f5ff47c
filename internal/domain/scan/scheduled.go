package scan

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/schedule"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/jobs"
)

// TickEvery is how often schedules are looked at, once in the whole installation.
const TickEvery = 15 * time.Second

// mostDue schedules and runs that one tick handles; the next has the rest.
const mostDue = 500

// mostOpen runs with blackouts that one tick looks at.
const mostOpen = 10_000

// TickJob looks for schedules that are due.
type TickJob struct{}

// Kind of the job.
func (TickJob) Kind() string { return "schedule_tick" }

// StartJob starts a scan whose schedule fired.
type StartJob struct {
	jobs.Actor
	ScheduleID string      `json:"schedule_id"`
	ScanID     string      `json:"scan_id"`
	DueAt      clock.Time  `json:"due_at"`
	StopAt     *clock.Time `json:"stop_at"`
}

// Kind of the job.
func (StartJob) Kind() string { return "scheduled_start" }

// WorkSchedules starts what schedules say, and ends what has run for as long as they allow.
func WorkSchedules(q *jobs.Queue, d *db.DB, s Starter, log *slog.Logger) {
	jobs.Work(q, time.Minute, func(ctx context.Context, _ TickJob) error { return Tick(ctx, d, log) })
	jobs.Work(q, time.Minute, func(ctx context.Context, job StartJob) error { return s.startDue(ctx, d, log, job) })
	q.Every(TickEvery, TickJob{})
}

// Tick fires the schedules that are due, stops the runs whose time is over, and pauses and resumes by blackouts. Several may tick at once: each firing is claimed
// by one.
func Tick(ctx context.Context, d *db.DB, log *slog.Logger) error {
	var due []schedule.Schedule
	var over []Outdated
	var dark []darkened
	err := d.Read(ctx, access.System(access.DoorScheduleTick), func(tx *db.Tx) error {
		var err error
		if due, err = schedule.Due(tx, mostDue); err != nil {
			return err
		}
		if over, err = overdue(tx, mostDue); err != nil {
			return err
		}
		dark, err = shadowed(tx, mostOpen)
		return err
	})
	for i := range due {
		err = errors.Join(err, d.Write(ctx, access.System(access.DoorScheduleTick), func(tx *db.Tx) error { return fire(tx, &due[i], log) }))
	}
	for _, o := range over {
		err = errors.Join(err, d.Write(ctx, o.Actor.Grant(), func(tx *db.Tx) error { return endOverdue(tx, o.History) }))
	}
	for _, r := range dark {
		err = errors.Join(err, d.Write(ctx, r.Actor.Grant(), r.turn))
	}
	return err
}

// fire claims a schedule that is due and enqueues the start of each of its scans in the same commit.
func fire(tx *db.Tx, s *schedule.Schedule, log *slog.Logger) error {
	about := log.With(slog.String("organization", s.OrganizationID), slog.String("schedule", s.ID))
	f, err := s.Fire(tx.Now())
	if err != nil {
		about.ErrorContext(tx.Context(), "a schedule can't be followed any more and is put to rest", slog.Any("error", err))
	}
	claimed, err := schedule.Claim(tx, s, f.Next)
	if err != nil || !claimed {
		return err
	}
	if !f.Fires {
		about.InfoContext(tx.Context(), "a firing is passed over: it is too late, or in a blackout", slog.String("due", f.Due.String()))
		return nil
	}
	scans, err := scheduled(tx, s)
	if err != nil || len(scans) == 0 {
		return err
	}
	place, err := organization.Place(tx, s.OrganizationID)
	if err != nil {
		return err
	}
	actor := jobs.Actor{OrganizationID: place.ID, OrganizationName: place.Name, Chain: place.Chain, Product: s.Product, Username: s.Name}
	for _, scan := range scans {
		if err := jobs.Enqueue(tx, StartJob{Actor: actor, ScheduleID: s.ID, ScanID: scan.ID, DueAt: f.Due, StopAt: f.StopAt}); err != nil {
			return err
		}
	}
	return nil
}

// startDue starts one scan as a user would. What a user would be told is logged, and the firing passed over; what went wrong
// inside is tried again, for as long as the firing may be caught up with.
func (s Starter) startDue(ctx context.Context, d *db.DB, log *slog.Logger, job StartJob) error {
	about := log.With(slog.String("organization", job.OrganizationID), slog.String("scan", job.ScanID), slog.String("due", job.DueAt.String()))
	if d.Clock().Now().Sub(job.DueAt.Time()) >= schedule.Grace {
		about.WarnContext(ctx, "a scheduled start is passed over: it is too late")
		return nil
	}
	read := func(ctx context.Context, fn func(*db.Tx) error) error { return d.Read(ctx, job.Grant(), fn) }
	var by *string
	if job.ScheduleID != "" { // one that was enqueued by an earlier version does not tell
		by = &job.ScheduleID
	}
	p, err := s.prepare(ctx, read, job.ScanID, job.OrganizationID)
	if err == nil {
		err = d.Write(ctx, job.Grant(), func(tx *db.Tx) error {
			first, err := markScheduled(tx, job.ScanID, job.DueAt)
			if err != nil || !first {
				return err
			}
			return s.commit(tx, p, cause{schedule: by, name: job.Username, stopAt: job.StopAt})
		})
	}
	var f *fault.Fault
	if errors.As(err, &f) && f.Kind != fault.Internal && f.Kind != fault.Unavailable && f.Code != targetChanged && f.Code != scannerChanged {
		about.WarnContext(ctx, "a scheduled start is passed over", slog.String("why", f.Text))
		return nil
	}
	return err
}

func endOverdue(tx *db.Tx, h History) error {
	s, err := ByID(tx, h.ScanID)
	if err != nil {
		return err
	}
	return stopRun(tx, s, h.ID)
}
