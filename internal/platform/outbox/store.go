package outbox

import (
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
)

type eventRow struct {
	bun.BaseModel `bun:"table:events,alias:e"`
	db.Owned
	ID        string          `bun:"id,pk"`
	Name      string          `bun:"name"`
	Product   string          `bun:"product"`
	Data      json.RawMessage `bun:"data,type:jsonb"`
	CreatedAt clock.Time      `bun:"created_at"`
}

func insert(tx *db.Tx, e *eventRow) error {
	if _, err := tx.Insert(e).Exec(tx.Context()); err != nil {
		return fmt.Errorf("emit %s: %w", e.Name, err)
	}
	return nil
}

func byID(tx *db.Tx, id string) (*eventRow, error) {
	e := &eventRow{}
	if err := tx.Select(e).Where("id = ?", id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("event %s: %w", id, err)
	}
	return e, nil
}
