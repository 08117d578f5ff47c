package api

import (
	"io"
	"net/http"
	"time"
)

// unhurried ends the read deadline of a connection where the request ends. Behind a request net/http reads on, to see a client
// go away, and takes an expired deadline for that: it would cancel the context of every handler that works longer.
func unhurried(w http.ResponseWriter, r *http.Request) {
	ended := func() { _ = http.NewResponseController(w).SetReadDeadline(time.Time{}) } // a recorder of tests has none
	if r.Body == nil || r.Body == http.NoBody {
		ended()
		return
	}
	r.Body = &requestBody{r.Body, ended}
}

type requestBody struct {
	io.ReadCloser
	ended func()
}

func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.ended()
	}
	return n, err
}

// SetReadDeadline keeps huma from setting one of its own for the body, which would not end with it. The server's holds.
func (*watcher) SetReadDeadline(time.Time) error { return nil }
