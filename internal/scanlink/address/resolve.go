package address

import (
	"context"
	"iter"
	"net/netip"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/scanlink"
)

// ChunkSize is the most addresses of one chunk of a scan.
const ChunkSize = 16

// Lookup gives the addresses of a name.
type Lookup func(ctx context.Context, name string) ([]netip.Addr, error)

// Resolution is what a list of hosts less its exclusions comes to.
type Resolution struct {
	Set        Set                     // every address to scan
	Names      map[netip.Addr][]string // the names whose address it is, in the order they were written
	URLs       map[netip.Addr][]string // the URLs whose host it is
	Unresolved []Unresolved            // names without a usable address, in the order they were written
}

// Unresolved is a name that led nowhere.
type Unresolved struct {
	Name string
	Err  error // of the lookup; nil: it has no address, or only ones that cannot be scanned
}

// Resolve looks the names up (at most 16 at once) and takes the exclusions off; an excluded name takes off its
// addresses. An excluded name that cannot be resolved is an error, since nobody can say what it means to spare. More than MaxAddresses are fault.Invalid, before anything is expanded.
func Resolve(ctx context.Context, hosts, excluded []Host, lookup Lookup) (Resolution, error) {
	keep, drop := SetOf(hosts), SetOf(excluded)
	if n := keep.Without(drop).Count(); n > MaxAddresses {
		return Resolution{}, tooMany(n)
	}
	found, err := lookupAll(ctx, append(slices.Clone(hosts), excluded...), lookup)
	if err != nil {
		return Resolution{}, err
	}
	dropped := drop.spans
	for _, h := range excluded {
		if h.Name == "" {
			continue
		}
		if len(found[h.Name].addresses) == 0 {
			return Resolution{}, fault.New(fault.Invalid, "the excluded name %s has no address now, so it is not known what to leave out; exclude its address", h.Name).Because(found[h.Name].err)
		}
		dropped = append(dropped, spansOf(found[h.Name].addresses)...)
	}
	return assemble(hosts, found, keep, NewSet(dropped...))
}

func assemble(hosts []Host, found map[string]answer, keep, drop Set) (Resolution, error) {
	r := Resolution{Names: map[netip.Addr][]string{}, URLs: map[netip.Addr][]string{}}
	spans := keep.spans
	told := map[string]bool{}
	for _, h := range hosts {
		at := []netip.Addr{h.Span.First}
		if h.Name != "" {
			if at = found[h.Name].addresses; len(at) == 0 {
				if !told[h.Name] {
					told[h.Name] = true
					r.Unresolved = append(r.Unresolved, Unresolved{h.Name, found[h.Name].err})
				}
				continue
			}
			spans = append(spans, spansOf(at)...)
		}
		for _, a := range at {
			if drop.Contains(a) {
				continue
			}
			if h.Name != "" && !slices.Contains(r.Names[a], h.Name) {
				r.Names[a] = append(r.Names[a], h.Name)
			}
			if h.URL != "" && !slices.Contains(r.URLs[a], h.URL) {
				r.URLs[a] = append(r.URLs[a], h.URL)
			}
		}
	}
	r.Set = NewSet(spans...).Without(drop)
	if n := r.Set.Count(); n > MaxAddresses {
		return Resolution{}, tooMany(n)
	}
	return r, nil
}

// Hosts of the resolution in order, as a plan wants them.
func (r Resolution) Hosts() []scanlink.PlanHost {
	hosts := make([]scanlink.PlanHost, 0, r.Set.Count())
	for a := range r.Set.All() {
		hosts = append(hosts, scanlink.PlanHost{Address: a, Names: r.Names[a], URLs: r.URLs[a]})
	}
	return hosts
}

// Chunks cuts hosts into runs of at most ChunkSize.
func Chunks(hosts []scanlink.PlanHost) iter.Seq[[]scanlink.PlanHost] {
	return slices.Chunk(hosts, ChunkSize)
}

type answer struct {
	addresses []netip.Addr
	err       error
}

func lookupAll(ctx context.Context, hosts []Host, lookup Lookup) (map[string]answer, error) {
	var names []string
	seen := map[string]bool{}
	for _, h := range hosts {
		if h.Name != "" && !seen[h.Name] {
			seen[h.Name] = true
			names = append(names, h.Name)
		}
	}
	answers := make([]answer, len(names))
	var group errgroup.Group
	group.SetLimit(16)
	for i, name := range names {
		group.Go(func() error {
			addresses, err := lookup(ctx, name)
			answers[i] = answer{usable(addresses), err}
			return nil
		})
	}
	_ = group.Wait()
	found := make(map[string]answer, len(names))
	for i, name := range names {
		found[name] = answers[i]
	}
	return found, ctx.Err()
}

// usable keeps each scannable address once, in order.
func usable(addresses []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range addresses {
		a = a.Unmap().WithZone("")
		if a.IsValid() && scannable(Span{a, a}) == nil {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

func spansOf(addresses []netip.Addr) []Span {
	spans := make([]Span, len(addresses))
	for i, a := range addresses {
		spans[i] = Span{a, a}
	}
	return spans
}

func tooMany(n uint64) error {
	return fault.New(fault.Invalid, "the hosts come to %d addresses, which is more than %d; write smaller networks or several targets",
		n, MaxAddresses).Coded("too_many_addresses")
}
