// Package outbox announces what happened. Emit writes the event and one job a subscriber in the transaction that causes
// it; subscribers act after the commit. A noun declares its events; who hears them is said in app alone.
package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/jobs"
)

// Event as a subscriber gets it.
type Event struct {
	ID        string
	Name      string // scan_completed …: the name on the wire
	Product   string
	CreatedAt clock.Time
	Data      json.RawMessage
	Actor     jobs.Actor
}

// Grant to act for the organization in which the event happened.
func (e Event) Grant() access.Grant { return e.Actor.Grant() }

// Read the event's data.
func (e Event) Read(into any) error {
	if err := json.Unmarshal(e.Data, into); err != nil {
		return fmt.Errorf("read event %s: %w", e.Name, err)
	}
	return nil
}

// subscriptions by event, the same in every process of the program.
var subscriptions struct {
	sync.RWMutex
	names map[string][]string
}

// Declare says that the subscriber hears the events; called when app is initialised.
func Declare(subscriber string, events ...string) {
	subscriptions.Lock()
	defer subscriptions.Unlock()
	if subscriptions.names == nil {
		subscriptions.names = map[string][]string{}
	}
	for _, e := range events {
		if !slices.Contains(subscriptions.names[e], subscriber) {
			subscriptions.names[e] = append(subscriptions.names[e], subscriber)
		}
	}
}

// Emit an event of the transaction's organization.
func Emit(tx *db.Tx, name string, data any) error { return EmitFor(tx, jobs.ActorOf(tx), name, data) }

// EmitFor emits for another actor: a system grant names the organization in which something happened.
func EmitFor(tx *db.Tx, actor jobs.Actor, name string, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("emit %s: %w", name, err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("emit %s: %w", name, err)
	}
	e := &eventRow{ID: id.String(), Name: name, Product: actor.Product, Data: raw, CreatedAt: tx.Now()}
	e.OrganizationID = actor.OrganizationID
	if err := insert(tx, e); err != nil {
		return err
	}
	subscriptions.RLock()
	defer subscriptions.RUnlock()
	for _, s := range subscriptions.names[name] {
		if err := jobs.Enqueue(tx, Delivery{Subscriber: s, EventID: e.ID, Actor: actor}); err != nil {
			return err
		}
	}
	return nil
}

// Delivery is the job that brings one event to one subscriber.
type Delivery struct {
	jobs.Actor
	Subscriber string `json:"subscriber"`
	EventID    string `json:"event_id"`
}

// Kind of the job.
func (Delivery) Kind() string { return "event" }

// Handler of a subscriber; an error is tried again, so it must bear being called twice.
type Handler func(context.Context, Event) error

// Work delivers events to the handlers by subscriber.
func Work(q *jobs.Queue, d *db.DB, handlers map[string]Handler) {
	jobs.Work(q, 10*time.Minute, func(ctx context.Context, job Delivery) error {
		handle, ok := handlers[job.Subscriber]
		if !ok {
			return fmt.Errorf("event %s: nobody is %s", job.EventID, job.Subscriber)
		}
		var row *eventRow
		err := d.Read(ctx, job.Grant(), func(tx *db.Tx) error {
			var err error
			row, err = byID(tx, job.EventID)
			return err
		})
		if err != nil {
			return err
		}
		return handle(ctx, Event{ID: row.ID, Name: row.Name, Product: row.Product, CreatedAt: row.CreatedAt, Data: row.Data, Actor: job.Actor})
	})
}
