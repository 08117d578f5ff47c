package debian

import (
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	t.Parallel()
	const text = `{"openssh":{"version":"1:9.2p1-2+deb12u7","upstream":"9.2p1","fixed":{"CVE-2024-6387":"1:9.2p1-2+deb12u3","not an id":"1"}},
"zabbix":{"version":"1:6.0.14-1","upstream":"6.0.14","fixed":{}},"Wrong Name":{"version":"1","upstream":"1","fixed":{}},"bare":{}}`
	got := map[string]Source{}
	bad := 0
	err := Read(strings.NewReader(text), func(s Source, err error) error {
		if err != nil {
			bad++
		} else {
			got[s.Name] = s
		}
		return nil
	})
	if err != nil || bad != 2 || len(got) != 2 {
		t.Fatalf("%v, %d damaged, %+v", err, bad, got)
	}
	if s := got["openssh"]; s.Release != "12" || len(s.Fixed) != 1 || got["zabbix"].Release != "12" {
		t.Errorf("%+v", got)
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"1:9.2p1-2+deb12u3": "12", "9.18.49-1~deb12u1": "12", "1.0-1": "", "2.4.52-1ubuntu4": ""} {
		if got := Release(in); got != want {
			t.Errorf("Release(%q) = %q", in, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"openssh":{"version":"1:9.2p1-2+deb12u7","upstream":"9.2p1","fixed":{"CVE-2024-6387":"1:9.2p1-2+deb12u3"}}}`)
	f.Fuzz(func(t *testing.T, s string) {
		_ = Read(strings.NewReader(s), func(s Source, err error) error {
			if err == nil && s.Fixed == nil {
				t.Fatalf("%+v", s)
			}
			return nil
		})
	})
}
