package app

import (
	"net/netip"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/scanlink"
)

type comparison struct {
	Data struct {
		From, To        struct{ ID string }
		Counts          map[string]changeCount
		Vulnerabilities []struct {
			Attributes struct{ Class, Change string }
		}
	}
	Meta struct {
		Pagination struct {
			TotalCount int     `json:"total_count"`
			NextCursor *string `json:"next_cursor"`
		}
	}
}

type changeCount struct {
	Total    int
	ByThreat map[string]int `json:"by_threat"`
}

// compare two runs of a scan; it gives the answer and what became of each class.
func (p *program) compare(by, scan, query string) (comparison, map[string]string) {
	p.Helper()
	var c comparison
	p.must(200, by, "GET", "/v2/scans/"+scan+"/compare"+query, nil).decode(p, &c)
	changes := map[string]string{}
	for _, v := range c.Data.Vulnerabilities {
		changes[v.Attributes.Class] = v.Attributes.Change
	}
	return c, changes
}

// TestCompare: what is new, fixed and unchanged between two runs of a scan, and what the later run did not look for.
func TestCompare(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "acme", access.Manager)
		const m = "manager@acme"
		s := p.scan(m, "web", p.target(m, "web", "192.0.2.10"))
		other := p.scan(m, "other", p.target(m, "other", "192.0.2.20"))
		path := "/v2/scans/" + s + "/compare"
		run := func(classes map[string]uint16) string {
			p.Helper()
			p.clock.Move(time.Minute)
			history := p.start(m, s)
			p.work(func(h scanlink.PlanHost) []scanlink.Observation {
				all := []scanlink.Observation{clean(h.Address)}
				for class, port := range classes {
					qod := 98
					if class == "anon.mongo" {
						qod = 30
					}
					all = append(all, found(h.Address, port, class, qod))
				}
				return all
			})
			return history
		}
		p.refused(409, m, "GET", path, nil)
		first := run(map[string]uint16{"anon.redis": 6379, "anon.ftp": 21})
		if x := p.refused(409, m, "GET", path, nil); x.Code != "too_few_runs" {
			p.Errorf("one run alone: %+v", x)
		}
		second := run(map[string]uint16{"anon.redis": 6379, "anon.mongo": 27017, "anon.memcached": 11211})
		c, changes := p.compare(m, s, "")
		if c.Data.From.ID != first || c.Data.To.ID != second || len(changes) != 4 || changes["anon.redis"] != "unchanged" || changes["anon.ftp"] != "fixed" ||
			changes["anon.memcached"] != "new" || changes["anon.mongo"] != "new" {
			p.Errorf("two runs: %+v", c)
		}
		for change, want := range map[string]int{"new": 1, "fixed": 1, "unchanged": 1, "unchecked": 0} { // without what is merely possible
			sum := 0
			for _, n := range c.Data.Counts[change].ByThreat {
				sum += n
			}
			if got := c.Data.Counts[change].Total; got != want || sum != want {
				p.Errorf("%s counts %d, by threat %d, want %d", change, got, sum, want)
			}
		}
		if c, changes := p.compare(m, s, "?change=new&per_page=1"); c.Meta.Pagination.TotalCount != 2 || len(changes) != 1 || c.Meta.Pagination.NextCursor == nil || c.Data.Counts["fixed"].Total != 1 {
			p.Errorf("a page of what is new: %+v", c)
		} else if _, next := p.compare(m, s, "?change=new&per_page=1&cursor="+*c.Meta.Pagination.NextCursor); len(next) != 1 || next["anon.mongo"] == changes["anon.mongo"] {
			p.Errorf("the next page: %+v", next)
		}
		if _, back := p.compare(m, s, "?from="+second+"&to="+first); back["anon.ftp"] != "new" || back["anon.memcached"] != "fixed" {
			p.Errorf("the other way round: %+v", back)
		}
		if _, same := p.compare(m, s, "?from="+second); len(same) != 3 || same["anon.redis"] != "unchanged" {
			p.Errorf("a run with itself: %+v", same)
		}
		p.incomparable(m, s, other, first)
		p.unchecked(m, s)
	})
}

// incomparable: what is no two completed runs of the scan.
func (p *program) incomparable(m, s, other, history string) {
	p.Helper()
	path := "/v2/scans/" + s + "/compare"
	for _, query := range []string{"?from=" + other, "?to=" + other, "?from=nonsense"} {
		p.refused(404, m, "GET", path+query, nil)
	}
	p.refused(404, m, "GET", "/v2/scans/"+other+"/compare?to="+history, nil)
	for _, query := range []string{"?change=worse", "?page=0", "?per_page=501", "?cursor=x", "?sort_by=name"} {
		p.refused(422, m, "GET", path+query, nil)
	}
	stopped := p.start(m, s)
	p.must(200, m, "POST", "/v2/scans/"+s+"/stop", nil)
	if x := p.refused(409, m, "GET", path+"?to="+stopped, nil); x.Code != "run_not_completed" {
		p.Errorf("a stopped run: %+v", x)
	}
}

// unchecked: what a narrower run does not ask for is not fixed by it, nor is anything by one that saw less of the host.
func (p *program) unchecked(m, s string) {
	p.Helper()
	list := p.must(201, m, "POST", "/v2/port_lists", object{"port_list": object{"name": "narrow", "ranges": "T:1-1024,T:11000-12000,U:6379"}}).id(p)
	p.must(200, m, "PUT", "/v2/targets/"+p.first(m, "/v2/targets?q[name]=web"), object{"target": object{"port_list": list}})
	run := func(see func(netip.Addr) scanlink.Observation) map[string]string {
		p.Helper()
		p.clock.Move(time.Minute)
		p.start(m, s)
		p.work(func(h scanlink.PlanHost) []scanlink.Observation { return []scanlink.Observation{see(h.Address)} })
		_, changes := p.compare(m, s, "")
		return changes
	}
	if c := run(clean); len(c) != 3 || c["anon.redis"] != "unchecked" || c["anon.memcached"] != "fixed" {
		p.Errorf("a narrower run: %+v", c)
	}
	p.start(m, s)
	p.work(func(h scanlink.PlanHost) []scanlink.Observation {
		return []scanlink.Observation{clean(h.Address), found(h.Address, 21, "anon.ftp", 98)}
	})
	partly := func(a netip.Addr) scanlink.Observation {
		return scanlink.Observation{Host: &scanlink.Host{Address: a, Alive: true, Done: true, Coverage: scanlink.Inconclusive}}
	}
	if c := run(partly); len(c) != 1 || c["anon.ftp"] != "unchecked" {
		p.Errorf("a run that saw less: %+v", c)
	}
}
