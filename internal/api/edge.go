package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/log"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/replay"
)

// Identify finds out who calls, from the Authorization header, X-Organization-Id and ?product=.
type Identify func(ctx context.Context, authorization, organization, product string) (access.Principal, error)

// Application that an API key names, and the organization that the key belongs to.
type Application struct{ ID, Organization string }

// serves says whether the key is for callers of this organization: the key's own, and those below it.
func (a Application) serves(home access.Organization) bool {
	return a.Organization == home.ID || home.Below(a.Organization)
}

type edge struct {
	options  Options
	limiter  *limiter
	requests *prometheus.HistogramVec
}

// wrap puts around every request: its id, its client's address, security headers, rate limits, who calls, a log line.
func (e *edge) wrap(mux *http.ServeMux) http.Handler {
	inner := replay.Capture(maxBody, op.MaxUpload, references(problems(mux)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := clock.Monotonic()
		request := op.Request{ID: uuid.Must(uuid.NewV7()).String(), Path: r.URL.Path, IP: e.client(r), UserAgent: r.UserAgent()}
		ctx := log.WithRequest(op.WithRequest(r.Context(), request), request.ID)
		secure(w.Header())
		w.Header().Set("X-Request-Id", request.ID)
		watch := &watcher{ResponseWriter: w, status: http.StatusOK}
		defer e.recovered(ctx, watch)
		_, pattern := mux.Handler(r)
		defer func() {
			took := clock.Since(started)
			e.requests.WithLabelValues(method(r.Method), route(pattern), strconv.Itoa(watch.status)).Observe(took.Seconds())
			e.options.Log.InfoContext(ctx, "request", slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", watch.status),
				slog.Duration("took", took), slog.String("ip", request.IP))
		}()
		e.serve(watch, r.WithContext(ctx), inner, request)
	})
}

func (e *edge) serve(w http.ResponseWriter, r *http.Request, inner http.Handler, request op.Request) {
	if !strings.HasPrefix(r.URL.Path, "/v2/") {
		inner.ServeHTTP(w, r)
		return
	}
	r.URL.Path = foldIDs(r.URL.Path)
	c := e.caller(r, request.IP)
	refused := e.limiter.take(w.Header(), c.principal, c.application, request.IP, public(r.URL.Path))
	if refused == nil {
		refused = c.refused
	}
	if refused != nil {
		answer(w, request, refused)
		return
	}
	if r.URL.Query().Has("product") {
		r = withoutProduct(r)
	}
	inner.ServeHTTP(w, r.WithContext(op.WithPrincipal(r.Context(), c.principal, c.err)))
}

// caller of one request.
type caller struct {
	principal   access.Principal
	err         error // why there is none; public operations do without
	application Application
	refused     error // of any operation
}

func (e *edge) caller(r *http.Request, ip string) caller {
	c := caller{err: fault.New(fault.Unauthenticated, "Sign in first: send Authorization: Bearer <token>, or Basic <access token>.")}
	if c.application, c.refused = e.application(r, ip); c.refused != nil {
		return c
	}
	if header := r.Header.Get("Authorization"); header != "" {
		c.principal, c.err = e.options.Identify(r.Context(), header, e.organization(r), r.URL.Query().Get("product"))
		if c.err != nil && fault.KindOf(c.err) == fault.Internal {
			e.options.Log.ErrorContext(r.Context(), "identify", slog.Any("error", c.err))
		}
	}
	if c.application.ID != "" && c.principal.User != "" && !c.application.serves(c.principal.Home) {
		c.application, c.refused = Application{}, fault.New(fault.Unauthenticated, "The API key in x-api-key belongs to another organization.").Coded("api_key_invalid")
	}
	return c
}

// application is the zero one where no key is sent, and none is asked for.
func (e *edge) application(r *http.Request, ip string) (Application, error) {
	key := r.Header.Get("x-api-key")
	if key == "" || e.options.Application == nil {
		if e.options.RequireKey && r.URL.Path != documentPath {
			return Application{}, fault.New(fault.Unauthenticated, "This installation asks for an API key on every call: send it in the header x-api-key.").Coded("api_key_required")
		}
		return Application{}, nil
	}
	app, err := e.options.Application(r.Context(), key, ip)
	if err != nil && fault.KindOf(err) == fault.Internal {
		e.options.Log.ErrorContext(r.Context(), "identify the application", slog.Any("error", err))
	}
	return app, err
}

// organization to act in; the calls about oneself take none.
func (e *edge) organization(r *http.Request) string {
	if strings.HasPrefix(r.URL.Path, "/v2/user/") || public(r.URL.Path) {
		return ""
	}
	return r.Header.Get("X-Organization-Id")
}

// foldIDs writes the UUIDs of a path in lower case, as they are kept.
func foldIDs(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if filter.IsID(p) {
			parts[i] = strings.ToLower(p)
		}
	}
	return strings.Join(parts, "/")
}

func public(path string) bool { return strings.HasPrefix(path, "/v2/auth/") }

// withoutProduct takes ?product= away once it is known, so that operations need not know it.
func withoutProduct(r *http.Request) *http.Request {
	clone := r.Clone(r.Context())
	q := clone.URL.Query()
	q.Del("product")
	clone.URL.RawQuery = q.Encode()
	return clone
}

func answer(w http.ResponseWriter, request op.Request, err error) {
	p := op.ProblemOf(err)
	p.RequestID, p.Instance = request.ID, request.Path
	p.Write(w)
}

// recovered answers a panic with 500 and keeps the program running.
func (e *edge) recovered(ctx context.Context, w *watcher) {
	cause := recover()
	if cause == nil {
		return
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause)
	}
	e.options.Log.ErrorContext(ctx, "panic", slog.Any("cause", cause), slog.String("stack", stack()))
	if !w.wrote {
		answer(w, op.RequestOf(ctx), errors.New("panic"))
	}
}

func secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// client is the address of who asks: the peer's, or what a trusted proxy says of it.
func (e *edge) client(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	peer, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",") // a proxy may add a line of its own
	for i := len(hops) - 1; i >= 0 && e.trusted(peer); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		peer = next
	}
	return peer.Unmap().String()
}

func (e *edge) trusted(a netip.Addr) bool {
	return slices.ContainsFunc(e.options.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}

// method as a label: whoever asks may write anything there, and each word would be kept for good.
func method(name string) string {
	switch name {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return name
	}
	return "other"
}

func route(pattern string) string {
	if pattern == "" {
		return "none"
	}
	if _, path, ok := strings.Cut(pattern, " "); ok {
		return path
	}
	return pattern
}

type watcher struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (w *watcher) WriteHeader(status int) {
	if !w.wrote {
		w.status, w.wrote = status, true
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *watcher) Write(b []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *watcher) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// SetReadDeadline keeps huma from setting its own of five seconds before it reads a body. That is read by then (references), and
// net/http, which reads on to see a client go away, takes an expired deadline for that and cancels what still works on the request.
// The server's ReadTimeout bounds the sending.
func (*watcher) SetReadDeadline(time.Time) error { return nil }

// problems answers what the mux itself refuses (404, 405) as every other error.
func problems(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, r)
		if allow := recorder.Header().Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
		}
		p := op.NewProblem(recorder.Code, "There is no such path here; the operations are listed in /v2/openapi.json.")
		if recorder.Code == http.StatusMethodNotAllowed {
			p.Detail = "This path does not take " + r.Method + "; it takes " + recorder.Header().Get("Allow") + "."
		}
		p.RequestID, p.Instance = op.RequestOf(r.Context()).ID, r.URL.Path
		p.Write(w)
	})
}

// nouns that a request may name by <noun>_id as well as by the bare noun.
var nouns = []string{"target", "scanner", "schedule", "port_list", "scan", "parent_organization", "organization", "plan", "task", "user"}

// references renames <noun>_id to <noun> in a body and within its wrapped resource, so that operations know one name. Bodies that
// are no JSON object, or hold nothing to rename, go on as they came.
func references(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := r.Header.Get("Content-Type") // none is taken for JSON
		if (r.Method != http.MethodPost && r.Method != http.MethodPut) || kind != "" && !strings.Contains(kind, "json") {
			next.ServeHTTP(w, r)
			return
		}
		head, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		rest := r.Body
		if err == nil && holdsNUL(head) {
			answer(w, op.RequestOf(r.Context()), fault.New(fault.Invalid, "A text of the body holds NUL, which can't be kept; leave it out.").Coded("bad_text"))
			return
		}
		if err == nil && len(head) <= maxBody && bytes.Contains(head, []byte(`_id"`)) {
			head = renamed(head)
			r.ContentLength = int64(len(head))
		}
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(head), rest), rest}
		next.ServeHTTP(w, r)
	})
}

// holdsNUL says whether a text of the JSON holds the character that no database keeps.
func holdsNUL(body []byte) bool {
	const escape = `\u0000`
	for i := bytes.Index(body, []byte(escape)); i >= 0; {
		slashes := len(body[:i]) - len(bytes.TrimRight(body[:i], `\`))
		if slashes%2 == 0 {
			return true
		}
		next := bytes.Index(body[i+len(escape):], []byte(escape))
		if next < 0 {
			return false
		}
		i += len(escape) + next
	}
	return false
}

func renamed(body []byte) []byte {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var outer map[string]any
	if decoder.Decode(&outer) != nil {
		return body
	}
	changed := rename(outer)
	for _, v := range outer {
		if inner, ok := v.(map[string]any); ok && rename(inner) {
			changed = true
		}
	}
	if !changed {
		return body
	}
	out, err := json.Marshal(outer)
	if err != nil {
		return body
	}
	return out
}

// rename the references of one object.
func rename(in map[string]any) (changed bool) {
	for _, noun := range nouns {
		id, has := in[noun+"_id"]
		if _, both := in[noun]; has && !both {
			in[noun] = id
			delete(in, noun+"_id")
			changed = true
		}
	}
	return changed
}
