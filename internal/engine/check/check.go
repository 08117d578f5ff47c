// Package check holds the engine's checks that a template cannot say: access without login, default accounts, logins in
// clear, open relays and resolvers, small services. A check tells only what it has seen, with the bytes that prove it,
// and leaves nothing behind on the target.
package check

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// Options narrow what checks may do.
type Options struct {
	Logins bool     // default accounts may be tried
	Active bool     // a harmless canary may be written and removed again
	Names  []string // names learnt anywhere in the plan (certificates, banners); their zones are asked of name servers
	Roots  []string // PEM certificates trusted besides the machine's own, for RunHost
}

// check is one entry of the list: what it may report, where it applies, and what it does.
type check struct {
	id      string
	classes []string
	on      func(wire.Target) bool
	run     func(context.Context, *env) []scanlink.Finding
}

// env is one run of one check against one service.
type env struct {
	n  *wire.Net
	t  wire.Target
	o  Options
	id string
	// open is set by a check that found the service usable without login, so that no default account is tried on it.
	open *bool
}

// lists are all checks of single services, in the order they run: access without login before default accounts.
func lists() []check {
	return slices.Concat(exposureChecks, clearChecks, storeChecks, sqlChecks, fileChecks, screenChecks, apiChecks, execChecks, brokerChecks, rpcChecks, proxyChecks, smbChecks, xmppChecks, remoteChecks,
		serviceChecks, sshChecks, mailChecks, dnsChecks, smallChecks, snmpChecks, credsChecks, dataCreds, storeCreds, directoryCreds, webLoginChecks)
}

const checkBudget = 90 * time.Second

// Run gives the findings of every check that applies to an open service. A check that fails costs only its own result.
func Run(ctx context.Context, n *wire.Net, t wire.Target, o Options) []scanlink.Finding {
	if t.Service.State != "" && t.Service.State != "open" {
		return nil
	}
	var out []scanlink.Finding
	open := false
	for _, c := range lists() {
		if ctx.Err() != nil {
			break
		}
		if !c.on(t) {
			continue
		}
		out = append(out, c.one(ctx, &env{n: n, t: t, o: o, id: c.id, open: &open})...)
	}
	return out
}

func (c check) one(ctx context.Context, e *env) []scanlink.Finding {
	ctx, cancel := context.WithTimeout(ctx, checkBudget)
	defer cancel()
	found := c.run(ctx, e)
	for i := range found {
		// A fact's key holds the check and not the class, so one that reports several goes by its classes' names.
		if f := &found[i]; len(c.classes) > 1 && f.Check == c.id && f.Class != "creds" {
			f.Check = strings.ReplaceAll(f.Class, ".", "-")
		}
	}
	return found
}

// Classes are all classes that a check can report, sorted.
func Classes() []string {
	all := slices.Clone(hostClasses)
	for _, c := range lists() {
		all = append(all, c.classes...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// found starts a finding whose fault was seen itself.
func (e *env) found(class string, request, response []byte, detail string) scanlink.Finding {
	f := e.t.Finding(class, e.id, 99)
	f.QoDType = "remote_vul"
	f.Evidence = scanlink.Evidence{
		Request: wire.Printable(request, 4096), Response: wire.Printable(response, 4096), Detail: wire.Printable([]byte(detail), 4096),
	}
	return f
}

func one(f scanlink.Finding) []scanlink.Finding { return []scanlink.Finding{f} }
