package report

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/vedette/vedette/internal/domain/vulnerability"
)

// freeze a model as the service does: its hosts one after the other.
func freeze(t *testing.T, m Model) []byte {
	t.Helper()
	head := m
	head.Components, head.Findings, head.Notes, head.Counts = nil, nil, nil, Counts{}
	var out bytes.Buffer
	f, err := newFreezer(&out, &head)
	if err != nil {
		t.Fatal(err)
	}
	on := map[string][]vulnerability.Finding{}
	for _, v := range m.Findings {
		on[v.Host] = append(on[v.Host], v)
	}
	for _, c := range m.Components {
		c.Counts = Counts{}
		if err := f.add(c, on[c.Host]); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// fresh is a model as a run leaves it: nothing is decided or declared.
func fresh(m Model) Model {
	m.Exceptions, m.Notes = nil, nil
	m.Tally()
	return m
}

func TestFrozenReportComesBack(t *testing.T) {
	t.Parallel()
	for name, model := range models() {
		want := fresh(model())
		got, err := thaw(bytes.NewReader(freeze(t, want)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got.Counts != want.Counts || !reflect.DeepEqual(got.Components, want.Components) || !slices.EqualFunc(got.Notes, want.Notes, func(a, b Note) bool { return a == b }) ||
			len(got.Findings) != len(want.Findings) {
			t.Errorf("%s: %+v, %d components, %d findings, %d notes; want %+v, %d, %d, %d", name, got.Counts, len(got.Components), len(got.Findings), len(got.Notes),
				want.Counts, len(want.Components), len(want.Findings), len(want.Notes))
		}
		for _, ty := range Types {
			for _, f := range Formats(ty) {
				if !bytes.Equal(render(t, *got, ty, f), render(t, want, ty, f)) {
					t.Errorf("%s: the %s as %s is another", name, ty, f)
				}
			}
		}
	}
}

// Reports of the first versions are one JSON text.
func TestFirstFrozenReportsAreRead(t *testing.T) {
	t.Parallel()
	want := failingShop()
	frozen, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := thaw(bytes.NewReader(frozen))
	if err != nil || !bytes.Equal(render(t, *got, Detailed, JSON), render(t, want, Detailed, JSON)) {
		t.Errorf("it is another: %v", err)
	}
}

func TestCutFrozenReportIsRefused(t *testing.T) {
	t.Parallel()
	frozen := freeze(t, fresh(failingShop()))
	for at := range len(frozen) {
		if at%100 != 0 && at < len(frozen)-20 {
			continue
		}
		if _, err := thaw(bytes.NewReader(frozen[:at])); err == nil {
			t.Errorf("the first %d bytes of %d are taken for a report", at, len(frozen))
		}
	}
}
