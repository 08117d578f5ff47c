package op

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
)

// Resource is the representation of one thing.
type Resource[A any] struct {
	ID         string `json:"id"`
	Type       string `json:"type"`
	Attributes A      `json:"attributes"`
}

// Ref names a thing that was deleted or acted upon.
type Ref struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// Link answers a reference to another resource.
type Link struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// One is the body of a single resource.
type One[A any] struct {
	Data Resource[A] `json:"data"`
}

// Many is the body of a list.
type Many[A any] struct {
	Data []Resource[A] `json:"data"`
	Meta PageMeta      `json:"meta"`
}

// PageMeta is the meta of a list.
type PageMeta struct {
	Pagination filter.Meta `json:"pagination"`
}

// All is the body of a short list without pages.
type All[A any] struct {
	Data []Resource[A] `json:"data"`
}

// Represent makes a resource of its attributes.
func Represent[A Key](a A) Resource[A] {
	id, kind := a.Key()
	return Resource[A]{ID: id, Type: kind, Attributes: a}
}

// RepresentAll makes a short list.
func RepresentAll[A Key](all []A) All[A] {
	out := All[A]{Data: []Resource[A]{}}
	for _, a := range all {
		out.Data = append(out.Data, Represent(a))
	}
	return out
}

type bodyOne[A any] struct {
	Location string `header:"Location"`
	Cache    string `header:"Cache-Control"`
	Body     *One[A]
}

// Cached attributes may be kept by whoever gets them, browsers and proxies, for a time; zero: they may not.
type Cached interface{ CacheFor() time.Duration }

func inputNames[I any]() []string { return queryNames(reflect.TypeFor[I]()) }

func registerOne[I any, A Key](m *Mount, o Operation, run runner, h func(*db.Tx, *I) (A, error)) {
	huma.Register(m.API, m.huma(o, inputNames[I]()), func(ctx context.Context, in *I) (*bodyOne[A], error) {
		o := o
		if at, ok := any(in).(Identified); ok {
			o.Path = strings.Replace(o.Path, "{id}", at.PathID(), 1) // for the Location of what is made below a resource
			o.home = strings.Replace(o.home, "{id}", at.PathID(), 1)
		}
		var out *bodyOne[A]
		err := run(ctx, o, func(tx *db.Tx) (any, error) {
			a, err := h(tx, in)
			if err != nil {
				return nil, err
			}
			out = answerOne(o, a)
			return located{out.Location, out.Body}, nil
		})
		if err != nil {
			return nil, err
		}
		return out, nil
	})
}

type bodyBare struct {
	Location   string `header:"Location"`
	Preference string `header:"Preference-Applied"`
	Body       func(huma.Context)
}

func registerBare[I any, A Key](m *Mount, o Operation, h func(*db.Tx, *I) (A, error)) {
	declared := m.huma(o, inputNames[I]())
	declared.Responses = map[string]*huma.Response{"201": {
		Description: "Created; the body is sent where Prefer: return=representation asks for it",
		Content:     map[string]*huma.MediaType{"application/json": {Schema: m.API.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[One[A]](), true, "")}},
		Headers:     map[string]*huma.Param{"Location": {Description: "The new resource", Schema: &huma.Schema{Type: "string"}}},
	}}
	huma.Register(m.API, declared, func(ctx context.Context, in *I) (*bodyBare, error) {
		r, _ := ctx.Value(rawKey).(raw)
		out := &bodyBare{Body: func(ctx huma.Context) { ctx.SetStatus(o.Status) }}
		err := m.write(ctx, o, func(tx *db.Tx) (any, error) {
			a, err := h(tx, in)
			if err != nil {
				return nil, err
			}
			full := answerOne(o, a)
			out.Location = full.Location
			if !strings.Contains(r.prefer, "return=representation") {
				return located{location: full.Location}, nil
			}
			out.Preference = "return=representation"
			out.Body = func(ctx huma.Context) { writeJSON(ctx, o.Status, full.Body) }
			return located{full.Location, full.Body}, nil
		})
		if err != nil {
			return nil, err
		}
		return out, nil
	})
}

func answerOne[A Key](o Operation, a A) *bodyOne[A] {
	out := &bodyOne[A]{Body: &One[A]{Data: Represent(a)}}
	if o.Status == http.StatusCreated {
		out.Location = strings.TrimSuffix(cmp.Or(o.home, o.Path), "/") + "/" + out.Body.Data.ID
	}
	if c, ok := any(a).(Cached); ok && c.CacheFor() > 0 {
		out.Cache = fmt.Sprintf("public, max-age=%d", int(c.CacheFor().Seconds()))
	}
	return out
}

func registerLongOne[I any, A Key](m *Mount, o Operation, h func(context.Context, Opener, *I) (A, error)) {
	huma.Register(m.API, m.huma(o, inputNames[I]()), func(ctx context.Context, in *I) (*bodyOne[A], error) {
		a, err := h(ctx, m.opener(ctx, o), in)
		if err != nil {
			return nil, m.fail(ctx, err)
		}
		return answerOne(o, a), nil
	})
}

func (m *Mount) opener(ctx context.Context, o Operation) Opener {
	grant, _ := ctx.Value(grantKey).(access.Grant)
	return Opener{mount: m, operation: o, grant: grant}
}

type bodyFlat[O any] struct{ Body O }

func registerFlat[I, O any](m *Mount, o Operation, run runner, h func(*db.Tx, *I) (O, error)) {
	huma.Register(m.API, m.huma(o, inputNames[I]()), func(ctx context.Context, in *I) (*bodyFlat[O], error) {
		var out *bodyFlat[O]
		err := run(ctx, o, func(tx *db.Tx) (any, error) {
			body, err := h(tx, in)
			out = &bodyFlat[O]{body}
			return body, err
		})
		if err != nil {
			return nil, err
		}
		return out, nil
	})
}

type bodyQuiet struct{ Body func(huma.Context) }

func registerQuiet[I, O any](m *Mount, o Operation, h func(*db.Tx, *I) (O, bool, error)) {
	declared := m.huma(o, inputNames[I]())
	declared.Responses = map[string]*huma.Response{"200": {
		Description: "The answer; it has no body where the question was yes or no",
		Content:     map[string]*huma.MediaType{"application/json": {Schema: m.API.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[O](), true, "")}},
	}}
	huma.Register(m.API, declared, func(ctx context.Context, in *I) (*bodyQuiet, error) {
		out := &bodyQuiet{Body: func(huma.Context) {}}
		err := m.read(ctx, o, func(tx *db.Tx) (any, error) {
			body, show, err := h(tx, in)
			if show {
				out.Body = func(ctx huma.Context) { writeJSON(ctx, o.Status, body) }
			}
			return nil, err
		})
		if err != nil {
			return nil, err
		}
		return out, nil
	})
}

func registerLong[I, O any](m *Mount, o Operation, h func(context.Context, Opener, *I) (O, error)) {
	huma.Register(m.API, m.huma(o, inputNames[I]()), func(ctx context.Context, in *I) (*bodyFlat[O], error) {
		body, err := h(ctx, m.opener(ctx, o), in)
		if err != nil {
			return nil, m.fail(ctx, err)
		}
		return &bodyFlat[O]{body}, nil
	})
}

type bodyRef struct {
	Body struct {
		Data Ref `json:"data"`
	}
}

func registerDelete[I Identified](m *Mount, o Operation, kind string, h func(*db.Tx, *I) error) {
	huma.Register(m.API, m.huma(o, inputNames[I]()), func(ctx context.Context, in *I) (*bodyRef, error) {
		out := &bodyRef{}
		out.Body.Data = Ref{ID: (*in).PathID(), Type: kind}
		err := m.write(ctx, o, func(tx *db.Tx) (any, error) { return out.Body, h(tx, in) })
		if err != nil {
			return nil, err
		}
		return out, nil
	})
}

// MaxBulk is how many resources one bulk operation takes.
const MaxBulk = 1000

type bulkInput struct {
	IDs  string `query:"ids" doc:"Ids, separated by commas; or send them in the body"`
	Body *bulkBody
}

type bulkBody struct {
	IDs []string `json:"ids" minItems:"1" maxItems:"1000" doc:"1 to 1,000 ids; all or nothing"`
}

type bodyRefs struct {
	Body struct {
		Data []Ref `json:"data"`
	}
}

func registerBulk(m *Mount, o Operation, kind string, h func(*db.Tx, []string) error) {
	huma.Register(m.API, m.huma(o, inputNames[bulkInput]()), func(ctx context.Context, in *bulkInput) (*bodyRefs, error) {
		ids, err := in.ids()
		if err != nil {
			return nil, m.fail(ctx, err)
		}
		out := &bodyRefs{}
		for _, id := range ids {
			out.Body.Data = append(out.Body.Data, Ref{ID: id, Type: kind})
		}
		err = m.write(ctx, o, func(tx *db.Tx) (any, error) { return out.Body, h(tx, ids) })
		if err != nil {
			return nil, err
		}
		return out, nil
	})
}

func (in *bulkInput) ids() ([]string, error) {
	var ids []string
	if in.Body != nil {
		ids = in.Body.IDs
	}
	if in.IDs != "" {
		ids = append(ids, strings.Split(in.IDs, ",")...)
	}
	seen := map[string]bool{}
	var unique []string
	for _, id := range ids {
		id = strings.ToLower(strings.TrimSpace(id))
		if !filter.IsID(id) {
			return nil, fault.Missing()
		}
		if !seen[id] {
			seen[id] = true
			unique = append(unique, id)
		}
	}
	if len(unique) == 0 || len(unique) > MaxBulk {
		return nil, fault.At("/ids", "out_of_range", `Send 1 to %d ids, as {"ids": ["…"]} or ?ids=a,b.`, MaxBulk)
	}
	return unique, nil
}

// File is a download.
type File struct {
	Name        string
	ContentType string
	Size        int64
	SHA256      string
	Content     io.ReadCloser
	// Shown says that it is an image for pages of whatever origin, and never changes: browsers show it and keep it for ever.
	Shown bool
}

type bodyStream struct {
	ContentType   string `header:"Content-Type"`
	Disposition   string `header:"Content-Disposition"`
	ContentLength string `header:"Content-Length"`
	Digest        string `header:"Repr-Digest"`
	Cache         string `header:"Cache-Control"`
	Origins       string `header:"Cross-Origin-Resource-Policy"`
	Body          func(huma.Context)
}

func registerDownload[I any](m *Mount, o Operation, h func(context.Context, Opener, *I) (*File, error)) {
	declared := m.huma(o, inputNames[I]())
	declared.Responses = map[string]*huma.Response{"200": {
		Description: "The file",
		Content:     map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: "string", Format: "binary"}}},
	}}
	huma.Register(m.API, declared, func(ctx context.Context, in *I) (*bodyStream, error) {
		f, err := h(ctx, m.opener(ctx, o), in)
		if err != nil {
			return nil, m.fail(ctx, err)
		}
		out := &bodyStream{
			ContentType: f.ContentType, Disposition: fmt.Sprintf("attachment; filename=%q", f.Name), ContentLength: fmt.Sprint(f.Size), Digest: digest(f.SHA256),
			Body: func(ctx huma.Context) {
				defer f.Content.Close()
				_, _ = io.Copy(ctx.BodyWriter(), f.Content) // the client is gone if this fails
			},
		}
		if f.Shown {
			out.Disposition, out.Cache, out.Origins = "inline", "public, max-age=31536000, immutable", "cross-origin"
		}
		return out, nil
	})
}

// digest of a representation as RFC 9530 writes it; empty where the sum is not known.
func digest(sha256 string) string {
	sum, err := hex.DecodeString(sha256)
	if err != nil || len(sum) == 0 {
		return ""
	}
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum) + ":"
}

// writeJSON answers from a body function, for which huma sets no status.
func writeJSON(ctx huma.Context, status int, v any) {
	ctx.SetHeader("Content-Type", "application/json")
	ctx.SetStatus(status)
	_ = json.NewEncoder(ctx.BodyWriter()).Encode(v) // the client is gone if this fails
}
