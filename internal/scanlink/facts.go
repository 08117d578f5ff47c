package scanlink

import (
	"cmp"
	"net/netip"
	"slices"
)

// HostFacts is everything observed of one address. Verdicts are formed from it, now or whenever knowledge changes.
type HostFacts struct {
	Host     Host      `json:"host"`
	Services []Service `json:"services"` // by protocol, then port
	Findings []Finding `json:"findings"`
}

type serviceKey struct {
	address  netip.Addr
	protocol string
	port     uint16
}

type findingKey struct {
	serviceKey
	class, check, login, path string
}

// Facts folds a stream of observations; it is safe to give it one twice.
type Facts struct {
	hosts    map[netip.Addr]Host
	services map[serviceKey]Service
	findings map[findingKey]Finding
}

// NewFacts is an empty fold.
func NewFacts() *Facts {
	return &Facts{hosts: map[netip.Addr]Host{}, services: map[serviceKey]Service{}, findings: map[findingKey]Finding{}}
}

// Add takes one observation; progress is passed over.
func (f *Facts) Add(o Observation) {
	switch {
	case o.Host != nil:
		f.hosts[o.Host.Address] = *o.Host
	case o.Service != nil:
		f.services[serviceKey{o.Service.Address, o.Service.Protocol, o.Service.Port}] = *o.Service
	case o.Finding != nil:
		key := serviceKey{o.Finding.Address, o.Finding.Protocol, o.Finding.Port}
		f.findings[findingKey{key, o.Finding.Class, o.Finding.Check, o.Finding.Login, o.Finding.Path}] = *o.Finding
	}
}

// Hosts gives the facts by address, everything in a stable order.
func (f *Facts) Hosts() []HostFacts {
	byHost := map[netip.Addr]*HostFacts{}
	at := func(a netip.Addr) *HostFacts {
		if byHost[a] == nil {
			byHost[a] = &HostFacts{Host: Host{Address: a, Alive: true}}
		}
		return byHost[a]
	}
	for a, h := range f.hosts {
		at(a).Host = h
	}
	for k, s := range f.services {
		at(k.address).Services = append(at(k.address).Services, s)
	}
	for k, v := range f.findings {
		at(k.address).Findings = append(at(k.address).Findings, v)
	}
	all := make([]HostFacts, 0, len(byHost))
	for _, h := range byHost {
		slices.SortFunc(h.Services, func(a, b Service) int {
			return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Port, b.Port))
		})
		slices.SortFunc(h.Findings, compareFindings)
		all = append(all, *h)
	}
	slices.SortFunc(all, func(a, b HostFacts) int { return a.Host.Address.Compare(b.Host.Address) })
	return all
}

func compareFindings(a, b Finding) int {
	return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Port, b.Port), cmp.Compare(a.Class, b.Class),
		cmp.Compare(a.Check, b.Check), cmp.Compare(a.Login, b.Login), cmp.Compare(a.Path, b.Path))
}
