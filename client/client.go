// Package client calls a Vedette server. New makes a Client; its fields are the groups of the API, each with one method per
// operation:
//
//	c, err := client.New("https://scan.example.com", client.WithAccessToken(token))
//	if err != nil { … }
//	target, err := c.Targets.Create(ctx, client.TargetCreate{Name: "Shop", Hosts: []string{"192.0.2.7"}})
//
// An answer that is no success becomes a *Problem, which errors.As finds. Methods may be called from many goroutines.
//
// In answers, a text or time that the server gives as null is the zero value; a number or yes-no that may be null is a pointer.
package client

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

//go:generate go run ../internal/clientgen -document ../api/openapi.json -directory .

// Option changes how a Client calls.
type Option func(*connection)

// connection is what all groups of a Client share; it never changes once made.
type connection struct {
	base     *url.URL
	http     *http.Client
	header   http.Header
	product  string
	attempts int
	longest  time.Duration
}

// WithToken sends the token of a sign-in.
func WithToken(token string) Option {
	return func(c *connection) { c.header.Set("Authorization", "Bearer "+token) }
}

// WithAccessToken sends a user's access token, which never expires.
func WithAccessToken(token string) Option {
	return func(c *connection) { c.header.Set("Authorization", "Basic "+token) }
}

// WithAPIKey names the calling application by its key.
func WithAPIKey(key string) Option {
	return func(c *connection) { c.header.Set("X-Api-Key", key) }
}

// WithOrganization acts in another organization of the caller's tree. Calls about the caller's own account ignore it.
func WithOrganization(id string) Option {
	return func(c *connection) { c.header.Set("X-Organization-Id", id) }
}

// WithProduct works in another product than the caller's active one: pci, vrms or penetration.
func WithProduct(code string) Option { return func(c *connection) { c.product = code } }

// WithRepresentation asks for the body where a create answers without one (RFC 7240, return=representation). Without it,
// Organizations.Create gives an Organization of which only the ID is set.
func WithRepresentation() Option {
	return func(c *connection) { c.header.Set("Prefer", "return=representation") }
}

// WithHTTPClient calls through h, whose redirects, proxies and certificates then apply. The client that is used otherwise
// follows no redirects, so that no token goes to a place that was not named.
func WithHTTPClient(h *http.Client) Option { return func(c *connection) { c.http = h } }

// WithUserAgent names the program that calls.
func WithUserAgent(name string) Option {
	return func(c *connection) { c.header.Set("User-Agent", name) }
}

// WithRetries bounds the attempts at a call that the server answers with 429 or 503, and the wait before each next one. One attempt
// means no retries. Without it there are 4 attempts with at most 30 s between.
func WithRetries(attempts int, longest time.Duration) Option {
	return func(c *connection) { c.attempts, c.longest = max(attempts, 1), longest }
}

// New makes a client of the server at baseURL, such as https://scan.example.com; a path in it goes before /v2.
func New(baseURL string, options ...Option) (*Client, error) {
	base, err := url.Parse(strings.TrimSuffix(baseURL, "/"))
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	if (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, fmt.Errorf("base URL %q: must begin with http:// or https:// and name a host", baseURL)
	}
	c := &connection{base: base, http: plain(), header: http.Header{"User-Agent": {"vedette-client"}}, attempts: 4, longest: 30 * time.Second}
	for _, option := range options {
		option(c)
	}
	return c.client(), nil
}

// With makes a client with further options; c stays as it is.
func (c *Client) With(options ...Option) *Client {
	copied := *c.connection
	copied.header = c.connection.header.Clone()
	for _, option := range options {
		option(&copied)
	}
	return copied.client()
}

func plain() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
