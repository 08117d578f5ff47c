package scan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/domain/feed"
	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/platform/outbox"
	"github.com/vedette/vedette/internal/platform/secret"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/authority"
	"github.com/vedette/vedette/internal/scanlink/server"
)

// Ingest writes what a chunk observed as facts and findings, in the commit that finishes it.
type Ingest func(tx *db.Tx, h *History, c *Chunk) error

// Judge forms verdicts from facts by a version of the knowledge, outside any transaction, and gives back what writes them.
type Judge func(version string, hosts []scanlink.HostFacts) Ingest

// Complete sums up a run whose last chunk has ended: counts, coverage, verdict.
type Complete func(tx *db.Tx, h *History) error

// Dispatcher gives chunks to scanners and takes in what they saw. Several may work on one database.
type Dispatcher struct {
	DB        *db.DB
	Authority *authority.Authority
	Judge     Judge
	Complete  Complete
	Knowledge func() feed.Info // of the version in force
	LeaseTime time.Duration    // how long a scanner may be silent; 0: DefaultLeaseTime
	Sealer    *secret.Sealer   // opens the credentials of targets; nil gives none to scanners
	Limits    Limits
	Log       *slog.Logger
}

var _ server.Dispatcher = (*Dispatcher)(nil)

// leaseTime is how long a lease lasts from its last sign of life.
func (d *Dispatcher) leaseTime() time.Duration {
	if d.LeaseTime > 0 {
		return d.LeaseTime
	}
	return DefaultLeaseTime
}

func (d *Dispatcher) door(ctx context.Context, fn func(*db.Tx) error) error {
	return d.DB.Write(ctx, access.System(access.DoorDispatch), fn)
}

// Link trades a linking code, once, for a certificate. A request that can't be signed leaves the code good.
func (d *Dispatcher) Link(ctx context.Context, r scanlink.LinkRequest) (scanlink.LinkAnswer, error) {
	var id string
	err := d.DB.Read(ctx, access.System(access.DoorDispatch), func(tx *db.Tx) error {
		var err error
		id, err = scanner.Linkable(tx, secret.TokenHash(r.Code))
		return err
	})
	if err != nil {
		return scanlink.LinkAnswer{}, err
	}
	answer, serial, err := d.certify(id, r.CSR)
	if err != nil {
		return scanlink.LinkAnswer{}, err
	}
	err = d.door(ctx, func(tx *db.Tx) error { return scanner.Link(tx, id, secret.TokenHash(r.Code), serial) })
	if err != nil {
		return scanlink.LinkAnswer{}, err
	}
	return answer, nil
}

// Renew gives a scanner a new certificate.
func (d *Dispatcher) Renew(ctx context.Context, id, shown, csr string) (scanlink.LinkAnswer, error) {
	answer, serial, err := d.certify(id, csr)
	if err == nil {
		err = d.door(ctx, func(tx *db.Tx) error { return scanner.Renewed(tx, id, shown, serial) })
	}
	if err != nil {
		return scanlink.LinkAnswer{}, err
	}
	return answer, nil
}

func (d *Dispatcher) certify(id, csr string) (scanlink.LinkAnswer, string, error) {
	certificate, err := d.Authority.Scanner(csr, id)
	if err != nil {
		return scanlink.LinkAnswer{}, "", fault.At("/csr", "invalid", "The certificate request can't be used.").Because(err)
	}
	serial, err := authority.SerialOf(certificate)
	return scanlink.LinkAnswer{Certificate: certificate, Authority: d.Authority.Certificate(), ScannerID: id}, serial, err
}

// Known refuses scanners that are gone or deactivated, and certificates that were replaced.
func (d *Dispatcher) Known(ctx context.Context, id, serial string) error {
	remember := false
	err := d.DB.Read(ctx, access.System(access.DoorDispatch), func(tx *db.Tx) error {
		s, err := scanner.ByID(tx, id)
		if db.NoRows(err) {
			return fault.New(fault.Unauthenticated, "This scanner is no more.")
		}
		if err != nil {
			return err
		}
		if s.State == scanner.Deactivated {
			return fault.New(fault.Forbidden, "This scanner is deactivated.")
		}
		if !s.Shows(serial) {
			return fault.New(fault.Unauthenticated, "This certificate was replaced by a later one; link the scanner again.")
		}
		remember = s.Kind == scanner.Remote && s.Serial == ""
		return nil
	})
	if err != nil || !remember {
		return err
	}
	return d.door(ctx, func(tx *db.Tx) error { return scanner.Remember(tx, id, serial) })
}

// Hello notes what a scanner is.
func (d *Dispatcher) Hello(ctx context.Context, id string, h scanlink.Hello) error {
	return d.door(ctx, func(tx *db.Tx) error { return seen(tx, id, h) })
}

func seen(tx *db.Tx, id string, h scanlink.Hello) error {
	versions := make([]string, 0, len(h.FeedVersions))
	for k, v := range h.FeedVersions {
		versions = append(versions, k+" "+v)
	}
	slices.Sort(versions)
	return scanner.Seen(tx, id, scanner.Told{Version: h.Version, FeedVersion: strings.Join(versions, ", "), Capabilities: kept(h.Capabilities),
		SourceAddresses: sources(h)})
}

// sources are the addresses from which a scanner scans: the one from which it calls, then those of its interfaces. One that lies
// behind the same address translation as its targets is met by the latter.
func sources(h scanlink.Hello) []string {
	var all []string
	for _, text := range append([]string{h.From}, h.Addresses...) {
		a, err := netip.ParseAddr(text)
		if err == nil && a.IsGlobalUnicast() && !slices.Contains(all, a.String()) {
			all = append(all, a.String())
		}
	}
	return kept(all)
}

// kept is an empty list instead of none.
func kept(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}

// Beat extends the lease, then waits until a stop is asked for, ctx ends, or the next beat is due.
func (d *Dispatcher) Beat(ctx context.Context, id, chunk string, b scanlink.Beat) (scanlink.BeatAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, d.leaseTime()*2/5)
	defer cancel()
	answer := scanlink.BeatAnswer{DeadlineSeconds: int(d.leaseTime().Seconds())}
	var run string
	err := d.door(ctx, func(tx *db.Tx) error {
		c, err := heldChunk(tx, id, chunk, b.Token)
		if err != nil {
			return err
		}
		run = c.HistoryID
		if err := scanner.Touch(tx, id); err != nil {
			return err
		}
		if err := extend(tx, c, d.leaseTime(), b.Progress); err != nil || b.Progress == nil {
			return err
		}
		return tx.Wake(progressTopic(run))
	})
	for err == nil {
		woken := d.DB.Wait(historyTopic(run))
		err = d.DB.Read(context.WithoutCancel(ctx), access.System(access.DoorDispatch), func(tx *db.Tx) error {
			h, err := history(tx, run)
			if err == nil {
				answer.Stop = h.State != Running
			}
			return err
		})
		if err != nil || answer.Stop || b.Brief {
			break
		}
		select {
		case <-woken:
		case <-ctx.Done():
			return answer, nil
		}
	}
	return answer, err
}

// mostStaged bytes of the observations of one lease.
const mostStaged = 256 << 20

// Observe stages one batch. Observations of addresses that the chunk does not name are refused, and so is more than a lease may
// stage: then the chunk has failed.
func (d *Dispatcher) Observe(ctx context.Context, id, chunk string, b scanlink.Batch) error {
	err := d.observe(ctx, id, chunk, b)
	if fault.Is(err, fault.TooLarge) {
		d.Log.WarnContext(ctx, "a scanner sends more than a chunk may hold", slog.String("scanner", id), slog.String("chunk", chunk))
		return errors.Join(err, d.door(ctx, func(tx *db.Tx) error { return condemn(tx, chunk, b.Token) }))
	}
	return err
}

func (d *Dispatcher) observe(ctx context.Context, id, chunk string, b scanlink.Batch) error {
	return d.door(ctx, func(tx *db.Tx) error {
		c, err := heldChunk(tx, id, chunk, b.Token)
		if err != nil {
			return err
		}
		for _, o := range b.Observations {
			if !c.names(o) {
				d.Log.WarnContext(ctx, "a scanner observed an address that it was not given", slog.String("scanner", id), slog.String("chunk", chunk))
				return fault.New(fault.Invalid, "An observation is about an address that this chunk does not name.").Coded("out_of_plan")
			}
		}
		if err := stage(tx, c, b.Sequence, b.Observations); err != nil {
			return err
		}
		return extend(tx, c, d.leaseTime(), nil)
	})
}

// names says whether an observation is about an address of the chunk.
func (c *Chunk) names(o scanlink.Observation) bool {
	return slices.ContainsFunc(c.Hosts, func(h scanlink.PlanHost) bool {
		switch {
		case o.Host != nil:
			return o.Host.Address == h.Address
		case o.Service != nil:
			return o.Service.Address == h.Address
		case o.Finding != nil:
			return o.Finding.Address == h.Address
		}
		return true
	})
}

// Finish ends a lease: what was staged becomes facts and findings, or the chunk goes back to the pool.
func (d *Dispatcher) Finish(ctx context.Context, id, chunk string, f scanlink.Finish) error {
	var c *Chunk
	var facts *scanlink.Facts
	var actor jobs.Actor
	var version string
	repeated, whole := false, false
	err := d.DB.Read(ctx, access.System(access.DoorDispatch), func(tx *db.Tx) error {
		var err error
		if c, err = chunkByID(tx, chunk); err != nil {
			return err
		}
		if repeated = c.Token == f.Token && c.State != chunkLeased && c.State != chunkQueued; repeated {
			return nil
		}
		if c, err = heldChunk(tx, id, chunk, f.Token); err != nil {
			return err
		}
		h, err := history(tx, c.HistoryID)
		if err != nil {
			return err
		}
		version = h.FeedVersion
		if actor, err = h.actor(tx); err != nil {
			return err
		}
		facts, whole, err = staged(tx, c, f.LastSequence)
		return err
	})
	if err != nil || repeated {
		return err
	}
	if !whole && !f.Interrupted && f.Error == "" {
		return fault.New(fault.Invalid, "Not every batch up to %d has come.", f.LastSequence).Coded("incomplete")
	}
	var write Ingest
	if !f.Interrupted && f.Error == "" {
		write = d.Judge(version, facts.Hosts())
	}
	return d.DB.Write(ctx, actor.Grant(), func(tx *db.Tx) error { return d.close(tx, id, c, f, write) })
}

// actor is who acts for a run that goes on by itself: whoever started it.
func (h *History) actor(tx *db.Tx) (jobs.Actor, error) {
	place, err := organization.Place(tx, h.OrganizationID)
	a := jobs.Actor{OrganizationID: place.ID, OrganizationName: place.Name, Chain: place.Chain, Product: h.Product, Username: h.StartedByName}
	if h.StartedBy != nil {
		a.UserID = *h.StartedBy
	}
	return a, err
}

// close ends the chunk in the transaction of its organization.
func (d *Dispatcher) close(tx *db.Tx, id string, c *Chunk, f scanlink.Finish, write Ingest) error {
	if err := lockChunk(tx, c.ID); err != nil {
		return err
	}
	c, err := heldChunk(tx, id, c.ID, f.Token)
	if err != nil {
		return err
	}
	h, err := history(tx, c.HistoryID)
	if err != nil {
		return err
	}
	state, failures := chunkDone, c.Failures
	switch {
	case h.State == Stopping && write == nil:
		state = chunkStopped
	case f.Interrupted:
		state = chunkQueued
	case f.Error != "":
		if failures++; failures < maxFailures {
			state = chunkQueued
		} else {
			state = chunkFailed
		}
	}
	if write != nil {
		if err := write(tx, h, c); err != nil {
			return err
		}
	}
	if err := dropStaged(tx, c); err != nil {
		return err
	}
	if err := setChunk(tx, c, state, f.Error, failures); err != nil {
		return err
	}
	if state == chunkQueued {
		return tx.Wake(chunksTopic)
	}
	return conclude(tx, h.ID, d.Complete)
}

// conclude ends a run that has no chunk left to work, and announces it.
func conclude(tx *db.Tx, id string, complete Complete) error {
	left, err := remaining(tx, id)
	if err != nil || left > 0 {
		return err
	}
	h, err := history(tx, id)
	if err != nil || h.FinishedAt != nil {
		return err
	}
	all, err := tallies(tx, id)
	if err != nil {
		return err
	}
	t := all[id]
	h.ChunksDone, h.HostsScanned, h.Stage, h.Progress = t.Done, t.Scanned, "", int(t.percent()*10)
	event := CompletedEvent
	switch {
	case h.State == Stopping:
		h.State, event = Stopped, StoppedEvent
	case t.Failed == h.ChunksTotal:
		h.State, event, h.Error = Failed, FailedEvent, "The scanner failed on every part of the scan."
	default:
		h.State = Completed
		if t.Failed > 0 {
			h.Coverage = pointer(scanlink.Inconclusive)
		}
		if complete != nil {
			if err := complete(tx, h); err != nil {
				return err
			}
		}
	}
	if err := end(tx, h); err != nil {
		return err
	}
	if err := tx.Wake(historyTopic(id)); err != nil {
		return err
	}
	if err := tx.Wake(progressTopic(id)); err != nil {
		return err
	}
	return outbox.Emit(tx, event, Ended{ScanID: h.ScanID, HistoryID: h.ID})
}

func pointer[T any](v T) *T { return &v }

// Verified keeps what a scanner proved.
func (d *Dispatcher) Verified(ctx context.Context, id, job string, v scanlink.Verification) error {
	return d.door(ctx, func(tx *db.Tx) error {
		if err := seen(tx, id, v.Hello); err != nil {
			return err
		}
		ours := []scanlink.VerifyCheck{{Name: "reachable", OK: true}, skew(v.Clock, tx.Now()), d.feedAge(tx.Now())}
		checks := append(ours, slices.DeleteFunc(v.Checks, func(theirs scanlink.VerifyCheck) bool {
			return slices.ContainsFunc(ours, func(c scanlink.VerifyCheck) bool { return c.Name == theirs.Name })
		})...)
		ok := !slices.ContainsFunc(checks, func(c scanlink.VerifyCheck) bool { return !c.OK && c.Name != "raw_sockets" && c.Name != "feed_age" })
		raw, err := json.Marshal(checks)
		if err != nil {
			return err
		}
		return scanner.Answer(tx, id, job, ok, raw)
	})
}

// mostSkew between the scanner's clock and ours that a verification accepts.
const mostSkew = time.Minute

func skew(theirs time.Time, ours clock.Time) scanlink.VerifyCheck {
	apart := ours.Time().Sub(theirs).Abs().Round(time.Millisecond)
	return scanlink.VerifyCheck{Name: "clock_skew", OK: apart <= mostSkew, Value: apart.String()}
}

// oldest knowledge that a verification calls good. What it finds wanting is no fault of the scanner, so it does not decide.
const oldest = 30 * 24 * time.Hour

// feedAge tells how old the knowledge is by which what the scanner sees is judged.
func (d *Dispatcher) feedAge(now clock.Time) scanlink.VerifyCheck {
	check := scanlink.VerifyCheck{Name: "feed_age", Detail: "Bring newer knowledge with vedette feed sync or vedette feed import."}
	date, err := time.Parse(time.DateOnly, d.Knowledge().Date)
	if err != nil {
		check.Value = "unknown"
		return check
	}
	age := now.Time().Sub(date)
	check.Value = fmt.Sprintf("%d days", max(0, int(age.Hours()/24)))
	if check.OK = age <= oldest; check.OK {
		check.Detail = ""
	}
	return check
}

// Sweep announces outages, stops what runs although all is held, and ends runs that nobody resumed within an hour, and those of which no part is left to work, or none is to be
// worked, when their scanner was lost.
func (d *Dispatcher) Sweep(ctx context.Context) error {
	if err := d.outages(ctx); err != nil {
		return err
	}
	if _, err := StopHeld(ctx, d.DB); err != nil {
		return err
	}
	var lost []History
	actors := map[string]jobs.Actor{}
	err := d.door(ctx, func(tx *db.Tx) error {
		var err error
		if err = returnExpired(tx); err != nil {
			return err
		}
		if lost, err = forsaken(tx); err != nil {
			return err
		}
		more, err := abandoned(tx)
		if err != nil {
			return err
		}
		lost = append(lost, more...)
		for i := range lost {
			if actors[lost[i].ID], err = lost[i].actor(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, h := range lost {
		err := d.DB.Write(ctx, actors[h.ID].Grant(), func(tx *db.Tx) error { return giveUp(tx, h.ID, d.Complete) })
		if err != nil && !errors.Is(err, errTaken) {
			return err
		}
	}
	return nil
}

// errTaken leaves a run as it was: a scanner has taken a part of it since it was looked at.
var errTaken = errors.New("a scanner works on the run")

// giveUp ends a run that no scanner works on, unless another process has ended it.
func giveUp(tx *db.Tx, id string, complete Complete) error {
	if open, err := remaining(tx, id); err != nil || open == 0 {
		if err != nil {
			return err
		}
		return conclude(tx, id, complete)
	}
	if err := stopQueued(tx, id); err != nil {
		return err
	}
	left, err := remaining(tx, id)
	if err != nil {
		return err
	}
	if left > 0 {
		return errTaken
	}
	h, err := history(tx, id)
	if err != nil || h.FinishedAt != nil {
		return err
	}
	if h.State == Stopping {
		return conclude(tx, id, nil)
	}
	h.State, h.Error = Interrupted, "No scanner worked on it for an hour."
	if err := end(tx, h); err != nil {
		return err
	}
	return outbox.Emit(tx, FailedEvent, Ended{ScanID: h.ScanID, HistoryID: h.ID})
}

// Outdated run, and who acts for it.
type Outdated struct {
	History History
	Actor   jobs.Actor
}

// FindOutdated gives some of the runs that another version of the knowledge judged.
func FindOutdated(ctx context.Context, d *db.DB, version string) ([]Outdated, error) {
	var all []Outdated
	err := d.Read(ctx, access.System(access.DoorRematch), func(tx *db.Tx) error {
		rows, err := outdated(tx, version, 100)
		if err != nil {
			return err
		}
		for _, h := range rows {
			actor, err := h.actor(tx)
			if err != nil {
				return err
			}
			all = append(all, Outdated{h, actor})
		}
		return nil
	})
	return all, err
}
