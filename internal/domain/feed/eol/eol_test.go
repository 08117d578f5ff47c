package eol

import (
	"strings"
	"testing"
	"time"
)

func TestRead(t *testing.T) {
	t.Parallel()
	const text = `{"b":{"title":"B","cpe":["cpe:2.3:a:acme:b","cpe:/a:acme:b","what"],"cycles":[{"cycle":2.5,"eol":true,"releaseDate":"2020-01-01"},{"cycle":"2","eol":"2020-02-02","extended":"2022-02-02"},{"cycle":"3","eol":false}]},"a":{"cycles":[]},"c":7}`
	var got []Product
	bad := 0
	err := Read(strings.NewReader(text), func(p Product, err error) error {
		if err != nil {
			bad++
		} else {
			got = append(got, p)
		}
		return nil
	})
	if err != nil || bad != 2 || len(got) != 1 {
		t.Fatalf("%v, %d damaged, %+v", err, bad, got)
	}
	p := got[0]
	if len(p.CPE) != 1 || p.CPE[0] != "acme:b" || len(p.Cycles) != 3 || p.Cycles[0].Cycle != "2.5" || !p.Cycles[0].Ended || p.Cycles[0].Released != "2020-01-01" {
		t.Errorf("%+v", p)
	}
	for i, want := range [][2]bool{{true, false}, {true, true}, {false, false}} {
		if out, extended := p.Cycles[i].Out(time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)); out != want[0] || extended != want[1] {
			t.Errorf("cycle %d: %v %v", i, out, extended)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("x", []byte(`{"cpe":["cpe:2.3:a:acme:b"],"cycles":[{"cycle":"1","eol":"2020-01-01"}]}`))
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		if p, err := Parse(name, raw); err == nil && len(p.Cycles) == 0 {
			t.Fatalf("%+v", p)
		}
	})
}

const v1 = `{"schema_version":"1.2.0","total":2,"result":[{"name":"b","label":"B","identifiers":[{"type":"cpe","id":"cpe:2.3:a:acme:b"},{"type":"purl","id":"pkg:x/y"}],
"releases":[{"name":"2","releaseDate":"2024-01-01","isEol":false,"eolFrom":"2030-01-01","latest":{"name":"2.1"}},{"name":"1","isEol":true,"eolFrom":null}]},{"name":"none"}]}`

func TestReadOfTheInterface(t *testing.T) {
	t.Parallel()
	var got []Product
	bad := 0
	err := Read(strings.NewReader(v1), func(p Product, err error) error {
		if err != nil {
			bad++
		} else {
			got = append(got, p)
		}
		return nil
	})
	if err != nil || bad != 1 || len(got) != 1 || got[0].CPE[0] != "acme:b" || got[0].Cycles[0].EOL != "2030-01-01" || !got[0].Cycles[1].Ended {
		t.Errorf("%v, %d damaged, %+v", err, bad, got)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(v1)
	f.Fuzz(func(t *testing.T, s string) {
		_ = Read(strings.NewReader(s), func(p Product, err error) error {
			if err == nil && len(p.Cycles) == 0 {
				t.Fatalf("%+v", p)
			}
			return nil
		})
	})
}
