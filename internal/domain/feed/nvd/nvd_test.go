package nvd

import (
	"context"
	"errors"
	"strings"
	"testing"
)

const feed = `{"resultsPerPage":4,"format":"NVD_CVE","version":"2.0","vulnerabilities":[
{"cve":{"id":"CVE-2021-0001","vulnStatus":"Analyzed","cveTags":[],"affected":[1],"descriptions":[{"lang":"es","value":"uno"},{"lang":"en","value":"one says \"cve\": {\"cve\":1}"}],
 "metrics":{"ssvcV203":{"x":1},"cvssMetricV31":[{"source":"cna@example.org","type":"Secondary","cvssData":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8}},
 {"source":"nvd@nist.gov","type":"Primary","cvssData":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H","baseScore":8.8}}],
 "cvssMetricV2":[{"source":"nvd@nist.gov","type":"Primary","cvssData":{"vectorString":"(AV:N/AC:L/Au:N/C:P/I:P/A:P)","baseScore":7.5},"baseSeverity":"HIGH"}]},
 "weaknesses":[{"description":[{"lang":"en","value":"CWE-79"},{"lang":"en","value":"NVD-CWE-Other"}]}],
 "configurations":[{"operator":"AND","nodes":[{"operator":"OR","negate":false,"cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:a:x:y:*:*:*:*:*:*:*:*","versionEndExcluding":"2.0"}]},{"operator":"OR","cpeMatch":[{"vulnerable":false,"criteria":"cpe:2.3:o:z:os:-:*:*:*:*:*:*:*"}]}]}],
 "references":[{"url":"https://example.org/a","tags":["Patch"]},{"url":"javascript:alert(1)"},{"url":"https://example.org/a"}]}},
{"cve":{"id":"CVE-2021-0002","descriptions":[{"lang":"en","value":"broken
{ "cve" : {"id":"CVE-2021-0003","vulnStatus":"Rejected"}},
{"cve":{"id":"CVE-2021-0004","metrics":{"cvssMetricV31":"what"}}},
{"cve":{"id":"not an id"}},
{"cve":{"id":"CVE-2021-0005","descriptions":[{"lang":"en","value":"five"}]}}
]}`

func TestReadKeepsTheSoundRecords(t *testing.T) {
	t.Parallel()
	var good, bad []string
	var first CVE
	err := Read(context.Background(), strings.NewReader(feed), func(c CVE, err error) error {
		switch {
		case errors.Is(err, ErrWithdrawn):
			bad = append(bad, c.ID+" withdrawn")
		case err != nil:
			bad = append(bad, c.ID)
		default:
			if len(good) == 0 {
				first = c
			}
			good = append(good, c.ID)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(good, " "); got != "CVE-2021-0001 CVE-2021-0005" {
		t.Errorf("good: %s", got)
	}
	if got := strings.Join(bad, ","); got != "CVE-2021-0002,CVE-2021-0003 withdrawn,CVE-2021-0004," {
		t.Errorf("bad: %s", got)
	}
	if first.Metrics[0].Score != 88 || !first.Metrics[0].Primary || first.Metrics[1].Score != 98 || first.Metrics[2].Vector != "AV:N/AC:L/Au:N/C:P/I:P/A:P" {
		t.Errorf("metrics: %+v", first.Metrics)
	}
	if len(first.References) != 1 || first.Weaknesses[0] != "CWE-79" || !strings.HasPrefix(first.Description, "one says") {
		t.Errorf("record: %+v", first)
	}
	if c := first.Configurations; len(c) != 1 || c[0].Operator != "AND" || len(c[0].Nodes) != 2 || c[0].Nodes[0].Matches[0].EndExcluding != "2.0" {
		t.Errorf("configurations: %+v", first.Configurations)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(feed)
	f.Add(`{"cve":{"id":"CVE-2021-0001"}}`)
	f.Add(`{"cve":{"id":"CVE-2021-0001"`)
	f.Fuzz(func(t *testing.T, s string) {
		_ = Read(context.Background(), strings.NewReader(s), func(c CVE, err error) error {
			if err == nil && !ValidID(c.ID) {
				t.Fatalf("a record without an id: %+v", c)
			}
			return nil
		})
	})
}
