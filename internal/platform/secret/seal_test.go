package secret_test

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/platform/secret"
)

var place = secret.At("target_credential", "password", "org-1")

func newSealer(t *testing.T, active secret.Key, older ...secret.Key) *secret.Sealer {
	t.Helper()
	s, err := secret.NewSealer(active, older...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealedValueOpensOnlyInItsPlace(t *testing.T) {
	t.Parallel()
	s := newSealer(t, secret.NewKey())
	sealed := s.Seal("hunter2", place)

	plain, err := s.Open(sealed, place)
	if err != nil || plain.Reveal() != "hunter2" {
		t.Fatalf("open: %q, %v", plain.Reveal(), err)
	}
	for _, other := range []secret.Place{
		secret.At("target_credential", "password", "org-2"),
		secret.At("target_credential", "key", "org-1"),
		secret.At("webhook", "password", "org-1"),
		secret.At("target_credential", "passwordorg", "-1"),
	} {
		if _, err := s.Open(sealed, other); !errors.Is(err, secret.ErrOpen) {
			t.Errorf("opened at %s: %v", other, err)
		}
	}
}

func TestSealedValueGoesThroughTheDatabaseAsCiphertext(t *testing.T) {
	t.Parallel()
	key := secret.NewKey()
	s := newSealer(t, key)
	stored, err := s.Seal("hunter2", place).Value()
	if err != nil {
		t.Fatal(err)
	}
	text, _ := stored.(string)
	if !strings.HasPrefix(text, "v1:"+key.ID()+":") || strings.Contains(text, "hunter2") {
		t.Fatalf("stored %q", text)
	}
	for _, column := range []any{text, []byte(text)} {
		var back secret.Sealed
		if err := back.Scan(column); err != nil {
			t.Fatal(err)
		}
		if plain, err := s.Open(back, place); err != nil || plain.Reveal() != "hunter2" {
			t.Fatalf("open: %v", err)
		}
	}
}

func TestEmptySecretIsNull(t *testing.T) {
	t.Parallel()
	s := newSealer(t, secret.NewKey())
	sealed := s.Seal("", place)
	if v, err := sealed.Value(); v != nil || err != nil {
		t.Fatalf("value %v, %v", v, err)
	}
	for _, column := range []any{nil, "", []byte{}} {
		var back secret.Sealed
		if err := back.Scan(column); err != nil || !back.Empty() {
			t.Fatalf("scan %v: %v", column, err)
		}
		if plain, err := s.Open(back, place); err != nil || !plain.Empty() {
			t.Fatalf("open: %v", err)
		}
	}
}

func TestScanRefusesWhatWasNotSealed(t *testing.T) {
	t.Parallel()
	for _, column := range []any{"hunter2", "v1:abc", "v2:aa:AAAA", "v1:aa:not base64", 7} {
		var s secret.Sealed
		if err := s.Scan(column); err == nil {
			t.Errorf("scanned %v", column)
		}
	}
}

func TestAlteredValueDoesNotOpen(t *testing.T) {
	t.Parallel()
	s := newSealer(t, secret.NewKey())
	stored, _ := s.Seal("hunter2", place).Value()
	text := []byte(stored.(string))
	text[len(text)-6] ^= 1
	var altered secret.Sealed
	if err := altered.Scan(text); err != nil {
		return // no longer base64: refused even earlier
	}
	if _, err := s.Open(altered, place); !errors.Is(err, secret.ErrOpen) {
		t.Fatalf("opened: %v", err)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	oldKey, newKey := secret.NewKey(), secret.NewKey()
	sealed := newSealer(t, oldKey).Seal("hunter2", place)

	both := newSealer(t, newKey, oldKey)
	if !both.Stale(sealed) {
		t.Fatal("a value under the old key is not stale")
	}
	fresh, err := both.Reseal(sealed, place)
	if err != nil {
		t.Fatal(err)
	}
	if both.Stale(fresh) || fresh.KeyID() != newKey.ID() {
		t.Fatalf("resealed under %s", fresh.KeyID())
	}
	only := newSealer(t, newKey)
	if plain, err := only.Open(fresh, place); err != nil || plain.Reveal() != "hunter2" {
		t.Fatalf("open: %v", err)
	}
	if _, err := only.Open(sealed, place); !errors.Is(err, secret.ErrUnknownKey) {
		t.Fatalf("opened without its key: %v", err)
	}
}

func TestKeyText(t *testing.T) {
	t.Parallel()
	key := secret.NewKey()
	back, err := secret.ParseKey(" " + key.Encode() + "\n")
	if err != nil || back.ID() != key.ID() {
		t.Fatalf("parse: %v", err)
	}
	for _, bad := range []string{"", "short", strings.Repeat("A", 42), strings.Repeat("A", 45), strings.Repeat("*", 44)} {
		if _, err := secret.ParseKey(bad); !errors.Is(err, secret.ErrKey) {
			t.Errorf("parsed %q: %v", bad, err)
		}
	}
	if _, err := secret.NewSealer(secret.Key{}); err == nil {
		t.Error("a sealer took no key")
	}
}

// Everything that might print a secret by accident, with every verb.
func TestSecretsPrintAsDots(t *testing.T) {
	t.Parallel()
	key := secret.NewKey()
	sealed := newSealer(t, key).Seal("hunter2", place)
	stored, _ := sealed.Value()
	type holder struct {
		Password secret.Text
		Sealed   secret.Sealed
		Key      secret.Key
		Pointer  *secret.Sealed
	}
	h := holder{Password: "hunter2", Sealed: sealed, Key: key, Pointer: &sealed}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%08b", "%e"} {
		fmt.Fprintf(&out, verb+verb, h, h.Password)
	}
	if err := json.NewEncoder(&out).Encode(h); err != nil {
		t.Fatal(err)
	}
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(handler).Info("x", "h", h, "p", h.Password, "s", h.Sealed, "k", h.Key)
	}
	for _, leak := range []string{"hunter2", fmt.Sprintf("%x", "hunter2"), stored.(string), key.Encode()} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("printed %q in:\n%s", leak, out.String())
		}
	}
	if !strings.Contains(out.String(), secret.Dots) {
		t.Error("no dots printed")
	}
}

func TestClearTextDoesNotReachTheDatabase(t *testing.T) {
	t.Parallel()
	if v, err := driver.DefaultParameterConverter.ConvertValue(secret.Text("hunter2")); err == nil {
		t.Errorf("converted to %v", v)
	}
}

func FuzzOpen(f *testing.F) {
	s, err := secret.NewSealer(secret.NewKey())
	if err != nil {
		f.Fatal(err)
	}
	stored, _ := s.Seal("hunter2", place).Value()
	f.Add(stored.(string))
	f.Add("v1::")
	f.Fuzz(func(t *testing.T, text string) {
		var sealed secret.Sealed
		if sealed.Scan(text) != nil || text == stored.(string) {
			return
		}
		if plain, err := s.Open(sealed, place); err == nil && plain.Reveal() != "" && plain.Reveal() != "hunter2" {
			t.Fatalf("opened %q as %q", text, plain.Reveal())
		}
	})
}
