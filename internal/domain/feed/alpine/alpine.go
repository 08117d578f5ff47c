// Package alpine reads the security database of Alpine Linux: one JSON document a release and repository, with the CVEs that
// each version of a package fixed (https://secdb.alpinelinux.org).
package alpine

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/vedette/vedette/internal/domain/feed/fix"
	"github.com/vedette/vedette/internal/domain/feed/nvd"
)

// MaxSize bounds a document in bytes; the largest has 1 MiB.
const MaxSize = 64 << 20

type document struct {
	Release  string `json:"distroversion"` // v3.18, edge
	Packages []struct {
		Package struct {
			Name  string              `json:"name"`
			Fixes map[string][]string `json:"secfixes"` // version to CVE ids; 0: never affected
		} `json:"pkg"`
	} `json:"packages"`
}

var releaseForm = regexp.MustCompile(`^v(\d{1,2}\.\d{1,2})$`)

// Read gives the packages of a document, or what is wrong with one.
func Read(r io.Reader, each func(fix.Source, error) error) error {
	var d document
	if err := json.NewDecoder(io.LimitReader(r, MaxSize)).Decode(&d); err != nil {
		return fmt.Errorf("read the packages: %w", err)
	}
	m := releaseForm.FindStringSubmatch(d.Release)
	if m == nil {
		return fmt.Errorf("%.40q is no release of Alpine Linux whose packages can be told by their version", d.Release)
	}
	for _, p := range d.Packages {
		s := fix.Source{Distro: fix.Alpine, Name: p.Package.Name, Release: m[1], Fixed: map[string]string{}}
		var err error
		if !fix.Named(s.Name) {
			err = fmt.Errorf("%.60q is no name of a package", s.Name)
		}
		for version, ids := range p.Package.Fixes {
			if _, ok := fix.Order(fix.Alpine, version, version); !ok && version != fix.Never {
				continue
			}
			for _, entry := range ids { // an entry may hold several ids, and words in brackets
				for _, id := range strings.Fields(entry) {
					if nvd.ValidID(id) {
						s.Add(id, version)
					}
				}
			}
		}
		if err := each(s, err); err != nil {
			return err
		}
	}
	return nil
}
