package netout

import (
	"context"
	"net"
	"time"
)

// Resolver asks the DNS server at HOST:PORT; nil, which is the machine's, for an empty address.
func Resolver(server string) *net.Resolver {
	if server == "" {
		return nil
	}
	dialer := net.Dialer{Timeout: 5 * time.Second}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, server)
	}}
}
