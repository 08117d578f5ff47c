// Package fix is what a distribution says of its packages: which version of a source package fixed which CVE in which
// release. It is the truth about software whose maker's version stays while the distribution patches it.
package fix

import (
	"regexp"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/feed/version"
)

// The distributions whose fixes are known by name. Clones of Red Hat Enterprise Linux have their own name, and its packages.
const (
	Debian = "debian"
	Ubuntu = "ubuntu"
	RedHat = "redhat"
	Alpine = "alpine"
	Rocky  = "rocky"
	Alma   = "almalinux"
)

// Never stands for a version where the release never had the flaw.
const Never = "0"

// Source is one source package of one release.
type Source struct {
	Distro   string            `json:"distro,omitempty"` // empty: debian
	Name     string            `json:"name"`
	Release  string            `json:"release"`            // 12, 22.04, 9, 3.18; empty where the versions do not tell
	Version  string            `json:"version,omitempty"`  // the newest package version known
	Upstream string            `json:"upstream,omitempty"` // the maker's version in it
	Fixed    map[string]string `json:"fixed"`              // CVE id to the package version that fixed it; "" : not fixed; 0: never there
	Since    map[string]string `json:"since,omitempty"`    // CVE id to the package version that brought the flaw in
	Also     map[string]Also   `json:"also,omitempty"`     // CVE id to fixes beside that of Fixed
}

// Also are further versions that fix a CVE, each in a stream of its own: extended support of a minor release, a module.
type Also []string

// Bounds of one record.
const (
	MaxText = 128
	maxAlso = 32
)

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+._@-]{0,99}$`)

// Named says whether a text can be the name of a source package.
func Named(s string) bool { return nameForm.MatchString(s) }

// Family is the distribution's way of versions.
func Family(distro string) string {
	switch distro {
	case "", Debian, Ubuntu:
		return Debian
	case Alpine:
		return Alpine
	}
	return RedHat
}

// Order compares two versions of a distribution's packages; false where either is none.
func Order(distro, a, b string) (int, bool) {
	switch Family(distro) {
	case Debian:
		return version.Debian(a, b)
	case Alpine:
		return version.Alpine(a, b)
	}
	// Lists taken over SNMP leave the epoch out.
	if a, b = strings.TrimPrefix(a, "0:"), strings.TrimPrefix(b, "0:"); strings.Contains(a, ":") != strings.Contains(b, ":") {
		a, b = withoutEpoch(a), withoutEpoch(b)
	}
	return version.RPM(a, b)
}

// Title is the distribution's name in a sentence.
func Title(distro string) string {
	switch distro {
	case "", Debian:
		return "Debian"
	case Ubuntu:
		return "Ubuntu"
	case Alpine:
		return "Alpine Linux"
	case Rocky:
		return "Rocky Linux"
	case Alma:
		return "AlmaLinux"
	}
	return "Red Hat"
}

// State of a CVE in an installed package.
type State int

const (
	Unknown State = iota // nothing is said of it, or it cannot be compared
	Absent               // fixed, or never there
	Open                 // there, and not fixed in any version yet
	Older                // there, and fixed in a newer version
)

// State says how an installed version stands to a CVE, and which version fixes it.
func (s Source) State(id, installed string) (State, string) {
	fixed, told := s.Fixed[id]
	if !told {
		return Unknown, ""
	}
	if fixed == Never {
		return Absent, ""
	}
	if since := s.Since[id]; since != "" {
		if order, ok := Order(s.Distro, installed, since); ok && order < 0 {
			return Absent, ""
		}
	}
	if fixed == "" {
		return Open, ""
	}
	fixed, ok := s.streamOf(id, fixed, installed)
	if !ok {
		return Unknown, ""
	}
	if Family(s.Distro) == Debian && !rebuilt.MatchString(fixed) {
		installed = rebuilt.ReplaceAllString(installed, "")
	}
	order, ok := Order(s.Distro, installed, fixed)
	switch {
	case !ok:
		return Unknown, ""
	case order >= 0:
		return Absent, fixed
	}
	return Older, fixed
}

var (
	// rebuilt marks a package of a later release that was built anew for an older one: 17.0.16+8-1~deb12u1 has what 17.0.16+8-1 has.
	rebuilt  = regexp.MustCompile(`~(?:deb|bpo)\d[0-9a-z+.]*$`)
	minorTag = regexp.MustCompile(`\.el\d+_(\d+)`)
	moduleOf = regexp.MustCompile(`\.module[+_]el`)
	maker    = regexp.MustCompile(`^(?:\d+:)?(\d+(?:\.\d+)?)`)
)

// streamOf picks the fix that the installed version is to be held against: that of its minor release where it has one of its
// own, in a module that of the same line of the maker, and otherwise the newest. False where no fix is of its line.
func (s Source) streamOf(id, fixed, installed string) (string, bool) {
	all := append([]string{fixed}, s.Also[id]...)
	if moduleOf.MatchString(installed) {
		line := maker.FindString(withoutEpoch(installed))
		all = slices.DeleteFunc(all, func(v string) bool { return !moduleOf.MatchString(v) || maker.FindString(withoutEpoch(v)) != line })
	}
	if tag := minorTag.FindString(installed); tag != "" {
		if same := slices.DeleteFunc(slices.Clone(all), func(v string) bool { return minorTag.FindString(v) != tag }); len(same) > 0 {
			all = same
		}
	}
	if len(all) == 0 {
		return "", false
	}
	return slices.MaxFunc(all, func(a, b string) int { order, _ := Order(s.Distro, a, b); return order }), true
}

func withoutEpoch(v string) string {
	if _, rest, found := strings.Cut(v, ":"); found {
		return rest
	}
	return v
}

// Add notes a fix. Of several fixes of Red Hat and its clones each is that of a stream; elsewhere the first that has the fix
// counts, for later notices repeat a CVE when they mend what the fix broke.
func (s *Source) Add(id, fixed string) {
	if s.Fixed == nil {
		s.Fixed = map[string]string{}
	}
	have, told := s.Fixed[id]
	switch {
	case !told || have == "" || have == Never:
		s.Fixed[id] = fixed
	case fixed == "" || fixed == Never || fixed == have:
	case Family(s.Distro) == RedHat:
		if s.Also == nil {
			s.Also = map[string]Also{}
		}
		if !slices.Contains(s.Also[id], fixed) && len(s.Also[id]) < maxAlso {
			s.Also[id] = append(s.Also[id], fixed)
		}
	default:
		if order, ok := Order(s.Distro, fixed, have); ok && order < 0 {
			s.Fixed[id] = fixed
		}
	}
	s.newest(fixed)
}

// newest keeps the highest version, and the maker's version in it.
func (s *Source) newest(v string) {
	if v == "" || v == Never {
		return
	}
	if order, ok := Order(s.Distro, v, s.Version); s.Version == "" || ok && order > 0 {
		s.Version, s.Upstream = v, version.Upstream(v)
	}
}

// Merge takes over what another record of the same package and release says.
func (s *Source) Merge(other Source) {
	for id, fixed := range other.Fixed {
		s.Add(id, fixed)
		for _, more := range other.Also[id] {
			s.Add(id, more)
		}
	}
	for id, since := range other.Since {
		if s.Since == nil {
			s.Since = map[string]string{}
		}
		s.Since[id] = since
	}
	s.newest(other.Version)
}
