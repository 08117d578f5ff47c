package template

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

const maxRaw = 1 << 20

var errRaw = errors.New("malformed raw request")

// rawRequest is a raw request of a template, its markers filled in.
type rawRequest struct {
	method  string
	target  string // as in the request line; may be a whole URL
	header  []httpwire.Field
	body    string
	host    string // of an @Host annotation: a URL
	sni     string
	timeout time.Duration
	once    bool
	text    string // without annotations, for unsafe requests
}

// parseRaw reads annotations, request line, fields and body.
func parseRaw(s string) (*rawRequest, error) {
	if len(s) > maxRaw {
		return nil, errRaw
	}
	r := &rawRequest{}
	s = r.annotations(strings.TrimLeft(s, " \t\r\n"))
	r.text = s
	line, rest := cutLine(s)
	var ok bool
	if r.method, line, ok = strings.Cut(strings.TrimSpace(line), " "); !ok || r.method == "" || strings.ContainsAny(r.method, "<>/:") {
		return nil, errRaw
	}
	if at := strings.LastIndex(line, " HTTP/"); at >= 0 {
		line = line[:at]
	}
	if r.target = strings.TrimSpace(line); r.target == "" || strings.HasPrefix(r.target, "HTTP/") {
		r.target = "/"
	}
	for rest != "" {
		line, rest = cutLine(rest)
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" {
			continue
		}
		r.header = append(r.header, httpwire.Field{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)})
	}
	r.body = r.cleanBody(rest)
	return r, nil
}

func cutLine(s string) (line, rest string) {
	line, rest, _ = strings.Cut(s, "\n")
	return strings.TrimSuffix(line, "\r"), rest
}

func (r *rawRequest) annotations(s string) string {
	for strings.HasPrefix(s, "@") {
		line, rest := cutLine(s)
		name, value, colon := strings.Cut(line, ":")
		if !colon {
			name, value, _ = strings.Cut(line, " ") // some write @timeout 20s
		}
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "@host":
			r.host = value
		case "@tls-sni":
			r.sni = value
		case "@timeout":
			if d, err := time.ParseDuration(value); err == nil {
				r.timeout = d
			} else if n, err := strconv.Atoi(value); err == nil && n < 600 {
				r.timeout = time.Duration(n) * time.Second
			}
		case "@once":
			r.once = true
		}
		s = strings.TrimLeft(rest, " \t\r\n")
	}
	return s
}

// cleanBody drops the line ends that only YAML put behind a body. Multipart bodies keep theirs and get CRLF, which
// their format wants (RFC 2046, 5.1.1).
func (r *rawRequest) cleanBody(body string) string {
	for _, f := range r.header {
		if strings.EqualFold(f.Name, "Content-Type") && strings.HasPrefix(strings.ToLower(f.Value), "multipart/") {
			body = strings.TrimRight(strings.ReplaceAll(body, "\r\n", "\n"), "\n") + "\n"
			return strings.ReplaceAll(body, "\n", "\r\n")
		}
	}
	for _, f := range r.header {
		if strings.EqualFold(f.Name, "Transfer-Encoding") {
			return strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\n", "\r\n")
		}
	}
	return strings.TrimRight(body, "\r\n")
}

// request makes the message. unsafe sends the text as the template wrote it, with CRLF line ends in its head.
func (r *rawRequest) request(unsafe bool) *httpwire.Request {
	m := &httpwire.Request{Method: r.method, Target: r.target, SNI: r.sni, Timeout: r.timeout}
	if unsafe {
		m.Raw, m.Fresh = []byte(unsafeText(r.text)), true
		return m
	}
	for _, f := range r.header {
		if strings.EqualFold(f.Name, "Content-Length") && !r.chunked() {
			continue // the length is counted, since markers change it
		}
		if v := strings.ToLower(f.Value); strings.EqualFold(f.Name, "Connection") && (v == "close" || v == "keep-alive") {
			continue // the client decides on reuse
		}
		m.Header = append(m.Header, f)
	}
	m.Body = []byte(r.body)
	return m
}

func (r *rawRequest) chunked() bool {
	for _, f := range r.header {
		if strings.EqualFold(f.Name, "Transfer-Encoding") {
			return true
		}
	}
	return false
}

func unsafeText(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	head, body, _ := strings.Cut(s, "\n\n")
	head = strings.ReplaceAll(strings.TrimRight(head, "\n"), "\n", "\r\n")
	return head + "\r\n\r\n" + body
}

// originForm cuts a URL down to path and query, byte for byte, when own says that its origin is the target's.
func originForm(target string, own func(*url.URL) bool) (string, bool) {
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok || strings.ContainsAny(scheme, "/?#") {
		return target, true
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	origin, err := url.Parse(scheme + "://" + rest[:end])
	if err != nil || !own(origin) {
		return "", false
	}
	path := rest[end:]
	if at := strings.IndexByte(path, '#'); at >= 0 && strings.TrimSpace(path[at+1:]) != "" && !strings.ContainsAny(path[at:], "{<") {
		path = path[:at]
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return path, true
}
