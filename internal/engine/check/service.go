package check

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/vedette/vedette/internal/scanlink"
)

// serviceChecks look for directories, disks, repositories and debuggers that take anybody.
var serviceChecks = []check{
	{"anon-ldap", []string{"anon.ldap"}, over("tcp", "ldap"), anonLDAP},
	{"anon-svn", []string{"anon.svn"}, maybe("tcp", []uint16{3690}, "svn", "svnserve"), anonSVN},
	{"anon-nbd", []string{"anon.nbd"}, maybe("tcp", []uint16{10809}, "nbd"), anonNBD},
	{"anon-iscsi", []string{"anon.iscsi"}, maybe("tcp", []uint16{3260}, "iscsi"), anonISCSI},
	{"epmd-names", []string{"info.erlang-nodes"}, maybe("tcp", []uint16{4369}, "epmd"), epmdNames},
	{"anon-ajp", []string{"anon.ajp"}, maybe("tcp", []uint16{8009}, "ajp", "ajp13"), anonAJP},
	{"anon-jdwp", []string{"anon.jdwp"}, maybe("tcp", []uint16{5005, 8000, 8787}, "jdwp"), anonJDWP},
	{"anon-fastcgi", []string{"anon.fastcgi"}, maybe("tcp", []uint16{9000}, "fastcgi", "fcgi"), anonFastCGI},
	{"anon-uwsgi", []string{"anon.uwsgi"}, over("tcp", "uwsgi"), plainFinding("anon.uwsgi", "The gateway takes requests from anybody, by a protocol whose variables name the programs that are loaded.")},
	{"info-uwsgi", []string{"info.uwsgi"}, over("tcp", "uwsgi-stats"), plainFinding("info.uwsgi", "The statistics of the application server are told to anybody.")},
	{"anon-gdbserver", []string{"anon.gdbserver"}, over("tcp", "gdbserver"), plainFinding("anon.gdbserver", "The debugger takes anybody, which is running code.")},
	{"anon-rserve", []string{"anon.code-exec"}, maybe("tcp", []uint16{6311}, "rserve"), anonRserve},
	{"netbios-names", []string{"info.netbios-names"}, maybe("udp", []uint16{137}, "netbios-ns", "nbns", "netbios"), netbiosNames},
}

// anonLDAP reads one entry below a naming context; the root entry itself is meant for everybody (RFC 4512 section 5.1).
func anonLDAP(ctx context.Context, e *env) []scanlink.Finding {
	c, err := e.dial(ctx)
	if err != nil {
		return nil
	}
	defer c.Close()
	if _, err := c.Write(ldapBind("", "")); err != nil {
		return nil
	}
	bound, err := readBER(c)
	if code, ok := ldapResult(bound, 0x61); err != nil || !ok || code != 0 {
		return nil
	}
	roots, err := ldapSearch(c, "", 0, "namingContexts")
	if err != nil {
		return nil
	}
	for _, base := range ldapValues(roots) {
		entries, err := ldapSearch(c, base, 2, "1.1")
		if err != nil {
			return nil
		}
		if names := ldapNames(entries); len(names) > 0 {
			return e.opened(e.found("anon.ldap", []byte("anonymous bind, search below "+base), []byte(strings.Join(names, "\n")), "Entries of the directory are given to anybody."))
		}
	}
	return nil
}

// anonSVN reads svnserve's greeting for a repository that cannot exist: a server that wants no login says so by the
// mechanisms it offers.
func anonSVN(ctx context.Context, e *env) []scanlink.Finding {
	l, err := e.lines(ctx)
	if err != nil {
		return nil
	}
	defer l.close()
	buf := make([]byte, 4096)
	k, err := l.conn.Read(buf)
	if err != nil || !bytes.HasPrefix(buf[:k], []byte("( success ( ")) {
		return nil
	}
	url := "svn://" + e.t.Host.Address.Unmap().String() + "/"
	request := fmt.Sprintf("( 2 ( edit-pipeline svndiff1 ) %d:%s ) ", len(url), url)
	if _, err := io.WriteString(l.conn, request); err != nil {
		return nil
	}
	k, err = l.conn.Read(buf)
	if err != nil || !bytes.Contains(buf[:k], []byte("ANONYMOUS")) {
		return nil
	}
	return one(e.found("anon.svn", []byte(request), buf[:k], "The repository may be read without login."))
}

const nbdOption = 0x49484156454F5054

// anonNBD lists the exports and opens the first (the NBD protocol, newstyle handshake); nothing is read or written.
func anonNBD(ctx context.Context, e *env) []scanlink.Finding {
	c, err := e.dial(ctx)
	if err != nil {
		return nil
	}
	defer c.Close()
	var hello [18]byte
	if _, err := io.ReadFull(c, hello[:]); err != nil || string(hello[:8]) != "NBDMAGIC" || binary.BigEndian.Uint64(hello[8:]) != nbdOption {
		return nil
	}
	request := binary.BigEndian.AppendUint64([]byte{0, 0, 0, 1}, nbdOption)
	request = append(request, 0, 0, 0, 3, 0, 0, 0, 0) // list
	if _, err := c.Write(request); err != nil {
		return nil
	}
	var names []string
	for range 64 {
		var head [20]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			break
		}
		size := binary.BigEndian.Uint32(head[16:])
		body := make([]byte, min(size, maxReply))
		if _, err := io.ReadFull(c, body); err != nil {
			break
		}
		if binary.BigEndian.Uint32(head[12:]) != 2 || len(body) < 4 {
			break
		}
		names = append(names, string(body[4:]))
	}
	if len(names) == 0 {
		return nil
	}
	return e.opened(e.found("anon.nbd", []byte("list of exports"), []byte(strings.Join(names, "\n")), "Disks are offered to anybody; the protocol has no login."))
}

// anonISCSI logs in to a discovery session without authentication and asks for all targets (RFC 7143).
func anonISCSI(ctx context.Context, e *env) []scanlink.Finding {
	c, err := e.dial(ctx)
	if err != nil {
		return nil
	}
	defer c.Close()
	keys := "InitiatorName=iqn.2026-01.invalid.scan:probe\x00SessionType=Discovery\x00AuthMethod=None\x00"
	login := iscsiPDU(0x43, 0x87, keys)
	copy(login[8:14], []byte{0x80, 0, 0, 0, 0, 1})
	if _, err := c.Write(login); err != nil {
		return nil
	}
	head, _, err := iscsiRead(c)
	if err != nil || head[0]&0x3f != 0x23 || head[36] != 0 || head[1]&3 != 3 {
		return nil
	}
	text := iscsiPDU(0x04, 0x80, "SendTargets=All\x00")
	copy(text[20:24], []byte{0xff, 0xff, 0xff, 0xff})
	binary.BigEndian.PutUint32(text[24:], 1)
	if _, err := c.Write(text); err != nil {
		return nil
	}
	head, body, err := iscsiRead(c)
	if err != nil || head[0]&0x3f != 0x24 || !bytes.Contains(body, []byte("TargetName=")) {
		return nil
	}
	return e.opened(e.found("anon.iscsi", []byte("SendTargets=All"), body, "Disks are listed for anybody."))
}

func iscsiPDU(opcode, flags byte, keys string) []byte {
	b := make([]byte, 48, 48+len(keys)+3)
	b[0], b[1] = opcode, flags
	b[5], b[6], b[7] = byte(len(keys)>>16), byte(len(keys)>>8), byte(len(keys))
	binary.BigEndian.PutUint32(b[16:], 1)
	b = append(b, keys...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func iscsiRead(r io.Reader) (head [48]byte, body []byte, err error) {
	if _, err = io.ReadFull(r, head[:]); err != nil {
		return head, nil, err
	}
	size := int(head[5])<<16 | int(head[6])<<8 | int(head[7])
	if size > maxReply {
		return head, nil, errProtocol
	}
	body = make([]byte, (size+3)&^3)
	_, err = io.ReadFull(r, body)
	return head, body[:size], err
}

func epmdNames(ctx context.Context, e *env) []scanlink.Finding {
	request := []byte{0, 1, 'n'}
	reply, err := e.ask(ctx, request)
	if err != nil || len(reply) < 4 || !bytes.HasPrefix(reply, []byte{0, 0, 0x11, 0x11}) {
		return nil
	}
	return one(e.found("info.erlang-nodes", request, reply[4:], "The Erlang nodes and their ports are told to anybody."))
}

// anonAJP pings the connector and asks for a page: what answers both can be given requests past the front server's
// rules (CVE-2020-1938 is the worst of what follows).
func anonAJP(ctx context.Context, e *env) []scanlink.Finding {
	reply, err := e.ask(ctx, []byte{0x12, 0x34, 0, 1, 10})
	if err != nil || !bytes.Equal(reply, []byte{'A', 'B', 0, 1, 9}) {
		return nil
	}
	request := ajpRequest("/")
	page, err := e.ask(ctx, request)
	if err != nil || len(page) < 7 || page[0] != 'A' || page[1] != 'B' || page[4] != 4 {
		return nil
	}
	if status := binary.BigEndian.Uint16(page[5:]); status == 403 { // a secret is wanted
		return nil
	}
	return e.opened(e.found("anon.ajp", request, page[:min(len(page), 1024)], "The connector takes requests from anybody, without a secret."))
}

func ajpRequest(path string) []byte {
	text := func(b []byte, s string) []byte {
		return append(append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...), 0)
	}
	body := text([]byte{2, 2}, "HTTP/1.1")
	body = text(text(text(text(body, path), "127.0.0.1"), "localhost"), "localhost")
	body = append(body, 0, 80, 0, 0, 1, 0xa0, 0x0b)
	body = append(text(body, "localhost"), 0xff)
	return append(binary.BigEndian.AppendUint16([]byte{0x12, 0x34}, uint16(len(body))), body...)
}

func anonJDWP(ctx context.Context, e *env) []scanlink.Finding {
	request := []byte("JDWP-Handshake")
	reply, err := e.ask(ctx, request)
	if err != nil || !bytes.HasPrefix(reply, request) {
		return nil
	}
	return e.opened(e.found("anon.jdwp", request, reply, "The Java debugger takes anybody, which is running code."))
}

// anonFastCGI asks for the server's limits (FCGI_GET_VALUES), a question that changes nothing.
func anonFastCGI(ctx context.Context, e *env) []scanlink.Finding {
	name := "FCGI_MAX_CONNS"
	request := []byte{1, 9, 0, 0, 0, byte(2 + len(name)), 0, 0, byte(len(name)), 0}
	request = append(request, name...)
	reply, err := e.ask(ctx, request)
	if err != nil || len(reply) < 8 || reply[0] != 1 || reply[1] != 10 || len(reply) > 8 && !bytes.Contains(reply, []byte("FCGI_")) {
		return nil // a server that knows no such limit answers with an empty list, as PHP does
	}
	return e.opened(e.found("anon.fastcgi", request, reply, "The process manager takes requests from anybody, which is running scripts."))
}

var netbiosName = regexp.MustCompile(`[A-Za-z0-9_-]{1,15}`)

// netbiosNames asks for the node's status (RFC 1002 section 4.2.17).
func netbiosNames(ctx context.Context, e *env) []scanlink.Finding {
	request := []byte{0x56, 0x44, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 32, 'C', 'K'}
	request = append(append(request, bytes.Repeat([]byte("A"), 30)...), 0, 0, 0x21, 0, 1)
	reply, err := e.askOnce(ctx, request, udpWait)
	if err != nil || len(reply) < 57 || !bytes.Equal(reply[:2], request[:2]) || reply[2]&0x80 == 0 {
		return nil
	}
	count := int(reply[56])
	var names []string
	for i := 57; i+18 <= len(reply) && len(names) < count; i += 18 {
		if name := strings.TrimSpace(string(reply[i : i+15])); netbiosName.MatchString(name) {
			names = append(names, fmt.Sprintf("%s <%02x>", name, reply[i+15]))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return one(e.found("info.netbios-names", nil, []byte(strings.Join(names, "\n")), "The machine tells its NetBIOS names."))
}

// readBER reads one element with its head.
func readBER(r io.Reader) ([]byte, error) {
	head := make([]byte, 2, 8)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	size := int(head[1])
	if size&0x80 != 0 {
		n := size & 0x7f
		if n < 1 || n > 4 {
			return nil, errProtocol
		}
		length := make([]byte, n)
		if _, err := io.ReadFull(r, length); err != nil {
			return nil, err
		}
		head, size = append(head, length...), 0
		for _, b := range length {
			size = size<<8 | int(b)
		}
	}
	if size > maxReply {
		return nil, errProtocol
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	return append(head, body...), nil
}

// anonRserve reads the greeting of the server for the language R: it names the ways to log in where it wants a login.
// Without one each connection runs programs.
func anonRserve(ctx context.Context, e *env) []scanlink.Finding {
	reply, err := e.ask(ctx, nil)
	if err != nil || len(reply) < 32 || !bytes.HasPrefix(reply, []byte("Rsrv")) || string(reply[8:12]) != "QAP1" {
		return nil
	}
	for at := 12; at+4 <= 32; at += 4 {
		if bytes.HasPrefix(reply[at:], []byte("AR")) || bytes.HasPrefix(reply[at:], []byte("TLS")) {
			return nil
		}
	}
	return e.opened(e.found("anon.code-exec", nil, reply[:32], "The server for R takes anybody, and runs programs in that language, which may run others."))
}
