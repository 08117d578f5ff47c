package oidc

import (
	"crypto/rand"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/oidc/oidctest"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func client(p *oidctest.Provider, c *clock.Clock) *Provider {
	return New(Options{Issuer: p.Issuer, ClientID: oidctest.ClientID, ClientSecret: oidctest.Secret, Scopes: []string{"email"}, RedirectURL: "https://here.example/oidc/corp",
		Allow: loopback, Roots: p.Roots(), Clock: c})
}

func request() Request {
	return Request{State: rand.Text(), Nonce: rand.Text(), Verifier: rand.Text() + rand.Text()}
}

// finish is a whole sign-in.
func finish(t *testing.T, there *oidctest.Provider, here *Provider, issuer string) (Identity, error) {
	t.Helper()
	r := request()
	address, err := here.Start(t.Context(), r)
	if err != nil {
		return Identity{}, err
	}
	code, state := there.Authorize(address)
	if state != r.State {
		t.Errorf("state %q", state)
	}
	return here.Finish(t.Context(), r, code, issuer)
}

func TestFinish(t *testing.T) {
	t.Parallel()
	there := oidctest.Start(t)
	past, later := time.Now().Add(-time.Minute).Unix(), time.Now().Add(time.Hour).Unix()
	good := oidctest.Claims{"email": "ada@example.org", "email_verified": true, "amr": []string{"pwd", "mfa"}, "acr": "high"}
	for name, c := range map[string]struct {
		faults oidctest.Faults
		issuer string // that the answer names
		want   error
	}{
		"good":                    {oidctest.Faults{Claims: good}, "", nil},
		"ES256":                   {oidctest.Faults{Claims: good, Sign: "ES256"}, "", nil},
		"issuer named":            {oidctest.Faults{Claims: good}, there.Issuer, nil},
		"another issuer named":    {oidctest.Faults{Claims: good}, "https://evil.example", ErrRefused},
		"issuer to be named":      {oidctest.Faults{Claims: good, Says: oidctest.Claims{"authorization_response_iss_parameter_supported": true}}, "", ErrRefused},
		"audience":                {oidctest.Faults{Claims: oidctest.Claims{"aud": "another"}}, "", ErrRefused},
		"more than one audience":  {oidctest.Faults{Claims: oidctest.Claims{"aud": []string{"another", oidctest.ClientID}}}, "", ErrRefused},
		"party":                   {oidctest.Faults{Claims: oidctest.Claims{"azp": "another"}}, "", ErrRefused},
		"issuer of the token":     {oidctest.Faults{Claims: oidctest.Claims{"iss": "https://evil.example"}}, "", ErrRefused},
		"nonce":                   {oidctest.Faults{Claims: oidctest.Claims{"nonce": "another"}}, "", ErrRefused},
		"no nonce":                {oidctest.Faults{Claims: oidctest.Claims{"nonce": nil}}, "", ErrRefused},
		"no subject":              {oidctest.Faults{Claims: oidctest.Claims{"sub": ""}}, "", ErrRefused},
		"expired":                 {oidctest.Faults{Claims: oidctest.Claims{"exp": past}}, "", ErrRefused},
		"not yet":                 {oidctest.Faults{Claims: oidctest.Claims{"nbf": later}}, "", ErrRefused},
		"unsigned":                {oidctest.Faults{Claims: good, Sign: "none"}, "", ErrRefused},
		"signed with what we say": {oidctest.Faults{Claims: good, Sign: "HS256"}, "", ErrRefused},
		"forged":                  {oidctest.Faults{Claims: good, Forged: true}, "", ErrRefused},
		"unknown key":             {oidctest.Faults{Claims: good, Key: "another"}, "", ErrRefused},
		"claims of another kind":  {oidctest.Faults{Claims: oidctest.Claims{"amr": 7}}, "", ErrRefused},
		"code refused":            {oidctest.Faults{Status: 400}, "", ErrRefused},
		"token endpoint down":     {oidctest.Faults{Status: 502}, "", ErrUnavailable},
		"document of another":     {oidctest.Faults{Says: oidctest.Claims{"issuer": "https://evil.example"}}, "", ErrUnavailable},
		"page without TLS":        {oidctest.Faults{Says: oidctest.Claims{"authorization_endpoint": "http://127.0.0.1/"}}, "", ErrUnavailable},
	} {
		there.Set(c.faults)
		got, err := finish(t, there, client(there, &clock.Clock{}), c.issuer)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if c.want != nil {
			if got.Subject != "" {
				t.Errorf("%s: refused, and yet %+v", name, got)
			}
			continue
		}
		if got.Issuer != there.Issuer || got.Subject != "person-1" || got.Email != "ada@example.org" || !got.EmailVerified || !slices.Equal(got.Methods, []string{"pwd", "mfa"}) || got.Context != "high" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestUserInfo(t *testing.T) {
	t.Parallel()
	there := oidctest.Start(t)
	info := func(c oidctest.Claims) (Identity, error) {
		there.Set(oidctest.Faults{Info: c})
		return finish(t, there, client(there, &clock.Clock{}), "")
	}
	if got, err := info(oidctest.Claims{"sub": "person-1", "email": "ada@example.org", "email_verified": "true"}); err != nil || got.Email != "ada@example.org" || !got.EmailVerified {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := info(oidctest.Claims{"sub": "person-2", "email": "eve@example.org", "email_verified": true}); !errors.Is(err, ErrRefused) || got.Email != "" {
		t.Errorf("of somebody else: %+v, %v", got, err)
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	there := oidctest.Start(t)
	here, mine, theirs := client(there, &clock.Clock{}), request(), request()
	address, err := here.Start(t.Context(), mine)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(address, "code_challenge_method=S256") || strings.Contains(address, mine.Verifier) || !strings.Contains(address, "scope=email+openid") {
		t.Errorf("%s", address)
	}
	code, _ := there.Authorize(address)
	if _, err := here.Finish(t.Context(), theirs, code, ""); !errors.Is(err, ErrRefused) || strings.Contains(err.Error(), code) {
		t.Errorf("a code that was stolen: %v", err)
	}
	code, _ = there.Authorize(address)
	if _, err := here.Finish(t.Context(), mine, code, ""); err != nil {
		t.Error(err)
	}
	if _, err := here.Finish(t.Context(), mine, code, ""); !errors.Is(err, ErrRefused) {
		t.Errorf("a code used twice: %v", err)
	}
}

// TestRotation: new keys are found without a restart, and endpoints are read once an hour.
func TestRotation(t *testing.T) {
	t.Parallel()
	there, c := oidctest.Start(t), &clock.Clock{}
	here := client(there, c)
	there.Set(oidctest.Faults{Now: c.Now})
	for range 2 {
		if _, err := finish(t, there, here, ""); err != nil {
			t.Fatal(err)
		}
		there.Rotate()
	}
	const page = "/.well-known/openid-configuration"
	if n := there.Asked(page); n != 1 {
		t.Errorf("asked for endpoints %d times", n)
	}
	c.Move(61 * time.Minute)
	there.Set(oidctest.Faults{Now: c.Now, Says: oidctest.Claims{"issuer": "https://evil.example"}})
	for range 2 { // what was known serves on
		if _, err := finish(t, there, here, ""); err != nil {
			t.Error(err)
		}
	}
	if n := there.Asked(page); n != 2 {
		t.Errorf("asked for endpoints %d times", n)
	}
}

// TestReach: the provider is reached where the operator allowed it, by TLS that is trusted, and nowhere else.
func TestReach(t *testing.T) {
	t.Parallel()
	there := oidctest.Start(t)
	for name, change := range map[string]func(*Options){
		"private network":  func(o *Options) { o.Allow = nil },
		"unknown root":     func(o *Options) { o.Roots = nil },
		"without TLS":      func(o *Options) { o.Issuer = "http://127.0.0.1:1" },
		"nobody is there":  func(o *Options) { o.Issuer = "https://127.0.0.1:1" },
		"another document": func(o *Options) { o.Issuer += "/" },
	} {
		o := client(there, &clock.Clock{}).options
		change(&o)
		here := New(o)
		for range 2 {
			if _, err := here.Start(t.Context(), request()); !errors.Is(err, ErrUnavailable) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
