package app

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/config"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/scanlink"
)

// schedule made by a user; it gives its id.
func (p *program) schedule(by, name string, attributes object) string {
	p.Helper()
	attributes["name"] = name
	return p.must(201, by, "POST", "/v2/schedules", object{"schedule": attributes}).id(p)
}

// travel moves the clock to an instant.
func (p *program) travel(to time.Time) { p.clock.Move(to.Sub(p.clock.Now())) }

// tick all programs at once.
func tick(p *program, all ...*App) {
	p.Helper()
	var at sync.WaitGroup
	for _, a := range all {
		at.Go(func() {
			if err := scan.Tick(context.Background(), a.DB, a.log); err != nil {
				p.Error(err)
			}
		})
	}
	at.Wait()
}

// states of the runs of a scan, the first one first.
func (p *program) states(by, id string) []string {
	p.Helper()
	var list struct {
		Data []struct{ Attributes struct{ State string } }
	}
	p.must(200, by, "GET", "/v2/scans/"+id+"/histories?sort_by=requested_at", nil).decode(p, &list)
	var states []string
	for _, h := range list.Data {
		states = append(states, h.Attributes.State)
	}
	return states
}

func alive(h scanlink.PlanHost) []scanlink.Observation {
	return []scanlink.Observation{{Host: &scanlink.Host{Address: h.Address, Alive: true, Done: true, Coverage: scanlink.Complete}}}
}

// settle waits until no start of a schedule is waiting or at work.
func (p *program) settle() {
	p.Helper()
	p.eventually("the jobs of schedules are done", func() bool {
		left := 0
		err := p.app.DB.Read(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
			return tx.Query(&left, "select count(*) from river_job where kind = 'scheduled_start' and state not in ('completed', 'discarded', 'cancelled')")
		})
		if err != nil {
			p.Fatal(err)
		}
		return left == 0
	})
}

// twin is a second program on the same database, where that can be had, with a clock that goes the same.
func twin(p *program) *App {
	p.Helper()
	if p.app.DB.Dialect() == db.SQLite {
		return p.app
	}
	c, err := config.Read(nil, []string{"VEDETTE_DATA_DIR=" + p.app.Config.DataDir, "VEDETTE_DATABASE_URL=" + p.app.Config.Database.URL.Reveal(),
		"VEDETTE_HTTP_ADDRESS=127.0.0.1:0", "VEDETTE_OPERATOR_PASSWORD=" + password, "VEDETTE_SCANNER_EMBEDDED=true"})
	if err != nil {
		p.Fatal(err)
	}
	ctx := context.Background()
	a, err := New(ctx, c, slog.New(slog.NewTextHandler(io.Discard, nil)), p.clock)
	if err != nil {
		p.Fatal(err)
	}
	if err := a.queue.Start(ctx, a.DB, 2, a.log); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() {
		ctx, done := context.WithTimeout(context.Background(), 10*time.Second)
		defer done()
		if err := a.queue.Stop(ctx); err != nil {
			p.Error(err)
		}
		_ = a.link.Shutdown(ctx)
		_ = a.listener.Close()
		if err := a.close(); err != nil {
			p.Error(err)
		}
	})
	return a
}

// TestScheduleFires crosses the night in which the clocks go forward, with two programs on one database where there can be two.
func TestScheduleFires(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		other := twin(p)
		p.organization("admin", "north", access.Manager)
		by := "manager@north"
		year := p.clock.Now().Year() + 1
		change := time.Date(year, 3, 31, 1, 0, 0, 0, time.UTC) // the last Sunday of March
		for change.Weekday() != time.Sunday {
			change = change.AddDate(0, 0, -1)
		}
		first := change.AddDate(0, 0, -1)
		nightly := p.schedule(by, "nightly", object{"first_time": first.Format("2006-01-02") + " 02:30:00", "timezone": "Europe/Vienna", "period": 1, "period_unit": "day"})
		id := p.must(201, by, "POST", "/v2/scans", object{"scan": object{"name": "quarterly", "target": p.target(by, "web", "192.0.2.10"), "schedule": nightly}}).id(p)
		idle := p.scan(by, "unscheduled", p.target(by, "other", "192.0.2.20"))

		next := func() string {
			var one struct {
				Data struct {
					Attributes struct {
						NextTime time.Time `json:"next_time"`
						Schedule struct{ ID, Name string }
					}
				}
			}
			p.must(200, by, "GET", "/v2/scans/"+id, nil).decode(p, &one)
			if one.Data.Attributes.Schedule.Name != "nightly" {
				p.Errorf("the scan shows %+v", one)
			}
			return one.Data.Attributes.NextTime.Format("02 15:04")
		}
		for night, want := range []time.Time{first.Add(30 * time.Minute), change, change.Add(23*time.Hour + 30*time.Minute)} {
			if got := next(); got != want.Format("02 15:04") {
				p.Fatalf("night %d: fires next at %s, not %s", night, got, want)
			}
			if got := p.first(by, "/v2/scans/upcoming"); got != id {
				p.Fatalf("upcoming is %s", got)
			}
			p.travel(want.Add(-20 * time.Second))
			p.tokens = map[string]string{}
			tick(p, p.app, other, p.app, other)
			p.settle()
			if got := p.states(by, id); len(got) != night {
				p.Fatalf("night %d: too early: %v", night, got)
			}
			p.travel(want.Add(5 * time.Second))
			tick(p, p.app, other, p.app, other, p.app, other)
			p.settle()
			tick(p, p.app, other)
			p.settle()
			if got := p.states(by, id); len(got) != night+1 || got[night] != scan.Queued {
				p.Fatalf("night %d: runs %v", night, got)
			}
			p.work(alive)
		}
		if got := p.states(by, idle); len(got) != 0 {
			p.Errorf("a scan without a schedule ran: %v", got)
		}
	})
}

// TestScheduleMissedAndOverlapping: a run that goes on is left alone, what was missed is caught up with once, a duration ends a
// run, and a subscription that is over starts nothing.
func TestScheduleMissedAndOverlapping(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "north", access.Manager)
		by := "manager@north"
		start := p.clock.Now().Truncate(time.Hour).Add(2 * time.Hour)
		hourly := p.schedule(by, "hourly", object{"first_time": start.Format("2006-01-02 15:04:05"), "timezone": "UTC", "rrule": "FREQ=HOURLY", "duration_minutes": 150})
		id := p.must(201, by, "POST", "/v2/scans", object{"scan": object{"name": "often", "target": p.target(by, "web", "192.0.2.10"), "schedule": hourly}}).id(p)
		at := func(hours float64) {
			p.travel(start.Add(time.Duration(hours * float64(time.Hour))))
			p.tokens = map[string]string{}
			tick(p, p.app)
			p.settle()
		}
		at(0)
		at(1) // the first run still goes on
		at(2)
		if got := p.states(by, id); len(got) != 1 || got[0] != scan.Queued {
			p.Fatalf("runs %v", got)
		}
		p.must(409, by, "DELETE", "/v2/schedules/"+hourly, nil)
		at(2.6)
		if got := p.states(by, id); len(got) != 1 || got[0] != scan.Stopped {
			p.Fatalf("after its duration: %v", got)
		}
		at(9.5) // seven firings were missed
		if got := p.states(by, id); len(got) != 2 || got[1] != scan.Queued {
			p.Fatalf("after a pause: %v", got)
		}
		p.work(alive)
		p.must(200, by, "PUT", "/v2/scans/"+id, object{"scan": object{"schedule": nil}})
		at(20)
		if got := p.states(by, id); len(got) != 2 {
			p.Fatalf("without a schedule: %v", got)
		}
		p.must(200, by, "DELETE", "/v2/schedules/"+hourly, nil)
	})
}

// TestScheduleTooLate passes over what is a day late.
func TestScheduleTooLate(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "north", access.Manager)
		by := "manager@north"
		start := p.clock.Now().Truncate(time.Hour).Add(2 * time.Hour)
		weekly := p.schedule(by, "weekly", object{"first_time": start.Format("2006-01-02 15:04:05"), "timezone": "UTC", "period_unit": "week"})
		id := p.must(201, by, "POST", "/v2/scans", object{"scan": object{"name": "weekly", "target": p.target(by, "web", "192.0.2.10"), "schedule_id": weekly}}).id(p)
		p.travel(start.Add(25 * time.Hour))
		tick(p, p.app)
		p.settle()
		p.tokens = map[string]string{}
		if got := p.states(by, id); len(got) != 0 {
			p.Errorf("runs %v", got)
		}
		want := start.Add(7 * 24 * time.Hour).Format("2006-01-02T15:04:05.000Z")
		if shown := p.must(200, by, "GET", "/v2/schedules/"+weekly, nil); !strings.Contains(string(shown.Body), want) {
			p.Errorf("next is not %s: %s", want, shown.Body)
		}
	})
}

// TestScheduleAttributes walks create, update, list and the calculators.
func TestScheduleAttributes(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "north", access.Manager)
		by := "manager@north"
		id := p.schedule(by, "monthly", object{"first_time": "2099-01-31 22:00:00", "timezone": "Europe/Vienna", "period": 1, "period_unit": "month",
			"blackouts": []object{{"start": "08:00", "end": "18:00", "days": []string{"mon"}}}})
		twice := object{"schedule": object{"name": "monthly", "first_time": "2099-01-31 22:00:00", "timezone": "UTC"}}
		if a := p.must(422, by, "POST", "/v2/schedules", twice); !strings.Contains(string(a.Body), "taken") {
			p.Errorf("the same name: %s", a.Body)
		}
		for wrong, b := range map[string]object{
			"/schedule/rrule":      {"rrule": "FREQ=SECONDLY"},
			"/schedule/timezone":   {"timezone": "Mars/Olympus"},
			"/schedule/first_time": {"first_time": "2001-01-01 00:00:00", "period_unit": "once"},
			"/schedule/blackouts":  {"blackouts": []object{{"start": "8", "end": "18:00"}}},
		} {
			if a := p.must(422, by, "PUT", "/v2/schedules/"+id, object{"schedule": b}); !strings.Contains(string(a.Body), `"pointer":"`+wrong) {
				p.Errorf("%s: %s", wrong, a.Body)
			}
		}
		changed := p.must(200, by, "PUT", "/v2/schedules/"+id, object{"schedule": object{"rrule": "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=1"}})
		if !strings.Contains(string(changed.Body), `"next_time":"2099-03-01T21:00:00.000Z"`) || !strings.Contains(string(changed.Body), `"period":null`) {
			p.Errorf("by a rule: %s", changed.Body)
		}
		back := p.must(200, by, "PUT", "/v2/schedules/"+id, object{"schedule": object{"period": 2, "period_unit": "week"}})
		if !strings.Contains(string(back.Body), `"next_time":"2099-01-31T21:00:00.000Z"`) || !strings.Contains(string(back.Body), `"rrule":null`) {
			p.Errorf("by a period: %s", back.Body)
		}
		if got := p.first(by, "/v2/schedules?q[name]=month*&q[period_unit]=week&sort_by=next_time&q[timezone]=europe*"); got != id {
			p.Errorf("lists %s", got)
		}
		calculator := object{"schedule": object{"timezone": "America/New_York", "first_time": "2026-01-31 10:00:00", "period": 1, "period_unit": "month", "after": "2026-02-01 00:00:00"}, "count": 2}
		if a := p.must(200, by, "POST", "/v2/schedules/next_times", calculator); string(a.Body) !=
			`{"next_times":["2026-02-28 10:00:00","2026-03-31 10:00:00"],"next_times_utc":["2026-02-28T15:00:00.000Z","2026-03-31T14:00:00.000Z"]}`+"\n" {
			p.Errorf("next times %s", a.Body)
		}
		delete(calculator, "count")
		if a := p.must(200, by, "POST", "/v2/schedules/first_time", calculator); string(a.Body) !=
			`{"first_time":"2026-02-28 10:00:00","first_time_utc":"2026-02-28T15:00:00.000Z"}`+"\n" {
			p.Errorf("first time %s", a.Body)
		}
		p.must(422, by, "POST", "/v2/schedules/next_times", object{"schedule": object{"timezone": "UTC", "rrule": "FREQ=DAILY"}, "count": 101})
		p.must(200, by, "DELETE", "/v2/schedules", object{"ids": []string{id}})
		p.must(404, by, "GET", "/v2/schedules/"+id, nil)
	})
}
