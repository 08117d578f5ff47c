package test

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vedette/vedette/client"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/agent"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// benched is a server in a process of its own, whose only scanner is simulated: it speaks the real protocol, and sees what the
// benchmark says.
type benched struct {
	*world
	server    *process
	scannerID string
	plans     chan netip.Addr // first address of each part, as its work begins
}

// newBenched starts a server and a scanner that works so many parts at once, each for that long.
func newBenched(b *testing.B, dialect db.Dialect, parallel int, work time.Duration, more ...string) *benched {
	b.Helper()
	slog.SetLogLoggerLevel(slog.LevelWarn) // the simulated scanner tells of each part
	url, link, front := dbtest.Address(b, dialect), freeAddress(b), freeAddress(b)
	if dialect == db.SQLite {
		url = "sqlite:" + url
	}
	s := serve(b, front, append([]string{"VEDETTE_DATA_DIR=" + b.TempDir(), "VEDETTE_DATABASE_URL=" + url, "VEDETTE_OPERATOR_PASSWORD=" + password, "VEDETTE_LOG_LEVEL=warn",
		"VEDETTE_SCAN_ALLOW_NETWORKS=10.0.0.0/8", "VEDETTE_API_SIGN_IN_LIMIT=0", "VEDETTE_API_RATE_LIMIT=0", "VEDETTE_SCANNER_EMBEDDED=false", "VEDETTE_SCANNER_LINK_ADDRESS=" + link}, more...))
	w := &benched{world: &world{TB: b, url: "http://" + front}, server: s, plans: make(chan netip.Addr, 8192)}
	w.until("the server is up", time.Minute, func() bool { return s.starts() == 1 })
	w.enter()
	ctx, cancel := context.WithCancel(context.Background())
	made := must(w.operator.Scanners.Create(ctx, client.ScannerCreate{Name: "Simulated", MaxConcurrency: &parallel}))
	ok(w.operator.Scanners.Assign(ctx, made.ID, client.AssignScannerInput{Organization: new(access.Installation)}))(b)
	w.scannerID = made.ID
	state := must(agent.Link(ctx, "https://"+link, made.LinkingCode, ""))
	cfg := agent.Config{Parallel: parallel, Version: "simulated", Engine: w.simulate(work)}
	state.Apply(&cfg, b.TempDir())
	var running sync.WaitGroup
	running.Go(func() { _ = agent.Run(ctx, cfg) })
	b.Cleanup(func() { cancel(); running.Wait() })
	return w
}

// simulate sees one web server with one finding on each host.
func (w *benched) simulate(work time.Duration) agent.Engine {
	return func(ctx context.Context, plan scanlink.Plan, emit func(scanlink.Observation)) error {
		w.plans <- plan.Hosts[0].Address
		select {
		case <-time.After(work):
		case <-ctx.Done():
			return ctx.Err()
		}
		for _, h := range plan.Hosts {
			emit(scanlink.Observation{Service: &scanlink.Service{Address: h.Address, Port: 80, Protocol: "tcp", State: "open", Name: "http", QoD: 95}})
			emit(scanlink.Observation{Finding: &scanlink.Finding{Address: h.Address, Port: 80, Protocol: "tcp", Class: "clear.http", Check: "bench", QoD: 98,
				Evidence: scanlink.Evidence{Request: "GET / HTTP/1.1", Response: "HTTP/1.1 200 OK"}}})
			emit(scanlink.Observation{Host: &scanlink.Host{Address: h.Address, Alive: true, Done: true, Coverage: scanlink.Complete}})
		}
		return nil
	}
}

// prepare makes a customer with a scan of the hosts on the simulated scanner.
func (w *benched) prepare(name, hosts string) (*customer, *client.Scan) {
	w.Helper()
	c, ctx := w.customer(name), context.Background()
	c.Client = c.With(client.WithProduct("vrms"))
	t := ok(c.Targets.Create(ctx, client.TargetCreate{Name: hosts, Hosts: []string{hosts}, AliveTest: "none"}))(w)
	return c, ok(c.Scans.Create(ctx, client.ScanCreate{Name: hosts, Target: t.ID, Scanner: w.scannerID}))(w)
}

// begun is how long it takes from the request for a start until a part that begins with the address is worked.
func (w *benched) begun(c *customer, scan, first string) time.Duration {
	w.Helper()
	from := clock.Monotonic()
	ok(c.Scans.Start(context.Background(), scan))(w)
	for at := range w.plans {
		if at.String() == first {
			break
		}
	}
	return clock.Since(from)
}

func (w *benched) over(c *customer, scan string) {
	w.Helper()
	w.until("the run is over", 20*time.Minute, func() bool { return ok(c.Scans.Show(context.Background(), scan))(w).CurrentHistoryID == "" })
}

// BenchmarkDispatch measures from the request for a start until the scanner works, while nothing else runs.
func BenchmarkDispatch(b *testing.B) {
	for _, dialect := range dbtest.Dialects() {
		b.Run(string(dialect), func(b *testing.B) {
			w := newBenched(b, dialect, 2, 0)
			c, scan := w.prepare("Prompt", "10.1.0.1")
			var all []float64
			for b.Loop() {
				for range 50 {
					all = append(all, w.begun(c, scan.ID, "10.1.0.1").Seconds()*1000)
					w.over(c, scan.ID)
				}
			}
			slices.Sort(all)
			b.ReportMetric(all[len(all)/2], "ms-p50")
			b.ReportMetric(all[len(all)*95/100], "ms-p95")
			b.ReportMetric(all[len(all)-1], "ms-most")
		})
	}
}

// BenchmarkFairness measures how long the scan of a single host waits behind the /16 of another organization that has just begun,
// against first come, first served, which is computed from the parts that are left and the pace of those that were worked.
func BenchmarkFairness(b *testing.B) {
	const parallel, work = 4, 100 * time.Millisecond
	for _, dialect := range dbtest.Dialects() {
		b.Run(string(dialect), func(b *testing.B) {
			w := newBenched(b, dialect, parallel, work)
			big, wide := w.prepare("Big", "10.2.0.0/16")
			small, single := w.prepare("Small", "10.1.0.1")
			from := clock.Monotonic()
			ok(big.Scans.Start(context.Background(), wide.ID))(b)
			const before, parts = 40, 65536 / 16
			for range before {
				<-w.plans
			}
			pace := clock.Since(from) / before
			var all []float64
			for b.Loop() {
				for range 10 {
					all = append(all, w.begun(small, single.ID, "10.1.0.1").Seconds())
					w.over(small, single.ID)
				}
			}
			slices.Sort(all)
			fifo := (pace * (parts - before)).Seconds()
			b.ReportMetric(all[len(all)/2], "s-p50")
			b.ReportMetric(all[len(all)-1], "s-most")
			b.ReportMetric(fifo, "s-first-come")
			b.ReportMetric(fifo/all[len(all)/2], "x-sooner")
			ok(big.Scans.Stop(context.Background(), wide.ID))(b)
			w.over(big, wide.ID)
		})
	}
}
