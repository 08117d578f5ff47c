package netout

import "net/netip"

// special lists the prefixes that no client of the open internet has business with: the IANA special-purpose address
// registries (RFC 6890 and its updates), multicast, and the addresses that carry an IPv4 address inside, with which a
// translator on the way would reach what is refused here. In IPv6 all outside 2000::/3 is refused besides.
var special = prefixes(
	"0.0.0.0/8",         // this network, RFC 791
	"10.0.0.0/8",        // private, RFC 1918
	"100.64.0.0/10",     // shared by carriers, RFC 6598
	"127.0.0.0/8",       // loopback, RFC 1122
	"169.254.0.0/16",    // link-local and cloud metadata, RFC 3927
	"172.16.0.0/12",     // private, RFC 1918
	"192.0.0.0/24",      // protocol assignments, RFC 6890
	"192.0.2.0/24",      // documentation, RFC 5737
	"192.31.196.0/24",   // AS112, RFC 7535
	"192.52.193.0/24",   // AMT relays, RFC 7450
	"192.88.99.0/24",    // 6to4 relays, RFC 7526
	"192.168.0.0/16",    // private, RFC 1918
	"192.175.48.0/24",   // AS112, RFC 7534
	"198.18.0.0/15",     // benchmarks, RFC 2544
	"198.51.100.0/24",   // documentation, RFC 5737
	"203.0.113.0/24",    // documentation, RFC 5737
	"224.0.0.0/4",       // multicast, RFC 5771
	"240.0.0.0/4",       // reserved, and the broadcast address, RFC 1112, RFC 8190
	"2001::/23",         // protocol assignments: Teredo, ORCHID, benchmarks and others, RFC 2928
	"2001:db8::/32",     // documentation, RFC 3849
	"2002::/16",         // 6to4, RFC 3056
	"2620:4f:8000::/48", // AS112, RFC 7534
	"3fff::/20",         // documentation, RFC 9637
)

var globalUnicast = netip.MustParsePrefix("2000::/3")

// metadata lists the addresses at which clouds hand their credentials to any program that asks.
var metadata = prefixes(
	"169.254.169.254/32",     // AWS, Azure, Google, Oracle, DigitalOcean and others
	"169.254.169.253/32",     // AWS DNS
	"169.254.170.2/32",       // AWS container credentials
	"169.254.170.23/32",      // AWS pod identity
	"169.254.0.23/32",        // Tencent
	"100.100.100.200/32",     // Alibaba
	"168.63.129.16/32",       // Azure host agent, a public address
	"192.0.0.192/32",         // Oracle, classic
	"fd00:ec2::254/128",      // AWS
	"fd00:ec2::23/128",       // AWS pod identity
	"fd20:ce::254/128",       // Google
	"fd00:c1::a9fe:a9fe/128", // Oracle
	"fe80::a9fe:a9fe/128",    // OpenStack
)

var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	sixToFour  = netip.MustParsePrefix("2002::/16")    // RFC 3056
	compatible = netip.MustParsePrefix("::/96")        // RFC 4291, deprecated
)

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

// Public says whether an address belongs to the open internet: it is unicast, globally reachable, no address of
// special purpose, and hands no credentials out. An IPv4 address in IPv6 clothes counts as what it is.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsValid() || a.Zone() != "" || Metadata(a) || within(special, a) {
		return false
	}
	return a.Is4() || globalUnicast.Contains(a)
}

// Metadata says whether an address is one at which a cloud hands out credentials, or leads to one through a
// translator. No allow-list opens these.
func Metadata(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if within(metadata, a) {
		return true
	}
	inner, ok := embedded(a)
	return ok && within(metadata, inner)
}

// embedded is the IPv4 address that a translator would make of an IPv6 address.
func embedded(a netip.Addr) (netip.Addr, bool) {
	if !a.Is6() {
		return netip.Addr{}, false
	}
	b := a.As16()
	switch {
	case nat64.Contains(a), compatible.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}

func within(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
