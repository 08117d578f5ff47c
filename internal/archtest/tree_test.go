package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/vedette/vedette"

// file is one parsed Go file of the module.
type file struct {
	path      string // from the root of the module, such as internal/domain/scan/store.go
	syntax    *ast.File
	positions *token.FileSet
	lines     int
	generated bool
}

// pkg is the folder of the file, such as internal/domain/scan.
func (f *file) pkg() string { return path.Dir(f.path) }

// test says whether only tests compile the file.
func (f *file) test() bool {
	return strings.HasSuffix(f.path, "_test.go") || slices.Contains(testPackages, f.pkg())
}

// testPackages hold what tests share; no other code may import them.
var testPackages = []string{"internal/archtest", "internal/engine/lab", "internal/platform/mail/mailtest", "internal/platform/oidc/oidctest", "internal/schema/dbtest"}

func (f *file) imports() []string {
	var paths []string
	for _, spec := range f.syntax.Imports {
		text, err := strconv.Unquote(spec.Path.Value)
		if err == nil {
			paths = append(paths, text)
		}
	}
	return paths
}

// at names a place in the file for a message.
func (f *file) at(pos token.Pos) string {
	return fmt.Sprintf("%s:%d", f.path, f.positions.Position(pos).Line)
}

var tree = sync.OnceValues(func() ([]*file, error) {
	var files []*file
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != root && skipped(entry.Name()) {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		f, err := read(root, name)
		if err != nil {
			return err
		}
		files = append(files, f)
		return nil
	})
	return files, err
})

func skipped(dir string) bool {
	return strings.HasPrefix(dir, ".") || slices.Contains([]string{"testdata", "node_modules", "bin", "var", "demo", "vendor"}, dir)
}

func read(root, name string) (*file, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	rel, err := filepath.Rel(root, name)
	if err != nil {
		return nil, err
	}
	return parse(filepath.ToSlash(rel), content)
}

func parse(rel string, content []byte) (*file, error) {
	positions := token.NewFileSet()
	syntax, err := parser.ParseFile(positions, rel, content, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &file{
		path: rel, syntax: syntax, positions: positions,
		lines: strings.Count(string(content), "\n"), generated: ast.IsGenerated(syntax),
	}, nil
}

// every runs a rule over all files and reports what it finds.
func every(t *testing.T, rule func(*file) []string) {
	t.Helper()
	files, err := tree()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("only %d files: this is not the module", len(files))
	}
	for _, f := range files {
		for _, violation := range rule(f) {
			t.Error(violation)
		}
	}
}

// breaks runs a rule over a made-up file and says whether it objects.
func breaks(t *testing.T, rule func(*file) []string, name, source string) bool {
	t.Helper()
	f, err := parse(name, []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return len(rule(f)) > 0
}
