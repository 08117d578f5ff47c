package main

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/vedette/vedette/internal/engine/template"
	"github.com/vedette/vedette/internal/engine/template/library"
)

// TestLibraryAgrees measures our own library as one measures a collection. What the generator does not understand is no
// failure; an answer that is missed, or found where it was changed, is.
func TestLibraryAgrees(t *testing.T) {
	t.Parallel()
	set, refusals, err := template.Load(library.Files)
	if err != nil || len(refusals) > 0 {
		t.Fatalf("%v, %v", refusals, err)
	}
	var out bytes.Buffer
	loaded(&out, set, nil)
	if err := answered(t.Context(), &out, library.Files, set, 40); err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`generated: (\d+) found on .*, 0 missed, 0 found on the changed one`).FindStringSubmatch(out.String())
	if m == nil || len(m[1]) < 2 {
		t.Error(out.String())
	}
}
