package scan

import (
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/scanlink"
)

// HistoryAttributes of a run on the wire.
type HistoryAttributes struct {
	ID              string            `json:"id"`
	ScanID          string            `json:"scan_id"`
	Status          *string           `json:"status" enum:"Requested,Running,Done,Stopped,Failed"`
	State           string            `json:"state" enum:"requested,queued,running,paused,stopping,stopped,completed,failed,interrupted"`
	Profile         string            `json:"profile"`
	RequestedAt     clock.Time        `json:"requested_at" format:"date-time"`
	StartedAt       *clock.Time       `json:"started_at" format:"date-time"`
	FinishedAt      *clock.Time       `json:"finished_at" format:"date-time"`
	DurationSeconds *int              `json:"duration_seconds"`
	Coverage        *string           `json:"coverage" enum:"complete,inconclusive"`
	HostsTotal      int               `json:"hosts_total"`
	HostsScanned    int               `json:"hosts_scanned"`
	Progress        float64           `json:"progress"`
	Stage           string            `json:"stage"`
	PausedBy        *string           `json:"paused_by" enum:"user,blackout" doc:"null while it is not paused"`
	Counts          Counts            `json:"counts"`
	PCIStatus       *string           `json:"pci_status" enum:"pass,fail,inconclusive"`
	PCIReason       string            `json:"pci_reason"`
	ReportID        *string           `json:"report_id"`
	FeedVersions    map[string]string `json:"feed_versions"`
	StartedBy       *op.Link          `json:"started_by" doc:"The user; null where a schedule did"`
	Schedule        *op.Link          `json:"schedule" doc:"The schedule that started the run, by the name that it had then"`
	Error           string            `json:"error"`
}

// Key is the resource's id and type.
func (a HistoryAttributes) Key() (string, string) { return a.ID, "scan_history" }

type scanInput struct {
	ScanID string `path:"scan_id" doc:"Id of the scan (UUID)"`
}

type historyInput struct {
	ScanID string `path:"scan_id" doc:"Id of the scan (UUID)"` // not embedded: huma passes over what is unexported
	op.Path
}

// ScanInput names the scan in the path of a sub-resource, and the run of it.
type ScanInput struct {
	ScanID    string `path:"scan_id" doc:"Id of the scan (UUID)"`
	HistoryID string `query:"history_id" doc:"A run of this scan; default: the last that completed"`
}

var historyColumns = filter.Columns{Date: "finished_at", Sort: "requested_at desc", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "status", SQL: "?TableAlias.state", Kind: filter.Word, Alias: statesOf},
	{Name: "state", SQL: "?TableAlias.state", Kind: filter.Word, Alias: statesOf},
	{Name: "pci_status", SQL: "?TableAlias.pci_status", Kind: filter.Word, Null: true},
	{Name: "coverage", SQL: "?TableAlias.coverage", Kind: filter.Word, Null: true},
	{Name: "hosts_total", SQL: "?TableAlias.hosts_total", Kind: filter.Number},
	{Name: "requested_at", SQL: "?TableAlias.requested_at", Kind: filter.Moment},
	{Name: "started_at", SQL: "?TableAlias.started_at", Kind: filter.Moment, Null: true},
	{Name: "finished_at", SQL: "?TableAlias.finished_at", Kind: filter.Moment, Null: true},
}}

func historyOperations() []op.Operation {
	return op.In("Scans", "Scan Histories",
		op.List("listScanHistories", "List a scan's histories", "/v2/scans/{scan_id}/histories", access.ScanAccess, historyColumns,
			func(tx *db.Tx, in *scanInput, q filter.Query) (filter.Page[HistoryAttributes], error) {
				page := filter.Page[HistoryAttributes]{}
				if _, err := ByID(tx, in.ScanID); err != nil {
					return page, err
				}
				rows, meta, err := fetchHistories(tx, q, in.ScanID)
				if err != nil {
					return page, err
				}
				page.Meta = meta
				page.Rows, err = representHistories(tx, rows)
				return page, err
			}),
		op.Show("showScanHistory", "Show a scan's history", "/v2/scans/{scan_id}/histories/{id}", access.ScanAccess,
			func(tx *db.Tx, in *historyInput) (HistoryAttributes, error) {
				if _, err := ByID(tx, in.ScanID); err != nil {
					return HistoryAttributes{}, err
				}
				h, err := HistoryByID(tx, in.ScanID, in.ID)
				if err != nil {
					return HistoryAttributes{}, err
				}
				all, err := representHistories(tx, []History{*h})
				if err != nil {
					return HistoryAttributes{}, err
				}
				return all[0], nil
			}),
	)
}

func representHistories(tx *db.Tx, rows []History) ([]HistoryAttributes, error) {
	var open []string
	for _, h := range rows {
		if h.FinishedAt == nil {
			open = append(open, h.ID)
		}
	}
	progress, err := tallies(tx, open...)
	if err != nil {
		return nil, err
	}
	all := make([]HistoryAttributes, len(rows))
	for i, h := range rows {
		all[i] = h.attributes(progress[h.ID])
	}
	return all, nil
}

func (h History) attributes(t tally) HistoryAttributes {
	a := HistoryAttributes{ID: h.ID, ScanID: h.ScanID, Status: Status(h.State), State: h.State, Profile: h.Plan.Profile, RequestedAt: h.RequestedAt,
		StartedAt: h.StartedAt, FinishedAt: h.FinishedAt, Coverage: h.Coverage, HostsTotal: h.HostsTotal, HostsScanned: h.HostsScanned,
		Progress: float64(h.Progress) / 10, Stage: h.Stage, Counts: h.Counts, PCIStatus: h.PCIStatus, PCIReason: h.PCIReason, ReportID: h.ReportID,
		FeedVersions: map[string]string{}, Error: h.Error}
	if h.State == Paused {
		a.PausedBy = h.PausedBy
	}
	if h.FinishedAt == nil {
		a.Progress, a.Stage, a.HostsScanned = t.percent(), t.Stage, t.Scanned
	} else if h.StartedAt != nil {
		seconds := int((*h.FinishedAt - *h.StartedAt) / 1000)
		a.DurationSeconds = &seconds
	}
	if h.FeedVersion != "" && !h.BeingRejudged() {
		a.FeedVersions["knowledge"] = h.FeedVersion
	}
	if v := h.Plan.Templates; v != "" && v != scanlink.NoTemplates {
		a.FeedVersions["templates"] = v
	}
	if h.ScheduleID != nil {
		a.Schedule = &op.Link{ID: *h.ScheduleID, Name: h.StartedByName}
	}
	if h.StartedBy != nil {
		a.StartedBy = &op.Link{ID: *h.StartedBy, Name: h.StartedByName}
	}
	return a
}
