package report

import (
	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
)

// GeneratedEvent is announced when a file of a report is there.
const GeneratedEvent = "report_generated"

// Report is one row: the report of one finished run. What its documents say was frozen when the run ended.
type Report struct {
	bun.BaseModel `bun:"table:reports,alias:r"`
	db.Owned
	ID         string     `bun:"id,pk"`
	Product    string     `bun:"product"`
	Name       string     `bun:"name"`
	ScanID     *string    `bun:"scan_id"`
	ScanName   string     `bun:"scan_name"`
	HistoryID  string     `bun:"history_id"`
	FinishedAt clock.Time `bun:"finished_at"`
	Compliance *bool      `bun:"compliance"`
	scan.Counts
	ExpiresAt   *clock.Time `bun:"expires_at"`
	HiddenAt    *clock.Time `bun:"hidden_at"`
	ModelSHA256 string      `bun:"model_sha256"` // of the frozen Model in the blob store
	CreatedAt   clock.Time  `bun:"created_at"`
}

// RowID breaks ties of a list.
func (r Report) RowID() string { return r.ID }

// States of a file.
const (
	fileQueued  = "queued"
	fileRunning = "running"
	fileDone    = "done"
	fileFailed  = "failed"
)

// File is one document of a report, in one format.
type File struct {
	bun.BaseModel `bun:"table:report_files,alias:f"`
	db.Owned
	ID          string      `bun:"id,pk"`
	ReportID    string      `bun:"report_id"`
	Type        Type        `bun:"type"`
	Format      Format      `bun:"format"`
	Status      string      `bun:"status"`
	Size        int64       `bun:"size"`
	SHA256      string      `bun:"sha256"`
	Error       string      `bun:"error"`
	AskedBy     *string     `bun:"asked_by"`
	AskedAt     clock.Time  `bun:"asked_at"`
	GeneratedAt *clock.Time `bun:"generated_at"`
}
