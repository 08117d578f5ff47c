package netout_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/internal/platform/netout"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func TestLoopbackIsRefusedUnlessAllowed(t *testing.T) {
	t.Parallel()
	var heard atomic.Int32
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) { heard.Add(1); fmt.Fprint(w, "hello") })

	for _, address := range []string{address, strings.Replace(address, "127.0.0.1", "localhost", 1), strings.Replace(address, "127.0.0.1", "[::ffff:127.0.0.1]", 1)} {
		if _, err := netout.New(netout.Policy{}).Get(t.Context(), address); !errors.Is(err, netout.ErrAddress) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if heard.Load() != 0 {
		t.Fatal("a refused request arrived")
	}
	response, err := netout.New(netout.Policy{Allow: loopback}).Get(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil || string(body) != "hello" {
		t.Fatalf("%q, %v", body, err)
	}
}

// fakeDNS answers every A question with the next of its addresses, and then with the last one for ever.
func fakeDNS(t *testing.T, addresses ...string) *net.Resolver {
	t.Helper()
	var asked atomic.Int32
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, question *dns.Msg) {
		answer := new(dns.Msg).SetReply(question)
		if question.Question[0].Qtype == dns.TypeA {
			n := min(int(asked.Add(1))-1, len(addresses)-1)
			answer.Answer = append(answer.Answer, &dns.A{
				Hdr: dns.RR_Header{Name: question.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET},
				A:   net.ParseIP(addresses[n]),
			})
		}
		_ = w.WriteMsg(answer)
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func TestNameThatChangesItsMindLeadsNowhere(t *testing.T) {
	t.Parallel()
	var heard atomic.Int32
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) })
	good, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	port := good.Addr().(*net.TCPAddr).Port
	inner, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	for _, listener := range []net.Listener{good, inner} {
		server := &http.Server{Handler: handler}
		go func() { _ = server.Serve(listener) }()
		t.Cleanup(func() { _ = server.Close() })
	}
	c := netout.New(netout.Policy{
		Allow:    []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")},
		Resolver: fakeDNS(t, "127.0.0.2", "127.0.0.1"),
	})
	address := fmt.Sprintf("http://rebind.example.com:%d/", port)

	response, err := c.Get(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	c.CloseIdle()
	if _, err := c.Get(t.Context(), address); !errors.Is(err, netout.ErrAddress) {
		t.Fatalf("second request: %v", err)
	}
	if heard.Load() != 1 {
		t.Errorf("%d requests arrived", heard.Load())
	}
}

func TestRedirectsAreCheckedLikeRequests(t *testing.T) {
	t.Parallel()
	var target atomic.Value
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/end" {
			return
		}
		http.Redirect(w, r, target.Load().(string), http.StatusFound)
	})
	for to, c := range map[string]struct {
		redirects int
		want      error
	}{
		"/end":                     {1, nil},
		"/end?refused":             {0, netout.ErrRedirect},
		"/again":                   {3, netout.ErrRedirect},
		"http://169.254.169.254/x": {3, netout.ErrAddress},
		"http://[::1]/":            {3, netout.ErrAddress},
		"file:///etc/passwd":       {3, netout.ErrURL},
		"http://user:pw@" + address[len("http://"):]: {3, netout.ErrURL},
	} {
		target.Store(to)
		response, err := netout.New(netout.Policy{Allow: loopback, Redirects: c.redirects}).Get(t.Context(), address)
		if !errors.Is(err, c.want) {
			t.Errorf("to %s: %v, want %v", to, err, c.want)
		}
		if err == nil {
			_ = response.Body.Close()
		}
	}
}

func TestRedirectFromHTTPSToHTTPIsRefused(t *testing.T) {
	t.Parallel()
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewTLSServer(http.RedirectHandler(plain, http.StatusFound))
	t.Cleanup(server.Close)
	roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	c := netout.New(netout.Policy{Allow: loopback, Redirects: 3, Roots: roots})
	if _, err := c.Get(t.Context(), server.URL); !errors.Is(err, netout.ErrRedirect) {
		t.Errorf("followed: %v", err)
	}
	if _, err := netout.New(netout.Policy{Allow: loopback}).Get(t.Context(), server.URL); err == nil {
		t.Error("an unknown authority was trusted")
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/fits":
			fmt.Fprint(w, strings.Repeat("x", 1000))
		case "/long":
			w.Header().Set("Content-Length", "1001")
			fmt.Fprint(w, strings.Repeat("x", 1001))
		case "/stream":
			for range 100 {
				fmt.Fprint(w, strings.Repeat("x", 100))
				w.(http.Flusher).Flush()
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			fmt.Fprint(z, strings.Repeat("x", 1<<20))
			_ = z.Close()
		}
	})
	c := netout.New(netout.Policy{Allow: loopback, MaxBody: 1000})
	for path, want := range map[string]error{"/fits": nil, "/long": netout.ErrTooLarge, "/stream": netout.ErrTooLarge, "/bomb": netout.ErrTooLarge} {
		var body []byte
		response, err := c.Get(t.Context(), address+path)
		if err == nil {
			body, err = io.ReadAll(response.Body)
			_ = response.Body.Close()
		}
		if !errors.Is(err, want) || len(body) > 1000 {
			t.Errorf("%s: %d bytes, %v", path, len(body), err)
		}
	}
}

func TestSlowAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-release
	})
	t.Cleanup(func() { close(release) })
	response, err := netout.New(netout.Policy{Allow: loopback, Timeout: 50 * time.Millisecond}).Get(t.Context(), address)
	if err == nil {
		_, err = io.ReadAll(response.Body)
		_ = response.Body.Close()
	}
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("waited: %v", err)
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	open, strict := netout.New(netout.Policy{}), netout.New(netout.Policy{HTTPSOnly: true})
	for text, want := range map[string][2]error{
		"https://example.com/hook":      {nil, nil},
		"http://example.com/hook":       {nil, netout.ErrURL},
		"https://1.1.1.1":               {nil, nil},
		"https://10.0.0.1":              {netout.ErrAddress, netout.ErrAddress},
		"https://[::1]:8443/":           {netout.ErrAddress, netout.ErrAddress},
		"https://[fe80::1%25lo]/":       {netout.ErrAddress, netout.ErrAddress},
		"ftp://example.com":             {netout.ErrURL, netout.ErrURL},
		"https://me:pw@example.com":     {netout.ErrURL, netout.ErrURL},
		"https://":                      {netout.ErrURL, netout.ErrURL},
		"/hook":                         {netout.ErrURL, netout.ErrURL},
		"javascript:alert(1)":           {netout.ErrURL, netout.ErrURL},
		"https://example.com:99999999/": {netout.ErrURL, netout.ErrURL},
		"https://example.com:0/":        {netout.ErrURL, netout.ErrURL},
		"https://exa mple.com":          {netout.ErrURL, netout.ErrURL},
	} {
		for i, c := range []*netout.Client{open, strict} {
			if err := c.CheckURL(text); !errors.Is(err, want[i]) {
				t.Errorf("%s: %v, want %v", text, err, want[i])
			}
		}
	}
}

func FuzzCheckURL(f *testing.F) {
	f.Add("https://example.com")
	f.Add("http://[::ffff:7f00:1]/")
	c := netout.New(netout.Policy{})
	f.Fuzz(func(t *testing.T, text string) {
		if c.CheckURL(text) != nil {
			return
		}
		request, err := http.NewRequest(http.MethodGet, text, nil)
		if err != nil || request.URL.User != nil || request.URL.Hostname() == "" {
			t.Fatalf("%q accepted: %v", text, err)
		}
		if a, err := netip.ParseAddr(request.URL.Hostname()); err == nil && !netout.Public(a) {
			t.Errorf("%q accepted", text)
		}
	})
}
