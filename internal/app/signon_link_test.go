package app

import (
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
)

// madeLink is what Create a single-sign-on link answers.
type madeLink struct {
	Link      string
	Token     string `json:"single_sign_on_token"`
	ExpiresAt string `json:"expires_at"`
}

func (p *program) linkPath(user string) string {
	p.Helper()
	return "/v2/users/" + p.userID(user) + "/single_sign_on_link"
}

// signOnLink made for a user by another.
func (p *program) signOnLink(by, user string) madeLink {
	p.Helper()
	var l madeLink
	p.must(200, by, "POST", p.linkPath(user), nil).decode(p, &l)
	return l
}

const byLink = "/v2/auth/single_sign_on"

// followLink signs in.
func (p *program) followLink(token string) signedIn {
	p.Helper()
	var in signedIn
	p.must(200, "", "POST", byLink, object{"single_sign_on_token": token}).decode(p, &in)
	return in
}

func (p *program) linkSpent(token string) {
	p.Helper()
	p.spent("POST", byLink, object{"single_sign_on_token": token}, "/single_sign_on_token")
}

func TestSingleSignOnLink(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "partner", access.Partner, access.User)
		p.organization("admin", "strange", access.Partner)
		acme := p.organization("partner@partner", "acme", access.Manager, access.User)
		p.token(manager) // by password, while no address waits
		l := p.signOnLink("partner@partner", manager)
		if l.Link != p.app.Config.BaseURL+"/single_sign_on?single_sign_on_token="+l.Token || !strings.HasPrefix(l.Token, "vdg_") || !moment.MatchString(l.ExpiresAt) {
			p.Errorf("%+v", l)
		}
		in := p.followLink(l.Token)
		if in.Token == "" || in.User.Username != manager {
			p.Errorf("%+v", in)
		}
		p.must(200, "", "GET", "/v2/targets", nil, bearer(in.Token)...)
		p.linkSpent(l.Token)
		p.linkSpent("vdg_unknown")
		p.linkSpent(in.Token)
		p.refused(422, "", "POST", byLink, object{})
		p.linkTold(l, in)
		p.linksNotMade(acme)
		p.linksEnd()
		p.linkRace()
		p.linkAndFactor()
		p.linkGuesses()
	})
}

// linkTold: both audit trails know who made it for whom, the sign-in whose it was, and so does the list of sessions.
func (p *program) linkTold(l madeLink, in signedIn) {
	p.Helper()
	for _, by := range []string{"partner@partner", manager} {
		all := p.events(by, "?q[action]=createSignOnLink")
		if len(all) != 1 || all[0].Actor.Username != "partner@partner" || all[0].Resource.Name != manager || all[0].IP == "" {
			p.Errorf("%s reads %+v", by, all)
		}
	}
	want := `{"single_sign_on_link_by":{"id":"` + p.userID("partner@partner") + `","username":"partner@partner"}}`
	if all := p.events(manager, "?q[action]=signInByLink"); len(all) != 1 || all[0].Actor.Username != manager || string(all[0].Changes.After) != want {
		p.Errorf("%+v", all)
	}
	var sessions struct {
		Data []struct {
			Attributes struct {
				Kind    string
				Current bool
				LinkBy  *struct{ Name string } `json:"single_sign_on_link_by"`
			}
		}
	}
	p.must(200, "", "GET", "/v2/user/sessions", nil, bearer(in.Token)...).decode(p, &sessions)
	for _, s := range sessions.Data {
		if a := s.Attributes; a.Kind != "session" || a.Current != (a.LinkBy != nil) || a.LinkBy != nil && a.LinkBy.Name != "partner@partner" {
			p.Errorf("%+v", a)
		}
	}
	p.noSecret(l.Token, in.Token)
}

// linksNotMade: the rules are those of impersonation, and nobody makes one while impersonating.
func (p *program) linksNotMade(acme string) {
	p.Helper()
	ask := func(status int, by, name, code string) {
		p.Helper()
		if x := p.refused(status, by, "POST", p.linkPath(name), nil); x.Code != code {
			p.Errorf("%s for %s: %+v", by, name, x)
		}
	}
	ask(403, manager, "user@acme", "permission_missing")
	ask(403, "partner@partner", "user@partner", "not_below")
	ask(404, "partner@strange", manager, "")
	ask(404, "partner@partner", "admin", "")
	ask(422, "admin", "admin", "")
	p.exec("update users set role = 'admin' where username = 'user@acme'")
	ask(403, "partner@partner", "user@acme", "too_mighty")
	p.exec("update users set role = 'user', locked_at = 1 where username = 'user@acme'")
	ask(409, "partner@partner", "user@acme", "locked")
	p.exec("update users set locked_at = null where username = 'user@acme'")
	p.must(201, "partner@partner", "POST", "/v2/users", object{"user": object{"username": "new", "email": "new@acme.example", "role": "user", "organization": acme, "password": password}})
	ask(409, "partner@partner", "new", "unconfirmed")
	p.tokens["as partner"] = p.impersonate("admin", "partner@partner")
	ask(403, "as partner", manager, "impersonating")
	p.refused(404, "admin", "POST", "/v2/users/no-id/single_sign_on_link", nil)
	if got := p.events(manager, "?q[action]=createSignOnLink"); len(got) != 1 {
		p.Errorf("%+v", got)
	}
}

// linksEnd by time, by a newer one, by what becomes of the user, and with what allowed its maker to make it.
func (p *program) linksEnd() {
	p.Helper()
	link := func() string { p.Helper(); return p.signOnLink("partner@partner", "user@acme").Token }
	token := link()
	p.clock.Move(2*time.Minute - time.Second)
	newer := link()
	p.linkSpent(token)
	p.clock.Move(2*time.Minute - time.Second)
	p.followLink(newer)
	token = link()
	p.clock.Move(2 * time.Minute)
	p.linkSpent(token)

	token = link()
	other := "another " + password
	p.must(200, "user@acme", "PUT", "/v2/user/change_password", object{"current_password": password, "password": other})
	p.linkSpent(token)

	token = link()
	for change, back := range map[string]string{
		"update users set locked_at = 1 where username = 'user@acme'":          "update users set locked_at = null where username = 'user@acme'",
		"update users set role = 'admin' where username = 'user@acme'":         "update users set role = 'user' where username = 'user@acme'",
		"update users set locked_at = 1 where username = 'partner@partner'":    "update users set locked_at = null where username = 'partner@partner'",
		"update users set role = 'manager' where username = 'partner@partner'": "update users set role = 'partner' where username = 'partner@partner'",
	} {
		p.exec(change)
		p.linkSpent(token)
		p.exec(back)
	}
	p.followLink(token)
	p.must(201, "partner@partner", "POST", "/v2/users", object{"user": object{"username": "leaver", "email": "leaver@acme.example", "role": "user",
		"organization": p.id("organizations", "acme"), "password": password, "confirmed": true}})
	token = p.signOnLink("admin", "leaver").Token
	p.must(200, "partner@partner", "DELETE", "/v2/users/"+p.userID("leaver"), nil)
	p.linkSpent(token)
}

// linkRace: of tries at the same time one succeeds.
func (p *program) linkRace() {
	p.Helper()
	p.clock.Move(2 * time.Hour) // what failed until now is forgotten
	token := p.signOnLink("admin", "user@acme").Token
	got := p.parallel(2, func(int) int {
		return p.call("", "POST", byLink, object{"single_sign_on_token": token}).Status
	})
	if got[200] != 1 || got[422] != 1 {
		p.Errorf("two at once: %v", got)
	}
	p.parallel(2, func(int) int { return p.call("admin", "POST", p.linkPath("user@acme"), nil).Status })
	if n := p.rows("select count(*) from mail_links where kind = 'single_sign_on'"); n != 1 {
		p.Errorf("%d links of one user", n)
	}
}

// linkAndFactor: it is the first step alone, and a factor that is required is required.
func (p *program) linkAndFactor() {
	p.Helper()
	p.must(200, manager, "PUT", "/v2/user/organization", object{"organization": object{twoFactorRequired: true}})
	in := p.followLink(p.signOnLink("admin", manager).Token)
	p.confined(bearer(in.Token)...)
	seed, _ := p.installTOTPAsked(manager)
	p.clock.Move(time.Minute)
	half := p.followLink(p.signOnLink("partner@partner", manager).Token)
	if half.Token != "" || half.OTPSessionState == "" || len(half.OTPMethods) != 1 {
		p.Fatalf("no second step: %+v", half)
	}
	p.second(401, half.OTPSessionState, "000000x")
	p.second(200, half.OTPSessionState, p.code(seed, 0)).decode(p, &in)
	p.must(200, "", "GET", "/v2/targets", nil, bearer(in.Token)...)
	if all := p.events(manager, "?q[action]=signIn"); len(all) == 0 || !strings.Contains(string(all[0].Changes.After), `"username":"partner@partner"`) {
		p.Errorf("%+v", all)
	}
}

// linkGuesses make the address wait, as other guesses do.
func (p *program) linkGuesses() {
	p.Helper()
	token := p.signOnLink("admin", "user@acme").Token
	status := 0
	for tries := 0; tries < 40 && status != 429; tries++ {
		status = p.call("", "POST", byLink, object{"single_sign_on_token": "vdg_guess"}).Status
	}
	if status != 429 {
		p.Errorf("guesses end with %d", status)
	}
	p.must(429, "", "POST", byLink, object{"single_sign_on_token": token})
	p.clock.Move(2 * time.Hour)
	p.followLink(p.signOnLink("admin", "user@acme").Token)
}
