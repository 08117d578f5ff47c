package app

import (
	"context"
	"net"
	"net/netip"

	"github.com/vedette/vedette/internal/api"
	"github.com/vedette/vedette/internal/domain/apikey"
	"github.com/vedette/vedette/internal/domain/audit"
	"github.com/vedette/vedette/internal/domain/auth"
	"github.com/vedette/vedette/internal/domain/host"
	"github.com/vedette/vedette/internal/domain/network"
	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/domain/portlist"
	"github.com/vedette/vedette/internal/domain/report"
	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/domain/schedule"
	"github.com/vedette/vedette/internal/domain/target"
	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/domain/vulnerability"
	"github.com/vedette/vedette/internal/domain/whitelabel"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/blob"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/outbox"
	"github.com/vedette/vedette/internal/platform/secret"
	"github.com/vedette/vedette/internal/scanlink/address"
)

// Parts that operations work with; their zero value serves to describe the table.
type Parts struct {
	DB      *db.DB
	Auth    *auth.Auth
	Hasher  *secret.Hasher
	Sealer  *secret.Sealer
	Rules   target.Rules
	Blob    *blob.Store
	Contact string
	// HostName of the installation itself.
	HostName string
	// LinkAuthority is the PEM certificate of the authority that certifies scanners.
	LinkAuthority string
	// Resolver of names; nil: the machine's.
	Resolver *net.Resolver
}

// Operations is the whole table, in the order of the API's groups.
func Operations(p Parts) []op.Operation {
	if p.Auth == nil {
		p.Auth = &auth.Auth{}
	}
	starter := scan.Starter{Rules: p.Rules, Lookup: lookup(p.Resolver), Contact: p.Contact, Forget: vulnerability.Forget}
	people := user.Parts{Hasher: p.Hasher, Letters: p.Auth, Holdings: holdings, Enrich: enrichOrganizations, CountIPs: target.Used, Host: p.HostName}
	return op.Operations(
		p.Auth.Operations(),
		target.Operations(p.Rules, p.Sealer, enrichTargets),
		target.ControlOperations(p.Rules, target.NewProver(p.Rules, p.Resolver)),
		target.CalculateOperations(p.Rules, lookup(p.Resolver)),
		network.Operations(),
		scan.Operations(starter),
		scan.HoldOperations(p.DB),
		scan.WizardOperations(starter, p.Sealer),
		scan.PreviewOperations(starter),
		scan.LoginTestOperations(starter, p.DB),
		scan.EventOperations(p.DB),
		report.Operations(p.Blob),
		vulnerability.Operations(),
		vulnerability.CompareOperations(),
		schedule.Operations(scan.EnrichSchedules),
		audit.Operations(),
		host.Operations(),
		scanner.Operations(p.DB, p.LinkAuthority, audit.Record),
		portlist.Operations(),
		organization.Operations(enrichOrganizations, endOfOrganization),
		plan.Operations(enrichOrganizations),
		plan.SubscriptionOperations(target.Used),
		whitelabel.Operations(p.HostName),
		apikey.Operations(),
		user.Operations(people),
		people.PlaceOperations(),
	)
}

// Document is the OpenAPI description of the table.
func Document() ([]byte, error) { return api.Document(Operations(Parts{})) }

func enrichOrganizations(tx *db.Tx, all []organization.Attributes) error {
	if err := plan.Enrich(tx, all); err != nil {
		return err
	}
	return user.Enrich(tx, all)
}

// endOfOrganization is what nouns say before all that an organization owns is deleted.
var endOfOrganization = organization.End{
	Blocked: []func(*db.Tx) (string, error){scan.Unfinished},
	Kept:    []func(*db.Tx) (string, error){report.KeepPCI},
}

func enrichTargets(tx *db.Tx, all []target.Attributes) error {
	ids := make([]string, len(all))
	for i, t := range all {
		ids[i] = t.ID
	}
	counts, err := scan.CountByTarget(tx, ids)
	for i := range all {
		all[i].ScansCount = counts[all[i].ID]
	}
	return err
}

func lookup(r *net.Resolver) address.Lookup {
	return func(ctx context.Context, name string) ([]netip.Addr, error) { return r.LookupNetIP(ctx, "ip", name) }
}

func identify(a *auth.Auth) api.Identify {
	return func(ctx context.Context, authorization, org, product string) (access.Principal, error) {
		return a.Identify(ctx, auth.Credentials{Authorization: authorization, Organization: org, Product: product})
	}
}

// Subscribers, by the name that stands in their jobs.
const reportSubscriber = "report"

// Who hears what is said here, once for all processes of the program.
func init() {
	outbox.Declare(reportSubscriber, scan.CompletedEvent)
}

func handlers(m *report.Maker) map[string]outbox.Handler {
	return map[string]outbox.Handler{reportSubscriber: m.Completed}
}
