package agent

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/vedette/vedette/internal/scanlink"
)

// verifyTime is shorter than the 15 seconds that an API caller waits for the result.
const verifyTime = 12 * time.Second

// verify answers a job with what only the scanner can tell; versions, ages and clocks the server compares itself.
func (a *agent) verify(ctx context.Context, job scanlink.VerifyJob, signIn *scanlink.Plan) {
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, verifyTime)
	defer cancel()
	checks := []scanlink.VerifyCheck{
		{Name: "reachable", OK: true},
		{Name: "version", OK: true, Value: a.cfg.Version},
		rawCheck(),
	}
	if server, ok := a.link.direct(ctx); ok && signIn == nil {
		checks = append(checks, a.knownPorts(ctx, server))
	}
	if signIn != nil {
		checks = append(checks, a.signIns(ctx, *signIn)...)
	}
	_, err := a.link.post(whole, scanlink.PathVerify+job.ID, scanlink.Verification{Hello: a.hello(), Checks: checks}, nil)
	if err != nil {
		slog.WarnContext(ctx, "the verification could not be answered", "error", err)
	}
}

// telling are the results of a login in the order in which they tell more than what another service answered.
var telling = []string{scanlink.NotCapable, scanlink.LoginFailed, scanlink.Insufficient, scanlink.Authenticated}

// signIns tells how each credential of a plan fared.
func (a *agent) signIns(ctx context.Context, plan scanlink.Plan) []scanlink.VerifyCheck {
	plan.SignIn = true
	var last scanlink.Host
	err := a.cfg.Engine(ctx, plan, func(o scanlink.Observation) {
		if o.Host != nil {
			last = *o.Host
		}
	})
	if err != nil || !last.Done {
		return []scanlink.VerifyCheck{{Name: "host", Detail: "The host took longer than the time of a test."}}
	}
	best := map[string]scanlink.Login{}
	for _, l := range last.Logins { // a kind may have been offered to several services
		if old, told := best[l.Kind]; !told || slices.Index(telling, l.Result) > slices.Index(telling, old.Result) {
			best[l.Kind] = l
		}
	}
	all := []scanlink.VerifyCheck{{Name: "host", OK: last.Alive, Detail: last.Error}}
	for _, kind := range slices.Sorted(maps.Keys(best)) {
		l := best[kind]
		all = append(all, scanlink.VerifyCheck{Name: scanlink.LoginCheck + kind, OK: l.Result == scanlink.Authenticated, Value: l.Result, Detail: l.Detail})
	}
	return all
}

func rawCheck() scanlink.VerifyCheck {
	if rawSockets() {
		return scanlink.VerifyCheck{Name: "raw_sockets", OK: true, Value: "yes"}
	}
	return scanlink.VerifyCheck{
		Name: "raw_sockets", Value: "no",
		Detail: "Without CAP_NET_RAW the scanner finds ports by full connections and cannot ping.",
	}
}

// knownPorts scans the one port that is known to be open: that on which the server is reached.
func (a *agent) knownPorts(ctx context.Context, server netip.AddrPort) scanlink.VerifyCheck {
	var open atomic.Bool
	err := a.cfg.Engine(ctx, scanlink.Plan{
		Profile: "discovery", Hosts: []scanlink.PlanHost{{Address: server.Addr()}}, Ports: fmt.Sprintf("T:%d", server.Port()), AliveTest: "none",
	}, func(o scanlink.Observation) {
		if o.Service != nil && o.Service.State == "open" && o.Service.Port == server.Port() {
			open.Store(true)
		}
	})
	check := scanlink.VerifyCheck{Name: "known_ports", OK: open.Load(), Value: "1 of 1"}
	if !check.OK {
		check.Value, check.Detail = "0 of 1", "A scan does not find the port open on which the scanner reaches the server."
	}
	if err != nil {
		check.Detail = err.Error()
	}
	return check
}
