package docs

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func described(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "api", "openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func get(h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPages(t *testing.T) {
	t.Parallel()
	h := Handler(described(t))
	for path, want := range map[string]string{
		"/docs/":                  "<h1 id=\"getting-started\">Getting Started</h1>",
		"/docs/authentication":    "Authorization: Basic",
		"/docs/errors":            "<h1 id=\"common-error-responses\">",
		"/docs/filtering":         "relative_date_range",
		"/docs/reference":         "/v2/targets/{id}",
		"/docs/reference/targets": "needs TARGET_CREATE",
		"/docs/search.json":       `"title":"Create Target"`,
		"/docs/search.js":         "use strict",
		"/docs/style.css":         "color-scheme",
	} {
		w := get(h, path)
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d without %s", path, w.Code, want)
		}
		if again := get(h, path, "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("%s again: %d", path, again.Code)
		}
	}
	if w := get(h, "/docs/../../etc/passwd"); w.Code != 404 || !strings.Contains(w.Body.String(), "There is no such page") {
		t.Errorf("a page that is not there: %d", w.Code)
	}
}

var (
	target = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	id     = regexp.MustCompile(`\bid="([^"]*)"`)
	inline = regexp.MustCompile(`(?i)<script(?: defer)?>|<style|\sstyle=|\son[a-z]+=|javascript:`)
)

// TestLinksLeadSomewhere follows every link within the site to its page and heading, and allows nothing that the content security
// policy would refuse.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	all, err := build(described(t))
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for path, f := range all {
		seen := map[string]bool{}
		if !strings.HasPrefix(f.kind, "text/html") {
			continue
		}
		for _, m := range id.FindAllStringSubmatch(string(f.content), -1) {
			if seen[m[1]] {
				t.Errorf("%s: two elements have the id %s", path, m[1])
			}
			seen[m[1]], ids[path+"#"+m[1]] = true, true
		}
		if found := inline.FindString(string(f.content)); found != "" {
			t.Errorf("%s has %q within", path, found)
		}
	}
	for path, f := range all {
		if !strings.HasPrefix(f.kind, "text/html") {
			continue
		}
		for _, m := range target.FindAllStringSubmatch(string(f.content), -1) {
			follow(t, all, ids, path, m[1])
		}
	}
}

func follow(t *testing.T, all map[string]file, ids map[string]bool, from, link string) {
	t.Helper()
	if strings.HasPrefix(link, "https://") || link == "/v2/openapi.json" || link == "data:," {
		return
	}
	path, fragment, has := strings.Cut(link, "#")
	if path == "" {
		path = from
	}
	if _, ok := all[path]; !ok {
		t.Errorf("%s leads to %s, which is not there", from, link)
	} else if has && !ids[path+"#"+fragment] {
		t.Errorf("%s leads to %s, and the page has no such heading", from, link)
	}
}

func TestTextsOfTheDocumentAreEscaped(t *testing.T) {
	t.Parallel()
	const evil = `<script>alert(1)</script>`
	all, err := build([]byte(strings.ReplaceAll(`{"tags": [{"name": "Boxes", "description": "EVIL"}], "paths": {"/v2/boxes": {"get": {"operationId": "listBoxes", "summary": "EVIL",
		"description": "EVIL [a](javascript:alert)", "tags": ["Boxes"], "parameters": [{"name": "EVIL", "in": "query", "description": "EVIL"}],
		"responses": {"200": {"content": {"application/json": {"schema": {"type": "object"}, "example": {"EVIL": "EVIL"}}}}}}}}}`, "EVIL", evil)))
	if err != nil {
		t.Fatal(err)
	}
	for path, f := range all {
		if strings.HasPrefix(f.kind, "text/html") && (strings.Contains(string(f.content), evil) || strings.Contains(string(f.content), "javascript:")) {
			t.Errorf("%s has it unescaped", path)
		}
	}
}

func TestBrokenDocumentsAreErrors(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{`{`, `{"paths": {"/v2/boxes": {"get": {"operationId": "listBoxes", "tags": ["Boxes"]}}}}`} {
		if _, err := build([]byte(raw)); err == nil {
			t.Errorf("%s was taken", raw)
		}
	}
}
