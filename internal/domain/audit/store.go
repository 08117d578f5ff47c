package audit

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
)

type head struct {
	bun.BaseModel `bun:"table:audit_heads,alias:h"`
	db.Owned
	Sequence int64  `bun:"sequence"`
	Hash     string `bun:"hash"`
}

// nextHead takes the next number of the organization's chain and the hash before it; others wait for this transaction.
func nextHead(tx *db.Tx, organization string) (head, error) {
	h := head{Sequence: 1}
	h.OrganizationID = organization
	_, err := tx.Insert(&h).On("CONFLICT (organization_id) DO UPDATE").Set("sequence = h.sequence + 1").
		Returning("sequence, hash").Exec(tx.Context(), &h)
	if err != nil {
		return h, fmt.Errorf("audit chain: %w", err)
	}
	return h, nil
}

func setHead(tx *db.Tx, organization, hash string) error {
	_, err := tx.Update((*head)(nil)).Set("hash = ?", hash).Where("organization_id = ?", organization).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("audit chain: %w", err)
	}
	return nil
}

// headOf the transaction's organization; its zero value where nothing happened yet.
func headOf(tx *db.Tx) (head, error) {
	var all []head
	if err := tx.Select(&all).Scan(tx.Context()); err != nil {
		return head{}, fmt.Errorf("audit chain: %w", err)
	}
	if len(all) == 0 {
		return head{}, nil
	}
	return all[0], nil
}

func insert(tx *db.Tx, e *Event) error {
	if _, err := tx.Insert(e).Exec(tx.Context()); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

func byID(tx *db.Tx, id string) (*Event, error) {
	e := &Event{}
	if err := tx.Select(e).Where("id = ?", id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("audit event: %w", err)
	}
	return e, nil
}

func fetch(tx *db.Tx, q filter.Query) ([]Event, filter.Meta, error) {
	return filter.Fetch[Event](tx, q, func(rows any) *bun.SelectQuery { return tx.Select(rows) })
}

func from(tx *db.Tx, sequence int64, n int) ([]Event, error) {
	var rows []Event
	if err := tx.Select(&rows).Where("sequence >= ?", sequence).Order("sequence").Limit(int64(n)).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("audit chain: %w", err)
	}
	return rows, nil
}
