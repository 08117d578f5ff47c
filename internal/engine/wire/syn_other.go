//go:build !linux

package wire

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// SYN needs raw sockets, which only Linux has in the form used here.
type SYN struct{}

// SYN is an error on this system.
func (n *Net) SYN(netip.Addr) (*SYN, error) { return nil, errors.New("no SYN scan on this system") }

// Close does nothing.
func (s *SYN) Close() {}

// Knock finds nothing.
func (s *SYN) Knock(ctx context.Context, _ uint16, _ time.Duration) (Answer, error) {
	return Silent, ctx.Err()
}
