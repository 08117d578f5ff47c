package cpe

import "testing"

func TestParse(t *testing.T) {
	t.Parallel()
	cases := []struct {
		in   string
		want Name
		ok   bool
	}{
		{"cpe:2.3:a:openbsd:openssh:8.5:p1:*:*:*:*:*:*", Name{"a", "openbsd", "openssh", "8.5", "p1", "*", "*", "*", "*", "*", "*"}, true},
		{"cpe:2.3:a:f5:nginx", Name{"a", "f5", "nginx", "*", "*", "*", "*", "*", "*", "*", "*"}, true},
		{`cpe:2.3:a:foo\:bar:big\$money:2010:*:*:*:special:ipod_touch:80gb:*`, Name{"a", "foo:bar", "big$money", "2010", "*", "*", "*", "special", "ipod_touch", "80gb", "*"}, true},
		{`cpe:2.3:a:x:libstdc\+\+:-:*:*:*:*:*:*:*`, Name{"a", "x", "libstdc++", "-", "*", "*", "*", "*", "*", "*", "*"}, true},
		{"cpe:/a:apache:http_server:2.4.49", Name{"a", "apache", "http_server", "2.4.49", "*", "*", "*", "*", "*", "*", "*"}, true},
		{"cpe:/a:x:y:1::~~lite~wordpress~~", Name{"a", "x", "y", "1", "*", "*", "*", "lite", "wordpress", "*", "*"}, true},
		{"CPE:2.3:O:Debian:Debian_Linux:12:*:*:*:*:*:*:*", Name{"o", "debian", "debian_linux", "12", "*", "*", "*", "*", "*", "*", "*"}, true},
		{"cpe:2.3:x:a:b:c", Name{}, false},
		{"cpe:2.3:a:b", Name{}, false},
		{`cpe:2.3:a:b:c\`, Name{}, false},
		{`cpe:2.3:a:b:\*`, Name{}, false},
		{"nginx 1.2", Name{}, false},
		{"cpe:2.3:a:1:2:3:4:5:6:7:8:9:10:11", Name{}, false},
	}
	for _, c := range cases {
		got, err := Parse(c.in)
		if (err == nil) != c.ok || got != c.want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", c.in, got, err, c.want)
		}
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	cases := []struct {
		source, target string
		want           bool
	}{
		{"*", "1", true}, {"*", "-", true}, {"-", "1", false}, {"-", "-", true}, {"1", "*", false}, {"1", "1", true},
		{"1.*", "1.2", true}, {"1.?", "1.23", false}, {"*ssl", "openssl", true}, {"*ssl", "openssh", false},
	}
	for _, c := range cases {
		if got := Covers(c.source, c.target); got != c.want {
			t.Errorf("Covers(%q, %q) = %v", c.source, c.target, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("cpe:2.3:a:openbsd:openssh:8.5:p1:*:*:*:*:*:*")
	f.Add(`cpe:2.3:a:foo\:bar:big\$money:2010:*:*:*:special:ipod_touch:80gb:*`)
	f.Add("cpe:/a:x:y:1::~~lite~wordpress~~")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Parse(s)
		if err != nil {
			return
		}
		if len(n.String()) > maxLength {
			return
		}
		again, err := Parse(n.String())
		if err != nil {
			t.Fatalf("%q parsed, its own text %q not: %v", s, n.String(), err)
		}
		if again.String() != n.String() {
			t.Fatalf("%q: %q, then %q", s, n.String(), again.String())
		}
	})
}
