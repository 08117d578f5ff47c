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
	f.Add(tracker)
	f.Fuzz(func(t *testing.T, s string) {
		_ = Read(strings.NewReader(s), func(s Source, err error) error {
			if err == nil && s.Fixed == nil {
				t.Fatalf("%+v", s)
			}
			return nil
		})
	})
}

const tracker = `{"openssh":{
"CVE-2024-6387":{"scope":"remote","description":"x","releases":{
 "bookworm":{"status":"resolved","repositories":{"bookworm":"1:9.2p1-2+deb12u7","bookworm-security":"1:9.2p1-2+deb12u3"},"fixed_version":"1:9.2p1-2+deb12u3","urgency":"not yet assigned"},
 "bullseye":{"status":"resolved","repositories":{"bullseye":"1:8.4p1-5+deb11u3"},"fixed_version":"0","urgency":"not yet assigned"},
 "sid":{"status":"resolved","fixed_version":"1:9.7p1-7","repositories":{"sid":"1:10.0p1-1"},"urgency":"high"}}},
"CVE-2023-0001":{"releases":{"bookworm":{"status":"open","repositories":{"bookworm":"1:9.2p1-2+deb12u7"},"urgency":"low"},"bullseye":{"status":"open","urgency":"unimportant"}}},
"TEMP-0000000-123456":{"releases":{}}},
"Broken":{"CVE-2020-0001":{"releases":7}}}`

func TestReadOfTheTracker(t *testing.T) {
	t.Parallel()
	got := map[string]Source{}
	bad := 0
	err := Read(strings.NewReader(tracker), func(s Source, err error) error {
		if err != nil {
			bad++
		} else {
			got[s.Release] = s
		}
		return nil
	})
	if err != nil || bad != 1 || len(got) != 2 {
		t.Fatalf("%v, %d damaged, %+v", err, bad, got)
	}
	twelve, eleven := got["12"], got["11"]
	if twelve.Version != "1:9.2p1-2+deb12u7" || twelve.Upstream != "9.2p1" || twelve.Fixed["CVE-2024-6387"] != "1:9.2p1-2+deb12u3" {
		t.Errorf("%+v", twelve)
	}
	if v, open := twelve.Fixed["CVE-2023-0001"]; !open || v != "" || len(eleven.Fixed) != 1 || eleven.Fixed["CVE-2024-6387"] != "0" {
		t.Errorf("%+v %+v", twelve, eleven)
	}
}
