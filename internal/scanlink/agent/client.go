package agent

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/authority"
)

// refusal is an answer of the server that is no success.
type refusal struct {
	status  int
	problem scanlink.Problem
}

func (r *refusal) Error() string {
	return fmt.Sprintf("the server answered %d %s: %s", r.status, r.problem.Code, r.problem.Detail)
}

func statusOf(err error) int {
	var r *refusal
	if errors.As(err, &r) {
		return r.status
	}
	return 0
}

// passing says whether an error may go away by itself: no connection, a server that is starting or overloaded.
func passing(err error) bool {
	s := statusOf(err)
	return s == 0 || s >= 500 || s == http.StatusTooManyRequests || s == http.StatusRequestTimeout
}

type client struct {
	base     string
	http     *http.Client
	identity atomic.Pointer[tls.Certificate]
	former   atomic.Pointer[tls.Certificate] // the identity before: a lease may still be sealed for it
}

// direct is where the server is reached; false where a proxy stands between, or its name does not resolve.
func (c *client) direct(ctx context.Context) (netip.AddrPort, bool) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base, nil)
	if err != nil {
		return netip.AddrPort{}, false
	}
	if proxy, err := http.ProxyFromEnvironment(r); err != nil || proxy != nil {
		return netip.AddrPort{}, false
	}
	port, err := strconv.ParseUint(cmp.Or(r.URL.Port(), "443"), 10, 16)
	if err != nil {
		return netip.AddrPort{}, false
	}
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", r.URL.Hostname())
	if err != nil || len(all) == 0 {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(all[0].Unmap(), uint16(port)), true
}

// newClient speaks to one server that verify accepts.
func newClient(base string, verify func(tls.ConnectionState) error) *client {
	c := &client{base: base}
	c.http = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment,
			TLSClientConfig: &tls.Config{
				MinVersion: tls.VersionTLS13,
				Time:       clock.Now,
				// The server is known by its authority, under whatever name it is reached: verify does all of it.
				InsecureSkipVerify: true, //nolint:gosec // VerifyConnection verifies
				VerifyConnection:   verify,
				GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					if id := c.identity.Load(); id != nil {
						return id, nil
					}
					return &tls.Certificate{}, nil
				},
			},
			ForceAttemptHTTP2:     true,
			HTTP2:                 &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second},
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: scanlink.LeasePoll + 15*time.Second,
			IdleConnTimeout:       time.Minute,
			MaxIdleConnsPerHost:   8,
		},
	}
	return c
}

func dial(cfg Config) (*client, error) {
	pool, err := trust(cfg.Authority)
	if err != nil {
		return nil, err
	}
	id, err := identityOf(cfg.Certificate, cfg.Key)
	if err != nil {
		return nil, err
	}
	c := newClient(cfg.Server, authority.VerifyServer(pool))
	c.identity.Store(id)
	return c, nil
}

// post sends in as JSON and decodes the answer into out. some is false where the answer was 204.
func (c *client) post(ctx context.Context, path string, in, out any) (some bool, err error) {
	b, err := json.Marshal(in)
	if err != nil {
		return false, err
	}
	return c.send(ctx, path, b, out)
}

func (c *client) send(ctx context.Context, path string, b []byte, out any) (some bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, scanlink.LeasePoll+30*time.Second)
	defer cancel()
	packed := len(b) > 1024
	if packed {
		b = pack(b)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(b))
	if err != nil {
		return false, err
	}
	r.Header.Set("Content-Type", "application/json")
	if packed {
		r.Header.Set("Content-Encoding", "gzip")
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	return decode(answer, out)
}

func decode(answer *http.Response, out any) (bool, error) {
	body := io.LimitReader(answer.Body, scanlink.MaxBody)
	if answer.StatusCode == http.StatusNoContent {
		return false, nil
	}
	if answer.StatusCode != http.StatusOK {
		r := &refusal{status: answer.StatusCode}
		_ = json.NewDecoder(io.LimitReader(body, 64<<10)).Decode(&r.problem)
		return false, r
	}
	if out == nil {
		return true, nil
	}
	if err := json.NewDecoder(body).Decode(out); err != nil {
		return false, fmt.Errorf("read the server's answer: %w", err)
	}
	return true, nil
}

func pack(b []byte) []byte {
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	_, _ = z.Write(b) // a bytes.Buffer takes everything
	_ = z.Close()
	return out.Bytes()
}

// retry repeats act while its error is passing and ctx lasts, with growing, uneven pauses.
func retry(ctx context.Context, p pauses, act func() error) error {
	pause := p.first
	for {
		err := act()
		if err == nil || !passing(err) {
			return err
		}
		if !wait(ctx, pause/2+rand.N(pause)) {
			return err
		}
		pause = min(pause*2, p.most)
	}
}

// wait says whether the whole time has passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
