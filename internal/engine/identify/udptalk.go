package identify

import (
	"bytes"
	"encoding/binary"
)

// udpTalk are tunnels, telephony and games.
var udpTalk = []probe{
	{name: "sip", ports: []uint16{5060, 5061}, rank: 3, hello: sipOptions("UDP"), match: matchSIP},
	{name: "ike", ports: []uint16{500}, rank: 5, hello: ikeMain, match: matchIKE},
	{name: "ike-nat", ports: []uint16{4500}, rank: 6, hello: append([]byte{0, 0, 0, 0}, ikeMain...), match: matchIKENAT, only: true},
	{name: "ikev2", ports: []uint16{500}, rank: 0, hello: ikeInit, match: matchIKE},
	{name: "l2tp", ports: []uint16{1701}, rank: 7, hello: l2tpStart, match: matchL2TP, only: true},
	{name: "openvpn", ports: []uint16{1194}, rank: 7, hello: []byte("\x38vedette1\x00\x00\x00\x00\x00"), match: matchOpenVPNUDP, only: true},
	{name: "stun", ports: []uint16{3478, 3479}, rank: 6, hello: stunBinding, match: matchSTUN},
	{name: "dtls", ports: []uint16{4433, 5684, 3391}, rank: 7, hello: dtlsHello, match: matchDTLS},
	{name: "quic", ports: []uint16{443, 8443, 784, 853}, rank: 7, hello: quicVersions, match: matchQUIC},
	{name: "coap", ports: []uint16{5683}, rank: 6, hello: []byte("\x40\x01\x56\x44\xbb.well-known\x04core"), match: matchCoAP, only: true},
	{name: "mumble", ports: []uint16{64738}, rank: 7, hello: []byte("\x00\x00\x00\x00\x56\x45\x44\x45\x54\x54\x45\x21"), match: matchMumbleUDP, only: true},
	{name: "source-engine", ports: []uint16{27015, 27016}, rank: 7, hello: []byte("\xff\xff\xff\xffTSource Engine Query\x00"), match: matchSource},
	{name: "quake3", ports: []uint16{27960, 27961}, rank: 8, hello: []byte("\xff\xff\xff\xffgetstatus\n"), match: matchQuake3},
	{name: "ubiquiti", ports: []uint16{10001}, rank: 8, hello: []byte{1, 0, 0, 0}, match: matchUbiquiti, only: true},
}

// ikeMain opens main mode of version 1 with the commonest proposals (RFC 2409); ikeInit is IKE_SA_INIT of version 2.
var (
	ikeMain = ikeHeader(0x10, 2, 1, ikeProposal())
	ikeInit = ikeHeader(0x20, 34, 33, []byte{
		34, 0, 0, 48, 0, 0, 0, 44, 1, 1, 0, 4, 3, 0, 0, 12, 1, 0, 0, 12, 0x80, 14, 1, 0, 3, 0, 0, 8, 2, 0, 0, 5, 3, 0, 0, 8, 3, 0, 0, 12, 0, 0, 0, 8, 4, 0, 0, 14,
		0, 0, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
)

func ikeHeader(version, exchange, next byte, body []byte) []byte {
	b := append([]byte("vedette1\x00\x00\x00\x00\x00\x00\x00\x00"), next, version, exchange, 0)
	if version == 0x20 {
		b[19] = 8
	}
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(28+len(body)))
	return append(b, body...)
}

// ikeProposal offers AES and 3DES with SHA and MD5 in groups 14, 5 and 2, pre-shared key.
func ikeProposal() []byte {
	var transforms []byte
	n := byte(0)
	for _, cipher := range [][]byte{{0x80, 1, 0, 7, 0x80, 14, 1, 0}, {0x80, 1, 0, 7, 0x80, 14, 0, 128}, {0x80, 1, 0, 5}} {
		for _, hash := range []byte{4, 2, 1} {
			for _, group := range []byte{14, 5, 2} {
				n++
				attributes := append(append([]byte{}, cipher...), 0x80, 2, 0, hash, 0x80, 3, 0, 1, 0x80, 4, 0, group, 0x80, 11, 0, 1, 0, 12, 0, 4, 0, 0, 0x70, 0x80)
				transforms = append(transforms, 3, 0, byte((8+len(attributes))>>8), byte(8+len(attributes)), n, 1, 0, 0)
				transforms = append(transforms, attributes...)
			}
		}
	}
	last := 0
	for i := 0; i < len(transforms); {
		last = i
		i += int(binary.BigEndian.Uint16(transforms[i+2:]))
	}
	transforms[last] = 0
	proposal := append([]byte{0, 0, byte((8 + len(transforms)) >> 8), byte(8 + len(transforms)), 1, 1, 0, n}, transforms...)
	sa := len(proposal) + 12
	return append([]byte{0, 0, byte(sa >> 8), byte(sa), 0, 0, 0, 1, 0, 0, 0, 1}, proposal...)
}

func matchIKE(b []byte) (Match, bool) {
	if len(b) < 28 || string(b[:8]) != "vedette1" || int(binary.BigEndian.Uint32(b[24:])) != len(b) || b[17]>>4 != 1 && b[17]>>4 != 2 {
		return Match{}, false
	}
	m := Match{Name: "ike", Note: "The peer speaks version " + itoa(int(b[17]>>4)) + " of the protocol."}
	for _, v := range []struct{ id, product string }{
		{"\x88\x2f\xe5\x6d\x6f\xd2\x0d\xbc\x22\x51\x61\x3b\x2e\xbe\x5b\xeb", "strongswan"}, {"\x1e\x2b\x51\x69\x05\x99\x1c\x7d\x7c\x96\xfc\xbf\xb5\x87\xe4\x61", "microsoft windows ike"},
	} {
		if bytes.Contains(b[28:], []byte(v.id)) {
			m.product(v.product, "", "", toldBanner)
		}
	}
	return m, true
}

func matchIKENAT(b []byte) (Match, bool) {
	if len(b) < 32 || !bytes.Equal(b[:4], []byte{0, 0, 0, 0}) {
		return Match{}, false
	}
	return matchIKE(b[4:])
}

// l2tpStart is a Start-Control-Connection-Request (RFC 2661, 6.1).
var l2tpStart = func() []byte {
	avp := func(kind byte, v ...byte) []byte { return append([]byte{0x80, byte(6 + len(v)), 0, 0, 0, kind}, v...) }
	body := bytes.Join([][]byte{avp(0, 0, 1), avp(2, 1, 0), avp(3, 0, 0, 0, 3), avp(7, []byte("vedette")...), avp(9, 0, 1), avp(10, 0, 4)}, nil)
	n := 12 + len(body)
	return append([]byte{0xc8, 2, byte(n >> 8), byte(n), 0, 0, 0, 0, 0, 0, 0, 0}, body...)
}()

func matchL2TP(b []byte) (Match, bool) {
	if len(b) < 12 || b[0]&0x80 == 0 || b[1] != 2 || int(binary.BigEndian.Uint16(b[2:])) != len(b) {
		return Match{}, false
	}
	m := Match{Name: "l2tp"}
	if bytes.Contains(b, []byte("xelerance.com")) {
		m.product("xl2tpd", "", "", toldBanner)
	}
	return m, true
}

func matchOpenVPNUDP(b []byte) (Match, bool) {
	if len(b) < 14 || b[0]>>3 != 8 {
		return Match{}, false
	}
	m := Match{Name: "openvpn"}
	m.product("openvpn", "", "", toldBanner)
	return m, true
}

// stunBinding is a binding request (RFC 8489, 5), the same over UDP and TCP.
var stunBinding = []byte("\x00\x01\x00\x00\x21\x12\xa4\x42vedettevedet")

func matchSTUN(b []byte) (Match, bool) {
	if len(b) < 20 || b[0] != 1 || b[1] != 1 && b[1] != 0x11 || string(b[8:20]) != "vedettevedet" {
		return Match{}, false
	}
	m := Match{Name: "stun"}
	if f := pattern(`Coturn-([0-9][0-9.]*)`).FindSubmatch(b); f != nil {
		m.product("coturn", string(f[1]), "", toldExactly)
	}
	return m, true
}

// dtlsHello is a ClientHello of DTLS 1.2 without a cookie, which a server answers with one.
var dtlsHello = func() []byte {
	body := append([]byte{0xfe, 0xfd}, bytes.Repeat([]byte{0x56}, 32)...)
	body = append(body, 0, 0, 0, 8, 0xc0, 0x2f, 0xc0, 0x2b, 0, 0x9c, 0, 0x2f, 1, 0, 0, 18, 0, 10, 0, 4, 0, 2, 0, 23, 0, 13, 0, 6, 0, 4, 4, 3, 4, 1)
	n := len(body)
	msg := append([]byte{1, 0, byte(n >> 8), byte(n), 0, 0, 0, 0, 0, 0, byte(n >> 8), byte(n)}, body...)
	return append([]byte{0x16, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, byte(len(msg) >> 8), byte(len(msg))}, msg...)
}()

func matchDTLS(b []byte) (Match, bool) {
	if len(b) < 14 || b[0] != 0x16 && b[0] != 0x15 || b[1] != 0xfe || b[2] != 0xff && b[2] != 0xfd {
		return Match{}, false
	}
	return Match{Name: "dtls"}, true
}

// quicVersions is a long header with a version that is reserved to provoke a negotiation (RFC 9000, 15).
var quicVersions = append([]byte{0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8, 'v', 'e', 'd', 'e', 't', 't', 'e', '1', 8, 'v', 'e', 'd', 'e', 't', 't', 'e', '2'}, make([]byte, 1200)...)

func matchQUIC(b []byte) (Match, bool) {
	if len(b) < 27 || b[0]&0x80 == 0 || binary.BigEndian.Uint32(b[1:]) != 0 || !bytes.Contains(b[5:min(len(b), 30)], []byte("vedette2")) {
		return Match{}, false
	}
	return Match{Name: "quic"}, true
}

func matchCoAP(b []byte) (Match, bool) {
	if len(b) < 4 || b[0]>>6 != 1 || b[2] != 0x56 || b[3] != 0x44 || b[1]>>5 != 2 && b[1]>>5 != 4 && b[1] != 0 {
		return Match{}, false
	}
	return Match{Name: "coap"}, true
}

// matchMumbleUDP reads the answer to a ping: version, our ident, users and limits.
func matchMumbleUDP(b []byte) (Match, bool) {
	if len(b) != 24 || b[0] != 0 || string(b[4:12]) != "VEDETTE!" {
		return Match{}, false
	}
	m := Match{Name: "mumble"}
	m.product("mumble", itoa(int(b[1]))+"."+itoa(int(b[2]))+"."+itoa(int(b[3])), "", toldExactly)
	return m, true
}

func matchSource(b []byte) (Match, bool) {
	if len(b) < 6 || !bytes.HasPrefix(b, []byte("\xff\xff\xff\xff")) || b[4] != 'I' && b[4] != 'A' && b[4] != 'm' {
		return Match{}, false
	}
	return Match{Name: "source-engine"}, true
}

func matchQuake3(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("\xff\xff\xff\xffstatusResponse\n")) {
		return Match{}, false
	}
	m := Match{Name: "quake3"}
	if f := pattern(`\\version\\([A-Za-z0-9+ ]{2,30}?) ([0-9][0-9A-Za-z.-]*)`).FindSubmatch(b); f != nil {
		m.product(string(bytes.ToLower(f[1])), string(f[2]), "", toldExactly)
	}
	return m, true
}

func matchUbiquiti(b []byte) (Match, bool) {
	if len(b) < 8 || b[0] != 1 || b[1] != 0 || int(binary.BigEndian.Uint16(b[2:])) != len(b)-4 {
		return Match{}, false
	}
	m := Match{Name: "ubiquiti-discovery"}
	m.product("ubiquiti airos", "", "", guessed)
	return m, true
}
