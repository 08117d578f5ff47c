package version

import (
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	cases := []struct {
		scheme Scheme
		a, b   string
		want   int
	}{
		{OpenSSL, "1.1.1", "1.1.1k", -1},
		{OpenSSL, "1.0.2k", "1.0.2za", -1},
		{OpenSSL, "1.0.2z", "1.0.2za", -1},
		{OpenSSL, "1.0.2a", "1.0.2", 1},
		{OpenSSL, "1.1.0-beta1", "1.1.0", -1},
		{OpenSSL, "1.0.1e", "1.0.0m", 1},
		{OpenSSL, "1.0.0m", "1.0.1", -1},
		{Generic, "1.0.0-rc1", "1.0-rc1", 0},
		{OpenSSL, "3.0.7", "3.0.11", -1},
		{OpenSSH, "8.9", "8.9p1", 0},
		{OpenSSH, "9.3p1", "9.3p2", -1},
		{OpenSSH, "9.8p1", "9.8", 0},
		{OpenSSH, "9.10p1", "9.9p2", 1},
		{Generic, "1.9.5p2", "1.9.5p10", -1},
		{Generic, "4.2.8", "4.2.8p15", -1},
		{Generic, "9.0.0.M1", "9.0.0", -1},
		{Generic, "9.0.0.M9", "9.0.0.M10", -1},
		{Generic, "10.0.0-M1", "9.0.70", 1},
		{Generic, "9.0.0", "9.0.0.0", 0},
		{Generic, "1.0", "1.0.1", -1},
		{Generic, "2.4.49", "2.4.9", 1},
		{Generic, "4.94.2", "4.96", -1},
		{Generic, "4.96-RC0", "4.96", -1},
		{Generic, "9.11.3-P1", "9.11.3", 1},
		{Generic, "9.11.3-P1", "9.11.4", -1},
		{Generic, "9.11.3-S1", "9.11.3", 1},
		{Generic, "9.16.0rc1", "9.16.0", -1},
		{Generic, "9.11.0b1", "9.11.0rc1", -1},
		{Generic, "9.11.0a3", "9.11.0b1", -1},
		{Generic, "5.7.38-log", "5.7.38", 0},
		{Generic, "10.11.19-MariaDB", "10.11.19", 0},
		{Generic, "8.0.36-0ubuntu0.22.04.1", "8.0.36", 0},
		{Generic, "4.17.12-Debian", "4.17.12", 0},
		{Generic, "9.18.49-1~deb12u1-Debian", "9.18.49", 0},
		{OpenSSH, "9.2p1-2+deb12u3", "9.2p1", 0},
		{Generic, "3.8.0-5a02a05eddb59aee6ac762f7ea82e92a68eb9c0f", "3.8.0", 0},
		{Generic, "9.0.0-20240101", "9.0.0", 0},
		{Generic, "v1.2.3", "1.2.3", 0},
		{Generic, "5.17.2+dfsg", "5.17.2", 0},
		{Generic, "8u382", "8u392", -1},
		{Generic, "1.8.0_382", "1.8.0_392", -1},
		{Generic, "10.0.17763.5329", "10.0.17763.1000", 1},
		{Generic, "2022.83", "2022.82", 1},
		{Generic, "15.2(4)M6", "15.2(4)M7", -1},
		{Generic, "1.3.3c", "1.3.3", 1},
		{Generic, "00012", "12", 0},
		{Generic, "99999999999999999999999", "100000000000000000000000", -1},
		{Generic, "2.0.0.Final", "2.0.0", 0},
	}
	for _, c := range cases {
		if got := Compare(c.scheme, c.a, c.b); got != c.want {
			t.Errorf("Compare(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := Compare(c.scheme, c.b, c.a); got != -c.want {
			t.Errorf("Compare(%q, %q) = %d, want %d", c.b, c.a, got, -c.want)
		}
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][2]string{
		"9.2p1": {"9.2", "p1"}, "9.0.0.M1": {"9.0.0", "milestone1"}, "1.0.2k": {"1.0.2k", ""}, "4.96": {"4.96", ""},
		"9.11.3-P1": {"9.11.3", "p1"}, "4.2.8p15": {"4.2.8", "p15"}, "8.0.0RC1": {"8.0.0", "rc1"}, "1.3.5rc3": {"1.3.5", "rc3"},
		"beta": {"beta", ""}, "": {"", ""},
	} {
		if r, u := Split(in); r != want[0] || u != want[1] {
			t.Errorf("Split(%q) = %q, %q", in, r, u)
		}
	}
}

func TestDebian(t *testing.T) {
	t.Parallel()
	cases := []struct {
		a, b string
		want int
		ok   bool
	}{
		{"1:9.2p1-2+deb12u3", "1:9.2p1-2+deb12u2", 1, true},
		{"9.2p1-2+deb12u3", "1:9.2p1-2+deb12u3", 0, true},
		{"9.18.49-1~deb12u1", "1:9.18.49-1", -1, true},
		{"2.4.49", "2.4.49-1ubuntu4", -1, true},
		{"not a version", "1", 0, false},
	}
	for _, c := range cases {
		if got, ok := Debian(c.a, c.b); got != c.want || ok != c.ok {
			t.Errorf("Debian(%q, %q) = %d, %v", c.a, c.b, got, ok)
		}
	}
	if got := Upstream("1:9.2p1-2+deb12u3"); got != "9.2p1" {
		t.Errorf("Upstream = %q", got)
	}
}

func FuzzCompare(f *testing.F) {
	f.Add("9.2p1", "9.2", "9.3p2")
	f.Add("1.0.2k", "1.0.2za", "1.0.2")
	f.Add("9.0.0.M1", "9.0.0", "9.0.0-rc1")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		for _, s := range []Scheme{Generic, OpenSSH, OpenSSL} {
			ab, ba := Compare(s, a, b), Compare(s, b, a)
			if ab != -ba {
				t.Fatalf("Compare(%q, %q) = %d, the other way %d", a, b, ab, ba)
			}
			if bc := Compare(s, b, c); ab <= 0 && bc <= 0 && Compare(s, a, c) > 0 {
				t.Fatalf("%q <= %q <= %q, yet %q > %q", a, b, c, a, c)
			}
		}
		Split(a)
		Debian(a, b)
	})
}

func TestPackages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		compare func(a, b string) (int, bool)
		a, b    string
		want    int
	}{
		{RPM, "8.7p1-38.el9", "8.7p1-38.el9_4.1", -1}, {RPM, "0:8.7p1-38.el9_4.1", "8.7p1-38.el9_4.1", 0}, {RPM, "1:1.0-1", "2.0-1", 1},
		{RPM, "1.0~rc1-1", "1.0-1", -1}, {RPM, "1.0^20240101-1", "1.0-1", 1}, {RPM, "9.16.23-18.el9_4.1", "9.16.23-18.el9_4.6", -1},
		{Alpine, "3.1.4-r0", "3.1.4-r10", -1}, {Alpine, "3.1.4_rc1-r0", "3.1.4-r0", -1}, {Alpine, "1.36.1_p1-r0", "1.36.1-r9", 1}, {Alpine, "9.3_p2-r1", "9.3_p1-r3", 1},
	} {
		if got, ok := c.compare(c.a, c.b); !ok || got != c.want {
			t.Errorf("%s and %s: %d %v, want %d", c.a, c.b, got, ok, c.want)
		}
	}
	for _, bad := range []string{"", "not a version", strings.Repeat("1", 200)} {
		if _, ok := Alpine(bad, "1"); ok {
			t.Errorf("%q is a version of Alpine Linux", bad)
		}
	}
}
