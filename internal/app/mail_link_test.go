package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/domain/auth"
	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/mail/mailtest"
)

// person is a user without a password, unconfirmed, as an invitation makes one.
func (p *program) person(organization, name string) {
	p.Helper()
	p.system(func(tx *db.Tx) error {
		u := user.New(tx.Now())
		u.Username, u.Email, u.Role, u.OrganizationID = name, name+"@example.com", access.Manager, organization
		return user.Insert(tx, u)
	})
}

func (p *program) system(do func(*db.Tx) error) {
	p.Helper()
	if err := p.app.DB.Write(context.Background(), access.System(access.DoorTest), do); err != nil {
		p.Fatal(err)
	}
}

// promise has a link mailed, as nouns below do, and gives the mail.
func (p *program) promise(name string, what func(*auth.Auth, *db.Tx, *user.User) error) mailtest.Mail {
	p.Helper()
	var to string
	var n int
	p.system(func(tx *db.Tx) error {
		all, err := user.ByLogin(tx, name)
		if err != nil || len(all) != 1 {
			return errors.Join(err, errors.New(name+" is not there"))
		}
		to, n = all[0].Email, len(p.mail.To(all[0].Email))
		return what(&auth.Auth{}, tx, &all[0])
	})
	return p.mail.Wait(p, to, n+1)
}

const fresh = "another sentence that is long enough"

// TestConfirmation by the link that was mailed: once, in time, with a password that will do.
func TestConfirmation(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		acme := p.organization("admin", "acme", access.Manager)
		p.person(acme, "bob")
		first := p.promise("bob", (*auth.Auth).Confirm).Token(p)
		mail := p.promise("bob", (*auth.Auth).Confirm)
		token := mail.Token(p)
		if !strings.Contains(mail.Text, p.app.Config.BaseURL+"/confirmation?confirmation_token="+token) || !strings.Contains(mail.HTML, token) ||
			!strings.Contains(mail.Text, "Organization: acme") || mail.Subject != "Confirm your e-mail address" || first == token {
			p.Errorf("%s", mail.Raw)
		}
		confirm := func(token, password string) object { return object{"confirmation_token": token, "password": password} }
		p.spent("GET", "/v2/auth/confirmation?confirmation_token="+first, nil, "confirmation_token")
		p.spent("POST", "/v2/auth/confirmation", confirm(first, fresh), "/confirmation_token")
		p.spent("PUT", "/v2/auth/invitation", object{"invitation_token": token, "password": fresh}, "/invitation_token")
		p.spent("PUT", "/v2/auth/password", object{"reset_password_token": token, "password": fresh}, "/reset_password_token")
		if a := p.must(200, "", "GET", "/v2/auth/confirmation?confirmation_token="+token, nil); strings.TrimSpace(string(a.Body)) != `{"email":"bob@example.com","password_required":true}` {
			p.Errorf("%s", a.Body)
		}
		for _, weak := range []string{"", "short", "password123", "bob@example.com"} {
			if x := p.refused(422, "", "POST", "/v2/auth/confirmation", confirm(token, weak)); len(x.Errors) != 1 || x.Errors[0].Pointer != "/password" {
				p.Errorf("%q: %+v", weak, x)
			}
		}
		p.signIn(401, "bob", fresh)
		p.must(200, "", "POST", "/v2/auth/confirmation", confirm(token, fresh))
		p.signIn(200, "bob", fresh)
		p.spent("POST", "/v2/auth/confirmation", confirm(token, "a third sentence for all"), "/confirmation_token")
		p.first("manager@acme", "/v2/audit/events?q[action]=confirmUser&q[actor]=bob")

		token = p.promise("bob", (*auth.Auth).Confirm).Token(p)
		if a := p.must(200, "", "GET", "/v2/auth/confirmation?confirmation_token="+token, nil); !strings.Contains(string(a.Body), `"password_required":false`) {
			p.Errorf("%s", a.Body)
		}
		p.must(200, "", "POST", "/v2/auth/confirmation", object{"confirmation_token": token})
		p.signIn(200, "bob", fresh)

		token = p.promise("bob", (*auth.Auth).Confirm).Token(p)
		p.clock.Move(3 * 24 * time.Hour)
		p.spent("POST", "/v2/auth/confirmation", object{"confirmation_token": token}, "/confirmation_token")
		p.refused(422, "", "GET", "/v2/auth/confirmation", nil)
		p.noSecret(token, first, fresh, "vdc_")
	})
}

// spent is refused for a token that is good no more.
func (p *program) spent(method, path string, body any, pointer string) {
	p.Helper()
	if x := p.refused(422, "", method, path, body); !x.names(pointer, "token_spent") {
		p.Errorf("%s %s: %+v", method, path, x)
	}
}

func TestInvitation(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		acme := p.organization("admin", "acme", access.Manager)
		p.person(acme, "eve")
		mail := p.promise("eve", (*auth.Auth).Invite)
		token := mail.Token(p)
		if mail.Subject != "You are invited to acme" || !strings.Contains(mail.Text, p.app.Config.BaseURL+"/invitation?invitation_token="+token) {
			p.Errorf("%s", mail.Raw)
		}
		var check struct {
			Email        string
			Organization struct{ ID, Name string }
		}
		p.must(200, "", "GET", "/v2/auth/invitation?invitation_token="+token, nil).decode(p, &check)
		if check.Email != "eve@example.com" || check.Organization.ID != acme || check.Organization.Name != "acme" {
			p.Errorf("%+v", check)
		}
		accept := object{"invitation_token": token, "password": fresh, "first_name": "Eve", "last_name": "Holt"}
		p.refused(422, "", "PUT", "/v2/auth/invitation", object{"invitation_token": token})
		p.exec("update users set locked_at = 1 where username = 'eve'")
		p.spent("GET", "/v2/auth/invitation?invitation_token="+token, nil, "invitation_token")
		p.exec("update users set locked_at = null where username = 'eve'")
		if got := p.parallel(2, func(int) int { return p.call("", "PUT", "/v2/auth/invitation", accept).Status }); got[200] != 1 || got[422] != 1 {
			p.Errorf("two acceptances: %v", got)
		}
		p.signIn(200, "eve", fresh)
		var list struct {
			Data []struct{ Attributes map[string]any }
		}
		p.must(200, "manager@acme", "GET", "/v2/users?q[username]=eve", nil).decode(p, &list)
		if a := list.Data[0].Attributes; len(list.Data) != 1 || a["first_name"] != "Eve" || a["last_name"] != "Holt" || a["confirmed_at"] == nil {
			p.Errorf("%v", a)
		}
		p.spent("PUT", "/v2/auth/invitation", accept, "/invitation_token")
		p.spent("GET", "/v2/auth/invitation?invitation_token="+token, nil, "invitation_token")
	})
}

// TestForgottenPassword: the answer tells nobody who has an account, and the link ends all that was open.
func TestForgottenPassword(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "acme", access.Manager, access.User)
		const to = "manager@acme.example"
		forgot := func(email string) string {
			return string(p.must(200, "", "POST", "/v2/auth/password", object{"email": email}).Body)
		}
		known := forgot(" Manager@ACME.example ")
		for _, email := range []string{"nobody@acme.example", "admin", "", "no address\r\nBcc: x@y.example", "manager@acme"} {
			if got := forgot(email); got != known {
				p.Errorf("%q is answered %s, a user %s", email, got, known)
			}
		}
		mail := p.mail.Wait(p, to, 1)
		one := mail.Token(p)
		if mail.Subject != "Choose a new password" || !strings.Contains(mail.Text, p.app.Config.BaseURL+"/password?reset_password_token="+one) {
			p.Errorf("%s", mail.Raw)
		}
		var access struct{ Token string }
		p.must(200, "manager@acme", "PUT", "/v2/user/generate_access_token", nil).decode(p, &access)
		session := p.token("manager@acme")
		for range 5 { // as many as one may have, and no more
			forgot(to)
		}
		three := p.mail.Wait(p, to, 3).Token(p)
		p.exec("update users set locked_at = 1 where username = 'user@acme'")
		forgot("user@acme.example")

		reset := func(token, password string) object {
			return object{"reset_password_token": token, "password": password}
		}
		if x := p.refused(422, "", "PUT", "/v2/auth/password", reset(one, "short")); !x.names("/password", "too_short") {
			p.Errorf("%+v", x)
		}
		p.spent("PUT", "/v2/auth/password", reset(one+"x", fresh), "/reset_password_token")
		for range 6 {
			p.call("", "POST", "/v2/auth/sign_in", object{"username": to, "password": "wrong"})
		}
		p.must(200, "", "PUT", "/v2/auth/password", reset(one, fresh))
		p.spent("PUT", "/v2/auth/password", reset(one, "a third sentence for all"), "/reset_password_token")
		p.spent("PUT", "/v2/auth/password", reset(three, "a third sentence for all"), "/reset_password_token")
		for _, token := range []string{session, access.Token} {
			p.refused(401, "", "GET", "/v2/user/me", nil, bearer(token)...)
		}
		p.signIn(200, to, fresh)
		p.signIn(401, to, password)
		if notice := p.mail.Wait(p, to, 4); notice.Subject != "Your password was changed" || !strings.Contains(notice.Text, "From address: ") || strings.Contains(notice.Text, "_token=") {
			p.Errorf("%s", notice.Raw)
		}
		delete(p.tokens, "manager@acme")
		forgot(to)
		late := p.mail.Wait(p, to, 5).Token(p)
		p.clock.Move(time.Hour)
		p.spent("PUT", "/v2/auth/password", reset(late, "a third sentence for all"), "/reset_password_token")
		if n := len(p.mail.To(to)); n != 5 {
			p.Errorf("%d mails", n)
		}
		if n := len(p.mail.To("user@acme.example")); n != 0 {
			p.Errorf("a locked user gets %d mails", n)
		}
		p.noSecret(one, three, late, fresh, "vdp_")
		if strings.Contains(p.log.String(), one) || strings.Contains(p.log.String(), late) {
			p.Error("the log holds a token")
		}
	})
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "acme", access.Manager)
		const m, to = "manager@acme", "manager@acme.example"
		var other signedIn
		p.signIn(200, m, password).decode(p, &other)
		p.must(200, "", "POST", "/v2/auth/password", object{"email": to})
		link := p.mail.Wait(p, to, 1).Token(p)
		change := func(current, next string) object { return object{"current_password": current, "password": next} }
		for pointer, body := range map[string]object{"/current_password": change("wrong", fresh), "/password": change(password, "password123")} {
			if x := p.refused(422, m, "PUT", "/v2/user/change_password", body); len(x.Errors) != 1 || x.Errors[0].Pointer != pointer {
				p.Errorf("%+v", x)
			}
		}
		p.refused(422, m, "PUT", "/v2/user/change_password", object{"password": fresh})
		var access struct{ Token string }
		p.must(200, m, "PUT", "/v2/user/generate_access_token", nil).decode(p, &access)
		p.must(200, m, "PUT", "/v2/user/change_password", change(password, fresh))
		p.must(200, m, "GET", "/v2/user/me", nil)
		p.must(200, "", "GET", "/v2/user/me", nil, bearer(access.Token)...)
		p.refused(401, "", "GET", "/v2/user/me", nil, bearer(other.Token)...)
		p.spent("PUT", "/v2/auth/password", object{"reset_password_token": link, "password": "a third sentence for all"}, "/reset_password_token")
		p.signIn(401, m, password)
		p.signIn(200, m, fresh)
		if notice := p.mail.Wait(p, to, 2); notice.Subject != "Your password was changed" {
			p.Errorf("%s", notice.Raw)
		}
		for range 4 {
			p.refused(422, m, "PUT", "/v2/user/change_password", change("wrong", fresh))
		}
		p.must(422, m, "PUT", "/v2/user/change_password", change("wrong", fresh))
		p.must(429, m, "PUT", "/v2/user/change_password", change("wrong", fresh))
		p.first(m, "/v2/audit/events?q[action]=changePassword")
	})
}

// TestChangedAddress: another address needs the password, and proof that the mailbox is the user's.
func TestChangedAddress(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "acme", access.Manager, access.User)
		const m, old, next = "manager@acme", "manager@acme.example", "ada@new.example"
		change := func(email, password string) object {
			return object{"user": object{"email": email, "current_password": password, "first_name": "Ada"}}
		}
		for _, wrong := range []string{"", "wrong"} {
			if x := p.refused(422, m, "PUT", "/v2/user/me", change(next, wrong)); !x.names("/user/current_password", "wrong") {
				p.Errorf("%+v", x)
			}
		}
		if x := p.refused(422, m, "PUT", "/v2/user/me", change("no address", password)); !x.names("/user/email", "invalid") {
			p.Errorf("%+v", x)
		}
		p.must(200, m, "PUT", "/v2/user/me", object{"user": object{"email": "Manager@acme.example"}}) // the same in another writing
		a := p.must(200, m, "PUT", "/v2/user/me", change(next, password))
		if !strings.Contains(string(a.Body), `"email":"Manager@acme.example"`) {
			p.Errorf("%s", a.Body)
		}
		p.must(200, "", "POST", "/v2/auth/password", object{"email": old})
		reset := p.mail.Wait(p, "Manager@acme.example", 1).Token(p)
		mail := p.mail.Wait(p, next, 1)
		if mail.Subject != "Confirm your new e-mail address" {
			p.Errorf("%s", mail.Raw)
		}
		p.signIn(401, next, password)
		confirm := object{"confirmation_token": mail.Token(p)}
		p.exec("update users set email_key = ? where username = 'user@acme'", next)
		if x := p.refused(422, "", "POST", "/v2/auth/confirmation", confirm); !x.names("/user/email", "taken") {
			p.Errorf("%+v", x)
		}
		p.exec("update users set email_key = email where username = 'user@acme'")
		p.must(200, "", "POST", "/v2/auth/confirmation", confirm)
		p.signIn(200, next, password)
		p.signIn(401, old, password)
		p.spent("PUT", "/v2/auth/password", object{"reset_password_token": reset, "password": fresh}, "/reset_password_token")
		if notice := p.mail.Wait(p, "Manager@acme.example", 2); notice.Subject != "Your e-mail address was changed" || !strings.Contains(notice.Text, next) {
			p.Errorf("%s", notice.Raw)
		}
		all := p.events(m, "?q[action]=confirmUser")
		if len(all) != 1 || string(all[0].Changes.Before) != `{"email":"Manager@acme.example"}` || string(all[0].Changes.After) != `{"email":"`+next+`"}` {
			p.Errorf("%+v", all)
		}
	})
}
