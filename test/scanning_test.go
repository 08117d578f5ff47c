package test

import (
	"bufio"
	"cmp"
	"context"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vedette/vedette/client"
	"github.com/vedette/vedette/internal/domain/retention"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

const (
	movedPort   = "8081"
	guardedPort = "8082"
)

// TestScanningFromASite: all that customers do with scans, their results, schedules and scanners, by scanners behind NAT.
func TestScanningFromASite(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			shop := s.machine(hiddenPort, pages, "nginx/1.18.0")
			s.machine(guardedPort, guarded, "audit:sesame")
			_, port, _ := net.SplitHostPort(freeAddress(t))
			link := net.JoinHostPort(s.outer, port)
			w := start(t, settings(t, databaseURL(t, dialect), "VEDETTE_SCANNER_LINK_ADDRESS="+link, "VEDETTE_SCANNER_EMBEDDED=false",
				"VEDETTE_SCAN_ALLOW_NETWORKS="+sitePrefix+"0/24", "VEDETTE_SCAN_MAX_RUNNING=50", "VEDETTE_SCAN_MAX_PACKETS_PER_SECOND=3000"))
			c := w.customer("Field")
			c.Client = c.With(client.WithProduct("vrms"))
			j := &fieldJourney{sitesJourney: &sitesJourney{world: w, c: c, link: "https://" + link}}
			j.first = j.branch(s, "Field")
			j.second = j.another(j.first)
			var ran string
			t.Run("side by side", func(t *testing.T) {
				for name, story := range map[string]func(*fieldJourney){
					"wizard": func(j *fieldJourney) { ran = j.wizard(shop) }, "schedule": (*fieldJourney).scheduled,
					"credentials": (*fieldJourney).credentials, "assign": func(j *fieldJourney) { j.assigned(s) },
				} {
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						story(j.in(t))
					})
				}
			})
			j.emergency()
			j.wanes(ran)
			j.deleted()
		})
	}
}

// fieldJourney is a customer with two scanners at one site.
type fieldJourney struct {
	*sitesJourney
	first, second *branch
}

// in is the journey as a test of its own.
func (j *fieldJourney) in(t testing.TB) *fieldJourney {
	w := *j.world
	w.TB = t
	return &fieldJourney{&sitesJourney{world: &w, c: j.c, link: j.link}, j.first, j.second}
}

// another scanner at the same site.
func (j *fieldJourney) another(b *branch) *branch {
	j.Helper()
	made := ok(j.c.Scanners.Create(context.Background(), client.ScannerCreate{Name: "Second", Network: b.network.ID}))(j)
	return &branch{b.site, b.network, made.ID, j.linked(j.c.Client, b.site, made)}
}

// linked runs the scanner at a site, until it is online.
func (j *fieldJourney) linked(by *client.Client, s *site, made *client.Scanner) *process {
	j.Helper()
	dir := filepath.Join(j.TempDir(), "scanner")
	link := exec.Command("ip", "netns", "exec", s.scanner, scannerBinary, "link", "--server", j.link, "--code", made.LinkingCode, "--state", dir)
	if out, err := link.CombinedOutput(); err != nil {
		j.Fatalf("link: %v\n%s", err, out)
	}
	p := s.in(s.scanner, nil, scannerBinary, "run", "--state", dir)
	j.until("the scanner is online", time.Minute, func() bool { return ok(by.Scanners.Show(context.Background(), made.ID))(j).State == "online" })
	return p
}

// wizard: one call makes a target, a schedule and a scan and starts it; it is followed to its end, its results are read in every
// way, and a second run is told from the first. It gives the scan's id.
func (j *fieldJourney) wizard(shop *process) string {
	j.Helper()
	ctx := context.Background()
	ports := ok(j.c.PortLists.Create(ctx, client.PortListCreate{Name: "Shop", Ranges: "T:" + hiddenPort + "," + movedPort}))(j)
	scan := ok(j.c.Scans.CreateFromWizard(ctx, client.ScanFromWizardCreate{Name: "Shop", Hosts: []string{targetAddress}, AliveTest: "none", PortList: ports.ID,
		Network: j.first.network.ID, Tags: []string{"shop"}, Scanner: j.first.scannerID, Profile: "full", Start: new(true),
		Schedule: &client.ScanWizardSchedule{FirstTime: "2031-01-07 22:00:00", Timezone: "Europe/Vienna", PeriodUnit: "week"}}))(j)
	j.followed(scan.ID)
	if up := ok(j.c.Scans.ListUpcoming(ctx, client.Query{}))(j); len(up.Items) == 0 || up.Items[len(up.Items)-1].ID != scan.ID {
		j.Errorf("upcoming: %+v", up.Items)
	}
	if n := total(j.c.Targets.List(ctx, client.Query{Filter: map[string]string{"tags": "shop"}})); n != 1 {
		j.Errorf("%d targets have the wizard's tag", n)
	}
	j.results(scan.ID)
	shop.stop(syscall.SIGTERM)
	j.first.machine(movedPort, pages, "nginx/1.18.0")
	all, chosen := ok(j.c.Scans.ListProfiles(ctx, client.Query{}))(j).Items, ok(j.c.Scans.ListActivatedProfiles(ctx, client.Query{}))(j).Items
	if len(all) == 0 || len(chosen) == 0 || len(chosen) > len(all) {
		j.Errorf("%d profiles, of which %d may be chosen", len(all), len(chosen))
	}
	preview := ok(j.c.Scans.Preview(ctx, scan.ID))(j)
	if !preview.Startable || preview.Addresses != 1 || preview.Estimate.Basis != "earlier_runs" || preview.Quota.Used == 0 || preview.Load.PacketsPerSecond == 0 {
		j.Errorf("before the second run: %+v", preview)
	}
	if h := j.run(j.c, scan.ID); h.State != "completed" {
		j.Fatalf("the second run: %+v", h)
	}
	j.compared(scan.ID)
	return scan.ID
}

// followed hears of a run as it goes on.
func (j *fieldJourney) followed(scan string) {
	j.Helper()
	stream := ok(j.c.Scans.Follow(context.Background(), scan))(j)
	defer stream.Close()
	heard := map[string]int{}
	for lines := bufio.NewScanner(stream); lines.Scan(); {
		if name, is := strings.CutPrefix(lines.Text(), "event: "); is {
			heard[name]++
		}
	}
	if heard["end"] != 1 || heard["state"] == 0 || heard["stage"] == 0 {
		j.Errorf("heard of the run: %v", heard)
	}
	s := ok(j.c.Scans.Show(context.Background(), scan))(j)
	if s.State != "completed" || s.Status != "Done" || s.Progress != 100 || s.LastHistory.ID == "" {
		j.Fatalf("the first run ended so: %+v", s)
	}
}

// results of a scan, by its last run and by host.
func (j *fieldJourney) results(scan string) {
	j.Helper()
	ctx := context.Background()
	h := ok(j.c.Scans.ListHistories(ctx, scan, client.Query{}))(j).Items[0]
	if shown := ok(j.c.Scans.ShowHistory(ctx, scan, h.ID))(j); shown.HostsScanned != 1 || shown.Coverage != "complete" || len(shown.FeedVersions) == 0 {
		j.Errorf("the run: %+v", shown)
	}
	hosts := ok(j.c.Scans.ListHosts(ctx, scan, client.Query{}))(j)
	if len(hosts.Items) != 1 || hosts.Items[0].Address != targetAddress {
		j.Fatalf("hosts of the scan: %+v", hosts.Items)
	}
	id := hosts.Items[0].ID
	if seen := ok(j.c.Scans.ShowHost(ctx, scan, id, client.ShowScanHostQuery{HistoryID: h.ID}))(j); seen.PortsOpen != 1 {
		j.Errorf("the host as the run saw it: %+v", seen)
	}
	found := ok(j.c.Scans.ListVulnerabilities(ctx, scan, client.Query{PerPage: 500, Filter: map[string]string{"class": "clear.http"}}))(j)
	if len(found.Items) != 1 {
		j.Fatalf("the scan's findings: %+v", found.Items)
	}
	if v := ok(j.c.Scans.ShowVulnerability(ctx, scan, found.Items[0].ID, client.ShowScanVulnerabilityQuery{}))(j); v.Host != targetAddress || v.Evidence == "" {
		j.Errorf("the finding: %+v", v)
	}
	sum := ok(j.c.Scans.VulnerabilityStatistics(ctx, scan, client.ScanVulnerabilityStatisticsQuery{}))(j)
	if sum.Hosts != 1 || sum.ByClass["clear.http"] != 1 || sum.Total == 0 {
		j.Errorf("statistics: %+v", sum)
	}
	worst := ok(j.c.Hosts.ListMostVulnerable(ctx, client.Query{}))(j)
	if len(worst.Items) == 0 || worst.Items[0].RiskScore == 0 || !slices.IsSortedFunc(worst.Items, func(a, b client.Host) int { return cmp.Compare(b.RiskScore, a.RiskScore) }) {
		j.Errorf("the most vulnerable hosts: %+v", worst.Items)
	}
	host := ok(j.c.Hosts.Show(ctx, id))(j)
	if host.Address != targetAddress || host.Network.ID != j.first.network.ID || host.Risk.Score != host.RiskScore || len(host.Risk.Parts) == 0 {
		j.Errorf("the host: %+v", host)
	}
	ok(j.c.Hosts.Tag(ctx, client.TagHostsInput{IDs: []string{id}, Add: []string{"front"}}))(j)
	if n := total(j.c.Hosts.List(ctx, client.Query{Filter: map[string]string{"tags": "front", "network": j.first.network.ID}})); n != 1 {
		j.Errorf("%d hosts have the tag", n)
	}
}

// compared: the shop has moved to another port.
func (j *fieldJourney) compared(scan string) {
	j.Helper()
	ctx := context.Background()
	d := ok(j.c.Scans.Compare(ctx, scan, client.CompareScanQuery{PerPage: "500"}))(j).Data
	changes := map[string]string{}
	for _, v := range d.Vulnerabilities {
		if v.Attributes.Class == "clear.http" {
			changes[v.Attributes.Change] = v.Attributes.Host
		}
	}
	if len(changes) != 2 || changes["new"] != targetAddress || changes["fixed"] != targetAddress || d.Counts.New.Total == 0 || d.Counts.Fixed.Total == 0 {
		j.Errorf("the second run against the first: %+v, %v", d.Counts, changes)
	}
	host := ok(j.c.Hosts.List(ctx, client.Query{Filter: map[string]string{"tags": "front"}}))(j).Items[0]
	told := map[string]int{}
	for c, err := range j.c.Hosts.AllChanges(ctx, host.ID, client.Query{}) {
		if err != nil {
			j.Fatal(err)
		}
		told[c.Kind] = c.Port
	}
	if told["port_opened"] != 8081 || told["port_closed"] != 8080 {
		j.Errorf("changes of the host: %v", told)
	}
	if n := total(j.c.Scans.ListRecent(ctx, client.Query{})); n == 0 {
		j.Error("no scan has completed lately")
	}
}

// scheduled: a schedule starts a scan that names no scanner, and of the two at the site the one that is not being drained works it;
// a blackout pauses the next run, its end resumes it, as a user does.
func (j *fieldJourney) scheduled() {
	j.Helper()
	ctx := context.Background()
	operator := j.operator.With(client.WithOrganization(j.c.organization))
	if d := ok(operator.Scanners.Drain(ctx, j.first.scannerID))(j); !d.Draining {
		j.Errorf("drained: %+v", d)
	}
	soon := j.clock.Now().Add(2 * time.Second)
	when := ok(j.c.Schedules.Create(ctx, client.ScheduleCreate{Name: "Soon", FirstTime: soon.Format(time.DateTime), Timezone: "UTC", PeriodUnit: "day"}))(j)
	t := ok(j.c.Targets.Create(ctx, client.TargetCreate{Name: "By the clock", Hosts: []string{sitePrefix + "11-" + sitePrefix + "12"}, AliveTest: "none",
		PortList: j.list("One", "T:9"), Network: j.first.network.ID}))(j)
	scan := ok(j.c.Scans.Create(ctx, client.ScanCreate{Name: "By the clock", Target: t.ID, Profile: "discovery", Schedule: when.ID, Priority: "high"}))(j)
	j.until("the schedule has started the scan, and the second scanner has done it", time.Minute, func() bool {
		return ok(j.c.Scans.Show(ctx, scan.ID))(j).State == "completed"
	})
	runs := ok(j.c.Scans.ListHistories(ctx, scan.ID, client.Query{}))(j)
	if len(runs.Items) != 1 || runs.Items[0].StartedBy.ID != "" || runs.Items[0].Schedule != (client.Link{ID: when.ID, Name: "Soon"}) {
		j.Errorf("runs by the schedule: %+v", runs.Items)
	}
	ok(operator.Scanners.Activate(ctx, j.first.scannerID))(j)
	j.dark(scan.ID, when.ID)
}

func (j *fieldJourney) dark(scan, schedule string) {
	j.Helper()
	ctx := context.Background()
	state := func(want, by string) {
		j.Helper()
		j.until("the scan is "+want+" "+by, time.Minute, func() bool {
			s := ok(j.c.Scans.Show(ctx, scan))(j)
			return s.State == want && (by == "" || ok(j.c.Scans.ShowHistory(ctx, scan, s.CurrentHistoryID))(j).PausedBy == by)
		})
	}
	wide := ok(j.c.Targets.Create(ctx, client.TargetCreate{Name: "Every port", Hosts: []string{sitePrefix + "11-" + sitePrefix + "25"}, AliveTest: "none",
		PortList: j.list("Every", everyPort), Network: j.first.network.ID}))(j)
	ok(j.c.Scans.Update(ctx, scan, client.ScanUpdate{Target: client.Set(wide.ID)}))(j)
	ok(j.c.Scans.Start(ctx, scan))(j)
	state("running", "")
	if n := total(j.c.Scans.ListRunning(ctx, client.Query{Filter: map[string]string{"name": "By the clock"}})); n != 1 {
		j.Error("the scan is not listed as running")
	}
	now := j.clock.Now()
	today := slices.Compact([]string{weekday(now), weekday(now.Add(10 * time.Minute))})
	ok(j.c.Schedules.Update(ctx, schedule, client.ScheduleUpdate{Blackouts: client.Set([]client.ScheduleBlackout{{Start: "00:00", End: "24:00", Days: today}})}))(j)
	state("paused", "blackout")
	ok(j.c.Schedules.Update(ctx, schedule, client.ScheduleUpdate{Blackouts: client.Set([]client.ScheduleBlackout{})}))(j)
	state("running", "")
	ok(j.c.Scans.Pause(ctx, scan))(j)
	state("paused", "user")
	ok(j.c.Scans.Resume(ctx, scan))(j)
	state("running", "")
	ok(j.c.Scans.Stop(ctx, scan))(j)
	state("stopped", "")
	ok(j.c.Scans.Update(ctx, scan, client.ScanUpdate{Schedule: client.Null[string]()}))(j) // years are to pass
}

func weekday(t time.Time) string { return strings.ToLower(t.Weekday().String()[:3]) }

// list makes a port list.
func (j *fieldJourney) list(name, ranges string) string {
	j.Helper()
	return ok(j.c.PortLists.Create(context.Background(), client.PortListCreate{Name: name, Ranges: ranges}))(j).ID
}

// credentials are tested by the scanner that would use them.
func (j *fieldJourney) credentials() {
	j.Helper()
	ctx := context.Background()
	with := func(password string) []client.TargetCredentialInput {
		return []client.TargetCredentialInput{{Kind: "http", Username: "audit", Password: password}}
	}
	t := ok(j.c.Targets.Create(ctx, client.TargetCreate{Name: "Office", Hosts: []string{targetAddress}, Network: j.first.network.ID, Credentials: with("wrong")}))(j)
	try := func(want string) {
		j.Helper()
		got := ok(j.c.Targets.TestCredentials(ctx, t.ID, client.TestTargetCredentialsInput{Port: new(8082), Scanner: j.second.scannerID}))(j)
		if !got.Answered || got.Host != targetAddress || got.Scanner.ID != j.second.scannerID || len(got.Results) != 1 || got.Results[0].Result != want {
			j.Errorf("want %s: %+v", want, got)
		}
	}
	try("failed")
	ok(j.c.Targets.Update(ctx, t.ID, client.TargetUpdate{Credentials: client.Set(with("sesame"))}))(j)
	try("authenticated")
}

// assigned: a scanner of the installation goes to a partner and serves the partner's customers, then to one of them alone, and back.
func (j *fieldJourney) assigned(s *site) {
	j.Helper()
	ctx := context.Background()
	ring := ok(j.operator.Organizations.Create(ctx, client.OrganizationCreate{Name: "Ring"}))(j)
	ok(j.operator.Users.Create(ctx, client.UserCreate{Username: "pat", Email: "pat@ring.example", Password: password, Role: "partner", Organization: ring.ID, Confirmed: new(true)}))(j)
	partner := j.signIn("pat", password)
	shop := ok(partner.Organizations.Create(ctx, client.OrganizationCreate{Name: "Shop", ParentOrganization: ring.ID}))(j)
	ok(partner.Users.Create(ctx, client.UserCreate{Username: "sam", Email: "sam@shop.example", Password: password, Role: "manager", Organization: shop.ID, Confirmed: new(true)}))(j)
	c := &customer{j.signIn("sam", password).With(client.WithProduct("vrms")), shop.ID, "sam"}
	made := ok(j.operator.Scanners.Create(ctx, client.ScannerCreate{Name: "Wandering"}))(j)
	agent := j.linked(j.operator, s, made)
	if moved := ok(j.operator.Scanners.Assign(ctx, made.ID, client.AssignScannerInput{Organization: &ring.ID}))(j); moved.Organization.ID != ring.ID {
		j.Errorf("assigned to %+v", moved.Organization)
	}
	_, err := j.c.Scanners.Show(ctx, made.ID)
	j.wantRefused("another customer shows it", err, http.StatusNotFound)
	t := ok(c.Targets.Create(ctx, client.TargetCreate{Name: "Shop", Hosts: []string{sitePrefix + "20"}, AliveTest: "none", PortList: j.ports(c, "T:9")}))(j)
	scan := ok(c.Scans.Create(ctx, client.ScanCreate{Name: "Shop", Target: t.ID, Scanner: made.ID, Profile: "discovery"}))(j)
	if h := j.run(c, scan.ID); h.State != "completed" || h.HostsScanned != 1 {
		j.Errorf("by the partner's scanner: %+v", h)
	}
	_, err = partner.Scanners.Assign(ctx, made.ID, client.AssignScannerInput{})
	j.wantRefused("taken back while a scan names it", err, http.StatusConflict)
	if gone := ok(c.Scans.DeleteMany(ctx, scan.ID))(j); len(gone) != 1 {
		j.Errorf("deleted: %+v", gone)
	}
	ok(partner.Scanners.Assign(ctx, made.ID, client.AssignScannerInput{Organization: &shop.ID}))(j)
	j.kept(c, partner.With(client.WithOrganization(shop.ID)), s, made.ID, agent)
}

// kept: what is done to a scanner by its owner, and by who may for the owner.
func (j *fieldJourney) kept(c *customer, partner *client.Client, s *site, id string, agent *process) {
	j.Helper()
	ctx := context.Background()
	active := func() int {
		return total(c.Scanners.ListActivated(ctx, client.Query{Filter: map[string]string{"name": "Shop's own"}}))
	}
	ok(c.Scanners.Update(ctx, id, client.ScannerUpdate{Name: client.Set("Shop's own"), MaxConcurrency: client.Set(4)}))(j)
	ok(partner.Scanners.UpdateAppType(ctx, id, client.ScannerAppTypeUpdate{AppType: "penetration"}))(j)
	if n := active(); n != 0 {
		j.Error("a scanner of another product may be chosen")
	}
	ok(partner.Scanners.UpdateAppType(ctx, id, client.ScannerAppTypeUpdate{AppType: "all"}))(j)
	ok(partner.Scanners.Deactivate(ctx, id))(j)
	if n := active(); n != 0 {
		j.Error("a deactivated scanner may be chosen")
	}
	ok(partner.Scanners.Activate(ctx, id))(j)
	if all, n := total(c.Scanners.List(ctx, client.Query{Filter: map[string]string{"kind": "remote"}})), active(); all != 1 || n != 1 {
		j.Errorf("%d scanners listed, %d as activated", all, n)
	}
	again := ok(c.Scanners.LinkAgain(ctx, id))(j)
	agent.stop(syscall.SIGTERM)
	fresh := j.linked(c.Client, s, again)
	v := ok(c.Scanners.Verify(ctx, id))(j)
	checks := map[string]bool{}
	for _, k := range v.Checks {
		checks[k.Name] = k.Ok
	}
	for _, name := range []string{"reachable", "version", "clock_skew", "raw_sockets", "known_ports"} {
		if !v.Verified || !checks[name] {
			j.Errorf("%s: the scanner's proof is %+v", name, v)
		}
	}
	fresh.stop(syscall.SIGTERM)
	if back := ok(partner.Scanners.Assign(ctx, id, client.AssignScannerInput{}))(j); back.Organization.Name != "Ring" {
		j.Errorf("taken back by %+v", back.Organization)
	}
}

// emergency: an operator stops everything, and nothing starts until that ends.
func (j *fieldJourney) emergency() {
	j.Helper()
	ctx := context.Background()
	scan := j.of(j.first, everyPort, sitePrefix+"11-"+sitePrefix+"25")
	j.working(j.c, scan.ID)
	held := ok(j.operator.Installation.StopAllScans(ctx, client.StopAllScansInput{Reason: "a complaint"}))(j)
	if !held.Held || held.Stopping != 1 {
		j.Errorf("held: %+v", held)
	}
	j.until("the scan is stopped", time.Minute, func() bool { return ok(j.c.Scans.Show(ctx, scan.ID))(j).State == "stopped" })
	_, err := j.c.Scans.Start(ctx, scan.ID)
	j.wantRefused("a start while all is held", err, http.StatusConflict)
	if h := ok(j.operator.Installation.ShowHold(ctx))(j); h.Reason != "a complaint" || h.HeldBy == "" {
		j.Errorf("the hold: %+v", h)
	}
	ok(j.operator.Installation.ResumeAllScans(ctx))(j)
	ok(j.c.Scans.Start(ctx, scan.ID))(j)
	ok(j.c.Scans.Stop(ctx, scan.ID))(j)
	j.until("the scan is stopped again", time.Minute, func() bool { return ok(j.c.Scans.Show(ctx, scan.ID))(j).State == "stopped" })
}

// wanes: two years later the first run has lost its evidence, the last has not; after four years only the last is left.
func (j *fieldJourney) wanes(scan string) {
	j.Helper()
	ctx := context.Background()
	runs := ok(j.c.Scans.ListHistories(ctx, scan, client.Query{SortBy: "requested_at"}))(j)
	if len(runs.Items) != 2 {
		j.Fatalf("runs: %+v", runs.Items)
	}
	shown := func(run string) (evidence string) {
		q := client.Query{Filter: map[string]string{"class": "clear.http"}, Other: map[string][]string{"history_id": {run}}}
		return ok(j.c.Scans.ListVulnerabilities(ctx, scan, q))(j).Items[0].Evidence
	}
	later := func() {
		j.clock.Move(2 * 365 * 24 * time.Hour)
		j.c.Client = j.signIn(j.c.username, password).With(client.WithProduct("vrms"))
		err := j.app.DB.Write(ctx, access.System(access.DoorTest), func(tx *db.Tx) error { return jobs.Enqueue(tx, retention.Job{}) })
		if err != nil {
			j.Fatal(err)
		}
	}
	later()
	j.until("the first run's evidence is gone", time.Minute, func() bool { return shown(runs.Items[0].ID) == "" })
	if shown(runs.Items[1].ID) == "" {
		j.Error("the last run has lost its evidence")
	}
	later()
	j.until("the first run is gone", time.Minute, func() bool { return total(j.c.Scans.ListHistories(ctx, scan, client.Query{})) == 1 })
	j.enter()
}

// deleted: what is not needed any more goes, in the order of what refers to what.
func (j *fieldJourney) deleted() {
	j.Helper()
	ctx := context.Background()
	j.wantRefused("a scanner that scans name is deleted", j.c.Scanners.Delete(ctx, j.first.scannerID), http.StatusConflict)
	var ids []string
	for s, err := range j.c.Scans.All(ctx, client.Query{}) {
		if err != nil {
			j.Fatal(err)
		}
		ids = append(ids, s.ID)
	}
	if gone := ok(j.c.Scans.DeleteMany(ctx, ids...))(j); len(gone) != 3 {
		j.Errorf("deleted: %+v", gone)
	}
	for _, b := range []*branch{j.first, j.second} {
		if err := j.c.Scanners.Delete(ctx, b.scannerID); err != nil {
			j.Error(err)
		}
	}
}
