package tlsprobe

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"slices"
	"strings"
	"testing"
)

// serverHelloOf is a ServerHello of TLS 1.2 with an empty session id, the suite, and extensions as bytes.
func serverHelloOf(suite string, extensions string) string {
	body := "\x03\x03" + strings.Repeat("r", 32) + "\x00" + suite + "\x00"
	if extensions != "" {
		body += string([]byte{0, byte(len(extensions))}) + extensions
	}
	message := "\x02\x00" + string([]byte{0, byte(len(body))}) + body
	return "\x16\x03\x03" + string([]byte{0, byte(len(message))}) + message
}

// TestJARM counts the hellos and composes the fingerprint of a server that always answers alike, and of one that
// refuses. That the ten hellos are those of the reference was held against it with OpenSSL and Go servers.
func TestJARM(t *testing.T) {
	t.Parallel()
	answer := func(with string) func(net.Conn) {
		return func(c net.Conn) {
			if _, _, _, err := readRecord(c); err == nil {
				_, _ = c.Write([]byte(with))
			}
		}
	}
	digest := sha256.Sum256([]byte(strings.Repeat("h2ff01-0010", 10)))
	for with, want := range map[string]string{
		serverHelloOf("\xc0\x2f", "\xff\x01\x00\x01\x00\x00\x10\x00\x05\x00\x03\x02h2"): strings.Repeat("29d", 10) + hex.EncodeToString(digest[:])[:32],
		"\x15\x03\x03\x00\x02\x02\x28": strings.Repeat("0", 62),
		"not TLS":                      strings.Repeat("0", 62),
	} {
		n, to := target(serve(t, answer(with)), "https", "tls")
		if got, err := JARM(t.Context(), n, to); got != want || err != nil {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

func TestJARMOrders(t *testing.T) {
	t.Parallel()
	for by, want := range map[order][2]string{
		forward: {"abcde", "abcd"}, backward: {"edcba", "dcba"}, bottomHalf: {"de", "cd"}, topHalf: {"cba", "ba"}, middleOut: {"cdbea", "cbda"},
	} {
		for i, all := range []string{"abcde", "abcd"} {
			if got := strings.Join(arrange(strings.Split(all, ""), by), ""); got != want[i] {
				t.Errorf("%v of %s is %s, want %s", by, all, got, want[i])
			}
		}
	}
	if n := len(jarmSuites); n != 69 || len(slices.Compact(slices.Sorted(slices.Values(jarmSuites)))) != n {
		t.Errorf("%d suites", n)
	}
}

func FuzzJARM(f *testing.F) {
	f.Add([]byte(serverHelloOf("\xc0\x2f", "\xff\x01\x00\x01\x00")))
	f.Add([]byte("\x16\x03\x03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := jarmOf([][]byte{b, nil, b, b, b, b, b, b, b, b}); len(got) != 62 {
			t.Errorf("%d characters", len(got))
		}
	})
}
