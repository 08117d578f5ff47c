package blob_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/vedette/vedette/internal/platform/blob"
	"github.com/vedette/vedette/internal/platform/fault"
)

// abc is the SHA-256 of "abc" (FIPS 180-4).
const abc = blob.Hash("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")

func open(t *testing.T) (*blob.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "blob")
	s, err := blob.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, dir
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestStoredContentComesBackUnderItsHash(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	h, size, err := s.Put(t.Context(), strings.NewReader("abc"), 3)
	if err != nil || h != abc || size != 3 {
		t.Fatalf("%s, %d, %v", h, size, err)
	}
	f, size, err := s.Open(h)
	if err != nil || size != 3 {
		t.Fatal(err)
	}
	content, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil || string(content) != "abc" {
		t.Fatalf("%q, %v", content, err)
	}
	path, err := s.Path(h)
	if info, statErr := os.Stat(path); err != nil || statErr != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", err, statErr)
	}
	if err := s.Check(h); err != nil {
		t.Error(err)
	}
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
}

func TestFailedPutLeavesNothing(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	if _, _, err := s.Put(t.Context(), strings.NewReader("abcd"), 3); !fault.Is(err, fault.TooLarge) {
		t.Errorf("too large: %v", err)
	}
	if _, _, err := s.Put(t.Context(), iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("abc"))), 3); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("broken reader: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Put(ctx, strings.NewReader("abc"), 3); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

func TestSameContentAtOnce(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if h, _, err := s.Put(t.Context(), strings.NewReader("abc"), 3); err != nil || h != abc {
				t.Errorf("%s, %v", h, err)
			}
		})
	}
	group.Wait()
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("files: %v", got)
	}
}

func TestNothingButAHashOpens(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	if err := os.WriteFile(filepath.Join(dir, "x"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, h := range []blob.Hash{"", "x", "../../etc/passwd", abc, blob.Hash(strings.ToUpper(string(abc))), abc[:63] + "/"} {
		if _, _, err := s.Open(h); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", h, err)
		}
		if err := s.Remove(h); err != nil {
			t.Errorf("%q: %v", h, err)
		}
	}
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("files: %v", got)
	}
}

func TestRemovedAndDamaged(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	h, _, err := s.Put(t.Context(), strings.NewReader("abc"), 3)
	if err != nil {
		t.Fatal(err)
	}
	path, err := s.Path(h)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("abd"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(h); err == nil {
		t.Error("a damaged blob passed")
	}
	if err := s.Remove(h); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Open(h); !fault.Is(err, fault.NotFound) {
		t.Errorf("opened: %v", err)
	}
}
