package user

import (
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/platform/fault"
)

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("no two lines alike: 7f9c2b ", 5)
	for password, want := range map[string]string{
		"a sentence that is long enough": "", "xkqjvbmz": "", "zażółć gęślą jaźń": "", long[:128]: "", "Tr0ub4dor&3-horse": "", "sunshine over 7 hills": "",
		"acme-X9$kq2v": "", "dragon8472910573": "", "8472910573": "", "%&/()=?-+*": "", "horse battery": "", "long enough": "",
		"": "too_short", "seven77": "too_short", "ééééßßß": "too_short", "e\u0301e\u0301e\u0301e\u0301": "too_short", long + "!!!": "too_long", strings.Repeat("ﷺ", 100): "too_long",
		// among the first that are tried
		"password123": "too_common", "PassWord123": "too_common", "ｐassword123": "too_common", " P@ssw0rd ": "too_common", "Password123!": "too_common", "p@$$w0rd!!": "too_common",
		"trustno1": "too_common", "1qaz2wsx": "too_common", "qwertyuiop": "too_common", "iloveyou2": "too_common", "jennifer": "too_common", "Jennifer1984": "too_common",
		"infrastructure": "too_common", "sunshine2024": "too_common", "monkey123456": "too_common", "letmein!!!": "too_common", "i love you": "too_common",
		// runs and repetitions
		"12345678901": "too_common", "98765432": "too_common", "abcdefgh": "too_common", "abcd1234": "too_common", strings.Repeat("x", 128): "too_common", "ééééßßßß": "too_common",
		"abababab": "too_common", "k7q-k7q-k7q-": "too_common", "dragondragon": "too_common",
		// of the context
		"ada@example.org": "too_common", "ADA@example.org": "too_common", "Ada.Lovelace": "too_common", "lovelace2024": "too_common", "BlueCupCoffee": "too_common", "Blue-Cup-Coffee": "too_common",
		"coffee-2026!": "too_common", "vedette2026": "too_common", "V3dette!!!": "too_common", "scan.example.com": "too_common",
	} {
		err := CheckPassword(password, "/user/password", "ada.lovelace", "ada@example.org", "Blue Cup Coffee", "scan.example.com", "")
		got := ""
		if d := fault.DetailsOf(err); len(d) == 1 {
			if got = d[0].Code; d[0].Pointer != "/user/password" || strings.Contains(d[0].Detail, password) && password != "" {
				t.Errorf("%q: %+v", password, d)
			}
		}
		if got != want || (err == nil) != (want == "") {
			t.Errorf("%q: %v, want %s", password, err, want)
		}
	}
}

// TestGuessedPasswords: the list holds at least the three thousand that ASVS 6.2.4 asks for, of those long enough to be a password.
func TestGuessedPasswords(t *testing.T) {
	t.Parallel()
	n := 0
	for word := range guessed() {
		if len([]rune(word)) >= shortestPassword {
			n++
		}
	}
	if n < 3000 {
		t.Errorf("%d passwords", n)
	}
}

func FuzzCheckPassword(f *testing.F) {
	f.Add("p@ssw0rd", "ada")
	f.Add("é\xff\u200d12345", "\xff")
	f.Add(strings.Repeat("ab", 300), "abab")
	f.Fuzz(func(t *testing.T, password, name string) {
		if err := CheckPassword(password, "/password", name, name); err != nil && !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})
}
