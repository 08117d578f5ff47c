// Package scan is a saved definition of what to scan, by what and how, and its runs, the histories. A run is cut into
// chunks of at most sixteen addresses, which scanners lease, work and give back; what they observe is staged by chunk and
// attempt and becomes facts and findings in the commit that finishes the chunk. Deleting a scan removes its histories
// and what they alone had found; the reports they yielded stay.
//
// States of a scan: new (never run), then those of its last run. States of a history: requested, queued, running, paused,
// stopping, stopped, completed, failed, interrupted. A paused run has no traffic; resumed, it waits for its turn as queued.
package scan

import (
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/scanlink"
)

// States.
const (
	New         = "new"
	Requested   = "requested"
	Queued      = "queued"
	Running     = "running"
	Paused      = "paused"
	Stopping    = "stopping"
	Stopped     = "stopped"
	Completed   = "completed"
	Failed      = "failed"
	Interrupted = "interrupted" // not resumed within an hour of its last lease
)

// Events of the noun.
const (
	StartedEvent   = "scan_started"
	CompletedEvent = "scan_completed"
	StoppedEvent   = "scan_stopped"
	FailedEvent    = "scan_failed"
)

// Ended is the data of an event that ends a history.
type Ended struct {
	ScanID    string `json:"scan_id"`
	HistoryID string `json:"history_id"`
}

// States of a chunk.
const (
	chunkQueued  = "queued"
	chunkLeased  = "leased"
	chunkDone    = "done"
	chunkFailed  = "failed"
	chunkStopped = "stopped"
)

// Topics of wake-ups.
const chunksTopic = "chunks"

// historyTopic wakes the beats of a run's chunks, progressTopic those who watch it.
func historyTopic(id string) string  { return "history " + id }
func progressTopic(id string) string { return "progress " + id }

// statuses are the known words on the wire, by state.
var statuses = map[string]string{
	Requested: "Requested", Queued: "Requested", Running: "Running", Paused: "Running", Stopping: "Running", Completed: "Done", Stopped: "Stopped",
	Failed: "Failed", Interrupted: "Failed",
}

// Status is the word of a state; nil before the first run.
func Status(state string) *string {
	if word, ok := statuses[state]; ok {
		return &word
	}
	return nil
}

// statesOf a word on the wire, which may be a status or a state, in any case; nil where it is neither.
func statesOf(word string) []string {
	var all []string
	for state, status := range statuses {
		if strings.EqualFold(status, word) {
			all = append(all, state)
		}
	}
	if len(all) == 0 && (statuses[strings.ToLower(word)] != "" || strings.EqualFold(word, New)) {
		all = []string{strings.ToLower(word)}
	}
	slices.Sort(all)
	return all
}

// Terminal says whether a run in that state has ended.
func Terminal(state string) bool {
	return state == Completed || state == Stopped || state == Failed || state == Interrupted
}

// Scan is one row.
type Scan struct {
	bun.BaseModel `bun:"table:scans,alias:s"`
	db.Owned
	ID                    string      `bun:"id,pk"`
	Product               string      `bun:"product"`
	Name                  string      `bun:"name"`
	TargetID              string      `bun:"target_id"`
	ScannerOrganizationID *string     `bun:"scanner_organization_id"`
	ScannerID             *string     `bun:"scanner_id"`
	ScheduleID            *string     `bun:"schedule_id"`
	ScheduledAt           *clock.Time `bun:"scheduled_at"` // the firing that started the last run by schedule
	Profile               string      `bun:"profile"`
	Priority              string      `bun:"priority"`
	Comment               string      `bun:"comment"`
	Notify                []string    `bun:"notify,type:jsonb"`
	State                 string      `bun:"state"`
	CurrentHistoryID      *string     `bun:"current_history_id"`
	LastHistoryID         *string     `bun:"last_history_id"` // the last that completed
	LastFinishedAt        *clock.Time `bun:"last_finished_at"`
	LastVerdict           *string     `bun:"last_verdict"`
	CreatedBy             *string     `bun:"created_by"`
	CreatedAt             clock.Time  `bun:"created_at"`
	UpdatedAt             clock.Time  `bun:"updated_at"`
}

// RowID breaks ties of a list.
func (s Scan) RowID() string { return s.ID }

// History is one run.
type History struct {
	bun.BaseModel `bun:"table:scan_histories,alias:h"`
	db.Owned
	ID           string        `bun:"id,pk"`
	ScanID       string        `bun:"scan_id"`
	Product      string        `bun:"product"`
	State        string        `bun:"state"`
	Plan         scanlink.Plan `bun:"plan,type:jsonb"` // without hosts; each chunk has its own
	ScannerID    *string       `bun:"scanner_id"`
	RequestedAt  clock.Time    `bun:"requested_at"`
	StartedAt    *clock.Time   `bun:"started_at"`
	FinishedAt   *clock.Time   `bun:"finished_at"`
	Coverage     *string       `bun:"coverage"`
	HostsTotal   int           `bun:"hosts_total"`
	HostsScanned int           `bun:"hosts_scanned"`
	ChunksTotal  int           `bun:"chunks_total"`
	ChunksDone   int           `bun:"chunks_done"`
	Progress     int           `bun:"progress"` // tenths of a percent
	Stage        string        `bun:"stage"`
	Counts
	PCIStatus     *string     `bun:"pci_status"`
	PCIReason     string      `bun:"pci_reason"`
	ReportID      *string     `bun:"report_id"`
	FeedVersion   string      `bun:"feed_version"`
	StartedBy     *string     `bun:"started_by"`
	StartedByName string      `bun:"started_by_name"` // of the user or the schedule
	ScheduleID    *string     `bun:"schedule_id"`
	Error         string      `bun:"error"`
	StopAt        *clock.Time `bun:"stop_at"` // by the duration of the schedule that started it
	Priority      int         `bun:"priority"`
	PausedBy      *string     `bun:"paused_by"` // ByUser or ByBlackout
	PausedAt      *clock.Time `bun:"paused_at"`
	PausedFor     clock.Time  `bun:"paused_for"` // milliseconds of the pauses that are over
	ResumedAt     *clock.Time `bun:"resumed_at"`
	ExemptUntil   *clock.Time `bun:"exempt_until"`   // until then no blackout pauses it
	LastLeasedAt  *clock.Time `bun:"last_leased_at"` // when a part of it was last given to a scanner
}

// RowID breaks ties of a list.
func (h History) RowID() string { return h.ID }

// Counts of vulnerabilities by threat. What is merely possible is not counted.
type Counts struct {
	Critical int `bun:"critical" json:"critical"`
	High     int `bun:"high" json:"high"`
	Medium   int `bun:"medium" json:"medium"`
	Low      int `bun:"low" json:"low"`
	Log      int `bun:"log" json:"log"`
}

// Add the counts of another.
func (c *Counts) Add(o Counts) {
	c.Critical += o.Critical
	c.High += o.High
	c.Medium += o.Medium
	c.Low += o.Low
	c.Log += o.Log
}

// Chunk is a part of a run that one scanner works at a time. Token is the fencing token: it grows with each lease, and
// what comes with an older one is refused.
type Chunk struct {
	bun.BaseModel `bun:"table:scan_chunks,alias:c"`
	db.Owned
	ID         string              `bun:"id,pk"`
	HistoryID  string              `bun:"history_id"`
	ScanID     string              `bun:"scan_id"`
	ScannerID  string              `bun:"scanner_id"`
	Number     int                 `bun:"number"`
	Hosts      []scanlink.PlanHost `bun:"hosts,type:jsonb"`
	HostsCount int                 `bun:"hosts_count"`
	State      string              `bun:"state"`
	Attempt    int                 `bun:"attempt"`
	Token      int64               `bun:"token"`
	LeasedBy   *string             `bun:"leased_by"`
	LeasedAt   *clock.Time         `bun:"leased_at"`
	LeaseUntil *clock.Time         `bun:"lease_until"`
	Progress   int                 `bun:"progress"`
	Stage      string              `bun:"stage"`
	HostsDone  int                 `bun:"hosts_done"`
	Failures   int                 `bun:"failures"` // how often the engine itself failed on it
	Losses     int                 `bun:"losses"`   // how often its scanner fell silent
	NotBefore  clock.Time          `bun:"not_before"`
	Staged     int64               `bun:"staged_bytes"`
	Rate       int                 `bun:"rate"`            // its share of the installation's packets a second; 0: unlimited
	Instance   string              `bun:"leased_instance"` // of the scanner that holds it
	Error      string              `bun:"error"`
	CreatedAt  clock.Time          `bun:"created_at"`
}

// Lengths of time of the dispatch.
const (
	// DefaultLeaseTime is how long a scanner may be silent before its chunk goes to another, unless configured otherwise.
	DefaultLeaseTime = 25 * time.Second
	// ResumeTime is how long a run may go without any lease before it counts as interrupted.
	ResumeTime = time.Hour
	// maxFailures is how often a chunk is tried when the engine itself fails on it.
	maxFailures = 3
	// maxLosses is how often a chunk's scanners may fall silent before it has failed.
	maxLosses = 12
)

// Priorities of a scan among those of its own organization, from the last to the first.
var Priorities = []string{"low", "normal", "high"}

// rank of a priority in a history, from 1.
func rank(priority string) int { return slices.Index(Priorities, priority) + 1 }
