package identify

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// plantProbes are the protocols of machines and buildings. Only questions that change nothing are asked.
var plantProbes = []probe{
	{name: "modbus", ports: []uint16{502}, rank: 7, hello: []byte{0x56, 0x44, 0, 0, 0, 5, 1, 0x2b, 0x0e, 1, 0}, match: matchModbus, only: true},
	{name: "s7", ports: []uint16{102}, rank: 7, hello: []byte{3, 0, 0, 22, 17, 0xe0, 0, 0, 0, 1, 0, 0xc0, 1, 0x0a, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2}, match: matchISO, only: true, ask: askS7},
	{name: "dnp3", ports: []uint16{20000}, rank: 8, hello: []byte{5, 0x64, 5, 0xc9, 0, 0, 0, 0, 0x36, 0x4c}, match: matchDNP3, only: true},
	{name: "ethernet-ip", ports: []uint16{44818}, rank: 8, hello: append([]byte{0x63, 0}, make([]byte, 22)...), match: matchEtherNetIP, only: true},
	{name: "opcua", ports: []uint16{4840, 4855}, rank: 8, hello: opcHello, match: matchOPC},
	{name: "iec-104", ports: []uint16{2404}, rank: 8, hello: []byte{0x68, 4, 0x43, 0, 0, 0}, match: matchIEC104, only: true},
	{name: "fox", ports: []uint16{1911, 4911}, rank: 9, hello: []byte("fox a 1 -1 fox hello\n{\nfox.version=s:1.0\nid=i:1\n};;\n"), match: matchFox},
	{name: "atg", ports: []uint16{10001}, rank: 0, hello: []byte("\x01I20100\n"), match: matchATG, only: true},
}

// matchModbus wants our transaction and unit, and the answer or refusal of Read Device Identification.
func matchModbus(b []byte) (Match, bool) {
	if len(b) < 9 || b[0] != 0x56 || b[1] != 0x44 || b[2] != 0 || b[3] != 0 || int(binary.BigEndian.Uint16(b[4:])) != len(b)-6 || b[7]&0x7f != 0x2b {
		return Match{}, false
	}
	m := Match{Name: "modbus"}
	if b[7] != 0x2b || len(b) < 14 {
		return m, true
	}
	var text []string
	rest := b[14:]
	for i := 0; i < int(b[13]) && len(rest) >= 2 && int(rest[1]) <= len(rest)-2; i++ {
		text = append(text, strings.TrimSpace(string(rest[2:2+rest[1]])))
		rest = rest[2+rest[1]:]
	}
	switch len(text) {
	case 0:
	case 1, 2:
		m.product(strings.ToLower(clean(strings.Join(text, " "))), "", "", toldExactly)
	default:
		m.product(strings.ToLower(clean(text[0]+" "+text[1])), strings.TrimPrefix(strings.ToLower(text[2]), "v"), "", toldExactly)
	}
	return m, true
}

// matchISO reads the connection confirm of ISO on TCP (RFC 1006).
func matchISO(b []byte) (Match, bool) {
	if len(b) < 11 || b[0] != 3 || b[1] != 0 || int(binary.BigEndian.Uint16(b[2:])) != len(b) || b[5] != 0xd0 || b[6] != 0 || b[7] != 1 {
		return Match{}, false
	}
	return Match{Name: "iso-tsap"}, true
}

// askS7 sets up communication and reads the module's identification (system state list 0x11 and 0x1c).
func askS7(a *asker, m *Match) {
	a.talk(func(c *chat) {
		if _, ok := matchISO(c.ask([]byte{3, 0, 0, 22, 17, 0xe0, 0, 0, 0, 1, 0, 0xc0, 1, 0x0a, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2})); !ok {
			return
		}
		r := c.ask([]byte{3, 0, 0, 25, 2, 0xf0, 0x80, 0x32, 1, 0, 0, 0, 1, 0, 8, 0, 0, 0xf0, 0, 0, 1, 0, 1, 1, 0xe0})
		if len(r) < 20 || r[7] != 0x32 {
			return
		}
		m.Name = "s7"
		read := func(list, index byte) []byte {
			return c.ask([]byte{3, 0, 0, 33, 2, 0xf0, 0x80, 0x32, 7, 0, 0, 0, 2, 0, 8, 0, 8, 0, 1, 0x12, 4, 0x11, 0x44, 1, 0, 0xff, 9, 0, 4, 0, list, 0, index})
		}
		r = read(0x11, 1)
		if f := pattern(`6[A-Z]{2}[0-9] [0-9A-Z]{3}-[0-9A-Z]{5}-[0-9A-Z]{4}`).Find(r); f != nil {
			m.product("siemens s7 "+strings.ToLower(string(f)), "", "", toldExactly)
		}
		if i := bytes.LastIndexByte(r, 'V'); m.Product != "" && i >= 0 && len(r) >= i+4 {
			m.Version = itoa(int(r[i+1])) + "." + itoa(int(r[i+2])) + "." + itoa(int(r[i+3]))
		}
	})
}

func matchDNP3(b []byte) (Match, bool) {
	if len(b) < 10 || b[0] != 5 || b[1] != 0x64 {
		return Match{}, false
	}
	return Match{Name: "dnp3"}, true
}

// matchEtherNetIP reads the ListIdentity answer of CIP.
func matchEtherNetIP(b []byte) (Match, bool) {
	if len(b) < 26 || b[0] != 0x63 || b[1] != 0 || int(binary.LittleEndian.Uint16(b[2:])) != len(b)-24 {
		return Match{}, false
	}
	m := Match{Name: "ethernet-ip"}
	if len(b) > 63 && int(b[62]) <= len(b)-63 {
		m.product(strings.ToLower(clean(string(b[63:63+b[62]]))), itoa(int(b[54]))+"."+itoa(int(b[55])), "", toldExactly)
	}
	return m, true
}

// opcHello is the HEL message of OPC UA's binary protocol.
var opcHello = func() []byte {
	url := "opc.tcp://localhost:4840"
	b := append([]byte("HELF"), byte(32+len(url)), 0, 0, 0)
	for _, v := range []uint32{0, 65535, 65535, 0, 0, uint32(len(url))} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return append(b, url...)
}()

func matchOPC(b []byte) (Match, bool) {
	if len(b) < 16 || !bytes.HasPrefix(b, []byte("ACKF")) && !bytes.HasPrefix(b, []byte("ERRF")) {
		return Match{}, false
	}
	return Match{Name: "opcua"}, true
}

func matchIEC104(b []byte) (Match, bool) {
	if len(b) < 6 || b[0] != 0x68 || b[1] != 4 || b[2] != 0x83 {
		return Match{}, false
	}
	return Match{Name: "iec-104"}, true
}

func matchFox(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("fox a 0")) {
		return Match{}, false
	}
	m := Match{Name: "fox"}
	if f := pattern(`(?m)^app\.version=s:([0-9][0-9.]*)`).FindSubmatch(b); f != nil {
		m.product("tridium niagara", string(f[1]), "", toldExactly)
	}
	return m, true
}

func matchATG(b []byte) (Match, bool) {
	if len(b) > 8 && b[0] == 1 && bytes.HasPrefix(b[1:], []byte("\r\nI20100")) {
		return Match{Name: "atg"}, true
	}
	return Match{}, false
}
