package app

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"mime/multipart"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
)

// upload sends a file as the field of a form.
func (p *program) upload(user, path, field, content string, headers ...string) answer {
	p.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile(field, "users.csv")
	if err != nil {
		p.Fatal(err)
	}
	_, _ = part.Write([]byte(content))
	_ = form.Close()
	r := httptest.NewRequest("POST", path, &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Authorization", "Bearer "+p.token(user))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.app.api.Handler.ServeHTTP(w, r)
	return answer{w.Code, w.Result().Header, w.Body.Bytes()}
}

// imports a file and gives the report as "imported/failed line:status:codes …".
func (p *program) imports(user, query, content string) string {
	p.Helper()
	a := p.upload(user, "/v2/users/import"+query, "file", content)
	if a.Status != 200 {
		p.Fatalf("%d %s", a.Status, a.Body)
	}
	var report struct {
		Imported, Failed int
		Rows             []struct {
			Line   int
			Status string
			Errors []struct{ Pointer, Code string }
		}
	}
	a.decode(p, &report)
	text := fmt.Sprintf("%d/%d", report.Imported, report.Failed)
	for _, r := range report.Rows {
		text += fmt.Sprintf(" %d:%s", r.Line, r.Status)
		for _, e := range r.Errors {
			text += ":" + e.Pointer + "=" + e.Code
		}
	}
	return text
}

// countUsers of the installation.
func (p *program) countUsers() int {
	p.Helper()
	var n int
	err := p.app.DB.Read(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error { return tx.Query(&n, "select count(*) from users") })
	if err != nil {
		p.Fatal(err)
	}
	return n
}

func TestUserImport(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		twoTrees(p)
		by := "manager@north"
		south := p.first("admin", "/v2/organizations?q[name]=south")
		before := p.countUsers()
		mixed := "email,role,first_name,organization\n" +
			"ok@example.org,auditor,Ada,\n" +
			"OK@example.org,user,twice,\n" +
			"user@north.example,user,taken,\n" +
			"user@south.example,user,taken elsewhere,\n" +
			"no address,user,,\n" +
			"mighty@example.org,partner,,\n" +
			"a@example.org,user,a\u202eb,\n" +
			"b@example.org,user,," + south + "\n" +
			"fine@example.org,,Grace,\n" +
			"short@example.org\n"
		failures := " 3:failed:email=twice 4:failed:email=taken 5:failed:email=taken 6:failed:email=invalid 7:failed:role=too_mighty" +
			" 8:failed:first_name=invalid 9:failed:organization=unknown"
		for _, c := range [][2]string{
			{"?dry_run=true", "0/8 2:valid" + failures + " 10:valid 11:failed:line=columns"},
			{"", "0/8 2:skipped" + failures + " 10:skipped 11:failed:line=columns"},
			{"?on_error=abort", "0/8 2:skipped" + failures + " 10:skipped 11:failed:line=columns"},
		} {
			if got := p.imports(by, c[0], mixed); got != c[1] || p.countUsers() != before {
				p.Errorf("%s: %s, want %s; %d users more", c[0], got, c[1], p.countUsers()-before)
			}
		}
		if got, want := p.imports(by, "?on_error=skip", mixed), "2/8 2:imported"+failures+" 10:imported 11:failed:line=columns"; got != want || p.countUsers() != before+2 {
			p.Errorf("%s, want %s; %d users more", got, want, p.countUsers()-before)
		}
		p.eventually("an imported user is asked to confirm", func() bool { return p.links(p.idOf(by, "ok@example.org"), "confirmation") == 1 })
		if u := p.must(200, by, "GET", "/v2/users/"+p.idOf(by, "ok@example.org"), nil).user(p); u.Role != "auditor" || u.FirstName != "Ada" || u.ConfirmedAt != nil {
			p.Errorf("%+v", u)
		}
		p.badFiles(before + 2)
		p.otherFiles()
	})
}

// badFiles can't be read as a whole.
func (p *program) badFiles(users int) {
	p.Helper()
	for content, code := range map[string]string{"": "empty", "email\n\"x@example.org\n": "bad_csv", "email,shoe_size\nx@example.org,42\n": "unknown_column", "role\nuser\n": "column_missing"} {
		a := p.upload("manager@north", "/v2/users/import", "file", content)
		if _, details := a.problem(p); a.Status != 422 || details["file"] != code {
			p.Errorf("%q: %d %s", content, a.Status, a.Body)
		}
	}
	for _, c := range []struct {
		status int
		a      answer
	}{
		{422, p.upload("manager@north", "/v2/users/import", "users", "email\nx@example.org\n")},
		{422, p.call("manager@north", "POST", "/v2/users/import", object{"file": "email"})},
		{422, p.upload("manager@north", "/v2/users/import?on_error=retry", "file", "email\nx@example.org\n")},
		{413, p.upload("manager@north", "/v2/users/import", "file", "email\n"+strings.Repeat("x", 4<<20))},
		{403, p.upload("user@north", "/v2/users/import", "file", "email\nx@example.org\n")},
		{404, p.upload("manager@north", "/v2/users/import", "file", "email\nx@example.org\n", "X-Organization-Id", p.first("admin", "/v2/organizations?q[name]=south"))},
	} {
		if c.a.Status != c.status {
			p.Errorf("%d %s, want %d", c.a.Status, c.a.Body, c.status)
		}
	}
	if p.countUsers() != users {
		p.Error("a bad file made somebody")
	}
}

// otherFiles: a partner imports into its customers' organizations, a file is taken once, and what is exported can be imported.
func (p *program) otherFiles() {
	p.Helper()
	north := p.first("admin", "/v2/organizations?q[name]=north")
	content := "\ufeffemail;organization;last_name\r\nnew@example.org;" + strings.ToUpper(north) + ";'=1+1\r\n"
	first := p.upload("partner@partner-north", "/v2/users/import", "file", content, "Idempotency-Key", "import-1")
	again := p.upload("partner@partner-north", "/v2/users/import", "file", content, "Idempotency-Key", "import-1")
	if first.Status != 200 || again.Status != 200 && again.Status != 422 {
		p.Errorf("%s\n%s", first.Body, again.Body)
	}
	a := p.must(200, "auditor@north", "GET", "/v2/users/export?sort_by=email&q[email]=new*", nil)
	rows, err := csv.NewReader(bytes.NewReader(a.Body)).ReadAll()
	if err != nil || len(rows) != 2 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/csv") {
		p.Fatalf("%v %s", err, a.Body)
	}
	cell := func(column string) string { return rows[1][slices.Index(rows[0], column)] }
	if cell("email") != "new@example.org" || cell("last_name") != "'=1+1" || cell("organization") != "north" {
		p.Errorf("%v", rows)
	}
	p.must(403, "user@north", "GET", "/v2/users/export", nil)
}

func TestUserImportInBulk(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "north", access.Manager)
		var b strings.Builder
		b.WriteString("email,role,first_name,last_name,phone,city\n")
		for i := range 10_000 {
			fmt.Fprintf(&b, "user%d@example.org,user,Ada,Lovelace %d,+43 1 %d,Vienna\n", i, i, i)
		}
		before := p.countUsers()
		if got := p.imports("manager@north", "", b.String()); !strings.HasPrefix(got, "10000/0 2:imported") || p.countUsers() != before+10_000 {
			p.Errorf("%.200s", got)
		}
		a := p.upload("manager@north", "/v2/users/import", "file", b.String()+"one@example.org,user,,,,\n")
		if _, details := a.problem(p); a.Status != 422 || details["file"] != "too_many" {
			p.Errorf("%d %.200s", a.Status, a.Body)
		}
	})
}

func TestCustomer(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		twoTrees(p)
		by := "partner@partner-north"
		made := p.must(201, by, "POST", "/v2/users/create_customer", object{"customer": object{"email": "ada@cup.example", "first_name": "Ada", "last_name": "Lovelace",
			"company_name": "Blue Cup", "city": "Vienna", "title": "Owner", "plans": []object{{"plan": "vrms-default", "interval": "yearly"}}}})
		u := made.user(p)
		if u.Role != "manager" || u.Organization.Name != "Blue Cup" || u.ConfirmedAt != nil || p.links(u.ID, "confirmation") != 1 || made.Header.Get("Location") != "/v2/users/"+u.ID {
			p.Errorf("%+v at %s", u, made.Header.Get("Location"))
		}
		o := p.must(200, by, "GET", "/v2/organizations/"+u.Organization.ID, nil)
		for _, want := range []string{`"contact_name":"Ada Lovelace"`, `"contact_title":"Owner"`, `"name":"partner-north"`, `"plan":"vrms-default"`, `"plan":"pci-default"`} {
			if !strings.Contains(string(o.Body), want) {
				p.Errorf("%s is not in %s", want, o.Body)
			}
		}
		joined := p.must(201, by, "POST", "/v2/users/create_customer", object{"customer": object{"email": "eve@cup.example", "organization_id": u.Organization.ID, "confirmed": true}}).user(p)
		if joined.Organization.ID != u.Organization.ID || joined.ConfirmedAt == nil || p.links(joined.ID, "confirmation") != 0 {
			p.Errorf("%+v", joined)
		}
		p.refusedCustomers(by, u.Organization.ID)
	})
}

// refusedCustomers: of what is refused in part nothing stays.
func (p *program) refusedCustomers(by, organization string) {
	p.Helper()
	organizations := p.must(200, "admin", "GET", "/v2/organizations", nil).Body
	users := p.countUsers()
	for _, c := range []struct {
		pointer, code string
		customer      object
	}{
		{"/customer/email", "taken", object{"email": "ADA@cup.example"}},
		{"/customer/email", "invalid", object{"email": "ada"}},
		{"/customer/name", "invalid", object{"name": "a\u202eb"}},
		{"/customer/timezone", "unknown", object{"timezone": "Mars"}},
		{"/customer/plans/1/plan", "unknown", object{"plans": []object{{"plan": "pci-default"}, {"plan": "no-such-plan"}}}},
		{"/customer/plans/0/end_date", "out_of_order", object{"plans": []object{{"plan": "pci-default", "start_date": "2030-02-01", "end_date": "2030-01-01"}}}},
		{"/customer/plans", "required", object{"skip_default_subscription": true}},
		{"/customer/organization", "both", object{"organization_id": organization, "name": "Other"}},
		{"/customer/role", "unknown_attribute", object{"role": "partner"}},
	} {
		customer := object{"email": "new@cup.example"}
		for name, v := range c.customer {
			customer[name] = v
		}
		p.wrong(c.pointer, c.code, by, "POST", "/v2/users/create_customer", object{"customer": customer})
	}
	p.must(409, by, "POST", "/v2/users/create_customer", object{"customer": object{"email": "new@cup.example", "organization_id": organization,
		"plans": []object{{"plan": "pci-default"}}}}) // it has one to this product
	p.must(404, by, "POST", "/v2/users/create_customer", object{"customer": object{"email": "new@cup.example",
		"organization_id": p.first("admin", "/v2/organizations?q[name]=south")}})
	p.must(403, "manager@north", "POST", "/v2/users/create_customer", object{"customer": object{"email": "new@cup.example"}})
	if after := p.must(200, "admin", "GET", "/v2/organizations", nil).Body; string(after) != string(organizations) || p.countUsers() != users {
		p.Errorf("something of a refused customer stayed")
	}
}
