package web

import (
	"io"
	"net/http"
	"path"
	"strings"
	"testing"
)

// aliased serves files as nginx does for a location with an alias. Where the location's name ends without a slash and
// the folder's with one, what follows the name is put after the slash.
type aliased struct {
	location, folder string
	files            map[string]string
	tryFiles         bool // gives files alone
}

func (a aliased) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/" {
		page200(w, `<link rel="stylesheet" href="/assets/css/site.css">`)
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, a.location)
	if !ok {
		http.NotFound(w, r)
		return
	}
	full := a.folder + rest
	clean := path.Clean(full)
	if text, ok := a.files[clean]; ok && !strings.HasSuffix(full, "/") {
		w.Header().Set("Content-Type", "text/css")
		_, _ = io.WriteString(w, text)
		return
	}
	isFolder := false
	for name := range a.files {
		isFolder = isFolder || strings.HasPrefix(name, strings.TrimSuffix(clean, "/")+"/")
	}
	switch {
	case !isFolder || a.tryFiles:
		http.NotFound(w, r)
	case !strings.HasSuffix(full, "/"):
		w.Header().Set("Location", r.URL.Path+"/")
		w.WriteHeader(http.StatusMovedPermanently)
	default:
		http.Error(w, "Forbidden", http.StatusForbidden)
	}
}

func TestAliases(t *testing.T) {
	t.Parallel()
	files := func(folder string) map[string]string {
		return map[string]string{folder + "/css/site.css": "body { color: black; margin: 0 }", "/srv/app/secret.txt": "secret"}
	}
	for name, c := range map[string]struct {
		server aliased
		found  bool
	}{
		"same name":             {aliased{location: "/assets", folder: "/srv/app/assets/", files: files("/srv/app/assets")}, true},
		"usual name, files":     {aliased{location: "/assets", folder: "/srv/app/static/", files: files("/srv/app/static"), tryFiles: true}, true},
		"unknown name":          {aliased{location: "/assets", folder: "/srv/app/x7/", files: files("/srv/app/x7")}, true},
		"slash on both":         {aliased{location: "/assets/", folder: "/srv/app/assets/", files: files("/srv/app/assets")}, false},
		"slash on neither":      {aliased{location: "/assets", folder: "/srv/app/assets", files: files("/srv/app/assets")}, false},
		"unknown name and both": {aliased{location: "/assets/", folder: "/srv/app/x7/", files: files("/srv/app/x7")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := ""
			if c.found {
				want = "web.lfi /assets../"
			}
			if got := codes(runOn(t, c.server, Options{Active: true})); got != want {
				t.Errorf("found\n%s", got)
			}
		})
	}
}

// TestAliasOfAnything: servers that answer every name alike, or send all to a slash, prove nothing.
func TestAliasOfAnything(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"one page": func(w http.ResponseWriter, r *http.Request) { page200(w, `<a href="/assets/a.css">a</a>`) },
		"base name": func(w http.ResponseWriter, r *http.Request) {
			page200(w, path.Base(r.URL.Path)+` <a href="/assets/a.css">a</a>`)
		},
		"slashes": func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/":
				page200(w, `<a href="/assets/a.css">a</a>`)
			case !strings.HasSuffix(r.URL.Path, "/"):
				w.Header().Set("Location", r.URL.Path+"/")
				w.WriteHeader(http.StatusMovedPermanently)
			default:
				http.Error(w, "Forbidden", http.StatusForbidden)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := codes(runOn(t, answer, Options{Active: true})); got != "" {
				t.Errorf("found\n%s", got)
			}
		})
	}
}
