package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
)

// userID of a user, as an operator sees it.
func (p *program) userID(name string) string {
	p.Helper()
	return p.first("admin", "/v2/users?q[username]="+name)
}

// impersonate gives the token by which one acts as another.
func (p *program) impersonate(by, name string) string {
	p.Helper()
	var out signedIn
	p.must(200, by, "POST", "/v2/auth/impersonate", object{"user_id": p.userID(name), "reason": "a call for help"}).decode(p, &out)
	return out.Token
}

// exec changes a row behind the program's back.
func (p *program) exec(statement string, args ...any) {
	p.Helper()
	err := p.app.DB.Write(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
		_, err := tx.Exec(statement, args...)
		return err
	})
	if err != nil {
		p.Fatal(err)
	}
}

func TestImpersonation(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "partner", access.Partner, access.User)
		p.organization("admin", "strange", access.Manager)
		acme := p.organization("partner@partner", "acme", access.Manager, access.User)
		p.must(201, "admin", "POST", "/v2/users", object{"user": object{"username": "mighty", "email": "mighty@acme.example", "role": "manager", "organization": acme, "password": password, "confirmed": true}})
		p.exec("update users set role = 'admin' where username = 'mighty'")
		p.mayNot(acme)

		var out struct {
			Token     string
			ExpiresAt string `json:"expires_at"`
			User      struct{ ID, Username, Role string }
		}
		manager := p.userID("manager@acme")
		p.must(200, "partner@partner", "POST", "/v2/auth/impersonate", object{"user": manager, "reason": " a call for help "}).decode(p, &out)
		if out.User.ID != manager || out.User.Username != "manager@acme" || out.User.Role != "manager" || !moment.MatchString(out.ExpiresAt) {
			p.Errorf("%+v", out)
		}
		p.tokens["help"] = out.Token
		var me struct {
			Data struct {
				Attributes struct {
					Username     string
					Impersonator *struct{ Name string }
				}
			}
		}
		p.must(200, "help", "GET", "/v2/user/me", nil).decode(p, &me)
		if a := me.Data.Attributes; a.Username != "manager@acme" || a.Impersonator == nil || a.Impersonator.Name != "partner@partner" {
			p.Errorf("me: %+v", a)
		}
		p.target("help", "made for them", "192.0.2.1")
		p.first("manager@acme", "/v2/targets?q[name]=made*")
		p.nothingOfTheirs()
		p.refused(409, "help", "POST", "/v2/auth/impersonate", object{"user": p.userID("user@acme"), "reason": "further"})
		p.toldInBoth()

		p.must(200, "help", "DELETE", "/v2/auth/impersonate", nil)
		p.refused(401, "help", "GET", "/v2/user/me", nil)
		p.must(200, "partner@partner", "GET", "/v2/user/me", nil)
		if x := p.refused(409, "partner@partner", "DELETE", "/v2/auth/impersonate", nil); x.Code != "not_impersonating" {
			p.Errorf("%+v", x)
		}
		p.first("partner@partner", "/v2/audit/events?q[action]=stopImpersonation")
		p.first("manager@acme", "/v2/audit/events?q[action]=stopImpersonation")
		p.impersonationEnds()
	})
}

// mayNot: who may act as whom.
func (p *program) mayNot(acme string) {
	p.Helper()
	ask := func(status int, by, name, code string) {
		p.Helper()
		if x := p.refused(status, by, "POST", "/v2/auth/impersonate", object{"user": p.userID(name), "reason": "r"}); x.Code != code {
			p.Errorf("%s as %s: %+v", by, name, x)
		}
	}
	ask(403, "manager@acme", "user@acme", "permission_missing")
	ask(403, "partner@partner", "user@partner", "not_below")
	ask(404, "partner@partner", "manager@strange", "")
	ask(404, "partner@partner", "admin", "")
	ask(403, "partner@partner", "mighty", "too_mighty")
	for pointer, body := range map[string]object{
		"/reason": {"user": p.userID("user@acme"), "reason": " \n"},
		"/user":   {"user": p.userID("admin"), "reason": "r"},
	} {
		if x := p.refused(422, "admin", "POST", "/v2/auth/impersonate", body); len(x.Errors) != 1 || x.Errors[0].Pointer != pointer {
			p.Errorf("%+v", x)
		}
	}
	p.refused(422, "admin", "POST", "/v2/auth/impersonate", object{"user": p.userID("user@acme")})
	p.refused(404, "admin", "POST", "/v2/auth/impersonate", object{"user": "no id", "reason": "r"})
	p.exec("update users set locked_at = 1 where username = ?", "user@acme")
	ask(409, "partner@partner", "user@acme", "locked")
	p.exec("update users set locked_at = null where username = ?", "user@acme")
}

// nothingOfTheirs: an impersonator touches no password, token or second factor.
func (p *program) nothingOfTheirs() {
	p.Helper()
	for path, body := range map[string]any{
		"PUT /v2/user/change_password": object{"current_password": password, "password": "a sentence of another"}, "PUT /v2/user/generate_access_token": nil,
		"PUT /v2/user/revoke_access_token": nil, "PUT /v2/user/mfa/enable?method=totp": nil, "GET /v2/user/mfa/recovery_codes": nil,
		"GET /v2/user/sessions": nil, "DELETE /v2/user/sessions": nil, "POST /v2/api_keys": object{"api_key": object{"name": "left behind"}},
	} {
		method, path, _ := strings.Cut(path, " ")
		if x := p.refused(403, "help", method, path, body); x.Code != "impersonating" {
			p.Errorf("%s: %+v", path, x)
		}
	}
}

// toldInBoth: both organizations' audit trails know of it, and each change names both identities.
func (p *program) toldInBoth() {
	p.Helper()
	for _, by := range []string{"partner@partner", "manager@acme"} {
		all := p.events(by, "?q[action]=startImpersonation")
		if len(all) != 1 || all[0].Actor.Username != "partner@partner" || all[0].Resource.Name != "manager@acme" || string(all[0].Changes.After) != `{"reason":"a call for help"}` || all[0].IP == "" {
			p.Errorf("%s reads %+v", by, all)
		}
	}
	var list struct {
		Data []struct {
			Attributes struct {
				Actor, Impersonator *struct{ Username string }
			}
		}
	}
	p.must(200, "manager@acme", "GET", "/v2/audit/events?q[action]=createTarget&q[impersonator]=partner@partner", nil).decode(p, &list)
	if len(list.Data) != 1 || list.Data[0].Attributes.Actor.Username != "manager@acme" || list.Data[0].Attributes.Impersonator.Username != "partner@partner" {
		p.Errorf("%+v", list)
	}
}

// impersonationEnds: an impersonation ends by time, by sign-out, by the user, and with what allowed it.
func (p *program) impersonationEnds() {
	p.Helper()
	over := func(token string) {
		p.Helper()
		p.refused(401, "", "GET", "/v2/user/me", nil, bearer(token)...)
	}
	good := func(token string) {
		p.Helper()
		p.must(200, "", "GET", "/v2/user/me", nil, bearer(token)...)
	}
	token := p.impersonate("partner@partner", "manager@acme")
	p.clock.Move(time.Hour - time.Second)
	good(token)
	p.clock.Move(time.Second)
	over(token)

	token = p.impersonate("admin", "manager@acme")
	p.must(200, "", "DELETE", "/v2/auth/sign_out", nil, bearer(token)...)
	over(token)

	token = p.impersonate("admin", "manager@acme")
	var sessions struct {
		Data []struct {
			ID         string
			Attributes struct {
				Reason       string
				Impersonator *struct{ Name string }
			}
		}
	}
	p.must(200, "manager@acme", "GET", "/v2/user/sessions?q[kind]=impersonation", nil).decode(p, &sessions)
	if len(sessions.Data) != 1 || sessions.Data[0].Attributes.Impersonator.Name != "admin" || sessions.Data[0].Attributes.Reason != "a call for help" {
		p.Fatalf("%+v", sessions)
	}
	p.must(200, "manager@acme", "DELETE", "/v2/user/sessions/"+sessions.Data[0].ID, nil)
	over(token)

	for change, back := range map[string]string{
		"update users set locked_at = 1 where username = 'partner@partner'":    "update users set locked_at = null where username = 'partner@partner'",
		"update users set role = 'manager' where username = 'partner@partner'": "update users set role = 'partner' where username = 'partner@partner'",
		"update users set role = 'admin' where username = 'manager@acme'":      "update users set role = 'manager' where username = 'manager@acme'",
		"update users set locked_at = 1 where username = 'manager@acme'":       "update users set locked_at = null where username = 'manager@acme'",
	} {
		token = p.impersonate("partner@partner", "manager@acme")
		p.exec(change)
		over(token)
		p.exec(back)
		good(token)
	}
}
