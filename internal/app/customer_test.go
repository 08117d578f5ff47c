package app

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
)

// plan of the installation with so many addresses.
func (p *program) plan(code, product string, ips int) {
	p.Helper()
	err := p.app.DB.Write(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
		raw, err := json.Marshal(plan.Features{access.NumberOfIPs: {Limit: &ips}})
		if err != nil {
			return err
		}
		row := &plan.Plan{ID: db.NewID(), Code: code, Name: code, Product: product, Features: raw, Price: "9.99", DefaultInterval: "yearly", CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
		row.OrganizationID, row.Shared.Shared = access.Installation, true
		_, err = tx.Insert(row).Exec(tx.Context())
		return err
	})
	if err != nil {
		p.Fatal(err)
	}
}

type subscribed struct {
	Data struct {
		ID         string
		Attributes struct {
			Partner             bool
			UsersCount          int                                  `json:"users_count"`
			ActiveSubscriptions []struct{ ID, Plan, Product string } `json:"active_subscriptions"`
			ParentOrganization  *struct{ ID, Name string }           `json:"parent_organization"`
		}
	}
}

func (p *program) order(status int, by string, attributes object) answer {
	p.Helper()
	return p.must(status, by, "POST", "/v2/organizations", object{"organization": attributes}, "Prefer", "return=representation")
}

func plansOf(s subscribed) string {
	var all []string
	for _, a := range s.Data.Attributes.ActiveSubscriptions {
		all = append(all, a.Plan)
	}
	return strings.Join(all, " ")
}

func TestSubscriptions(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.plan("pci-small", "pci", 10)
		for name, c := range map[string]struct {
			in   object
			want string
		}{
			"defaults":          {object{}, "pci-default penetration-default vrms-default"},
			"one and defaults":  {object{"plans": []object{{"plan": "pci-small"}}}, "pci-small penetration-default vrms-default"},
			"only one":          {object{"plans": []object{{"plan": "pci-small"}}, "skip_default_subscription": true}, "pci-small"},
			"first of two wins": {object{"plans": []object{{"plan": "pci-small"}, {"plan": "pci-default"}}, "skip_default_subscription": true}, "pci-small"},
			"not yet":           {object{"plans": []object{{"plan": "pci-small", "start_date": p.clock.Now().AddDate(0, 0, 2).Format(time.DateOnly)}}, "skip_default_subscription": true}, ""},
			"over":              {object{"plans": []object{{"plan": "pci-small", "start_date": "2020-01-01"}}, "skip_default_subscription": true}, ""},
		} {
			c.in["name"] = name
			var out subscribed
			p.order(201, "admin", c.in).decode(p, &out)
			if got := plansOf(out); got != c.want {
				p.Errorf("%s: %s, want %s", name, got, c.want)
			}
		}
		for name, c := range map[string]struct {
			in      object
			pointer string
		}{
			"plans required": {object{"skip_default_subscription": true}, "/organization/plans"},
			"no plans":       {object{"skip_default_subscription": true, "plans": []object{}}, "/organization/plans"},
			"unknown plan":   {object{"plans": []object{{"plan": "pci-small"}, {"plan": "gold"}}}, "/organization/plans/1/plan"},
			"unknown id":     {object{"plans": []object{{"plan": access.Installation}}}, "/organization/plans/0/plan"},
			"out of order":   {object{"plans": []object{{"plan": "pci-small", "start_date": "2026-02-01", "end_date": "2026-01-01"}}}, "/organization/plans/0/end_date"},
			"same day":       {object{"plans": []object{{"plan": "pci-small", "start_date": "2026-02-01", "end_date": "2026-02-01"}}}, "/organization/plans/0/end_date"},
			"no date":        {object{"plans": []object{{"plan": "pci-small", "end_date": "soon"}}}, "/organization/plans/0/end_date"},
			"no interval":    {object{"plans": []object{{"plan": "pci-small", "interval": "weekly"}}}, "/organization/plans/0/interval"},
			"no name":        {object{"name": ""}, "/organization/name"},
			"bidi":           {object{"name": "acme\u202egnp.exe"}, "/organization/name"},
			"control":        {object{"name": "acme\x07"}, "/organization/name"},
			"invisible":      {object{"name": "\u200b\u2060"}, "/organization/name"},
		} {
			if c.in["name"] == nil {
				c.in["name"] = "refused " + name
			}
			x := p.refused(422, "admin", "POST", "/v2/organizations", object{"organization": c.in})
			if len(x.Errors) != 1 || x.Errors[0].Pointer != c.pointer {
				p.Errorf("%s: %+v", name, x)
			}
		}
		var list struct{ Data []any }
		if p.must(200, "admin", "GET", "/v2/organizations?q[name]=refused*", nil).decode(p, &list); len(list.Data) != 0 {
			p.Errorf("%d refused organizations are there", len(list.Data))
		}
		p.within()
		p.expires()
	})
}

// within: a child's limits never pass its parent's.
func (p *program) within() {
	p.Helper()
	var parent, child subscribed
	p.order(201, "admin", object{"name": "small", "plans": []object{{"plan": "pci-small"}}, "skip_default_subscription": true}).decode(p, &parent)
	p.must(201, "admin", "POST", "/v2/users", object{"user": object{"username": "partner@small", "email": "p@small.example", "role": "partner", "organization": parent.Data.ID, "password": password}})
	p.order(201, "partner@small", object{"name": "below small"}).decode(p, &child)
	if up := child.Data.Attributes.ParentOrganization; up == nil || up.Name != "small" {
		p.Errorf("the parent is %+v", up)
	}
	p.must(201, "partner@small", "POST", "/v2/users", object{"user": object{"username": "manager@below", "email": "m@below.example", "role": "manager", "organization": child.Data.ID, "password": password, "confirmed": true}})
	for product, want := range map[string]int{"pci": 10, "vrms": 0} {
		x := object{"target": object{"name": "too many", "hosts": []string{"198.51.100.0/28"}, "scope_attestation": object{"accepted": true, "name": "A", "title": "B"}}}
		if r := p.refused(422, "manager@below", "POST", "/v2/targets?product="+product, x); r.Code != "quota_exceeded" {
			p.Errorf("sixteen addresses under a limit of %d: %+v", want, r)
		}
	}
	p.target("manager@below", "enough", "198.51.100.0/29")
	p.must(200, "partner@small", "GET", "/v2/organizations/"+parent.Data.ID, nil).decode(p, &parent)
	if !parent.Data.Attributes.Partner || child.Data.Attributes.Partner {
		p.Errorf("partner is %t above and %t below", parent.Data.Attributes.Partner, child.Data.Attributes.Partner)
	}
}

// expires: what exists can be read, not changed.
func (p *program) expires() {
	p.Helper()
	var org subscribed
	p.order(201, "admin", object{"name": "lapsing", "skip_default_subscription": true,
		"plans": []object{{"plan": "pci-default", "end_date": p.clock.Now().AddDate(0, 0, 3).Format(time.DateOnly)}}}).decode(p, &org)
	p.must(201, "admin", "POST", "/v2/users", object{"user": object{"username": "manager@lapsing", "email": "m@lapsing.example", "role": "manager", "organization": org.Data.ID, "password": password}})
	const m = "manager@lapsing"
	target := p.target(m, "web", "192.0.2.1")
	scan := p.scan(m, "web", target)
	p.clock.Move(4 * 24 * time.Hour)
	p.tokens = map[string]string{}
	for method, path := range map[string]string{"POST": "/v2/targets", "PUT": "/v2/targets/" + target, "DELETE": "/v2/targets/" + target} {
		if x := p.refused(403, m, method, path, newTarget("more")); x.Code != "subscription_required" {
			p.Errorf("%s %s: %+v", method, path, x)
		}
	}
	if x := p.refused(403, m, "POST", "/v2/scans/"+scan+"/start", nil); x.Code != "subscription_required" {
		p.Errorf("a start: %+v", x)
	}
	for _, path := range []string{"/v2/targets", "/v2/targets/" + target, "/v2/scans/" + scan, "/v2/reports", "/v2/hosts", "/v2/vulnerabilities", "/v2/user/me"} {
		p.must(200, m, "GET", path, nil)
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		reseller := p.organization("admin", "reseller", access.Partner, access.Manager, access.User, access.Auditor)
		child := p.organization("partner@reseller", "child", access.Manager)
		create := func(status int, by string, u object) answer {
			p.Helper()
			return p.must(status, by, "POST", "/v2/users", object{"user": u})
		}
		for by, roles := range map[string]map[string]int{
			"admin":            {"admin": 201, "partner": 201, "manager": 201, "user": 201, "auditor": 201, "king": 422},
			"partner@reseller": {"admin": 422, "partner": 201, "manager": 201, "user": 201, "auditor": 201},
			"manager@reseller": {"admin": 422, "partner": 422, "manager": 201, "user": 201, "auditor": 201},
			"user@reseller":    {"admin": 403, "partner": 403, "manager": 403, "user": 403, "auditor": 403},
			"auditor@reseller": {"admin": 403, "user": 403},
		} {
			for role, status := range roles {
				a := create(status, by, object{"email": role + ".by." + strings.ReplaceAll(by, "@", ".") + "@example.org", "role": role})
				if status == 422 {
					if x := p.problem(a, "/v2/users"); len(x.Errors) == 0 || x.Errors[0].Pointer != "/user/role" {
						p.Errorf("%s makes a %s: %+v", by, role, x)
					}
				}
			}
		}
		create(201, "partner@reseller", object{"email": "low@example.org", "role": "user", "organization": child})
		create(404, "manager@reseller", object{"email": "low2@example.org", "role": "user", "organization": child})
		create(404, "manager@child", object{"email": "up@example.org", "role": "user", "organization": reseller})
		create(404, "partner@reseller", object{"email": "up@example.org", "role": "user", "organization": access.Installation})
		create(422, "manager@reseller", object{"email": "c@example.org", "role": "user", "confirmed": true})
		for name, c := range map[string]struct {
			in      object
			pointer string
		}{
			"no email":       {object{"email": "nobody"}, "/user/email"},
			"named email":    {object{"email": "Ada <ada@example.org>"}, "/user/email"},
			"two lines":      {object{"email": "ada@example.org\r\nBcc: eve@example.org"}, "/user/email"},
			"bidi name":      {object{"username": "ada\u202e"}, "/user/username"},
			"control name":   {object{"username": "ada\x1b[1m"}, "/user/username"},
			"space in name":  {object{"username": "ada lovelace"}, "/user/username"},
			"invisible name": {object{"username": "ada\u200b"}, "/user/username"},
			"taken email":    {object{"email": "MANAGER@Child.Example"}, "/user/email"},
			"taken name":     {object{"username": "Manager@CHILD"}, "/user/username"},
			"wide name":      {object{"username": "ｍanager@child"}, "/user/username"},
			"short password": {object{"password": "short"}, "/user/password"},
			"own password":   {object{"username": "ada.lovelace", "password": "Ada.Lovelace"}, "/user/password"},
			"timezone":       {object{"timezone": "Mars/Olympus"}, "/user/timezone"},
		} {
			if c.in["email"] == nil {
				c.in["email"] = "refused@example.org"
			}
			c.in["role"] = "user"
			if x := p.refused(422, "manager@reseller", "POST", "/v2/users", object{"user": c.in}); len(x.Errors) != 1 || x.Errors[0].Pointer != c.pointer {
				p.Errorf("%s: %+v", name, x)
			}
		}
		if x := p.refused(422, "manager@reseller", "POST", "/v2/users", object{"user": object{"email": "x", "role": "admin", "password": "short"}}); len(x.Errors) != 3 {
			p.Errorf("three mistakes: %+v", x)
		}
		if x := p.refused(422, "manager@child", "PUT", "/v2/user/me", object{"user": object{"email": "partner@reseller.EXAMPLE"}}); len(x.Errors) != 1 || x.Errors[0].Pointer != "/user/current_password" {
			p.Errorf("an address without the password: %+v", x)
		}
		p.branch(reseller, child)
	})
}

// branch: a list shows the tree below, never what is above or beside.
func (p *program) branch(reseller, child string) {
	p.Helper()
	a := p.must(200, "partner@reseller", "GET", "/v2/users?per_page=100", nil)
	if !bytes.Contains(a.Body, []byte("manager@child")) || bytes.Contains(a.Body, []byte(`"username":"admin"`)) || bytes.Contains(a.Body, []byte("password")) || bytes.Contains(a.Body, []byte("argon2")) {
		p.Errorf("the partner's users: %s", a.Body)
	}
	a = p.must(200, "manager@child", "GET", "/v2/users?per_page=100", nil)
	if bytes.Contains(a.Body, []byte("@reseller")) {
		p.Errorf("the child's users: %s", a.Body)
	}
	p.refused(403, "manager@child", "GET", "/v2/organizations/"+reseller, nil)
	p.refused(404, "partner@reseller", "GET", "/v2/organizations/"+access.Installation, nil)
	var one subscribed
	p.must(200, "partner@reseller", "GET", "/v2/organizations/"+child, nil).decode(p, &one)
	if one.Data.Attributes.UsersCount != 2 {
		p.Errorf("the child counts %d users", one.Data.Attributes.UsersCount)
	}
	if a := p.must(200, "manager@child", "GET", "/v2/user/me", nil); bytes.Contains(a.Body, []byte(reseller)) {
		p.Errorf("the child learns of its parent: %s", a.Body)
	}
}
