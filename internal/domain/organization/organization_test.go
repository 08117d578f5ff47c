package organization

import (
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/platform/fault"
)

func TestCleanName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		" Blue Cup Coffee ": "Blue Cup Coffee", "Café Ж 😀": "Café Ж 😀", "می\u200cخواهم": "می\u200cخواهم", strings.Repeat("ä", MaxName): strings.Repeat("ä", MaxName), "O'Brien; --": "O'Brien; --",
		"": "required", "  \t": "required", strings.Repeat("x", MaxName+1): "too_long", "a\x00b": "invalid", "a\nb": "invalid", "a\x1b[31m": "invalid",
		"invoice\u202efdp.exe": "invalid", "a\u2066b": "invalid", "\u200b": "invalid", "ac\u200bme": "invalid", "\ufeffacme": "invalid", "a\xffb": "invalid", "a\u0085b": "invalid",
	} {
		got, err := CleanName(name, "/organization/name")
		if d := fault.DetailsOf(err); len(d) == 1 {
			if got = d[0].Code; d[0].Pointer != "/organization/name" {
				t.Errorf("%q: %+v", name, d)
			}
		}
		if got != want {
			t.Errorf("%q: %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestIncomplete(t *testing.T) {
	t.Parallel()
	c := Contact{CompanyName: "a", Address: "b", City: "c", Zipcode: "d", Country: "e", ContactName: "f", ContactTitle: "g", ContactPhone: "h", ContactEmail: "i"}
	if c.Incomplete() {
		t.Error("all that an attestation prints is there")
	}
	c.ContactTitle = ""
	if !c.Incomplete() || !(Contact{}).Incomplete() {
		t.Error("something is missing")
	}
}
