// Package debian reads which package version of a distribution fixed which CVE: the truth about software whose makers'
// version stays while the distribution patches it.
package debian

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"

	"github.com/vedette/vedette/internal/domain/feed/fix"
	"github.com/vedette/vedette/internal/domain/feed/nvd"
)

// Source is one source package of one release.
type Source = fix.Source

// MaxSize bounds a file in bytes.
const MaxSize = 256 << 20

type wireSource struct {
	Version  string            `json:"version"`
	Upstream string            `json:"upstream"`
	Fixed    map[string]string `json:"fixed"`
}

// Read streams a file, an object of source packages in either form, and gives them in its order, or what is wrong with
// one. The forms are this program's own (Parse) and that of Debian's security tracker (ParseTracker).
func Read(r io.Reader, each func(Source, error) error) error {
	dec := json.NewDecoder(io.LimitReader(r, MaxSize))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("read the packages: not an object")
	}
	var own []Source // held back until the release of the file is known
	for dec.More() {
		name, raw, err := next(dec)
		if err != nil {
			return err
		}
		if trackerForm.Match(raw) {
			sources, err := ParseTracker(name, raw)
			if err != nil {
				if err := each(Source{Name: name}, err); err != nil {
					return err
				}
			}
			for _, s := range sources {
				if err := each(s, nil); err != nil {
					return err
				}
			}
			continue
		}
		s, err := Parse(name, raw)
		if err == nil {
			own = append(own, s)
			continue
		}
		if err := each(Source{}, err); err != nil {
			return err
		}
	}
	release := releaseOf(own)
	for _, s := range own {
		s.Release = release
		if err := each(s, nil); err != nil {
			return err
		}
	}
	return nil
}

func next(dec *json.Decoder) (name string, raw json.RawMessage, err error) {
	t, err := dec.Token()
	if err != nil {
		return "", nil, fmt.Errorf("read the packages: %w", err)
	}
	name, _ = t.(string)
	if err := dec.Decode(&raw); err != nil {
		return "", nil, fmt.Errorf("read package %q: %w", cut(name), err)
	}
	return name, raw, nil
}

func cut(name string) string { return name[:min(len(name), 60)] }

// Parse reads one source package.
func Parse(name string, raw []byte) (Source, error) {
	var w wireSource
	if err := json.Unmarshal(raw, &w); err != nil {
		return Source{}, fmt.Errorf("package %q: %w", cut(name), err)
	}
	if !nameForm.MatchString(name) || len(w.Version) > 128 || len(w.Upstream) > 128 || w.Fixed == nil {
		return Source{}, fmt.Errorf("package %q: not a source package with its fixed CVEs", cut(name))
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

// releaseOf is the release that most of the versions name.
func releaseOf(sources []Source) string {
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
	return best
}
