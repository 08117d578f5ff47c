package api

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/op"
)

type sent struct {
	Body struct {
		Word string `json:"word"`
	}
}

// TestLongWork: what takes longer than the reading of a request may is not cut off.
func TestLongWork(t *testing.T) {
	t.Parallel()
	const reading = 100 * time.Millisecond
	work := func(ctx context.Context) (map[string]string, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(3 * reading):
			return map[string]string{}, nil
		}
	}
	handler, err := New(options(t, op.In("Things", "",
		op.Long("send", "Send", "POST", "/v2/send", access.Own, func(ctx context.Context, _ op.Opener, _ *sent) (map[string]string, error) { return work(ctx) }),
		op.Long("ask", "Ask", "PUT", "/v2/ask", access.Own, func(ctx context.Context, _ op.Opener, _ *op.Empty) (map[string]string, error) { return work(ctx) }),
	)...))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Config.ReadTimeout = reading
	server.Start()
	defer server.Close()
	for _, c := range []struct{ method, path, body string }{{"POST", "/v2/send", `{"word":"x"}`}, {"PUT", "/v2/ask", ""}} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer good")
		r.Header.Set("Content-Type", "application/json")
		a, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(a.Body)
		_ = a.Body.Close()
		if a.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", c.path, a.StatusCode, text)
		}
	}
	w := &watcher{ResponseWriter: untouched{t}}
	if err := huma.SetReadDeadline(w, time.Time{}); err != nil {
		t.Error(err)
	}
}

// untouched connection.
type untouched struct{ *testing.T }

func (untouched) Header() http.Header         { return http.Header{} }
func (untouched) Write(b []byte) (int, error) { return len(b), nil }
func (untouched) WriteHeader(int)             {}

func (u untouched) SetReadDeadline(time.Time) error {
	u.Error("a read deadline for the body alone, which would not end with it")
	return nil
}
