package login

import (
	"regexp"
	"strings"

	"github.com/vedette/vedette/internal/scanlink"
)

// maxPackages is what scanlink keeps of a host.
const maxPackages = 20_000

var (
	nameForm    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+._@~-]{0,199}$`)
	versionForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+.:~^_-]{0,127}$`)
)

// keep appends a package whose name and version can be ones.
func keep(all []scanlink.Package, p scanlink.Package) []scanlink.Package {
	if len(all) >= maxPackages || !nameForm.MatchString(p.Name) || !versionForm.MatchString(p.Version) {
		return all
	}
	if !nameForm.MatchString(p.Source) || p.Source == p.Name {
		p.Source = ""
	}
	if !versionForm.MatchString(p.SourceVersion) || p.SourceVersion == p.Version {
		p.SourceVersion = ""
	}
	return append(all, p)
}

// ParseDpkg reads lines of package, version, status, source package and source version. What is not installed is left out.
func ParseDpkg(out []byte) []scanlink.Package {
	var all []scanlink.Package
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if len(f) < 3 || !strings.HasSuffix(f[2], " installed") {
			continue
		}
		f = append(f, "", "")
		all = keep(all, scanlink.Package{Ecosystem: "deb", Name: f[0], Version: f[1], Source: f[3], SourceVersion: f[4]})
	}
	return all
}

var sourceRPM = regexp.MustCompile(`^(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm$`)

// ParseRPM reads lines of name, epoch, version-release and source rpm. Keys of signers, which rpm lists too, are left out.
func ParseRPM(out []byte) []scanlink.Package {
	var all []scanlink.Package
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if len(f) != 4 || f[0] == "gpg-pubkey" {
			continue
		}
		p := scanlink.Package{Ecosystem: "rpm", Name: f[0], Version: withEpoch(f[1], f[2])}
		if m := sourceRPM.FindStringSubmatch(f[3]); m != nil {
			p.Source, p.SourceVersion = m[1], withEpoch(f[1], m[2])
		}
		all = keep(all, p)
	}
	return all
}

func withEpoch(epoch, version string) string {
	if epoch == "" || epoch == "0" || epoch == "(none)" {
		return version
	}
	return epoch + ":" + version
}

// ParseApk reads the database of installed packages: P: name, V: version, o: origin, an empty line between packages.
func ParseApk(out []byte) []scanlink.Package {
	var all []scanlink.Package
	p := scanlink.Package{Ecosystem: "apk"}
	for line := range strings.Lines(string(out) + "\n") {
		line = strings.TrimRight(line, "\r\n")
		field, value, _ := strings.Cut(line, ":")
		switch {
		case line == "":
			all = keep(all, p)
			p = scanlink.Package{Ecosystem: "apk"}
		case field == "P":
			p.Name = value
		case field == "V":
			p.Version = value
		case field == "o":
			p.Source = value
		}
	}
	return all
}

var apkName = regexp.MustCompile(`^(.+)-(\d[^-]*-r\d+)$`)

// ParseApkNames reads what apk info -v prints: name-version-rN.
func ParseApkNames(out []byte) []scanlink.Package {
	var all []scanlink.Package
	for line := range strings.Lines(string(out)) {
		if m := apkName.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			all = keep(all, scanlink.Package{Ecosystem: "apk", Name: m[1], Version: m[2]})
		}
	}
	return all
}

// Release is what os-release tells of a system.
type Release struct {
	ID      string // debian, ubuntu, rhel …
	Version string // 12, 22.04, 9.4; empty where the system has none
	Pretty  string
}

var (
	idForm      = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,39}$`)
	releaseForm = regexp.MustCompile(`^\d[0-9.]{0,19}$`)
	oldForm     = regexp.MustCompile(`^(Red Hat Enterprise Linux|CentOS)[A-Za-z ]* release (\d[0-9.]*)`)
)

// ParseOSRelease reads os-release(5): assignments of a shell. The one line of /etc/redhat-release of old systems is read too.
func ParseOSRelease(out []byte) Release {
	var r Release
	if m := oldForm.FindStringSubmatch(string(out)); m != nil {
		r.ID, r.Version, r.Pretty = map[string]string{"CentOS": "centos"}[m[1]], m[2], m[1]+" "+m[2]
		if r.ID == "" {
			r.ID = "rhel"
		}
		return r
	}
	for line := range strings.Lines(string(out)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok {
			continue
		}
		value = unquote(value)
		switch {
		case name == "ID" && idForm.MatchString(value):
			r.ID = value
		case name == "VERSION_ID" && releaseForm.MatchString(value):
			r.Version = value
		case name == "PRETTY_NAME":
			r.Pretty = strings.TrimSpace(text([]byte(value[:min(len(value), 100)])))
		}
	}
	return r
}

// unquote takes away a shell's quotes; os-release(5) allows no more than the escapes of $, ", \ and `.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		s = s[1 : len(s)-1]
	}
	return strings.NewReplacer(`\"`, `"`, `\$`, `$`, `\\`, `\`, "\\`", "`").Replace(s)
}

var cpeOf = map[string]string{
	"debian": "debian:debian_linux", "ubuntu": "canonical:ubuntu_linux", "rhel": "redhat:enterprise_linux", "centos": "centos:centos",
	"rocky": "rocky:linux", "almalinux": "almalinux:almalinux", "ol": "oracle:linux", "fedora": "fedoraproject:fedora",
	"alpine": "alpinelinux:alpine_linux", "amzn": "amazon:linux", "sles": "suse:suse_linux", "opensuse-leap": "opensuse:leap",
}

// CPE names a distribution with its release; empty for one that is not known.
func (r Release) CPE() string {
	name := cpeOf[r.ID]
	if name == "" {
		return ""
	}
	version := r.Version
	if version == "" {
		version = "*"
	}
	return "cpe:2.3:o:" + name + ":" + version + ":*:*:*:*:*:*:*"
}
