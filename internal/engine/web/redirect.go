package web

import (
	"bytes"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

// redirectAway looks for redirects to a host that the parameter names: by the status, by the field Refresh, by its
// twin in the page, and by a script that does nothing else. Where the usual value already redirects, the value may
// follow a fixed host, which it can change into a part of ours.
func (s *scan) redirectAway(sp spot, usual *httpwire.Response) {
	host := randomName(10) + ".example"
	values := []string{"https://" + host + "/", "//" + host + "/", "https:" + host, `/\` + host}
	if usual.Status >= 300 && usual.Status <= 399 {
		values = append(values, "@"+host+"/", "."+host+"/")
	}
	for _, value := range values {
		r := s.send(sp, value)
		if r == nil {
			continue
		}
		for _, to := range destinations(r) {
			u, err := url.Parse(strings.ReplaceAll(to, `\`, "/"))
			if err != nil || !strings.EqualFold(u.Hostname(), host) && !strings.HasSuffix(strings.ToLower(u.Hostname()), "."+host) {
				continue
			}
			s.report(s.found("web.redirect", "web-open-redirect", sp.where(), 98, r, host, "The parameter "+sp.name()+" names the host to which the server redirects."))
			return
		}
	}
}

var scriptRedirect = regexp.MustCompile(`\blocation(?:\.href)?\s*=\s*["']([^"'\s]{1,400})["']|\blocation\.(?:replace|assign)\(\s*["']([^"'\s]{1,400})["']`)

// destinations are the addresses that an answer sends a browser to by itself.
func destinations(r *httpwire.Response) []string {
	if r.Status >= 300 && r.Status <= 399 {
		return []string{r.Header.Get("Location")}
	}
	var out []string
	if to := refreshTo(r.Header.Get("Refresh")); to != "" {
		out = append(out, to)
	}
	if r.Status != 200 || !isHTML(r) {
		return out
	}
	root, err := html.Parse(bytes.NewReader(r.Body))
	if err != nil {
		return out
	}
	for n := range root.Descendants() {
		switch {
		case n.Type != html.ElementNode:
		case n.DataAtom == atom.Meta && strings.EqualFold(attribute(n, "http-equiv"), "refresh"):
			out = append(out, refreshTo(attribute(n, "content")))
		case isProgram(n):
			for _, m := range scriptRedirect.FindAllStringSubmatch(n.FirstChild.Data, 8) {
				out = append(out, m[1]+m[2])
			}
		}
	}
	return out
}

// refreshTo is the address in "seconds; url=address".
func refreshTo(v string) string {
	at := strings.Index(strings.ToLower(v), "url=")
	if at < 0 {
		return ""
	}
	return strings.Trim(v[at+4:], `'" `)
}
