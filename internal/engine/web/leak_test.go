package web

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

func answer(status int, kind, body string) *httpwire.Response {
	return &httpwire.Response{Status: status, Header: http.Header{"Content-Type": {kind}}, Body: []byte(body), Target: "/x?y=1"}
}

func TestCards(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		r    *httpwire.Response
		want string
	}{
		"two numbers":        {answer(200, "text/csv", "ann,4012888888881881\nbob,5105105105105100\n"), "411"},
		"one with context":   {answer(200, "text/html", "<td>card holder</td><td>4012 8888 8888 1881</td>"), "x"},
		"one without":        {answer(200, "text/html", "<td>order</td><td>4012888888881881</td>"), ""},
		"wrong check digit":  {answer(200, "text/plain", "card 4012888888881882 card 5105105105105101"), ""},
		"in a script":        {answer(200, "text/html", "<script>card=4012888888881881;b=5105105105105100</script>"), ""},
		"phone and order no": {answer(200, "text/plain", "card service: +49 30 1234567890 order 20260101123456"), ""},
	} {
		s := &scan{seen: map[string]bool{}}
		s.cards("/x", tc.r)
		if (len(s.findings) > 0) != (tc.want != "") {
			t.Errorf("%s: %+v", name, s.findings)
		}
		for _, f := range s.findings {
			if strings.Contains(f.Evidence.Detail+f.Evidence.Response, "4012888888881881") || !strings.Contains(f.Evidence.Detail, "401288******1881") {
				t.Errorf("%s: number shown: %+v", name, f.Evidence)
			}
		}
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		r    *httpwire.Response
		want string
	}{
		"werkzeug":     {answer(500, "text/html", "<title>ZeroDivisionError // Werkzeug Debugger</title>"), "web.debug-console"},
		"article":      {answer(200, "text/html", "<title>The Werkzeug Debugger explained</title>"), ""},
		"django":       {answer(404, "text/html", "<p>You're seeing this error because you have <code>DEBUG = True</code> in"), "web.debug-console"},
		"node":         {answer(500, "text/html", "<pre>Error: no<br> &nbsp; &nbsp;at /srv/app/index.js:4:9<br>"), "info.stack-trace"},
		"java":         {answer(500, "text/html", "java.lang.NullPointerException: x\n\tat shop.Cart.add(Cart.java:12)\n"), "info.stack-trace"},
		"php warning":  {answer(200, "text/html", "<b>Warning</b>:  include(x): failed to open stream in <b>/var/www/i.php</b> on line <b>3</b>"), "info.stack-trace"},
		"plain error":  {answer(500, "text/html", "<h1>Internal Server Error</h1>"), ""},
		"python trace": {answer(500, "text/plain", "Traceback (most recent call last):\n  File \"/srv/a.py\", line 1"), "info.stack-trace"},
	} {
		s := &scan{seen: map[string]bool{}}
		s.observe(tc.r)
		if got := strings.Fields(codes(s.findings) + " "); strings.Join(got[:min(len(got), 1)], "") != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// office asks for logins: by HTTP in one folder, by a form with a token in another.
func office(w http.ResponseWriter, r *http.Request) {
	form := `<form method="post" action="/login"><input type=hidden name=token value=t7><input name=user><input type=password name=pass></form>`
	switch r.URL.Path {
	case "/":
		page200(w, `<a href="/login">in</a><a href="/files/">f</a>`)
	case "/admin/":
		if user, password, _ := r.BasicAuth(); user != "guest" || password != "guest" {
			w.Header().Set("WWW-Authenticate", `Basic realm="office"`)
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		page200(w, "hello guest")
	case "/login":
		if r.Method != "POST" {
			http.SetCookie(w, &http.Cookie{Name: "pre", Value: "1"})
			page200(w, form)
			return
		}
		if _, err := r.Cookie("pre"); err == nil && r.FormValue("token") == "t7" && r.FormValue("user") == "admin" && r.FormValue("pass") == "password" {
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "9"})
			http.Redirect(w, r, "/desk", http.StatusSeeOther)
			return
		}
		page200(w, "Wrong name or password "+form)
	case "/desk":
		page200(w, "Your desk")
	case "/files/":
		page200(w, "<h1>Index of /files/</h1><a href=\"../\">../</a><a href=\"site-backup.zip\">z</a><a href=\"people.sql\">p</a><a href=\"readme.bak\">r</a>")
	case "/files/site-backup.zip":
		_, _ = io.WriteString(w, "PK\x03\x04xxxx")
	case "/files/people.sql":
		_, _ = io.WriteString(w, "CREATE TABLE people (id int);")
	case "/files/readme.bak":
		_, _ = io.WriteString(w, "read me")
	default:
		http.NotFound(w, r)
	}
}

func TestLoginsAndBackups(t *testing.T) {
	t.Parallel()
	var got []string
	for _, f := range runOn(t, http.HandlerFunc(office), Options{Active: true}) {
		if f.Class == "creds" || f.Class == "web.backup-exposed" {
			got = append(got, f.Class+" "+f.Path+" "+f.Login)
		}
	}
	want := "[creds /admin/ guest/guest creds /login admin/password web.backup-exposed /files/people.sql  web.backup-exposed /files/site-backup.zip ]"
	if fmt.Sprint(got) != want {
		t.Errorf("found %v", got)
	}
}

// TestSmallServer serves one connection at a time, as the smallest servers do: the scan must not wait for itself.
func TestSmallServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { page200(w, "<a href=/a>a</a><a href=/b>b</a>") }))
	server.Listener = &single{Listener: server.Listener, free: make(chan struct{}, 1)}
	server.Start()
	defer server.Close()
	at := netip.MustParseAddrPort(server.Listener.Addr().String())
	host := scanlink.PlanHost{Address: at.Addr()}
	started := time.Now()
	Run(t.Context(), wire.New([]scanlink.PlanHost{host}, wire.Limits{}), wire.Target{
		Host: host, Service: scanlink.Service{Address: at.Addr(), Port: at.Port(), Protocol: "tcp", Name: "http"},
	}, Options{})
	if took := time.Since(started); took > 30*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestStoredXSS(t *testing.T) {
	t.Parallel()
	var lock sync.Mutex
	book := ""
	got := codes(runOn(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lock.Lock()
		defer lock.Unlock()
		switch {
		case r.URL.Path == "/sign" && r.Method == "POST":
			book += "<p>" + r.FormValue("text") + "</p>"
			page200(w, "Thank you")
		case r.URL.Path == "/":
			page200(w, `<form method=post action=/sign><input name=text></form><a href=/book>book</a>`)
		case r.URL.Path == "/book":
			page200(w, book)
		default:
			http.NotFound(w, r)
		}
	}), Options{Active: true}))
	if got != "web.xss /sign?text=" {
		t.Errorf("found\n%s", got)
	}
}

func TestScriptsAndPaths(t *testing.T) {
	t.Parallel()
	got := codes(runOn(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/":
			page200(w, `<script src="https://cdn.example/a.js?v=1"></script><script src=/own.js></script><a href=/pay>pay</a><img src=/static/x.png>`)
		case r.URL.Path == "/pay":
			page200(w, `<script src=/own.js></script><form><input name=card_number><input name=q></form>`)
		case strings.HasPrefix(r.RequestURI, "/static/..%2f") && strings.HasSuffix(r.RequestURI, "etc/passwd"):
			_, _ = io.WriteString(w, "root:x:0:0:root:/root:/bin/sh\n")
		default:
			http.NotFound(w, r)
		}
	}), Options{Active: true}))
	if want := "web.embedded /\nweb.lfi /static/\nweb.payment-script /pay"; got != want {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
}
