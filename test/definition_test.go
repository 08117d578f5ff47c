package test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vedette/vedette/client"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// definitions are what a customer says of scans before any is started.
type definitions struct {
	*world
	c        *customer
	operator *client.Client // acting for the customer
}

// TestWhatIsScannedAndWhen: port lists, schedules, networks and targets from making to deletion, what a target comes to, and how
// its owner proves to control it.
func TestWhatIsScannedAndWhen(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			z := newZone(t)
			w := start(t, settings(t, databaseURL(t, dialect), "VEDETTE_DNS_SERVER="+z.address))
			c := w.customer("Definition")
			c.Client = c.With(client.WithProduct("vrms"))
			d := &definitions{w, c, w.operator.With(client.WithOrganization(c.organization), client.WithProduct("vrms"))}
			d.portLists()
			d.schedules()
			d.networks()
			d.targets(z)
			d.controlled(z)
		})
	}
}

func (d *definitions) portLists() {
	d.Helper()
	ctx := context.Background()
	made := ok(d.c.PortLists.Create(ctx, client.PortListCreate{Name: "Web", Ranges: "T:80,443,8000-8010,U:53", Description: "of shops"}))(d)
	if made.TCPCount != 13 || made.UDPCount != 1 || len(made.PortRanges) != 4 || made.Predefined || !made.Active {
		d.Errorf("a new port list: %+v", made)
	}
	_, err := d.c.PortLists.Create(ctx, client.PortListCreate{Name: "Upside down", Ranges: "T:100-10"})
	d.wantRefused("ports upside down", err, http.StatusUnprocessableEntity)
	r := ok(d.c.PortLists.CreatePortRange(ctx, made.ID, client.PortRangeCreate{Protocol: "udp", Start: 161, End: 162, Comment: "SNMP"}))(d)
	if err := d.c.PortLists.DeletePortRange(ctx, made.ID, made.PortRanges[0].ID); err != nil {
		d.Error(err)
	}
	ok(d.c.PortLists.Update(ctx, made.ID, client.PortListUpdate{Name: client.Set("Shops")}))(d)
	shown := ok(d.c.PortLists.Show(ctx, made.ID))(d)
	if shown.Name != "Shops" || shown.TCPCount+shown.UDPCount != 15 || !slices.ContainsFunc(shown.PortRanges, func(x client.PortListRange) bool { return x.ID == r.ID && x.End == 162 }) {
		d.Errorf("the changed port list: %+v", shown)
	}
	named := client.Query{Filter: map[string]string{"name": "shop*"}}
	_, err = d.c.PortLists.Deactivate(ctx, made.ID)
	d.wantRefused("a manager deactivates", err, http.StatusForbidden)
	ok(d.operator.PortLists.Deactivate(ctx, made.ID))(d)
	if all, active := total(d.c.PortLists.List(ctx, named)), total(d.c.PortLists.ListActivated(ctx, named)); all != 1 || active != 0 {
		d.Errorf("deactivated: %d listed, %d as activated", all, active)
	}
	ok(d.operator.PortLists.Activate(ctx, made.ID))(d)
	if other := ok(d.operator.PortLists.UpdateAppType(ctx, made.ID, client.PortListAppTypeUpdate{AppType: "penetration"}))(d); other.AppType != "penetration" {
		d.Errorf("it serves %s", other.AppType)
	}
	if n := total(d.c.PortLists.ListActivated(ctx, named)); n != 0 {
		d.Error("a port list of another product may be chosen")
	}
	if err := d.c.PortLists.Delete(ctx, made.ID); err != nil {
		d.Error(err)
	}
	synced := ok(d.world.operator.PortLists.Sync(ctx))(d)
	if predefined := total(d.c.PortLists.List(ctx, client.Query{Filter: map[string]string{"predefined": "true"}})); predefined == 0 || synced.Unchanged != predefined {
		d.Errorf("synced %+v of %d", synced, predefined)
	}
}

func (d *definitions) schedules() {
	d.Helper()
	ctx := context.Background()
	first := ok(d.c.Schedules.CalculateFirstTime(ctx, client.CalculateFirstTimeInput{Timezone: "Europe/Vienna", FirstTime: "2030-03-01 02:30:00", PeriodUnit: "day", After: "2030-03-31 00:00:00"}))(d)
	if first.FirstTime != "2030-03-31 03:00:00" || !first.FirstTimeUtc.Equal(time.Date(2030, 3, 31, 1, 0, 0, 0, time.UTC)) {
		d.Errorf("in the gap of the clock change it starts at %+v", first)
	}
	next := ok(d.c.Schedules.CalculateNextTimes(ctx, client.CalculateNextTimesInput{Count: new(3), Schedule: client.ScheduleTiming{Timezone: "UTC", FirstTime: "2031-01-31 10:00:00", PeriodUnit: "month"}}))(d)
	if want := []string{"2031-01-31 10:00:00", "2031-02-28 10:00:00", "2031-03-31 10:00:00"}; !slices.Equal(next.NextTimes, want) {
		d.Errorf("by the month: %q", next.NextTimes)
	}
	made := ok(d.c.Schedules.Create(ctx, client.ScheduleCreate{Name: "Weekly", FirstTime: "2031-01-07 22:00:00", Timezone: "Europe/Vienna", PeriodUnit: "week"}))(d)
	_, err := d.c.Schedules.Create(ctx, client.ScheduleCreate{Name: "Nowhere", FirstTime: "2031-01-07 22:00:00", Timezone: "Europe/Atlantis"})
	d.wantRefused("a timezone that there is not", err, http.StatusUnprocessableEntity)
	ok(d.c.Schedules.Update(ctx, made.ID, client.ScheduleUpdate{Rrule: client.Set("FREQ=MONTHLY;BYDAY=-1FR"), DurationMinutes: client.Set(90)}))(d)
	shown := ok(d.c.Schedules.Show(ctx, made.ID))(d)
	if shown.Rrule == "" || shown.DurationMinutes != 90 || !shown.NextTime.Equal(time.Date(2031, 1, 31, 21, 0, 0, 0, time.UTC)) {
		d.Errorf("on the last Friday of a month: %+v", shown)
	}
	more := ok(d.c.Schedules.Create(ctx, client.ScheduleCreate{Name: "Once", FirstTime: "2031-01-07 22:00:00", Timezone: "Asia/Tokyo"}))(d)
	if all := ok(d.c.Schedules.List(ctx, client.Query{SortBy: "-name"}))(d); all.TotalCount != 2 || all.Items[0].ID != made.ID {
		d.Errorf("listed: %+v", all.Items)
	}
	if err := d.c.Schedules.Delete(ctx, made.ID); err != nil {
		d.Error(err)
	}
	if gone := ok(d.c.Schedules.DeleteMany(ctx, more.ID))(d); len(gone) != 1 || gone[0].ID != more.ID {
		d.Errorf("deleted %+v", gone)
	}
}

func (d *definitions) networks() {
	d.Helper()
	ctx := context.Background()
	made := ok(d.c.Networks.Create(ctx, client.NetworkCreate{Name: "Linz"}))(d)
	ok(d.c.Networks.Update(ctx, made.ID, client.NetworkUpdate{Description: client.Set("the warehouse")}))(d)
	if shown := ok(d.c.Networks.Show(ctx, made.ID))(d); shown.Description != "the warehouse" {
		d.Errorf("the network: %+v", shown)
	}
	other := ok(d.c.Networks.Create(ctx, client.NetworkCreate{Name: "Graz"}))(d)
	t := ok(d.c.Targets.Create(ctx, client.TargetCreate{Name: "There", Hosts: []string{"192.0.2.1"}, Network: made.ID}))(d)
	d.wantRefused("a network in use is deleted", d.c.Networks.Delete(ctx, made.ID), http.StatusConflict)
	_, err := d.c.Networks.DeleteMany(ctx, other.ID, made.ID)
	d.wantRefused("of two networks one is in use", err, http.StatusConflict)
	if n := total(d.c.Networks.List(ctx, client.Query{})); n != 2 {
		d.Errorf("%d networks", n)
	}
	ok(d.c.Targets.Update(ctx, t.ID, client.TargetUpdate{Network: client.Null[string]()}))(d)
	ok(d.c.Targets.DeleteMany(ctx, t.ID))(d)
	if err := d.c.Networks.Delete(ctx, made.ID); err != nil {
		d.Error(err)
	}
	ok(d.c.Networks.DeleteMany(ctx, other.ID))(d)
}

func (d *definitions) targets(z *zone) {
	d.Helper()
	ctx := context.Background()
	z.leads("www.linz.example", "192.0.2.3")
	z.leads("www.graz.example", "169.254.169.254")
	hosts := []string{"192.0.2.0/28", "192.0.2.8-192.0.2.20", "https://www.linz.example/shop", "2001:db8::1"}
	sum := ok(d.c.Targets.CalculateHosts(ctx, client.CalculateHostsInput{Hosts: hosts, ExcludeHosts: []string{"192.0.2.2"}}))(d)
	if sum.Addresses != 21 || sum.HostsCount != 22 || sum.Kinds.Networks != 1 || sum.Kinds.Ranges != 1 || !sum.WithinLimit || len(sum.Refusals) != 0 {
		d.Errorf("calculated: %+v", sum)
	}
	sum = ok(d.c.Targets.CalculateHosts(ctx, client.CalculateHostsInput{Hosts: append(hosts, "10.0.0.5", "www.graz.example")}))(d)
	for _, host := range []string{"10.0.0.5", "www.graz.example"} {
		if !slices.ContainsFunc(sum.Refusals, func(r client.TargetRefusal) bool { return r.Host == host && r.Code == "forbidden_address" }) {
			d.Errorf("%s is not refused: %+v", host, sum.Refusals)
		}
	}
	var ids []string
	for _, name := range []string{"One", "Two", "Three"} {
		t := ok(d.c.Targets.Create(ctx, client.TargetCreate{Name: name, Hosts: []string{"192.0.2.7"}, Tags: []string{"old"}}))(d)
		ids = append(ids, t.ID)
	}
	ok(d.c.Targets.Update(ctx, ids[0], client.TargetUpdate{Hosts: client.Set([]string{"192.0.2.0/30"}), ExcludeHosts: client.Set([]string{"192.0.2.1"})}))(d)
	if t := ok(d.c.Targets.Show(ctx, ids[0]))(d); t.HostsCount != 3 {
		d.Errorf("the changed target: %+v", t)
	}
	ok(d.c.Targets.Tag(ctx, client.TagTargetsInput{IDs: ids[:2], Add: []string{"prod"}, Remove: []string{"old"}}))(d)
	_, err := d.c.Targets.Tag(ctx, client.TagTargetsInput{IDs: []string{ids[2], d.c.organization}, Add: []string{"prod"}})
	d.wantRefused("tags for a target that is not there", err, http.StatusNotFound)
	tagged := func(tag string) int {
		return total(d.c.Targets.List(ctx, client.Query{Filter: map[string]string{"tags": tag}}))
	}
	if prod, old := tagged("prod"), tagged("old"); prod != 2 || old != 1 {
		d.Errorf("%d targets have one tag, %d the other", prod, old)
	}
	_, err = d.c.Targets.DeleteMany(ctx, ids[0], d.c.organization)
	d.wantRefused("of two targets one is not there", err, http.StatusNotFound)
	if err := d.c.Targets.Delete(ctx, ids[0]); err != nil {
		d.Error(err)
	}
	if gone := ok(d.c.Targets.DeleteMany(ctx, ids[2], ids[1]))(d); len(gone) != 2 || gone[0].ID != ids[2] {
		d.Errorf("deleted %+v", gone)
	}
}

// controlled: a shared scanner attacks only hosts whose owner has proven to be it: by DNS, by a file, or by an operator's word.
func (d *definitions) controlled(z *zone) {
	d.Helper()
	ctx := context.Background()
	ways := map[string]string{"dns_txt": "dns.shop.example", "http_file": "file.shop.example", "operator": "203.0.113.9"}
	z.leads("dns.shop.example", "203.0.113.7")
	z.leads("file.shop.example", d.challenged(""))
	t := ok(d.c.Targets.Create(ctx, client.TargetCreate{Name: "Shop", Hosts: []string{ways["dns_txt"], ways["http_file"], ways["operator"]}}))(d)
	scan := ok(d.c.Scans.Create(ctx, client.ScanCreate{Name: "Shop", Target: t.ID, Profile: "full"}))(d)
	z.leads("file.shop.example", "203.0.113.8")
	preview := ok(d.c.Scans.Preview(ctx, scan.ID))(d)
	if preview.Startable || !slices.ContainsFunc(preview.Problems, func(p client.ScanProblem) bool { return p.Code == "control_not_proven" }) {
		d.Errorf("before any proof: %+v", preview)
	}
	_, err := d.c.Scans.Start(ctx, scan.ID)
	d.wantRefused("an attack on what is not proven", err, http.StatusUnprocessableEntity)
	for _, method := range []string{"dns_txt", "http_file", "operator"} {
		d.proves(z, t.ID, method, ways[method])
	}
	control := ok(d.c.Targets.ShowControl(ctx, t.ID))(d)
	for _, h := range control.Hosts {
		if !h.Proven || ways[h.Method] != h.Host || h.VerifiedAt.IsZero() || h.ExpiresAt.Before(h.VerifiedAt) {
			d.Errorf("the proof: %+v", h)
		}
	}
	if preview = ok(d.c.Scans.Preview(ctx, scan.ID))(d); !control.Proven || !preview.Startable || preview.Addresses != 3 {
		d.Errorf("proven: %v; a start: %+v", control.Proven, preview)
	}
	if err := d.c.Scans.Delete(ctx, scan.ID); err != nil {
		d.Error(err)
	}
}

func (d *definitions) proves(z *zone, target, method, host string) {
	d.Helper()
	ctx := context.Background()
	ask := client.VerifyTargetControlInput{Method: method, Hosts: []string{host}}
	by := d.c.Client
	if method == "operator" {
		ask.Note = "contract 17"
		_, err := by.Targets.VerifyControl(ctx, target, ask)
		d.wantRefused("a customer's own word", err, http.StatusForbidden)
		by = d.operator
	}
	at := func() client.TargetHostControl {
		c := ok(by.Targets.VerifyControl(ctx, target, ask))(d)
		i := slices.IndexFunc(c.Hosts, func(h client.TargetHostControl) bool { return h.Host == host })
		return c.Hosts[i]
	}
	asked := at()
	for _, challenge := range asked.Challenges {
		switch {
		case challenge.Method != method:
		case method == "dns_txt":
			z.says(challenge.Where, challenge.What)
		case method == "http_file":
			z.leads(host, d.challenged(challenge.What))
		}
	}
	if asked.Proven == (method == "operator") && at().Proven {
		z.leads("file.shop.example", "203.0.113.8")
		return
	}
	d.Errorf("%s: asked %+v, then %+v", method, asked, at())
}

var challengers atomic.Int32

// challenged is an address at whose standard port a machine publishes the text.
func (d *definitions) challenged(text string) string {
	d.Helper()
	pid := os.Getpid() // others may test on this machine at the same time
	at := fmt.Sprintf("127.%d.%d.%d", 64+pid%128, pid/128%256, 1+challengers.Add(1)%250)
	l, err := net.Listen("tcp", at+":80")
	if err != nil {
		d.Fatalf("the test must be root: %v", err)
	}
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/.well-known/vedette-verification.txt" {
			_, _ = w.Write([]byte(text + "\n"))
		}
	})}
	go func() { _ = s.Serve(l) }()
	d.Cleanup(func() { _ = s.Close() })
	return at
}
