// Package version orders the version numbers of software as its makers mean them: dotted numbers, letters (OpenSSL
// 1.0.2k), patch levels (OpenSSH 9.2p1, BIND 9.11.3-P1), milestones (Tomcat 9.0.0.M1), release candidates and builds.
package version

import (
	"regexp"
	"strings"

	apk "github.com/knqyf263/go-apk-version"
	deb "github.com/knqyf263/go-deb-version"
	rpm "github.com/knqyf263/go-rpm-version"
)

// maxLength bounds a version in bytes; what is longer is cut.
const maxLength = 128

// Scheme is how a product's versions are read.
type Scheme int

const (
	Generic Scheme = iota
	OpenSSH        // the portable release 9.2p1 is the release 9.2
	OpenSSL        // every letter is a later patch: 1.0.2a < 1.0.2k, also 1.0.2za
)

// SchemeOf is the scheme of a product by its CPE product name.
func SchemeOf(product string) Scheme {
	switch product {
	case "openssh":
		return OpenSSH
	case "openssl":
		return OpenSSL
	}
	return Generic
}

// group is a word with the numbers after it; the first group of a version has no word.
type group struct {
	word    string
	rank    int      // of the word: below zero before the release, above zero after it, zero: no word
	numbers []string // without leading zeros, without zeros at the end
}

// Compare is -1, 0 or +1 as a comes before, with or after b. Trailing zeros do not count: 1.0 and 1.0.0 are the same.
// Numbers count before letters: 9.2 < 9.2p1 < 9.2.1.
func Compare(s Scheme, a, b string) int {
	if a == b {
		return 0
	}
	x, y := groups(s, a), groups(s, b)
	for i := 0; i < len(x) || i < len(y); i++ {
		if c := compareGroups(at(x, i), at(y, i)); c != 0 {
			return c
		}
	}
	return 0
}

func at(gs []group, i int) group {
	if i < len(gs) {
		return gs[i]
	}
	return group{}
}

func compareGroups(a, b group) int {
	if a.rank != b.rank {
		return sign(a.rank - b.rank)
	}
	if m, n := min(len(a.word), 3), min(len(b.word), 3); m != n {
		return sign(m - n) // 1.0.2z < 1.0.2za
	}
	if c := strings.Compare(a.word, b.word); c != 0 {
		return c
	}
	for i := 0; i < len(a.numbers) || i < len(b.numbers); i++ {
		x, y := "", ""
		if i < len(a.numbers) {
			x = a.numbers[i]
		}
		if i < len(b.numbers) {
			y = b.numbers[i]
		}
		if c := compareDigits(x, y); c != 0 {
			return c
		}
	}
	return 0
}

func compareDigits(a, b string) int {
	if len(a) != len(b) {
		return sign(len(a) - len(b))
	}
	return strings.Compare(a, b)
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func groups(s Scheme, v string) []group {
	v = Clean(v)
	out := []group{{}}
	for i := 0; i < len(v); {
		start := i
		switch {
		case isDigit(v[i]):
			for i < len(v) && isDigit(v[i]) {
				i++
			}
			last := &out[len(out)-1]
			last.numbers = append(last.numbers, strings.TrimLeft(v[start:i], "0"))
		case isLetter(v[i]):
			for i < len(v) && isLetter(v[i]) {
				i++
			}
			if word := v[start:i]; !silent[word] {
				out = append(out, group{word: word, rank: rank(s, word, i < len(v) && isDigit(v[i]))})
			}
		default:
			i++
		}
	}
	return portable(s, out)
}

// portable drops the p1 of an OpenSSH version.
func portable(s Scheme, gs []group) []group {
	if s == OpenSSH && len(gs) == 2 && gs[1].word == "p" && len(gs[1].numbers) == 1 && gs[1].numbers[0] == "1" {
		return gs[:1]
	}
	return gs
}

var before = map[string]int{
	"dev": -9, "snapshot": -9, "nightly": -9, "git": -9, "svn": -9,
	"preview": -8, "pre": -5, "alpha": -7, "beta": -6, "milestone": -6, "m": -6, "cr": -4, "rc": -4,
}

// silent words name the release itself.
var silent = map[string]bool{"final": true, "ga": true, "release": true, "stable": true}

// rank places letters before or after the release they follow.
func rank(s Scheme, word string, digits bool) int {
	if s == OpenSSL && len(word) <= 2 {
		return 1
	}
	if r, ok := before[word]; ok && (word != "m" || digits) {
		return r
	}
	if digits && word == "a" {
		return -7
	}
	if digits && word == "b" {
		return -6
	}
	return 1
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' }

// Clean takes away what packagers and builds add and no maker counts: a leading v, an epoch, -log and the like, the
// suffixes of distributions and build metadata.
func Clean(v string) string {
	if len(v) > maxLength {
		v = v[:maxLength]
	}
	v = strings.ToLower(strings.TrimSpace(v))
	v = strings.TrimPrefix(v, "v")
	if i := strings.IndexByte(v, ' '); i > 0 {
		v = v[:i]
	}
	for _, cut := range []string{"+deb", "~deb", "~bpo"} {
		if i := strings.Index(v, cut); i > 0 {
			v = withoutRevision(v[:i])
		}
	}
	for _, cut := range []string{"+dfsg", "+ds", "+really", "~dfsg", "~ds", "-log", "-debug", "-mariadb", "-community", "-enterprise", "-debian", ".el7", ".el8", ".el9"} {
		if i := strings.Index(v, cut); i > 0 {
			v = v[:i]
		}
	}
	if i := strings.Index(v, "ubuntu"); i > 0 {
		v = withoutRevision(v[:i])
	}
	if m := commitForm.FindStringSubmatch(v); m != nil {
		v = m[1]
	}
	return v
}

// commitForm is a version followed by the hash of a commit: 3.8.0-5a02a05eddb59aee6ac762f7ea82e92a68eb9c0f.
var commitForm = regexp.MustCompile(`^(\d[\d.]*)-+g?[0-9a-f]{7,40}(?:[-,].*)?$`)

// withoutRevision cuts the packager's part behind the last hyphen.
func withoutRevision(v string) string {
	if j := strings.LastIndexByte(v, '-'); j > 0 {
		return v[:j]
	}
	return v
}

// Split cuts a version into the release and its update, as CPE names hold them: 9.2p1 is 9.2 and p1, 9.0.0.M1 is 9.0.0
// and milestone1. The update is empty where there is none.
func Split(v string) (release, update string) {
	v = Clean(v)
	i := 0
	for i < len(v) && (isDigit(v[i]) || v[i] == '.') {
		i++
	}
	release, rest := strings.TrimRight(v[:i], "."), strings.Trim(v[i:], "-_. ")
	if release == "" || rest == "" {
		return v, ""
	}
	j := 0
	for j < len(rest) && isLetter(rest[j]) {
		j++
	}
	word, number := rest[:j], strings.Trim(rest[j:], "-_. ")
	if word == "" || strings.Trim(number, "0123456789") != "" {
		return v, ""
	}
	switch word {
	case "m":
		word = "milestone"
	case "b":
		word = "beta"
	case "a":
		word = "alpha"
	}
	if number == "" && len(word) == 1 {
		return v, "" // 1.0.2k is a release of its own
	}
	return release, word + number
}

// Debian compares two versions of a Debian package; an epoch counts only where both have one, since banners leave it
// out. ok is false when either is no package version.
func Debian(a, b string) (order int, ok bool) {
	if len(a) > maxLength || len(b) > maxLength {
		return 0, false
	}
	if strings.Contains(a, ":") != strings.Contains(b, ":") {
		a, b = withoutEpoch(a), withoutEpoch(b)
	}
	x, err := deb.NewVersion(a)
	if err != nil {
		return 0, false
	}
	y, err := deb.NewVersion(b)
	if err != nil {
		return 0, false
	}
	return x.Compare(y), true
}

func withoutEpoch(v string) string {
	if _, rest, found := strings.Cut(v, ":"); found {
		return rest
	}
	return v
}

// Upstream is the maker's version inside a Debian package version: 9.2p1 of 1:9.2p1-2+deb12u3.
func Upstream(pkg string) string {
	v := withoutEpoch(pkg)
	if i := strings.LastIndexByte(v, '-'); i > 0 {
		v = v[:i]
	}
	return Clean(v)
}

// RPM compares two versions of a package of rpm, [epoch:]version-release; no epoch is epoch 0.
func RPM(a, b string) (order int, ok bool) {
	if !packaged(a) || !packaged(b) {
		return 0, false
	}
	return rpm.NewVersion(a).Compare(rpm.NewVersion(b)), true
}

// Alpine compares two versions of a package of apk, as 1.36.1-r5.
func Alpine(a, b string) (order int, ok bool) {
	if !apk.Valid(a) || !apk.Valid(b) || !packaged(a) || !packaged(b) {
		return 0, false
	}
	return apk.Version(a).Compare(apk.Version(b)), true
}

// packaged says whether a text can be a package's version at all.
func packaged(v string) bool {
	return v != "" && len(v) <= maxLength && isDigit(v[0]) || len(v) > 1 && len(v) <= maxLength && isLetter(v[0]|0x20)
}
