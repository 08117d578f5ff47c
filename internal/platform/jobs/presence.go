package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/vedette/vedette/internal/platform/clock"
)

// How soon the jobs of a process that died are taken up by another.
const (
	lookEvery    = 5 * time.Second
	deadPatience = 15 * time.Second // with a process that was seen to be gone: one that lost its session makes another
	ownPatience  = time.Minute      // with the end of a job of our own, which is written several times when the database is away
)

// presence tells the servers on one PostgreSQL of each other. A session of its own holds, as long as the process lives, an advisory
// lock named after its job client: PostgreSQL gives that up with the session, however the process ends. Jobs at work for a
// client without lock are made available again, which River would do only when their own timeout is over; so are those of
// this process whose end could not be written.
type presence struct {
	client  string
	config  *pgx.ConnConfig
	working *working
	log     *slog.Logger
	every   time.Duration
	dead    time.Duration
	own     time.Duration
	session *pgx.Conn
	noticed map[attempt]time.Time // when it was first seen that nobody is at it
}

// attempt at a job.
type attempt struct {
	id int64
	n  int16
}

const presenceLock = 0x76656a62 // the first half of the keys of these locks

// hold the lock, in a new session.
func (p *presence) hold(ctx context.Context) error {
	session, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return fmt.Errorf("tell of this process: %w", err)
	}
	if _, err := session.Exec(ctx, "select pg_advisory_lock($1, hashtext($2))", presenceLock, p.client); err != nil {
		_ = session.Close(ctx)
		return fmt.Errorf("tell of this process: %w", err)
	}
	p.session, p.noticed = session, map[attempt]time.Time{}
	return nil
}

// keep looks for jobs that nobody is at until ctx ends; then the lock is given up.
func (p *presence) keep(ctx context.Context) {
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			p.leave()
			return
		case <-tick.C:
		}
		if err := p.look(ctx); err != nil && ctx.Err() == nil {
			p.log.WarnContext(ctx, "jobs of other processes can't be looked after", slog.Any("error", err))
			p.leave()
		}
	}
}

func (p *presence) leave() {
	if p.session != nil {
		last, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = p.session.Close(last)
		p.session = nil
	}
}

// look once. A session that was lost is replaced first; whoever seemed gone meanwhile is given time anew.
func (p *presence) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.every)
	defer cancel()
	if p.session == nil {
		if err := p.hold(ctx); err != nil {
			return err
		}
	}
	nobody, err := p.unattended(ctx)
	if err != nil {
		return err
	}
	now, noticed := clock.Monotonic(), map[attempt]time.Time{}
	for a, patience := range nobody {
		since, known := p.noticed[a]
		if !known {
			since = now
		}
		noticed[a] = since
		if now.Sub(since) < patience {
			continue
		}
		_, err := p.session.Exec(ctx, "update river_job set state = 'available', scheduled_at = now() where id = $1 and attempt = $2 and state = 'running'", a.id, a.n)
		if err != nil {
			return fmt.Errorf("take up a job: %w", err)
		}
		p.log.WarnContext(ctx, "a job at which its process died is taken up again", slog.Int64("job", a.id))
	}
	p.noticed = noticed
	return nil
}

// unattended are the attempts that count as running and are not, and how long that may last.
func (p *presence) unattended(ctx context.Context) (map[attempt]time.Duration, error) {
	rows, err := p.session.Query(ctx, `select j.id, j.attempt, j.client, exists (select 1 from pg_locks l where l.locktype = 'advisory' and l.granted
			and l.database = (select oid from pg_database where datname = current_database())
			and l.classid::bigint = $1 and l.objid::bigint = hashtext(j.client)::bigint & 4294967295)
		from (select id, attempt, coalesce(attempted_by[cardinality(attempted_by)], '') as client from river_job where state = 'running') j`, presenceLock)
	if err != nil {
		return nil, fmt.Errorf("running jobs: %w", err)
	}
	defer rows.Close()
	all := map[attempt]time.Duration{}
	for rows.Next() {
		var a attempt
		var client string
		var alive bool
		if err := rows.Scan(&a.id, &a.n, &client, &alive); err != nil {
			return nil, fmt.Errorf("running jobs: %w", err)
		}
		switch {
		case !alive:
			all[a] = p.dead
		case client == p.client && !p.working.on(a.id):
			all[a] = p.own
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("running jobs: %w", err)
	}
	return all, nil
}

// working are the jobs at which this process is.
type working struct {
	mu  sync.Mutex
	ids map[int64]bool
}

func (w *working) begin(id int64) (end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids[id] = true
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.ids, id)
	}
}

func (w *working) on(id int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ids[id]
}
