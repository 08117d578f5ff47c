package httpwire

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// Field is one header field, in the case it is sent.
type Field struct{ Name, Value string }

// Request is one request. Raw, where set, is sent as it is and the other fields only describe it.
type Request struct {
	Method  string
	Target  string // path and query, sent as written
	Header  []Field
	Body    []byte
	Raw     []byte
	SNI     string
	Timeout time.Duration
	Fresh   bool // on a connection of its own
}

// Get is a plain GET of a path.
func Get(target string) *Request { return &Request{Method: "GET", Target: target} }

// Has says whether the request sets the field.
func (r *Request) Has(name string) bool {
	for _, f := range r.Header {
		if strings.EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}

// Set adds a field.
func (r *Request) Set(name, value string) { r.Header = append(r.Header, Field{name, value}) }

// Bytes are what is sent for a request, without a session.
func (c *Client) Bytes(r *Request) []byte { return r.bytes(c) }

func (r *Request) bytes(c *Client) []byte {
	if r.Raw != nil {
		return r.Raw
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", oneLine(r.Method), oneLine(r.Target))
	if !r.Has("Host") {
		fmt.Fprintf(&b, "Host: %s\r\n", c.Authority())
	}
	if !r.Has("User-Agent") {
		fmt.Fprintf(&b, "User-Agent: %s\r\n", c.options.UserAgent)
	}
	if !r.Has("Accept") {
		b.WriteString("Accept: */*\r\n")
	}
	for _, f := range r.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", oneLine(f.Name), oneLine(f.Value))
	}
	if (len(r.Body) > 0 || r.Method == "POST" || r.Method == "PUT") && !r.Has("Content-Length") && !r.Has("Transfer-Encoding") {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.Body))
	}
	b.WriteString("\r\n")
	b.Write(r.Body)
	return b.Bytes()
}

func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r", "", "\n", "").Replace(s)
}

// Response is one answer.
type Response struct {
	Sent      []byte // the request as sent
	Target    string // of the request
	Status    int
	Header    http.Header
	Head      string // status line and fields with names in canonical case, CRLF line ends
	Body      []byte // decoded
	Truncated bool   // the body was longer than is kept
	Duration  time.Duration
	close     bool
}

// Text is head and body, as one reads it.
func (r *Response) Text() string { return r.Head + "\r\n" + string(r.Body) }

func parseHead(head []byte) (*Response, error) {
	lines := strings.Split(strings.TrimRight(string(head), "\r\n"), "\n")
	status := strings.TrimRight(lines[0], "\r")
	fields := strings.SplitN(status, " ", 3)
	if !strings.HasPrefix(status, "HTTP/") || len(fields) < 2 {
		return nil, ErrProtocol
	}
	code, err := strconv.Atoi(fields[1])
	if err != nil || code < 100 || code > 999 {
		return nil, ErrProtocol
	}
	r := &Response{Status: code, Header: http.Header{}, close: fields[0] == "HTTP/1.0"}
	var b strings.Builder
	b.WriteString(status + "\r\n")
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r"), ":")
		if !ok || name == "" || len(r.Header) > 200 {
			continue
		}
		name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))
		value = strings.TrimSpace(value)
		r.Header[name] = append(r.Header[name], value)
		b.WriteString(name + ": " + value + "\r\n")
	}
	r.Head = b.String()
	switch connection := strings.ToLower(r.Header.Get("Connection")); {
	case strings.Contains(connection, "close"):
		r.close = true
	case strings.Contains(connection, "keep-alive"):
		r.close = false
	}
	return r, nil
}

// readBody reads at most limit bytes and says whether the connection is left at the start of another answer. A body
// that breaks off is kept as far as it came.
func (r *Response) readBody(br *bufio.Reader, method string, limit int) (again bool) {
	if method == "HEAD" || r.Status < 200 || r.Status == 204 || r.Status == 304 {
		return !r.close
	}
	var body io.Reader = br
	length, chunked := -1, strings.Contains(strings.ToLower(r.Header.Get("Transfer-Encoding")), "chunked")
	if chunked {
		body = httputil.NewChunkedReader(br)
	} else if n, err := strconv.Atoi(r.Header.Get("Content-Length")); err == nil && n >= 0 {
		length = n
		body = io.LimitReader(br, int64(n))
	}
	raw, err := io.ReadAll(io.LimitReader(body, int64(limit)+1))
	if len(raw) > limit {
		raw, r.Truncated = raw[:limit], true
	}
	r.Body = r.decode(raw, limit)
	if err != nil || r.Truncated || r.close {
		return false
	}
	if chunked {
		return skipTrailer(br)
	}
	return length >= 0 && len(raw) == length
}

func skipTrailer(br *bufio.Reader) bool {
	for range 20 {
		line, err := br.ReadSlice('\n')
		if err != nil {
			return false
		}
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			return true
		}
	}
	return false
}

// decode undoes the content encoding within the limit; what cannot be decoded stays as it came.
func (r *Response) decode(raw []byte, limit int) []byte {
	var plain io.Reader
	var err error
	switch strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))) {
	case "gzip", "x-gzip":
		plain, err = gzip.NewReader(bytes.NewReader(raw))
	case "deflate":
		if plain, err = zlib.NewReader(bytes.NewReader(raw)); err != nil {
			plain, err = flate.NewReader(bytes.NewReader(raw)), nil
		}
	default:
		return raw
	}
	if err != nil {
		return raw
	}
	b, _ := io.ReadAll(io.LimitReader(plain, int64(limit)+1))
	if len(b) > limit {
		b, r.Truncated = b[:limit], true
	}
	return b
}
