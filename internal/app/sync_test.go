package app

import (
	"bytes"
	"context"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/domain/feed"
	"github.com/vedette/vedette/internal/domain/feed/bundle"
	"github.com/vedette/vedette/internal/platform/config"
	"github.com/vedette/vedette/internal/platform/netout"
)

const catalogue = `{"title":"KEV","catalogVersion":"2026.11.20","dateReleased":"2026-11-20T10:00:00Z","count":1,"vulnerabilities":[{"cveID":"CVE-2021-41773","vendorProject":"Apache","product":"HTTP Server","vulnerabilityName":"Apache HTTP Server Path Traversal","dateAdded":"2021-11-03","shortDescription":"Path traversal.","requiredAction":"Update.","dueDate":"2021-11-17","knownRansomwareCampaignUse":"Known"}]}`

// TestSyncFeeds: one installation makes its knowledge of published files and packs it; another, which trusts its key, takes
// the bundle, and nothing that anybody changed on the way.
func TestSyncFeeds(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	publisher := httptest.NewTLSServer(http.FileServer(http.Dir(folder)))
	t.Cleanup(publisher.Close)
	roots := x509.NewCertPool()
	roots.AddCert(publisher.Certificate())
	client := netout.New(netout.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Roots: roots, HTTPSOnly: true, MaxBody: maxFeed})
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("kev.json", []byte(catalogue))
	first := config.Feed{Dir: t.TempDir(), Sources: []string{publisher.URL + "/kev.json", publisher.URL + "/gone.json"}}
	r, err := syncFeeds(context.Background(), first, client)
	if err != nil || r.Knowledge == nil || r.Knowledge.KEVs < 1 || r.Failed() != 1 || !strings.Contains(r.Feeds[1].Error, "404") {
		t.Fatalf("%+v, %v", r, err)
	}
	if again, err := syncFeeds(context.Background(), first, client); err != nil || again.Knowledge != nil {
		t.Errorf("unchanged: %+v, %v", again, err)
	}

	text, public, err := bundle.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	private, err := bundle.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	path, info, err := NewestFile(first.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	if _, err := bundle.Pack(&packed, path, info.Version, info.Date, private); err != nil {
		t.Fatal(err)
	}
	second := config.Feed{Dir: t.TempDir(), Sources: []string{publisher.URL + "/our.bundle"}}
	write("our.bundle", packed.Bytes())
	if r, err := syncFeeds(context.Background(), second, client); err != nil || r.Failed() != 1 || len(r.Installed) != 0 {
		t.Errorf("trusting nobody: %+v, %v", r, err)
	}
	second.TrustedKeys = []string{bundle.PublicText(public)}
	r, err = syncFeeds(context.Background(), second, client)
	if err != nil || len(r.Installed) != 1 || r.Installed[0].Version != info.Version {
		t.Fatalf("%+v, %v", r, err)
	}
	k, err := Newest(second.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if k.Version() != info.Version || k.Small() {
		t.Errorf("in force is %s, want %s", k.Version(), info.Version)
	}
	if err := UseVersion(second.Dir, "no-such"); err == nil {
		t.Error("a version that there is not was put in force")
	}
	if rep, err := feed.Import(context.Background(), t.TempDir(), []string{filepath.Join(folder, "our.bundle")}, nil); err != nil || len(rep.Ignored) != 1 || !strings.Contains(rep.Ignored[0].Reason, "feed install") {
		t.Errorf("import of a bundle: %+v, %v", rep.Ignored, err)
	}
}
