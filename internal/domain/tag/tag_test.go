package tag

import (
	"slices"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/platform/fault"
)

func TestClean(t *testing.T) {
	t.Parallel()
	got, err := Clean("/x", []string{" Prod ", "web", "prod", "büro", "env:test", "1"})
	if err != nil || !slices.Equal(got, []string{"1", "büro", "env:test", "prod", "web"}) {
		t.Errorf("%v %v", got, err)
	}
	for _, bad := range []string{"", "two words", "-x", "a,b", "a*", strings.Repeat("a", 41), "a\x00b", "%"} {
		if _, err := Clean("/x", []string{bad}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	var many []string
	for i := range Most + 1 {
		many = append(many, "t"+string(rune('a'+i)))
	}
	if _, err := Clean("/x", many); !fault.Is(err, fault.Invalid) {
		t.Errorf("too many: %v", err)
	}
}

func TestEdit(t *testing.T) {
	t.Parallel()
	e := Edit{IDs: []string{"B", "a", "b"}, Add: []string{"New"}, Remove: []string{"old", "gone"}}
	if err := e.Clean(); err != nil || !slices.Equal(e.IDs, []string{"a", "b"}) {
		t.Fatalf("%v %v", e.IDs, err)
	}
	for before, want := range map[string]string{"": " new ", " old ": " new ", " keep old ": " keep new ", " new ": " new "} {
		if got, err := e.Apply(before); err != nil || got != want {
			t.Errorf("%q became %q, %v; want %q", before, got, err, want)
		}
	}
	for _, bad := range []Edit{{}, {Add: []string{"x"}, Remove: []string{"X"}}, {Add: []string{"a b"}}} {
		if err := bad.Clean(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if Text(nil) != "" || Read("") == nil || Text(Read(" a b ")) != " a b " {
		t.Error("texts")
	}
}
