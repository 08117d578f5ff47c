package user

import (
	"strings"
	"testing"
)

func TestFactors(t *testing.T) {
	t.Parallel()
	var f Factors
	for i, c := range []struct {
		method  string
		on      bool
		methods string
		phone   string
	}{
		{SMS, true, "sms", "+1"}, {TOTP, true, "sms totp", "+1"}, {SMS, false, "totp", ""}, {SMS, true, "totp sms", "+1"}, {TOTP, false, "sms", "+1"},
		{SMS, false, "", ""}, {"carrier pigeon", true, "", ""},
	} {
		f.Turn(c.method, c.on, "+1")
		first, _, _ := strings.Cut(c.methods, " ")
		if got := strings.Join(f.Methods(), " "); got != c.methods || f.OTPDefaultMethod != first || f.OTPPhone != c.phone || f.TwoFactor().Enabled != (c.methods != "") {
			t.Errorf("%d: %q, %+v", i, got, f)
		}
	}
}
