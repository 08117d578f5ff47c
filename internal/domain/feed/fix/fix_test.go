package fix

import "testing"

// Fixes of two lines of one module say nothing about a third.
func TestModulesAreHeldAgainstTheirOwnLine(t *testing.T) {
	t.Parallel()
	s := Source{Distro: RedHat, Name: "nodejs"}
	s.Add("CVE-2024-22019", "1:18.19.1-1.module+el8.9.0+21387+e0ba9ee1")
	s.Add("CVE-2024-22019", "1:20.11.1-1.module+el8.9.0+21380+12032667")
	for installed, want := range map[string]State{
		"1:18.19.1-1.module+el8.9.0+21387+e0ba9ee1": Absent, "1:18.19.0-1.module+el8.9.0+1+aaaa": Older,
		"1:20.9.0-1.module+el8.9.0+1+aaaa": Unknown, "1:20.11.1-1.module+el8.9.0+21380+12032667": Absent,
	} {
		if got, _ := s.State("CVE-2024-22019", installed); got != want {
			t.Errorf("%s: %v, want %v", installed, got, want)
		}
	}
	if got, _ := s.State("CVE-2020-0001", "1"); got != Unknown {
		t.Error("nothing is said of it")
	}
}

func TestTheFirstFixCounts(t *testing.T) {
	t.Parallel()
	s := Source{Distro: Ubuntu, Name: "x"}
	s.Add("CVE-2020-0001", "")
	s.Add("CVE-2020-0001", "1.0-1ubuntu0.3")
	s.Add("CVE-2020-0001", "1.0-1ubuntu0.2")
	s.Add("CVE-2020-0001", "")
	if s.Fixed["CVE-2020-0001"] != "1.0-1ubuntu0.2" || s.Version != "1.0-1ubuntu0.3" || s.Upstream != "1.0" {
		t.Errorf("%+v", s)
	}
}

func TestARebuiltPackageHasWhatItWasBuiltFrom(t *testing.T) {
	t.Parallel()
	s := Source{Name: "redis", Fixed: map[string]string{"CVE-2023-41056": "5:7.0.15-1", "CVE-2025-49844": "5:7.0.15-1~deb12u6"}}
	for installed, want := range map[string]State{"5:7.0.15-1~deb12u5": Absent, "5:7.0.11-1~deb12u9": Older} {
		if got, _ := s.State("CVE-2023-41056", installed); got != want {
			t.Errorf("%s: %v", installed, got)
		}
	}
	if got, _ := s.State("CVE-2025-49844", "5:7.0.15-1~deb12u5"); got != Older {
		t.Error("older than the fix of its own release")
	}
}
