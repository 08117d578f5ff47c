package test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/vedette/vedette/client"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
)

// query reads what the database holds of all customers; false while it is away.
func (c *chaos) query(into any, statement string, args ...any) bool {
	return c.db.Read(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error { return tx.Query(into, statement, args...) }) == nil
}

// count is a number that the database tells; -1 while it is away.
func (c *chaos) count(statement string, args ...any) int {
	n := 0
	if !c.query(&n, statement, args...) {
		return -1
	}
	return n
}

func (c *chaos) leases() int {
	return c.count("select count(*) from scan_chunks where state = 'leased'")
}

// state of the installation at this moment.
func (c *chaos) state() string {
	var stages []string
	c.query(&stages, "select stage from scan_chunks where state = 'leased'")
	return fmt.Sprintf("with %d runs open, %d parts queued, leased ones in %q, %d batches staged, %d jobs waiting or at work",
		c.count("select count(*) from scan_histories where finished_at is null"), c.count("select count(*) from scan_chunks where state = 'queued'"), stages,
		c.count("select count(*) from scan_observations"), c.count("select count(*) from river_job where finalized_at is null"))
}

// ran is a run as its row tells.
type ran struct {
	ID            string
	ScanID        string
	RequestedAt   clock.Time
	StartedByName string
}

// account holds all that happened against what should have.
func (c *chaos) account(want map[string][]string) {
	c.Helper()
	c.until("every run is over", patience, func() bool {
		return c.revive() && c.count("select count(*) from scan_histories where finished_at is null") == 0
	})
	c.until("every completed run has its report", patience, func() bool {
		return c.revive() && c.count("select count(*) from scan_histories h where state = 'completed' and not exists (select 1 from reports r where r.history_id = h.id)") == 0
	})
	for what, statement := range map[string]string{
		"leases left":                                 "select count(*) from scan_chunks where state in ('leased', 'queued')",
		"staged batches left":                         "select count(*) from scan_observations",
		"runs with two reports":                       "select count(*) from (select history_id from reports group by history_id having count(*) > 1) as twice",
		"jobs that were given up":                     "select count(*) from river_job where state = 'discarded'",
		"scans that still seem to run":                "select count(*) from scans where current_history_id is not null",
		"runs that announce their end twice or never": "select count(*) from scan_histories h where 1 <> (select count(*) from events e where e.name = 'scan_completed' and e.data->>'history_id' = h.id::text)",
	} {
		if n := c.count(statement); n != 0 {
			c.Errorf("%s: %d", what, n)
		}
	}
	runs := 0
	for _, s := range c.scans {
		runs += c.settled(s, want[c.product(s.of)+" "+s.host])
	}
	c.Logf("%d runs of %d scans are accounted for", runs, len(c.scans))
}

// settled checks the runs of one scan, and tells how many there were.
func (c *chaos) settled(s *restless, want []string) int {
	c.Helper()
	var runs []ran
	if !c.query(&runs, "select id, scan_id, requested_at, started_by_name from scan_histories where scan_id = ? order by requested_at", s.ID) {
		c.Fatal("the database is away")
	}
	for _, id := range s.started {
		if !slices.ContainsFunc(runs, func(r ran) bool { return r.ID == id }) {
			c.Errorf("the run %s of %s was answered and is lost", id, s.host)
		}
	}
	if s.schedule != nil {
		c.fired(s, runs)
	}
	for _, r := range runs {
		c.asInPeace(s, r, want)
	}
	c.seen(s, len(runs))
	return len(runs)
}

// fired: each firing that was agreed on started one run, after its time and before the next.
func (c *chaos) fired(s *restless, runs []ran) {
	c.Helper()
	if len(runs) != len(s.due) {
		c.Errorf("%s: %d firings were agreed on, %d runs began", s.host, len(s.due), len(runs))
	}
	for i, due := range s.due {
		n := 0
		for _, r := range runs {
			at := r.RequestedAt.Time()
			if !at.Before(due) && (i+1 == len(s.due) || at.Before(s.due[i+1])) {
				n++
			}
		}
		if n != 1 {
			c.Errorf("%s: the firing at %s started %d runs", s.host, due.Format(time.TimeOnly), n)
		}
	}
	for _, r := range runs {
		if r.StartedByName != s.schedule.Name {
			c.Errorf("%s: a run was started by %q", s.host, r.StartedByName)
		}
	}
}

// asInPeace: the run ended as it would have undisturbed, and its counters are those of its rows.
func (c *chaos) asInPeace(s *restless, r ran, want []string) {
	c.Helper()
	h := ok(s.of.Scans.ShowHistory(context.Background(), s.ID, r.ID))(c)
	if h.State != "completed" || h.Coverage != "complete" || h.HostsScanned != 1 || h.HostsTotal != 1 {
		c.Errorf("%s: a run ended as %s, coverage %s, %d of %d hosts: %s", s.host, h.State, h.Coverage, h.HostsScanned, h.HostsTotal, h.Error)
		return
	}
	c.compare(want, c.found(s.of, h))
	counted := map[string]int{}
	q := client.Query{PerPage: 500, Other: url.Values{"history_id": {h.ID}}}
	for v, err := range s.of.Scans.AllVulnerabilities(context.Background(), s.ID, q) {
		if err != nil {
			c.Fatal(err)
		}
		if v.Certainty != "possible" {
			counted[v.Threat]++
		}
	}
	rows := client.ScanCounts{Critical: counted["Critical"], High: counted["High"], Medium: counted["Medium"], Low: counted["Low"], Log: counted["Log"]}
	if h.Counts != rows {
		c.Errorf("%s: the run counts %+v, its rows are %+v", s.host, h.Counts, rows)
	}
	hosts := ok(s.of.Scans.ListHosts(context.Background(), s.ID, q))(c)
	if len(hosts.Items) != 1 || hosts.Items[0].Counts != rows {
		c.Errorf("%s: the run's hosts are %+v, its rows count %+v", s.host, hosts.Items, rows)
	}
}

// seen: what was found on the host was seen once in each run.
func (c *chaos) seen(s *restless, runs int) {
	c.Helper()
	for v, err := range s.of.Vulnerabilities.All(context.Background(), client.Query{PerPage: 500, Filter: map[string]string{"host": s.host}}) {
		if err != nil {
			c.Fatal(err)
		}
		if v.Times != runs {
			c.Errorf("%s on %s:%d was seen %d times in %d runs", v.NVT, v.Host, v.Port, v.Times, runs)
		}
	}
	if hosts := ok(s.of.Hosts.List(context.Background(), client.Query{Filter: map[string]string{"address": s.host}}))(c); hosts.TotalCount != 1 {
		c.Errorf("%s is %d hosts", s.host, hosts.TotalCount)
	}
}
