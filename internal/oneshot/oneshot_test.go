package oneshot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/domain/pci"
	"github.com/vedette/vedette/internal/domain/report"
	"github.com/vedette/vedette/internal/domain/vulnerability"
	"github.com/vedette/vedette/internal/scanlink"
)

// emitting is an engine that sees the observations and ends every host.
func emitting(observations ...scanlink.Observation) func(context.Context, scanlink.Plan, func(scanlink.Observation)) error {
	return func(_ context.Context, plan scanlink.Plan, emit func(scanlink.Observation)) error {
		for _, h := range plan.Hosts {
			emit(scanlink.Observation{Host: &scanlink.Host{Address: h.Address, Names: h.Names, Alive: true, Done: true, Coverage: scanlink.Complete}})
		}
		for _, o := range observations {
			emit(o)
		}
		return nil
	}
}

func finding(host, class string, port uint16) scanlink.Observation {
	return scanlink.Observation{Finding: &scanlink.Finding{Address: netip.MustParseAddr(host), Port: port, Protocol: "tcp", Class: class, Check: class, QoD: 98}}
}

func hostState(h scanlink.Host) scanlink.Observation { return scanlink.Observation{Host: &h} }

type run struct {
	code     int
	out, err string
}

func (r run) result(t *testing.T) Result {
	t.Helper()
	var v Result
	if err := json.Unmarshal([]byte(r.out), &v); err != nil {
		t.Fatalf("%v in %s\n%s", err, r.out, r.err)
	}
	return v
}

func try(ctx context.Context, o Options, scan func(context.Context, scanlink.Plan, func(scanlink.Observation)) error) run {
	var out, errs bytes.Buffer
	s := Streams{In: strings.NewReader("192.0.2.7 # from stdin\n\n# none\nhttps://www.example/#x\n"), Out: &out, Err: &errs, Scan: scan, Lookup: func(_ context.Context, name string) ([]netip.Addr, error) {
		if name == "www.example" {
			return []netip.Addr{netip.MustParseAddr("192.0.2.80")}, nil
		}
		return nil, errors.New("no such host")
	}}
	code := Run(ctx, o, s)
	return run{code, out.String(), errs.String()}
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var one = netip.MustParseAddr("192.0.2.1")

func TestExitCodes(t *testing.T) {
	t.Parallel()
	target := []string{"192.0.2.1"}
	failing := emitting(finding("192.0.2.1", "anon.redis", 6379))
	baseline := file(t, "old.json", try(t.Context(), Options{Targets: target, Format: "json"}, failing).out)
	clean := file(t, "clean.json", try(t.Context(), Options{Targets: target, Format: "json"}, emitting()).out)
	inconclusive := emitting(hostState(scanlink.Host{Address: one, Alive: true, Done: true, Coverage: scanlink.Inconclusive, Interference: "It fell silent."}))
	inconclusiveOld := file(t, "inconclusive.json", try(t.Context(), Options{Targets: target, Format: "json"}, inconclusive).out)
	possible := finding("192.0.2.1", "anon.redis", 6379)
	possible.Finding.QoD = 30
	for _, c := range []struct {
		name string
		o    Options
		scan func(context.Context, scanlink.Plan, func(scanlink.Observation)) error
		want int
		says string
	}{
		{"clean", Options{Targets: target}, emitting(), 0, ""},
		{"passing finding", Options{Targets: target}, emitting(finding("192.0.2.1", "clear.http", 80)), 0, ""},
		{"special note", Options{Targets: target}, emitting(finding("192.0.2.1", "remote-access", 22)), 0, ""},
		{"possible", Options{Targets: target}, emitting(possible), 0, ""},
		{"failing", Options{Targets: target}, failing, 1, ""},
		{"inconclusive", Options{Targets: target}, inconclusive, 1, ""},
		{"named and silent", Options{Targets: target}, emitting(hostState(scanlink.Host{Address: one, Done: true, Coverage: scanlink.Complete})), 1, ""},
		{"known failing", Options{Targets: target, Baseline: baseline}, failing, 0, ""},
		{"new failing", Options{Targets: target, Baseline: clean}, failing, 1, ""},
		{"another failing", Options{Targets: target, Baseline: baseline}, emitting(finding("192.0.2.1", "anon.redis", 6380)), 1, ""},
		{"known inconclusive", Options{Targets: target, Baseline: inconclusiveOld}, inconclusive, 0, ""},
		{"new inconclusive", Options{Targets: target, Baseline: baseline}, inconclusive, 1, ""},
		{"engine error on a target", Options{Targets: target}, emitting(hostState(scanlink.Host{Address: one, Alive: true, Done: true, Error: "no route"})), 2, "Error on 192.0.2.1: no route"},
		{"a name that is none", Options{Targets: []string{"192.0.2.1", "gone.example"}}, emitting(), 2, "Error on gone.example"},
		{"the engine refuses", Options{Targets: target}, func(context.Context, scanlink.Plan, func(scanlink.Observation)) error { return errors.New("no") }, 2, "no"},
		{"no target", Options{}, nil, 2, "no target"},
		{"nothing left", Options{Targets: target, Exclude: []string{"192.0.2.0/24"}}, nil, 2, "after the exclusions"},
		{"only names that are none", Options{Targets: []string{"gone.example"}}, nil, 2, "cannot be resolved"},
		{"backwards", Options{Targets: []string{"192.0.2.9-1"}}, nil, 2, "192.0.2.1-192.0.2.9"},
		{"two mistakes", Options{Targets: []string{"192.0.2.900", "a b c*"}}, nil, 2, "instead of a star"},
		{"profile", Options{Targets: target, Profile: "best"}, nil, 2, "discovery"},
		{"ports", Options{Targets: target, Ports: "T:99999"}, nil, 2, "65535"},
		{"rate", Options{Targets: target, Rate: -1}, nil, 2, "--rate"},
		{"format", Options{Targets: target, Format: "doc"}, nil, 2, "sarif"},
		{"feed", Options{Targets: target, Feed: "/nonexistent"}, nil, 2, "--feed"},
		{"trust", Options{Targets: target, Trust: clean}, nil, 2, "no PEM certificate"},
		{"baseline", Options{Targets: target, Baseline: file(t, "x", "{}")}, nil, 2, "--baseline"},
		{"output", Options{Targets: target, Output: "/nonexistent/x"}, nil, 2, "--output"},
		{"targets file", Options{TargetsFile: "/nonexistent"}, nil, 2, "--targets-file"},
	} {
		if got := try(t.Context(), c.o, c.scan); got.code != c.want || !strings.Contains(got.err, c.says) {
			t.Errorf("%s: exit %d, want %d and %q:\n%s%s", c.name, got.code, c.want, c.says, got.err, got.out)
		}
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	got := try(ctx, Options{Targets: []string{"192.0.2.1-2"}, Format: "json"}, func(_ context.Context, _ scanlink.Plan, emit func(scanlink.Observation)) error {
		emit(hostState(scanlink.Host{Address: one, Alive: true}))
		emit(finding("192.0.2.1", "clear.http", 80))
		cancel()
		return ctx.Err()
	})
	r := got.result(t)
	if got.code != ExitInterrupted || len(r.Hosts) != 2 || r.Hosts[0].Coverage != "inconclusive" || len(r.Vulnerabilities) != 1 || r.PCI.Status != "inconclusive" {
		t.Errorf("exit %d, %+v", got.code, r)
	}
	if !strings.Contains(got.err, "partial") {
		t.Errorf("says %s", got.err)
	}
}

func TestTargetsFromFileNamesAndURLs(t *testing.T) {
	t.Parallel()
	var plan scanlink.Plan
	got := try(t.Context(), Options{Targets: []string{"192.0.2.1-3"}, TargetsFile: "-", Exclude: []string{"192.0.2.2, 192.0.2.3"}, Rate: 7, Ports: "T:80", Profile: "fast"},
		func(_ context.Context, p scanlink.Plan, _ func(scanlink.Observation)) error { plan = p; return nil })
	if len(plan.Hosts) != 3 || plan.Rate != 7 || plan.Ports != "T:80" || plan.Profile != "fast" {
		t.Fatalf("%+v %s", plan, got.err)
	}
	last := plan.Hosts[2]
	if last.Address.String() != "192.0.2.80" || !slices.Equal(last.Names, []string{"www.example"}) || !slices.Equal(last.URLs, []string{"https://www.example/"}) {
		t.Errorf("%+v", last)
	}
}

func TestSilentAddressesOfANetworkAreNoComponents(t *testing.T) {
	t.Parallel()
	got := try(t.Context(), Options{Targets: []string{"192.0.2.0/30"}, Format: "json"}, func(_ context.Context, p scanlink.Plan, emit func(scanlink.Observation)) error {
		for _, h := range p.Hosts {
			emit(hostState(scanlink.Host{Address: h.Address, Alive: h.Address == one, Done: true, Coverage: scanlink.Complete}))
		}
		return nil
	})
	r := got.result(t)
	if got.code != 0 || len(r.Hosts) != 4 || len(r.PCI.Components) != 1 || r.PCI.Status != "pass" {
		t.Errorf("exit %d, %+v", got.code, r.PCI)
	}
}

func TestFeedAndOutput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kev := `{"title":"CISA Catalog of Known Exploited Vulnerabilities","catalogVersion":"2026.01.01","dateReleased":"2026-01-01T00:00:00Z","count":1,"vulnerabilities":[{"cveID":"CVE-2021-41773","vendorProject":"Apache","product":"HTTP Server","vulnerabilityName":"n","dateAdded":"2021-11-03","shortDescription":"d","requiredAction":"a","dueDate":"2021-11-17","knownRansomwareCampaignUse":"Known","notes":"","cwes":[]}]}`
	for name, text := range map[string]string{"anything.bin": kev, "notes.txt": "hello"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(t.TempDir(), "out.json")
	got := try(t.Context(), Options{Targets: []string{"192.0.2.1"}, Format: "json", Feed: dir, Output: out}, emitting())
	b, err := os.ReadFile(out)
	if err != nil || got.out != "" {
		t.Fatalf("%v %s", err, got.err)
	}
	got.out = string(b)
	r := got.result(t)
	if r.Feed.KEVs < 1 || len(r.Feed.Ignored) != 1 || !strings.Contains(got.err, "ignored") || !strings.Contains(got.err, "notes.txt") {
		t.Errorf("%+v\n%s", r.Feed, got.err)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(out), ".vedette*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	for format, begins := range map[string]string{"html": "<!", "pdf": "%PDF-", "sarif": "{"} {
		got := try(t.Context(), Options{Targets: []string{"192.0.2.1"}, Format: format}, emitting(finding("192.0.2.1", "anon.redis", 6379)))
		if got.code != 1 || !strings.HasPrefix(got.out, begins) {
			t.Errorf("%s: exit %d, begins %.20q\n%s", format, got.code, got.out, got.err)
		}
	}
}

func TestTerminal(t *testing.T) {
	t.Parallel()
	evil := finding("192.0.2.1", "anon.redis", 6379)
	evil.Finding.Name = "nice\x1b]0;pwn\x07 name\u202e"
	var out, errs bytes.Buffer
	code := Run(t.Context(), Options{Targets: []string{"192.0.2.1"}}, Streams{Out: &out, Err: &errs, OutTerminal: true, ErrTerminal: true, Scan: emitting(evil)})
	if code != 1 || !strings.Contains(out.String(), "\x1b[31mFAIL") || strings.Contains(out.String(), "\x1b]") || strings.Contains(out.String(), "\u202e") {
		t.Errorf("exit %d, %q", code, out.String())
	}
	if got := Run(t.Context(), Options{Targets: []string{"192.0.2.1"}, Format: "pdf"}, Streams{Out: &out, Err: &errs, OutTerminal: true, Scan: emitting()}); got != ExitError {
		t.Errorf("a PDF on a terminal: %d", got)
	}
}

func TestEveryNoteHasItsKind(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, k := range report.NoteKinds {
		known[k.Kind] = true
	}
	for _, row := range pci.Rows() {
		first, _, _ := strings.Cut(row.Subject, " ")
		if row.Subject != "" && !known[kinds[first]] {
			t.Errorf("%s: %q has no kind of note", row.Class, row.Subject)
		}
	}
	notes := notesOf(sampleNotes())
	if len(notes) != 1 || notes[0].Kind != "remote_access" {
		t.Errorf("%+v", notes)
	}
}

func sampleNotes() []vulnerability.Finding {
	note := vulnerability.PCI{Status: "note"}
	return []vulnerability.Finding{
		{Class: "remote-access", Certainty: "confirmed", PCI: note}, {Class: "remote-access", Certainty: "possible", PCI: note},
		{Class: "clear.http", Certainty: "confirmed", PCI: vulnerability.PCI{Status: "pass"}},
	}
}
