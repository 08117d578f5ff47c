package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vedette/vedette/client"
)

// serve starts a server with one handler and gives a client of it.
func serve(t *testing.T, h http.HandlerFunc, options ...client.Option) *client.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := client.New(s.URL+"/", append([]client.Option{client.WithAccessToken("secret")}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

const shop = `{"data":{"id":"t1","type":"target","attributes":{"id":"t1","name":"Shop","hosts":["192.0.2.7"],"port_list":null,"hosts_count":1,"created_at":"2026-03-02T09:30:00.000Z","later":"unknown"}}}`

func TestCreateWrapsAttributesAndReadsTheResource(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if got, want := string(body), `{"target":{"name":"Shop","hosts":["192.0.2.7"],"max_parallel":0}}`; got != want {
			t.Errorf("body %s, want %s", got, want)
		}
		for name, want := range map[string]string{"Authorization": "Basic secret", "Content-Type": "application/json", "Accept": "application/json",
			"X-Organization-Id": "o1", "X-Api-Key": "k", "User-Agent": "shop/1"} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if r.Header.Get("Idempotency-Key") == "" {
			t.Error("no Idempotency-Key")
		}
		if r.Method+" "+r.URL.String() != "POST /v2/targets?product=pci" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		answer(w, 201, shop)
	}, client.WithOrganization("o1"), client.WithAPIKey("k"), client.WithUserAgent("shop/1"), client.WithProduct("pci"))
	target, err := c.Targets.Create(t.Context(), client.TargetCreate{Name: "Shop", Hosts: []string{"192.0.2.7"}, MaxParallel: new(0)})
	if err != nil {
		t.Fatal(err)
	}
	if target.ID != "t1" || target.PortList.ID != "" || !target.CreatedAt.Equal(time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)) {
		t.Errorf("target %+v", target)
	}
}

func TestUpdateSendsOnlyChanges(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if got, want := string(body), `{"target":{"name":"Till","comment":null,"exclude_hosts":[]}}`; got != want {
			t.Errorf("body %s, want %s", got, want)
		}
		if r.URL.EscapedPath() != "/v2/targets/a%2Fb" {
			t.Errorf("path %s", r.URL.EscapedPath())
		}
		answer(w, 200, shop)
	})
	_, err := c.Targets.Update(t.Context(), "a/b", client.TargetUpdate{Name: client.Set("Till"), Comment: client.Null[string](), ExcludeHosts: client.Set([]string{})})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAllFollowsCursors(t *testing.T) {
	t.Parallel()
	var asked []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		asked = append(asked, q.Get("cursor"))
		if q.Get("q[name]") != "shop*" || q.Get("sort_by") != "-name" || q.Get("per_page") != "2" {
			t.Errorf("query %s", r.URL.RawQuery)
		}
		next := map[string]string{"": `"two"`, "two": `"three"`, "three": "null"}[q.Get("cursor")]
		answer(w, 200, fmt.Sprintf(`{"data":[{"id":"a","type":"target","attributes":{"id":"a%[1]s","name":"A"}},{"id":"b","type":"target","attributes":{"id":"b%[1]s"}}],
			"meta":{"pagination":{"total_count":6,"total_pages":3,"current_page":1,"per_page":2,"next_cursor":%[2]s}}}`, q.Get("cursor"), next))
	})
	var ids []string
	q := client.Query{PerPage: 2, SortBy: "-name", Filter: map[string]string{"name": "shop*"}}
	for target, err := range c.Targets.All(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, target.ID)
	}
	if got := strings.Join(ids, " "); got != "a b atwo btwo athree bthree" {
		t.Errorf("ids %s", got)
	}
	if got := strings.Join(asked, ","); got != ",two,three" {
		t.Errorf("cursors %s", got)
	}
	page, err := c.Targets.List(t.Context(), q)
	if err != nil || page.TotalCount != 6 || page.NextCursor != "two" || len(page.Items) != 2 {
		t.Errorf("page %+v, %v", page, err)
	}
}

func TestAllEndsAfterAnErrorAndOnARepeatedCursor(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 3 {
			answer(w, 403, `{"status":403,"title":"Forbidden"}`)
			return
		}
		answer(w, 200, `{"data":[{"attributes":{"id":"a"}}],"meta":{"pagination":{"next_cursor":"same"}}}`)
	})
	rows := 0
	for _, err := range c.Targets.All(t.Context(), client.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		rows++
	}
	if rows != 2 || calls.Load() != 2 {
		t.Errorf("%d rows in %d calls", rows, calls.Load())
	}
	var failed error
	for _, err := range c.Targets.All(t.Context(), client.Query{}) {
		failed = err
	}
	if p := (*client.Problem)(nil); !errors.As(failed, &p) || p.Status != 403 {
		t.Errorf("%v", failed)
	}
}

func TestProblem(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(422)
		_, _ = io.WriteString(w, `{"type":"about:blank","title":"Parameter Error","status":422,"detail":"two mistakes","code":"invalid","request_id":"r1",
			"errors":[{"pointer":"/target/name","code":"required","detail":"Give a name."},{"pointer":"/target/hosts","code":"required","detail":"Give hosts."}]}`)
	})
	_, err := c.Targets.Create(t.Context(), client.TargetCreate{})
	var p *client.Problem
	if !errors.As(err, &p) {
		t.Fatalf("%v", err)
	}
	if p.Status != 422 || p.Code != "invalid" || p.RequestID != "r1" || len(p.Errors) != 2 || p.Errors[1].Pointer != "/target/hosts" {
		t.Errorf("%+v", p)
	}
	if got, want := p.Error(), "422 Parameter Error: two mistakes; /target/name: Give a name.; /target/hosts: Give hosts. (request r1)"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestAnswersThatAreNoProblemDocument(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"a proxy's page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(502)
			_, _ = io.WriteString(w, "<h1>no</h1>")
		},
		"broken JSON": func(w http.ResponseWriter, _ *http.Request) { answer(w, 502, `{"status":`) },
		"a redirect":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", 302) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := serve(t, h).Targets.Show(t.Context(), "t1")
			var p *client.Problem
			if !errors.As(err, &p) || p.Title == "" || (p.Status != 502 && p.Status != 302) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestCreateWithoutABody(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Prefer") == "return=representation" {
			answer(w, 201, `{"data":{"id":"o7","type":"organization","attributes":{"id":"o7","name":"Shop Ltd"}}}`)
			return
		}
		w.Header().Set("Location", "/v2/organizations/o7")
		w.WriteHeader(201)
	})
	bare, err := c.Organizations.Create(t.Context(), client.OrganizationCreate{Name: "Shop Ltd"})
	if err != nil || bare.ID != "o7" || bare.Name != "" {
		t.Errorf("%+v, %v", bare, err)
	}
	full, err := c.With(client.WithRepresentation()).Organizations.Create(t.Context(), client.OrganizationCreate{Name: "Shop Ltd"})
	if err != nil || full.ID != "o7" || full.Name != "Shop Ltd" {
		t.Errorf("%+v, %v", full, err)
	}
}

func TestDeleteManyAndDownload(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			var body struct{ IDs []string }
			_ = json.NewDecoder(r.Body).Decode(&body)
			if len(body.IDs) != 2 {
				t.Errorf("%v", body)
			}
			answer(w, 200, `{"data":[{"id":"a","type":"target"},{"id":"b","type":"target"}]}`)
			return
		}
		if r.URL.String() != "/v2/reports/r1/download?format=pdf" {
			t.Errorf("%s", r.URL)
		}
		w.Header().Set("Content-Type", "application/pdf")
		w.Header().Set("Content-Disposition", `attachment; filename="../../etc/shop.pdf"`)
		_, _ = io.WriteString(w, "%PDF-1.7")
	})
	gone, err := c.Targets.DeleteMany(t.Context(), "a", "b")
	if err != nil || len(gone) != 2 || gone[1] != (client.Ref{ID: "b", Type: "target"}) {
		t.Errorf("%v, %v", gone, err)
	}
	file, err := c.Reports.Download(t.Context(), "r1", client.DownloadReportQuery{Format: "pdf"})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	if err != nil || string(content) != "%PDF-1.7" || file.Name != "shop.pdf" || file.ContentType != "application/pdf" || file.Size != 8 {
		t.Errorf("%q %+v, %v", content, file, err)
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		status, calls int
		after         string
		call          func(context.Context, *client.Client) error
	}{
		"a list": {429, 3, "0", func(ctx context.Context, c *client.Client) error {
			_, err := c.Targets.List(ctx, client.Query{})
			return err
		}},
		"a create, under one key": {503, 3, "0", func(ctx context.Context, c *client.Client) error {
			_, err := c.Targets.Create(ctx, client.TargetCreate{})
			return err
		}},
		"a sign-in is not repeated": {429, 1, "0", func(ctx context.Context, c *client.Client) error {
			_, err := c.Authentication.SignIn(ctx, client.SignInInput{})
			return err
		}},
		"too long a wait ends it":      {429, 1, "3600", func(ctx context.Context, c *client.Client) error { _, err := c.Targets.Show(ctx, "t"); return err }},
		"other errors are final":       {500, 1, "0", func(ctx context.Context, c *client.Client) error { _, err := c.Targets.Show(ctx, "t"); return err }},
		"a conflict is not tried anew": {409, 1, "0", func(ctx context.Context, c *client.Client) error { _, err := c.Scans.Start(ctx, "s"); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			keys := map[string]bool{}
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				keys[r.Header.Get("Idempotency-Key")] = true
				w.Header().Set("Retry-After", x.after)
				answer(w, x.status, `{}`)
			}, client.WithRetries(3, 2*time.Millisecond))
			err := x.call(t.Context(), c)
			var p *client.Problem
			if !errors.As(err, &p) || p.Status != x.status || int(calls.Load()) != x.calls || len(keys) != 1 {
				t.Errorf("%v after %d calls with %d keys", err, calls.Load(), len(keys))
			}
			if x.after == "3600" && p.RetryAfter != time.Hour {
				t.Errorf("RetryAfter %s", p.RetryAfter)
			}
		})
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "20")
		answer(w, 503, `{}`)
		cancel()
	})
	if _, err := c.Targets.Show(ctx, "t"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestIdempotencyKeyOfTheContext(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Idempotency-Key") != "order-7" {
			t.Errorf("key %q", r.Header.Get("Idempotency-Key"))
		}
		answer(w, 201, shop)
	})
	if _, err := c.Targets.Create(client.WithIdempotencyKey(t.Context(), "order-7"), client.TargetCreate{}); err != nil {
		t.Fatal(err)
	}
}

func TestNewRefusesWhatIsNoServer(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "scan.example.com", "ftp://scan.example.com", "http://", "http://[::1"} {
		if _, err := client.New(base); err == nil {
			t.Errorf("%q was taken", base)
		}
	}
}
