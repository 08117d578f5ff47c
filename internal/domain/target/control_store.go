package target

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/db"
)

// holding are the organization's proofs that hold now.
func holding(tx *db.Tx) ([]Proof, error) {
	var all []Proof
	if err := tx.Select(&all).Where("?TableAlias.state = ? AND ?TableAlias.expires_at > ?", Verified, tx.Now()).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("proofs: %w", err)
	}
	return all, nil
}

// proofsOf hosts, by host.
func proofsOf(tx *db.Tx, hosts []string) (map[string]Proof, error) {
	found := map[string]Proof{}
	const batch = 1000
	for len(hosts) > 0 {
		some := hosts[:min(batch, len(hosts))]
		hosts = hosts[len(some):]
		var rows []Proof
		if err := tx.Select(&rows).Where("?TableAlias.host IN (?)", bun.List(some)).Scan(tx.Context()); err != nil {
			return nil, fmt.Errorf("proofs: %w", err)
		}
		for _, p := range rows {
			found[p.Host] = p
		}
	}
	return found, nil
}

// addProofs for hosts that have none; one that another has just made stands.
func addProofs(tx *db.Tx, rows []Proof) error {
	if len(rows) == 0 {
		return nil
	}
	if _, err := tx.Insert(&rows).On("CONFLICT (organization_id, host) DO NOTHING").Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert proofs: %w", err)
	}
	return nil
}

func saveProof(tx *db.Tx, p *Proof) error {
	_, err := tx.Update(p).Column("method", "state", "detail", "asked_by", "asked_by_name", "asked_at", "checked_at", "verified_at", "expires_at").
		WherePK().Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("update proof: %w", err)
	}
	return nil
}
