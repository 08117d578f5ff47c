package report

import (
	"context"
	"io"
	"strconv"
	"testing"
)

func BenchmarkRender(b *testing.B) {
	for _, n := range []int{500, 10_000} {
		m := stress(n)
		for _, c := range []struct {
			t Type
			f Format
		}{{Detailed, PDF}, {Executive, PDF}, {Remediation, XLSX}, {Detailed, HTML}, {Detailed, SARIF}, {Detailed, CSV}} {
			b.Run(strconv.Itoa(n)+"/"+string(c.t)+"."+string(c.f), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := Render(context.Background(), io.Discard, m, c.t, c.f); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
