// Package ubuntu reads Ubuntu's database of security notices (https://usn.ubuntu.com/usn-db/database.json): an object of
// notices, each with its CVEs and the package versions that fix them in each release.
package ubuntu

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/vedette/vedette/internal/domain/feed/fix"
	"github.com/vedette/vedette/internal/domain/feed/nvd"
)

// MaxSize bounds the database in bytes; it has some 300 MiB.
const MaxSize = 2 << 30

// releases are Ubuntu's, by the first word of their name.
var releases = map[string]string{
	"trusty": "14.04", "xenial": "16.04", "bionic": "18.04", "focal": "20.04", "jammy": "22.04", "kinetic": "22.10", "lunar": "23.04",
	"mantic": "23.10", "noble": "24.04", "oracular": "24.10", "plucky": "25.04", "questing": "25.10",
}

type notice struct {
	CVEs     []string `json:"cves"`
	Releases map[string]struct {
		Sources map[string]struct {
			Version string `json:"version"`
		} `json:"sources"`
	} `json:"releases"`
}

// Read streams the notices, and gives what each says of packages, or what is wrong with it.
func Read(r io.Reader, each func(id string, all []fix.Source, err error) error) error {
	dec := json.NewDecoder(io.LimitReader(r, MaxSize))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("read the notices: not an object")
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return fmt.Errorf("read the notices: %w", err)
		}
		id, _ := t.(string)
		id = id[:min(len(id), 40)]
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return fmt.Errorf("read notice %s: %w", id, err)
		}
		all, err := Parse(raw)
		if err := each(id, all, err); err != nil {
			return err
		}
	}
	return nil
}

// Parse reads one notice. One without CVEs, or about releases that are not known, gives nothing.
func Parse(raw []byte) ([]fix.Source, error) {
	var n notice
	if err := json.Unmarshal(raw, &n); err != nil {
		return nil, fmt.Errorf("read the notice: %w", err)
	}
	var out []fix.Source
	for codename, release := range n.Releases {
		number := releases[codename]
		if number == "" {
			continue
		}
		for name, source := range release.Sources {
			if _, ok := fix.Order(fix.Ubuntu, source.Version, source.Version); !ok || !fix.Named(name) {
				continue
			}
			s := fix.Source{Distro: fix.Ubuntu, Name: name, Release: number, Fixed: map[string]string{}}
			for _, id := range n.CVEs {
				if nvd.ValidID(id) {
					s.Add(id, source.Version)
				}
			}
			if len(s.Fixed) > 0 {
				out = append(out, s)
			}
		}
	}
	return out, nil
}
