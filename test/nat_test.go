package test

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/client"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

const hiddenPort = "8080"

// TestScannersBehindNAT: scanners link from behind address translation and scan what they alone can reach; the same private
// address at two sites is two hosts; what is stopped or paused sends nothing more.
func TestScannersBehindNAT(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			berlin, vienna := newSite(t), newSite(t)
			berlin.machine(hiddenPort, pages, "nginx/1.18.0")
			vienna.machine(hiddenPort, pages, "Apache/2.4.49 (Unix)")
			_, port, _ := net.SplitHostPort(freeAddress(t))
			link := net.JoinHostPort(berlin.outer, port)
			w := start(t, settings(t, databaseURL(t, dialect), "VEDETTE_SCANNER_LINK_ADDRESS="+link))
			c := w.customer("Chain")
			c.Client = c.With(client.WithProduct("vrms"))
			j := &sitesJourney{world: w, c: c, link: "https://" + link}
			first, second := j.branch(berlin, "Berlin"), j.branch(vienna, "Vienna")
			j.scanned(first, second)
			j.stopped(first)
			j.gone(first)
		})
	}
}

type sitesJourney struct {
	*world
	c    *customer
	link string
}

// branch is a site with its scanner, as the service knows them.
type branch struct {
	*site
	network   *client.Network
	scannerID string
	agent     *process
}

// branch links a scanner at the site and starts it.
func (j *sitesJourney) branch(s *site, name string) *branch {
	j.Helper()
	ctx := context.Background()
	network := ok(j.c.Networks.Create(ctx, client.NetworkCreate{Name: name}))(j)
	made := ok(j.c.Scanners.Create(ctx, client.ScannerCreate{Name: "Scanner of " + name, Network: network.ID}))(j)
	if made.State != "new" || made.LinkingCode == "" {
		j.Fatalf("a new scanner: %+v", made)
	}
	dir := filepath.Join(j.TempDir(), "scanner")
	link := func(dir string) (string, error) {
		out, err := exec.Command("ip", "netns", "exec", s.scanner, scannerBinary, "link", "--server", j.link, "--code", made.LinkingCode, "--state", dir).CombinedOutput()
		return string(out), err
	}
	if out, err := link(dir); err != nil {
		j.Fatalf("link: %v\n%s", err, out)
	}
	if out, err := link(filepath.Join(j.TempDir(), "thief")); err == nil {
		j.Errorf("a linking code is good twice: %s", out)
	}
	b := &branch{site: s, network: network, scannerID: made.ID, agent: s.in(s.scanner, nil, scannerBinary, "run", "--state", dir)}
	var shown *client.Scanner
	j.until("the scanner is online", time.Minute, func() bool {
		shown = ok(j.c.Scanners.Show(ctx, made.ID))(j)
		return shown.State == "online"
	})
	if !slices.Contains(shown.SourceAddresses, s.translated) || shown.Network.ID != network.ID {
		j.Errorf("the scanner calls from %q, in %+v; want %s", shown.SourceAddresses, shown.Network, s.translated)
	}
	if v := ok(j.c.Scanners.Verify(ctx, made.ID))(j); !v.Verified {
		j.Errorf("the scanner's proof: %+v", v)
	}
	return b
}

// of makes a scan of addresses of the branch.
func (j *sitesJourney) of(b *branch, ports string, hosts ...string) *client.Scan {
	j.Helper()
	ctx := context.Background()
	t := ok(j.c.Targets.Create(ctx, client.TargetCreate{Name: "At " + b.network.Name + " " + rand.Text(), Hosts: hosts, AliveTest: "none",
		PortList: j.ports(j.c, ports), Network: b.network.ID}))(j)
	return ok(j.c.Scans.Create(ctx, client.ScanCreate{Name: t.Name, Target: t.ID, Scanner: b.scannerID}))(j)
}

// scanned: each scanner finds what its own site has.
func (j *sitesJourney) scanned(first, second *branch) {
	j.Helper()
	ctx := context.Background()
	for _, b := range []*branch{first, second} {
		scan := j.of(b, "T:"+hiddenPort, targetAddress)
		h := j.run(j.c, scan.ID)
		if h.State != "completed" || h.Coverage != "complete" {
			j.Fatalf("the run ended as %s, coverage %s: %s", h.State, h.Coverage, h.Error)
		}
	}
	for b, product := range map[*branch]string{first: "nginx", second: "apache"} {
		page := ok(j.c.Hosts.List(ctx, client.Query{Filter: map[string]string{"address": targetAddress, "network": b.network.ID}}))(j)
		if len(page.Items) != 1 {
			j.Fatalf("hosts at %s in %s: %+v", targetAddress, b.network.Name, page.Items)
		}
		host := ok(j.c.Hosts.Show(ctx, page.Items[0].ID))(j)
		if !slices.ContainsFunc(host.Services, func(s client.HostService) bool {
			return strings.EqualFold(s.Product, product) || strings.Contains(s.Product, product)
		}) {
			j.Errorf("in %s: %+v", b.network.Name, host.Services)
		}
	}
	if n := total(j.c.Hosts.List(ctx, client.Query{Filter: map[string]string{"address": targetAddress}})); n != 2 {
		j.Errorf("%d hosts at %s", n, targetAddress)
	}
	mixed := j.of(first, "T:"+hiddenPort, targetAddress)
	ok(j.c.Scans.Update(ctx, mixed.ID, client.ScanUpdate{Scanner: client.Set(second.scannerID)}))(j)
	_, err := j.c.Scans.Start(ctx, mixed.ID)
	j.wantRefused("a start on another site's scanner", err, http.StatusConflict)
}

// stopped: 5 seconds after a pause and after a stop nothing comes in at the target's interface any more.
func (j *sitesJourney) stopped(b *branch) {
	j.Helper()
	ctx := context.Background()
	scan := j.of(b, everyPort, sitePrefix+"10-"+sitePrefix+"25")
	j.working(j.c, scan.ID)
	j.busy(b)
	ok(j.c.Scans.Pause(ctx, scan.ID))(j)
	j.silent(b, "a paused scan")
	ok(j.c.Scans.Resume(ctx, scan.ID))(j)
	j.busy(b)
	ok(j.c.Scans.Stop(ctx, scan.ID))(j)
	j.silent(b, "a stopped scan")
	j.until("the scan is stopped", time.Minute, func() bool { return ok(j.c.Scans.Show(ctx, scan.ID))(j).State == "stopped" })
}

// busy waits until the target meets the scanner.
func (j *sitesJourney) busy(b *branch) {
	j.Helper()
	before := b.met()
	j.until("packets come in at the target", time.Minute, func() bool { return b.met() > before+100 })
}

// silent compares the interface's counter after five seconds with that after some more.
func (j *sitesJourney) silent(b *branch, what string) {
	j.Helper()
	<-time.After(5 * time.Second) // the promise
	after := b.met()
	<-time.After(3 * time.Second)
	if n := b.met() - after; n != 0 {
		j.Errorf("%s sent %d packets after 5 seconds", what, n)
	}
}

// gone: on a scanner that is deactivated nothing starts, until it is activated again.
func (j *sitesJourney) gone(b *branch) {
	j.Helper()
	ctx := context.Background()
	scan := j.of(b, "T:"+hiddenPort, sitePrefix+"11")
	operator := j.operator.With(client.WithOrganization(j.c.organization))
	ok(operator.Scanners.Deactivate(ctx, b.scannerID))(j)
	_, err := j.c.Scans.Start(ctx, scan.ID)
	j.wantRefused("a start on a deactivated scanner", err, http.StatusConflict)
	ok(operator.Scanners.Activate(ctx, b.scannerID))(j)
	ok(j.c.Scans.Start(ctx, scan.ID))(j)
	ok(j.c.Scans.Stop(ctx, scan.ID))(j)
}
