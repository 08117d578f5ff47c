package identify

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strings"
)

// toolProbes serve developers and administrators.
var toolProbes = []probe{
	{name: "svn", ports: []uint16{3690}, first: true, match: matchSVN},
	{name: "git", ports: []uint16{9418}, rank: 6, hello: []byte("0033git-upload-pack /vedette-nowhere\x00host=localhost\x00"), match: matchGit, only: true},
	{name: "cvspserver", ports: []uint16{2401}, rank: 8, hello: []byte("BEGIN VERIFICATION REQUEST\n/\nnobody\nA\nEND VERIFICATION REQUEST\n"), match: matchCVS},
	{name: "distccd", ports: []uint16{3632}, rank: 6, hello: distccHello, match: matchDistcc, only: true, ask: nil},
	{name: "epmd", ports: []uint16{4369}, rank: 6, hello: []byte{0, 1, 'n'}, match: matchEPMD, only: true},
	{name: "erlang-node", ports: []uint16{25672, 9100, 4370}, rank: 8, hello: erlangName, match: matchErlangNode, only: true},
	{name: "iscsi", ports: []uint16{3260, 860}, rank: 6, hello: iscsiLogin, match: matchISCSI, only: true},
	{name: "nbd", ports: []uint16{10809}, first: true, match: matchNBD},
	{name: "varnish-cli", ports: []uint16{6082}, first: true, match: matchVarnish},
	{name: "zabbix-agent", ports: []uint16{10050}, rank: 7, hello: []byte("ZBXD\x01\x0d\x00\x00\x00\x00\x00\x00\x00agent.version"), match: matchZabbix, only: true},
	{name: "nrpe", ports: []uint16{5666}, rank: 0, hello: nrpeHello, match: matchNRPE, only: true},
	{name: "munin", ports: []uint16{4949}, first: true, match: matchMunin, ask: askMunin},
	{name: "adb", ports: []uint16{5555, 5037}, rank: 7, hello: adbConnect, match: matchADB, only: true},
	{name: "jdwp", ports: []uint16{5005, 8000, 8787}, rank: 7, hello: []byte("JDWP-Handshake"), match: matchJDWP},
	{name: "pptp", ports: []uint16{1723}, rank: 7, hello: pptpStart, match: matchPPTP, only: true},
	{name: "openvpn", ports: []uint16{1194}, rank: 8, hello: []byte("\x00\x0e\x38vedette1\x00\x00\x00\x00\x00"), match: matchOpenVPN, only: true},
	{name: "tor-control", ports: []uint16{9051}, rank: 8, hello: []byte("PROTOCOLINFO\r\n"), match: matchTorControl},
	{name: "afp", ports: []uint16{548}, rank: 7, hello: []byte{0, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0x0f, 0}, match: matchAFP, only: true},
	{name: "lpd", ports: []uint16{515}, rank: 8, hello: []byte("\x04vedette\n"), match: matchLPD},
	{name: "clamd", ports: []uint16{3310}, rank: 6, hello: []byte("nVERSION\n"), match: matchClamd},
	{name: "spamd", ports: []uint16{783}, rank: 7, hello: []byte("PING SPAMC/1.5\r\n\r\n"), match: matchSpamd},
	{name: "bgp", ports: []uint16{179}, rank: 0, hello: bgpOpen, match: matchBGP, only: true},
	{name: "gopher", ports: []uint16{70}, rank: 9, hello: []byte("\r\n"), match: matchGopher, only: true},
	{name: "dict", ports: []uint16{2628}, first: true, match: matchDict},
	{name: "hddtemp", ports: []uint16{7634}, first: true, match: matchHDDTemp},
	{name: "sane", ports: []uint16{6566}, rank: 8, hello: []byte("\x00\x00\x00\x00\x01\x00\x00\x03\x00\x00\x00\x08vedette\x00"), match: matchSANE, only: true},
	{name: "nut", ports: []uint16{3493}, rank: 8, hello: []byte("VER\n"), match: matchNUT},
	{name: "radmin", ports: []uint16{4899}, rank: 8, hello: []byte{1, 0, 0, 0, 1, 0, 0, 0, 8, 8}, match: matchRadmin, only: true},
	{name: "vmware-auth", ports: []uint16{902, 912}, first: true, match: matchVMware},
	{name: "telnet-line", ports: nil, rank: 7, hello: []byte("\r\n\r\n"), match: noReply},
	{name: "help", ports: nil, rank: 8, hello: []byte("HELP\r\n"), match: noReply},
}

func matchSVN(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("( success ( ")) {
		return Match{}, false
	}
	m := Match{Name: "svn", Note: "The server tells no version."}
	m.product("subversion", "", "", toldBanner)
	return m, true
}

// matchGit reads the daemon's refusal of a repository that is not there.
func matchGit(b []byte) (Match, bool) {
	if len(b) < 8 || !pattern(`^[0-9a-f]{4}(?:ERR |[0-9a-f]{40} )`).Match(b) {
		return Match{}, false
	}
	m := Match{Name: "git", Note: "The daemon tells no version for a repository that it does not have."}
	m.product("git daemon", "", "", toldBanner)
	return m, true
}

func matchCVS(b []byte) (Match, bool) {
	if words(string(b[:min(len(b), 512)]), "I HATE YOU", "I LOVE YOU", "cvs [pserver", "cvs: ") {
		return Match{Name: "cvspserver"}, true
	}
	return Match{}, false
}

// distccHello asks to compile an empty file, which is the least that the protocol lets a stranger ask.
var distccHello = []byte("DIST00000001ARGC00000005ARGV00000002ccARGV00000002-cARGV00000009vedette.cARGV00000002-oARGV00000009vedette.oDOTI00000000")

func matchDistcc(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("DONE0000000")) {
		return Match{}, false
	}
	m := Match{Name: "distccd"}
	m.product("distcc", "", "", toldBanner)
	return m, true
}

var epmdName = regexp.MustCompile(`(?m)^name (\S{1,64}) at port (\d+)`)

// matchEPMD reads the list of nodes, which begins with the daemon's own port.
func matchEPMD(b []byte) (Match, bool) {
	if len(b) < 4 || binary.BigEndian.Uint32(b) != 4369 && !epmdName.Match(b[4:]) {
		return Match{}, false
	}
	m := Match{Name: "epmd"}
	m.product("erlang", "", "", toldBanner)
	return m, true
}

// erlangName introduces a node of a distributed Erlang system, version 6 of the handshake (OTP 23 and later).
var erlangName = func() []byte {
	const name = "vedette@localhost"
	b := append([]byte{'N'}, 0, 0, 0, 0x0d, 0x07, 0xdf, 0x7f, 0xbd, 0x56, 0x44, 0x45, 0x54, 0, byte(len(name)))
	b = append(b, name...)
	return append([]byte{0, byte(len(b))}, b...)
}()

// matchErlangNode reads a status, after which the node would send its challenge.
func matchErlangNode(b []byte) (Match, bool) {
	if len(b) < 4 || b[0] != 0 || b[2] != 's' || !words(string(b[3:min(len(b), 24)]), "ok", "nok", "not_allowed", "alive") {
		return Match{}, false
	}
	m := Match{Name: "erlang-node"}
	m.product("erlang", "", "", toldBanner)
	return m, true
}

// iscsiLogin opens a discovery session (RFC 7143, 11.12).
var iscsiLogin = func() []byte {
	text := "InitiatorName=iqn.2026-01.invalid.vedette\x00SessionType=Discovery\x00AuthMethod=None\x00"
	b := make([]byte, 48)
	b[0], b[1] = 0x43, 0x81
	b[7] = byte(len(text))
	copy(b[8:], []byte{0x80, 0x56, 0x44, 0, 0, 1})
	b = append(b, text...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}()

func matchISCSI(b []byte) (Match, bool) {
	if len(b) < 48 || b[0] != 0x23 {
		return Match{}, false
	}
	m := Match{Name: "iscsi"}
	if b[36] != 0 {
		m.Note = "The target demands a login."
	}
	return m, true
}

func matchNBD(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("NBDMAGIC")) {
		return Match{}, false
	}
	m := Match{Name: "nbd"}
	m.product("nbd", "", "", toldBanner)
	return m, true
}

var varnishBanner = regexp.MustCompile(`(?m)^varnish-([0-9]+\.[0-9]+\.[0-9]+)`)

// matchVarnish reads the challenge or the banner of the command line.
func matchVarnish(b []byte) (Match, bool) {
	f := varnishBanner.FindSubmatch(b)
	if f == nil && !pattern(`^107 \d+ +\n[a-z]{32}`).Match(b) {
		return Match{}, false
	}
	m := Match{Name: "varnish-cli"}
	m.product("varnish", "", "", toldBanner)
	if f != nil {
		m.product("varnish", string(f[1]), "", toldExactly)
	} else {
		m.Note = "The command line demands a secret, and tells no version before."
	}
	return m, true
}

func matchZabbix(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("ZBXD\x01")) || len(b) < 13 {
		return Match{}, false
	}
	m := Match{Name: "zabbix-agent"}
	m.product("zabbix agent", "", "", toldBanner)
	if f := pattern(`^[0-9]+\.[0-9]+(?:\.[0-9]+)?`).Find(b[13:]); f != nil {
		m.product("zabbix agent", string(f), "", toldExactly)
	}
	return m, true
}

// nrpeHello is a version 2 query for _NRPE_CHECK.
var nrpeHello = func() []byte {
	b := make([]byte, 1036)
	b[1], b[3] = 2, 1
	copy(b[10:], "_NRPE_CHECK")
	sum := crc32(b)
	binary.BigEndian.PutUint32(b[4:], sum)
	return b
}()

// crc32 is the usual polynomial, as NRPE uses it.
func crc32(b []byte) uint32 {
	crc := ^uint32(0)
	for _, x := range b {
		crc ^= uint32(x)
		for range 8 {
			crc = crc>>1 ^ 0xedb88320&-(crc&1)
		}
	}
	return ^crc
}

func matchNRPE(b []byte) (Match, bool) {
	if len(b) < 20 || b[0] != 0 || b[2] != 0 || b[3] != 2 {
		return Match{}, false
	}
	m := Match{Name: "nrpe"}
	if f := pattern(`NRPE v([0-9][0-9.]*)`).FindSubmatch(b); f != nil {
		m.product("nrpe", string(f[1]), "", toldExactly)
	}
	return m, true
}

func matchMunin(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("# munin node at ")) {
		return Match{}, false
	}
	return Match{Name: "munin"}, true
}

func askMunin(a *asker, m *Match) {
	a.talk(func(c *chat) {
		c.read()
		if f := pattern(`version: ([0-9][0-9.]*)`).FindSubmatch(c.ask([]byte("version\n"))); f != nil {
			m.product("munin", string(f[1]), "", toldExactly)
		}
	})
}

// adbConnect is the CNXN message of Android's debug bridge.
var adbConnect = func() []byte {
	data := []byte("host::\x00")
	sum := uint32(0)
	for _, x := range data {
		sum += uint32(x)
	}
	b := []byte("CNXN")
	for _, v := range []uint32{0x01000000, 4096, uint32(len(data)), sum, 0xb1a7b1bc} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return append(b, data...)
}()

func matchADB(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("CNXN")) && !bytes.HasPrefix(b, []byte("AUTH")) || len(b) < 24 {
		return Match{}, false
	}
	m := Match{Name: "adb"}
	m.product("android debug bridge", "", "", toldBanner)
	return m, true
}

func matchJDWP(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("JDWP-Handshake")) || bytes.Equal(b, echoHello) {
		return Match{}, false
	}
	m := Match{Name: "jdwp"}
	m.product("java debug wire protocol", "", "", toldBanner)
	return m, true
}

// pptpStart is a Start-Control-Connection-Request (RFC 2637, 2.1).
var pptpStart = append([]byte{0, 156, 0, 1, 0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 0}, make([]byte, 128)...)

func matchPPTP(b []byte) (Match, bool) {
	if len(b) < 28 || binary.BigEndian.Uint32(b[4:]) != 0x1a2b3c4d || b[9] != 2 {
		return Match{}, false
	}
	m := Match{Name: "pptp"}
	if len(b) >= 156 {
		if vendor := strings.TrimRight(string(b[92:156]), "\x00"); vendor != "" {
			m.product(strings.ToLower(clean(vendor))+" pptp", "", "", toldBanner)
		}
	}
	return m, true
}

// matchOpenVPN reads a hard reset of the server (opcode 8) in a frame of TCP.
func matchOpenVPN(b []byte) (Match, bool) {
	if len(b) < 16 || int(binary.BigEndian.Uint16(b)) != len(b)-2 || b[2]>>3 != 8 {
		return Match{}, false
	}
	m := Match{Name: "openvpn"}
	m.product("openvpn", "", "", toldBanner)
	return m, true
}

func matchTorControl(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("250-PROTOCOLINFO")) {
		return Match{}, false
	}
	m := Match{Name: "tor-control"}
	if f := pattern(`Tor="([0-9][^"]*)"`).FindSubmatch(b); f != nil {
		m.product("tor", string(f[1]), "", toldExactly)
	}
	return m, true
}

// matchAFP reads the server information of a DSI status (Netatalk and Apple).
func matchAFP(b []byte) (Match, bool) {
	if len(b) < 32 || b[0] != 1 || b[1] != 3 || b[2] != 0 || b[3] != 1 {
		return Match{}, false
	}
	m := Match{Name: "afp"}
	if f := pattern(`Netatalk ?([0-9][0-9.]*)?`).FindSubmatch(b); f != nil {
		m.product("netatalk", string(f[1]), "", toldExactly)
	}
	return m, true
}

func matchLPD(b []byte) (Match, bool) {
	if words(string(b[:min(len(b), 256)]), "lpd:", "lpd [@", "unknown printer", "Printer queue", "no entries", "does not have line printer access") {
		return Match{Name: "lpd"}, true
	}
	return Match{}, false
}

func matchClamd(b []byte) (Match, bool) {
	f := pattern(`^ClamAV ([0-9][0-9.]*)`).FindSubmatch(b)
	if f == nil {
		return Match{}, false
	}
	m := Match{Name: "clamd"}
	m.product("clamav", string(f[1]), "", toldExactly)
	return m, true
}

func matchSpamd(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("SPAMD/")) {
		return Match{}, false
	}
	m := Match{Name: "spamd"}
	m.product("spamassassin", "", "", toldBanner)
	return m, true
}

// bgpOpen is an OPEN of a private system with hold time 90 (RFC 4271, 4.2).
var bgpOpen = append(bytes.Repeat([]byte{0xff}, 16), 0, 29, 1, 4, 0xfd, 0xe8, 0, 90, 127, 0, 0, 1, 0)

func matchBGP(b []byte) (Match, bool) {
	if len(b) < 19 || !bytes.HasPrefix(b, bytes.Repeat([]byte{0xff}, 16)) || b[18] != 1 && b[18] != 3 {
		return Match{}, false
	}
	return Match{Name: "bgp"}, true
}

func matchGopher(b []byte) (Match, bool) {
	if pattern(`(?m)^[0-9ihgIsTM][^\t\r\n]*\t[^\t\r\n]*\t[^\t\r\n]*\t\d+\r?$`).Match(b) {
		return Match{Name: "gopher"}, true
	}
	return Match{}, false
}

func matchDict(b []byte) (Match, bool) {
	f := pattern(`^220 \S+ dictd ([0-9][0-9.]*)`).FindSubmatch(b)
	if f == nil {
		return Match{}, false
	}
	m := Match{Name: "dict"}
	m.product("dictd", string(f[1]), string(b[:min(len(b), 200)]), toldBanner)
	return m, true
}

func matchHDDTemp(b []byte) (Match, bool) {
	if pattern(`^\|/dev/[a-z0-9]+\|`).Match(b) {
		m := Match{Name: "hddtemp"}
		m.product("hddtemp", "", "", toldBanner)
		return m, true
	}
	return Match{}, false
}

// matchSANE reads the answer to SANE_NET_INIT: a status and the version, 1 in its first byte and the protocol's 2 or 3 in its last.
func matchSANE(b []byte) (Match, bool) {
	if len(b) != 8 || b[0] != 0 || b[1] != 0 || b[2] != 0 || b[4] != 1 || b[7] < 2 || b[7] > 9 {
		return Match{}, false
	}
	m := Match{Name: "sane"}
	m.product("sane-backends", "", "", toldBanner)
	if b[3] != 0 {
		m.Note = "The scanner daemon lets this address in to nothing."
	}
	return m, true
}

func matchNUT(b []byte) (Match, bool) {
	f := pattern(`^Network UPS Tools upsd ([0-9][0-9.]*)`).FindSubmatch(b)
	if f == nil {
		return Match{}, false
	}
	m := Match{Name: "nut"}
	m.product("network ups tools", string(f[1]), "", toldExactly)
	return m, true
}

func matchRadmin(b []byte) (Match, bool) {
	if len(b) < 9 || b[0] != 1 || b[1] != 0 || b[2] != 0 || b[3] != 0 || b[4] != 0x25 {
		return Match{}, false
	}
	m := Match{Name: "radmin"}
	m.product("radmin", "", "", guessed)
	return m, true
}

func matchVMware(b []byte) (Match, bool) {
	f := pattern(`^220 VMware Authentication Daemon Version ([0-9.]+)`).FindSubmatch(b)
	if f == nil {
		return Match{}, false
	}
	m := Match{Name: "vmware-auth"}
	m.product("vmware authentication daemon", string(f[1]), "", toldExactly)
	if bytes.Contains(b, []byte("SSL Required")) {
		m.Tunnel = "starttls"
	}
	return m, true
}
