package scan

import (
	"context"
	"errors"
	"net/http"

	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/domain/target"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/address"
)

// Preview tells what a start would do.
type Preview struct {
	Startable bool      `json:"startable"`
	Problems  []Problem `json:"problems" doc:"What a start would be refused for"`
	Addresses int       `json:"addresses" doc:"Names resolved now, exclusions taken off"`
	Parts     int       `json:"parts" doc:"Each is worked by one scanner at a time"`
	Notes     string    `json:"notes" doc:"Names without an address"`
	Scanner   op.Link   `json:"scanner"`
	Profile   string    `json:"profile"`
	Quota     Quota     `json:"quota"`
	Rescans   Rescans   `json:"rescans"`
	Estimate  Estimate  `json:"estimate"`
	Load      Load      `json:"load"`
}

// Problem that a start would meet.
type Problem struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Quota of addresses over all targets of the product.
type Quota struct {
	Limit *int `json:"limit" doc:"null: none"`
	Used  int  `json:"used"`
	Left  *int `json:"left" doc:"null: no limit"`
}

// Rescans of the scan in the plan's present period.
type Rescans struct {
	Limit *int        `json:"limit" doc:"null: none"`
	Used  int         `json:"used"`
	Since *clock.Time `json:"since" format:"date-time" doc:"When the period began"`
}

// Estimate of how long the run takes once it is its turn.
type Estimate struct {
	Seconds int    `json:"seconds"`
	Basis   string `json:"basis" enum:"earlier_runs,profile" doc:"Measured, or what the profile states"`
	Runs    int    `json:"runs" doc:"How many earlier runs were measured"`
}

// Load that the targets' networks see, at most.
type Load struct {
	PacketsPerSecond int    `json:"packets_per_second"`
	Packets          int    `json:"packets" doc:"In all"`
	Text             string `json:"text"`
}

func (s Starter) preview(ctx context.Context, open op.Opener, in *op.Path) (Preview, error) {
	p, err := s.prepare(ctx, open.Read, in.ID, open.Grant().Organization())
	if err != nil {
		return Preview{}, err
	}
	out := Preview{Addresses: len(p.hosts), Parts: (len(p.hosts) + address.ChunkSize - 1) / address.ChunkSize, Notes: p.notes, Profile: p.scan.Profile,
		Scanner: op.Link{ID: p.scanner.ID, Name: p.scanner.Name}, Problems: []Problem{}}
	cost, places := scanlink.CostOf(p.scan.Profile), max(1, p.scanner.MaxConcurrency)
	out.Load = load(cost, min(places, out.Parts), out.Addresses, p.target.MaxParallel)
	err = open.Read(ctx, func(tx *db.Tx) error {
		var err error
		if out.Quota, err = quota(tx); err != nil {
			return err
		}
		if out.Rescans, err = rescans(tx, p.scan); err != nil {
			return err
		}
		perHost, runs, err := measured(tx, p.scan.ID, p.scan.Profile)
		if err != nil {
			return err
		}
		out.Estimate = estimate(cost, out.Addresses, places, perHost, runs)
		if out.Quota.Left != nil && *out.Quota.Left < 0 {
			out.Problems = append(out.Problems, Problem{"quota_exceeded", "The targets come to more addresses than your plan covers."})
		}
		for _, err := range []error{notHeld(tx), mayRescan(tx, p.scan),
			s.Rules.Permit(tx, p.target, p.scan.Profile, p.scanner.Private(tx.Organization()), reach(p.hosts))} {
			var f *fault.Fault
			switch {
			case errors.As(err, &f) && f.Kind != fault.Internal && f.Kind != fault.Unavailable:
				out.Problems = append(out.Problems, Problem{f.Code, f.Text})
			case err != nil:
				return err
			}
		}
		return nil
	})
	out.Startable = len(out.Problems) == 0
	return out, err
}

// load of a profile with that many parts at work.
func load(c scanlink.Cost, parts, hosts, parallel int) Load {
	if parallel == 0 || parallel > c.Parallel {
		parallel = c.Parallel
	}
	rate := c.Rate
	if rate == 0 {
		rate = c.Probes / max(1, c.Seconds) * min(parallel, address.ChunkSize)
	}
	return Load{PacketsPerSecond: rate * max(1, parts), Packets: c.Probes * hosts, Text: c.Load}
}

// estimate by earlier runs, or by what the profile states.
func estimate(c scanlink.Cost, hosts, places int, perHost float64, runs int) Estimate {
	if runs > 0 {
		return Estimate{Seconds: max(1, int(perHost*float64(hosts))), Basis: "earlier_runs", Runs: runs}
	}
	atOnce := max(1, min(c.Parallel, address.ChunkSize)*places)
	return Estimate{Seconds: c.Seconds * ((hosts + atOnce - 1) / atOnce), Basis: "profile"}
}

func quota(tx *db.Tx) (Quota, error) {
	used, err := target.Used(tx)
	if err != nil || tx.Organization() == access.Installation {
		return Quota{Used: used}, err
	}
	all, err := plan.Active(tx, tx.Organization())
	q := Quota{Used: used}
	for _, s := range all {
		if limit := s.Granted().IPs(); s.Product == tx.Product() && limit >= 0 {
			left := limit - used
			q.Limit, q.Left = &limit, &left
		}
	}
	return q, err
}

func rescans(tx *db.Tx, s *Scan) (Rescans, error) {
	used, a, err := rescansOf(tx, s)
	out := Rescans{Used: max(0, used)}
	if a.since > 0 {
		out.Since = &a.since
	}
	if a.most >= 0 {
		out.Limit = &a.most
	}
	return out, err
}

type profileAttributes struct {
	ID               string   `json:"id" doc:"The name"`
	Name             string   `json:"name"`
	Summary          string   `json:"summary"`
	Load             string   `json:"load"`
	PacketsPerSecond int      `json:"packets_per_second" doc:"Of a part, at most; 0: as fast as the hosts answer"`
	PacketsPerHost   int      `json:"packets_per_host" doc:"About"`
	SecondsPerHost   int      `json:"seconds_per_host" doc:"About, of a host that answers"`
	Parallel         int      `json:"parallel" doc:"Hosts at once in a part"`
	Checks           bool     `json:"checks" doc:"It looks for vulnerabilities"`
	Active           bool     `json:"active" doc:"It sends requests like those of an attack"`
	AppTypes         []string `json:"app_types" doc:"Products in which it may be chosen"`
}

// Key is the profile's name and the type.
func (a profileAttributes) Key() (string, string) { return a.Name, "scan_profile" }

// profiles that there are; those of the active product where activated is set.
func profiles(activated bool) func(*db.Tx, *op.Empty) ([]profileAttributes, error) {
	return func(tx *db.Tx, _ *op.Empty) ([]profileAttributes, error) {
		var all []profileAttributes
		for _, c := range scanlink.Costs() {
			if activated && tx.Product() == plan.PCI && c.Profile != plan.PCI {
				continue
			}
			a := profileAttributes{ID: c.Profile, Name: c.Profile, Summary: c.Summary, Load: c.Load, PacketsPerSecond: c.Rate, PacketsPerHost: c.Probes, SecondsPerHost: c.Seconds,
				Parallel: c.Parallel, Checks: c.Checks, Active: c.Active, AppTypes: []string{plan.VRMS, plan.Penetration}}
			if c.Profile == plan.PCI {
				a.AppTypes = plan.Products
			}
			all = append(all, a)
		}
		return all, nil
	}
}

// PreviewOperations tell of a start before it, and what the profiles cost.
func PreviewOperations(s Starter) []op.Operation {
	return op.In("Scans", "",
		op.Long("previewScan", "Preview the start of a scan", http.MethodPost, "/v2/scans/{id}/preview", access.ScanRun, s.preview).Conflicts().
			Says("Resolves the names and looks at every rule as a start would, and starts nothing."),
		op.Short("listScanProfiles", "List scan profiles", "/v2/scan_profiles", access.ScanAccess, profiles(false)),
		op.Short("listActivatedScanProfiles", "List activated scan profiles", "/v2/scan_profiles/activated", access.ScanAccess, profiles(true)).
			Says("Those that may be chosen in the active product."),
	)
}
