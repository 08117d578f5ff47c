package feed

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/domain/feed/eol"
	"github.com/vedette/vedette/internal/domain/feed/version"
	"github.com/vedette/vedette/internal/scanlink"
)

// EndOfLife is software, or an operating system, that is out of its maker's support.
type EndOfLife struct {
	Port     uint16 // 0: the whole host
	Protocol string
	URL      string
	Title    string // PostgreSQL
	Product  string // postgresql 11.15
	Cycle    string // 11
	Since    string // YYYY-MM-DD; empty: the day is not known
	Newest   string // the newest cycle that is in support; empty: none
	OS       bool   // the operating system itself
	QoD      int
	Why      string
}

// OutOfSupport finds what was out of support at a moment, in the order of Match.
func (k *Knowledge) OutOfSupport(h scanlink.HostFacts, at time.Time) []EndOfLife {
	ctx := sceneOf(h)
	var out []EndOfLife
	for _, s := range ctx.seen {
		if s.served {
			continue
		}
		if e, ok := k.outOfSupport(ctx, s, at); ok {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b EndOfLife) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Port, b.Port), cmp.Compare(a.Product, b.Product), cmp.Compare(b.QoD, a.QoD), cmp.Compare(a.URL, b.URL))
	})
	return slices.CompactFunc(out, func(a, b EndOfLife) bool {
		return a.Protocol == b.Protocol && a.Port == b.Port && a.Product == b.Product
	})
}

func (k *Knowledge) outOfSupport(ctx *scene, s seen, at time.Time) (EndOfLife, bool) {
	p, c, ok := k.cycleOf(s)
	if !ok {
		return EndOfLife{}, false
	}
	out, extended := c.Out(at)
	if !out || extended && s.key == "debian:debian_linux" {
		// Debian's long-term support is for everybody; that of other makers is bought.
		return EndOfLife{}, false
	}
	qod, why, ok := k.supportedElsewhere(ctx, s)
	if !ok {
		return EndOfLife{}, false
	}
	if extended && qod >= thresholdGuess {
		qod, why = qodUnpatched, fmt.Sprintf("Extended support runs until %s for those who bought it, which cannot be seen.", c.Extended)
	}
	if s.qod < thresholdGuess && qod > qodGuess {
		qod, why = qodGuess, "The version is a guess."
	}
	return EndOfLife{
		Port: s.port, Protocol: s.protocol, URL: s.url, Title: cmp.Or(p.Title, p.Name), Product: strings.TrimSpace(s.product + " " + s.version),
		Cycle: c.Cycle, Since: c.EOL, Newest: newest(p, at), OS: s.name.Part == "o", QoD: qod, Why: why,
	}, true
}

// supportedElsewhere asks whether a distribution supports what its maker no longer does. It is false where the distribution
// is known to: then the distribution's own end of life counts.
func (k *Knowledge) supportedElsewhere(ctx *scene, s seen) (qod int, why string, ok bool) {
	p := productOf[s.key]
	if p == nil || len(p.sources) == 0 || s.name.Part != "a" || ctx.distro.name == "none" {
		return told(s), "The maker's word on the version settles it.", true
	}
	if s.pkg != "" {
		return 0, "", false
	}
	by, shipped := k.ships(p, s.version)
	switch {
	case shipped && ctx.distro.name != "":
		return 0, "", false
	case shipped:
		return qodUnpatched, fmt.Sprintf("It is a version that %s ships and may support longer than its maker.", by), true
	case len(p.shipped) == 0 && !p.follows && !k.tellsOf(p, s.version):
		return qodUnpatched, "Distributions package this software and may support it longer than its maker.", true
	}
	return told(s), "No distribution is known to ship this version, so its maker's word settles it.", true
}

// cycleOf finds the product and the cycle of a version: the longest name that the version begins with. Where a cycle has
// variants that a version does not tell (service packs, editions), the one supported longest counts.
func (k *Knowledge) cycleOf(s seen) (eol.Product, eol.Cycle, bool) {
	keys, v := lifecycleKeys(s)
	for _, key := range keys {
		for _, p := range k.Products(key) {
			best, found := eol.Cycle{}, false
			for _, c := range p.Cycles {
				base := baseOf(c.Cycle)
				if !within(v, base) || found && len(base) < len(baseOf(best.Cycle)) {
					continue
				}
				if !found || len(base) > len(baseOf(best.Cycle)) || longer(c, best) {
					best, found = c, true
				}
			}
			if found {
				return p, best, true
			}
		}
	}
	return eol.Product{}, eol.Cycle{}, false
}

// lifecycleKeys are the names under which a product's cycles may stand, and the version among them. Windows Server bears
// its cycle in its name.
func lifecycleKeys(s seen) ([]string, string) {
	if year, ok := strings.CutPrefix(s.name.Product, "windows_server_"); ok {
		v := strings.ReplaceAll(year, "_", "-")
		if strings.HasPrefix(s.name.Update, "r2") || strings.HasPrefix(s.name.Version, "r2") {
			v += "-r2"
		}
		return []string{"microsoft:windows_server"}, v
	}
	keys := []string{s.name.Key(), s.key}
	if p := productOf[s.key]; p != nil {
		keys = append(keys, p.aliases...)
	}
	return keys, version.Clean(s.version)
}

// baseOf is a cycle without its variant: 13.0 of 13.0-sp3, 2012-r2 of 2012-r2.
func baseOf(cycle string) string {
	base, variant, ok := strings.Cut(strings.ToLower(cycle), "-")
	if ok && strings.HasPrefix(variant, "r2") && strings.HasPrefix(base, "20") {
		return base + "-r2"
	}
	return base
}

// longer says whether a is supported longer than b.
func longer(a, b eol.Cycle) bool {
	end := func(c eol.Cycle) string {
		switch {
		case c.Ended:
			return ""
		case c.EOL == "":
			return "9999"
		}
		return max(c.EOL, c.Extended)
	}
	return end(a) > end(b)
}

// within says whether a version belongs to a cycle: 11.15 to 11, 1.0.2k to 1.0.2, and neither 11 to 1 nor 2012-r2 to 2012.
func within(v, cycle string) bool {
	if cycle == "" || !strings.HasPrefix(v, cycle) {
		return false
	}
	rest := v[len(cycle):]
	return rest == "" || (rest[0] < '0' || rest[0] > '9') && !strings.HasPrefix(rest, "-r2")
}

// newest is the newest cycle in support.
func newest(p eol.Product, at time.Time) string {
	for _, c := range p.Cycles {
		if out, _ := c.Out(at); !out {
			return c.Cycle
		}
	}
	return ""
}
