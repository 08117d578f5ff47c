package identify

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strings"
)

// udpFiles are management, time, files and the small services.
var udpFiles = []probe{
	{name: "snmp", ports: []uint16{161, 162, 1161}, rank: 2, hello: snmpGet("public"), match: matchSNMP, ask: askSNMP},
	{name: "snmpv3", ports: []uint16{161}, rank: 4, hello: snmpDiscovery, match: matchSNMPv3, ask: askSNMP},
	{name: "ntp", ports: []uint16{123}, rank: 2, hello: ntpClient, match: matchNTP, ask: askNTP},
	{name: "ntp-control", ports: []uint16{123}, rank: 0, hello: ntpReadVar, match: matchNTPControl},
	{name: "tftp", ports: []uint16{69}, rank: 0, hello: []byte("\x00\x01vedette-nowhere\x00octet\x00"), match: matchTFTP},
	{name: "memcached", ports: []uint16{11211}, rank: 3, hello: []byte("\x56\x44\x00\x00\x00\x01\x00\x00version\r\n"), match: matchMemcachedUDP},
	{name: "echo", ports: []uint16{7}, rank: 5, hello: echoHello, match: matchEcho},
	{name: "daytime", ports: []uint16{13}, rank: 0, hello: []byte("\r\n"), match: matchDaytime},
	{name: "qotd", ports: []uint16{17}, rank: 0, hello: []byte("\r\n"), match: matchQuote, only: true},
	{name: "chargen", ports: []uint16{19}, rank: 0, hello: []byte("\r\n"), match: matchChargenUDP},
	{name: "time", ports: []uint16{37}, rank: 0, hello: []byte("\r\n"), match: matchTime},
	{name: "ipmi", ports: []uint16{623}, rank: 5, hello: []byte{6, 0, 0xff, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0x20, 0x18, 0xc8, 0x81, 0, 0x38, 0x8e, 4, 0xb5}, match: matchIPMI},
	{name: "asf-rmcp", ports: []uint16{623, 664}, rank: 7, hello: []byte{6, 0, 0xff, 6, 0, 0, 0x11, 0xbe, 0x80, 0, 0, 0}, match: matchASF},
	{name: "xdmcp", ports: []uint16{177}, rank: 7, hello: []byte{0, 1, 0, 2, 0, 1, 0}, match: matchXDMCP, only: true},
	{name: "radius", ports: []uint16{1812, 1645}, rank: 7, hello: radiusStatus, match: matchRADIUS, only: true},
}

var (
	oidSysDescr    = []byte{0x2b, 6, 1, 2, 1, 1, 1, 0}
	oidSysObjectID = []byte{0x2b, 6, 1, 2, 1, 1, 2, 0}
	oidNetSNMP     = []byte{0x2b, 6, 1, 4, 1, 0xbf, 8} // enterprise 8072
)

// snmpGet asks by version 2c for the system's description and object id (RFC 3418).
func snmpGet(community string) []byte {
	bind := func(oid []byte) []byte { return ber(0x30, ber(6, oid), []byte{5, 0}) }
	return ber(0x30, []byte{2, 1, 1}, berText(4, community),
		ber(0xa0, []byte{2, 4, 0x56, 0x45, 0x44, 0x54, 2, 1, 0, 2, 1, 0}, ber(0x30, bind(oidSysDescr), bind(oidSysObjectID))))
}

// snmpDiscovery asks by version 3 for the engine (RFC 3414, 4), which answers whatever communities there are.
var snmpDiscovery = ber(0x30, []byte{2, 1, 3},
	ber(0x30, []byte{2, 4, 0x56, 0x45, 0x44, 0x54, 2, 3, 0, 0xff, 0xe3, 4, 1, 4, 2, 1, 3}),
	ber(4, ber(0x30, []byte{4, 0, 2, 1, 0, 2, 1, 0, 4, 0, 4, 0, 4, 0})),
	ber(0x30, []byte{4, 0, 4, 0}, ber(0xa0, []byte{2, 4, 0x56, 0x45, 0x44, 0x54, 2, 1, 0, 2, 1, 0, 0x30, 0})))

// snmpVersion gives the version field of a message.
func snmpVersion(b []byte) (int, bool) {
	tag, body, _ := berRead(b)
	if tag != 0x30 || len(body) < 3 || body[0] != 2 || body[1] != 1 {
		return 0, false
	}
	return int(body[2]), true
}

func matchSNMP(b []byte) (Match, bool) {
	v, ok := snmpVersion(b)
	if !ok || v > 1 || !bytes.Contains(b, []byte{2, 4, 0x56, 0x45, 0x44, 0x54}) {
		return Match{}, false
	}
	m := Match{Name: "snmp"}
	m.snmpSystem(b)
	return m, true
}

func matchSNMPv3(b []byte) (Match, bool) {
	if v, ok := snmpVersion(b); !ok || v != 3 {
		return Match{}, false
	}
	m := Match{Name: "snmp"}
	m.snmpEngine(b)
	return m, true
}

// snmpEngine reads the enterprise in the engine's id (RFC 3411, 5).
func (m *Match) snmpEngine(b []byte) {
	i := bytes.Index(b, []byte{0x80, 0, 0x1f, 0x88})
	if i >= 0 {
		m.product("net-snmp", "", "", toldBanner)
		return
	}
	vendors := map[uint32]string{9: "cisco ios", 11: "hp", 311: "microsoft windows snmp", 2636: "juniper junos", 14988: "mikrotik routeros", 2011: "huawei", 12356: "fortinet fortios", 25506: "h3c comware", 6876: "vmware esxi", 674: "dell"}
	for i := range len(b) - 8 {
		if b[i] == 4 && b[i+1] >= 9 && b[i+1] <= 32 && b[i+2]&0x80 != 0 {
			if name := vendors[binary.BigEndian.Uint32(b[i+2:])&0x7fffffff]; name != "" {
				m.product(name+" snmp agent", "", "", guessed)
				return
			}
		}
	}
}

// snmpSystem reads the description. It is that of the machine and not of the agent; Net-SNMP is known by its object id.
func (m *Match) snmpSystem(b []byte) {
	text := ""
	if i := bytes.Index(b, oidSysDescr); i >= 0 {
		if tag, body, _ := berRead(b[i+len(oidSysDescr):]); tag == 4 {
			text = string(body)
		}
	}
	if i := bytes.Index(b, oidSysObjectID); i >= 0 {
		if tag, body, _ := berRead(b[i+len(oidSysObjectID):]); tag == 6 && bytes.HasPrefix(body, oidNetSNMP) {
			m.product("net-snmp", "", "", toldBanner)
		}
	}
	if text == "" {
		return
	}
	m.Title = clean(text)
	switch {
	case strings.HasPrefix(text, "Linux "):
		if m.OS = osOf(text); m.OS.QoD == 0 {
			m.OS = OS{"Linux", "cpe:2.3:o:linux:linux_kernel:*:*:*:*:*:*:*:*", 60}
			if f := pattern(`^Linux \S+ ([0-9]+\.[0-9]+\.[0-9]+)`).FindStringSubmatch(text); f != nil {
				m.OS.Name = "Linux " + f[1]
			}
		}
	case strings.Contains(text, "Cisco IOS"):
		version := ""
		if f := pattern(`Version ([0-9][0-9A-Za-z.()]*)`).FindStringSubmatch(text); f != nil {
			version = f[1]
		}
		m.product("cisco ios", version, "", toldExactly)
		m.CPE = "cisco:ios"
	case strings.Contains(text, "Windows"):
		m.OS = family("windows")
	case strings.HasPrefix(text, "RouterOS"):
		m.product("mikrotik routeros", "", "", toldExactly)
	default:
		m.OS = osOf(text)
	}
}

// askSNMP asks the engine by version 3 where version 2c told no agent.
func askSNMP(a *asker, m *Match) {
	if m.Product == "" {
		m.snmpEngine(a.once(snmpDiscovery))
	}
	if m.Title == "" {
		if b := a.once(snmpGet("public")); len(b) > 0 {
			if found, ok := matchSNMP(b); ok {
				m.take(found)
				m.Title = found.Title
			}
		}
	}
}

// ntpClient is a client's request of version 4 (RFC 5905).
var ntpClient = append([]byte{0x23}, append(make([]byte, 39), 0x56, 0x45, 0x44, 0x45, 0x54, 0x54, 0x45, 0x21)...)

// ntpReadVar asks by mode 6 for the system's variables (RFC 9327).
var ntpReadVar = []byte{0x16, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}

func matchNTP(b []byte) (Match, bool) {
	if len(b) < 48 || b[0]&7 != 4 || !bytes.Equal(b[24:32], []byte{0x56, 0x45, 0x44, 0x45, 0x54, 0x54, 0x45, 0x21}) {
		return Match{}, false
	}
	return Match{Name: "ntp"}, true
}

func matchNTPControl(b []byte) (Match, bool) {
	if len(b) < 12 || b[0]&7 != 6 || b[1]&0x80 == 0 {
		return Match{}, false
	}
	m := Match{Name: "ntp"}
	m.ntpVariables(string(b[12:]))
	return m, true
}

var (
	ntpVersion = regexp.MustCompile(`version="ntpd ([0-9][0-9A-Za-z.]*)(?:@|[ "-])`)
	ntpsec     = regexp.MustCompile(`version="ntpd ntpsec-([0-9][0-9A-Za-z.]*)`)
	ntpSystem  = regexp.MustCompile(`system="([^"]{1,60})"`)
)

func (m *Match) ntpVariables(text string) {
	if f := ntpsec.FindStringSubmatch(text); f != nil {
		m.product("ntpsec", f[1], "", toldExactly)
	} else if f := ntpVersion.FindStringSubmatch(text); f != nil {
		m.product("ntp", f[1], text, toldExactly)
	}
	if f := ntpSystem.FindStringSubmatch(text); f != nil && strings.HasPrefix(f[1], "Linux") {
		m.OS = OS{"Linux", "cpe:2.3:o:linux:linux_kernel:*:*:*:*:*:*:*:*", 50}
	}
}

// askNTP asks for variables; the answer may come in several datagrams, of which the first names the version.
func askNTP(a *asker, m *Match) {
	if m.Product != "" {
		return
	}
	b := a.once(ntpReadVar)
	if found, ok := matchNTPControl(b); ok {
		m.take(found)
		a.session.banner = b
	}
	if m.Product == "" {
		m.Note = "The server answers no question about itself, and tells no version."
	}
}

// matchTFTP reads an error or the first block of data (RFC 1350).
func matchTFTP(b []byte) (Match, bool) {
	if len(b) < 5 || b[0] != 0 || b[1] != 5 && b[1] != 3 || b[2] != 0 || b[3] > 9 || b[1] == 5 && b[len(b)-1] != 0 {
		return Match{}, false
	}
	m := Match{Name: "tftp"}
	if bytes.Contains(b, []byte("atftp")) {
		m.product("atftpd", "", "", toldBanner)
	}
	return m, true
}

func matchMemcachedUDP(b []byte) (Match, bool) {
	if len(b) < 9 || b[0] != 0x56 || b[1] != 0x44 {
		return Match{}, false
	}
	return matchMemcached(b[8:])
}

func matchChargenUDP(b []byte) (Match, bool) {
	if m, ok := matchChargen(b); ok {
		return m, true
	}
	// RFC 864: a datagram of random length, so perhaps a short piece of the row.
	const row = ` !"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_` + "`abcdefghijklmnopqrstuvwxyz{|}~"
	line := strings.TrimRight(firstLine(b), " ")
	if len(line) >= 16 && strings.Contains(row+row, line) {
		return Match{Name: "chargen"}, true
	}
	return Match{}, false
}

// matchQuote takes any text: RFC 865 asks for no form.
func matchQuote(b []byte) (Match, bool) {
	for _, c := range b {
		if c < 9 || c > 13 && c < 32 {
			return Match{}, false
		}
	}
	return Match{Name: "qotd"}, len(b) > 10 && len(b) <= 512
}

// matchIPMI reads Get Channel Authentication Capabilities (IPMI 2.0, 22.13).
func matchIPMI(b []byte) (Match, bool) {
	if len(b) < 24 || b[0] != 6 || b[3] != 7 || b[19] != 0x38 {
		return Match{}, false
	}
	m := Match{Name: "ipmi"}
	if b[22]&0x80 != 0 {
		m.Note = "The controller speaks IPMI 2.0."
	}
	return m, true
}

func matchASF(b []byte) (Match, bool) {
	if len(b) < 12 || b[0] != 6 || b[3] != 6 || b[8] != 0x40 {
		return Match{}, false
	}
	return Match{Name: "asf-rmcp"}, true
}

func matchXDMCP(b []byte) (Match, bool) {
	if len(b) < 8 || b[0] != 0 || b[1] != 1 || b[2] != 0 || b[3] != 5 && b[3] != 6 {
		return Match{}, false
	}
	return Match{Name: "xdmcp"}, true
}

// radiusStatus is Status-Server (RFC 5997) with an empty authenticator; servers that know the asker answer.
var radiusStatus = append([]byte{12, 0x56, 0, 38}, append([]byte("vedettevedettexx"), append([]byte{80, 18}, make([]byte, 16)...)...)...)

func matchRADIUS(b []byte) (Match, bool) {
	if len(b) < 20 || b[0] != 2 && b[0] != 3 && b[0] != 5 || b[1] != 0x56 || int(binary.BigEndian.Uint16(b[2:])) != len(b) {
		return Match{}, false
	}
	return Match{Name: "radius"}, true
}
