package check

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// serve answers each connection with handle until the test ends.
func serve(t *testing.T, handle func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	t.Cleanup(func() { l.Close(); group.Wait() })
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(20 * time.Second))
				handle(c)
			})
		}
	})
	return netip.MustParseAddrPort(l.Addr().String())
}

// serveUDP answers each datagram; nil is silence.
func serveUDP(t *testing.T, answer func([]byte) []byte) netip.AddrPort {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	t.Cleanup(func() { c.Close(); group.Wait() })
	group.Go(func() {
		buf := make([]byte, 64<<10)
		for {
			k, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			if reply := answer(slices.Clone(buf[:k])); reply != nil {
				_, _ = c.WriteToUDPAddrPort(reply, from)
			}
		}
	})
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// part is one turn of a scripted server: it waits for a text, then says another.
type part struct{ wait, say string }

// script plays parts on each connection, then listens on until the client goes.
func script(parts ...part) func(net.Conn) {
	return func(c net.Conn) {
		for _, p := range parts {
			if !await(c, p.wait) {
				return
			}
			_, _ = io.WriteString(c, p.say)
		}
		_, _ = io.Copy(io.Discard, c)
	}
}

func await(c net.Conn, text string) bool {
	got, buf := "", make([]byte, 1)
	for !strings.HasSuffix(got, text) {
		if _, err := io.ReadFull(c, buf); err != nil {
			return false
		}
		got += string(buf)
	}
	return true
}

// says greets and then answers each line by the first rule whose prefix fits; a rule without prefix is the last resort.
func says(greeting string, rules ...part) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, greeting)
		l := newLines(c)
		for {
			line, err := l.read()
			if err != nil {
				return
			}
			for _, r := range rules {
				if strings.HasPrefix(line, r.wait) {
					_, _ = io.WriteString(c, r.say)
					break
				}
			}
		}
	}
}

func web(t *testing.T, handler http.HandlerFunc) netip.AddrPort {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

// page answers one path and has nothing else.
func onlyPath(path, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RequestURI() != path {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}

func service(at netip.AddrPort, transport, name string) scanlink.Service {
	return scanlink.Service{Address: at.Addr(), Port: at.Port(), Protocol: transport, State: "open", Name: name}
}

func netOf(at netip.AddrPort) (*wire.Net, scanlink.PlanHost) {
	host := scanlink.PlanHost{Address: at.Addr()}
	return wire.New([]scanlink.PlanHost{host}, wire.Limits{}), host
}

// runCheck runs one check and fails the test where it does not apply or reports a class it does not declare.
func runCheck(t *testing.T, id string, s scanlink.Service, o Options) []scanlink.Finding {
	t.Helper()
	n, host := netOf(netip.AddrPortFrom(s.Address, s.Port))
	target := wire.Target{Host: host, Service: s}
	for _, c := range lists() {
		if c.id != id {
			continue
		}
		if !c.on(target) {
			t.Fatalf("%s does not apply to %s over %s", id, s.Name, s.Protocol)
		}
		found := c.one(context.Background(), &env{n: n, t: target, o: o, id: id, open: new(bool)})
		keys := map[string]bool{}
		for _, f := range found {
			key := f.Check + "|" + f.Login + "|" + f.Path
			if keys[key] {
				t.Errorf("%s: two findings with the key %s, of which a scan keeps one", id, key)
			}
			keys[key] = true
			if !slices.Contains(c.classes, f.Class) {
				t.Errorf("%s reports %s, which it does not declare", id, f.Class)
			}
			if f.QoD < 95 || f.Evidence.Detail == "" || f.Port == 0 {
				t.Errorf("%s: incomplete finding %+v", id, f)
			}
		}
		return found
	}
	t.Fatalf("no check %s", id)
	return nil
}

func names(found []scanlink.Finding) []string {
	out := []string{}
	for _, f := range found {
		name := f.Class
		if f.Login != "" {
			name += "=" + f.Login
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

var everything = Options{Logins: true, Active: true}

// discard is a connection that takes anything and says nothing.
type discard struct{ net.Conn }

func (discard) Write(b []byte) (int, error) { return len(b), nil }
