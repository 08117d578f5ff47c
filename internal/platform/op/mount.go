package op

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/replay"
)

// Auditor keeps what an operation changed, in the transaction that changed it.
type Auditor func(tx *db.Tx, e Entry) error

// Entry is one line of the audit trail.
type Entry struct {
	Action  string // the operation's id
	Change  db.Change
	Request Request
}

// Request is what an answer and the audit trail tell of a request.
type Request struct {
	ID        string
	Path      string
	IP        string
	UserAgent string
}

// Mount is where operations are registered.
type Mount struct {
	API   huma.API
	DB    *db.DB
	Audit Auditor
	Keys  *replay.Keys
	Log   *slog.Logger
}

// Register puts the operations into the API. It refuses one without a known permission.
func (m *Mount) Register(all []Operation) error {
	for _, o := range all {
		if o.Permission == "" || !o.Permission.Known() {
			return fmt.Errorf("operation %s has no permission that is known (%q)", o.ID, o.Permission)
		}
		if o.Group == "" || o.Title == "" {
			return fmt.Errorf("operation %s has no group or title", o.ID)
		}
		o.register(m, o)
	}
	return nil
}

type contextKey int

const (
	principalKey contextKey = iota
	requestKey
	grantKey
	rawKey
)

// authentication is what the edge found out about the caller: a principal, or why there is none.
type authentication struct {
	principal access.Principal
	err       error
}

// WithPrincipal keeps the outcome of authentication; err is what a non-public operation answers.
func WithPrincipal(ctx context.Context, p access.Principal, err error) context.Context {
	return context.WithValue(ctx, principalKey, authentication{p, err})
}

// WithRequest keeps what is told of a request.
func WithRequest(ctx context.Context, r Request) context.Context {
	return context.WithValue(ctx, requestKey, r)
}

// RequestOf gives it back.
func RequestOf(ctx context.Context) Request {
	r, _ := ctx.Value(requestKey).(Request)
	return r
}

// raw is what op needs of the request besides what huma parses.
type raw struct {
	ctx    huma.Context
	replay *replay.Request
	prefer string
}

// maxBody of a request in bytes.
const maxBody = 1 << 20

// huma turns the declaration into huma's.
func (m *Mount) huma(o Operation, extra []string) huma.Operation {
	h := huma.Operation{
		OperationID: o.ID, Method: o.Method, Path: o.Path, Summary: o.Title, Tags: []string{o.Group},
		DefaultStatus: o.Status, MaxBodyBytes: maxBody, Errors: o.statuses(),
		Description: o.describe(), Extensions: map[string]any{"x-permission": string(o.Permission)},
		Middlewares: huma.Middlewares{m.enter(o, extra)},
	}
	if o.uploads {
		h.MaxBodyBytes, h.RequestBody, h.SkipValidateBody = MaxUpload, form(), true // the form is read by Upload.File
	}
	if o.Subgroup != "" {
		h.Extensions["x-subgroup"] = o.Subgroup
	}
	if o.Permission != access.Public {
		h.Security = []map[string][]string{{"bearer": {}}, {"access_token": {}}}
	} else {
		h.Security = []map[string][]string{}
	}
	if o.Columns != nil {
		if len(o.Columns.All) > 0 {
			h.Extensions["x-filterable"] = o.Columns.Names()
			h.Extensions["x-sortable"] = o.Columns.Sortable()
		}
		h.Parameters = listParameters(*o.Columns)
	}
	return h
}

func (o Operation) statuses() []int {
	all := []int{http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusUnprocessableEntity}
	if o.Permission != access.Public {
		all = append(all, http.StatusUnauthorized)
	}
	if o.Permission != access.Public && !o.enrolls || o.notImpersonated {
		all = append(all, http.StatusForbidden)
	}
	if strings.Contains(o.Path, "{") || o.Method == http.MethodPost {
		all = append(all, http.StatusNotFound)
	}
	return append(all, o.errors...)
}

func (o Operation) describe() string {
	text := o.Text
	if text != "" {
		text += "\n\n"
	}
	switch {
	case o.Permission == access.Public:
		text += "Needs no sign-in."
	case o.Permission.Coded():
		text += "Needs the permission `" + string(o.Permission) + "`."
	default:
		text += "Any signed-in caller, whatever the role."
	}
	if o.notImpersonated {
		text += " Refused while impersonating."
	}
	if o.Columns != nil && len(o.Columns.All) > 0 {
		text += "\n\nFilter with `q[column]=value` by " + code(o.Columns.Names()) + ". Sort with `sort_by` by " + code(o.Columns.Sortable()) +
			fmt.Sprintf(" (default `%s`). Date ranges filter `%s`.", o.Columns.Sort, o.Columns.Date)
	}
	return text
}

func code(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }

// enter runs before anything of the request is parsed: permission, ids of the path, unknown query parameters, and the
// idempotency key.
func (m *Mount) enter(o Operation, extra []string) func(huma.Context, func(huma.Context)) {
	params := pathParams(o.Path)
	return func(ctx huma.Context, next func(huma.Context)) {
		a, _ := ctx.Context().Value(principalKey).(authentication)
		if a.err != nil && o.Permission != access.Public {
			m.refuse(ctx, a.err)
			return
		}
		if err := o.bars(a.principal); err != nil {
			m.refuse(ctx, err)
			return
		}
		grant, err := access.Check(a.principal, o.Permission)
		if err == nil && o.notImpersonated && a.principal.Impersonator != "" {
			err = fault.New(fault.Forbidden, "An impersonator may touch no password, token or second factor.").Coded("impersonating")
		}
		if err == nil {
			err = checkIDs(ctx, params)
		}
		if err == nil && o.Columns == nil {
			err = checkQuery(ctx, extra)
		}
		if err != nil {
			m.refuse(ctx, err)
			return
		}
		key, replayed, err := m.replayed(ctx, o, grant)
		if err != nil {
			m.refuse(ctx, err)
			return
		}
		if replayed {
			return
		}
		ctx = huma.WithValue(ctx, grantKey, grant)
		next(huma.WithValue(ctx, rawKey, raw{ctx: ctx, replay: key, prefer: ctx.Header("Prefer")}))
	}
}

// bars is the fault for a caller whom the operation does not serve, whatever the permissions; nil for all others.
func (o Operation) bars(p access.Principal) error {
	switch {
	case o.notNested && p.Impersonator != "":
		return fault.New(fault.Conflict, "You are impersonating already; stop that first.").Coded("impersonating")
	case p.MustEnroll && !o.enrolls && o.Permission != access.Public:
		return fault.New(fault.Forbidden, "A second factor is required here: turn one on first (PUT /v2/user/mfa/enable, or a passkey).").Coded("two_factor_required")
	}
	return nil
}

func pathParams(path string) []string {
	var names []string
	for _, part := range strings.Split(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

// checkIDs answers 404 for an id that is no UUID, like one that is not there.
func checkIDs(ctx huma.Context, params []string) error {
	for _, name := range params {
		if (name == "id" || strings.HasSuffix(name, "_id")) && !filter.IsID(ctx.Param(name)) {
			return fault.Missing()
		}
	}
	return nil
}

func checkQuery(ctx huma.Context, known []string) error {
	var details []fault.Detail
	u := ctx.URL()
	for name := range u.Query() {
		if !slices.Contains(known, name) {
			there := "it takes none"
			if len(known) > 0 {
				there = "there are " + strings.Join(known, ", ")
			}
			details = append(details, fault.Detail{Pointer: name, Code: "unknown_parameter",
				Detail: fmt.Sprintf("There is no query parameter %s here; %s.", name, there)})
		}
	}
	return fault.All(details)
}

func (m *Mount) refuse(ctx huma.Context, err error) {
	p := m.problem(ctx.Context(), err)
	for name, values := range p.GetHeaders() {
		ctx.SetHeader(name, values[0])
	}
	ctx.SetHeader("Content-Type", "application/problem+json")
	ctx.SetStatus(p.Status)                         // the head is sent here
	_ = json.NewEncoder(ctx.BodyWriter()).Encode(p) // the client is gone if this fails
}

// located is an answer's body with the Location beside it; a nil body is none.
type located struct {
	location string
	body     any
}

// read and write run a handler in the caller's transaction. answer makes the body that an idempotency key keeps.
type runner func(ctx context.Context, o Operation, fn func(*db.Tx) (any, error)) error

func (m *Mount) read(ctx context.Context, _ Operation, fn func(*db.Tx) (any, error)) error {
	grant, _ := ctx.Value(grantKey).(access.Grant)
	err := m.DB.Read(ctx, grant, func(tx *db.Tx) error {
		_, err := fn(tx)
		return err
	})
	return m.fail(ctx, err)
}

func (m *Mount) write(ctx context.Context, o Operation, fn func(*db.Tx) (any, error)) error {
	return m.fail(ctx, m.commit(ctx, o, fn))
}

// commit is write with errors as they are.
func (m *Mount) commit(ctx context.Context, o Operation, fn func(*db.Tx) (any, error)) error {
	grant, _ := ctx.Value(grantKey).(access.Grant)
	r, _ := ctx.Value(rawKey).(raw)
	return m.DB.Write(ctx, grant, func(tx *db.Tx) error {
		if r.replay != nil {
			if err := m.Keys.Claim(tx, *r.replay); err != nil {
				return err
			}
		}
		body, err := fn(tx)
		if err != nil {
			return err
		}
		if err := m.audit(ctx, tx, o); err != nil {
			return err
		}
		if r.replay == nil {
			return nil
		}
		location := ""
		if a, ok := body.(located); ok {
			location, body = a.location, a.body
		}
		return m.Keys.Keep(tx, *r.replay, o.Status, location, body)
	})
}

func (m *Mount) audit(ctx context.Context, tx *db.Tx, o Operation) error {
	for _, c := range tx.Changes() {
		if err := m.Audit(tx, Entry{Action: o.ID, Change: c, Request: RequestOf(ctx)}); err != nil {
			return err
		}
	}
	return nil
}

// fail turns an error into the problem that huma writes; nil stays nil.
func (m *Mount) fail(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return m.problem(ctx, err)
}

// replayed answers from the first answer of the same idempotency key, if there is one.
func (m *Mount) replayed(ctx huma.Context, o Operation, g access.Grant) (*replay.Request, bool, error) {
	key := ctx.Header("Idempotency-Key")
	if key == "" || o.Method != http.MethodPost || strings.HasPrefix(o.Path, "/v2/auth") || g.IsSystem() {
		return nil, false, nil
	}
	u := ctx.URL()
	r, err := replay.New(ctx.Context(), g.Principal().User, o.Method, u.Path, key, g.Principal().Product+"?"+u.RawQuery)
	if err != nil {
		return nil, false, err
	}
	kept, err := m.Keys.Find(ctx.Context(), m.DB, g, *r)
	if err != nil || kept == nil {
		return r, false, err
	}
	ctx.SetHeader("Idempotent-Replayed", "true")
	if kept.Location != "" {
		ctx.SetHeader("Location", kept.Location)
	}
	told := string(kept.Body) != "null"
	if told {
		ctx.SetHeader("Content-Type", "application/json")
	}
	ctx.SetStatus(kept.Status)
	if told {
		_, _ = ctx.BodyWriter().Write(kept.Body) // the client is gone if this fails
	}
	return r, true, nil
}

// queryNames are the query parameters that an input declares.
func queryNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			names = append(names, queryNames(f.Type)...)
		}
		if q, ok := f.Tag.Lookup("query"); ok {
			name, _, _ := strings.Cut(q, ",")
			names = append(names, name)
		}
	}
	return names
}

// zone of the caller, for times without one.
func zone(g access.Grant) *time.Location {
	if z, err := time.LoadLocation(g.Principal().Timezone); err == nil {
		return z
	}
	return time.UTC
}
