package user

import (
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/platform/access"
)

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
