package check

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// redisServer wants a password.
func redisServer(password string) func(net.Conn) {
	return func(c net.Conn) {
		b := make([]byte, 512)
		k, err := c.Read(b)
		if err != nil {
			return
		}
		if bytes.HasSuffix(b[:k], []byte("\r\n"+password+"\r\n")) {
			_, _ = io.WriteString(c, "+OK\r\n")
			return
		}
		_, _ = io.WriteString(c, "-WRONGPASS invalid username-password pair or user is disabled.\r\n")
	}
}

// mqttBroker answers CONNECT by whether the packet ends in one of the pairs.
func mqttBroker(pairs ...string) func(net.Conn) {
	return func(c net.Conn) {
		b := make([]byte, 512)
		k, err := c.Read(b)
		if err != nil {
			return
		}
		code := byte(5)
		for _, p := range pairs {
			if user, password, _ := strings.Cut(p, "/"); bytes.HasSuffix(b[:k], fmt.Appendf(nil, "\x00%c%s\x00%c%s", len(user), user, len(password), password)) {
				code = 0
			}
		}
		_, _ = c.Write([]byte{0x20, 2, 0, code})
	}
}

// stompBroker takes one pair.
func stompBroker(user, password string) func(net.Conn) {
	return func(c net.Conn) {
		b := make([]byte, 512)
		k, err := c.Read(b)
		if err == nil && bytes.Contains(b[:k], []byte("login:"+user+"\npasscode:"+password+"\n")) {
			_, _ = io.WriteString(c, "CONNECTED\nversion:1.2\n\n\x00")
			return
		}
		_, _ = io.WriteString(c, "ERROR\nmessage:Bad CONNECT\n\n\x00")
	}
}

func TestAccountsOfDatabasesAndBrokers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		id, protocol string
		handle       func(net.Conn)
		want         []string
	}{
		{"creds-postgresql", "postgresql", pgServer(map[string]string{"postgres": "postgres", "admin": "secret"}, false), []string{"creds=postgres/postgres"}},
		{"creds-postgresql", "postgresql", pgServer(map[string]string{"postgres": "secret"}, false), nil},
		{"creds-mysql", "mysql", mysqlServer(map[string]string{"root": "root", "test": "test"}), []string{"creds=root/root", "creds=test/test"}},
		{"creds-mysql", "mysql", mysqlServer(map[string]string{"root": "secret"}), nil},
		{"creds-redis", "redis", redisServer("foobared"), []string{"creds=-/foobared"}},
		{"creds-redis", "redis", redisServer("secret"), nil},
		{"creds-redis", "redis", says("-DENIED Redis is running in protected mode\r\n"), nil},
		{"creds-mqtt", "mqtt", mqttBroker("admin/public"), []string{"creds=admin/public"}},
		{"creds-mqtt", "mqtt", mqttBroker(), nil},
		{"creds-stomp", "stomp", stompBroker("guest", "guest"), []string{"creds=guest/guest"}},
		{"creds-stomp", "stomp", stompBroker("guest", "secret"), nil},
	} {
		if got := names(runCheck(t, c.id, service(serve(t, c.handle), "tcp", c.protocol), everything)); !slices.Equal(got, c.want) && len(got)+len(c.want) > 0 {
			t.Errorf("%s: %v, want %v", c.id, got, c.want)
		}
	}
}

// TestVerifyOfPostfix: 252 is an answer when an invented account is refused.
func TestVerifyOfPostfix(t *testing.T) {
	t.Parallel()
	const greeting = "220 mail.example.com ESMTP Postfix\r\n"
	for stranger, want := range map[string]int{"550 5.1.1 User unknown\r\n": 1, "252 2.0.0 yes\r\n": 0} {
		s := service(serve(t, says(greeting, part{"EHLO", "250 ok\r\n"}, part{"VRFY root", "252 2.0.0 root\r\n"}, part{"VRFY postmaster", "252 2.0.0 postmaster\r\n"},
			part{"VRFY", stranger}, part{"", "502 5.5.2 Error\r\n"})), "tcp", "smtp")
		if got := runCheck(t, "smtp-vrfy", s, everything); len(got) != want {
			t.Errorf("%q: %v", stranger, names(got))
		}
	}
}

func TestGatewaysAndDebuggers(t *testing.T) {
	t.Parallel()
	php := service(serve(t, func(c net.Conn) {
		b := make([]byte, 24)
		if _, err := io.ReadFull(c, b); err == nil {
			_, _ = c.Write([]byte{1, 10, 0, 0, 0, 0, 0, 0})
		}
	}), "tcp", "fastcgi")
	if got := names(runCheck(t, "anon-fastcgi", php, everything)); !slices.Equal(got, []string{"anon.fastcgi"}) {
		t.Errorf("PHP: %v", got)
	}
	for body, want := range map[string][]string{
		`[{"type":"node","webSocketDebuggerUrl":"ws://127.0.0.1:9229/5f05"}]`: {"anon.node-inspector"}, `[{"type":"node"}]`: {}, `{"webSocketDebuggerUrl":"x"}`: {},
	} {
		at := web(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/json/list" {
				http.Error(w, "WebSockets request was expected", http.StatusBadRequest)
				return
			}
			_, _ = io.WriteString(w, body)
		})
		if got := names(runCheck(t, "anon-api", service(at, "tcp", "http"), everything)); !slices.Equal(got, want) {
			t.Errorf("%s: %v", body, got)
		}
	}
}

// relay answers RCPT by whether the pair of sender and recipient is one that it takes.
func relay(taken func(from, to string) bool) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, "220 mail.corp.example ESMTP ready\r\n")
		l, from := newLines(c), ""
		for {
			text, err := l.read()
			if err != nil {
				return
			}
			answer := "250 ok\r\n"
			if f, ok := strings.CutPrefix(text, "MAIL FROM:"); ok {
				from = f
			}
			if to, ok := strings.CutPrefix(text, "RCPT TO:"); ok && !taken(from, to) {
				answer = "554 5.7.1 Relay access denied\r\n"
			}
			_, _ = io.WriteString(c, answer)
		}
	}
}

func TestRelaysInOtherForms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		taken func(from, to string) bool
		want  int
	}{
		"by the sender's domain":     {func(from, to string) bool { return strings.HasSuffix(from, "@corp.example>") }, 1},
		"by a percent sign":          {func(from, to string) bool { return to == "<probe%example.org@mail.corp.example>" }, 1},
		"any local part of its name": {func(from, to string) bool { return strings.HasSuffix(to, "@mail.corp.example>") }, 0},
		"nothing":                    {func(from, to string) bool { return false }, 0},
	} {
		s := service(serve(t, relay(c.taken)), "tcp", "smtp")
		if got := runCheck(t, "smtp-open-relay", s, everything); len(got) != c.want {
			t.Errorf("%s: %v", name, names(got))
		}
	}
}
