package host

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
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
	if len(all) == 0 {
		return map[string]string{}, nil
	}
	place, err := scan.NetworkOf(tx, h.ID)
	if err != nil {
		return nil, err
	}
	known, err := recognize(tx, h, place, all)
	if err != nil {
		return nil, err
	}
	rows := hostRows(tx, h, place, all, known)
	ids, err := upsert(tx, rows)
	if err != nil {
		return nil, err
	}
	if err := note(tx, h, place, all, rows, known, ids); err != nil {
		return nil, err
	}
	return ids, recordSightings(tx, h, all, ids)
}

// recognize locks the hosts that are known at the addresses, those among them that moved there, and gives them by address as they
// were.
func recognize(tx *db.Tx, h *scan.History, place string, all []Judged) (map[string]Host, error) {
	keys := make([]string, len(all))
	for i, j := range all {
		keys[i] = keyOf(place, j.Facts.Host.Address.String())
	}
	known, vacant, err := holding(tx, h.Product, keys)
	if err != nil || len(known) == len(all) {
		return known, err
	}
	m, err := newMatcher(tx, h, place, all)
	if err != nil {
		return nil, err
	}
	moved, err := m.find(known)
	if err != nil {
		return nil, err
	}
	for at, was := range moved {
		if err := move(tx, was, keyOf(place, at), vacant[at]); err != nil {
			return nil, err
		}
		known[at] = was
	}
	return known, nil
}

func hostRows(tx *db.Tx, h *scan.History, place string, all []Judged, known map[string]Host) []Host {
	v := viewOf(h)
	rows := make([]Host, len(all))
	for i, j := range all {
		rows[i] = Host{ID: db.NewID(), Product: h.Product, Seen: Of(j.Facts, j.Counts, j.PCI), MAC: j.Facts.Host.MAC, ScansCount: 1,
			LastHistoryID: &h.ID, FirstSeenAt: tx.Now(), LastSeenAt: tx.Now(), Answered: j.Facts.Host.Alive}
		v.carry(pointer(known, rows[i].Address), j.Facts.Host, &rows[i].Seen)
		rows[i].Address = keyOf(place, rows[i].Address)
		if place != "" {
			rows[i].NetworkID = &place
		}
	}
	return rows
}

func pointer(known map[string]Host, address string) *Host {
	if h, there := known[address]; there {
		return &h
	}
	return nil
}

// upsert hosts, and give their ids by plain address.
func upsert(tx *db.Tx, rows []Host) (map[string]string, error) {
	q := tx.Insert(&rows).On("CONFLICT (organization_id, product, address) DO UPDATE")
	for _, c := range []string{"names", "names_text", "os", "coverage", "ports_open", "services", "software", "critical", "high", "medium", "low", "log",
		"pci_status", "authenticated", "risk_score", "last_seen_at"} {
		q = q.Set(c + " = EXCLUDED." + c)
	}
	q = q.Set("scans_count = CASE WHEN h.last_history_id = EXCLUDED.last_history_id THEN h.scans_count ELSE h.scans_count + 1 END").
		Set("first_seen_at = CASE WHEN h.answered THEN h.first_seen_at ELSE EXCLUDED.first_seen_at END").
		Set("answered = (h.answered OR EXCLUDED.answered)").
		Set("mac = CASE WHEN EXCLUDED.mac = '' THEN h.mac ELSE EXCLUDED.mac END").
		Set("last_history_id = EXCLUDED.last_history_id")
	var kept []Host
	if err := q.Returning("id, address").Scan(tx.Context(), &kept); err != nil {
		return nil, fmt.Errorf("record hosts: %w", err)
	}
	ids := map[string]string{}
	for _, k := range kept {
		ids[k.plain()] = k.ID
	}
	return ids, nil
}

// note what changed on the hosts, and what they are known by.
func note(tx *db.Tx, h *scan.History, place string, all []Judged, rows []Host, known map[string]Host, ids map[string]string) error {
	var changed []Change
	var marks []markRow
	var marked []string
	for i, r := range rows {
		seen, id := r.Seen, ids[r.plain()]
		seen.Address = r.plain()
		if known[seen.Address].ID == "" && !r.Answered {
			continue
		}
		for _, c := range changes(pointer(known, seen.Address), seen) {
			c.ID, c.HostID, c.HistoryID, c.ScanID, c.CreatedAt = db.NewID(), id, h.ID, h.ScanID, tx.Now()
			changed = append(changed, c)
		}
		if !all[i].Facts.Host.Alive {
			continue
		}
		marked = append(marked, id)
		for _, mark := range marksOf(all[i].Facts) {
			marks = append(marks, markRow{Product: h.Product, Place: place, Mark: mark, HostID: id})
		}
	}
	if err := insertChanges(tx, changed); err != nil {
		return err
	}
	return remark(tx, marks, marked)
}

func insertChanges(tx *db.Tx, rows []Change) error {
	const batch = 1000
	for len(rows) > 0 {
		some := rows[:min(batch, len(rows))]
		if _, err := tx.Insert(&some).Exec(tx.Context()); err != nil {
			return fmt.Errorf("changes of hosts: %w", err)
		}
		rows = rows[len(some):]
	}
	return nil
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

// Page gives the next sightings of a run, at most n, by id after the one given; empty begins. None: there are no more. A run of
// any size is gone through in pages, so that it never stands in memory at once.
func Page(tx *db.Tx, history, after string, n int) ([]Sighting, error) {
	var all []Sighting
	q := tx.Select(&all).Where("history_id = ?", history).Order("id").Limit(int64(n))
	if after != "" {
		q = q.Where("id > ?", after)
	}
	if err := q.Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("sightings: %w", err)
	}
	return all, nil
}

// Deciding are the few sightings of a run that decide how it stands: the first by address that fails, the first that could not be
// looked at fully though nothing on it fails, any that is not complete, and any at all. They come without services, software and
// facts.
func Deciding(tx *db.Tx, history string) ([]Sighting, error) {
	var all []Sighting
	for _, which := range []string{
		"pci_status = 'fail'",
		"coalesce(pci_status, '') <> 'fail' AND (interference <> '' OR NOT alive OR coverage <> 'complete')",
		"coverage <> 'complete'",
		"1 = 1",
	} {
		var one []Sighting
		err := tx.Select(&one).ExcludeColumn("services", "software", "facts").Where("history_id = ?", history).Where(which).Order("address").Limit(1).Scan(tx.Context())
		if err != nil {
			return nil, fmt.Errorf("standings: %w", err)
		}
		all = append(all, one...)
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

// lockAll finds all hosts of the active product or none, and locks them.
func lockAll(tx *db.Tx, ids []string) ([]Host, error) {
	for _, id := range ids {
		if !filter.IsID(id) {
			return nil, fault.Missing()
		}
	}
	var all []Host
	q := tx.Select(&all).Where("id IN (?) AND product = ?", bun.List(ids), tx.Product()).Order("address")
	if tx.Dialect() == db.Postgres {
		q = q.For("UPDATE")
	}
	if err := q.Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("hosts: %w", err)
	}
	if len(all) != len(ids) {
		return nil, fault.Missing()
	}
	return all, nil
}

func saveTags(tx *db.Tx, h *Host) error {
	if _, err := tx.Update(h).Column("tags").WherePK().Exec(tx.Context()); err != nil {
		return fmt.Errorf("tag hosts: %w", err)
	}
	return nil
}

func fetchChanges(tx *db.Tx, q filter.Query, id string) ([]Change, filter.Meta, error) {
	return filter.Fetch[Change](tx, q, func(rows any) *bun.SelectQuery { return tx.Select(rows).Where("?TableAlias.host_id = ?", id) })
}

func sightingByID(tx *db.Tx, history, id string) (*Sighting, error) {
	s := &Sighting{}
	if err := tx.Select(s).Where("history_id = ? AND id = ?", history, id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("host of a scan: %w", err)
	}
	return s, nil
}

func fetch(tx *db.Tx, q filter.Query) ([]Host, filter.Meta, error) {
	return filter.Fetch[Host](tx, q, func(rows any) *bun.SelectQuery {
		return tx.Select(rows).Where("?TableAlias.product = ? AND ?TableAlias.answered", tx.Product())
	})
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
