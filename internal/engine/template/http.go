package template

import (
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/engine/template/dsl"
	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

const (
	maxRequestsPerBlock = 250
	maxRace             = 10 // times that a request of a race is sent
	maxPause            = 20 * time.Second
)

// httpRequests is the compiled http part of a template.
type httpRequests struct {
	rules
	id              string
	requests        []httpTemplate
	payloads        *payloads
	redirects       int  // how many are followed
	noCookies       bool // each request for itself
	unsafe          bool
	lenient         bool // send requests whose markers have no value
	readOnly        bool // no method that writes
	comparesVersion bool // a condition compares a version that was read
	repeat          int  // how often each request is sent: more than once for a race
	digest          *digestAuth
}

// httpTemplate is one request: raw, or of method, path, fields and body.
type httpTemplate struct {
	raw    *dsl.Template
	method *dsl.Template
	path   *dsl.Template
	header []headerTemplate
	body   *dsl.Template
	key    string        // of the cache; empty where answers may not be shared
	pause  time.Duration // before it is sent
}

type headerTemplate struct {
	name  string
	value *dsl.Template
}

func (h *httpRequests) protocol() string { return "http" }

func compileHTTP(b *httpBlock, files fs.FS) (*httpRequests, error) {
	r, err := compileRules(b.operators)
	if err != nil {
		return nil, err
	}
	h := &httpRequests{rules: *r, id: b.ID, repeat: 1, noCookies: b.DisableCookie, unsafe: b.Unsafe, lenient: b.SkipVariables, readOnly: true}
	if h.payloads, err = compilePayloads(&b.Payloads, b.Attack, files); err != nil {
		return nil, err
	}
	if b.Race {
		h.repeat = min(max(b.RaceCount, 2), maxRace)
	}
	if b.DigestUsername != "" {
		h.digest = &digestAuth{b.DigestUsername, b.DigestPassword}
	}
	if b.Redirects || b.HostRedirects {
		if h.redirects = 10; b.MaxRedirects > 0 {
			h.redirects = min(b.MaxRedirects, 10)
		}
	}
	for _, p := range b.Path {
		if err := h.addPath(b, p); err != nil {
			return nil, err
		}
	}
	for _, raw := range b.Raw {
		if err := h.addRaw(raw); err != nil {
			return nil, err
		}
	}
	for _, m := range b.Matchers {
		h.comparesVersion = h.comparesVersion || slices.ContainsFunc(m.DSL, func(s string) bool { return strings.Contains(s, "compare_versions(") })
	}
	if len(h.requests) == 0 && b.Fuzzing.Kind == 0 && !b.GlobalMatchers {
		return nil, fmt.Errorf("http without path or raw")
	}
	return h, nil
}

func (h *httpRequests) addPath(b *httpBlock, p string) error {
	method := b.Method
	if method == "" {
		method = "GET"
	}
	t := httpTemplate{pause: pauseOf(p)}
	for _, f := range []struct {
		to   **dsl.Template
		from string
	}{{&t.method, method}, {&t.path, p}, {&t.body, b.Body}} {
		c, err := dsl.CompileText(f.from)
		if err != nil {
			return err
		}
		*f.to = c
	}
	for _, name := range slices.Sorted(maps.Keys(b.Headers)) {
		v, err := dsl.CompileText(b.Headers[name])
		if err != nil {
			return err
		}
		t.header = append(t.header, headerTemplate{name, v})
	}
	h.readOnly = h.readOnly && readMethod(method)
	if method == "GET" && b.Body == "" && len(b.Headers) == 0 && len(h.payloads.names) == 0 && plainPath(t.path) {
		t.key = fmt.Sprintf("%d %s", h.redirects, p)
	}
	h.requests = append(h.requests, t)
	return nil
}

// plainPath says that the path depends on nothing but the target.
func plainPath(t *dsl.Template) bool {
	for _, n := range t.Names() {
		if n != "BaseURL" && n != "RootURL" {
			return false
		}
	}
	return !strings.ContainsAny(t.Source(), "(")
}

func readMethod(m string) bool {
	switch strings.ToUpper(m) {
	case "PUT", "DELETE", "PATCH", "MKCOL", "MOVE", "COPY", "PROPPATCH", "LOCK":
		return false
	}
	return true
}

func (h *httpRequests) addRaw(raw string) error {
	c, err := dsl.CompileText(raw)
	if err != nil {
		return err
	}
	r, err := parseRaw(raw)
	if err != nil && !strings.HasPrefix(strings.TrimSpace(raw), "{{") {
		return err
	}
	if err == nil {
		h.readOnly = h.readOnly && readMethod(r.method)
	}
	h.requests = append(h.requests, httpTemplate{raw: c, pause: pauseOf(raw)})
	return nil
}

func (h *httpRequests) keys() []string {
	var all []string
	for _, r := range h.requests {
		if r.key != "" {
			all = append(all, r.key)
		}
	}
	return all
}

func (h *httpRequests) run(x *execution) (res result) {
	sent := 0
	tries := map[string]int{}
	h.payloads.combinations(func(row []*dsl.Template) bool {
		x.scope.calls.begin(ofPayloads)
		h.payloads.fill(x.scope, row)
		defer x.scope.calls.settle(x, &h.rules)
		if x.tooManyTries(tries) {
			return true
		}
		x.scope.answers = nil
		for i := range h.requests {
			if h.requests[i].wait(x); sent > maxRequestsPerBlock || x.stopped() {
				return false
			}
			for range h.repeat {
				if sent++; h.one(x, &h.requests[i], &res) && !x.every() {
					return false
				}
			}
		}
		return true
	})
	x.scope.payload = dsl.Map{}
	return res
}

// pauses are the markers by which templates wait before a request.
var pauses = regexp.MustCompile(`\{\{\s*wait_for\((\d{1,2})\)`)

func pauseOf(text string) time.Duration {
	m := pauses.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	seconds, _ := strconv.Atoi(m[1]) // two digits
	return min(time.Duration(seconds)*time.Second, maxPause)
}

func (t *httpTemplate) wait(x *execution) {
	if t.pause == 0 {
		return
	}
	select {
	case <-time.After(t.pause):
	case <-x.ctx.Done():
	}
}

// one sends one request and judges its answer; it says whether there is a match to stop at.
func (h *httpRequests) one(x *execution, t *httpTemplate, res *result) bool {
	x.scope.calls.begin(ofRequest)
	req, err := h.build(x, t)
	if err != nil {
		x.scope.answers = append(x.scope.answers, nil)
		return false
	}
	resp, err := x.exchange(req, t.key, h.redirects, !h.noCookies)
	if err == nil && h.digest != nil && resp.Status == 401 {
		resp, err = h.digest.again(x, req, resp)
	}
	if err != nil {
		x.scope.answers = append(x.scope.answers, nil)
		sent := x.client.Bytes(req)
		return x.await(&h.rules, sent, hit{path: req.Target, request: string(sent), login: x.login()}, res)
	}
	res.ran = true
	x.scope.answers = append(x.scope.answers, newHTTPAnswer(resp))
	j := h.judge(x.scope)
	if !j.matched {
		return x.await(&h.rules, resp.Sent, hit{path: req.Target, request: string(resp.Sent), response: excerpt(resp.Text(), ""), login: x.login()}, res)
	}
	if !j.internal && (h.fooled(x, req) || h.echo(x, req, resp)) {
		return false
	}
	res.matched = true
	if !j.internal {
		res.hits = append(res.hits, hit{
			path: req.Target, request: string(resp.Sent), response: excerpt(resp.Text(), j.shown), judgement: j, login: x.login(),
		})
	}
	return true
}

// build fills in one request. An error means that it is not for this target, or that a marker has no value.
func (h *httpRequests) build(x *execution, t *httpTemplate) (*httpwire.Request, error) {
	if t.raw != nil {
		return h.buildRaw(x, t)
	}
	target, err := h.render(t.path, x.scope)
	if err != nil {
		return nil, err
	}
	own := func(u *url.URL) bool { return x.client.Own(u) }
	target, ok := originForm(strings.TrimSpace(target), own)
	if !ok {
		return nil, errElsewhere
	}
	method, err := h.render(t.method, x.scope)
	if err != nil {
		return nil, err
	}
	req := &httpwire.Request{Method: method, Target: escapeTarget(target)}
	for _, f := range t.header {
		v, err := h.render(f.value, x.scope)
		if err != nil {
			return nil, err
		}
		req.Set(f.name, v)
	}
	body, err := h.render(t.body, x.scope)
	if err != nil {
		return nil, err
	}
	req.Body = []byte(body)
	return req, nil
}

func (h *httpRequests) buildRaw(x *execution, t *httpTemplate) (*httpwire.Request, error) {
	text, err := h.render(t.raw, x.scope)
	if err != nil {
		return nil, err
	}
	raw, err := parseRaw(text)
	if err != nil {
		return nil, err
	}
	own := func(u *url.URL) bool { return x.client.Own(u) }
	if raw.host != "" {
		if u, err := url.Parse(raw.host); err != nil || !own(u) {
			return nil, errElsewhere
		}
	}
	req := raw.request(h.unsafe)
	if !h.unsafe {
		target, ok := originForm(req.Target, own)
		if !ok {
			return nil, errElsewhere
		}
		if !strings.HasPrefix(target, "/") && target != "*" {
			target = "/" + target
		}
		req.Target = escapeTarget(target)
	}
	return req, nil
}

func (h *httpRequests) render(t *dsl.Template, s *scope) (string, error) {
	if h.lenient {
		return t.RenderLenient(s), nil
	}
	return t.Render(s)
}

// escapeTarget escapes only what would break the request line: blanks and control characters.
func escapeTarget(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return s
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == 0x7f {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
