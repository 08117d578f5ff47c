package feed

import (
	"strings"
	"testing"
)

func TestStarterSaysWhatItIs(t *testing.T) {
	t.Parallel()
	k := Starter()
	if !k.Small() || !strings.HasPrefix(k.Version(), "starter-") || k.Date().IsZero() || k.Info().CVEs < 100 || k.Info().Cycles < 30 {
		t.Errorf("%+v", k.Info())
	}
	if err := k.Check(); err != nil {
		t.Error(err)
	}
	again, err := readStarter(starterText)
	if err != nil || again.Version() != k.Version() {
		t.Errorf("not the same twice: %v", err)
	}
	if len(starterText) > 300<<10 {
		t.Errorf("the starter set has %d bytes", len(starterText))
	}
	if _, listed, known := k.KEV("CVE-2021-44228"); !listed || known {
		t.Errorf("log4j: listed %v, catalogue known %v", listed, known)
	}
}

func TestStarterRefusesMistakes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"nonsense 1", "cve CVE-1 2020-01-01", "cve CVE-2020-0001 2020-01-01\ncvss CVSS:3.1/AV:X", "cve CVE-2020-0001 2020-01-01\ntext no vector",
		"fixed CVE-2020-0001 1", "cycle 1 2020 2021", "cve CVE-2020-0001 2020-01-01\naffects nobody", "cve CVE-2020-0001 2020-01-01\naffects a:b ~1",
		"product x", "debian a b",
	} {
		if _, err := readStarter(text); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
