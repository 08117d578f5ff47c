package identify

import (
	"bytes"
	"regexp"
	"strings"
)

// textProbes are protocols of lines in which the server greets.
var textProbes = []probe{
	{name: "ssh", ports: []uint16{22, 2222, 2022, 22222, 830}, first: true, match: matchSSH},
	{name: "ftp", ports: []uint16{21, 2121, 990}, first: true, match: matchFTP, ask: askFTP},
	{name: "smtp", ports: []uint16{25, 587, 465, 2525, 26}, first: true, match: matchSMTP, ask: askSMTP},
	{name: "pop3", ports: []uint16{110, 995, 109}, first: true, match: matchPOP3, ask: askPOP3},
	{name: "imap", ports: []uint16{143, 993}, first: true, match: matchIMAP, ask: askIMAP},
	{name: "sieve", ports: []uint16{4190}, first: true, match: matchSieve},
	{name: "nntp", ports: []uint16{119, 563, 433}, first: true, match: matchNNTP},
	{name: "telnet", ports: []uint16{23, 992, 2323}, first: true, match: matchTelnet, ask: askTelnet},
}

// firstLine without its line end, at most 512 bytes.
func firstLine(b []byte) string {
	line, _, _ := bytes.Cut(b[:min(len(b), 512)], []byte("\n"))
	return strings.TrimRight(string(line), "\r\x00 ")
}

var sshBanner = regexp.MustCompile(`(?m)^SSH-(\d\.\d+)-([^\s\r\n]+)(?: ([^\r\n]*))?`)

// RFC 4253, 4.2: the server may send lines before its version.
func matchSSH(b []byte) (Match, bool) {
	f := sshBanner.FindSubmatch(b[:min(len(b), 4096)])
	if f == nil {
		return Match{}, false
	}
	m := Match{Name: "ssh"}
	software, comment := string(f[2]), string(f[3])
	name, version, _ := strings.Cut(software, "_")
	switch lower := strings.ToLower(name); {
	case lower == "openssh" && strings.HasPrefix(strings.ToLower(version), "for_windows_"):
		m.product("openssh", version[len("for_Windows_"):], "windows", toldBanner)
	case lower == "openssh":
		m.product("openssh", version, comment, toldBanner)
		m.sshPackage(version, comment)
	case lower == "dropbear":
		m.product("dropbear", version, comment, toldBanner)
	case strings.HasPrefix(lower, "libssh"):
		if v := strings.TrimPrefix(lower, "libssh-"); v != lower {
			version = v
		}
		m.product("libssh", version, comment, toldBanner)
	default:
		m.looseSSH(software)
	}
	return m, true
}

var looseSSHName = regexp.MustCompile(`^([A-Za-z][A-Za-z._ ]*?)(?:[-_ ]?v?([0-9][0-9A-Za-z.]*))?$`)

func (m *Match) looseSSH(software string) {
	names := map[string]string{"cisco": "cisco ssh", "go": "golang ssh", "rosssh": "mikrotik routeros sshd", "tinyssh": "tinyssh", "asyncssh": "asyncssh", "paramiko": "paramiko",
		"apache-sshd": "apache mina sshd", "sshd-core": "apache mina sshd", "erlang": "erlang", "mod_sftp": "proftpd mod_sftp", "weonlydo": "weonlydo sshd", "bitvise": "bitvise ssh server",
		"crushftpsshd": "crushftp", "gitea": "gitea", "huawei": "huawei sshd", "comware": "hp comware sshd", "twisted": "twisted conch", "rclone": "rclone", "aws": "aws transfer"}
	lower := strings.ToLower(software)
	for key, product := range names {
		if strings.HasPrefix(lower, key) {
			version := ""
			if f := pattern(`[-_/ ]v?([0-9][0-9A-Za-z.]*)`).FindStringSubmatch(software); f != nil {
				version = f[1]
			}
			m.product(product, version, "", toldBanner)
			return
		}
	}
	if f := looseSSHName.FindStringSubmatch(software); f != nil {
		m.product(strings.ToLower(strings.ReplaceAll(f[1], "_", " ")), f[2], "", toldBanner)
	}
}

// sshPackage reads "Debian-2+deb12u3" and "Ubuntu-3ubuntu0.6"; both distributions give openssh the epoch 1.
func (m *Match) sshPackage(version, comment string) {
	vendor, revision, ok := strings.Cut(comment, "-")
	if f := strings.Fields(revision); len(f) > 0 {
		revision = f[0]
	}
	switch {
	case strings.HasPrefix(comment, "Debian"), strings.HasPrefix(comment, "Raspbian"):
		if r := debianSSH[version]; m.OS.QoD < 80 && r != "" {
			m.OS = debian(r, 70)
		}
	case strings.HasPrefix(comment, "Ubuntu"):
		if r := ubuntuSSH[version]; r != "" {
			m.OS = ubuntu(r, 75)
		}
	default:
		return
	}
	if ok && revision != "" && (vendor == "Debian" || vendor == "Ubuntu" || vendor == "Raspbian") {
		m.Package = "1:" + version + "-" + revision
	}
}

// rule reads product and version from a greeting: group 1 of the pattern is the version, group 2 where there is one the
// package's version.
type rule struct {
	pattern *regexp.Regexp
	product string
	cpe     string
}

func rules(pairs ...string) []rule {
	out := make([]rule, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, rule{pattern: regexp.MustCompile(pairs[i]), product: pairs[i+1]})
	}
	return out
}

func (m *Match) byRules(all []rule, text string, qod int) bool {
	for _, r := range all {
		f := r.pattern.FindStringSubmatch(text)
		if f == nil {
			continue
		}
		version := ""
		if len(f) > 1 {
			version = f[1]
		}
		m.product(r.product, version, text, qod)
		if len(f) > 2 {
			m.Package = f[2]
		}
		return true
	}
	if o := osOf(text); o.QoD > m.OS.QoD {
		m.OS = o
	}
	return false
}

var ftpRules = rules(
	`\(vsFTPd ([0-9][0-9.]*)\)`, "vsftpd", `(?i)vsFTPd ?([0-9][0-9.]*)?`, "vsftpd",
	`ProFTPD (?:Server )?([0-9][0-9a-z.]*)`, "proftpd", `ProFTPD`, "proftpd",
	`Pure-FTPd`, "pure-ftpd", `FileZilla Server(?: version)? ?v?([0-9][0-9.a-z]*)?`, "filezilla server",
	`Microsoft FTP Service`, "microsoft ftpd", `pyftpdlib (?:based ftpd )?v?([0-9][0-9.]*)?`, "pyftpdlib",
	`\(GNU inetutils ([0-9][0-9.]*)\)`, "inetutils ftpd", `\(Linux NetKit`, "netkit ftpd", `Serv-U FTP Server v?([0-9][0-9.]*)?`, "serv-u",
	`WU-?FTPD? wu-([0-9][0-9.a-z()-]*)`, "wu-ftpd", `Version wu-([0-9.]+)`, "wu-ftpd", `CrushFTP`, "crushftp", `bftpd ([0-9][0-9.]*)`, "bftpd", `Gene6`, "gene6 ftpd", `glFTPd ([0-9][0-9.a-z]*)`, "glftpd",
	`Twisted ([0-9][0-9.]*)`, "twisted ftpd", `uftpd \(?v?([0-9][0-9.]*)`, "uftpd", `Xlight`, "xlight ftpd", `MikroTik ([0-9][0-9.a-z]*)`, "mikrotik routeros ftpd", `OpenBSD.*ftpd`, "openbsd ftpd",
)

func matchFTP(b []byte) (Match, bool) {
	text := string(b[:min(len(b), 2048)])
	lower := strings.ToLower(text)
	if !strings.HasPrefix(text, "220") && !(strings.HasPrefix(text, "421") || strings.HasPrefix(text, "530")) || len(text) < 4 || text[3] != ' ' && text[3] != '-' {
		return Match{}, false
	}
	m := Match{Name: "ftp"}
	known := m.byRules(ftpRules, text, toldBanner)
	if !known && (!strings.Contains(lower, "ftp") || strings.Contains(lower, "smtp")) {
		return Match{}, false
	}
	return m, true
}

func askFTP(a *asker, m *Match) {
	a.talk(func(c *chat) {
		c.read()
		if !a.secure && m.Tunnel == "" {
			if r := c.ask([]byte("AUTH TLS\r\n")); bytes.HasPrefix(r, []byte("234")) {
				m.Tunnel = "starttls"
				return
			}
		}
	})
	if m.Product != "" {
		return
	}
	a.talk(func(c *chat) {
		c.read()
		for _, q := range []string{"SYST\r\n", "HELP\r\n", "FEAT\r\n"} {
			text := string(c.ask([]byte(q)))
			switch {
			case strings.Contains(text, "215 UNIX Type: L8 Version: Linux"):
				m.OS = OS{"Linux", "cpe:2.3:o:linux:linux_kernel:*:*:*:*:*:*:*:*", 40}
			case strings.Contains(text, "Windows_NT"):
				m.OS = family("windows")
			case strings.Contains(text, "ftp@proftpd.org"), strings.Contains(text, "ProFTPD"):
				m.product("proftpd", "", "", toldBanner)
			case strings.Contains(text, "Pure-FTPd"), strings.Contains(text, " EPRT\r\n IDLE\r\n MDTM"):
				m.product("pure-ftpd", "", "", toldBanner)
			}
			m.byRules(nil, text, 0)
		}
	})
}

var smtpRules = rules(
	`ESMTP Exim ([0-9][0-9.]*(?:_[0-9]+)?)`, "exim", `Exim`, "exim", `Postfix`, "postfix", `Sendmail ([0-9][0-9.]*)`, "sendmail", `(?i)sendmail`, "sendmail",
	`OpenSMTPD`, "opensmtpd", `Microsoft ESMTP MAIL Service(?:, Version: ([0-9.]+))?`, "microsoft exchange", `Haraka(?:/([0-9.]+))?`, "haraka",
	`hMailServer`, "hmailserver", `Courier`, "courier", `Zimbra`, "zimbra", `MailEnable`, "mailenable", `IceWarp ([0-9.]+)`, "icewarp", `Mercury`, "mercury mail", `qmail`, "qmail",
	`MDaemon ([0-9.]+)`, "mdaemon", `CommuniGate Pro ([0-9.]+)`, "communigate pro", `Python SMTP ([0-9.]+)`, "python aiosmtpd", `aiosmtpd|SMTP on asyncio`, "python aiosmtpd", `Mailpit`, "mailpit", `MailHog`, "mailhog", `Lotus Domino|IBM Domino`, "ibm domino",
	`Apache James`, "apache james", `nullmailer`, "nullmailer", `dma`, "dragonfly mail agent", `\(DSMTP`, "dovecot submission", `Dovecot`, "dovecot",
)

func matchSMTP(b []byte) (Match, bool) {
	text := string(b[:min(len(b), 2048)])
	if !strings.HasPrefix(text, "220 ") && !strings.HasPrefix(text, "220-") && !strings.HasPrefix(text, "554 ") && !strings.HasPrefix(text, "421 ") {
		return Match{}, false
	}
	m := Match{Name: "smtp"}
	known := m.byRules(smtpRules, text, toldBanner)
	if strings.Contains(text, "LMTP") {
		m.Name = "lmtp"
	}
	if !known && !strings.Contains(strings.ToUpper(text), "MTP") {
		return Match{}, false
	}
	return m, true
}

func askSMTP(a *asker, m *Match) {
	hello := "EHLO scanner.invalid\r\n"
	if m.Name == "lmtp" {
		hello = "LHLO scanner.invalid\r\n"
	}
	a.talk(func(c *chat) {
		c.read()
		r := string(c.ask([]byte(hello)))
		if !a.secure && strings.Contains(strings.ToUpper(r), "STARTTLS") {
			m.Tunnel = "starttls"
		}
		if m.Product == "" {
			m.byRules(smtpRules[2:], string(c.ask([]byte("HELP\r\n"))), toldBanner)
		}
		c.send([]byte("QUIT\r\n"))
	})
}

var mailRules = rules(
	`Dovecot`, "dovecot", `Cyrus (?:POP3|IMAP)(?:4)?(?: Murder)?,? ?(?:server )?v?([0-9][0-9.]*)?`, "cyrus imapd", `Cyrus`, "cyrus imapd", `Courier`, "courier",
	`Microsoft Exchange(?: Server [0-9]+)?`, "microsoft exchange", `Zimbra ?([0-9.]+)?`, "zimbra", `UW|IMAP4rev1 20[0-9.]+`, "uw imapd", `hMailServer`, "hmailserver",
	`Qpopper \(version ([0-9.]+)\)`, "qpopper", `MailEnable`, "mailenable", `Gimap|Gpop`, "google mail", `popa3d`, "popa3d", `Solid POP3`, "solid pop3d", `teapop`, "teapop", `Kerio`, "kerio connect", `CommuniGate Pro ([0-9.]+)`, "communigate pro", `Citadel ([0-9.]+)`, "citadel",
)

func matchPOP3(b []byte) (Match, bool) {
	line := firstLine(b)
	if !strings.HasPrefix(line, "+OK") && !strings.HasPrefix(line, "-ERR") || strings.HasPrefix(line, "-ERR unknown command") || strings.HasPrefix(line, "-ERR wrong number") ||
		strings.HasPrefix(line, "-ERR 'Unknown Protocol") || strings.HasPrefix(line, "+OK\r") && len(b) < 5 {
		return Match{}, false
	}
	m := Match{Name: "pop3"}
	m.byRules(mailRules, line, toldBanner)
	return m, true
}

func askPOP3(a *asker, m *Match) {
	a.talk(func(c *chat) {
		c.read()
		r := string(c.ask([]byte("CAPA\r\n")))
		if !a.secure && strings.Contains(r, "STLS") {
			m.Tunnel = "starttls"
		}
		if i := strings.Index(r, "IMPLEMENTATION "); i >= 0 {
			m.byRules(mailRules, r[i:], toldBanner)
		}
		c.send([]byte("QUIT\r\n"))
	})
}

func matchIMAP(b []byte) (Match, bool) {
	line := firstLine(b)
	if !strings.HasPrefix(line, "* OK") && !strings.HasPrefix(line, "* PREAUTH") && !strings.HasPrefix(line, "* BYE") {
		return Match{}, false
	}
	m := Match{Name: "imap"}
	m.byRules(mailRules, line, toldBanner)
	return m, true
}

var imapID = regexp.MustCompile(`(?i)"name" "([^"]{1,60})"(?:.{0,200}?"version" "([^"]{1,40})")?`)

func askIMAP(a *asker, m *Match) {
	a.talk(func(c *chat) {
		c.read()
		r := string(c.ask([]byte("a1 CAPABILITY\r\n")))
		if !a.secure && strings.Contains(strings.ToUpper(r), "STARTTLS") {
			m.Tunnel = "starttls"
		}
		if strings.Contains(strings.ToUpper(r), " ID") { // RFC 2971
			if f := imapID.FindStringSubmatch(string(c.ask([]byte("a2 ID NIL\r\n")))); f != nil {
				m.byRules(mailRules, f[1], toldExactly)
				if f[2] != "" && m.Version == "" {
					m.Version = f[2]
				}
			}
		}
		c.send([]byte("a3 LOGOUT\r\n"))
	})
}

var sieveRules = rules(`Dovecot`, "dovecot", `Cyrus timsieved v?([0-9.]+)?`, "cyrus imapd")

func matchSieve(b []byte) (Match, bool) {
	text := string(b[:min(len(b), 1024)])
	if !strings.HasPrefix(text, `"IMPLEMENTATION" "`) {
		return Match{}, false
	}
	m := Match{Name: "sieve"}
	m.byRules(sieveRules, text, toldExactly)
	if strings.Contains(text, `"STARTTLS"`) {
		m.Tunnel = "starttls"
	}
	return m, true
}

var nntpRules = rules(`InterNetNews NNRP server INN ([0-9.]+)`, "inn", `INN ([0-9.]+)`, "inn", `InterNetNews`, "inn", `DNEWS`, "dnews", `Leafnode.* ([0-9.]+)`, "leafnode", `Cyrus NNTP v?([0-9.]+)`, "cyrus imapd")

// RFC 3977, 5.1: 200 and 201 greet; other protocols use these numbers too, so a word must tell.
func matchNNTP(b []byte) (Match, bool) {
	line := firstLine(b)
	if !strings.HasPrefix(line, "200 ") && !strings.HasPrefix(line, "201 ") && !strings.HasPrefix(line, "502 ") {
		return Match{}, false
	}
	m := Match{Name: "nntp"}
	if !m.byRules(nntpRules, line, toldBanner) && !pattern(`(?i)nntp|news|posting`).MatchString(line) {
		return Match{}, false
	}
	return m, true
}
