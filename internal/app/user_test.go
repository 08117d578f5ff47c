package app

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
)

// userAttributes of an answer, as far as stories look at them.
type userAttributes struct {
	ID, Username, Email, Role string
	Organization              struct{ ID, Name string }
	ConfirmedAt               *string `json:"confirmed_at"`
	FirstName                 string  `json:"first_name"`
	Partner                   bool
}

func (a answer) user(p *program) userAttributes {
	p.Helper()
	var one struct {
		Data struct{ Attributes userAttributes }
	}
	a.decode(p, &one)
	return one.Data.Attributes
}

// problem of an answer: its code, and the codes of its details by pointer.
func (a answer) problem(p *program) (string, map[string]string) {
	p.Helper()
	var problem struct {
		Code   string
		Errors []struct{ Pointer, Code string }
	}
	a.decode(p, &problem)
	details := map[string]string{}
	for _, d := range problem.Errors {
		details[d.Pointer] = d.Code
	}
	return problem.Code, details
}

// wrong makes a request that must be refused for one attribute.
func (p *program) wrong(pointer, code, user, method, path string, body any) {
	p.Helper()
	if _, details := p.must(422, user, method, path, body).problem(p); details[pointer] != code {
		p.Errorf("%s %s %v: %v, want %s at %s", method, path, body, details, code, pointer)
	}
}

// conflict makes a request that must be refused with the code.
func (p *program) conflict(code, user, method, path string, body any) {
	p.Helper()
	if got, _ := p.must(409, user, method, path, body).problem(p); got != code {
		p.Errorf("%s %s: code %s, want %s", method, path, got, code)
	}
}

// idOf a user by name.
func (p *program) idOf(by, name string) string {
	p.Helper()
	return p.first(by, "/v2/users?q[username]='"+name+"'")
}

// links that were promised to a user, by kind.
func (p *program) links(user, kind string) int {
	p.Helper()
	var n int
	err := p.app.DB.Read(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
		return tx.Query(&n, "select count(*) from mail_links where user_id = ? and kind = ?", user, kind)
	})
	if err != nil {
		p.Fatal(err)
	}
	return n
}

// roles makes two partners, each with a manager of its own and a customer named like it.
func twoTrees(p *program) {
	p.Helper()
	for _, name := range []string{"north", "south"} {
		p.organization("admin", "partner-"+name, access.Partner, access.Manager)
		p.organization("partner@partner-"+name, name, access.Manager, access.User, access.Auditor)
	}
}

func TestUserCreate(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		twoTrees(p)
		made := p.must(201, "manager@north", "POST", "/v2/users", object{"user": object{"email": "Grace+scan@north.example", "role": "user", "first_name": "Grace"}})
		u := made.user(p)
		if u.Email != "Grace+scan@north.example" || u.Username != u.Email || u.ConfirmedAt != nil || u.Organization.Name != "north" || u.FirstName != "Grace" {
			p.Errorf("%+v", u)
		}
		if p.links(u.ID, "confirmation") != 1 || made.Header.Get("Location") != "/v2/users/"+u.ID {
			p.Errorf("%d confirmations, at %s", p.links(u.ID, "confirmation"), made.Header.Get("Location"))
		}
		p.refusedUsers()
		p.invitations()
		p.together()
	})
}

// refusedUsers: each mistake is named and makes nobody.
func (p *program) refusedUsers() {
	p.Helper()
	before := p.must(200, "admin", "GET", "/v2/users", nil).Body
	for _, c := range []struct {
		pointer, code string
		user          object
	}{
		{"/user/email", "taken", object{"email": "gRACE+SCAN@north.example"}},
		{"/user/email", "taken", object{"email": "ｇrace+scan@north.example"}}, // full width: one name (NFKC)
		{"/user/email", "invalid", object{"email": "a\u202eb@north.example"}},
		{"/user/email", "invalid", object{"email": "no address"}},
		{"/user/username", "taken", object{"username": "MANAGER@north"}},
		{"/user/username", "taken", object{"username": "ｍanager@north"}},
		{"/user/username", "invalid", object{"username": "ada\u200b"}},
		{"/user/username", "invalid", object{"username": "ada\u202eecila"}},
		{"/user/username", "invalid", object{"username": "a\x07da"}},
		{"/user/first_name", "invalid", object{"first_name": "Ada\u2066"}},
		{"/user/comment", "invalid", object{"comment": "one\x1b[31m"}},
		{"/user/timezone", "unknown", object{"timezone": "Mars/Olympus"}},
		{"/user/role", "too_mighty", object{"role": "partner"}},
		{"/user/role", "too_mighty", object{"role": "admin"}},
		{"/user/confirmed", "forbidden", object{"confirmed": true}},
		{"/user/password", "too_common", object{"password": "password123"}},
	} {
		u := object{"email": "new@north.example", "role": "user"}
		for name, v := range c.user {
			u[name] = v
		}
		p.wrong(c.pointer, c.code, "manager@north", "POST", "/v2/users", object{"user": u})
	}
	p.wrong("/user/role", "elsewhere", "admin", "POST", "/v2/users", object{"user": object{"email": "op@north.example", "role": "admin",
		"organization": p.first("admin", "/v2/organizations?q[name]=north")}})
	if after := p.must(200, "admin", "GET", "/v2/users", nil).Body; string(after) != string(before) {
		p.Errorf("a refused request made somebody:\n%s\n%s", before, after)
	}
}

func (p *program) invitations() {
	p.Helper()
	made := p.must(201, "partner@partner-north", "POST", "/v2/users/invite", object{"user": object{"email": "guest@north.example",
		"organization": p.first("partner@partner-north", "/v2/organizations?q[name]=north"), "first_name": "Guest"}})
	u := made.user(p)
	if u.Role != "user" || u.Organization.Name != "north" || made.Header.Get("Location") != "/v2/users/"+u.ID || p.links(u.ID, "invitation") != 1 {
		p.Errorf("%+v, %d invitations", u, p.links(u.ID, "invitation"))
	}
	p.wrong("/user/role", "too_mighty", "manager@north", "POST", "/v2/users/invite", object{"user": object{"email": "x@north.example", "role": "partner"}})
	p.must(200, "manager@north", "POST", "/v2/users/"+u.ID+"/resend_confirmation", nil)
	if p.links(u.ID, "invitation") != 1 || p.links(u.ID, "confirmation") != 0 {
		p.Error("who is invited is not invited again")
	}
	p.conflict("confirmed", "manager@north", "POST", "/v2/users/"+p.idOf("manager@north", "user@north")+"/resend_confirmation", nil)
	p.must(403, "auditor@north", "POST", "/v2/users/"+u.ID+"/resend_confirmation", nil)
	p.must(404, "manager@south", "POST", "/v2/users/"+u.ID+"/resend_confirmation", nil)
}

// together: of simultaneous creates with one address, one makes a user.
func (p *program) together() {
	p.Helper()
	p.token("manager@north")
	p.token("manager@south")
	var made, refused int
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 8 {
		by := []string{"manager@north", "manager@south"}[i%2]
		all.Go(func() {
			a := p.call(by, "POST", "/v2/users", object{"user": object{"email": []string{"Twin@example.org", "twin@EXAMPLE.org"}[i/4], "role": "user"}})
			mu.Lock()
			defer mu.Unlock()
			switch a.Status {
			case 201:
				made++
			case 422:
				refused++
			default:
				p.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
	all.Wait()
	if made != 1 || refused != 7 {
		p.Errorf("%d were made and %d refused", made, refused)
	}
}

func TestUserUpdate(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		twoTrees(p)
		user := "/v2/users/" + p.idOf("manager@north", "user@north")
		p.must(403, "user@north", "GET", "/v2/users", nil)
		u := p.must(200, "manager@north", "PUT", user, object{"user": object{"role": "manager", "first_name": "Ada", "timezone": "Europe/Vienna"}}).user(p)
		if u.Role != "manager" || u.FirstName != "Ada" {
			p.Errorf("%+v", u)
		}
		p.must(200, "user@north", "GET", "/v2/users", nil) // the session goes on, with the new rights
		p.must(200, "manager@north", "PUT", user, object{"user": object{"role": "auditor", "username": "USER@north"}})
		p.must(403, "user@north", "POST", "/v2/targets", newTarget("mine"))
		p.must(404, "manager@south", "PUT", user, object{"user": object{"first_name": "Eve"}})
		p.must(404, "partner@partner-south", "PUT", user, object{"user": object{"first_name": "Eve"}})
		p.must(403, "auditor@north", "PUT", user, object{"user": object{"first_name": "Eve"}})
		p.must(404, "manager@partner-north", "PUT", user, object{"user": object{"first_name": "Eve"}}) // a manager reaches its own organization alone
		p.must(404, "manager@partner-north", "DELETE", user, nil)
		p.must(200, "partner@partner-north", "PUT", user, object{"user": object{"first_name": "Grace", "confirmed": true}})
		p.must(200, "admin", "PUT", user, object{"user": object{"last_name": "Hopper"}})
		p.wrong("/user", "empty", "manager@north", "PUT", user, object{"user": object{}})
		p.wrong("/user/role", "unknown", "manager@north", "PUT", user, object{"user": object{"role": "king"}})
		p.wrong("/user/role", "too_mighty", "manager@north", "PUT", user, object{"user": object{"role": "partner"}})
		p.wrong("/user/role", "elsewhere", "admin", "PUT", user, object{"user": object{"role": "admin"}})
		p.wrong("/user/email", "taken", "manager@north", "PUT", user, object{"user": object{"email": "MANAGER@north.example"}})
		p.wrong("/user/email", "taken", "manager@north", "PUT", user, object{"user": object{"email": "partner@partner-south.example"}})
		p.wrong("/user/confirmed", "forbidden", "manager@north", "PUT", user, object{"user": object{"confirmed": true}})
		p.wrong("/user/password", "unknown_attribute", "manager@north", "PUT", user, object{"user": object{"password": password}})
		if got := p.must(200, "manager@north", "GET", user, nil).user(p); got.Role != "auditor" || got.FirstName != "Grace" || got.Email != "user@north.example" {
			p.Errorf("a refused change was made: %+v", got)
		}
		p.mightier()
		p.partners()
	})
}

// mightier: nobody changes a user of a role mightier than the own one.
func (p *program) mightier() {
	p.Helper()
	partner := "/v2/users/" + p.idOf("admin", "partner@partner-north")
	for _, body := range []object{{"first_name": "Eve"}, {"role": "user"}, {"email": "eve@example.org"}} {
		p.must(403, "manager@partner-north", "PUT", partner, object{"user": body})
	}
	p.must(403, "manager@partner-north", "DELETE", partner, nil)
	p.must(404, "manager@north", "PUT", partner, object{"user": object{"first_name": "Eve"}}) // stands above
	admin := "/v2/users/" + p.idOf("admin", "admin")
	p.must(404, "partner@partner-north", "PUT", admin, object{"user": object{"first_name": "Eve"}})
	p.must(404, "partner@partner-north", "DELETE", admin, nil)
}

func (p *program) partners() {
	p.Helper()
	manager := "/v2/users/" + p.idOf("admin", "manager@north")
	p.must(403, "partner@partner-north", "PUT", manager+"/set_partner", nil)
	if u := p.must(200, "admin", "PUT", manager+"/set_partner", nil).user(p); u.Role != "partner" || !u.Partner {
		p.Errorf("%+v", u)
	}
	p.must(200, "admin", "PUT", manager+"/set_partner", nil)
	p.organization("manager@north", "below north")
	p.conflict("has_organizations", "admin", "PUT", manager+"/unset_partner", nil)
	p.conflict("has_organizations", "admin", "PUT", manager, object{"user": object{"role": "user"}})
	south := "/v2/users/" + p.idOf("admin", "manager@south")
	p.must(200, "admin", "PUT", south+"/set_partner", nil)
	if u := p.must(200, "admin", "PUT", south+"/unset_partner", nil).user(p); u.Role != "manager" {
		p.Errorf("%+v", u)
	}
	auditor := "/v2/users/" + p.idOf("admin", "auditor@south")
	p.conflict("not_manager", "admin", "PUT", auditor+"/set_partner", nil)
	p.conflict("not_partner", "admin", "PUT", auditor+"/unset_partner", nil)
}

func TestLastAdmin(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		first := "/v2/users/" + p.idOf("admin", "admin")
		var can struct {
			Deletable bool
			Blockers  []struct {
				Type  string
				Count int
			}
		}
		p.must(200, "admin", "GET", "/v2/user/deletable", nil).decode(p, &can)
		if can.Deletable || len(can.Blockers) != 1 || can.Blockers[0].Type != "last_admin" {
			p.Errorf("%+v", can)
		}
		for _, path := range []string{first, "/v2/user/me"} {
			p.conflict("last_admin", "admin", "DELETE", path, nil)
		}
		p.conflict("last_admin", "admin", "PUT", first, object{"user": object{"role": "manager"}})
		p.must(201, "admin", "POST", "/v2/users", object{"user": object{"email": "sleeper@example.org", "role": "admin"}})
		p.conflict("last_admin", "admin", "DELETE", first, nil) // the other can't sign in yet
		p.must(201, "admin", "POST", "/v2/users", object{"user": object{"email": "second@example.org", "role": "admin", "password": password}})
		p.token("admin")
		p.token("second@example.org")
		second := "/v2/users/" + p.idOf("admin", "second@example.org")
		var all sync.WaitGroup
		var statuses [2]int
		for i, c := range [][2]string{{"admin", second}, {"second@example.org", first}} {
			all.Go(func() { statuses[i] = p.call(c[0], "DELETE", c[1], nil).Status })
		}
		all.Wait()
		slices.Sort(statuses[:])
		if statuses[0] != 200 || statuses[1] != 401 && statuses[1] != 404 && statuses[1] != 409 {
			p.Errorf("two who delete each other: %v", statuses)
		}
	})
}

// blockers of a user, as its 409 and deletable tell them.
func (p *program) blockers(by, path string) map[string]int {
	p.Helper()
	var can struct {
		Deletable bool
		Blockers  []struct {
			Type  string
			Count int
		}
	}
	p.must(200, by, "GET", path+"/deletable", nil).decode(p, &can)
	all := map[string]int{}
	for _, b := range can.Blockers {
		all[b.Type] = b.Count
	}
	if can.Deletable != (len(all) == 0) {
		p.Errorf("%+v", can)
	}
	return all
}

func TestUserDeletion(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		twoTrees(p)
		by := "user@north"
		id := p.idOf("manager@north", by)
		path := "/v2/users/" + id
		target := p.target(by, "web", "192.0.2.1")
		p.target(by, "mail", "192.0.2.2")
		p.scan(by, "quarterly", target)
		p.schedule(by, "monthly", object{"first_time": "2099-01-31 10:00:00", "timezone": "UTC"})
		p.must(200, by, "PUT", "/v2/user/generate_access_token", nil)
		p.must(200, by, "PUT", "/v2/user/preferences/notifications/scan_started/enable", nil)
		want := map[string]int{"targets": 2, "scans": 1, "schedules": 1}
		for _, asker := range []string{"manager@north", "partner@partner-north", "admin", "auditor@north"} {
			if got := p.blockers(asker, path); fmt.Sprint(got) != fmt.Sprint(want) {
				p.Errorf("for %s %v stands in the way", asker, got)
			}
		}
		if got := p.blockers(by, "/v2/user"); fmt.Sprint(got) != fmt.Sprint(want) {
			p.Errorf("%v stands in the way", got)
		}
		for _, c := range [][2]string{{"manager@north", path}, {"partner@partner-north", path}, {by, "/v2/user/me"}} {
			code, details := p.must(409, c[0], "DELETE", c[1], nil).problem(p)
			if code != "owns_resources" || len(details) != 3 || details["/blockers/targets"] != "owned" {
				p.Errorf("%s, %v", code, details)
			}
		}
		p.must(404, "manager@south", "GET", path+"/deletable", nil)
		p.must(404, "partner@partner-south", "DELETE", path, nil)
		p.must(403, "auditor@north", "DELETE", path, nil)
		p.inheritance(id, want)
		if got := p.blockers("manager@north", path); len(got) != 0 {
			p.Errorf("%v stands in the way still", got)
		}
		p.must(200, "manager@north", "DELETE", path, nil)
		if a := p.call(by, "GET", "/v2/user/me", nil); a.Status != 401 {
			p.Errorf("a deleted user goes on: %d", a.Status)
		}
		p.must(404, "manager@north", "GET", path, nil)
		p.must(200, "manager@north", "GET", "/v2/targets/"+target, nil)
		p.must(200, "auditor@north", "DELETE", "/v2/user/me", nil)
		p.must(401, "auditor@north", "GET", "/v2/user/me", nil)
		p.told("deleteUser", id)
	})
}

// inheritance moves all that a user owns, within the organization alone.
func (p *program) inheritance(from string, want map[string]int) {
	p.Helper()
	partner := "partner@partner-north"
	manager, auditor := p.idOf(partner, "manager@north"), p.idOf(partner, "auditor@north")
	elsewhere, stranger := p.idOf(partner, "manager@partner-north"), p.idOf("admin", "manager@south")
	inherit := func(to string) string { return "/v2/users/" + to + "/inherit" }
	p.must(403, "manager@north", "PUT", inherit(manager), object{"from": from})
	p.must(403, "manager@north", "PUT", "/v2/user/transfer_resources", object{"from": from, "to": manager})
	p.must(404, partner, "PUT", inherit(manager), object{"from": stranger})
	p.must(404, partner, "PUT", inherit(stranger), object{"from": from})
	p.must(404, "partner@partner-south", "PUT", "/v2/user/transfer_resources", object{"from": from, "to": stranger})
	p.wrong("/from", "same", partner, "PUT", inherit(from), object{"from": from})
	p.wrong("/from", "other_organization", partner, "PUT", inherit(elsewhere), object{"from": from})
	p.wrong("/from", "other_organization", "admin", "PUT", "/v2/user/transfer_resources", object{"from": from, "to": stranger})
	p.wrong("/id", "reads_only", partner, "PUT", inherit(auditor), object{"from": from})
	p.wrong("/to", "reads_only", partner, "PUT", "/v2/user/transfer_resources", object{"from": from, "to": auditor})
	moved := func(path string, body object) {
		p.Helper()
		var out struct{ Transferred map[string]int }
		p.must(200, partner, "PUT", path, body).decode(p, &out)
		for kind, n := range out.Transferred {
			if n != want[kind] {
				p.Errorf("%d %s were moved, want %d", n, kind, want[kind])
			}
		}
		if len(out.Transferred) < len(want) {
			p.Errorf("%v were moved", out.Transferred)
		}
	}
	moved(inherit(manager), object{"from": from})
	moved("/v2/user/transfer_resources", object{"from": manager, "to": from})
	moved("/v2/user/transfer_resources", object{"from": strings.ToUpper(from), "to": manager})
	p.told("inheritUser", manager)
}

// told: the audit trail of some organization has an entry of the operation about the resource, with what was there before.
func (p *program) told(action, resource string) {
	p.Helper()
	var n int
	err := p.app.DB.Read(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
		return tx.Query(&n, "select count(*) from audit_events where action = ? and resource_id = ? and changes->>'before' is not null", action, resource)
	})
	if err != nil || n != 1 {
		p.Errorf("%d entries of %s, %v", n, action, err)
	}
}

func TestUserMoves(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		twoTrees(p)
		partner := "partner@partner-north"
		other := p.organization(partner, "annex")
		user := "/v2/users/" + p.idOf(partner, "user@north")
		moved := object{"user": object{"organization": other}}
		p.must(200, "user@north", "PUT", "/v2/user/preferences/notifications/scan_started/enable", nil)
		target := p.target("user@north", "web", "192.0.2.1")
		p.conflict("owns_resources", partner, "PUT", user, moved)
		p.must(200, "manager@north", "DELETE", "/v2/targets/"+target, nil)
		p.must(404, "manager@north", "PUT", user, moved)
		p.must(404, partner, "PUT", user, object{"user": object{"organization": p.first("admin", "/v2/organizations?q[name]=south")}})
		p.must(404, partner, "PUT", user, object{"user": object{"organization": "nowhere"}})
		if u := p.must(200, partner, "PUT", user, moved).user(p); u.Organization.Name != "annex" {
			p.Errorf("%+v", u)
		}
		me := p.must(200, "user@north", "GET", "/v2/user/me", nil) // the session went along
		if !strings.Contains(string(me.Body), "annex") {
			p.Errorf("%s", me.Body)
		}
		if list := p.must(200, "user@north", "GET", "/v2/user/preferences/notifications", nil); !strings.Contains(string(list.Body), `"event":"scan_started","in_app":true,"email":true`) {
			p.Errorf("preferences stayed behind: %s", list.Body)
		}
		p.must(404, "manager@north", "GET", user, nil)
		p.must(200, partner, "GET", "/v2/users?q[organization]="+other, nil)
		var users int
		err := p.app.DB.Read(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
			return tx.Query(&users, "select count(*) from users where organization_id = ?", other)
		})
		if err != nil || users != 1 {
			p.Errorf("%d users are in the annex, %v", users, err)
		}
		p.conflict("has_organizations", "admin", "PUT", "/v2/users/"+p.idOf("admin", partner), moved)
		p.wrong("/user/role", "elsewhere", "admin", "PUT", "/v2/users/"+p.idOf("admin", "admin"), moved)
	})
}

func TestOwnSurroundings(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		twoTrees(p)
		var list struct {
			Data []struct {
				ID, Type   string
				Attributes struct {
					Event, Description string
					InApp              bool `json:"in_app"`
					Email              bool
				}
			}
		}
		p.must(200, "auditor@north", "GET", "/v2/user/preferences/notifications", nil).decode(p, &list)
		if len(list.Data) != 11 || list.Data[1].ID != "scan_completed" || list.Data[1].Type != "notification_preference" || !list.Data[1].Attributes.Email {
			p.Errorf("%+v", list)
		}
		p.shortLists("manager@north")
		turn := func(path string, inApp, email bool) {
			p.Helper()
			var one struct {
				Data struct {
					Attributes struct {
						InApp bool `json:"in_app"`
						Email bool
					}
				}
			}
			p.must(200, "auditor@north", "PUT", "/v2/user/preferences/notifications/"+path, nil).decode(p, &one)
			if a := one.Data.Attributes; a.InApp != inApp || a.Email != email {
				p.Errorf("%s: %+v", path, a)
			}
		}
		turn("scan_completed/disable?channel=email", true, false)
		turn("scan_completed/disable", false, false)
		turn("scan_completed/enable?channel=in_app", true, false)
		turn("scan_started/enable?channel=email", false, true)
		p.must(404, "auditor@north", "PUT", "/v2/user/preferences/notifications/full_moon/enable", nil)
		p.must(422, "auditor@north", "PUT", "/v2/user/preferences/notifications/scan_started/enable?channel=pigeon", nil)
		if a := p.must(200, "user@north", "GET", "/v2/user/preferences/notifications", nil); !strings.Contains(string(a.Body), `"event":"scan_started","in_app":false,"email":false`) {
			p.Errorf("one's choice is another's: %s", a.Body)
		}
		p.ownOrganization()
	})
}

func (p *program) ownOrganization() {
	p.Helper()
	var members struct {
		Data []struct{ Attributes userAttributes }
	}
	p.must(200, "user@north", "GET", "/v2/user/members?sort_by=-username", nil).decode(p, &members)
	var names []string
	for _, m := range members.Data {
		names = append(names, m.Attributes.Username)
	}
	if fmt.Sprint(names) != "[user@north manager@north auditor@north]" {
		p.Errorf("members are %v", names)
	}
	p.must(200, "partner@partner-north", "GET", "/v2/user/members", nil).decode(p, &members)
	if len(members.Data) != 2 {
		p.Errorf("the members of a partner are its own organization's: %+v", members)
	}
	organization := func(a answer) (name, city string) {
		var one struct {
			Data struct{ Attributes struct{ Name, City string } }
		}
		a.decode(p, &one)
		return one.Data.Attributes.Name, one.Data.Attributes.City
	}
	if name, _ := organization(p.must(200, "auditor@north", "GET", "/v2/user/organization", nil)); name != "north" {
		p.Errorf("%s", name)
	}
	p.must(403, "user@north", "PUT", "/v2/user/organization", object{"organization": object{"city": "Vienna"}})
	if _, city := organization(p.must(200, "manager@north", "PUT", "/v2/user/organization", object{"organization": object{"city": "Vienna"}})); city != "Vienna" {
		p.Errorf("%s", city)
	}
	p.must(http.StatusUnprocessableEntity, "manager@north", "PUT", "/v2/user/organization", object{"organization": object{"name": "a\u202eb"}})
}

// shortLists have pages, and attributes with an id, like all others.
func (p *program) shortLists(by string) {
	p.Helper()
	for path, count := range map[string]int{"/v2/user/preferences/notifications": 11, "/v2/user/products": 3, "/v2/user/active_plans": 3,
		"/v2/user/subscriptions_history": 3, "/v2/scan_profiles": 6} {
		var seen []string
		for next := path + "?per_page=2"; next != ""; {
			var list struct {
				Data []struct {
					ID         string
					Attributes struct{ ID string }
				}
				Meta struct {
					Pagination struct {
						Total  int     `json:"total_count"`
						Cursor *string `json:"next_cursor"`
					}
				}
			}
			a := p.must(200, by, "GET", next, nil)
			a.decode(p, &list)
			if list.Meta.Pagination.Total != count || len(list.Data) > 2 || a.Header.Get("Link") == "" && list.Meta.Pagination.Cursor != nil {
				p.Fatalf("%s: %v %s", next, a.Header, a.Body)
			}
			for _, row := range list.Data {
				if row.ID == "" || row.ID != row.Attributes.ID || slices.Contains(seen, row.ID) {
					p.Errorf("%s: %s", next, a.Body)
				}
				seen = append(seen, row.ID)
			}
			next = ""
			if c := list.Meta.Pagination.Cursor; c != nil {
				next = path + "?per_page=2&cursor=" + url.QueryEscape(*c)
			}
		}
		if len(seen) != count {
			p.Errorf("%s: %v", path, seen)
		}
		if a := p.must(200, by, "GET", path+"?page=2&per_page=2", nil); !strings.Contains(string(a.Body), `"current_page":2`) {
			p.Errorf("%s: %s", path, a.Body)
		}
		if a := p.must(200, by, "GET", path, nil, "Accept", "text/csv"); strings.Count(string(a.Body), "\n") < count+1 || !strings.HasPrefix(string(a.Body), "id,") {
			p.Errorf("%s as CSV: %s", path, a.Body)
		}
		p.must(422, by, "GET", path+"?q[colour]=red", nil)
	}
	if a := p.must(422, by, "GET", "/v2/user/products?sort_by=name", nil); !strings.Contains(string(a.Body), "there are page, per_page, cursor.") {
		p.Errorf("%s", a.Body)
	}
}
