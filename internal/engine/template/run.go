package template

import (
	"context"
	"errors"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/internal/engine/template/dsl"
	"github.com/vedette/vedette/internal/engine/tlsprobe"
	"github.com/vedette/vedette/internal/engine/web/httpwire"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

var errElsewhere = errors.New("request leads to another target")

const (
	maxTries     = 3 // logins with one account
	maxShared    = 64 << 20
	maxRedirects = 10
)

// run is one run of a set against one target.
type run struct {
	ctx     context.Context
	net     *wire.Net
	target  wire.Target
	options Options
	client  *httpwire.Client
	shared  map[string]bool
	jarm    func() string

	lock  sync.Mutex
	cache map[string]*cached
	size  int
}

type cached struct {
	once sync.Once
	resp *httpwire.Response
	err  error
}

// execution is one template within a run.
type execution struct {
	*run
	template *Template
	scope    *scope
	jar      cookies
}

// Run runs every template that fits the service, and gives what they found in the order of the templates. It ends
// early, with what it has, when ctx ends, the deadline passes or the target stops answering.
func (s *Set) Run(ctx context.Context, n *wire.Net, t wire.Target, o Options) []scanlink.Finding {
	ctx, cancel := withDeadline(ctx, o.Deadline)
	defer cancel()
	r := &run{
		ctx: ctx, net: n, target: t, options: o, shared: s.shared, cache: map[string]*cached{},
		client: httpwire.New(ctx, n, t, httpwire.Options{Timeout: o.Timeout, MaxRequests: o.MaxRequests}),
	}
	r.jarm = sync.OnceValue(func() string {
		s, _ := tlsprobe.JARM(ctx, n, t) // empty, which no template looks for
		return s
	})
	defer r.client.Close()
	found := make([][]scanlink.Finding, len(s.templates))
	var group errgroup.Group
	group.SetLimit(max(1, o.Parallel))
	if o.Parallel == 0 {
		group.SetLimit(6)
	}
	for i, tpl := range s.templates {
		if !r.fits(tpl) {
			continue
		}
		group.Go(func() error {
			if r.stopped() {
				r.client.Skip()
				return nil
			}
			found[i] = r.execute(tpl)
			return nil
		})
	}
	_ = group.Wait()
	var all []scanlink.Finding
	for _, f := range found {
		all = append(all, f...)
	}
	return all
}

// fits says whether the template is for this service and allowed by the options.
func (r *run) fits(t *Template) bool {
	if t.idle != "" && (t.idle != idleOutOfBand || r.options.Callbacks == nil) || t.class == "" && !r.options.Detections || t.active && !r.options.Active {
		return false
	}
	for _, b := range t.blocks {
		switch b := b.(type) {
		case *httpRequests:
			if !httpwire.Speaks(r.target) {
				return false
			}
		case *tcpExchange:
			if !b.fits(r.target, t) {
				return false
			}
		case *dnsQuery:
			if !b.fits(r.target) {
				return false
			}
		case *sslProbe:
			if !b.fits(r.target) {
				return false
			}
		}
	}
	return true
}

func (r *run) execute(t *Template) []scanlink.Finding {
	x := &execution{run: r, template: t, scope: newScope(r.target), jar: cookies{}}
	x.scope.jarm = r.jarm
	for name, v := range r.options.Variables {
		x.scope.base[name] = v
	}
	x.scope.calls = newCalls(r.options.Callbacks)
	for _, v := range t.variables {
		s, err := v.value.Render(x.scope)
		if err != nil {
			s = v.value.RenderLenient(x.scope)
		}
		x.scope.variables[v.name] = s
	}
	var hits []hit
	if t.flow != nil {
		hits = t.flow.run(x, t.blocks)
	} else {
		for _, b := range t.blocks {
			hits = append(hits, x.block(b).hits...)
			if len(hits) > 0 && !x.every() {
				break
			}
		}
	}
	if len(hits) > 1 && !x.every() {
		hits = hits[len(hits)-1:]
	}
	if len(hits) > 0 {
		x.scope.calls.setDone()
	}
	return x.findings(hits)
}

// block runs one block, and keeps its answer for those of other protocols.
func (x *execution) block(b block) result {
	x.scope.answers = nil
	res := b.run(x)
	x.scope.keep(b.protocol())
	return res
}

func (r *run) stopped() bool { return r.ctx.Err() != nil || r.client.Down() }

// every says that each match counts for itself, as with default logins.
func (x *execution) every() bool { return x.template.class == "creds" }

// tooManyTries counts a try of the account in the payload; no account is tried often enough to lock it.
func (x *execution) tooManyTries(tries map[string]int) bool {
	if !x.every() {
		return false
	}
	user, _ := x.credentials()
	tries[user]++
	return tries[user] > maxTries
}

func (x *execution) credentials() (user, password string) {
	find := func(names ...string) string {
		for _, m := range []dsl.Map{x.scope.payload, x.scope.variables} {
			for _, n := range names {
				if v, ok := m[n]; ok {
					return dsl.Text(v)
				}
			}
		}
		return ""
	}
	return find("username", "user", "usr", "login", "email", "uname"), find("password", "pass", "pwd", "passwd")
}

// login is user/password of a default login, empty as -.
func (x *execution) login() string {
	if !x.every() {
		return ""
	}
	user, password := x.credentials()
	if user == "" && password == "" {
		if l, ok := x.template.info.Metadata["vedette-login"].(string); ok {
			return l
		}
	}
	dash := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	return dash(user) + "/" + dash(password)
}

// exchange sends a request and follows redirects that stay on the target. Answers to requests that several templates
// send are kept.
func (x *execution) exchange(req *httpwire.Request, key string, redirects int, jar bool) (*httpwire.Response, error) {
	if key != "" && x.shared[key] && len(x.jar) == 0 {
		c := x.entry(key)
		c.once.Do(func() {
			c.resp, c.err = x.follow(req, redirects, nil)
			x.account(key, c)
		})
		if c.err == nil && jar {
			x.jar.take(c.resp)
		}
		return c.resp, c.err
	}
	if !jar {
		return x.follow(req, redirects, nil)
	}
	return x.follow(req, redirects, x.jar)
}

func (r *run) entry(key string) *cached {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.cache[key] == nil {
		r.cache[key] = &cached{}
	}
	return r.cache[key]
}

func (r *run) account(key string, c *cached) {
	if c.resp == nil {
		return
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.size += len(c.resp.Body); r.size > maxShared {
		r.size -= len(c.resp.Body)
		delete(r.cache, key)
	}
}

func (r *run) follow(req *httpwire.Request, redirects int, jar cookies) (*httpwire.Response, error) {
	for i := 0; ; i++ {
		if len(jar) > 0 && !req.Has("Cookie") && req.Raw == nil {
			req.Set("Cookie", jar.header())
		}
		resp, err := r.client.Do(req)
		if err != nil {
			return nil, err
		}
		if jar != nil {
			jar.take(resp)
		}
		if i >= min(redirects, maxRedirects) || resp.Status < 300 || resp.Status > 399 || req.Raw != nil {
			return resp, nil
		}
		target, ok := r.client.Resolve(req.Target, resp.Header.Get("Location"))
		if !ok {
			return resp, nil
		}
		req = redirected(req, resp.Status, target)
	}
}

// redirected is the request that a redirect asks for (RFC 9110, 15.4): a GET but after 307 and 308.
func redirected(req *httpwire.Request, status int, target string) *httpwire.Request {
	next := &httpwire.Request{Method: "GET", Target: target, Timeout: req.Timeout, SNI: req.SNI}
	if status == 307 || status == 308 {
		next.Method, next.Body = req.Method, req.Body
	}
	if req.Method == "HEAD" {
		next.Method = "HEAD"
	}
	for _, f := range req.Header {
		if !strings.EqualFold(f.Name, "Cookie") && (next.Method != "GET" || !strings.HasPrefix(strings.ToLower(f.Name), "content-")) {
			next.Header = append(next.Header, f)
		}
	}
	return next
}

// fooled says that the server gives an answer that matches just as well for a path that cannot exist: it says yes to
// anything, and the match means nothing.
func (h *httpRequests) fooled(x *execution, req *httpwire.Request) bool {
	if !x.template.control || req.Method != "GET" || len(req.Body) > 0 || req.Raw != nil || len(h.requests) > 1 && h.chained() {
		return false
	}
	sibling, ok := control(req.Target)
	if !ok {
		return false
	}
	// Neither query nor fields go along: an attack in them works on any path of some servers.
	resp, err := x.follow(httpwire.Get(sibling), h.redirects, nil)
	if err != nil {
		return false
	}
	other := &scope{base: x.scope.base, variables: x.scope.variables, payload: x.scope.payload, extracted: dsl.Map{}, lists: map[string][]string{}}
	other.answers = []dsl.Vars{newHTTPAnswer(resp)}
	return h.judge(other).matched
}

// chained says that the block's requests build upon each other, so that one alone proves nothing.
func (h *httpRequests) chained() bool { return h.requests[0].raw != nil }
