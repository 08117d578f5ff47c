package app

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/oidc/oidctest"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// signOns is a browser before an identity provider and this program.
type signOns struct {
	*program
	there *oidctest.Provider
}

const ourProvider = "/v2/auth/oidc/corp"

// begun is what Begin single sign-on answers.
type begun struct {
	URL   string `json:"authorization_url"`
	Held  string `json:"oidc_session_state"`
	Until string `json:"expires_at"`
}

func (s signOns) begin() begun {
	s.Helper()
	var b begun
	s.must(200, "", "POST", ourProvider, nil).decode(s, &b)
	return b
}

func (s signOns) finish(status int, held, state, code string) answer {
	s.Helper()
	return s.must(status, "", "POST", ourProvider+"/callback", object{"oidc_session_state": held, "state": state, "code": code})
}

// says is what the provider claims from now on.
func (s signOns) says(subject, email string, more oidctest.Claims) {
	c := oidctest.Claims{"sub": subject, "email": email, "email_verified": true}
	maps.Copy(c, more)
	s.there.Set(oidctest.Faults{Now: s.clock.Now, Claims: c})
}

// through goes the whole way.
func (s signOns) through(status int) answer {
	s.Helper()
	b := s.begin()
	code, state := s.there.Authorize(b.URL)
	return s.finish(status, b.Held, state, code)
}

func eachSignOn(t *testing.T, story func(signOns)) {
	for _, dialect := range dbtest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			there := oidctest.Start(t)
			roots := filepath.Join(t.TempDir(), "roots.pem")
			if err := os.WriteFile(roots, there.PEM(), 0o600); err != nil {
				t.Fatal(err)
			}
			p := start(t, dialect, "VEDETTE_BASE_URL=https://scan.example.com", "VEDETTE_OIDC_NAME=corp", "VEDETTE_OIDC_TITLE=Example Corp", "VEDETTE_OIDC_ISSUER="+there.Issuer,
				"VEDETTE_OIDC_CLIENT_ID="+oidctest.ClientID, "VEDETTE_OIDC_CLIENT_SECRET="+oidctest.Secret, "VEDETTE_OIDC_EMAIL_DOMAINS=acme.example",
				"VEDETTE_OIDC_SECOND_FACTORS=mfa", "VEDETTE_OIDC_ALLOW_NETWORKS=127.0.0.0/8", "VEDETTE_OIDC_CA_FILE="+roots)
			p.organization("admin", "acme", access.Manager, access.User, access.Auditor)
			story(signOns{p, there})
		})
	}
}

func TestSingleSignOn(t *testing.T) {
	t.Parallel()
	eachSignOn(t, func(s signOns) {
		if a := s.must(200, "", "GET", "/v2/auth/oidc", nil); strings.TrimSpace(string(a.Body)) != `{"providers":[{"name":"corp","title":"Example Corp"}]}` {
			s.Errorf("%s", a.Body)
		}
		s.refused(404, "", "POST", "/v2/auth/oidc/another", nil)
		s.refused(404, "", "POST", "/v2/auth/oidc/another/callback", object{"oidc_session_state": "x", "state": "x", "code": "x"})
		s.says("person-1", "Manager@ACME.example", nil)
		b := s.begin()
		for _, want := range []string{s.there.Issuer + "/authorize?", "redirect_uri=https%3A%2F%2Fscan.example.com%2Foidc%2Fcorp", "scope=email+openid", "nonce=", "state="} {
			if !strings.Contains(b.URL, want) {
				s.Errorf("no %s in %s", want, b.URL)
			}
		}
		code, state := s.there.Authorize(b.URL)
		var in signedIn
		s.finish(200, b.Held, state, code).decode(s, &in)
		if in.Token == "" || in.User.Username != manager {
			s.Errorf("%+v", in)
		}
		s.must(200, "", "GET", "/v2/user/me", nil, bearer(in.Token)...)
		notice := s.mail.Wait(s, "manager@acme.example", 1)
		if notice.Subject != "Single sign-on was linked to your account" || !strings.Contains(notice.Text, s.there.Issuer) {
			s.Errorf("%+v", notice)
		}
		again := s.finish(401, b.Held, state, code) // all of it was used up
		if x := s.problem(again, ourProvider+"/callback"); x.Code != "sign_on_refused" {
			s.Errorf("%+v", x)
		}
		s.says("person-1", "eve@elsewhere.example", oidctest.Claims{"email_verified": false}) // the address has changed, the person has not
		s.through(200).decode(s, &in)
		if in.User.Username != manager || len(s.mail.To("manager@acme.example")) != 1 {
			s.Errorf("the second time: %+v", in)
		}
		linked := s.first(manager, "/v2/user/identities?q[issuer]="+s.there.Issuer)
		s.refused(404, "user@acme", "DELETE", "/v2/user/identities/"+linked, nil)
		s.must(200, manager, "DELETE", "/v2/user/identities/"+linked, nil)
		s.through(401) // whose address is no verified one of ours any more
		s.says("person-7", "manager@acme.example", nil)
		s.through(200)
		s.mail.Wait(s, "manager@acme.example", 2)
		s.secondFactors()
		if trail := s.must(200, "admin", "GET", "/v2/audit/events?q[action]=finishSignOn", nil, "X-Organization-Id", s.id("organizations", "acme")); strings.Count(string(trail.Body), `"type":"identity"`) != 2 ||
			!strings.Contains(string(trail.Body), `"subject":"person-1"`) || strings.Contains(string(trail.Body), code) {
			s.Errorf("%s", trail.Body)
		}
	})
}

// id of what has this name.
func (p *program) id(list, name string) string {
	p.Helper()
	return p.first("admin", "/v2/"+list+"?q[name]="+name)
}

// secondFactors: the user's own is asked for, unless the provider saw one that counts. Until it is given, nobody is linked.
func (s signOns) secondFactors() {
	s.Helper()
	seed, _ := s.installTOTP("user@acme")
	s.says("person-2", "user@acme.example", oidctest.Claims{"amr": []string{"pwd"}})
	var half, in signedIn
	s.through(200).decode(s, &half)
	if half.Token != "" || half.OTPSessionState == "" || len(s.mail.To("user@acme.example")) != 0 {
		s.Fatalf("%+v", half)
	}
	s.clock.Move(time.Minute)
	s.says("person-2", "user@acme.example", oidctest.Claims{"amr": []string{"pwd"}})
	s.second(401, half.OTPSessionState, "000000")
	s.second(200, half.OTPSessionState, s.code(seed, 0)).decode(s, &in)
	if s.mail.Wait(s, "user@acme.example", 1); in.Token == "" {
		s.Errorf("%+v", in)
	}
	for _, more := range []oidctest.Claims{{"amr": []string{"pwd", "mfa"}}, {"acr": "mfa"}} {
		s.says("person-2", "user@acme.example", more)
		in = signedIn{}
		if s.through(200).decode(s, &in); in.Token == "" || in.User.Username != "user@acme" {
			s.Errorf("%v: %+v", more, in)
		}
	}
	s.signIn(200, "user@acme", password).decode(s, &half)
	if half.Token != "" {
		s.Error("a password alone does now")
	}
}

// TestSingleSignOnRefuses: one answer for all, told apart in the audit trail.
func TestSingleSignOnRefuses(t *testing.T) {
	t.Parallel()
	eachSignOn(t, func(s signOns) {
		var first string
		var reasons []string
		refused := func(reason string, a answer) {
			s.Helper()
			if got := alike(s.program, a); first == "" {
				first = got
			} else if got != first || a.Status != 401 {
				s.Errorf("%s: %s", reason, got)
			}
			reasons = append(reasons, reason)
			if len(reasons)%10 == 0 {
				s.clock.Move(time.Hour) // else the address would have to wait
			}
		}
		s.says("person-1", "manager@acme.example", nil)
		mine, theirs := s.begin(), s.begin()
		code, state := s.there.Authorize(theirs.URL)
		refused("session_unknown", s.finish(401, "vdn_unknown", state, code))
		refused("state_wrong", s.finish(401, mine.Held, state, code)) // who was lured to a sign-in of somebody else
		late := s.begin()
		code, state = s.there.Authorize(late.URL)
		s.clock.Move(10 * time.Minute)
		refused("session_unknown", s.finish(401, late.Held, state, code))
		b := s.begin()
		_, state = s.there.Authorize(b.URL)
		refused("provider_refused", s.finish(401, b.Held, state, "")) // the person said no there
		for _, c := range []oidctest.Claims{{"aud": "another"}, {"nonce": "another"}, {"iss": "https://evil.example"}, {"exp": 1}, {"azp": "another"}} {
			s.says("person-1", "manager@acme.example", c)
			refused("provider_refused", s.through(401))
		}
		for _, f := range []oidctest.Faults{{Sign: "none"}, {Sign: "HS256"}, {Forged: true}} {
			f.Now, f.Claims = s.clock.Now, oidctest.Claims{"email": "manager@acme.example", "email_verified": true}
			s.there.Set(f)
			refused("provider_refused", s.through(401))
		}
		for _, c := range []struct{ reason, subject, email string }{
			{"user_unknown", "person-1", "nobody@acme.example"}, {"email_domain", "person-1", "manager@elsewhere.example"}, {"email_domain", "person-1", ""},
			{"email_domain", "person-1", "ｍanager@acme.example"}, // which Unicode holds for the same, and mail does not
			{"email_domain", "person-1", "manager@acme.example@elsewhere.example"},
		} {
			s.says(c.subject, c.email, nil)
			refused(c.reason, s.through(401))
		}
		s.says("person-1", "manager@acme.example", oidctest.Claims{"email_verified": false})
		refused("email_unverified", s.through(401))
		s.says("person-1", "manager@acme.example", nil)
		s.exec("update users set locked_at = 1 where username = ?", manager)
		refused("locked", s.through(401))
		s.exec("update users set locked_at = null, confirmed_at = null where username = ?", manager)
		refused("unconfirmed", s.through(401))
		s.exec("update users set confirmed_at = 1 where username = ?", manager)
		s.through(200)
		s.says("person-9", "manager@acme.example", nil)
		refused("linked_to_another", s.through(401))
		s.exec("update users set locked_at = 1 where username = ?", manager)
		s.says("person-1", "manager@acme.example", nil)
		refused("locked", s.through(401))
		s.toldApart(reasons)
		s.there.Set(oidctest.Faults{Status: 502})
		s.through(503)
	})
}

// toldApart holds the audit trails against the reasons.
func (s signOns) toldApart(reasons []string) {
	s.Helper()
	want, got := map[string]int{}, map[string]int{}
	for _, r := range reasons {
		want[r]++
	}
	for _, headers := range [][]string{nil, {"X-Organization-Id", s.id("organizations", "acme")}} {
		var trail struct {
			Data []struct {
				Attributes struct {
					Changes struct{ After struct{ Refused string } }
				}
			}
		}
		s.must(200, "admin", "GET", "/v2/audit/events?q[action]=finishSignOn&per_page=100", nil, headers...).decode(s, &trail)
		for _, e := range trail.Data {
			if r := e.Attributes.Changes.After.Refused; r != "" {
				got[r]++
			}
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.Errorf("told %v, want %v", got, want)
	}
}
