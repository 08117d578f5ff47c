package check

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/md5"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/vedette/vedette/internal/engine/lab"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// sshServer lets in whom allow says, by the method password or keyboard-interactive.
func sshServer(t *testing.T, interactive bool, allow func(user, password string) bool) func(net.Conn) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	no := errors.New("no")
	config := &ssh.ServerConfig{MaxAuthTries: 6}
	if interactive {
		config.KeyboardInteractiveCallback = func(m ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			answers, err := ask("", "", []string{"Password: "}, []bool{false})
			if err != nil || len(answers) != 1 || !allow(m.User(), answers[0]) {
				return nil, no
			}
			return nil, nil
		}
	} else {
		config.PasswordCallback = func(m ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if !allow(m.User(), string(password)) {
				return nil, no
			}
			return nil, nil
		}
	}
	config.AddHostKey(signer)
	return func(c net.Conn) {
		conn, channels, requests, err := ssh.NewServerConn(c, config)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests)
		go func() {
			for ch := range channels {
				_ = ch.Reject(ssh.Prohibited, "")
			}
		}()
		_ = conn.Wait()
	}
}

func is(pairs ...string) func(string, string) bool {
	return func(user, password string) bool { return slices.Contains(pairs, user+"/"+password) }
}

func TestSSHAccounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		handle func(net.Conn)
		want   []string
	}{
		{"vendor's and common", sshServer(t, false, is("root/toor", "admin/admin")), []string{"creds=admin/admin", "creds=root/toor"}},
		{"by questions", sshServer(t, true, is("test/test")), []string{"creds=test/test"}},
		{"none", sshServer(t, false, is()), []string{}},
		{"anybody", sshServer(t, false, func(string, string) bool { return true }), []string{"anon.ssh"}},
		{"no SSH", func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }, []string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at := serve(t, c.handle)
			if got := names(runCheck(t, "creds-ssh", service(at, "tcp", "ssh"), everything)); !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
			if got := runCheck(t, "creds-ssh", service(at, "tcp", "ssh"), Options{}); len(got) != 0 {
				t.Errorf("%v though logins are not allowed", names(got))
			}
		})
	}
}

func TestSSHAlgorithms(t *testing.T) {
	t.Parallel()
	weak := kexServer("diffie-hellman-group1-sha1,curve25519-sha256", "ssh-rsa", "aes128-cbc,aes128-ctr", "hmac-md5,hmac-sha2-256")
	if got := names(runCheck(t, "ssh-algorithms", service(serve(t, weak), "tcp", "ssh"), everything)); !slices.Equal(got, []string{"ssh.weak-cipher", "ssh.weak-kex", "ssh.weak-mac"}) {
		t.Errorf("weak server: %v", got)
	}
	strong := kexServer("curve25519-sha256,diffie-hellman-group14-sha256", "ssh-ed25519", "aes128-ctr,chacha20-poly1305@openssh.com", "hmac-sha1,hmac-sha2-256-etm@openssh.com")
	if got := runCheck(t, "ssh-algorithms", service(serve(t, strong), "tcp", "ssh"), everything); len(got) != 0 {
		t.Errorf("strong server: %v", names(got))
	}
}

func kexPacket(lists ...string) []byte {
	payload := append([]byte{20}, make([]byte, 16)...)
	for _, l := range lists {
		payload = append(binary.BigEndian.AppendUint32(payload, uint32(len(l))), l...)
	}
	payload = append(payload, make([]byte, 5)...)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(payload)+5)), 4), append(payload, 0, 0, 0, 0)...)
}

func kexServer(kex, keys, ciphers, macs string) func(net.Conn) {
	return script(part{"", "banner\r\nSSH-2.0-test\r\n"}, part{"\r\n", string(kexPacket(kex, keys, ciphers, ciphers, macs, macs, "none", "none", "", ""))})
}

func TestFTPAccountsAndAnonymous(t *testing.T) {
	t.Parallel()
	login := func(pairs ...string) func(net.Conn) {
		return func(c net.Conn) {
			_, _ = io.WriteString(c, "220 hi\r\n")
			l, user := newLines(c), ""
			for {
				line, err := l.read()
				if err != nil {
					return
				}
				verb, rest, _ := strings.Cut(line, " ")
				switch {
				case verb == "USER":
					user = rest
					_, _ = io.WriteString(c, "331 password\r\n")
				case verb == "PASS" && slices.ContainsFunc(pairs, func(p string) bool { return p == user+"/"+rest || p == user+"/*" }):
					_, _ = io.WriteString(c, "230 in\r\n")
				default:
					_, _ = io.WriteString(c, "530 no\r\n")
				}
			}
		}
	}
	s := service(serve(t, login("admin/admin", "anonymous/*", "ftp/*")), "tcp", "ftp")
	if got := names(runCheck(t, "creds-ftp", s, everything)); !slices.Equal(got, []string{"creds=admin/admin"}) {
		t.Errorf("accounts: %v", got)
	}
	if got := names(runCheck(t, "anon-ftp", s, everything)); !slices.Equal(got, []string{"anon.ftp"}) {
		t.Errorf("anonymous: %v", got)
	}
	closed := service(serve(t, login()), "tcp", "ftp")
	for _, id := range []string{"creds-ftp", "anon-ftp"} {
		if got := runCheck(t, id, closed, everything); len(got) != 0 {
			t.Errorf("%s on a closed server: %v", id, names(got))
		}
	}
}

// telnetServer negotiates, asks, and gives a prompt.
func telnetServer(pairs ...string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = c.Write([]byte{telnetIAC, telnetDo, 24, telnetIAC, telnetWill, 1})
		l := newLines(c)
		ask := func(prompt string) string {
			_, _ = io.WriteString(c, prompt)
			line, err := l.read()
			if err != nil {
				return ""
			}
			text, _ := telnetText([]byte(line))
			return strings.TrimSpace(string(text))
		}
		for range 3 {
			user := ask("\r\nhost login: ")
			if user == "" {
				return
			}
			if slices.Contains(pairs, user+"/"+ask("Password: ")) {
				_, _ = io.WriteString(c, "\r\nWelcome\r\n$ ")
				_, _ = io.Copy(io.Discard, c)
				return
			}
			_, _ = io.WriteString(c, "\r\nLogin incorrect\r\n")
		}
	}
}

func TestTelnetAccounts(t *testing.T) {
	t.Parallel()
	if got := names(runCheck(t, "creds-telnet", service(serve(t, telnetServer("test/test")), "tcp", "telnet"), everything)); !slices.Equal(got, []string{"creds=test/test"}) {
		t.Errorf("%v", got)
	}
	if got := runCheck(t, "creds-telnet", service(serve(t, telnetServer()), "tcp", "telnet"), everything); len(got) != 0 {
		t.Errorf("closed server: %v", names(got))
	}
}

func TestMailboxesAreTriedOnceAHost(t *testing.T) {
	t.Parallel()
	tries := make(chan string, 100)
	pop3 := func(c net.Conn) {
		_, _ = io.WriteString(c, "+OK hi\r\n")
		l, user := newLines(c), ""
		for {
			line, err := l.read()
			if err != nil {
				return
			}
			verb, rest, _ := strings.Cut(line, " ")
			switch {
			case verb == "USER":
				user = rest
				_, _ = io.WriteString(c, "+OK\r\n")
			case verb == "PASS":
				tries <- user
				if user == "info" && rest == "info" {
					_, _ = io.WriteString(c, "+OK in\r\n")
				} else {
					_, _ = io.WriteString(c, "-ERR no\r\n")
				}
			}
		}
	}
	first, second := service(serve(t, pop3), "tcp", "pop3"), service(serve(t, pop3), "tcp", "pop3")
	n, host := netOf(netip.AddrPortFrom(first.Address, first.Port))
	got := names(RunHost(context.Background(), n, host, []scanlink.Service{first, second}, everything))
	if !slices.Equal(got, []string{"creds=info/info", "creds=info/info"}) {
		t.Errorf("%v, want info/info on both", got)
	}
	if want := 1 + len(mailboxes) + 1; len(tries) != want {
		t.Errorf("%d tries, want %d: an invented one, each name once, and the known one on the second service", len(tries), want)
	}
}

func TestIMAPAccount(t *testing.T) {
	t.Parallel()
	at := serve(t, says("* OK hi\r\n", part{`a1 LOGIN "test" "test"`, "a1 OK in\r\n"}, part{"a1", "a1 NO no\r\n"}))
	n, host := netOf(at)
	if got := names(mailLogins(context.Background(), n, host, []scanlink.Service{service(at, "tcp", "imap")}, everything)); !slices.Equal(got, []string{"creds=test/test"}) {
		t.Errorf("%v", got)
	}
}

// vncServer asks for a password by the challenge, or for none.
func vncServer(types []byte, password string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, "RFB 003.008\n")
		buf := make([]byte, 32)
		if _, err := io.ReadFull(c, buf[:12]); err != nil {
			return
		}
		_, _ = c.Write(append([]byte{byte(len(types))}, types...))
		if _, err := io.ReadFull(c, buf[:1]); err != nil || buf[0] != rfbVNC {
			return
		}
		var challenge [16]byte
		_, _ = rand.Read(challenge[:])
		_, _ = c.Write(challenge[:])
		if _, err := io.ReadFull(c, buf[:16]); err != nil {
			return
		}
		if bytes.Equal(buf[:16], vncResponse(password, challenge)) {
			_, _ = c.Write([]byte{0, 0, 0, 0})
		} else {
			_, _ = c.Write([]byte{0, 0, 0, 1})
		}
	}
}

func TestVNCShutOut(t *testing.T) {
	t.Parallel()
	at := serve(t, script(part{"", "RFB 003.003\n"}, part{"RFB 003.003\n", "\x00\x00\x00\x00\x00\x00\x00\x1aToo many security failures"}))
	n, host := netOf(at)
	e := &env{n: n, t: wire.Target{Host: host, Service: service(at, "tcp", "vnc")}, open: new(bool)}
	if _, err := e.rfb(context.Background()); !errors.Is(err, errBlocked) {
		t.Errorf("%v, want the shut-out told", err)
	}
}

func TestVNC(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		handle func(net.Conn)
		want   []string
	}{
		{vncServer([]byte{rfbNone, rfbVNC}, ""), []string{"anon.vnc"}},
		{vncServer([]byte{rfbVNC}, "password"), []string{"creds=-/password"}},
		{vncServer([]byte{rfbVNC}, "admin"), []string{"creds=-/admin"}},
		{vncServer([]byte{rfbVNC}, "long and strange"), []string{}},
	} {
		if got := names(runCheck(t, "anon-vnc", service(serve(t, c.handle), "tcp", "vnc"), everything)); !slices.Equal(got, c.want) {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}

// pgServer trusts, or asks by MD5 for a password.
func pgServer(roles map[string]string, trust bool) func(net.Conn) {
	return func(c net.Conn) {
		start, err := frameWithLength(c)
		if err != nil {
			return
		}
		_, after, _ := bytes.Cut(start, []byte("user\x00"))
		user, _, _ := strings.Cut(string(after), "\x00")
		say := func(kind byte, body string) {
			_, _ = c.Write(append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4)), body...))
		}
		if !trust {
			say('R', "\x00\x00\x00\x05salt")
			kind := make([]byte, 1)
			if _, err := io.ReadFull(c, kind); err != nil {
				return
			}
			answer, err := frameWithLength(c)
			inner := md5.Sum([]byte(roles[user] + user))
			outer := md5.Sum([]byte(hex.EncodeToString(inner[:]) + "salt"))
			if err != nil || string(answer) != "md5"+hex.EncodeToString(outer[:])+"\x00" {
				say('E', "C28P01\x00Mno\x00Rauth_failed\x00\x00")
				return
			}
		} else if _, known := roles[user]; !known {
			say('E', "C28000\x00Mrole\x00RInitializeSessionUserId\x00\x00")
			return
		}
		say('R', "\x00\x00\x00\x00")
		say('S', "server_version\x0015.2\x00")
		say('Z', "I")
	}
}

func frameWithLength(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	body := make([]byte, int(binary.BigEndian.Uint32(head[:])&0xffff)-4)
	_, err := io.ReadFull(r, body)
	return body, err
}

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	open := service(serve(t, pgServer(map[string]string{"postgres": ""}, true)), "tcp", "postgresql")
	if got := names(runCheck(t, "anon-postgresql", open, everything)); !slices.Equal(got, []string{"anon.postgresql"}) {
		t.Errorf("trusting server: %v", got)
	}
	closed := service(serve(t, pgServer(map[string]string{"postgres": "secret"}, false)), "tcp", "postgresql")
	if got := runCheck(t, "anon-postgresql", closed, everything); len(got) != 0 {
		t.Errorf("closed server: %v", names(got))
	}
	n, host := netOf(netip.AddrPortFrom(closed.Address, closed.Port))
	e := &env{n: n, t: wire.Target{Host: host, Service: closed}, open: new(bool)}
	if r, err := e.pgLogin(context.Background(), "postgres", "secret", "postgres"); err != nil || !r.ok || r.version != "15.2" {
		t.Errorf("login by MD5: %+v %v", r, err)
	}
}

// TestSCRAM checks the client's proof against the example of RFC 7677 section 3, with its nonce.
func TestSCRAM(t *testing.T) {
	t.Parallel()
	s := &scram{password: "pencil", nonce: "rOprNGfwEbeRWgbNEkqO"}
	final, err := s.final("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
	if err != nil || !strings.HasPrefix(final, "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=") {
		t.Errorf("%q %v", final, err)
	}
	if _, err := s.final("r=other,s=AAAA,i=4096"); err == nil {
		t.Error("a nonce that is not ours was taken")
	}
	if _, err := s.final("r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=999999999"); err == nil {
		t.Error("an endless computation was begun")
	}
}

// mysqlServer lets in whom it knows, by mysql_native_password.
func mysqlServer(roles map[string]string) func(net.Conn) {
	salt := []byte("12345678abcdefghijkl")
	return func(c net.Conn) {
		greeting := append([]byte("\x0a8.0.1\x00\x01\x00\x00\x00"), salt[:8]...)
		greeting = append(greeting, 0, 0xff, 0xff, 8, 2, 0, 0xff, 0xdf, 21)
		greeting = append(append(append(greeting, make([]byte, 10)...), salt[8:]...), 0)
		greeting = append(greeting, "mysql_native_password\x00"...)
		if mysqlWrite(c, 0, greeting) != nil {
			return
		}
		response, _, err := mysqlPacket(c)
		if err != nil || len(response) < 33 {
			return
		}
		user, rest, _ := bytes.Cut(response[32:], []byte{0})
		password, known := roles[string(user)]
		want := mysqlAnswer("mysql_native_password", password, salt)
		if known && len(rest) > len(want) && int(rest[0]) == len(want) && bytes.Equal(rest[1:1+len(want)], want) {
			_ = mysqlWrite(c, 2, []byte{0, 0, 0, 2, 0, 0, 0})
			return
		}
		_ = mysqlWrite(c, 2, []byte("\xff\x15\x04#28000no"))
	}
}

func TestMySQL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		roles map[string]string
		want  []string
	}{
		{map[string]string{"root": ""}, []string{"creds=root/-"}},
		{map[string]string{"root": "secret"}, []string{}},
	} {
		s := service(serve(t, mysqlServer(c.roles)), "tcp", "mysql")
		if got := names(runCheck(t, "anon-mysql", s, everything)); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.roles, got, c.want)
		}
	}
	s := service(serve(t, mysqlServer(map[string]string{"root": "secret"})), "tcp", "mysql")
	n, host := netOf(netip.AddrPortFrom(s.Address, s.Port))
	e := &env{n: n, t: wire.Target{Host: host, Service: s}, open: new(bool)}
	if r, err := e.mysqlLogin(context.Background(), "root", "secret"); err != nil || !r.ok {
		t.Errorf("login with a password: %+v %v", r, err)
	}
}

// TestMailboxBehindOneThatWantsTLS: a service that takes no password in clear says nothing about the next.
func TestMailboxBehindOneThatWantsTLS(t *testing.T) {
	t.Parallel()
	closed := service(serve(t, says("* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\r\n", part{"", "a1 NO [PRIVACYREQUIRED] no\r\n"})), "tcp", "imap")
	open := service(serve(t, says("* OK ready\r\n", part{`a1 LOGIN "info" "info"`, "a1 OK in\r\n"}, part{"a1", "a1 NO no\r\n"})), "tcp", "imap")
	n, host := netOf(netip.AddrPortFrom(open.Address, open.Port))
	found := mailLogins(context.Background(), n, host, []scanlink.Service{closed, open}, everything)
	if len(found) != 1 || found[0].Login != "info/info" || found[0].Port != open.Port {
		t.Errorf("%v", names(found))
	}
}

// TestAccountsAfterStartTLS: passwords are given after the change to TLS where the server offers it and takes none before.
func TestAccountsAfterStartTLS(t *testing.T) {
	t.Parallel()
	config := lab.TLSConfig(lab.Cert(t, lab.CertOptions{}))
	at := serve(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "220 ready\r\n")
		l, user, inside := newLines(c), "", false
		for {
			text, err := l.read()
			if err != nil {
				return
			}
			verb, rest, _ := strings.Cut(text, " ")
			answer := "530 use TLS first\r\n"
			switch {
			case verb == "AUTH":
				_, _ = io.WriteString(c, "234 begin\r\n")
				s := tls.Server(c, config)
				c, l, inside = s, newLines(s), true
				continue
			case verb == "USER" && inside:
				user, answer = rest, "331 password\r\n"
			case verb == "PASS" && inside:
				if answer = "530 no\r\n"; user == "admin" && rest == "admin" {
					answer = "230 in\r\n"
				}
			}
			_, _ = io.WriteString(c, answer)
		}
	})
	s := service(at, "tcp", "ftp")
	s.Tunnel = "starttls"
	if got := names(runCheck(t, "creds-ftp", s, everything)); !slices.Equal(got, []string{"creds=admin/admin"}) {
		t.Errorf("%v", got)
	}
}
