// Package debian reads which package version of a distribution fixed which CVE: the truth about software whose makers'
// version stays while the distribution patches it.
package debian

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/feed/nvd"
)

// Source is one source package of one release.
type Source struct {
	Name     string            `json:"name"`
	Release  string            `json:"release"`            // 12; empty where the versions do not tell
	Version  string            `json:"version,omitempty"`  // the newest package version known
	Upstream string            `json:"upstream,omitempty"` // the maker's version in it
	Fixed    map[string]string `json:"fixed"`              // CVE id to the package version that fixed it; "" : not fixed
}

// MaxSize bounds a file in bytes.
const MaxSize = 256 << 20

type wireSource struct {
	Version  string            `json:"version"`
	Upstream string            `json:"upstream"`
	Fixed    map[string]string `json:"fixed"`
}

// Read takes a whole file, an object of source packages, and gives them by name, or what is wrong with one.
func Read(r io.Reader, each func(Source, error) error) error {
	var all map[string]json.RawMessage
	if err := json.NewDecoder(io.LimitReader(r, MaxSize)).Decode(&all); err != nil {
		return fmt.Errorf("read the packages: %w", err)
	}
	names := make([]string, 0, len(all))
	var sources = map[string]Source{}
	faults := map[string]error{}
	for name, raw := range all {
		names = append(names, name)
		sources[name], faults[name] = Parse(name, raw)
	}
	release := releaseOf(sources)
	slices.Sort(names)
	for _, name := range names {
		s := sources[name]
		s.Release = release
		if err := each(s, faults[name]); err != nil {
			return err
		}
	}
	return nil
}

// Parse reads one source package.
func Parse(name string, raw []byte) (Source, error) {
	var w wireSource
	if err := json.Unmarshal(raw, &w); err != nil {
		return Source{}, fmt.Errorf("package %q: %w", name[:min(len(name), 60)], err)
	}
	if !nameForm.MatchString(name) || len(w.Version) > 128 || len(w.Upstream) > 128 || w.Fixed == nil {
		return Source{}, fmt.Errorf("package %q: not a source package with its fixed CVEs", name[:min(len(name), 60)])
	}
	s := Source{Name: name, Version: w.Version, Upstream: w.Upstream, Fixed: map[string]string{}}
	for id, v := range w.Fixed {
		if nvd.ValidID(id) && len(v) <= 128 {
			s.Fixed[id] = v
		}
	}
	return s, nil
}

var (
	nameForm    = regexp.MustCompile(`^[a-z0-9][a-z0-9+.\-]{0,99}$`)
	releaseForm = regexp.MustCompile(`[+~]deb(\d{1,2})u\d`)
)

// Release is the Debian release that a package version names: 12 of 1:9.2p1-2+deb12u3; empty where it names none.
func Release(version string) string {
	if m := releaseForm.FindStringSubmatch(version); m != nil {
		return m[1]
	}
	return ""
}

// releaseOf is the release that most of the file's versions name.
func releaseOf(sources map[string]Source) string {
	count := map[string]int{}
	for _, s := range sources {
		if r := Release(s.Version); r != "" {
			count[r]++
		}
	}
	best := ""
	for r, n := range count {
		if n > count[best] || n == count[best] && r > best {
			best = r
		}
	}
	return strings.TrimSpace(best)
}
