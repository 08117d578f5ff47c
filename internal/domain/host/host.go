// Package host is an asset of an organization, known by its network and address within one product: names, operating system,
// open ports, services and software, and how it stood at its last scan. One that has moved to another address is found again by
// its hardware address, certificates and names. As a run saw it, it is kept with that run together with the facts themselves, so
// that new knowledge can judge them without a new scan; what changed from run to run is its history.
package host

import (
	"strings"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/scanlink"
)

// Seen is what a host and a run's sight of it have in common.
type Seen struct {
	Address   string    `bun:"address"`
	Names     []string  `bun:"names,type:jsonb"`
	NamesText string    `bun:"names_text"`
	OS        string    `bun:"os"`
	Coverage  string    `bun:"coverage"`
	PortsOpen int       `bun:"ports_open"`
	Services  []Service `bun:"services,type:jsonb"`
	Software  []string  `bun:"software,type:jsonb"`
	scan.Counts
	PCIStatus     *string `bun:"pci_status"`
	Authenticated string  `bun:"authenticated"`
	RiskScore     int     `bun:"risk_score"` // 0 to 1000
}

// Service is an open port of a host.
type Service struct {
	Port     int    `json:"port"`
	Protocol string `json:"proto"`
	State    string `json:"state"`
	Name     string `json:"service"`
	Product  string `json:"product"`
	Version  string `json:"version"`
	CPE      string `json:"cpe"`
}

// Host is one row.
type Host struct {
	bun.BaseModel `bun:"table:hosts,alias:h"`
	db.Owned
	ID            string     `bun:"id,pk"`
	Product       string     `bun:"product"`
	Seen                     // Address is a key: of a host of a network address@network
	NetworkID     *string    `bun:"network_id"`
	MAC           string     `bun:"mac"`
	Tags          string     `bun:"tags"`     // each between spaces
	Answered      bool       `bun:"answered"` // once at least; else it is an address that runs looked at in vain, and in no list
	ScansCount    int        `bun:"scans_count"`
	LastHistoryID *string    `bun:"last_history_id"`
	FirstSeenAt   clock.Time `bun:"first_seen_at"`
	LastSeenAt    clock.Time `bun:"last_seen_at"`
}

// RowID breaks ties of a list.
func (h Host) RowID() string { return h.ID }

// keyOf a host: what is unique in an organization's product.
func keyOf(network, address string) string {
	if network == "" {
		return address
	}
	return address + "@" + network
}

// plain is the address of a host.
func (h Host) plain() string {
	address, _, _ := strings.Cut(h.Address, "@")
	return address
}

// Sighting is a host as one run saw it.
type Sighting struct {
	bun.BaseModel `bun:"table:scan_hosts,alias:h"`
	db.Owned
	HistoryID    string `bun:"history_id,pk"`
	ID           string `bun:"id,pk"` // of the host
	ScanID       string `bun:"scan_id"`
	Alive        bool   `bun:"alive"`
	Interference string `bun:"interference"`
	Seen
	Facts     scanlink.HostFacts `bun:"facts,type:jsonb"`
	CreatedAt clock.Time         `bun:"created_at"`
}

// RowID breaks ties of a list.
func (s Sighting) RowID() string { return s.ID }

// Of makes the sight of a host from what was observed, with how it was judged.
func Of(f scanlink.HostFacts, counts scan.Counts, pciStatus string) Seen {
	s := Seen{Address: f.Host.Address.String(), Names: f.Host.Names, OS: f.Host.OS, Coverage: f.Host.Coverage, Authenticated: f.Host.Authenticated,
		Services: []Service{}, Software: []string{}, Counts: counts, RiskScore: Risk(counts)}
	if s.Names == nil {
		s.Names = []string{}
	}
	if pciStatus != "" {
		s.PCIStatus = &pciStatus
	}
	s.NamesText = strings.Join(s.Names, " ")
	for _, v := range f.Services {
		if v.State != "open" {
			continue
		}
		s.PortsOpen++
		s.Services = append(s.Services, Service{Port: int(v.Port), Protocol: v.Protocol, State: v.State, Name: v.Name, Product: v.Product, Version: v.Version, CPE: v.CPE})
		for _, w := range v.Software {
			s.Software = append(s.Software, strings.TrimSpace(w.Product+" "+w.Version))
		}
	}
	for _, p := range f.Host.Packages {
		s.Software = append(s.Software, p.Name+" "+p.Version)
	}
	return s
}
