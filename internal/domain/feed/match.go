package feed

import (
	"cmp"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/feed/cpe"
	"github.com/vedette/vedette/internal/domain/feed/version"
	"github.com/vedette/vedette/internal/scanlink"
)

// Match is a CVE that a product's version implies at one place.
type Match struct {
	CVE      string
	Port     uint16 // 0: the whole host
	Protocol string
	URL      string // where a web page showed the software
	Product  string // name and version as seen: openssh 9.2p1
	CPE      string
	Range    string // the versions that the CVE names: versions from 11.0 before 11.17
	FixedIn  string // the version that fixes it, where the knowledge tells
	Package  bool   // settled by the version of a distribution's package
	Restart  bool   // the fixed kernel is installed, and an older one runs
	QoD      int    // 97 inventory, 80 and 75 the version settles it, under 70 it does not
	Why      string // how sure it is and why, in a sentence
}

// The quality of detection of version matches. Under 70 a match is possible only and counts in no verdict.
const (
	qodInventory   = 97 // the host's own package list, compared with the distribution's fix
	qodPackage     = 80 // package version in a banner, compared with the distribution's fix
	qodExact       = 80 // maker's version told by the protocol, and nobody patches that version in place
	qodBanner      = 75 // the same from a banner
	qodUnpatched   = 50 // a distribution may have patched this version
	qodIncomplete  = 30 // a part of the configuration was not seen
	qodGuess       = 30 // the version itself is a guess
	thresholdGuess = 70
)

// Match compares everything that was seen of a host with the knowledge, in a stable order: by place, then CVE.
func (k *Knowledge) Match(h scanlink.HostFacts) []Match {
	ctx := sceneOf(h)
	var out []Match
	for _, c := range ctx.seen {
		out = append(out, k.matchOne(ctx, c)...)
	}
	out = append(out, k.matchPackages(ctx, out)...)
	slices.SortFunc(out, func(a, b Match) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Port, b.Port), cmp.Compare(cveKey(a.CVE), cveKey(b.CVE)),
			cmp.Compare(b.QoD, a.QoD), cmp.Compare(a.Product, b.Product), cmp.Compare(a.URL, b.URL))
	})
	// The same CVE twice at one place (by two names of one product): the surer one stays.
	return slices.CompactFunc(out, func(a, b Match) bool {
		return a.Protocol == b.Protocol && a.Port == b.Port && a.CVE == b.CVE
	})
}

// seen is one product at one place.
type seen struct {
	name     cpe.Name
	key      string // canonical vendor:product
	version  string
	release  string // version without its update
	update   string
	pkg      string // Debian package version
	product  string
	port     uint16
	protocol string
	url      string
	qod      int
	served   bool // software that pages serve to browsers: no distribution stands between maker and version
}

// scene is what a host shows, for names that must hold together.
type scene struct {
	seen      []seen
	os        cpe.Name // zero: not known
	hasOS     bool
	distro    distro
	inventory inventory
}

func sceneOf(h scanlink.HostFacts) *scene {
	ctx := &scene{}
	if n, err := cpe.Parse(h.Host.OSCPE); err == nil {
		ctx.os, ctx.hasOS = n, true
		ctx.add(seen{name: n, version: value(n), product: strings.TrimSpace(h.Host.OS), qod: cmp.Or(h.Host.OSQoD, qodGuess)})
	}
	for _, s := range h.Services {
		if s.State != "" && s.State != "open" {
			continue
		}
		if n, err := cpe.Parse(s.CPE); err == nil {
			ctx.add(seen{
				name: n, version: cmp.Or(s.Version, value(n)), pkg: s.Package, product: cmp.Or(s.Product, n.Product),
				port: s.Port, protocol: s.Protocol, qod: cmp.Or(s.QoD, qodGuess),
			})
		}
		for _, w := range s.Software {
			if n, err := cpe.Parse(w.CPE); err == nil {
				ctx.add(seen{
					name: n, version: cmp.Or(w.Version, value(n)), product: cmp.Or(w.Product, n.Product), port: s.Port, protocol: s.Protocol,
					url: w.URL, qod: cmp.Or(w.QoD, qodGuess), served: servedLibrary(n),
				})
			}
		}
	}
	ctx.distro = distroOf(h)
	ctx.inventory = inventoryOf(ctx.distro, h.Host)
	return ctx
}

// value is the version inside a name: 8.5p1 of …:8.5:p1; empty where it says none.
func value(n cpe.Name) string {
	if n.Version == cpe.Any || n.Version == cpe.NA {
		return ""
	}
	if n.Update == cpe.Any || n.Update == cpe.NA {
		return n.Version
	}
	return n.Version + n.Update
}

// servedLibrary says whether a name is a library that pages carry to the browser; its version is what runs.
func servedLibrary(n cpe.Name) bool {
	switch n.Product {
	case "jquery", "jquery_ui", "jqueryui", "angularjs", "angular.js", "bootstrap", "moment", "lodash", "handlebars", "dojo", "prototype_javascript_framework", "vue.js", "ckeditor", "tinymce", "dompurify", "underscore", "datatables.net":
		return true
	}
	return n.TargetSW == "javascript"
}

func (ctx *scene) add(s seen) {
	s.key = canonical(s.name.Key())
	s.version = version.Clean(s.version)
	s.release, s.update = version.Split(s.version)
	ctx.seen = append(ctx.seen, s)
}

// matchOne finds the CVEs of one product at one place.
func (k *Knowledge) matchOne(ctx *scene, s seen) []Match {
	if s.version == "" || s.name.Part == "o" && distribution(s.key) {
		// NVD lists releases of distributions for almost every CVE; whether one is patched, only its packages tell.
		return nil
	}
	var out []Match
	for _, c := range k.ofProduct(s.key) {
		e, t := evaluateAll(c.configs, s, ctx)
		if e == nil || t == no {
			continue
		}
		if found, ok := k.judgeVersion(ctx, s, c.id, e, t); ok {
			out = append(out, found)
		}
	}
	return out
}

// evaluateAll is the best outcome over alternative configurations, with the entry that s fulfils.
func evaluateAll(all []configuration, s seen, ctx *scene) (*cpeEntry, truth) {
	var best *cpeEntry
	top := no
	for i := range all {
		if e, t := evaluate(&all[i], s, ctx); e != nil && t > top {
			best, top = e, t
		}
	}
	return best, top
}
