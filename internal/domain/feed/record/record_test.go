package record

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<18)
	cases := []struct {
		name, in string
		want     []string
	}{
		{"none", `{"a":1}`, nil},
		{"plain", `[{"k":1},{"k":2}]`, []string{`{"k":1},`, `{"k":2}]`}},
		{"spaced", "[ {\n \"k\" : 1 } , { \"k\":2}", []string{"{\n \"k\" : 1 } , ", `{ "k":2}`}},
		{"in a text", `[{"k":"{\"k\":1}"}]`, []string{`{"k":"{\"k\":1}"}]`}},
		{"as a value", `[{"k":"k"},{"a":"k"}]`, []string{`{"k":"k"},{"a":"k"}]`}},
		{"cut short", `[{"k":{"x":[1,{"k":2}`, []string{`{"k":{"x":[1,`, `{"k":2}`}},
		{"first at the beginning", `{"k":1}`, []string{`{"k":1}`}},
		{"after much else", `{"x":"` + long + `"}[{"k":1}`, []string{`{"k":1}`}},
		{"long", `[{"k":"` + long + `"},{"k":2}`, []string{`{"k":"` + long + `"},`, `{"k":2}`}},
	}
	for _, c := range cases {
		var got []string
		err := Split(context.Background(), strings.NewReader(c.in), "k", func(raw []byte, err error) error {
			got = append(got, string(raw))
			return err
		})
		if err != nil || strings.Join(got, "|") != strings.Join(c.want, "|") {
			t.Errorf("%s: %v %.200q", c.name, err, got)
		}
	}
}

func TestSplitEndsWithTheCallersError(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	n := 0
	err := Split(context.Background(), strings.NewReader(`{"k":1}{"k":2}{"k":3}`), "k", func([]byte, error) error { n++; return stop })
	if !errors.Is(err, stop) || n != 1 {
		t.Errorf("%v after %d", err, n)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add(`[{"k":1},{ "k" :{"k":2}}`)
	f.Fuzz(func(t *testing.T, s string) {
		_ = Split(context.Background(), strings.NewReader(s), "k", func(raw []byte, err error) error {
			if err == nil && (len(raw) == 0 || raw[0] != '{') {
				t.Fatalf("%q gave %q", s, raw)
			}
			return nil
		})
	})
}
