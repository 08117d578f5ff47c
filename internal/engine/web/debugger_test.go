package web

import (
	"io"
	"net/http"
	"testing"
)

// debugged is Werkzeug with its debugger: the console only for the machine itself, the script for everybody.
func debugged(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Query().Get("__debugger__") == "yes":
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, "if (CONSOLE_MODE && EVALEX) {}")
	case r.URL.Path == "/console" && r.Host == "127.0.0.1":
		page200(w, "<script>var CONSOLE_MODE = true, EVALEX = true</script>")
	case r.URL.Path == "/console":
		http.Error(w, "Bad Request", http.StatusBadRequest)
	case r.URL.Path == "/server-status":
		page200(w, "<h1>Server-Status (lighttpd/1.4.69)</h1>")
	case r.URL.Path == "/":
		page200(w, "hi")
	default:
		http.NotFound(w, r)
	}
}

func TestDebuggerAndStatus(t *testing.T) {
	t.Parallel()
	if got := codes(runOn(t, http.HandlerFunc(debugged), Options{})); got != "web.debug-console /console\nweb.status-page /server-status" {
		t.Errorf("found\n%s", got)
	}
}

// TestListingInCapitals is what WEBrick and h2o write, and webfs of a range that ends after the file.
func TestListingInCapitals(t *testing.T) {
	t.Parallel()
	got := codes(runOn(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/shop.php.bak" && r.Header.Get("Range") != "":
			http.Error(w, "*PLONK*", http.StatusBadRequest)
		case r.URL.Path == "/shop.php.bak":
			_, _ = io.WriteString(w, "<?php connect();")
		case r.URL.Path == "/":
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, `<!DOCTYPE html><TITLE>Index of /</TITLE><H2>Index of /</H2><UL><LI><A HREF="..">Parent Directory</A><LI><A HREF="shop.php.bak">shop.php.bak</A></UL>`)
		default:
			http.NotFound(w, r)
		}
	}), Options{}))
	if got != "web.backup-exposed /shop.php.bak\nweb.dirlist /" {
		t.Errorf("found\n%s", got)
	}
}
