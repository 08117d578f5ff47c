package target

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"

	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/netout"
	"github.com/vedette/vedette/internal/scanlink/address"
)

// Rules say which addresses may be scanned.
type Rules struct {
	Allow []netip.Prefix   // networks that the operator opens to shared scanners (scan.allow_networks)
	Own   []netip.AddrPort // where the service itself listens
	// OwnScanner says whether the caller's organization has a scanner of its own, which may scan its private network. app
	// sets it, because scanner does not rank below; nil: none has.
	OwnScanner func(tx *db.Tx) (bool, error)
}

// refused are the networks that a shared scanner does not reach for a customer: what stands behind it is its operator's.
var refused = []struct {
	prefix netip.Prefix
	what   string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "an unspecified address"},                    // RFC 1122
	{netip.MustParsePrefix("10.0.0.0/8"), "a private address"},                        // RFC 1918
	{netip.MustParsePrefix("100.64.0.0/10"), "an address inside a carrier's network"}, // RFC 6598
	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address"},                      // RFC 1122
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address"},                 // RFC 3927
	{netip.MustParsePrefix("172.16.0.0/12"), "a private address"},                     // RFC 1918
	{netip.MustParsePrefix("192.0.0.0/24"), "a reserved address"},                     // RFC 6890
	{netip.MustParsePrefix("192.88.99.0/24"), "a reserved address"},                   // RFC 7526
	{netip.MustParsePrefix("192.168.0.0/16"), "a private address"},                    // RFC 1918
	{netip.MustParsePrefix("198.18.0.0/15"), "an address for benchmarks"},             // RFC 2544
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},                     // RFC 5771
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"},                      // RFC 1112
	{netip.MustParsePrefix("::/128"), "an unspecified address"},                       // RFC 4291
	{netip.MustParsePrefix("::1/128"), "a loopback address"},                          // RFC 4291
	{netip.MustParsePrefix("fc00::/7"), "a private address"},                          // RFC 4193
	{netip.MustParsePrefix("fe80::/10"), "a link-local address"},                      // RFC 4291
	{netip.MustParsePrefix("fec0::/10"), "a private address"},                         // RFC 3879
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},                        // RFC 4291
	{netip.MustParsePrefix("2001::/23"), "a reserved address"},                        // RFC 2928
	{netip.MustParsePrefix("2002::/16"), "an IPv4 address in an IPv6 one"},            // RFC 3056
	{netip.MustParsePrefix("64:ff9b::/96"), "an IPv4 address in an IPv6 one"},         // RFC 6052
	{netip.MustParsePrefix("64:ff9b:1::/48"), "an IPv4 address in an IPv6 one"},       // RFC 8215
}

var globalUnicast = netip.MustParsePrefix("2000::/3") // RFC 4291; beyond it IPv6 is not in public use

// Check says whether the address may be scanned: never where a cloud hands out credentials, nor the service itself unless the
// operator allows that address; and with a shared scanner nothing that is not of the public internet unless the operator allows
// it. own: the scanner is the organization's own, so that private networks are its business. The error is fault.Invalid with
// code forbidden_address. Scan start asks again once names are resolved.
func (r Rules) Check(a netip.Addr, own bool) error {
	a = a.Unmap().WithZone("")
	switch {
	case !a.IsValid() || a.IsUnspecified() || a.IsMulticast():
		return forbidden("%s is the address of no machine", a)
	case netout.Metadata(a):
		return forbidden("%s is an address at which a cloud hands out credentials; it is never scanned", a)
	case r.allows(a):
		return nil
	case len(r.Listeners(a)) > 0:
		return forbidden("%s is an address of this service itself, which it does not scan", a)
	}
	what := specialty(a)
	if own || what == "" {
		return nil
	}
	return forbidden("%s is %s, which a shared scanner does not scan; use a scanner of your own, or ask the operator to allow the network (scan.allow_networks)", a, what)
}

// Listeners are the ports on which the service itself listens at the address; they are left out where the operator allows the
// address all the same.
func (r Rules) Listeners(a netip.Addr) []uint16 {
	var ports []uint16
	for _, own := range r.Own {
		if own.Addr().Unmap() == a.Unmap() {
			ports = append(ports, own.Port())
		}
	}
	return ports
}

func (r Rules) allows(a netip.Addr) bool {
	return slices.ContainsFunc(r.Allow, func(p netip.Prefix) bool { return p.Contains(a) })
}

// specialty is what keeps an address from being one of the public internet; empty for one that is.
func specialty(a netip.Addr) string {
	for _, x := range refused {
		if x.prefix.Contains(a) {
			return x.what
		}
	}
	if a.Is6() && !globalUnicast.Contains(a) {
		return "a reserved address"
	}
	return ""
}

// CheckScope checks every address that the scope writes out. own: a scanner of the organization's own may do the scan. The error
// points at the hosts and names the item that holds the address.
func (r Rules) CheckScope(s Scope, own bool) error {
	for a := range s.Addresses().All() { // ReadScope bounds them
		if err := r.Check(a, own); err != nil {
			return at(err, itemOf(s, a), a)
		}
	}
	for _, h := range s.Hosts {
		if h.URL != "" && h.Name == "" && slices.Contains(r.Listeners(h.Span.First), portOf(h.URL)) {
			return fault.At(hostsPointer, "forbidden_address", "%s is this service itself, which it does not scan.", h.Text)
		}
	}
	return nil
}

func itemOf(s Scope, a netip.Addr) string {
	for _, h := range s.Hosts {
		if h.Name == "" && address.NewSet(h.Span).Contains(a) {
			return h.Text
		}
	}
	return a.String()
}

func at(err error, item string, a netip.Addr) error {
	text := textOf(err)
	if item != a.String() {
		text = "In " + item + ": " + text
	}
	return fault.At(hostsPointer, "forbidden_address", "%s.", text)
}

func textOf(err error) string {
	var f *fault.Fault
	if errors.As(err, &f) {
		return f.Text
	}
	return err.Error()
}

func forbidden(format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).Coded("forbidden_address")
}

func portOf(text string) uint16 {
	u, err := url.Parse(text)
	if err != nil {
		return 0
	}
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		return uint16(n)
	}
	return map[string]uint16{"http": 80, "https": 443}[u.Scheme]
}
