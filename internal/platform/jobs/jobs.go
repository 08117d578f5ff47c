// Package jobs runs background work on River, on both databases. A job is inserted in the transaction that causes it and
// acts with the organization and actor written in its row.
package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"database/sql"

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
	every   []*river.PeriodicJob
	stop    func(context.Context) error
	close   func()
}

// New is a queue without workers.
func New() *Queue { return &Queue{workers: river.NewWorkers()} }

// Work handles the jobs of one kind; an error is tried again with growing delay.
func Work[T Args](q *Queue, timeout time.Duration, handle func(context.Context, T) error) {
	river.AddWorker(q.workers, &worker[T]{handle: handle, timeout: timeout})
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
}

func (w *worker[T]) Work(ctx context.Context, job *river.Job[T]) error {
	return w.handle(ctx, job.Args)
}
func (w *worker[T]) Timeout(*river.Job[T]) time.Duration { return w.timeout }

// Start begins to work with that many workers.
func (q *Queue) Start(ctx context.Context, d *db.DB, workers int, log *slog.Logger) error {
	c := &river.Config{
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers, FetchCooldown: 5 * time.Millisecond, FetchPollInterval: 250 * time.Millisecond}},
		Workers: q.workers, PeriodicJobs: q.every, Logger: slog.New(quiet{log.Handler()}),
	}
	if d.Dialect() == db.SQLite {
		client, err := river.NewClient(riversqlite.New(d.Pool()), c)
		if err != nil {
			return fmt.Errorf("start the job queue: %w", err)
		}
		q.stop, q.close = client.Stop, func() {}
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
	q.stop, q.close = client.Stop, pool.Close
	return client.Start(ctx)
}

// Stop lets running jobs end until ctx does.
func (q *Queue) Stop(ctx context.Context) error {
	if q.stop == nil {
		return nil
	}
	defer q.close()
	return q.stop(ctx)
}

// quiet passes on River's warnings and errors only.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (q quiet) WithAttrs(a []slog.Attr) slog.Handler         { return quiet{q.Handler.WithAttrs(a)} }
func (q quiet) WithGroup(name string) slog.Handler           { return quiet{q.Handler.WithGroup(name)} }
