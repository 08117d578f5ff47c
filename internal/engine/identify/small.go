package identify

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
)

// smallProbes are the small services of old and the remote shells.
var smallProbes = []probe{
	{name: "rsync", ports: []uint16{873}, first: true, match: matchRsync, ask: askRsync},
	{name: "smux", ports: []uint16{199}, hello: []byte("\r\n"), match: matchSMUX},
	{name: "daytime", ports: []uint16{13}, first: true, match: matchDaytime},
	{name: "time", ports: []uint16{37}, first: true, match: matchTime},
	{name: "chargen", ports: []uint16{19}, first: true, match: matchChargen},
	{name: "systat", ports: []uint16{11}, first: true, match: matchSystat},
	{name: "netstat", ports: []uint16{15}, first: true, match: matchNetstat},
	{name: "echo", ports: []uint16{7}, rank: 2, hello: echoHello, match: matchEcho},
	{name: "finger", ports: []uint16{79}, rank: 6, hello: []byte("vedette-nobody\r\n"), match: matchFinger, ask: askFinger},
	{name: "ident", ports: []uint16{113}, rank: 7, hello: []byte("1, 1\r\n"), match: matchIdent},
	{name: "rlogin", ports: []uint16{513}, rank: 0, hello: []byte("\x00vedette\x00vedette\x00vt100/9600\x00"), match: matchRlogin, only: true},
	{name: "rsh", ports: []uint16{514}, rank: 0, hello: []byte("0\x00vedette\x00vedette\x00true\x00"), match: matchRsh, only: true},
}

// noReply is for probes that only provoke: what comes back is read by the others.
func noReply([]byte) (Match, bool) { return Match{}, false }

var rsyncGreeting = pattern(`^@RSYNCD: ([0-9]+)(?:\.([0-9]+))?`)

func matchRsync(b []byte) (Match, bool) {
	if !rsyncGreeting.Match(b) {
		return Match{}, false
	}
	m := Match{Name: "rsync"}
	m.product("rsync", "", "", toldBanner)
	return m, true
}

// askRsync says what the protocol's number tells of the age; the program's version is not told.
func askRsync(a *asker, m *Match) {
	f := rsyncGreeting.FindSubmatch(a.session.banner)
	if f == nil {
		return
	}
	m.Note = "The server tells no version; it speaks protocol " + string(f[1]) + "."
}

// matchSMUX reads the close of an SMUX server (RFC 1227) that expected another first message.
func matchSMUX(b []byte) (Match, bool) {
	if !bytes.Equal(b, []byte{0x41, 1, 2}) {
		return Match{}, false
	}
	m := Match{Name: "smux"}
	m.product("net-snmp smux", "", "", guessed)
	return m, true
}

var daytimeForm = regexp.MustCompile(`^(?:\d{5} \d\d-\d\d-\d\d \d\d:\d\d:\d\d|(?:\w{3,9},? )?(?:\w{3,9} [ \d]?\d|\d{1,2}[ .-]\w{2,9})[ ,.-]{1,2}(?:\d{4}[ ,]{1,2})?\d{1,2}:\d\d:\d\d|\d{1,2}:\d\d:\d\d \d{1,2}[/.]\d{1,2}[/.]\d{2,4}|\d{1,2}:\d\d:\d\d (?:AM|PM))[^\n]{0,40}\r?\n?\x00?$`)

// RFC 867 leaves the form open; these are the forms in use.
func matchDaytime(b []byte) (Match, bool) {
	if len(b) > 90 || !daytimeForm.MatchString(strings.TrimLeft(string(b), "\r\n")) {
		return Match{}, false
	}
	return Match{Name: "daytime"}, true
}

// matchTime reads RFC 868: four bytes of seconds since 1900, near to now.
func matchTime(b []byte) (Match, bool) {
	if len(b) != 4 {
		return Match{}, false
	}
	const since1900 = 2208988800
	told := time.Unix(int64(binary.BigEndian.Uint32(b))-since1900, 0)
	if d := clock.Now().Sub(told).Abs(); d > 2*365*24*time.Hour {
		return Match{}, false
	}
	return Match{Name: "time"}, true
}

// matchChargen wants the rolling rows of RFC 864.
func matchChargen(b []byte) (Match, bool) {
	if bytes.Contains(b[:min(len(b), 200)], []byte(`"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`)) {
		return Match{Name: "chargen"}, true
	}
	return Match{}, false
}

func matchSystat(b []byte) (Match, bool) {
	if line := firstLine(b); strings.Contains(line, "PID") && words(line, "CMD", "COMMAND") {
		return Match{Name: "systat"}, true
	}
	return Match{}, false
}

func matchNetstat(b []byte) (Match, bool) {
	if words(string(b[:min(len(b), 300)]), "Active Internet connections", "Proto Recv-Q Send-Q") {
		return Match{Name: "netstat"}, true
	}
	return Match{}, false
}

// echoHello is a line that no other protocol answers with itself.
var echoHello = []byte("vedette echo 6b1f\r\n")

func matchEcho(b []byte) (Match, bool) {
	for _, h := range [][]byte{echoHello, httpHello, clientHello} {
		if bytes.Equal(b, h) {
			return Match{Name: "echo"}, true
		}
	}
	return Match{}, false
}

var fingerForm = regexp.MustCompile(`(?i)(?:finger: [^\n]{1,60}: no such user|^\s*Login\s*(?:name)?[: ][^\n]{0,60}Name|no one logged on|no one is logged on|^Login +Name +(?:TTY|Tty)|vedette-nobody:? ?(?:\?\?\?|no such|not found|unknown)|in real life: \?\?\?|must provide username|^Site: )`)

func matchFinger(b []byte) (Match, bool) {
	if !fingerForm.Match(b[:min(len(b), 2048)]) || bytes.HasPrefix(b, []byte("HTTP/")) {
		return Match{}, false
	}
	return Match{Name: "finger"}, true
}

// askFinger tells servers by their words: the Linux netkit server answers each word of a line on its own.
func askFinger(a *asker, m *Match) {
	b := a.once([]byte("vedette-nobody\r\n"))
	switch text := string(b); {
	case strings.Contains(text, "finger: vedette-nobody: no such user"):
		m.product("fingerd", "", "", guessed)
	case strings.Contains(text, "Cfingerd"), strings.Contains(text, "CFINGERD"):
		m.product("cfingerd", "", "", toldBanner)
	}
	if len(b) > 0 {
		a.session.banner = b
	}
}

// RFC 1413: the answer repeats the port pair.
func matchIdent(b []byte) (Match, bool) {
	if pattern(`^\s*\d+\s*,\s*\d+\s*:\s*(?:ERROR|USERID)\s*:`).Match(b) {
		return Match{Name: "ident"}, true
	}
	return Match{}, false
}

// matchRlogin: a server confirms with a zero byte (RFC 1282) and goes on to a password or shell, or refuses in words.
func matchRlogin(b []byte) (Match, bool) {
	text := string(b[:min(len(b), 512)])
	if b[0] == 0 && (len(b) == 1 || words(text, "Password", "password", "login", "Permission", "Last login")) ||
		b[0] == 1 && words(text, "rlogind", "Permission denied") || words(text, "rlogind:") {
		return Match{Name: "login"}, true
	}
	return Match{}, false
}

// matchRsh: a server answers a zero byte, or 1 and the reason; one that wants a privileged port closes without a word.
func matchRsh(b []byte) (Match, bool) {
	if b[0] > 1 || len(b) > 512 {
		return Match{}, false
	}
	for _, c := range b[1:] {
		if c < 9 || c > 13 && c < 32 || c > 126 {
			return Match{}, false
		}
	}
	return Match{Name: "shell"}, true
}

// fromLowPort asks the remote shells, which answer nobody who does not come from a port below 1024.
func (s *session) fromLowPort() (Match, bool) {
	for _, x := range []struct {
		port  uint16
		name  string
		hello string
		match func([]byte) (Match, bool)
	}{
		{513, "login", "\x00vedette\x00vedette\x00vt100/9600\x00", matchRlogin},
		{514, "shell", "0\x00vedette\x00vedette\x00true\x00", matchRsh},
	} {
		if x.port != s.target.Port {
			continue
		}
		c, err := s.net.DialLow(s.ctx, s.at())
		if err != nil {
			continue
		}
		_ = c.SetWriteDeadline(clock.Monotonic().Add(5 * time.Second))
		_, _ = c.Write([]byte(x.hello))
		b, _ := wire.Read(c, 4096, s.patience(4*time.Second))
		c.Close()
		if len(b) == 0 {
			continue
		}
		if m, ok := x.match(b); ok {
			s.banner = b
			return m, true
		}
	}
	return Match{}, false
}

// words says that text has one of the words.
func words(text string, any ...string) bool {
	for _, w := range any {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}
