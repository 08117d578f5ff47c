package identify

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf16"
)

var sqlProbes = []probe{
	{name: "mysql", ports: []uint16{3306, 3307, 33060, 13306}, first: true, match: matchMySQL},
	{name: "postgresql", ports: []uint16{5432, 5433, 6432, 6543}, rank: 3, hello: pgSSLRequest, match: matchPostgres, ask: askPostgres},
	{name: "mssql", ports: []uint16{1433, 1434}, rank: 4, hello: tdsPrelogin, match: matchTDS},
	{name: "oracle", ports: []uint16{1521, 1522, 1526, 2483}, rank: 5, hello: tnsConnect("(CONNECT_DATA=(COMMAND=version))"), match: matchTNS, ask: askTNS},
	{name: "mysqlx", ports: []uint16{33060}, first: true, match: matchMySQLX},
	{name: "db2", ports: []uint16{50000, 50001}, rank: 7, hello: drdaHello, match: matchDRDA, only: true},
	{name: "firebird", ports: []uint16{3050}, rank: 7, hello: firebirdHello, match: matchFirebird, only: true},
}

var mysqlVersion = regexp.MustCompile(`^([0-9]+\.[0-9]+\.[0-9]+)(?:-(.*))?$`)

// matchMySQL reads the greeting of protocol 10: length, sequence 0, 10, version; or the refusal of a host.
func matchMySQL(b []byte) (Match, bool) {
	if len(b) < 10 || b[3] != 0 {
		return Match{}, false
	}
	n := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
	if n < 6 || n > 1024 {
		return Match{}, false
	}
	body := b[4:min(len(b), 4+n)]
	if body[0] == 0xff {
		text := string(body[3:])
		if !pattern(`(?i)host|connections|blocked`).MatchString(text) {
			return Match{}, false
		}
		m := Match{Name: "mysql", Note: "The server does not talk to this scanner's address, so its version is not known."}
		if strings.Contains(text, "MariaDB") {
			m.product("mariadb", "", "", toldBanner)
		} else if strings.Contains(text, "MySQL") {
			m.product("mysql", "", "", toldBanner)
		}
		return m, true
	}
	end := bytes.IndexByte(body, 0)
	if body[0] != 10 || end < 2 {
		return Match{}, false
	}
	m := Match{Name: "mysql"}
	m.mysqlVersion(string(body[1:end]))
	if rest := body[end+1:]; len(rest) > 14 && binary.LittleEndian.Uint16(rest[13:])&0x0800 != 0 {
		m.Tunnel = "starttls"
	}
	return m, true
}

// mysqlVersion reads "8.0.36-0ubuntu0.22.04.1", "5.5.5-10.11.6-MariaDB-0+deb12u1" (5.5.5 stands there for old clients)
// and "8.0.35-27 Percona".
func (m *Match) mysqlVersion(v string) {
	if i := strings.Index(v, "-MariaDB"); i >= 0 {
		version := strings.TrimPrefix(v[:i], "5.5.5-")
		m.product("mariadb", version, v, toldExactly)
		if p := strings.TrimSuffix(strings.TrimPrefix(v[i+len("-MariaDB"):], "-"), "-log"); strings.Contains(p, "deb") || strings.Contains(p, "ubuntu") {
			m.Package = "1:" + version + "-" + p // both distributions give mariadb the epoch 1
		}
		return
	}
	f := mysqlVersion.FindStringSubmatch(v)
	if f == nil {
		m.product("mysql", v, v, toldBanner)
		return
	}
	m.product("mysql", f[1], v, toldExactly)
	switch suffix := strings.TrimSuffix(f[2], "-log"); {
	case strings.Contains(suffix, "ubuntu"), strings.Contains(suffix, "deb"):
		m.Package = f[1] + "-" + suffix
	case pattern(`^[0-9]+(?:\.[0-9]+)?$`).MatchString(suffix):
		m.product("percona server", f[1]+"-"+suffix, v, toldBanner)
	case strings.Contains(strings.ToLower(suffix), "tidb"):
		m.product("tidb", strings.TrimPrefix(suffix, "TiDB-v"), v, toldExactly)
	}
}

// matchMySQLX reads the first notice of the X protocol.
func matchMySQLX(b []byte) (Match, bool) {
	if !bytes.Equal(b, []byte{5, 0, 0, 0, 0x0b, 8, 5, 0x1a, 0}) {
		return Match{}, false
	}
	m := Match{Name: "mysqlx"}
	m.product("mysql", "", "", toldBanner)
	return m, true
}

// pgSSLRequest asks for TLS, which every version answers with one letter.
var pgSSLRequest = []byte{0, 0, 0, 8, 4, 210, 22, 47}

func matchPostgres(b []byte) (Match, bool) {
	m := Match{Name: "postgresql", CPE: ""}
	switch {
	case len(b) == 1 && b[0] == 'S':
		m.Tunnel = "starttls"
	case len(b) == 1 && b[0] == 'N':
	case len(b) > 10 && b[0] == 'E' && (bytes.Contains(b, []byte("SFATAL\x00")) || bytes.Contains(b, []byte("SERROR\x00")) || bytes.Contains(b, []byte("unsupported frontend protocol"))):
	default:
		return Match{}, false
	}
	return m, true
}

func pgStartup(user, database string) []byte {
	body := "\x00\x03\x00\x00user\x00" + user + "\x00database\x00" + database + "\x00application_name\x00vedette\x00\x00"
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4)), body...)
}

var pgVersion = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)*(?:beta[0-9]+|rc[0-9]+|devel)?)(?: \((?:Debian|Ubuntu) ([^)]+)\))?`)

// askPostgres starts a session as the administrator everyone has. Where that needs no password the server tells its
// version before anything else; where it does, nothing more is tried and the version stays unknown.
func askPostgres(a *asker, m *Match) {
	a.talk(func(c *chat) {
		if m.Tunnel == "starttls" && !a.secure {
			if r := c.ask(pgSSLRequest); len(r) != 1 || r[0] != 'S' || !c.startTLS(a) {
				return
			}
		}
		b := c.ask(pgStartup("postgres", "postgres"))
		if len(b) == 0 {
			return
		}
		m.pgAnswer(b)
		if b[0] == 'R' || b[0] == 'E' {
			a.session.banner = b
		}
		c.send([]byte{'X', 0, 0, 0, 4})
	})
}

func (m *Match) pgAnswer(b []byte) {
	known := false
	for len(b) >= 5 {
		n := int(binary.BigEndian.Uint32(b[1:]))
		if n < 4 || n+1 > len(b) {
			break
		}
		body := b[5 : n+1]
		switch b[0] {
		case 'R':
			known = true
			if len(body) >= 4 && binary.BigEndian.Uint32(body) != 0 {
				m.Note = "The server tells its version only after a login, and asks for a password."
			}
		case 'S':
			if v, ok := bytes.CutPrefix(body, []byte("server_version\x00")); ok {
				m.pgVersion(strings.TrimRight(string(v), "\x00"))
				return
			}
		case 'E':
			known = true
			m.Note = "The server tells its version only after a login, and let none begin from this address."
			if bytes.Contains(body, []byte("pgbouncer")) || bytes.Contains(body, []byte("no such database")) {
				m.product("pgbouncer", "", "", toldBanner)
				return
			}
		}
		b = b[n+1:]
	}
	if known {
		m.product("postgresql", "", "", toldBanner)
	}
}

func (m *Match) pgVersion(v string) {
	f := pgVersion.FindStringSubmatch(v)
	if f == nil {
		m.product("postgresql", "", v, toldBanner)
		return
	}
	m.product("postgresql", f[1], v, toldExactly)
	m.Package = f[2]
}

// tdsPrelogin is the PRELOGIN of MS-TDS 2.2.6.5 with version and encryption (not supported).
var tdsPrelogin = []byte{0x12, 1, 0, 0x2f, 0, 0, 1, 0, 0, 0, 0x1a, 0, 6, 1, 0, 0x20, 0, 1, 2, 0, 0x21, 0, 1, 3, 0, 0x22, 0, 4, 4, 0, 0x26, 0, 1, 0xff,
	0x11, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0}

func matchTDS(b []byte) (Match, bool) {
	if len(b) < 20 || b[0] != 4 || b[1] != 1 || int(binary.BigEndian.Uint16(b[2:])) > len(b) || b[8] != 0 {
		return Match{}, false
	}
	body := b[8:]
	m := Match{Name: "mssql"}
	for i := 0; i+5 <= len(body) && body[i] != 0xff; i += 5 {
		off, n := int(binary.BigEndian.Uint16(body[i+1:])), int(binary.BigEndian.Uint16(body[i+3:]))
		if off+n > len(body) {
			return Match{}, false
		}
		v := body[off : off+n]
		switch {
		case body[i] == 0 && n >= 6:
			m.product("microsoft sql server", fmt.Sprintf("%d.%d.%d", v[0], v[1], binary.BigEndian.Uint16(v[2:])), "", toldExactly)
		case body[i] == 1 && n == 1 && v[0] != 2:
			m.Tunnel = "starttls"
		}
	}
	return m, m.Product != ""
}

// tnsConnect is a CONNECT packet of Oracle's TNS with the data.
func tnsConnect(data string) []byte {
	head := []byte{1, 0x36, 1, 0x2c, 0, 0, 8, 0, 0x7f, 0xff, 0x7f, 8, 0, 0, 0, 1, 0, 0, 0, 58, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(head[16:], uint16(len(data)))
	n := 8 + len(head) + len(data)
	p := []byte{byte(n >> 8), byte(n), 0, 0, 1, 0, 0, 0}
	return append(append(p, head...), data...)
}

func matchTNS(b []byte) (Match, bool) {
	if len(b) < 12 || b[2] != 0 || b[3] != 0 || b[5] > 1 || int(binary.BigEndian.Uint16(b)) > len(b)+8 {
		return Match{}, false
	}
	if kind := b[4]; kind != 2 && kind != 4 && kind != 5 && kind != 11 {
		return Match{}, false
	}
	text := string(b)
	if b[4] != 11 && !strings.Contains(text, "DESCRIPTION") && !strings.Contains(text, "VSNNUM") && !strings.Contains(text, "TNSLSNR") {
		return Match{}, false
	}
	m := Match{Name: "oracle"}
	m.product("oracle database", "", "", toldBanner)
	m.tnsVersion(text)
	return m, true
}

var (
	tnsNumber = regexp.MustCompile(`VSNNUM=([0-9]+)`)
	tnsText   = regexp.MustCompile(`TNSLSNR for ([^:]+): Version ([0-9.]+)`)
)

func (m *Match) tnsVersion(text string) {
	if f := tnsText.FindStringSubmatch(text); f != nil {
		m.product("oracle database", f[2], f[1], toldExactly)
		return
	}
	if f := tnsNumber.FindStringSubmatch(text); f != nil {
		var n uint32
		if _, err := fmt.Sscan(f[1], &n); err == nil && n > 1<<24 {
			m.product("oracle database", fmt.Sprintf("%d.%d.%d.%d", n>>24, n>>20&15, n>>12&255, n>>8&15), "", toldExactly)
		}
	}
}

func askTNS(a *asker, m *Match) {
	if m.Version == "" {
		m.tnsVersion(string(a.once(tnsConnect("(CONNECT_DATA=(COMMAND=status))"))))
	}
}

// drdaHello exchanges server attributes (EXCSAT) as IBM's DRDA defines; the answer names the server in EBCDIC.
var drdaHello = []byte{0, 0x29, 0xd0, 1, 0, 1, 0, 0x23, 0x10, 0x41, 0, 5, 0x11, 0x5e, 0x40, 0, 8, 0x11, 0x47, 0xd8, 0xc4, 0xc2, 0xf2, 0, 5, 0x11, 0x6d, 0x40, 0, 0x0d, 0x11, 0x5a, 0xd8, 0xc4, 0xc2, 0xf2, 0x40, 0x40, 0x40, 0x40, 0x40}

func matchDRDA(b []byte) (Match, bool) {
	if len(b) < 10 || b[2] != 0xd0 || binary.BigEndian.Uint16(b[8:]) != 0x1443 {
		return Match{}, false
	}
	m := Match{Name: "db2"}
	m.product("db2", "", "", toldBanner)
	if i := bytes.Index(b, []byte{0x11, 0x5a}); i >= 2 { // SRVRLSLV: SQL11055 in EBCDIC
		digits := ""
		for _, c := range b[i+2 : min(len(b), i+14)] {
			if c >= 0xf0 && c <= 0xf9 {
				digits += string(rune('0' + c - 0xf0))
			}
		}
		if len(digits) >= 4 {
			m.product("db2", strings.TrimLeft(digits[:2], "0")+"."+strings.TrimLeft(digits[2:3], "")+"."+digits[3:4], "", toldExactly)
		}
	}
	return m, true
}

// firebirdHello is op_connect with protocol 10 and 13.
var firebirdHello = []byte{0, 0, 0, 1, 0, 0, 0, 19, 0, 0, 0, 2, 0, 0, 0, 36, 0, 0, 0, 7, 'v', 'e', 'd', 'e', 't', 't', 'e', 0, 0, 0, 0, 1, 0, 0, 0, 0,
	0, 0, 0, 10, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2}

// matchFirebird reads op_accept or op_reject.
func matchFirebird(b []byte) (Match, bool) {
	if len(b) < 4 || len(b) > 2048 {
		return Match{}, false
	}
	op := binary.BigEndian.Uint32(b)
	if !(op == 3 && len(b) >= 16) && !(op == 4 && len(b) == 4) && op != 94 {
		return Match{}, false
	}
	m := Match{Name: "firebird"}
	m.product("firebird", "", "", toldBanner)
	return m, true
}

// utf16le decodes text of Microsoft's protocols.
func utf16le(b []byte) string {
	u := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		u = append(u, binary.LittleEndian.Uint16(b))
	}
	return string(utf16.Decode(u))
}
