package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/scanlink"
)

// limited is an organization whose plan has these rules about rescans; it gives a user of it.
func (p *program) limited(name string, rules object) string {
	p.Helper()
	p.must(201, "admin", "POST", "/v2/plans", object{"plan": object{"code": name, "name": name, "product": "pci", "default_interval": "yearly",
		"features": object{"number_of_ips": object{"limit": 10}, "rescan": rules}}})
	location := p.must(201, "admin", "POST", "/v2/organizations", object{"organization": object{"name": name, "skip_default_subscription": true,
		"plans": []object{{"plan": name}}}}).Header.Get("Location")
	user := "manager@" + name
	p.must(201, "admin", "POST", "/v2/users", object{"user": object{"username": user, "email": user + ".example", "role": access.Manager,
		"organization": location[strings.LastIndex(location, "/")+1:], "password": password, "confirmed": true}})
	return user
}

// TestRescans: a plan says how often, and after what, a scan may run again in a period.
func TestRescans(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		m := p.limited("monthly", object{"active": true, "num_of_rescans": 1, "unit": "month"})
		s := p.scan(m, "web", p.target(m, "web", "192.0.2.10"))
		refused := func(by, scan string) {
			p.Helper()
			if x := p.refused(403, by, "POST", "/v2/scans/"+scan+"/start", nil); x.Code != "rescan_limit" {
				p.Errorf("a rescan too many: %+v", x)
			}
			var v struct {
				Startable bool
				Problems  []struct{ Code string }
			}
			p.must(200, by, "POST", "/v2/scans/"+scan+"/preview", nil).decode(p, &v)
			if v.Startable || len(v.Problems) != 1 || v.Problems[0].Code != "rescan_limit" {
				p.Errorf("its preview: %+v", v)
			}
		}
		pass := func(by, scan string) {
			p.Helper()
			p.start(by, scan)
			p.work(func(h scanlink.PlanHost) []scanlink.Observation { return []scanlink.Observation{clean(h.Address)} })
			p.stateIs(by, scan, "Done", "completed")
		}
		pass(m, s)
		p.start(m, s) // a rescan that the service can't bring to an end isn't counted
		p.clock.Move(2 * time.Hour)
		if err := p.app.dispatcher.Sweep(context.Background()); err != nil {
			p.Fatal(err)
		}
		p.stateIs(m, s, "Failed", "interrupted")
		pass(m, s)
		refused(m, s)
		pass(m, p.scan(m, "another", p.target(m, "another", "192.0.2.11"))) // the rule is of each scan
		p.clock.Move(32 * 24 * time.Hour)
		clear(p.tokens)
		pass(m, s)
		pass(m, s)
		refused(m, s)

		never := p.limited("never", object{"active": false})
		once := p.scan(never, "once", p.target(never, "once", "192.0.2.20"))
		pass(never, once)
		refused(never, once)

		failed := p.limited("failed", object{"active": true, "unlimited": true, "when_run": "failed"})
		again := p.scan(failed, "again", p.target(failed, "again", "192.0.2.30"))
		for range 2 {
			p.finish(failed, again) // with what fails
		}
		pass(failed, again)
		refused(failed, again)
	})
}

// TestStagingBound: a lease that sends more than it may stage is refused, and its chunk has failed for good.
func TestStagingBound(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "acme", access.Manager)
		const m = "manager@acme"
		s := p.scan(m, "web", p.target(m, "web", "192.0.2.10"))
		p.start(m, s)
		l := p.lease()
		p.observe(l, func(h scanlink.PlanHost) []scanlink.Observation { return []scanlink.Observation{clean(h.Address)} })
		err := p.app.DB.Write(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
			_, err := tx.Exec("update scan_chunks set staged_bytes = ? where id = ?", 256<<20-100, l.ChunkID) // as if it had sent so much
			return err
		})
		if err != nil {
			p.Fatal(err)
		}
		batch := scanlink.Batch{Token: l.Token, Sequence: 2, Observations: []scanlink.Observation{found(l.Plan.Hosts[0].Address, 6379, "anon.redis", 98)}}
		if err := p.app.dispatcher.Observe(context.Background(), scanner.EmbeddedID, l.ChunkID, batch); !fault.Is(err, fault.TooLarge) {
			p.Errorf("more than may be staged: %v", err)
		}
		if err := p.finishLease(l, scanlink.Finish{LastSequence: 1, Error: "the server refused what was observed"}); err != nil {
			p.Fatal(err)
		}
		if p.lease() != nil {
			p.Error("what sends too much is tried again")
		}
		p.stateIs(m, s, "Failed", "failed")
		if n := len(p.vulnerabilities(m, "/v2/vulnerabilities")); n != 0 {
			p.Errorf("%d vulnerabilities of a refused chunk", n)
		}
	})
}
