package login

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/vedette/vedette/internal/scanlink"
)

// runner runs a command on a host and gives what it prints, up to a limit.
type runner interface {
	run(ctx context.Context, command string, limit int) ([]byte, error)
}

// path finds the tools of administrators for users whose shell does not.
const path = "LC_ALL=C; PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export LC_ALL PATH; "

// The commands. Each reads and changes nothing.
const (
	askSystem  = path + `uname -s; uname -r; uname -m; uname -v; cat /proc/version_signature 2>/dev/null`
	askRelease = `cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release 2>/dev/null || cat /etc/redhat-release 2>/dev/null`
	askDpkg    = path + `dpkg-query -W -f='${Package}\t${Version}\t${Status}\t${source:Package}\t${source:Version}\n' 2>/dev/null`
	askRPM     = path + `rpm -qa --qf '%{NAME}\t%|EPOCH?{%{EPOCH}}:{0}|\t%{VERSION}-%{RELEASE}\t%{SOURCERPM}\n' 2>/dev/null`
	askApk     = `cat /lib/apk/db/installed 2>/dev/null | grep '^[PVo]:\|^$'`
	askApkOld  = path + `apk info -v 2>/dev/null`
)

// takeInventory reads system, packages and settings.
func (s *session) takeInventory(ctx context.Context, r runner) scanlink.Login {
	raw, err := r.run(ctx, askSystem, smallOutput)
	system := parseUname(raw)
	if err != nil || system.name == "" {
		return insufficient("Signed in, but the account can run no commands of a Unix shell.")
	}
	raw, _ = r.run(ctx, askRelease, smallOutput)
	release := ParseOSRelease(raw)
	s.result.OS, s.result.OSCPE = release.Pretty, release.CPE()
	if s.result.OS == "" {
		s.result.OS = system.name + " " + system.release
	}
	s.result.Kernel, s.result.KernelPackage = system.release, system.kernelPackage()
	missing := s.packages(ctx, r)
	s.result.Findings = append(s.result.Findings, s.settings(ctx, r)...)
	if missing != "" {
		return insufficient(missing)
	}
	return scanlink.Login{Result: scanlink.Authenticated}
}

// packages fills the inventory; it says why there is none.
func (s *session) packages(ctx context.Context, r runner) string {
	for _, manager := range []struct {
		command string
		parse   func([]byte) []scanlink.Package
	}{{askDpkg, ParseDpkg}, {askRPM, ParseRPM}, {askApk, ParseApk}, {askApkOld, ParseApkNames}} {
		out, err := r.run(ctx, manager.command, listOutput)
		if ctx.Err() != nil {
			return "The host took too long to list its packages."
		}
		if all := manager.parse(whole(out)); len(all) > 0 {
			s.result.Packages = all
			switch {
			case err != nil:
				return "The list of packages broke off."
			case len(out) >= listOutput:
				return fmt.Sprintf("The list of packages is longer than %d MiB; the rest was not read.", listOutput>>20)
			}
			return ""
		}
	}
	return "Neither dpkg, rpm nor apk lists any packages to this account."
}

// whole cuts off a last line that is not ended.
func whole(out []byte) []byte { return out[:bytes.LastIndexByte(out, '\n')+1] }

// uname is what a kernel says of itself.
type uname struct{ name, release, machine, version, signature string }

func parseUname(out []byte) uname {
	lines := strings.Split(string(out), "\n")
	at := func(i int) string {
		if i >= len(lines) || len(lines[i]) > 255 {
			return ""
		}
		return strings.TrimSpace(lines[i])
	}
	u := uname{at(0), at(1), at(2), at(3), at(4)}
	if strings.Trim(u.name, letters+"0123456789-_/") != "" || u.release == "" || strings.ContainsAny(u.release, " %") {
		return uname{}
	}
	return u
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// kernelPackage is the package version that the running kernel was built as: Debian writes it into the version ("#1 SMP
// PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)"), Ubuntu into /proc/version_signature ("Ubuntu 5.15.0-91.101-generic
// 5.15.131"); in a package of rpm release and machine are the package's.
func (u uname) kernelPackage() string {
	f := strings.Fields(u.version)
	for i, word := range f[:max(0, len(f)-1)] {
		if word == "Debian" {
			return f[i+1]
		}
	}
	if f := strings.Fields(u.signature); len(f) > 1 && f[0] == "Ubuntu" {
		version, _, _ := cutLast(f[1], "-")
		return version
	}
	if rest, ok := strings.CutSuffix(u.release, "."+u.machine); ok && strings.Contains(rest, ".el") {
		return rest
	}
	return ""
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
