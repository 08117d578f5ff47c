package identify

import (
	"encoding/binary"
	"strings"
)

// udpPlant are building and plant protocols. Only questions that change nothing are asked.
var udpPlant = []probe{
	{name: "bacnet", ports: []uint16{47808}, rank: 6, hello: []byte{0x81, 0x0a, 0, 0x11, 1, 4, 0, 5, 1, 0x0c, 0x0c, 2, 0x3f, 0xff, 0xff, 0x19, 0x4b}, match: matchBACnet, ask: askBACnet},
	{name: "ethernet-ip", ports: []uint16{44818}, rank: 8, hello: append([]byte{0x63, 0}, make([]byte, 22)...), match: matchEtherNetIP, only: true},
	{name: "dnp3", ports: []uint16{20000}, rank: 8, hello: []byte{5, 0x64, 5, 0xc9, 0, 0, 0, 0, 0x36, 0x4c}, match: matchDNP3, only: true},
	{name: "profinet-cm", ports: []uint16{34964}, rank: 0, hello: rpcEndpointMapper, match: matchDCERPCUDP, only: true},
	{name: "lantronix", ports: []uint16{30718}, rank: 0, hello: []byte{0, 0, 0, 0xf8}, match: matchLantronix, only: true},
	{name: "dahua", ports: []uint16{37810}, rank: 0, hello: []byte("\x20\x00\x00\x00DHIP\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), match: matchDahua, only: true},
}

// matchBACnet wants an answer of BACnet/IP to our read of the device's object (ASHRAE 135, annex J).
func matchBACnet(b []byte) (Match, bool) {
	if len(b) < 9 || b[0] != 0x81 || int(binary.BigEndian.Uint16(b[2:])) != len(b) || b[4] != 1 {
		return Match{}, false
	}
	return Match{Name: "bacnet"}, true
}

// askBACnet reads vendor name (property 121), model name (70) and firmware revision (44) of the device.
func askBACnet(a *asker, m *Match) {
	read := func(property byte) string {
		b := a.once([]byte{0x81, 0x0a, 0, 0x11, 1, 4, 0, 5, 1, 0x0c, 0x0c, 2, 0x3f, 0xff, 0xff, 0x19, property})
		if len(b) < 20 {
			return ""
		}
		for i := 12; i+3 < len(b); i++ { // opening tag 3, then a character string
			if b[i] == 0x3e && b[i+1] == 0x75 && int(b[i+2]) <= len(b)-i-3 && b[i+2] > 1 {
				return strings.TrimSpace(string(b[i+4 : i+3+int(b[i+2])]))
			}
		}
		return ""
	}
	vendor, model, firmware := read(121), read(70), read(44)
	if name := strings.TrimSpace(strings.ToLower(clean(vendor + " " + model))); name != "" {
		version := pattern(`[0-9][0-9A-Za-z.]*`).FindString(firmware)
		m.product(name, version, "", toldExactly)
	}
}

// rpcEndpointMapper is a lookup of DCE RPC over UDP (C706, connectionless header).
var rpcEndpointMapper = func() []byte {
	b := make([]byte, 80+76)
	b[0], b[2], b[4] = 4, 0x28, 0x10
	copy(b[24:], []byte{8, 0x83, 0xaf, 0xe1, 0x1f, 0x5d, 0xc9, 0x11, 0x91, 0xa4, 8, 0, 0x2b, 0x14, 0xa0, 0xfa})
	copy(b[40:], "vedettevedettexx")
	b[60], b[68], b[72], b[74] = 3, 2, 0xff, 76
	b[70], b[71] = 0xff, 0xff
	b[152] = 1
	return b
}()

func matchDCERPCUDP(b []byte) (Match, bool) {
	if len(b) < 80 || b[0] != 4 || string(b[40:56]) != "vedettevedettexx" {
		return Match{}, false
	}
	return Match{Name: "dce-rpc"}, true
}

func matchLantronix(b []byte) (Match, bool) {
	if len(b) < 30 || b[0] != 0 || b[3] != 0xf9 {
		return Match{}, false
	}
	return Match{Name: "lantronix"}, true
}

func matchDahua(b []byte) (Match, bool) {
	if len(b) < 32 || !strings.Contains(string(b[:32]), "DHIP") {
		return Match{}, false
	}
	m := Match{Name: "dahua"}
	m.product("dahua dvr", "", "", toldBanner)
	return m, true
}
