package docs

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	texts "github.com/vedette/vedette/docs"
)

var block = regexp.MustCompile("(?s)```go\n(.*?)```")

// TestGoExamples compiles the programs of the texts against the client, and parses the pieces.
func TestGoExamples(t *testing.T) {
	t.Parallel()
	programs := 0
	for _, c := range chapters {
		source, err := texts.API.ReadFile("api/" + c.file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range block.FindAllStringSubmatch(string(source), -1) {
			if strings.HasPrefix(m[1], "package main") {
				programs++
				compile(t, c.file, m[1])
				continue
			}
			if _, err := parser.ParseFile(token.NewFileSet(), c.file, "package p\nfunc f() error {\n"+m[1]+"\n}", 0); err != nil {
				t.Errorf("%s: %v in\n%s", c.file, err, m[1])
			}
		}
	}
	if programs == 0 {
		t.Error("the texts have no whole program")
	}
}

func compile(t *testing.T, name, program string) {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	source, overlay := filepath.Join(directory, "main.go"), filepath.Join(directory, "overlay.json")
	inModule := filepath.Join(root, "internal", "api", "docs", "example", "main.go")
	raw, err := json.Marshal(map[string]any{"Replace": map[string]string{inModule: source}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{source: []byte(program), overlay: raw} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-o", filepath.Join(directory, "example"), "./internal/api/docs/example")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
}
