package mirror

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/netout"
)

// publisher serves files over TLS as a web server does, with ETags and ranges, and may break off after some bytes.
type publisher struct {
	*httptest.Server
	mu      sync.Mutex
	files   map[string][]byte
	breakAt int // bytes after which the next answer breaks off; 0: never
	asked   []string
}

func publish(t *testing.T) (*publisher, *Mirror) {
	t.Helper()
	p := &publisher{files: map[string][]byte{}}
	p.Server = httptest.NewTLSServer(p)
	t.Cleanup(p.Close)
	roots := x509.NewCertPool()
	roots.AddCert(p.Certificate())
	return p, &Mirror{Dir: t.TempDir(), Client: netout.New(netout.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Roots: roots, HTTPSOnly: true})}
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	content, ok := p.files[r.URL.Path]
	breakAt := p.breakAt
	p.breakAt = 0
	p.asked = append(p.asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("Range"))
	p.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	sum := sha256.Sum256(content)
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
	if breakAt > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		_, _ = w.Write(content[:breakAt])
		panic(http.ErrAbortHandler)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

func (p *publisher) set(path string, content []byte) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files[path] = content
	return p.URL + path
}

func fetch(t *testing.T, m *Mirror, url string) Result {
	t.Helper()
	all, err := m.Fetch(context.Background(), []string{url})
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	return all[0]
}

func (r Result) holds(t *testing.T, want []byte) {
	t.Helper()
	if got, err := os.ReadFile(r.Path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the copy holds %d bytes (%v), want %d", len(got), err, len(want))
	}
}

func TestUnchangedIsNotFetchedAgain(t *testing.T) {
	t.Parallel()
	p, m := publish(t)
	first, second := bytes.Repeat([]byte("a"), 5000), bytes.Repeat([]byte("b"), 6000)
	url := p.set("/kev.json", first)
	if r := fetch(t, m, url); !r.Changed || r.Bytes != 5000 || r.Error != "" {
		t.Errorf("first: %+v", r)
	}
	if r := fetch(t, m, url); r.Changed || r.Bytes != 0 || r.Error != "" {
		t.Errorf("unchanged: %+v", r)
	}
	p.set("/kev.json", second)
	r := fetch(t, m, url)
	if !r.Changed || r.Bytes != 6000 {
		t.Errorf("changed: %+v", r)
	}
	r.holds(t, second)
}

// TestResume: what broke off goes on where it ended, unless the file has changed meanwhile.
func TestResume(t *testing.T) {
	t.Parallel()
	for _, changes := range []bool{false, true} {
		p, m := publish(t)
		old := bytes.Repeat([]byte("old "), 50_000)
		want := old
		url := p.set("/debian.json", old)
		p.breakAt = 100_000
		if r := fetch(t, m, url); r.Error == "" || r.Path != "" || r.Changed {
			t.Errorf("broken off: %+v", r)
		}
		if changes {
			want = bytes.Repeat([]byte("new "), 60_000)
			p.set("/debian.json", want)
		}
		r := fetch(t, m, url)
		if !r.Changed || r.Resumed == changes || r.Error != "" {
			t.Errorf("after the break, changed %t: %+v", changes, r)
		}
		if !changes && r.Bytes != int64(len(old)-100_000) {
			t.Errorf("%d bytes were fetched again", r.Bytes)
		}
		r.holds(t, want)
	}
}

func packed(content string) ([]byte, string) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(content)) // into memory
	_ = z.Close()
	return b.Bytes(), fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
}

// TestPublishedHash: a file that is not what NVD says it is never replaces the old copy.
func TestPublishedHash(t *testing.T) {
	t.Parallel()
	p, m := publish(t)
	good, sum := packed(`{"vulnerabilities":[]}`)
	url := p.set("/feeds/nvdcve-2.0-2024.json.gz", good)
	if r := fetch(t, m, url); r.Error == "" || r.Path != "" {
		t.Errorf("no hash published: %+v", r)
	}
	p.set("/feeds/nvdcve-2.0-2024.meta", []byte("lastModifiedDate:2026-11-24T00:00:00-05:00\r\nsize:22\r\nsha256:"+strings.ToUpper(sum)+"\r\n"))
	if r := fetch(t, m, url); !r.Changed || r.Error != "" {
		t.Errorf("good: %+v", r)
	}
	p.asked = nil
	if r := fetch(t, m, url); r.Changed || r.Error != "" || len(p.asked) != 1 {
		t.Errorf("the same hash: %+v after %v", r, p.asked)
	}
	_, other := packed("else")
	p.set("/feeds/nvdcve-2.0-2024.meta", []byte("sha256:"+other+"\n"))
	r := fetch(t, m, url)
	if r.Changed || !strings.Contains(r.Error, sum) {
		t.Errorf("another hash: %+v", r)
	}
	r.holds(t, good)
	next, sum := packed(`{"vulnerabilities":[{}]}`)
	p.set("/feeds/nvdcve-2.0-2024.json.gz", next)
	p.set("/feeds/nvdcve-2.0-2024.meta", []byte("sha256:"+sum+"\n"))
	if r := fetch(t, m, url); !r.Changed {
		t.Errorf("next: %+v", r)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	p, m := publish(t)
	for _, url := range []string{p.URL + "/missing", "http://" + strings.TrimPrefix(p.URL, "https://") + "/x", "https://169.254.169.254/latest", "::", "https://user:secret@127.0.0.1/x"} {
		if r := fetch(t, m, url); r.Error == "" || r.Path != "" || strings.Contains(r.Error, "secret") {
			t.Errorf("%s: %+v", url, r)
		}
	}
	unlock, err := lock(m.Dir + "/lock")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Fetch(context.Background(), nil); !errors.Is(err, ErrBusy) {
		t.Errorf("while another is at work: %v", err)
	}
	unlock()
	if _, err := m.Fetch(context.Background(), nil); err != nil {
		t.Error(err)
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	all := Expand([]string{"https://a/nvd-{year}.gz", "https://b/kev"}, time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))
	if len(all) != 26 || all[0] != "https://a/nvd-2002.gz" || all[24] != "https://a/nvd-2026.gz" || all[25] != "https://b/kev" {
		t.Errorf("%v", all)
	}
}
