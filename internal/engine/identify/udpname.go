package identify

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/miekg/dns"
)

// udpNames are names, directories and calls.
var udpNames = []probe{
	{name: "dns", ports: []uint16{53}, rank: 1, hello: versionQuery("version.bind."), match: matchDNS, ask: askDNSUDP},
	{name: "mdns", ports: []uint16{5353}, rank: 5, hello: mdnsQuery, match: matchMDNS},
	{name: "llmnr", ports: []uint16{5355}, rank: 9, hello: versionQuery("vedette."), match: noReply},
	{name: "netbios-ns", ports: []uint16{137}, rank: 4, hello: netbiosStatus, match: matchNetBIOSName},
	{name: "rpcbind", ports: []uint16{111, 2049}, rank: 3, hello: rpcCall(false, 100000, 2, 0), match: matchRPCReply, ask: askRPCUDP},
	{name: "cldap", ports: []uint16{389}, rank: 5, hello: ldapRoot, match: matchLDAP},
	{name: "kerberos", ports: []uint16{88}, rank: 7, hello: kerberosASReq, match: matchKerberos},
	{name: "ssdp", ports: []uint16{1900}, rank: 5, hello: []byte("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n"), match: matchSSDP},
	{name: "ws-discovery", ports: []uint16{3702}, rank: 7, hello: wsDiscovery, match: matchWSD},
	{name: "slp", ports: []uint16{427}, rank: 7, hello: slpRequest, match: matchSLP, only: true},
	{name: "mssql-browser", ports: []uint16{1434}, rank: 6, hello: []byte{2}, match: matchSQLBrowser},
	{name: "nat-pmp", ports: []uint16{5351}, rank: 8, hello: []byte{0, 0}, match: matchNATPMP, only: true},
	{name: "rip", ports: []uint16{520}, rank: 8, hello: append([]byte{1, 1, 0, 0}, append(make([]byte, 16), 0, 0, 0, 16)...), match: matchRIP, only: true},
}

func askDNSUDP(a *asker, m *Match) {
	if m.Product != "" {
		return
	}
	for _, name := range []string{"version.bind.", "version.server."} {
		if found, ok := matchDNS(a.once(versionQuery(name))); ok {
			m.take(found)
		}
		if m.Product != "" {
			return
		}
	}
}

// mdnsQuery asks for the services of the link, answered to the asker alone (RFC 6762, 6.7).
var mdnsQuery = func() []byte {
	q := new(dns.Msg)
	q.Id = 0x5644
	q.Question = []dns.Question{{Name: "_services._dns-sd._udp.local.", Qtype: dns.TypePTR, Qclass: dns.ClassINET}}
	b, err := q.Pack()
	if err != nil {
		return nil
	}
	return b
}()

func matchMDNS(b []byte) (Match, bool) {
	r := new(dns.Msg)
	if len(b) < 12 || r.Unpack(b) != nil || !r.Response || len(r.Answer) == 0 || !strings.HasSuffix(r.Answer[0].Header().Name, ".local.") {
		return Match{}, false
	}
	return Match{Name: "mdns"}, true
}

// netbiosStatus is a node status request for * (RFC 1002, 4.2.17).
var netbiosStatus = []byte("\x56\x44\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\x00\x00\x21\x00\x01")

func matchNetBIOSName(b []byte) (Match, bool) {
	if len(b) < 57 || b[0] != 0x56 || b[1] != 0x44 || b[2]&0x80 == 0 || binary.BigEndian.Uint16(b[46:]) != 0x21 {
		return Match{}, false
	}
	m := Match{Name: "netbios-ns"}
	n, rest := int(b[56]), b[57:]
	var name, group string
	for range n {
		if len(rest) < 18 {
			break
		}
		text := strings.TrimRight(string(rest[:15]), " \x00")
		if rest[15] == 0 && rest[16]&0x80 == 0 && name == "" {
			name = text
		}
		if rest[15] == 0 && rest[16]&0x80 != 0 && group == "" {
			group = text
		}
		rest = rest[18:]
	}
	if len(rest) >= 6 && bytes.Equal(rest[:6], make([]byte, 6)) { // Samba leaves the hardware address empty
		m.product("samba nmbd", "", "", guessed)
		m.CPE = "samba:samba"
	}
	if name != "" {
		m.Note = "The host calls itself " + clean(name) + " in " + clean(group) + "."
	}
	return m, true
}

func askRPCUDP(a *asker, m *Match) {
	if m.Name == "rpcbind" {
		if v4 := a.once(rpcCall(false, 100000, 4, 0)); len(v4) < 24 || binary.BigEndian.Uint32(v4[20:]) != 0 {
			m.product("portmap", "", "", guessed)
		}
		return
	}
	for _, p := range rpcPrograms {
		b := a.once(rpcCall(false, p.number, 1, 0))
		if len(b) < 24 || binary.BigEndian.Uint32(b[8:]) != 0 {
			continue
		}
		if status := binary.BigEndian.Uint32(b[20:]); status == 0 || status == 2 {
			m.Name, m.Note = p.name, rpcVersions(b[20:])
			return
		}
	}
}

var ssdpRules = rules(`(?i)MiniUPnPd/([0-9][0-9.]*)`, "miniupnpd", `(?i)MiniDLNA/([0-9][0-9.]*)`, "minidlna", `(?i)(?:Portable SDK for UPnP devices|libupnp)/([0-9][0-9.]*)`, "libupnp")

func matchSSDP(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("HTTP/1.1 200 OK\r\n")) || !pattern(`(?im)^(?:ST|USN):`).Match(b) {
		return Match{}, false
	}
	m := Match{Name: "ssdp"}
	if f := pattern(`(?im)^SERVER: *([^\r\n]+)`).FindSubmatch(b); f != nil {
		text := string(f[1])
		if !m.byRules(ssdpRules, text, toldBanner) {
			m.Note = "The device calls itself: " + clean(text)
		}
	}
	return m, true
}

var wsDiscovery = []byte(`<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:wsd="http://schemas.xmlsoap.org/ws/2005/04/discovery"><soap:Header><wsa:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</wsa:To><wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</wsa:Action><wsa:MessageID>urn:uuid:7d0f6d2e-6b1f-4c5e-9d0a-0123456789ab</wsa:MessageID></soap:Header><soap:Body><wsd:Probe/></soap:Body></soap:Envelope>`)

func matchWSD(b []byte) (Match, bool) {
	if bytes.Contains(b, []byte("ws/2005/04/discovery")) && bytes.Contains(b, []byte("ProbeMatches")) {
		return Match{Name: "ws-discovery"}, true
	}
	return Match{}, false
}

// slpRequest is a service type request of version 2 (RFC 2608, 10.1).
var slpRequest = []byte("\x02\x09\x00\x00\x1d\x00\x00\x00\x00\x00\x56\x44\x00\x02en\x00\x00\xff\xff\x00\x07default")

func matchSLP(b []byte) (Match, bool) {
	if len(b) < 16 || b[0] != 2 || b[1] != 10 || b[10] != 0x56 || b[11] != 0x44 {
		return Match{}, false
	}
	return Match{Name: "slp"}, true
}

// matchSQLBrowser reads the list of instances (MC-SQLR 2.2.5).
func matchSQLBrowser(b []byte) (Match, bool) {
	if len(b) < 10 || b[0] != 5 || !bytes.Contains(b, []byte("ServerName;")) {
		return Match{}, false
	}
	m := Match{Name: "mssql-browser"}
	m.product("microsoft sql server", "", "", toldExactly)
	if f := pattern(`Version;([0-9][0-9.]*);`).FindSubmatch(b); f != nil {
		m.Version = string(f[1])
	}
	return m, true
}

func matchNATPMP(b []byte) (Match, bool) {
	if len(b) < 8 || b[0] != 0 || b[1] != 128 {
		return Match{}, false
	}
	return Match{Name: "nat-pmp"}, true
}

func matchRIP(b []byte) (Match, bool) {
	if len(b) < 24 || b[0] != 2 || b[1] < 1 || b[1] > 2 || (len(b)-4)%20 != 0 {
		return Match{}, false
	}
	return Match{Name: "rip"}, true
}
