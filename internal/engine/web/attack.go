package web

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

// attack tries each parameter that the crawler found. The probes read and compute only; what could store or log in is
// not repeated.
func (s *scan) attack() {
	var spots []spot
	for _, p := range append(s.site.points, s.segments()...) {
		if s.signed && p.method == "POST" {
			continue
		}
		for i := range p.params {
			spots = append(spots, spot{p, i})
		}
	}
	each(s, spots[:min(len(spots), 400)], s.attackSpot)
	each(s, s.site.folders[:min(len(s.site.folders), 30)], s.traversePath)
	each(s, s.site.folders[:min(len(s.site.folders), 40)], s.splitPath)
	s.leaveAliases()
	if !s.signed {
		s.expandBodies()
		s.tryWriting()
		s.attackOutside() // many requests, so these come last
	}
	s.harvest()
}

// spot is one parameter of a point.
type spot struct {
	point
	at int
}

func (sp spot) name() string { return sp.params[sp.at].name }

func (sp spot) value() string { return sp.params[sp.at].value }

// where names the spot as a path with the parameter, for people and as the finding's key.
func (sp spot) where() string {
	if sp.method == inPath {
		return sp.path + sp.value()
	}
	if sp.outside() {
		return fmt.Sprintf("%s [%s %s]", sp.path, strings.ToLower(sp.method), sp.name())
	}
	return sp.path + "?" + sp.name() + "="
}

// request sends the point with one value replaced. raw values go into the query unescaped.
func (sp spot) request(value string) *httpwire.Request {
	if sp.method == inPath {
		return httpwire.Get(sp.path + url.PathEscape(value))
	}
	if sp.outside() {
		return sp.outsideRequest(value)
	}
	encoded := make([]string, len(sp.params))
	for i, p := range sp.params {
		v := p.value
		if i == sp.at {
			v = value
		}
		encoded[i] = url.QueryEscape(p.name) + "=" + url.QueryEscape(v)
	}
	form := strings.Join(encoded, "&")
	if sp.method == "POST" {
		r := &httpwire.Request{Method: "POST", Target: sp.path, Body: []byte(form)}
		r.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	return httpwire.Get(sp.path + "?" + form)
}

func (s *scan) send(sp spot, value string) *httpwire.Response {
	if s.ctx.Err() != nil {
		return nil
	}
	r, err := s.do(sp.request(value))
	if err != nil {
		return nil
	}
	return r
}

// fixed tells parameters whose values guard the form: changing them says nothing of the application.
func fixed(name string) bool {
	lower := strings.ToLower(name)
	for _, w := range []string{"csrf", "xsrf", "__viewstate", "__eventvalidation", "nonce", "_token", "authenticity"} {
		if strings.Contains(lower, w) {
			return true
		}
	}
	return false
}

func (s *scan) attackSpot(sp spot) {
	if fixed(sp.name()) {
		return
	}
	usual := s.send(sp, sp.value())
	if usual == nil {
		return
	}
	s.crossSite(sp)
	if !s.execute(sp) {
		s.inject(sp, usual)
	}
	if sp.method == inPath {
		return
	}
	s.traverse(sp, usual)
	s.splitHeader(sp)
	s.redirectAway(sp, usual)
	s.fetchSelf(sp, usual)
	s.expand(sp, usual)
}

const maxSegments = 16

// segments are pages whose last segment may be a value: those that lie in a folder and have no name of a file. Of each
// folder one is enough.
func (s *scan) segments() []point {
	var out []point
	known := map[string]bool{}
	for _, p := range s.site.pages {
		target, _, query := strings.Cut(p.target, "?")
		at := strings.LastIndexByte(target, '/')
		if query || at < 1 || p.response.Status != 200 || known[target[:at]] || len(out) == maxSegments {
			continue
		}
		value, err := url.PathUnescape(target[at+1:])
		if err != nil || value == "" || len(value) > 40 || strings.ContainsAny(value, "./") {
			continue
		}
		known[target[:at]] = true
		out = append(out, point{method: inPath, path: target[:at+1], params: []param{{"the last segment of the path", value}}, from: p.target})
	}
	return out
}
