package check

import (
	"context"

	"github.com/vedette/vedette/internal/engine/tlsprobe"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// hostClasses are the classes that RunHost can report.
var hostClasses = []string{"tls.incomplete-chain", "tls.untrusted", "creds", "anon.pop3", "anon.imap"}

// RunHost gives the findings that need all services of a host, after Run and the TLS stage on each.
func RunHost(ctx context.Context, n *wire.Net, host scanlink.PlanHost, services []scanlink.Service, o Options) []scanlink.Finding {
	out := tlsprobe.Settle(ctx, n, host, services, o.Roots)
	return append(out, mailLogins(ctx, n, host, services, o)...)
}
