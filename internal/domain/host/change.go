package host

import (
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/portlist"
	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/scanlink"
)

// Kinds of changes.
const (
	Found          = "found" // seen for the first time
	AddressChanged = "address_changed"
	NamesChanged   = "names_changed"
	OSChanged      = "os_changed"
	PortOpened     = "port_opened"
	PortClosed     = "port_closed"
	ServiceChanged = "service_changed"
)

// ChangeKinds lists them.
var ChangeKinds = []string{Found, AddressChanged, NamesChanged, OSChanged, PortOpened, PortClosed, ServiceChanged}

// Change of a host between two runs: one row.
type Change struct {
	bun.BaseModel `bun:"table:host_changes,alias:hc"`
	db.Owned
	ID        string     `bun:"id,pk"`
	HostID    string     `bun:"host_id"`
	HistoryID string     `bun:"history_id"`
	ScanID    string     `bun:"scan_id"`
	Kind      string     `bun:"kind"`
	Port      int        `bun:"port"` // 0: of the whole host, or of too many ports to tell each
	Protocol  string     `bun:"protocol"`
	Before    string     `bun:"before"`
	After     string     `bun:"after"`
	CreatedAt clock.Time `bun:"created_at"`
}

// RowID breaks ties of a list.
func (c Change) RowID() string { return c.ID }

// mostPorts of one kind of change that are told one by one; a host on which more change at once answers whatever is asked.
const mostPorts = 100

// view is what a run looked at: what it did not look at says nothing.
type view struct {
	ports []portlist.Range
	none  bool // it asks no ports
}

func viewOf(h *scan.History) view {
	ports, err := portlist.ParseSpec("", h.Plan.Ports)
	return view{ports: ports, none: err != nil || h.Plan.Profile == "discovery"}
}

// looked says whether the run would have seen the port of the host, had it been open.
func (v view) looked(f scanlink.Host, s Service) bool {
	return !v.none && f.Alive && f.Coverage == scanlink.Complete && slices.ContainsFunc(v.ports, func(r portlist.Range) bool {
		return r.Protocol == s.Protocol && r.Start <= s.Port && s.Port <= r.End
	})
}

// carry over what is known of a host and this run has not looked at.
func (v view) carry(before *Host, f scanlink.Host, after *Seen) {
	if before == nil {
		return
	}
	if after.OS == "" {
		after.OS = before.OS
	}
	if len(after.Names) == 0 {
		after.Names, after.NamesText = before.Names, before.NamesText
	}
	for _, s := range before.Services {
		if find(after.Services, s) == nil && !v.looked(f, s) {
			after.Services = append(after.Services, s)
		}
	}
	after.PortsOpen = len(after.Services)
}

func find(all []Service, s Service) *Service {
	i := slices.IndexFunc(all, func(x Service) bool { return x.Port == s.Port && x.Protocol == s.Protocol })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// changes from what was known (nil: nothing) to what is known now, of which Address is the plain one.
func changes(before *Host, after Seen) []Change {
	if before == nil {
		return []Change{{Kind: Found, After: after.Address}}
	}
	var all []Change
	differ := func(kind, was, is string) {
		if was != is && is != "" && (was != "" || kind == NamesChanged) {
			all = append(all, Change{Kind: kind, Before: was, After: is})
		}
	}
	differ(AddressChanged, before.plain(), after.Address)
	differ(NamesChanged, sorted(before.Names), sorted(after.Names))
	differ(OSChanged, before.OS, after.OS)
	var opened, closed, changed []Change
	for _, s := range after.Services {
		was := find(before.Services, s)
		switch {
		case was == nil:
			opened = append(opened, Change{Kind: PortOpened, Port: s.Port, Protocol: s.Protocol, After: s.text()})
		case s.text() != "" && was.text() != s.text():
			changed = append(changed, Change{Kind: ServiceChanged, Port: s.Port, Protocol: s.Protocol, Before: was.text(), After: s.text()})
		}
	}
	for _, s := range before.Services {
		if find(after.Services, s) == nil {
			closed = append(closed, Change{Kind: PortClosed, Port: s.Port, Protocol: s.Protocol, Before: s.text()})
		}
	}
	return slices.Concat(all, few(opened), few(closed), few(changed))
}

// few tells many changes of a kind as one.
func few(all []Change) []Change {
	if len(all) <= mostPorts {
		return all
	}
	return []Change{{Kind: all[0].Kind, After: fmt.Sprintf("%d ports", len(all))}}
}

// text of a service: what it is, with its version.
func (s Service) text() string {
	return strings.TrimSpace(s.Name + " " + strings.TrimSpace(s.Product+" "+s.Version))
}

func sorted(names []string) string {
	return strings.Join(slices.Sorted(slices.Values(names)), " ")
}
