package alpine

import (
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/domain/feed/fix"
)

const sample = `{"apkurl":"{{urlprefix}}/{{distroversion}}/{{reponame}}/{{arch}}/{{pkg.name}}-{{pkg.ver}}.apk","archs":["x86_64"],
"distroversion":"v3.18","reponame":"main","urlprefix":"https://dl-cdn.alpinelinux.org/alpine","packages":[
{"pkg":{"name":"openssl","secfixes":{"3.1.1-r0":["CVE-2023-2650"],"3.1.4-r0":["CVE-2023-5363 GHSA-xxxx"],"0":["CVE-2022-1292","CVE-2022-2068"],"nonsense version":["CVE-2020-0001"]}}},
{"pkg":{"name":"../bad","secfixes":{}}}]}`

func TestRead(t *testing.T) {
	t.Parallel()
	var got []fix.Source
	bad := 0
	err := Read(strings.NewReader(sample), func(s fix.Source, err error) error {
		if err != nil {
			bad++
		} else {
			got = append(got, s)
		}
		return nil
	})
	if err != nil || bad != 1 || len(got) != 1 {
		t.Fatalf("%v, %d damaged, %+v", err, bad, got)
	}
	s := got[0]
	if s.Distro != fix.Alpine || s.Release != "3.18" || len(s.Fixed) != 4 || s.Version != "3.1.4-r0" || s.Upstream != "3.1.4" {
		t.Errorf("%+v", s)
	}
	for installed, want := range map[string]fix.State{"3.1.3-r9": fix.Older, "3.1.4-r0": fix.Absent, "3.1.10-r0": fix.Absent} {
		if state, _ := s.State("CVE-2023-5363", installed); state != want {
			t.Errorf("%s: %v", installed, state)
		}
	}
	if state, _ := s.State("CVE-2022-1292", "3.1.0-r0"); state != fix.Absent {
		t.Error("a flaw that was never there")
	}
	if err := Read(strings.NewReader(strings.Replace(sample, "v3.18", "edge", 1)), func(fix.Source, error) error { return nil }); err == nil {
		t.Error("edge has no release")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sample)
	f.Fuzz(func(t *testing.T, s string) {
		_ = Read(strings.NewReader(s), func(s fix.Source, err error) error {
			if err == nil {
				s.State("CVE-2023-5363", "3.1.4-r0")
			}
			return nil
		})
	})
}
