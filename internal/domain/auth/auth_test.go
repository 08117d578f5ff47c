package auth

import (
	"testing"
	"time"
)

// TestWait grows from a second and ends at the longest.
func TestWait(t *testing.T) {
	t.Parallel()
	for failures, want := range map[int]time.Duration{-1: 0, 0: 0, 4: 0, 5: time.Second, 6: 2 * time.Second, 10: 32 * time.Second, 14: 512 * time.Second, 15: longestWait, 80: longestWait, 1 << 40: longestWait} {
		if got := accountOf("x").wait(failures); got != want {
			t.Errorf("after %d failures: %s, want %s", failures, got, want)
		}
	}
}

func TestTokenOf(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{"Bearer abc": "abc", "bearer abc": "abc", "BASIC abc ": "abc", "Basic  abc": "abc", "Bearer": "", "": "", "abc": "", "Digest abc": "", "Bearer ": ""} {
		got, err := tokenOf(header)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", header, got, err)
		}
	}
}
