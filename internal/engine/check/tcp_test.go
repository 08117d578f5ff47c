package check

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
)

func smallNow() string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(clock.Now().Unix()+timeOffset)))
}

// x11Reply is a connection setup that was let in.
func x11Reply() string {
	b := make([]byte, 60)
	b[0], b[2] = 1, 11
	b[24] = 4
	copy(b[40:], "test")
	return string(b)
}

func mongoReply(body string) string {
	b := make([]byte, 21)
	return string(b) + "\x10\x00\x00\x00" + body + strings.Repeat("\x00", 24)
}

// TestTCPChecks gives each check a server with the fault and one without.
func TestTCPChecks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		id, service string
		bad         func(net.Conn)
		want        string
		good        func(net.Conn)
	}{
		{"anon-redis", "redis", says("", part{"*2", "$20\r\nredis_version:7.0.15\r\n\r\n"}), "anon.redis", says("", part{"*2", "-NOAUTH Authentication required.\r\n"})},
		{"anon-memcached", "memcached", says("", part{"stats", "STAT pid 1\r\nEND\r\n"}), "anon.memcached", says("", part{"", "CLIENT_ERROR unauthenticated\r\n"})},
		{"anon-mongodb", "mongodb", script(part{"$db\x00\x06\x00\x00\x00admin\x00\x00", mongoReply("\x04databases\x00")}), "anon.mongodb", script(part{"admin\x00\x00", mongoReply("\x02errmsg\x00")})},
		{"anon-x11", "x11", script(part{"l\x00\x0b", x11Reply()}), "anon.x11", script(part{"l\x00\x0b", "\x00\x16\x0b\x00\x00\x00\x06\x00No protocol specified\n"})},
		{"clear-ftp", "ftp", says("220 hi\r\n", part{"USER", "331 password\r\n"}), "clear.ftp", says("220 hi\r\n", part{"USER", "530 TLS first\r\n"})},
		{"clear-imap-login", "imap", says("* OK hi\r\n", part{"a1", "* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK\r\n"}), "clear.imap-login", says("* OK hi\r\n", part{"a1", "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na1 OK\r\n"})},
		{"clear-pop3-login", "pop3", says("+OK hi\r\n", part{"CAPA", "+OK\r\nUSER\r\nSTLS\r\n.\r\n"}), "clear.pop3-login", says("+OK hi\r\n", part{"CAPA", "+OK\r\nSTLS\r\n.\r\n"})},
		{"clear-smtp-login", "smtp", says("220 hi\r\n", part{"EHLO", "250-me\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n"}), "clear.smtp-login", says("220 hi\r\n", part{"EHLO", "250-me\r\n250-AUTH SCRAM-SHA-256\r\n250 STARTTLS\r\n"})},
		{"clear-ldap", "ldap", script(part{"x", "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x31\x04\x00\x04\x00"}), "clear.ldap", script(part{"x", "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x0d\x04\x00\x04\x00"})},
		{"smtp-open-relay", "smtp", says("220 hi\r\n", part{"", "250 ok\r\n"}), "smtp.open-relay", says("220 hi\r\n", part{"RCPT", "550 relaying denied\r\n"}, part{"", "250 ok\r\n"})},
		{"smtp-vrfy", "smtp", says("220 hi\r\n", part{"VRFY root", "250 <root@x>\r\n"}, part{"VRFY", "550 unknown\r\n"}, part{"EXPN", "550\r\n"}, part{"", "250 ok\r\n"}), "smtp.vrfy", says("220 hi\r\n", part{"VRFY", "252 send some mail\r\n"}, part{"EXPN", "502 no\r\n"}, part{"", "250 ok\r\n"})},
		{"small-echo", "echo", func(c net.Conn) { _, _ = io.Copy(c, c) }, "svc.small", script(part{"", "hello\r\n"})},
		{"small-daytime", "daytime", script(part{"", "Tue Nov 24 06:00:00 2026\r\n"}), "svc.small", script(part{"", "SSH-2.0-x\r\n"})},
		{"small-chargen", "chargen", script(part{"", ` !"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ` + "\r\n"}), "svc.small", script(part{"", "0123456789\r\n"})},
		{"small-time", "time", script(part{"", smallNow()}), "svc.small", script(part{"", "\x00\x00\x00\x01"})},
		{"finger-users", "finger", says("", part{"root", "Login: root  Name: root\r\n"}, part{"", "finger: no such user\r\n"}), "info.users", says("", part{"", "Login: nobody here\r\n"})},
		{"distccd-command", "distccd", distccServer(true), "cve", distccServer(false)},
		{"anon-mqtt", "mqtt", script(part{"MQTT\x04\x02", "\x20\x02\x00\x00"}), "anon.mqtt", script(part{"MQTT\x04\x02", "\x20\x02\x00\x05"})},
		{"anon-nats", "nats", says("INFO {}\r\n", part{"PING", "PONG\r\n"}), "anon.nats", says("INFO {}\r\n", part{"CONNECT", "-ERR 'Authorization Violation'\r\n"})},
		{"anon-stomp", "stomp", script(part{"\x00", "CONNECTED\nversion:1.2\n\n\x00"}), "anon.stomp", script(part{"\x00", "ERROR\nmessage:login\n\n\x00"})},
		{"anon-kafka", "kafka", script(part{"scanvd\x00\x00\x00\x00", "\x00\x00\x00\x16\x00\x00\x56\x44\x00\x00\x00\x01\x00\x00\x00\x01\x00\x01a\x00\x00\x23\x84\xff\xff\x00"}), "anon.kafka", script(part{"scanvd", ""})},
		{"anon-zookeeper", "zookeeper", script(part{strings.Repeat("\x00", 16), zkSession()}, part{"/\x00", "\x00\x00\x00\x14\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"}), "anon.zookeeper", script(part{strings.Repeat("\x00", 16), zkSession()}, part{"/\x00", "\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff\xff\x9a"})},
		{"anon-cassandra", "cassandra", script(part{"3.0.0", "\x83\x00\x00\x00\x02\x00\x00\x00\x00"}), "anon.cassandra", script(part{"3.0.0", "\x83\x00\x00\x00\x03\x00\x00\x00\x00"})},
		{"anon-beanstalkd", "beanstalkd", says("", part{"", "OK 14\r\n---\n- default\n\r\n"}), "anon.beanstalkd", says("", part{"", "UNKNOWN_COMMAND\r\n"})},
		{"anon-gearman", "gearman", says("", part{"", "reverse\t0\t0\t1\n.\n"}), "anon.gearman", says("", part{"", "ERR unknown_command\n"})},
		{"anon-amqp", "amqp", amqpServer("PLAIN", "guest\x00guest"), "creds=guest/guest", amqpServer("PLAIN", "nobody")},
		{"anon-svn", "svn", script(part{"", "( success ( 2 2 ( ) ( edit-pipeline ) ) ) "}, part{") ", "( success ( ( ANONYMOUS ) 4:repo ) ) "}), "anon.svn", script(part{"", "( success ( 2 2 ( ) ( edit-pipeline ) ) ) "}, part{") ", "( success ( ( CRAM-MD5 ) 4:repo ) ) "})},
		{"epmd-names", "epmd", script(part{"n", "\x00\x00\x11\x11name a at port 1\n"}), "info.erlang-nodes", script(part{"n", "no"})},
		{"anon-jdwp", "jdwp", script(part{"JDWP-Handshake", "JDWP-Handshake"}), "anon.jdwp", script(part{"JDWP-Handshake", "HTTP/1.1 400\r\n"})},
		{"anon-fastcgi", "fastcgi", script(part{"FCGI_MAX_CONNS", "\x01\x0a\x00\x00\x00\x11\x00\x00\x0e\x01FCGI_MAX_CONNS1"}), "anon.fastcgi", script(part{"FCGI", "HTTP/1.1 400\r\n"})},
		{"anon-ajp", "ajp", func(c net.Conn) { ajpServer(c, 200) }, "anon.ajp", func(c net.Conn) { ajpServer(c, 403) }},
		{"anon-nbd", "nbd", script(part{"", "NBDMAGICIHAVEOPT\x00\x03"}, part{"\x00\x00\x00\x03\x00\x00\x00\x00", "\x00\x03\xe8\x89\x04\x55\x65\xa9\x00\x00\x00\x03\x00\x00\x00\x02\x00\x00\x00\x08\x00\x00\x00\x04disk\x00\x03\xe8\x89\x04\x55\x65\xa9\x00\x00\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00"}), "anon.nbd", script(part{"", "NBDMAGICIHAVEOPT\x00\x03"}, part{"\x00\x00\x00\x03\x00\x00\x00\x00", "\x00\x03\xe8\x89\x04\x55\x65\xa9\x00\x00\x00\x03\x80\x00\x00\x05\x00\x00\x00\x00"})},
		{"anon-shell", "telnet", shellServer, "anon.shell", script(part{"", "host# "}, part{"\n", "unknown command\r\nhost# "})},
		{"anon-adb", "adb", script(part{"host::\x00", "CNXN" + strings.Repeat("\x00", 20)}), "anon.adb", script(part{"host::\x00", "AUTH" + strings.Repeat("\x00", 20)})},
		{"anon-git", "git", script(part{"", ""}, part{"\x00host=127.0.0.1\x00", "00ee" + strings.Repeat("a1", 20) + " HEAD\x00caps\n0000"}), "anon.git", script(part{"\x00host=127.0.0.1\x00", "002aERR access denied or repository not exported"})},
		{"xmpp-registration", "xmpp", xmppServer("<iq type='result' id='r1'><query xmlns='jabber:iq:register'><username/><password/></query></iq>"), "xmpp.open-registration", xmppServer("<iq type='error' id='r1'><query xmlns='jabber:iq:register'/></iq>")},
		{"proxy-socks", "socks", script(part{"\x05\x01\x00", "\x05\x00"}, part{"\x7f\x00\x00\x01", "\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00"}), "proxy.open", script(part{"\x05\x01\x00", "\x05\xff"})},
		{"proxy-http", "http", says("", part{"GET http://", "HTTP/1.1 503 no\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\nConnection: close\r\n\r\n"}, part{"GET / ", "HTTP/1.1 400 no\r\n\r\n"}, part{"CONNECT", "HTTP/1.1 403 no\r\n\r\n"}), "proxy.open", says("", part{"GET http://", "HTTP/1.1 403 no\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\n\r\n"}, part{"CONNECT", "HTTP/1.1 403 no\r\n\r\n"})},
	} {
		t.Run(c.id, func(t *testing.T) {
			t.Parallel()
			if got := names(runCheck(t, c.id, service(serve(t, c.bad), "tcp", c.service), everything)); !slices.Equal(got, []string{c.want}) {
				t.Errorf("with the fault: %v, want %s", got, c.want)
			}
			if got := runCheck(t, c.id, service(serve(t, c.good), "tcp", c.service), everything); len(got) != 0 {
				t.Errorf("without the fault: %v", names(got))
			}
		})
	}
}

func shellServer(c net.Conn) {
	_, _ = io.WriteString(c, "# ")
	line, err := newLines(c).read()
	if word, sum := strings.CutPrefix(line, "echo "); err == nil && sum {
		_, _ = io.WriteString(c, strings.Replace(word, "$((17*3))", "51", 1)+"\n# ")
	}
}

func xmppServer(answer string) func(net.Conn) {
	return script(part{"version='1.0'>", "<stream:stream><stream:features></stream:features>"}, part{"</iq>", answer})
}

func zkSession() string {
	b := make([]byte, 41)
	b[3], b[10] = 37, 1
	b[7+3] = 1 // timeout
	return string(b)
}

func distccServer(runs bool) func(net.Conn) {
	return func(c net.Conn) {
		b := make([]byte, 4096)
		k, err := c.Read(b)
		if err != nil {
			return
		}
		out := ""
		if _, after, ok := bytes.Cut(b[:k], []byte("echo ")); ok && runs {
			out = string(after[:13]) + "\n"
		}
		_, _ = io.WriteString(c, "DONE00000001STAT00000000SERR00000000SOUT"+hex8(len(out))+out+"DOTO00000000")
	}
}

func hex8(n int) string {
	const digits = "0123456789abcdef"
	b := []byte("00000000")
	for i := 7; n > 0; i, n = i-1, n/16 {
		b[i] = digits[n%16]
	}
	return string(b)
}

func ajpServer(c net.Conn, status uint16) {
	b := make([]byte, 512)
	k, err := c.Read(b)
	if err != nil {
		return
	}
	if k == 5 {
		_, _ = io.WriteString(c, "AB\x00\x01\x09")
		return
	}
	_, _ = c.Write(append([]byte{'A', 'B', 0, 10, 4}, binary.BigEndian.AppendUint16(nil, status)...))
}

// amqpServer offers mechanisms and lets one account in.
func amqpServer(mechanisms, account string) func(net.Conn) {
	return func(c net.Conn) {
		if !await(c, "AMQP\x00\x00\x09\x01") {
			return
		}
		body := append([]byte{0, 10, 0, 10, 0, 9, 0, 0, 0, 0}, binary.BigEndian.AppendUint32(nil, uint32(len(mechanisms)))...)
		body = append(body, mechanisms...)
		send := func(body []byte) {
			head := binary.BigEndian.AppendUint32([]byte{1, 0, 0}, uint32(len(body)))
			_, _ = c.Write(append(append(head, body...), 0xce))
		}
		send(body)
		answer, err := amqpFrame(c)
		if err == nil && bytes.Contains(answer, []byte("\x00"+account)) {
			send([]byte{0, 10, 0, 30, 0, 0, 0, 0, 0, 0, 0, 0})
		}
	}
}

func TestServiceWithoutAnswerCostsNothing(t *testing.T) {
	t.Parallel()
	at := serve(t, func(c net.Conn) {})
	start := time.Now()
	for _, id := range []string{"anon-redis", "anon-memcached", "anon-mongodb"} {
		if got := runCheck(t, id, service(at, "tcp", strings.TrimPrefix(id, "anon-")), everything); len(got) != 0 {
			t.Errorf("%s: %v", id, names(got))
		}
	}
	if time.Since(start) > wait {
		t.Error("a closed connection was waited for")
	}
}
