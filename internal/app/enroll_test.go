package app

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/oidc/oidctest"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// enrolling are the operations that turn a second factor on, and what one does around them.
var enrolling = []string{"beginPasskey", "createPasskey", "enableTwoFactor", "lookUpPhoneNumber", "showMe", "signOut", "validToken", "verifyTwoFactor"}

const twoFactorRequired = "two_factor_required"

// confined tries the whole table with a token that serves only to turn a second factor on.
func (p *program) confined(headers ...string) {
	p.Helper()
	parameter := regexp.MustCompile(`\{[^}]*\}`)
	for _, o := range Operations(Parts{}) {
		if o.Permission == access.Public || slices.Contains(enrolling, o.ID) {
			continue
		}
		path := parameter.ReplaceAllString(o.Path, "0197a000-0000-7000-8000-000000000001")
		if x := p.refused(403, "", o.Method, path, nil, headers...); x.Code != twoFactorRequired {
			p.Errorf("%s: %+v", o.ID, x)
		}
	}
	p.must(200, "", "GET", "/v2/user/me", nil, headers...)
	p.must(200, "", "GET", "/v2/user/valid_token", nil, headers...)
}

// signInToEnroll gives a token that serves for that alone.
func (p *program) signInToEnroll(user string) string {
	p.Helper()
	var in struct {
		Token    string
		Required bool `json:"two_factor_required"`
	}
	p.signIn(200, user, password).decode(p, &in)
	if !in.Required || in.Token == "" {
		p.Fatalf("%s: %+v", user, in)
	}
	return in.Token
}

func TestTwoFactorRequiredByAnOrganization(t *testing.T) {
	t.Parallel()
	eachSignOn(t, func(s signOns) {
		p := s.program
		p.organization("admin", "other", access.Manager)
		var machine struct{ Token string }
		p.must(200, "user@acme", "PUT", "/v2/user/generate_access_token", nil).decode(p, &machine)
		p.refused(422, manager, "PUT", "/v2/user/organization", object{"organization": object{twoFactorRequired: "yes"}})
		p.refused(403, "user@acme", "PUT", "/v2/user/organization", object{"organization": object{twoFactorRequired: true}})
		p.must(200, manager, "PUT", "/v2/user/organization", object{"organization": object{twoFactorRequired: true}})
		p.confined(bearer(p.token(manager))...) // at once, and whoever asked for it
		p.confined(basic(machine.Token)...)
		p.confined(bearer(p.signInToEnroll("user@acme"))...)
		p.must(200, "manager@other", "GET", "/v2/targets", nil)
		acme := p.id("organizations", "acme")
		p.must(200, "admin", "GET", "/v2/targets", nil, "X-Organization-Id", acme) // it asks that of its own users
		// turned on, the token serves for all, and the last factor can't be turned off
		p.tokens[manager] = p.signInToEnroll(manager)
		seed, _ := p.installTOTPAsked(manager)
		p.must(200, manager, "GET", "/v2/targets", nil)
		if x := p.refused(409, manager, "PUT", "/v2/user/mfa/disable?method=totp", object{"password": password}); x.Code != twoFactorRequired {
			p.Errorf("%+v", x)
		}
		p.clock.Move(time.Minute)
		p.second(200, p.half(manager).OTPSessionState, p.code(seed, 0))
		s.vouchedFor()
		p.must(200, manager, "PUT", "/v2/user/organization", object{"organization": object{twoFactorRequired: nil}})
		p.must(200, "", "GET", "/v2/targets", nil, basic(machine.Token)...)
		p.must(200, manager, "PUT", "/v2/user/mfa/disable?method=totp", object{"password": password})
	})
}

// vouchedFor: a second factor that the identity provider saw is one, where the configuration says so.
func (s signOns) vouchedFor() {
	s.Helper()
	for method, status := range map[string]int{"pwd": 403, "mfa": 200} {
		s.says("person-3", "auditor@acme.example", oidctest.Claims{"amr": []string{method}})
		var in signedIn
		s.through(200).decode(s, &in)
		s.must(status, "", "GET", "/v2/targets", nil, bearer(in.Token)...)
	}
}

// installTOTPAsked is installTOTP for who may do nothing else.
func (p *program) installTOTPAsked(user string) (seed string, codes []string) {
	p.Helper()
	var prepared struct{ Secret string }
	p.must(200, user, "PUT", "/v2/user/mfa/enable?method=totp", nil).decode(p, &prepared)
	var out struct {
		Codes []string `json:"recovery_codes"`
	}
	p.must(200, user, "PUT", "/v2/user/mfa/verify_installation", object{"method": "totp", "otp_attempt": p.code(prepared.Secret, 0)}).decode(p, &out)
	return prepared.Secret, out.Codes
}

func TestTwoFactorRequiredByTheInstallation(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			p := start(t, dialect, "VEDETTE_API_REQUIRE_TWO_FACTOR=true")
			p.tokens["admin"] = p.signInToEnroll("admin")
			p.refused(403, "admin", "GET", "/v2/organizations", nil)
			p.installTOTPAsked("admin")
			p.organization("admin", "acme", access.Manager)
			p.confined(bearer(p.signInToEnroll(manager))...)
			// an operator who acts as a user acts with the operator's own factor
			var acting signedIn
			p.must(200, "admin", "POST", "/v2/auth/impersonate", object{"user": p.first("admin", "/v2/users?q[username]="+manager), "reason": "a call for help"}).decode(p, &acting)
			p.must(200, "", "GET", "/v2/targets", nil, bearer(acting.Token)...)
		})
	}
}
