package secret_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/platform/secret"
)

func TestPassword(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	h := secret.NewHasher(secret.TestCost, 2)
	hash, err := h.Hash(ctx, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("hash %q", hash)
	}
	again, _ := h.Hash(ctx, "correct horse")
	if again == hash {
		t.Error("two hashes share a salt")
	}
	for password, want := range map[string]bool{
		"correct horse": true, "ｃorrect horse": true, "Correct horse": false, "": false, "correct horse ": false,
		strings.Repeat("x", 5000): false,
	} {
		ok, stale, err := h.Verify(ctx, password, hash)
		if err != nil || ok != want || stale {
			t.Errorf("%.20q: ok %v, stale %v, %v", password, ok, stale, err)
		}
	}
	if err := h.VerifyNobody(ctx, "correct horse"); err != nil {
		t.Error(err)
	}
}

// The hash of RFC 9106's reference implementation for password "password", salt "somesalt".
func TestKnownHash(t *testing.T) {
	t.Parallel()
	const known = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	h := secret.NewHasher(secret.TestCost, 1)
	ok, stale, err := h.Verify(t.Context(), "password", known)
	if err != nil || !ok || !stale {
		t.Fatalf("ok %v, stale %v, %v", ok, stale, err)
	}
}

func TestPasswordLengths(t *testing.T) {
	t.Parallel()
	h := secret.NewHasher(secret.TestCost, 1)
	for _, password := range []string{"", strings.Repeat("x", secret.MaxPassword+1)} {
		if _, err := h.Hash(t.Context(), password); !errors.Is(err, secret.ErrPasswordLength) {
			t.Errorf("%d bytes: %v", len(password), err)
		}
	}
}

func TestHashesOfAbsurdCostAreRefused(t *testing.T) {
	t.Parallel()
	h := secret.NewHasher(secret.TestCost, 1)
	salt := base64.RawStdEncoding.EncodeToString(make([]byte, 16))
	for _, bad := range []string{
		"", "x", "$2a$10$abc", "$argon2i$v=19$m=64,t=1,p=1$" + salt + "$" + salt,
		"$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + salt,
		"$argon2id$v=19$m=4294967295,t=1,p=1$" + salt + "$" + salt,
		"$argon2id$v=19$m=64,t=1000000,p=1$" + salt + "$" + salt,
		"$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + salt,
		"$argon2id$v=19$m=64,t=1,p=0$" + salt + "$" + salt,
		"$argon2id$v=19$m=64,t=1,p=1$$" + salt,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$",
	} {
		if ok, _, err := h.Verify(t.Context(), "x", bad); ok || !errors.Is(err, secret.ErrHash) {
			t.Errorf("%q: %v, %v", bad, ok, err)
		}
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	a, b := secret.NewToken("vdt"), secret.NewToken("vdt")
	if a == b || len(a) != len("vdt_")+43 || !strings.HasPrefix(a.Reveal(), "vdt_") {
		t.Fatalf("tokens %d characters", len(a))
	}
	// SHA-256 of "abc", FIPS 180-4.
	if secret.TokenHash("abc") != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Error("token hash")
	}
}

func BenchmarkHash(b *testing.B) {
	h := secret.NewHasher(secret.DefaultCost, 1)
	for b.Loop() {
		if _, err := h.Hash(b.Context(), "correct horse"); err != nil {
			b.Fatal(err)
		}
	}
}
