package web

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

// checkHeaders looks at the first HTML page, and at the cookies of all pages.
func (s *scan) checkHeaders() {
	for _, p := range s.site.pages {
		if p.response.Status == 200 && p.document != nil {
			if absent := s.absentHeaders(p.response); len(absent) > 0 {
				s.report(s.found("web.headers", "web-security-headers", p.target, 98, p.response, "", "Missing: "+strings.Join(absent, ", ")+"."))
			}
			break
		}
	}
	faults := map[string][]string{}
	first := map[string]page{}
	var names []string
	for _, p := range s.site.pages {
		for _, line := range p.response.Header["Set-Cookie"] {
			name, f := cookieFaults(line, s.client.Scheme() == "https")
			if len(f) == 0 || faults[name] != nil || len(names) >= 50 {
				continue
			}
			faults[name], first[name] = f, p
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	var lines []string
	for _, n := range names {
		lines = append(lines, fmt.Sprintf("%s: without %s", n, strings.Join(faults[n], ", ")))
	}
	p := first[names[0]]
	s.report(s.found("web.cookies", "web-cookie-flags", p.target, 98, p.response, "Set-Cookie", strings.Join(lines, "\n")))
}

func (s *scan) absentHeaders(r *httpwire.Response) []string {
	policy := strings.ToLower(r.Header.Get("Content-Security-Policy"))
	var absent []string
	for _, h := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"} {
		if r.Header.Get(h) == "" {
			absent = append(absent, h)
		}
	}
	if r.Header.Get("X-Frame-Options") == "" && !strings.Contains(policy, "frame-ancestors") {
		absent = append(absent, "X-Frame-Options")
	}
	if s.client.Scheme() == "https" && r.Header.Get("Strict-Transport-Security") == "" {
		absent = append(absent, "Strict-Transport-Security")
	}
	return absent
}

// cookieFaults gives the flags that a cookie lacks (RFC 6265, 4.1.2). SameSite and HttpOnly matter for what looks like
// a session or carries no lesser purpose in its name; Secure only over TLS.
func cookieFaults(line string, secure bool) (name string, faults []string) {
	parts := strings.Split(line, ";")
	name, _, _ = strings.Cut(parts[0], "=")
	name = strings.TrimSpace(name)
	has := func(flag string) bool {
		return slices.ContainsFunc(parts[1:], func(p string) bool {
			key, _, _ := strings.Cut(strings.TrimSpace(p), "=")
			return strings.EqualFold(key, flag)
		})
	}
	if name == "" || len(name) > 100 {
		return name, nil
	}
	if secure && !has("Secure") {
		faults = append(faults, "Secure")
	}
	if !has("HttpOnly") {
		faults = append(faults, "HttpOnly")
	}
	if !has("SameSite") {
		faults = append(faults, "SameSite")
	}
	return name, faults
}

// checkTrace asks the server to repeat the request, which hands cookies to scripts (cross-site tracing).
func (s *scan) checkTrace() {
	mark := randomName(12)
	r, err := s.client.Do(&httpwire.Request{Method: "TRACE", Target: "/", Header: []httpwire.Field{{Name: "X-Probe", Value: mark}}})
	if err != nil || r.Status != 200 || isHTML(r) || !strings.HasPrefix(strings.TrimSpace(string(r.Body)), "TRACE / ") || !strings.Contains(string(r.Body), mark) {
		return
	}
	s.report(s.found("web.trace", "web-trace-method", "/", 98, r, mark, "The method TRACE repeats the request with its fields."))
}
