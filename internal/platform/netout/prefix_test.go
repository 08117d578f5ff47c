package netout_test

import (
	"net/netip"
	"testing"

	"github.com/vedette/vedette/internal/platform/netout"
)

func TestPublic(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"1.1.1.1": true, "8.8.8.8": true, "9.255.255.255": true, "11.0.0.0": true, "100.63.255.255": true,
		"100.128.0.0": true, "126.255.255.255": true, "128.0.0.0": true, "172.15.255.255": true, "172.32.0.0": true,
		"192.0.1.0": true, "192.167.255.255": true, "198.17.255.255": true, "198.20.0.0": true, "223.255.255.255": true,
		"2606:4700::1111": true, "2a00::1": true, "2001:200::1": true, "3ffe::1": true,

		"0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "10.255.255.255": false, "100.64.0.1": false,
		"100.127.255.255": false, "127.0.0.1": false, "127.255.255.255": false, "169.254.0.1": false,
		"169.254.169.254": false, "172.16.0.1": false, "172.31.255.255": false, "192.0.0.1": false, "192.0.0.170": false,
		"192.0.2.1": false, "192.31.196.1": false, "192.52.193.1": false, "192.88.99.1": false, "192.168.1.1": false,
		"192.175.48.1": false, "198.18.0.1": false, "198.19.255.255": false, "198.51.100.1": false, "203.0.113.1": false,
		"224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false,
		"168.63.129.16": false, "100.100.100.200": false,

		"::": false, "::1": false, "::7f00:1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false,
		"::ffff:169.254.169.254": false, "64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b::101:101": false,
		"64:ff9b:1::1": false, "100::1": false, "100:0:0:1::1": false, "2001::1": false, "2001:0:53aa::1": false,
		"2001:2::1": false, "2001:10::1": false, "2001:20::1": false, "2001:1ff:ffff::1": false, "2001:db8::1": false,
		"2002::1": false, "2002:7f00:1::": false, "2002:a9fe:a9fe::": false, "2620:4f:8000::1": false, "3fff::1": false,
		"5f00::1": false, "fc00::1": false, "fd00:ec2::254": false, "fe80::1": false, "fe80::1%lo": false,
		"fec0::1": false, "ff02::1": false, "4000::1": false,
	} {
		if got := netout.Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: public %v", text, got)
		}
	}
	if netout.Public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

func TestEveryMappedSpecialAddressIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"0.0.0.0", "10.0.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.0.1", "255.255.255.255"} {
		a := netip.MustParseAddr(text)
		mapped := netip.AddrFrom16(a.As16())
		if !mapped.Is4In6() || netout.Public(mapped) {
			t.Errorf("%s is public", mapped)
		}
	}
}

// An operator who opens a network opens no credentials of the cloud the server may stand in.
func TestAllowListNeverOpensMetadata(t *testing.T) {
	t.Parallel()
	c := netout.New(netout.Policy{Allow: []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"),
	}})
	for text, want := range map[string]bool{
		"127.0.0.1": true, "10.0.0.1": true, "::1": true, "169.254.1.1": true, "fe80::1%lo": true,
		"169.254.169.254": false, "::ffff:169.254.169.254": false, "64:ff9b::169.254.169.254": false,
		"2002:a9fe:a9fe::1": false, "::a9fe:a9fe": false, "fd00:ec2::254": false, "168.63.129.16": false,
		"100.100.100.200": false, "fe80::a9fe:a9fe%lo": false,
	} {
		if err := c.CheckAddress(netip.MustParseAddr(text)); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}
