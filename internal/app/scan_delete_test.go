package app

import (
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/scanlink"
)

// TestDeletedScan: what a scan alone had found leaves lists and counters with it; what another has seen too goes back to that one.
func TestDeletedScan(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "acme", access.Manager)
		const m = "manager@acme"
		target := p.target(m, "web", "192.0.2.10")
		narrow, wide, third := p.scan(m, "narrow", target), p.scan(m, "wide", target), p.scan(m, "third", target)
		run := func(scan string, ports map[string]uint16) {
			p.Helper()
			p.clock.Move(time.Minute)
			p.start(m, scan)
			p.work(func(h scanlink.PlanHost) []scanlink.Observation {
				all := []scanlink.Observation{clean(h.Address)}
				for class, port := range ports {
					all = append(all, found(h.Address, port, class, 98))
				}
				return all
			})
		}
		run(narrow, map[string]uint16{"anon.redis": 6379})
		run(third, map[string]uint16{"anon.redis": 6379})
		p.clock.Move(time.Minute)
		before := p.byClass(m, "/v2/vulnerabilities")["anon.redis"]
		run(wide, map[string]uint16{"anon.redis": 6379, "anon.ftp": 21})
		p.tallied(m, 2)

		p.must(200, m, "DELETE", "/v2/scans?ids="+wide+","+third, nil)
		p.tallied(m, 1)
		after := p.byClass(m, "/v2/vulnerabilities")["anon.redis"]
		if n := len(p.vulnerabilities(m, "/v2/vulnerabilities?q[scan]="+narrow)); n != 1 || after.ID != before.ID || after.FirstSeenAt != before.FirstSeenAt || after.LastSeenAt >= before.LastSeenAt {
			p.Errorf("what another scan has seen too: %d, %+v, before %+v", n, after, before)
		}
		run(narrow, nil)
		if v := p.byClass(m, "/v2/vulnerabilities")["anon.redis"]; v.State != "fixed" {
			p.Errorf("after the scan that it went back to: %+v", v)
		}
		run(narrow, map[string]uint16{"anon.ftp": 21})
		p.tallied(m, 1)
		p.must(200, m, "DELETE", "/v2/scans/"+narrow, nil)
		p.tallied(m, 0)
		if all := p.vulnerabilities(m, "/v2/vulnerabilities"); len(all) != 0 {
			p.Errorf("left: %+v", all)
		}
		if a := p.must(200, m, "GET", "/v2/hosts", nil); p.first(m, "/v2/hosts?q[risk_score]=0") == "" {
			p.Errorf("hosts: %s", a.Body)
		}
	})
}

// tallied: the list of what is open, the widget, its trend and the host count alike.
func (p *program) tallied(m string, want int) {
	p.Helper()
	if n := len(p.vulnerabilities(m, "/v2/vulnerabilities?q[state]=open,reopened")); n != want {
		p.Errorf("%d are open, want %d", n, want)
	}
	type counts struct{ Critical, High, Medium, Low, Log int }
	sum := func(c counts) int { return c.Critical + c.High + c.Medium + c.Low + c.Log }
	var total struct {
		Total int
		Trend []counts
	}
	p.must(200, m, "GET", "/v2/vulnerabilities/total", nil).decode(p, &total)
	var hosts struct {
		Data []struct{ Attributes struct{ Counts counts } }
	}
	p.must(200, m, "GET", "/v2/hosts", nil).decode(p, &hosts)
	if len(hosts.Data) != 1 || total.Total != want || sum(total.Trend[len(total.Trend)-1]) != want || sum(hosts.Data[0].Attributes.Counts) != want {
		p.Errorf("the widget says %+v and the hosts %+v, want %d", total, hosts, want)
	}
}
