package scan

import (
	"fmt"

	"github.com/vedette/vedette/internal/platform/db"
)

// setNetwork keeps the network of a run's target as it was when the run began.
func setNetwork(tx *db.Tx, history string, network *string) error {
	if network == nil {
		return nil
	}
	if _, err := tx.Update((*History)(nil)).Set("network_id = ?", *network).Where("id = ?", history).Exec(tx.Context()); err != nil {
		return fmt.Errorf("network of a run: %w", err)
	}
	return nil
}

// NetworkOf a run; empty: none.
func NetworkOf(tx *db.Tx, history string) (string, error) {
	var network string
	err := tx.Select((*History)(nil)).ColumnExpr("coalesce(CAST(network_id AS text), '')").Where("id = ?", history).Scan(tx.Context(), &network)
	if err != nil {
		return "", fmt.Errorf("network of a run: %w", err)
	}
	return network, nil
}
