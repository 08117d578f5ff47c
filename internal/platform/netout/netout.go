// Package netout is the server's way to addresses that a user or a feed gave: an HTTP client that reaches the open
// internet and nothing else. The address is checked as the socket is made, after every look-up of the name and for each
// redirect, so that a name which changes its mind leads nowhere.
package netout

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

var (
	// ErrAddress is returned when a name leads to an address that is not public and not allowed.
	ErrAddress = errors.New("address is not on the public internet")
	// ErrURL is returned for an URL that is not http or https, carries a password, or has no host.
	ErrURL = errors.New("not an acceptable URL: want https://HOST/… without user name")
	// ErrRedirect is returned when an answer redirects more often than the policy allows, or from https to http.
	ErrRedirect = errors.New("redirected where the policy does not follow")
	// ErrTooLarge is returned by reading the body of an answer past the policy's limit.
	ErrTooLarge = errors.New("answer is larger than allowed")
)

// Policy bounds a client. The zero value is strict: public addresses, no redirect, 10 s, 1 MiB.
type Policy struct {
	Allow     []netip.Prefix // reached although not public; never opens cloud metadata addresses
	HTTPSOnly bool
	Redirects int           // followed at most; each must be acceptable itself
	Timeout   time.Duration // of the whole exchange, body included
	MaxBody   int64         // bytes of a body after decompression

	Resolver *net.Resolver  // nil for the machine's
	Roots    *x509.CertPool // nil for the machine's
}

const (
	defaultTimeout = 10 * time.Second
	defaultMaxBody = 1 << 20
	maxHeader      = 64 << 10
)

// Client makes requests under a policy. It is safe for concurrent use.
type Client struct {
	policy Policy
	http   *http.Client
}

// New makes a client with connections of its own.
func New(policy Policy) *Client {
	if policy.Timeout <= 0 {
		policy.Timeout = defaultTimeout
	}
	if policy.MaxBody <= 0 {
		policy.MaxBody = defaultMaxBody
	}
	c := &Client{policy: policy}
	c.http = &http.Client{
		Timeout:       policy.Timeout,
		CheckRedirect: c.checkRedirect,
		Transport: &http.Transport{
			Proxy:                  nil, // a proxy would make the connection, and none of the checks
			DialContext:            c.Dial,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: policy.Roots},
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: maxHeader,
			MaxIdleConns:           32,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        30 * time.Second,
			TLSHandshakeTimeout:    policy.Timeout,
			ResponseHeaderTimeout:  policy.Timeout,
		},
	}
	return c
}

// Do sends a request. The body of the answer ends with ErrTooLarge past the limit; the caller closes it. Errors wrap
// those of this package where the policy refused.
func (c *Client) Do(request *http.Request) (*http.Response, error) {
	if err := c.checkURL(request.URL); err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if response.ContentLength > c.policy.MaxBody {
		return nil, errors.Join(ErrTooLarge, response.Body.Close())
	}
	response.Body = &bounded{body: response.Body, left: c.policy.MaxBody}
	return response, nil
}

// Get is Do for a plain GET.
func (c *Client) Get(ctx context.Context, address string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrURL, err)
	}
	return c.Do(request)
}

// Dial connects under the policy's addresses; network is tcp, tcp4 or tcp6.
func (c *Client) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: c.policy.Timeout, Resolver: c.policy.Resolver, Control: c.control}
	return dialer.DialContext(ctx, network, address)
}

// CheckAddress says, with ErrAddress, whether the policy lets an address be reached.
func (c *Client) CheckAddress(a netip.Addr) error {
	plain := a.Unmap()
	if Public(plain) || (within(c.policy.Allow, plain.WithZone("")) && !Metadata(plain)) {
		return nil
	}
	return fmt.Errorf("%s: %w", a, ErrAddress)
}

// control runs between the look-up of a name and the connect, with the very address that will be connected to.
func (c *Client) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%s: %w", network, ErrAddress)
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAddress, err)
	}
	return c.CheckAddress(to.Addr())
}

// CheckURL says, with ErrURL or ErrAddress, whether a URL can be requested at all: its form, and its address where the
// host is one. It looks no name up.
func (c *Client) CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return ErrURL // what url.Parse says repeats the URL, which may hold a secret
	}
	return c.checkURL(u)
}

func (c *Client) checkURL(u *url.URL) error {
	if u.Hostname() == "" || u.User != nil || (u.Scheme != "https" && (u.Scheme != "http" || c.policy.HTTPSOnly)) {
		return ErrURL
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return ErrURL
		}
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		return c.CheckAddress(a)
	}
	return nil
}

func (c *Client) checkRedirect(next *http.Request, before []*http.Request) error {
	if len(before) > c.policy.Redirects {
		return ErrRedirect
	}
	if next.URL.Scheme != "https" && before[len(before)-1].URL.Scheme == "https" {
		return ErrRedirect
	}
	return c.checkURL(next.URL)
}

// CloseIdle closes connections that wait for another request.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }

// bounded is a body that fails rather than ends when there is more than the limit.
type bounded struct {
	body io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.body.Read(p)
	if int64(n) > b.left {
		n, err = int(b.left), ErrTooLarge
	}
	b.left -= int64(n)
	return n, err
}

func (b *bounded) Close() error { return b.body.Close() }
