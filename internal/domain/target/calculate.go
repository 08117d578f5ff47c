package target

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/scanlink/address"
)

// Bounds of a calculation.
const (
	maxLookups         = 10_000           // names of a request
	calculatePatience  = 10 * time.Second // of all look-ups; what is not looked up by then is told
	calculateParallel  = 16
	namePatience       = 4 * time.Second
	maxRefusals        = 100 // that are told
	maxAddressesOfName = 16  // that are told
)

// Codes of what is wrong with a host.
const (
	invalidHost   = "invalid_host"
	forbiddenHost = "forbidden_address"
	unresolved    = "unresolved"
	notLookedUp   = "not_looked_up"
)

// Calculation is what hosts less exclusions come to.
type Calculation struct {
	HostsCount int            `json:"hosts_count" doc:"What the plan counts: distinct addresses, exclusions taken off; a name is one"`
	Addresses  int            `json:"addresses" doc:"What a scan would look at now: distinct addresses with those of the names"`
	Within     bool           `json:"within_limit" doc:"One target may hold that many"`
	Most       int            `json:"limit" doc:"Addresses that one target may hold"`
	Kinds      KindCounts     `json:"kinds" doc:"Entries of hosts, each once"`
	Names      []ResolvedName `json:"names"`
	Refusals   []Refusal      `json:"refusals" doc:"Entries that no target may have, at most 100"`
}

// KindCounts are the entries of a list by what they are.
type KindCounts struct {
	Addresses int `json:"addresses"`
	Networks  int `json:"networks"`
	Ranges    int `json:"ranges"`
	Names     int `json:"names"`
	URLs      int `json:"urls"`
}

// ResolvedName is a name with where it leads now.
type ResolvedName struct {
	Name      string   `json:"name"`
	Excluded  bool     `json:"excluded" doc:"Named in exclude_hosts"`
	Addresses []string `json:"addresses" doc:"At most 16, and none that may not be scanned"`
	Count     int      `json:"addresses_count"`
	Code      *string  `json:"code" enum:"unresolved,forbidden_address,not_looked_up" doc:"What is wrong with it; not_looked_up: the time was over"`
}

// Refusal of an entry.
type Refusal struct {
	List   string `json:"list" enum:"hosts,exclude_hosts"`
	Host   string `json:"host" doc:"As it was written"`
	Code   string `json:"code" enum:"invalid_host,forbidden_address"`
	Detail string `json:"detail"`
}

type calculateInput struct {
	Body struct {
		Hosts        HostList `json:"hosts" doc:"As of a target"`
		ExcludeHosts HostList `json:"exclude_hosts,omitempty"`
	}
}

// CalculateOperations tell what hosts come to, before there is a target.
func CalculateOperations(rules Rules, lookup address.Lookup) []op.Operation {
	return op.In("Targets", "",
		op.Long("calculateHosts", "Calculate hosts", http.MethodPost, "/v2/targets/calculate_hosts", access.TargetCreate,
			func(ctx context.Context, open op.Opener, in *calculateInput) (Calculation, error) {
				own := false
				err := open.Read(ctx, func(tx *db.Tx) error {
					var err error
					own, err = rules.own(tx)
					return err
				})
				if err != nil {
					return Calculation{}, err
				}
				return rules.calculate(ctx, in.Body.Hosts, in.Body.ExcludeHosts, own, lookup)
			}).
			Says("Counts hosts, looks names up (at most 10000, for at most 10 seconds) and tells what a target would refuse. It makes nothing."),
	)
}

// calculation at work.
type calculation struct {
	rules           Rules
	own             bool
	hosts, excluded []address.Host
	found           map[string][]netip.Addr // addresses of names that have been looked up
	out             Calculation
}

func (r Rules) calculate(ctx context.Context, hosts, excluded []string, own bool, lookup address.Lookup) (Calculation, error) {
	if n := len(hosts) + len(excluded); n > address.MaxItems {
		return Calculation{}, fault.At("/hosts", "too_long", "These are %d entries; at most %d are taken.", n, address.MaxItems)
	}
	c := &calculation{rules: r, own: own, out: Calculation{Most: address.MaxAddresses, Names: []ResolvedName{}, Refusals: []Refusal{}}}
	c.hosts, c.excluded = c.read("hosts", hosts), c.read("exclude_hosts", excluded)
	names := c.names()
	if len(names) > maxLookups {
		return Calculation{}, fault.At("/hosts", "too_many_names", "These are %d names; at most %d are looked up at a time.", len(names), maxLookups)
	}
	c.found = lookUp(ctx, names, lookup)
	if err := ctx.Err(); err != nil {
		return Calculation{}, err
	}
	for _, h := range c.hosts {
		c.out.Kinds.add(h)
	}
	excludedNames := map[string]bool{}
	for _, h := range c.excluded {
		excludedNames[h.Name] = true
	}
	for _, n := range names {
		c.tell(n, excludedNames[n])
	}
	c.count()
	return c.out, nil
}

// read a list: each entry once, in its order; what is none is refused.
func (c *calculation) read(list string, items []string) []address.Host {
	var all []address.Host
	seen := map[string]bool{}
	for _, item := range items {
		if strings.TrimSpace(item) == "" {
			continue
		}
		h, err := address.Parse(item)
		switch {
		case err != nil:
			c.refuse(list, item, invalidHost, textOf(err))
		case !seen[h.Text]:
			seen[h.Text] = true
			all = append(all, h)
		}
	}
	return all
}

func (c *calculation) refuse(list, host, code, detail string) {
	if len(c.out.Refusals) >= maxRefusals {
		return
	}
	if runes := []rune(host); len(runes) > 100 {
		host = string(runes[:100])
	}
	c.out.Refusals = append(c.out.Refusals, Refusal{List: list, Host: strings.ToValidUTF8(host, ""), Code: code, Detail: detail})
}

// names of both lists, each once.
func (c *calculation) names() []string {
	var all []string
	for _, h := range slices.Concat(c.hosts, c.excluded) {
		if h.Name != "" {
			all = append(all, h.Name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// lookUp names, some at a time, until the time is over; a name that was not reached is missing, one without an address is there
// without any.
func lookUp(ctx context.Context, names []string, lookup address.Lookup) map[string][]netip.Addr {
	ctx, cancel := context.WithTimeout(ctx, calculatePatience)
	defer cancel()
	answers := make([][]netip.Addr, len(names))
	asked := make([]bool, len(names))
	var group errgroup.Group
	group.SetLimit(calculateParallel)
	for i, name := range names {
		group.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			one, cancel := context.WithTimeout(ctx, namePatience)
			defer cancel()
			answers[i], _ = lookup(one, name)
			asked[i] = ctx.Err() == nil
			return nil
		})
	}
	_ = group.Wait()
	found := map[string][]netip.Addr{}
	for i, name := range names {
		if asked[i] {
			found[name] = plainAddresses(answers[i])
		}
	}
	return found
}

func plainAddresses(all []netip.Addr) []netip.Addr {
	out := make([]netip.Addr, len(all))
	for i, a := range all {
		out[i] = a.Unmap().WithZone("")
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

// tell where a name leads. Addresses that may not be scanned stay untold: they are of the service's own surroundings.
func (c *calculation) tell(name string, excluded bool) {
	n := ResolvedName{Name: name, Excluded: excluded, Addresses: []string{}, Count: len(c.found[name])}
	wrong := func(code string) { n.Code = &code }
	addresses, asked := c.found[name]
	switch {
	case !asked:
		wrong(notLookedUp)
	case len(addresses) == 0:
		wrong(unresolved)
	}
	for _, a := range addresses {
		if c.rules.Check(a, c.own) != nil {
			wrong(forbiddenHost)
		} else if len(n.Addresses) < maxAddressesOfName {
			n.Addresses = append(n.Addresses, a.String())
		}
	}
	if n.Code != nil && *n.Code == forbiddenHost && !n.Excluded {
		c.refuse("hosts", name, forbiddenHost, "It leads to an address that a shared scanner does not scan.")
	}
	c.out.Names = append(c.out.Names, n)
}

// count what is left, and refuse what is written out and may not be scanned.
func (c *calculation) count() {
	scope := Scope{Hosts: c.hosts, Excluded: c.excluded}
	written := scope.Addresses()
	keep, drop := address.SetOf(c.hosts).Spans(), address.SetOf(c.excluded).Spans()
	for _, h := range c.hosts {
		keep = append(keep, spansOf(c.found[h.Name])...)
	}
	for _, h := range c.excluded {
		drop = append(drop, spansOf(c.found[h.Name])...)
	}
	c.out.HostsCount = told(scope.count())
	c.out.Addresses = told(address.NewSet(keep...).Without(address.NewSet(drop...)).Count())
	c.out.Within = max(c.out.HostsCount, c.out.Addresses) <= address.MaxAddresses
	if written.Count() > address.MaxAddresses {
		return
	}
	past := netip.Addr{} // of the entry that was refused last
	for a := range written.All() {
		if len(c.out.Refusals) >= maxRefusals || past.IsValid() && !past.Less(a) && past.BitLen() == a.BitLen() {
			continue
		}
		if err := c.rules.Check(a, c.own); err != nil {
			h := holderOf(c.hosts, a)
			past = h.Span.Last
			c.refuse("hosts", h.Text, forbiddenHost, textOf(err)+".")
		}
	}
}

func holderOf(hosts []address.Host, a netip.Addr) address.Host {
	i := slices.IndexFunc(hosts, func(h address.Host) bool {
		return h.Name == "" && !a.Less(h.Span.First) && !h.Span.Last.Less(a) && h.Span.First.BitLen() == a.BitLen()
	})
	return hosts[i] // the address comes from one of them
}

func spansOf(all []netip.Addr) []address.Span {
	spans := make([]address.Span, len(all))
	for i, a := range all {
		spans[i] = address.Span{First: a, Last: a}
	}
	return spans
}

// told is a count that JSON readers hold exactly (RFC 8259 section 6).
func told(n uint64) int { return int(min(n, 1<<53-1)) }

func (k *KindCounts) add(h address.Host) {
	switch {
	case h.URL != "":
		k.URLs++
	case h.Name != "":
		k.Names++
	case strings.Contains(h.Text, "/"):
		k.Networks++
	case h.Span.First != h.Span.Last:
		k.Ranges++
	default:
		k.Addresses++
	}
}
