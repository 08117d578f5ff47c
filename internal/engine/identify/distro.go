package identify

import (
	"regexp"
	"strings"
)

var (
	debianSuffix = regexp.MustCompile(`[+~]deb(\d{1,2})u\d+`)
	pgdgSuffix   = regexp.MustCompile(`\.pgdg(\d{2})0?\+`)
	ubuntuSuffix = regexp.MustCompile(`ubuntu[0-9.~]*?\.?(\d{2}\.\d{2})(?:\.\d+)*`)
	elSuffix     = regexp.MustCompile(`\.el(\d{1,2})(?:_\d+)?\b`)
	osWords      = regexp.MustCompile(`(?i)\b(debian|ubuntu|red hat enterprise linux|red hat|centos|rocky linux|almalinux|fedora|alpine|suse|raspbian|freebsd|openbsd|netbsd|windows|win64|win32)\b`)
)

// osOf reads the operating system from a banner. A package's suffix names the release, a bare word only the family.
func osOf(text string) OS {
	if m := debianSuffix.FindStringSubmatch(text); m != nil {
		return debian(m[1], 80)
	}
	if m := pgdgSuffix.FindStringSubmatch(text); m != nil && m[1] < "20" {
		return debian(m[1], 80)
	}
	if m := ubuntuSuffix.FindStringSubmatch(text); m != nil {
		return ubuntu(m[1], 80)
	}
	if m := elSuffix.FindStringSubmatch(text); m != nil {
		return OS{"Enterprise Linux " + m[1], "cpe:2.3:o:redhat:enterprise_linux:" + m[1] + ":*:*:*:*:*:*:*", 60}
	}
	m := osWords.FindString(text)
	if m == "" {
		return OS{}
	}
	return family(strings.ToLower(m))
}

func family(word string) OS {
	named := map[string][2]string{
		"debian": {"Debian GNU/Linux", "debian:debian_linux"}, "raspbian": {"Raspberry Pi OS", "debian:debian_linux"},
		"ubuntu": {"Ubuntu", "canonical:ubuntu_linux"}, "red hat": {"Red Hat Enterprise Linux", "redhat:enterprise_linux"},
		"red hat enterprise linux": {"Red Hat Enterprise Linux", "redhat:enterprise_linux"}, "centos": {"CentOS", "centos:centos"},
		"rocky linux": {"Rocky Linux", "rocky:linux"}, "almalinux": {"AlmaLinux", "almalinux:almalinux"}, "fedora": {"Fedora", "fedoraproject:fedora"},
		"alpine": {"Alpine Linux", "alpinelinux:alpine_linux"}, "suse": {"SUSE Linux", "suse:suse_linux"}, "freebsd": {"FreeBSD", "freebsd:freebsd"},
		"openbsd": {"OpenBSD", "openbsd:openbsd"}, "netbsd": {"NetBSD", "netbsd:netbsd"},
	}
	if n, ok := named[word]; ok {
		return OS{n[0], "cpe:2.3:o:" + n[1] + ":*:*:*:*:*:*:*:*", 60}
	}
	return OS{"Microsoft Windows", "cpe:2.3:o:microsoft:windows:*:*:*:*:*:*:*:*", 50}
}

func debian(release string, qod int) OS {
	return OS{"Debian GNU/Linux " + release, "cpe:2.3:o:debian:debian_linux:" + release + ":*:*:*:*:*:*:*", qod}
}

func ubuntu(release string, qod int) OS {
	return OS{"Ubuntu " + release, "cpe:2.3:o:canonical:ubuntu_linux:" + release + ":*:*:*:*:*:*:*", qod}
}

// debianSSH and ubuntuSSH give the release that shipped an OpenSSH version, where the banner's suffix does not tell.
var (
	debianSSH = map[string]string{"6.0p1": "7", "6.7p1": "8", "7.4p1": "9", "7.9p1": "10", "8.4p1": "11", "9.2p1": "12", "10.0p1": "13", "10.0p2": "13"}
	ubuntuSSH = map[string]string{
		"5.9p1": "12.04", "6.6.1p1": "14.04", "7.2p2": "16.04", "7.6p1": "18.04", "8.2p1": "20.04", "8.9p1": "22.04", "9.6p1": "24.04",
		"9.7p1": "24.10", "9.9p1": "25.04", "10.0p1": "25.10",
	}
)
