package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/vedette/vedette/internal/domain/host"
	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/pci"
	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/domain/target"
	"github.com/vedette/vedette/internal/domain/vulnerability"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/blob"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/platform/outbox"
	"github.com/vedette/vedette/internal/scanlink"
)

// Maker makes reports of finished runs, and their files.
type Maker struct {
	DB   *db.DB
	Blob *blob.Store
	ASV  Issuer
	// BrandOf an organization, which stands on the documents about its scans; nil: the issuer's for all.
	BrandOf func(tx *db.Tx, organization string) (Brand, error)
}

// Issuer is who stands in the documents as the scanning vendor.
type Issuer struct {
	Party       Party
	Certificate string
	Reviewer    string
	Brand       Brand
}

// most that a frozen model or a file may take.
const maxFile = 1 << 30

// Completed hears that a run has ended and makes its report: everything that its documents will say is frozen now, so
// that deleting the scan or renaming the customer changes nothing.
func (m *Maker) Completed(ctx context.Context, e outbox.Event) error {
	var ended scan.Ended
	if err := e.Read(&ended); err != nil {
		return err
	}
	r, err := m.freeze(ctx, e.Grant(), ended)
	if db.NoRows(err) {
		return nil // the scan was deleted meanwhile, and its run with it
	}
	if err != nil {
		return fmt.Errorf("freeze report: %w", err)
	}
	return m.DB.Write(ctx, e.Grant(), func(tx *db.Tx) error {
		r.CreatedAt = tx.Now()
		id, err := insert(tx, r)
		if err != nil {
			return err
		}
		return scan.SetReport(tx, ended.HistoryID, id)
	})
}

// freeze keeps what the documents will say, as it is read from the database.
func (m *Maker) freeze(ctx context.Context, g access.Grant, ended scan.Ended) (*Report, error) {
	var model *Model
	var r *Report
	err := m.DB.Read(ctx, g, func(tx *db.Tx) (err error) {
		model, r, err = m.head(tx, ended)
		return err
	})
	if err != nil {
		return nil, err
	}
	reader, writer := io.Pipe()
	defer reader.Close()
	go func() { writer.CloseWithError(m.freezeHosts(ctx, g, writer, model, ended)) }()
	hash, _, err := m.Blob.Put(ctx, reader, maxFile)
	r.ModelSHA256 = string(hash)
	return r, err
}

// errRejudged lets the job come again: what the run says is changing under way.
var errRejudged = errors.New("new knowledge judges the run at this moment")

// freezePage is how many hosts are read in one transaction.
const freezePage = 32

// freezeHosts writes the model with the hosts of the run, page by page.
func (m *Maker) freezeHosts(ctx context.Context, g access.Grant, w io.Writer, model *Model, ended scan.Ended) error {
	f, err := newFreezer(w, model)
	for after, more := "", true; err == nil && more; {
		var hosts []host.Sighting
		var found map[string][]vulnerability.Finding
		err = m.DB.Read(ctx, g, func(tx *db.Tx) (err error) {
			hosts, found, err = page(tx, ended.HistoryID, after)
			return err
		})
		if more = err == nil && len(hosts) > 0; more {
			after = hosts[len(hosts)-1].ID
		}
		for i := 0; err == nil && i < len(hosts); i++ {
			err = f.add(componentOf(hosts[i]), found[hosts[i].ID])
		}
	}
	if err == nil {
		err = m.DB.Read(ctx, g, func(tx *db.Tx) error {
			h, err := scan.HistoryByID(tx, ended.ScanID, ended.HistoryID)
			if err == nil && h.FeedVersion != model.Scan.FeedVersion {
				err = errRejudged
			}
			return err
		})
	}
	if err != nil {
		return err
	}
	return f.close()
}

func page(tx *db.Tx, history, after string) ([]host.Sighting, map[string][]vulnerability.Finding, error) {
	hosts, err := host.Page(tx, history, after, freezePage)
	if err != nil || len(hosts) == 0 {
		return nil, nil, err
	}
	ids := make([]string, len(hosts))
	for i, h := range hosts {
		ids[i] = h.ID
	}
	found, err := vulnerability.FindingsOn(tx, history, ids)
	return hosts, found, err
}

// head reads what the documents will say but for the hosts of the run.
func (m *Maker) head(tx *db.Tx, ended scan.Ended) (*Model, *Report, error) {
	s, err := scan.ByID(tx, ended.ScanID)
	if err != nil {
		return nil, nil, err
	}
	h, err := scan.HistoryByID(tx, s.ID, ended.HistoryID)
	if err != nil {
		return nil, nil, err
	}
	if h.BeingRejudged() {
		return nil, nil, errRejudged
	}
	t, err := target.ByID(tx, s.TargetID)
	if err != nil {
		return nil, nil, err
	}
	o, err := organization.ByID(tx, tx.Organization())
	if err != nil {
		return nil, nil, err
	}
	brand := m.ASV.Brand
	if m.BrandOf != nil {
		if brand, err = m.BrandOf(tx, o.ID); err != nil {
			return nil, nil, err
		}
	}
	r := reportOf(s, h)
	model := &Model{ID: r.ID, Title: s.Name, Product: s.Product, GeneratedAt: h.FinishedAt.Time(), Brand: brand, Customer: partyOf(o), ASV: m.ASV.Party,
		Certificate: m.ASV.Certificate, Reviewer: m.ASV.Reviewer, SubmittedScope: t.Hosts, Scan: m.scanOf(tx, s, h, r),
		Verdict: Verdict{Status: deref(h.PCIStatus), Reason: h.PCIReason}}
	if t.ScopeAt != nil {
		model.Attested = Signature{Name: t.ScopeName, Title: t.ScopeTitle, Date: t.ScopeAt.Time()}
	}
	return model, r, nil
}

func reportOf(s *scan.Scan, h *scan.History) *Report {
	r := &Report{ID: db.NewID(), Product: s.Product, Name: s.Name + ", " + h.FinishedAt.Time().Format("2006-01-02 15:04"), ScanID: &s.ID, ScanName: s.Name,
		HistoryID: h.ID, FinishedAt: *h.FinishedAt, Counts: h.Counts}
	if s.Product == "pci" {
		passed := h.PCIStatus != nil && *h.PCIStatus == pci.Pass
		r.Compliance = &passed
		r.ExpiresAt = clock.AtPointer(pci.Expires(h.FinishedAt.Time()))
	}
	return r
}

func (m *Maker) scanOf(tx *db.Tx, s *scan.Scan, h *scan.History, r *Report) Scan {
	out := Scan{Name: s.Name, Profile: h.Plan.Profile, FinishedAt: h.FinishedAt.Time(), FeedVersion: h.FeedVersion, Coverage: deref(h.Coverage), Full: h.Error == "",
		Timezone: "UTC"}
	if h.StartedAt != nil {
		out.StartedAt = h.StartedAt.Time()
	}
	if r.ExpiresAt != nil {
		out.ExpiresAt = r.ExpiresAt.Time()
	}
	if h.ScannerID != nil {
		if n, err := scanner.ByID(tx, *h.ScannerID); err == nil { // a scanner that is gone leaves its line empty
			out.Scanner = n.Name
		}
	}
	return out
}

func componentOf(s host.Sighting) Component {
	c := Component{Host: s.Address, Names: s.Names, OS: s.OS, Status: deref(s.PCIStatus), Interference: s.Interference, Authenticated: s.Authenticated}
	for _, v := range s.Facts.Services {
		c.Services = append(c.Services, ServiceOf(v))
	}
	return c
}

// ServiceOf makes a document's line of an observed service.
func ServiceOf(v scanlink.Service) Service {
	return Service{Port: int(v.Port), Protocol: v.Protocol, State: v.State, Name: v.Name, Tunnel: v.Tunnel, Product: v.Product, Version: v.Version, Note: v.Note}
}

func partyOf(o *organization.Organization) Party {
	company := o.CompanyName
	if company == "" {
		company = o.Name
	}
	return Party{Company: company, Contact: o.ContactName, Title: o.ContactTitle, Telephone: o.ContactPhone, Email: o.ContactEmail,
		Address: o.Address, City: o.City, State: o.State, ZIP: o.Zipcode, Country: o.Country, URL: o.Website}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// renderJob makes one file.
type renderJob struct {
	jobs.Actor
	FileID string `json:"file_id"`
}

// Kind of the job.
func (renderJob) Kind() string { return "report_render" }

// Work makes files as they are asked for.
func (m *Maker) Work(q *jobs.Queue) { jobs.Work(q, 10*time.Minute, m.render) }

func (m *Maker) render(ctx context.Context, job renderJob) error {
	var f *File
	var r *Report
	err := m.DB.Write(ctx, job.Grant(), func(tx *db.Tx) error {
		var err error
		if f, err = fileByID(tx, job.FileID); err != nil {
			return err
		}
		if r, err = reportOfJob(tx, f.ReportID); err != nil {
			return err
		}
		f.Status = fileRunning
		return setFile(tx, f)
	})
	if err != nil {
		return err
	}
	hash, size, err := m.file(ctx, r, f)
	return m.DB.Write(ctx, job.Grant(), func(tx *db.Tx) error {
		f.Status, f.SHA256, f.Size = fileDone, string(hash), size
		if err != nil {
			slog.ErrorContext(ctx, "make a document", slog.String("report", r.ID), slog.String("type", string(f.Type)), slog.String("format", string(f.Format)), slog.Any("error", err))
			f.Status, f.Error = fileFailed, "The document could not be made; ask for it again, or ask the operator for the log."
		}
		if err := setFile(tx, f); err != nil {
			return err
		}
		if f.Status == fileFailed {
			return nil
		}
		return outbox.Emit(tx, GeneratedEvent, map[string]any{"report_id": r.ID, "type": f.Type, "format": f.Format, "sha256": f.SHA256, "size": f.Size})
	})
}

// file renders the frozen model into the blob store.
func (m *Maker) file(ctx context.Context, r *Report, f *File) (blob.Hash, int64, error) {
	frozen, _, err := m.Blob.Open(blob.Hash(r.ModelSHA256))
	if err != nil {
		return "", 0, fmt.Errorf("open the frozen report: %w", err)
	}
	defer frozen.Close()
	model, err := thaw(frozen)
	if err != nil {
		return "", 0, err
	}
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(Render(ctx, writer, *model, f.Type, f.Format)) }()
	defer reader.Close()
	return m.Blob.Put(ctx, reader, maxFile)
}
