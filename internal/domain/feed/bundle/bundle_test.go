package bundle

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func packed(t testing.TB, content string) ([]byte, ed25519.PublicKey) {
	t.Helper()
	text, public, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	private, err := ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "v1.knowledge")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if m, err := Pack(&b, path, "v1", "2026-11-24", private); err != nil || m.Size != int64(len(content)) {
		t.Fatalf("%+v, %v", m, err)
	}
	return b.Bytes(), public
}

func TestInstall(t *testing.T) {
	t.Parallel()
	b, public := packed(t, "what is known")
	dir := t.TempDir()
	m, path, err := Install(bytes.NewReader(b), dir, ".knowledge", []ed25519.PublicKey{public})
	if err != nil || m.Version != "v1" || m.Date != "2026-11-24" {
		t.Fatalf("%+v, %v", m, err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "what is known" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestRefused: whatever is changed, nothing is written.
func TestRefused(t *testing.T) {
	t.Parallel()
	b, public := packed(t, "what is known")
	_, stranger := packed(t, "else")
	text := string(b)
	lines := strings.SplitN(text, "\n", 4)
	for name, c := range map[string]struct {
		text string
		key  ed25519.PublicKey
		want error
	}{
		"another's key":      {text, stranger, ErrSignature},
		"changed manifest":   {strings.Replace(text, `"v1"`, `"v2"`, 1), public, ErrSignature},
		"changed content":    {strings.Replace(text, "is known", "is knows", 1), public, ErrForm},
		"cut short":          {text[:len(text)-3], public, ErrForm},
		"cut in the head":    {text[:40], public, ErrForm},
		"another format":     {strings.Replace(text, "bundle 1", "bundle 2", 1), public, ErrForm},
		"no base64":          {lines[0] + "\n" + lines[1] + "\n!!\n" + lines[3], public, ErrForm},
		"an endless line":    {magic + strings.Repeat("x", 1<<20), public, ErrForm},
		"nothing":            {"", public, ErrForm},
		"empty second line":  {magic + "\n\n", public, ErrSignature},
		"no key is trusted ": {text, nil, ErrSignature},
	} {
		dir := t.TempDir()
		var trusted []ed25519.PublicKey
		if c.key != nil {
			trusted = append(trusted, c.key)
		}
		if _, _, err := Install(strings.NewReader(c.text), dir, ".knowledge", trusted); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s left %v", name, left)
		}
	}
}

// TestWay: a signed version that would lead out of the folder is refused all the same.
func TestWay(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"../v1", "a/b", "", ".hidden", "V1", strings.Repeat("a", 81)} {
		text, public, _ := NewKey()
		private, _ := ParseKey(text)
		path := filepath.Join(t.TempDir(), "k")
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := Pack(&b, path, version, "", private); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Read(&b, []ed25519.PublicKey{public}); !errors.Is(err, ErrForm) {
			t.Errorf("version %q: %v", version, err)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	_, public, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if all, err := ParsePublic([]string{PublicText(public)}); err != nil || !all[0].Equal(public) {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := ParsePublic([]string{"short"}); err == nil {
		t.Error("a word is taken for a key")
	}
	if _, err := ParseKey([]byte("-----BEGIN X-----")); err == nil {
		t.Error("nothing is taken for a private key")
	}
}

// FuzzRead: no file makes it panic, or is taken without a signature.
func FuzzRead(f *testing.F) {
	b, public := packed(f, "what is known")
	f.Add(b)
	f.Add([]byte(magic + "{}\nAAAA\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, content, err := Read(bytes.NewReader(data), []ed25519.PublicKey{public})
		if err != nil {
			return
		}
		if m.Version != "v1" {
			t.Errorf("a forged manifest: %+v", m)
		}
		_, _ = io.Copy(io.Discard, content)
	})
}
