package feed

import (
	"strings"

	"github.com/vedette/vedette/internal/domain/feed/cpe"
	"github.com/vedette/vedette/internal/domain/feed/nvd"
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
func evaluate(c *nvd.Configuration, s seen, ctx *scene) (*nvd.Match, truth) {
	var hit *nvd.Match
	all, any := yes, no
	for i := range c.Nodes {
		m, t := evaluateNode(&c.Nodes[i], s, ctx)
		if m != nil && hit == nil {
			hit = m
		}
		all, any = min(all, t), max(any, t)
	}
	t := any
	if c.Operator == "AND" {
		t = all
	}
	if c.Negate {
		t = t.not()
	}
	return hit, t
}

func evaluateNode(n *nvd.Node, s seen, ctx *scene) (*nvd.Match, truth) {
	var hit *nvd.Match
	all, any := yes, no
	for i := range n.Matches {
		m := &n.Matches[i]
		name, err := cpe.Parse(m.Criteria)
		t := no
		if err == nil {
			t = fulfils(m, name, s, ctx)
			if t > no && m.Vulnerable && hit == nil {
				hit = m
			}
			if t < yes {
				t = max(t, elsewhere(m, name, s, ctx))
			}
		}
		all, any = min(all, t), max(any, t)
	}
	t := any
	if n.Operator == "AND" {
		t = all
	}
	if n.Negate {
		t = t.not()
	}
	return hit, t
}

// fulfils compares one entry with one product that was seen.
func fulfils(m *nvd.Match, name cpe.Name, s seen, ctx *scene) truth {
	if name.Part != s.name.Part || canonical(name.Key()) != s.key {
		return no
	}
	t := versionFulfils(m, name, s)
	if t == no {
		return no
	}
	return min(t, attributes(name, s.name, ctx))
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
func versionFulfils(m *nvd.Match, name cpe.Name, s seen) truth {
	if s.version == "" {
		return no
	}
	scheme := version.SchemeOf(s.name.Product)
	switch {
	case name.Version == cpe.NA:
		return no
	case name.Version != cpe.Any:
		return exact(scheme, name, s)
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
func elsewhere(m *nvd.Match, name cpe.Name, s seen, ctx *scene) truth {
	if name.Part == "o" {
		return platform(m, name, ctx)
	}
	key := canonical(name.Key())
	if name.Part == s.name.Part && key == s.key {
		return no // it is the product under judgement, in another version
	}
	known := false
	for _, other := range ctx.seen {
		if other.key != key || other.name.Part != name.Part || other.version == "" {
			continue
		}
		known = true
		if fulfils(m, name, other, ctx) == yes {
			return yes
		}
	}
	if known {
		return no
	}
	return maybe
}

// platform compares an operating system in a configuration with the host's.
func platform(m *nvd.Match, name cpe.Name, ctx *scene) truth {
	if !ctx.hasOS {
		return maybe
	}
	want, has := osFamily(name.Vendor, name.Product), osFamily(ctx.os.Vendor, ctx.os.Product)
	same := canonical(name.Key()) == canonical(ctx.os.Key())
	if !same && (want == "" || want != has) {
		return no
	}
	if !same {
		// A family is meant: any Windows, any Linux. Another member of the family is not.
		if general(name.Product) {
			return yes
		}
		return no
	}
	if name.Version == cpe.NA || name.Version == cpe.Any && !m.Ranged() {
		return yes
	}
	os := seen{name: ctx.os, key: canonical(ctx.os.Key()), version: version.Clean(value(ctx.os))}
	os.release, os.update = version.Split(os.version)
	if os.version == "" {
		return maybe
	}
	return versionFulfils(m, name, os)
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
