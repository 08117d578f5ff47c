package user

import (
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/fault"
)

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]string{
		"a sentence that is long enough": "", "12345678901": "", "ééééßßßß": "", strings.Repeat("x", 128): "",
		"": "too_short", "seven77": "too_short", "ééééßßß": "too_short", strings.Repeat("x", 129): "too_long",
		"password123": "too_common", "PassWord123": "too_common", "ｐassword123": "too_common", " P@ssw0rd ": "too_common",
		"ada@example.org": "too_common", "ADA@example.org": "too_common", "Ada.Lovelace": "too_common",
	} {
		err := CheckPassword(password, "/user/password", "ada.lovelace", "ada@example.org", "")
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

func TestCleanEmail(t *testing.T) {
	t.Parallel()
	for email, good := range map[string]bool{
		"ada@example.org": true, " ada@example.org ": true, "ada+scan@sub.example.org": true, "o'brien@example.org": true,
		"": false, "ada": false, "@example.org": false, "ada@": false, "Ada <ada@example.org>": false, "ada@example.org, eve@example.org": false,
		"ada@example.org\nBcc: eve@example.org": false, "ada\x00@example.org": false, strings.Repeat("a", 250) + "@example.org": false,
		"ada@exa\u202emple.org": false, "ada\u200b@example.org": false, `"ada lovelace"@example.org`: false,
	} {
		got, err := CleanEmail(email, "/user/email")
		if (err == nil) != good || good && got != strings.TrimSpace(email) {
			t.Errorf("%q: %q, %v", email, got, err)
		}
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	for a, b := range map[string]string{"Ada": "aDA", " ada ": "ada", "ÄDA": "äda", "A\u0308da": "äda", "ａｄａ": "ada", "ﬁx": "fix"} {
		if Fold(a) != Fold(b) {
			t.Errorf("%q and %q fold to %q and %q", a, b, Fold(a), Fold(b))
		}
	}
	if Fold("ada") == Fold("eve") {
		t.Error("all names are the same")
	}
}

func TestMayMake(t *testing.T) {
	t.Parallel()
	rank := map[access.Role]int{access.Admin: 3, access.Partner: 2, access.Manager: 1}
	for _, maker := range access.Roles {
		for _, made := range access.Roles {
			if MayMake(maker, made) && rank[made] > max(rank[maker], 1) {
				t.Errorf("%s makes a %s", maker, made)
			}
		}
		if MayMake(maker, "king") && maker != access.Admin {
			t.Errorf("%s makes a king", maker)
		}
	}
}
