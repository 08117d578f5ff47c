// Package audit keeps who changed what, from where, before and after. Rows are never changed or deleted, and each names the
// hash of the one before it in its organization, so that a gap or a forgery shows.
package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/op"
)

// Event is one row.
type Event struct {
	bun.BaseModel `bun:"table:audit_events,alias:a"`
	db.Owned
	ID                 string          `bun:"id,pk"`
	Sequence           int64           `bun:"sequence"`
	Action             string          `bun:"action"`
	ActorID            *string         `bun:"actor_id"`
	ActorName          string          `bun:"actor_name"`
	ImpersonatorID     *string         `bun:"impersonator_id"`
	ImpersonatorName   string          `bun:"impersonator_name"`
	HomeOrganizationID *string         `bun:"home_organization_id"`
	ResourceType       string          `bun:"resource_type"`
	ResourceID         string          `bun:"resource_id"`
	ResourceName       string          `bun:"resource_name"`
	IP                 string          `bun:"ip"`
	UserAgent          string          `bun:"user_agent"`
	RequestID          string          `bun:"request_id"`
	Changes            json.RawMessage `bun:"changes,type:jsonb"`
	PreviousHash       string          `bun:"previous_hash"`
	Hash               string          `bun:"hash"`
	CreatedAt          clock.Time      `bun:"created_at"`
}

// RowID breaks ties of a list.
func (e Event) RowID() string { return e.ID }

// Changes of a resource, with secrets left out.
type Changes struct {
	Before any `json:"before"`
	After  any `json:"after"`
}

// Record writes an entry in the transaction that made the change.
func Record(tx *db.Tx, entry op.Entry) error {
	p := tx.Grant().Principal()
	if entry.Change.Actor != nil {
		p = *entry.Change.Actor
	}
	if p.Acting.ID == "" {
		return fmt.Errorf("audit %s: nobody acts", entry.Action)
	}
	e, err := event(tx, p, entry)
	if err != nil {
		return err
	}
	h, err := nextHead(tx, e.OrganizationID)
	if err != nil {
		return err
	}
	e.Sequence, e.PreviousHash = h.Sequence, h.Hash
	e.Hash = e.digest()
	if err := setHead(tx, e.OrganizationID, e.Hash); err != nil {
		return err
	}
	return insert(tx, e)
}

func event(tx *db.Tx, p access.Principal, entry op.Entry) (*Event, error) {
	changes, err := json.Marshal(Changes{entry.Change.Before, entry.Change.After})
	if err != nil {
		return nil, fmt.Errorf("audit %s: %w", entry.Action, err)
	}
	if changes, err = canonical(changes); err != nil {
		return nil, fmt.Errorf("audit %s: %w", entry.Action, err)
	}
	e := &Event{ID: db.NewID(), Action: entry.Action, ActorID: optional(p.User), ActorName: p.Username,
		ImpersonatorID: optional(p.Impersonator), ImpersonatorName: p.ImpersonatorName, HomeOrganizationID: optional(p.Home.ID),
		ResourceType: entry.Change.Type, ResourceID: entry.Change.ID, ResourceName: entry.Change.Name,
		IP: entry.Request.IP, UserAgent: cut(entry.Request.UserAgent, 500), RequestID: entry.Request.ID, Changes: changes, CreatedAt: tx.Now()}
	e.OrganizationID = p.Acting.ID
	return e, nil
}

// canonical orders the keys, so that a database that stores JSON its own way gives the same digest back.
func canonical(raw []byte) ([]byte, error) {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// digest covers everything but itself.
func (e *Event) digest() string {
	changes, _ := canonical(e.Changes) // it was canonical when it was written
	fields, _ := json.Marshal([]any{e.OrganizationID, e.ID, e.Sequence, e.Action, e.ActorID, e.ActorName, e.ImpersonatorID, e.ImpersonatorName,
		e.HomeOrganizationID, e.ResourceType, e.ResourceID, e.ResourceName, e.IP, e.UserAgent, e.RequestID, string(changes), e.PreviousHash, e.CreatedAt.String()})
	sum := sha256.Sum256(fields)
	return hex.EncodeToString(sum[:])
}

// Verify walks the chain of the transaction's organization and tells the first row that does not fit; nil: all fit. Of rows that
// are missing at the end there is only the sequence to tell.
func Verify(tx *db.Tx) (*Event, error) {
	previous, sequence := "", int64(1)
	for {
		rows, err := from(tx, sequence, 1000)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			return cutOff(tx, sequence, previous)
		}
		for i := range rows {
			e := &rows[i]
			if e.Sequence != sequence || e.PreviousHash != previous || e.Hash != e.digest() {
				return e, nil
			}
			previous, sequence = e.Hash, sequence+1
		}
	}
}

// cutOff tells where the chain should go on by its head; nil: it ends where it should.
func cutOff(tx *db.Tx, next int64, last string) (*Event, error) {
	h, err := headOf(tx)
	if err != nil || h.Sequence == next-1 && h.Hash == last {
		return nil, err
	}
	return &Event{Sequence: next, PreviousHash: last}, nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
