package engine_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vedette/vedette/internal/engine"
	"github.com/vedette/vedette/internal/scanlink"
)

// TestSilenceIsNoHealth: a server that stops answering under its checks is told of, and its host is inconclusive; one
// that answers everything is complete.
func TestSilenceIsNoHealth(t *testing.T) {
	t.Parallel()
	for _, most := range []int64{60, 1 << 40} {
		var asked atomic.Int64
		var server *httptest.Server
		server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) == most {
				server.Listener.Close()
			}
			if asked.Load() >= most {
				w.Header().Set("Connection", "close")
			}
			if r.URL.Path != "/" {
				http.NotFound(w, r)
				return
			}
			_, _ = io.WriteString(w, "<title>Shop</title>")
		}))
		at := netip.MustParseAddrPort(server.Listener.Addr().String())
		plan := scanlink.Plan{Profile: "fast", Hosts: []scanlink.PlanHost{{Address: at.Addr()}}, Ports: "T:" + strings.TrimPrefix(at.String(), "127.0.0.1:"), AliveTest: "none"}
		facts := scanlink.NewFacts()
		if err := engine.Run(t.Context(), plan, engine.Options{}, facts.Add); err != nil {
			t.Fatal(err)
		}
		server.Close()
		h := facts.Hosts()[0].Host
		if silent := most < 1<<40; silent != (h.Coverage == scanlink.Inconclusive) || silent != (len(h.Unanswered) > 0) {
			t.Errorf("after %d requests: %s, %q, %+v", most, h.Coverage, h.Interference, h.Unanswered)
		}
		if most < 1<<40 && (!strings.Contains(h.Interference, "got no answer") || !strings.Contains(h.Interference, "port")) {
			t.Errorf("%q", h.Interference)
		}
	}
}
