package feed

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/feed/cpe"
	"github.com/vedette/vedette/internal/domain/feed/debian"
	"github.com/vedette/vedette/internal/domain/feed/fix"
	"github.com/vedette/vedette/internal/domain/feed/version"
	"github.com/vedette/vedette/internal/scanlink"
)

// distro is who built the software of a host, as far as it shows.
type distro struct {
	name    string // debian, ubuntu, redhat …; none: a system whose software comes from its makers; empty: not known
	release string // as its fixes name it: 12 of Debian, 22.04 of Ubuntu, 9 of Red Hat, 3.18 of Alpine Linux
	clone   string // of redhat: the clone whose own fixes come first
}

// distroOf reads the host's operating system, then the banners of all its services.
func distroOf(h scanlink.HostFacts) distro {
	if n, err := cpe.Parse(h.Host.OSCPE); err == nil {
		switch family := osFamily(n.Vendor, n.Product); {
		case n.Key() == "linux:linux_kernel":
		case family == "linux":
			return distroNamed(n)
		case family != "" || n.Part == "h":
			return distro{name: "none"}
		}
	}
	var d distro
	for _, s := range h.Services {
		if r := debian.Release(s.Package); r != "" {
			return distro{name: fix.Debian, release: r}
		}
		text := strings.ToLower(s.Package + " " + s.Banner)
		switch {
		case d.name != "":
		case strings.Contains(text, "ubuntu"):
			d.name = fix.Ubuntu
		case strings.Contains(text, "debian"):
			d.name = fix.Debian
		case enterprise.MatchString(text):
			d = distro{name: fix.RedHat, release: enterprise.FindStringSubmatch(text)[1]}
		case strings.Contains(text, "red hat") || strings.Contains(text, "centos"):
			d.name = fix.RedHat
		}
	}
	return d
}

// enterprise is the mark of a package of Red Hat Enterprise Linux.
var enterprise = regexp.MustCompile(`\.el(\d{1,2})(?:_\d+)?\b`)

// distroNamed reads a distribution's CPE name.
func distroNamed(n cpe.Name) distro {
	parts := strings.Split(value(n), ".")
	minor := strings.Join(parts[:min(2, len(parts))], ".")
	switch key := n.Key(); {
	case key == "debian:debian_linux":
		return distro{name: fix.Debian, release: parts[0]}
	case key == "canonical:ubuntu_linux":
		return distro{name: fix.Ubuntu, release: minor}
	case key == "alpinelinux:alpine_linux":
		return distro{name: fix.Alpine, release: minor}
	case n.Vendor == "rocky":
		return distro{fix.RedHat, parts[0], fix.Rocky}
	case n.Vendor == "almalinux":
		return distro{fix.RedHat, parts[0], fix.Alma}
	case n.Vendor == "centos" || n.Vendor == "oracle" || n.Vendor == "redhat" && strings.HasPrefix(n.Product, "enterprise_linux"):
		return distro{name: fix.RedHat, release: parts[0]}
	}
	return distro{name: n.Vendor, release: value(n)}
}

// fixesOf is what a distribution says of a source package: a clone's own word first. Without a release there is no word.
func (k *Knowledge) fixesOf(d distro, name string) (fix.Source, bool) {
	if d.clone != "" && d.release != "" {
		if s, ok := k.fixes(d.clone, name, d.release); ok {
			return s, true
		}
	}
	if d.name == "" {
		return k.fixes(fix.Debian, name, d.release)
	}
	if d.release == "" && d.name != fix.Debian {
		return fix.Source{}, false
	}
	return k.fixes(d.name, name, d.release)
}

// fixOf is what a distribution says of a CVE in a product.
func (k *Knowledge) fixOf(d distro, p *product, v, id string) (fix.Source, bool) {
	for _, name := range p.sourceNames(v) {
		if s, ok := k.fixesOf(d, name); ok {
			if _, told := s.Fixed[id]; told {
				return s, true
			}
		}
	}
	return fix.Source{}, false
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
	case ctx.installed(p, s) != "":
		s.pkg = ctx.installed(p, s)
		return k.byPackage(ctx, p, s, id, true)
	case s.pkg != "":
		return k.byPackage(ctx, p, s, id, false)
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
	if v, ok := k.byShipped(ctx, p, s, id, by); ok {
		return v
	}
	return verdict{qod: qodUnpatched, why: fmt.Sprintf("The version is one that %s ships and patches in place; its package version does not show.", by)}
}

// byShipped asks the distribution of the host about a maker's version that it ships. Of a host whose distribution is not known
// Debian's word is taken, and never for certain.
func (k *Knowledge) byShipped(ctx *scene, p *product, s seen, id, by string) (verdict, bool) {
	d := ctx.distro
	src, ok := k.fixOf(d, p, s.version, id)
	if !ok {
		return verdict{}, false
	}
	fixedIn, title, certain := src.Fixed[id], fix.Title(src.Distro), d.name != ""
	older := fixedIn != "" && version.Compare(version.SchemeOf(s.name.Product), version.Upstream(fixedIn), s.version) < 0
	switch {
	case older && (certain || strings.HasPrefix(by, "Debian")):
		return verdict{fixed: true}, true
	case fixedIn == "" && certain:
		return verdict{qod: told(s), why: title + " has not fixed this in the release that the host runs."}, true
	case fixedIn == "":
		return verdict{qod: qodUnpatched, why: title + " has not fixed this; whether the host runs its package cannot be seen."}, true
	}
	return verdict{qod: qodUnpatched, fixedIn: fixedIn, why: fmt.Sprintf("%s fixed this in its package %s without showing it in the version; which package runs here cannot be seen.", title, fixedIn)}, true
}

// packager is the distribution that built a package version in a banner.
func (k *Knowledge) packager(ctx *scene, p *product, pkg string) distro {
	d := ctx.distro
	switch {
	case strings.Contains(pkg, "ubuntu"):
		if d.name != fix.Ubuntu || d.release == "" {
			d = distro{name: fix.Ubuntu, release: k.releaseOf(fix.Ubuntu, p, version.Upstream(pkg))}
		}
		return d
	case enterprise.MatchString(pkg):
		release := enterprise.FindStringSubmatch(pkg)[1]
		if d.name != fix.RedHat || d.release != release {
			d = distro{name: fix.RedHat, release: release}
		}
		return d
	case strings.Contains(pkg, ".fc"):
		return distro{name: "fedora"}
	case d.name == fix.Alpine && alpineRevision.MatchString(pkg):
		return d
	}
	release := debian.Release(pkg)
	if release == "" && d.name == fix.Debian {
		release = d.release
	}
	return distro{name: fix.Debian, release: release}
}

var alpineRevision = regexp.MustCompile(`-r\d+$`)

// releaseOf is the one release of a distribution that ships a maker's version; empty where none or several do.
func (k *Knowledge) releaseOf(name string, p *product, upstream string) string {
	var found []string
	for _, source := range p.sourceNames(upstream) {
		for _, s := range k.sources[source] {
			if s.Distro == name && s.Upstream == upstream {
				found = append(found, s.Release)
			}
		}
	}
	slices.Sort(found)
	if found = slices.Compact(found); len(found) == 1 {
		return found[0]
	}
	return ""
}

// byPackage compares a package version with the fix of who built it. inside says that the host's own list tells it.
func (k *Knowledge) byPackage(ctx *scene, p *product, s seen, id string, inside bool) verdict {
	d := k.packager(ctx, p, s.pkg)
	title, qod := fix.Title(d.name), qodPackage
	if inside {
		qod = qodInventory
	}
	if src, ok := k.fixOf(d, p, version.Upstream(s.pkg), id); ok {
		switch state, fixedIn := src.State(id, s.pkg); {
		case state == fix.Absent:
			return verdict{fixed: true}
		case state == fix.Open && d.release != "":
			return verdict{qod: qod, pkg: true, why: fmt.Sprintf("%s %s has not fixed this in any package yet.", title, d.release)}
		case state == fix.Older && d.release != "":
			return verdict{qod: qod, pkg: true, fixedIn: fixedIn, why: fmt.Sprintf("Package version %s is older than %s, which fixes it.", s.pkg, fixedIn)}
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
