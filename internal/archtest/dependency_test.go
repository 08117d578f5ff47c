package archtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = "../.."
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// required are the modules of go.mod, and whether each is marked as used by this module itself.
func required(t *testing.T) map[string]bool {
	t.Helper()
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Tool []struct{ Path string }
	}
	if err := json.Unmarshal([]byte(run(t, "go", "mod", "edit", "-json")), &mod); err != nil {
		t.Fatal(err)
	}
	direct := map[string]bool{}
	for _, r := range mod.Require {
		direct[r.Path] = !r.Indirect
	}
	return direct
}

// moduleOf is the required module that an import path belongs to.
func moduleOf(direct map[string]bool, imported string) string {
	for path := imported; strings.Contains(path, "/"); path = path[:strings.LastIndex(path, "/")] {
		if _, found := direct[path]; found {
			return path
		}
	}
	return ""
}

var (
	row      = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]*) \\| ([^|]*) \\|$")
	licences = []string{"MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC", "MPL-2.0"}
)

func TestEveryDependencyHasAReason(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	direct := required(t)
	reasons := map[string]string{}
	for _, cells := range row.FindAllStringSubmatch(string(content), -1) {
		reasons[cells[1]] = strings.TrimSpace(cells[3])
		if _, found := direct[cells[1]]; !found {
			t.Errorf("docs/dependencies.md has %s, go.mod has not", cells[1])
		}
		if !acceptable(cells[2]) {
			t.Errorf("docs/dependencies.md: %s: licence %q is not one of %v", cells[1], cells[2], licences)
		}
	}
	every(t, func(f *file) []string {
		for _, path := range f.imports() {
			if m := moduleOf(direct, path); m != "" {
				direct[m] = true
			}
		}
		return nil
	})
	for path, used := range direct {
		if used && len(reasons[path]) < 20 {
			t.Errorf("docs/dependencies.md gives no reason for %s", path)
		}
	}
}

func acceptable(cell string) bool {
	for _, licence := range licences {
		if strings.TrimSpace(cell) == licence {
			return true
		}
	}
	return false
}

// The scanner at a customer's site holds no database and nothing of the API.
func TestScannerLinksNoDatabase(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("../../cmd"); err != nil {
		return // there is no program at all yet
	}
	forbidden := regexp.MustCompile(`^(modernc\.org/sqlite|github\.com/(uptrace/bun|jackc/pgx|riverqueue|pressly/goose|danielgtaylor/huma)|database/sql$|` +
		module + `/internal/(domain|api|app|portal|schema|platform/(` + platformNames(databases) + `)))`)
	for path := range strings.Lines(run(t, "go", "list", "-deps", "./cmd/vedette-scanner")) {
		if path = strings.TrimSpace(path); forbidden.MatchString(path) {
			t.Errorf("cmd/vedette-scanner links %s", path)
		}
	}
}

func platformNames(packages []string) string {
	var names []string
	for _, p := range packages {
		names = append(names, strings.TrimPrefix(p, "internal/platform/"))
	}
	return strings.Join(names, "|")
}
