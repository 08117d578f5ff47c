package lab

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// SSH is a real SSH server that announces version ("OpenSSH_9.2p1 Debian-2+deb12u3"), offers Go's algorithms and
// accepts the pairs user/password.
func SSH(t testing.TB, version string, logins ...string) netip.AddrPort {
	t.Helper()
	config := &ssh.ServerConfig{ServerVersion: "SSH-2.0-" + version}
	config.PasswordCallback = func(m ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
		for _, l := range logins {
			if l == m.User()+"/"+string(password) {
				return nil, nil
			}
		}
		return nil, io.ErrUnexpectedEOF
	}
	return SSHServer(t, config)
}

// SSHServer serves the configuration with a fresh host key; channels are refused.
func SSHServer(t testing.TB, config *ssh.ServerConfig) netip.AddrPort {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	config.AddHostKey(signer)
	return TCP(t, func(c net.Conn) {
		_, channels, requests, err := ssh.NewServerConn(c, config)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests)
		for ch := range channels {
			_ = ch.Reject(ssh.Prohibited, "no channels here")
		}
	})
}

// FTPOptions of a control connection without data channels.
type FTPOptions struct {
	Greeting  string   // "(vsFTPd 3.0.3)"
	Anonymous bool     // anonymous and ftp are let in
	Logins    []string // user/password
	TLS       *tls.Config
}

// FTP speaks USER, PASS, SYST, FEAT, AUTH TLS, PWD and QUIT.
func FTP(t testing.TB, o FTPOptions) netip.AddrPort {
	t.Helper()
	return TCP(t, func(c net.Conn) {
		user := ""
		session(c, "220 "+o.Greeting+"\r\n", o.TLS, func(line string) (string, bool) {
			verb, arg, _ := strings.Cut(line, " ")
			switch strings.ToUpper(verb) {
			case "USER":
				user = arg
				return "331 Please specify the password.\r\n", false
			case "PASS":
				if o.Anonymous && (user == "anonymous" || user == "ftp") || contains(o.Logins, user+"/"+arg) {
					return "230 Login successful.\r\n", false
				}
				return "530 Login incorrect.\r\n", false
			case "SYST":
				return "215 UNIX Type: L8\r\n", false
			case "FEAT":
				if o.TLS != nil {
					return "211-Features:\r\n AUTH TLS\r\n UTF8\r\n211 End\r\n", false
				}
				return "211-Features:\r\n UTF8\r\n211 End\r\n", false
			case "AUTH":
				if o.TLS != nil {
					return "234 Proceed with negotiation.\r\n", true
				}
				return "530 Please login with USER and PASS.\r\n", false
			case "PWD":
				return "257 \"/\" is the current directory\r\n", false
			case "QUIT":
				return "", false
			}
			return "502 Command not implemented.\r\n", false
		})
	})
}

// MailOptions of SMTP, POP3 and IMAP.
type MailOptions struct {
	Greeting string // without the protocol's first word
	TLS      *tls.Config
	Logins   []string // user/password
	Relay    bool     // SMTP: accepts every recipient; without it only @localhost
	VRFY     bool     // SMTP: answers VRFY
}

// SMTP speaks EHLO, STARTTLS, MAIL, RCPT, DATA, VRFY, RSET and QUIT; messages vanish.
func SMTP(t testing.TB, o MailOptions) netip.AddrPort {
	t.Helper()
	return TCP(t, func(c net.Conn) {
		data := false
		session(c, "220 "+o.Greeting+"\r\n", o.TLS, func(line string) (string, bool) {
			if data {
				if data = line != "."; data {
					return " ", false
				}
				return "250 OK\r\n", false
			}
			up := strings.ToUpper(line)
			switch {
			case strings.HasPrefix(up, "EHLO"):
				if o.TLS != nil {
					return "250-lab.test\r\n250-8BITMIME\r\n250 STARTTLS\r\n", false
				}
				return "250-lab.test\r\n250 8BITMIME\r\n", false
			case up == "STARTTLS" && o.TLS != nil:
				return "220 TLS go ahead\r\n", true
			case strings.HasPrefix(up, "RCPT") && !o.Relay && !strings.Contains(up, "@LOCALHOST"):
				return "550 relay not permitted\r\n", false
			case strings.HasPrefix(up, "HELO"), strings.HasPrefix(up, "MAIL"), strings.HasPrefix(up, "RCPT"), up == "RSET", up == "NOOP":
				return "250 OK\r\n", false
			case up == "DATA":
				data = true
				return "354 Enter message\r\n", false
			case strings.HasPrefix(up, "VRFY") && o.VRFY:
				return "250 <root@lab.test>\r\n", false
			case strings.HasPrefix(up, "HELP"):
				return "214 Commands supported: AUTH STARTTLS HELO EHLO MAIL RCPT DATA\r\n", false
			case up == "QUIT":
				return "", false
			}
			return "500 unrecognized command\r\n", false
		})
	})
}

// POP3 speaks CAPA, STLS, USER, PASS and QUIT.
func POP3(t testing.TB, o MailOptions) netip.AddrPort {
	t.Helper()
	return TCP(t, func(c net.Conn) {
		user := ""
		session(c, "+OK "+o.Greeting+"\r\n", o.TLS, func(line string) (string, bool) {
			verb, arg, _ := strings.Cut(line, " ")
			switch strings.ToUpper(verb) {
			case "CAPA":
				if o.TLS != nil {
					return "+OK\r\nCAPA\r\nUSER\r\nSTLS\r\n.\r\n", false
				}
				return "+OK\r\nCAPA\r\nUSER\r\n.\r\n", false
			case "STLS":
				if o.TLS != nil {
					return "+OK Begin TLS negotiation now.\r\n", true
				}
			case "USER":
				user = arg
				return "+OK\r\n", false
			case "PASS":
				if contains(o.Logins, user+"/"+arg) {
					return "+OK Logged in.\r\n", false
				}
				return "-ERR [AUTH] Authentication failed.\r\n", false
			case "QUIT":
				return "", false
			}
			return "-ERR Unknown command.\r\n", false
		})
	})
}

// IMAP speaks CAPABILITY, ID, STARTTLS, LOGIN and LOGOUT.
func IMAP(t testing.TB, o MailOptions) netip.AddrPort {
	t.Helper()
	return TCP(t, func(c net.Conn) {
		session(c, "* OK [CAPABILITY IMAP4rev1 ID] "+o.Greeting+"\r\n", o.TLS, func(line string) (string, bool) {
			f := strings.Fields(line + " - -")
			switch strings.ToUpper(f[1]) {
			case "CAPABILITY":
				more := ""
				if o.TLS != nil {
					more = " STARTTLS"
				}
				return "* CAPABILITY IMAP4rev1 ID" + more + "\r\n" + f[0] + " OK done\r\n", false
			case "STARTTLS":
				if o.TLS != nil {
					return f[0] + " OK Begin TLS negotiation now.\r\n", true
				}
			case "LOGIN":
				if contains(o.Logins, strings.Trim(f[2], `"`)+"/"+strings.Trim(f[3], `"`)) {
					return f[0] + " OK Logged in\r\n", false
				}
				return f[0] + " NO [AUTHENTICATIONFAILED] Authentication failed.\r\n", false
			case "LOGOUT":
				return "", false
			}
			return f[0] + " BAD Error in IMAP command.\r\n", false
		})
	})
}

// session answers lines; after an answer that says so it goes on inside TLS.
func session(c net.Conn, greeting string, config *tls.Config, answer func(string) (string, bool)) {
	if _, err := io.WriteString(c, greeting); err != nil {
		return
	}
	r := bufio.NewReaderSize(c, 4096)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		out, secure := answer(strings.TrimRight(line, "\r\n"))
		if out == "" {
			return
		}
		if _, err := io.WriteString(c, strings.TrimLeft(out, " ")); err != nil {
			return
		}
		if secure {
			s := tls.Server(c, config)
			if s.Handshake() != nil {
				return
			}
			c, r = s, bufio.NewReaderSize(s, 4096)
		}
	}
}

// Telnet negotiates options, then asks for a login.
func Telnet(t testing.TB, banner string, logins ...string) netip.AddrPort {
	t.Helper()
	return TCP(t, func(c net.Conn) {
		if _, err := c.Write([]byte{0xff, 0xfd, 0x18, 0xff, 0xfd, 0x20, 0xff, 0xfd, 0x23, 0xff, 0xfd, 0x27}); err != nil {
			return
		}
		user := ""
		lines(c, banner+"\r\nlogin: ", func(line string) string {
			line = stripTelnet(line)
			switch {
			case user == "":
				user = line + "/"
				return "Password: "
			case contains(logins, user+line):
				return "Last login: yesterday\r\nuser@lab:~$ "
			}
			user = ""
			return "\r\nLogin incorrect\r\nlogin: "
		})
	})
}

func stripTelnet(s string) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == 0xff {
			i += 2
			continue
		}
		if s[i] != 0 {
			out = append(out, s[i])
		}
	}
	return string(out)
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}
