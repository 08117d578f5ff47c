package scan

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

// Bounds of the streams of events.
const (
	mostStreams  = 4                // of one caller and process
	streamLength = 15 * time.Minute // then the client comes again, and is asked who it is
	heartbeat    = 15 * time.Second
	lookAgain    = 5 * time.Second
)

type eventsInput struct {
	op.Path
	LastEventID string `header:"Last-Event-ID" doc:"Id of the last event that came: its run is followed on"`
}

// moment is what is told of a run.
type moment struct {
	HistoryID    string      `json:"history_id"`
	State        string      `json:"state"`
	Status       *string     `json:"status"`
	Stage        string      `json:"stage"`
	Progress     float64     `json:"progress"`
	HostsScanned int         `json:"hosts_scanned"`
	HostsTotal   int         `json:"hosts_total"`
	ETA          *clock.Time `json:"eta"`
}

// id of the moment: the run, and what was told of it. A client that comes back with it hears nothing twice.
func (m moment) id() string {
	m.ETA = nil // moves by itself
	raw, _ := json.Marshal(m)
	sum := fnv.New64a()
	_, _ = sum.Write(raw)
	return fmt.Sprintf("%s.%x", m.HistoryID, sum.Sum64())
}

// watchers counts the streams of each caller.
type watchers struct {
	db *db.DB
	mu sync.Mutex
	n  map[string]int
}

func (w *watchers) enter(user string) (leave func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.n[user] >= mostStreams {
		return nil, fault.New(fault.Limited, "You follow %d scans already; end one of these streams first.", mostStreams).RetryAfter(heartbeat)
	}
	if w.n == nil {
		w.n = map[string]int{}
	}
	w.n[user]++
	return sync.OnceFunc(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.n[user]--; w.n[user] == 0 {
			delete(w.n, user)
		}
	}), nil
}

// EventOperations stream what becomes of a run.
func EventOperations(d *db.DB) []op.Operation {
	w := &watchers{db: d}
	return op.In("Scans", "",
		op.Stream("followScan", "Follow a scan", "/v2/scans/{id}/events", access.ScanAccess, w.follow).Conflicts().
			Says("Server-sent events of the run under way: `state`, `stage`, `progress` and `eta` whenever they change, `end` at its end, and then no more. "+
				"Begins with how it stands, or, with `Last-Event-ID`, with what has changed since. At most four streams a caller; each ends after 15 minutes."),
	)
}

func (w *watchers) follow(ctx context.Context, open op.Opener, in *eventsInput) (func(context.Context, op.Send), error) {
	last, _, _ := strings.Cut(in.LastEventID, ".")
	var run string
	err := open.Read(ctx, func(tx *db.Tx) error {
		s, err := ByID(tx, in.ID)
		if err != nil {
			return err
		}
		if last != "" {
			if h, err := HistoryByID(tx, s.ID, last); err == nil {
				run = h.ID
				return nil
			}
		}
		if s.CurrentHistoryID == nil {
			return notRunning()
		}
		run = *s.CurrentHistoryID
		return nil
	})
	if err != nil {
		return nil, err
	}
	leave, err := w.enter(open.Grant().Principal().User)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, send op.Send) {
		defer leave()
		w.stream(ctx, open, run, in.LastEventID, send)
	}, nil
}

// stream sends what changes until the run ends, the client is gone, or it is time to come again.
func (w *watchers) stream(ctx context.Context, open op.Opener, run, last string, send op.Send) {
	ctx, cancel := context.WithTimeout(ctx, streamLength)
	defer cancel()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	var told moment
	for {
		woken := w.db.Wait(progressTopic(run))
		now, ended, err := w.look(ctx, open, run)
		if err != nil {
			return // the client comes again, and is told
		}
		if now.id() != last {
			err = tell(told, now, send)
			told, last = now, now.id()
		}
		if err == nil && ended {
			err = send(op.Happening{ID: now.id(), Name: "end", Data: now})
		}
		if err != nil || ended {
			return
		}
		select {
		case <-woken:
		case <-look.C:
		case <-beat.C:
			if send(op.Happening{}) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// look at how a run stands.
func (w *watchers) look(ctx context.Context, open op.Opener, run string) (m moment, ended bool, err error) {
	err = open.Read(ctx, func(tx *db.Tx) error {
		h, err := history(tx, run)
		if err != nil {
			return err
		}
		all, err := representHistories(tx, []History{*h})
		if err != nil {
			return err
		}
		a := all[0]
		var at Attributes
		at.Progress = a.Progress
		if h.FinishedAt == nil {
			of, err := tallies(tx, run)
			if err != nil {
				return err
			}
			at.follow(of[run], *h, tx.Now())
		}
		m = moment{HistoryID: run, State: a.State, Status: a.Status, Stage: a.Stage, Progress: a.Progress, HostsScanned: a.HostsScanned, HostsTotal: a.HostsTotal, ETA: at.ETA}
		ended = h.FinishedAt != nil
		return nil
	})
	return m, ended, err
}

// tell what has changed; each event carries the whole moment.
func tell(before, now moment, send op.Send) error {
	for _, e := range []struct {
		name    string
		changed bool
	}{
		{"state", before.State != now.State}, {"stage", before.Stage != now.Stage},
		{"progress", before.Progress != now.Progress || before.HostsScanned != now.HostsScanned || before.HistoryID == ""},
		{"eta", now.ETA != nil && before.ETA == nil},
	} {
		if !e.changed {
			continue
		}
		if err := send(op.Happening{ID: now.id(), Name: e.name, Data: now}); err != nil {
			return err
		}
	}
	return nil
}
