package osv

import (
	"context"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/domain/feed/fix"
)

const (
	debianRecord = `{"schema_version":"1.7.3","id":"DEBIAN-CVE-2024-6387","modified":"2025-01-01T00:00:00Z","upstream":["CVE-2024-6387"],"affected":[
{"package":{"ecosystem":"Debian:12","name":"openssh","purl":"pkg:deb/debian/openssh?arch=source"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1:9.2p1-2+deb12u3"}]}],"versions":["1:9.2p1-2"]},
{"package":{"ecosystem":"npm","name":"left-pad"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}`
	ubuntuRecord = `{"id":"UBUNTU-CVE-2024-6387","modified":"2025-01-01T00:00:00Z","aliases":[],"related":["USN-6859-1"],"upstream":["CVE-2024-6387"],"affected":[
{"package":{"ecosystem":"Ubuntu:22.04:LTS","name":"openssh"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1:8.9p1-3ubuntu0.10"}]}]},
{"package":{"ecosystem":"Ubuntu:24.04:LTS","name":"openssh"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`
	rockyRecord = `{"id":"RLSA-2024:4312","modified":"2024-07-15T00:00:00Z","related":["CVE-2024-6387"],"affected":[
{"package":{"ecosystem":"Rocky Linux:9","name":"openssh"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"0:8.7p1-38.el9_4.1"}]}]}]}`
	withdrawn = `{"id":"CVE-2020-0001","withdrawn":"2021-01-01T00:00:00Z","affected":[]}`
)

func read(t *testing.T, text string) (map[string]fix.Source, int) {
	t.Helper()
	got := map[string]fix.Source{}
	bad := 0
	err := Read(context.Background(), strings.NewReader(text), func(_ string, all []fix.Source, err error) error {
		if err != nil {
			bad++
		}
		for _, s := range all {
			got[s.Distro+s.Release+s.Name] = s
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, bad
}

func TestRead(t *testing.T) {
	t.Parallel()
	lines := debianRecord + "\n" + ubuntuRecord + rockyRecord + "\n" + withdrawn + `{"id":"GHSA-aaaa","affected":[]}`
	for _, text := range []string{lines, " [" + debianRecord + "," + ubuntuRecord + "," + rockyRecord + "," + withdrawn + `,{"id":"x"}]`} {
		got, bad := read(t, text)
		if len(got) != 4 || bad != 2 {
			t.Fatalf("%d damaged, %+v", bad, got)
		}
		for key, want := range map[string]string{"debian12openssh": "1:9.2p1-2+deb12u3", "ubuntu22.04openssh": "1:8.9p1-3ubuntu0.10", "ubuntu24.04openssh": "", "rocky9openssh": "0:8.7p1-38.el9_4.1"} {
			if fixed, told := got[key].Fixed["CVE-2024-6387"]; !told || fixed != want {
				t.Errorf("%s: %+v", key, got[key])
			}
		}
	}
}

func TestIntroducedLater(t *testing.T) {
	t.Parallel()
	got, _ := read(t, strings.Replace(debianRecord, `{"introduced":"0"},{"fixed"`, `{"introduced":"1:8.5p1-1"},{"fixed"`, 1))
	s := got["debian12openssh"]
	for installed, want := range map[string]fix.State{"1:8.4p1-5": fix.Absent, "1:9.2p1-2": fix.Older, "1:9.2p1-2+deb12u3": fix.Absent} {
		if state, _ := s.State("CVE-2024-6387", installed); state != want {
			t.Errorf("%s: %v", installed, state)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{debianRecord, ubuntuRecord, rockyRecord, withdrawn, "[" + debianRecord + "]"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		_ = Read(context.Background(), strings.NewReader(s), func(_ string, all []fix.Source, _ error) error {
			for _, s := range all {
				s.State("CVE-2024-6387", "1:9.2p1-2")
			}
			return nil
		})
	})
}
