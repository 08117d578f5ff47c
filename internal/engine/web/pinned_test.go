package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// TestNameKeepsItsAddress: a name that has come to lead elsewhere since the start is asked at the address of the plan alone, also
// where pages link and redirect to it by name.
func TestNameKeepsItsAddress(t *testing.T) {
	t.Parallel()
	pinned, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort(pinned.Addr().String())
	elsewhere, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", at.Port())) // where the name leads by itself
	if err != nil {
		t.Fatal(err)
	}
	var named, strange, moved atomic.Int32
	const name = "localhost"
	serve(t, pinned, func(w http.ResponseWriter, r *http.Request) {
		if r.Host != fmt.Sprintf("%s:%d", name, at.Port()) {
			strange.Add(1)
		}
		named.Add(1)
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, fmt.Sprintf("http://%s:%d/inside", name, at.Port()), http.StatusFound)
			return
		}
		if r.URL.Path == "/inside" {
			moved.Add(1)
		}
		page200(w, fmt.Sprintf(`<a href="http://%s:%d/linked?q=1">l</a><a href="/moved">m</a><a href="http://127.0.0.1:%[2]d/other">o</a>`, name, at.Port()))
	})
	var heard atomic.Int32
	serve(t, elsewhere, func(http.ResponseWriter, *http.Request) { heard.Add(1) })
	host := scanlink.PlanHost{Address: at.Addr(), Names: []string{name}}
	n := wire.New([]scanlink.PlanHost{host}, wire.Limits{})
	Run(t.Context(), n, wire.Target{Host: host, Service: scanlink.Service{Address: at.Addr(), Port: at.Port(), Protocol: "tcp", Name: "http"}},
		Options{Active: true, MaxRequests: 300})
	if named.Load() < 10 || heard.Load() != 0 || named.Load() < 2*strange.Load() {
		t.Errorf("%d requests at the pinned address, %d of them by another name, and %d where the name leads now", named.Load(), strange.Load(), heard.Load())
	}
	if moved.Load() == 0 {
		t.Error("the redirect by name was not followed to the pinned address")
	}
}

func serve(t *testing.T, l net.Listener, h http.HandlerFunc) {
	t.Helper()
	server := &http.Server{Handler: h}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
}
