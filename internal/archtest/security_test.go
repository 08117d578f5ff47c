package archtest

import (
	"os"
	"regexp"
	"testing"
)

// TestSecurityNamesTests: what docs/security.md says is held by a test, is.
func TestSecurityNamesTests(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	for _, name := range regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(page), -1) {
		missing[name] = true
	}
	if len(missing) < 10 {
		t.Fatalf("%d tests are named", len(missing))
	}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	every(t, func(f *file) []string {
		if f.test() {
			source, err := os.ReadFile("../../" + f.path)
			if err != nil {
				return []string{err.Error()}
			}
			for _, m := range declared.FindAllStringSubmatch(string(source), -1) {
				delete(missing, m[1])
			}
		}
		return nil
	})
	for name := range missing {
		t.Errorf("docs/security.md names %s, which is no test", name)
	}
}
