package app

import (
	"bytes"
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/scanlink"
)

// run of a scan, as its history shows it.
type run struct {
	ID           string
	Status       string
	State        string
	StartedAt    *string `json:"started_at"`
	FinishedAt   *string `json:"finished_at"`
	Coverage     *string
	HostsTotal   int `json:"hosts_total"`
	HostsScanned int `json:"hosts_scanned"`
	Counts       struct{ Critical, High, Medium, Low, Log int }
	PCIStatus    *string `json:"pci_status"`
	ReportID     *string `json:"report_id"`
	Error        string
}

func (p *program) runsOf(by, scan string) []run {
	p.Helper()
	var list struct{ Data []struct{ Attributes run } }
	p.must(200, by, "GET", "/v2/scans/"+scan+"/histories", nil).decode(p, &list)
	var all []run
	for _, d := range list.Data {
		all = append(all, d.Attributes)
	}
	return all
}

type scanned struct {
	Status           *string
	State            string
	Progress         float64
	CurrentHistoryID *string `json:"current_history_id"`
	LastHistory      *struct {
		ID      string
		Verdict *string
	} `json:"last_history"`
}

func (p *program) show(by, scan string) scanned {
	p.Helper()
	var one struct{ Data struct{ Attributes scanned } }
	p.must(200, by, "GET", "/v2/scans/"+scan, nil).decode(p, &one)
	return one.Data.Attributes
}

func deref(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

func (p *program) stateIs(by, scan, status, state string) scanned {
	p.Helper()
	s := p.show(by, scan)
	if deref(s.Status) != status || s.State != state {
		p.Errorf("the scan is %s, %s; want %s, %s", deref(s.Status), s.State, status, state)
	}
	return s
}

// vulnerabilities of a list, by class and port.
type vulnerable struct {
	ID                  string
	Class, State        string
	Host                string
	Port, Times         int
	Certainty           string
	FirstSeenAt         string `json:"first_seen_at"`
	LastSeenAt          string `json:"last_seen_at"`
	Threat              string
	PCI                 struct{ Status string }
	Evidence, Detection string
}

func (p *program) vulnerabilities(by, path string) []vulnerable {
	p.Helper()
	var list struct {
		Data []struct{ Attributes vulnerable }
	}
	p.must(200, by, "GET", path, nil).decode(p, &list)
	var all []vulnerable
	for _, d := range list.Data {
		all = append(all, d.Attributes)
	}
	return all
}

func clean(a netip.Addr) scanlink.Observation {
	return scanlink.Observation{Host: &scanlink.Host{Address: a, Alive: true, Done: true, Coverage: scanlink.Complete, OS: "Linux"}}
}

func found(a netip.Addr, port uint16, class string, qod int) scanlink.Observation {
	return scanlink.Observation{Finding: &scanlink.Finding{Address: a, Port: port, Protocol: "tcp", Class: class, Check: strings.ReplaceAll(class, ".", "-"), QoD: qod,
		Evidence: scanlink.Evidence{Request: "PING", Response: `+PONG \u0000 and 'quotes'`}}}
}

func open(a netip.Addr, port uint16, name string) scanlink.Observation {
	return scanlink.Observation{Service: &scanlink.Service{Address: a, Port: port, Protocol: "tcp", State: "open", Name: name, Banner: `words like \u0000`, QoD: 95}}
}

func (p *program) start(by, scan string) string {
	p.Helper()
	p.must(200, by, "POST", "/v2/scans/"+scan+"/start", nil)
	return *p.show(by, scan).CurrentHistoryID
}

func (p *program) finishLease(l *scanlink.Lease, f scanlink.Finish) error {
	f.Token = l.Token
	return p.app.dispatcher.Finish(context.Background(), scanner.EmbeddedID, l.ChunkID, f)
}

// TestLeases: whoever holds the newest token, and nobody else, decides about a chunk.
func TestLeases(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "acme", access.Manager, access.User)
		const m = "manager@acme"
		scan := p.scan(m, "web", p.target(m, "web", "192.0.2.10", "192.0.2.11"))
		p.stateIs(m, scan, "null", "new")
		p.refused(409, m, "POST", "/v2/scans/"+scan+"/stop", nil)
		p.start(m, scan)
		p.stateIs(m, scan, "Requested", "queued")
		if x := p.refused(409, m, "POST", "/v2/scans/"+scan+"/start", nil); x.Code != "scan_running" {
			p.Errorf("a second start: %+v", x)
		}
		p.refused(409, m, "DELETE", "/v2/scans/"+scan, nil)
		old := p.lease()
		if old == nil || len(old.Plan.Hosts) != 2 || old.Plan.Profile != "pci" || p.lease() != nil {
			p.Fatalf("leased %+v", old)
		}
		p.stateIs(m, scan, "Running", "running")
		p.outsidePlan(old)
		see := func(h scanlink.PlanHost) []scanlink.Observation {
			return []scanlink.Observation{clean(h.Address), open(h.Address, 6379, "redis"), found(h.Address, 6379, "anon.redis", 98)}
		}
		p.observe(old, see)
		// the scanner falls silent, and another takes over
		p.clock.Move(time.Minute)
		l := p.lease()
		if l == nil || l.ChunkID != old.ChunkID || l.Token <= old.Token || l.Attempt <= old.Attempt {
			p.Fatalf("leased again %+v", l)
		}
		batch := scanlink.Batch{Token: old.Token, Sequence: 2}
		for what, err := range map[string]error{
			"observes": p.app.dispatcher.Observe(context.Background(), scanner.EmbeddedID, old.ChunkID, batch),
			"finishes": p.finishLease(old, scanlink.Finish{LastSequence: 1}),
			"strange":  p.app.dispatcher.Finish(context.Background(), access.Installation, l.ChunkID, scanlink.Finish{Token: l.Token, LastSequence: 0}),
		} {
			if !fault.Is(err, fault.Conflict) {
				p.Errorf("a stale scanner %s: %v", what, err)
			}
		}
		_, err := p.app.dispatcher.Beat(context.Background(), scanner.EmbeddedID, old.ChunkID, scanlink.Beat{Token: old.Token})
		if !fault.Is(err, fault.Conflict) {
			p.Errorf("a stale scanner beats: %v", err)
		}
		if err := p.finishLease(l, scanlink.Finish{LastSequence: 1}); err == nil {
			p.Error("a chunk finishes without its batches")
		}
		p.observe(l, see)
		p.observe(l, see) // a repeat changes nothing
		for range 2 {
			if err := p.finishLease(l, scanlink.Finish{LastSequence: 1}); err != nil {
				p.Errorf("finish: %v", err)
			}
		}
		if s := p.stateIs(m, scan, "Done", "completed"); s.Progress != 100 || s.CurrentHistoryID != nil || deref(s.LastHistory.Verdict) != "fail" {
			p.Errorf("done: %+v", s)
		}
		h := p.runsOf(m, scan)
		if len(h) != 1 || h[0].HostsTotal != 2 || h[0].HostsScanned != 2 || deref(h[0].Coverage) != "complete" || h[0].Counts.High != 2 || h[0].FinishedAt == nil {
			p.Errorf("history: %+v", h)
		}
		for _, v := range p.vulnerabilities(m, "/v2/vulnerabilities") {
			if v.Times != 1 || v.State != "open" || !strings.Contains(v.Evidence, `\u0000 and 'quotes'`) {
				p.Errorf("%+v", v)
			}
		}
		p.interrupted(m, scan)
		p.failing(m, scan)
		p.losing(m, scan)
		p.stopping(m, scan)
	})
}

func (p *program) outsidePlan(l *scanlink.Lease) {
	p.Helper()
	strange := netip.MustParseAddr("203.0.113.99")
	for _, o := range []scanlink.Observation{clean(strange), open(strange, 80, "http"), found(strange, 80, "anon.redis", 98)} {
		err := p.app.dispatcher.Observe(context.Background(), scanner.EmbeddedID, l.ChunkID, scanlink.Batch{Token: l.Token, Sequence: 1, Observations: []scanlink.Observation{clean(l.Plan.Hosts[0].Address), o}})
		if !fault.Is(err, fault.Invalid) {
			p.Errorf("an observation outside the plan: %v", err)
		}
	}
}

// interrupted: the chunk goes back to the pool, and what it had staged is forgotten.
func (p *program) interrupted(m, scan string) {
	p.Helper()
	p.start(m, scan)
	l := p.lease()
	p.observe(l, func(h scanlink.PlanHost) []scanlink.Observation {
		return []scanlink.Observation{clean(h.Address), found(h.Address, 21, "anon.ftp", 98)}
	})
	if err := p.finishLease(l, scanlink.Finish{LastSequence: 1, Interrupted: true}); err != nil {
		p.Fatal(err)
	}
	p.stateIs(m, scan, "Running", "running")
	again := p.lease()
	if again == nil || again.ChunkID != l.ChunkID || again.Token <= l.Token {
		p.Fatalf("after an interruption: %+v", again)
	}
	p.observe(again, func(h scanlink.PlanHost) []scanlink.Observation { return []scanlink.Observation{clean(h.Address)} })
	if err := p.finishLease(again, scanlink.Finish{LastSequence: 1}); err != nil {
		p.Fatal(err)
	}
	p.stateIs(m, scan, "Done", "completed")
	for _, v := range p.vulnerabilities(m, "/v2/vulnerabilities") {
		if v.Class == "anon.ftp" || v.State != "fixed" {
			p.Errorf("after a run that found nothing: %+v", v)
		}
	}
}

// losing: a chunk on which scanners are lost again and again rests for longer and longer, and has failed in the end; what it had
// staged is forgotten.
func (p *program) losing(m, scan string) {
	p.Helper()
	p.start(m, scan)
	for n := 1; n <= 12; n++ {
		l := p.lease()
		if l == nil {
			p.Fatalf("lost %d times, it is not tried again", n-1)
		}
		p.observe(l, func(h scanlink.PlanHost) []scanlink.Observation { return []scanlink.Observation{clean(h.Address)} })
		p.clock.Move(time.Minute) // the scanner is silent
		p.sweep()
		if n >= 8 && p.lease() != nil {
			p.Errorf("lost %d times, it is tried again at once", n)
		}
		p.clock.Move(time.Second << max(0, n-2)) // longer than it rests
	}
	if p.lease() != nil {
		p.Error("it is tried for ever")
	}
	p.sweep()
	p.stateIs(m, scan, "Failed", "failed")
	err := p.app.DB.Read(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
		n := 0
		err := tx.Query(&n, "select count(*) from scan_observations")
		if n != 0 {
			p.Errorf("%d batches are staged for nobody", n)
		}
		return err
	})
	if err != nil {
		p.Fatal(err)
	}
}

func (p *program) sweep() {
	p.Helper()
	if err := p.app.dispatcher.Sweep(context.Background()); err != nil {
		p.Fatal(err)
	}
}

// failing: what fails three times fails for good.
func (p *program) failing(m, scan string) {
	p.Helper()
	p.start(m, scan)
	for range 3 {
		l := p.lease()
		if l == nil {
			p.Fatal("a chunk that failed is not tried again")
		}
		if err := p.finishLease(l, scanlink.Finish{Error: "the engine failed"}); err != nil {
			p.Fatal(err)
		}
	}
	if p.lease() != nil {
		p.Error("a chunk is tried a fourth time")
	}
	s := p.stateIs(m, scan, "Failed", "failed")
	if h := p.runsOf(m, scan)[0]; h.PCIStatus != nil || h.Error == "" || h.FinishedAt == nil || s.LastHistory == nil || s.LastHistory.ID == h.ID {
		p.Errorf("a failed run: %+v", h)
	}
	wide := p.scan(m, "wide", p.target(m, "wide", "198.51.100.0/27"))
	p.start(m, wide)
	first, failed := "", 0
	for l := p.lease(); l != nil; l = p.lease() {
		if first == "" {
			first = l.ChunkID
		}
		f := scanlink.Finish{LastSequence: 1}
		if l.ChunkID == first {
			f, failed = scanlink.Finish{Error: "the engine failed"}, failed+1
		} else {
			p.observe(l, func(h scanlink.PlanHost) []scanlink.Observation { return []scanlink.Observation{clean(h.Address)} })
		}
		if err := p.finishLease(l, f); err != nil {
			p.Fatal(err)
		}
	}
	h := p.runsOf(m, wide)[0]
	if failed != 3 || h.State != "completed" || deref(h.Coverage) != "inconclusive" || deref(h.PCIStatus) != "inconclusive" || h.HostsScanned != 16 {
		p.Errorf("one of two chunks failed %d times: %+v, %s, %s", failed, h, deref(h.Coverage), deref(h.PCIStatus))
	}
}

func (p *program) stopping(m, scan string) {
	p.Helper()
	stop := func() {
		p.Helper()
		p.must(200, m, "POST", "/v2/scans/"+scan+"/stop", nil)
	}
	p.start(m, scan) // while it is queued
	stop()
	p.stateIs(m, scan, "Stopped", "stopped")
	if p.lease() != nil {
		p.Error("a stopped scan is leased")
	}
	p.refused(409, m, "POST", "/v2/scans/"+scan+"/stop", nil)

	p.start(m, scan) // while it is leased
	l := p.lease()
	answers := make(chan scanlink.BeatAnswer, 1)
	go func() {
		a, err := p.app.dispatcher.Beat(context.Background(), scanner.EmbeddedID, l.ChunkID, scanlink.Beat{Token: l.Token, Progress: &scanlink.Progress{Percent: 40, Stage: "ports"}})
		if err != nil {
			p.Error(err)
		}
		answers <- a
	}()
	p.eventually("the beat is noted", func() bool { return p.show(m, scan).Progress == 40 })
	stop()
	if a := <-answers; !a.Stop {
		p.Error("the scanner does not hear of the stop")
	}
	p.stateIs(m, scan, "Running", "stopping")
	if err := p.finishLease(l, scanlink.Finish{Interrupted: true}); err != nil {
		p.Fatal(err)
	}
	p.stateIs(m, scan, "Stopped", "stopped")
	if h := p.runsOf(m, scan)[0]; h.State != "stopped" || h.PCIStatus != nil {
		p.Errorf("a stopped run: %+v", h)
	}

	p.start(m, scan) // while its scanner is gone
	if p.lease() == nil {
		p.Fatal("nothing to lease")
	}
	stop()
	p.clock.Move(time.Minute)
	if l := p.lease(); l != nil {
		p.Errorf("a scan that is stopping is leased again: %+v", l)
	}
	p.sweep()
	p.stateIs(m, scan, "Stopped", "stopped")

	p.start(m, scan) // while nobody works
	p.clock.Move(2 * time.Hour)
	p.sweep()
	p.stateIs(m, scan, "Failed", "interrupted")
	p.start(m, scan)
}

// TestRuns: what a scan finds stays the same thing from run to run.
func TestRuns(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "acme", access.Manager)
		const m = "manager@acme"
		scan := p.scan(m, "web", p.target(m, "web", "192.0.2.10"))
		other := p.scan(m, "other", p.target(m, "other", "192.0.2.20"))
		p.nothingYet(m, scan)
		run := func(see ...func(netip.Addr) scanlink.Observation) string {
			p.Helper()
			history := p.start(m, scan)
			p.work(func(h scanlink.PlanHost) []scanlink.Observation {
				all := []scanlink.Observation{clean(h.Address), open(h.Address, 6379, "redis"), open(h.Address, 21, "ftp")}
				for _, s := range see {
					all = append(all, s(h.Address))
				}
				return all
			})
			return history
		}
		redis := func(a netip.Addr) scanlink.Observation { return found(a, 6379, "anon.redis", 98) }
		ftp := func(a netip.Addr) scanlink.Observation { return found(a, 21, "anon.ftp", 98) }
		maybe := func(a netip.Addr) scanlink.Observation { return found(a, 80, "anon.mongo", 30) }

		first := run(redis, ftp, maybe)
		before := p.byClass(m, "/v2/vulnerabilities")
		if len(before) != 3 || before["anon.mongo"].Certainty != "possible" {
			p.Errorf("the first run: %+v", before)
		}
		p.counted(m, scan, 2)
		p.clock.Move(time.Hour)
		second := run(ftp)
		after := p.byClass(m, "/v2/vulnerabilities")
		if r := after["anon.redis"]; r.State != "fixed" || r.Times != 1 || r.ID != before["anon.redis"].ID {
			p.Errorf("what is gone: %+v", r)
		}
		if f := after["anon.ftp"]; f.State != "open" || f.Times != 2 || f.FirstSeenAt != before["anon.ftp"].FirstSeenAt || f.LastSeenAt <= before["anon.ftp"].LastSeenAt {
			p.Errorf("what stays: %+v, before %+v", f, before["anon.ftp"])
		}
		p.counted(m, scan, 1)
		third := run(redis, ftp)
		if r := p.byClass(m, "/v2/vulnerabilities")["anon.redis"]; r.State != "reopened" || r.Times != 2 || r.FirstSeenAt != before["anon.redis"].FirstSeenAt {
			p.Errorf("what comes back: %+v", r)
		}
		p.counted(m, scan, 2)
		for history, want := range map[string]int{first: 3, second: 1, third: 2} {
			if all := p.vulnerabilities(m, "/v2/scans/"+scan+"/vulnerabilities?history_id="+history); len(all) != want {
				p.Errorf("the history shows %d, want %d: %+v", len(all), want, all)
			}
		}
		p.histories(m, scan, other, first, before["anon.redis"].ID)
	})
}

// nothingYet: a scan that never finished has empty lists.
func (p *program) nothingYet(m, scan string) {
	p.Helper()
	for _, path := range []string{"/hosts", "/vulnerabilities", "/histories"} {
		if a := p.must(200, m, "GET", "/v2/scans/"+scan+path, nil); !bytes.Contains(a.Body, []byte(`"data":[]`)) {
			p.Errorf("%s of a new scan: %s", path, a.Body)
		}
	}
	a := p.must(200, m, "GET", "/v2/scans/"+scan+"/vulnerabilities/statistics", nil)
	if !bytes.Contains(a.Body, []byte(`"total":0`)) || !bytes.Contains(a.Body, []byte(`"top":[]`)) || bytes.Contains(a.Body, []byte("null")) {
		p.Errorf("statistics of a new scan: %s", a.Body)
	}
}

func (p *program) byClass(by, path string) map[string]vulnerable {
	p.Helper()
	all := map[string]vulnerable{}
	for _, v := range p.vulnerabilities(by, path) {
		all[v.Class] = v
	}
	return all
}

// counted: every counter says the same, and what is merely possible is in none.
func (p *program) counted(m, scan string, want int) {
	p.Helper()
	c := p.runsOf(m, scan)[0].Counts
	if n := c.Critical + c.High + c.Medium + c.Low + c.Log; n != want {
		p.Errorf("the history counts %d, want %d", n, want)
	}
	var total struct {
		Total    int
		ByThreat map[string]int `json:"by_threat"`
		Trend    []struct{ Critical, High, Medium, Low, Log int }
	}
	p.must(200, m, "GET", "/v2/vulnerabilities/total", nil).decode(p, &total)
	sum := 0
	for _, n := range total.ByThreat {
		sum += n
	}
	last := total.Trend[len(total.Trend)-1]
	if total.Total != want || sum != want || last.Critical+last.High+last.Medium+last.Low+last.Log != want {
		p.Errorf("the widget counts %+v, want %d", total, want)
	}
	var statistics struct {
		Total int
		Hosts int
		Top   []any
	}
	p.must(200, m, "GET", "/v2/scans/"+scan+"/vulnerabilities/statistics", nil).decode(p, &statistics)
	if statistics.Total != want || statistics.Hosts != 1 || len(statistics.Top) != want {
		p.Errorf("statistics count %+v, want %d", statistics, want)
	}
	var host struct {
		Data []struct {
			Attributes struct {
				Counts struct{ Critical, High, Medium, Low, Log int }
			}
		}
	}
	p.must(200, m, "GET", "/v2/hosts", nil).decode(p, &host)
	h := host.Data[0].Attributes.Counts
	if len(host.Data) != 1 || h.Critical+h.High+h.Medium+h.Low+h.Log != want {
		p.Errorf("the host counts %+v, want %d", host, want)
	}
}

// histories: a run is shown with its own scan only.
func (p *program) histories(m, scan, other, history, vulnerability string) {
	p.Helper()
	host := p.first(m, "/v2/hosts")
	p.must(200, m, "GET", "/v2/scans/"+scan+"/hosts/"+host+"?history_id="+history, nil)
	p.must(200, m, "GET", "/v2/scans/"+scan+"/vulnerabilities/"+vulnerability+"?history_id="+history, nil)
	for _, path := range []string{"/hosts", "/vulnerabilities", "/vulnerabilities/statistics", "/hosts/" + host, "/vulnerabilities/" + vulnerability} {
		p.refused(404, m, "GET", "/v2/scans/"+other+path+"?history_id="+history, nil)
		p.refused(404, m, "GET", "/v2/scans/"+scan+path+"?history_id="+other, nil)
		p.refused(404, m, "GET", "/v2/scans/"+scan+path+"?history_id=nonsense", nil)
	}
	p.refused(404, m, "GET", "/v2/scans/"+other+"/histories/"+history, nil)
	p.refused(404, m, "GET", "/v2/scans/"+other+"/hosts/"+host, nil)
	p.must(200, m, "DELETE", "/v2/scans/"+scan, nil)
	p.refused(404, m, "GET", "/v2/scans/"+scan+"/histories", nil)
	if n := len(p.vulnerabilities(m, "/v2/vulnerabilities")); n != 0 {
		p.Errorf("%d vulnerabilities are left", n)
	}
	for _, status := range []string{"Done", "done", "completed"} {
		if a := p.must(200, m, "GET", "/v2/scans?q[status]="+status, nil); !bytes.Contains(a.Body, []byte(`"data":[]`)) {
			p.Errorf("%s: %s", status, a.Body)
		}
	}
	p.first(m, "/v2/scans?q[state]=new")
	p.refused(422, m, "GET", "/v2/vulnerabilities?q[state]=gone", nil)
}
