package test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vedette/vedette/client"
	"github.com/vedette/vedette/internal/app"
	"github.com/vedette/vedette/internal/engine/lab"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// TestChaos: three servers on one PostgreSQL, an embedded scanner and two remote ones, four customers whose scans run all the
// time, started by hand and by schedules; any process is killed at any moment. Nothing is lost, nothing is there twice, and
// no schedule fires twice or never.
func TestChaos(t *testing.T) {
	t.Parallel()
	if !slices.Contains(dbtest.Dialects(), db.Postgres) {
		return // on SQLite there is one server; TestCrashServer is its story
	}
	c := newChaos(t, number(t, "VEDETTE_TEST_CHAOS_SCANS", 8))
	want := c.peace()
	c.begin()
	c.rage(number(t, "VEDETTE_TEST_CHAOS_KILLS", 6))
	c.calmDown()
	c.account(want)
}

// number is a setting of the environment.
func number(t testing.TB, name string, standard int) int {
	text := os.Getenv(name)
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q; want a number", name, text)
	}
	return n
}

// patience with what must come once nobody kills any more, on a machine that is as slow as it likes.
const patience = 6 * time.Minute

// chaos is an installation of many processes, and its customers.
type chaos struct {
	*storm
	servers   []*process // the first one keeps the embedded scanner
	remotes   []*process
	customers []*customer
	ports     string
	scans     []*restless
	over      chan struct{}   // no run is started by hand any more
	patient   context.Context // of those who wait; ends when it has been calm for long
	giveUp    context.CancelFunc
	work      sync.WaitGroup
}

// restless is a scan of one host that is run again and again.
type restless struct {
	*client.Scan
	of       *customer
	host     string
	schedule *client.Schedule // where that starts it
	started  []string         // runs whose start was answered
	due      []time.Time      // firings that were agreed on
}

func newChaos(t *testing.T, scans int) *chaos {
	c := &chaos{storm: &storm{world: &world{TB: t}}, over: make(chan struct{})}
	c.patient, c.giveUp = context.WithCancel(context.Background())
	t.Cleanup(c.giveUp)
	c.cluster = newCluster(t)
	database := c.cluster.database()
	_, address, _ := strings.Cut(database[0], "=")
	env := append(settings(t, "", "VEDETTE_SCAN_MAX_PARALLEL=2"), database...)
	env = slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, "VEDETTE_HTTP_ADDRESS=") })
	var fronts, links []string
	for i := range 3 {
		front, link := freeAddress(t), freeAddress(t)
		fronts, links = append(fronts, front), append(links, link)
		s := serve(t, front, append(slices.Clone(env), "VEDETTE_SCANNER_LINK_ADDRESS="+link, fmt.Sprintf("VEDETTE_SCANNER_EMBEDDED=%t", i == 0)))
		c.servers = append(c.servers, s)
		c.until("a server is up", patience, func() bool { return s.starts() == 1 }) // the first one makes the schema
	}
	c.server, c.db = c.servers[0], openDatabase(t, address)
	c.world.app, c.url = &app.App{DB: c.db}, "http://"+fronts[0]
	c.anyone = must(client.New(c.url, client.WithHTTPClient(balanced(fronts))))
	c.operator = c.signIn("admin", password)
	for _, name := range []string{"North", "East", "South", "West"} {
		c.customers = append(c.customers, c.customer(name))
	}
	for i, of := range c.customers[2:] { // PCI is scanned by the installation's own scanner alone
		of.Client = of.With(client.WithProduct("vrms"))
		c.remotes = append(c.remotes, c.remote(of, links[i+1]))
	}
	c.open(t, scans)
	return c
}

// balanced sends each request to any of the servers, like the balancer in front of them.
func balanced(fronts []string) *http.Client {
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, fronts[rand.IntN(len(fronts))])
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: 30 * time.Second}
}

// remote links and starts a scanner of the customer's own.
func (c *chaos) remote(of *customer, link string) *process {
	c.Helper()
	s := ok(of.Scanners.Create(context.Background(), client.ScannerCreate{Name: "Own"}))(c)
	dir := filepath.Join(c.TempDir(), "scanner")
	out, err := exec.Command(scannerBinary, "link", "--server", "https://"+link, "--code", s.LinkingCode, "--state", dir).CombinedOutput()
	if err != nil {
		c.Fatalf("link: %v\n%s", err, out)
	}
	p := &process{t: c.TB, argv: []string{scannerBinary, "run", "--state", dir}, env: []string{"PATH=/usr/bin:/bin"}}
	p.start()
	c.Cleanup(func() { p.stop(syscall.SIGTERM) })
	c.until("the scanner is online", patience, func() bool { return ok(of.Scanners.Show(context.Background(), s.ID))(c).State == "online" })
	return p
}

// open opens the hosts and makes their scans, each customer's in turn; every third follows a schedule.
func (c *chaos) open(t *testing.T, scans int) {
	c.Helper()
	page := lab.Page(map[string]string{"Server": "nginx/1.18.0"}, "<!doctype html><title>Shop</title>")
	expired := lab.TLSConfig(lab.Cert(t, lab.CertOptions{NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(0, -1, 0)}))
	var plain, secret int
	for i := range scans {
		host := netip.AddrFrom4([4]byte{127, 20, byte(networks.Add(1)), byte(i + 1)})
		plain, secret = listen(t, host, plain, page, nil), listen(t, host, secret, page, expired)
		c.scans = append(c.scans, &restless{of: c.customers[i%len(c.customers)], host: host.String()})
	}
	c.ports = fmt.Sprintf("T:%d,%d,9", plain, secret)
	for i, s := range c.scans {
		create := client.ScanCreate{Name: "Scan of " + s.host, Target: c.target(s.of, c.ports, s.host).ID}
		if own := c.own(s.of); own != "" {
			create.Scanner = own
		}
		if i%3 == 2 {
			s.schedule = ok(s.of.Schedules.Create(context.Background(), client.ScheduleCreate{Name: "For " + s.host, FirstTime: "2099-01-01 00:00:00", Timezone: "UTC"}))(c)
			create.Schedule = s.schedule.ID
		}
		s.Scan = ok(s.of.Scans.Create(context.Background(), create))(c)
	}
}

// own scanner of the customer; empty where there is none.
func (c *chaos) own(of *customer) string {
	c.Helper()
	for s, err := range of.Scanners.All(context.Background(), client.Query{}) {
		if err != nil {
			c.Fatal(err)
		}
		if s.Kind == "remote" {
			return s.ID
		}
	}
	return ""
}

// peace is what each host has by a run that nobody disturbs, in both products.
func (c *chaos) peace() map[string][]string {
	c.Helper()
	want := map[string][]string{}
	for _, product := range []string{"pci", "vrms"} {
		calm := c.customer("Calm-" + product)
		calm.Client = calm.With(client.WithProduct(product))
		var hosts []string
		for _, s := range c.scans {
			hosts = append(hosts, s.host)
		}
		scan := c.scan(calm, c.ports, hosts...)
		for _, f := range c.found(calm, c.finished(calm, scan.ID, c.begun(calm, scan.ID))) {
			host, _, _ := strings.Cut(f, ":")
			want[product+" "+host] = append(want[product+" "+host], f)
		}
	}
	for _, s := range c.scans {
		if n := len(want[c.product(s.of)+" "+s.host]); n < 4 {
			c.Fatalf("in peace only %d findings on %s", n, s.host)
		}
	}
	return want
}

func (c *chaos) product(of *customer) string {
	if slices.Index(c.customers, of) < 2 {
		return "pci"
	}
	return "vrms"
}

// begin lets every scan be started from now on, each by one who goes on until all is over.
func (c *chaos) begin() {
	for _, s := range c.scans {
		c.work.Go(func() {
			for !closed(c.over) {
				if s.schedule != nil {
					c.agree(s)
				} else {
					c.startOnce(s)
				}
				c.idle(s)
				pause(rand.N(8 * time.Second))
			}
		})
	}
}

func closed(over <-chan struct{}) bool {
	select {
	case <-over:
		return true
	default:
		return false
	}
}

// pause lets others go on meanwhile; nothing is measured by it.
func pause(d time.Duration) { <-time.After(d) }

// startOnce starts the scan; a start whose answer was lost may have been one.
func (c *chaos) startOnce(s *restless) {
	c.persist("a scan of "+s.host+" is started", func(ctx context.Context) bool {
		started, err := s.of.Scans.Start(ctx, s.ID)
		if err == nil {
			s.started = append(s.started, started.CurrentHistoryID)
		}
		return err == nil || refused(err, http.StatusConflict)
	})
}

// agree on the next firing of the schedule, and wait until it has started the scan.
func (c *chaos) agree(s *restless) {
	var at time.Time
	c.persist("a firing for "+s.host+" is agreed on", func(ctx context.Context) bool {
		if until := time.Until(at); until < 4*time.Second {
			at = time.Now().Add(6*time.Second + rand.N(8*time.Second)).UTC().Truncate(time.Second)
		}
		// Whatever is not done by then is not done: so that a firing which was agreed on lies ahead.
		ctx, cancel := context.WithDeadline(ctx, at.Add(-time.Second))
		defer cancel()
		_, err := s.of.Schedules.Update(ctx, s.schedule.ID, client.ScheduleUpdate{FirstTime: client.Set(at.Format(time.DateTime)), Timezone: client.Set("UTC")})
		if err != nil {
			shown, again := s.of.Schedules.Show(ctx, s.schedule.ID)
			return again == nil && shown.FirstTime == at.Format(time.DateTime)
		}
		return true
	})
	s.due = append(s.due, at)
	c.persist("the firing for "+s.host+" at "+at.Format(time.TimeOnly)+" starts it", func(ctx context.Context) bool {
		page, err := s.of.Scans.ListHistories(ctx, s.ID, client.Query{})
		return err == nil && page.TotalCount >= len(s.due)
	})
}

// idle waits until no run of the scan is open.
func (c *chaos) idle(s *restless) {
	c.persist("the run of "+s.host+" is over", func(ctx context.Context) bool {
		shown, err := s.of.Scans.Show(ctx, s.ID)
		return err == nil && shown.CurrentHistoryID == ""
	})
}

// persist tries once a second, whatever fails meanwhile. It does not end the test, which others are in the middle of.
func (c *chaos) persist(what string, reached func(context.Context) bool) {
	for !reached(c.patient) {
		if c.patient.Err() != nil {
			c.Errorf("waited in vain until %s", what)
			return
		}
		pause(time.Second)
	}
}

// victim is a process, and how it is killed and started again.
type victim struct {
	name string
	kill func()
}

func (c *chaos) victims() []victim {
	all := []victim{
		{"PostgreSQL", func() { c.cluster.kill(); c.cluster.up() }},
		{"the embedded scanner", c.killEmbedded},
	}
	again := func(p *process) func() { return func() { p.kill(); p.start() } }
	for i, p := range c.servers {
		all = append(all, victim{fmt.Sprintf("server %d", i+1), again(p)})
	}
	for i, p := range c.remotes {
		all = append(all, victim{fmt.Sprintf("remote scanner %d", i+1), again(p)})
	}
	return all
}

// killEmbedded kills the child of the first server, if there is one at this moment; its server starts it again.
func (c *chaos) killEmbedded() {
	pid := c.server.scanner()
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil && exe == binary {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// rage kills so often, in rounds in which everyone's turn comes once, at random moments at which parts of scans are worked.
func (c *chaos) rage(kills int) {
	c.Helper()
	all := c.victims()
	var round []int
	for n := 1; n <= kills; n++ {
		pause(rand.N(3 * time.Second))
		c.until("a part of a scan is worked", patience, func() bool { return c.revive() && c.leases() > 0 })
		if len(round) == 0 {
			round = rand.Perm(len(all))
		}
		v := all[round[0]]
		round = round[1:]
		c.Logf("kill %d: %s, %s", n, v.name, c.state())
		v.kill()
	}
}

// revive starts what has ended by itself, as the machine's supervisor would.
func (c *chaos) revive() bool {
	for _, p := range slices.Concat(c.servers, c.remotes) {
		if p.ended() {
			text := p.log.String()
			c.Logf("%s ended by itself and is started again: …%s", filepath.Base(p.argv[0]), text[max(0, len(text)-300):])
			p.start()
		}
	}
	return true
}

// calmDown lets what runs come to its end.
func (c *chaos) calmDown() {
	c.Helper()
	close(c.over)
	late := time.AfterFunc(patience, c.giveUp)
	defer late.Stop()
	ended := make(chan struct{})
	go func() { defer close(ended); c.work.Wait() }()
	c.until("all who start scans are done", 2*patience, func() bool { return c.revive() && closed(ended) })
}
