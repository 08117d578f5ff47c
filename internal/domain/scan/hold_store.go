package scan

import (
	"fmt"

	"github.com/vedette/vedette/internal/platform/db"
)

// hold that binds the caller's organization; nil where there is none.
func hold(tx *db.Tx) (*Hold, error) {
	var all []Hold
	if err := tx.Select(&all).Order("created_at").Limit(1).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("hold: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return &all[0], nil
}

// heldAnywhere says whether a hold stands; through a door. Only the installation holds.
func heldAnywhere(tx *db.Tx) (bool, error) {
	h, err := hold(tx)
	return h != nil, err
}

func insertHold(tx *db.Tx, h *Hold) error {
	if _, err := tx.Insert(h).Exec(tx.Context()); err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	return nil
}

func deleteHolds(tx *db.Tx) error {
	if _, err := tx.Delete((*Hold)(nil)).Where("id IS NOT NULL").Exec(tx.Context()); err != nil {
		return fmt.Errorf("end the hold: %w", err)
	}
	return nil
}

// openRuns of all organizations that are not stopping yet; through a door.
func openRuns(tx *db.Tx) ([]Outdated, error) {
	var rows []History
	if err := tx.Select(&rows).Where("finished_at IS NULL AND state <> ?", Stopping).Order("requested_at").Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("open runs: %w", err)
	}
	return actorsOf(tx, rows)
}
