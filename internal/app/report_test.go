package app

import (
	"bytes"
	"context"
	"fmt"
	"mime"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/domain/report"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/platform/outbox"
	"github.com/vedette/vedette/internal/scanlink"
)

type reported struct {
	ID         string
	Name       string
	HistoryID  string `json:"history_id"`
	Compliance *bool
	Files      map[string]struct {
		Status string
		Size   int64
		SHA256 string
	}
	ExpiresAt *string `json:"expires_at"`
	Scan      *struct{ ID, Name string }
}

func (p *program) reports(by string) []reported {
	p.Helper()
	var list struct {
		Data []struct{ Attributes reported }
	}
	p.must(200, by, "GET", "/v2/reports?sort_by=-created_at", nil).decode(p, &list)
	var all []reported
	for _, d := range list.Data {
		all = append(all, d.Attributes)
	}
	return all
}

func (p *program) reportOf(by, history string) reported {
	p.Helper()
	var out reported
	p.eventually("the report of a run", func() bool {
		for _, r := range p.reports(by) {
			if r.HistoryID == history {
				out = r
				return true
			}
		}
		return false
	})
	return out
}

type compliance struct {
	Compliant *bool
	Failing   int
	Scans     []struct {
		ID, Name, Status string
		ExpiresAt        string `json:"expires_at"`
	}
}

func (p *program) compliance(by string) compliance {
	p.Helper()
	var c compliance
	p.must(200, by, "GET", "/v2/vulnerabilities/pci_compliant", nil).decode(p, &c)
	return c
}

// TestCompliance: null before a scan has run, no while one does not pass, yes when all do, and only for ninety days.
func TestCompliance(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "acme", access.Manager)
		const m = "manager@acme"
		want := func(what, compliant string, failing int) {
			p.Helper()
			c := p.compliance(m)
			got := "null"
			if c.Compliant != nil {
				got = fmt.Sprint(*c.Compliant)
			}
			if got != compliant || c.Failing != failing {
				p.Errorf("%s: %s with %d failing, want %s, %d", what, got, c.Failing, compliant, failing)
			}
		}
		scan := p.scan(m, "web", p.target(m, "web", "192.0.2.10"))
		want("before a run", "null", 0)
		verdicts := func(see func(scanlink.PlanHost) []scanlink.Observation, verdict, coverage string) run {
			p.Helper()
			history := p.start(m, scan)
			p.work(see)
			h := p.runsOf(m, scan)[0]
			if h.ID != history || deref(h.PCIStatus) != verdict || deref(h.Coverage) != coverage {
				p.Errorf("the run is %s, %s; want %s, %s: %+v", deref(h.PCIStatus), deref(h.Coverage), verdict, coverage, h)
			}
			return h
		}
		silent := func(h scanlink.PlanHost) []scanlink.Observation {
			return []scanlink.Observation{{Host: &scanlink.Host{Address: h.Address, Done: true, Coverage: scanlink.Complete}}}
		}
		passing := func(h scanlink.PlanHost) []scanlink.Observation { return []scanlink.Observation{clean(h.Address)} }
		failing := func(h scanlink.PlanHost) []scanlink.Observation {
			return []scanlink.Observation{clean(h.Address), open(h.Address, 6379, "redis"), found(h.Address, 6379, "anon.redis", 98)}
		}
		blocked := func(h scanlink.PlanHost) []scanlink.Observation {
			o := clean(h.Address)
			o.Host.Coverage, o.Host.Interference = scanlink.Inconclusive, "Answers stopped in the middle."
			return []scanlink.Observation{o}
		}
		nothing := func(scanlink.PlanHost) []scanlink.Observation { return nil }
		h := verdicts(failing, "fail", "complete")
		want("a failing run", "false", 1)
		if r := p.reportOf(m, h.ID); r.Compliance == nil || *r.Compliance || r.ExpiresAt == nil || r.Scan == nil || r.Scan.ID != scan {
			p.Errorf("the report of a failing run: %+v", r)
		}
		h = verdicts(passing, "pass", "complete")
		want("a passing run", "true", 0)
		if r := p.reportOf(m, h.ID); r.Compliance == nil || !*r.Compliance {
			p.Errorf("the report of a passing run: %+v", r)
		}
		for what, see := range map[string]func(scanlink.PlanHost) []scanlink.Observation{"silent": silent, "blocked": blocked, "nothing": nothing} {
			history := p.start(m, scan)
			p.work(see)
			if h := p.runsOf(m, scan)[0]; h.ID != history || deref(h.PCIStatus) != "inconclusive" {
				p.Errorf("%s: %s, %s", what, deref(h.PCIStatus), deref(h.Coverage))
			}
			want(what, "false", 1)
		}
		verdicts(passing, "pass", "complete")
		other := p.scan(m, "other", p.target(m, "other", "192.0.2.20"))
		p.start(m, other)
		p.work(failing)
		want("one passes and one fails", "false", 1)
		p.must(200, m, "DELETE", "/v2/scans/"+other, nil)
		want("only the passing one is left", "true", 0)
		p.clock.Move(91 * 24 * time.Hour)
		p.tokens = map[string]string{}
		want("ninety days later", "false", 1)
		if c := p.compliance(m); c.Scans[0].Status != "expired" || !moment.MatchString(c.Scans[0].ExpiresAt) {
			p.Errorf("%+v", c)
		}
		p.outsidePCI(m)
	})
}

// outsidePCI a report says nothing of compliance, and products do not see each other.
func (p *program) outsidePCI(m string) {
	p.Helper()
	p.must(200, m, "PUT", "/v2/user/change_product?product_code=vrms", nil)
	scan := p.scan(m, "web", p.target(m, "web", "192.0.2.10"))
	history := p.start(m, scan)
	p.work(func(h scanlink.PlanHost) []scanlink.Observation {
		return []scanlink.Observation{clean(h.Address), open(h.Address, 6379, "redis"), found(h.Address, 6379, "anon.redis", 98)}
	})
	if r := p.reportOf(m, history); r.Compliance != nil || r.ExpiresAt != nil {
		p.Errorf("the report of a vrms run: %+v", r)
	}
	if all := p.reports(m); len(all) != 1 {
		p.Errorf("%d reports in vrms", len(all))
	}
	p.must(200, m, "PUT", "/v2/user/change_product?product_code=pci", nil)
	if all := p.reports(m); len(all) < 5 {
		p.Errorf("%d reports in pci", len(all))
	}
}

func TestReportFiles(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		org := p.organization("admin", "acme", access.Manager, access.Auditor)
		const m = "manager@acme"
		target := p.target(m, "web", "192.0.2.10")
		scan := p.scan(m, `Süd "shop"/../x`, target)
		p.finish(m, scan)
		history := p.show(m, scan).LastHistory.ID
		r := p.reportOf(m, history)
		if h := p.runsOf(m, scan)[0]; deref(h.ReportID) != r.ID {
			p.Errorf("the history names the report %s", deref(h.ReportID))
		}
		p.again(org, scan, history, r.ID)
		path := "/v2/reports/" + r.ID
		p.refused(404, m, "GET", path+"/download", nil)
		if a := p.must(200, m, "GET", path+"/file_exists", nil); !bytes.Contains(a.Body, []byte(`"exists":false,"status":"none"`)) {
			p.Errorf("file_exists: %s", a.Body)
		}
		p.queued(m, path)
		for _, f := range []struct{ kind, format, mime, magic string }{
			{"executive", "pdf", "application/pdf", "%PDF-"}, {"attestation", "pdf", "application/pdf", "%PDF-"},
			{"remediation", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "PK"}, {"detailed", "csv", "text/csv", ""},
			{"detailed", "json", "application/json", "{"}, {"remediation", "", "", ""}, {"detailed", "html", "text/html", "<!"},
		} {
			p.file(m, path, f.kind, f.format, f.mime, f.magic)
		}
		p.refused(422, m, "POST", path+"/generate", object{"type": "poem"})
		p.refused(422, m, "POST", path+"/generate", object{"type": "attestation", "format": "sarif"})
		p.refused(422, m, "GET", path+"/download?type=poem", nil)
		p.refused(403, "auditor@acme", "DELETE", path, nil)
		file := p.must(200, m, "GET", path+"/download", nil)

		p.must(200, m, "DELETE", "/v2/scans/"+scan, nil)
		p.must(200, m, "DELETE", "/v2/targets/"+target, nil)
		if again := p.must(200, m, "GET", path+"/download", nil); !bytes.Equal(again.Body, file.Body) {
			p.Error("the file is another once the scan is deleted")
		}
		blobs := p.blobs()
		p.must(200, m, "DELETE", path, nil)
		for _, gone := range []string{"", "/download", "/file_exists"} {
			p.refused(404, m, "GET", path+gone, nil)
		}
		p.refused(404, m, "POST", path+"/generate", nil)
		if len(p.reports(m)) != 0 || p.blobs() != blobs || blobs == 0 {
			p.Errorf("%d reports are listed, %d of %d blobs are left", len(p.reports(m)), p.blobs(), blobs)
		}
	})
}

// blobs counts the files that reports name, whether hidden or not.
func (p *program) blobs() (n int) {
	p.Helper()
	err := p.app.DB.Read(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
		return tx.Query(&n, "select count(*) from report_files where status = 'done' and sha256 <> ''")
	})
	if err != nil {
		p.Fatal(err)
	}
	return n
}

// again: an event that is delivered twice makes one report.
func (p *program) again(org, scan, history, id string) {
	p.Helper()
	maker := &report.Maker{DB: p.app.DB, Blob: p.app.blob}
	e := outbox.Event{Name: "scan_completed", Product: "pci", Data: []byte(`{"scan_id":"` + scan + `","history_id":"` + history + `"}`),
		Actor: jobs.Actor{OrganizationID: org, OrganizationName: "acme", Product: "pci", Username: "manager@acme"}}
	for range 2 {
		if err := maker.Completed(context.Background(), e); err != nil {
			p.Error(err)
		}
	}
	if all := p.reports("manager@acme"); len(all) != 1 || all[0].ID != id {
		p.Errorf("after the event came again there are %+v", all)
	}
}

// queued: a file that is not done is 409.
func (p *program) queued(m, path string) {
	p.Helper()
	p.must(200, m, "POST", path+"/generate", object{"type": "remediation", "format": "csv"})
	err := p.app.DB.Write(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
		_, err := tx.Exec("insert into report_files (organization_id, id, report_id, type, format, status, asked_at, size, sha256, error) select organization_id, ?, id, 'detailed', 'sarif', 'queued', 1, 0, '', '' from reports", db.NewID())
		return err
	})
	if err != nil {
		p.Fatal(err)
	}
	if x := p.refused(409, m, "GET", path+"/download?type=detailed&format=sarif", nil); x.Code != "file_not_done" {
		p.Errorf("a queued file: %+v", x)
	}
}

func (p *program) file(m, path, kind, format, contentType, magic string) {
	p.Helper()
	query := "?type=" + kind
	body := object{"type": kind}
	if format != "" {
		query += "&format=" + format
		body["format"] = format
	}
	var g struct{ Status, Type, Format string }
	p.must(200, m, "POST", path+"/generate", body).decode(p, &g)
	if g.Type != kind || format != "" && g.Format != format {
		p.Errorf("generate %s answers %+v", query, g)
	}
	var e struct {
		Exists         bool
		Status, SHA256 string
		Size           int64
		Error          string
	}
	p.eventually(kind+" as "+format, func() bool {
		p.must(200, m, "GET", path+"/file_exists"+query, nil).decode(p, &e)
		return e.Status == "done" || e.Status == "failed"
	})
	a := p.must(200, m, "GET", path+"/download"+query, nil)
	disposition, parameters, err := mime.ParseMediaType(a.Header.Get("Content-Disposition"))
	name := parameters["filename"]
	if err != nil || disposition != "attachment" || strings.ContainsAny(name, `/\" `) || strings.Contains(name, "..") || !strings.HasSuffix(name, "."+g.Format) || !strings.Contains(name, "-"+kind+"-") {
		p.Errorf("%s is called %q, %v", query, a.Header.Get("Content-Disposition"), err)
	}
	if !strings.HasPrefix(a.Header.Get("Content-Type"), contentType) || !bytes.HasPrefix(a.Body, []byte(magic)) || int64(len(a.Body)) != e.Size || !e.Exists || fmt.Sprint(e.Size) != a.Header.Get("Content-Length") || len(e.SHA256) != 64 {
		p.Errorf("%s: %v, %d bytes, %+v", query, a.Header, len(a.Body), e)
	}
	p.must(200, m, "POST", path+"/generate", body).decode(p, &g)
	if g.Status != "done" {
		p.Errorf("a file that is there is %s", g.Status)
	}
}
