package app

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

var party = virtualwebauthn.RelyingParty{Name: "Vedette", ID: "scan.example.com", Origin: "https://scan.example.com"}

// options of an answer, in the form that the authenticator reads.
func (p *program) options(a answer) string {
	p.Helper()
	var out struct{ Options json.RawMessage }
	a.decode(p, &out)
	return `{"publicKey":` + string(out.Options) + `}`
}

func (p *program) attest(a answer, by virtualwebauthn.RelyingParty, device virtualwebauthn.Authenticator, key virtualwebauthn.Credential) json.RawMessage {
	p.Helper()
	asked, err := virtualwebauthn.ParseAttestationOptions(p.options(a))
	if err != nil {
		p.Fatal(err)
	}
	return json.RawMessage(virtualwebauthn.CreateAttestationResponse(by, device, key, *asked))
}

func (p *program) assert(a answer, by virtualwebauthn.RelyingParty, device virtualwebauthn.Authenticator, key virtualwebauthn.Credential) json.RawMessage {
	p.Helper()
	asked, err := virtualwebauthn.ParseAssertionOptions(p.options(a))
	if err != nil {
		p.Fatal(err)
	}
	return json.RawMessage(virtualwebauthn.CreateAssertionResponse(by, device, key, *asked))
}

func TestPasskeys(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			p := start(t, dialect, "VEDETTE_BASE_URL=https://scan.example.com")
			p.organization("admin", "acme", access.Manager, access.User)
			device, key := virtualwebauthn.NewAuthenticator(), virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
			id := p.registerPasskey(device, key)
			p.signInByPasskey(device, &key)
			p.must(404, "user@acme", "DELETE", "/v2/user/mfa/webauthn/"+id, object{"password": password})
			p.refused(422, manager, "DELETE", "/v2/user/mfa/webauthn/"+id, object{"password": "wrong"})
			p.must(200, manager, "DELETE", "/v2/user/mfa/webauthn/"+id, object{"password": password})
			if f := p.factors(manager); f.Enabled || f.OTPDefaultMethod != nil {
				p.Errorf("deleted: %+v", f)
			}
			p.signIn(200, manager, password)
		})
	}
}

func (p *program) registerPasskey(device virtualwebauthn.Authenticator, key virtualwebauthn.Credential) string {
	p.Helper()
	finish := func(status int, credential json.RawMessage) answer {
		p.Helper()
		return p.must(status, manager, "POST", "/v2/user/mfa/webauthn", object{"passkey": object{"name": "ring", "credential": credential}})
	}
	begin := func() answer { return p.must(200, manager, "POST", "/v2/user/mfa/webauthn/begin", nil) }
	finish(409, json.RawMessage(`{}`))
	begin()
	finish(422, json.RawMessage(`{"id":"x"}`))
	elsewhere := party
	elsewhere.Origin = "https://evil.example.com"
	finish(422, p.attest(begin(), elsewhere, device, key)) // a page that only looks like ours
	stale := p.attest(begin(), party, device, key)
	begin()
	finish(422, stale)
	late := p.attest(begin(), party, device, key)
	p.clock.Move(11 * time.Minute)
	finish(409, late)
	id := finish(201, p.attest(begin(), party, device, key)).id(p)
	if f := p.factors(manager); !f.Enabled || f.OTPTOTPEnabled || *f.OTPDefaultMethod != "webauthn" {
		p.Errorf("%+v", f)
	}
	finish(422, p.attest(begin(), party, device, key)) // the same key again
	if got := p.first(manager, "/v2/user/mfa/webauthn?q[name]=ring"); got != id {
		p.Errorf("listed: %s", got)
	}
	var none struct{ Data []any }
	if p.must(200, "user@acme", "GET", "/v2/user/mfa/webauthn", nil).decode(p, &none); len(none.Data) != 0 {
		p.Error("a colleague sees the passkey")
	}
	return id
}

func (p *program) signInByPasskey(device virtualwebauthn.Authenticator, key *virtualwebauthn.Credential) {
	p.Helper()
	challenge := func(state string) answer {
		p.Helper()
		return p.must(200, "", "POST", "/v2/auth/mfa/webauthn", object{"otp_session_state": state})
	}
	answer := func(status int, state string, assertion json.RawMessage) answer {
		p.Helper()
		return p.must(status, "", "POST", "/v2/auth/sign_in", object{"otp_session_state": state, "webauthn": assertion})
	}
	s := p.half(manager)
	if len(s.OTPMethods) != 1 || s.OTPMethods[0] != "webauthn" {
		p.Errorf("%+v", s)
	}
	device.Options.UserHandle = nil
	key.Counter = 1
	asked := challenge(s.OTPSessionState)
	good := p.assert(asked, party, device, *key)
	elsewhere := party
	elsewhere.Origin = "https://evil.example.com"
	answer(401, s.OTPSessionState, p.assert(asked, elsewhere, device, *key))
	stranger := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	answer(401, s.OTPSessionState, p.assert(asked, party, device, stranger))
	answer(401, p.half(manager).OTPSessionState, good) // to the challenge of another sign-in
	answer(200, s.OTPSessionState, good)
	again := p.half(manager)
	answer(401, again.OTPSessionState, p.assert(challenge(again.OTPSessionState), party, device, *key)) // the counter stands still: a copy
	key.Counter = 2
	answer(200, again.OTPSessionState, p.assert(challenge(again.OTPSessionState), party, device, *key))
	p.second(401, p.half(manager).OTPSessionState, "123456")
}
