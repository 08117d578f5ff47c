package identify

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"

	"github.com/miekg/dns"
)

// dirProbes are directories, names and files.
var dirProbes = []probe{
	{name: "dns", ports: []uint16{53, 5353, 853}, rank: 3, hello: dnsTCP(versionQuery("version.bind.")), match: matchDNSTCP, ask: askDNS},
	{name: "ldap", ports: []uint16{389, 636, 3268, 3269, 1389, 10389}, rank: 4, hello: ldapRoot, match: matchLDAP, ask: askLDAP},
	{name: "smb", ports: []uint16{445, 139}, rank: 4, hello: smbNegotiate, match: matchSMB, ask: askSMB},
	{name: "netbios-ssn", ports: []uint16{139}, rank: 0, hello: netbiosSession, match: matchNetBIOS},
	{name: "rpcbind", ports: []uint16{111}, rank: 4, hello: rpcCall(true, 100000, 2, 0), match: matchRPC, ask: askRPC},
	{name: "msrpc", ports: []uint16{135}, rank: 6, hello: msrpcBind, match: matchMSRPC},
	{name: "kerberos", ports: []uint16{88}, rank: 7, hello: append([]byte{0, 0, 0, byte(len(kerberosASReq))}, kerberosASReq...), match: matchKerberosTCP, only: true},
}

func versionQuery(name string) []byte {
	q := new(dns.Msg)
	q.Id, q.RecursionDesired = 0x5644, false
	q.Question = []dns.Question{{Name: name, Qtype: dns.TypeTXT, Qclass: dns.ClassCHAOS}}
	b, err := q.Pack()
	if err != nil {
		return nil
	}
	return b
}

func dnsTCP(b []byte) []byte { return append([]byte{byte(len(b) >> 8), byte(len(b))}, b...) }

func matchDNSTCP(b []byte) (Match, bool) {
	if len(b) < 14 || int(binary.BigEndian.Uint16(b)) > len(b)-2 {
		return Match{}, false
	}
	return matchDNS(b[2 : 2+int(binary.BigEndian.Uint16(b))])
}

func matchDNS(b []byte) (Match, bool) {
	r := new(dns.Msg)
	if len(b) < 12 || b[0] != 0x56 || b[1] != 0x44 || b[2]&0x80 == 0 || r.Unpack(b) != nil {
		if len(b) >= 12 && b[0] == 0x56 && b[1] == 0x44 && b[2]&0x80 != 0 && b[2]&0x78 == 0 {
			return Match{Name: "dns"}, true
		}
		return Match{}, false
	}
	m := Match{Name: "dns"}
	for _, rr := range r.Answer {
		if txt, ok := rr.(*dns.TXT); ok && rr.Header().Class == dns.ClassCHAOS {
			m.dnsVersion(strings.Join(txt.Txt, ""))
		}
	}
	return m, true
}

var dnsRules = []rule{
	{re(`^dnsmasq-([0-9][0-9A-Za-z.]*)`), "dnsmasq", ""}, {re(`^unbound ([0-9][0-9A-Za-z.]*)`), "unbound", ""}, {re(`^NSD ([0-9][0-9A-Za-z.]*)`), "nsd", ""},
	{re(`^PowerDNS Authoritative Server ([0-9][0-9A-Za-z.-]*)`), "powerdns", ""}, {re(`^PowerDNS Recursor ([0-9][0-9A-Za-z.-]*)`), "powerdns recursor", ""},
	{re(`^Knot DNS ([0-9][0-9A-Za-z.]*)`), "knot dns", ""}, {re(`^Knot Resolver ([0-9][0-9A-Za-z.]*)`), "knot resolver", ""}, {re(`^CoreDNS-([0-9][0-9A-Za-z.]*)`), "coredns", ""},
	{re(`^Microsoft DNS ([0-9][0-9.]*)`), "microsoft dns", ""}, {re(`^MaraDNS version ([0-9][0-9.]*)`), "maradns", ""}, {re(`^gdnsd`), "gdnsd", ""},
	{re(`^pihole-(?:FTL-)?v?([0-9][0-9.]*)`), "pi-hole", ""}, {re(`^(?:Served by )?PowerDNS`), "powerdns", ""}, {re(`^Nominum Vantio ?(?:CacheServe )?([0-9.]*)`), "nominum vantio", ""},
}

var bindVersion = regexp.MustCompile(`^(?:BIND )?(9\.[0-9]+(?:\.[0-9]+)?(?:-?(?:P|S|W|rc|b|a)[0-9]+)*)(?:[-~+](.*))?$`)

// dnsVersion reads the answer to version.bind. Administrators may put any text there, so what is no known form names
// no product.
func (m *Match) dnsVersion(v string) {
	if m.byRules(dnsRules, v, toldExactly) {
		return
	}
	f := bindVersion.FindStringSubmatch(v)
	if f == nil {
		m.Note = "The server answers version.bind with a text that names no product."
		return
	}
	m.product("isc bind", f[1], v, toldExactly)
	// "9.18.24-1-Debian", "9.18.49-1~deb12u1-Debian", "9.18.18-0ubuntu0.22.04.1-Ubuntu": both give bind9 the epoch 1.
	pack := strings.TrimSuffix(strings.TrimSuffix(v, "-Debian"), "-Ubuntu")
	if pack != v && strings.Contains(pack, "-") {
		m.Package = "1:" + strings.TrimPrefix(pack, "BIND ")
	}
}

// askDNS asks by the other names under which servers tell a version.
func askDNS(a *asker, m *Match) {
	if m.Product != "" {
		return
	}
	for _, name := range []string{"version.server.", "version.bind."} {
		if found, ok := matchDNSTCP(a.once(dnsTCP(versionQuery(name)))); ok {
			m.take(found)
		}
		if m.Product != "" {
			return
		}
	}
}

// ber is one element: tag, length, content.
func ber(tag byte, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	switch n := len(body); {
	case n < 128:
		return append([]byte{tag, byte(n)}, body...)
	case n < 256:
		return append([]byte{tag, 0x81, byte(n)}, body...)
	default:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, body...)
	}
}

func berText(tag byte, s string) []byte { return ber(tag, []byte(s)) }

// berRead takes the first element off; rest is nil when b is no BER.
func berRead(b []byte) (tag byte, body, rest []byte) {
	if len(b) < 2 {
		return 0, nil, nil
	}
	n, at := int(b[1]), 2
	if n >= 0x80 {
		k := n & 0x7f
		if k == 0 || k > 4 || len(b) < 2+k {
			return 0, nil, nil
		}
		n = 0
		for _, x := range b[2 : 2+k] {
			n = n<<8 | int(x)
		}
		at += k
	}
	if n < 0 || n > len(b)-at {
		return 0, nil, nil
	}
	return b[0], b[at : at+n], b[at+n:]
}

// ldapRoot searches the root DSE (RFC 4512, 5.1) for what names the server.
var ldapRoot = ber(0x30, []byte{2, 1, 7}, ber(0x63,
	berText(4, ""), []byte{10, 1, 0, 10, 1, 0, 2, 1, 0, 2, 1, 10, 1, 1, 0}, berText(0x87, "objectClass"),
	ber(0x30, berText(4, "vendorName"), berText(4, "vendorVersion"), berText(4, "namingContexts"), berText(4, "supportedExtension"), berText(4, "isGlobalCatalogReady"),
		berText(4, "structuralObjectClass"), berText(4, "dnsHostName"), berText(4, "domainControllerFunctionality"), berText(4, "supportedSASLMechanisms"), berText(4, "configContext"))))

// matchLDAP wants a message of ours or a notice (message id 0) with a response of LDAP inside.
func matchLDAP(b []byte) (Match, bool) {
	if len(b) < 7 || b[0] != 0x30 {
		return Match{}, false
	}
	tag, body, _ := berRead(b)
	if tag == 0 { // cut off
		if len(b) < 12 {
			return Match{}, false
		}
		body = b[2:]
		if b[1] >= 0x80 {
			body = b[min(len(b), 2+int(b[1]&0x7f)):]
		}
	}
	if len(body) < 5 || body[0] != 2 || body[1] != 1 {
		return Match{}, false
	}
	id, op := body[2], body[3]
	if !(id == 7 && (op == 0x64 || op == 0x65 || op == 0x73) || id == 0 && op == 0x78) {
		return Match{}, false
	}
	m := Match{Name: "ldap"}
	m.ldapRoot(b)
	return m, true
}

func (m *Match) ldapRoot(b []byte) {
	text := string(b)
	switch {
	case strings.Contains(text, "OpenLDAProotDSE"):
		m.product("openldap", "", "", toldExactly)
	case strings.Contains(text, "domainControllerFunctionality"):
		m.product("microsoft active directory", "", "", toldExactly)
		m.OS = family("windows")
		if strings.Contains(text, "Samba Team") {
			m.product("samba", "", "", toldBanner)
			m.OS = OS{}
		}
	case strings.Contains(text, "389 Project"):
		m.product("389 directory server", "", "", toldExactly)
		if f := pattern(`389-Directory/([0-9][0-9.]*)`).FindStringSubmatch(text); f != nil {
			m.product("389 directory server", f[1], "", toldExactly)
		}
	case strings.Contains(text, "Apache Software Foundation"):
		m.product("apache directory server", "", "", toldExactly)
	default:
		if f := pattern(`vendorName1[\x00-\x20\x80-\xff]*(?:\x04.)?([A-Za-z][ -~]{2,40})`).FindStringSubmatch(text); f != nil {
			m.product(strings.ToLower(f[1]), "", "", toldBanner)
		}
	}
	if strings.Contains(text, "1.3.6.1.4.1.1466.20037") {
		m.Tunnel = "starttls"
	}
}

// askLDAP binds anonymously first, for servers that answer no search before.
func askLDAP(a *asker, m *Match) {
	if m.Product != "" {
		return
	}
	a.talk(func(c *chat) {
		c.ask(ber(0x30, []byte{2, 1, 1}, ber(0x60, []byte{2, 1, 3}, berText(4, ""), []byte{0x80, 0})))
		m.ldapRoot(c.ask(ldapRoot))
	})
	if m.Product == "" {
		return
	}
}

// smbNegotiate offers SMB 1 and 2 in the old form, which every server answers in the newest that it accepts.
var smbNegotiate = func() []byte {
	dialects := "\x02PC NETWORK PROGRAM 1.0\x00\x02LANMAN1.0\x00\x02LM1.2X002\x00\x02NT LM 0.12\x00\x02SMB 2.002\x00\x02SMB 2.???\x00"
	b := append([]byte("\xffSMB\x72\x00\x00\x00\x00\x18\x53\xc8"), make([]byte, 12)...)
	b = append(b, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 0, 0, byte(len(dialects)), byte(len(dialects)>>8))
	b = append(b, dialects...)
	return append([]byte{0, 0, byte(len(b) >> 8), byte(len(b))}, b...)
}()

func matchSMB(b []byte) (Match, bool) {
	if len(b) < 40 || b[0] != 0 || string(b[5:8]) != "SMB" || b[4] != 0xff && b[4] != 0xfe {
		return Match{}, false
	}
	return Match{Name: "smb"}, true
}

// netbiosSession asks for a session with any server of the machine (RFC 1002, 4.3.2).
var netbiosSession = append([]byte{0x81, 0, 0, 0x44, 0x20}, []byte("CKFDENECFDEFFCFGEFFCCACACACACACA\x00\x20EKEFFEEJEDACACACACACACACACACACAA\x00")...)

func matchNetBIOS(b []byte) (Match, bool) {
	if len(b) == 4 && b[0] == 0x82 || len(b) == 5 && b[0] == 0x83 && b[4] >= 0x80 && b[4] <= 0x8f {
		return Match{Name: "netbios-ssn"}, true
	}
	return Match{}, false
}

// askSMB begins an anonymous session: the NTLM challenge names machine and version of Windows; Samba tells itself in
// SMB 1, or by the version number that it always gives.
func askSMB(a *asker, m *Match) {
	if v := a.smb1Session(); v != nil {
		m.smb1(v)
	}
	if m.Version != "" {
		return
	}
	a.talk(func(c *chat) {
		if r := c.ask(smb2Negotiate()); len(r) < 68 {
			return
		}
		m.ntlm(c.ask(smb2Session()))
	})
}

var sambaVersion = regexp.MustCompile(`Samba ([0-9]+\.[0-9]+\.[0-9]+)(?:-(\S+))?`)

func (m *Match) smb1(text []string) {
	for _, t := range text {
		if f := sambaVersion.FindStringSubmatch(t); f != nil {
			m.product("samba", f[1], f[2], toldExactly)
			switch {
			case f[2] == "Debian" || f[2] == "Ubuntu":
				m.OS = family(strings.ToLower(f[2]))
			case strings.Contains(f[2], "deb") || strings.Contains(f[2], "ubuntu"):
				m.Package = "2:" + f[1] + "-" + f[2]
			}
			return
		}
		if strings.HasPrefix(t, "Windows ") {
			m.product("microsoft windows smb", "", "", toldExactly)
			m.OS = family("windows")
			m.OS.Name = t
		}
	}
}

// rpcCall is a call of ONC RPC (RFC 5531) without credentials; over TCP in one record.
func rpcCall(tcp bool, program, version, procedure uint32, args ...uint32) []byte {
	var b []byte
	for _, x := range append([]uint32{0x56454454, 0, 2, program, version, procedure, 0, 0, 0, 0}, args...) {
		b = binary.BigEndian.AppendUint32(b, x)
	}
	if tcp {
		b = append(binary.BigEndian.AppendUint32(nil, 0x80000000|uint32(len(b))), b...)
	}
	return b
}

func matchRPC(b []byte) (Match, bool) {
	if len(b) < 28 || b[0]&0x80 == 0 {
		return Match{}, false
	}
	return matchRPCReply(b[4:])
}

// matchRPCReply accepts a reply to our call; a server that knows no portmapper says so and is RPC all the same.
func matchRPCReply(b []byte) (Match, bool) {
	if len(b) < 20 || binary.BigEndian.Uint32(b) != 0x56454454 || binary.BigEndian.Uint32(b[4:]) != 1 {
		return Match{}, false
	}
	m := Match{Name: "rpc"}
	if binary.BigEndian.Uint32(b[8:]) == 0 && len(b) >= 24 && binary.BigEndian.Uint32(b[20:]) == 0 {
		m.Name = "rpcbind"
		m.product("rpcbind", "", "", toldBanner)
	}
	return m, true
}

// rpcPrograms are programs worth naming (assigned numbers of RFC 5531 and its registry).
var rpcPrograms = []struct {
	number uint32
	name   string
}{{100003, "nfs"}, {100005, "mountd"}, {100021, "nlockmgr"}, {100024, "status"}, {100227, "nfs_acl"}, {100011, "rquotad"}, {100004, "ypserv"}, {100007, "ypbind"}, {100009, "yppasswdd"}, {391002, "sgi_fam"}, {100068, "cmsd"}, {100083, "ttdbserverd"}}

func askRPC(a *asker, m *Match) {
	if m.Name == "rpcbind" {
		if v4 := a.once(rpcCall(true, 100000, 4, 0)); len(v4) < 28 || binary.BigEndian.Uint32(v4[24:]) != 0 {
			m.product("portmap", "", "", guessed)
		}
		return
	}
	for _, p := range rpcPrograms {
		b := a.once(rpcCall(true, p.number, 1, 0))
		if len(b) < 28 || binary.BigEndian.Uint32(b[12:]) != 0 {
			continue
		}
		switch status := binary.BigEndian.Uint32(b[24:]); {
		case status == 0, status == 2: // done, or another version of the program
			m.Name = p.name
			m.Note = rpcVersions(b[24:])
			return
		}
	}
}

func rpcVersions(b []byte) string {
	if len(b) < 12 || binary.BigEndian.Uint32(b) != 2 {
		return ""
	}
	return fmt.Sprintf("Versions %d to %d of the program.", binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:]))
}

// msrpcBind binds to the endpoint mapper (MS-RPCE, C706).
var msrpcBind = []byte{5, 0, 11, 3, 16, 0, 0, 0, 72, 0, 0, 0, 1, 0, 0, 0, 0xb8, 16, 0xb8, 16, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0,
	8, 0x83, 0xaf, 0xe1, 0x1f, 0x5d, 0xc9, 0x11, 0x91, 0xa4, 8, 0, 0x2b, 0x14, 0xa0, 0xfa, 3, 0, 0, 0,
	4, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11, 0x9f, 0xe8, 8, 0, 0x2b, 0x10, 0x48, 0x60, 2, 0, 0, 0}

func matchMSRPC(b []byte) (Match, bool) {
	if len(b) < 24 || b[0] != 5 || b[1] > 1 || b[2] != 12 && b[2] != 13 && b[2] != 3 {
		return Match{}, false
	}
	m := Match{Name: "msrpc"}
	if bytes.Contains(b, []byte("135\x00")) {
		m.product("microsoft windows rpc", "", "", toldBanner)
		m.OS = family("windows")
	}
	return m, true
}

// kerberosASReq asks for a ticket in a realm that does not exist; any KDC answers with an error.
var kerberosASReq = ber(0x6a, ber(0x30,
	[]byte{0xa1, 3, 2, 1, 5, 0xa2, 3, 2, 1, 10},
	ber(0xa4, ber(0x30,
		[]byte{0xa0, 7, 3, 5, 0, 0, 0, 0, 0},
		ber(0xa1, ber(0x30, []byte{0xa0, 3, 2, 1, 1}, ber(0xa1, ber(0x30, berText(0x1b, "vedette"))))),
		ber(0xa2, berText(0x1b, "INVALID")),
		ber(0xa3, ber(0x30, []byte{0xa0, 3, 2, 1, 2}, ber(0xa1, ber(0x30, berText(0x1b, "krbtgt"), berText(0x1b, "INVALID"))))),
		ber(0xa5, berText(0x18, "20370913024805Z")),
		[]byte{0xa7, 6, 2, 4, 0x56, 0x45, 0x44, 0x54},
		ber(0xa8, []byte{0x30, 6, 2, 1, 18, 2, 1, 17})))))

func matchKerberos(b []byte) (Match, bool) {
	if len(b) > 10 && b[0] == 0x7e {
		if tag, body, _ := berRead(b); tag == 0x7e && bytes.Contains(body, []byte{0xa0, 3, 2, 1, 5, 0xa1, 3, 2, 1, 30}) {
			return Match{Name: "kerberos"}, true
		}
	}
	return Match{}, false
}

func matchKerberosTCP(b []byte) (Match, bool) {
	if len(b) < 5 {
		return Match{}, false
	}
	return matchKerberos(b[4:])
}
