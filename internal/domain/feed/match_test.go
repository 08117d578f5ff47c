package feed

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/vedette/vedette/internal/domain/feed/nvd"
	"github.com/vedette/vedette/internal/scanlink"
)

// known builds knowledge from a text of the starter's form and from records.
func known(t testing.TB, text string, records ...nvd.CVE) *Knowledge {
	t.Helper()
	base, err := readStarter("date 2026-01-01\n" + text)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	b := newBuilder(&out, base)
	for _, r := range records {
		b.addCVE(r)
	}
	if _, err := b.finish(); err != nil {
		t.Fatal(err)
	}
	f, err := openBytes(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return knowledgeOf(f)
}

func hole(affects string) string {
	return "cve CVE-2020-0001 2020-01-01\ncvss CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\ntext A hole.\n" + affects + "\n"
}

func entry1(vulnerable bool, criteria string) nvd.Match {
	return nvd.Match{Vulnerable: vulnerable, Criteria: criteria}
}

func config(operator string, nodes ...nvd.Node) nvd.CVE {
	return nvd.CVE{ID: "CVE-2020-0001", Configurations: []nvd.Configuration{{Operator: operator, Nodes: nodes}}}
}

func at(cpe, version, pkg string, qod int) scanlink.Service {
	return scanlink.Service{
		Address: netip.MustParseAddr("192.0.2.1"), Port: 80, Protocol: "tcp", State: "open", CPE: "cpe:2.3:a:" + cpe, Version: version, Package: pkg, QoD: qod,
	}
}

func facts(os string, services ...scanlink.Service) scanlink.HostFacts {
	for i := range services {
		services[i].Port += uint16(i)
	}
	h := scanlink.HostFacts{Host: scanlink.Host{Address: netip.MustParseAddr("192.0.2.1")}, Services: services}
	if os != "" {
		h.Host.OSCPE, h.Host.OSQoD = os, 90
	}
	return h
}

const (
	debian12 = "cpe:2.3:o:debian:debian_linux:12:*:*:*:*:*:*:*"
	debian11 = "cpe:2.3:o:debian:debian_linux:11:*:*:*:*:*:*:*"
	winsrv   = "cpe:2.3:o:microsoft:windows_server_2019:10.0.17763.100:*:*:*:*:*:*:*"
)

// The worth of one match: 0 where there is none.
func TestMatch(t *testing.T) {
	t.Parallel()
	ssh := hole("affects openbsd:openssh <9.8") + "debian openssh 12 1:9.2p1-2+deb12u7 9.2p1\nfixed CVE-2020-0001 1:9.2p1-2+deb12u3\n"
	early := hole("affects openbsd:openssh <9.8") + "debian openssh 12 1:9.2p1-2+deb12u7 9.2p1\nfixed CVE-2020-0001 1:8.4p1-5\n"
	open := hole("affects openbsd:openssh <9.8") + "debian openssh 12 1:9.2p1-2+deb12u7 9.2p1\nfixed CVE-2020-0001 -\n"
	pg := hole("affects postgresql:postgresql >=11.0 <11.16\naffects postgresql:postgresql >=12.0 <12.11")
	ssl := hole("affects openssl:openssl >=1.0.1 <1.0.1g\naffects openssl:openssl >=1.0.0 <1.0.0m")
	cases := []struct {
		name  string
		know  string
		facts scanlink.HostFacts
		qod   int
	}{
		{"range, maker's build", hole("affects acme:app >=1.0 <2.0"), facts("", at("acme:app", "1.9.9", "", 80)), 75},
		{"told by the protocol", hole("affects acme:app >=1.0 <2.0"), facts("", at("acme:app", "1.9.9", "", 95)), 80},
		{"before the range", hole("affects acme:app >=1.0 <2.0"), facts("", at("acme:app", "0.9", "", 80)), 0},
		{"at the excluded end", hole("affects acme:app >=1.0 <2.0"), facts("", at("acme:app", "2.0.0", "", 80)), 0},
		{"at the included end", hole("affects acme:app <=2.0"), facts("", at("acme:app", "2.0.0", "", 80)), 75},
		{"at the excluded start", hole("affects acme:app >1.0"), facts("", at("acme:app", "1.0", "", 80)), 0},
		{"another product", hole("affects acme:app <2.0"), facts("", at("acme:other", "1.0", "", 80)), 0},
		{"no version is seen", hole("affects acme:app <2.0"), facts("", at("acme:app", "", "", 80)), 0},
		{"a record without versions", hole("affects acme:app"), facts("", at("acme:app", "1.0", "", 80)), 0},
		{"a guess stays a guess", hole("affects acme:app <2.0"), facts("", at("acme:app", "1.0", "", 30)), 30},
		{"version in the name", hole("affects acme:app =1.0"), facts("", at("acme:app:1.0", "", "", 80)), 75},
		{"update in the name", hole("affects openbsd:openssh =8.5:p1"), facts("", at("openbsd:openssh:8.5:p1", "", "", 80)), 75},
		{"another update", hole("affects openbsd:openssh =8.5:p1"), facts("", at("openbsd:openssh", "8.5p2", "", 80)), 0},
		{"any update", hole("affects ntp:ntp =4.2.3"), facts("", at("ntp:ntp", "4.2.3p4", "", 80)), 75},
		{"no update at all", hole("affects ntp:ntp =4.2.3:-"), facts("", at("ntp:ntp", "4.2.3p4", "", 80)), 0},
		{"wildcard in the name", hole("affects acme:app =1.*"), facts("", at("acme:app", "1.7", "", 80)), 75},
		{"name of old", hole("affects igor_sysoev:nginx <1.2"), facts("", at("f5:nginx", "1.1.19", "", 80)), 75},
		{"letters", ssl, facts("", at("openssl:openssl", "1.0.1d", "", 80)), 75},
		{"letters of another branch", ssl, facts("", at("openssl:openssl", "1.0.1h", "", 80)), 0},
		{"shortened, may be one that is shipped", hole("affects varnish_cache_project:varnish_cache <7.3"), facts("", at("varnish_cache_project:varnish_cache", "7.1", "", 80)), 50},
		{"shortened, and none that is shipped", hole("affects varnish_cache_project:varnish_cache <7.3"), facts("", at("varnish_cache_project:varnish_cache", "7.2", "", 80)), 75},
		{"letters, shipped by a distribution", ssl, facts("", at("openssl:openssl", "1.0.1e", "", 80)), 50},

		{"package is older than the fix", ssh, facts("", at("openbsd:openssh", "9.2p1", "1:9.2p1-2+deb12u2", 80)), 80},
		{"package is the fix", ssh, facts("", at("openbsd:openssh", "9.2p1", "1:9.2p1-2+deb12u3", 80)), 0},
		{"package without epoch is the fix", ssh, facts("", at("openbsd:openssh", "9.2p1", "9.2p1-2+deb12u10", 80)), 0},
		{"package of another release", ssh, facts("", at("openbsd:openssh", "8.4p1", "1:8.4p1-5+deb11u3", 80)), 50},
		{"package of Ubuntu", ssh, facts("", at("openbsd:openssh", "8.9p1", "1:8.9p1-3ubuntu0.10", 80)), 50},
		{"package, never fixed", open, facts("", at("openbsd:openssh", "9.2p1", "1:9.2p1-2+deb12u7", 80)), 80},
		{"version that Debian ships, never fixed there", open, facts(debian12, at("openbsd:openssh", "9.2p1", "", 80)), 75},
		{"the same, host unknown", open, facts("", at("openbsd:openssh", "9.2p1", "", 80)), 50},
		{"version that Debian ships", ssh, facts("", at("openbsd:openssh", "9.2p1", "", 80)), 50},
		{"version that nobody ships", ssh, facts("", at("openbsd:openssh", "9.0p1", "", 80)), 75},
		{"fixed before the version that Debian ships", early, facts(debian12, at("openbsd:openssh", "9.2p1", "", 80)), 0},
		{"shipped, on Windows it is the maker's", ssh, facts(winsrv, at("openbsd:openssh", "9.2p1", "", 80)), 75},
		{"software whose maintenance releases are shipped", pg, facts(debian12, at("postgresql:postgresql", "11.15", "", 95)), 80},
		{"the same, fixed", pg, facts(debian12, at("postgresql:postgresql", "11.16", "", 95)), 0},
		{"the same, in no range", pg, facts(debian12, at("postgresql:postgresql", "15.2", "15.2-0+deb12u1", 95)), 0},
		{"the same, by its package", pg, facts(debian12, at("postgresql:postgresql", "12.3", "12.3-1+deb12u1", 95)), 80},

		{"on its platform", hole("affects php:php <9.0\non o/microsoft:windows"), facts(winsrv, at("php:php", "8.0.1", "", 80)), 75},
		{"on another platform", hole("affects php:php <9.0\non o/microsoft:windows"), facts(debian12, at("php:php", "8.0.1", "", 80)), 0},
		{"on an unknown platform", hole("affects php:php <9.0\non o/microsoft:windows"), facts("", at("php:php", "8.0.1", "", 80)), 30},
		{"on any Linux", hole("affects acme:app <9.0\non o/linux:linux_kernel"), facts(debian12, at("acme:app", "8.0.1", "", 80)), 75},
		{"on a release of the platform", hole("affects acme:app <9.0\non o/debian:debian_linux =11"), facts(debian11, at("acme:app", "8.0.1", "", 80)), 75},
		{"on another release of it", hole("affects acme:app <9.0\non o/debian:debian_linux =11"), facts(debian12, at("acme:app", "8.0.1", "", 80)), 0},
		{"with software beside it", hole("affects acme:app <9.0\non acme:library <3"), facts("", at("acme:app", "8", "", 80), at("acme:library", "2", "", 80)), 75},
		{"with other software beside it", hole("affects acme:app <9.0\non acme:library <3"), facts("", at("acme:app", "8", "", 80), at("acme:library", "4", "", 80)), 0},
		{"with software that is not seen", hole("affects acme:app <9.0\non acme:library <3"), facts("", at("acme:app", "8", "", 80)), 30},
		{"a distribution's release is no finding", hole("affects o/debian:debian_linux =12"), facts(debian12), 0},
		{"a system of a maker is one", hole("affects o/microsoft:windows_server_2019 <10.0.17763.200"), facts(winsrv), 75},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			check(t, known(t, c.know), c.facts, c.qod)
		})
	}
}

func check(t *testing.T, k *Knowledge, h scanlink.HostFacts, want int) {
	t.Helper()
	got := 0
	for _, m := range k.Match(h) {
		got = max(got, m.QoD)
		if m.Why == "" || m.Range == "" || m.Product == "" {
			t.Errorf("a match says too little: %+v", m)
		}
	}
	if got != want {
		t.Errorf("quality %d, want %d: %+v", got, want, k.Match(h))
	}
}

func TestMatchConfigurations(t *testing.T) {
	t.Parallel()
	app := nvd.Node{Matches: []nvd.Match{entry1(true, "cpe:2.3:a:acme:app:1.0:*:*:*:*:*:*:*")}}
	notLinux := nvd.Node{Negate: true, Matches: []nvd.Match{entry1(false, "cpe:2.3:o:linux:linux_kernel:-:*:*:*:*:*:*:*")}}
	both := nvd.Node{Operator: "AND", Matches: []nvd.Match{
		entry1(true, "cpe:2.3:a:acme:app:1.0:*:*:*:*:*:*:*"), entry1(false, "cpe:2.3:o:microsoft:windows:-:*:*:*:*:*:*:*"),
	}}
	edition := func(attributes string) nvd.Node {
		return nvd.Node{Matches: []nvd.Match{entry1(true, "cpe:2.3:a:acme:app:1.0:"+attributes)}}
	}
	here := at("acme:app", "1.0", "", 80)
	cases := []struct {
		name   string
		record nvd.CVE
		os     string
		qod    int
	}{
		{"alternatives", config("", app, notLinux), debian12, 75},
		{"all nodes, negated platform", config("AND", app, notLinux), debian12, 0},
		{"all nodes, another platform", config("AND", app, notLinux), winsrv, 75},
		{"a node of two", config("", both), winsrv, 75},
		{"a node of two, platform not fitting", config("", both), debian12, 0},
		{"the platform alone is no match", config("", nvd.Node{Matches: []nvd.Match{entry1(true, "cpe:2.3:o:microsoft:windows:-:*:*:*:*:*:*:*")}}), winsrv, 0},
		{"software for a platform", config("", edition("*:*:*:*:windows:*:*")), winsrv, 75},
		{"software for another platform", config("", edition("*:*:*:*:windows:*:*")), debian12, 0},
		{"a plugin of the same name", config("", edition("*:*:*:*:wordpress:*:*")), debian12, 0},
		{"an edition that is not seen", config("", edition("*:*:*:enterprise:*:*:*")), debian12, 30},
		{"a broken name is passed over", config("", nvd.Node{Matches: []nvd.Match{entry1(true, "nonsense"), app.Matches[0]}}), "", 75},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			check(t, known(t, "", c.record), facts(c.os, here), c.qod)
		})
	}
}

func TestMatchInventory(t *testing.T) {
	t.Parallel()
	k := known(t, hole("affects acme:x =1")+"debian openssl 12 3.0.17-1~deb12u3 3.0.17\nfixed CVE-2020-0001 3.0.16-1~deb12u1\n")
	h := facts(debian12)
	h.Host.Packages = []scanlink.Package{
		{Ecosystem: "deb", Name: "libssl3", Version: "3.0.15-1~deb12u1", Source: "openssl"},
		{Ecosystem: "deb", Name: "openssl", Version: "3.0.15-1~deb12u1", Source: "openssl"},
	}
	got := k.Match(h)
	if len(got) != 1 || got[0].QoD != qodInventory || got[0].Port != 0 || got[0].FixedIn != "3.0.16-1~deb12u1" {
		t.Errorf("%+v", got)
	}
	h.Host.OSCPE = debian11
	if got := k.Match(h); len(got) != 0 {
		t.Errorf("another release: %+v", got)
	}
}

func TestServedLibrarySettlesIt(t *testing.T) {
	t.Parallel()
	web := at("apache:http_server", "2.4.71", "", 80)
	web.Software = []scanlink.Software{{Product: "jquery", Version: "1.7.2", CPE: "cpe:2.3:a:jquery:jquery:1.7.2", QoD: 80, URL: "/js/jquery.js"}}
	var ids []string
	for _, m := range Starter().Match(facts(debian12, web)) {
		if m.QoD != qodBanner || m.URL != "/js/jquery.js" || m.Port != 80 {
			t.Errorf("%+v", m)
		}
		ids = append(ids, m.CVE)
	}
	want := []string{"CVE-2012-6708", "CVE-2015-9251", "CVE-2019-11358", "CVE-2020-11022", "CVE-2020-11023"}
	if len(ids) != len(want) {
		t.Fatalf("%v", ids)
	}
	for i := range want {
		if ids[i] != want[i] {
			t.Errorf("%v", ids)
		}
	}
}
