package identify

import (
	"regexp"
	"strings"
)

// Telnet's commands, RFC 854.
const (
	iac  = 255
	dont = 254
	do   = 253
	wont = 252
	will = 251
	sb   = 250
	se   = 240
)

var loginPrompt = regexp.MustCompile(`(?i)(?:^|\n|\r)[^\n]{0,60}?(?:login|username|user name|account)\s*:\s*$`)

func matchTelnet(b []byte) (Match, bool) {
	if len(b) >= 3 && b[0] == iac && b[1] >= sb && b[1] <= dont {
		m := Match{Name: "telnet"}
		m.telnetBanner(string(plainTelnet(b)))
		return m, true
	}
	text := string(b[:min(len(b), 4096)])
	if loginPrompt.MatchString(text) {
		m := Match{Name: "telnet"}
		m.telnetBanner(text)
		return m, true
	}
	return Match{}, false
}

// plainTelnet takes the commands out.
func plainTelnet(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != iac || i+1 >= len(b) {
			if b[i] != iac {
				out = append(out, b[i])
			}
			continue
		}
		switch b[i+1] {
		case iac:
			out = append(out, iac)
			i++
		case sb:
			for i += 2; i < len(b) && !(b[i] == se && b[i-1] == iac); i++ {
			}
		case will, wont, do, dont:
			i += 2
		default:
			i++
		}
	}
	return out
}

// refuse answers every offer and request with a no, as RFC 854 allows.
func refuse(b []byte) []byte {
	var out []byte
	for i := 0; i+2 < len(b); i++ {
		if b[i] != iac {
			continue
		}
		switch b[i+1] {
		case do:
			out = append(out, iac, wont, b[i+2])
			i += 2
		case will:
			out = append(out, iac, dont, b[i+2])
			i += 2
		}
	}
	return out
}

var telnetRules = rules(`(?i)busybox v?([0-9][0-9.]*)`, "busybox telnetd", `MikroTik v?([0-9][0-9.a-z]*)`, "mikrotik routeros telnetd", `User Access Verification`, "cisco ios telnetd",
	`Welcome to Microsoft Telnet Service`, "microsoft telnetd", `HP JetDirect`, "hp jetdirect", `Huawei`, "huawei telnetd", `ZyXEL`, "zyxel telnetd")

func (m *Match) telnetBanner(text string) {
	m.byRules(telnetRules, text, toldBanner)
}

// askTelnet refuses all options, so that the server comes to its login prompt.
func askTelnet(a *asker, m *Match) {
	a.talk(func(c *chat) {
		first := c.read()
		all := append([]byte{}, first...)
		for range 4 {
			no := refuse(first)
			if len(no) == 0 {
				break
			}
			first = c.ask(no)
			all = append(all, first...)
		}
		text := strings.TrimSpace(string(plainTelnet(all)))
		m.telnetBanner(text)
		if len(all) > 0 {
			a.session.banner = all
		}
		if m.Product == "" {
			m.telnetOptions(all)
		}
	})
}

// telnetOptions compares the options that the server asks for first: all servers of BSD's descent want terminal type,
// speed, X display and environment; only inetutils still wants the old environment too (RFC 1408), and only servers of
// the Kerberos days request authentication.
func (m *Match) telnetOptions(b []byte) {
	wants := map[[2]byte]bool{}
	for i := 0; i+2 < len(b) && b[i] == iac && b[i+1] != sb; i += 3 {
		wants[[2]byte{b[i+1], b[i+2]}] = true
	}
	const ttype, tspeed, xdisploc, newEnviron, oldEnviron, echo, goAhead, naws, auth = 24, 32, 35, 39, 36, 1, 3, 31, 37
	bsd := wants[[2]byte{do, ttype}] && wants[[2]byte{do, tspeed}] && wants[[2]byte{do, xdisploc}] && wants[[2]byte{do, newEnviron}]
	switch {
	case bsd && wants[[2]byte{do, oldEnviron}]:
		m.product("inetutils telnetd", "", "", guessed)
	case bsd && wants[[2]byte{do, auth}]:
		m.product("bsd telnetd", "", "", guessed)
	case bsd:
		m.product("netkit telnetd", "", "", guessed)
	case wants[[2]byte{do, echo}] && wants[[2]byte{do, naws}] && wants[[2]byte{will, echo}] && wants[[2]byte{will, goAhead}]:
		m.product("busybox telnetd", "", "", guessed)
	}
}
