// Package address reads what people write for "the hosts to scan" (addresses, networks, ranges, names, URLs), counts
// it without expanding it, takes exclusions off, and cuts the rest into chunks. It is pure: names are resolved by a
// function that the caller gives.
package address

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/vedette/vedette/internal/platform/fault"
)

// Limits of what is read.
const (
	MaxAddresses = 1 << 16 // of one target: a /16
	MaxItems     = 1 << 16 // of one list
	maxText      = 2048    // bytes of one item
)

// Host is one item of a list of hosts. Either Span or Name is set.
type Host struct {
	Text string // as it is shown and stored: canonical
	Span Span   // of an address, a network or a range
	Name string // of a name: lower case, in ASCII (RFC 5891), without the final dot
	URL  string // where a URL was written; its host is Span or Name
}

// Parse reads one item: 192.0.2.1, 2001:db8::1, 192.0.2.0/24, 192.0.2.1-192.0.2.9, 192.0.2.1-9, www.example.org or
// https://www.example.org/shop. An IPv4 address inside IPv6 (::ffff:192.0.2.1) is the IPv4 address. Errors are
// fault.Invalid and say what would be right.
func Parse(text string) (Host, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Host{}, invalid("a host is empty; write an address, a network, a range, a name or a URL")
	}
	if len(text) > maxText {
		return Host{}, invalid("a host of %d characters is longer than %d", len(text), maxText)
	}
	h, err := parse(text)
	if err != nil {
		return Host{}, err
	}
	if h.Name == "" {
		if err := scannable(h.Span); err != nil {
			return Host{}, err
		}
	}
	return h, nil
}

func parse(text string) (Host, error) {
	if strings.Contains(text, "://") {
		return parseURL(text)
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	if a, err := netip.ParseAddr(bare); err == nil {
		return single(a)
	}
	if strings.Contains(text, "/") {
		return parseNetwork(text)
	}
	if first, last, ok := strings.Cut(text, "-"); ok {
		if a, err := netip.ParseAddr(strings.TrimSpace(first)); err == nil {
			return parseRange(a, strings.TrimSpace(last))
		}
	}
	return parseName(text)
}

func single(a netip.Addr) (Host, error) {
	if a.Zone() != "" {
		return Host{}, invalid("%s has a zone, which means something on one machine alone; write %s", a, a.WithZone(""))
	}
	a = a.Unmap()
	return Host{Text: a.String(), Span: Span{a, a}}, nil
}

func parseNetwork(text string) (Host, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return Host{}, invalid("%s is no network; write for example 192.0.2.0/24 or 2001:db8::/120, and a web page with its scheme (https://…)", show(text))
	}
	if a := p.Addr(); a.Is4In6() {
		if p.Bits() < 96 {
			return Host{}, invalid("%s reaches beyond the IPv4 addresses; write it as an IPv4 network", show(text))
		}
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	span := spanOf(p)
	if span.First == span.Last {
		return Host{Text: span.First.String(), Span: span}, nil
	}
	return Host{Text: p.Masked().String(), Span: span}, nil
}

func parseRange(first netip.Addr, end string) (Host, error) {
	first = first.Unmap()
	if first.Zone() != "" {
		return Host{}, invalid("%s has a zone, which means something on one machine alone; write %s", first, first.WithZone(""))
	}
	last, err := netip.ParseAddr(end)
	if err != nil {
		if last, err = shortEnd(first, end); err != nil {
			return Host{}, err
		}
	}
	last = last.Unmap()
	switch {
	case last.Zone() != "" || first.Is4() != last.Is4():
		return Host{}, invalid("both ends of %s-%s must be of one kind, IPv4 or IPv6", first, last)
	case last.Less(first):
		return Host{}, invalid("%s-%s runs backwards; write %s-%s", first, last, last, first)
	case first == last:
		return single(first)
	}
	return Host{Text: first.String() + "-" + last.String(), Span: Span{first, last}}, nil
}

// shortEnd reads the 20 of 10.0.0.1-20, which replaces the last part of the first address.
func shortEnd(first netip.Addr, end string) (netip.Addr, error) {
	if first.Is4() {
		if n, err := strconv.ParseUint(end, 10, 8); err == nil && strconv.FormatUint(n, 10) == end {
			b := first.As4()
			b[3] = byte(n)
			return netip.AddrFrom4(b), nil
		}
		return netip.Addr{}, invalid("%s is no end for a range from %s; write the last address, or the last number from 0 to 255", show(end), first)
	}
	if n, err := strconv.ParseUint(end, 16, 16); err == nil && len(end) <= 4 {
		b := first.As16()
		b[14], b[15] = byte(n>>8), byte(n)
		return netip.AddrFrom16(b), nil
	}
	return netip.Addr{}, invalid("%s is no end for a range from %s; write the last address, or its last group in hexadecimal", show(end), first)
}

func parseURL(text string) (Host, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return Host{}, invalid("%s is no URL; write for example https://www.example.org/shop", show(text))
	}
	u.Scheme = strings.ToLower(u.Scheme)
	if u.Scheme != "http" && u.Scheme != "https" {
		return Host{}, invalid("%s: only http and https URLs can be scanned; for another service write the host alone", show(text))
	}
	if u.User != nil {
		return Host{}, invalid("a URL with a login in it would be shown to everybody who sees the target; give the login as a credential")
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return Host{}, invalid("%s has no port from 1 to 65535", show(text))
		}
	}
	h, err := urlHost(u)
	if err != nil {
		return Host{}, err
	}
	u.Fragment, u.RawFragment = "", ""
	h.URL, h.Text = u.String(), u.String()
	return h, nil
}

// urlHost gives the URL's host as an item and makes it canonical within the URL.
func urlHost(u *url.URL) (Host, error) {
	var h Host
	var err error
	host := u.Hostname()
	if a, addrErr := netip.ParseAddr(host); addrErr == nil {
		h, err = single(a)
	} else {
		h, err = parseName(host)
	}
	if err != nil {
		return Host{}, err
	}
	host = h.Text
	if h.Span.First.Is6() {
		host = "[" + host + "]"
	}
	if p := u.Port(); p != "" {
		host += ":" + p
	}
	u.Host = host
	return h, nil
}

var names = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false), idna.Transitional(false))

func parseName(text string) (Host, error) {
	name, err := names.ToASCII(strings.TrimSuffix(text, "."))
	if err == nil {
		// Letters that have no such form as a whole would read as another name, or none, the next time.
		var again string
		if again, err = names.ToASCII(name); err == nil && again != name {
			name = ""
		}
	}
	if err != nil || !utf8.ValidString(text) || !domainName(name) {
		return Host{}, invalid("%s is no host; %s", show(text), hint(text))
	}
	return Host{Text: name, Name: name}, nil
}

// domainName checks the letters of RFC 1123, and the underscore that is seen in practice. The last label must not be a
// number, so that a mistyped address is never taken for a name.
func domainName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	labels := strings.Split(name, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
		for _, c := range []byte(l) {
			if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	last := labels[len(labels)-1]
	return strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(last, "0x")
}

func hint(text string) string {
	switch {
	case strings.Contains(text, "*"):
		return "write a network, for example 192.0.2.0/24, instead of a star"
	case strings.Count(text, ":") == 1:
		return "ports belong to the port list, or write a URL (https://host:port/)"
	case strings.Trim(text, "0123456789.-") == "":
		return "an IPv4 address has four numbers from 0 to 255 without leading zeros, and a range two addresses: 192.0.2.1-192.0.2.9 or 192.0.2.1-9"
	}
	return "write an address, a network (192.0.2.0/24), a range (192.0.2.1-9), a name (www.example.org) or a URL (https://www.example.org/)"
}

// scannable refuses what is no single machine: "this host" of RFC 1122 (which would reach the scanner itself),
// multicast and broadcast.
func scannable(s Span) error {
	for _, p := range nowhere {
		if z := spanOf(p); !s.Last.Less(z.First) && !z.Last.Less(s.First) {
			return invalid("%s holds addresses of %s, which are those of no machine", s, p)
		}
	}
	return nil
}

var nowhere = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("255.255.255.255/32"),
	netip.MustParsePrefix("::/128"), netip.MustParsePrefix("ff00::/8"),
}

// Split cuts a text with one host a line, or several with commas or spaces between, into items. The spaces of
// "192.0.2.1 - 192.0.2.9" do not part it.
func Split(text string) []string {
	fields := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", ;\t\r\n\f\v\u00a0", r) })
	items := make([]string, 0, len(fields))
	for i := 0; i < len(fields); i++ {
		if fields[i] == "-" && len(items) > 0 && i+1 < len(fields) {
			i++
			items[len(items)-1] += "-" + fields[i]
			continue
		}
		items = append(items, fields[i])
	}
	return items
}

// ParseList reads many items. Items said twice are kept once. The error is one fault.Invalid with a detail an item
// (at most 20), whose pointer is that of the list and the item's index.
func ParseList(pointer string, items []string) ([]Host, error) {
	if len(items) > MaxItems {
		return nil, fault.At(pointer, "too_long", "%d hosts are more than %d", len(items), MaxItems)
	}
	hosts := make([]Host, 0, len(items))
	seen := make(map[string]bool, len(items))
	var details []fault.Detail
	for i, item := range items {
		h, err := Parse(item)
		switch {
		case err != nil && len(details) < 20:
			details = append(details, fault.Detail{Pointer: fmt.Sprintf("%s/%d", pointer, i), Code: "invalid_host", Detail: textOf(err)})
		case err == nil && !seen[h.Text]:
			seen[h.Text] = true
			hosts = append(hosts, h)
		}
	}
	return hosts, fault.All(details)
}

// CheckOverlap returns fault.Invalid when an address is named by two items that are addresses, networks or ranges, and
// names both. URLs and names may share an address with anything.
func CheckOverlap(pointer string, hosts []Host) error {
	type item struct {
		Host
		index int
	}
	items := make([]item, 0, len(hosts))
	for i, h := range hosts {
		if h.Name == "" && h.URL == "" {
			items = append(items, item{h, i})
		}
	}
	sortBy(items, func(i item) Span { return i.Span })
	widest := 0 // of the items before i, the one that reaches furthest
	for i := 1; i < len(items); i++ {
		a, b := items[widest], items[i]
		if a.Span.Last.Less(b.Span.First) {
			widest = i
			continue
		}
		right := "leave out " + b.Text
		if a.Span.Last.Less(b.Span.Last) {
			right = "write " + Span{a.Span.First, b.Span.Last}.String() + " instead of both"
		}
		return fault.At(fmt.Sprintf("%s/%d", pointer, b.index), "overlap", "%s overlaps %s; %s", b.Text, a.Text, right)
	}
	return nil
}

func invalid(format string, args ...any) *fault.Fault {
	return fault.New(fault.Invalid, format, args...).Coded("invalid_host")
}

func textOf(err error) string {
	var f *fault.Fault
	if errors.As(err, &f) {
		return f.Text
	}
	return err.Error()
}

// show quotes what a caller wrote, shortened.
func show(text string) string {
	if len(text) > 80 {
		text = strings.ToValidUTF8(text[:80], "") + "…"
	}
	return strconv.Quote(text)
}
