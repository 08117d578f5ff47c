package report

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var (
	update  = flag.Bool("update", false, "write the golden files anew")
	samples = flag.String("samples", "", "directory to leave every file of every sample in")
)

func models() map[string]func() Model {
	size := 90
	if *samples != "" {
		size = 500 // for people to look at
	}
	return map[string]func() Model{"pass": cleanPass, "fail": failingShop, "inconclusive": inconclusive, "oneshot": oneShot, "stress": func() Model { return stress(size) }}
}

func render(t testing.TB, m Model, ty Type, f Format) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Render(context.Background(), &b, m, ty, f); err != nil {
		t.Fatalf("%s as %s: %v", ty, f, err)
	}
	return b.Bytes()
}

func TestEveryFileIsMadeAndIsTheSameTwice(t *testing.T) {
	t.Parallel()
	for name, model := range models() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, ty := range Types {
				for _, f := range Formats(ty) {
					first := render(t, model(), ty, f)
					if len(first) == 0 || !bytes.Equal(first, render(t, model(), ty, f)) {
						t.Errorf("%s as %s: %d bytes, and not the same twice", ty, f, len(first))
					}
					if *samples != "" {
						if err := os.WriteFile(filepath.Join(*samples, name+"-"+string(ty)+"."+string(f)), first, 0o600); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
		})
	}
}

// golden writes a document model for people to compare: its head, then a line a block.
func golden(t *testing.T, d Document) []byte {
	t.Helper()
	var out bytes.Buffer
	line := func(v any) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(text, '\n'))
	}
	blocks := d.Body
	d.Body = func(Emit) {}
	line(d)
	blocks(func(b Block) { line(b) })
	return out.Bytes()
}

func TestDocumentModels(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"pass", "fail", "inconclusive"} {
		for ty, build := range documents {
			t.Run(name+"-"+string(ty), func(t *testing.T) {
				t.Parallel()
				m := models()[name]()
				got := golden(t, build(&m))
				path := filepath.Join("testdata", name+"-"+string(ty)+".jsonl")
				if *update {
					if err := os.WriteFile(path, got, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("the document is not that of %s; run with -update and look at the difference", path)
				}
			})
		}
	}
}
