package target

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vedette/vedette/internal/platform/fault"
)

func lookupOf(names map[string]string) func(context.Context, string) ([]netip.Addr, error) {
	return func(_ context.Context, name string) ([]netip.Addr, error) {
		var all []netip.Addr
		for a := range strings.FieldsSeq(names[name]) {
			all = append(all, netip.MustParseAddr(a))
		}
		if all == nil {
			return nil, errors.New("no such name")
		}
		return all, nil
	}
}

func TestCalculate(t *testing.T) {
	t.Parallel()
	lookup := lookupOf(map[string]string{"www.example": "203.0.113.5 2001:db8::5 ::ffff:203.0.113.5", "inner.example": "10.1.2.3", "old.example": "203.0.113.9"})
	for _, c := range []struct {
		hosts, excluded  string
		count, addresses int
		within           bool
		refusals         string
	}{
		{"203.0.113.0/28 203.0.113.8-20 www.example", "", 22, 22, true, ""},
		{"203.0.113.0/28 www.example", "old.example 203.0.113.0/30", 13, 12, true, ""},
		{"8.0.0.0/7", "8.0.0.0/8", 1 << 24, 1 << 24, false, ""},
		{"2001:db8::/32 2001:db8:0:1::/64", "", 1<<53 - 1, 1<<53 - 1, false, ""},
		{"203.0.113.9-203.0.113.1 a..b ftp://x.example 203.0.113.7", "!", 1, 1, true, "invalid_host invalid_host invalid_host invalid_host"},
		{"10.0.0.0/24 10.0.0.7 172.16.0.1 203.0.113.1 10.9.0.4", "", 259, 259, true, "forbidden_address forbidden_address"},
		{"10.0.0.0/24 203.0.113.1", "10.0.0.0/24", 1, 1, true, ""},
		{"inner.example gone.example bücher.example", "", 3, 1, true, "forbidden_address"},
		{"https://www.example/a https://www.example/b www.example", "", 1, 2, true, ""},
		{"https://u:secret@www.example/", "", 0, 0, true, "invalid_host"},
		{"", "", 0, 0, true, ""},
	} {
		got, err := testRules.calculate(t.Context(), strings.Fields(c.hosts), strings.Fields(c.excluded), false, lookup)
		var codes []string
		for _, r := range got.Refusals {
			codes = append(codes, r.Code)
			if strings.Contains(r.Detail, "secret") {
				t.Errorf("a refusal repeats a password: %+v", r)
			}
		}
		if err != nil || got.HostsCount != c.count || got.Addresses != c.addresses || got.Within != c.within || strings.Join(codes, " ") != c.refusals {
			t.Errorf("%s less %q: %+v, %v", c.hosts, c.excluded, got, err)
		}
	}
	own, err := testRules.calculate(t.Context(), []string{"10.0.0.0/24", "inner.example", "169.254.169.254"}, nil, true, lookup)
	if err != nil || len(own.Refusals) != 1 || own.Refusals[0].Host != "169.254.169.254" || !slices.Equal(own.Names[0].Addresses, []string{"10.1.2.3"}) {
		t.Errorf("with a scanner of one's own: %+v, %v", own, err)
	}
	kinds, err := testRules.calculate(t.Context(), strings.Fields("203.0.113.1 203.0.113.1 203.0.113.0/28 203.0.113.1-9 www.example https://www.example/ 2001:db8::1-ff"), nil, false, lookup)
	if want := (KindCounts{1, 1, 2, 1, 1}); err != nil || kinds.Kinds != want {
		t.Errorf("kinds %+v, %v", kinds.Kinds, err)
	}
	inner, _ := testRules.calculate(t.Context(), []string{"inner.example", "gone.example"}, nil, false, lookup)
	if text := fmt.Sprint(inner); strings.Contains(text, "10.1.2.3") || *inner.Names[0].Code != unresolved || *inner.Names[1].Code != forbiddenHost {
		t.Errorf("what lies within: %s", text)
	}
}

// TestCalculateManyNames: ten thousand are looked up a few at a time, and no more than that.
func TestCalculateManyNames(t *testing.T) {
	t.Parallel()
	var asked, now, most atomic.Int32
	lookup := func(context.Context, string) ([]netip.Addr, error) {
		n := now.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		defer now.Add(-1)
		return []netip.Addr{netip.AddrFrom4([4]byte{203, 0, 113, byte(asked.Add(1))})}, nil
	}
	names := make([]string, maxLookups)
	for i := range names {
		names[i] = fmt.Sprintf("h%d.example", i)
	}
	got, err := testRules.calculate(t.Context(), names, []string{"", " "}, false, lookup)
	if err != nil || got.HostsCount != maxLookups || got.Addresses != 256 || len(got.Names) != maxLookups || asked.Load() != maxLookups || most.Load() > calculateParallel {
		t.Errorf("%d asked, %d at once: %d hosts, %d addresses, %v", asked.Load(), most.Load(), got.HostsCount, got.Addresses, err)
	}
	if _, err := testRules.calculate(t.Context(), append(names, "one.more.example"), nil, false, lookup); !fault.Is(err, fault.Invalid) || asked.Load() != maxLookups {
		t.Errorf("one too many: %v", err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if found := lookUp(over, names, lookup); len(found) != 0 || asked.Load() != maxLookups {
		t.Errorf("%d names were looked up after the time was over", len(found))
	}
	bad := make([]string, 5000)
	for i := range bad {
		bad[i] = fmt.Sprintf("10.0.0.%d-1", i+2)
	}
	if got, err := testRules.calculate(t.Context(), bad, nil, false, lookup); err != nil || len(got.Refusals) != maxRefusals {
		t.Errorf("%d refusals are told, %v", len(got.Refusals), err)
	}
}
