package app

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
)

func (p *program) signIn(status int, user, password string) answer {
	p.Helper()
	return p.must(status, "", "POST", "/v2/auth/sign_in", object{"username": user, "password": password})
}

func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }
func basic(token string) []string  { return []string{"Authorization", "Basic " + token} }

// alike takes from a problem what differs from request to request.
func alike(p *program, a answer) string {
	var x map[string]any
	a.decode(p, &x)
	delete(x, "request_id")
	var b strings.Builder
	for _, k := range []string{"type", "title", "status", "detail", "code", "instance", "status_text"} {
		b.WriteString(k + "=")
		if v, ok := x[k].(string); ok {
			b.WriteString(v)
		}
		b.WriteString(";")
		delete(x, k)
	}
	b.WriteString(strconv.Itoa(len(x)))
	return b.String()
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "acme", access.Manager, access.User)
		for _, name := range []string{"manager@acme", "MANAGER@ACME", "manager@acme.example", "Manager@Acme.EXAMPLE", "  manager@acme ", "ｍanager@acme"} {
			a := p.signIn(200, name, password)
			var out struct {
				Token     string
				ExpiresAt string `json:"expires_at"`
				User      struct{ ID, Username, Role string }
			}
			a.decode(p, &out)
			if out.Token == "" || !moment.MatchString(out.ExpiresAt) || out.User.Username != "manager@acme" || out.User.Role != "manager" {
				p.Errorf("%s: %s", name, a.Body)
			}
		}
		wrong, unknown := p.signIn(401, "manager@acme", "not this one"), p.signIn(401, "nobody@acme", "not this one")
		if alike(p, wrong) != alike(p, unknown) || wrong.Header.Get("WWW-Authenticate") != unknown.Header.Get("WWW-Authenticate") {
			p.Errorf("a wrong password and an unknown user differ:\n%s\n%s", wrong.Body, unknown.Body)
		}
		p.refused(422, "", "POST", "/v2/auth/sign_in", object{"username": "manager@acme"})
		p.refused(422, "", "POST", "/v2/auth/sign_in", object{"username": "manager@acme\x00", "password": "x"})
		// whoever takes another's address as a user name keeps nobody out
		const theirs = "another sentence, long enough"
		p.organization("admin", "rude", access.Manager)
		p.must(201, "manager@rude", "POST", "/v2/users", object{"user": object{"username": "manager@acme.example", "email": "eve@rude.example", "role": "user", "password": theirs}})
		if a := p.signIn(200, "manager@acme.example", password); !bytes.Contains(a.Body, []byte(`"username":"manager@acme"`)) {
			p.Errorf("signed in as %s", a.Body)
		}
		p.signIn(401, "manager@acme.example", "neither of the two")
		p.tokensEnd()
		p.accessToken()
		p.lockout()
	})
}

func (p *program) tokensEnd() {
	p.Helper()
	var one, two struct {
		Token     string
		ExpiresAt string `json:"expires_at"`
	}
	p.signIn(200, "user@acme", password).decode(p, &one)
	p.signIn(200, "user@acme", password).decode(p, &two)
	a := p.must(200, "", "GET", "/v2/user/valid_token", nil, bearer(one.Token)...)
	if !bytes.Contains(a.Body, []byte(`"valid":true`)) || !bytes.Contains(a.Body, []byte(one.ExpiresAt)) {
		p.Errorf("valid_token: %s", a.Body)
	}
	p.must(200, "", "DELETE", "/v2/auth/sign_out", nil, bearer(one.Token)...)
	p.refused(401, "", "GET", "/v2/user/valid_token", nil, bearer(one.Token)...)
	p.refused(401, "", "DELETE", "/v2/auth/sign_out", nil, bearer(one.Token)...)
	p.must(200, "", "GET", "/v2/user/valid_token", nil, bearer(two.Token)...)
	p.clock.Move(12*time.Hour - time.Minute)
	p.must(200, "", "GET", "/v2/user/valid_token", nil, bearer(two.Token)...)
	p.clock.Move(time.Minute)
	p.refused(401, "", "GET", "/v2/user/valid_token", nil, bearer(two.Token)...)
	p.tokens = map[string]string{}
}

func (p *program) accessToken() {
	p.Helper()
	generate := func() string {
		var out struct{ Token, Username, Message string }
		p.must(200, "user@acme", "PUT", "/v2/user/generate_access_token", nil).decode(p, &out)
		if out.Token == "" || out.Username != "user@acme" || out.Message == "" {
			p.Errorf("%+v", out)
		}
		return out.Token
	}
	first := generate()
	for _, header := range [][]string{basic(first), bearer(first), {"Authorization", "basic " + first}} {
		if a := p.must(200, "", "GET", "/v2/user/valid_token", nil, header...); !bytes.Contains(a.Body, []byte(`"expires_at":null`)) {
			p.Errorf("an access token: %s", a.Body)
		}
	}
	second := generate()
	p.refused(401, "", "GET", "/v2/user/me", nil, basic(first)...)
	p.must(200, "", "GET", "/v2/user/me", nil, basic(second)...)
	p.clock.Move(400 * 24 * time.Hour)
	p.must(200, "", "GET", "/v2/user/me", nil, basic(second)...)
	p.tokens = map[string]string{}
	p.must(200, "user@acme", "PUT", "/v2/user/revoke_access_token", nil)
	p.refused(401, "", "GET", "/v2/user/me", nil, basic(second)...)
	p.must(200, "user@acme", "PUT", "/v2/user/revoke_access_token", nil)
}

// lockout makes an account wait longer with each failure, and lets it in again once it waited.
func (p *program) lockout() {
	p.Helper()
	p.clock.Move(25 * time.Hour) // what happened before is forgotten
	for range 5 {
		p.signIn(401, "manager@acme", "wrong again")
	}
	last := 0
	for round := range 4 {
		a := p.signIn(429, "manager@acme", password)
		wait, err := strconv.Atoi(a.Header.Get("Retry-After"))
		if err != nil || wait <= last {
			p.Errorf("round %d waits %q after %d", round, a.Header.Get("Retry-After"), last)
		}
		last = wait
		p.clock.Move(time.Duration(wait)*time.Second + time.Millisecond)
		if round < 3 {
			p.signIn(401, "MANAGER@acme", "wrong again")
		}
	}
	p.signIn(200, "manager@acme", password)
	for range 30 {
		p.call("", "POST", "/v2/auth/sign_in", object{"username": "user@acme", "password": "wrong"})
		p.clock.Move(time.Hour)
	}
	p.signIn(200, "user@acme", password)
}

func TestPermissionsAndProducts(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.must(201, "admin", "POST", "/v2/organizations", object{"organization": object{"name": "lean", "skip_default_subscription": true, "plans": []object{{"plan": "pci-default"}}}})
		org := p.first("admin", "/v2/organizations?q[name]=lean")
		for _, role := range []access.Role{access.Manager, access.Auditor} {
			p.must(201, "admin", "POST", "/v2/users", object{"user": object{"username": string(role) + "@lean", "email": string(role) + "@lean.example", "role": role, "organization": org, "password": password}})
		}
		const m = "manager@lean"
		a := p.must(200, m, "GET", "/v2/user/permissions?permissions=TARGET_ACCESS,%20SCAN_RUN", nil)
		if len(a.Body) != 0 {
			p.Errorf("all held, and the answer is %q", a.Body)
		}
		for _, missing := range []string{"ADMIN_ACCESS", "TARGET_ACCESS,ADMIN_ACCESS", "NONSENSE", "public", ",", "target_access"} {
			if x := p.refused(401, m, "GET", "/v2/user/permissions?permissions="+missing, nil); x.Code != "permission_missing" {
				p.Errorf("%s: %+v", missing, x)
			}
		}
		var held struct{ Permissions []access.Permission }
		p.must(200, "auditor@lean", "GET", "/v2/user/permissions", nil).decode(p, &held)
		for _, code := range held.Permissions {
			if !access.Allows(access.Auditor, code) {
				p.Errorf("an auditor holds %s", code)
			}
		}
		if len(held.Permissions) == 0 {
			p.Error("an auditor holds nothing")
		}
		p.refused(403, m, "PUT", "/v2/user/change_product?product_code=vrms", nil)
		if x := p.refused(403, m, "PUT", "/v2/user/change_product", object{"product_code": "vrms"}); x.Code != "subscription_required" {
			p.Errorf("%+v", x)
		}
		p.refused(422, m, "PUT", "/v2/user/change_product?product_code=shoes", nil)
		p.refused(422, m, "PUT", "/v2/user/change_product", nil)
		if a := p.must(200, m, "PUT", "/v2/user/change_product?product_code=pci", nil); strings.TrimSpace(string(a.Body)) != `{"active_product":"pci"}` {
			p.Errorf("change_product: %s", a.Body)
		}
		if x := p.refused(403, m, "POST", "/v2/targets?product=vrms", newTarget("x")); x.Code != "subscription_required" {
			p.Errorf("%+v", x)
		}
		p.must(200, m, "GET", "/v2/targets?product=vrms", nil)
		p.must(200, "admin", "PUT", "/v2/user/preferences/product", object{"product_code": "vrms"})
		var me struct {
			Data struct{ Attributes map[string]any }
		}
		p.must(200, "admin", "GET", "/v2/user/me?products=true&details=true&current_plan=true", nil).decode(p, &me)
		if me.Data.Attributes["active_product"] != "vrms" || len(me.Data.Attributes["products"].([]any)) != 3 {
			p.Errorf("me: %v", me)
		}
		for _, known := range []string{"id", "username", "role", "email", "locale", "timezone", "organization", "created_at", "updated_at", "last_sign_in_at", "last_sign_in_ip", "sign_in_count", "two_factor_authentication", "incomplete_details"} {
			if _, ok := me.Data.Attributes[known]; !ok {
				p.Errorf("me lacks %s", known)
			}
		}
		p.zones(m)
	})
}

// zones: times without one are the user's.
func (p *program) zones(m string) {
	p.Helper()
	p.refused(422, m, "PUT", "/v2/user/me", object{"user": object{"timezone": "Mars/Olympus"}})
	p.must(200, m, "PUT", "/v2/user/me", object{"user": object{"timezone": "Pacific/Kiritimati"}})
	p.target(m, "now", "192.0.2.1")
	there, err := time.LoadLocation("Pacific/Kiritimati")
	if err != nil {
		p.Fatal(err)
	}
	hour := strings.ReplaceAll(p.clock.Now().In(there).Add(-time.Hour).Format(time.DateTime), " ", "%20")
	p.first(m, "/v2/targets?date_range_start="+hour)
	var list struct{ Data []any }
	if p.must(200, m, "GET", "/v2/targets?date_range_end="+hour, nil).decode(p, &list); len(list.Data) != 0 {
		p.Error("the range ends in another timezone")
	}
}
