package login

import (
	"slices"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/scanlink"
)

const (
	rpmList = "openssh-server\t0\t8.7p1-38.el9_4.1\topenssh-8.7p1-38.el9_4.1.src.rpm\n" +
		"bind-libs\t32\t9.16.23-18.el9_4.1\tbind-9.16.23-18.el9_4.1.src.rpm\n" +
		"gpg-pubkey\t0\tfd431d51-4ae0493b\t(none)\nbroken line\n"
	apkDatabase = "P:libcrypto3\nV:3.1.4-r5\no:openssl\n\nP:busybox\nV:1.36.1-r5\no:busybox\n\nP:ssl_client\nV:1.36.1-r5\no:busybox\n"
	rhelRelease = "NAME=\"Red Hat Enterprise Linux\"\nVERSION=\"9.4 (Plow)\"\nID=\"rhel\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"9.4\"\nPRETTY_NAME='Red Hat Enterprise Linux 9.4 (Plow)'\n"
)

func TestParsePackages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ got, want []scanlink.Package }{
		"rpm": {ParseRPM([]byte(rpmList)), []scanlink.Package{
			{Ecosystem: "rpm", Name: "openssh-server", Version: "8.7p1-38.el9_4.1", Source: "openssh"},
			{Ecosystem: "rpm", Name: "bind-libs", Version: "32:9.16.23-18.el9_4.1", Source: "bind"},
		}},
		"apk": {ParseApk([]byte(apkDatabase)), []scanlink.Package{
			{Ecosystem: "apk", Name: "libcrypto3", Version: "3.1.4-r5", Source: "openssl"},
			{Ecosystem: "apk", Name: "busybox", Version: "1.36.1-r5"},
			{Ecosystem: "apk", Name: "ssl_client", Version: "1.36.1-r5", Source: "busybox"},
		}},
		"apk names": {ParseApkNames([]byte("busybox-1.36.1-r5\nso:libc.musl\nlibcrypto3-3.1.4-r5\nca-certificates-bundle-20230506-r0\n")), []scanlink.Package{
			{Ecosystem: "apk", Name: "busybox", Version: "1.36.1-r5"}, {Ecosystem: "apk", Name: "libcrypto3", Version: "3.1.4-r5"},
			{Ecosystem: "apk", Name: "ca-certificates-bundle", Version: "20230506-r0"},
		}},
		"hostile names": {ParseDpkg([]byte("../../x\t1\ti ok installed\ta\t1\nx\t\x1b[31m1\ti ok installed\ta\t1\n")), nil},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %+v", name, c.got)
		}
	}
	if got := ParseDpkg([]byte(strings.Repeat("a\t1\ti ok installed\ta\t1\n", maxPackages+5))); len(got) != maxPackages {
		t.Errorf("%d packages are kept", len(got))
	}
}

func TestParseOSRelease(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		debianRelease:                    "cpe:2.3:o:debian:debian_linux:12:*:*:*:*:*:*:*",
		rhelRelease:                      "cpe:2.3:o:redhat:enterprise_linux:9.4:*:*:*:*:*:*:*",
		"ID=alpine\nVERSION_ID=3.18.4\n": "cpe:2.3:o:alpinelinux:alpine_linux:3.18.4:*:*:*:*:*:*:*",
		"ID=debian\nPRETTY_NAME=\"Debian trixie/sid\"\n":  "cpe:2.3:o:debian:debian_linux:*:*:*:*:*:*:*:*",
		"CentOS release 6.10 (Final)\n":                   "cpe:2.3:o:centos:centos:6.10:*:*:*:*:*:*:*",
		"Red Hat Enterprise Linux Server release 6.9 (S)": "cpe:2.3:o:redhat:enterprise_linux:6.9:*:*:*:*:*:*:*",
		"ID=plan9\n":                        "",
		"ID=debian\nVERSION_ID=$(reboot)\n": "cpe:2.3:o:debian:debian_linux:*:*:*:*:*:*:*:*",
		"":                                  "",
	} {
		if got := ParseOSRelease([]byte(in)).CPE(); got != want {
			t.Errorf("%q: %s", in, got)
		}
	}
}

func TestKernelPackage(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		debianUname: "6.1.76-1",
		"Linux\n5.15.0-91-generic\nx86_64\n#101-Ubuntu SMP\nUbuntu 5.15.0-91.101-generic 5.15.131\n":    "5.15.0-91.101",
		"Linux\n5.14.0-427.13.1.el9_4.x86_64\nx86_64\n#1 SMP PREEMPT_DYNAMIC Wed Apr 10 10:29:16 EDT\n": "5.14.0-427.13.1.el9_4",
		"Linux\n6.1.77-0-lts\nx86_64\n#1-Alpine SMP\n":                                                  "",
		"FreeBSD\n14.0-RELEASE\namd64\nFreeBSD 14.0\n":                                                  "",
	} {
		if got := parseUname([]byte(in)).kernelPackage(); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestParseSSHD(t *testing.T) {
	t.Parallel()
	main := "# comment\nInclude /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\nPasswordAuthentication=no\npermitrootlogin no\nMatch User x\nPermitEmptyPasswords yes\n"
	if c := ParseSSHDFiles(main, "PermitRootLogin no\n"); c["permitrootlogin"] != "no" || c["passwordauthentication"] != "no" || c["permitemptypasswords"] != "" {
		t.Errorf("%v", c)
	}
	if c := ParseSSHDFiles(strings.ReplaceAll(main, "Include", "#Include"), "PermitRootLogin no\n"); c["permitrootlogin"] != "yes" {
		t.Errorf("%v", c)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{dpkgList, rpmList, apkDatabase, debianRelease, rhelRelease, debianUname, effective, "a\t1\tx installed"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, parse := range []func([]byte) []scanlink.Package{ParseDpkg, ParseRPM, ParseApk, ParseApkNames} {
			for _, p := range parse(raw) {
				if p.Name == "" || p.Version == "" || strings.ContainsAny(p.Name+p.Version+p.Source+p.SourceVersion, "\x00\x1b\n\t ") {
					t.Fatalf("%+v", p)
				}
			}
		}
		r := ParseOSRelease(raw)
		if strings.ContainsAny(r.CPE()+r.Pretty, "\x00\x1b") {
			t.Fatalf("%+v", r)
		}
		parseUname(raw).kernelPackage()
		ParseSSHDFiles(string(raw), string(raw))
	})
}
