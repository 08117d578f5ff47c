package collaborator

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
)

const (
	maxConns     = 256
	maxConnsEach = 32 // of one address
)

// slots bound the connections at once.
type slots struct {
	lock sync.Mutex
	all  int
	each map[netip.Addr]int
}

func newSlots() *slots { return &slots{each: map[netip.Addr]int{}} }

func (s *slots) take(a netip.Addr) bool {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.all >= maxConns || s.each[a] >= maxConnsEach {
		return false
	}
	s.all++
	s.each[a]++
	return true
}

func (s *slots) free(a netip.Addr) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.all--
	if s.each[a]--; s.each[a] == 0 {
		delete(s.each, a)
	}
}

func (s *Server) accept(l net.Listener) {
	pause := 5 * time.Millisecond
	for s.ctx.Err() == nil {
		conn, err := l.Accept()
		if err != nil {
			select { // out of descriptors, perhaps
			case <-time.After(pause):
				pause = min(2*pause, time.Second)
				continue
			case <-s.ctx.Done():
				return
			}
		}
		pause = 5 * time.Millisecond
		source := sourceOf(conn.RemoteAddr())
		if !s.slots.take(source.Addr()) {
			conn.Close()
			continue
		}
		s.work.Go(func() {
			defer s.slots.free(source.Addr())
			defer conn.Close()
			defer context.AfterFunc(s.ctx, func() { conn.Close() })()
			s.hear(conn, source)
		})
	}
}

func selfSigned(c Config) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make the collaborator's certificate: %w", err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(clock.Now().UnixNano()), Subject: pkix.Name{CommonName: c.Public.String()},
		NotBefore: clock.Now().Add(-time.Hour), NotAfter: clock.Now().AddDate(1, 0, 0), IPAddresses: []net.IP{c.Public.AsSlice()},
	}
	if c.Zone != "" {
		leaf.Subject.CommonName, leaf.DNSNames = c.Zone, []string{c.Zone, "*." + c.Zone}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, leaf, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make the collaborator's certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
