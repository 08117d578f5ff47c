//go:build !linux

package wire

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// ARP needs packet sockets, which only Linux has in the form used here.
type ARP struct{}

// ARP is nil on this system.
func (n *Net) ARP() *ARP { return nil }

// Close does nothing.
func (a *ARP) Close() {}

// OnLink is false.
func (a *ARP) OnLink(netip.Addr) bool { return false }

// Ask finds nothing.
func (a *ARP) Ask(context.Context, netip.Addr, int, time.Duration) (net.HardwareAddr, time.Duration, error) {
	return nil, 0, nil
}
