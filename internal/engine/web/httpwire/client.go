// Package httpwire speaks HTTP/1.1 to one service of a scan, byte for byte as told: a path with dots or stray escapes
// reaches the server as written, which ordinary clients prevent. Answers are bounded in bytes and time, and parsed
// leniently, since a scanner meets servers that keep no standard.
package httpwire

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
)

var (
	// ErrBudget is returned when the client has sent all the requests that it may.
	ErrBudget = errors.New("request budget of the target is spent")
	// ErrDown is returned without trying when the target failed many times in a row.
	ErrDown = errors.New("target does not answer any more")
	// ErrProtocol is returned for an answer that is no HTTP.
	ErrProtocol = errors.New("answer is no HTTP")
)

// Options bound a client. Zero values take the defaults.
type Options struct {
	Timeout     time.Duration // of one request; 10 s
	MaxBody     int           // decoded bytes of a body that are kept; 1 MiB
	MaxRequests int           // in all; 0 is no bound
	UserAgent   string
}

const (
	maxHead  = 64 << 10
	patience = 1500 * time.Millisecond // for the first answer of a connection while others are open
	maxOpen  = 4                       // connections at once
	maxFails = 8                       // failures in a row after which the target counts as down
)

// Client sends requests to one service. It is safe for concurrent use.
type Client struct {
	ctx     context.Context // ends every connection; connections outlive one request
	net     *wire.Net
	target  wire.Target
	secure  bool
	options Options

	lock  sync.Mutex
	idle  []*connection
	slots chan struct{}
	sent  atomic.Int64
	fails atomic.Int64

	tally  *wire.Tally
	heard  atomic.Bool  // it has answered
	silent atomic.Bool  // the last request got no answer at all
	tries  atomic.Int64 // second ones

	always atomic.Pointer[[]Field] // of every request: a session

	serial atomic.Bool // one connection at a time, by turn
	turn   sync.Mutex
}

type connection struct {
	net.Conn
	r *bufio.Reader
}

// New is a client for the target; every connection ends with ctx.
func New(ctx context.Context, n *wire.Net, t wire.Target, o Options) *Client {
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.MaxBody == 0 {
		o.MaxBody = 1 << 20
	}
	if o.UserAgent == "" {
		o.UserAgent = UserAgent(t.Contact)
	}
	return &Client{ctx: ctx, net: n.Counting(nil), tally: n.Tally(), target: t, secure: Secure(t), options: o, slots: make(chan struct{}, maxOpen)}
}

// UserAgent names the scanner and whom to ask about it.
func UserAgent(contact string) string {
	if contact = strings.Map(headerSafe, contact); contact != "" {
		contact = "; " + contact
	}
	return "Mozilla/5.0 (compatible; Vedette" + contact + ")"
}

func headerSafe(r rune) rune {
	if r < 0x20 || r >= 0x7f {
		return -1
	}
	return r
}

// Secure says whether the target speaks HTTP through TLS.
func Secure(t wire.Target) bool { return t.Service.Tunnel == "tls" || t.Service.Name == "https" }

// Speaks says whether the target was identified as HTTP.
func Speaks(t wire.Target) bool {
	name := t.Service.Name
	return t.Service.Protocol != "udp" && (name == "http" || name == "https" || strings.HasPrefix(name, "http-"))
}

// Sent is the number of requests so far.
func (c *Client) Sent() int { return int(c.sent.Load()) }

// Down says that the target failed many times in a row.
func (c *Client) Down() bool { return c.fails.Load() >= maxFails }

// Skip notes a request that was given up. One that a service would have turned away, as it did those before, is no loss.
func (c *Client) Skip() {
	if !c.Down() || c.silent.Load() {
		c.tally.Skip(1)
	}
}

// Scheme is http or https.
func (c *Client) Scheme() string {
	if c.secure {
		return "https"
	}
	return "http"
}

// Host is the target's name, or its address where it has none.
func (c *Client) Host() string {
	if n := c.target.Name(); n != "" {
		return n
	}
	if a := c.target.Host.Address; a.Is6() {
		return "[" + a.String() + "]"
	}
	return c.target.Host.Address.String()
}

// Authority is the host with its port, where that is not the scheme's own.
func (c *Client) Authority() string {
	port := c.target.Service.Port
	if port == 80 && !c.secure || port == 443 && c.secure {
		return c.Host()
	}
	return c.Host() + ":" + strconv.Itoa(int(port))
}

// Resolve turns a link seen on a page of this target into a request target (path and query). False when it leads to
// another host, port or scheme.
func (c *Client) Resolve(from, link string) (string, bool) {
	base, err := url.Parse(c.Scheme() + "://" + c.Authority() + "/")
	if err != nil {
		return "", false
	}
	if at, err := base.Parse(from); err == nil {
		base = at
	}
	u, err := base.Parse(strings.TrimSpace(link))
	if err != nil || !c.Own(u) {
		return "", false
	}
	u.Fragment = ""
	return u.RequestURI(), true
}

// Own says whether a URL is served by this very target.
func (c *Client) Own(u *url.URL) bool {
	if u.Scheme != c.Scheme() || u.User != nil {
		return false
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if port != strconv.Itoa(int(c.target.Service.Port)) {
		return false
	}
	host := strings.ToLower(u.Hostname())
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap() == c.target.Host.Address.Unmap()
	}
	return slices.ContainsFunc(c.target.Host.Names, func(n string) bool { return strings.EqualFold(n, host) })
}

// Do sends one request and reads its answer. Redirects are the caller's.
func (c *Client) Do(r *Request) (*Response, error) {
	if c.Down() {
		c.Skip()
		return nil, ErrDown
	}
	if n := c.sent.Add(1); c.options.MaxRequests > 0 && n > int64(c.options.MaxRequests) {
		return nil, ErrBudget
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-c.ctx.Done():
		return nil, c.ctx.Err()
	}
	serial := c.serial.Load()
	if serial {
		c.turn.Lock()
		defer c.turn.Unlock()
	}
	resp, err := c.attempt(r, c.carrying(r).bytes(c), serial)
	if err != nil && wire.Lost(err) && c.mayRetry() {
		resp, err = c.attempt(r, c.carrying(r).bytes(c), serial)
	}
	if resp != nil && c.always.Load() != nil {
		resp.Sent = r.bytes(c) // what is shown of a request holds no session
	}
	if c.ctx.Err() == nil {
		c.tally.Count(err == nil || !wire.Lost(err))
		c.silent.Store(err != nil && wire.Lost(err))
	}
	if err != nil && c.ctx.Err() == nil {
		c.fails.Add(1)
	} else if err == nil {
		c.fails.Store(0)
		c.heard.Store(true)
	}
	return resp, err
}

// maxSecond bounds the requests that are sent a second time, since each may last as long as the first.
const maxSecond = 20

// mayRetry says that silence may have been chance: the target has answered before, and not only fails of late.
func (c *Client) mayRetry() bool {
	return c.ctx.Err() == nil && c.heard.Load() && c.fails.Load() < maxFails/2 && c.tries.Add(1) <= maxSecond
}

// Always sets fields that every request carries from now on, unless it sets them itself. They are in no Response.Sent.
func (c *Client) Always(fields ...Field) {
	if len(fields) == 0 {
		c.always.Store(nil)
		return
	}
	c.always.Store(&fields)
}

func (c *Client) carrying(r *Request) *Request {
	fields := c.always.Load()
	if fields == nil {
		return r
	}
	out := *r
	out.Header = slices.Clone(r.Header)
	for _, f := range *fields {
		if !r.Has(f.Name) {
			out.Header = append(out.Header, f)
		}
	}
	return &out
}

// crowded is called when a new connection waits for an answer while others are open: a small server may have bound its
// only worker to an idle connection of ours. From then on there is one connection at a time.
func (c *Client) crowded() {
	if len(c.slots) > 1 || c.idling() {
		c.serial.Store(true)
		c.Close()
	}
}

func (c *Client) idling() bool {
	c.lock.Lock()
	defer c.lock.Unlock()
	return len(c.idle) > 0
}

func (c *Client) attempt(r *Request, b []byte, serial bool) (*Response, error) {
	for {
		conn, reused, err := c.connect(r)
		if err != nil {
			return nil, err
		}
		var alone *time.Timer
		if !reused && !serial {
			alone = time.AfterFunc(patience, c.crowded)
		}
		resp, again, err := c.exchange(conn, r, b)
		if alone != nil {
			alone.Stop()
		}
		if err != nil && reused && errors.Is(err, errSilent) {
			continue // the server had closed the idle connection
		}
		if again && !r.Fresh && (serial || !c.serial.Load()) {
			c.keep(conn)
		} else {
			conn.Close()
		}
		return resp, err
	}
}

func (c *Client) connect(r *Request) (*connection, bool, error) {
	c.lock.Lock()
	if k := len(c.idle); k > 0 && !r.Fresh {
		conn := c.idle[k-1]
		c.idle = c.idle[:k-1]
		c.lock.Unlock()
		if err := c.net.Wait(c.ctx, c.target.Host.Address); err != nil {
			conn.Close()
			return nil, false, err
		}
		return conn, true, nil
	}
	c.lock.Unlock()
	raw, err := c.net.Dial(c.ctx, "tcp", c.target.AddrPort())
	if err != nil {
		return nil, false, err
	}
	if c.secure {
		if raw, err = handshake(c.ctx, raw, c.sni(r), c.options.Timeout); err != nil {
			return nil, false, err
		}
	}
	return &connection{Conn: raw, r: bufio.NewReaderSize(raw, 16<<10)}, false, nil
}

func (c *Client) sni(r *Request) string {
	if r.SNI != "" {
		return r.SNI
	}
	return c.target.Name()
}

func handshake(ctx context.Context, raw net.Conn, name string, timeout time.Duration) (net.Conn, error) {
	var suites []uint16
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		suites = append(suites, s.ID)
	}
	// A scanner talks to whoever answers: the certificate's faults are the TLS stage's findings.
	conn := tls.Client(raw, &tls.Config{ServerName: name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, CipherSuites: suites})
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, fmt.Errorf("tls: %w", err)
	}
	return conn, nil
}

func (c *Client) keep(conn *connection) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if len(c.idle) >= maxOpen {
		conn.Close()
		return
	}
	c.idle = append(c.idle, conn)
}

// Close drops the idle connections.
func (c *Client) Close() {
	c.lock.Lock()
	defer c.lock.Unlock()
	for _, conn := range c.idle {
		conn.Close()
	}
	c.idle = nil
}

var errSilent = errors.New("connection closed without an answer")

// exchange sends the bytes and reads one answer; again says that the connection can carry another request.
func (c *Client) exchange(conn *connection, r *Request, b []byte) (resp *Response, again bool, err error) {
	timeout := c.options.Timeout
	if r.Timeout > 0 {
		timeout = min(r.Timeout, time.Minute)
	}
	start := clock.Monotonic()
	if err := conn.SetDeadline(start.Add(timeout)); err != nil {
		return nil, false, err
	}
	if _, err := conn.Write(b); err != nil {
		return nil, false, fmt.Errorf("%w: %w", errSilent, err)
	}
	if _, err := conn.r.Peek(1); err != nil {
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			return nil, false, err
		}
		return nil, false, fmt.Errorf("%w: %w", errSilent, err)
	}
	first := clock.Since(start)
	head, err := readHead(conn.r)
	if err != nil {
		return nil, false, err
	}
	resp, err = parseHead(head)
	if err != nil {
		return nil, false, err
	}
	resp.Sent, resp.Duration, resp.Target = b, first, r.Target
	again = resp.readBody(conn.r, r.Method, c.options.MaxBody)
	return resp, again, nil
}

// readHead reads up to and with the empty line; interim answers (1xx) are passed over.
func readHead(r *bufio.Reader) ([]byte, error) {
	for range 5 {
		head, err := readOneHead(r)
		if err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(head, []byte("HTTP/1.1 1")) || bytes.HasPrefix(head, []byte("HTTP/1.1 101")) {
			return head, nil
		}
	}
	return nil, ErrProtocol
}

func readOneHead(r *bufio.Reader) ([]byte, error) {
	var head []byte
	for len(head) <= maxHead {
		line, err := r.ReadSlice('\n')
		head = append(head, line...)
		if len(head) >= 5 && !bytes.HasPrefix(head, []byte("HTTP/")) {
			return nil, ErrProtocol
		}
		if err == io.EOF && len(head) > 0 {
			return head, nil
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if err == nil && len(bytes.TrimRight(line, "\r\n")) == 0 && len(head) > len(line) {
			return head, nil
		}
	}
	return nil, fmt.Errorf("%w: head of more than %d bytes", ErrProtocol, maxHead)
}
