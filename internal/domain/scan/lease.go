package scan

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/scanlink"
)

// Limits of the operator for the whole installation; 0 is none.
type Limits struct {
	Running          int // runs that are worked at once; others wait
	PacketsPerSecond int // of all scanners together
}

// Lease waits for a chunk or a verification.
func (d *Dispatcher) Lease(ctx context.Context, id string, r scanlink.LeaseRequest) (*scanlink.Lease, error) {
	first := true
	for {
		chunks, verifications := d.DB.Wait(chunksTopic), d.DB.Wait(scanner.VerifyTopic)
		var out *scanlink.Lease
		whole := context.WithoutCancel(ctx) // a poll that ends meanwhile still gives what it has taken
		err := d.door(whole, func(tx *db.Tx) error {
			if first {
				if err := seen(tx, id, r.Hello); err != nil {
					return err
				}
			}
			var err error
			out, err = d.offer(tx, id, r)
			return err
		})
		if err != nil {
			return nil, err
		}
		if out != nil {
			return out, d.arm(whole, out)
		}
		first = false
		select {
		case <-chunks:
		case <-verifications:
		case <-time.After(2 * time.Second): // a lease that expired wakes nobody
		case <-ctx.Done():
			return nil, nil
		}
	}
}

// offer looks for work once.
func (d *Dispatcher) offer(tx *db.Tx, id string, r scanlink.LeaseRequest) (*scanlink.Lease, error) {
	v, err := scanner.OfferVerification(tx, id)
	if err != nil {
		return nil, err
	}
	if v != nil {
		return &scanlink.Lease{Verify: &scanlink.VerifyJob{ID: v.ID}, Plan: signInPlan(v.SignIn)}, nil
	}
	if err := returnExpired(tx); err != nil || r.Free == 0 {
		return nil, err
	}
	if may, err := mayTake(tx, id); err != nil || !may {
		return nil, err
	}
	rate, may, err := d.share(tx)
	if err != nil || !may {
		return nil, err
	}
	c, h, err := d.next(tx, id)
	if err != nil || c == nil {
		return nil, err
	}
	c.Rate, c.Instance = rate, r.Instance
	if err := lease(tx, c, id, d.leaseTime()); err != nil {
		return nil, err
	}
	if err := d.begin(tx, h, r.FeedVersions["templates"]); err != nil {
		return nil, err
	}
	plan := h.Plan
	plan.Hosts = c.Hosts
	if stated := scanlink.CostOf(plan.Profile).Rate; rate > 0 && (stated == 0 || rate < stated) {
		plan.Rate = rate
	}
	return &scanlink.Lease{ChunkID: c.ID, ScanID: c.ScanID, Attempt: c.Attempt, Token: c.Token, DeadlineSeconds: int(d.leaseTime().Seconds()),
		Plan: &plan, FeedVersion: h.FeedVersion}, nil
}

// mayTake says whether a scanner may have another chunk: not once it is deactivated or drained, nor while everything is held, and
// a remote one only up to its limit.
func mayTake(tx *db.Tx, id string) (bool, error) {
	s, err := scanner.ByID(tx, id)
	if err != nil || s.State == scanner.Deactivated || s.Draining {
		return false, err
	}
	if held, err := heldAnywhere(tx); err != nil || held {
		return false, err
	}
	if s.Kind != scanner.Remote {
		return true, nil
	}
	n, err := leasedBy(tx, id)
	return n < s.MaxConcurrency, err
}

// share is what a chunk may send of the installation's packets a second, so that all that are leased keep within it: the part of
// one place of all scanners that are there, or what is left. False where nothing is left.
func (d *Dispatcher) share(tx *db.Tx) (rate int, may bool, err error) {
	most := d.Limits.PacketsPerSecond
	if most == 0 {
		return 0, true, nil
	}
	if err := tx.Lock("packets of scans"); err != nil {
		return 0, false, err
	}
	places, err := scanner.Places(tx)
	if err != nil {
		return 0, false, err
	}
	given, err := givenRates(tx)
	rate = min(max(1, most/max(1, places)), most-given)
	return rate, rate > 0, err
}

// waitingRun has parts that a scanner could take.
type waitingRun struct {
	OrganizationID string
	ID             string
	State          string
	Priority       int
	RequestedAt    clock.Time
	LastLeasedAt   *clock.Time
}

// fair puts the runs into the order in which a scanner takes from them: that of the organization of which it works the fewest parts
// first, then of the one that was served the longest ago; within an organization by priority, then the oldest.
func fair(all []waitingRun, busy map[string]int) {
	served, oldest := map[string]clock.Time{}, map[string]clock.Time{}
	for _, r := range all {
		if r.LastLeasedAt != nil {
			served[r.OrganizationID] = max(served[r.OrganizationID], *r.LastLeasedAt)
		}
		if at, ok := oldest[r.OrganizationID]; !ok || r.RequestedAt < at {
			oldest[r.OrganizationID] = r.RequestedAt
		}
	}
	slices.SortFunc(all, func(a, b waitingRun) int {
		x, y := a.OrganizationID, b.OrganizationID
		if x != y {
			return cmp.Or(cmp.Compare(busy[x], busy[y]), cmp.Compare(served[x], served[y]), cmp.Compare(oldest[x], oldest[y]), cmp.Compare(x, y))
		}
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.RequestedAt, b.RequestedAt), cmp.Compare(a.ID, b.ID))
	})
}

// next chunk of a scanner and its run; nil where there is none.
func (d *Dispatcher) next(tx *db.Tx, id string) (*Chunk, *History, error) {
	waiting, err := waitingRuns(tx, id)
	if err != nil || len(waiting) == 0 {
		return nil, nil, err
	}
	busy, err := busyOrganizations(tx, id)
	if err != nil {
		return nil, nil, err
	}
	fair(waiting, busy)
	full, counted := false, false
	for _, r := range waiting {
		if r.State == Queued && d.Limits.Running > 0 {
			if !counted {
				if full, err = d.full(tx); err != nil {
					return nil, nil, err
				}
				counted = true
			}
			if full {
				continue
			}
		}
		c, err := takeChunk(tx, r)
		if err != nil || c == nil {
			if err != nil {
				return nil, nil, err
			}
			continue
		}
		h, err := history(tx, r.ID)
		return c, h, err
	}
	return nil, nil, nil
}

// full says whether as many runs are worked as the operator allows.
func (d *Dispatcher) full(tx *db.Tx) (bool, error) {
	if err := tx.Lock("scans at once"); err != nil {
		return false, err
	}
	n, err := runningRuns(tx)
	return n >= d.Limits.Running, err
}

// begin notes a lease of the run. The first one fixes the versions of the knowledge and of the scanner's templates, which the
// other parts of the run are then looked at with.
func (d *Dispatcher) begin(tx *db.Tx, h *History, templates string) error {
	first := h.StartedAt == nil
	if first {
		h.FeedVersion, h.Plan.Templates = d.Knowledge().Version, templates
	}
	state, err := markLeased(tx, h, first)
	if err != nil || state == h.State || state != Running {
		return err
	}
	if err := setState(tx, h.ScanID, Running, &h.ID); err != nil {
		return err
	}
	return tx.Wake(progressTopic(h.ID))
}

// lost ends a lease whose scanner has been silent. A chunk on which scanners are lost again and again has failed: it would hold up
// all that wait behind it. From its third loss on it rests, each time about twice as long: if it is what ends scanners,
// those that were lost along with it get their turn without it meanwhile.
func (c *Chunk) lost(now clock.Time) {
	c.Losses++
	c.LeasedBy, c.LeaseUntil, c.Stage = nil, nil, ""
	if c.Losses >= maxLosses {
		c.State, c.Progress, c.Error = chunkFailed, 1000, "Its scanner was lost each time."
		return
	}
	c.State, c.Progress = chunkQueued, 0
	if doublings := c.Losses - 3; doublings >= 0 {
		rest := time.Second << doublings
		c.NotBefore = now.Add(rest/2 + rand.N(rest)) //nolint:gosec // nothing secret hangs on it
	}
}

// Release gives back at once what a process of a scanner held that is known to be dead.
func (d *Dispatcher) Release(ctx context.Context, id, instance string) error {
	return d.door(ctx, func(tx *db.Tx) error {
		n, err := expire(tx, id, instance)
		if err != nil || n == 0 {
			return err
		}
		if err := returnExpired(tx); err != nil {
			return err
		}
		return tx.Wake(chunksTopic)
	})
}
