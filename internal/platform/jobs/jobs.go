// Package jobs runs background work on River, on both databases. A job is inserted in the transaction that causes it and
// acts with the organization and actor written in its row.
package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
)

// Args of a job; Kind names it for good.
type Args = river.JobArgs

// Actor is embedded in the arguments of a tenant's job.
type Actor struct {
	OrganizationID   string   `json:"organization_id"`
	OrganizationName string   `json:"organization_name"`
	Chain            []string `json:"chain"`
	Product          string   `json:"product"`
	UserID           string   `json:"user_id"`
	Username         string   `json:"username"`
}

// ActorOf a transaction.
func ActorOf(tx *db.Tx) Actor {
	p := tx.Grant().Principal()
	return Actor{OrganizationID: p.Acting.ID, OrganizationName: p.Acting.Name, Chain: p.Acting.Chain, Product: p.Product, UserID: p.User, Username: p.Username}
}

// Grant of the job.
func (a Actor) Grant() access.Grant {
	return access.Job(access.Organization{ID: a.OrganizationID, Name: a.OrganizationName, Chain: a.Chain}, a.Product, a.UserID, a.Username)
}

// Enqueue inserts a job in the transaction; it runs after the commit, and never when that is rolled back.
func Enqueue(tx *db.Tx, args Args) error { return EnqueueWith(tx, args, nil) }

// EnqueueHeavy inserts a job that takes much memory: of these a process works few at once.
func EnqueueHeavy(tx *db.Tx, args Args) error {
	return EnqueueWith(tx, args, &river.InsertOpts{Queue: heavy})
}

// EnqueueWith sets River's options, such as uniqueness or a later time.
func EnqueueWith(tx *db.Tx, args Args, o *river.InsertOpts) error {
	var err error
	if tx.Dialect() == db.SQLite {
		_, err = sqliteInserter.InsertTx(tx.Context(), tx.SQL(), args, o)
	} else {
		_, err = postgresInserter.InsertTx(tx.Context(), tx.SQL(), args, o)
	}
	if err != nil {
		return fmt.Errorf("enqueue %s: %w", args.Kind(), err)
	}
	return nil
}

var (
	sqliteInserter   = inserter(river.NewClient(riversqlite.New(nil), &river.Config{}))
	postgresInserter = inserter(river.NewClient(riverdatabasesql.New(nil), &river.Config{}))
)

func inserter(c *river.Client[*sql.Tx], err error) *river.Client[*sql.Tx] {
	if err != nil {
		panic(fmt.Sprintf("an insert-only job client failed: %v", err)) // no configuration, so it cannot
	}
	return c
}

// Queue works jobs of this process.
type Queue struct {
	workers *river.Workers
	working *working
	every   []*river.PeriodicJob
	stop    func(context.Context) error // lets running jobs end
	cut     func(context.Context) error // ends them
	close   func()
}

// New is a queue without workers.
func New() *Queue {
	return &Queue{workers: river.NewWorkers(), working: &working{ids: map[int64]bool{}}}
}

// Work handles the jobs of one kind; an error is tried again with growing delay.
func Work[T Args](q *Queue, timeout time.Duration, handle func(context.Context, T) error) {
	river.AddWorker(q.workers, &worker[T]{handle: handle, timeout: timeout, working: q.working})
}

// Every enqueues the job at each interval, once in the whole installation, and at the start.
func (q *Queue) Every(interval time.Duration, args Args) {
	q.every = append(q.every, river.NewPeriodicJob(river.PeriodicInterval(interval),
		func() (river.JobArgs, *river.InsertOpts) {
			return args, &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByPeriod: interval}}
		},
		&river.PeriodicJobOpts{RunOnStart: true}))
}

type worker[T Args] struct {
	river.WorkerDefaults[T]
	handle  func(context.Context, T) error
	timeout time.Duration
	working *working
}

func (w *worker[T]) Work(ctx context.Context, job *river.Job[T]) error {
	defer w.working.begin(job.ID)()
	return w.handle(ctx, job.Args)
}
func (w *worker[T]) Timeout(*river.Job[T]) time.Duration { return w.timeout }

// heavy is the queue of jobs of which mostHeavy are worked at once.
const (
	heavy     = "heavy"
	mostHeavy = 2
)

// Start begins to work with that many workers, and some for what is heavy.
func (q *Queue) Start(ctx context.Context, d *db.DB, workers int, log *slog.Logger) error {
	c := &river.Config{
		Queues: map[string]river.QueueConfig{
			river.QueueDefault: {MaxWorkers: workers, FetchCooldown: 5 * time.Millisecond, FetchPollInterval: 250 * time.Millisecond},
			heavy:              {MaxWorkers: mostHeavy, FetchCooldown: 5 * time.Millisecond, FetchPollInterval: 500 * time.Millisecond},
		},
		Workers: q.workers, PeriodicJobs: q.every, Logger: slog.New(quiet{log.Handler()}),
		RescueStuckJobsAfter: rescueAfter, RetryPolicy: retry{}, ID: uuid.NewString(),
	}
	if d.Dialect() == db.SQLite {
		if err := release(ctx, d); err != nil {
			return err
		}
		client, err := river.NewClient(riversqlite.New(d.Pool()), c)
		if err != nil {
			return fmt.Errorf("start the job queue: %w", err)
		}
		q.stop, q.cut, q.close = client.Stop, client.StopAndCancel, func() {}
		return client.Start(ctx)
	}
	pool, err := pgxpool.New(ctx, d.URL())
	if err != nil {
		return fmt.Errorf("start the job queue: %w", err)
	}
	client, err := river.NewClient(riverpgxv5.New(pool), c)
	if err != nil {
		pool.Close()
		return fmt.Errorf("start the job queue: %w", err)
	}
	here := &presence{client: c.ID, config: pool.Config().ConnConfig, working: q.working, log: log, every: lookEvery, dead: deadPatience, own: ownPatience}
	if err := here.hold(ctx); err != nil {
		pool.Close()
		return err
	}
	present, leave := context.WithCancel(context.WithoutCancel(ctx))
	go here.keep(present)
	q.stop, q.cut, q.close = client.Stop, client.StopAndCancel, func() { leave(); pool.Close() }
	return client.Start(ctx)
}

// rescueAfter is when a job that hangs is tried again; its own timeout must be over too.
const rescueAfter = 2 * time.Minute

// release the jobs at which this program died. On SQLite there is one process, so none of them is running now.
func release(ctx context.Context, d *db.DB) error {
	_, err := d.Pool().ExecContext(ctx, "update river_job set state = 'available' where state = 'running'")
	if err != nil {
		return fmt.Errorf("release the jobs that were running: %w", err)
	}
	return nil
}

// cutPatience is how long jobs may take to notice that they are ended.
const cutPatience = 5 * time.Second

// Stop lets running jobs end until ctx does; then it ends them, to be tried again at the next start.
func (q *Queue) Stop(ctx context.Context) error {
	if q.stop == nil {
		return nil
	}
	defer q.close()
	err := q.stop(ctx)
	if err == nil {
		return nil
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), cutPatience)
	defer cancel()
	return errors.Join(err, q.cut(last))
}

// quiet passes on River's warnings and errors only.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (q quiet) WithAttrs(a []slog.Attr) slog.Handler         { return quiet{q.Handler.WithAttrs(a)} }
func (q quiet) WithGroup(name string) slog.Handler           { return quiet{q.Handler.WithGroup(name)} }
