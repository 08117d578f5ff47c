package host

import (
	"slices"

	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/scanlink"
)

// Marks that a host is known by, besides its address, from the surest to the vaguest.
var markKinds = []string{"mac:", "cert:", "name:"}

// mostMarks of one host.
const mostMarks = 40

// marksOf what was observed.
func marksOf(f scanlink.HostFacts) []string {
	var all []string
	if f.Host.MAC != "" {
		all = append(all, "mac:"+f.Host.MAC)
	}
	for _, s := range f.Services {
		if s.TLS != nil && s.TLS.Certificate != nil && s.TLS.Certificate.SHA256 != "" {
			all = append(all, "cert:"+s.TLS.Certificate.SHA256)
		}
	}
	for _, n := range f.Host.Names {
		all = append(all, "name:"+n)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), mostMarks)]
}

// matcher finds hosts of a network again at addresses where none was known.
type matcher struct {
	tx      *db.Tx
	history *scan.History
	place   string
	all     []Judged
	holders map[string][]Host   // known hosts by mark
	bearers map[string][]string // addresses of this chunk by mark
}

// find again the hosts that moved to addresses of this chunk where none was known; the answer has them by their new address. A
// mark counts where one known host and one address bear it. The host must have left its former address: a hardware address says
// so by itself unless it answers there too; with certificates and names, which several machines may share, this run must have
// looked there in vain, or its scan, which saw the host last, has no business there any more.
func (m *matcher) find(known map[string]Host) (map[string]Host, error) {
	moved := map[string]Host{}
	taken := map[string]bool{}
	for _, j := range m.all {
		at := j.Facts.Host.Address.String()
		if _, there := known[at]; there || !j.Facts.Host.Alive {
			continue
		}
		for _, kind := range markKinds {
			h := m.holder(kind, j.Facts)
			if h == nil || taken[h.ID] {
				continue
			}
			gone, err := m.gone(h, kind)
			if err != nil {
				return nil, err
			}
			if gone {
				moved[at], taken[h.ID] = *h, true
				break
			}
		}
	}
	return moved, nil
}

// holder is the one known host that bears a mark of the kind, which no other address of the chunk bears.
func (m *matcher) holder(kind string, f scanlink.HostFacts) *Host {
	for _, mark := range marksOf(f) {
		if mark[:min(len(kind), len(mark))] == kind && len(m.holders[mark]) == 1 && len(m.bearers[mark]) == 1 {
			return &m.holders[mark][0]
		}
	}
	return nil
}

func (m *matcher) gone(h *Host, kind string) (bool, error) {
	for _, j := range m.all {
		if j.Facts.Host.Address.String() == h.plain() {
			return !j.Facts.Host.Alive, nil
		}
	}
	alive, err := seenAlive(m.tx, m.history.ID, h.ID)
	if err != nil || alive {
		return false, err
	}
	if kind == markKinds[0] {
		return true, nil
	}
	covered, done, err := coveredBy(m.tx, m.history.ID, h.plain())
	if err != nil || covered {
		return done, err
	}
	return lastSeenBy(m.tx, h, m.history.ScanID)
}
