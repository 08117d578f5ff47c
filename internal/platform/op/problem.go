package op

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette/vedette/internal/platform/fault"
)

// Problem is the body of every error answer (RFC 9457), with status_text for older clients.
type Problem struct {
	Type       string         `json:"type" doc:"about:blank, or a URI of the kind of problem" example:"about:blank"`
	Title      string         `json:"title" example:"Parameter Error"`
	Status     int            `json:"status" example:"422"`
	Detail     string         `json:"detail" doc:"What is wrong and what would be right"`
	Code       string         `json:"code,omitempty" doc:"Stable and machine-readable, where there is one"`
	Instance   string         `json:"instance" doc:"The request's path"`
	RequestID  string         `json:"request_id"`
	Errors     []fault.Detail `json:"errors" doc:"Every mistake, by JSON pointer or query parameter; empty where there is nothing to point at"`
	StatusText string         `json:"status_text" example:"Parameter Error"`

	retryAfter time.Duration
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus is for huma.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is for huma.
func (*Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders of the answer: how to authenticate, when to try again.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="vedette"`)
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", fmt.Sprint(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	return h
}

// pointed points a refused request that names no place in it at the whole of it.
func (p *Problem) pointed(code string) {
	if p.Status == http.StatusUnprocessableEntity && len(p.Errors) == 0 {
		p.Errors = append(p.Errors, fault.Detail{Pointer: "/", Code: code, Detail: p.Detail})
	}
}

// about tells which request the problem is of.
func (p *Problem) about(r Request) { p.RequestID, p.Instance = r.ID, r.Path }

// Write the problem to a plain answer.
func (p *Problem) Write(w http.ResponseWriter) {
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client is gone if this fails
}

var statuses = map[fault.Kind]int{
	fault.Invalid: 422, fault.Unauthenticated: 401, fault.Forbidden: 403, fault.NotFound: 404, fault.Conflict: 409,
	fault.Gone: 410, fault.TooLarge: 413, fault.Limited: 429, fault.Unavailable: 503, fault.Internal: 500,
}

var titles = map[int]string{
	401: "Unauthorized", 403: "Forbidden", 404: "Record Not Found", 422: "Parameter Error", 409: "Conflict", 410: "Gone",
	413: "Payload Too Large", 429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable",
}

// NewProblem makes the body of a status.
func NewProblem(status int, detail string) *Problem {
	title, ok := titles[status]
	if !ok {
		title = http.StatusText(status)
	}
	return &Problem{Type: "about:blank", Title: title, StatusText: title, Status: status, Detail: detail, Errors: []fault.Detail{}}
}

// ProblemOf turns any error into what a client may read; the text of an internal one stays inside.
func ProblemOf(err error) *Problem {
	var f *fault.Fault
	if !errors.As(err, &f) {
		return NewProblem(http.StatusInternalServerError, "Something went wrong on our side; the request_id helps us to find it.")
	}
	if f.Kind == fault.Internal {
		return NewProblem(http.StatusInternalServerError, "Something went wrong on our side; the request_id helps us to find it.")
	}
	p := NewProblem(statuses[f.Kind], f.Text)
	p.Code, p.retryAfter = f.Code, f.After
	p.Errors = append(p.Errors, f.Details...)
	p.pointed(cmp.Or(f.Code, "invalid"))
	return p
}

// problem logs internal errors, once, here at the edge.
func (m *Mount) problem(ctx context.Context, err error) *Problem {
	p := ProblemOf(err)
	p.about(RequestOf(ctx))
	if p.Status >= 500 && !errors.Is(err, context.Canceled) {
		m.Log.ErrorContext(ctx, "request failed", slog.Any("error", err))
	}
	return p
}

func init() {
	huma.DefaultArrayNullable = false
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		if status == http.StatusBadRequest {
			status = http.StatusUnprocessableEntity
		}
		p := NewProblem(status, strings.ToUpper(message[:min(1, len(message))])+message[min(1, len(message)):])
		for _, err := range errs {
			var d huma.ErrorDetailer
			if errors.As(err, &d) {
				p.Errors = append(p.Errors, detailOf(d.ErrorDetail()))
			} else if err != nil {
				p.Errors = append(p.Errors, fault.Detail{Code: "invalid", Detail: err.Error()})
			}
		}
		if len(p.Errors) == 1 {
			p.Detail = p.Errors[0].Pointer + ": " + p.Errors[0].Detail
		}
		p.pointed("invalid")
		return p
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
		p := huma.NewError(status, message, errs...).(*Problem)
		if ctx != nil {
			p.about(RequestOf(ctx.Context()))
		}
		return p
	}
}

// detailOf turns huma's body.target.name into /target/name. Values are not repeated: they may be secrets.
func detailOf(d *huma.ErrorDetail) fault.Detail {
	where := d.Location
	if rest, ok := strings.CutPrefix(where, "body"); ok {
		where = strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(rest)
		if where == "" {
			where = "/"
		}
	} else {
		_, where, _ = strings.Cut(where, ".")
	}
	code := "invalid"
	switch {
	case strings.Contains(d.Message, "unexpected property"):
		code = "unknown_attribute"
		return fault.Detail{Pointer: where, Code: code, Detail: "There is no such attribute here."}
	case strings.Contains(d.Message, "required"):
		code = "required"
		if name, ok := strings.CutPrefix(d.Message, "expected required property "); ok {
			name, _, _ = strings.Cut(name, " ")
			return fault.Detail{Pointer: strings.TrimSuffix(where, "/") + "/" + name, Code: code, Detail: name + " is required."}
		}
	}
	return fault.Detail{Pointer: where, Code: code, Detail: d.Message}
}
