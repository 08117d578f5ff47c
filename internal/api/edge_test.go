package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/metric"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

func get(id string, p access.Permission, h func(*db.Tx, *op.Empty) (map[string]string, error)) op.Operation {
	return op.Get(id, "Get "+id, "/v2/"+id, p, h)
}

func nothing(*db.Tx, *op.Empty) (map[string]string, error) { return map[string]string{}, nil }

func options(t *testing.T, all ...op.Operation) Options {
	t.Helper()
	return Options{DB: dbtest.Open(t, db.SQLite), Operations: all, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: metric.New(),
		Identify: func(_ context.Context, authorization, _, _ string) (access.Principal, error) {
			if authorization != "Bearer good" {
				return access.Principal{}, fault.New(fault.Unauthenticated, "No.")
			}
			org := access.Organization{ID: access.Installation, Name: "x"}
			return access.Principal{User: access.Installation, Role: access.Admin, Home: org, Acting: org, Product: "pci"}, nil
		}}
}

// TestPermissionIsRequired: an operation without one that is known does not start.
func TestPermissionIsRequired(t *testing.T) {
	t.Parallel()
	for _, p := range []access.Permission{"", "TARGET_DESTROY", "target_access"} {
		_, err := New(options(t, op.In("Things", "", get("thing", p, nothing))...))
		if err == nil || !strings.Contains(err.Error(), "thing") {
			t.Errorf("%q: %v", p, err)
		}
	}
	if _, err := New(options(t, get("thing", access.TargetAccess, nothing))); err == nil {
		t.Error("an operation of no group starts")
	}
	if _, err := New(options(t, op.In("Things", "", get("thing", access.TargetAccess, nothing))...)); err != nil {
		t.Error(err)
	}
}

// TestInsides stay inside: what breaks is told in words for users.
func TestInsides(t *testing.T) {
	t.Parallel()
	broken := errors.New("pq: secret inner workings")
	h, err := New(options(t, op.In("Things", "",
		get("broken", access.SignedIn, func(*db.Tx, *op.Empty) (map[string]string, error) { return nil, broken }),
		get("wrapped", access.SignedIn, func(*db.Tx, *op.Empty) (map[string]string, error) {
			return nil, fault.New(fault.Conflict, "Busy.").Coded("busy").Because(broken)
		}),
		get("panics", access.SignedIn, func(*db.Tx, *op.Empty) (map[string]string, error) { panic("secret inner workings") }),
		get("later", access.SignedIn, func(*db.Tx, *op.Empty) (map[string]string, error) {
			return nil, fault.New(fault.Unavailable, "Later.").RetryAfter(1500 * time.Millisecond)
		}),
		get("fine", access.SignedIn, nothing))...))
	if err != nil {
		t.Fatal(err)
	}
	for path, status := range map[string]int{"/v2/broken": 500, "/v2/wrapped": 409, "/v2/panics": 500, "/v2/later": 503, "/v2/fine": 200, "/v2/openapi.json": 200, "/readyz": 200} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Authorization", "Bearer good")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != status || strings.Contains(w.Body.String(), "secret") || strings.Contains(w.Body.String(), "goroutine") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		if status >= 400 && (w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), w.Header().Get("X-Request-Id"))) {
			t.Errorf("%s: %v %s", path, w.Header(), w.Body)
		}
		if status == 503 && w.Header().Get("Retry-After") != "2" {
			t.Errorf("Retry-After: %q", w.Header().Get("Retry-After"))
		}
	}
}

// TestClient: an address is believed as far as a trusted proxy tells it.
func TestClient(t *testing.T) {
	t.Parallel()
	e := &edge{options: Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}}
	for _, c := range []struct{ peer, forwarded, want string }{
		{"198.51.100.7:1234", "", "198.51.100.7"},
		{"198.51.100.7:1234", "203.0.113.1", "198.51.100.7"},
		{"10.0.0.1:1234", "203.0.113.1", "203.0.113.1"},
		{"10.0.0.1:1234", "1.1.1.1, 203.0.113.1", "203.0.113.1"},
		{"10.0.0.1:1234", "1.1.1.1, 203.0.113.1, 10.0.0.2", "203.0.113.1"},
		{"10.0.0.1:1234", "nonsense", "10.0.0.1"},
		{"10.0.0.1:1234", "", "10.0.0.1"},
		{"[fd00::1]:1234", "2001:db8::1", "2001:db8::1"},
		{"[::ffff:10.0.0.1]:1234", "203.0.113.1", "203.0.113.1"},
		{"pipe", "203.0.113.1", "pipe"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.peer
		r.Header.Set("X-Forwarded-For", c.forwarded)
		if got := e.client(r); got != c.want {
			t.Errorf("%s, %q: %s, want %s", c.peer, c.forwarded, got, c.want)
		}
	}
}

func TestRenamed(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"scan":{"target_id":"a","n":12345678901234567890}}`: `{"scan":{"n":12345678901234567890,"target":"a"}}`,
		`{"scan":{"target_id":null}}`:                         `{"scan":{"target":null}}`,
		`{"scan":{"target_id":"a","target":"b"}}`:             `{"scan":{"target_id":"a","target":"b"}}`,
		`{"scan":{"nvt_id":"a"}}`:                             `{"scan":{"nvt_id":"a"}}`,
		`{"user_id":"a","reason":"b"}`:                        `{"reason":"b","user":"a"}`,
		`{"scan":{"x":{"target_id":"a"}}}`:                    `{"scan":{"x":{"target_id":"a"}}}`,
		`[{"target_id":"a"}]`:                                 `[{"target_id":"a"}]`,
		`{"scan":{"target_id":`:                               `{"scan":{"target_id":`,
	} {
		if got := string(renamed([]byte(body))); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

func TestHoldsNUL(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"a":"\u0000"}`: true, `{"a":"x\\\u0000"}`: true, `{"a":"\\u0000 \u0000"}`: true, `{"a":"\\u0000"}`: false, `{"a":"\\\\u0000"}`: false,
		`{"a":"u0000"}`: false, ``: false, `\u0000`: true, `{"a":"\u00000"}`: true, `{"a":"\u0001"}`: false,
	} {
		if got := holdsNUL([]byte(body)); got != want {
			t.Errorf("%s: %t", body, got)
		}
	}
}

func FuzzRenamed(f *testing.F) {
	f.Add([]byte(`{"scan":{"target_id":"a","n":1e400}}`))
	f.Add([]byte(`{"a":"\u0000","b":{"plan_id":[]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		holdsNUL(body)
		once := renamed(body)
		if twice := renamed(once); string(twice) != string(once) {
			t.Errorf("%q becomes %q, then %q", body, once, twice)
		}
	})
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	c := &clock.Clock{}
	l := newLimiter(Limits{Caller: 60, Public: 3, SignIn: 2}, c)
	take := func(p access.Principal, ip string, credentials bool) error {
		return l.take(http.Header{}, p, Application{}, ip, credentials)
	}
	user := access.Principal{User: "u"}
	for i := range 4 {
		if err := take(access.Principal{}, "192.0.2.1", false); (err == nil) != (i < 3) {
			t.Errorf("request %d of an address: %v", i, err)
		}
		if err := take(user, "192.0.2.1", true); (err == nil) != (i < 2) {
			t.Errorf("credentials %d of an address: %v", i, err)
		}
	}
	if take(access.Principal{}, "192.0.2.2", false) != nil || take(user, "192.0.2.1", false) != nil {
		t.Error("one is limited for another")
	}
	h := http.Header{}
	err := l.take(h, access.Principal{}, Application{}, "192.0.2.1", false)
	var f *fault.Fault
	if !errors.As(err, &f) || f.Kind != fault.Limited || f.After != 20*time.Second || h.Get("RateLimit-Limit") != "3" || h.Get("RateLimit-Remaining") != "0" {
		t.Errorf("%+v, %v", f, h)
	}
	c.Move(20 * time.Second)
	if take(access.Principal{}, "192.0.2.1", false) != nil || take(access.Principal{}, "192.0.2.1", false) == nil {
		t.Error("a third of a minute gives one of three")
	}
	c.Move(10 * time.Minute)
	if _ = take(user, "192.0.2.9", false); len(l.byKey) != 1 {
		t.Errorf("%d buckets are kept", len(l.byKey))
	}
	for i := range 61 { // an application's limit is one for all who call through it
		caller := access.Principal{User: fmt.Sprint(i)}
		if err := l.take(http.Header{}, caller, Application{ID: "a"}, "192.0.2.1", false); (err == nil) != (i < 60) {
			t.Errorf("request %d of an application: %v", i, err)
		}
	}
	if l.take(http.Header{}, user, Application{ID: "b"}, "192.0.2.1", false) != nil || l.take(http.Header{}, user, Application{ID: "a"}, "192.0.2.44", true) != nil {
		t.Error("one application is limited for another, or sign-in for the rest")
	}
}

// TestReadDeadline: huma sets none on the connection, which would cut off what works longer.
func TestReadDeadline(t *testing.T) {
	t.Parallel()
	if err := huma.SetReadDeadline(&watcher{ResponseWriter: connection{httptest.NewRecorder(), t}}, time.Time{}); err != nil {
		t.Error(err)
	}
}

type connection struct {
	http.ResponseWriter
	t *testing.T
}

func (c connection) SetReadDeadline(time.Time) error {
	c.t.Error("the connection has a read deadline behind the request")
	return nil
}
