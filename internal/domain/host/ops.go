package host

import (
	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
)

// State of a host, and of a host as a run saw it.
type State struct {
	ID            string      `json:"id"`
	Address       string      `json:"address"`
	Names         []string    `json:"names"`
	OS            string      `json:"os"`
	Coverage      string      `json:"coverage" doc:"complete or inconclusive"`
	PortsOpen     int         `json:"ports_open"`
	Services      []Service   `json:"services"`
	Counts        scan.Counts `json:"counts"`
	PCIStatus     *string     `json:"pci_status" doc:"pass, fail or inconclusive"`
	Authenticated string      `json:"authenticated" doc:"authenticated, insufficient, failed or not capable; empty where no login was asked for"`
}

// Attributes of a host on the wire.
type Attributes struct {
	State
	ScansCount  int        `json:"scans_count"`
	RiskScore   int        `json:"risk_score" doc:"0 to 1000"`
	Software    []string   `json:"software"`
	FirstSeenAt clock.Time `json:"first_seen_at" format:"date-time"`
	LastSeenAt  clock.Time `json:"last_seen_at" format:"date-time"`
}

// Key is the resource's id and type.
func (a Attributes) Key() (string, string) { return a.ID, "host" }

// SightingAttributes of a scan's host.
type SightingAttributes struct {
	State
	Interference string `json:"interference"`
}

// Key is the resource's id and type.
func (a SightingAttributes) Key() (string, string) { return a.ID, "scan_host" }

func common(date string, more ...filter.Column) filter.Columns {
	all := []filter.Column{
		{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
		{Name: "address", SQL: "?TableAlias.address", Search: true},
		{Name: "names", SQL: "?TableAlias.names_text", Search: true},
		{Name: "os", SQL: "?TableAlias.os", Search: true},
		{Name: "coverage", SQL: "?TableAlias.coverage", Kind: filter.Word},
		{Name: "ports_open", SQL: "?TableAlias.ports_open", Kind: filter.Number},
		{Name: "critical", SQL: "?TableAlias.critical", Kind: filter.Number},
		{Name: "high", SQL: "?TableAlias.high", Kind: filter.Number},
		{Name: "medium", SQL: "?TableAlias.medium", Kind: filter.Number},
		{Name: "low", SQL: "?TableAlias.low", Kind: filter.Number},
		{Name: "pci_status", SQL: "?TableAlias.pci_status", Kind: filter.Word, Null: true},
		{Name: "risk_score", SQL: "?TableAlias.risk_score", Kind: filter.Number},
	}
	return filter.Columns{All: append(all, more...), Date: date, Sort: "address"}
}

var (
	columns = common("last_seen_at",
		filter.Column{Name: "scans_count", SQL: "?TableAlias.scans_count", Kind: filter.Number},
		filter.Column{Name: "first_seen_at", SQL: "?TableAlias.first_seen_at", Kind: filter.Moment},
		filter.Column{Name: "last_seen_at", SQL: "?TableAlias.last_seen_at", Kind: filter.Moment})
	sightingColumns = common("created_at", filter.Column{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment})
)

type sightingInput struct {
	scan.ScanInput
	op.Path
}

// Operations of the noun.
func Operations() []op.Operation {
	worst := columns
	worst.Sort = "risk_score desc"
	return append(op.In("Hosts", "",
		op.List("listHosts", "List hosts", "/v2/hosts", access.HostAccess, columns, list),
		op.List("listMostVulnerableHosts", "List the most vulnerable hosts", "/v2/hosts/most_vulnerable", access.HostAccess, worst, list),
		op.Show("showHost", "Show a host", "/v2/hosts/{id}", access.HostAccess, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			h, err := byID(tx, in.ID)
			if err != nil {
				return Attributes{}, err
			}
			return represent(*h), nil
		}),
	), op.In("Scans", "Scan Hosts",
		op.List("listScanHosts", "List a scan's hosts", "/v2/scans/{scan_id}/hosts", access.ScanAccess, sightingColumns,
			func(tx *db.Tx, in *scan.ScanInput, q filter.Query) (filter.Page[SightingAttributes], error) {
				page := filter.Page[SightingAttributes]{}
				history, err := scan.LastHistory(tx, in.ScanID, in.HistoryID)
				if err != nil {
					return page, err
				}
				rows, meta, err := fetchSightings(tx, q, history)
				page.Meta = meta
				for _, s := range rows {
					page.Rows = append(page.Rows, representSighting(s))
				}
				return page, err
			}),
		op.Show("showScanHost", "Show a scan's host", "/v2/scans/{scan_id}/hosts/{id}", access.ScanAccess,
			func(tx *db.Tx, in *sightingInput) (SightingAttributes, error) {
				history, err := scan.LastHistory(tx, in.ScanID, in.HistoryID)
				if err != nil {
					return SightingAttributes{}, err
				}
				if history == "" {
					return SightingAttributes{}, fault.Missing()
				}
				s, err := sightingByID(tx, history, in.ID)
				if err != nil {
					return SightingAttributes{}, err
				}
				return representSighting(*s), nil
			}),
	)...)
}

func list(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[Attributes], error) {
	rows, meta, err := fetch(tx, q)
	page := filter.Page[Attributes]{Meta: meta}
	for _, h := range rows {
		page.Rows = append(page.Rows, represent(h))
	}
	return page, err
}

func represent(h Host) Attributes {
	return Attributes{State: h.state(h.ID), ScansCount: h.ScansCount, RiskScore: h.RiskScore, Software: h.Software, FirstSeenAt: h.FirstSeenAt, LastSeenAt: h.LastSeenAt}
}

func representSighting(s Sighting) SightingAttributes {
	return SightingAttributes{State: s.state(s.ID), Interference: s.Interference}
}

func (s Seen) state(id string) State {
	return State{ID: id, Address: s.Address, Names: s.Names, OS: s.OS, Coverage: s.Coverage, PortsOpen: s.PortsOpen, Services: s.Services,
		Counts: s.Counts, PCIStatus: s.PCIStatus, Authenticated: s.Authenticated}
}
