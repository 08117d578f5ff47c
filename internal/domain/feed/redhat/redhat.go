// Package redhat reads Red Hat's documents on vulnerabilities in the Common Security Advisory Framework 2.0: one file a CVE
// (VEX) or an advisory, with the packages that are fixed, affected and not affected in each product
// (https://security.access.redhat.com/data/csaf/v2).
package redhat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/feed/fix"
	"github.com/vedette/vedette/internal/domain/feed/nvd"
)

// MaxSize bounds a document in bytes; those of the kernel have some 20 MiB.
const MaxSize = 128 << 20

type document struct {
	Document struct {
		Publisher struct {
			Name string `json:"name"`
		} `json:"publisher"`
	} `json:"document"`
	Tree struct {
		Branches      []branch `json:"branches"`
		Relationships []struct {
			Category string  `json:"category"`
			Full     product `json:"full_product_name"`
			Part     string  `json:"product_reference"`
			Of       string  `json:"relates_to_product_reference"`
		} `json:"relationships"`
	} `json:"product_tree"`
	Vulnerabilities []struct {
		CVE    string `json:"cve"`
		Status struct {
			Fixed       []string `json:"fixed"`
			Affected    []string `json:"known_affected"`
			NotAffected []string `json:"known_not_affected"`
		} `json:"product_status"`
	} `json:"vulnerabilities"`
}

type branch struct {
	Branches []branch `json:"branches"`
	Product  *product `json:"product"`
}

type product struct {
	ID     string `json:"product_id"`
	Helper struct {
		CPE  string `json:"cpe"`
		PURL string `json:"purl"`
	} `json:"product_identification_helper"`
}

// ErrOthers is given for a document of another publisher.
var ErrOthers = errors.New("only documents of Red Hat are read")

// Read gives what a document says of source packages.
func Read(r io.Reader) ([]fix.Source, error) {
	var d document
	if err := json.NewDecoder(io.LimitReader(r, MaxSize)).Decode(&d); err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	if !strings.Contains(d.Document.Publisher.Name, "Red Hat") {
		return nil, ErrOthers
	}
	t := d.index()
	for _, v := range d.Vulnerabilities {
		if !nvd.ValidID(v.CVE) {
			continue
		}
		for _, id := range v.Status.NotAffected {
			t.note(v.CVE, id, fix.Never)
		}
		for _, id := range v.Status.Affected {
			t.note(v.CVE, id, "")
		}
		for _, id := range v.Status.Fixed {
			t.note(v.CVE, id, "fixed")
		}
	}
	return t.sources(), nil
}

// table knows the products of a document.
type table struct {
	releases map[string]string // product id of a platform: its major release
	parts    map[string]part   // product id of a package
	places   map[string]place  // product id of a package in a platform
	found    map[string]*fix.Source
}

type part struct {
	name, version string // no version: the package in any
}

type place struct{ part, platform string }

func (d *document) index() *table {
	t := &table{releases: map[string]string{}, parts: map[string]part{}, places: map[string]place{}, found: map[string]*fix.Source{}}
	t.branches(d.Tree.Branches, 0)
	for _, r := range d.Tree.Relationships {
		if r.Category == "default_component_of" {
			t.places[r.Full.ID] = place{r.Part, r.Of}
		}
	}
	return t
}

// platformForm is a release of Red Hat Enterprise Linux, also in its extended support: cpe:/o:redhat:enterprise_linux:9::baseos,
// cpe:/a:redhat:rhel_eus:9.2::appstream.
var platformForm = regexp.MustCompile(`^cpe:/[ao]:redhat:(?:enterprise_linux|rhel_(?:eus|aus|e4s|tus|els)(?:_long_life)?):(\d{1,2})(?:[.:]|$)`)

const maxDepth = 16

func (t *table) branches(all []branch, depth int) {
	for _, b := range all {
		if b.Product != nil {
			t.product(*b.Product)
		}
		if depth < maxDepth {
			t.branches(b.Branches, depth+1)
		}
	}
}

func (t *table) product(p product) {
	if m := platformForm.FindStringSubmatch(p.Helper.CPE); m != nil {
		t.releases[p.ID] = m[1]
	}
	if found, ok := readPURL(p.Helper.PURL); ok {
		t.parts[p.ID] = found
	}
}

// readPURL reads pkg:rpm/redhat/name@version-release?arch=src&epoch=1. Of binary packages nothing is kept: their sources say
// the same, and an inventory names its sources.
func readPURL(s string) (part, bool) {
	rest, ok := strings.CutPrefix(s, "pkg:rpm/redhat/")
	if !ok {
		return part{}, false
	}
	path, query, _ := strings.Cut(rest, "?")
	name, version, versioned := strings.Cut(path, "@")
	if !fix.Named(name) || versioned && !strings.Contains(query, "arch=src") {
		return part{}, false
	}
	if _, epoch, ok := strings.Cut(query, "epoch="); ok && versioned {
		if epoch, _, _ = strings.Cut(epoch, "&"); epoch != "0" {
			version = epoch + ":" + version
		}
	}
	return part{name, strings.NewReplacer("%2B", "+", "%2b", "+", "%5E", "^", "%7E", "~").Replace(version)}, len(version) <= fix.MaxText
}

// note says of a package in a platform what a status says of it.
func (t *table) note(cve, id, status string) {
	at, ok := t.places[id]
	if !ok {
		return
	}
	release := t.releases[at.platform]
	p, known := t.parts[at.part]
	if !known && fix.Named(at.part) {
		p, known = part{name: at.part}, true
	}
	if release == "" || !known || status == "fixed" && p.version == "" {
		return
	}
	key := p.name + "/" + release
	s := t.found[key]
	if s == nil {
		s = &fix.Source{Distro: fix.RedHat, Name: p.name, Release: release, Fixed: map[string]string{}}
		t.found[key] = s
	}
	switch status {
	case "fixed":
		s.Add(cve, p.version)
	case "":
		if s.Fixed[cve] == fix.Never {
			delete(s.Fixed, cve) // affected in one stream, and not in another
		}
		s.Add(cve, "")
	default:
		s.Add(cve, status)
	}
}

func (t *table) sources() []fix.Source {
	out := make([]fix.Source, 0, len(t.found))
	for _, s := range t.found {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b fix.Source) int { return strings.Compare(a.Name+"/"+a.Release, b.Name+"/"+b.Release) })
	return out
}
