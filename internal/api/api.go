// Package api is the HTTP edge of /v2: who calls, how often, in which form answers and errors come. It knows no noun; app
// hands it the operation table.
package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/metric"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/replay"
)

// Options of the edge.
type Options struct {
	DB             *db.DB
	Operations     []op.Operation
	Identify       Identify
	Application    func(ctx context.Context, key, ip string) (Application, error) // whose API key it is; nil: keys are not looked at
	RequireKey     bool                                                           // refuse calls without an API key
	Audit          op.Auditor
	Keys           *replay.Keys
	Log            *slog.Logger
	Metrics        *metric.Registry
	TrustedProxies []netip.Prefix
	BaseURL        string
	Limits         Limits
	Ready          func(*http.Request) error // nil where the program is ready to serve
}

const (
	maxBody      = 1 << 20
	documentPath = "/v2/openapi.json"
)

// New builds the handler of everything under /v2, the documentation page and the health checks. It fails on an operation that
// has no known permission.
func New(o Options) (http.Handler, error) {
	mux := http.NewServeMux()
	document, err := mount(mux, o)
	if err != nil {
		return nil, err
	}
	mux.HandleFunc("GET "+documentPath, serveDocument(document))
	mountDocs(mux, document)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", ready(o))
	edge := &edge{options: o, limiter: newLimiter(o.Limits, o.DB.Clock()), requests: o.Metrics.Histogram("http_request_seconds",
		"Time to answer a request.", []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}, "method", "route", "status")}
	return edge.wrap(mux), nil
}

// Document is the OpenAPI 3.1 description of the operations, indented, for api/openapi.json.
func Document(operations []op.Operation) ([]byte, error) {
	mux := http.NewServeMux()
	m := &op.Mount{API: humago.New(mux, humaConfig("")), Log: slog.Default()}
	if err := m.Register(operations); err != nil {
		return nil, err
	}
	describe(m.API.OpenAPI())
	return json.MarshalIndent(m.API.OpenAPI(), "", "  ")
}

// mount registers the operations and gives the OpenAPI document of them.
func mount(mux *http.ServeMux, o Options) ([]byte, error) {
	m := &op.Mount{API: humago.New(mux, humaConfig(o.BaseURL)), DB: o.DB, Audit: o.Audit, Keys: o.Keys, Log: o.Log}
	if err := m.Register(o.Operations); err != nil {
		return nil, err
	}
	describe(m.API.OpenAPI())
	raw, err := json.Marshal(m.API.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("OpenAPI document: %w", err)
	}
	return raw, nil
}

func humaConfig(base string) huma.Config {
	c := huma.DefaultConfig("Vedette", "2.0.0")
	c.CreateHooks, c.OpenAPIPath, c.DocsPath, c.SchemasPath = nil, "", "", ""
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.Info.Description = "Vulnerability scanning and PCI compliance. See /docs for Getting Started, Authentication, Common Error Responses and Filtering Data."
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer":       {Type: "http", Scheme: "bearer", Description: "The token of a sign-in; it expires."},
		"access_token": {Type: "apiKey", In: "header", Name: "Authorization", Description: "`Basic <access token>`, the raw token after the word; it never expires."},
		"api_key":      {Type: "apiKey", In: "header", Name: "x-api-key", Description: "Names the calling application, besides a token."},
	}
	c.Servers = []*huma.Server{{URL: "/", Description: "The server that this document came from"}}
	if base != "" {
		c.Servers = []*huma.Server{{URL: base}}
	}
	return c
}

// schemaName is the type's name behind its package's, so that every noun may have its Attributes.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := t.Name()
	if name == "" {
		return unnamed(t, hint)
	}
	outer, inner, generic := strings.Cut(name, "[")
	if generic {
		inner = strings.TrimSuffix(inner, "]")
		return outer + qualified(inner)
	}
	return title(lastPackage(t.PkgPath())) + title(outer)
}

// unnamed is a body that wraps one resource: it is called after what it wraps.
func unnamed(t reflect.Type, hint string) string {
	if t.Kind() == reflect.Struct && t.NumField() == 1 && t.Field(0).Type.Name() != "" && t.Field(0).Type.PkgPath() != "" {
		return schemaName(t.Field(0).Type, hint) + "Body"
	}
	return title(huma.DefaultSchemaNamer(t, hint))
}

// qualified names an instantiated type argument: …/domain/target.Attributes becomes TargetAttributes.
func qualified(argument string) string {
	var b strings.Builder
	for _, part := range strings.FieldsFunc(argument, func(r rune) bool { return r == '[' || r == ']' || r == ',' }) {
		if i := strings.LastIndex(part, "/"); i >= 0 {
			part = part[i+1:]
		}
		for _, word := range strings.Split(part, ".") {
			b.WriteString(title(word))
		}
	}
	return b.String()
}

func lastPackage(path string) string {
	name := path[strings.LastIndex(path, "/")+1:]
	if name == "op" || name == "fault" || name == "filter" {
		return ""
	}
	return name
}

func title(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func ready(o Options) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := o.DB.Ping(r.Context())
		if err == nil && o.Ready != nil {
			err = o.Ready(r)
		}
		if err != nil {
			o.Log.WarnContext(r.Context(), "not ready", slog.Any("error", err))
			op.NewProblem(http.StatusServiceUnavailable, "The service is not ready; try again shortly.").Write(w)
			return
		}
		fmt.Fprintln(w, "ready")
	}
}

// Server with the time limits of a service that faces strangers.
func Server(address string, h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{Addr: address, Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 60 * time.Second, WriteTimeout: 10 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
}
