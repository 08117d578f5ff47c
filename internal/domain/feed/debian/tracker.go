package debian

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/feed/nvd"
	"github.com/vedette/vedette/internal/domain/feed/version"
)

// releases gives the number of a release by the name that the tracker uses.
var releases = map[string]string{
	"jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14",
}

var trackerForm = regexp.MustCompile(`^\s*\{\s*"(CVE|TEMP)-[^"]{1,40}"\s*:\s*\{`)

type wireIssue struct {
	Releases map[string]wireState `json:"releases"`
}

type wireState struct {
	Status       string            `json:"status"` // resolved, open or undetermined
	Fixed        string            `json:"fixed_version"`
	Urgency      string            `json:"urgency"`
	Repositories map[string]string `json:"repositories"`
}

// ParseTracker reads one package of https://security-tracker.debian.org/tracker/data/json: its CVEs with their state in
// each release. A fixed version 0 says that the release never had the flaw; what Debian holds for unimportant is left out.
func ParseTracker(name string, raw []byte) ([]Source, error) {
	var all map[string]wireIssue
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("package %q: %w", cut(name), err)
	}
	if !nameForm.MatchString(name) {
		return nil, fmt.Errorf("%q is no name of a package", cut(name))
	}
	byRelease := map[string]*Source{}
	for id, issue := range all {
		if !nvd.ValidID(id) {
			continue
		}
		for codename, state := range issue.Releases {
			number, ok := releases[codename]
			if !ok || len(state.Fixed) > 128 || state.Status == "undetermined" {
				continue
			}
			s := byRelease[number]
			if s == nil {
				s = &Source{Name: name, Release: number, Fixed: map[string]string{}}
				byRelease[number] = s
			}
			newest(s, state.Repositories)
			switch {
			case state.Status == "resolved" && state.Fixed != "":
				s.Fixed[id] = state.Fixed
			case state.Status == "open" && state.Urgency != "unimportant":
				s.Fixed[id] = ""
			}
		}
	}
	out := make([]Source, 0, len(byRelease))
	for _, s := range byRelease {
		s.Upstream = version.Upstream(s.Version)
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b Source) int { return strings.Compare(a.Release, b.Release) })
	return out, nil
}

// newest takes the highest version among the release's archives.
func newest(s *Source, repositories map[string]string) {
	for _, v := range repositories {
		if len(v) > 128 {
			continue
		}
		if order, ok := version.Debian(v, s.Version); s.Version == "" || ok && order > 0 {
			s.Version = v
		}
	}
}
