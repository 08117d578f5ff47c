package scan

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/domain/portlist"
	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/domain/target"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/outbox"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/address"
)

// Starter starts scans: it resolves the target's names anew, outside any transaction, and checks every address against the
// rules before it makes the run and its chunks.
type Starter struct {
	Rules   target.Rules
	Lookup  address.Lookup
	Contact string // of the operator, for the User-Agent of scans
	Forget  Forget // what deleted scans had found
}

const lookupPatience = 20 * time.Second

// subject is what a start is about, read before names are resolved.
type subject struct {
	scan    *Scan
	target  *target.Target
	scanner *scanner.Scanner
	ports   string
}

// prepared is a start whose names are resolved and whose addresses are checked, still to be committed.
type prepared struct {
	subject
	hosts []scanlink.PlanHost
	notes string
}

// cause of a run that no user starts: who is said to have started it, and when it must end.
type cause struct {
	schedule *string
	name     string
	stopAt   *clock.Time
}

func (s Starter) start(ctx context.Context, open op.Opener, in *op.Path) (Attributes, error) {
	p, err := s.prepare(ctx, open.Read, in.ID, open.Grant().Organization())
	if err != nil {
		return Attributes{}, err
	}
	return op.Answer(ctx, open, func(tx *db.Tx) (Attributes, error) {
		if err := s.commit(tx, p, cause{}); err != nil {
			return Attributes{}, err
		}
		return show(tx, in.ID)
	})
}

// prepare reads what a start is about and resolves its names, outside any transaction.
func (s Starter) prepare(ctx context.Context, read func(context.Context, func(*db.Tx) error) error, scan, organization string) (prepared, error) {
	var p prepared
	err := read(ctx, func(tx *db.Tx) error {
		var err error
		p.subject, err = subjectOf(tx, scan)
		return err
	})
	if err != nil {
		return p, err
	}
	p.hosts, p.notes, err = s.resolve(ctx, p.subject, organization)
	return p, err
}

// Codes of faults that starting again mends.
const (
	targetChanged  = "target_changed"
	scannerChanged = "scanner_changed"
)

// commit makes the run, unless its target or scanner was changed since.
func (s Starter) commit(tx *db.Tx, p prepared, by cause) error {
	again, err := subjectOf(tx, p.scan.ID)
	if err != nil {
		return err
	}
	if again.target.ID != p.target.ID || again.target.UpdatedAt != p.target.UpdatedAt {
		return fault.New(fault.Conflict, "The target was changed at this moment; start again.").Coded(targetChanged)
	}
	// The addresses were checked for that scanner, in that organization, alone.
	if again.scanner.ID != p.scanner.ID || again.scanner.OrganizationID != p.scanner.OrganizationID {
		return fault.New(fault.Conflict, "The scanner was changed at this moment; start again.").Coded(scannerChanged)
	}
	p.subject = again
	if err := s.Rules.Permit(tx, p.target, p.scan.Profile, p.scanner.Private(tx.Organization()), reach(p.hosts)); err != nil {
		return err
	}
	return launch(tx, p, s.Contact, by)
}

func subjectOf(tx *db.Tx, id string) (subject, error) {
	s, err := ByID(tx, id)
	if err != nil {
		return subject{}, err
	}
	if s.State != New && !Terminal(s.State) {
		return subject{}, running()
	}
	t, err := target.ByID(tx, s.TargetID)
	if err != nil {
		return subject{}, err
	}
	sub := subject{scan: s, target: t}
	if s.ScannerID != nil {
		sub.scanner, err = scanner.ByID(tx, *s.ScannerID)
	} else {
		sub.scanner, err = standardScanner(tx, s.Product, t)
	}
	if err != nil {
		return subject{}, err
	}
	if !sub.scanner.Active(s.Product) {
		return subject{}, fault.New(fault.Conflict, "The scanner %s is not active for %s.", sub.scanner.Name, s.Product).Coded("scanner_inactive")
	}
	if err := reaches(sub.scanner, t); err != nil {
		return subject{}, err
	}
	sub.ports, err = portsOf(tx, t)
	return sub, err
}

func portsOf(tx *db.Tx, t *target.Target) (string, error) {
	var list *portlist.PortList
	var err error
	if t.PortListID != nil {
		list, err = portlist.ByID(tx, *t.PortListID)
	} else {
		list, err = portlist.Default(tx, t.Product)
	}
	if err != nil {
		return "", err
	}
	return portlist.Spec(tx, list)
}

// resolve asks the DNS again and refuses the start where a name leads to an address that may not be scanned. Names without an
// address are passed over and told in the notes; none left at all is a fault.
func (s Starter) resolve(ctx context.Context, sub subject, organization string) ([]scanlink.PlanHost, string, error) {
	hosts, err := address.ParseList("/target/hosts", sub.target.Hosts)
	if err != nil {
		return nil, "", err
	}
	excluded, err := address.ParseList("/target/exclude_hosts", sub.target.ExcludeHosts)
	if err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, lookupPatience)
	defer cancel()
	r, err := address.Resolve(ctx, hosts, excluded, s.Lookup)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, "", fault.New(fault.Unavailable, "The names of the target could not be looked up within %d seconds; start again, or name fewer hosts.",
			int(lookupPatience.Seconds())).Coded("names_too_slow")
	}
	if err != nil {
		return nil, "", err
	}
	plan := r.Hosts()
	if err := s.allowed(plan, sub.scanner.Private(organization)); err != nil {
		return nil, "", err
	}
	var gone []string
	for _, u := range r.Unresolved {
		gone = append(gone, u.Name)
	}
	if len(plan) == 0 {
		return nil, "", fault.New(fault.Conflict, "None of the target's hosts has an address: %s.", strings.Join(gone, ", ")).Coded("nothing_to_scan")
	}
	if len(gone) > 0 {
		return plan, "Without an address, and thus not scanned: " + strings.Join(gone, ", ") + ".", nil
	}
	return plan, "", nil
}

// allowed refuses what may not be scanned, and marks the service's own ports to be left alone.
func (s Starter) allowed(hosts []scanlink.PlanHost, private bool) error {
	var refused []string
	for i, h := range hosts {
		if err := s.Rules.Check(h.Address, private); err != nil {
			refused = append(refused, h.Address.String())
		}
		hosts[i].Skip = s.Rules.Listeners(h.Address)
	}
	if len(refused) == 0 {
		return nil
	}
	shown := strings.Join(refused[:min(5, len(refused))], ", ")
	return fault.New(fault.Invalid, "A shared scanner may not scan %s; the operator allows networks with scan.allow_networks.", shown).Coded("forbidden_address")
}

// launch makes the run and its chunks, and announces it, in one commit.
func launch(tx *db.Tx, sub prepared, contact string, by cause) error {
	if err := notHeld(tx); err != nil {
		return err
	}
	if err := target.CheckQuota(tx); err != nil {
		return err
	}
	if err := mayRescan(tx, sub.scan); err != nil {
		return err
	}
	exempt, err := exemption(tx, sub.scan)
	if err != nil {
		return err
	}
	p := tx.Grant().Principal()
	h := &History{Priority: rank(sub.scan.Priority), ExemptUntil: exempt, ID: db.NewID(), ScanID: sub.scan.ID, Product: sub.scan.Product, State: Queued, ScannerID: &sub.scanner.ID, RequestedAt: tx.Now(),
		HostsTotal: len(sub.hosts), StartedByName: cmp.Or(by.name, p.Username), ScheduleID: by.schedule, Error: sub.notes, StopAt: by.stopAt,
		Plan: scanlink.Plan{Profile: sub.scan.Profile, Ports: sub.ports, AliveTest: sub.target.AliveTest, Parallel: sub.target.MaxParallel, Contact: contact}}
	if p.User != "" {
		h.StartedBy = &p.User
	}
	if sub.notes != "" { // a part of the scope is not looked at, so the run can't pass (ASV Program Guide 5.5)
		h.Coverage = pointer(scanlink.Inconclusive)
	}
	var chunks []Chunk
	for part := range address.Chunks(sub.hosts) {
		chunks = append(chunks, Chunk{ID: db.NewID(), HistoryID: h.ID, ScanID: sub.scan.ID, ScannerID: sub.scanner.ID, Number: len(chunks) + 1,
			Hosts: slices.Clone(part), HostsCount: len(part), State: chunkQueued, CreatedAt: tx.Now()})
	}
	h.ChunksTotal = len(chunks)
	if err := insertHistory(tx, h, chunks); err != nil {
		return err
	}
	if err := setNetwork(tx, h.ID, sub.target.NetworkID); err != nil {
		return err
	}
	if err := setState(tx, sub.scan.ID, Queued, &h.ID); err != nil {
		return err
	}
	tx.Changed(db.Change{Type: "scan", ID: sub.scan.ID, Name: sub.scan.Name, After: Ended{ScanID: sub.scan.ID, HistoryID: h.ID}})
	if err := outbox.Emit(tx, StartedEvent, Ended{ScanID: sub.scan.ID, HistoryID: h.ID}); err != nil {
		return err
	}
	return tx.Wake(chunksTopic)
}

// stop asks the run of a scan to end. Chunks that nobody works end at once; scanners hear of it over their open poll.
func stop(tx *db.Tx, id string) error {
	s, err := ByID(tx, id)
	if err != nil {
		return err
	}
	if s.CurrentHistoryID == nil {
		return notRunning()
	}
	return stopRun(tx, s, *s.CurrentHistoryID)
}

func stopRun(tx *db.Tx, s *Scan, history string) error {
	// Chunks before their run, as a lease takes them: else the two wait for each other.
	if err := stopQueued(tx, history); err != nil {
		return err
	}
	open, err := requestStop(tx, history)
	if err != nil || !open {
		return err
	}
	if err := setState(tx, s.ID, Stopping, &history); err != nil {
		return err
	}
	tx.Changed(db.Change{Type: "scan", ID: s.ID, Name: s.Name, After: Ended{ScanID: s.ID, HistoryID: history}})
	if err := errors.Join(tx.Wake(historyTopic(history)), tx.Wake(progressTopic(history))); err != nil {
		return err
	}
	return conclude(tx, history, nil)
}
