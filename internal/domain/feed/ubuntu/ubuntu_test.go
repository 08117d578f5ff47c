package ubuntu

import (
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/domain/feed/fix"
)

const sample = `{"6859-1":{"id":"6859-1","title":"OpenSSH vulnerability","cves":["CVE-2024-6387","https://launchpad.net/bugs/1"],"releases":{
"jammy":{"sources":{"openssh":{"version":"1:8.9p1-3ubuntu0.10","description":"secure shell"}},"binaries":{"openssh-server":{"version":"1:8.9p1-3ubuntu0.10"}}},
"warty":{"sources":{"openssh":{"version":"1:3.8.1p1-11"}}}}},
"1-1":{"id":"1-1","cves":[],"releases":{}},"2-1":{"releases":7}}`

func TestRead(t *testing.T) {
	t.Parallel()
	var got []fix.Source
	bad := 0
	err := Read(strings.NewReader(sample), func(_ string, all []fix.Source, err error) error {
		if err != nil {
			bad++
		}
		got = append(got, all...)
		return nil
	})
	if err != nil || bad != 1 || len(got) != 1 {
		t.Fatalf("%v, %d damaged, %+v", err, bad, got)
	}
	s := got[0]
	if s.Release != "22.04" || len(s.Fixed) != 1 || s.Upstream != "8.9p1" {
		t.Errorf("%+v", s)
	}
	for installed, want := range map[string]fix.State{"1:8.9p1-3ubuntu0.7": fix.Older, "8.9p1-3ubuntu0.10": fix.Absent, "1:8.9p1-3ubuntu0.11": fix.Absent} {
		if state, _ := s.State("CVE-2024-6387", installed); state != want {
			t.Errorf("%s: %v", installed, state)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sample)
	f.Fuzz(func(_ *testing.T, s string) {
		_ = Read(strings.NewReader(s), func(_ string, all []fix.Source, _ error) error {
			for _, s := range all {
				s.State("CVE-2024-6387", "1:8.9p1-3ubuntu0.7")
			}
			return nil
		})
	})
}
