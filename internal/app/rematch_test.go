package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/domain/feed"
	"github.com/vedette/vedette/internal/domain/vulnerability"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/scanlink"
)

// A CVE record of NVD's shape about a product that nothing else knows.
const record = `{"resultsPerPage":1,"startIndex":0,"totalResults":1,"format":"NVD_CVE","version":"2.0","timestamp":"2026-01-01T00:00:00.000","vulnerabilities":[{"cve":{
"id":"CVE-2026-90001","sourceIdentifier":"cve@example.org","published":"2026-01-01T00:00:00.000","lastModified":"2026-01-02T00:00:00.000","vulnStatus":"Analyzed",
"descriptions":[{"lang":"en","value":"A made-up flaw of a made-up server."}],
"metrics":{"cvssMetricV31":[{"source":"nvd@nist.gov","type":"Primary","cvssData":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8,"baseSeverity":"CRITICAL"}}]},
"configurations":[{"nodes":[{"operator":"OR","negate":false,"cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:a:example:teapotd:*:*:*:*:*:*:*:*","versionEndExcluding":"4.2","matchCriteriaId":"00000000-0000-4000-8000-000000000001"}]}]}],
"references":[{"url":"https://example.org/advisory","source":"cve@example.org"}]}}]}`

// TestRematch imports a feed after a scan: what the scan saw is judged anew, with no new scan.
func TestRematch(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "north", access.Manager)
		by := "manager@north"
		target := p.target(by, "web", "192.0.2.10")
		scan := p.scan(by, "quarterly", target)
		p.must(200, by, "POST", "/v2/scans/"+scan+"/start", nil)
		p.work(teapot("4.1"))
		before := p.must(200, by, "GET", "/v2/vulnerabilities", nil)
		if strings.Contains(string(before.Body), "CVE-2026-90001") {
			p.Fatalf("found before anybody knew of it: %s", before.Body)
		}
		p.learn(record)
		var after struct {
			Data []struct {
				Attributes vulnerability.Attributes
			}
		}
		p.must(200, by, "GET", "/v2/scans/"+scan+"/vulnerabilities?q[cves]=CVE-2026-90001", nil).decode(p, &after)
		if len(after.Data) != 1 || after.Data[0].Attributes.FeedVersion != p.app.knowledge.Version() || after.Data[0].Attributes.Times != 1 {
			p.Fatalf("after the import: %+v", after.Data)
		}
		if again := p.must(200, by, "GET", "/v2/scans/"+scan+"/histories", nil); !strings.Contains(string(again.Body), p.app.knowledge.Version()) {
			p.Errorf("the run does not name the version that judged it: %s", again.Body)
		}

		// A later scan of the same host sees the problem, and then that it is gone: an older run, judged anew, says nothing against it.
		later := p.scan(by, "monthly", target)
		for _, version := range []string{"4.1", "4.2"} {
			p.must(200, by, "POST", "/v2/scans/"+later+"/start", nil)
			p.work(teapot(version))
		}
		p.learn(strings.ReplaceAll(record, "CVE-2026-90001", "CVE-2026-90002"))
		p.must(200, by, "GET", "/v2/vulnerabilities?q[cves]=CVE-2026-90001", nil).decode(p, &after)
		if len(after.Data) != 1 || after.Data[0].Attributes.State != vulnerability.Fixed || after.Data[0].Attributes.Scan.ID != later {
			p.Errorf("an older run brought it back: %+v", after.Data)
		}
	})
}

// teapot is what a scanner sees of a host with a made-up server of that version.
func teapot(version string) func(scanlink.PlanHost) []scanlink.Observation {
	return func(h scanlink.PlanHost) []scanlink.Observation {
		return []scanlink.Observation{
			{Host: &scanlink.Host{Address: h.Address, Alive: true, Done: true, Coverage: scanlink.Complete}},
			{Service: &scanlink.Service{Address: h.Address, Port: 4242, Protocol: "tcp", State: "open", Name: "teapot", Product: "teapotd", Version: version,
				CPE: "cpe:2.3:a:example:teapotd:" + version + ":*:*:*:*:*:*:*", QoD: 95}},
		}
	}
}

// learn brings one CVE record into force, and judges what was seen by it.
func (p *program) learn(text string) {
	p.Helper()
	source := filepath.Join(p.TempDir(), "nvd.json")
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		p.Fatal(err)
	}
	ctx := context.Background()
	if _, err := feed.Import(ctx, p.app.Config.Feed.Dir, []string{source}, p.app.knowledge.Get()); err != nil {
		p.Fatal(err)
	}
	if changed, err := p.app.knowledge.load(); err != nil || !changed {
		p.Fatalf("the new knowledge is not in force: %v", err)
	}
	if err := vulnerability.Rematch(ctx, p.app.DB, p.app.knowledge.Get()); err != nil {
		p.Fatal(err)
	}
}
