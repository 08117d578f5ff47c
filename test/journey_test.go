package test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/vedette/vedette/client"
)

// From the contract to the documents and the deletion, and what a stranger sees meanwhile.
func TestFromContractToDocuments(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		lab := openShop(w)
		c, stranger := w.customer("Shop"), w.customer("Stranger")
		scan := w.scan(c, lab.ports(), "127.0.0.1")
		w.strangerSeesNothing(stranger, c, scan, nil)
		h := w.run(c, scan.ID)
		if h.State != "completed" || h.Status != "Done" || h.Coverage != "complete" || h.PCIStatus != "fail" {
			w.Errorf("the run ended as %s, %s, coverage %s, verdict %s: %s", h.State, h.Status, h.Coverage, h.PCIStatus, h.Error)
		}
		w.wantFindings(c, scan.ID, lab)
		w.wantCounters(c, h)
		w.until("the report is there", 10*time.Second, func() bool {
			h = ok(c.Scans.ShowHistory(context.Background(), scan.ID, h.ID))(w)
			return h.ReportID != ""
		})
		w.documents(c, h.ReportID)
		w.strangerSeesNothing(stranger, c, scan, h)
		w.removal(c, scan, h)
	})
}

func (w *world) wantFindings(c *customer, scan string, lab shop) {
	w.Helper()
	found := map[[2]any]client.Vulnerability{}
	for v, err := range c.Scans.AllVulnerabilities(context.Background(), scan, client.Query{PerPage: 3}) {
		if err != nil {
			w.Fatal(err)
		}
		found[[2]any{v.Port, v.Class}] = v
	}
	for _, want := range []struct {
		port  uint16
		class string
		pci   string
	}{
		{lab.tls.Port(), "tls.expired", "fail"}, {lab.redis.Port(), "anon.redis", "fail"}, {lab.web.Port(), "clear.http", "pass"},
	} {
		v, there := found[[2]any{int(want.port), want.class}]
		if !there {
			w.Errorf("%s on port %d was not found; found: %v", want.class, want.port, keys(found))
			continue
		}
		if v.PCI.Status != want.pci || v.Host != "127.0.0.1" || v.Name == "" || v.Evidence == "" {
			w.Errorf("%s: %+v", want.class, v)
		}
		if shown := ok(c.Vulnerabilities.Show(context.Background(), v.ID))(w); shown.Name != v.Name {
			w.Errorf("shown as %q, listed as %q", shown.Name, v.Name)
		}
	}
}

func keys[K comparable, V any](m map[K]V) []K {
	var all []K
	for k := range m {
		all = append(all, k)
	}
	return all
}

// wantCounters compares the counters of the run and of the widgets with the rows themselves.
func (w *world) wantCounters(c *customer, h *client.ScanHistory) {
	w.Helper()
	ctx := context.Background()
	counted, total := map[string]int{}, 0
	for v, err := range c.Scans.AllVulnerabilities(ctx, h.ScanID, client.Query{PerPage: 500}) {
		if err != nil {
			w.Fatal(err)
		}
		if total++; v.Certainty != "possible" {
			counted[v.Threat]++
		}
	}
	want := client.ScanCounts{Critical: counted["Critical"], High: counted["High"], Medium: counted["Medium"], Low: counted["Low"], Log: counted["Log"]}
	if h.Counts != want {
		w.Errorf("the run counts %+v, its rows are %+v", h.Counts, want)
	}
	var sum client.ScanCounts
	hosts := 0
	for host, err := range c.Scans.AllHosts(ctx, h.ScanID, client.Query{PerPage: 500}) {
		if err != nil {
			w.Fatal(err)
		}
		if host.Counts != (client.ScanCounts{}) {
			hosts++
		}
		sum.Critical, sum.High, sum.Medium = sum.Critical+host.Counts.Critical, sum.High+host.Counts.High, sum.Medium+host.Counts.Medium
		sum.Low, sum.Log = sum.Low+host.Counts.Low, sum.Log+host.Counts.Log
	}
	if sum != want {
		w.Errorf("the hosts count %+v, the rows are %+v", sum, want)
	}
	if s := ok(c.Scans.VulnerabilityStatistics(ctx, h.ScanID, client.ScanVulnerabilityStatisticsQuery{}))(w); s.Hosts != hosts {
		w.Errorf("statistics: %+v with %d hosts", s, hosts)
	}
	if list := ok(c.Vulnerabilities.List(ctx, client.Query{}))(w); list.TotalCount != total {
		w.Errorf("the organization has %d vulnerabilities, its only scan %d", list.TotalCount, total)
	}
}

// documents has each made once, downloads it, and compares it with its hash.
func (w *world) documents(c *customer, report string) {
	w.Helper()
	ctx := context.Background()
	_, err := c.Reports.Download(ctx, report, client.DownloadReportQuery{Type: "detailed"})
	w.wantRefused("download of a file that nobody asked for", err, http.StatusNotFound)
	magic := map[string]string{"attestation": "%PDF-", "executive": "%PDF-", "detailed": "%PDF-", "remediation": "PK\x03\x04"}
	for kind := range magic {
		ok(c.Reports.Generate(ctx, report, client.GenerateReportInput{Type: kind}))(w)
	}
	for kind, begin := range magic {
		var file *client.ReportExists
		w.until("the "+kind+" is made", 30*time.Second, func() bool {
			file = ok(c.Reports.FileExists(ctx, report, client.ReportFileExistsQuery{Type: kind}))(w)
			if file.Error != "" {
				w.Fatalf("%s: %s", kind, file.Error)
			}
			return file.Exists
		})
		down := ok(c.Reports.Download(ctx, report, client.DownloadReportQuery{Type: kind}))(w)
		content := ok(io.ReadAll(down))(w)
		_ = down.Close()
		sum := sha256.Sum256(content)
		if len(content) != file.Size || hex.EncodeToString(sum[:]) != file.SHA256 || string(content[:len(begin)]) != begin {
			w.Errorf("%s: %d bytes, want %d; SHA-256 %x, want %s; begins with %q", kind, len(content), file.Size, sum, file.SHA256, content[:len(begin)])
		}
	}
}

// strangerSeesNothing asks as another organization for all that there is.
func (w *world) strangerSeesNothing(s, c *customer, scan *client.Scan, h *client.ScanHistory) {
	w.Helper()
	ctx := context.Background()
	for name, n := range map[string]int{
		"targets": total(s.Targets.List(ctx, client.Query{})), "scans": total(s.Scans.List(ctx, client.Query{})),
		"running scans": total(s.Scans.ListRunning(ctx, client.Query{})), "recent scans": total(s.Scans.ListRecent(ctx, client.Query{})),
		"hosts": total(s.Hosts.List(ctx, client.Query{})), "vulnerabilities": total(s.Vulnerabilities.List(ctx, client.Query{})),
		"reports": total(s.Reports.List(ctx, client.Query{})),
	} {
		if n != 0 {
			w.Errorf("a stranger sees %d %s", n, name)
		}
	}
	_, err := s.Scans.Show(ctx, scan.ID)
	w.wantRefused("a stranger shows the scan", err, http.StatusNotFound)
	_, err = s.Scans.Start(ctx, scan.ID)
	w.wantRefused("a stranger starts the scan", err, http.StatusNotFound)
	w.wantRefused("a stranger deletes the target", s.Targets.Delete(ctx, scan.Target.ID), http.StatusNotFound)
	_, err = s.With(client.WithOrganization(c.organization)).Scans.List(ctx, client.Query{})
	w.wantRefused("a stranger acts for the organization", err, http.StatusNotFound)
	_, err = s.Scans.Create(ctx, client.ScanCreate{Name: "Theft", Target: scan.Target.ID})
	if !refused(err, http.StatusNotFound) && !refused(err, http.StatusUnprocessableEntity) {
		w.Errorf("a stranger makes a scan of the target: %v", err)
	}
	if h == nil {
		return
	}
	_, err = s.Scans.ShowHistory(ctx, scan.ID, h.ID)
	w.wantRefused("a stranger shows the run", err, http.StatusNotFound)
	_, err = s.Scans.ListVulnerabilities(ctx, scan.ID, client.Query{})
	w.wantRefused("a stranger lists the findings", err, http.StatusNotFound)
	_, err = s.Reports.Download(ctx, h.ReportID, client.DownloadReportQuery{Type: "executive"})
	w.wantRefused("a stranger downloads the report", err, http.StatusNotFound)
}

func total[T any](p *client.Page[T], err error) int {
	if err != nil {
		return -1
	}
	return p.TotalCount
}

// removal deletes what was made; a target goes only after its scans.
func (w *world) removal(c *customer, scan *client.Scan, h *client.ScanHistory) {
	w.Helper()
	ctx := context.Background()
	w.wantRefused("delete a target that a scan uses", c.Targets.Delete(ctx, scan.Target.ID), http.StatusConflict)
	if err := c.Scans.Delete(ctx, scan.ID); err != nil {
		w.Fatal(err)
	}
	if err := c.Targets.Delete(ctx, scan.Target.ID); err != nil {
		w.Fatal(err)
	}
	_, err := c.Scans.Show(ctx, scan.ID)
	w.wantRefused("show a deleted scan", err, http.StatusNotFound)
	_, err = c.Targets.Show(ctx, scan.Target.ID)
	w.wantRefused("show a deleted target", err, http.StatusNotFound)
	if err := c.Reports.Delete(ctx, h.ReportID); err != nil {
		w.Error(err)
	}
	if n := total(c.Reports.List(ctx, client.Query{})); n != 0 {
		w.Errorf("%d reports are left", n)
	}
}
