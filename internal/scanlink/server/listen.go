package server

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink/authority"
)

// Server is a listener for scanners.
type Server struct {
	http     *http.Server
	listener net.Listener
	end      context.CancelFunc
}

// Listen opens the address (host:port; port 0 takes a free one). Serve serves it.
func Listen(address string, a *authority.Authority, h http.Handler) (*Server, error) {
	identity := &certificates{authority: a}
	if _, err := identity.get(nil); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(context.Background())
	s := &Server{listener: listener, end: end, http: &http.Server{
		Handler:           h,
		TLSConfig:         config(a, identity),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       2 * time.Minute,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}}
	return s, nil
}

func config(a *authority.Authority, identity *certificates) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS13,
		ClientAuth:     tls.VerifyClientCertIfGiven,
		ClientCAs:      a.Pool(),
		GetCertificate: identity.get,
		Time:           clock.Now,
		NextProtos:     []string{"h2", "http/1.1"},
	}
}

// Address that the server listens on.
func (s *Server) Address() net.Addr { return s.listener.Addr() }

// Serve returns nil after Shutdown.
func (s *Server) Serve() error {
	err := s.http.ServeTLS(s.listener, "", "")
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Shutdown ends the long polls at once and waits for their answers until ctx ends; then it closes what is left.
func (s *Server) Shutdown(ctx context.Context) error {
	s.end()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

// certificates keeps the server's certificate and makes a new one in time.
type certificates struct {
	authority *authority.Authority
	mu        sync.Mutex
	current   *tls.Certificate
}

func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil && clock.Now().Before(c.current.Leaf.NotAfter.Add(-authority.RenewBefore)) {
		return c.current, nil
	}
	made, err := c.authority.Server()
	if err != nil {
		return nil, err
	}
	c.current = made
	return made, nil
}
