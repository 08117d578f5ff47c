package host

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/scanlink"
)

// Judged is a host with what was observed of it and how it stands.
type Judged struct {
	Facts  scanlink.HostFacts
	Counts scan.Counts
	PCI    string
}

// Record keeps the hosts that a run saw, and gives their ids by address. It may be called again for the same run.
func Record(tx *db.Tx, h *scan.History, all []Judged) (map[string]string, error) {
	ids := map[string]string{}
	if len(all) == 0 {
		return ids, nil
	}
	rows := make([]Host, len(all))
	for i, j := range all {
		rows[i] = Host{ID: db.NewID(), Product: h.Product, Seen: Of(j.Facts, j.Counts, j.PCI), ScansCount: 1, LastHistoryID: &h.ID, FirstSeenAt: tx.Now(), LastSeenAt: tx.Now()}
	}
	q := tx.Insert(&rows).On("CONFLICT (organization_id, product, address) DO UPDATE")
	for _, c := range []string{"names", "names_text", "os", "coverage", "ports_open", "services", "software", "critical", "high", "medium", "low", "log",
		"pci_status", "authenticated", "risk_score", "last_seen_at"} {
		q = q.Set(c + " = EXCLUDED." + c)
	}
	q = q.Set("scans_count = CASE WHEN h.last_history_id = EXCLUDED.last_history_id THEN h.scans_count ELSE h.scans_count + 1 END").
		Set("last_history_id = EXCLUDED.last_history_id")
	var kept []Host
	if err := q.Returning("id, address").Scan(tx.Context(), &kept); err != nil {
		return nil, fmt.Errorf("record hosts: %w", err)
	}
	for _, k := range kept {
		ids[k.Address] = k.ID
	}
	return ids, recordSightings(tx, h, all, ids)
}

func recordSightings(tx *db.Tx, h *scan.History, all []Judged, ids map[string]string) error {
	rows := make([]Sighting, len(all))
	for i, j := range all {
		seen := Of(j.Facts, j.Counts, j.PCI)
		rows[i] = Sighting{HistoryID: h.ID, ID: ids[seen.Address], ScanID: h.ScanID, Alive: j.Facts.Host.Alive, Interference: j.Facts.Host.Interference,
			Seen: seen, Facts: j.Facts, CreatedAt: tx.Now()}
	}
	if _, err := tx.Insert(&rows).On("CONFLICT DO NOTHING").Exec(tx.Context()); err != nil {
		return fmt.Errorf("record sightings: %w", err)
	}
	return nil
}

// Sightings of a run, by address.
func Sightings(tx *db.Tx, history string) ([]Sighting, error) {
	var all []Sighting
	if err := tx.Select(&all).Where("history_id = ?", history).Order("address").Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("sightings: %w", err)
	}
	return all, nil
}

// Standings are the sightings of a run without services, software and facts, which may be large.
func Standings(tx *db.Tx, history string) ([]Sighting, error) {
	var all []Sighting
	if err := tx.Select(&all).ExcludeColumn("services", "software", "facts").Where("history_id = ?", history).Order("address").Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("standings: %w", err)
	}
	return all, nil
}

// UpdateCounts of a host, its last sighting and its risk after new knowledge has judged it anew.
func UpdateCounts(tx *db.Tx, s *Sighting, counts scan.Counts, pciStatus string) error {
	set := "critical = ?, high = ?, medium = ?, low = ?, log = ?, pci_status = ?, risk_score = ?"
	args := []any{counts.Critical, counts.High, counts.Medium, counts.Low, counts.Log, pciStatus, Risk(counts)}
	if _, err := tx.Update((*Sighting)(nil)).Set(set, args...).Where("history_id = ? AND id = ?", s.HistoryID, s.ID).Exec(tx.Context()); err != nil {
		return fmt.Errorf("update counts: %w", err)
	}
	if _, err := tx.Update((*Host)(nil)).Set(set, args...).Where("id = ? AND last_history_id = ?", s.ID, s.HistoryID).Exec(tx.Context()); err != nil {
		return fmt.Errorf("update counts: %w", err)
	}
	return nil
}

func byID(tx *db.Tx, id string) (*Host, error) {
	h := &Host{}
	if err := tx.Select(h).Where("id = ? AND product = ?", id, tx.Product()).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	return h, nil
}

func sightingByID(tx *db.Tx, history, id string) (*Sighting, error) {
	s := &Sighting{}
	if err := tx.Select(s).Where("history_id = ? AND id = ?", history, id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("host of a scan: %w", err)
	}
	return s, nil
}

func fetch(tx *db.Tx, q filter.Query) ([]Host, filter.Meta, error) {
	return filter.Fetch[Host](tx, q, func(rows any) *bun.SelectQuery { return tx.Select(rows).Where("?TableAlias.product = ?", tx.Product()) })
}

func fetchSightings(tx *db.Tx, q filter.Query, history string) ([]Sighting, filter.Meta, error) {
	return filter.Fetch[Sighting](tx, q, func(rows any) *bun.SelectQuery {
		s := tx.Select(rows).Where("?TableAlias.alive")
		if history == "" { // it never finished
			return s.Where("1 = 0")
		}
		return s.Where("?TableAlias.history_id = ?", history)
	})
}
