package feed

import (
	"strings"

	"github.com/vedette/vedette/internal/domain/feed/cpe"
	"github.com/vedette/vedette/internal/domain/feed/version"
)

// truth is three-valued: a scan from outside does not see everything that a configuration names.
type truth int

const (
	no truth = iota
	maybe
	yes
)

func (t truth) not() truth { return yes - t }

// evaluate says whether a configuration holds for a host on which s was seen, and which vulnerable entry s fulfils; nil
// where it fulfils none.
func evaluate(c *configuration, s seen, ctx *scene) (*cpeEntry, truth) {
	var hit *cpeEntry
	all, any := yes, no
	for i := range c.nodes {
		e, t := evaluateNode(&c.nodes[i], s, ctx)
		if e != nil && hit == nil {
			hit = e
		}
		all, any = min(all, t), max(any, t)
	}
	return hit, combine(c.and, c.negate, all, any)
}

func evaluateNode(n *node, s seen, ctx *scene) (*cpeEntry, truth) {
	var hit *cpeEntry
	all, any := yes, no
	for i := range n.entries {
		e := &n.entries[i]
		t := fulfils(e, s, ctx)
		if t > no && e.Vulnerable && hit == nil {
			hit = e
		}
		if t < yes && e.key != "" {
			t = max(t, elsewhere(e, s, ctx))
		}
		all, any = min(all, t), max(any, t)
	}
	return hit, combine(n.and, n.negate, all, any)
}

func combine(and, negate bool, all, any truth) truth {
	t := any
	if and {
		t = all
	}
	if negate {
		t = t.not()
	}
	return t
}

// fulfils compares one entry with one product that was seen.
func fulfils(e *cpeEntry, s seen, ctx *scene) truth {
	if e.key != s.key || e.name.Part != s.name.Part {
		return no
	}
	t := versionFulfils(e, s)
	if t == no {
		return no
	}
	return min(t, attributes(e.name, s.name, ctx))
}

// attributes compares what stands behind the version. A condition of which nothing is known leaves it open.
func attributes(name, target cpe.Name, ctx *scene) truth {
	t := yes
	for _, pair := range [][2]string{{name.Edition, target.Edition}, {name.SWEdition, target.SWEdition}, {name.Other, target.Other}, {name.TargetHW, target.TargetHW}} {
		if pair[0] == cpe.NA || cpe.Covers(pair[0], pair[1]) {
			continue
		}
		if pair[1] != cpe.Any {
			return no
		}
		t = maybe
	}
	if name.TargetSW == cpe.NA || cpe.Covers(name.TargetSW, target.TargetSW) {
		return t
	}
	return min(t, targetSoftware(name.TargetSW, target.TargetSW, ctx))
}

// targetSoftware compares the surroundings that a name is for: an operating system is looked up on the host; any other
// (wordpress, node.js …) makes it another product that happens to bear the same name.
func targetSoftware(want, has string, ctx *scene) truth {
	family := osFamily("", want)
	if family == "" || has != cpe.Any {
		return no
	}
	if !ctx.hasOS {
		return maybe
	}
	if osFamily(ctx.os.Vendor, ctx.os.Product) == family {
		return yes
	}
	return no
}

// versionFulfils compares the version that was seen with the entry's own version or its bounds.
func versionFulfils(m *cpeEntry, s seen) truth {
	if s.version == "" {
		return no
	}
	scheme := version.SchemeOf(s.name.Product)
	switch {
	case m.name.Version == cpe.NA:
		return no
	case m.name.Version != cpe.Any:
		return exact(scheme, m.name, s)
	case !m.Ranged():
		// The record says all versions, and mostly means all that there were. Firmware with such a record is rarely mended.
		if s.name.Part == "a" {
			return no
		}
		return maybe
	case m.StartIncluding != "" && version.Compare(scheme, s.version, m.StartIncluding) < 0,
		m.StartExcluding != "" && version.Compare(scheme, s.version, m.StartExcluding) <= 0,
		m.EndIncluding != "" && version.Compare(scheme, s.version, m.EndIncluding) > 0,
		m.EndExcluding != "" && version.Compare(scheme, s.version, m.EndExcluding) >= 0:
		return no
	}
	return yes
}

func exact(scheme version.Scheme, name cpe.Name, s seen) truth {
	if strings.ContainsAny(name.Version, "*?") {
		if cpe.Covers(name.Version, s.version) || cpe.Covers(name.Version, s.release) {
			return yes
		}
		return no
	}
	whole := version.Compare(scheme, name.Version, s.version) == 0
	base := version.Compare(scheme, name.Version, s.release) == 0
	switch name.Update {
	case cpe.Any:
		if whole || base {
			return yes
		}
	case cpe.NA:
		if whole || base && s.update == "" {
			return yes
		}
	default:
		if base && strings.EqualFold(strings.TrimLeft(name.Update, "-_."), s.update) || version.Compare(scheme, name.Version+name.Update, s.version) == 0 {
			return yes
		}
	}
	return no
}

// elsewhere says whether an entry holds for something else on the host: the platform, or another product.
func elsewhere(e *cpeEntry, s seen, ctx *scene) truth {
	if e.name.Part == "o" {
		return platform(e, ctx)
	}
	if e.key == s.key && e.name.Part == s.name.Part {
		return no // it is the product under judgement, in another version
	}
	known := false
	for _, other := range ctx.seen {
		if other.key != e.key || other.name.Part != e.name.Part || other.version == "" {
			continue
		}
		known = true
		if fulfils(e, other, ctx) == yes {
			return yes
		}
	}
	if known {
		return no
	}
	return maybe
}

// platform compares an operating system in a configuration with the host's.
func platform(e *cpeEntry, ctx *scene) truth {
	if !ctx.hasOS {
		return maybe
	}
	want, has := osFamily(e.name.Vendor, e.name.Product), osFamily(ctx.os.Vendor, ctx.os.Product)
	if e.key != canonical(ctx.os.Key()) {
		// Where a family is meant (any Windows, any Linux), its members fit. Another member of the family does not.
		if want != "" && want == has && general(e.name.Product) {
			return yes
		}
		return no
	}
	if e.name.Version == cpe.NA || e.name.Version == cpe.Any && !e.Ranged() {
		return yes
	}
	os := seen{name: ctx.os, key: e.key, version: version.Clean(value(ctx.os))}
	os.release, os.update = version.Split(os.version)
	if os.version == "" {
		return maybe
	}
	return versionFulfils(e, os)
}

func general(product string) bool {
	return product == "windows" || product == "linux_kernel" || product == "linux" || product == "unix"
}

// osFamily names the family of an operating system; empty for what is none that is known.
func osFamily(vendor, product string) string {
	switch {
	case strings.HasPrefix(product, "windows") || product == "microsoft_windows":
		return "windows"
	case product == "macos" || product == "mac_os_x" || product == "mac_os" || product == "mac_os_x_server":
		return "macos"
	case strings.HasSuffix(product, "bsd"):
		return product
	case product == "linux" || product == "linux_kernel" || product == "unix" || distribution(vendor+":"+product):
		return "linux"
	case product == "android" || product == "iphone_os" || product == "ios":
		return product
	}
	return ""
}

// distribution says whether a name is a Linux distribution, which patches its packages in place.
func distribution(key string) bool {
	switch key {
	case "debian:debian_linux", "canonical:ubuntu_linux", "fedoraproject:fedora", "centos:centos", "opensuse:leap", "opensuse:opensuse",
		"oracle:linux", "amazon:linux", "amazon:linux_2", "alpinelinux:alpine_linux", "rocky:rocky_linux", "almalinux:almalinux",
		"novell:suse_linux", "gentoo:linux", "archlinux:arch_linux", "linuxmint:linux_mint", "kali:kali_linux", "linux:linux_kernel":
		return true
	}
	return strings.HasPrefix(key, "redhat:enterprise_linux") || strings.HasPrefix(key, "suse:linux") || strings.HasPrefix(key, "suse:suse_linux")
}
