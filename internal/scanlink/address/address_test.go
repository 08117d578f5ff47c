package address

import (
	"context"
	"errors"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/platform/fault"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, want string
		count      uint64
	}{
		{"192.0.2.1", "192.0.2.1", 1},
		{" 192.0.2.1 ", "192.0.2.1", 1},
		{"2001:DB8::1", "2001:db8::1", 1},
		{"[2001:db8::1]", "2001:db8::1", 1},
		{"::ffff:192.0.2.1", "192.0.2.1", 1},
		{"::ffff:192.0.2.0/120", "192.0.2.0/24", 256},
		{"192.0.2.77/24", "192.0.2.0/24", 256},
		{"192.0.2.7/32", "192.0.2.7", 1},
		{"10.0.0.0/8", "10.0.0.0/8", 1 << 24},
		{"2001:db8::/64", "2001:db8::/64", math.MaxUint64},
		{"2001:db8::/65", "2001:db8::/65", 1 << 63},
		{"10.0.0.1-20", "10.0.0.1-10.0.0.20", 20},
		{"10.0.0.1-10.0.1.0", "10.0.0.1-10.0.1.0", 256},
		{"10.0.0.1 - 10.0.0.1", "10.0.0.1", 1},
		{"2001:db8::1-2001:db8::ff", "2001:db8::1-2001:db8::ff", 255},
		{"2001:db8::1-ff", "2001:db8::1-2001:db8::ff", 255},
		{"WWW.Example.ORG.", "www.example.org", 0},
		{"my_host", "my_host", 0},
		{"3com.example", "3com.example", 0},
		{"bücher.example", "xn--bcher-kva.example", 0},
		{"a-b.example", "a-b.example", 0},
		{"HTTPS://WWW.Example.org:8443/Shop?x=1#top", "https://www.example.org:8443/Shop?x=1", 0},
		{"http://192.0.2.9/", "http://192.0.2.9/", 1},
		{"http://[2001:DB8::9]:81/a", "http://[2001:db8::9]:81/a", 1},
	} {
		h, err := Parse(c.text)
		if err != nil || h.Text != c.want || h.Span.Count() != c.count {
			t.Errorf("Parse(%q) = %q with %d, %v; want %q with %d", c.text, h.Text, h.Span.Count(), err, c.want, c.count)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, says string }{
		{"", "empty"},
		{"10.0.0.256", "0 to 255"},
		{"010.0.0.1", "leading zeros"},
		{"10.0.0.20-10.0.0.1", "write 10.0.0.1-10.0.0.20"},
		{"10.0.0.20-1", "write 10.0.0.1-10.0.0.20"},
		{"10.0.0.1-256", "0 to 255"},
		{"10.0.0.1-2001:db8::1", "one kind"},
		{"10.0.0.1/33", "192.0.2.0/24"},
		{"10.0.0.*", "192.0.2.0/24"},
		{"10.0.0.1:80", "port list"},
		{"www.example.org/shop", "https://"},
		{"fe80::1%eth0", "write fe80::1"},
		{"::/0", "no machine"},
		{"0.0.0.0", "no machine"},
		{"224.0.0.1", "no machine"},
		{"223.255.255.0-224.0.0.1", "224.0.0.0/4"},
		{"ff02::1", "no machine"},
		{"ftp://192.0.2.1/", "http and https"},
		{"http://user:pass@192.0.2.1/", "credential"},
		{"http://192.0.2.1:0/", "1 to 65535"},
		{"http://192.0.2.256/", "0 to 255"},
		{"-x.example", "write an address"},
		{strings.Repeat("a", 64) + ".example", "write an address"},
		{strings.Repeat("a.", 1100), "longer than"},
		{"a b", "write an address"},
	} {
		_, err := Parse(c.text)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(textOf(err), c.says) {
			t.Errorf("Parse(%q): %v does not say %q", c.text, err, c.says)
		}
	}
}

func TestParseListPointsAtEachMistake(t *testing.T) {
	t.Parallel()
	_, err := ParseList("/target/hosts", Split("192.0.2.1 - 192.0.2.9, 10.0.0.300\n2001:db8::1; 1.2.3"))
	var f *fault.Fault
	if !errors.As(err, &f) || len(f.Details) != 2 || f.Details[0].Pointer != "/target/hosts/1" || f.Details[1].Pointer != "/target/hosts/3" {
		t.Errorf("details %+v", err)
	}
	hosts, err := ParseList("/h", []string{"a.example", "A.example.", "10.0.0.1"})
	if err != nil || len(hosts) != 2 {
		t.Errorf("%v %v", hosts, err)
	}
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ items, says string }{
		{"10.0.0.0/24 10.0.1.0/24 2001:db8::1", ""},
		{"10.0.0.0/24 10.0.0.7", "10.0.0.7 overlaps 10.0.0.0/24; leave out 10.0.0.7"},
		{"10.0.0.7 10.0.0.0/24", "leave out 10.0.0.7"},
		{"10.0.0.0/24 10.0.0.1-2 10.0.0.9-11", "leave out"},
		{"10.0.0.0/30 10.0.0.7 10.0.0.2-6", "write 10.0.0.0-10.0.0.6"},
		{"10.0.0.7 http://10.0.0.7/ www.example.org", ""},
	} {
		hosts, err := ParseList("", Split(c.items))
		if err != nil {
			t.Fatal(err)
		}
		err = CheckOverlap("/target/hosts", hosts)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(textOf(err), c.says) {
			t.Errorf("%s: %v; want %q", c.items, err, c.says)
		}
	}
}

func set(t *testing.T, items string) Set {
	t.Helper()
	hosts, err := ParseList("", Split(items))
	if err != nil {
		t.Fatal(err)
	}
	return SetOf(hosts)
}

func text(s Set) string {
	var parts []string
	for _, span := range s.Spans() {
		parts = append(parts, span.String())
	}
	return strings.Join(parts, " ")
}

func TestSet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ keep, drop, want string }{
		{"10.0.0.1 10.0.0.2 10.0.0.0 10.0.0.3", "", "10.0.0.0/30"},
		{"10.0.0.0/24 10.0.0.128/25", "10.0.0.0", "10.0.0.1-10.0.0.255"},
		{"10.0.0.0/24", "10.0.0.255", "10.0.0.0-10.0.0.254"},
		{"10.0.0.0/24", "10.0.0.4-7 10.0.0.100", "10.0.0.0/30 10.0.0.8-10.0.0.99 10.0.0.101-10.0.0.255"},
		{"10.0.0.0/24", "10.0.0.0/8", ""},
		{"10.0.0.0/30 10.0.0.8/30 10.0.0.16/30", "10.0.0.2-17", "10.0.0.0/31 10.0.0.18/31"},
		{"10.0.0.0/31 2001:db8::/127", "2001:db8::1", "10.0.0.0/31 2001:db8::"},
		{"1.0.0.0/8 223.0.0.0/8", "1.0.0.0/8 223.0.0.0/8", ""},
	} {
		if got := text(set(t, c.keep).Without(set(t, c.drop))); got != c.want {
			t.Errorf("%s without %s is %s, want %s", c.keep, c.drop, got, c.want)
		}
	}
	s := set(t, "10.0.0.0/30 10.0.0.8 2001:db8::/126")
	n := uint64(0)
	for a := range s.All() {
		n++
		if !s.Contains(a) {
			t.Errorf("%s not contained", a)
		}
	}
	if n != 9 || s.Count() != 9 || s.Contains(netip.MustParseAddr("10.0.0.4")) || s.Contains(netip.MustParseAddr("9.255.255.255")) {
		t.Errorf("count %d, all %d", s.Count(), n)
	}
	if c := set(t, "2001::/16 2002::/16").Count(); c != math.MaxUint64 {
		t.Errorf("count %d does not saturate", c)
	}
}

func lookupOf(names map[string]string) Lookup {
	return func(_ context.Context, name string) ([]netip.Addr, error) {
		var out []netip.Addr
		for a := range strings.FieldsSeq(names[name]) {
			out = append(out, netip.MustParseAddr(a))
		}
		if out == nil {
			return nil, errors.New("no such name")
		}
		return out, nil
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	lookup := lookupOf(map[string]string{
		"www.example": "10.0.0.5 2001:db8::5", "shop.example": "::ffff:10.0.0.5 0.0.0.0", "old.example": "10.0.0.9",
	})
	hosts, _ := ParseList("", Split("10.0.0.4-6 www.example https://shop.example/pay http://10.0.0.4:8080/ old.example gone.example"))
	excluded, _ := ParseList("", Split("old.example 10.0.0.6"))
	r, err := Resolve(t.Context(), hosts, excluded, lookup)
	if err != nil {
		t.Fatal(err)
	}
	got := r.Hosts()
	if len(got) != 3 || text(r.Set) != "10.0.0.4/31 2001:db8::5" {
		t.Fatalf("hosts %v", got)
	}
	if !slices.Equal(got[1].Names, []string{"www.example", "shop.example"}) || !slices.Equal(got[1].URLs, []string{"https://shop.example/pay"}) ||
		!slices.Equal(got[0].URLs, []string{"http://10.0.0.4:8080/"}) || !slices.Equal(got[2].Names, []string{"www.example"}) {
		t.Errorf("names and urls %v", got)
	}
	if len(r.Unresolved) != 1 || r.Unresolved[0].Name != "gone.example" || r.Unresolved[0].Err == nil {
		t.Errorf("unresolved %v", r.Unresolved)
	}
	unknown, _ := ParseList("", []string{"gone.example"})
	if _, err := Resolve(t.Context(), hosts, unknown, lookup); !fault.Is(err, fault.Invalid) {
		t.Errorf("an exclusion that cannot be resolved: %v", err)
	}
	wide, _ := ParseList("", Split("10.0.0.0/16 10.1.0.0"))
	if _, err := Resolve(t.Context(), wide, nil, lookup); !fault.Is(err, fault.Invalid) {
		t.Errorf("more than a /16: %v", err)
	}
	if r, err := Resolve(t.Context(), wide, wide[1:], lookup); err != nil || r.Set.Count() != 1<<16 {
		t.Errorf("a /16: %v", err)
	}
}

func TestChunks(t *testing.T) {
	t.Parallel()
	r := Resolution{Set: set(t, "10.0.0.0-39")}
	var sizes []int
	for c := range Chunks(r.Hosts()) {
		sizes = append(sizes, len(c))
	}
	if !slices.Equal(sizes, []int{16, 16, 8}) {
		t.Errorf("sizes %v", sizes)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"10.0.0.1-20", "::ffff:10.0.0.0/120", "2001:db8::1-ff", "http://[::1]:8/a%20b", "bücher.example", "10.0.0.0/24", "a..b", "1-2-3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := Parse(s)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%q: %v is no invalid fault", s, err)
			}
			return
		}
		again, err := Parse(h.Text)
		if err != nil || again != h {
			t.Fatalf("%q became %+v, which reads as %+v, %v", s, h, again, err)
		}
		if (h.Name == "") != h.Span.First.IsValid() || h.Name == "" && (h.Span.Last.Less(h.Span.First) || h.Span.Count() == 0) {
			t.Fatalf("%q: %+v", s, h)
		}
	})
}

func FuzzSet(f *testing.F) {
	f.Add([]byte{1, 3, 5, 9}, []byte{2, 6})
	f.Fuzz(func(t *testing.T, keep, drop []byte) {
		read := func(b []byte) (Set, map[netip.Addr]bool) {
			var spans []Span
			all := map[netip.Addr]bool{}
			for i := 0; i+1 < len(b) && i < 64; i += 2 {
				first, last := min(b[i], b[i+1]), max(b[i], b[i+1])
				spans = append(spans, Span{netip.AddrFrom4([4]byte{10, 0, 0, first}), netip.AddrFrom4([4]byte{10, 0, 0, last})})
				for v := int(first); v <= int(last); v++ {
					all[netip.AddrFrom4([4]byte{10, 0, 0, byte(v)})] = true
				}
			}
			return NewSet(spans...), all
		}
		a, inA := read(keep)
		b, inB := read(drop)
		got, n := a.Without(b), uint64(0)
		for v := range 256 {
			x := netip.AddrFrom4([4]byte{10, 0, 0, byte(v)})
			if want := inA[x] && !inB[x]; want != got.Contains(x) {
				t.Fatalf("%s: %v", x, !want)
			} else if want {
				n++
			}
		}
		if n != got.Count() {
			t.Fatalf("count %d, want %d", got.Count(), n)
		}
	})
}
