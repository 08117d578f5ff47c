// Package retention gives up what nobody needs to keep: evidence and histories of old runs, reports after their time, what was
// staged and never used, announced events, expired keys, tokens and codes, old verifications of scanners, and files that no row
// names. The configuration says how long each is kept. PCI runs and reports are kept for three years at least (the ASV keeps
// reports and evidence, ASV Program Guide section 7). The last completed run of a scan stays for as long as its scan, whatever
// its age: new knowledge judges it. The audit trail is a chain and stays whole.
package retention

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/blob"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/jobs"
)

// Periods are how many days each is kept; 0: for ever.
type Periods struct {
	Evidence      int // of runs that are not PCI
	Histories     int // runs that are not PCI, and changes of hosts
	Reports       int // that are not PCI
	PCI           int // evidence, runs and reports of PCI
	Events        int
	Verifications int
}

const (
	// every is how often the job runs.
	every = time.Hour
	// patience of one run of the job; the next goes on.
	patience = 20 * time.Minute
	// batch is the most rows of one transaction.
	batch = 500
	// grace for what expires by itself, and for files: whoever works with it at that moment is done.
	grace = 7 * 24 * time.Hour
)

// Job prunes once.
type Job struct{}

// Kind of the job.
func (Job) Kind() string { return "retention" }

// Work prunes by the hour, once in the whole installation.
func Work(q *jobs.Queue, d *db.DB, files *blob.Store, p Periods, log *slog.Logger) {
	jobs.Work(q, patience, func(ctx context.Context, _ Job) error {
		gone, err := Prune(ctx, d, files, p)
		for what, n := range gone {
			log.InfoContext(ctx, "retention", slog.String("what", what), slog.Int("gone", n))
		}
		return err
	})
	q.Every(every, Job{})
}

// Prune gives up all whose time is over, in transactions of some hundred rows, and tells how much of what went. What fails keeps
// none of the rest from it. Several may prune at once.
func Prune(ctx context.Context, d *db.DB, files *blob.Store, p Periods) (map[string]int, error) {
	r := &pruner{ctx: ctx, db: d, periods: p, now: clock.At(d.Clock().Now()), gone: map[string]int{}}
	var all []error
	for _, s := range rules(p) {
		all = append(all, r.repeat(s.what, func(tx *db.Tx) (int, error) { return s.prune(tx, r.now) }))
	}
	all = append(all, r.evidence(), r.histories(), r.reports(), r.blobs(files))
	return r.gone, errors.Join(all...)
}

type pruner struct {
	ctx     context.Context
	db      *db.DB
	periods Periods
	now     clock.Time
	gone    map[string]int
}

func (r *pruner) write(fn func(*db.Tx) error) error {
	return r.db.Write(r.ctx, access.System(access.DoorRetention), fn)
}

// repeat a step, a transaction each, until it finds less than a batch.
func (r *pruner) repeat(what string, step func(*db.Tx) (int, error)) error {
	for {
		n := 0
		err := r.write(func(tx *db.Tx) error {
			var err error
			n, err = step(tx)
			return err
		})
		if err != nil {
			return err
		}
		if n > 0 {
			r.gone[what] += n
		}
		if n < batch {
			return nil
		}
	}
}

// cutoff before which what is kept for so many days is over; false: never.
func (r *pruner) cutoff(days int) (clock.Time, bool) {
	return r.now.Add(-time.Duration(days) * 24 * time.Hour), days > 0
}

// runs that ended long enough ago, by the periods of PCI and of the rest.
func (r *pruner) runs(other int, fn func(old []run) error, evidence bool) error {
	for pci, days := range map[bool]int{true: r.periods.PCI, false: other} {
		before, ends := r.cutoff(days)
		if !ends {
			continue
		}
		for {
			var old []run
			err := r.write(func(tx *db.Tx) error {
				var err error
				old, err = endedRuns(tx, before, pci, evidence)
				return err
			})
			if err != nil || len(old) == 0 {
				if err != nil {
					return err
				}
				break
			}
			if err := fn(old); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *pruner) evidence() error {
	return r.runs(r.periods.Evidence, func(old []run) error {
		for _, h := range old {
			for _, step := range []func(*db.Tx, run) (int, error){dropFacts, dropEvidence} {
				if err := r.repeat("evidence", func(tx *db.Tx) (int, error) { return step(tx, h) }); err != nil {
					return err
				}
			}
			if err := r.write(func(tx *db.Tx) error { return evidenceDropped(tx, h) }); err != nil {
				return err
			}
		}
		return nil
	}, true)
}

// histories go part by part, the run itself last.
func (r *pruner) histories() error {
	return r.runs(r.periods.Histories, func(old []run) error {
		for _, h := range old {
			for _, part := range runParts {
				if err := r.repeat(part.table, func(tx *db.Tx) (int, error) { return part.drop(tx, h) }); err != nil {
					return err
				}
			}
			err := r.write(func(tx *db.Tx) error { return dropRun(tx, h) })
			if err != nil {
				return err
			}
			r.gone["histories"]++
		}
		return nil
	}, false)
}

func (r *pruner) reports() error {
	var all []error
	for pci, days := range map[bool]int{true: r.periods.PCI, false: r.periods.Reports} {
		if before, ends := r.cutoff(days); ends {
			all = append(all, r.repeat("reports", func(tx *db.Tx) (int, error) { return dropReports(tx, before, pci) }))
		}
	}
	return errors.Join(all...)
}

// blobs that no row names, once they are old enough for whoever stores one to have named it.
func (r *pruner) blobs(files *blob.Store) error {
	before := r.now.Add(-grace).Time()
	err := files.Old(before, func(some []blob.Hash) error {
		var named map[blob.Hash]bool
		err := r.write(func(tx *db.Tx) error {
			var err error
			named, err = namedBlobs(tx, some)
			return err
		})
		for _, h := range some {
			if err == nil && !named[h] {
				err = files.RemoveOld(h, before)
				r.gone["blobs"]++
			}
		}
		return err
	})
	return errors.Join(err, files.RemoveDrafts(before))
}
