package feed

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/domain/feed/record"
)

const (
	nvdText = `{"format":"NVD_CVE","version":"2.0","timestamp":"2026-02-03T00:00:00.000","vulnerabilities":[
{"cve":{"id":"CVE-2020-1000","lastModified":"2020-01-02","descriptions":[{"lang":"en","value":"A hole."}],"metrics":{"cvssMetricV31":[{"source":"nvd@nist.gov","type":"Primary","cvssData":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N","baseScore":7.5}}]},"configurations":[{"nodes":[{"operator":"OR","cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:a:acme:app:*:*:*:*:*:*:*:*","versionEndExcluding":"2.0"}]}]}]}},
{"cve":{"id":"CVE-2020-1001","lastModified":"2020-01-02","descriptions":[{"lang":"en","value":"Damaged, `
	nvdRest = `
{"cve":{"id":"CVE-2020-1002","lastModified":"2020-01-02","vulnStatus":"Awaiting Analysis","descriptions":[{"lang":"en","value":"No ranges yet."}]}},
{"cve":{"id":"CVE-2021-44228","lastModified":"2026-01-02","vulnStatus":"Awaiting Analysis","descriptions":[{"lang":"en","value":"The feed's own words."}]}},
{"cve":{"id":"CVE-2014-6271","vulnStatus":"Rejected"}}
]}`
	kevText  = `{"title":"KEV","catalogVersion":"2026.02.02","dateReleased":"2026-02-02T10:00:00Z","count":2,"vulnerabilities":[{"cveID":"CVE-2020-1000","vendorProject":"Acme","product":"App","vulnerabilityName":"Acme App Hole","dateAdded":"2020-02-02","dueDate":"2020-03-02","knownRansomwareCampaignUse":"Known"},{"cveID":"what","product":1}]}`
	epssText = "#model_version:v2025.03.14,score_date:2026-02-04T00:00:00+0000\ncve,epss,percentile\nCVE-2020-1000,0.97531,0.99900\nCVE-2020-1001,2,0.1\nnonsense\nCVE-2020-1002,0.00042,0.05\n"
	eolText  = `{"app":{"title":"App","cpe":["cpe:2.3:a:acme:app","cpe:/a:acme:app"],"cycles":[{"cycle":"1","released":"2010-01-01","eol":"2015-01-01","latest":"1.9"},{"cycle":"2","released":"2015-01-01","eol":false}]},"bad":{"cycles":"x"}}`
	debText  = `{"acme":{"version":"1.0-1+deb12u2","upstream":"1.0","fixed":{"CVE-2020-1000":"1.0-1+deb12u1"}},"broken":{"version":1}}`
)

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func packed(t *testing.T, content string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, content); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestImportRecognisesByContent(t *testing.T) {
	t.Parallel()
	in, out := t.TempDir(), t.TempDir()
	write(t, in, "1.txt", nvdText+nvdRest)
	write(t, in, "2.bin", packed(t, kevText))
	write(t, in, "3", packed(t, epssText))
	write(t, in, "4.json", eolText)
	write(t, in, "5.csv", debText)
	write(t, in, "README", "# about\n```json\n{\"cve\":{…\n```\n")
	write(t, in, "empty.json", "")
	write(t, in, "other.json", `{"a":1}`)
	write(t, in, "old.json", `{"CVE_data_type":"CVE","CVE_data_format":"MITRE","CVE_Items":[]}`)
	write(t, in, "cut.gz", packed(t, nvdText)[:40])
	rep, err := Import(context.Background(), out, []string{in, filepath.Join(in, "gone")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	kinds := ""
	for _, s := range rep.Sources {
		kinds += fmt.Sprintf("%s:%d:%s ", s.Kind, s.Records, s.Date)
	}
	if want := "nvd:3:2026-02-03 kev:1:2026-02-02 epss:2:2026-02-04 endoflife:1: debian:1: starter:"; !strings.HasPrefix(kinds, want) {
		t.Errorf("sources: %s", kinds)
	}
	var ignored []string
	for _, i := range rep.Ignored {
		ignored = append(ignored, filepath.Base(i.Path))
		if i.Reason == "" {
			t.Errorf("%s is ignored without a reason", i.Path)
		}
	}
	if slices.Sort(ignored); strings.Join(ignored, " ") != "README cut.gz empty.json gone old.json other.json" {
		t.Errorf("ignored: %v", rep.Ignored)
	}
	var damaged []string
	for _, d := range rep.Damaged {
		damaged = append(damaged, d.Record)
	}
	if rep.Skipped != 6 || !slices.Contains(damaged, "CVE-2020-1001") {
		t.Errorf("damaged: %d %+v", rep.Skipped, rep.Damaged)
	}
	if left, _ := filepath.Glob(filepath.Join(out, "*")); len(left) != 1 || left[0] != rep.Path {
		t.Errorf("the folder holds %v", left)
	}
	readBack(t, rep)
}

func readBack(t *testing.T, rep Report) {
	t.Helper()
	k, err := Open(rep.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if err := k.Check(); err != nil || k.Small() || k.Version() != rep.Version || k.Date().Format("2006-01-02") != "2026-02-04" {
		t.Errorf("%v %+v", err, k.Info())
	}
	if c, ok := k.CVE("CVE-2020-1000"); !ok || c.Metrics[0].Score != 75 {
		t.Errorf("CVE-2020-1000: %+v", c)
	}
	if _, ok := k.CVE("CVE-2014-6271"); ok {
		t.Error("a rejected record came back from the starter set")
	}
	log4j, _ := k.CVE("CVE-2021-44228")
	if log4j.Description != "The feed's own words." || len(log4j.Metrics) == 0 || len(k.Configurations("CVE-2021-44228")) == 0 {
		t.Errorf("the starter set does not fill: %+v", log4j)
	}
	if e, listed, known := k.KEV("CVE-2020-1000"); !listed || !known || !e.Ransomware {
		t.Errorf("KEV: %+v %v %v", e, listed, known)
	}
	if _, listed, known := k.KEV("CVE-2021-44228"); listed || !known {
		t.Error("the imported catalogue does not replace the starter's")
	}
	if e, ok := k.EPSS("CVE-2020-1000"); !ok || e.Score != 0.97531 || e.Percentile != 0.999 {
		t.Errorf("EPSS: %+v", e)
	}
	if _, ok := k.EPSS("CVE-2020-1001"); ok {
		t.Error("a score over 1 was taken")
	}
	if p := k.Products("acme:app"); len(p) != 1 || len(p[0].Cycles) != 2 {
		t.Errorf("cycles: %+v", p)
	}
	if m := k.Match(facts("", at("acme:app", "1.5", "", 80))); len(m) != 1 || m[0].FixedIn != "2.0" {
		t.Errorf("match: %+v", m)
	}
}

func TestImportBuildsOnWhatWasThere(t *testing.T) {
	t.Parallel()
	in, out := t.TempDir(), t.TempDir()
	first, err := Import(context.Background(), out, []string{write(t, in, "nvd", nvdText+nvdRest)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	k, err := Open(first.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	second, err := Import(context.Background(), out, []string{write(t, in, "epss", epssText)}, k)
	if err != nil {
		t.Fatal(err)
	}
	if second.CVEs != first.CVEs || second.Scores != 2 || second.Version == first.Version {
		t.Errorf("%+v, then %+v", first.Info, second.Info)
	}
	again, err := Import(context.Background(), out, []string{filepath.Join(in, "epss")}, k)
	if err != nil || again.Version != second.Version {
		t.Errorf("the same content, another version: %s, %s, %v", second.Version, again.Version, err)
	}
	newer := strings.ReplaceAll(nvdText+nvdRest, `"lastModified":"2020-01-02","descriptions":[{"lang":"en","value":"A hole."}]`, `"lastModified":"2019-01-01","descriptions":[{"lang":"en","value":"Older."}]`)
	both, err := Import(context.Background(), out, []string{filepath.Join(in, "nvd"), write(t, in, "old", newer)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	kb, err := Open(both.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer kb.Close()
	if c, _ := kb.CVE("CVE-2020-1000"); c.Description != "A hole." {
		t.Errorf("an older record won: %+v", c)
	}
}

func TestImportOfNothingIsTheStarterSet(t *testing.T) {
	t.Parallel()
	rep, err := Import(context.Background(), t.TempDir(), nil, nil)
	if err != nil || !rep.Small || rep.CVEs != Starter().Info().CVEs || !strings.HasPrefix(rep.Version, "starter-") {
		t.Errorf("%v %+v", err, rep.Info)
	}
}

func TestImportStopsWhenAsked(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	in, out := t.TempDir(), t.TempDir()
	if _, err := Import(ctx, out, []string{write(t, in, "nvd", nvdText+nvdRest)}, nil); err == nil {
		t.Error("no error")
	}
	if left, _ := filepath.Glob(filepath.Join(out, "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// endless gives one record that never ends, then a sound one.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left)
	for i := range p[:n] {
		p[i] = 'x'
	}
	e.left -= n
	return n, nil
}

func TestImportOfAHugeRecordIsBounded(t *testing.T) {
	t.Parallel()
	source := Source{"huge", func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader(`{"vulnerabilities":[{"cve":{"id":"CVE-2020-1001","x":"`), &endless{record.MaxSize * 2}, strings.NewReader(`"}},`+nvdRest))), nil
	}}
	rep, err := Build(context.Background(), t.TempDir(), []Source{source}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Skipped != 1 || rep.Sources[0].Records != 2 {
		t.Errorf("%+v", rep)
	}
}

func TestOpenRefusesWhatIsDamaged(t *testing.T) {
	t.Parallel()
	in, dir := t.TempDir(), t.TempDir()
	rep, err := Import(context.Background(), dir, []string{write(t, in, "nvd", nvdText+nvdRest)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(rep.Path)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"empty": "", "short": string(whole[:100]), "cut": string(whole[:len(whole)-1]), "text": strings.Repeat("x", 4096)} {
		if k, err := Open(write(t, dir, name, content)); err == nil {
			k.Close()
			t.Errorf("%s was opened", name)
		}
	}
	whole[len(magic)+100] ^= 1
	k, err := Open(write(t, dir, "flipped", string(whole)))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if k.Check() == nil {
		t.Error("a changed byte was not noticed")
	}
	k.Match(facts("", at("apache:log4j", "2.14.0", "", 80)))
}

func FuzzOpen(f *testing.F) {
	var b bytes.Buffer
	bld := newBuilder(&b)
	if _, err := bld.finish(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		in, err := openBytes(raw)
		if err != nil {
			return
		}
		k := knowledgeOf(in)
		k.CVE("CVE-2020-1000")
		k.Match(facts("", at("acme:app", "1.5", "1.5-1", 80)))
	})
}

func FuzzImport(f *testing.F) {
	for _, s := range []string{nvdText + nvdRest, kevText, epssText, eolText, debText, secdb, usn, rlsa, vex} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var out bytes.Buffer
		im := &importer{b: newBuilder(&out), rep: &Report{}}
		err := im.one(context.Background(), Source{"fuzz", func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := im.b.finish(); err != nil {
			t.Fatal(err)
		}
		in, err := openBytes(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if err := in.check(); err != nil {
			t.Fatal(err)
		}
	})
}
