package scanner

import (
	"fmt"

	"github.com/vedette/vedette/internal/platform/db"
)

// InNetwork is a scanner that stands in the network and is active for the product, the one seen last; nil where there is none.
func InNetwork(tx *db.Tx, product, network string) (*Scanner, error) {
	var all []Scanner
	err := serving(tx.Select(&all), product).Where("?TableAlias.network_id = ?", network).
		OrderExpr("coalesce(last_seen_at, 0) DESC, created_at").Limit(1).Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("scanner of a network: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return &all[0], nil
}
