package web

import (
	"regexp"
	"strings"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

// checkDebugger asks for the script that Werkzeug's debugger serves at every path while it is on, then for its console,
// which recent versions give only to requests that name the machine itself, whoever sends them.
func (s *scan) checkDebugger() {
	const script = "/?__debugger__=yes&cmd=resource&f=debugger.js"
	r, err := s.client.Do(httpwire.Get(script))
	if err != nil || r.Status != 200 || isHTML(r) || !strings.Contains(string(r.Body), "EVALEX") {
		return
	}
	detail := "The debugger of Werkzeug is on: a program that fails shows its source, and runs code for who knows the PIN."
	for _, name := range []string{"", "127.0.0.1", "localhost"} {
		get := httpwire.Get("/console")
		if name != "" {
			get.Set("Host", name)
		}
		console, err := s.client.Do(get)
		if err == nil && console.Status == 200 && strings.Contains(string(console.Body), "CONSOLE_MODE = true") {
			s.report(s.found("web.debug-console", "web-debug-page", "/console", 98, console, "CONSOLE_MODE", detail+" Its console is served."))
			return
		}
	}
	s.report(s.found("web.debug-console", "web-debug-page", "/", 97, r, "EVALEX", detail))
}

// statusPages are pages of servers about themselves, where their manuals put them.
var statusPages = []struct {
	path string
	text *regexp.Regexp
}{
	{"/server-status", regexp.MustCompile(`(?i)<h1>Server-Status \(lighttpd`)},
	{"/server-status?json", regexp.MustCompile(`"RequestsTotal":|"TrafficTotal":`)}, // lighttpd
	{"/server-config", regexp.MustCompile(`(?i)<h1>Server-(?:Config|Status) \(lighttpd`)},
	{"/server-statistics", regexp.MustCompile(`(?m)^(?:fastcgi|cgi|proxy)\.[\w.-]+: \d+`)},
	{"/server-status/json", regexp.MustCompile(`"server-version"\s*:\s*"h2o|"openssl-version"\s*:`)}, // h2o
	{"/stub_status", regexp.MustCompile(`(?i)^Active connections: \d+`)},
	{"/basic_status", regexp.MustCompile(`(?i)^Active connections: \d+`)},
	{"/status", regexp.MustCompile(`(?i)^Active connections: \d+|^pool:\s+\S+\s+process manager:`)},
	{"/fpm-status", regexp.MustCompile(`^pool:\s+\S+\s+process manager:`)},
	{"/php-fpm-status", regexp.MustCompile(`^pool:\s+\S+\s+process manager:`)},
	{"/balancer-manager", regexp.MustCompile(`(?i)<h1>Load Balancer Manager for`)},
}

func (s *scan) checkStatus() {
	each(s, statusPages, func(p struct {
		path string
		text *regexp.Regexp
	}) {
		r, err := s.get(p.path)
		if err != nil || r.Status != 200 {
			return
		}
		if shown := p.text.FindString(string(r.Body[:min(len(r.Body), 128<<10)])); shown != "" {
			s.report(s.found("web.status-page", "web-status-page", p.path, 97, r, shown, "The server tells about its state and its visitors: "+p.path))
		}
	})
}
