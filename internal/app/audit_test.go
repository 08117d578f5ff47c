package app

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/domain/audit"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
)

type audited struct {
	ID, Action, IP string
	UserAgent      string `json:"user_agent"`
	RequestID      string `json:"request_id"`
	Organization   struct{ ID string }
	Actor          *struct{ ID, Username string }
	Resource       struct{ Type, ID, Name string }
	Changes        struct{ Before, After json.RawMessage }
	Hash           string
	PreviousHash   string `json:"previous_hash"`
}

func (p *program) events(by, query string) []audited {
	p.Helper()
	var list struct {
		Data []struct{ Attributes audited }
	}
	p.must(200, by, "GET", "/v2/audit/events"+query, nil).decode(p, &list)
	var all []audited
	for _, d := range list.Data {
		all = append(all, d.Attributes)
	}
	return all
}

// TestAudit: every change leaves one line, no line tells a secret, and a line that was touched shows.
func TestAudit(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		org := p.organization("admin", "acme", access.Manager)
		p.organization("admin", "side", access.Manager)
		const m, secret = "manager@acme", "correct horse battery staple 42"
		p.token(m)
		last := ""
		one := func(action, method, path string, body any, before, after bool) audited {
			p.Helper()
			n := len(p.events(m, "?per_page=500"))
			a := p.call(m, method, path, body, "User-Agent", "story/1")
			if a.Status >= 300 {
				p.Fatalf("%s: %d %s", action, a.Status, a.Body)
			}
			all := p.events(m, "?per_page=500")
			e := all[0]
			if len(all) != n+1 || e.Action != action || e.Actor == nil || e.Actor.Username != m || e.RequestID != a.Header.Get("X-Request-Id") || e.UserAgent != "story/1" || e.IP == "" ||
				e.Organization.ID != org || (string(e.Changes.Before) != "null") != before || (string(e.Changes.After) != "null") != after {
				p.Errorf("%s leaves %d lines, the last %+v %s %s", action, len(all)-n, e, e.Changes.Before, e.Changes.After)
			}
			last = a.Header.Get("Location")
			return e
		}
		target := object{"target": object{"name": `a "quoted" 'name' \u0000`, "hosts": []string{"192.0.2.1"}, "comment": "first <b> & ä", "scope_attestation": object{"accepted": true, "name": "Ada", "title": "CTO"},
			"credentials": []object{{"kind": "ssh", "username": "scan", "password": secret}}}}
		one("createTarget", "POST", "/v2/targets", target, false, true)
		path := last
		e := one("updateTarget", "PUT", path, object{"target": object{"comment": "second"}}, true, true)
		if !bytes.Contains(e.Changes.Before, []byte("first")) || !bytes.Contains(e.Changes.After, []byte("second")) {
			p.Errorf("an update: %s, %s", e.Changes.Before, e.Changes.After)
		}
		one("createUser", "POST", "/v2/users", object{"user": object{"email": "new@acme.example", "role": "user", "password": secret}}, false, true)
		one("updateMe", "PUT", "/v2/user/me", object{"user": object{"first_name": "Ada"}}, true, true)
		one("changeProduct", "PUT", "/v2/user/change_product?product_code=pci", nil, true, true)
		one("createScan", "POST", "/v2/scans", object{"scan": object{"name": "web", "target": path[len("/v2/targets/"):]}}, false, true)
		scan := last
		one("startScan", "POST", scan+"/start", nil, false, true)
		one("stopScan", "POST", scan+"/stop", nil, false, true)
		one("deleteScan", "DELETE", scan, nil, true, false)
		one("deleteTargets", "DELETE", "/v2/targets", object{"ids": []string{path[len("/v2/targets/"):]}}, true, false)
		one("generateAccessToken", "PUT", "/v2/user/generate_access_token", nil, false, false)
		n := len(p.events(m, "?per_page=500"))
		p.must(422, m, "POST", "/v2/targets", newTarget(""))
		p.must(404, m, "DELETE", path, nil)
		p.must(200, m, "GET", "/v2/targets", nil)
		if got := len(p.events(m, "?per_page=500")); got != n {
			p.Errorf("what changed nothing leaves %d lines", got-n)
		}
		p.first(m, "/v2/audit/events?q[action]=createTarget&q[resource_type]=target&q[actor]="+m)
		p.noSecret(secret, password)
		p.chain(org)
	})
}

// noSecret looks for texts in every row of the trail and of the events.
func (p *program) noSecret(secrets ...string) {
	p.Helper()
	err := p.app.DB.Read(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
		for _, column := range []string{"audit_events.changes", "audit_events.resource_name", "audit_events.user_agent", "events.data", "river_job.args", "idempotency_keys.answer", "target_credentials.secret", "users.password_hash", "tokens.hash", "mail_links.hash", "api_keys.hash"} {
			table, name, _ := strings.Cut(column, ".")
			var all []string
			if err := tx.Query(&all, "select coalesce(cast("+name+" as text), '') from "+table); err != nil {
				return err
			}
			for _, row := range all {
				for _, s := range append(secrets, "vds_", "vda_", "argon2id$v") {
					if strings.Contains(row, s) && column != "users.password_hash" {
						p.Errorf("%s holds %s: %s", column, s, row)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		p.Fatal(err)
	}
}

func (p *program) verify(org string) *audit.Event {
	p.Helper()
	var wrong *audit.Event
	err := p.app.DB.Read(context.Background(), access.Job(access.Organization{ID: org, Name: "x"}, "", "", "test"), func(tx *db.Tx) error {
		var err error
		wrong, err = audit.Verify(tx)
		return err
	})
	if err != nil {
		p.Fatal(err)
	}
	return wrong
}

// chain: each tampering shows, and is undone again.
func (p *program) chain(org string) {
	p.Helper()
	for _, o := range []string{org, access.Installation} {
		if e := p.verify(o); e != nil {
			p.Errorf("the chain breaks at %d %s %s", e.Sequence, e.Action, e.Changes)
		}
	}
	tamper := func(statement string) {
		p.Helper()
		err := p.app.DB.Write(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
			_, err := tx.Exec(statement+" and organization_id = ?", org)
			return err
		})
		if err != nil {
			p.Fatal(err)
		}
	}
	for what, s := range map[string][2]string{
		"another actor":  {"update audit_events set actor_name = 'eve' where sequence = 3", "update audit_events set actor_name = 'manager@acme' where sequence = 3"},
		"another time":   {"update audit_events set created_at = created_at + 1 where sequence = 5", "update audit_events set created_at = created_at - 1 where sequence = 5"},
		"another action": {"update audit_events set action = 'x' || action where sequence = 5", "update audit_events set action = substr(action, 2) where sequence = 5"},
		"another home":   {"update audit_events set home_organization_id = id where sequence = 4", "update audit_events set home_organization_id = organization_id where sequence = 4"},
		"a gap":          {"update audit_events set sequence = 1000 where sequence = 4", "update audit_events set sequence = 4 where sequence = 1000"},
		"a lost end":     {"update audit_events set sequence = -1 where sequence = (select sequence from audit_heads where audit_heads.organization_id = audit_events.organization_id)", "update audit_events set sequence = (select sequence from audit_heads where audit_heads.organization_id = audit_events.organization_id) where sequence = -1"},
	} {
		tamper(s[0])
		if p.verify(org) == nil {
			p.Errorf("%s is not found", what)
		}
		tamper(s[1])
		if e := p.verify(org); e != nil {
			p.Errorf("%s is not undone: %+v", what, e)
		}
	}
	tamper(`update audit_events set changes = '{"before":null,"after":{"name":"forged"}}' where sequence = 6`)
	if e := p.verify(org); e == nil || e.Sequence != 6 {
		p.Errorf("forged changes are found at %+v", e)
	}
}
