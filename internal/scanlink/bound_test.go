package scanlink

import (
	"encoding/json"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestCheckCuts(t *testing.T) {
	t.Parallel()
	a := netip.MustParseAddr("::ffff:192.0.2.1")
	o := Observation{Service: &Service{
		Address: a, Port: 80, Protocol: "tcp", State: "open", Banner: "a\x00" + strings.Repeat("ü", 4000), QoD: 900,
		Headers: map[string]string{"server": "x\xff"},
		TLS:     &TLS{Certificate: &Certificate{NotAfter: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC), NotBefore: time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC)}},
	}}
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	s := o.Service
	if s.Address.String() != "192.0.2.1" || len(s.Banner) > maxBanner || !strings.HasPrefix(s.Banner, "aü") || s.QoD != 100 || s.Headers["server"] != "x" {
		t.Errorf("%+v", s)
	}
	p := Observation{Progress: &Progress{Percent: math.NaN(), Rate: math.Inf(1)}}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Observation{o, p} {
		if _, err := json.Marshal(o); err != nil {
			t.Errorf("cannot be sent: %v", err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	a := netip.MustParseAddr("192.0.2.1")
	for name, o := range map[string]Observation{
		"nothing":       {},
		"two kinds":     {Host: &Host{Address: a}, Progress: &Progress{}},
		"no address":    {Host: &Host{}},
		"zone":          {Host: &Host{Address: netip.MustParseAddr("fe80::1%eth0")}},
		"coverage":      {Host: &Host{Address: a, Coverage: "nearly"}},
		"protocol":      {Service: &Service{Address: a, Port: 1, Protocol: "sctp", State: "open"}},
		"state":         {Service: &Service{Address: a, Port: 1, Protocol: "tcp", State: "ajar"}},
		"port":          {Service: &Service{Address: a, Protocol: "tcp", State: "open"}},
		"no class":      {Finding: &Finding{Address: a, Check: "x"}},
		"class":         {Finding: &Finding{Address: a, Check: "x", Class: "A b"}},
		"finding check": {Finding: &Finding{Address: a, Class: "tls.expired"}},
	} {
		if o.Check() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte(`{"service":{"address":"192.0.2.1","port":80,"protocol":"tcp","state":"open"}}`))
	f.Add([]byte(`{"finding":{"address":"::1","class":"tls.expired","check":"x","evidence":{"detail":"\u0000"}}}`))
	f.Add([]byte(`{"host":{"address":"::1","names":["a"],"packages":[{}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var o Observation
		if json.Unmarshal(b, &o) != nil || o.Check() != nil {
			return
		}
		facts := NewFacts()
		facts.Add(o)
		out, err := json.Marshal(facts.Hosts())
		if err != nil || strings.Contains(string(out), `\u0000`) {
			t.Fatalf("%s: %v", out, err)
		}
	})
}

func TestLinkingCode(t *testing.T) {
	t.Parallel()
	if secret, pin := SplitCode(" abc.def "); secret != "abc" || pin != "def" {
		t.Error(secret, pin)
	}
	if secret, pin := SplitCode("abc"); secret != "abc" || pin != "" {
		t.Error(secret, pin)
	}
	if _, err := LinkingCode("abc", "no certificate"); err == nil {
		t.Error("a code without a pin")
	}
}
