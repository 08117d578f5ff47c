package oneshot

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/engine/lab"
)

// TestRealEngine scans real services of this process from the targets to the result.
func TestRealEngine(t *testing.T) {
	t.Parallel()
	redis := lab.Redis(t, "7.0.15", "")
	web := lab.HTTP(t, lab.Page(map[string]string{"Server": "nginx/1.22.1"}, "<title>Hello</title>", "/robots.txt"))
	sql := lab.Postgres(t, "15.20", true)
	var out, errs bytes.Buffer
	code := Run(t.Context(), Options{
		Targets: []string{"127.0.0.1"}, Format: "json", Ports: fmt.Sprintf("T:%d,%d,%d", redis.Port(), web.Port(), sql.Port()),
	}, Streams{Out: &out, Err: &errs})
	r := run{code, out.String(), errs.String()}.result(t)
	if code != ExitFailing || r.PCI.Status != "fail" || len(r.Hosts) != 1 || r.Hosts[0].Coverage != "complete" {
		t.Fatalf("exit %d\n%s%s", code, errs.String(), out.String())
	}
	var ports []string
	for _, p := range r.Hosts[0].Ports {
		ports = append(ports, strings.Join([]string{p.Service, p.Product, p.Version}, " "))
	}
	slices.Sort(ports)
	if !slices.Equal(ports, []string{"http nginx 1.22.1", "postgresql postgresql 15.20", "redis redis 7.0.15"}) {
		t.Errorf("ports %q", ports)
	}
	if !slices.ContainsFunc(r.Vulnerabilities, func(v Vulnerability) bool {
		return v.Class == "anon.redis" && v.Port == int(redis.Port()) && v.PCI.Status == "fail" && v.Certainty == "confirmed"
	}) {
		t.Errorf("redis without login is not found: %+v", r.Vulnerabilities)
	}
}

// TestCollaborator finds what shows itself only by calling back, from the flag to the result.
func TestCollaborator(t *testing.T) {
	t.Parallel()
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if at := r.URL.Query().Get("preview"); strings.HasPrefix(at, "http://127.0.0.1:") {
			q, err := http.NewRequestWithContext(r.Context(), http.MethodGet, at, nil)
			if err == nil {
				if answer, err := (&http.Client{}).Do(q); err == nil {
					answer.Body.Close()
				}
			}
		}
		_, _ = io.WriteString(w, "<title>Shop</title>")
	}))
	defer target.Close()
	templates := filepath.Join(t.TempDir(), "templates")
	if err := os.Mkdir(templates, 0o700); err != nil {
		t.Fatal(err)
	}
	text := "id: shop-preview\ninfo: {name: Shop fetches what it is told to, severity: high, tags: ssrf}\nhttp:\n- path: ['{{BaseURL}}/?preview=http://{{interactsh-url}}']\n" +
		"  matchers: [{type: word, part: interactsh_protocol, words: [http]}]\n"
	if err := os.WriteFile(filepath.Join(templates, "shop.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for how, want := range map[string]int{"": 0, "127.0.0.1": 1} {
		var out, errs bytes.Buffer
		_, port, _ := strings.Cut(strings.TrimPrefix(target.URL, "http://"), ":")
		Run(t.Context(), Options{
			Targets: []string{"127.0.0.1"}, Profile: "fast", Format: "json", Ports: "T:" + port, Templates: templates, Collaborator: how,
		}, Streams{Out: &out, Err: &errs})
		r := run{0, out.String(), errs.String()}.result(t)
		found := slices.DeleteFunc(r.Vulnerabilities, func(v Vulnerability) bool { return v.ID != "shop-preview" })
		if want > 0 && len(found) > 0 && (found[0].Severity != "7.5" || found[0].CVSS.Source != "template") {
			t.Errorf("the author's severity does not count: %+v", found[0].CVSS)
		}
		if len(found) != want || want > 0 && !strings.Contains(found[0].Evidence, "Called back: http from 127.0.0.1") {
			t.Errorf("collaborator %q: %+v\n%s", how, found, errs.String())
		}
	}
	if code := Run(t.Context(), Options{Targets: []string{"127.0.0.1"}, Collaborator: "here"}, Streams{Out: io.Discard, Err: io.Discard}); code != ExitError {
		t.Errorf("exit %d", code)
	}
}
