package identify

import (
	"bytes"
	"encoding/binary"
)

// codeProbes are for gateways to programs and for debuggers, which run whatever they are given.
var codeProbes = []probe{
	{name: "fastcgi", ports: []uint16{9000, 9001, 9003}, rank: 7, hello: fastCGIValues, match: matchFastCGI, only: true, ask: askFastCGI},
	{name: "uwsgi", ports: []uint16{3031, 3032, 8001, 9090, 4000}, rank: 8, hello: uwsgiRequest, match: matchUWSGI, only: true},
	{name: "uwsgi-stats", ports: []uint16{1717, 9191}, first: true, match: matchUWSGIStats},
	{name: "gdbserver", ports: []uint16{2345, 1234, 1337}, rank: 0, hello: []byte("+$qSupported:multiprocess+#c6"), match: matchGDB, only: true},
}

// fastCGIValues asks for the server's limits (FastCGI 1.0, section 4.1).
var fastCGIValues = append([]byte{1, 9, 0, 0, 0, 16, 0, 0, 14, 0}, "FCGI_MAX_CONNS"...)

func matchFastCGI(b []byte) (Match, bool) {
	if len(b) < 8 || b[0] != 1 || b[1] != 10 || b[2] != 0 || b[3] != 0 || len(b) > 8 && !bytes.Contains(b, []byte("FCGI_")) {
		return Match{}, false
	}
	return Match{Name: "fastcgi", Note: "The protocol has no place for a product's name."}, true
}

// askFastCGI asks for a script that cannot be there: PHP says so in its own words, and often its version.
func askFastCGI(a *asker, m *Match) {
	pair := func(b []byte, name, value string) []byte {
		return append(append(append(b, byte(len(name)), byte(len(value))), name...), value...)
	}
	params := pair(nil, "REQUEST_METHOD", "GET")
	params = pair(pair(params, "SCRIPT_NAME", "/vedette-nowhere.php"), "SCRIPT_FILENAME", "/vedette-nowhere.php")
	record := func(b []byte, kind byte, body []byte) []byte {
		return append(append(b, 1, kind, 0, 1, byte(len(body)>>8), byte(len(body)), 0, 0), body...)
	}
	request := record(nil, 1, []byte{0, 1, 0, 0, 0, 0, 0, 0})
	request = record(record(record(request, 4, params), 4, nil), 5, nil)
	reply := a.once(request)
	if bytes.Contains(reply, []byte("Primary script unknown")) || bytes.Contains(reply, []byte("No input file specified")) || bytes.Contains(reply, []byte("X-Powered-By: PHP")) {
		version := ""
		if f := pattern(`X-Powered-By: PHP/([0-9][0-9.]*)`).FindSubmatch(reply); f != nil {
			version = string(f[1])
		}
		m.product("php-fpm", version, "", toldBanner)
		m.Note = ""
	}
}

// uwsgiRequest is a GET of the root by the protocol of uWSGI: a head of four bytes, then names and values with lengths.
var uwsgiRequest = func() []byte {
	var vars []byte
	for _, s := range []string{"REQUEST_METHOD", "GET", "PATH_INFO", "/", "SERVER_PROTOCOL", "HTTP/1.1", "SERVER_NAME", "localhost", "SERVER_PORT", "80", "QUERY_STRING", ""} {
		vars = append(binary.LittleEndian.AppendUint16(vars, uint16(len(s))), s...)
	}
	return append(append(binary.LittleEndian.AppendUint16([]byte{0}, uint16(len(vars))), 0), vars...)
}()

// matchUWSGI takes a page for the answer; a web server would have found the request malformed.
func matchUWSGI(b []byte) (Match, bool) {
	f := pattern(`^HTTP/1\.[01] ([0-9]{3})`).FindSubmatch(b)
	if f == nil || string(f[1]) == "400" || string(f[1]) == "414" || string(f[1]) == "501" || string(f[1]) == "505" {
		return Match{}, false
	}
	m := Match{Name: "uwsgi", Note: "The protocol has no place for a version."}
	m.product("uwsgi", "", "", toldBanner)
	return m, true
}

func matchUWSGIStats(b []byte) (Match, bool) {
	f := pattern(`^\{\s*"version":"([0-9][0-9.]*)[^"]*",\s*"listen_queue":`).FindSubmatch(b)
	if f == nil {
		return Match{}, false
	}
	m := Match{Name: "uwsgi-stats"}
	m.product("uwsgi", string(f[1]), "", toldExactly)
	return m, true
}

// matchGDB reads the answer to qSupported (GDB Remote Serial Protocol).
func matchGDB(b []byte) (Match, bool) {
	if !pattern(`^\+?\$PacketSize=[0-9a-f]+;`).Match(b) {
		return Match{}, false
	}
	m := Match{Name: "gdbserver", Note: "The debugger's protocol has no place for a version."}
	m.product("gdbserver", "", "", toldBanner)
	return m, true
}
