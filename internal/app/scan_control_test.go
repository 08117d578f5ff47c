package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/authority"
)

func (p *program) tick() {
	p.Helper()
	if err := scan.Tick(context.Background(), p.app.DB, p.app.log); err != nil {
		p.Fatal(err)
	}
}

func (p *program) beat(l *scanlink.Lease) scanlink.BeatAnswer {
	p.Helper()
	a, err := p.app.dispatcher.Beat(context.Background(), scanner.EmbeddedID, l.ChunkID, scanlink.Beat{Token: l.Token, Brief: true})
	if err != nil {
		p.Fatal(err)
	}
	return a
}

// TestPause: a paused run gives its parts back and goes on when it is resumed, by a user or by the end of a blackout.
func TestPause(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "acme", access.Manager)
		const m = "manager@acme"
		s := p.scan(m, "web", p.target(m, "web", "192.0.2.10"))
		post := func(status int, what string) answer {
			p.Helper()
			return p.must(status, m, "POST", "/v2/scans/"+s+"/"+what, nil)
		}
		post(409, "pause")
		p.start(m, s)
		l := p.lease()
		if p.beat(l).Stop {
			p.Error("a running scan is told to stop")
		}
		post(200, "pause")
		p.stateIs(m, s, "Running", "paused")
		post(409, "pause")
		post(409, "start")
		if !p.beat(l).Stop {
			p.Error("the scanner does not hear of the pause")
		}
		if err := p.finishLease(l, scanlink.Finish{Interrupted: true}); err != nil {
			p.Fatal(err)
		}
		p.stateIs(m, s, "Running", "paused")
		p.clock.Move(3 * time.Hour)
		if err := p.app.dispatcher.Sweep(context.Background()); err != nil {
			p.Fatal(err)
		}
		if p.lease() != nil {
			p.Error("a paused scan is leased")
		}
		post(200, "resume")
		p.stateIs(m, s, "Requested", "queued")
		post(409, "resume")
		if err := p.app.dispatcher.Sweep(context.Background()); err != nil {
			p.Fatal(err)
		}
		p.work(func(h scanlink.PlanHost) []scanlink.Observation { return []scanlink.Observation{clean(h.Address)} })
		p.stateIs(m, s, "Done", "completed")
		p.dark(m, s)
	})
}

// dark: a blackout of the schedule pauses the run, and its end resumes it; what a user resumes meanwhile goes on.
func (p *program) dark(m, s string) {
	p.Helper()
	now := p.app.DB.Clock().Now().UTC().Truncate(time.Hour)
	hour := func(in time.Duration) string { return now.Add(in).Format("15:04") }
	sched := p.schedule(m, "nightly", object{"first_time": "2099-01-31 10:00:00", "timezone": "UTC",
		"blackouts": []object{{"start": hour(2 * time.Hour), "end": hour(4 * time.Hour)}}})
	p.must(200, m, "PUT", "/v2/scans/"+s, object{"scan": object{"schedule": sched}})
	p.start(m, s)
	p.tick()
	p.stateIs(m, s, "Requested", "queued")
	p.clock.Move(now.Add(2*time.Hour + time.Minute).Sub(p.app.DB.Clock().Now()))
	p.tick()
	p.stateIs(m, s, "Running", "paused")
	if a := p.must(200, m, "GET", "/v2/scans/"+s+"/histories", nil); !strings.Contains(string(a.Body), `"paused_by":"blackout"`) {
		p.Errorf("paused by: %s", a.Body)
	}
	p.must(200, m, "POST", "/v2/scans/"+s+"/resume", nil)
	p.tick()
	p.stateIs(m, s, "Requested", "queued")
	p.clock.Move(24 * time.Hour) // into the next window
	clear(p.tokens)
	p.tick()
	p.stateIs(m, s, "Running", "paused")
	p.clock.Move(2 * time.Hour)
	p.tick()
	p.stateIs(m, s, "Requested", "queued")
	p.clock.Move(22 * time.Hour) // into another one
	clear(p.tokens)
	p.tick()
	p.stateIs(m, s, "Running", "paused")
	p.must(200, m, "PUT", "/v2/scans/"+s, object{"scan": object{"schedule": nil}})
	p.tick()
	p.stateIs(m, s, "Requested", "queued")
	p.must(200, m, "POST", "/v2/scans/"+s+"/stop", nil)
	p.stateIs(m, s, "Stopped", "stopped")
}

// TestFairness: a single host of one organization does not wait for the network of another, and of one organization the scan of
// higher priority comes first.
func TestFairness(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "big", access.Manager)
		p.organization("admin", "small", access.Manager)
		const big, small = "manager@big", "manager@small"
		wide := p.scan(big, "wide", p.target(big, "wide", "198.51.100.0/24"))
		p.start(big, wide)
		if l := p.lease(); l == nil || l.ScanID != wide {
			p.Fatalf("leased %+v", l)
		}
		one := p.scan(small, "one", p.target(small, "one", "192.0.2.10"))
		p.start(small, one)
		if l := p.lease(); l == nil || l.ScanID != one {
			p.Errorf("after one part of the wide scan comes %+v", l)
		}
		urgent := p.must(201, big, "POST", "/v2/scans", object{"scan": object{"name": "urgent", "target": p.target(big, "urgent", "203.0.113.9"), "priority": "high"}}).id(p)
		p.start(big, urgent)
		if l := p.lease(); l == nil || l.ScanID != urgent {
			p.Errorf("of one organization comes first %+v", l)
		}
		p.refused(422, big, "PUT", "/v2/scans/"+urgent, object{"scan": object{"priority": "highest"}})
		p.stoppedAll(big, wide)
	})
}

// stoppedAll: the emergency stop ends every run and lets nothing start.
func (p *program) stoppedAll(big, wide string) {
	p.Helper()
	p.must(403, big, "POST", "/v2/installation/stop_all", nil)
	var held struct {
		Held     bool
		Stopping int
	}
	p.must(200, "admin", "POST", "/v2/installation/stop_all", object{"reason": "a complaint"}).decode(p, &held)
	if !held.Held || held.Stopping != 3 {
		p.Errorf("held: %+v", held)
	}
	p.stateIs(big, wide, "Running", "stopping")
	if p.lease() != nil {
		p.Error("a part is leased while all is held")
	}
	fresh := p.scan(big, "fresh", p.target(big, "fresh", "203.0.113.10"))
	if x := p.refused(409, big, "POST", "/v2/scans/"+fresh+"/start", nil); x.Code != "scans_held" {
		p.Errorf("a start while all is held: %+v", x)
	}
	if a := p.must(200, "admin", "GET", "/v2/audit/events?q[action]=stopAllScans", nil); !strings.Contains(string(a.Body), "a complaint") {
		p.Errorf("audit: %s", a.Body)
	}
	p.must(200, "admin", "POST", "/v2/installation/resume_all", nil)
	p.refused(409, "admin", "POST", "/v2/installation/resume_all", nil)
	p.start(big, fresh)
}

// TestOperatorsLimits: so many scans at once, and so many packets a second over all that is leased.
func TestOperatorsLimits(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.app.dispatcher.Limits = scan.Limits{Running: 1, PacketsPerSecond: 1000}
		p.organization("admin", "acme", access.Manager)
		const m = "manager@acme"
		first := p.scan(m, "first", p.target(m, "first", "198.51.100.0/27"))
		second := p.scan(m, "second", p.target(m, "second", "192.0.2.1"))
		p.start(m, first)
		p.start(m, second)
		a, b := p.lease(), p.lease()
		if a == nil || b == nil || a.ScanID != first || b.ScanID != first || a.Plan.Rate < 1 || a.Plan.Rate+b.Plan.Rate > 1000 {
			p.Fatalf("leased %+v and %+v", a, b)
		}
		if l := p.lease(); l != nil {
			p.Errorf("a second scan runs: %+v", l)
		}
		for _, l := range []*scanlink.Lease{a, b} {
			p.observe(l, func(h scanlink.PlanHost) []scanlink.Observation { return []scanlink.Observation{clean(h.Address)} })
			if err := p.finishLease(l, scanlink.Finish{LastSequence: 1}); err != nil {
				p.Fatal(err)
			}
		}
		if l := p.lease(); l == nil || l.ScanID != second {
			p.Errorf("after the first comes %+v", l)
		}
	})
}

// linked trades a linking code for a certificate, and gives its serial number.
func (p *program) linked(secret string) string {
	p.Helper()
	csr, _, err := authority.NewRequest()
	if err != nil {
		p.Fatal(err)
	}
	answer, err := p.app.dispatcher.Link(context.Background(), scanlink.LinkRequest{Code: secret, CSR: csr})
	if err != nil {
		p.Fatal(err)
	}
	serial, err := authority.SerialOf(answer.Certificate)
	if err != nil {
		p.Fatal(err)
	}
	return serial
}

// announced counts the events of that name that were announced.
func (p *program) announced(name string) int {
	p.Helper()
	n := 0
	err := p.app.DB.Read(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
		return tx.Query(&n, "select count(*) from events where name = ?", name)
	})
	if err != nil {
		p.Fatal(err)
	}
	return n
}

// pinned: all of a run is looked at with the templates that its first part began with, and the run names them.
func (p *program) pinned(by, scan, version string) {
	p.Helper()
	var h struct {
		Data struct {
			Attributes struct {
				FeedVersions map[string]string `json:"feed_versions"`
			}
		}
	}
	p.must(200, by, "GET", "/v2/scans/"+scan+"/histories/"+p.first(by, "/v2/scans/"+scan+"/histories"), nil).decode(p, &h)
	if told := h.Data.Attributes.FeedVersions["templates"]; version != "1111222233334444" || told != version {
		p.Errorf("the run goes on with %q and names %q", version, told)
	}
}

// TestLostAndLate: what a dead process held is free at once, outages are told once, and a verification is offered once.
func TestLostAndLate(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "acme", access.Manager)
		const m = "manager@acme"
		s := p.scan(m, "web", p.target(m, "web", "192.0.2.10"))
		p.start(m, s)
		ctx := context.Background()
		d := p.app.dispatcher
		l, err := d.Lease(ctx, scanner.EmbeddedID, scanlink.LeaseRequest{Free: 1, Instance: "one", Hello: scanlink.Hello{From: "203.0.113.5", Addresses: []string{"10.0.0.5", "127.0.0.1"}, FeedVersions: map[string]string{"templates": "1111222233334444"}}})
		if err != nil || l == nil {
			p.Fatal(l, err)
		}
		if err := d.Release(ctx, scanner.EmbeddedID, "another"); err != nil || p.lease() != nil {
			p.Errorf("the death of another process releases it: %v", err)
		}
		if err := d.Release(ctx, scanner.EmbeddedID, "one"); err != nil {
			p.Fatal(err)
		}
		again := p.lease()
		if again == nil || again.ChunkID != l.ChunkID || again.Token <= l.Token {
			p.Errorf("after the death %+v", again)
		}
		p.pinned(m, s, again.Plan.Templates)
		made := p.newScanner(m, "office")
		id := made.Data.ID
		secret, _ := scanlink.SplitCode(made.Data.Attributes.LinkingCode)
		if _, err := d.Link(ctx, scanlink.LinkRequest{Code: secret, CSR: "nonsense"}); !fault.Is(err, fault.Invalid) {
			p.Errorf("a bad request: %v", err)
		}
		first := p.linked(secret)
		if err := d.Known(ctx, id, first); err != nil {
			p.Error(err)
		}
		code := p.must(200, m, "POST", "/v2/scanners/"+id+"/linking_code", nil)
		var s2 oneScanner
		code.decode(p, &s2)
		secret, _ = scanlink.SplitCode(s2.Data.Attributes.LinkingCode)
		second := p.linked(secret)
		if err := d.Known(ctx, id, first); !fault.Is(err, fault.Unauthenticated) {
			p.Errorf("the certificate before: %v", err)
		}
		if err := d.Known(ctx, id, second); err != nil {
			p.Error(err)
		}
		if err := d.Hello(ctx, id, scanlink.Hello{From: "203.0.113.5", Addresses: []string{"10.0.0.5", "127.0.0.1"}}); err != nil {
			p.Fatal(err)
		}
		if a := p.must(200, m, "GET", "/v2/scanners/"+id, nil); !strings.Contains(string(a.Body), `"source_addresses":["203.0.113.5","10.0.0.5"]`) {
			p.Errorf("addresses: %s", a.Body)
		}
		p.clock.Move(50 * time.Second)
		for range 2 {
			if err := d.Sweep(ctx); err != nil {
				p.Fatal(err)
			}
		}
		if n := p.announced(scanner.OfflineEvent); n != 2 { // the embedded one's, too
			p.Errorf("%d notices of two outages", n)
		}
	})
}
