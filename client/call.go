package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

const (
	mostAnswer  = 64 << 20 // bytes of a JSON answer
	mostProblem = 1 << 20
)

type request struct {
	method string
	path   string // below the base URL, escaped
	query  url.Values
	body   any       // sent as JSON
	raw    io.Reader // sent as it is, once
	kind   string    // of raw
	file   io.Reader // sent as the field "file" of a form, once
	accept string
	key    string
}

type keyOfContext struct{}

// WithIdempotencyKey gives the calls made with the context that Idempotency-Key, so that a call which may or may not have
// arrived can be made again safely, for 24 hours. Without it each call has a key of its own, for its retries.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, keyOfContext{}, key)
}

// answered is what a call tells besides the decoded body.
type answered struct {
	location string
	empty    bool
}

// call makes the request and decodes the answer into out, unless out is nil or the answer is empty.
func (c *connection) call(ctx context.Context, r request, out any) (answered, error) {
	answer, err := c.send(ctx, r)
	if err != nil {
		return answered{}, err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer+1))
	if err != nil {
		return answered{}, fmt.Errorf("%s %s: read the answer: %w", r.method, r.path, err)
	}
	if len(raw) > mostAnswer {
		return answered{}, fmt.Errorf("%s %s: the answer is longer than %d bytes", r.method, r.path, mostAnswer)
	}
	a := answered{location: answer.Header.Get("Location"), empty: len(bytes.TrimSpace(raw)) == 0}
	if out == nil || a.empty {
		return a, nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return answered{}, fmt.Errorf("%s %s: decode the answer: %w", r.method, r.path, err)
	}
	return a, nil
}

// flat gives an answer that is no resource.
func flat[T any](ctx context.Context, c *connection, r request) (*T, error) {
	out := new(T)
	if _, err := c.call(ctx, r, out); err != nil {
		return nil, err
	}
	return out, nil
}

// one gives the attributes of a single resource. A create that answers no body gives the id in which its Location ends.
func one[T any](ctx context.Context, c *connection, r request) (*T, error) {
	var body struct {
		Data resource[T] `json:"data"`
	}
	a, err := c.call(ctx, r, &body)
	if err != nil {
		return nil, err
	}
	if !a.empty {
		return &body.Data.Attributes, nil
	}
	u, err := url.Parse(a.location)
	if err != nil || a.location == "" {
		return nil, fmt.Errorf("%s %s: the answer has neither a body nor a Location that names the resource", r.method, r.path)
	}
	id, _ := json.Marshal(map[string]string{"id": path.Base(u.Path)}) // a map of texts
	if err := json.Unmarshal(id, &body.Data.Attributes); err != nil {
		return nil, fmt.Errorf("%s %s: Location: %w", r.method, r.path, err)
	}
	return &body.Data.Attributes, nil
}

// short gives a list that has no pages.
func short[T any](ctx context.Context, c *connection, r request) ([]T, error) {
	var body struct {
		Data []resource[T] `json:"data"`
	}
	if _, err := c.call(ctx, r, &body); err != nil {
		return nil, err
	}
	return attributes(body.Data), nil
}

// refs gives what a bulk operation acted on.
func refs(ctx context.Context, c *connection, r request) ([]Ref, error) {
	var body struct {
		Data []Ref `json:"data"`
	}
	if _, err := c.call(ctx, r, &body); err != nil {
		return nil, err
	}
	return body.Data, nil
}

// done makes a call of whose answer nothing is needed.
func done(ctx context.Context, c *connection, r request) error {
	_, err := c.call(ctx, r, nil)
	return err
}

func (c *connection) download(ctx context.Context, r request) (*File, error) {
	answer, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	f := &File{ReadCloser: answer.Body, ContentType: answer.Header.Get("Content-Type"), Size: answer.ContentLength}
	if _, parameters, err := mime.ParseMediaType(answer.Header.Get("Content-Disposition")); err == nil {
		f.Name = fileName(parameters["filename"])
	}
	return f, nil
}

// fileName is the last element of what a server proposes, so that it cannot lead out of a directory.
func fileName(proposed string) string {
	name := path.Base(strings.ReplaceAll(proposed, "\\", "/"))
	if name == "." || name == ".." || name == "/" {
		return ""
	}
	return name
}

// send gives the first answer that is a success, its body open. What the server puts off with 429 or 503 it tries again, as
// long as the wait is within bounds and the call may be repeated.
func (c *connection) send(ctx context.Context, r request) (*http.Response, error) {
	if r.file != nil {
		r.raw, r.kind = form(r.file)
	}
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return nil, fmt.Errorf("%s %s: encode the request: %w", r.method, r.path, err)
		}
	}
	if r.method == http.MethodPost && !strings.HasPrefix(r.path, "/v2/auth") {
		r.key, _ = ctx.Value(keyOfContext{}).(string)
		if r.key == "" {
			r.key = rand.Text()
		}
	}
	for attempt := 1; ; attempt++ {
		answer, err := c.attempt(ctx, r, body)
		if err != nil {
			return nil, err
		}
		if answer.StatusCode >= 200 && answer.StatusCode < 300 {
			return answer, nil
		}
		p := problemOf(answer)
		answer.Body.Close()
		delay, again := c.delay(r, p, attempt)
		if !again {
			return nil, p
		}
		if err := wait(ctx, delay); err != nil {
			return nil, errors.Join(err, p)
		}
	}
}

// form is the body of an upload, and its media type (RFC 7578).
func form(file io.Reader) (io.Reader, string) {
	boundary := rand.Text()
	before := "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\nContent-Type: application/octet-stream\r\n\r\n"
	return io.MultiReader(strings.NewReader(before), file, strings.NewReader("\r\n--"+boundary+"--\r\n")), "multipart/form-data; boundary=" + boundary
}

func (c *connection) attempt(ctx context.Context, r request, body []byte) (*http.Response, error) {
	var content io.Reader
	switch {
	case r.raw != nil:
		content = r.raw
	case body != nil:
		content = bytes.NewReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, r.method, c.url(r), content)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.method, r.path, err)
	}
	request.Header = c.header.Clone()
	request.Header.Set("Accept", "application/json")
	if r.accept != "" {
		request.Header.Set("Accept", r.accept)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	} else if r.raw != nil {
		request.Header.Set("Content-Type", r.kind)
	}
	if r.key != "" {
		request.Header.Set("Idempotency-Key", r.key)
	}
	return c.http.Do(request)
}

func (c *connection) url(r request) string {
	query := r.query
	if c.product != "" {
		copied := url.Values{"product": {c.product}}
		for name, values := range query {
			copied[name] = values
		}
		query = copied
	}
	whole := c.base.String() + r.path
	if len(query) > 0 {
		whole += "?" + query.Encode()
	}
	return whole
}

// delay before the next attempt, and whether there may be one.
func (c *connection) delay(r request, p *Problem, attempt int) (time.Duration, bool) {
	postponed := p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable
	repeatable := r.method != http.MethodPost || r.key != ""
	if !postponed || !repeatable || r.raw != nil || attempt >= c.attempts {
		return 0, false
	}
	if p.RetryAfter == 0 {
		return min(time.Second<<min(attempt-1, 10), c.longest), true
	}
	return p.RetryAfter, p.RetryAfter <= c.longest
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
