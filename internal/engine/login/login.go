// Package login signs in to a host with the credentials that the customer gave and reads what only an insider sees: the
// installed packages, the kernel that runs, settings. It changes nothing: every command reads, and is bounded in time and
// output. A credential goes to the plan's own addresses alone, is offered once, and stands in no log, fact or error.
package login

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// Result is what came of all credentials on one host. Empty fields say that nothing was learnt.
type Result struct {
	Logins        []scanlink.Login
	OS, OSCPE     string
	Kernel        string // release of the kernel that runs
	KernelPackage string // version of the package that it was built as
	Packages      []scanlink.Package
	Findings      []scanlink.Finding
}

// budget bounds one host, whatever it answers.
const budget = 5 * time.Minute

// maxServices is on how many services of a host one credential is tried, so that no account is locked.
const maxServices = 3

// kind is one way to sign in. It gives false where the login was refused, so that the next service may be tried.
type kind struct {
	name string
	on   func(scanlink.Service) bool
	// without is a service that is tried where none was identified: an agent that stays silent to strangers.
	without *scanlink.Service
	try     func(context.Context, *session) scanlink.Login
}

// session is one credential at one service of one host.
type session struct {
	net        *wire.Net
	target     wire.Target
	credential scanlink.Credential
	result     *Result
}

func kinds() []kind {
	return []kind{
		{name: "ssh", on: func(s scanlink.Service) bool { return s.Protocol == "tcp" && s.Name == "ssh" }, try: trySSH},
		{name: "smb", on: func(s scanlink.Service) bool { return s.Protocol == "tcp" && s.Name == "smb" }, try: trySMB},
		{name: "esxi", on: func(s scanlink.Service) bool { return s.Name == "https" }, try: tryESXi},
		{name: "snmp", on: func(s scanlink.Service) bool { return s.Protocol == "udp" && s.Name == "snmp" }, try: trySNMP,
			without: &scanlink.Service{Port: 161, Protocol: "udp", State: "open", Name: "snmp"}},
	}
}

// Run signs in to a host with each credential. Those of kind http are for the web checks, which tell of them themselves.
func Run(ctx context.Context, n *wire.Net, h scanlink.PlanHost, services []scanlink.Service, credentials []scanlink.Credential) Result {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	var out Result
	for _, k := range kinds() {
		for _, c := range credentials {
			if c.Kind == k.name && ctx.Err() == nil {
				out.Logins = append(out.Logins, k.run(ctx, n, h, services, c, &out))
			}
		}
	}
	return out
}

// run tries the services that fit, until one lets in.
func (k kind) run(ctx context.Context, n *wire.Net, h scanlink.PlanHost, services []scanlink.Service, c scanlink.Credential, out *Result) scanlink.Login {
	var fitting []scanlink.Service
	for _, s := range services {
		if (s.State == "" || s.State == "open") && k.on(s) && len(fitting) < maxServices {
			fitting = append(fitting, s)
		}
	}
	if len(fitting) == 0 && k.without != nil {
		s := *k.without
		s.Address = h.Address
		fitting = append(fitting, s)
	}
	best := scanlink.Login{Kind: k.name, Result: scanlink.NotCapable, Detail: "No service of the host takes a login of this kind."}
	for _, s := range fitting {
		l := k.try(ctx, &session{net: n, target: wire.Target{Host: h, Service: s}, credential: c, result: out})
		l.Kind, l.Port = k.name, s.Port
		if rank(l.Result) > rank(best.Result) || best.Port == 0 {
			best = l
		}
		if rank(l.Result) >= rank(scanlink.Insufficient) {
			break
		}
	}
	return best
}

var ranked = []string{scanlink.NotCapable, scanlink.LoginFailed, scanlink.Insufficient, scanlink.Authenticated}

func rank(result string) int { return slices.Index(ranked, result) }

// Summary puts how all credentials fared into one line: the best result first, then why those of other kinds did not get as far.
func Summary(logins []scanlink.Login) string {
	if len(logins) == 0 {
		return ""
	}
	best := map[string]scanlink.Login{} // of each kind
	var order []string
	for _, l := range logins {
		have, known := best[l.Kind]
		if !known {
			order = append(order, l.Kind)
		}
		if !known || rank(l.Result) > rank(have.Result) {
			best[l.Kind] = l
		}
	}
	slices.Sort(order)
	out := ranked[0]
	for _, kind := range order {
		if l := best[kind]; rank(l.Result) > rank(out) {
			out = l.Result
		}
	}
	for _, kind := range order {
		if l := best[kind]; l.Result != scanlink.Authenticated {
			out += "; " + kind + " " + l.Result + ": " + strings.TrimSuffix(l.Detail, ".")
		}
	}
	return wire.Printable([]byte(out), 250)
}

func failed(detail string) scanlink.Login {
	return scanlink.Login{Result: scanlink.LoginFailed, Detail: detail}
}

func insufficient(detail string) scanlink.Login {
	return scanlink.Login{Result: scanlink.Insufficient, Detail: detail}
}
