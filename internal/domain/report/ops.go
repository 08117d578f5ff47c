package report

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/blob"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/platform/op"
)

// Attributes of a report on the wire.
type Attributes struct {
	ID         string              `json:"id"`
	Name       string              `json:"name"`
	Scan       *op.Link            `json:"scan"`
	HistoryID  string              `json:"history_id"`
	FinishedAt clock.Time          `json:"finished_at" format:"date-time"`
	Compliance *bool               `json:"compliance" doc:"null outside PCI"`
	Counts     scan.Counts         `json:"counts"`
	Files      map[string]FileInfo `json:"files" doc:"By type: attestation, executive, detailed, remediation"`
	ExpiresAt  *clock.Time         `json:"expires_at" format:"date-time"`
	CreatedAt  clock.Time          `json:"created_at" format:"date-time"`
}

// Key is the resource's id and type.
func (a Attributes) Key() (string, string) { return a.ID, "report" }

// FileInfo of a document, in its own format.
type FileInfo struct {
	Status      string      `json:"status" enum:"none,queued,running,done,failed"`
	Size        int64       `json:"size"`
	SHA256      string      `json:"sha256"`
	GeneratedAt *clock.Time `json:"generated_at" format:"date-time"`
	Formats     []Format    `json:"formats" doc:"Formats it can be had in, its own first"`
}

type generateInput struct {
	op.Path
	Body *struct {
		Type   Type   `json:"type,omitempty" enum:"attestation,executive,detailed,remediation"`
		Format Format `json:"format,omitempty" enum:"pdf,xlsx,html,csv,json,xml,sarif"`
	}
}

type fileInput struct {
	op.Path
	Type   string `query:"type" doc:"attestation, executive, detailed or remediation; default executive"`
	Format string `query:"format" doc:"pdf, xlsx, html, csv, json, xml or sarif; default the type's own"`
}

// Generated is the answer of Generate.
type Generated struct {
	Status string `json:"status" enum:"queued,running,done"`
	Type   Type   `json:"type"`
	Format Format `json:"format"`
}

// Exists is the answer of Check if a report file exists.
type Exists struct {
	Exists bool   `json:"exists"`
	Status string `json:"status" enum:"none,queued,running,done,failed"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Error  string `json:"error"`
}

var columns = filter.Columns{Date: "finished_at", Sort: "finished_at desc", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "name", SQL: "?TableAlias.name", Search: true},
	{Name: "scan", SQL: "?TableAlias.scan_id", Kind: filter.ID, Null: true, NoSort: true},
	{Name: "scan_name", SQL: "?TableAlias.scan_name", Search: true},
	{Name: "history_id", SQL: "?TableAlias.history_id", Kind: filter.ID, NoSort: true},
	{Name: "compliance", SQL: "?TableAlias.compliance", Kind: filter.Flag, Null: true},
	{Name: "finished_at", SQL: "?TableAlias.finished_at", Kind: filter.Moment},
	{Name: "expires_at", SQL: "?TableAlias.expires_at", Kind: filter.Moment, Null: true},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
}}

// Operations of the noun.
func Operations(b *blob.Store) []op.Operation {
	return op.In("Reports", "",
		op.List("listReports", "List Reports", "/v2/reports", access.ReportAccess, columns,
			func(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[Attributes], error) {
				page := filter.Page[Attributes]{}
				rows, meta, err := fetch(tx, q)
				if err != nil {
					return page, err
				}
				page.Meta = meta
				page.Rows, err = represent(tx, rows)
				return page, err
			}),
		op.Show("showReport", "Show a report", "/v2/reports/{id}", access.ReportAccess, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			r, err := byID(tx, in.ID)
			if err != nil {
				return Attributes{}, err
			}
			all, err := represent(tx, []Report{*r})
			if err != nil {
				return Attributes{}, err
			}
			return all[0], nil
		}),
		op.Delete("deleteReport", "Delete a report", "/v2/reports/{id}", access.ReportCreate, "report",
			func(tx *db.Tx, in *op.Path) error { return remove(tx, []string{in.ID}) }).
			Says("Hides the report and ends its download; its file and evidence stay until the retention of three years ends."),
		op.Bulk("deleteReports", "Delete reports", http.MethodDelete, "/v2/reports", access.ReportCreate, "report", remove),
		op.Do("generateReport", "Generate a report file", http.MethodPost, "/v2/reports/{id}/generate", access.ReportAccess, generate).
			Says("Makes a job; `file_exists` tells when the file is there. A file is generated once."),
		op.Download("downloadReport", "Download a report file", "/v2/reports/{id}/download", access.ReportAccess,
			func(ctx context.Context, open op.Opener, in *fileInput) (*op.File, error) {
				return download(ctx, open, b, in)
			}).Conflicts().
			Says("409 while the file is not done, 404 where it was never asked for."),
		op.Get("reportFileExists", "Check if a report file exists", "/v2/reports/{id}/file_exists", access.ReportAccess, exists),
	)
}

func represent(tx *db.Tx, rows []Report) ([]Attributes, error) {
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	have, err := files(tx, ids...)
	if err != nil {
		return nil, err
	}
	all := make([]Attributes, len(rows))
	for i, r := range rows {
		all[i] = Attributes{ID: r.ID, Name: r.Name, HistoryID: r.HistoryID, FinishedAt: r.FinishedAt, Compliance: r.Compliance, Counts: r.Counts,
			Files: map[string]FileInfo{}, ExpiresAt: r.ExpiresAt, CreatedAt: r.CreatedAt}
		if r.ScanID != nil {
			all[i].Scan = &op.Link{ID: *r.ScanID, Name: r.ScanName}
		}
		for _, t := range Types {
			all[i].Files[string(t)] = infoOf(t, have[r.ID])
		}
	}
	return all, nil
}

func infoOf(t Type, all []File) FileInfo {
	info := FileInfo{Status: "none", Formats: Formats(t)}
	for _, f := range all {
		if f.Type == t && f.Format == info.Formats[0] {
			info.Status, info.Size, info.SHA256, info.GeneratedAt = f.Status, f.Size, f.SHA256, f.GeneratedAt
		}
	}
	return info
}

// choose a type and format; both default to executive and the type's own.
func choose(t Type, f Format) (Type, Format, error) {
	if t == "" {
		t = Executive
	}
	formats := Formats(t)
	if len(formats) == 0 {
		return t, f, fault.At("type", "unknown", "type is one of %s.", words(Types))
	}
	if f == "" {
		f = formats[0]
	}
	if !slices.Contains(formats, f) {
		return t, f, fault.At("format", "unknown", "The %s can be had as %s, not as %s.", t, words(formats), f)
	}
	return t, f, nil
}

func words[T ~string](all []T) string {
	out := make([]string, len(all))
	for i, w := range all {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}

func generate(tx *db.Tx, in *generateInput) (Generated, error) {
	var t Type
	var format Format
	if in.Body != nil {
		t, format = in.Body.Type, in.Body.Format
	}
	t, format, err := choose(t, format)
	if err != nil {
		return Generated{}, err
	}
	r, err := byID(tx, in.ID)
	if err != nil {
		return Generated{}, err
	}
	have, err := file(tx, r.ID, t, format)
	if err != nil {
		return Generated{}, err
	}
	if have != nil && have.Status != fileFailed {
		return Generated{have.Status, t, format}, nil
	}
	f := &File{ID: db.NewID(), ReportID: r.ID, Type: t, Format: format, Status: fileQueued, AskedAt: tx.Now()}
	if user := tx.Grant().Principal().User; user != "" {
		f.AskedBy = &user
	}
	if err := ask(tx, f); err != nil {
		return Generated{}, err
	}
	tx.Changed(db.Change{Type: "report", ID: r.ID, Name: r.Name, After: Generated{fileQueued, t, format}})
	return Generated{fileQueued, t, format}, jobs.EnqueueHeavy(tx, renderJob{Actor: jobs.ActorOf(tx), FileID: f.ID})
}

func exists(tx *db.Tx, in *fileInput) (Exists, error) {
	t, format, err := choose(Type(in.Type), Format(in.Format))
	if err != nil {
		return Exists{}, err
	}
	r, err := byID(tx, in.ID)
	if err != nil {
		return Exists{}, err
	}
	f, err := file(tx, r.ID, t, format)
	if err != nil || f == nil {
		return Exists{Status: "none"}, err
	}
	return Exists{Exists: f.Status == fileDone, Status: f.Status, Size: f.Size, SHA256: f.SHA256, Error: f.Error}, nil
}

func download(ctx context.Context, open op.Opener, b *blob.Store, in *fileInput) (*op.File, error) {
	t, format, err := choose(Type(in.Type), Format(in.Format))
	if err != nil {
		return nil, err
	}
	var r *Report
	var f *File
	err = open.Read(ctx, func(tx *db.Tx) error {
		if r, err = byID(tx, in.ID); err != nil {
			return err
		}
		f, err = file(tx, r.ID, t, format)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case f == nil:
		return nil, fault.Missing()
	case f.Status != fileDone:
		return nil, fault.New(fault.Conflict, "The file is %s; ask file_exists, and download it when it is done.", f.Status).Coded("file_not_done")
	}
	content, size, err := b.Open(blob.Hash(f.SHA256))
	if err != nil {
		return nil, err
	}
	return &op.File{Name: fileName(r, t, format), ContentType: contentTypes[format], Size: size, SHA256: f.SHA256, Content: content}, nil
}

var contentTypes = map[Format]string{
	PDF: "application/pdf", XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", HTML: "text/html; charset=utf-8",
	CSV: "text/csv; charset=utf-8", JSON: "application/json", XML: "application/xml", SARIF: "application/sarif+json",
}

// fileName is plain ASCII, whatever the scan is called.
func fileName(r *Report, t Type, f Format) string {
	name := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			return c
		}
		return '-'
	}, r.ScanName)
	return strings.Trim(name, "-") + "-" + string(t) + "-" + r.FinishedAt.Time().Format("2006-01-02") + "." + string(f)
}

func remove(tx *db.Tx, ids []string) error {
	gone, err := hide(tx, ids)
	if err != nil {
		return err
	}
	if len(gone) != len(ids) {
		return fault.Missing()
	}
	for _, r := range gone {
		tx.Changed(db.Change{Type: "report", ID: r.ID, Name: r.Name, Before: map[string]string{"name": r.Name, "history_id": r.HistoryID}})
	}
	return nil
}
