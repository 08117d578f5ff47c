package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/config"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/mail/mailtest"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

const password = "a sentence that is long enough"

// program is the whole service in this process, but for the network in front of it and the scanner behind it.
type program struct {
	*testing.T
	app    *App
	clock  *clock.Clock
	tokens map[string]string
	log    *journal
	mail   *mailtest.Server
}

// journal is what the program has logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func each(t *testing.T, story func(*program)) {
	for _, dialect := range dbtest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			story(start(t, dialect))
		})
	}
}

func start(t *testing.T, dialect db.Dialect, options ...string) *program {
	t.Helper()
	address := dbtest.Address(t, dialect)
	if dialect == db.SQLite {
		address = "sqlite:" + address
	}
	box := mailtest.Start(t, nil, "")
	c, err := config.Read(nil, append([]string{
		"VEDETTE_MAIL_HOST=" + box.Host, fmt.Sprint("VEDETTE_MAIL_PORT=", box.Port),
		"VEDETTE_DATA_DIR=" + t.TempDir(), "VEDETTE_DATABASE_URL=" + address, "VEDETTE_HTTP_ADDRESS=127.0.0.1:0",
		"VEDETTE_OPERATOR_PASSWORD=" + password, "VEDETTE_SCANNER_EMBEDDED=true", "VEDETTE_API_SIGN_IN_LIMIT=0", "VEDETTE_API_RATE_LIMIT=0",
		"VEDETTE_API_TOKEN_IDLE=0s",                // stories move the clock
		"VEDETTE_SCAN_ALLOW_NETWORKS=192.0.2.0/24", // what shared scanners may attack without a proof of control
	}, options...))
	if err != nil {
		t.Fatal(err)
	}
	p := &program{T: t, clock: &clock.Clock{}, tokens: map[string]string{}, log: &journal{}, mail: box}
	ctx := context.Background()
	if p.app, err = New(ctx, c, slog.New(slog.NewTextHandler(p.log, nil)), p.clock); err != nil {
		t.Fatal(err)
	}
	if err := p.app.queue.Start(ctx, p.app.DB, 4, p.app.log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, done := context.WithTimeout(context.Background(), time.Minute)
		defer done()
		if err := p.app.queue.Stop(ctx); err != nil {
			t.Error(err)
		}
		_ = p.app.link.Shutdown(ctx)
		_ = p.app.listener.Close()
		if err := p.app.close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// answer of a request.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

func (a answer) decode(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, into); err != nil {
		t.Fatalf("%v in %s", err, a.Body)
	}
}

// id of a created or shown resource.
func (a answer) id(t testing.TB) string {
	t.Helper()
	var one struct{ Data struct{ ID string } }
	a.decode(t, &one)
	if one.Data.ID == "" {
		t.Fatalf("no id in %d %s", a.Status, a.Body)
	}
	return one.Data.ID
}

// call sends a request as a user (empty: nobody), with headers as name, value pairs.
func (p *program) call(user, method, path string, body any, headers ...string) answer {
	p.Helper()
	var content io.Reader = http.NoBody
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			p.Fatal(err)
		}
		content = bytes.NewReader(raw)
	}
	r := httptest.NewRequest(method, path, content)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if user != "" {
		r.Header.Set("Authorization", "Bearer "+p.token(user))
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.app.api.Handler.ServeHTTP(w, r)
	return answer{w.Code, w.Result().Header, w.Body.Bytes()}
}

// must is call with the status that is expected.
func (p *program) must(status int, user, method, path string, body any, headers ...string) answer {
	p.Helper()
	a := p.call(user, method, path, body, headers...)
	if a.Status != status {
		p.Fatalf("%s %s as %q: %d, want %d: %s", method, path, user, a.Status, status, a.Body)
	}
	return a
}

func (p *program) token(user string) string {
	p.Helper()
	if p.tokens[user] == "" {
		var signedIn struct{ Token string }
		p.must(200, "", "POST", "/v2/auth/sign_in", map[string]string{"username": user, "password": password}).decode(p, &signedIn)
		p.tokens[user] = signedIn.Token
	}
	return p.tokens[user]
}

type object = map[string]any

// organization makes one below the acting user's, and users of the roles named role@name.
func (p *program) organization(by, name string, roles ...access.Role) string {
	p.Helper()
	location := p.must(201, by, "POST", "/v2/organizations", object{"organization": object{"name": name}}).Header.Get("Location")
	id := location[strings.LastIndex(location, "/")+1:]
	for _, r := range roles {
		p.must(201, by, "POST", "/v2/users", object{"user": object{"username": string(r) + "@" + name, "email": string(r) + "@" + name + ".example", "role": r,
			"organization": id, "password": password, "confirmed": true}})
	}
	return id
}

// target, scan: made by a user; they give their ids.
func (p *program) target(by, name string, hosts ...string) string {
	p.Helper()
	return p.must(201, by, "POST", "/v2/targets", object{"target": object{"name": name, "hosts": hosts,
		"scope_attestation": object{"accepted": true, "name": "Ada", "title": "CTO"}}}).id(p)
}

func (p *program) scan(by, name, target string) string {
	p.Helper()
	return p.must(201, by, "POST", "/v2/scans", object{"scan": object{"name": name, "target": target}}).id(p)
}

// finish starts a scan and plays the scanner: every host is alive, with an open redis.
func (p *program) finish(by, scan string) {
	p.Helper()
	p.must(200, by, "POST", "/v2/scans/"+scan+"/start", nil)
	p.work(func(h scanlink.PlanHost) []scanlink.Observation {
		return []scanlink.Observation{
			{Host: &scanlink.Host{Address: h.Address, Alive: true, Done: true, Coverage: scanlink.Complete, OS: "Linux"}},
			{Service: &scanlink.Service{Address: h.Address, Port: 6379, Protocol: "tcp", State: "open", Name: "redis", Product: "redis", Version: "7.0.15", QoD: 95}},
			{Finding: &scanlink.Finding{Address: h.Address, Port: 6379, Protocol: "tcp", Class: "anon.redis", Check: "anon-redis", QoD: 98,
				Evidence: scanlink.Evidence{Request: "PING", Response: "+PONG"}}},
		}
	})
}

// work leases and finishes chunks until there are none.
func (p *program) work(see func(scanlink.PlanHost) []scanlink.Observation) {
	p.Helper()
	for {
		lease := p.lease()
		if lease == nil {
			return
		}
		if lease.Verify != nil {
			continue // someone asked, before, that the scanner prove itself
		}
		p.observe(lease, see)
		if err := p.app.dispatcher.Finish(context.Background(), scanner.EmbeddedID, lease.ChunkID, scanlink.Finish{Token: lease.Token, LastSequence: 1}); err != nil {
			p.Fatal(err)
		}
	}
}

func (p *program) lease() *scanlink.Lease {
	p.Helper()
	ctx, done := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer done()
	lease, err := p.app.dispatcher.Lease(ctx, scanner.EmbeddedID, scanlink.LeaseRequest{Free: 1})
	if err != nil {
		p.Fatal(err)
	}
	return lease
}

func (p *program) observe(lease *scanlink.Lease, see func(scanlink.PlanHost) []scanlink.Observation) {
	p.Helper()
	batch := scanlink.Batch{Token: lease.Token, Sequence: 1}
	for _, h := range lease.Plan.Hosts {
		batch.Observations = append(batch.Observations, see(h)...)
	}
	if err := p.app.dispatcher.Observe(context.Background(), scanner.EmbeddedID, lease.ChunkID, batch); err != nil {
		p.Fatal(err)
	}
}

// first id of a list.
func (p *program) first(by, path string) string {
	p.Helper()
	var list struct{ Data []struct{ ID string } }
	p.must(200, by, "GET", path, nil).decode(p, &list)
	if len(list.Data) == 0 {
		p.Fatalf("%s lists nothing for %s", path, by)
	}
	return list.Data[0].ID
}

// eventually waits for what a job does.
func (p *program) eventually(what string, done func() bool) {
	p.Helper()
	deadline := time.NewTimer(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline.C:
			p.Fatalf("never happened: %s", what)
		}
	}
}
