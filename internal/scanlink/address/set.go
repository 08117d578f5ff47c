package address

import (
	"cmp"
	"encoding/binary"
	"iter"
	"math"
	"math/bits"
	"net/netip"
	"slices"
)

// Span is all addresses from First to Last, both included, of one family.
type Span struct{ First, Last netip.Addr }

// String is the shortest form that Parse reads: an address, a network or a range.
func (s Span) String() string {
	if s.First == s.Last {
		return s.First.String()
	}
	if p, ok := s.prefix(); ok {
		return p.String()
	}
	return s.First.String() + "-" + s.Last.String()
}

func (s Span) prefix() (netip.Prefix, bool) {
	n := s.Count()
	if n == math.MaxUint64 || n&(n-1) != 0 {
		return netip.Prefix{}, false
	}
	p := netip.PrefixFrom(s.First, s.First.BitLen()-bits.TrailingZeros64(n))
	return p, p.Masked().Addr() == s.First
}

// Count of addresses; math.MaxUint64 stands for that many or more.
func (s Span) Count() uint64 {
	if !s.First.IsValid() {
		return 0
	}
	a, b := s.First.As16(), s.Last.As16()
	low, borrow := bits.Sub64(binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(a[8:]), 0)
	high, _ := bits.Sub64(binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(a[:8]), borrow)
	if high != 0 || low == math.MaxUint64 {
		return math.MaxUint64
	}
	return low + 1
}

func spanOf(p netip.Prefix) Span {
	p = p.Masked()
	b := p.Addr().As16()
	fixed := p.Bits()
	if p.Addr().Is4() {
		fixed += 96
	}
	for i := fixed; i < 128; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	last := netip.AddrFrom16(b)
	if p.Addr().Is4() {
		last = last.Unmap()
	}
	return Span{p.Addr(), last}
}

// Set is a set of addresses, kept as sorted spans that neither touch nor overlap: IPv4 first. The zero value is empty.
type Set struct{ spans []Span }

// NewSet holds every address of the spans once.
func NewSet(spans ...Span) Set {
	sorted := slices.DeleteFunc(slices.Clone(spans), func(s Span) bool { return !s.First.IsValid() || s.Last.Less(s.First) })
	sortBy(sorted, func(s Span) Span { return s })
	var out []Span
	for _, s := range sorted {
		if len(out) > 0 {
			top := &out[len(out)-1]
			if top.First.BitLen() == s.First.BitLen() && (!top.Last.Less(s.First) || top.Last.Next() == s.First) {
				if top.Last.Less(s.Last) {
					top.Last = s.Last
				}
				continue
			}
		}
		out = append(out, s)
	}
	return Set{out}
}

// SetOf is the set of the addresses that the items write out; names are passed over.
func SetOf(hosts []Host) Set {
	spans := make([]Span, 0, len(hosts))
	for _, h := range hosts {
		if h.Name == "" {
			spans = append(spans, h.Span)
		}
	}
	return NewSet(spans...)
}

func sortBy[T any](items []T, span func(T) Span) {
	slices.SortStableFunc(items, func(a, b T) int {
		x, y := span(a), span(b)
		return cmp.Or(x.First.Compare(y.First), y.Last.Compare(x.Last))
	})
}

// Spans of the set in order.
func (s Set) Spans() []Span { return slices.Clone(s.spans) }

// Count of addresses; math.MaxUint64 stands for that many or more.
func (s Set) Count() uint64 {
	var total uint64
	for _, span := range s.spans {
		sum, carry := bits.Add64(total, span.Count(), 0)
		if carry != 0 {
			return math.MaxUint64
		}
		total = sum
	}
	return total
}

// Contains says whether the address is in the set.
func (s Set) Contains(a netip.Addr) bool {
	a = a.Unmap()
	i, found := slices.BinarySearchFunc(s.spans, a, func(span Span, a netip.Addr) int { return span.First.Compare(a) })
	return found || i > 0 && !s.spans[i-1].Last.Less(a)
}

// Without is the set less the addresses of other.
func (s Set) Without(other Set) Set {
	var out []Span
	i := 0
	for _, span := range s.spans {
		for i < len(other.spans) && other.spans[i].Last.Less(span.First) {
			i++
		}
		rest, left := span, true
		for j := i; left && j < len(other.spans) && !rest.Last.Less(other.spans[j].First); j++ {
			cut := other.spans[j]
			if rest.First.Less(cut.First) {
				out = append(out, Span{rest.First, cut.First.Prev()})
			}
			if left = cut.Last.Less(rest.Last); left {
				rest.First = cut.Last.Next()
			}
		}
		if left {
			out = append(out, rest)
		}
	}
	return Set{out}
}

// All addresses in order. Look at Count first: an IPv6 network has no end in practice.
func (s Set) All() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for _, span := range s.spans {
			for a := span.First; ; a = a.Next() {
				if !yield(a) {
					return
				}
				if a == span.Last {
					break
				}
			}
		}
	}
}
