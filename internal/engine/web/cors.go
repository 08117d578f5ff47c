package web

import (
	"strings"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

const maxOrigins = 60

// checkOrigins asks pages from a foreign origin, with the user's cookies as it were: a server that repeats any origin
// and allows credentials lets every site read what its visitor may see (Fetch standard, CORS protocol).
func (s *scan) checkOrigins() {
	var targets []string
	known := map[string]bool{}
	for _, p := range s.site.pages {
		path, _, _ := strings.Cut(p.target, "?")
		if p.response.Status < 400 && len(targets) < maxOrigins && !known[path] {
			known[path] = true
			targets = append(targets, p.target)
		}
	}
	each(s, targets, func(target string) {
		for _, origin := range []string{"https://" + randomName(10) + ".example", "null"} {
			r, err := s.client.Do(&httpwire.Request{Method: "GET", Target: target, Header: []httpwire.Field{{Name: "Origin", Value: origin}}})
			if err != nil || r.Header.Get("Access-Control-Allow-Origin") != origin || !strings.EqualFold(r.Header.Get("Access-Control-Allow-Credentials"), "true") {
				continue
			}
			path, _, _ := strings.Cut(target, "?")
			s.report(s.found("web.cors", "web-cors", path, 98, r, "Access-Control-Allow-Origin",
				"The origin "+origin+", which nobody has, may read this page with the visitor's cookies."))
			return
		}
	})
}
