package identify

import (
	"bytes"
	"regexp"
	"strings"
)

// smallProbes are the many protocols met now and then.
var smallProbes = []probe{
	{name: "rsync", ports: []uint16{873}, first: true, match: matchRsync},
	{name: "smux", ports: []uint16{199}, first: true, match: matchSMUX},
}

var rsyncGreeting = regexp.MustCompile(`^@RSYNCD: ([0-9]+)(?:\.([0-9]+))?`)

func matchRsync(b []byte) (Match, bool) {
	if !rsyncGreeting.Match(b) {
		return Match{}, false
	}
	m := Match{Name: "rsync"}
	m.product("rsync", "", "", toldBanner)
	return m, true
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

// words says that text has one of the words.
func words(text string, any ...string) bool {
	for _, w := range any {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}
