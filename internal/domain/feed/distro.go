package feed

import (
	"fmt"
	"strings"

	"github.com/vedette/vedette/internal/domain/feed/cpe"
	"github.com/vedette/vedette/internal/domain/feed/debian"
	"github.com/vedette/vedette/internal/domain/feed/version"
	"github.com/vedette/vedette/internal/scanlink"
)

// distro is who built the software of a host, as far as it shows.
type distro struct {
	name    string // debian, ubuntu, redhat …; none: a system whose software comes from its makers; empty: not known
	release string // of Debian: 12
}

// distroOf reads the host's operating system, then the banners of all its services.
func distroOf(h scanlink.HostFacts) distro {
	if n, err := cpe.Parse(h.Host.OSCPE); err == nil {
		switch family := osFamily(n.Vendor, n.Product); {
		case n.Key() == "debian:debian_linux":
			return distro{"debian", strings.SplitN(value(n), ".", 2)[0]}
		case n.Key() == "canonical:ubuntu_linux":
			return distro{"ubuntu", value(n)}
		case n.Key() == "linux:linux_kernel":
		case family == "linux":
			return distro{n.Vendor, value(n)}
		case family != "" || n.Part == "h":
			return distro{name: "none"}
		}
	}
	var d distro
	for _, s := range h.Services {
		if r := debian.Release(s.Package); r != "" {
			return distro{"debian", r}
		}
		text := strings.ToLower(s.Package + " " + s.Banner)
		switch {
		case d.name != "":
		case strings.Contains(text, "ubuntu"):
			d.name = "ubuntu"
		case strings.Contains(text, "debian"):
			d.name = "debian"
		case strings.Contains(text, ".el7") || strings.Contains(text, ".el8") || strings.Contains(text, ".el9") || strings.Contains(text, "red hat") || strings.Contains(text, "centos"):
			d.name = "redhat"
		}
	}
	return d
}

// judgeVersion decides what a version that lies in a CVE's range is worth. The rule:
//
//  1. The distribution's package version is known and so is the distribution's fix: fixed is no match; not fixed is
//     likely.
//  2. The maker's version alone is known, of software that distributions package and patch in place, and it is a
//     version that a distribution is known to ship: whether it is patched cannot be seen, so it is possible only.
//     Where that distribution's fix is older than the version, it is no match.
//  3. The same software in a version that no distribution is known to ship comes from its maker: likely.
//  4. Software of which distributions ship the maker's own maintenance releases (PostgreSQL, MariaDB), libraries that
//     pages carry to the browser, software that distributions do not package, and any software on a system that takes it
//     from its makers (Windows, BSD, appliances): the version settles it: likely.
//
// Whatever the rule says, a configuration that was seen in part, or a guessed version, stays possible.
func (k *Knowledge) judgeVersion(ctx *scene, s seen, id string, m *cpeEntry, t truth) (Match, bool) {
	out := Match{
		CVE: id, Port: s.port, Protocol: s.protocol, URL: s.url, Product: strings.TrimSpace(s.product + " " + s.version), CPE: s.name.String(),
		Range: rangeText(m), FixedIn: m.EndExcluding,
	}
	if s.name.Part == "a" && !s.served {
		v := k.verdictOf(ctx, s, id)
		if v.fixed {
			return Match{}, false
		}
		out.QoD, out.Why, out.Package = v.qod, v.why, v.pkg
		if v.fixedIn != "" {
			out.FixedIn = v.fixedIn
		}
	} else {
		out.QoD, out.Why = told(s), "The version itself settles it."
	}
	if t == maybe && out.QoD > qodIncomplete {
		out.QoD, out.Why = qodIncomplete, "The record names further conditions, or no versions, that cannot be seen from outside."
	}
	if s.qod < thresholdGuess && out.QoD > qodGuess {
		out.QoD, out.Why = qodGuess, "The version is a guess."
	}
	return out, true
}

func told(s seen) int {
	if s.qod >= 95 {
		return qodExact
	}
	return qodBanner
}

type verdict struct {
	fixed   bool
	pkg     bool
	qod     int
	why     string
	fixedIn string
}

func (k *Knowledge) verdictOf(ctx *scene, s seen, id string) verdict {
	p := productOf[s.key]
	switch {
	case p == nil || len(p.sources) == 0:
		return verdict{qod: told(s), why: "The software comes from its maker, so its version settles it."}
	case s.pkg != "":
		return k.byPackage(ctx, p, s, id)
	case ctx.distro.name == "none":
		return verdict{qod: told(s), why: "On this system software comes from its maker, so its version settles it."}
	case p.follows:
		return verdict{qod: told(s), why: "Distributions ship the maker's own maintenance releases of this software, so its version settles it."}
	}
	by, shipped := k.ships(p, s.version)
	if !shipped {
		if len(p.shipped) == 0 && !k.tellsOf(p, s.version) {
			return verdict{qod: qodUnpatched, why: "Distributions package this software and may have patched this version; no package version shows."}
		}
		return verdict{qod: told(s), why: "No distribution is known to ship this version, so it comes from its maker."}
	}
	release := ctx.distro.release
	if ctx.distro.name == "debian" || ctx.distro.name == "" {
		if fixedIn, ok := k.fixOf(p, s.version, release, id); ok {
			scheme := version.SchemeOf(s.name.Product)
			if fixedIn != "" && version.Compare(scheme, version.Upstream(fixedIn), s.version) < 0 && (ctx.distro.name == "debian" || strings.HasPrefix(by, "Debian")) {
				return verdict{fixed: true}
			}
			if fixedIn == "" && ctx.distro.name == "debian" {
				return verdict{qod: told(s), why: "Debian has not fixed this in the release that the host runs."}
			}
			if fixedIn == "" {
				return verdict{qod: qodUnpatched, why: "Debian has not fixed this; whether the host runs Debian's package cannot be seen."}
			}
			return verdict{qod: qodUnpatched, fixedIn: fixedIn, why: fmt.Sprintf("Debian fixed this in its package %s without showing it in the version; which package runs here cannot be seen.", fixedIn)}
		}
	}
	return verdict{qod: qodUnpatched, why: fmt.Sprintf("The version is one that %s ships and patches in place; its package version does not show.", by)}
}

// byPackage compares a banner's Debian package version with the fix.
func (k *Knowledge) byPackage(ctx *scene, p *product, s seen, id string) verdict {
	release := debian.Release(s.pkg)
	if strings.Contains(s.pkg, "ubuntu") || strings.Contains(s.pkg, ".el") || strings.Contains(s.pkg, ".fc") {
		return verdict{qod: qodUnpatched, why: fmt.Sprintf("The distribution's fixes for package version %s are not in the knowledge.", s.pkg)}
	}
	if release == "" && ctx.distro.name == "debian" {
		release = ctx.distro.release
	}
	fixedIn, ok := k.fixOf(p, version.Upstream(s.pkg), release, id)
	if ok && fixedIn == "" && release != "" {
		return verdict{qod: qodPackage, pkg: true, why: fmt.Sprintf("Debian %s has not fixed this in any package yet.", release)}
	}
	if ok && fixedIn != "" {
		order, comparable := version.Debian(s.pkg, fixedIn)
		switch {
		case comparable && order >= 0:
			return verdict{fixed: true}
		case comparable && release != "":
			return verdict{qod: qodPackage, pkg: true, fixedIn: fixedIn, why: fmt.Sprintf("Package version %s is older than %s, which fixes it.", s.pkg, fixedIn)}
		}
	}
	if p.follows {
		return verdict{qod: qodPackage, pkg: true, why: "The distribution ships the maker's own maintenance releases of this software, and this one is in the range."}
	}
	return verdict{qod: qodUnpatched, why: fmt.Sprintf("Whether package version %s has the fix is not in the knowledge.", s.pkg)}
}

// tellsOf says whether the knowledge has any of a product's source packages.
func (k *Knowledge) tellsOf(p *product, v string) bool {
	for _, name := range p.sourceNames(v) {
		if len(k.sources[name]) > 0 {
			return true
		}
	}
	return false
}

// fixOf is the package version in which Debian fixed a CVE of a product.
func (k *Knowledge) fixOf(p *product, v, release, id string) (string, bool) {
	for _, name := range p.sourceNames(v) {
		if s, ok := k.debianSource(name, release); ok {
			if fixed, ok := s.Fixed[id]; ok {
				return fixed, true
			}
		}
	}
	return "", false
}

// matchPackages compares the inventory of an authenticated host with the distribution's fixes.
func (k *Knowledge) matchPackages(ctx *scene, h scanlink.Host) []Match {
	if ctx.distro.name != "debian" {
		return nil
	}
	var out []Match
	done := map[string]bool{}
	for _, p := range h.Packages {
		name := p.Source
		if name == "" {
			name = p.Name
		}
		if p.Ecosystem != "deb" || done[name] {
			continue
		}
		done[name] = true
		src, ok := k.debianSource(name, ctx.distro.release)
		if !ok {
			continue
		}
		for id, fixed := range src.Fixed {
			m := Match{CVE: id, Product: name + " " + p.Version, Package: true, QoD: qodInventory, Range: "all package versions so far", Why: "Debian has not fixed it yet."}
			if fixed != "" {
				if order, ok := version.Debian(p.Version, fixed); !ok || order >= 0 {
					continue
				}
				m.Range, m.FixedIn = "package versions before "+fixed, fixed
				m.Why = fmt.Sprintf("The host's package list says %s; Debian fixed it in %s.", p.Version, fixed)
			}
			out = append(out, m)
		}
	}
	return out
}

// rangeText tells the versions of an entry in words.
func rangeText(m *cpeEntry) string {
	var parts []string
	add := func(word, v string) {
		if v != "" {
			parts = append(parts, word+" "+v)
		}
	}
	add("from", m.StartIncluding)
	add("after", m.StartExcluding)
	add("up to", m.EndIncluding)
	add("before", m.EndExcluding)
	if len(parts) > 0 {
		return "versions " + strings.Join(parts, " ")
	}
	if v := value(m.name); v != "" {
		return "version " + v
	}
	return "all versions"
}
