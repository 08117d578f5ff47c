package app

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPathParameters: each part of a path that varies reaches its operation. An input that embeds a struct which is not exported loses
// its parameters without a word, and the operation then finds nothing.
func TestPathParameters(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("..", "..", "api", "openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name, In string }
		}
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	varies := regexp.MustCompile(`\{(\w+)\}`)
	for _, o := range Operations(Parts{}) {
		described, ok := document.Paths[o.Path][strings.ToLower(o.Method)]
		if !ok {
			t.Errorf("%s %s is not in api/openapi.json", o.Method, o.Path)
		}
		reads := map[string]bool{}
		for _, p := range described.Parameters {
			reads[p.Name] = reads[p.Name] || p.In == "path"
		}
		for _, m := range varies.FindAllStringSubmatch(o.Path, -1) {
			if !reads[m[1]] {
				t.Errorf("%s: the input does not read %s of the path", o.ID, m[0])
			}
		}
	}
}
