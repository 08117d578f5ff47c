package check

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const maxBody = 256 << 10

// page is one answer of an HTTP service. Redirects are not followed.
type page struct {
	method, target string
	status         int
	header         http.Header
	body           []byte
}

// get asks for a path under the host's name.
func (e *env) get(ctx context.Context, path string) (*page, error) {
	return e.http(ctx, http.MethodGet, path, nil, nil)
}

func (e *env) http(ctx context.Context, method, path string, header http.Header, body []byte) (*page, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*wait)
	defer cancel()
	scheme := "http"
	if sealed(e.t) {
		scheme = "https"
	}
	base, err := url.Parse(scheme + "://" + e.t.AddrPort().String())
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	ref, err := base.Parse(path)
	if err != nil {
		return nil, fmt.Errorf("path: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, method, ref.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	for k, v := range header {
		r.Header[k] = v
	}
	if name := e.t.Name(); name != "" {
		r.Host = name
	}
	r.Header.Set("User-Agent", e.agent())
	response, err := e.transport().RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	defer response.Body.Close()
	p := &page{method: method, target: path, status: response.StatusCode, header: response.Header}
	p.body, err = io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil && len(p.body) == 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("body: %w", err)
	}
	return p, nil
}

func (e *env) agent() string {
	if e.t.Contact == "" {
		return "Mozilla/5.0 (compatible; Vedette)"
	}
	return "Mozilla/5.0 (compatible; Vedette; " + e.t.Contact + ")"
}

func (e *env) transport() *http.Transport {
	return &http.Transport{
		DialContext: e.n.DialContext, DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 64 << 10,
		ResponseHeaderTimeout: 2 * wait, TLSHandshakeTimeout: 2 * wait, ExpectContinueTimeout: time.Second,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: e.t.Name(), MinVersion: tls.VersionTLS10, CipherSuites: everySuite()},
	}
}

func everySuite() []uint16 {
	var ids []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		ids = append(ids, s.ID)
	}
	return ids
}

func (p *page) redirect() bool { return p.status >= 301 && p.status <= 308 && p.status != 304 }

// toTLS says that the answer sends the client to https and nowhere else.
func (p *page) toTLS() bool {
	return p.redirect() && strings.HasPrefix(strings.ToLower(p.header.Get("Location")), "https://")
}

func (p *page) request() []byte { return []byte(p.method + " " + p.target + " HTTP/1.1") }

// text is the answer's head and beginning, for evidence.
func (p *page) text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP %d\r\n", p.status)
	_ = p.header.WriteSubset(&b, map[string]bool{"Set-Cookie": true})
	b.WriteString("\r\n")
	b.Write(p.body[:min(len(p.body), 1024)])
	return b.Bytes()
}
