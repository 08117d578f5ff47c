package app

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/agent"
	"github.com/vedette/vedette/internal/scanlink/authority"
)

type oneScanner struct {
	Data struct {
		ID         string
		Attributes struct {
			Name, Kind, State, Comment string
			AppType                    string `json:"app_type"`
			Organization               *op.Link
			Shared                     bool
			MaxConcurrency             int    `json:"max_concurrency"`
			LinkingCode                string `json:"linking_code"`
		}
	}
}

func (p *program) newScanner(by, name string, headers ...string) oneScanner {
	p.Helper()
	var s oneScanner
	p.must(201, by, "POST", "/v2/scanners", object{"scanner": object{"name": name}}, headers...).decode(p, &s)
	return s
}

func (p *program) showScanner(by, id string, headers ...string) oneScanner {
	p.Helper()
	var s oneScanner
	p.must(200, by, "GET", "/v2/scanners/"+id, nil, headers...).decode(p, &s)
	return s
}

// serveLink serves scanners until the test ends, and gives its URL.
func (p *program) serveLink() string {
	p.Helper()
	served := make(chan error, 1)
	go func() { served <- p.app.link.Serve() }()
	p.Cleanup(func() {
		ctx, done := context.WithTimeout(context.Background(), 10*time.Second)
		defer done()
		_ = p.app.link.Shutdown(ctx)
		if err := <-served; err != nil {
			p.Error(err)
		}
	})
	return "https://" + p.app.link.Address().String()
}

// scripted is an engine that finds every host alive, with an open redis.
func scripted(_ context.Context, work scanlink.Plan, emit func(scanlink.Observation)) error {
	for _, h := range work.Hosts {
		emit(scanlink.Observation{Service: &scanlink.Service{Address: h.Address, Port: 6379, Protocol: "tcp", State: "open", Name: "redis", Product: "redis", Version: "7.0.15", QoD: 95}})
		emit(scanlink.Observation{Host: &scanlink.Host{Address: h.Address, Alive: true, Done: true, Coverage: scanlink.Complete}})
	}
	return nil
}

// TestRemoteScanner from its making to its end.
func TestRemoteScanner(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		org := p.organization("admin", "remote", access.Manager)
		const m = "manager@remote"
		inside := object{"target": object{"name": "inside", "hosts": "10.0.0.5"}}
		p.refused(422, m, "POST", "/v2/targets?product=vrms", inside)
		made := p.newScanner(m, "office")
		id, code := made.Data.ID, made.Data.Attributes.LinkingCode
		if a := made.Data.Attributes; a.State != "new" || a.Kind != "remote" || code == "" || a.Organization == nil || a.Organization.ID != org {
			p.Errorf("made: %+v", a)
		}
		if s := p.showScanner(m, id); s.Data.Attributes.LinkingCode != "" {
			p.Error("the linking code is told again")
		}
		for _, path := range []string{"/v2/scanners", "/v2/audit/events?per_page=100"} {
			secret, _ := scanlink.SplitCode(code)
			if a := p.must(200, m, "GET", path, nil); strings.Contains(string(a.Body), secret) {
				p.Errorf("%s tells the linking code", path)
			}
		}
		url := p.serveLink()
		state, err := agent.Link(p.Context(), url, code, "")
		if err != nil || state.ScannerID != id {
			p.Fatalf("%v, linked as %s", err, state.ScannerID)
		}
		if _, err := agent.Link(p.Context(), url, code, ""); err == nil {
			p.Error("the code was good twice")
		}
		p.runsRemotely(m, id, state, inside)
		p.isOffline(m, id)
		p.isDeactivated(m, id, org, state)
	})
}

// runsRemotely: a scan that names the scanner is worked by it and by no other.
func (p *program) runsRemotely(m, id string, state agent.State, inside object) {
	p.Helper()
	target := p.must(201, m, "POST", "/v2/targets?product=vrms", inside).id(p)
	scan := p.must(201, m, "POST", "/v2/scans?product=vrms", object{"scan": object{"name": "inside", "target": target, "scanner": id}}).id(p)
	p.must(200, m, "POST", "/v2/scans/"+scan+"/start?product=vrms", nil)
	if lease := p.lease(); lease != nil {
		p.Errorf("the embedded scanner leased %+v", lease)
	}
	cfg := agent.Config{Version: "1.2.3", Engine: scripted}
	state.Apply(&cfg, p.TempDir())
	ctx, cancel := context.WithCancel(p.Context())
	defer cancel()
	ran := make(chan error, 1)
	go func() { ran <- agent.Run(ctx, cfg) }()
	p.eventually("the scan is done", func() bool {
		var s struct {
			Data struct{ Attributes struct{ State string } }
		}
		p.must(200, m, "GET", "/v2/scans/"+scan+"?product=vrms", nil).decode(p, &s)
		return s.Data.Attributes.State == "completed"
	})
	if a := p.must(200, m, "GET", "/v2/hosts?product=vrms", nil); !strings.Contains(string(a.Body), "10.0.0.5") {
		p.Errorf("hosts: %s", a.Body)
	}
	if s := p.showScanner(m, id).Data.Attributes; s.State != "online" {
		p.Errorf("at work it is %+v", s)
	}
	cancel()
	if err := <-ran; err != nil {
		p.Error(err)
	}
	if x := p.refused(409, m, "DELETE", "/v2/scanners/"+id, nil); x.Code != "in_use" {
		p.Errorf("in use: %+v", x)
	}
	if x := p.refused(409, "admin", "PUT", "/v2/scanners/"+id+"/assign", object{"organization": nil}, "X-Organization-Id", p.acting(m)); x.Code != "in_use" {
		p.Errorf("in use: %+v", x)
	}
}

// acting is the organization of a user.
func (p *program) acting(user string) string {
	p.Helper()
	var me struct {
		Data struct {
			Attributes struct{ Organization struct{ ID string } }
		}
	}
	p.must(200, user, "GET", "/v2/user/me", nil).decode(p, &me)
	return me.Data.Attributes.Organization.ID
}

func (p *program) isOffline(m, id string) {
	p.Helper()
	p.clock.Move(61 * time.Second)
	if s := p.showScanner(m, id).Data.Attributes; s.State != "offline" {
		p.Errorf("a minute later it is %s", s.State)
	}
}

// isDeactivated: the server refuses it from then on, and no scan can be started on it.
func (p *program) isDeactivated(m, id, org string, state agent.State) {
	p.Helper()
	path := "/v2/scanners/" + id
	acting := []string{"X-Organization-Id", org}
	hello := p.asScanner(state)
	if status := hello(); status != http.StatusNoContent {
		p.Errorf("before it is deactivated: %d", status)
	}
	p.refused(403, m, "PUT", path+"/deactivate", nil)
	p.must(200, "admin", "PUT", path+"/deactivate", nil, acting...)
	if status := hello(); status != http.StatusForbidden {
		p.Errorf("deactivated: %d", status)
	}
	scan := p.first(m, "/v2/scans?product=vrms")
	if x := p.refused(409, m, "POST", "/v2/scans/"+scan+"/start?product=vrms", nil); x.Code != "scanner_inactive" {
		p.Errorf("start: %+v", x)
	}
	p.must(200, "admin", "PUT", path+"/activate", nil, acting...)
	if status := hello(); status != http.StatusNoContent {
		p.Errorf("active again: %d", status)
	}
	if s := p.showScanner(m, id).Data.Attributes; s.State != "online" {
		p.Errorf("active again it is %s", s.State)
	}
	p.must(200, m, "DELETE", "/v2/scans/"+scan+"?product=vrms", nil)
	p.must(200, m, "DELETE", path, nil)
	if status := hello(); status != http.StatusUnauthorized {
		p.Errorf("deleted: %d", status)
	}
}

// asScanner says hello with a scanner's certificate and gives the status.
func (p *program) asScanner(state agent.State) func() int {
	p.Helper()
	pair, err := tls.X509KeyPair([]byte(state.Certificate), []byte(state.Key))
	if err != nil {
		p.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.app.dispatcher.Authority.Pool(), ServerName: authority.ServerName,
		Certificates: []tls.Certificate{pair}}}}
	p.Cleanup(client.CloseIdleConnections)
	return func() int {
		p.Helper()
		r, err := http.NewRequestWithContext(p.Context(), http.MethodPost, state.Server+scanlink.PathHello, strings.NewReader(`{"version":"1"}`))
		if err != nil {
			p.Fatal(err)
		}
		answer, err := client.Do(r)
		if err != nil {
			p.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
}

// TestScannerQuota: a hundred creates at once leave as many as the plan covers.
func TestScannerQuota(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		limit := 10
		err := p.app.DB.Write(p.Context(), access.System(access.DoorTest), func(tx *db.Tx) error {
			raw, err := json.Marshal(plan.Features{access.NumberOfIPs: {Limit: &limit}, access.OwnScanners: {Limit: &limit}})
			if err != nil {
				return err
			}
			for _, product := range []string{plan.PCI, plan.VRMS} {
				row := &plan.Plan{ID: db.NewID(), Code: product, Name: "ten", Product: product, Features: raw, Price: "1.00", DefaultInterval: "none", CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
				row.OrganizationID, row.Shared.Shared = access.Installation, true
				if _, err := tx.Insert(row).Exec(tx.Context()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			p.Fatal(err)
		}
		org := p.order(201, "admin", object{"name": "ten", "plans": []object{{"plan": plan.PCI}, {"plan": plan.VRMS}}, "skip_default_subscription": true}).id(p)
		p.must(201, "admin", "POST", "/v2/users", object{"user": object{"username": "manager@ten", "email": "m@ten.example", "role": "manager", "organization": org, "password": password, "confirmed": true}})
		const m = "manager@ten"
		p.token(m)
		statuses := make(chan int, 100)
		var all sync.WaitGroup
		for i := range 100 {
			product := plan.Products[i%2] // a lock of one product's subscription alone would not do
			all.Go(func() {
				statuses <- p.call(m, "POST", "/v2/scanners?product="+product, object{"scanner": object{"name": "scanner " + db.NewID()}}).Status
			})
		}
		all.Wait()
		close(statuses)
		counts := map[int]int{}
		for s := range statuses {
			counts[s]++
		}
		var list struct{ Data []any }
		p.must(200, m, "GET", "/v2/scanners?q[kind]=remote&per_page=100", nil).decode(p, &list)
		if counts[201] != limit || counts[422] != 100-limit || len(list.Data) != limit {
			p.Errorf("answers %v, and %d scanners are there", counts, len(list.Data))
		}
		if x := p.refused(422, m, "POST", "/v2/scanners", object{"scanner": object{"name": "one more"}}); x.Code != "quota_exceeded" {
			p.Errorf("one more: %+v", x)
		}
		// assigning does not lead around the limit
		s := p.newScanner("admin", "the operator's")
		if x := p.refused(422, "admin", "PUT", "/v2/scanners/"+s.Data.ID+"/assign", object{"organization": org}); x.Code != "quota_exceeded" {
			p.Errorf("assigned: %+v", x)
		}
	})
}

func TestScannerChanges(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		reseller := p.organization("admin", "reseller", access.Partner)
		child := p.organization("partner@reseller", "child", access.Manager)
		other := p.organization("admin", "other", access.Manager)
		const boss, m = "partner@reseller", "manager@child"
		s := p.newScanner(boss, "north")
		path := "/v2/scanners/" + s.Data.ID
		p.must(200, boss, "PUT", path, object{"scanner": object{"name": "south", "comment": "moved", "max_concurrency": 5}}).decode(p, &s)
		if a := s.Data.Attributes; a.Name != "south" || a.Comment != "moved" || a.MaxConcurrency != 5 {
			p.Errorf("changed: %+v", a)
		}
		p.refused(422, boss, "PUT", path, object{"scanner": object{}})
		p.refused(422, boss, "PUT", path, object{"scanner": object{"max_concurrency": 0}})
		p.refused(422, boss, "POST", "/v2/scanners", object{"scanner": object{"name": "south"}})
		p.must(422, boss, "POST", "/v2/scanners", object{"scanner": object{"name": "x", "kind": "embedded"}})
		p.must(200, boss, "PUT", path+"/app_type", object{"app_type": "vrms"})
		p.must(404, m, "GET", path, nil)

		// to the child, and back from there
		acting := []string{"X-Organization-Id", child}
		for id, status := range map[string]int{other: 404, access.Installation: 404, "nothing": 404} {
			p.refused(status, boss, "PUT", path+"/assign", object{"organization": id})
		}
		p.must(200, boss, "PUT", path+"/assign", object{"organization": child}).decode(p, &s)
		if a := s.Data.Attributes; !a.Shared || a.Organization == nil || a.Organization.ID != child {
			p.Errorf("assigned: %+v", a)
		}
		p.must(404, boss, "GET", path, nil)
		if a := p.showScanner(m, s.Data.ID).Data.Attributes; a.AppType != "vrms" || a.State != "new" || a.Organization == nil {
			p.Errorf("the child has %+v", a)
		}
		p.must(200, boss, "PUT", path+"/assign", object{"organization": nil}, acting...)
		if a := p.showScanner(boss, s.Data.ID).Data.Attributes; a.Shared || a.Organization == nil || a.Organization.ID != reseller {
			p.Errorf("taken back: %+v", a)
		}
		p.must(404, m, "GET", path, nil)

		// to one's own organization: it serves all below, and is theirs to use alone
		p.must(200, boss, "PUT", path+"/assign", object{"organization": reseller})
		if a := p.showScanner(m, s.Data.ID).Data.Attributes; !a.Shared || a.Organization != nil {
			p.Errorf("shared: %+v", a)
		}
		p.refused(403, m, "PUT", path, object{"scanner": object{"name": "mine"}})
		p.refused(403, m, "DELETE", path, nil)
		p.refused(403, boss, "PUT", path+"/assign", object{"organization": nil}, acting...)
		p.sharedInUse(boss, m, s.Data.ID)
		p.must(200, boss, "PUT", path+"/deactivate", nil)
		p.must(200, boss, "PUT", path+"/activate", nil).decode(p, &s)
		if s.Data.Attributes.State != "new" {
			p.Errorf("never linked, it is %s", s.Data.Attributes.State)
		}
		p.must(200, boss, "DELETE", path, nil)
		p.embeddedStays(boss)
	})
}

// sharedInUse: what an organization below scans with can't be taken from it. PCI scans can't name it.
func (p *program) sharedInUse(boss, m, id string) {
	p.Helper()
	state := func(state string) {
		p.Helper()
		err := p.app.DB.Write(p.Context(), access.System(access.DoorTest), func(tx *db.Tx) error {
			_, err := tx.Exec("update scanners set state = ? where id = ?", state, id)
			return err
		})
		if err != nil {
			p.Fatal(err)
		}
	}
	state(scanner.Linked)
	target := p.must(201, m, "POST", "/v2/targets?product=vrms", object{"target": object{"name": "t", "hosts": "192.0.2.1"}}).id(p)
	scan := p.must(201, m, "POST", "/v2/scans?product=vrms", object{"scan": object{"name": "s", "target": target, "scanner": id}}).id(p)
	p.refused(422, m, "POST", "/v2/targets?product=vrms", object{"target": object{"name": "inside", "hosts": "10.0.0.5"}}) // not its own
	p.refused(422, m, "POST", "/v2/scans", object{"scan": object{"name": "pci", "target": p.target(m, "pci", "192.0.2.2"), "scanner": id}})
	for method, path := range map[string]string{"PUT": "/v2/scanners/" + id + "/assign", "DELETE": "/v2/scanners/" + id} {
		var body any
		if method == "PUT" {
			body = object{"organization": nil}
		}
		if x := p.refused(409, boss, method, path, body); x.Code != "in_use" {
			p.Errorf("%s %s: %+v", method, path, x)
		}
	}
	p.must(200, m, "DELETE", "/v2/scans/"+scan+"?product=vrms", nil)
	state(scanner.New)
}

func (p *program) embeddedStays(boss string) {
	p.Helper()
	const path = "/v2/scanners/" + scanner.EmbeddedID
	for word, body := range map[string]any{"/activate": nil, "/deactivate": nil, "/assign": object{"organization": nil}} {
		p.refused(403, boss, "PUT", path+word, body)
		p.refused(409, "admin", "PUT", path+word, body)
	}
	p.refused(409, "admin", "DELETE", path, nil)
	p.refused(422, "admin", "PUT", path, object{"scanner": object{"max_concurrency": 3}})
	p.must(200, "admin", "PUT", path, object{"scanner": object{"comment": "in the cellar"}})
}
