// Package target is what a customer wants scanned: hosts, what to leave out, which ports, and the logins to use. A target
// belongs to one organization and one product; only that product's lists show it. In PCI the customer attests the scope. The
// plan limits the distinct addresses over all targets of a product. Deleting a target deletes its credentials; one that a scan
// uses can't be deleted. A target belongs to a network (a site), or to none, and bears tags.
//
// Outside scan.allow_networks a shared scanner attacks only hosts that the organization has proven to control, and looks at
// others only with the recorded permission of the scope attestation.
package target

import (
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/scanlink/address"
)

// AliveTests say how a scan finds out which addresses answer; none takes all of them for alive.
var AliveTests = []string{"auto", "icmp", "tcp", "arp", "none"}

// MaxParallel is the most hosts that may be scanned at once; 0 leaves it to the profile.
const MaxParallel = 256

// Target is one row.
type Target struct {
	bun.BaseModel `bun:"table:targets,alias:t"`
	db.Owned
	ID                     string   `bun:"id,pk"`
	Product                string   `bun:"product"`
	Name                   string   `bun:"name"`
	Hosts                  []string `bun:"hosts,type:jsonb"`         // canonical, each once
	ExcludeHosts           []string `bun:"exclude_hosts,type:jsonb"` // canonical, each once
	HostsText              string   `bun:"hosts_text"`               // hosts by line, for searching
	Comment                string   `bun:"comment"`
	PortListOrganizationID *string  `bun:"port_list_organization_id"`
	PortListID             *string  `bun:"port_list_id"`
	AliveTest              string   `bun:"alive_test"`
	MaxParallel            int      `bun:"max_parallel"`
	HostsCount             int      `bun:"hosts_count"`
	NetworkID              *string  `bun:"network_id"`
	Tags                   string   `bun:"tags"` // each between spaces
	Attested
	CreatedBy *string    `bun:"created_by"`
	CreatedAt clock.Time `bun:"created_at"`
	UpdatedAt clock.Time `bun:"updated_at"`
}

// Attested is the customer's word for the scope (ASV Program Guide, Appendix A: attestation of the scan customer), with
// who gave it here and when.
type Attested struct {
	ScopeAccepted bool        `bun:"scope_accepted"`
	ScopeName     string      `bun:"scope_name"`
	ScopeTitle    string      `bun:"scope_title"`
	ScopeAt       *clock.Time `bun:"scope_at"`
	ScopeUserID   *string     `bun:"scope_user_id"`
}

// RowID breaks ties of a list.
func (t Target) RowID() string { return t.ID }

// Scope of the target, read from its row.
func (t Target) Scope() (Scope, error) {
	s, err := ReadScope(t.Hosts, t.ExcludeHosts)
	if err != nil {
		return s, fmt.Errorf("scope of target %s: %w", t.ID, err)
	}
	if t.NetworkID != nil {
		s.Network = *t.NetworkID
	}
	return s, nil
}

func (t *Target) setScope(s Scope) {
	t.Hosts, t.ExcludeHosts, t.HostsCount = texts(s.Hosts), texts(s.Excluded), s.Count()
	t.HostsText = strings.ToLower(strings.Join(t.Hosts, "\n"))
}

func texts(hosts []address.Host) []string {
	all := make([]string, len(hosts))
	for i, h := range hosts {
		all[i] = h.Text
	}
	return all
}

// Scope is the hosts of a target, parsed, in their network.
type Scope struct {
	Hosts, Excluded []address.Host
	Network         string // id; empty: none
}

// Pointers of the two lists.
const (
	hostsPointer   = "/target/hosts"
	excludePointer = "/target/exclude_hosts"
)

// ReadScope parses the hosts to scan and those to leave out. The error is fault.Invalid, points at the list, and names each
// item that is wrong and what would be right.
func ReadScope(hosts, excluded []string) (Scope, error) {
	var s Scope
	var err, excludeErr error
	s.Hosts, err = readHosts(hostsPointer, hosts)
	s.Excluded, excludeErr = readHosts(excludePointer, excluded)
	if wrong := append(fault.DetailsOf(err), fault.DetailsOf(excludeErr)...); len(wrong) > 0 {
		return s, fault.All(wrong)
	}
	if len(s.Hosts) == 0 {
		return s, fault.At(hostsPointer, "required", "A target needs at least one host: an address, a network (192.0.2.0/24), a range (192.0.2.1-9), a name or a URL.")
	}
	n := s.count()
	switch {
	case n == 0:
		return s, fault.At(excludePointer, "nothing_left", "exclude_hosts takes off every host; leave something to scan.")
	case n > address.MaxAddresses:
		return s, fault.At(hostsPointer, "too_many_addresses",
			"The hosts come to more than %d addresses; write smaller networks or several targets.", address.MaxAddresses)
	}
	return s, nil
}

func readHosts(pointer string, items []string) ([]address.Host, error) {
	items = slices.DeleteFunc(slices.Clone(items), func(item string) bool { return strings.TrimSpace(item) == "" })
	hosts, err := address.ParseList(pointer, items)
	wrong := fault.DetailsOf(err)
	for i := range wrong {
		wrong[i].Pointer = pointer // a text with commas has no indices
	}
	return hosts, fault.All(wrong)
}

// Addresses that the hosts write out, less the exclusions. Names are not resolved here.
func (s Scope) Addresses() address.Set {
	return address.SetOf(s.Hosts).Without(address.SetOf(s.Excluded))
}

// Names to resolve, each once, less those that are excluded by the same name.
func (s Scope) Names() []string {
	var names []string
	excluded := map[string]bool{}
	for _, h := range s.Excluded {
		excluded[h.Name] = true
	}
	for _, h := range s.Hosts {
		if h.Name != "" && !excluded[h.Name] {
			names = append(names, h.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Count of distinct addresses; a name counts as one.
func (s Scope) Count() int { return int(min(s.count(), address.MaxAddresses+1)) }

func (s Scope) count() uint64 {
	n := s.Addresses().Count()
	return n + min(uint64(len(s.Names())), ^uint64(0)-n)
}

// Distinct addresses over several scopes; a name counts as one wherever it stands. What is in two networks counts in each.
func Distinct(scopes []Scope) int {
	spans := map[string][]address.Span{}
	names := map[string][]string{}
	for _, s := range scopes {
		spans[s.Network] = append(spans[s.Network], s.Addresses().Spans()...)
		names[s.Network] = append(names[s.Network], s.Names()...)
	}
	n := 0
	for network := range spans {
		slices.Sort(names[network])
		n += int(min(address.NewSet(spans[network]...).Count(), 1<<40)) + len(slices.Compact(names[network]))
	}
	return n
}
