package test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vedette/vedette/client"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

const (
	silentNetwork = "192.168.78.0/28" // there is a way to it, and nobody answers
	wideNetwork   = "10.99.0.0/16"    // the same, wide enough that finding out takes a while
	udpAddress    = sitePrefix + "15" // refuses every datagram, as slowly as Linux does
)

// quarry is a site with machines that hold a scanner up in each of its stages, and a counter of what the scanner sends there.
type quarry struct {
	*site
	maze, mire, drip, mute *process
	login                  string // file with the credentials, for a scan without a server
}

const quarryPassword = "a-password-of-the-quarry"

func newQuarry(t testing.TB) *quarry {
	t.Helper()
	q := &quarry{site: newSite(t)}
	q.rules(q.router, `table inet silent { chain forward { type filter hook forward priority 0; ip daddr { `+silentNetwork+`, `+wideNetwork+` } drop; }; }`)
	q.rules(q.router, `table netdev m { counter sent { }; chain in { type filter hook ingress device "lan1" priority 0; `+
		`ip daddr { `+sitePrefix+`10-`+sitePrefix+`25, `+silentNetwork+`, `+wideNetwork+` } counter name "sent"; }; }`)
	at := func(n int, port, kind string) *process {
		return q.machineAt(net.JoinHostPort(fmt.Sprint(sitePrefix, n), port), kind, "")
	}
	q.maze, q.mire, q.drip, q.mute = at(10, "8080", maze), at(11, "8080", mire), at(12, "22", drip), at(13, "23", mute)
	q.login = filepath.Join(t.TempDir(), "login.yaml")
	if err := os.WriteFile(q.login, []byte("ssh: {username: audit, password: "+quarryPassword+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return q
}

// hunted says whether a scanner has come to each machine: through templates and deep into the crawl, into a login, and into the
// questions that tell services apart.
func (q *quarry) hunted() bool {
	return strings.Contains(q.maze.log.String(), `asked "/maze/`) && strings.Count(q.mire.log.String(), "asked") > 20 &&
		strings.Count(q.drip.log.String(), "met") > 1 && strings.Contains(q.mute.log.String(), "met")
}

// falls has all end by stop, asserts that nothing is sent five seconds after that, and tells when the last packet was.
func (q *quarry) falls(what string, stop func()) {
	q.Helper()
	before := q.sent()
	(&world{TB: q}).until(what+": something is sent", 20*time.Second, func() bool { return q.sent() > before })
	count, atFive, last := q.sent(), 0, time.Duration(0)
	stopped := clock.Monotonic()
	stop()
	for clock.Since(stopped) < 8*time.Second {
		if now := q.sent(); now != count {
			count, last = now, clock.Since(stopped)
		}
		if clock.Since(stopped) < 5*time.Second {
			atFive = count
		}
		<-time.After(20 * time.Millisecond)
	}
	q.Logf("%s: the last of %d packets left %.2f s after the stop", what, count, last.Seconds())
	if count != atFive {
		q.Errorf("%s: %d packets were sent between 5 and 8 seconds after the stop", what, count-atFive)
	}
}

// sent is how many packets the scanner's interface has sent to what is scanned; ARP is none.
func (q *quarry) sent() int { return q.counted(q.router, "sent") }

// TestStoppedScansFallSilent measures on the interface that a stopped scan sends nothing after five seconds, whatever it was at:
// SYN and UDP scans, the discovery of a silent network, services being told apart, logins, templates, and the crawl of an application.
func TestStoppedScansFallSilent(t *testing.T) {
	t.Parallel()
	t.Run("oneshot", func(t *testing.T) {
		t.Parallel()
		if !slices.Contains(dbtest.Dialects(), db.SQLite) {
			return // no database is at work here, so one pass is enough
		}
		q := newQuarry(t)
		var all []*process
		for _, args := range [][]string{
			{"--ports", "T:22,23,8080", "--credentials", q.login, sitePrefix + "10-13"},
			{"--ports", "T:1-65535,U:1-2000", udpAddress},
			{wideNetwork},
		} {
			p := q.in(q.scanner, nil, append([]string{binary, "scan", "--output", filepath.Join(t.TempDir(), "result")}, args...)...)
			all = append(all, p)
		}
		w := &world{TB: t}
		w.until("the scanner is at everything", 2*time.Minute, q.hunted)
		q.falls("vedette scan, interrupted while its targets go dead", func() {
			q.run("ip", "-n", q.router, "link", "set", "lan2", "down")
			for _, p := range all {
				_ = p.cmd.Process.Signal(syscall.SIGINT)
			}
		})
		for i, p := range all {
			w.until(fmt.Sprint("scan ", i, " has ended"), 20*time.Second, p.ended)
			if code := p.cmd.ProcessState.ExitCode(); code != 130 {
				t.Errorf("scan %d exits with %d:\n%s", i, code, p.log.String())
			}
		}
	})
	for _, dialect := range dbtest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			q := newQuarry(t)
			_, port, _ := net.SplitHostPort(freeAddress(t))
			link := net.JoinHostPort(q.outer, port)
			w := start(t, settings(t, databaseURL(t, dialect), "VEDETTE_SCANNER_LINK_ADDRESS="+link))
			c := w.customer("Quarry")
			c.Client = c.With(client.WithProduct("vrms"))
			j := &sitesJourney{world: w, c: c, link: "https://" + link}
			b := j.branch(q.site, "Quarry")
			ok(c.Scanners.Update(t.Context(), b.scannerID, client.ScannerUpdate{MaxConcurrency: client.Set(8)}))(t)
			login := j.of(b, "T:22,23,8080", sitePrefix+"10-"+sitePrefix+"13")
			ok(c.Targets.Update(t.Context(), login.Target.ID, client.TargetUpdate{Credentials: client.Set([]client.TargetCredentialInput{{Kind: "ssh", Username: "audit", Password: quarryPassword}})}))(t)
			all := []*client.Scan{login, j.of(b, everyPort, silentNetwork), j.of(b, "T:1-65535,U:1-2000", udpAddress)}
			for _, s := range all {
				j.working(c, s.ID)
			}
			j.until("the scanner is at everything", 2*time.Minute, q.hunted)
			q.falls("a scan of "+string(dialect)+", stopped", func() {
				var stops sync.WaitGroup
				for _, s := range all {
					stops.Go(func() { ok(c.Scans.Stop(context.Background(), s.ID))(t) })
				}
				stops.Wait()
			})
			for _, s := range all {
				j.until("the scan is stopped", time.Minute, func() bool { return ok(c.Scans.Show(t.Context(), s.ID))(t).State == "stopped" })
			}
		})
	}
}
