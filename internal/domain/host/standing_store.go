package host

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/platform/db"
)

// Standing of a host whose last run is gone: what is still open on it.
type Standing struct {
	Counts  scan.Counts
	Failing bool // any of it fails PCI
}

// Restate the counts, risk and verdict of those hosts whose last run is gone. Without a run, and with nothing that fails, a host has
// no verdict.
func Restate(tx *db.Tx, standings map[string]Standing) error {
	alike := map[Standing][]string{}
	for id, s := range standings {
		alike[s] = append(alike[s], id)
	}
	for s, ids := range alike {
		var verdict *string
		if s.Failing {
			fail := "fail"
			verdict = &fail
		}
		c := s.Counts
		_, err := tx.Update((*Host)(nil)).
			Set("critical = ?, high = ?, medium = ?, low = ?, log = ?, pci_status = ?, risk_score = ?", c.Critical, c.High, c.Medium, c.Low, c.Log, verdict, Risk(c)).
			Where("id IN (?)", bun.List(ids)).
			Where("NOT EXISTS (SELECT 1 FROM scan_histories AS g WHERE g.organization_id = h.organization_id AND g.id = h.last_history_id)").Exec(tx.Context())
		if err != nil {
			return fmt.Errorf("restate hosts: %w", err)
		}
	}
	return nil
}
