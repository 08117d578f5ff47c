package test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/vedette/vedette/client"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// everyPort of some addresses keeps a scanner busy for a while.
const everyPort = "T:1-65535"

// working starts a scan and waits until a scanner is at it.
func (w *world) working(c *customer, scan string) string {
	w.Helper()
	started := ok(c.Scans.Start(context.Background(), scan))(w)
	if started.State != "queued" || started.Status != "Requested" || started.CurrentHistoryID == "" {
		w.Errorf("a started scan is %s, %s, run %q", started.State, started.Status, started.CurrentHistoryID)
	}
	w.until("a scanner works on the scan", 20*time.Second, func() bool {
		s := ok(c.Scans.Show(context.Background(), scan))(w)
		return s.State == "running" && s.Stage != ""
	})
	return started.CurrentHistoryID
}

func TestStopEndsAScanWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ctx := context.Background()
		c := w.customer("Stop")
		scan := w.scan(c, everyPort, "127.9.1.0/28", "127.9.1.16/28")
		history := w.working(c, scan.ID)
		_, err := c.Scans.Start(ctx, scan.ID)
		w.wantRefused("a second start", err, http.StatusConflict)
		w.wantRefused("deletion of a running scan", c.Scans.Delete(ctx, scan.ID), http.StatusConflict)
		if n := total(c.Scans.ListRunning(ctx, client.Query{})); n != 1 {
			w.Errorf("%d scans are listed as running", n)
		}
		began := clock.Monotonic()
		ok(c.Scans.Stop(ctx, scan.ID))(w)
		w.until("the scan is stopped", 20*time.Second, func() bool { return ok(c.Scans.Show(ctx, scan.ID))(w).State == "stopped" })
		if took := clock.Since(began); took > 5*time.Second {
			w.Errorf("it took %s until all had stopped", took)
		}
		h := ok(c.Scans.ShowHistory(ctx, scan.ID, history))(w)
		if h.State != "stopped" || h.Status != "Stopped" || h.FinishedAt.IsZero() || h.PCIStatus != "" || h.ReportID != "" {
			w.Errorf("the run is %+v", h)
		}
		_, err = c.Scans.Stop(ctx, scan.ID)
		w.wantRefused("stop of what does not run", err, http.StatusConflict)
	})
}

// A second run finds the same again: nothing twice, and each run keeps what it saw.
func TestRunsOfAScanAreKeptApart(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ctx := context.Background()
		lab, c := openShop(w), w.customer("Twice")
		scan := w.scan(c, lab.ports(), "127.0.0.1")
		first := w.run(c, scan.ID)
		before := ok(c.Vulnerabilities.List(ctx, client.Query{PerPage: 500}))(w)
		second := w.run(c, scan.ID)
		after := ok(c.Vulnerabilities.List(ctx, client.Query{PerPage: 500}))(w)
		if before.TotalCount == 0 || before.TotalCount != after.TotalCount {
			w.Errorf("%d vulnerabilities after the first run, %d after the second", before.TotalCount, after.TotalCount)
		}
		for _, v := range after.Items {
			if v.Times != 2 {
				w.Errorf("%s on port %d was seen %d times in two runs", v.NVT, v.Port, v.Times)
			}
		}
		if first.Counts != second.Counts {
			w.Errorf("the runs count %+v and %+v", first.Counts, second.Counts)
		}
		if n := total(c.Scans.ListHistories(ctx, scan.ID, client.Query{Filter: map[string]string{"state": "completed"}})); n != 2 {
			w.Errorf("%d completed runs", n)
		}
		for _, h := range []*client.ScanHistory{first, second} {
			of := client.Query{PerPage: 500, Other: url.Values{"history_id": {h.ID}}}
			if n := total(c.Scans.ListVulnerabilities(ctx, scan.ID, of)); n != before.TotalCount {
				w.Errorf("the run of %s has %d findings", h.RequestedAt, n)
			}
			hosts := ok(c.Scans.ListHosts(ctx, scan.ID, of))(w)
			if len(hosts.Items) != 1 || hosts.Items[0].Address != "127.0.0.1" || hosts.Items[0].PortsOpen != 3 {
				w.Fatalf("the run's hosts: %+v", hosts.Items)
			}
			shown := ok(c.Scans.ShowHost(ctx, scan.ID, hosts.Items[0].ID, client.ShowScanHostQuery{HistoryID: h.ID}))(w)
			if len(shown.Services) < 3 || shown.PCIStatus != "fail" {
				w.Errorf("the run's host: %+v", shown)
			}
		}
		_, err := c.Scans.ListHosts(ctx, scan.ID, client.Query{Other: url.Values{"history_id": {scan.ID}}})
		w.wantRefused("hosts of a run that there is not", err, http.StatusNotFound)
	})
}

// A server that is asked to end gives back what its scanner had leased; the next one goes on at once.
func TestGracefulShutdownReturnsLeasedWork(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			env := settings(t, databaseURL(t, dialect), "VEDETTE_SCAN_LEASE_TIME=1m")
			w := start(t, env)
			c := w.customer("Restart")
			scan := w.scan(c, everyPort, "127.9.2.0/29")
			history := w.working(c, scan.ID)
			w.end()
			if n := leased(t, w.app.Config.Database.URL.Reveal()); n != 0 {
				t.Errorf("%d chunks are still leased after the server ended", n)
			}
			again := start(t, env)
			c.Client = again.signIn(c.username, password)
			again.until("the scan is finished", time.Minute, func() bool {
				return ok(c.Scans.Show(context.Background(), scan.ID))(again).CurrentHistoryID == ""
			})
			h := ok(c.Scans.ShowHistory(context.Background(), scan.ID, history))(again)
			if h.State != "completed" || h.HostsScanned != 8 {
				t.Errorf("after a restart the run ended as %s with %d hosts: %s", h.State, h.HostsScanned, h.Error)
			}
		})
	}
}

// leased counts the chunks that a scanner holds.
func leased(t *testing.T, address string) int {
	t.Helper()
	d := openDatabase(t, address)
	var n int
	err := d.Read(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
		return tx.Query(&n, "select count(*) from scan_chunks where state = 'leased'")
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestScannerProvesItself(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ctx := context.Background()
		c := w.customer("Verify")
		all := ok(c.Scanners.ListActivated(ctx, client.Query{}))(w)
		if len(all.Items) != 1 || all.Items[0].Kind != "embedded" {
			w.Fatalf("scanners: %+v", all.Items)
		}
		v := ok(w.operator.Scanners.Verify(ctx, all.Items[0].ID))(w)
		checks := map[string]bool{}
		for _, k := range v.Checks {
			checks[k.Name] = k.Ok
		}
		_, aged := checks["feed_age"]
		if !v.Verified || !checks["reachable"] || !checks["clock_skew"] || !checks["version"] || !checks["known_ports"] || !aged {
			w.Errorf("the embedded scanner: %+v", v)
		}
	})
}
