package login

import (
	"fmt"
	"slices"
	"testing"

	"github.com/vedette/vedette/internal/engine/lab"
	"github.com/vedette/vedette/internal/scanlink"
)

func agent() map[string]string {
	values := map[string]string{sysDescr: "Linux gate 6.1.0-18-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01) x86_64"}
	for i := range 60 {
		values[fmt.Sprintf("%s.%d", installed, i+1)] = fmt.Sprintf("lib%d_1.%d-1+deb12u1_amd64", i, i)
	}
	values[installed+".61"] = "bind-9.16.23-18.el9_4.1.x86_64"
	values[installed+".62"] = "Mozilla Firefox (x64 en-US)"
	values[".1.3.6.1.2.1.25.6.3.1.3.1"] = "beyond the list"
	return values
}

func TestSNMPTakesTheInventory(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		version2   bool
		credential scanlink.Credential
		result     string
		packages   int
	}{
		"2c":              {true, scanlink.Credential{Kind: "snmp", Password: "watch"}, scanlink.Authenticated, 61},
		"1":               {false, scanlink.Credential{Kind: "snmp", Password: "watch"}, scanlink.Authenticated, 61},
		"wrong community": {true, scanlink.Credential{Kind: "snmp", Password: "other"}, scanlink.LoginFailed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := lab.SNMP(t, "watch", c.version2, agent())
			got := run(t, []scanlink.Service{lab.Target(at, scanlink.Service{Name: "snmp", Protocol: "udp"}).Service}, c.credential)
			if got.Logins[0].Result != c.result || len(got.Packages) != c.packages {
				t.Fatalf("%+v, %d packages", got.Logins, len(got.Packages))
			}
			if c.packages > 0 && (got.KernelPackage != "6.1.76-1" || !slices.Contains(got.Packages, scanlink.Package{Ecosystem: "rpm", Name: "bind", Version: "9.16.23-18.el9_4.1"})) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func FuzzParseInstalled(f *testing.F) {
	f.Add("openssl_3.0.15-1~deb12u1_amd64")
	f.Add("bind-9.16.23-18.el9_4.1.x86_64")
	f.Fuzz(func(t *testing.T, name string) {
		for _, p := range ParseInstalled([]string{name}) {
			if !nameForm.MatchString(p.Name) || !versionForm.MatchString(p.Version) {
				t.Fatalf("%+v", p)
			}
		}
	})
}
