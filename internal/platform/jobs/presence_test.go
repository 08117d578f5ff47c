package jobs

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// TestJobsOfTheDead: on PostgreSQL a job at which its process died is released, one whose process lives is left alone until that
// is gone too, and so is one that this process is at until it is not.
func TestJobsOfTheDead(t *testing.T) {
	t.Parallel()
	if !slices.Contains(dbtest.Dialects(), db.Postgres) {
		return // on SQLite one process releases what it left when it starts
	}
	ctx := context.Background()
	d := dbtest.Open(t, db.Postgres)
	config, err := pgx.ParseConfig(d.URL())
	if err != nil {
		t.Fatal(err)
	}
	watcher := func(client string) *presence {
		p := &presence{client: client, config: config, working: &working{ids: map[int64]bool{}}, log: slog.New(slog.NewTextHandler(io.Discard, nil)), every: time.Minute}
		if err := p.hold(ctx); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.leave)
		return p
	}
	here, other := watcher("here"), watcher("other")
	id := map[string]int64{}
	for _, client := range []string{"here", "other", "dead"} {
		var n int64
		err := here.session.QueryRow(ctx, `insert into river_job (kind, max_attempts, state, attempt, attempted_at, attempted_by, args)
			values ('test', 25, 'running', 1, now(), array['someone before', $1], '{}') returning id`, client).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		id[client] = n
	}
	end := here.working.begin(id["here"])
	running := func() []string {
		t.Helper()
		if err := here.look(ctx); err != nil {
			t.Fatal(err)
		}
		rows, err := here.session.Query(ctx, "select attempted_by[2] from river_job where state = 'running' order by 1")
		if err != nil {
			t.Fatal(err)
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	want := func(what string, names ...string) {
		t.Helper()
		got := running()
		for late := time.After(20 * time.Second); !slices.Equal(got, names); got = running() { // a session that was closed takes a moment to end
			select {
			case <-late:
				t.Fatalf("%s: running are %q, want %q", what, got, names)
			default:
			}
		}
	}
	here.dead, here.own = time.Hour, time.Hour
	want("noticed for the first time", "dead", "here", "other")
	want("within the patience", "dead", "here", "other")
	here.dead = 0
	want("after it", "here", "other")
	other.leave()
	want("the other has gone", "here")
	here.leave() // as when the database was restarted
	want("in a new session", "here")
	end()
	want("its end is being written", "here")
	here.own = 0
	want("its end was not written")
}

func TestPause(t *testing.T) {
	t.Parallel()
	for failures, want := range map[int]time.Duration{1: time.Second, 2: 4 * time.Second, 8: 64 * time.Second, 12: 1296 * time.Second, 25: 130321 * time.Second} {
		if got := pause(failures); got != want {
			t.Errorf("after %d failures %s, want %s", failures, got, want)
		}
	}
	var whole time.Duration
	for n := 1; n < 25; n++ {
		whole += pause(n)
	}
	if days := whole.Hours() / 24; days < 5 || days > 7 {
		t.Errorf("25 attempts last for %.1f days", days)
	}
}
