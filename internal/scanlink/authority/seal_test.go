package authority

import (
	"bytes"
	"crypto/tls"
	"testing"

	"github.com/google/uuid"
)

func scannerOf(t *testing.T, a *Authority) tls.Certificate {
	t.Helper()
	csr, key, err := NewRequest()
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := a.Scanner(csr, uuid.NewString())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func TestSealIsForOneScannerAndJob(t *testing.T) {
	t.Parallel()
	pair, err := New()
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(pair)
	if err != nil {
		t.Fatal(err)
	}
	mine, other := scannerOf(t, a), scannerOf(t, a)
	plain := []byte("a password")
	sealed, err := Seal(mine.Leaf, "chunk 7", plain)
	if err != nil || bytes.Contains(sealed, plain) {
		t.Fatalf("%v %q", err, sealed)
	}
	if got, err := Unseal(&mine, "chunk 7", sealed); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%q %v", got, err)
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for name, try := range map[string]func() ([]byte, error){
		"another scanner": func() ([]byte, error) { return Unseal(&other, "chunk 7", sealed) },
		"another job":     func() ([]byte, error) { return Unseal(&mine, "chunk 8", sealed) },
		"changed":         func() ([]byte, error) { return Unseal(&mine, "chunk 7", changed) },
		"cut":             func() ([]byte, error) { return Unseal(&mine, "chunk 7", sealed[:20]) },
		"nothing":         func() ([]byte, error) { return Unseal(&mine, "chunk 7", nil) },
	} {
		if got, err := try(); err == nil {
			t.Errorf("%s: opened as %q", name, got)
		}
	}
}
