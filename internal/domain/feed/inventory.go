package feed

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/feed/fix"
	"github.com/vedette/vedette/internal/domain/feed/version"
	"github.com/vedette/vedette/internal/scanlink"
)

// inventory is what the host's own list of packages says, by source package.
type inventory struct {
	versions map[string]string // source package: its installed version
	kernel   *kernel
}

// kernel is the one that runs, as a package.
type kernel struct {
	source  string
	running string // package version
	newest  string // of the kernels that are installed
}

// managers are the package managers of the distributions whose fixes are known.
var managers = map[string]string{fix.Debian: "deb", fix.Ubuntu: "deb", fix.RedHat: "rpm", fix.Alpine: "apk"}

// inventoryOf gathers the source packages of a host. The kernel stands apart: many are installed, one runs.
func inventoryOf(d distro, h scanlink.Host) inventory {
	in := inventory{versions: map[string]string{}}
	for _, p := range h.Packages {
		if p.Ecosystem != managers[d.name] {
			continue
		}
		name, v := sourceOf(p)
		if kernelSource(d, name) || kernelPart.MatchString(p.Name) && p.Ecosystem == "deb" {
			continue
		}
		if have, ok := in.versions[name]; ok {
			// Two versions of one source: the older one is the one to worry about.
			if order, ok := fix.Order(d.name, v, have); !ok || order >= 0 {
				continue
			}
		}
		in.versions[name] = v
	}
	in.kernel = kernelOf(d, h)
	return in
}

func sourceOf(p scanlink.Package) (name, v string) {
	name, v = p.Source, p.SourceVersion
	if name == "" {
		name = p.Name
	}
	if v == "" {
		v = p.Version
	}
	return name, v
}

// installed is the version of the package that a product seen from outside is of: where the host has a package of it, in the
// maker's version that was seen.
func (ctx *scene) installed(p *product, s seen) string {
	scheme := version.SchemeOf(s.name.Product)
	for _, name := range p.sourceNames(s.version) {
		if v := ctx.inventory.versions[name]; v != "" && version.Compare(scheme, version.Upstream(v), s.version) == 0 {
			return v
		}
	}
	return ""
}

// matchPackages compares the inventory with the distribution's fixes. What was told already of a service is not told again of
// the host.
func (k *Knowledge) matchPackages(ctx *scene, before []Match) []Match {
	var out []Match
	for _, name := range sortedKeys(ctx.inventory.versions) {
		out = append(out, k.matchPackage(ctx.distro, name, ctx.inventory.versions[name], before)...)
	}
	if ctx.inventory.kernel != nil {
		out = append(out, k.matchKernel(ctx.distro, *ctx.inventory.kernel)...)
	}
	return out
}

func (k *Knowledge) matchPackage(d distro, name, installed string, before []Match) []Match {
	src, ok := k.fixesOf(d, name)
	if !ok {
		return nil
	}
	var out []Match
	for _, id := range sortedKeys(src.Fixed) {
		m := Match{CVE: id, Product: name + " " + installed, Package: true, QoD: qodInventory}
		state, fixedIn := src.State(id, installed)
		switch {
		case state == fix.Open:
			m.Range, m.Why = "all package versions so far", fix.Title(src.Distro)+" has not fixed it yet."
		case state == fix.Older:
			m.Range, m.FixedIn = "package versions before "+fixedIn, fixedIn
			m.Why = fmt.Sprintf("The host's package list says %s; %s fixed it in %s.", installed, fix.Title(src.Distro), fixedIn)
		default:
			continue
		}
		told := slices.ContainsFunc(before, func(b Match) bool { return b.CVE == id && b.Package && b.QoD == qodInventory && b.Port != 0 })
		if !told {
			out = append(out, m)
		}
	}
	return out
}

// matchKernel judges the kernel that runs, and says where the fixed one waits for a restart.
func (k *Knowledge) matchKernel(d distro, running kernel) []Match {
	out := k.matchPackage(d, running.source, running.running, nil)
	for i := range out {
		m := &out[i]
		m.Product = running.source + " " + running.running
		if m.FixedIn == "" {
			continue
		}
		m.Why = fmt.Sprintf("The kernel that runs is %s; %s fixed it in %s.", running.running, fix.Title(d.name), m.FixedIn)
		if order, ok := fix.Order(d.name, running.newest, m.FixedIn); ok && order >= 0 {
			m.Restart = true
			m.Why += fmt.Sprintf(" Kernel %s is installed, and the host was not restarted since.", running.newest)
		}
	}
	return out
}

// kernelSource says whether a source package is the kernel, or a signed build or bundle of it.
func kernelSource(d distro, name string) bool {
	switch managers[d.name] {
	case "deb":
		return name == "linux" || strings.HasPrefix(name, "linux-signed") || strings.HasPrefix(name, "linux-meta") || strings.HasPrefix(name, "linux-restricted")
	case "rpm":
		return name == "kernel" || name == "kernel-rt"
	case "apk":
		return alpineKernel.MatchString(name)
	}
	return false
}

var (
	alpineKernel  = regexp.MustCompile(`^linux-(lts|virt|edge|rpi|rpi2|rpi4|stable)$`)
	alpineRelease = regexp.MustCompile(`^([\d.]+)-(\d+)-(\w+)$`)
	kernelPart    = regexp.MustCompile(`^linux-(image|modules|headers|tools|cloud-tools|buildinfo|kbuild|compiler|config|support|source|doc|libc-dev)\b`)
	imageName     = regexp.MustCompile(`^linux-image-(?:unsigned-)?\d`)
)

// kernelOf finds the package of the kernel that runs; nil in a container, which has no kernel of its own, and where it is not
// a package's.
func kernelOf(d distro, h scanlink.Host) *kernel {
	k := kernel{running: h.KernelPackage}
	switch managers[d.name] {
	case "deb":
		k.ofImages(d, h)
	case "rpm":
		k.source = "kernel"
		k.newestOf(d, h, func(p scanlink.Package) bool { return p.Name == "kernel" || p.Name == "kernel-core" })
	case "apk":
		if m := alpineRelease.FindStringSubmatch(h.Kernel); m != nil {
			k.source, k.running = "linux-"+m[3], m[1]+"-r"+m[2]
			k.newestOf(d, h, func(p scanlink.Package) bool { return p.Name == k.source })
		}
	}
	if k.source == "" || k.running == "" || k.newest == "" {
		return nil
	}
	return &k
}

// ofImages finds the source of a kernel of Debian or Ubuntu by the package of its image.
func (k *kernel) ofImages(d distro, h scanlink.Host) {
	for _, p := range h.Packages {
		if p.Name != "linux-image-"+h.Kernel && p.Name != "linux-image-unsigned-"+h.Kernel {
			continue
		}
		k.source = unsigned(d, p)
		if k.running == "" {
			k.running = p.Version
		}
	}
	if k.source == "" { // its package was removed, and it runs on
		k.source = "linux"
	}
	k.newestOf(d, h, func(p scanlink.Package) bool { return imageName.MatchString(p.Name) && unsigned(d, p) == k.source })
}

// unsigned is the source package behind a signed image: linux of linux-signed-amd64 in Debian, linux-aws of linux-signed-aws
// in Ubuntu.
func unsigned(d distro, p scanlink.Package) string {
	name, _ := sourceOf(p)
	if d.name == fix.Debian && strings.HasPrefix(name, "linux-signed") {
		return "linux"
	}
	return strings.Replace(name, "-signed", "", 1)
}

func (k *kernel) newestOf(d distro, h scanlink.Host, is func(scanlink.Package) bool) {
	for _, p := range h.Packages {
		if !is(p) {
			continue
		}
		if order, ok := fix.Order(d.name, p.Version, k.newest); k.newest == "" || ok && order > 0 {
			k.newest = p.Version
		}
	}
}
