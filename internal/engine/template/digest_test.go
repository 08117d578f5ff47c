package template

import (
	"net/http"
	"strings"
	"testing"
)

// TestDigest holds the answer against the example of RFC 2617, section 3.5, which RFC 7616 keeps, without qop.
func TestDigest(t *testing.T) {
	t.Parallel()
	d := &digestAuth{"Mufasa", "Circle Of Life"}
	got := d.answer(`realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`, "GET", "/dir/index.html")
	if !strings.Contains(got, `response="670fd8c2df070c60b045671b8b24ff02"`) || !strings.Contains(got, `opaque="5ccc069c403ebaf9f0171e9517f40e41"`) {
		t.Error(got)
	}
	body := "http:\n- path: ['{{BaseURL}}/']\n  digest-username: admin\n  digest-password: x\n  matchers:\n  - {type: status, status: [200]}\n"
	found, asked := serveTo(t, body, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Authorization"), `Digest username="admin", realm="r", nonce="n"`) {
			w.Header().Set("WWW-Authenticate", `Digest realm="r", nonce="n", qop="auth"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}, Options{})
	if len(found) != 1 || len(asked) != 2 {
		t.Errorf("%d found, asked %v", len(found), asked)
	}
}

// TestRace sends each request of a race several times, and no more.
func TestRace(t *testing.T) {
	t.Parallel()
	body := "http:\n- raw: [\"GET /r?{{wait_for(0)}} HTTP/1.1\\nHost: {{Hostname}}\\n\"]\n  race: true\n  race_count: 50\n  matchers:\n  - {type: word, words: [absent]}\n"
	_, asked := serveTo(t, body, func(http.ResponseWriter, *http.Request) {}, Options{})
	if len(asked) != maxRace || asked[0] != "GET /r?" {
		t.Errorf("asked %q", asked)
	}
}
