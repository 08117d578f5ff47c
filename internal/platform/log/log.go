// Package log sets up the server's log: slog records on one writer, with what the context knows about the request or
// job, and without secrets. An error is logged once, at the edge that answers for it.
package log

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/vedette/vedette/internal/platform/secret"
)

// New makes a logger; level is debug, info, warn or error, format text or json.
func New(w io.Writer, level, format string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q: want debug, info, warn or error", level)
	}
	options := &slog.HandlerOptions{Level: least, ReplaceAttr: redact}
	switch format {
	case "text":
		return slog.New(handler{slog.NewTextHandler(w, options)}), nil
	case "json":
		return slog.New(handler{slog.NewJSONHandler(w, options)}), nil
	}
	return nil, fmt.Errorf("log format %q: want text or json", format)
}

// telling are parts of attribute names whose values are never written, whatever their type: the second lock behind the
// types of package secret.
var telling = []string{"password", "passwd", "secret", "token", "authorization", "cookie", "api_key", "apikey", "x-api-key", "private_key", "credential"}

func redact(_ []string, a slog.Attr) slog.Attr {
	name := strings.ToLower(a.Key)
	for _, part := range telling {
		if strings.Contains(name, part) && a.Value.Kind() != slog.KindBool {
			return slog.String(a.Key, secret.Dots)
		}
	}
	return a
}

type contextKey int

const (
	attrsKey contextKey = iota
	requestKey
)

// With gives a context whose records carry the attributes, in addition to those it carried before.
func With(ctx context.Context, attrs ...slog.Attr) context.Context {
	before, _ := ctx.Value(attrsKey).([]slog.Attr)
	return context.WithValue(ctx, attrsKey, append(before[:len(before):len(before)], attrs...))
}

// WithRequest gives a context whose records carry the id of the request, as request_id.
func WithRequest(ctx context.Context, id string) context.Context {
	return context.WithValue(With(ctx, slog.String("request_id", id)), requestKey, id)
}

// RequestID is the id that WithRequest put into the context, "" for none.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey).(string)
	return id
}

// handler adds the attributes of the context to each record.
type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if attrs, ok := ctx.Value(attrsKey).([]slog.Attr); ok {
		r = r.Clone()
		r.AddAttrs(attrs...)
	}
	return h.Handler.Handle(ctx, r)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}
func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }
