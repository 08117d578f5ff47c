package engine

import (
	"context"
	"time"

	"github.com/vedette/vedette/internal/engine/check"
	"github.com/vedette/vedette/internal/engine/login"
	"github.com/vedette/vedette/internal/engine/template"
	"github.com/vedette/vedette/internal/engine/tlsprobe"
	"github.com/vedette/vedette/internal/engine/web"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink"
)

// ownStages are the stages of this program, with its templates and those that were imported.
func ownStages(imported *template.Set) Stages {
	templates := template.Library()
	if imported != nil {
		templates = templates.Merge(imported)
	}
	service := func(ctx context.Context, n *wire.Net, t wire.Target, k Knowledge) []scanlink.Finding {
		return checkService(ctx, n, t, k, templates)
	}
	return Stages{TLS: tlsprobe.Run, Login: login.Run, Service: service, Host: checkHost}
}

// mayTLS says that a service has shown TLS, or may begin it after a command of its protocol.
func mayTLS(s scanlink.Service) bool { return s.Tunnel != "" || tlsprobe.Offers(s.Name) }

// Bounds of what one service may take of the checks' time, so that a slow one holds up no host.
const (
	webTime      = 8 * time.Minute
	templateTime = 5 * time.Minute
)

func checkService(ctx context.Context, n *wire.Net, t wire.Target, k Knowledge, templates *template.Set) []scanlink.Finding {
	port := t.Service.Port
	checks, imported, pages := &wire.Tally{Port: port}, &wire.Tally{Port: port}, &wire.Tally{Port: port}
	found := check.Run(ctx, n.Counting(checks), t, check.Options{Logins: k.Profile.Logins, Active: k.Profile.Active, Names: k.Names, Roots: k.Roots})
	until := clock.Now().Add(templateTime)
	found = append(found, templates.Run(ctx, n.Counting(imported), t, template.Options{Active: k.Profile.Active, Deadline: until, Callbacks: k.Callbacks})...)
	until = clock.Now().Add(webTime)
	found = append(found, web.Run(ctx, n.Counting(pages), t, web.Options{Active: k.Profile.Active, Login: k.Web, SignedIn: k.Told, Deadline: until})...)
	if !clock.Now().Before(until) {
		pages.Skip(1)
	}
	if k.Lost != nil && ctx.Err() == nil {
		k.Lost("checks", t.Service, checks)
		k.Lost("templates", t.Service, imported)
		k.Lost("web", t.Service, pages)
	}
	return found
}

func checkHost(ctx context.Context, n *wire.Net, h scanlink.PlanHost, services []scanlink.Service, k Knowledge) []scanlink.Finding {
	return check.RunHost(ctx, n, h, services, check.Options{Logins: k.Profile.Logins, Active: k.Profile.Active, Names: k.Names, Roots: k.Roots})
}
