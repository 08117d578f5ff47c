package op

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
)

// Happening is one server-sent event. One without a name is a comment, which keeps the connection open.
type Happening struct {
	ID   string // what a client that comes back sends as Last-Event-ID; may be empty
	Name string
	Data any
}

// Send gives an event to the client; its error means that the client is gone.
type Send func(Happening) error

// streamPatience is how long a client may take to accept an event.
const streamPatience = 30 * time.Second

// Stream answers with server-sent events. What can be refused is refused by h, before the answer begins; the function that it gives
// sends until it returns, or its context ends because the client has gone or the server stops.
func Stream[I any](id, title, path string, p access.Permission, h func(context.Context, Opener, *I) (func(context.Context, Send), error)) Operation {
	o := operation(id, title, http.MethodGet, path, p)
	o.register = func(m *Mount, o Operation) { registerStream(m, o, h) }
	return o
}

type bodyEvents struct{ Body func(huma.Context) }

func registerStream[I any](m *Mount, o Operation, h func(context.Context, Opener, *I) (func(context.Context, Send), error)) {
	declared := m.huma(o, inputNames[I]())
	declared.Responses = map[string]*huma.Response{"200": {
		Description: "Server-sent events, as browsers read them (text/event-stream)",
		Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: "string"}}},
	}}
	huma.Register(m.API, declared, func(ctx context.Context, in *I) (*bodyEvents, error) {
		run, err := h(ctx, m.opener(ctx, o), in)
		if err != nil {
			return nil, m.fail(ctx, err)
		}
		return &bodyEvents{Body: func(hctx huma.Context) {
			hctx.SetHeader("Content-Type", "text/event-stream")
			hctx.SetHeader("X-Accel-Buffering", "no") // of proxies
			hctx.SetStatus(o.Status)
			ctx, cancel := context.WithCancel(hctx.Context())
			defer cancel()
			if s, ok := ctx.Value(http.ServerContextKey).(*http.Server); ok {
				go func() {
					select {
					case <-closing(s):
						cancel()
					case <-ctx.Done():
					}
				}()
			}
			run(ctx, sender(hctx))
		}}, nil
	})
}

func sender(hctx huma.Context) Send {
	w := hctx.BodyWriter()
	var control *http.ResponseController
	if rw, ok := w.(http.ResponseWriter); ok {
		control = http.NewResponseController(rw)
	}
	return func(e Happening) error {
		text := ": still here\n\n"
		if e.Name != "" {
			data, err := json.Marshal(e.Data)
			if err != nil {
				return fmt.Errorf("event %s: %w", e.Name, err)
			}
			text = fmt.Sprintf("event: %s\ndata: %s\n\n", e.Name, data)
			if e.ID != "" {
				text = "id: " + e.ID + "\n" + text
			}
		}
		if control != nil {
			_ = control.SetWriteDeadline(clock.Now().Add(streamPatience)) // a recorder of tests has none
		}
		if _, err := w.Write([]byte(text)); err != nil {
			return err
		}
		if control == nil {
			return nil
		}
		return control.Flush()
	}
}

// closings of the servers that have served streams.
var closings sync.Map // *http.Server -> chan struct{}

// closing is closed when the server begins to stop, so that no stream holds it up.
func closing(s *http.Server) <-chan struct{} {
	made := make(chan struct{})
	c, there := closings.LoadOrStore(s, made)
	if !there {
		s.RegisterOnShutdown(func() {
			closings.Delete(s)
			close(made)
		})
	}
	return c.(chan struct{})
}
