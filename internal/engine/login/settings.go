package login

import (
	"context"
	"fmt"
	"strings"

	"github.com/vedette/vedette/internal/scanlink"
)

// mark stands between the outputs of one command.
const mark = "--8<--"

const (
	askSSHD = path + `sshd -T 2>/dev/null; echo ` + mark + `; cat /etc/ssh/sshd_config 2>/dev/null; echo ` + mark +
		`; cat /etc/ssh/sshd_config.d/*.conf 2>/dev/null`
	askAccounts = `awk -F: '$2 == "" { print $1 }' /etc/passwd /etc/shadow 2>/dev/null; echo ` + mark +
		`; awk -F: '$3 == 0 && $1 != "root" { print $1 }' /etc/passwd 2>/dev/null`
	askFiles = `find /etc /bin/ /sbin/ /lib/systemd /usr/bin /usr/sbin /usr/local/bin /usr/local/sbin -xdev -type f -perm -0002 2>/dev/null | head -n 50; echo ` +
		mark + `; find /etc/shadow /etc/gshadow /etc/shadow- -maxdepth 0 -perm -0004 2>/dev/null`
)

// The vectors of settings: what they give to whom.
const (
	guessRoot   = "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:N" // 4.8: guessing the password of root
	emptyLogin  = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" // 9.8
	localRoot   = "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H" // 7.8: any account becomes root
	localHashes = "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:N/A:N" // 5.5
)

// settings are the findings that a setting proves by itself.
func (s *session) settings(ctx context.Context, r runner) []scanlink.Finding {
	var out []scanlink.Finding
	if raw, err := r.run(ctx, askSSHD, smallOutput); err == nil {
		out = append(out, s.sshd(raw)...)
	}
	if raw, err := r.run(ctx, askAccounts, smallOutput); err == nil {
		out = append(out, s.accounts(raw)...)
	}
	if raw, err := r.run(ctx, askFiles, smallOutput); err == nil {
		out = append(out, s.files(raw)...)
	}
	return out
}

// setting makes a finding. It is about the service through which the scanner came, or about the host.
func (s *session) setting(class, check string, host bool, name, summary, solution, vector, seen string) scanlink.Finding {
	f := s.target.Finding(class, check, 99)
	if host {
		f.Port, f.Protocol = 0, "tcp"
	}
	f.Name, f.Summary, f.Solution, f.CVSS, f.QoDType = name, summary, solution, vector, "authenticated"
	f.Evidence.Detail, f.Evidence.Response = summary, text([]byte(seen))
	return f
}

func (s *session) sshd(raw []byte) []scanlink.Finding {
	parts := strings.SplitN(string(raw), mark+"\n", 3)
	if len(parts) != 3 {
		return nil
	}
	c := ParseSSHD(parts[0])
	if _, effective := c["permitrootlogin"]; !effective {
		c = ParseSSHDFiles(parts[1], parts[2])
	}
	var out []scanlink.Finding
	if c["permitrootlogin"] == "yes" && c["passwordauthentication"] != "no" {
		out = append(out, s.setting("config", "login-sshd-root", false, "SSH lets root sign in with a password",
			"The SSH server lets the account root sign in with its password.", "Set PermitRootLogin to prohibit-password or no in sshd_config.",
			guessRoot, "PermitRootLogin yes"))
	}
	if c["permitemptypasswords"] == "yes" {
		out = append(out, s.setting("config", "login-sshd-empty", false, "SSH takes empty passwords",
			"The SSH server lets accounts without a password sign in.", "Set PermitEmptyPasswords to no in sshd_config.", emptyLogin, "PermitEmptyPasswords yes"))
	}
	return out
}

// ParseSSHD reads what sshd -T prints, or the global part of a configuration file: keywords in small letters with their first
// value, as sshd itself takes them (sshd_config(5)).
func ParseSSHD(text string) map[string]string { return parseSSHD(text, "", map[string]string{}) }

// ParseSSHDFiles reads sshd_config and, where it includes them, the files beside it.
func ParseSSHDFiles(main, included string) map[string]string {
	return parseSSHD(main, included, map[string]string{})
}

func parseSSHD(text, included string, into map[string]string) map[string]string {
	for line := range strings.Lines(text) {
		word, value, _ := strings.Cut(strings.TrimSpace(strings.Replace(line, "=", " ", 1)), " ")
		word, value = strings.ToLower(word), strings.Trim(strings.TrimSpace(value), `"`)
		switch {
		case word == "" || word[0] == '#':
		case word == "match":
			return into // what follows holds for some only
		case word == "include":
			if strings.Contains(value, "sshd_config.d/") {
				parseSSHD(included, "", into)
			}
		default:
			if _, set := into[word]; !set && len(into) < 1000 {
				into[word] = strings.ToLower(value)
			}
		}
	}
	return into
}

func (s *session) accounts(raw []byte) []scanlink.Finding {
	empty, roots, ok := strings.Cut(string(raw), mark+"\n")
	if !ok {
		return nil
	}
	var out []scanlink.Finding
	for _, name := range names(empty) {
		f := s.setting("creds", "login-empty-password", true, "Account without a password", fmt.Sprintf("The account %s has no password.", name),
			"Set a password for the account, or lock it.", "", name+"::")
		f.Login = name + "/-"
		out = append(out, f)
	}
	for _, name := range names(roots) {
		f := s.setting("config", "login-second-root", true, "Second account with the rights of root",
			fmt.Sprintf("The account %s has the user id 0, and with it all rights of root.", name), "Find out who set it up; remove it or give it an id of its own.", localRoot, name)
		f.Path = name
		out = append(out, f)
	}
	return out
}

// names are the lines that can be account names, at most twenty.
func names(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); len(line) <= 64 && nameForm.MatchString(line) && len(out) < 20 {
			out = append(out, line)
		}
	}
	return out
}

func (s *session) files(raw []byte) []scanlink.Finding {
	writable, readable, ok := strings.Cut(string(raw), mark+"\n")
	if !ok {
		return nil
	}
	var out []scanlink.Finding
	if paths := paths(writable); len(paths) > 0 {
		out = append(out, s.setting("config", "login-world-writable", true, "System files that anyone may change",
			"Every account of the host may change programs or settings of the system.", "Take the right to write from others: chmod o-w.", localRoot, strings.Join(paths, "\n")))
	}
	if paths := paths(readable); len(paths) > 0 {
		out = append(out, s.setting("config", "login-shadow-readable", true, "Password hashes that anyone may read",
			"Every account of the host may read the hashes of all passwords.", "Set the owner root and the mode 0640 or 0000.", localHashes, strings.Join(paths, "\n")))
	}
	return out
}

func paths(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "/") && len(out) < 50 {
			out = append(out, line)
		}
	}
	return out
}
