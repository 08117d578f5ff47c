package web

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

// Methods of points whose values do not go where a query or a form puts them.
const (
	inPath   = "PATH"   // the value is the last segment of the path
	inCookie = "COOKIE" // the values are cookies of a GET
	inHeader = "HEADER" // the values are fields of a GET
	inJSON   = "JSON"   // the values are members of the object that is posted
)

// outside says that the value lies neither in the path nor in a parameter of the URL or form.
func (sp spot) outside() bool {
	return sp.method == inCookie || sp.method == inHeader || sp.method == inJSON
}

// outsideRequest sends the point with one value replaced.
func (sp spot) outsideRequest(value string) *httpwire.Request {
	switch sp.method {
	case inHeader:
		r := httpwire.Get(sp.path)
		r.Set(sp.name(), fieldSafe.Replace(value))
		return r
	case inCookie:
		r := httpwire.Get(sp.path)
		var all []string
		for i, p := range sp.params {
			v := p.value
			if i == sp.at {
				v = cookieSafe.Replace(value)
			}
			all = append(all, p.name+"="+v)
		}
		r.Set("Cookie", strings.Join(all, "; "))
		return r
	}
	r := &httpwire.Request{Method: "POST", Target: sp.path, Body: sp.object(value)}
	r.Set("Content-Type", "application/json")
	return r
}

var (
	// Most programs undo these escapes in a cookie, and none could tell the bytes themselves from the cookie's end.
	cookieSafe = strings.NewReplacer(";", "%3B", "\r", "%0D", "\n", "%0A", "\x00", "%00")
	fieldSafe  = strings.NewReplacer("\r", " ", "\n", " ", "\x00", "")
)

// object is the body of a point in JSON. The value that is tried is text, unless it is the usual one.
func (sp spot) object(value string) []byte {
	out := map[string]any{}
	for i, p := range sp.params {
		v := p.value
		if i == sp.at {
			v = value
		}
		if out[p.name] = v; sp.numbers[p.name] && v == p.value && numeric(v) {
			out[p.name] = json.Number(v)
		}
	}
	b, err := json.Marshal(out)
	if err != nil {
		return []byte("{}")
	}
	return b
}

const (
	maxPrograms  = 8 // pages on which fields and cookies are tried
	maxCookies   = 6
	maxJSON      = 40
	triedAddress = "192.0.2.1" // documentation (RFC 5737): nobody trusts it
)

// programs are pages that a program may have made, each path once, those with a query first.
func (s *scan) programs() []page {
	var out []page
	known := map[string]bool{}
	for _, query := range []bool{true, false} {
		for _, p := range s.site.pages {
			at, _, has := strings.Cut(p.target, "?")
			if has != query || known[at] || len(out) == maxPrograms || p.response.Status != 200 || !computed(p.response) {
				continue
			}
			known[at] = true
			out = append(out, p)
		}
	}
	return out
}

// computed tells answers that a program may have made from files that a server sends as they are.
func computed(r *httpwire.Response) bool {
	if r.Header.Get("Accept-Ranges") != "" || r.Header.Get("Last-Modified") != "" && r.Header.Get("Etag") != "" {
		return false
	}
	return isHTML(r) || isJSON(r)
}

func isJSON(r *httpwire.Response) bool {
	return strings.Contains(strings.ToLower(r.Header.Get("Content-Type")), "json")
}

// headerSpots are the fields that programs write down or look up.
func (s *scan) headerSpots(pages []page) []spot {
	fields := []param{
		{"User-Agent", httpwire.UserAgent(s.target.Contact)}, {"Referer", s.client.Scheme() + "://" + s.client.Authority() + "/"}, {"X-Forwarded-For", triedAddress},
	}
	var out []spot
	for _, f := range fields {
		for _, p := range pages {
			out = append(out, spot{point{method: inHeader, path: p.target, params: []param{f}, from: p.target}, 0})
		}
	}
	return out
}

// cookieSpots are the cookies that the site sets, each on the page that sets it and on some others.
func (s *scan) cookieSpots(pages []page) []spot {
	jar := map[string]string{}
	setOn := map[string]string{}
	for _, p := range s.site.pages {
		before := len(jar)
		keepCookies(jar, p.response)
		if p.document != nil {
			for _, script := range p.document.inline {
				keepScriptCookies(jar, script)
			}
		}
		if len(jar) > before {
			for name := range jar {
				if setOn[name] == "" {
					setOn[name] = p.target
				}
			}
		}
	}
	var all []param
	for name, value := range jar {
		all = append(all, param{name, value})
	}
	slices.SortFunc(all, func(a, b param) int { return strings.Compare(a.name, b.name) })
	all = all[:min(len(all), maxCookies)]
	var out []spot
	for i, c := range all {
		targets := []string{setOn[c.name]}
		for _, p := range pages {
			if !slices.Contains(targets, p.target) {
				targets = append(targets, p.target)
			}
		}
		for _, target := range targets {
			out = append(out, spot{point{method: inCookie, path: target, params: all, from: target}, i})
		}
	}
	return out
}

// keepScriptCookies adds what a script of the page sets: document.cookie = "name=value; …".
func keepScriptCookies(jar map[string]string, script string) {
	for _, m := range scriptCookie.FindAllStringSubmatch(script, 10) {
		if name, value := m[1], m[2]; len(jar) < 30 && jar[name] == "" {
			jar[name] = value
		}
	}
}

// attackOutside tries what is not in URLs and forms: fields, cookies and objects in JSON. Where a field or cookie has shown a
// fault on one page, the others share the code that has it. Within a session it is not for use: a cookie of ours would
// end it, and an object might act in the account's name.
func (s *scan) attackOutside() {
	pages := s.programs()
	groups := map[string][]spot{}
	headers := s.headerSpots(pages)
	each(s, headers, s.sow)
	for _, sp := range append(headers, s.cookieSpots(pages)...) {
		groups[sp.method+sp.name()] = append(groups[sp.method+sp.name()], sp)
	}
	var lists [][]spot
	for _, g := range groups {
		lists = append(lists, g)
	}
	each(s, lists, func(group []spot) {
		for _, sp := range group {
			if s.attackOne(sp) {
				return
			}
		}
	})
	var objects []spot
	for _, p := range s.jsonPoints() {
		for i := range p.params {
			objects = append(objects, spot{p, i})
		}
	}
	each(s, objects[:min(len(objects), maxJSON)], func(sp spot) { s.attackOne(sp) })
}

// attackOne says whether it found what the same name elsewhere would only tell again.
func (s *scan) attackOne(sp spot) bool {
	usual := s.send(sp, sp.value())
	if usual == nil || fixed(sp.name()) || usual.Status == 404 || usual.Status == 405 || usual.Status == 415 {
		return false
	}
	if sp.method == inHeader {
		return s.inject(sp, usual)
	}
	if sp.method == inCookie {
		if other := s.send(sp, randomName(10)); other == nil || alike(usual, other) {
			return s.inject(sp, usual) // the page does not show what the cookie says, and at most looks something up by it
		}
	}
	shown := sp.method != inCookie && s.crossSite(sp) // nobody else can set this cookie
	if s.execute(sp) || s.inject(sp, usual) || s.traverse(sp, usual) {
		return true
	}
	if sp.method == inJSON {
		s.fetchSelf(sp, usual)
	}
	return shown
}

// jsonPoints are objects that the site takes: those that its description or its scripts tell, and its forms, in case
// that the same program takes both.
func (s *scan) jsonPoints() []point {
	out := slices.Clone(s.site.objects)
	known := map[string]bool{}
	for _, p := range out {
		known[p.path] = true
	}
	for _, p := range s.site.points {
		if p.method == "POST" && !known[p.path] && len(out) < maxJSON && s.takesJSON(p) {
			known[p.path] = true
			out = append(out, point{method: inJSON, path: p.path, params: p.params, from: p.from})
		}
	}
	return out
}

// takesJSON says that a form's program reads an object as well: its answer is not that to an empty one.
func (s *scan) takesJSON(p point) bool {
	empty, err1 := s.do(spot{point{method: inJSON, path: p.path}, 0}.outsideRequest(""))
	full, err2 := s.do(spot{point{method: inJSON, path: p.path, params: p.params}, -1}.outsideRequest(""))
	return err1 == nil && err2 == nil && full.Status < 400 && !alike(empty, full)
}

func joinQuery(target string, params []param) string {
	values := make([]string, len(params))
	for i, p := range params {
		values[i] = url.QueryEscape(p.name) + "=" + url.QueryEscape(p.value)
	}
	return target + "?" + strings.Join(values, "&")
}
