package tlsprobe

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
)

// part is one side's turn in a conversation: the server waits for a piece of text, then says another.
type part struct{ wait, say string }

// play holds the conversation and then shakes hands.
func play(config *tls.Config, parts []part) func(net.Conn) {
	return func(c net.Conn) {
		for _, p := range parts {
			if p.wait != "" {
				got := ""
				buf := make([]byte, 1)
				for !strings.HasSuffix(got, p.wait) {
					if _, err := io.ReadFull(c, buf); err != nil {
						return
					}
					got += string(buf)
				}
			}
			_, _ = io.WriteString(c, p.say)
		}
		_ = tls.Server(c, config).Handshake()
	}
}

const mysqlHello = "\x4a\x00\x00\x00\x0a8.0.30\x00\x01\x00\x00\x0012345678\x00\xff\xff\x08\x02\x00\xff\xdf\x15\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00abcdefghijkl\x00caching_sha2_password\x00"

func TestStartTLS(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, "root", nil)
	config := modernConfig(issue(t, root, leafTemplate(), testKey()))
	for name, parts := range map[string][]part{
		"smtp":       {{"", "220-hello\r\n220 ready\r\n"}, {"EHLO scan.invalid\r\n", "250-me\r\n250 STARTTLS\r\n"}, {"STARTTLS\r\n", "220 go\r\n"}},
		"pop3":       {{"", "+OK\r\n"}, {"STLS\r\n", "+OK\r\n"}},
		"imap":       {{"", "* OK\r\n"}, {"a1 STARTTLS\r\n", "* note\r\na1 OK\r\n"}},
		"ftp":        {{"", "220 hello\r\n"}, {"AUTH TLS\r\n", "234 go\r\n"}},
		"nntp":       {{"", "200 hello\r\n"}, {"STARTTLS\r\n", "382 go\r\n"}},
		"irc":        {{"", ":me NOTICE * :hello\r\n"}, {"STARTTLS\r\n", ":me 670 * :go\r\n"}},
		"sieve":      {{"", "\"STARTTLS\"\r\nOK \"hello\"\r\n"}, {"STARTTLS\r\n", "OK \"go\"\r\n"}},
		"ldap":       {{"1.3.6.1.4.1.1466.20037", "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"}},
		"postgresql": {{"\x04\xd2\x16\x2f", "S"}},
		"mysql":      {{"", mysqlHello}, {strings.Repeat("\x00", 23), ""}},
		"xmpp":       {{"version='1.0'>", "<stream:stream><stream:features><starttls/></stream:features>"}, {"xmpp-tls'/>", "<proceed xmlns=\"urn:ietf:params:xml:ns:xmpp-tls\"/>"}},
		"rdp":        {{"\x01\x00\x08\x00\x03\x00\x00\x00", "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x00\x08\x00\x01\x00\x00\x00"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, target := target(serve(t, play(config, parts)), name, "starttls", root.pem())
			facts, found := classesOf(t, n, target)
			if len(found) != 0 || !slices.Contains(facts.Versions, "TLSv1.3") {
				t.Errorf("versions %v, faults %v", facts.Versions, found)
			}
		})
	}
}

func TestStartTLSNotOffered(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{"smtp": "220 a\r\n250 b\r\n502 no\r\n", "imap": "* OK\r\na1 BAD no\r\n", "postgresql": "N", "ftp": "220 a\r\n502 no\r\n"} {
		at := serve(t, func(c net.Conn) {
			_, _ = io.WriteString(c, answer)
			_, _ = bufio.NewReader(c).ReadString(0)
		})
		n, target := target(at, name, "starttls")
		if facts, found, err := Run(context.Background(), n, target); err == nil || facts != nil || found != nil {
			t.Errorf("%s: %v %v %v, want an error alone", name, facts, found, err)
		}
	}
}
