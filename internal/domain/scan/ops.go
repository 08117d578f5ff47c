package scan

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/domain/schedule"
	"github.com/vedette/vedette/internal/domain/target"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/scanlink"
)

// Attributes of a scan on the wire.
type Attributes struct {
	ID               string      `json:"id"`
	Name             string      `json:"name" example:"Shop, quarterly"`
	Target           *op.Link    `json:"target"`
	Schedule         *op.Link    `json:"schedule"`
	Scanner          *op.Link    `json:"scanner"`
	Profile          string      `json:"profile" enum:"discovery,pci,full,fast,web,penetration"`
	Priority         string      `json:"priority" enum:"low,normal,high" doc:"Among the scans of its own organization"`
	Comment          string      `json:"comment"`
	Notify           []string    `json:"notify" doc:"E-mail addresses told when it is done"`
	AppType          string      `json:"app_type"`
	Status           *string     `json:"status" enum:"Requested,Running,Done,Stopped,Failed" doc:"null before the first run"`
	State            string      `json:"state" enum:"new,requested,queued,running,paused,stopping,stopped,completed,failed,interrupted"`
	Progress         float64     `json:"progress" doc:"Percent by weight of work, 0 to 100"`
	Stage            string      `json:"stage"`
	ETA              *clock.Time `json:"eta" format:"date-time"`
	CurrentHistoryID *string     `json:"current_history_id"`
	LastHistory      *Last       `json:"last_history"`
	NextTime         *clock.Time `json:"next_time" format:"date-time"`
	CreatedAt        clock.Time  `json:"created_at" format:"date-time"`
	UpdatedAt        clock.Time  `json:"updated_at" format:"date-time"`
}

// Key is the resource's id and type.
func (a Attributes) Key() (string, string) { return a.ID, "scan" }

// Last run that completed.
type Last struct {
	ID         string      `json:"id"`
	FinishedAt *clock.Time `json:"finished_at" format:"date-time"`
	Verdict    *string     `json:"verdict" enum:"pass,fail,inconclusive"`
}

type createInput struct {
	Body struct {
		Scan createAttributes `json:"scan"`
	}
}

type createAttributes struct {
	Name     string   `json:"name" maxLength:"200" example:"Shop, quarterly"`
	Target   op.RefID `json:"target"`
	Schedule op.RefID `json:"schedule,omitempty" doc:"When it starts by itself"`
	Scanner  op.RefID `json:"scanner,omitempty" doc:"VRMS and penetration; PCI fixes it"`
	Profile  string   `json:"profile,omitempty" enum:"discovery,pci,full,fast,web,penetration" doc:"VRMS and penetration; PCI fixes it"`
	Priority string   `json:"priority,omitempty" enum:"low,normal,high" doc:"Among the scans of one's own organization; default normal"`
	Comment  string   `json:"comment,omitempty" maxLength:"2000"`
	Notify   []string `json:"notify,omitempty" maxItems:"50"`
}

type updateInput struct {
	op.Path
	Body struct {
		Scan updateAttributes `json:"scan"`
	}
}

type updateAttributes struct {
	Name     op.Field[string]   `json:"name,omitempty" maxLength:"200"`
	Target   op.Field[string]   `json:"target,omitempty"`
	Schedule op.Field[string]   `json:"schedule,omitempty" doc:"Id; null: it starts by itself no more"`
	Scanner  op.Field[string]   `json:"scanner,omitempty"`
	Profile  op.Field[string]   `json:"profile,omitempty"`
	Priority op.Field[string]   `json:"priority,omitempty" enum:"low,normal,high" doc:"Of a running scan, too"`
	Comment  op.Field[string]   `json:"comment,omitempty" maxLength:"2000"`
	Notify   op.Field[[]string] `json:"notify,omitempty"`
}

var columns = filter.Columns{Date: "created_at", Sort: "name", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "name", SQL: "?TableAlias.name", Search: true},
	{Name: "comment", SQL: "?TableAlias.comment", NoSort: true, Search: true},
	{Name: "status", SQL: "?TableAlias.state", Kind: filter.Word, Alias: statesOf, Words: []string{"Requested", "Running", "Done", "Stopped", "Failed"}},
	{Name: "state", SQL: "?TableAlias.state", Kind: filter.Word, Alias: statesOf, Words: []string{New, Requested, Queued, Running, Paused, Stopping, Stopped, Completed, Failed, Interrupted}},
	{Name: "target", SQL: "?TableAlias.target_id", Kind: filter.ID, NoSort: true},
	{Name: "scanner", SQL: "?TableAlias.scanner_id", Kind: filter.ID, Null: true, NoSort: true},
	{Name: "schedule", SQL: "?TableAlias.schedule_id", Kind: filter.ID, Null: true, NoSort: true},
	{Name: "next_time", SQL: nextTimeSQL, Kind: filter.Moment, Null: true},
	{Name: "profile", SQL: "?TableAlias.profile", Kind: filter.Word},
	{Name: "priority", SQL: "?TableAlias.priority", Kind: filter.Word, Words: Priorities, NoSort: true},
	{Name: "last_verdict", SQL: "?TableAlias.last_verdict", Kind: filter.Word, Null: true},
	{Name: "last_finished_at", SQL: "?TableAlias.last_finished_at", Kind: filter.Moment, Null: true},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
	{Name: "updated_at", SQL: "?TableAlias.updated_at", Kind: filter.Moment},
}}

// Operations of the noun, as far as they are served.
func Operations(s Starter) []op.Operation {
	recent := columns
	recent.Sort, recent.Date = "last_finished_at desc", "last_finished_at"
	upcoming := columns
	upcoming.Sort, upcoming.Date = "next_time", "next_time"
	return append(op.In("Scans", "",
		op.List("listScans", "List scans", "/v2/scans", access.ScanAccess, columns, list(every)),
		op.Create("createScan", "Create Scan", "/v2/scans", access.ScanCreate, create),
		op.List("listUpcomingScans", "List upcoming scans", "/v2/scans/upcoming", access.ScanAccess, upcoming, list(upcomingOnly)).
			Says("The scans that a schedule will start, the next one first."),
		op.List("listRecentScans", "List recently completed scans", "/v2/scans/recent", access.ScanAccess, recent, list(recentOnly)),
		op.List("listRunningScans", "List running scans", "/v2/scans/running", access.ScanAccess, columns, list(runningOnly)),
		op.Show("showScan", "Show a scan", "/v2/scans/{id}", access.ScanAccess, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			return show(tx, in.ID)
		}),
		op.Update("updateScan", "Update a scan", "/v2/scans/{id}", access.ScanCreate, update).Conflicts(),
		op.Delete("deleteScan", "Delete a scan", "/v2/scans/{id}", access.ScanCreate, "scan", func(tx *db.Tx, in *op.Path) error {
			return s.remove(tx, []string{in.ID})
		}).Conflicts(),
		op.Bulk("deleteScans", "Delete scans", http.MethodDelete, "/v2/scans", access.ScanCreate, "scan", s.remove).Conflicts(),
		op.LongAction("startScan", "Start a scan", http.MethodPost, "/v2/scans/{id}/start", access.ScanRun, s.start).Conflicts().
			Says("Answers the scan with `current_history_id`. Starting a running scan is 409."),
		op.Action("stopScan", "Stop a scan", http.MethodPost, "/v2/scans/{id}/stop", access.ScanRun, then(stop)).Conflicts(),
		op.Action("pauseScan", "Pause a scan", http.MethodPost, "/v2/scans/{id}/pause", access.ScanRun, then(pause)).Conflicts().
			Says("Scanners give back what they work on and send nothing more; what is done stays done. `state` is paused, `status` Running."),
		op.Action("resumeScan", "Resume a scan", http.MethodPost, "/v2/scans/{id}/resume", access.ScanRun, then(resume)).Conflicts().
			Says("Ends a pause, also one by a blackout of its schedule: the scan then goes on until that blackout's end. It waits for its turn as queued."),
	), historyOperations()...)
}

// then acts on a scan and answers it.
func then(act func(*db.Tx, string) error) func(*db.Tx, *op.Path) (Attributes, error) {
	return func(tx *db.Tx, in *op.Path) (Attributes, error) {
		if err := act(tx, in.ID); err != nil {
			return Attributes{}, err
		}
		return show(tx, in.ID)
	}
}

func list(v view) func(*db.Tx, *op.Empty, filter.Query) (filter.Page[Attributes], error) {
	return func(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[Attributes], error) {
		rows, meta, err := fetch(tx, q, v)
		if err != nil {
			return filter.Page[Attributes]{}, err
		}
		all, err := represent(tx, rows)
		return filter.Page[Attributes]{Rows: all, Meta: meta}, err
	}
}

func show(tx *db.Tx, id string) (Attributes, error) {
	s, err := ByID(tx, id)
	if err != nil {
		return Attributes{}, err
	}
	all, err := represent(tx, []Scan{*s})
	if err != nil {
		return Attributes{}, err
	}
	return all[0], nil
}

func create(tx *db.Tx, in *createInput) (Attributes, error) {
	a := in.Body.Scan
	name, err := organization.CleanName(a.Name, "/scan/name")
	if err != nil {
		return Attributes{}, err
	}
	s := &Scan{ID: db.NewID(), Product: tx.Product(), Name: name, Comment: a.Comment, Notify: a.Notify, Priority: cmp.Or(a.Priority, "normal"), State: New, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
	if user := tx.Grant().Principal().User; user != "" {
		s.CreatedBy = &user
	}
	if s.Notify == nil {
		s.Notify = []string{}
	}
	if err := s.aim(tx, string(a.Target), string(a.Scanner), a.Profile); err != nil {
		return Attributes{}, err
	}
	if err := s.follow(tx, string(a.Schedule)); err != nil {
		return Attributes{}, err
	}
	if err := insertScan(tx, s); err != nil {
		return Attributes{}, err
	}
	out, err := show(tx, s.ID)
	tx.Changed(db.Change{Type: "scan", ID: s.ID, Name: s.Name, After: out})
	return out, err
}

// aim sets what is scanned, by which scanner, how. A target or scanner that is not there is 404.
func (s *Scan) aim(tx *db.Tx, targetID, scannerID, profile string) error {
	if targetID != "" || s.TargetID == "" {
		t, err := target.ByID(tx, targetID)
		if err != nil {
			return err
		}
		s.TargetID = t.ID
	}
	if scannerID != "" {
		n, err := scanner.ByID(tx, scannerID)
		if err != nil {
			return err
		}
		if !n.Active(s.Product) {
			return fault.At("/scan/scanner", "inactive", "This scanner is not active for %s; take one of /v2/scanners/activated.", s.Product)
		}
		if s.Product == "pci" && !n.Shared.Shared {
			return fault.At("/scan/scanner", "fixed", "PCI scans run on the installation's scanners; leave scanner out.")
		}
		s.ScannerID, s.ScannerOrganizationID = &n.ID, &n.OrganizationID
	}
	return s.setProfile(profile)
}

// follow sets the schedule; empty: none. One that is not there is 404.
func (s *Scan) follow(tx *db.Tx, id string) error {
	s.ScheduleID = nil
	if id == "" {
		return nil
	}
	n, err := schedule.Use(tx, id)
	if err == nil {
		s.ScheduleID = &n.ID
	}
	return err
}

func (s *Scan) setProfile(profile string) error {
	standard := map[string]string{"pci": "pci", "vrms": "full", "penetration": "penetration"}[s.Product]
	switch {
	case profile == "" && s.Profile == "":
		s.Profile = standard
	case profile == "":
	case s.Product == "pci" && profile != "pci":
		return fault.At("/scan/profile", "fixed", "PCI scans use the profile pci; leave profile out.")
	case !slices.Contains(scanlink.Profiles, profile):
		return fault.At("/scan/profile", "unknown", "profile is one of %s.", strings.Join(scanlink.Profiles, ", "))
	default:
		s.Profile = profile
	}
	return nil
}

// prefer sets the priority, of a run that has not ended too; empty: normal.
func (s *Scan) prefer(tx *db.Tx, priority string) error {
	s.Priority = cmp.Or(priority, "normal")
	if rank(s.Priority) == 0 {
		return fault.At("/scan/priority", "unknown", "priority is one of %s.", strings.Join(Priorities, ", "))
	}
	if s.CurrentHistoryID == nil {
		return nil
	}
	return setPriority(tx, *s.CurrentHistoryID, rank(s.Priority))
}

func update(tx *db.Tx, in *updateInput) (Attributes, error) {
	a := in.Body.Scan
	if err := op.NoneSent("/scan", a); err != nil {
		return Attributes{}, err
	}
	s, err := ByID(tx, in.ID)
	if err != nil {
		return Attributes{}, err
	}
	before, err := show(tx, in.ID)
	if err != nil {
		return Attributes{}, err
	}
	if a.Name.Sent {
		if s.Name, err = organization.CleanName(a.Name.Value, "/scan/name"); err != nil {
			return Attributes{}, err
		}
	}
	if a.Target.Null {
		return Attributes{}, fault.At("/scan/target", "required", "A scan has a target; name one.")
	}
	if a.Scanner.Null {
		s.ScannerID, s.ScannerOrganizationID = nil, nil
	}
	if err := s.aim(tx, a.Target.Value, a.Scanner.Value, a.Profile.Value); err != nil {
		return Attributes{}, err
	}
	if a.Schedule.Sent {
		if err := s.follow(tx, a.Schedule.Value); err != nil {
			return Attributes{}, err
		}
	}
	if a.Priority.Sent {
		if err := s.prefer(tx, a.Priority.Value); err != nil {
			return Attributes{}, err
		}
	}
	a.Comment.Set(&s.Comment)
	a.Notify.Set(&s.Notify)
	if s.Notify == nil {
		s.Notify = []string{}
	}
	if err := updateScan(tx, s); err != nil {
		return Attributes{}, err
	}
	after, err := show(tx, s.ID)
	tx.Changed(db.Change{Type: "scan", ID: s.ID, Name: s.Name, Before: before, After: after})
	return after, err
}

// Forget what scans had found, in the transaction that has deleted them and their runs.
type Forget func(tx *db.Tx, scans []string) error

func (st Starter) remove(tx *db.Tx, ids []string) error {
	scans, err := byIDs(tx, ids)
	if err != nil {
		return err
	}
	if len(scans) != len(ids) {
		return fault.Missing()
	}
	for _, s := range scans {
		if s.State != New && !Terminal(s.State) {
			return fault.New(fault.Conflict, "The scan %s is running; stop it before deleting it.", s.Name).Coded("scan_running")
		}
		tx.Changed(db.Change{Type: "scan", ID: s.ID, Name: s.Name, Before: map[string]string{"name": s.Name, "target": s.TargetID, "profile": s.Profile}})
	}
	if err := deleteScans(tx, ids); err != nil {
		return err
	}
	return st.Forget(tx, ids)
}

func represent(tx *db.Tx, rows []Scan) ([]Attributes, error) {
	var targets, scanners, current, planned []string
	for _, s := range rows {
		targets = append(targets, s.TargetID)
		if s.ScannerID != nil {
			scanners = append(scanners, *s.ScannerID)
		}
		if s.CurrentHistoryID != nil {
			current = append(current, *s.CurrentHistoryID)
		}
		if s.ScheduleID != nil {
			planned = append(planned, *s.ScheduleID)
		}
	}
	names, err := target.Names(tx, targets)
	if err != nil {
		return nil, err
	}
	scannerNames, err := scanner.Names(tx, scanners)
	if err != nil {
		return nil, err
	}
	histories, err := historiesByID(tx, current)
	if err != nil {
		return nil, err
	}
	schedules, err := schedule.Some(tx, planned)
	if err != nil {
		return nil, err
	}
	progress, err := tallies(tx, current...)
	if err != nil {
		return nil, err
	}
	all := make([]Attributes, len(rows))
	for i, s := range rows {
		a := Attributes{ID: s.ID, Name: s.Name, Target: &op.Link{ID: s.TargetID, Name: names[s.TargetID]}, Profile: s.Profile, Priority: s.Priority, Comment: s.Comment,
			Notify: s.Notify, AppType: s.Product, Status: Status(s.State), State: s.State, CurrentHistoryID: s.CurrentHistoryID,
			CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt}
		if s.ScheduleID != nil {
			n := schedules[*s.ScheduleID]
			a.Schedule, a.NextTime = &op.Link{ID: n.ID, Name: n.Name}, n.NextAt
		}
		if s.ScannerID != nil {
			a.Scanner = &op.Link{ID: *s.ScannerID, Name: scannerNames[*s.ScannerID]}
		}
		if s.CurrentHistoryID != nil {
			a.follow(progress[*s.CurrentHistoryID], histories[*s.CurrentHistoryID], tx.Now())
		} else if s.State == Completed {
			a.Progress = 100
		}
		if s.LastHistoryID != nil {
			a.LastHistory = &Last{ID: *s.LastHistoryID, FinishedAt: s.LastFinishedAt, Verdict: s.LastVerdict}
		}
		all[i] = a
	}
	return all, nil
}

// follow shows how far the run has come, and when it will be done at the pace so far.
func (a *Attributes) follow(t tally, h History, now clock.Time) {
	a.Progress, a.Stage = t.percent(), t.Stage
	if h.StartedAt == nil || h.State == Paused || a.Progress < 1 || a.Progress >= 100 {
		return
	}
	passed := float64(h.worked(now).Milliseconds())
	eta := now + clock.Time(passed*(100-a.Progress)/a.Progress)
	a.ETA = &eta
}

func (t tally) percent() float64 {
	if t.Hosts == 0 {
		return 0
	}
	return float64(t.Weight/int64(t.Hosts)) / 10
}
