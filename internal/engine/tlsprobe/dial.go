package tlsprobe

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/vedette/vedette/internal/engine/wire"
)

const danceWait = 6 * time.Second

// direct are the names of services that begin with TLS at once.
var direct = []string{"https", "imaps", "pop3s", "smtps", "submissions", "ldaps", "ftps", "ircs", "telnets", "nntps", "amqps", "mqtts", "sips"}

// Dial opens a connection up to the point where a ClientHello may be sent: at once, or after the STARTTLS dance of
// t.Service.Name. RDP is always reached by its negotiation.
func Dial(ctx context.Context, n *wire.Net, t wire.Target) (net.Conn, error) {
	c, err := n.Dial(ctx, "tcp", t.AddrPort())
	if err != nil {
		return nil, err
	}
	step := danceOf(t)
	if step == nil {
		return c, nil
	}
	_ = c.SetDeadline(time.Now().Add(danceWait))
	if err := step(&conversation{conn: c}, t); err != nil {
		c.Close()
		return nil, fmt.Errorf("starttls of %s: %w", t.Service.Name, err)
	}
	_ = c.SetDeadline(time.Time{})
	return c, nil
}

// Offers says whether the service may begin TLS after its own command.
func Offers(name string) bool { return dances[name] != nil }

func danceOf(t wire.Target) dance {
	if t.Service.Name == "rdp" || t.Service.Name == "ms-wbt-server" {
		return rdp
	}
	if t.Service.Tunnel == "tls" || slices.Contains(direct, t.Service.Name) {
		return nil
	}
	return dances[t.Service.Name]
}
