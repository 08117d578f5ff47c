package feed

import (
	"testing"
	"time"

	"github.com/vedette/vedette/internal/scanlink"
)

func TestOutOfSupport(t *testing.T) {
	t.Parallel()
	k := known(t, `
product postgresql "PostgreSQL" postgresql:postgresql
cycle 16 2023-09-14 2028-11-09 16.4
cycle 11 2018-10-18 2023-11-09 11.22
cycle 1 1990-01-01 1991-01-01
product nginx "nginx" f5:nginx
cycle 1.26 2024-04-23 no 1.26.3
cycle 1.22 2022-05-23 2023-05-23 1.22.1
product app "App" acme:app
cycle 2 2020-01-01 no
cycle 1 2010-01-01 yes
product debian "Debian" debian:debian_linux
cycle 12 2023-06-10 2026-06-10 +2028-06-30 12.5
cycle 10 2019-07-06 2022-09-10 +2024-06-30 10.13
product rhel "RHEL" redhat:enterprise_linux
cycle 7 2014-06-10 2024-06-30 +2029-05-31 7.9
product windows-server "Windows Server"
cycle 2019 2018-10-13 2029-01-09
cycle 2012-r2 2013-11-25 2023-10-10 +2026-10-13
cycle 2012 2012-10-30 2023-10-10 +2026-10-13
cycle 2008-sp2 2008-01-01 2020-01-14
product mssql "SQL Server" microsoft:sql_server
cycle 13.0-sp3 2021-09-15 2027-07-14
cycle 13.0 2016-06-01 2018-01-09
debian nginx 12 1.22.1-9 1.22.1
`)
	when := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	cases := []struct {
		name  string
		facts scanlink.HostFacts
		qod   int
	}{
		{"out of support", facts("", at("postgresql:postgresql", "11.15", "", 95)), 80},
		{"in support", facts("", at("postgresql:postgresql", "16.1", "", 95)), 0},
		{"no cycle of its own", facts("", at("postgresql:postgresql", "17.1", "", 95)), 0},
		{"a package is the distribution's care", facts("", at("postgresql:postgresql", "11.22", "11.22-0+deb10u2", 95)), 0},
		{"a version that Debian ships, host unknown", facts("", at("f5:nginx", "1.22.1", "", 80)), 50},
		{"a version that Debian ships, on Debian", facts(debian12, at("f5:nginx", "1.22.1", "", 80)), 0},
		{"a version that nobody ships", facts(debian12, at("f5:nginx", "1.22.0", "", 80)), 75},
		{"no day is known", facts("", at("acme:app", "1.5", "", 80)), 75},
		{"a guess", facts("", at("acme:app", "1.5", "", 30)), 30},
		{"a system in long-term support for all", facts(debian12), 0},
		{"a system out of it", facts("cpe:2.3:o:debian:debian_linux:10"), 75},
		{"Windows in support", facts("cpe:2.3:o:microsoft:windows_server_2019"), 0},
		{"Windows out of support", facts("cpe:2.3:o:microsoft:windows_server_2012_r2:*"), 75},
		{"Windows of old", facts("cpe:2.3:o:microsoft:windows_server_2008:-"), 75},
		{"a variant that the version does not tell", facts("", at("microsoft:sql_server", "13.0.5026", "", 95)), 0},
		{"a system in bought support", facts("cpe:2.3:o:redhat:enterprise_linux:7.9"), 50},
	}
	for _, c := range cases {
		got := k.OutOfSupport(c.facts, when)
		qod := 0
		for _, e := range got {
			qod = max(qod, e.QoD)
		}
		if qod != c.qod {
			t.Errorf("%s: %d, want %d: %+v", c.name, qod, c.qod, got)
		}
	}
	before := k.OutOfSupport(facts("", at("postgresql:postgresql", "11.15", "", 95)), time.Date(2023, 11, 9, 12, 0, 0, 0, time.UTC))
	if len(before) != 0 {
		t.Errorf("out of support on its last day: %+v", before)
	}
}
