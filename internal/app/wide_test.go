package app

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/domain/report"
	"github.com/vedette/vedette/internal/domain/vulnerability"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/platform/outbox"
)

// TestWideRuns: reports, and new knowledge, go through a run in pages; a run that ends with a page, just before, or just after it
// loses no host and counts none twice.
func TestWideRuns(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		org := p.organization("admin", "north", access.Manager)
		const by = "manager@north"
		sizes := []int{31, 32, 33, 64, 65}
		scans := map[int]string{}
		for _, n := range sizes {
			scans[n] = p.scan(by, fmt.Sprint(n), p.target(by, fmt.Sprint(n), fmt.Sprintf("192.0.2.1-192.0.2.%d", n)))
			p.must(200, by, "POST", "/v2/scans/"+scans[n]+"/start", nil)
			p.work(teapot("4.1"))
		}
		p.learn(record)
		for _, n := range sizes {
			p.wideScan(by, scans[n], n)
			p.wideReport(by, p.first(by, "/v2/scans/"+scans[n]+"/histories"), n)
		}
		p.leftHalfway(org, by, scans[65], 65)
	})
}

// leftHalfway: a server dies while it judges a run anew. Until another has judged all of it the run names no version, and no report
// is made of it.
func (p *program) leftHalfway(org, by, scan string, n int) {
	p.Helper()
	ctx, history := context.Background(), p.first(by, "/v2/scans/"+scan+"/histories")
	err := p.app.DB.Write(ctx, access.System(access.DoorTest), func(tx *db.Tx) error {
		_, err := tx.Exec("update scan_histories set feed_version = '~former' where id = ?", history)
		return err
	})
	if err != nil {
		p.Fatal(err)
	}
	version := func() string {
		var h struct {
			Data struct {
				Attributes struct {
					FeedVersions map[string]string `json:"feed_versions"`
				}
			}
		}
		p.must(200, by, "GET", "/v2/scans/"+scan+"/histories/"+history, nil).decode(p, &h)
		return h.Data.Attributes.FeedVersions["knowledge"]
	}
	maker := &report.Maker{DB: p.app.DB, Blob: p.app.blob}
	e := outbox.Event{Name: "scan_completed", Product: "pci", Data: []byte(`{"scan_id":"` + scan + `","history_id":"` + history + `"}`),
		Actor: jobs.Actor{OrganizationID: org, OrganizationName: "north", Product: "pci"}}
	if err := maker.Completed(ctx, e); err == nil || version() != "" {
		p.Errorf("a report is made of a run that %q judged halfway", version())
	}
	if err := vulnerability.Rematch(ctx, p.app.DB, p.app.knowledge.Get()); err != nil {
		p.Fatal(err)
	}
	if err := maker.Completed(ctx, e); err != nil || version() != p.app.knowledge.Version() {
		p.Errorf("judged by %q: %v", version(), err)
	}
	p.wideScan(by, scan, n)
}

// wideScan has one vulnerability on each host, by the new knowledge.
func (p *program) wideScan(by, scan string, n int) {
	p.Helper()
	var list struct {
		Data []struct {
			Attributes vulnerability.Attributes
		}
	}
	p.must(200, by, "GET", "/v2/scans/"+scan+"/vulnerabilities?per_page=500&q[cves]=CVE-2026-90001", nil).decode(p, &list)
	hosts := map[string]bool{}
	for _, d := range list.Data {
		hosts[d.Attributes.Host] = true
	}
	if len(list.Data) != n || len(hosts) != n {
		p.Errorf("%d vulnerabilities on %d hosts, want one on each of %d", len(list.Data), len(hosts), n)
	}
	var h struct {
		Data struct {
			Attributes struct {
				Counts    struct{ Critical, High int }
				PCIStatus string `json:"pci_status"`
			}
		}
	}
	p.must(200, by, "GET", "/v2/scans/"+scan+"/histories/"+p.first(by, "/v2/scans/"+scan+"/histories"), nil).decode(p, &h)
	if a := h.Data.Attributes; a.Counts.High != n || a.PCIStatus != "fail" {
		p.Errorf("of %d hosts: %+v", n, a)
	}
}

// wideReport names each host once, with what was found on it when the report was made.
func (p *program) wideReport(by, history string, n int) {
	p.Helper()
	id := p.reportOf(by, history).ID
	p.must(200, by, "POST", "/v2/reports/"+id+"/generate", object{"type": "detailed", "format": "json"})
	p.eventually("the file", func() bool {
		return strings.Contains(string(p.must(200, by, "GET", "/v2/reports/"+id+"/file_exists?type=detailed&format=json", nil).Body), `"done"`)
	})
	var file struct {
		Counts     struct{ Critical, High, Medium, Low, Log, Unconfirmed int }
		Components []struct {
			Host   string
			Counts struct{ Critical, High, Medium, Low, Log, Unconfirmed int }
		}
		Findings []struct{ Host string }
	}
	p.must(200, by, "GET", "/v2/reports/"+id+"/download?type=detailed&format=json", nil).decode(p, &file)
	hosts, total := map[string]bool{}, 0
	for _, c := range file.Components {
		hosts[c.Host] = true
		total += c.Counts.Critical + c.Counts.High + c.Counts.Medium + c.Counts.Low + c.Counts.Log + c.Counts.Unconfirmed
	}
	c := file.Counts
	if len(file.Components) != n || len(hosts) != n || total != len(file.Findings) || total != c.Critical+c.High+c.Medium+c.Low+c.Log+c.Unconfirmed {
		p.Errorf("%d components, %d hosts, %d counted, %d findings of %d hosts; %+v", len(file.Components), len(hosts), total, len(file.Findings), n, c)
	}
}
