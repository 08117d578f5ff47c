package plan

import (
	"context"
	"errors"
	"time"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/platform/outbox"
)

// ExpiringEvent tells that a subscription ends soon; its data is Expiring.
const ExpiringEvent = "subscription_expiring"

// Ahead is how long before its end a subscription is told of that will not renew itself.
const Ahead = 7 * 24 * time.Hour

// tickEvery is how often subscriptions are looked at, once in the whole installation.
const tickEvery = time.Minute

// mostEnding subscriptions that one tick handles; the next has the rest.
const mostEnding = 500

// Expiring subscription.
type Expiring struct {
	ID      string     `json:"id"`
	Plan    string     `json:"plan"`
	Product string     `json:"product"`
	EndDate clock.Time `json:"end_date"`
}

// TickJob ends and renews subscriptions, and tells of those that end soon.
type TickJob struct{}

// Kind of the job.
func (TickJob) Kind() string { return "subscription_tick" }

// Work does so as long as the queue works.
func Work(q *jobs.Queue, d *db.DB) {
	jobs.Work(q, time.Minute, func(ctx context.Context, _ TickJob) error { return Tick(ctx, d) })
	q.Every(tickEvery, TickJob{})
}

// Tick turns the periods that are over and tells of those that will be. Several may tick at once: each period is turned by one.
func Tick(ctx context.Context, d *db.DB) error {
	door := access.System(access.DoorSubscriptions)
	var over, soon []Subscription
	err := d.Read(ctx, door, func(tx *db.Tx) error {
		var err error
		if over, err = ending(tx, tx.Now(), mostEnding); err != nil {
			return err
		}
		soon, err = unnoticed(tx, tx.Now().Add(Ahead), mostEnding)
		return err
	})
	for i := range over {
		err = errors.Join(err, d.Write(ctx, door, func(tx *db.Tx) error { return turnPeriod(tx, &over[i]) }))
	}
	for i := range soon {
		err = errors.Join(err, d.Write(ctx, door, func(tx *db.Tx) error { return tellOf(tx, &soon[i]) }))
	}
	return err
}

// turnPeriod renews a subscription whose period is over, or ends it, and with it what leans on its limits below.
func turnPeriod(tx *db.Tx, s *Subscription) error {
	if err := lock(tx); err != nil {
		return err
	}
	from := *s.EndAt
	if s.renews() {
		s.renew(tx.Now())
		_, err := turn(tx, s, from)
		return err
	}
	s.Status = inactive
	turned, err := turn(tx, s, from)
	if err != nil || !turned || s.OrganizationID == access.Installation {
		return err
	}
	leaning, err := dependents(tx, s.OrganizationID, s.Product)
	if err != nil {
		return err
	}
	return deactivate(tx, leaning, "The subscription of the organization above has ended.")
}

func tellOf(tx *db.Tx, s *Subscription) error {
	told, err := notice(tx, s)
	if err != nil || !told {
		return err
	}
	place, err := organization.Place(tx, s.OrganizationID)
	if err != nil {
		return err
	}
	actor := jobs.Actor{OrganizationID: place.ID, OrganizationName: place.Name, Chain: place.Chain, Product: s.Product}
	return outbox.EmitFor(tx, actor, ExpiringEvent, Expiring{ID: s.ID, Plan: s.PlanCode, Product: s.Product, EndDate: *s.EndAt})
}
