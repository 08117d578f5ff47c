package feed

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/scanlink"
)

// records writes n records of 20 products with three ranges each, in the shape of NVD.
func records(n int) string {
	var b strings.Builder
	b.WriteString(`{"format":"NVD_CVE","version":"2.0","vulnerabilities":[`)
	for i := range n {
		fmt.Fprintf(&b, `{"cve":{"id":"CVE-2020-%d","lastModified":"2020-01-02","descriptions":[{"lang":"en","value":"%s"}],"metrics":{"cvssMetricV31":[{"source":"nvd@nist.gov","type":"Primary","cvssData":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N","baseScore":7.5}}]},"configurations":[{"nodes":[{"operator":"OR","cpeMatch":[`,
			10000+i, strings.Repeat("A hole of some length. ", 12))
		for j := range 3 {
			fmt.Fprintf(&b, `{"vulnerable":true,"criteria":"cpe:2.3:a:acme:app%d:*:*:*:*:*:*:*:*","versionStartIncluding":"%d.0","versionEndExcluding":"%d.%d"},`, i%20, j*2, j*2+1, i%10)
		}
		b.WriteString(`{"vulnerable":false,"criteria":"cpe:2.3:o:acme:os:1:*:*:*:*:*:*:*"}]}]}]}},`)
	}
	b.WriteString(`]}`)
	return b.String()
}

func build(b *testing.B, text string) *Knowledge {
	b.Helper()
	source := Source{"nvd", func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
	rep, err := Build(context.Background(), b.TempDir(), []Source{source}, nil)
	if err != nil {
		b.Fatal(err)
	}
	k, err := Open(rep.Path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { k.Close() })
	return k
}

// A host with ten services, matched against some 2,000 records in a file.
func BenchmarkMatch(b *testing.B) {
	k := build(b, records(2000))
	var services []scanlink.Service
	for i := range 10 {
		services = append(services, at(fmt.Sprintf("acme:app%d", i), "2.5", "", 80))
	}
	h := facts(debian12, services...)
	b.ReportAllocs()
	for b.Loop() {
		if len(k.Match(h)) == 0 {
			b.Fatal("no match")
		}
	}
}

func BenchmarkImport(b *testing.B) {
	text := records(2000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		im := &importer{b: newBuilder(io.Discard), rep: &Report{}}
		source := Source{"nvd", func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
		if err := im.one(context.Background(), source); err != nil {
			b.Fatal(err)
		}
		if _, err := im.b.finish(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStarter(b *testing.B) {
	for b.Loop() {
		if _, err := readStarter(starterText); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	var out bytes.Buffer
	bld := newBuilder(&out, Starter())
	if _, err := bld.finish(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := openBytes(out.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
}
