// Package collaborator hears what targets say to third parties when a probe makes them: a lookup of a name, a request, a
// directory query. It listens for DNS, HTTP, HTTPS, LDAP, RMI, SMTP and FTP on an address that targets can reach, and needs
// nobody else's service. Each probe has a name that cannot be guessed; whatever does not say such a name counts for nothing.
package collaborator

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/internal/platform/clock"
)

// Bounds of what the collaborator keeps.
const (
	maxProbes       = 200_000
	maxInteractions = 16      // of one probe
	maxText         = 8 << 10 // bytes of what came, and of what was answered
)

// Interaction is one thing that somebody said with the name of a probe.
type Interaction struct {
	Protocol string // dns, http, tls, ldap, rmi, smtp, ftp or tcp
	At       time.Time
	Source   netip.AddrPort
	Request  string
	Response string
}

// Probe is a name to be heard again. Its owner knows for which target, template and request it was made.
type Probe struct {
	// ID is what makes the name unique. It has no meaning.
	ID string
	// Host goes where a host is expected: ID.ZONE, or ADDRESS:PORT/ID where there is no zone.
	Host string
	// Named says that Host is a name, so that using it begins with a lookup.
	Named bool
	Made  time.Time

	server *Server
	lock   sync.Mutex
	all    []Interaction
	heard  chan struct{} // closed by the first interaction
}

// Heard are the interactions so far, oldest first.
func (p *Probe) Heard() []Interaction {
	p.lock.Lock()
	defer p.lock.Unlock()
	return append([]Interaction(nil), p.all...)
}

// First is closed when the first interaction has come.
func (p *Probe) First() <-chan struct{} { return p.heard }

// Forget ends the probe: what comes for it later counts for nothing.
func (p *Probe) Forget() {
	p.server.lock.Lock()
	defer p.server.lock.Unlock()
	delete(p.server.probes, p.ID)
}

func (p *Probe) add(i Interaction) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if len(p.all) >= maxInteractions {
		return
	}
	if p.all = append(p.all, i); len(p.all) == 1 {
		close(p.heard)
	}
}

// Server is a collaborator that listens. It is safe for concurrent use.
type Server struct {
	config Config
	ctx    context.Context
	end    context.CancelFunc
	slots  *slots
	secure tls.Certificate // for HTTPS; nobody has reason to trust it
	names  []*dns.Server
	ports  []net.Listener
	work   sync.WaitGroup

	lock   sync.Mutex
	probes map[string]*Probe
}

// Listen starts a collaborator, which ends with ctx or by Close. An error names the port that cannot be had.
func Listen(ctx context.Context, c Config) (*Server, error) {
	c.Ports = slices.Clone(c.Ports)
	s := &Server{config: c, slots: newSlots(), probes: map[string]*Probe{}}
	s.ctx, s.end = context.WithCancel(ctx)
	var err error
	if s.secure, err = selfSigned(c); err != nil {
		s.end()
		return nil, err
	}
	if err := s.open(); err != nil {
		s.Close()
		return nil, fmt.Errorf("the collaborator cannot listen: %w", err)
	}
	context.AfterFunc(s.ctx, s.shut)
	return s, nil
}

// Open is Listen for what ParseConfig reads; nil, which may be closed, for an empty text.
func Open(ctx context.Context, how string) (*Server, error) {
	if how == "" {
		return nil, nil
	}
	c, err := ParseConfig(how)
	if err != nil {
		return nil, err
	}
	return Listen(ctx, c)
}

func (s *Server) open() error {
	for i, port := range s.config.Ports {
		l, err := (&net.ListenConfig{}).Listen(s.ctx, "tcp", netip.AddrPortFrom(s.config.Listen, port).String())
		if err != nil {
			return err
		}
		if at, err := netip.ParseAddrPort(l.Addr().String()); err == nil {
			s.config.Ports[i] = at.Port() // where any free one was asked for
		}
		s.ports = append(s.ports, l)
		s.work.Go(func() { s.accept(l) })
	}
	if s.config.Zone == "" {
		return nil
	}
	return s.openNames()
}

// Close ends every listener and connection.
func (s *Server) Close() {
	if s == nil {
		return
	}
	s.end()
	s.shut()
	s.work.Wait()
}

func (s *Server) shut() {
	for _, l := range s.ports {
		l.Close()
	}
	for _, n := range s.names {
		_ = n.Shutdown() // one that has not come up yet is ended by its socket
		if n.PacketConn != nil {
			n.PacketConn.Close()
		}
		if n.Listener != nil {
			n.Listener.Close()
		}
	}
}

// Config is what the collaborator listens at, with the ports that it was given.
func (s *Server) Config() Config { return s.config }

var errFull = errors.New("the collaborator holds as many probes as it may")

// Probe makes a new name.
func (s *Server) Probe() (*Probe, error) {
	p := &Probe{ID: newID(), Made: clock.Now(), server: s, heard: make(chan struct{})}
	p.Host, p.Named = s.config.host(p.ID), s.config.Zone != ""
	s.lock.Lock()
	defer s.lock.Unlock()
	if len(s.probes) >= maxProbes {
		return nil, errFull
	}
	s.probes[p.ID] = p
	return p, nil
}

// An id is a fixed beginning, by which it is found in what comes, and 110 random bits.
const (
	idStart  = "vd"
	idRandom = 22
	alphabet = "abcdefghijklmnopqrstuvwxyz234567"
)

func newID() string {
	b := make([]byte, idRandom)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	return idStart + string(b)
}

// find gives the probes that a text names, each once.
func (s *Server) find(text []byte) []*Probe {
	text = bytes.ToLower(text)
	var all []*Probe
	s.lock.Lock()
	defer s.lock.Unlock()
	for from := 0; ; {
		at := bytes.Index(text[from:], []byte(idStart))
		if at < 0 || from+at+len(idStart)+idRandom > len(text) {
			return all
		}
		at += from
		p := s.probes[string(text[at:at+len(idStart)+idRandom])]
		if from = at + 1; p != nil && !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
}

// tell gives an interaction to the probes that its request names.
func (s *Server) tell(i Interaction) (known []*Probe) {
	known = s.find([]byte(i.Request))
	if len(known) == 0 {
		return nil
	}
	i.At = clock.Now()
	i.Request, i.Response = cut(i.Request), cut(i.Response)
	for _, p := range known {
		p.add(i)
	}
	return known
}

func cut(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxText)], "?") }
