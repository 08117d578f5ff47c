package engine

import (
	"context"

	"github.com/vedette/vedette/internal/engine/login"
	"github.com/vedette/vedette/internal/engine/web"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// login signs in with the plan's credentials and keeps what the host tells from inside: it is surer than what was seen
// from outside.
func (h *host) login(ctx context.Context) {
	p := h.run.profile
	if len(h.run.plan.Credentials) == 0 || h.run.stages.Login == nil || !p.Checks || p.Web || ctx.Err() != nil {
		return
	}
	h.share.stage("login", 1)
	tally := &wire.Tally{}
	r := h.run.stages.Login(ctx, h.run.net.Counting(tally), h.plan, h.services, h.run.plan.Credentials)
	if ctx.Err() == nil {
		h.lost("login", scanlink.Service{Protocol: "tcp"}, tally)
	}
	h.share.probed(1)
	h.mu.Lock()
	h.facts.Logins = append(h.facts.Logins, r.Logins...)
	h.facts.Kernel, h.facts.KernelPackage, h.facts.Packages = r.Kernel, r.KernelPackage, r.Packages
	if r.OS != "" && (r.OSCPE != "" || h.facts.OS == "") {
		h.facts.OS, h.facts.OSQoD = r.OS, toldInside
	}
	if r.OSCPE != "" {
		h.facts.OSCPE = r.OSCPE
	}
	h.mu.Unlock()
	h.emitFindings(r.Findings)
}

// toldInside is the quality of what the host itself says of its system.
const toldInside = 97

// signedIn keeps how a login of the checks fared.
func (h *host) signedIn(l scanlink.Login) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.facts.Logins = append(h.facts.Logins, l)
}

// signInWeb tries the account for web applications alone, until one service takes it or it was refused too often.
func (h *host) signInWeb(ctx context.Context) {
	account := webLogin(h.run.plan.Credentials)
	if account == nil {
		return
	}
	refused := 0
	for _, s := range h.services {
		if !isWeb(s) || ctx.Err() != nil || refused >= maxRefused {
			continue
		}
		l := web.SignIn(ctx, h.run.net, h.target(s), *account)
		h.signedIn(l)
		switch l.Result {
		case scanlink.Authenticated:
			return
		case scanlink.LoginFailed:
			refused++
		}
	}
}

// maxRefused is how often one account may be refused on a host before it is offered no more, lest it be locked.
const maxRefused = 3

func (h *host) lockGuard(k Knowledge) Knowledge {
	h.mu.Lock()
	defer h.mu.Unlock()
	refused := 0
	for _, l := range h.facts.Logins {
		if l.Kind == "http" && l.Result == scanlink.LoginFailed {
			refused++
		}
	}
	if refused >= maxRefused {
		k.Web = nil
	}
	return k
}

// webLogin is the account for web applications; nil where none was given.
func webLogin(all []scanlink.Credential) *web.Login {
	for _, c := range all {
		if c.Kind == "http" {
			return &web.Login{User: c.Username, Password: c.Password}
		}
	}
	return nil
}

// loginSummary is the one line on all logins.
func loginSummary(all []scanlink.Login) string { return login.Summary(all) }
