package web

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vedette/vedette/internal/scanlink"
)

// desk shows a listing to who is signed in, by a form or by HTTP, and counts what would change it.
type desk struct {
	basic   bool
	changed atomic.Int32
	right   atomic.Int32 // times that the right password came
}

const deskPassword = "s3same-0pen"

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	session, _ := r.Cookie("sid")
	inside := session != nil && session.Value == "in"
	if user, password, ok := r.BasicAuth(); d.basic {
		inside = ok && user == "ada" && password == deskPassword
	}
	switch {
	case r.URL.Path == "/login" && r.Method == "POST":
		if r.FormValue("user") == "ada" && r.FormValue("pass") == deskPassword {
			d.right.Add(1)
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "in"})
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		page200(w, `Wrong. <form method="post" action="/login"><input name=user><input type=password name=pass></form>`)
	case r.URL.Path == "/login":
		page200(w, `<form method="post" action="/login"><input name=user><input type=password name=pass></form>`)
	case !inside && d.basic:
		w.Header().Set("WWW-Authenticate", `Basic realm="desk"`)
		http.Error(w, "no", http.StatusUnauthorized)
	case !inside:
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	case r.URL.Path == "/":
		page200(w, `<a href="/files/">files</a><form method="post" action="/pay"><input name=amount value=1></form>`)
	case r.URL.Path == "/files/":
		page200(w, "<h1>Index of /files/</h1><a href=\"../\">../</a><a href=\"a.txt\">a.txt</a>")
	case r.URL.Path == "/pay" && r.Method == "POST":
		d.changed.Add(1)
		page200(w, "paid")
	default:
		http.NotFound(w, r)
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		basic    bool
		password string
		want     string
	}{
		"form": {false, deskPassword, scanlink.Authenticated}, "form, wrong": {false, "other", scanlink.LoginFailed},
		"http": {true, deskPassword, scanlink.Authenticated}, "http, wrong": {true, "other", scanlink.LoginFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &desk{basic: c.basic}
			var told scanlink.Login
			found := runOn(t, d, Options{Active: true, Login: &Login{"ada", c.password}, SignedIn: func(l scanlink.Login) { told = l }})
			listed := strings.Contains(codes(found), "web.dirlist")
			if told.Result != c.want || told.Kind != "http" || listed != (c.want == scanlink.Authenticated) {
				t.Errorf("%+v, found %s", told, codes(found))
			}
			if d.changed.Load() != 0 || d.right.Load() > 1 {
				t.Errorf("acted %d times in the account's name, gave the password %d times", d.changed.Load(), d.right.Load())
			}
			secret := base64.StdEncoding.EncodeToString([]byte("ada:" + c.password))
			if all := fmt.Sprintf("%+v", found); strings.Contains(all, c.password) || strings.Contains(all, secret) || strings.Contains(all, "sid=in\\r\\n") {
				t.Errorf("a finding shows the login: %s", all)
			}
		})
	}
}

func TestNothingToSignInTo(t *testing.T) {
	t.Parallel()
	var told scanlink.Login
	runOn(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { page200(w, "hello") }), Options{Login: &Login{"ada", "x"}, SignedIn: func(l scanlink.Login) { told = l }})
	if told.Result != scanlink.NotCapable {
		t.Errorf("%+v", told)
	}
}
