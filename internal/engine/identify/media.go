package identify

import (
	"bytes"
	"regexp"
	"strings"
)

// mediaProbes carry talk, pictures and news.
var mediaProbes = []probe{
	{name: "rtsp", ports: []uint16{554, 8554, 5554}, rank: 5, hello: []byte("OPTIONS / RTSP/1.0\r\nCSeq: 1\r\n\r\n"), match: matchRTSP, ask: nil},
	{name: "sip", ports: []uint16{5060, 5061}, rank: 5, hello: sipOptions("TCP"), match: matchSIP},
	{name: "irc", ports: []uint16{6667, 6697, 6660, 6666, 7000}, rank: 6, hello: []byte("NICK vdt6b1f\r\nUSER vdt 0 * :vedette\r\n"), match: matchIRC, ask: askIRC},
	{name: "mumble", ports: []uint16{64738}, rank: 0, hello: []byte("\x00\x00\x00\x00\x00\x09\x08\x80\x84\x10\x12\x031.4"), match: matchMumble, only: true},
	{name: "teamspeak", ports: []uint16{10011}, first: true, match: matchTeamSpeak, ask: askTeamSpeak},
	{name: "socks", ports: []uint16{1080, 1081, 9050, 10808}, rank: 5, hello: []byte{5, 2, 0, 2}, match: matchSOCKS, only: true, ask: nil},
	{name: "mpd", ports: []uint16{6600}, first: true, match: matchMPD},
	{name: "shoutcast", ports: []uint16{8001}, match: matchICY},
	{name: "stun", ports: []uint16{3478, 5349}, rank: 7, hello: stunBinding, match: matchSTUN, only: true},
	{name: "coturn-cli", ports: []uint16{5766}, first: true, match: matchCoturn},
	{name: "quassel", ports: []uint16{4242}, rank: 0, hello: []byte("\x42\xb3\x3f\x00\x00\x00\x00\x01\x80\x00\x00\x02"), match: matchQuassel, only: true},
	{name: "asterisk-ami", ports: []uint16{5038}, first: true, match: matchAMI},
}

var coturnBanner = regexp.MustCompile(`^TURN Server\r?\n(?:Coturn-([0-9][0-9.]*))?`)

// matchCoturn reads the greeting of the command line of coturn, a relay for calls (RFC 8656).
func matchCoturn(b []byte) (Match, bool) {
	f := coturnBanner.FindSubmatch(b)
	if f == nil {
		return Match{}, false
	}
	m := Match{Name: "coturn-cli"}
	m.product("coturn", string(f[1]), "", toldExactly)
	return m, true
}

// matchQuassel reads which of the offered protocols the core has chosen: four bytes, features first.
func matchQuassel(b []byte) (Match, bool) {
	if len(b) != 4 || b[1] != 0 || b[2] != 0 || b[3] != 1 && b[3] != 2 {
		return Match{}, false
	}
	m := Match{Name: "quassel"}
	m.product("quassel core", "", "", toldBanner)
	return m, true
}

var rtspRules = rules(
	`(?im)^Server: ?(?:.*?)GStreamer RTSP server`, "gstreamer rtsp", `(?im)^Server: ?(?:.*?)LIVE555 Streaming Media v?([0-9.]+)`, "live555", `(?im)^Server: ?gortsplib`, "mediamtx", `(?im)^Server: ?MediaMTX`, "mediamtx",
	`(?im)^Server: ?DSS/([0-9.]+)`, "darwin streaming server", `(?im)^Server: ?VLC/([0-9.]+)`, "vlc", `(?im)^Server: ?Hipcam RealServer/V?([0-9.]+)`, "hipcam", `(?im)^Server: ?Wowza[^0-9\r\n]*([0-9.]+)?`, "wowza streaming engine",
	`(?im)^Server: ?AirTunes/([0-9.]+)`, "airtunes", `(?im)^Server: ?Helix[^0-9\r\n]*([0-9.]+)?`, "helix server", `(?im)^Server: ?Dahua`, "dahua rtsp", `(?im)^Server: ?(?:Hikvision|HiIpcam)`, "hikvision rtsp", `(?im)^Server: ?Rtsp Server(?:/([0-9.]+))?`, "rtsp server",
)

func matchRTSP(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("RTSP/1.0 ")) && !bytes.HasPrefix(b, []byte("RTSP/2.0 ")) {
		return Match{}, false
	}
	m := Match{Name: "rtsp"}
	text := string(b[:min(len(b), 4096)])
	m.byRules(rtspRules, text, toldBanner)
	return m, true
}

func sipOptions(transport string) []byte {
	return []byte("OPTIONS sip:nobody@localhost SIP/2.0\r\nVia: SIP/2.0/" + transport + " localhost:5060;branch=z9hG4bK6b1f;rport\r\nFrom: <sip:vedette@localhost>;tag=6b1f\r\n" +
		"To: <sip:nobody@localhost>\r\nCall-ID: 6b1f@localhost\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContact: <sip:vedette@localhost>\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n")
}

var sipRules = rules(
	`(?im)^(?:Server|User-Agent): *Asterisk(?: PBX)? *v?(?:certified/)?([0-9][0-9A-Za-z.~+-]*)?`, "asterisk", `(?im)^(?:Server|User-Agent): *FPBX-[0-9.]+\(([0-9.]+)\)`, "asterisk",
	`(?im)^(?:Server|User-Agent): *kamailio \(([0-9][0-9.]*)`, "kamailio", `(?im)^(?:Server|User-Agent): *OpenSIPS \(([0-9][0-9.]*)`, "opensips", `(?im)^(?:Server|User-Agent): *(?:FreeSWITCH-mod_sofia/)([0-9][0-9.]*)?`, "freeswitch",
	`(?im)^(?:Server|User-Agent): *Cisco-SIPGateway/IOS-([0-9A-Za-z.()]+)`, "cisco ios sip", `(?im)^(?:Server|User-Agent): *3CX`, "3cx", `(?im)^(?:Server|User-Agent): *OpenSER \(([0-9.]+)`, "openser", `(?im)^(?:Server|User-Agent): *SIP Express Router \(([0-9.]+)`, "sip express router",
	`(?im)^(?:Server|User-Agent): *Yate/([0-9.]+)`, "yate", `(?im)^(?:Server|User-Agent): *Grandstream ([^\r\n]{1,40})`, "grandstream", `(?im)^(?:Server|User-Agent): *Yealink ([^\r\n]{1,40})`, "yealink", `(?im)^(?:Server|User-Agent): *Linphone[^/\r\n]*/([0-9.]+)`, "linphone",
)

func matchSIP(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("SIP/2.0 ")) {
		return Match{}, false
	}
	m := Match{Name: "sip"}
	m.byRules(sipRules, string(b[:min(len(b), 4096)]), toldBanner)
	return m, true
}

var ircReply = regexp.MustCompile(`(?m)^:[^\s:]{1,64} (?:[0-9]{3}|NOTICE) |^ERROR :|^NOTICE (?:AUTH|\*) :|^PING :`)

func matchIRC(b []byte) (Match, bool) {
	text := string(b[:min(len(b), 2048)])
	if !ircReply.MatchString(text) || strings.HasPrefix(text, "ERROR :") && !words(text, "link", "Link", "Trying", "connect", "throttled", "timeout", "Timeout") {
		return Match{}, false
	}
	m := Match{Name: "irc"}
	m.ircVersion(text)
	return m, true
}

var ircVersions = rules(`ngircd-([0-9][0-9.]*)`, "ngircd", `ngIRCd ([0-9][0-9.]*)`, "ngircd", `Unreal(?:IRCd-)?([0-9][0-9.]*)`, "unrealircd", `InspIRCd-([0-9][0-9.]*)`, "inspircd", `(?:ircd-)?hybrid-([0-9][0-9.]*)`, "ircd-hybrid", `(?:charybdis|solanum)-([0-9][0-9.]*)`, "charybdis",
	`ircd-ratbox-([0-9][0-9.]*)`, "ircd-ratbox", `bahamut-([0-9][0-9.]*)`, "bahamut", `u([0-9.]+\.[0-9.]+)\.?`, "ircu", `oragono-([0-9.]+)|ergo-v?([0-9.]+)`, "ergo")

func (m *Match) ircVersion(text string) {
	if i := strings.Index(text, " 004 "); i >= 0 {
		m.byRules(ircVersions, text[i:], toldExactly)
	}
	if m.Product == "" {
		m.byRules(ircVersions[:8], text, toldBanner)
	}
}

// askIRC registers, answers the PING that some servers want first, and reads the welcome.
func askIRC(a *asker, m *Match) {
	if m.Version != "" {
		return
	}
	a.talk(func(c *chat) {
		r := c.ask([]byte("NICK vdt6b1f\r\nUSER vdt 0 * :vedette\r\n"))
		all := append([]byte{}, r...)
		for range 3 {
			if bytes.Contains(all, []byte(" 004 ")) || len(r) == 0 {
				break
			}
			if f := pattern(`(?m)^PING :?([^\r\n]{1,64})`).FindSubmatch(r); f != nil {
				c.send([]byte("PONG :" + string(f[1]) + "\r\n"))
			}
			r = c.read()
			all = append(all, r...)
		}
		m.ircVersion(string(all[:min(len(all), 8192)]))
		if len(all) > 0 {
			a.session.banner = all
		}
		c.send([]byte("QUIT\r\n"))
	})
}

// matchMumble reads the Version message of Mumble's protocol.
func matchMumble(b []byte) (Match, bool) {
	if len(b) < 8 || b[0] != 0 || b[1] != 0 || b[2] != 0 || b[3] != 0 {
		return Match{}, false
	}
	m := Match{Name: "mumble"}
	f := pattern(`\x12[\x03-\x40](?:Murmur )?v?([0-9]+\.[0-9]+(?:\.[0-9]+)?)`).FindSubmatch(b)
	if f == nil {
		return Match{}, false
	}
	m.product("mumble", string(f[1]), "", toldExactly)
	return m, true
}

func matchTeamSpeak(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("TS3\n\r")) && !bytes.HasPrefix(b, []byte("TS3\r\n")) {
		return Match{}, false
	}
	m := Match{Name: "teamspeak"}
	m.product("teamspeak", "", "", toldBanner)
	return m, true
}

func askTeamSpeak(a *asker, m *Match) {
	a.talk(func(c *chat) {
		c.read()
		if f := pattern(`version=([0-9][0-9.]*)`).FindSubmatch(c.ask([]byte("version\n"))); f != nil {
			m.product("teamspeak", string(f[1]), "", toldExactly)
		}
	})
}

// matchSOCKS reads the method that a SOCKS 5 server chooses (RFC 1928).
func matchSOCKS(b []byte) (Match, bool) {
	if len(b) != 2 || b[0] != 5 || b[1] != 0 && b[1] != 2 && b[1] != 0xff {
		return Match{}, false
	}
	m := Match{Name: "socks"}
	if b[1] == 2 {
		m.Note = "The proxy demands a login."
	}
	return m, true
}

func matchMPD(b []byte) (Match, bool) {
	f := pattern(`^OK MPD ([0-9.]+)`).FindSubmatch(b)
	if f == nil {
		return Match{}, false
	}
	m := Match{Name: "mpd", Note: "The version is that of the protocol."}
	m.product("music player daemon", string(f[1]), "", toldBanner)
	return m, true
}

var icyRules = rules(`SHOUTcast (?:Distributed Network Audio Server|DNAS)[^0-9]*v?([0-9.]+)`, "shoutcast")

func matchICY(b []byte) (Match, bool) {
	if !bytes.HasPrefix(b, []byte("ICY ")) {
		return Match{}, false
	}
	m := Match{Name: "shoutcast"}
	m.byRules(icyRules, string(b), toldBanner)
	return m, true
}

func matchAMI(b []byte) (Match, bool) {
	f := pattern(`^Asterisk Call Manager/([0-9.]+)`).FindSubmatch(b)
	if f == nil {
		return Match{}, false
	}
	m := Match{Name: "asterisk-ami", Note: "The interface tells its own version " + string(f[1]) + ", not that of the server."}
	m.product("asterisk", "", "", toldBanner)
	return m, true
}
