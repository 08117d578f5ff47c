package target

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/scanlink/address"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// control verifies by file, and gives the hosts as they stand.
func (w *world) control(id string) Control {
	w.t.Helper()
	a := w.call(w.customer, "POST", "/v2/targets/"+id+"/verify_control", `{"method": "http_file"}`)
	var c Control
	if a.status != 200 || json.Unmarshal([]byte(a.body), &c) != nil {
		w.t.Fatalf("verify: %+v", a)
	}
	return c
}

// TestControlByFile asks a real server for the file; both origins of a host lead to it.
func TestControlByFile(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var page atomic.Pointer[func(http.ResponseWriter, *http.Request)]
		show := func(f func(http.ResponseWriter, *http.Request)) { page.Store(&f) }
		show(http.NotFound)
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { (*page.Load())(rw, r) }))
		defer server.Close()
		w := newWorld(t, d, Rules{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
		w.prover.origins = func(string) []string { return []string{"http://127.0.0.1:1", server.URL} }
		id := w.create(w.customer, `"name": "Shop", "hosts": "shop.example, https://shop.example/cart, 203.0.113.8, 203.0.113.16/28"`).ID
		c := w.control(id)
		if len(c.Hosts) != 3 || c.Proven || *c.Hosts[0].State != Pending || !strings.Contains(c.Hosts[2].Detail, "can't be proven by http_file") {
			t.Fatalf("the first call: %+v", c)
		}
		file := c.Hosts[0].Challenges[1]
		if file.Method != ByFile || file.Where != "http://shop.example"+filePath || len(c.Hosts[2].Challenges) != 0 {
			t.Fatalf("challenges %+v, %+v", file, c.Hosts[2].Challenges)
		}
		says := func(text string) func(http.ResponseWriter, *http.Request) {
			return func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, text) }
		}
		for what, f := range map[string]func(http.ResponseWriter, *http.Request){
			"not there":       http.NotFound,
			"another text":    says("not it\n"),
			"within a line":   says("x" + file.What + "x\n"),
			"beyond the size": says(strings.Repeat("x", maxProofFile) + "\n" + file.What + "\n"),
			"an error":        func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(500); fmt.Fprintln(rw, file.What) },
			"led elsewhere": func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/else" {
					fmt.Fprintln(rw, file.What)
					return
				}
				http.Redirect(rw, r, "/else", http.StatusFound)
			},
		} {
			show(f)
			if c := w.control(id); c.Hosts[0].Proven || *c.Hosts[0].State != Unmet || c.Hosts[0].Detail == "" {
				t.Errorf("%s: %+v", what, c.Hosts[0])
			}
		}
		show(says("# ours\r\n  " + file.What + "\r\n"))
		if c = w.control(id); !c.Hosts[0].Proven || *c.Hosts[0].State != Verified || *c.Hosts[0].Method != ByFile || c.Hosts[0].ExpiresAt == nil || c.Hosts[1].Proven {
			t.Errorf("proven: %+v", c)
		}
		show(http.NotFound) // the proof outlasts the file
		if c = w.control(id); !c.Hosts[0].Proven {
			t.Errorf("a proof that holds is lost: %+v", c.Hosts[0])
		}
		w.refuse(w.call(w.stranger, "GET", "/v2/targets/"+id+"/control", ""), 404, "")
	})
}

// TestProverStaysOutside: the file of a name that leads inside is not asked for.
func TestProverStaysOutside(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { asked.Add(1); fmt.Fprintln(rw, "token") }))
	defer server.Close()
	p := NewProver(Rules{}, nil)
	p.origins = func(string) []string {
		return []string{server.URL, strings.Replace(server.URL, "127.0.0.1", "localhost", 1)}
	}
	h, err := address.Parse("shop.example")
	if err != nil {
		t.Fatal(err)
	}
	if problem := p.lookAt(t.Context(), ByFile, h, "token"); !strings.Contains(problem, "does not reach") || asked.Load() != 0 {
		t.Errorf("%q after %d requests", problem, asked.Load())
	}
}

func TestZoneOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"shop.example": "shop.example", "203.0.113.8": "8.113.0.203.in-addr.arpa", "203.0.113.0/24": "113.0.203.in-addr.arpa", "203.0.113.0/28": "",
		"203.0.113.1-9": "", "2001:db8::/32": "8.b.d.0.1.0.0.2.ip6.arpa", "2001:db8::1": "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
	} {
		h, err := address.Parse(text)
		if err != nil || zoneOf(h) != want {
			t.Errorf("%s: %q, %v", text, zoneOf(h), err)
		}
	}
}

// TestProvenBy: a zone covers the names below it, a file its own name alone, and a network what lies in it.
func TestProvenBy(t *testing.T) {
	t.Parallel()
	now := clockNow()
	until, over := now.Add(proofLife), now.Add(-1)
	p := provenBy([]Proof{
		{Host: "example.org", Method: ByDNS, State: Verified, ExpiresAt: &until}, {Host: "shop.example", Method: ByFile, State: Verified, ExpiresAt: &until},
		{Host: "203.0.113.0/28", Method: ByOperator, State: Verified, ExpiresAt: &until}, {Host: "old.example", Method: ByDNS, State: Verified, ExpiresAt: &over},
		{Host: "asked.example", Method: ByDNS, State: Pending},
	}, now)
	for name, want := range map[string]bool{"example.org": true, "a.b.example.org": true, "badexample.org": false, "org": false, "shop.example": true,
		"a.shop.example": false, "old.example": false, "asked.example": false} {
		if p.name(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
	for a, want := range map[string]bool{"203.0.113.15": true, "203.0.113.16": false} {
		if p.reach(Reach{Address: netip.MustParseAddr(a)}) != want {
			t.Errorf("%s: %v", a, !want)
		}
	}
	if !p.reach(Reach{Address: netip.MustParseAddr("198.51.100.1"), Names: []string{"x.example", "www.example.org"}}) {
		t.Error("an address of a proven name is not proven")
	}
}

func clockNow() clock.Time { return clock.At(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)) }
