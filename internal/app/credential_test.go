package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/engine"
	"github.com/vedette/vedette/internal/engine/lab"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/agent"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

type signInAnswer struct {
	Host     string
	Scanner  struct{ ID string }
	Answered bool
	Results  []struct {
		Kind, Result, Detail string
		OK                   bool
	}
}

// told is the result of each kind, in one line.
func (a signInAnswer) told() string {
	var all []string
	for _, r := range a.Results {
		all = append(all, r.Kind+"="+r.Result)
	}
	return strings.Join(all, " ")
}

const loginPassword = "tr0ub4dor-and-3"

// TestCredentials: a real scanner signs in to real servers with what a target has, and tells why not; nothing else is done there.
func TestCredentials(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			p := start(t, dialect, "VEDETTE_SCAN_ALLOW_NETWORKS=127.0.0.0/8")
			north := p.organization("admin", "north", access.Manager, access.User, access.Auditor)
			p.organization("admin", "south", access.Manager)
			const by = "manager@north"
			for _, who := range []string{by, "user@north", "manager@south"} {
				p.must(200, who, "PUT", "/v2/user/change_product?product_code=vrms", nil)
			}
			var tried, asked atomic.Int32
			shell := lab.Shell(t, lab.ShellOptions{Version: "OpenSSH_9.2p1", Password: "audit/" + loginPassword, Tried: func(string) { tried.Add(1) },
				Run: func(string) string { return "Linux\n" }})
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked.Add(1); w.WriteHeader(200) }))
			defer web.Close()
			url := p.serveLink()
			id := p.linkedScanner(by, url, "site", "")
			target := p.must(201, by, "POST", "/v2/targets", object{"target": object{"name": "login", "hosts": "127.0.0.1, 127.0.0.9", "credentials": []object{
				{"kind": "ssh", "username": "audit", "password": loginPassword}, {"kind": "smb", "username": "audit", "password": loginPassword}}}}).id(p)
			path := "/v2/targets/" + target + "/credentials/test"
			p.mayTest(path, id)
			p.signsIn(by, path, id, url, shell, netip.MustParseAddrPort(web.Listener.Addr().String()), &tried, &asked)
			if strings.Contains(p.log.String(), loginPassword) || p.rows("select count(*) from audit_events where cast(changes as text) like ?", "%"+loginPassword+"%") != 0 {
				p.Error("the password stands in the log or the audit trail")
			}
			if n := p.rows("select count(*) from audit_events where action = 'testTargetCredentials' and organization_id = ?", north); n < 3 {
				p.Errorf("%d tests in the audit trail", n)
			}
		})
	}
}

func (p *program) mayTest(path, id string) {
	p.Helper()
	const by = "manager@north"
	p.must(403, "user@north", "POST", path, object{})
	p.must(404, "manager@south", "POST", path, object{})
	p.refused(422, by, "POST", path, object{"host": "127.0.0.77", "scanner": id})
	p.refused(422, by, "POST", path, object{"port": 70000})
	bare := p.must(201, by, "POST", "/v2/targets", object{"target": object{"name": "bare", "hosts": "127.0.0.1"}}).id(p)
	if x := p.refused(409, by, "POST", "/v2/targets/"+bare+"/credentials/test", object{}); x.Code != "no_credentials" {
		p.Errorf("without credentials: %+v", x)
	}
	outside := p.must(201, by, "POST", "/v2/targets", object{"target": object{"name": "outside", "hosts": "203.0.113.9",
		"credentials": []object{{"kind": "ssh", "username": "root", "password": "x"}}}}).id(p)
	if x := p.refused(422, by, "POST", "/v2/targets/"+outside+"/credentials/test", object{}); x.Code != "control_not_proven" {
		p.Errorf("what is not proven: %+v", x)
	}
}

func (p *program) signsIn(by, path, id, url string, shell, web netip.AddrPort, tried, asked *atomic.Int32) {
	p.Helper()
	var s oneScanner
	p.must(200, by, "POST", "/v2/scanners/"+id+"/linking_code", nil).decode(p, &s)
	state, err := agent.Link(p.Context(), url, s.Data.Attributes.LinkingCode, "")
	if err != nil {
		p.Fatal(err)
	}
	cfg := agent.Config{Version: "1.2.3", Engine: func(ctx context.Context, plan scanlink.Plan, emit func(scanlink.Observation)) error {
		return engine.Run(ctx, plan, engine.Options{}, emit)
	}}
	state.Apply(&cfg, p.TempDir())
	ctx, cancel := context.WithCancel(p.Context())
	ran := make(chan error, 1)
	go func() { ran <- agent.Run(ctx, cfg) }()
	p.eventually("the scanner is there", func() bool { return p.showScanner(by, id).Data.Attributes.State == scanner.Online })
	before := tried.Load()
	var a signInAnswer
	p.must(200, by, "POST", path, object{"scanner": id, "port": shell.Port()}).decode(p, &a)
	if !a.Answered || a.Host != "127.0.0.1" || !strings.HasSuffix(a.told(), "smb=not capable ssh=insufficient") && !strings.HasSuffix(a.told(), "smb=not capable ssh=authenticated") {
		p.Errorf("the right password: %+v", a)
	}
	if n := tried.Load() - before; n != 1 {
		p.Errorf("the password was offered %d times", n)
	}
	target := strings.TrimSuffix(path, "/credentials/test")
	p.must(200, by, "PUT", target, object{"target": object{"credentials": []object{{"kind": "ssh", "username": "audit", "password": "wrong"}, {"kind": "http", "username": "a", "password": "b"}}}})
	p.must(200, by, "POST", path, object{"scanner": id, "port": shell.Port()}).decode(p, &a)
	if last := a.Results[len(a.Results)-1]; last.Kind != "ssh" || last.Result != "failed" || last.Detail == "" || last.OK {
		p.Errorf("a wrong password: %+v", a)
	}
	p.must(200, by, "POST", path, object{"scanner": id, "port": web.Port()}).decode(p, &a)
	if a.Results[0].Kind != "http" || a.Results[0].Result != "not capable" || asked.Load() == 0 || asked.Load() > 60 {
		p.Errorf("a page without a login, after %d requests: %+v", asked.Load(), a)
	}
	cancel()
	if err := <-ran; err != nil {
		p.Error(err)
	}
	p.clock.Move(2 * time.Minute) // it is offline by now
	p.must(200, by, "POST", path, object{"scanner": id}).decode(p, &a)
	if a.Answered || a.told() != "http=unknown ssh=unknown" || a.Results[0].OK || a.Results[0].Detail == "" {
		p.Errorf("of a scanner that is not there: %+v", a)
	}
	for range scanner.SignInsPerMinute {
		if r := p.call(by, "POST", path, object{"scanner": id, "host": "127.0.0.9"}); r.Status != 200 {
			if r.Status != 429 {
				p.Errorf("too often: %d %s", r.Status, r.Body)
			}
			return
		}
	}
	p.Error("tests have no limit")
}
