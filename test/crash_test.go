package test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vedette/vedette/client"
	"github.com/vedette/vedette/internal/app"
	"github.com/vedette/vedette/internal/engine/lab"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
)

// Whatever is killed in the middle of a scan costs at most work that is done again: at the end the findings and counters
// are those of a run in peace.

func TestCrashServer(t *testing.T) {
	t.Parallel()
	for _, postgres := range []bool{false, true} {
		t.Run(name(postgres), func(t *testing.T) {
			t.Parallel()
			s := newStorm(t, postgres)
			s.rage("server", func() {
				s.server.kill()
				s.server.start()
			})
		})
	}
}

func TestCrashScanner(t *testing.T) {
	t.Parallel()
	for _, postgres := range []bool{false, true} {
		t.Run(name(postgres), func(t *testing.T) {
			t.Parallel()
			s := newStorm(t, postgres)
			s.rage("scanner", func() {
				before := s.server.scanner()
				_ = syscall.Kill(before, syscall.SIGKILL)
				s.until("the scanner is started again", time.Minute, func() bool { return s.server.scanner() != before })
			})
		})
	}
}

func TestCrashPostgres(t *testing.T) {
	t.Parallel()
	s := newStorm(t, true)
	s.rage("PostgreSQL", func() {
		s.cluster.kill()
		s.cluster.up()
	})
}

func name(postgres bool) string {
	if postgres {
		return "postgres"
	}
	return "sqlite"
}

// kills is how often each test kills.
func kills(t testing.TB) int {
	text := os.Getenv("VEDETTE_TEST_CRASHES")
	if text == "" {
		return 2
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("VEDETTE_TEST_CRASHES is %q; want a number", text)
	}
	return n
}

// storm is a server in a process of its own, with a customer who scans in peace and one who does not.
type storm struct {
	*world
	server      *process
	cluster     *cluster // nil on SQLite
	db          *db.DB
	calm, rough *customer
	ports       string
	network     string
}

var networks atomic.Int32

func newStorm(t *testing.T, postgres bool) *storm {
	s := &storm{world: &world{TB: t}}
	s.network, s.ports = streets(t)
	database := "sqlite:" + t.TempDir() + "/vedette.db"
	env := settings(t, database, "VEDETTE_SCAN_LEASE_TIME=3s", "VEDETTE_SCAN_MAX_PARALLEL=2")
	if postgres {
		s.cluster = newCluster(t)
		more := s.cluster.database()
		env = append(env, more...)
		_, database, _ = strings.Cut(more[0], "=")
	}
	address := freeAddress(t)
	s.server = serve(t, address, slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, "VEDETTE_HTTP_ADDRESS=") }))
	s.until("the server is up", time.Minute, func() bool { return s.server.starts() == 1 })
	s.db = openDatabase(t, database)
	s.world.app, s.url = &app.App{DB: s.db}, "http://"+address
	s.enter()
	s.calm, s.rough = s.customer("Calm"), s.customer("Rough")
	return s
}

// streets are 16 chunks of addresses, with two servers on one address of each.
func streets(t *testing.T) (network, ports string) {
	n := networks.Add(1)
	page := lab.Page(map[string]string{"Server": "nginx/1.18.0"}, "<!doctype html><title>Shop</title>")
	expired := lab.TLSConfig(lab.Cert(t, lab.CertOptions{NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(0, -1, 0)}))
	var plain, secret int
	for i := range 16 {
		host := netip.AddrFrom4([4]byte{127, 10, byte(n), byte(16*i + 5)})
		plain = listen(t, host, plain, page, nil)
		secret = listen(t, host, secret, page, expired)
	}
	return fmt.Sprintf("127.10.%d.0/24", n), fmt.Sprintf("T:%d,%d,%d", plain, secret, 9)
}

// listen serves pages at the address and tells the port, which it chooses where it is 0.
func listen(t *testing.T, host netip.Addr, port int, page http.Handler, config *tls.Config) int {
	l, err := net.Listen("tcp", netip.AddrPortFrom(host, uint16(port)).String())
	if err != nil {
		t.Fatal(err)
	}
	port = l.Addr().(*net.TCPAddr).Port
	if config != nil {
		l = tls.NewListener(l, config)
	}
	s := &http.Server{Handler: page, ReadHeaderTimeout: 30 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return port
}

// rage scans in peace once, then kills in the middle of scans until it has done so often enough, and compares.
func (s *storm) rage(what string, kill func()) {
	s.Helper()
	calm := s.scan(s.calm, s.ports, s.network)
	began := clock.Monotonic()
	want := s.found(s.calm, s.finished(s.calm, calm.ID, s.begun(s.calm, calm.ID)))
	usual := clock.Since(began)
	if len(want) < 16*4 {
		s.Fatalf("in peace only %d findings: %q", len(want), want)
	}
	scan := s.scan(s.rough, s.ports, s.network)
	all, runs := kills(s), 0
	for done := 0; done < all; {
		before := done
		history := s.begun(s.rough, scan.ID)
		runs++
		for done < all && s.leased(history, usual) {
			done++
			s.Logf("kill %d of %s %s", done, what, s.phase(history))
			kill()
		}
		h := s.finished(s.rough, scan.ID, history)
		if done == before { // what else the machine did while the peaceful run went is over
			usual = min(usual, h.FinishedAt.Sub(h.StartedAt))
		}
		if h.State != "completed" || h.Coverage != "complete" || h.HostsScanned != h.HostsTotal {
			s.Errorf("run %d ended as %s, coverage %s, %d of %d hosts: %s", runs, h.State, h.Coverage, h.HostsScanned, h.HostsTotal, h.Error)
		}
		s.compare(want, s.found(s.rough, h))
		s.wantCounters(s.rough, h)
	}
	for v, err := range s.rough.Vulnerabilities.All(context.Background(), client.Query{PerPage: 500}) {
		if err != nil {
			s.Fatal(err)
		}
		if v.Times != runs {
			s.Errorf("%s on %s:%d was seen %d times in %d runs", v.NVT, v.Host, v.Port, v.Times, runs)
		}
	}
}

// begun starts the scan; a server that was just killed may need a moment.
func (s *storm) begun(c *customer, scan string) (history string) {
	s.Helper()
	s.until("the scan is started", time.Minute, func() bool {
		started, err := c.Scans.Start(context.Background(), scan)
		if err != nil {
			return false
		}
		history = started.CurrentHistoryID
		return true
	})
	return history
}

func (s *storm) finished(c *customer, scan, history string) (h *client.ScanHistory) {
	s.Helper()
	s.until("the run is over", 4*time.Minute, func() bool {
		var err error
		h, err = c.Scans.ShowHistory(context.Background(), scan, history)
		return err == nil && !h.FinishedAt.IsZero()
	})
	return h
}

// leased waits a random part of the time that a run usually takes, and then until a chunk is leased and unfinished; false when
// the run is over before.
func (s *storm) leased(history string, usual time.Duration) bool {
	s.Helper()
	<-time.After(time.Duration(rand.Int64N(int64(usual))))
	held := false
	s.until("a chunk is leased", time.Minute, func() bool {
		n := s.chunks(history)
		held = n["leased"] > 0
		return held || n["queued"]+n["leased"] == 0 && n["done"] > 0
	})
	return held
}

func (s *storm) chunks(history string) map[string]int {
	n := map[string]int{}
	var rows []struct {
		State string
		N     int
	}
	err := s.db.Read(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
		return tx.Query(&rows, "select state, count(*) as n from scan_chunks where history_id = ? group by state", history)
	})
	if err != nil {
		return n // the database is coming up again
	}
	for _, r := range rows {
		n[r.State] = r.N
	}
	return n
}

// phase of the run at this moment.
func (s *storm) phase(history string) string {
	var stages []string
	_ = s.db.Read(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
		return tx.Query(&stages, "select stage from scan_chunks where history_id = ? and state = 'leased'", history)
	})
	n := s.chunks(history)
	return fmt.Sprintf("with %d chunks done, %d leased (stages %q), %d queued, %d failed", n["done"], n["leased"], stages, n["queued"], n["failed"])
}

// found is each finding of a run as one line.
func (s *storm) found(c *customer, h *client.ScanHistory) []string {
	s.Helper()
	var all []string
	q := client.Query{PerPage: 500, Other: url.Values{"history_id": {h.ID}}}
	for v, err := range c.Scans.AllVulnerabilities(context.Background(), h.ScanID, q) {
		if err != nil {
			s.Fatal(err)
		}
		cves := slices.Sorted(slices.Values(v.CVEs))
		all = append(all, fmt.Sprintf("%s:%d/%s %s %s %v %s", v.Host, v.Port, v.Protocol, v.Class, v.NVT, cves, v.PCI.Status))
	}
	slices.Sort(all)
	return all
}

func (s *storm) compare(want, got []string) {
	s.Helper()
	if slices.Equal(want, got) {
		return
	}
	for _, f := range want {
		if !slices.Contains(got, f) {
			s.Errorf("lost: %s", f)
		}
	}
	for i, f := range got {
		if !slices.Contains(want, f) {
			s.Errorf("only under crashes: %s", f)
		}
		if i > 0 && got[i-1] == f {
			s.Errorf("twice: %s", f)
		}
	}
}
