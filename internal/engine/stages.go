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
	found := check.Run(ctx, n, t, check.Options{Logins: k.Profile.Logins, Active: k.Profile.Active, Names: k.Names, Roots: k.Roots})
	found = append(found, templates.Run(ctx, n, t, template.Options{Active: k.Profile.Active, Deadline: clock.Now().Add(templateTime), Callbacks: k.Callbacks})...)
	return append(found, web.Run(ctx, n, t, web.Options{Active: k.Profile.Active, Login: k.Web, SignedIn: k.Told, Deadline: clock.Now().Add(webTime)})...)
}

func checkHost(ctx context.Context, n *wire.Net, h scanlink.PlanHost, services []scanlink.Service, k Knowledge) []scanlink.Finding {
	return check.RunHost(ctx, n, h, services, check.Options{Logins: k.Profile.Logins, Active: k.Profile.Active, Names: k.Names, Roots: k.Roots})
}
