package web

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

func runOn(t *testing.T, h http.Handler, o Options) []scanlink.Finding {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	at := netip.MustParseAddrPort(s.Listener.Addr().String())
	host := scanlink.PlanHost{Address: at.Addr()}
	n := wire.New([]scanlink.PlanHost{host}, wire.Limits{})
	return Run(t.Context(), n, wire.Target{Host: host, Service: scanlink.Service{Address: at.Addr(), Port: at.Port(), Protocol: "tcp", Name: "http"}}, o)
}

func codes(all []scanlink.Finding) string {
	var out []string
	for _, f := range all {
		c := f.Class
		if c == "cve" {
			c += "=" + f.CVEs[0]
		}
		if f.Class != "web.headers" {
			out = append(out, c+" "+f.Path)
		}
	}
	return strings.Join(out, "\n")
}

// shop is an application with one fault of each kind.
type shop struct {
	lock  sync.Mutex
	files map[string]string
}

func page200(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, "<html><head><title>Shop</title></head><body>"+text+"</body></html>")
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch p := r.URL.Path; {
	case r.Method == "TRACE":
		fmt.Fprintf(w, "TRACE / HTTP/1.1\r\nX-Probe: %s\r\n", r.Header.Get("X-Probe"))
	case strings.HasPrefix(p, "/store/"):
		s.store(w, r)
	case p == "/":
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "1"})
		page200(w, `<script src="/js/jquery-1.12.4.min.js"></script><a href="/search?q=tea">s</a><a href="/item?id=2">i</a><a href=/view.php?f=a.txt>v</a>
			<a href="/go?to=/x">g</a><a href="/old/page.html">o</a><a href="http://other.example/">x</a><form action="/lang" method="post"><input name="lang" value="en"></form>
			<a href="/store/">store</a><a href="/logout?all=1">l</a><a href="/calc?n=3">c</a><a href="/safe?q=1">safe</a>`)
	case p == "/search":
		page200(w, "Results for "+q.Get("q"))
	case p == "/safe":
		page200(w, "Results for "+strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(q.Get("q")))
	case p == "/item":
		s.item(w, q.Get("id"))
	case p == "/view.php":
		if b, err := os.ReadFile(path.Join("/srv", q.Get("f"))); err == nil && strings.HasSuffix(q.Get("f"), "etc/passwd") {
			page200(w, string(b))
			return
		}
		page200(w, "no such file")
	case p == "/view.php.bak":
		_, _ = io.WriteString(w, "<?php readfile($_GET['f']);")
	case p == "/go":
		w.Header()["Location"] = []string{q.Get("to")}
		w.WriteHeader(http.StatusFound)
	case p == "/lang":
		splitAnswer(w, r.FormValue("lang"))
	case p == "/calc":
		page200(w, "Value: "+evaluate(q.Get("n")))
	case p == "/old/":
		page200(w, "<h1>Index of /old/</h1><a href=\"page.html\">page.html</a>")
	case p == "/js/jquery-1.12.4.min.js":
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, "/*! jQuery v1.12.4 | (c) jQuery Foundation */")
	default:
		http.NotFound(w, r)
	}
}

func (s *shop) store(w http.ResponseWriter, r *http.Request) {
	s.lock.Lock()
	defer s.lock.Unlock()
	b, _ := io.ReadAll(r.Body)
	text, ok := s.files[r.URL.Path]
	switch {
	case r.Method == "PUT":
		s.files[r.URL.Path] = string(b)
		w.WriteHeader(http.StatusCreated)
	case !ok:
		http.NotFound(w, r)
	case r.Method == "DELETE":
		delete(s.files, r.URL.Path)
	default:
		_, _ = io.WriteString(w, text)
	}
}

// item answers as a database behind an unescaped number would: by the truth of the condition, without errors.
func (s *shop) item(w http.ResponseWriter, id string) {
	number, condition, _ := strings.Cut(id, " AND ")
	left, right, _ := strings.Cut(condition, "=")
	if _, err := strconv.Atoi(number); err != nil || left != right {
		page200(w, "There is no such article in the catalogue, sorry for that")
		return
	}
	page200(w, "Oolong tea from Taiwan, harvested in spring, lightly roasted")
}

func splitAnswer(w http.ResponseWriter, lang string) {
	c, buf, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	fmt.Fprintf(buf, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\nX-Lang: %s\r\n\r\nok", lang)
	_ = buf.Flush()
}

// evaluate stands for a template engine that computes what stands in ${…}.
func evaluate(s string) string {
	before, rest, ok := strings.Cut(s, "${")
	inner, after, closed := strings.Cut(rest, "}")
	a, b, product := strings.Cut(inner, "*")
	x, err1 := strconv.Atoi(a)
	y, err2 := strconv.Atoi(b)
	if !ok || !closed || !product || err1 != nil || err2 != nil {
		return "0"
	}
	return before + strconv.Itoa(x*y) + after
}

func TestFaultySite(t *testing.T) {
	t.Parallel()
	s := &shop{files: map[string]string{}}
	got := codes(runOn(t, s, Options{Active: true}))
	want := strings.Join([]string{
		"cve=CVE-2015-9251 /js/jquery-1.12.4.min.js", "cve=CVE-2019-11358 /js/jquery-1.12.4.min.js", "cve=CVE-2020-11022 /js/jquery-1.12.4.min.js",
		"cve=CVE-2020-11023 /js/jquery-1.12.4.min.js", "web.backup-exposed /view.php.bak", "web.cookies /", "web.crlf /lang?lang=", "web.dirlist /old/",
		"web.lfi /view.php?f=", "web.old-jquery /js/jquery-1.12.4.min.js", "web.rce /calc?n=", "web.redirect /go?to=", "web.sqli /item?id=", "web.trace /",
		"web.webdav-put /store/", "web.xss /search?q=",
	}, "\n")
	if got != want {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
	if len(s.files) != 0 {
		t.Errorf("left behind: %v", s.files)
	}
}

func TestPassiveDoesNotAttack(t *testing.T) {
	t.Parallel()
	var lock sync.Mutex
	var asked []string
	s := &shop{files: map[string]string{}}
	runOn(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lock.Lock()
		asked = append(asked, r.Method+" "+r.RequestURI)
		lock.Unlock()
		s.ServeHTTP(w, r)
	}), Options{})
	for _, a := range asked {
		if strings.HasPrefix(a, "PUT") || strings.HasPrefix(a, "POST") || strings.Contains(a, "passwd") || strings.Contains(a, "logout") || strings.Contains(a, "other.example") {
			t.Errorf("asked %s", a)
		}
	}
}

// TestYesToAnything serves the same page, or what it is asked, for every path: nothing is there to find.
func TestYesToAnything(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"welcome": "<title>Index of /</title><a href=x.php>x</a> root:x:0:0:root:/root:/bin/sh", "source": "<?php echo 1; ?><a href=/a.php?id=1>a</a>",
		"complaint": "<a href=/a.php?id=1>a</a>You have an error in your SQL syntax",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := codes(runOn(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "GET" {
					page200(w, body)
					return
				}
				w.WriteHeader(http.StatusOK)
			}), Options{Active: true}))
			if got != "" && got != "web.dirlist /" {
				t.Errorf("found\n%s", got)
			}
		})
	}
}

func TestDatabaseErrors(t *testing.T) {
	t.Parallel()
	got := codes(runOn(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		if id := r.URL.Query().Get("id"); strings.Count(id, "'")%2 == 1 {
			page200(w, "pq: unterminated quoted string at or near")
			return
		}
		page200(w, "<a href='/?id=a'>a</a>")
	}), Options{Active: true}))
	if got != "web.sqli /?id=" {
		t.Errorf("found\n%s", got)
	}
}

func TestListings(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		want bool
	}{
		"nginx":      {"<html><head><title>Index of /files/</title></head><body><h1>Index of /files/</h1><hr><pre><a href=\"../\">../</a>\n<a href=\"a\">a</a></pre>", true},
		"python":     {"<title>Directory listing for /</title><ul><li><a href=\"a\">a</a>", true},
		"iis":        {"<html><body><H1>h - /x/</H1><hr><pre><A HREF=\"/\">[To Parent Directory]</A><br>", true},
		"go":         {"<pre>\n<a href=\"a.txt\">a.txt</a>\n<a href=\"b/\">b/</a>\n</pre>\n", true},
		"article":    {"<title>How to read an Index of /dev/null</title><p>Nothing", false},
		"plain page": {"<title>Shop</title><pre>x</pre><a href=\"/\">home</a>", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &httpwire.Response{Status: 200, Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte(strings.ReplaceAll(tc.body, "<A HREF", "<a href"))}
			if got := isListing(r) != ""; got != tc.want {
				t.Errorf("listing: %v", got)
			}
		})
	}
}

func TestLibraries(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ target, text, want string }{
		{"/a.js", "/*! jQuery v1.7.2 jquery.com | jquery.org/license */", "jquery 1.7.2 CVE-2012-6708,CVE-2015-9251,CVE-2019-11358,CVE-2020-11022,CVE-2020-11023"},
		{"/a.js", " * jQuery JavaScript Library v3.4.1", "jquery 3.4.1 CVE-2020-11022,CVE-2020-11023"},
		{"/a.js", "/*! jQuery v3.7.1 */", "jquery 3.7.1 "},
		{"/jquery-2.2.4.min.js?v=1", "x", "jquery 2.2.4 CVE-2015-9251,CVE-2019-11358,CVE-2020-11022,CVE-2020-11023"},
		{"/a.js", "/*! jQuery UI - v1.12.1 - 2016", "jquery-ui 1.12.1 CVE-2021-41182,CVE-2021-41183,CVE-2021-41184,CVE-2022-31160"},
		{"/a.js", "* Bootstrap v4.1.3 (https", "bootstrap 4.1.3 CVE-2019-8331"},
		{"/a.js", "* Bootstrap v5.3.0 (https", "bootstrap 5.3.0 "},
		{"/a.js", "//! moment.js\n//! version : 2.29.1", "moment 2.29.1 CVE-2022-24785,CVE-2022-31129"},
		{"/jquery.cookie-1.4.1.js", "cookie", ""},
	} {
		got := ""
		if lib, version, _ := recognise(tc.target, tc.text); lib != nil {
			got = lib.name + " " + version + " " + strings.Join(lib.vulnerable(version), ",")
		}
		if got != tc.want {
			t.Errorf("%s %s: %q, want %q", tc.target, tc.text, got, tc.want)
		}
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	d := parseHTML([]byte(`<base href="/b/"><a href="x">x</a><meta http-equiv=refresh content="0; URL='/next'"><script src=s.js></script><script>var a</script>
		<form action=f method=post><input name=a value=1><select name=s><option value=o></select><textarea name=t></textarea></form><form><input name=q></form>`))
	if d.base != "/b/" || strings.Join(d.links, " ") != "x /next" || strings.Join(d.scripts, " ") != "s.js" || len(d.inline) != 1 || len(d.forms) != 2 {
		t.Fatalf("%+v", d)
	}
	if f := d.forms[0]; f.method != "POST" || f.action != "f" || fmt.Sprint(f.fields) != "[{a 1 } {s o select} {t  textarea}]" || len(d.forms[1].fields) != 1 {
		t.Errorf("%+v", d.forms)
	}
}

func TestCookieFaults(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"sid=1":                                 "HttpOnly,SameSite",
		"sid=1; Path=/; httponly; SameSite=Lax": "",
		"sid=1; Secure; HttpOnly; SameSite=Strict":   "",
		"sid=1; Comment=Secure; HttpOnly;samesite=x": "",
	} {
		if _, got := cookieFaults(line, false); strings.Join(got, ",") != want {
			t.Errorf("%s: %v", line, got)
		}
	}
	if _, got := cookieFaults("a=b", true); strings.Join(got, ",") != "Secure,HttpOnly,SameSite" {
		t.Errorf("over TLS: %v", got)
	}
}

func FuzzLinks(f *testing.F) {
	f.Add([]byte(`<a href="/x?a=1">x</a><form><input name=a>`))
	f.Add([]byte(`<meta http-equiv=refresh content="1;url=İ">`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := parseHTML(b)
		for _, l := range d.links {
			if u, err := url.Parse(l); err == nil {
				_ = queryParams(u.RawQuery)
			}
		}
		if len(d.links) > maxLinks || len(d.forms) > maxForms {
			t.Errorf("%d links, %d forms", len(d.links), len(d.forms))
		}
	})
}
