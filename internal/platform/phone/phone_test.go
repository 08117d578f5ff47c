package phone

import (
	"errors"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, country string
		want          Number
		texts         bool
	}{
		{"+43 664 1234567", "", Number{"+436641234567", "AT", "mobile"}, true},
		{"0664 / 123 45 67", "at", Number{"+436641234567", "AT", "mobile"}, true},
		{"0664 1234567", "43", Number{"+436641234567", "AT", "mobile"}, true},
		{"0664 1234567", "+43", Number{"+436641234567", "AT", "mobile"}, true},
		{"(202) 555-0143", "1", Number{"+12025550143", "US", "landline_or_mobile"}, true},
		{"01 5811234", "AT", Number{"+4315811234", "AT", "landline"}, false},
		{"0900 123456", "AT", Number{"+43900123456", "AT", "premium"}, false},
	} {
		got, err := Read(c.text, c.country)
		if err != nil || got != c.want || got.Texts() != c.texts {
			t.Errorf("%s in %q: %+v, %v", c.text, c.country, got, err)
		}
	}
	for _, bad := range [][2]string{{"", "AT"}, {"0664 1234567", ""}, {"123", "US"}, {"+999 123 4567", ""}, {"+43 664 1234567 ext. 5", ""},
		{"hello", "GB"}, {"0664 1234567", "99999"}, {"0664 1234567", "XX"}, {strings.Repeat("1", 500), "US"}} {
		if got, err := Read(bad[0], bad[1]); !errors.Is(err, ErrNumber) {
			t.Errorf("%.40q in %q: %+v", bad[0], bad[1], got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("+43 664 1234567", "")
	f.Add("(202) 555-0143", "1")
	f.Add("tel:+1-202-555-0143;phone-context=x", "US")
	f.Fuzz(func(t *testing.T, text, country string) {
		n, err := Read(text, country)
		if err == nil && (!strings.HasPrefix(n.E164, "+") || len(n.E164) > 16) {
			t.Errorf("%q in %q: %+v", text, country, n)
		}
	})
}
