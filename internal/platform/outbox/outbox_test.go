package outbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/platform/outbox"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

func init() {
	outbox.Declare("first", "test_happened")
	outbox.Declare("second", "test_happened", "other_happened")
	outbox.Declare("second", "test_happened") // once is enough
}

// tally is a job that counts.
type tally struct {
	jobs.Actor
	Name string `json:"name"`
}

func (tally) Kind() string { return "test_tally" }

// box notes what came.
type box struct {
	sync.Mutex
	came  map[string][]outbox.Event
	tries map[string]int
	news  chan struct{}
}

func newBox() *box {
	return &box{came: map[string][]outbox.Event{}, tries: map[string]int{}, news: make(chan struct{}, 1000)}
}

func (b *box) note(who string, e outbox.Event) int {
	b.Lock()
	defer func() { b.Unlock(); b.news <- struct{}{} }()
	b.came[who] = append(b.came[who], e)
	b.tries[who]++
	return b.tries[who]
}

func (b *box) count(who string) int {
	b.Lock()
	defer b.Unlock()
	return len(b.came[who])
}

// wait until who was called n times.
func (b *box) wait(t *testing.T, who string, n int) {
	t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	for b.count(who) < n {
		select {
		case <-b.news:
		case <-deadline.C:
			t.Fatalf("%s was called %d times, want %d", who, b.count(who), n)
		}
	}
}

func principal() access.Principal {
	org := access.Organization{ID: db.NewID(), Name: "Acme", Chain: []string{access.Installation}}
	return access.Principal{User: db.NewID(), Username: "ada", Role: access.Manager, Home: org, Acting: org, Product: "pci", Subscribed: true}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBox()
		q := jobs.New()
		outbox.Work(q, d, map[string]outbox.Handler{
			"first": func(_ context.Context, e outbox.Event) error {
				if b.note("first", e) == 1 {
					return errors.New("not this time")
				}
				return nil
			},
			"second": func(_ context.Context, e outbox.Event) error { b.note("second", e); return nil },
		})
		jobs.Work(q, time.Minute, func(_ context.Context, j tally) error {
			b.note(j.Name, outbox.Event{Actor: j.Actor})
			return nil
		})
		p := principal()
		grant, err := access.Check(p, access.TargetAccess)
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		refused := errors.New("refused")
		err = d.Write(ctx, grant, func(tx *db.Tx) error {
			return errors.Join(outbox.Emit(tx, "test_happened", map[string]int{"n": 0}), jobs.Enqueue(tx, tally{jobs.ActorOf(tx), "rolled back"}), refused)
		})
		if !errors.Is(err, refused) {
			t.Fatal(err)
		}
		err = d.Write(ctx, grant, func(tx *db.Tx) error {
			return errors.Join(outbox.Emit(tx, "test_happened", map[string]int{"n": 1}), outbox.Emit(tx, "nobody_hears", nil), jobs.Enqueue(tx, tally{jobs.ActorOf(tx), "committed"}))
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Start(ctx, d, 4, slog.New(slog.NewTextHandler(io.Discard, nil))); err != nil {
			t.Fatal(err)
		}
		b.wait(t, "committed", 1)
		b.wait(t, "second", 1)
		b.wait(t, "first", 2) // the first try failed
		if err := q.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		if b.count("rolled back") != 0 || b.count("committed") != 1 || b.count("second") != 1 || b.count("first") != 2 {
			t.Errorf("came %v", b.tries)
		}
		for _, who := range []string{"first", "second"} {
			for _, e := range b.came[who] {
				var data struct{ N int }
				if err := e.Read(&data); err != nil || data.N != 1 || e.Name != "test_happened" || e.Product != "pci" || e.ID == "" || e.CreatedAt == 0 {
					t.Errorf("%s got %+v, %v", who, e, err)
				}
				g := e.Grant()
				if a := g.Principal(); g.Organization() != p.Acting.ID || a.User != p.User || a.Username != "ada" || a.Product != "pci" || len(a.Acting.Chain) != 1 || g.IsSystem() {
					t.Errorf("%s acts as %+v", who, a)
				}
				if a := (g.Principal()); a.Role != "" && a.Holds(access.AdminAccess) {
					t.Error("a job holds what its actor does not")
				}
			}
		}
		if a := b.came["committed"][0].Actor; a.OrganizationID != p.Acting.ID || a.UserID != p.User {
			t.Errorf("the job acts as %+v", a)
		}
	})
}

// TestStrangersEvent: a job reads no event but its organization's.
func TestStrangersEvent(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, db.SQLite)
	e := outbox.Event{Name: "x", Data: json.RawMessage(`{"a":`)}
	if err := e.Read(&struct{}{}); err == nil {
		t.Error("broken data are read")
	}
	mine, theirs := principal(), principal()
	for _, p := range []access.Principal{mine, theirs} {
		g, err := access.Check(p, access.TargetAccess)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Write(context.Background(), g, func(tx *db.Tx) error { return outbox.Emit(tx, "unheard", nil) }); err != nil {
			t.Fatal(err)
		}
		var n int
		err = d.Read(context.Background(), g, func(tx *db.Tx) error { return tx.Query(&n, "select count(*) from events where organization_id = ?org") })
		if err != nil || n != 1 {
			t.Errorf("%d events, %v", n, err)
		}
	}
}
