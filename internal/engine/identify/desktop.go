package identify

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strings"
)

var desktopProbes = []probe{
	{name: "vnc", ports: []uint16{5900, 5901, 5902, 5903, 5800}, first: true, match: matchVNC, ask: askVNC},
	{name: "rdp", ports: []uint16{3389, 3388, 3390}, rank: 4, hello: rdpConnect(11), match: matchRDP, ask: askRDP},
	{name: "x11", ports: []uint16{6000, 6001, 6002, 6003, 6010}, rank: 5, hello: []byte("l\x00\x0b\x00\x00\x00\x00\x00\x00\x00\x00\x00"), match: matchX11, only: true},
}

var rfbGreeting = regexp.MustCompile(`^RFB ([0-9]{3})\.([0-9]{3})\n`)

func matchVNC(b []byte) (Match, bool) {
	f := rfbGreeting.FindSubmatch(b)
	if f == nil {
		return Match{}, false
	}
	m := Match{Name: "vnc"}
	switch v := string(f[1]) + "." + string(f[2]); v {
	case "003.889":
		m.product("apple remote desktop", "", "", toldBanner)
	case "004.000", "004.001", "005.000":
		m.product("realvnc", "", "", guessed)
	}
	if bytes.Contains(b, []byte("Too many security failures")) {
		m.Note = "The server has shut the scanner out after failed logins."
	}
	return m, true
}

// askVNC looks at the security types, which differ by product, and answers none of them.
func askVNC(a *asker, m *Match) {
	a.talk(func(c *chat) {
		greeting := c.read()
		if len(greeting) < 12 {
			return
		}
		r := c.ask([]byte("RFB 003.008\n"))
		if len(r) < 2 || int(r[0]) > len(r)-1 || r[0] == 0 {
			return
		}
		types := r[1 : 1+r[0]]
		has := func(t byte) bool { return bytes.IndexByte(types, t) >= 0 }
		switch {
		case m.Product != "":
		case has(16) && !has(19):
			m.product("tightvnc", "", "", guessed)
		case has(17), has(0x71), has(0x72):
			m.product("ultravnc", "", "", guessed)
		case has(5), has(6), has(0x81), has(0x82):
			m.product("realvnc", "", "", guessed)
		case has(19) && has(2) && has(18):
			m.product("tigervnc", "", "", guessed)
		}
	})
}

// rdpConnect is an X.224 connection request with a negotiation (MS-RDPBCGR 2.2.1.1).
func rdpConnect(protocols byte) []byte {
	return []byte{3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, protocols, 0, 0, 0}
}

func matchRDP(b []byte) (Match, bool) {
	if len(b) < 11 || b[0] != 3 || b[1] != 0 || int(binary.BigEndian.Uint16(b[2:])) < 11 || b[5] != 0xd0 {
		return Match{}, false
	}
	if len(b) >= 22 && b[11] != 2 && b[11] != 3 { // ISO-TSAP of a controller answers alike, with parameters of its own
		return Match{}, false
	}
	if len(b) < 19 && len(b) != 11 {
		return Match{}, false
	}
	m := Match{Name: "rdp"}
	if len(b) >= 19 && b[11] == 2 && b[15] != 0 {
		m.Tunnel = "starttls"
	}
	return m, true
}

// askRDP tells xrdp from Windows: network level authentication (CredSSP) is Windows', and its NTLM challenge names the
// version; xrdp refuses it and answers TLS with its own flags.
func askRDP(a *asker, m *Match) {
	r := a.once(rdpConnect(3))
	if len(r) < 19 {
		m.product("xrdp", "", "", guessed)
		return
	}
	chosen, flags := r[15], r[12]
	if r[11] == 2 && chosen&2 != 0 {
		m.credSSP(a)
		return
	}
	if r[11] == 2 && flags&0x1e == 0 {
		m.product("xrdp", "", "", guessed)
	}
}

func (m *Match) credSSP(a *asker) {
	m.product("microsoft terminal services", "", "", toldBanner)
	m.OS = family("windows")
	a.talk(func(c *chat) {
		if r := c.ask(rdpConnect(3)); len(r) < 19 || !c.startTLS(a) {
			return
		}
		ntlm := append([]byte("NTLMSSP\x00\x01\x00\x00\x00"), 0xb7, 0x82, 0x08, 0xe2)
		ntlm = append(ntlm, make([]byte, 16)...)
		ntlm = append(ntlm, 10, 0, 0x63, 0x45, 0, 0, 0, 15)
		token := ber(0x30, []byte{0xa0, 3, 2, 1, 2}, ber(0xa1, ber(0x30, ber(0x30, ber(0xa0, ber(4, ntlm))))))
		found := Match{Product: "microsoft terminal services", QoD: toldBanner}
		found.ntlm(c.ask(token))
		if found.OS.QoD > m.OS.QoD {
			m.OS = found.OS
		}
	})
}

// matchX11 reads the answer to a connection set-up: success with vendor and release, failure with a reason.
func matchX11(b []byte) (Match, bool) {
	if len(b) < 8 || b[0] > 2 || binary.LittleEndian.Uint16(b[2:]) != 11 && b[0] != 2 {
		return Match{}, false
	}
	m := Match{Name: "x11"}
	if b[0] != 1 {
		text := string(b[8:])
		if !strings.Contains(text, "uthori") && !strings.Contains(text, "protocol") && !strings.Contains(text, "client") {
			return Match{}, false
		}
		m.Note = "The display demands authorization, and tells no vendor before."
		return m, true
	}
	if len(b) < 40 {
		return Match{}, false
	}
	release, n := binary.LittleEndian.Uint32(b[8:]), int(binary.LittleEndian.Uint16(b[24:]))
	if n > len(b)-40 {
		return Match{}, false
	}
	m.xVendor(string(b[40:40+n]), release)
	return m, true
}

// xVendor turns 12101007 of the X.Org Foundation into 21.1.7: releases after 1.20 count 1 2110 1007 as 21.1.7.
func (m *Match) xVendor(vendor string, release uint32) {
	major, minor, patch, snap := release/10000000, release/100000%100, release/1000%100, release%1000
	version := itoa(int(major)) + "." + itoa(int(minor)) + "." + itoa(int(patch))
	if major == 1 && minor > 20 {
		version = itoa(int(minor)) + "." + itoa(int(patch)) + "." + itoa(int(snap))
	}
	switch {
	case strings.Contains(vendor, "X.Org"):
		m.product("x.org x server", version, "", toldExactly)
	case strings.Contains(vendor, "TigerVNC"):
		m.product("tigervnc", version, "", toldExactly)
	default:
		m.product(strings.ToLower(clean(vendor)), version, "", toldExactly)
	}
}
