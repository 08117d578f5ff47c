package httpwire

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

func target(t *testing.T, address string, names ...string) (*wire.Net, wire.Target) {
	t.Helper()
	at := netip.MustParseAddrPort(address)
	host := scanlink.PlanHost{Address: at.Addr(), Names: names}
	return wire.New([]scanlink.PlanHost{host}, wire.Limits{}), wire.Target{
		Host: host, Service: scanlink.Service{Address: at.Addr(), Port: at.Port(), Protocol: "tcp", Name: "http"}, Contact: "ops@example.org\r\nX: y",
	}
}

func TestExchange(t *testing.T) {
	t.Parallel()
	connections := map[string]bool{}
	var seen []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connections[r.RemoteAddr] = true
		seen = append(seen, r.RequestURI, r.Host, r.UserAgent())
		if r.URL.Path == "/zip" {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, strings.Repeat("a", 5000))
			z.Close()
			return
		}
		w.Header().Add("x-one", "1")
		w.(http.Flusher).Flush() // chunked
		_, _ = io.WriteString(w, "hello")
	}))
	defer s.Close()
	n, to := target(t, s.Listener.Addr().String(), "shop.example")
	c := New(t.Context(), n, to, Options{MaxBody: 100})
	defer c.Close()
	for range 3 {
		r, err := c.Do(Get("/a/../b/%2e%2e/x?y=1"))
		if err != nil || r.Status != 200 || string(r.Body) != "hello" || r.Header.Get("X-One") != "1" || !strings.Contains(r.Head, "X-One: 1\r\n") {
			t.Fatalf("answer %+v, %v", r, err)
		}
	}
	if len(connections) != 1 {
		t.Errorf("%d connections for three requests", len(connections))
	}
	if seen[0] != "/a/../b/%2e%2e/x?y=1" || !strings.HasPrefix(seen[1], "shop.example:") || strings.Contains(seen[2], "\n") || !strings.Contains(seen[2], "ops@example.org") {
		t.Errorf("server saw %q", seen[:3])
	}
	r, err := c.Do(Get("/zip"))
	if err != nil || !r.Truncated || string(r.Body) != strings.Repeat("a", 100) {
		t.Errorf("bounded body: %d bytes, %v", len(r.Body), err)
	}
}

func TestSecure(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.TLS.ServerName) }))
	defer s.Close()
	n, to := target(t, s.Listener.Addr().String(), "shop.example")
	to.Service.Tunnel = "tls"
	r, err := New(t.Context(), n, to, Options{}).Do(Get("/"))
	if err != nil || string(r.Body) != "shop.example" {
		t.Fatalf("%v, %v", r, err)
	}
}

func TestScope(t *testing.T) {
	t.Parallel()
	n, to := target(t, "127.0.0.1:8080", "shop.example")
	c := New(t.Context(), n, to, Options{})
	for link, want := range map[string]string{
		"/x": "/x", "y?a=1#f": "/dir/y?a=1", "http://shop.example:8080/z": "/z", "http://127.0.0.1:8080": "/", "//SHOP.example:8080/q": "/q",
		"http://shop.example/z": "", "https://shop.example:8080/": "", "http://evil.example:8080/": "", "javascript:alert(1)": "", "mailto:a@b": "",
		"http://127.0.0.2:8080/": "", "http://user@shop.example:8080/": "",
	} {
		got, ok := c.Resolve("/dir/page", link)
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v; want %q", link, got, ok, want)
		}
	}
	other := to
	other.Host.Address = netip.MustParseAddr("127.0.0.9")
	if _, err := New(t.Context(), n, other, Options{}).Do(Get("/")); !errors.Is(err, wire.ErrOutOfScope) {
		t.Errorf("strange address: %v", err)
	}
}

func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer string
		err    error
	}{
		"no http":      {"SSH-2.0-OpenSSH_9.2\r\n", ErrProtocol},
		"endless head": {"HTTP/1.1 200 OK\r\n" + strings.Repeat("A: "+strings.Repeat("b", 1000)+"\r\n", 100), ErrProtocol},
		"bad status":   {"HTTP/1.1 abc\r\n\r\n", ErrProtocol},
		"short body":   {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", nil},
		"no length":    {"HTTP/1.0 200 OK\n\nabc", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				defer c.Close()
				_, _ = bufio.NewReader(c).ReadString('\n')
				_, _ = io.WriteString(c, tc.answer)
			}()
			n, to := target(t, l.Addr().String())
			r, err := New(context.Background(), n, to, Options{Timeout: 5 * time.Second}).Do(Get("/"))
			if tc.err != nil && !errors.Is(err, tc.err) || tc.err == nil && (err != nil || string(r.Body) != "abc") {
				t.Errorf("%v, %v", r, err)
			}
		})
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 x\nContent-Encoding: gzip\n\n\x1f\x8b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		br := bufio.NewReader(bytes.NewReader(b))
		head, err := readHead(br)
		if err != nil {
			return
		}
		if r, err := parseHead(head); err == nil {
			r.readBody(br, "GET", 1000)
			if len(r.Body) > 1000 {
				t.Errorf("%d bytes kept", len(r.Body))
			}
		}
	})
}

// TestSilenceIsAskedTwice: an answer that is lost by chance costs nothing, and silence is counted.
func TestSilenceIsAskedTwice(t *testing.T) {
	t.Parallel()
	var lock sync.Mutex
	times := map[string]int{}
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lock.Lock()
		times[r.URL.Path]++
		n := times[r.URL.Path]
		lock.Unlock()
		if r.URL.Path == "/never" || r.URL.Path == "/once" && n == 1 {
			<-release
		}
		_, _ = io.WriteString(w, "here")
	}))
	defer server.Close()
	defer close(release)
	at := netip.MustParseAddrPort(server.Listener.Addr().String())
	host := scanlink.PlanHost{Address: at.Addr()}
	tally := &wire.Tally{}
	n := wire.New([]scanlink.PlanHost{host}, wire.Limits{}).Counting(tally)
	c := New(t.Context(), n, wire.Target{Host: host, Service: scanlink.Service{Port: at.Port(), Protocol: "tcp", Name: "http"}}, Options{Timeout: 300 * time.Millisecond})
	defer c.Close()
	if _, err := c.Do(Get("/")); err != nil {
		t.Fatal(err)
	}
	for path, works := range map[string]bool{"/once": true, "/never": false} {
		if _, err := c.Do(Get(path)); (err == nil) != works {
			t.Errorf("%s: %v", path, err)
		}
	}
	lock.Lock()
	defer lock.Unlock()
	if times["/once"] != 2 || times["/never"] != 2 || tally.Asked() != 3 || tally.Unanswered() != 1 {
		t.Errorf("asked %v; counted %d and %d", times, tally.Asked(), tally.Unanswered())
	}
}
