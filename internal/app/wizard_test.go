package app

import (
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/scanlink"
)

// TestWizard: one call makes target, schedule and scan and starts it, or nothing; the preview tells of a start before it.
func TestWizard(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "acme", access.Manager)
		const m = "manager@acme"
		scope := object{"accepted": true, "name": "Ada", "title": "CTO"}
		bad := func(pointer string, attributes object) {
			p.Helper()
			before := p.must(200, m, "GET", "/v2/targets", nil).Body
			x := p.refused(422, m, "POST", "/v2/scans/wizard", object{"scan": attributes})
			if len(x.Errors) == 0 || x.Errors[0].Pointer != pointer {
				p.Errorf("points at %+v, want %s", x.Errors, pointer)
			}
			for path, want := range map[string]string{"/v2/targets": string(before), "/v2/schedules": `"total_count":0`} {
				if a := p.must(200, m, "GET", path, nil); !strings.Contains(string(a.Body), want) {
					p.Errorf("%s afterwards: %s", path, a.Body)
				}
			}
		}
		when := object{"first_time": "2099-01-31 10:00:00", "timezone": "UTC"}
		bad("/scan/hosts", object{"name": "shop", "hosts": "not a host!", "scope_attestation": scope})
		bad("/scan/hosts", object{"name": "shop", "hosts": "not a host!", "scope_attestation": scope, "start": true})
		bad("/scan/scope_attestation", object{"name": "shop", "hosts": "192.0.2.1"})
		bad("/scan/schedule/timezone", object{"name": "shop", "hosts": "192.0.2.1", "scope_attestation": scope, "schedule": object{"first_time": "2099-01-31 10:00:00", "timezone": "Mars"}})
		bad("/scan/profile", object{"name": "shop", "hosts": "192.0.2.1", "scope_attestation": scope, "schedule": when, "profile": "fast", "start": true})
		p.target(m, "taken", "192.0.2.50")
		bad("/scan/name", object{"name": "taken", "hosts": "192.0.2.1", "scope_attestation": scope, "schedule": when})
		made := p.must(201, m, "POST", "/v2/scans/wizard", object{"scan": object{"name": "shop", "hosts": "192.0.2.1,192.0.2.2", "scope_attestation": scope, "schedule": when, "start": true}})
		s := made.id(p)
		if made.Header.Get("Location") != "/v2/scans/"+s || !strings.Contains(string(made.Body), `"next_time":"2099-01-31T10:00:00.000Z"`) {
			p.Errorf("made: %s", made.Body)
		}
		p.stateIs(m, s, "Requested", "queued")
		p.work(func(h scanlink.PlanHost) []scanlink.Observation {
			return []scanlink.Observation{clean(h.Address), found(h.Address, 6379, "anon.redis", 98), found(h.Address, 21, "anon.ftp", 98)}
		})
		p.stateIs(m, s, "Done", "completed")
		p.previewed(m, s)
		p.narrowed(m, s)
	})
}

// previewed: what a start would do, measured by the run before.
func (p *program) previewed(m, s string) {
	p.Helper()
	var v struct {
		Startable bool
		Addresses int
		Quota     struct{ Limit, Used, Left int }
		Estimate  struct {
			Basis string
			Runs  int
		}
		Load struct {
			PacketsPerSecond int `json:"packets_per_second"`
		}
	}
	p.must(200, m, "POST", "/v2/scans/"+s+"/preview", nil).decode(p, &v)
	if !v.Startable || v.Addresses != 2 || v.Quota.Used != 3 || v.Quota.Left != v.Quota.Limit-3 || v.Estimate.Basis != "earlier_runs" || v.Estimate.Runs != 1 || v.Load.PacketsPerSecond == 0 {
		p.Errorf("preview: %+v", v)
	}
	if runs := p.runsOf(m, s); len(runs) != 1 {
		p.Errorf("a preview started something: %+v", runs)
	}
	if a := p.must(200, m, "GET", "/v2/scan_profiles/activated", nil); strings.Count(string(a.Body), `"type":"scan_profile"`) != 1 {
		p.Errorf("profiles of pci: %s", a.Body)
	}
	if a := p.must(200, m, "GET", "/v2/scan_profiles", nil); strings.Count(string(a.Body), `"type":"scan_profile"`) != len(scanlink.Profiles) {
		p.Errorf("profiles: %s", a.Body)
	}
}

// narrowed: a run that does not ask for a port mends nothing there.
func (p *program) narrowed(m, s string) {
	p.Helper()
	list := p.must(201, m, "POST", "/v2/port_lists", object{"port_list": object{"name": "narrow", "ranges": "T:1-1024"}}).id(p)
	p.must(200, m, "PUT", "/v2/targets/"+p.first(m, "/v2/targets?q[name]=shop"), object{"target": object{"port_list": list}})
	p.start(m, s)
	p.work(func(h scanlink.PlanHost) []scanlink.Observation { return []scanlink.Observation{clean(h.Address)} })
	if all := p.byClass(m, "/v2/vulnerabilities"); all["anon.redis"].State != "open" || all["anon.ftp"].State != "fixed" {
		p.Errorf("after a narrower run: %+v", all)
	}
}
