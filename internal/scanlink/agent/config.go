// Package agent is the scanner's side of the link: it leases chunks of scans, has the engine run them, and sends what
// was observed. A lost connection costs nothing as long as the lease lasts; a lost lease ends the chunk's traffic.
package agent

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/scanlink"
)

// Engine works a plan until its end or until ctx ends, and emits what it sees. emit may block while the server is away.
type Engine func(ctx context.Context, plan scanlink.Plan, emit func(scanlink.Observation)) error

// Config of a scanner. Its JSON is what an embedded scanner reads from its parent; it holds the key and is not printed.
type Config struct {
	Server       string            `json:"server"`      // https://host:port
	Authority    string            `json:"authority"`   // PEM of the certificate that the server must descend from
	Certificate  string            `json:"certificate"` // PEM
	Key          string            `json:"key"`         // PEM
	Parallel     int               `json:"parallel"`    // chunks at once; 0 is 1
	MemoryLimit  int64             `json:"memory_limit,omitempty"`
	Version      string            `json:"version,omitempty"`
	Instance     string            `json:"instance,omitempty"` // this process, so that its death can be told to the server
	FeedVersions map[string]string `json:"feed_versions,omitempty"`
	Templates    string            `json:"templates,omitempty"`    // folder of imported template collections, for the engine
	Collaborator string            `json:"collaborator,omitempty"` // where the engine hears what targets are made to call

	Engine Engine `json:"-"`
	// TemplateVersion is that of the imported templates which a new run would take; nil where there can be none.
	TemplateVersion func() string `json:"-"`
	// Renewed keeps a new certificate and key before the old one expires; nil keeps them in memory alone.
	Renewed func(certificate, key string) error `json:"-"`
}

func (Config) String() string   { return "••••" }
func (Config) GoString() string { return "••••" }

// ErrUnknown is returned when the server no longer knows this scanner; trying again is of no use.
var ErrUnknown = errors.New("the server does not know this scanner any more; link it again")

func (c *Config) check() error {
	u, err := url.Parse(c.Server)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("server %q is not like https://host:port", c.Server)
	}
	c.Server = "https://" + u.Host
	if c.Engine == nil {
		return errors.New("no engine")
	}
	c.Parallel = min(max(c.Parallel, 1), 1024)
	return nil
}

// trust reads the authority as a pool.
func trust(authorityPEM string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(authorityPEM)) {
		return nil, errors.New("the server's authority is no PEM certificate")
	}
	return pool, nil
}

func identityOf(certificate, key string) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		return nil, fmt.Errorf("read the scanner's certificate: %w", err)
	}
	return &pair, nil
}

// Pauses of retries: they double from first to most.
type pauses struct{ first, most time.Duration }

var (
	onPoll  = pauses{200 * time.Millisecond, 10 * time.Second}
	onBeat  = pauses{200 * time.Millisecond, 2 * time.Second}
	onSend  = pauses{100 * time.Millisecond, 3 * time.Second}
	refused = 30 * time.Second // a deactivated scanner asks again
)
