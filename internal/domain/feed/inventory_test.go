package feed

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/scanlink"
)

const (
	secdb = `{"apkurl":"x","archs":["x86_64"],"distroversion":"v3.18","reponame":"main","packages":[{"pkg":{"name":"openssl","secfixes":{"3.1.4-r0":["CVE-2023-5363"]}}},
{"pkg":{"name":"linux-lts","secfixes":{"6.1.62-r0":["CVE-2023-5178"]}}}]}`
	usn = `{"6859-1":{"cves":["CVE-2024-6387"],"releases":{"jammy":{"sources":{"openssh":{"version":"1:8.9p1-3ubuntu0.10"}}}}},
"6626-1":{"cves":["CVE-2023-6040"],"releases":{"jammy":{"sources":{"linux":{"version":"5.15.0-94.104"}}}}}}`
	rlsa = `{"id":"RLSA-2024:4312","modified":"2024-07-15T00:00:00Z","related":["CVE-2024-6387"],"affected":[{"package":{"ecosystem":"Rocky Linux:9","name":"openssh"},
"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"0:8.7p1-38.el9_4.1"}]}]}]}`
	vex = `{"document":{"category":"csaf_vex","csaf_version":"2.0","publisher":{"name":"Red Hat Product Security"}},"product_tree":{"branches":[
{"product":{"product_id":"BaseOS-9.4","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:9::baseos"}}},
{"product":{"product_id":"rhel_8","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:8"}}},
{"product":{"product_id":"openssh.src","product_identification_helper":{"purl":"pkg:rpm/redhat/openssh@8.7p1-38.el9_4.1?arch=src"}}},
{"product":{"product_id":"openssh","product_identification_helper":{"purl":"pkg:rpm/redhat/openssh"}}}],"relationships":[
{"category":"default_component_of","full_product_name":{"product_id":"9:openssh.src"},"product_reference":"openssh.src","relates_to_product_reference":"BaseOS-9.4"},
{"category":"default_component_of","full_product_name":{"product_id":"8:openssh"},"product_reference":"openssh","relates_to_product_reference":"rhel_8"}]},
"vulnerabilities":[{"cve":"CVE-2024-6387","product_status":{"fixed":["9:openssh.src"],"known_not_affected":["8:openssh"]}}]}`
	regreSSHion = `{"format":"NVD_CVE","version":"2.0","vulnerabilities":[{"cve":{"id":"CVE-2024-6387","lastModified":"2024-07-02","descriptions":[{"lang":"en","value":"A race."}],
"configurations":[{"nodes":[{"operator":"OR","cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:a:openbsd:openssh:*:*:*:*:*:*:*:*","versionEndExcluding":"4.4"},
{"vulnerable":true,"criteria":"cpe:2.3:a:openbsd:openssh:*:*:*:*:*:*:*:*","versionStartIncluding":"8.5","versionEndExcluding":"9.8"}]}]}]}}]}`
)

// imported builds knowledge from files as feed import does.
func imported(t *testing.T, base *Knowledge, texts ...string) *Knowledge {
	t.Helper()
	in := t.TempDir()
	for i, text := range texts {
		write(t, in, string(rune('a'+i)), text)
	}
	rep, err := Import(context.Background(), t.TempDir(), []string{in}, base)
	if err != nil || len(rep.Ignored) > 0 || rep.Skipped > 0 {
		t.Fatalf("%v %+v", err, rep)
	}
	k, err := Open(rep.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

func TestImportRecognisesFixesOfDistributions(t *testing.T) {
	t.Parallel()
	k := imported(t, nil, secdb, usn, rlsa, vex)
	var kinds []string
	for _, s := range k.Info().Sources {
		kinds = append(kinds, s.Kind)
	}
	if got := strings.Join(kinds, " "); got != "alpine ubuntu osv redhat starter" {
		t.Errorf("sources: %s", got)
	}
	again := imported(t, k, strings.ReplaceAll(strings.ReplaceAll(usn, "CVE-2024-6387", "CVE-2025-26465"), "0.10", "0.11"))
	src, _ := again.fixes("ubuntu", "openssh", "22.04")
	if src.Fixed["CVE-2024-6387"] != "1:8.9p1-3ubuntu0.10" || src.Fixed["CVE-2025-26465"] != "1:8.9p1-3ubuntu0.11" || src.Version != "1:8.9p1-3ubuntu0.11" {
		t.Errorf("built on an older version: %+v", src)
	}
}

// mentioned are the matches that the samples tell of; the starter set has more.
func mentioned(all []Match) []Match {
	return slices.DeleteFunc(all, func(m Match) bool { return m.CVE != "CVE-2024-6387" && m.CVE != "CVE-2023-5363" })
}

func system(name string) string { return "cpe:2.3:o:" + name + ":*:*:*:*:*:*:*" }

// The worth of one match by banner or package version, on each distribution.
func TestMatchByDistribution(t *testing.T) {
	t.Parallel()
	k := imported(t, nil, secdb, usn, rlsa, vex, regreSSHion)
	ssh := func(v, pkg string) scanlink.Service { return at("openbsd:openssh", v, pkg, 80) }
	with := func(h scanlink.HostFacts, all ...scanlink.Package) scanlink.HostFacts {
		h.Host.Packages = all
		return h
	}
	rpm := func(v string) scanlink.Package {
		return scanlink.Package{Ecosystem: "rpm", Name: "openssh-server", Source: "openssh", Version: v}
	}
	jammy, rhel9, rhel8, rocky := system("canonical:ubuntu_linux:22.04"), system("redhat:enterprise_linux:9.4"), system("redhat:enterprise_linux:8"), system("rocky:linux:9.4")
	for _, c := range []struct {
		name  string
		facts scanlink.HostFacts
		qod   int
	}{
		{"Ubuntu, package is older", facts(jammy, ssh("8.9p1", "8.9p1-3ubuntu0.7")), 80},
		{"Ubuntu, package is the fix", facts(jammy, ssh("8.9p1", "8.9p1-3ubuntu0.10")), 0},
		{"Ubuntu of unknown release, told by the maker's version", facts("", ssh("8.9p1", "8.9p1-3ubuntu0.7")), 80},
		{"Ubuntu, no package version", facts(jammy, ssh("8.9p1", "")), 50},
		{"Red Hat 9, no package version", facts(rhel9, ssh("8.7p1", "")), 50},
		{"Red Hat 8 never had it", facts(rhel8, ssh("8.7p1", "")), 0},
		{"Red Hat 9, package in the banner", facts("", ssh("8.7p1", "8.7p1-34.el9")), 80},
		{"Red Hat 9, list says older", with(facts(rhel9, ssh("8.7p1", "")), rpm("8.7p1-34.el9")), 97},
		{"Red Hat 9, list says fixed", with(facts(rhel9, ssh("8.7p1", "")), rpm("8.7p1-38.el9_4.1")), 0},
		{"Rocky by its own word", with(facts(rocky), rpm("8.7p1-34.el9")), 97},
		{"another build than the package", with(facts(rhel9, ssh("9.7p1", "")), rpm("8.7p1-38.el9_4.1")), 75},
		{"a list of another manager", with(facts(jammy), rpm("8.7p1-34.el9")), 0},
		{"Alpine, list says older", with(facts(system("alpinelinux:alpine_linux:3.18.4")), scanlink.Package{Ecosystem: "apk", Name: "libcrypto3", Source: "openssl", Version: "3.1.3-r0"}), 97},
		{"Alpine, list says fixed", with(facts(system("alpinelinux:alpine_linux:3.18.4")), scanlink.Package{Ecosystem: "apk", Name: "libcrypto3", Source: "openssl", Version: "3.1.4-r1"}), 0},
		{"Alpine of another release", with(facts(system("alpinelinux:alpine_linux:3.17.1")), scanlink.Package{Ecosystem: "apk", Name: "libcrypto3", Source: "openssl", Version: "3.0.3-r0"}), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := 0
			for _, m := range mentioned(k.Match(c.facts)) {
				got = max(got, m.QoD)
			}
			if got != c.qod {
				t.Errorf("quality %d, want %d: %+v", got, c.qod, mentioned(k.Match(c.facts)))
			}
		})
	}
	// What the list settles of a service is told there, and not of the host again.
	got := mentioned(k.Match(with(facts(rhel9, ssh("8.7p1", "")), rpm("8.7p1-34.el9"))))
	if len(got) != 1 || got[0].Port != 80 || got[0].FixedIn != "8.7p1-38.el9_4.1" {
		t.Errorf("%+v", got)
	}
}

func TestMatchKernel(t *testing.T) {
	t.Parallel()
	k := imported(t, nil, secdb, usn)
	image := func(release, v string) scanlink.Package {
		return scanlink.Package{Ecosystem: "deb", Name: "linux-image-" + release, Version: v, Source: "linux-signed"}
	}
	old, fixed := image("5.15.0-91-generic", "5.15.0-91.101"), image("5.15.0-94-generic", "5.15.0-94.104")
	header := scanlink.Package{Ecosystem: "deb", Name: "linux-libc-dev", Version: "5.15.0-91.101", Source: "linux"}
	for _, c := range []struct {
		name, os, release, running string
		packages                   []scanlink.Package
		want                       string
	}{
		{"old one runs", "canonical:ubuntu_linux:22.04", "5.15.0-91-generic", "5.15.0-91.101", []scanlink.Package{old, header}, "CVE-2023-6040"},
		{"old one runs, fixed one waits", "canonical:ubuntu_linux:22.04", "5.15.0-91-generic", "", []scanlink.Package{old, fixed}, "CVE-2023-6040 restart"},
		{"old one runs on, its package is gone", "canonical:ubuntu_linux:22.04", "5.15.0-91-generic", "5.15.0-91.101", []scanlink.Package{fixed}, "CVE-2023-6040 restart"},
		{"fixed one runs, old one lies about", "canonical:ubuntu_linux:22.04", "5.15.0-94-generic", "5.15.0-94.104", []scanlink.Package{old, fixed, header}, ""},
		{"container", "canonical:ubuntu_linux:22.04", "5.15.0-91-generic", "5.15.0-91.101", []scanlink.Package{header}, ""},
		{"Alpine", "alpinelinux:alpine_linux:3.18.4", "6.1.55-0-lts", "", []scanlink.Package{{Ecosystem: "apk", Name: "linux-lts", Version: "6.1.62-r0"}}, "CVE-2023-5178 restart"},
		{"Alpine, fixed", "alpinelinux:alpine_linux:3.18.4", "6.1.62-0-lts", "", []scanlink.Package{{Ecosystem: "apk", Name: "linux-lts", Version: "6.1.62-r0"}}, ""},
	} {
		h := facts(system(c.os))
		h.Host.Kernel, h.Host.KernelPackage, h.Host.Packages = c.release, c.running, c.packages
		var got []string
		for _, m := range k.Match(h) {
			got = append(got, m.CVE+map[bool]string{true: " restart"}[m.Restart])
			if m.QoD != qodInventory || m.Restart != strings.Contains(m.Why, "restarted") {
				t.Errorf("%s: %+v", c.name, m)
			}
		}
		if slices.Sort(got); strings.Join(got, ",") != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}
