package host

import (
	"net/http"

	"github.com/vedette/vedette/internal/domain/network"
	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/domain/tag"
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
	Authenticated string      `json:"authenticated" doc:"authenticated, insufficient, failed or not capable, then why; empty where no login was asked for"`
}

// Attributes of a host on the wire.
type Attributes struct {
	State
	ScansCount  int        `json:"scans_count"`
	RiskScore   int        `json:"risk_score" doc:"0 to 1000"`
	Software    []string   `json:"software"`
	Network     *op.Link   `json:"network" doc:"The site that it was seen in; null: what all can reach"`
	MAC         string     `json:"mac" doc:"Hardware address; empty where no scanner stands beside it"`
	Tags        []string   `json:"tags"`
	FirstSeenAt clock.Time `json:"first_seen_at" format:"date-time"`
	LastSeenAt  clock.Time `json:"last_seen_at" format:"date-time"`
}

// Key is the resource's id and type.
func (a Attributes) Key() (string, string) { return a.ID, "host" }

// Detailed is a host with its risk explained.
type Detailed struct {
	Attributes
	Risk RiskScore `json:"risk"`
}

// ChangeAttributes of a host on the wire.
type ChangeAttributes struct {
	ID        string     `json:"id"`
	Kind      string     `json:"kind" enum:"found,address_changed,names_changed,os_changed,port_opened,port_closed,service_changed"`
	Port      int        `json:"port" doc:"0: of the whole host, or of too many ports to tell each"`
	Protocol  string     `json:"proto"`
	Before    string     `json:"before"`
	After     string     `json:"after"`
	ScanID    string     `json:"scan_id"`
	HistoryID string     `json:"history_id" doc:"The run that saw it"`
	CreatedAt clock.Time `json:"created_at" format:"date-time"`
}

// Key is the resource's id and type.
func (a ChangeAttributes) Key() (string, string) { return a.ID, "host_change" }

// SightingAttributes of a scan's host.
type SightingAttributes struct {
	State
	Interference string `json:"interference"`
}

// Key is the resource's id and type.
func (a SightingAttributes) Key() (string, string) { return a.ID, "scan_host" }

// plainAddress of a host; the migration has an index on it.
const plainAddress = "(CASE WHEN ?TableAlias.network_id IS NULL THEN ?TableAlias.address ELSE substr(?TableAlias.address, 1, length(?TableAlias.address) - 37) END)"

func common(date, address string, more ...filter.Column) filter.Columns {
	all := []filter.Column{
		{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
		{Name: "address", SQL: address, Search: true},
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
	columns = common("last_seen_at", plainAddress,
		filter.Column{Name: "network", SQL: "?TableAlias.network_id", Kind: filter.ID, Null: true, NoSort: true},
		filter.Column{Name: "mac", SQL: "?TableAlias.mac", NoSort: true},
		filter.Column{Name: "tags", SQL: "?TableAlias.tags", Kind: filter.Listed, Search: true, NoSort: true},
		filter.Column{Name: "scans_count", SQL: "?TableAlias.scans_count", Kind: filter.Number},
		filter.Column{Name: "first_seen_at", SQL: "?TableAlias.first_seen_at", Kind: filter.Moment},
		filter.Column{Name: "last_seen_at", SQL: "?TableAlias.last_seen_at", Kind: filter.Moment})
	sightingColumns = common("created_at", "?TableAlias.address", filter.Column{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment})
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
		op.Show("showHost", "Show a host", "/v2/hosts/{id}", access.HostAccess, func(tx *db.Tx, in *op.Path) (Detailed, error) {
			h, err := byID(tx, in.ID)
			if err != nil {
				return Detailed{}, err
			}
			all, err := represent(tx, []Host{*h})
			if err != nil {
				return Detailed{}, err
			}
			return Detailed{all[0], Explain(h.Counts)}, nil
		}),
		op.List("listHostChanges", "List the changes of a host", "/v2/hosts/{id}/changes", access.HostAccess, changeColumns, listChanges).
			Says("What was different from one run to the next: ports, services, operating system, names, address."),
		op.Do("tagHosts", "Tag hosts", http.MethodPut, "/v2/hosts/tags", access.TargetCreate, tagAll).
			Says("Adds and removes tags of many hosts, all or nothing."),
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
	if err != nil {
		return filter.Page[Attributes]{}, err
	}
	all, err := represent(tx, rows)
	return filter.Page[Attributes]{Rows: all, Meta: meta}, err
}

func represent(tx *db.Tx, rows []Host) ([]Attributes, error) {
	sites := make([]*string, len(rows))
	for i, h := range rows {
		sites[i] = h.NetworkID
	}
	link, err := network.Links(tx, sites)
	all := make([]Attributes, len(rows))
	for i, h := range rows {
		all[i] = Attributes{State: h.state(h.ID), ScansCount: h.ScansCount, RiskScore: h.RiskScore, Software: h.Software, Network: link(h.NetworkID),
			MAC: h.MAC, Tags: tag.Read(h.Tags), FirstSeenAt: h.FirstSeenAt, LastSeenAt: h.LastSeenAt}
		all[i].Address = h.plain()
	}
	return all, err
}

var changeColumns = filter.Columns{Date: "created_at", Sort: "created_at desc", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "kind", SQL: "?TableAlias.kind", Kind: filter.Word, Words: ChangeKinds},
	{Name: "port", SQL: "?TableAlias.port", Kind: filter.Number},
	{Name: "proto", SQL: "?TableAlias.protocol", Kind: filter.Word},
	{Name: "history_id", SQL: "?TableAlias.history_id", Kind: filter.ID, NoSort: true},
	{Name: "scan_id", SQL: "?TableAlias.scan_id", Kind: filter.ID, NoSort: true},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
}}

func listChanges(tx *db.Tx, in *op.Path, q filter.Query) (filter.Page[ChangeAttributes], error) {
	page := filter.Page[ChangeAttributes]{}
	h, err := byID(tx, in.ID)
	if err != nil {
		return page, err
	}
	rows, meta, err := fetchChanges(tx, q, h.ID)
	page.Meta = meta
	for _, c := range rows {
		page.Rows = append(page.Rows, ChangeAttributes{ID: c.ID, Kind: c.Kind, Port: c.Port, Protocol: c.Protocol, Before: c.Before, After: c.After,
			ScanID: c.ScanID, HistoryID: c.HistoryID, CreatedAt: c.CreatedAt})
	}
	return page, err
}

// Tagged are the resources whose tags were changed.
type Tagged struct {
	Data []op.Ref `json:"data"`
}

type tagInput struct{ Body tag.Edit }

func tagAll(tx *db.Tx, in *tagInput) (Tagged, error) {
	out := Tagged{}
	if err := in.Body.Clean(); err != nil {
		return out, err
	}
	all, err := lockAll(tx, in.Body.IDs)
	if err != nil {
		return out, err
	}
	for i := range all {
		h := &all[i]
		before := h.Tags
		if h.Tags, err = in.Body.Apply(before); err != nil {
			return out, err
		}
		out.Data = append(out.Data, op.Ref{ID: h.ID, Type: "host"})
		if h.Tags == before {
			continue
		}
		if err := saveTags(tx, h); err != nil {
			return out, err
		}
		tx.Changed(db.Change{Type: "host", ID: h.ID, Name: h.plain(), Before: tagsOf(before), After: tagsOf(h.Tags)})
	}
	return out, nil
}

func tagsOf(text string) map[string][]string { return map[string][]string{"tags": tag.Read(text)} }

func representSighting(s Sighting) SightingAttributes {
	return SightingAttributes{State: s.state(s.ID), Interference: s.Interference}
}

func (s Seen) state(id string) State {
	return State{ID: id, Address: s.Address, Names: s.Names, OS: s.OS, Coverage: s.Coverage, PortsOpen: s.PortsOpen, Services: s.Services,
		Counts: s.Counts, PCIStatus: s.PCIStatus, Authenticated: s.Authenticated}
}
