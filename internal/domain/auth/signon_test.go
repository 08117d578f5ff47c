package auth

import (
	"slices"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/oidc"
)

func TestTakes(t *testing.T) {
	t.Parallel()
	ours, all := &SignOn{Domains: []string{"acme.example", "Corp.example"}}, &SignOn{Domains: []string{"*"}}
	for email, want := range map[string][2]bool{
		"ada@acme.example": {true, true}, "Ada@ACME.example": {true, true}, "ada@corp.example": {true, true},
		"ada@sub.acme.example": {false, true}, "ada@notacme.example": {false, true}, "ada@acme.example@evil.example": {false, true},
		"": {}, "ada": {}, "@acme.example": {}, "ada@": {}, "ada @acme.example": {}, "ada@acme.example\n": {}, "ａda@acme.example": {}, "ada@acme．example": {},
	} {
		if got := [2]bool{ours.takes(email), all.takes(email)}; got != want {
			t.Errorf("%q: %v, want %v", email, got, want)
		}
	}
	if (&SignOn{}).takes("ada@acme.example") {
		t.Error("without a domain somebody is found")
	}
}

func TestSecondFactorOfAProvider(t *testing.T) {
	t.Parallel()
	s := &SignOn{SecondFactors: []string{"mfa", "urn:high"}}
	for _, c := range []struct {
		who  oidc.Identity
		want bool
	}{
		{oidc.Identity{}, false}, {oidc.Identity{Methods: []string{"pwd"}, Context: "urn:low"}, false}, {oidc.Identity{Methods: []string{"pwd", "mfa"}}, true},
		{oidc.Identity{Context: "urn:high"}, true}, {oidc.Identity{Context: "MFA"}, false},
	} {
		if got := s.secondFactor(c.who); got != c.want {
			t.Errorf("%+v: %v", c.who, got)
		}
		if (&SignOn{SecondFactors: []string{""}}).secondFactor(c.who) || (&SignOn{}).secondFactor(c.who) {
			t.Errorf("%+v counts although nothing was configured", c.who)
		}
	}
}

func TestRequestOf(t *testing.T) {
	t.Parallel()
	a, b := requestOf("vdn_one"), requestOf("vdn_two")
	all := []string{a.State, a.Nonce, a.Verifier, b.State, b.Nonce, b.Verifier}
	slices.Sort(all)
	if len(slices.Compact(all)) != 6 || a != requestOf("vdn_one") || len(a.Verifier) != 43 { // RFC 7636, 4.1
		t.Errorf("%+v %+v", a, b)
	}
}

func TestOver(t *testing.T) {
	t.Parallel()
	const minute = clock.Time(60_000)
	until := 100 * minute
	for _, c := range []struct {
		kind      string
		used, now clock.Time
		idle      time.Duration
		want      bool
	}{
		{session, 10, 59 * minute, hour, false}, {session, 0, 10 + 60*minute, hour, true}, {session, 50 * minute, 99 * minute, hour, false}, {session, 99 * minute, 100 * minute, hour, true},
		{session, 0, 99 * minute, 0, false}, {impersonation, 0, 61 * minute, hour, true}, {accessToken, 0, 99 * minute, hour, false},
	} {
		if got := (&Token{Kind: c.kind, CreatedAt: 10, LastUsedAt: c.used, ExpiresAt: &until}).over(c.now, c.idle); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
