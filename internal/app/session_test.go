package app

import (
	"bytes"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

type sessionRow struct {
	ID         string
	Attributes struct {
		Kind, IP  string
		Current   bool
		UserAgent string `json:"user_agent"`
	}
}

func (p *program) sessions(user string) []sessionRow {
	p.Helper()
	var list struct{ Data []sessionRow }
	p.must(200, user, "GET", "/v2/user/sessions?sort_by=created_at", nil).decode(p, &list)
	return list.Data
}

// TestSessions are seen and ended by whose they are, and by nobody else.
func TestSessions(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "acme", access.Manager, access.User)
		const m = "manager@acme"
		p.token(m)
		p.must(200, m, "PUT", "/v2/user/generate_access_token", nil)
		var second, third signedIn
		p.clock.Move(time.Second)
		p.must(200, "", "POST", "/v2/auth/sign_in", object{"username": m, "password": password}, "User-Agent", "curl/8").decode(p, &second)
		p.clock.Move(time.Second)
		p.signIn(200, m, password).decode(p, &third)
		all := p.sessions(m)
		if len(all) != 3 || !all[0].Attributes.Current || all[1].Attributes.Current || all[1].Attributes.UserAgent != "curl/8" || all[1].Attributes.Kind != "session" || all[1].Attributes.IP == "" {
			p.Fatalf("%+v", all)
		}
		a := p.must(200, m, "GET", "/v2/user/sessions", nil)
		for _, secret := range []string{p.tokens[m], "vds_", "hash"} {
			if bytes.Contains(a.Body, []byte(secret)) {
				p.Errorf("the list tells %s", a.Body)
			}
		}
		theirs := p.sessions("user@acme")[0].ID
		p.refused(404, m, "DELETE", "/v2/user/sessions/"+theirs, nil)
		p.refused(404, "user@acme", "DELETE", "/v2/user/sessions/"+all[1].ID, nil)
		p.refused(404, m, "DELETE", "/v2/user/sessions/none", nil)
		p.must(200, m, "DELETE", "/v2/user/sessions/"+all[1].ID, nil)
		p.refused(401, "", "GET", "/v2/user/me", nil, bearer(second.Token)...)
		p.refused(404, m, "DELETE", "/v2/user/sessions/"+all[1].ID, nil)
		var ended struct{ Ended int }
		p.must(200, m, "DELETE", "/v2/user/sessions", nil).decode(p, &ended)
		if left := p.sessions(m); ended.Ended != 1 || len(left) != 1 || !left[0].Attributes.Current {
			p.Errorf("%d ended, %+v left", ended.Ended, left)
		}
		p.refused(401, "", "GET", "/v2/user/me", nil, bearer(third.Token)...)
		p.must(200, "user@acme", "GET", "/v2/user/me", nil)
		p.clock.Move(13 * time.Hour)
		delete(p.tokens, m)
		if all := p.sessions(m); len(all) != 1 {
			p.Errorf("expired sign-ins are listed: %+v", all)
		}
	})
}

// TestUnusedSessions end an hour after they were last used, twelve after they began; the access token does not.
func TestUnusedSessions(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			p := start(t, dialect, "VEDETTE_API_TOKEN_IDLE=1h")
			p.organization("admin", "acme", access.Manager)
			const m = "manager@acme"
			var never struct{ Token string }
			p.must(200, m, "PUT", "/v2/user/generate_access_token", nil).decode(p, &never)
			var used, unused signedIn
			p.signIn(200, m, password).decode(p, &used)
			p.signIn(200, m, password).decode(p, &unused)
			for range 3 {
				p.clock.Move(59 * time.Minute)
				p.must(200, "", "GET", "/v2/user/me", nil, bearer(used.Token)...)
			}
			if x := p.refused(401, "", "GET", "/v2/user/me", nil, bearer(unused.Token)...); x.Code != "token_invalid" {
				p.Errorf("%+v", x)
			}
			var list struct{ Data []sessionRow }
			p.must(200, "", "GET", "/v2/user/sessions", nil, bearer(used.Token)...).decode(p, &list)
			if len(list.Data) != 1 || !list.Data[0].Attributes.Current {
				p.Errorf("sign-ins that went unused are listed: %+v", list.Data)
			}
			p.clock.Move(time.Hour)
			p.refused(401, "", "GET", "/v2/user/me", nil, bearer(used.Token)...)
			p.must(200, "", "GET", "/v2/user/me", nil, basic(never.Token)...)
			p.signIn(200, m, password).decode(p, &used)
			for range 12 {
				p.must(200, "", "GET", "/v2/user/me", nil, bearer(used.Token)...)
				p.clock.Move(59 * time.Minute)
			}
			p.must(200, "", "GET", "/v2/user/me", nil, bearer(used.Token)...)
			p.clock.Move(12 * time.Minute)
			p.refused(401, "", "GET", "/v2/user/me", nil, bearer(used.Token)...)
		})
	}
}
