package host

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/scanlink"
)

// TestRisk grows with each vulnerability and never reaches more than the top.
func TestRisk(t *testing.T) {
	t.Parallel()
	last := -1
	for _, c := range []scan.Counts{{}, {Log: 500}, {Low: 1}, {Low: 4}, {Medium: 1}, {Medium: 3}, {High: 1}, {High: 1, Medium: 1}, {Critical: 1}, {Critical: 1, High: 1}, {Critical: 3}, {Critical: 1 << 30, High: 1 << 30, Low: 1 << 30}} {
		r := Risk(c)
		if r < last || r > 1000 || c.Log == 0 && c != (scan.Counts{}) && r <= last {
			t.Errorf("%+v: %d after %d", c, r, last)
		}
		last = r
	}
	if Risk(scan.Counts{Log: 9}) != 0 {
		t.Error("what is only logged is a risk")
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	a := netip.MustParseAddr("2001:db8::1")
	s := Of(scanlink.HostFacts{Host: scanlink.Host{Address: a, OS: "Linux", Coverage: scanlink.Complete, Packages: []scanlink.Package{{Name: "openssl", Version: "3.0"}}},
		Services: []scanlink.Service{{Address: a, Port: 443, Protocol: "tcp", State: "open", Name: "https", Software: []scanlink.Software{{Product: "wordpress", Version: "6.5"}}}, {Address: a, Port: 22, Protocol: "tcp", State: "filtered"}}},
		scan.Counts{High: 1}, "fail")
	if s.Address != "2001:db8::1" || s.PortsOpen != 1 || len(s.Services) != 1 || s.Names == nil || s.PCIStatus == nil || *s.PCIStatus != "fail" || s.RiskScore == 0 ||
		!slices.Equal(s.Software, []string{"wordpress 6.5", "openssl 3.0"}) {
		t.Errorf("%+v", s)
	}
	if s := Of(scanlink.HostFacts{Host: scanlink.Host{Address: a}}, scan.Counts{}, ""); s.PCIStatus != nil || s.Services == nil || s.Software == nil {
		t.Errorf("an empty host: %+v", s)
	}
}
