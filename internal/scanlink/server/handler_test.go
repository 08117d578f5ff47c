package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/scanlink"
)

const scanner = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"

// accepting takes everything and fails the test on what should never reach a dispatcher.
type accepting struct {
	t     testing.TB
	err   error
	lease func(ctx context.Context) (*scanlink.Lease, error)
}

func (a accepting) Link(_ context.Context, r scanlink.LinkRequest) (scanlink.LinkAnswer, error) {
	if r.Code == "" || strings.Contains(r.Code, ".") {
		a.t.Errorf("code %q", r.Code)
	}
	return scanlink.LinkAnswer{}, a.err
}

func (a accepting) Known(_ context.Context, id, _ string) error {
	if id != scanner {
		a.t.Errorf("scanner %q", id)
	}
	return nil
}

func (a accepting) Renew(context.Context, string, string, string) (scanlink.LinkAnswer, error) {
	return scanlink.LinkAnswer{}, a.err
}
func (a accepting) Hello(context.Context, string, scanlink.Hello) error { return a.err }

func (a accepting) Lease(ctx context.Context, _ string, r scanlink.LeaseRequest) (*scanlink.Lease, error) {
	if r.Free < 0 || len(r.Version) > 64 {
		a.t.Errorf("%+v", r)
	}
	if a.lease != nil {
		return a.lease(ctx)
	}
	return nil, a.err
}

func (a accepting) Beat(context.Context, string, string, scanlink.Beat) (scanlink.BeatAnswer, error) {
	return scanlink.BeatAnswer{}, a.err
}

func (a accepting) Observe(_ context.Context, _, chunk string, b scanlink.Batch) error {
	if !plainID(chunk) || b.Sequence < 1 || len(b.Observations) == 0 || len(b.Observations) > scanlink.MaxBatch {
		a.t.Errorf("chunk %q, %+v", chunk, b)
	}
	for i := range b.Observations {
		if o := b.Observations[i]; !o.Address().IsValid() || o.Check() != nil {
			a.t.Errorf("%+v", o)
		}
	}
	return a.err
}

func (a accepting) Finish(_ context.Context, _, _ string, f scanlink.Finish) error {
	if len(f.Error) > 1024 || f.LastSequence < 0 {
		a.t.Errorf("%+v", f)
	}
	return a.err
}

func (a accepting) Verified(context.Context, string, string, scanlink.Verification) error {
	return a.err
}

func request(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	leaf := &x509.Certificate{URIs: []*url.URL{{Scheme: "vedette", Host: "scanner", Path: "/" + scanner}}}
	r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{leaf}}}
	return r
}

func TestFaultsBecomeStatuses(t *testing.T) {
	t.Parallel()
	for kind, status := range statuses {
		w := httptest.NewRecorder()
		Handler(accepting{t: t, err: fault.New(kind, "the text").Because(errors.New("inner"))}).ServeHTTP(w, request(scanlink.PathHello, "{}"))
		if w.Code != status || !strings.Contains(w.Body.String(), "the text") || strings.Contains(w.Body.String(), "inner") {
			t.Errorf("%s: %d %s", kind, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	Handler(accepting{t: t, err: errors.New("a secret")}).ServeHTTP(w, request(scanlink.PathHello, "{}"))
	if w.Code != 500 || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestLinkingIsSlowedDown(t *testing.T) {
	t.Parallel()
	h := Handler(accepting{t: t, err: fault.New(fault.Unauthenticated, "no")})
	limited := 0
	for range 50 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, scanlink.PathLink, strings.NewReader(`{"code":"x"}`)))
		if w.Code == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited < 25 {
		t.Errorf("%d of 50 guesses were refused", limited)
	}
}

func TestLeasePollEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := Handler(accepting{t: t, lease: func(ctx context.Context) (*scanlink.Lease, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		start := time.Now()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request(scanlink.PathLease, `{"free":1}`))
		if w.Code != http.StatusNoContent || time.Since(start) != scanlink.LeasePoll {
			t.Errorf("%d after %s", w.Code, time.Since(start))
		}
	})
}

func FuzzHandler(f *testing.F) {
	paths := []string{
		scanlink.PathLink, scanlink.PathRenew, scanlink.PathHello, scanlink.PathLease, "/v1/chunks/c1/beat", "/v1/chunks/c1/observations",
		"/v1/chunks/c1/finish", "/v1/verify/v1",
	}
	f.Add(byte(5), []byte(`{"token":1,"sequence":1,"observations":[{"service":{"address":"192.0.2.1","port":80,"protocol":"tcp","state":"open"}}]}`))
	f.Add(byte(3), []byte(`{"free":1,"version":"1","clock":"2026-01-01T00:00:00Z","feed_versions":{"a":"b"}}`))
	f.Add(byte(4), []byte(`{"token":1,"progress":{"percent":5}}`))
	f.Add(byte(7), []byte(`{"checks":[{"name":"x"}]}`))
	f.Add(byte(6), []byte(`{"error":"\u0000"}`))
	f.Fuzz(func(t *testing.T, path byte, body []byte) {
		w := httptest.NewRecorder()
		Handler(accepting{t: t}).ServeHTTP(w, request(paths[int(path)%len(paths)], string(body)))
		if w.Code >= 500 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}
