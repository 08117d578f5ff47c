package web

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// forwarder fetches what it is told, and reads XML with the entities that the document declares; both have a right twin.
func forwarder(w http.ResponseWriter, r *http.Request) {
	const front = `<p>A page of some length about the weather of today and the days to come, with forms:</p><a href="/get?url=http://a.example/">get</a>
		<a href="/get-safe?url=http://a.example/">get</a><form method="post" action="/read"><textarea name="xml"><note><to>you</to></note></textarea></form>
		<form method="post" action="/read-safe"><textarea name="xml"><note/></textarea></form>`
	switch r.URL.Path {
	case "/":
		page200(w, front)
	case "/get":
		if u, err := url.Parse(r.FormValue("url")); err == nil && u.Host == r.Host && u.Path == "/" {
			page200(w, front)
			return
		}
		page200(w, "cannot be reached")
	case "/get-safe":
		page200(w, "saved")
	case "/read":
		document := r.FormValue("xml")
		if strings.Contains(document, "file:///etc/passwd") && strings.Contains(document, "<to>&vq;</to>") {
			page200(w, "root:x:0:0:root:/root:/bin/sh")
			return
		}
		page200(w, "read")
	case "/read-safe":
		b, _ := io.ReadAll(r.Body)
		var v struct{}
		if xml.Unmarshal(b, &v) != nil {
			http.Error(w, "an undeclared entity", http.StatusBadRequest)
			return
		}
		page200(w, "read")
	default:
		http.NotFound(w, r)
	}
}

func TestForwarder(t *testing.T) {
	t.Parallel()
	got := codes(runOn(t, http.HandlerFunc(forwarder), Options{Active: true}))
	if got != "web.ssrf /get?url=\nweb.xxe /read?xml=" {
		t.Errorf("found\n%s", got)
	}
}
