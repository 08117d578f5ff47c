package tlsprobe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/vedette/vedette/internal/engine/wire"
)

// dance is what a protocol says before TLS may begin.
type dance func(*conversation, wire.Target) error

var dances = map[string]dance{
	"smtp": smtp, "submission": smtp, "lmtp": lmtp, "pop3": pop3, "imap": imap, "ftp": ftp, "ldap": ldap,
	"postgresql": postgresql, "mysql": mysql, "mariadb": mysql, "xmpp": xmpp, "xmpp-client": xmpp, "xmpp-server": xmppServer,
	"nntp": nntp, "irc": irc, "sieve": sieve, "managesieve": sieve, "rdp": rdp,
}

var errNotOffered = errors.New("not offered")

// conversation reads no byte further than it needs: what follows belongs to TLS.
type conversation struct{ conn net.Conn }

const maxLine = 4096

func (c *conversation) line() (string, error) {
	var line []byte
	var b [1]byte
	for len(line) < maxLine {
		if _, err := io.ReadFull(c.conn, b[:]); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return strings.TrimRight(string(line), "\r"), nil
		}
		line = append(line, b[0])
	}
	return "", errMalformed
}

// until reads lines to the first that stop accepts.
func (c *conversation) until(stop func(string) bool) (string, error) {
	for range 200 {
		l, err := c.line()
		if err != nil {
			return "", err
		}
		if stop(l) {
			return l, nil
		}
	}
	return "", errMalformed
}

func (c *conversation) say(format string, args ...any) error {
	_, err := fmt.Fprintf(c.conn, format, args...)
	return err
}

// reply reads an answer of the FTP and SMTP kind: three digits, a hyphen while more lines follow.
func (c *conversation) reply() (string, error) {
	return c.until(func(l string) bool { return len(l) >= 3 && l[0] >= '1' && l[0] <= '5' && (len(l) == 3 || l[3] == ' ') })
}

func (c *conversation) ask(command string, want string) error {
	if err := c.say("%s\r\n", command); err != nil {
		return err
	}
	r, err := c.reply()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(r, want) {
		return errNotOffered
	}
	return nil
}

func smtp(c *conversation, _ wire.Target) error { return mail(c, "EHLO scan.invalid") }
func lmtp(c *conversation, _ wire.Target) error { return mail(c, "LHLO scan.invalid") }

func mail(c *conversation, greeting string) error {
	if _, err := c.reply(); err != nil {
		return err
	}
	if err := c.ask(greeting, "2"); err != nil {
		return err
	}
	return c.ask("STARTTLS", "220")
}

func ftp(c *conversation, _ wire.Target) error {
	if _, err := c.reply(); err != nil {
		return err
	}
	return c.ask("AUTH TLS", "234")
}

func nntp(c *conversation, _ wire.Target) error {
	if _, err := c.reply(); err != nil {
		return err
	}
	return c.ask("STARTTLS", "382")
}

func pop3(c *conversation, _ wire.Target) error {
	if _, err := c.line(); err != nil {
		return err
	}
	if err := c.say("STLS\r\n"); err != nil {
		return err
	}
	l, err := c.line()
	if err == nil && !strings.HasPrefix(l, "+OK") {
		err = errNotOffered
	}
	return err
}

func imap(c *conversation, _ wire.Target) error {
	if _, err := c.line(); err != nil {
		return err
	}
	if err := c.say("a1 STARTTLS\r\n"); err != nil {
		return err
	}
	l, err := c.until(func(l string) bool { return strings.HasPrefix(l, "a1 ") })
	if err == nil && !strings.HasPrefix(strings.ToUpper(l), "A1 OK") {
		err = errNotOffered
	}
	return err
}

func irc(c *conversation, _ wire.Target) error {
	if err := c.say("STARTTLS\r\n"); err != nil {
		return err
	}
	l, err := c.until(func(l string) bool {
		return strings.Contains(l, " 670 ") || strings.Contains(l, " 691 ") || strings.Contains(l, " 421 ") || strings.Contains(l, " 451 ") || strings.HasPrefix(l, "ERROR")
	})
	if err == nil && !strings.Contains(l, " 670 ") {
		err = errNotOffered
	}
	return err
}

func sieve(c *conversation, _ wire.Target) error {
	end := func(l string) bool {
		u := strings.ToUpper(l)
		return strings.HasPrefix(u, "OK") || strings.HasPrefix(u, "NO") || strings.HasPrefix(u, "BYE")
	}
	if _, err := c.until(end); err != nil {
		return err
	}
	if err := c.say("STARTTLS\r\n"); err != nil {
		return err
	}
	l, err := c.until(end)
	if err == nil && !strings.HasPrefix(strings.ToUpper(l), "OK") {
		err = errNotOffered
	}
	return err
}

func xmpp(c *conversation, t wire.Target) error       { return stream(c, t, "jabber:client") }
func xmppServer(c *conversation, t wire.Target) error { return stream(c, t, "jabber:server") }

// stream opens an XMPP stream (RFC 6120 section 5.4) and reads byte by byte to the end of the element waited for.
func stream(c *conversation, t wire.Target, namespace string) error {
	to := t.Name()
	if to == "" {
		to = t.Host.Address.String()
	}
	err := c.say("<?xml version='1.0'?><stream:stream to='%s' xmlns='%s' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>", to, namespace)
	if err != nil {
		return err
	}
	if err := c.readTo("</stream:features>", "</stream:error>"); err != nil {
		return err
	}
	if err := c.say("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"); err != nil {
		return err
	}
	return c.readTo("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "<failure")
}

func (c *conversation) readTo(good, bad string) error {
	var got []byte
	var b [1]byte
	for len(got) < 4*maxLine {
		if _, err := io.ReadFull(c.conn, b[:]); err != nil {
			return err
		}
		got = append(got, b[0])
		text := strings.ReplaceAll(string(got[max(0, len(got)-80):]), `"`, `'`)
		switch {
		case strings.HasSuffix(text, good), strings.HasPrefix(good, "<proceed") && strings.HasSuffix(text, "/>") && strings.Contains(text, "<proceed"):
			return nil
		case strings.HasSuffix(text, bad):
			return errNotOffered
		}
	}
	return errMalformed
}

// ldap sends the extended request of RFC 4511 section 4.14 and wants resultCode success.
func ldap(c *conversation, _ wire.Target) error {
	oid := "1.3.6.1.4.1.1466.20037"
	request := append([]byte{0x30, byte(7 + len(oid)), 0x02, 0x01, 0x01, 0x77, byte(2 + len(oid)), 0x80, byte(len(oid))}, oid...)
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	var head [2]byte
	if _, err := io.ReadFull(c.conn, head[:]); err != nil {
		return err
	}
	size := int(head[1])
	if head[0] != 0x30 {
		return errMalformed
	}
	if size&0x80 != 0 {
		length := make([]byte, size&0x7f)
		if len(length) > 4 {
			return errMalformed
		}
		if _, err := io.ReadFull(c.conn, length); err != nil {
			return err
		}
		size = 0
		for _, b := range length {
			size = size<<8 | int(b)
		}
	}
	if size > maxLine {
		return errMalformed
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(c.conn, body); err != nil {
		return err
	}
	if !bytes.Contains(body, []byte{0x0a, 0x01, 0x00}) {
		return errNotOffered
	}
	return nil
}

func postgresql(c *conversation, _ wire.Target) error {
	if _, err := c.conn.Write([]byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}); err != nil {
		return err
	}
	var b [1]byte
	if _, err := io.ReadFull(c.conn, b[:]); err != nil {
		return err
	}
	if b[0] != 'S' {
		return errNotOffered
	}
	return nil
}

const mysqlSSL = 0x0800

// mysql answers the greeting with an SSLRequest if the server's capabilities have it.
func mysql(c *conversation, _ wire.Target) error {
	var head [4]byte
	if _, err := io.ReadFull(c.conn, head[:]); err != nil {
		return err
	}
	size := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	if size > maxLine {
		return errMalformed
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(c.conn, body); err != nil {
		return err
	}
	end := bytes.IndexByte(body, 0)
	if len(body) == 0 || body[0] != 10 || end < 0 || len(body) < end+1+4+8+1+2 {
		return errNotOffered
	}
	if binary.LittleEndian.Uint16(body[end+14:])&mysqlSSL == 0 {
		return errNotOffered
	}
	request := make([]byte, 4+32)
	request[0], request[3] = 32, head[3]+1
	binary.LittleEndian.PutUint32(request[4:], 0x0000aa05|mysqlSSL)
	binary.LittleEndian.PutUint32(request[8:], 1<<24)
	request[12] = 33
	_, err := c.conn.Write(request)
	return err
}

// rdp asks for TLS by the X.224 connection request of [MS-RDPBCGR] section 2.2.1.1.
func rdp(c *conversation, _ wire.Target) error {
	request := []byte{3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0}
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	var head [4]byte
	if _, err := io.ReadFull(c.conn, head[:]); err != nil {
		return err
	}
	size := int(binary.BigEndian.Uint16(head[2:])) - 4
	if head[0] != 3 || size < 7 || size > 512 {
		return errMalformed
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(c.conn, body); err != nil {
		return err
	}
	if len(body) < 15 || body[1] != 0xd0 || body[7] != 2 || body[11]&0x0b == 0 { // TYPE_RDP_NEG_RSP with TLS or CredSSP
		return errNotOffered
	}
	return nil
}
