package host

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/platform/db"
)

type markRow struct {
	bun.BaseModel `bun:"table:host_marks,alias:hm"`
	db.Owned
	Product string `bun:"product,pk"`
	Place   string `bun:"place,pk"` // id of the network; empty: none
	Mark    string `bun:"mark,pk"`
	HostID  string `bun:"host_id,pk"`
}

// holding locks the hosts at the keys, and gives them by plain address; vacant are the rows of addresses that never answered.
func holding(tx *db.Tx, product string, keys []string) (known, vacant map[string]Host, err error) {
	var rows []Host
	q := tx.Select(&rows).Where("product = ? AND address IN (?)", product, bun.List(keys)).Order("address")
	if tx.Dialect() == db.Postgres {
		q = q.For("UPDATE")
	}
	if err := q.Scan(tx.Context()); err != nil {
		return nil, nil, fmt.Errorf("known hosts: %w", err)
	}
	known, vacant = map[string]Host{}, map[string]Host{}
	for _, h := range rows {
		if h.Answered {
			known[h.plain()] = h
		} else {
			vacant[h.plain()] = h
		}
	}
	return known, vacant, nil
}

// newMatcher looks up who bears the marks of a chunk.
func newMatcher(tx *db.Tx, h *scan.History, place string, all []Judged) (*matcher, error) {
	m := &matcher{tx: tx, history: h, place: place, all: all, holders: map[string][]Host{}, bearers: map[string][]string{}}
	var marks []string
	for _, j := range all {
		if !j.Facts.Host.Alive {
			continue
		}
		for _, mark := range marksOf(j.Facts) {
			if m.bearers[mark] == nil {
				marks = append(marks, mark)
			}
			m.bearers[mark] = append(m.bearers[mark], j.Facts.Host.Address.String())
		}
	}
	if len(marks) == 0 {
		return m, nil
	}
	var rows []markRow
	err := tx.Select(&rows).Where("product = ? AND place = ? AND mark IN (?)", h.Product, place, bun.List(marks)).Limit(1000).Scan(tx.Context())
	if err != nil || len(rows) == 0 {
		return m, wrap("marks of hosts", err)
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.HostID
	}
	var hosts []Host
	if err := tx.Select(&hosts).Where("id IN (?)", bun.List(ids)).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("marks of hosts: %w", err)
	}
	byID := map[string]Host{}
	for _, h := range hosts {
		byID[h.ID] = h
	}
	for _, r := range rows {
		m.holders[r.Mark] = append(m.holders[r.Mark], byID[r.HostID])
	}
	return m, nil
}

func wrap(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// move a host to where it was found again. What kept the place there, if anything, keeps the one that it leaves.
func move(tx *db.Tx, h Host, key string, vacant Host) error {
	steps := [][2]string{{key, h.ID}}
	if vacant.ID != "" {
		steps = [][2]string{{"leaves " + vacant.ID, vacant.ID}, {key, h.ID}, {h.Address, vacant.ID}}
	}
	for _, s := range steps {
		if _, err := tx.Update((*Host)(nil)).Set("address = ?", s[0]).Where("id = ?", s[1]).Exec(tx.Context()); err != nil {
			return fmt.Errorf("move a host: %w", err)
		}
	}
	return nil
}

// remark replaces the marks of hosts.
func remark(tx *db.Tx, rows []markRow, hosts []string) error {
	if len(hosts) == 0 {
		return nil
	}
	if _, err := tx.Delete((*markRow)(nil)).Where("host_id IN (?)", bun.List(hosts)).Exec(tx.Context()); err != nil {
		return fmt.Errorf("marks of hosts: %w", err)
	}
	if len(rows) == 0 {
		return nil
	}
	_, err := tx.Insert(&rows).On("CONFLICT DO NOTHING").Exec(tx.Context())
	return wrap("marks of hosts", err)
}

// seenAlive says whether a run has seen the host already.
func seenAlive(tx *db.Tx, history, id string) (bool, error) {
	n, err := tx.Select((*Sighting)(nil)).Where("history_id = ? AND id = ? AND alive", history, id).Count(tx.Context())
	return n > 0, wrap("sight of a host", err)
}

// coveredBy says whether a run looks at the address, and whether it has done so.
func coveredBy(tx *db.Tx, history, address string) (covered, done bool, err error) {
	var states []string
	err = tx.Query(&states, "select state from scan_chunks where organization_id = ?org and history_id = ? and cast(hosts as text) like ?", history, `%"`+address+`"%`)
	return len(states) > 0, len(states) > 0 && states[0] == "done", wrap("parts of a run", err)
}

// lastSeenBy says whether a run of the scan saw the host last.
func lastSeenBy(tx *db.Tx, h *Host, scan string) (bool, error) {
	if h.LastHistoryID == nil {
		return false, nil
	}
	n, err := tx.Select((*Sighting)(nil)).Where("history_id = ? AND id = ? AND scan_id = ?", *h.LastHistoryID, h.ID, scan).Count(tx.Context())
	return n > 0, wrap("last sight of a host", err)
}
