package auth

import (
	"bytes"
	"encoding/base32"
	"image/png"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/secret"
)

// TestStepOf: RFC 6238, appendix B, SHA-1; the last six of its eight digits.
func TestStepOf(t *testing.T) {
	t.Parallel()
	rfc := secret.Text(base32.StdEncoding.EncodeToString([]byte("12345678901234567890")))
	for at, code := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		for off, near := range map[int64]bool{-90: false, -30: true, 0: true, 30: true, 60: false} {
			step, err := stepOf(rfc, code, time.Unix(at+off, 0))
			if err != nil || (step == at/30) != near || !near && step != 0 {
				t.Errorf("%d%+d: step %d, %v", at, off, step, err)
			}
		}
	}
	for _, bad := range []string{"", "000000", "2870", "287082 ", "２８７０８２"} {
		if step, err := stepOf(rfc, bad, time.Unix(59, 0)); step != 0 || err != nil {
			t.Errorf("%q: %d, %v", bad, step, err)
		}
	}
}

func TestNewSeed(t *testing.T) {
	t.Parallel()
	s, err := newSeed("scan.example.com", "ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(s.Secret.Reveal())
	if err != nil || len(raw) != totpSeed {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
	if picture, err := png.Decode(bytes.NewReader(s.QR)); err != nil || picture.Bounds().Dx() != qrSize {
		t.Error(err)
	}
}

func TestAddressOf(t *testing.T) {
	t.Parallel()
	same := func(a, b string) bool { return addressOf(a).key == addressOf(b).key }
	if !same("2001:db8::1", "2001:db8::ffff:1") || same("2001:db8::1", "2001:db8:0:1::1") || same("192.0.2.1", "192.0.2.2") || same("::ffff:192.0.2.1", "::ffff:192.0.2.2") {
		t.Error("networks")
	}
	if got := newRecoveryCode(); len(got) != 15 || len(cleanCode(got)) != 13 {
		t.Error(got)
	}
}
