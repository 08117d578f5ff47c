package test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/client"
	"github.com/vedette/vedette/internal/app"
	"github.com/vedette/vedette/internal/domain/portlist"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/config"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

const password = "a sentence that is long enough"

// world is the whole program in this process, with its scanner in a process of its own.
type world struct {
	testing.TB
	app      *app.App
	clock    *clock.Clock
	dialect  db.Dialect
	url      string
	anyone   *client.Client
	operator *client.Client
	end      func() // stops gracefully; more than once is harmless
}

// each runs the story on both databases.
func each(t *testing.T, story func(*world)) {
	for _, dialect := range dbtest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			story(start(t, settings(t, databaseURL(t, dialect))))
		})
	}
}

func databaseURL(t *testing.T, dialect db.Dialect) string {
	address := dbtest.Address(t, dialect)
	if dialect == db.SQLite {
		return "sqlite:" + address
	}
	return address
}

// settings are the environment of a server of the tests; later ones win.
func settings(t *testing.T, database string, more ...string) []string {
	return append([]string{
		"VEDETTE_DATA_DIR=" + t.TempDir(), "VEDETTE_DATABASE_URL=" + database, "VEDETTE_HTTP_ADDRESS=127.0.0.1:0",
		"VEDETTE_OPERATOR_PASSWORD=" + password, "VEDETTE_SCAN_ALLOW_NETWORKS=127.0.0.0/8", "VEDETTE_SCAN_LEASE_TIME=5s",
		"VEDETTE_API_SIGN_IN_LIMIT=0", "VEDETTE_API_RATE_LIMIT=0",
	}, more...)
}

func start(t *testing.T, env []string) *world {
	t.Helper()
	c, err := config.Read(nil, env)
	if err != nil {
		t.Fatal(err)
	}
	clk := &clock.Clock{}
	a, err := app.New(t.Context(), c, slog.New(slog.NewTextHandler(t.Output(), nil)), clk)
	if err != nil {
		t.Fatal(err)
	}
	a.Executable = binary
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	w := &world{TB: t, app: a, clock: clk, dialect: db.Postgres, url: "http://" + a.Address()}
	if strings.HasPrefix(c.Database.URL.Reveal(), "sqlite:") {
		w.dialect = db.SQLite
	}
	w.end = func() {
		cancel()
		if err, ok := <-done; ok {
			close(done)
			if err != nil {
				t.Errorf("stop: %v", err)
			}
		}
	}
	t.Cleanup(w.end)
	w.enter()
	return w
}

// enter signs the operator in.
func (w *world) enter() {
	w.anyone = must(client.New(w.url, client.WithHTTPClient(&http.Client{Transport: w.noting(http.DefaultTransport)})))
	w.operator = w.signIn("admin", password)
}

func (w *world) signIn(user, password string) *client.Client {
	w.Helper()
	in, err := w.anyone.Authentication.SignIn(context.Background(), client.SignInInput{Username: user, Password: password})
	if err != nil {
		w.Fatalf("sign in as %s: %v", user, err)
	}
	return w.anyone.With(client.WithToken(in.Token))
}

// customer is an organization with its manager, signed in.
type customer struct {
	*client.Client
	organization string
	username     string
}

// customer makes one, as the operator would.
func (w *world) customer(name string) *customer {
	w.Helper()
	ctx := context.Background()
	o, err := w.operator.Organizations.Create(ctx, client.OrganizationCreate{Name: name, CompanyName: name + " Ltd", ContactName: "Jo Doe",
		ContactEmail: "jo@example.com", Country: "US"})
	if err != nil {
		w.Fatal(err)
	}
	username := strings.ToLower(name) + "@example.com"
	_, err = w.operator.Users.Create(ctx, client.UserCreate{Username: username, Email: username, Password: password, Role: "manager",
		Organization: o.ID, Confirmed: new(true)})
	if err != nil {
		w.Fatal(err)
	}
	return &customer{w.signIn(username, password), o.ID, username}
}

// ports makes a port list of the customer's own.
func (w *world) ports(c *customer, spec string) string {
	w.Helper()
	ranges, err := portlist.ParseSpec("/ranges", spec)
	if err != nil {
		w.Fatal(err)
	}
	id := db.NewID()
	err = w.app.DB.Write(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
		l := &portlist.PortList{ID: id, Name: "Lab " + rand.Text(), AppType: portlist.AllProducts, Active: true, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
		l.OrganizationID = c.organization
		for i := range ranges {
			ranges[i].OrganizationID = c.organization
		}
		return portlist.Insert(tx, l, ranges)
	})
	if err != nil {
		w.Fatal(err)
	}
	return id
}

// scan makes a target and a scan of it, not started.
func (w *world) scan(c *customer, ports string, hosts ...string) *client.Scan {
	w.Helper()
	target := w.target(c, ports, hosts...)
	s, err := c.Scans.Create(context.Background(), client.ScanCreate{Name: "Scan " + target.Name, Target: target.ID})
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func (w *world) target(c *customer, ports string, hosts ...string) *client.Target {
	w.Helper()
	t, err := c.Targets.Create(context.Background(), client.TargetCreate{Name: "Lab " + rand.Text(), Hosts: hosts, AliveTest: "none", PortList: w.ports(c, ports),
		ScopeAttestation: &client.TargetCreateScopeAttestation{Accepted: new(true), Name: "Jo Doe", Title: "Owner"}})
	if err != nil {
		w.Fatal(err)
	}
	return t
}

// run starts a scan, waits for its end, and gives its history.
func (w *world) run(c *customer, scan string) *client.ScanHistory {
	w.Helper()
	started, err := c.Scans.Start(context.Background(), scan)
	if err != nil {
		w.Fatal(err)
	}
	w.until("the scan ends", time.Minute, func() bool {
		s := ok(c.Scans.Show(context.Background(), scan))(w)
		return s.CurrentHistoryID == ""
	})
	return ok(c.Scans.ShowHistory(context.Background(), scan, started.CurrentHistoryID))(w)
}

// until asks again and again; not within patience is a failure.
func (w *world) until(what string, patience time.Duration, reached func() bool) {
	w.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !reached() {
		select {
		case <-deadline:
			w.Fatalf("waited %s in vain until %s", patience, what)
		case <-tick.C:
		}
	}
}

// ok gives what a call answered, or fails.
func ok[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// refused says whether the error is an answer of that status.
func refused(err error, status int) bool {
	var p *client.Problem
	return errors.As(err, &p) && p.Status == status
}

// wantRefused fails unless the call was answered with the status.
func (w *world) wantRefused(what string, err error, status int) {
	w.Helper()
	if !refused(err, status) {
		w.Errorf("%s: %v, want %d %s", what, err, status, http.StatusText(status))
	}
}
