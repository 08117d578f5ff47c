package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/vedette/vedette/internal/app"
)

var update = flag.Bool("update", false, "write api/openapi.json and the client made from it")

// TestFresh holds api/openapi.json to the operations of the program, and the client to api/openapi.json.
func TestFresh(t *testing.T) {
	t.Parallel()
	document, err := app.Document()
	if err != nil {
		t.Fatal(err)
	}
	document = append(document, '\n')
	files, err := generate(document)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, filepath.Join("..", "..", "api", "openapi.json"), document)
	for name, content := range files {
		compare(t, filepath.Join("..", "..", "client", name), content)
	}
}

func compare(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the operations make; run make openapi", path)
	}
}
