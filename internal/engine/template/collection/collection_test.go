package collection

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/scanlink"

	"github.com/vedette/vedette/internal/engine/template"
)

const sound = "id: %\ninfo: {name: One, severity: high}\nhttp:\n- path: ['{{BaseURL}}/x']\n  matchers: [{type: word, words: [weak]}]\n"

func named(id string) []byte { return []byte(strings.Replace(sound, "%", id, 1)) }

var tree = map[string][]byte{
	"http/one.yaml":     named("one"),
	"http/two.yml":      []byte("id: two\ninfo: {name: Two}\nhttp:\n- path: ['{{BaseURL}}/{{p}}']\n  payloads: {p: lists/words.txt}\n  matchers: [{type: word, words: [weak]}]\n"),
	"lists/words.txt":   []byte("a\nb\n"),
	"code/three.yaml":   []byte("id: three\ninfo: {name: Three}\ncode:\n- source: id\n"),
	"http/third.yaml":   []byte("id: third\nself-contained: true\ninfo: {name: T}\nhttp:\n- path: ['https://third.example/']\n  matchers: [{type: word, words: [weak]}]\n"),
	".github/hide.yaml": named("hidden"),
	"README.md":         []byte("no template"),
}

func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range tree {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func zipped(t *testing.T, prefix string, more map[string][]byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "all.zip")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	all := maps.Clone(tree)
	maps.Copy(all, more)
	for _, entry := range slices.Sorted(maps.Keys(all)) {
		path := prefix + entry
		if _, raw := more[entry]; raw {
			path = entry
		}
		f, err := z.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(all[entry]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func tarred(t *testing.T, more ...tar.Header) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "all.tar.gz")
	var b bytes.Buffer
	g := gzip.NewWriter(&b)
	w := tar.NewWriter(g)
	for _, entry := range slices.Sorted(maps.Keys(tree)) {
		more = append(more, tar.Header{Name: "top/" + entry, Mode: 0o644, Size: int64(len(tree[entry])), Typeflag: tar.TypeReg})
	}
	for _, h := range more {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		content := tree[strings.TrimPrefix(h.Name, "top/")]
		if content == nil {
			content = bytes.Repeat([]byte("#"), int(h.Size))
		}
		if _, err := w.Write(content[:h.Size]); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []interface{ Close() error }{w, g} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestImport takes one collection in each form, and gives the same version for each.
func TestImport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	version := ""
	for _, from := range []string{folder(t), zipped(t, "", nil), zipped(t, "collection-main/", nil), tarred(t)} {
		r, err := Import(dir, from)
		if err != nil {
			t.Fatalf("%s: %v", from, err)
		}
		if version == "" {
			version = r.Version
		}
		if r.Version != version || r.Loaded != 3 || r.Kinds["http"].Loaded != 3 || r.Kinds["http"].Idle != 1 || r.Kinds["code"].Refused != 1 || len(r.Reasons) != 1 {
			t.Errorf("%s: %+v", from, r)
		}
	}
	newest, err := Newest(dir)
	if err != nil || filepath.Base(newest) != version+Suffix {
		t.Fatalf("newest %q, %v", newest, err)
	}
	info, err := os.Stat(newest)
	if err != nil || info.Mode().Perm() != 0o444 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	set, err := Open(newest)
	if err != nil || set.Len() != 3 || set.Running(false) != 2 || set.Version() != version {
		t.Fatalf("%d templates, %v", set.Len(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "building-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestShelf keeps a set that is in use, and gives a newer version when there is one.
func TestShelf(t *testing.T) {
	t.Parallel()
	s := &Shelf{Dir: t.TempDir()}
	if set, err := s.Get(); set != nil || err != nil {
		t.Fatalf("an empty folder gives %v, %v", set, err)
	}
	if _, err := Import(s.Dir, folder(t)); err != nil {
		t.Fatal(err)
	}
	s.checked = s.checked.Add(-lookAgain)
	set, err := s.Get()
	if err != nil || set.Len() != 3 {
		t.Fatalf("%v, %v", set, err)
	}
	if again, err := s.Get(); again != set || err != nil {
		t.Errorf("another set: %v", err)
	}
	first := set.Version()
	newer := folder(t)
	if err := os.WriteFile(filepath.Join(newer, "http", "new.yaml"), named("newer"), 0o600); err != nil {
		t.Fatal(err)
	}
	later, err := Import(s.Dir, newer)
	if err != nil || os.Chtimes(later.Path, time.Time{}, time.Now().Add(time.Hour)) != nil {
		t.Fatal(err)
	}
	s.checked = s.checked.Add(-lookAgain)
	if v := s.Version(); v != later.Version || v == first {
		t.Errorf("version %q", v)
	}
	for version, want := range map[string]string{first: first, later.Version: later.Version, "": later.Version} {
		if set, err := s.For(version); err != nil || set.Version() != want {
			t.Errorf("for %q: %v, %v", version, set, err)
		}
	}
	for _, gone := range []string{"0000000000000000", "../x"} {
		if set, err := s.For(gone); err == nil || set.Version() != later.Version {
			t.Errorf("for %q: %v", gone, err)
		}
	}
	if set, err := s.For(scanlink.NoTemplates); set != nil || err != nil {
		t.Errorf("for none: %v, %v", set, err)
	}
}

// TestHostileCollections leads out of the folder, links elsewhere, and promises too much.
func TestHostileCollections(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "secret.yaml")
	if err := os.WriteFile(outside, named("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	linked := folder(t)
	for to, name := range map[string]string{outside: "http/link.yaml", filepath.Dir(outside): "http/dir"} {
		if err := os.Symlink(to, filepath.Join(linked, name)); err != nil {
			t.Fatal(err)
		}
	}
	large := tar.Header{Name: "top/large.yaml", Mode: 0o644, Size: maxFile + 1, Typeflag: tar.TypeReg}
	for name, tc := range map[string]struct {
		from   string
		passed []string
	}{
		"links in a folder":    {linked, []string{"http/dir", "http/link.yaml"}},
		"paths out of a zip":   {zipped(t, "", map[string][]byte{"../out.yaml": named("out"), "/abs.yaml": named("abs"), "a/../../b.yaml": named("b")}), []string{"../out.yaml", "/abs.yaml", "a/../../b.yaml"}},
		"paths out of a tar":   {tarred(t, tar.Header{Name: "top/../../out.yaml", Mode: 0o644, Typeflag: tar.TypeReg}), []string{"top/../../out.yaml"}},
		"links in a tar":       {tarred(t, tar.Header{Name: "top/l.yaml", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink}, tar.Header{Name: "top/h.yaml", Linkname: "/etc/passwd", Typeflag: tar.TypeLink}), []string{"top/h.yaml", "top/l.yaml"}},
		"a file that is large": {tarred(t, large), []string{"top/large.yaml"}},
	} {
		files, err := Read(tc.from)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var passed []string
		for _, p := range files.Passed {
			passed = append(passed, p.Path)
		}
		slices.Sort(passed)
		if !slices.Equal(passed, tc.passed) {
			t.Errorf("%s: passed over %v", name, passed)
		}
		set, _, err := template.Load(files.FS)
		if err != nil || set.Len() != 3 {
			t.Errorf("%s: %d templates, %v", name, set.Len(), err)
		}
		_ = fs.WalkDir(files.FS, ".", func(p string, _ fs.DirEntry, _ error) error {
			if strings.Contains(p, "out") || strings.Contains(p, "secret") {
				t.Errorf("%s: read %s", name, p)
			}
			return nil
		})
	}
}

func TestUnreadableCollections(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{"a.zip": "PK no archive", "a.tar.gz": "\x1f\x8bno archive", "a.exe": "MZ", "none.zip": ""} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(file); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	if _, err := Read(filepath.Join(dir, "absent")); err == nil {
		t.Error("an absent folder was read")
	}
	empty := t.TempDir()
	if r, err := Import(dir, empty); err == nil {
		t.Errorf("nothing was imported as %+v", r)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*"+Suffix)); len(left) > 0 {
		t.Errorf("stored %v", left)
	}
}

func FuzzArchive(f *testing.F) {
	for _, s := range []string{"PK\x03\x04", "\x1f\x8b", "ustar"} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, b []byte, zip bool) {
		name := filepath.Join(t.TempDir(), "a.tar.gz")
		if zip {
			name = strings.TrimSuffix(name, ".tar.gz") + ".zip"
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if files, err := Read(name); err == nil {
			_, _, _ = template.Load(files.FS)
		}
	})
}
