package test

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/vedette/vedette/client"
	"github.com/vedette/vedette/internal/platform/mail/mailtest"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// people are a partner and the manager of one of its customers.
type people struct {
	*world
	mail    *mailtest.Server
	partner *client.Client
	mia     *client.Client
	ring    string // the partner's organization
	shop    string // the customer's
}

const (
	miaMail = "mia@shop.example"
	changed = "another sentence that is long enough"
)

// TestPeopleJourney: a partner's trade, what a manager does with the own account and those of the colleagues, until all is gone.
func TestPeopleJourney(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			box := mailtest.Start(t, nil, "")
			p := &people{world: start(t, settings(t, databaseURL(t, dialect), "VEDETTE_MAIL_HOST="+box.Host, fmt.Sprint("VEDETTE_MAIL_PORT=", box.Port),
				"VEDETTE_SCANNER_EMBEDDED=false", "VEDETTE_BASE_URL=https://scan.example.com")), mail: box}
			p.settle()
			p.trade()
			p.look()
			p.account()
			p.team()
			p.farewell()
		})
	}
}

func (p *people) settle() {
	p.Helper()
	ctx := context.Background()
	p.ring = ok(p.operator.Organizations.Create(ctx, client.OrganizationCreate{Name: "Ring"}))(p).ID
	pat := ok(p.operator.Users.Create(ctx, client.UserCreate{Username: "pat", Email: "pat@ring.example", Password: password, Role: "manager", Organization: p.ring, Confirmed: new(true)}))(p)
	if u := ok(p.operator.Users.SetPartner(ctx, pat.ID))(p); u.ID != pat.ID || u.Role != "partner" || !u.Partner {
		p.Errorf("made a partner: %+v", u)
	}
	if u := ok(p.operator.Users.UnsetPartner(ctx, pat.ID))(p); u.Role != "manager" || u.Partner {
		p.Errorf("a partner no more: %+v", u)
	}
	ok(p.operator.Users.SetPartner(ctx, pat.ID))(p)
	p.partner = p.signIn("pat", password)
	shop := ok(p.partner.With(client.WithRepresentation()).Organizations.Create(ctx, client.OrganizationCreate{Name: "Shop", City: "Graz"}))(p)
	if p.shop = shop.ID; shop.Name != "Shop" || shop.City != "Graz" || shop.ParentOrganization.ID != p.ring {
		p.Errorf("made: %+v", shop)
	}
	if u := p.makeUser("mia", "manager"); u.Organization.ID != p.shop || u.Email != miaMail || u.ConfirmedAt.IsZero() {
		p.Errorf("made: %+v", u)
	}
	_, err := p.operator.Users.UnsetPartner(ctx, pat.ID)
	p.wantRefused("a partner with organizations below", err, http.StatusConflict)
	p.mia = p.signIn("mia", password)
}

// makeUser of the shop, who can sign in by the name.
func (p *people) makeUser(name, role string) *client.User {
	p.Helper()
	return ok(p.partner.Users.Create(context.Background(), client.UserCreate{Username: name, Email: name + "@shop.example", Password: password, Role: role, Organization: p.shop, Confirmed: new(true)}))(p)
}

// team: colleagues come by file and by mail, hand over what they own, and go.
func (p *people) team() {
	p.Helper()
	ctx := context.Background()
	carl, dora := p.makeUser("carl", "user"), p.makeUser("dora", "user")
	carls := p.signIn("carl", password)
	if _, err := carls.Targets.Create(ctx, client.TargetCreate{Name: "web", Hosts: []string{"192.0.2.1"},
		ScopeAttestation: &client.TargetCreateScopeAttestation{Accepted: new(true), Name: "Carl", Title: "Admin"}}); err != nil {
		p.Fatal(err)
	}
	if u := ok(p.mia.Users.Update(ctx, dora.ID, client.UserUpdate{FirstName: client.Set("Dora"), Role: client.Set("manager")}))(p); u.FirstName != "Dora" || u.Role != "manager" {
		p.Errorf("updated: %+v", u)
	}
	if u := ok(p.mia.Users.Show(ctx, dora.ID))(p); u.FirstName != "Dora" || u.Username != "dora" || u.Organization.Name != "Shop" {
		p.Errorf("shown: %+v", u)
	}
	p.wantUsers(p.mia, client.Query{SortBy: "username"}, "carl", "dora", "mia")
	p.wantUsers(p.partner, client.Query{SortBy: "-username", Filter: map[string]string{"role": "partner,manager"}}, "pat", "mia", "dora")

	d := ok(p.mia.Users.Deletable(ctx, carl.ID))(p)
	if d.Deletable || !slices.Equal(d.Blockers, []client.UserBlocker{{Type: "targets", Count: 1}}) {
		p.Errorf("deletable: %+v", d)
	}
	p.wantRefused("who owns a target is deleted", p.mia.Users.Delete(ctx, carl.ID), http.StatusConflict)
	if got := ok(p.partner.Users.Inherit(ctx, dora.ID, client.InheritUserInput{From: carl.ID}))(p); got.Transferred["targets"] != 1 {
		p.Errorf("inherited: %+v", got)
	}
	if got := ok(p.partner.User.TransferResources(ctx, client.TransferResourcesInput{From: dora.ID, To: carl.ID}))(p); got.Transferred["targets"] != 1 {
		p.Errorf("transferred: %+v", got)
	}
	ok(p.partner.Users.Inherit(ctx, dora.ID, client.InheritUserInput{From: carl.ID}))(p)
	if d := ok(carls.User.MeDeletable(ctx))(p); !d.Deletable || len(d.Blockers) != 0 {
		p.Errorf("deletable: %+v", d)
	}
	if err := carls.User.DeleteMe(ctx); err != nil {
		p.Error(err)
	}
	_, err := carls.User.ShowMe(ctx, client.ShowMeQuery{})
	p.wantRefused("who is gone", err, http.StatusUnauthorized)
	p.importsAndExports()
	p.confirmsAgain()
}

func (p *people) wantUsers(by *client.Client, q client.Query, want ...string) {
	p.Helper()
	var got []string
	for u, err := range by.Users.All(context.Background(), q) {
		if err != nil {
			p.Fatal(err)
		}
		got = append(got, u.Username)
	}
	if !slices.Equal(got, want) {
		p.Errorf("%+v: %q, want %q", q, got, want)
	}
}

func (p *people) importsAndExports() {
	p.Helper()
	ctx := context.Background()
	const file = "email,username,first_name,role\nerin@shop.example,erin,=cmd,auditor\nnobody,x,X,user\nfinn@shop.example,finn,Finn,user\n"
	imported := func(q client.ImportUsersQuery) (client.UserImported, string) {
		p.Helper()
		r := ok(p.mia.Users.Import(ctx, strings.NewReader(file), q))(p)
		var how []string
		for _, row := range r.Rows {
			how = append(how, fmt.Sprintf("%d %s %s %d", row.Line, row.Email, row.Status, len(row.Errors)))
		}
		return *r, strings.Join(how, ", ")
	}
	for _, c := range []struct {
		q      client.ImportUsersQuery
		rows   string
		number int
	}{
		{client.ImportUsersQuery{DryRun: true, OnError: "skip"}, "2 erin@shop.example valid 0, 3 nobody failed 1, 4 finn@shop.example valid 0", 0},
		{client.ImportUsersQuery{}, "2 erin@shop.example skipped 0, 3 nobody failed 1, 4 finn@shop.example skipped 0", 0},
		{client.ImportUsersQuery{OnError: "skip"}, "2 erin@shop.example imported 0, 3 nobody failed 1, 4 finn@shop.example imported 0", 2},
	} {
		if r, rows := imported(c.q); rows != c.rows || r.Imported != c.number || r.Failed != 1 {
			p.Errorf("%+v: %d imported, %d failed: %s", c.q, r.Imported, r.Failed, rows)
		}
	}
	p.mail.Wait(p, "finn@shop.example", 1)
	rows := p.rows(p.mia.Users.Export(ctx, client.ExportUsersQuery{Q: "erin"}))
	if len(rows) != 2 || rows[1][slices.Index(rows[0], "first_name")] != "'=cmd" || rows[1][slices.Index(rows[0], "role")] != "auditor" {
		p.Errorf("exported: %q", rows)
	}
}

// rows of a CSV file.
func (w *world) rows(file *client.File, err error) [][]string {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
	defer file.Close()
	if !strings.HasPrefix(file.ContentType, "text/csv") {
		w.Errorf("a file of the type %s", file.ContentType)
	}
	return ok(csv.NewReader(file).ReadAll())(w)
}

// confirmsAgain: the mail is sent anew until the user has confirmed.
func (p *people) confirmsAgain() {
	p.Helper()
	ctx := context.Background()
	erin := ok(p.mia.Users.List(ctx, client.Query{Filter: map[string]string{"username": "erin"}}))(p).Items[0]
	old := p.mail.Wait(p, erin.Email, 1).Token(p)
	if m := ok(p.mia.Users.ResendConfirmation(ctx, erin.ID))(p); m.Message == "" {
		p.Error("no message")
	}
	_, err := p.anyone.Authentication.ConfirmUser(ctx, client.ConfirmUserInput{ConfirmationToken: old, Password: password})
	p.wantRefused("a link that was replaced", err, http.StatusUnprocessableEntity)
	ok(p.anyone.Authentication.ConfirmUser(ctx, client.ConfirmUserInput{ConfirmationToken: p.mail.Wait(p, erin.Email, 2).Token(p), Password: password}))(p)
	_, err = p.mia.Users.ResendConfirmation(ctx, erin.ID)
	p.wantRefused("a confirmed user is asked to confirm", err, http.StatusConflict)
	if me := ok(p.signIn("erin", password).User.ShowMe(ctx, client.ShowMeQuery{}))(p); me.Role != "auditor" || me.SignInCount != 1 {
		p.Errorf("%+v", me)
	}
}

// farewell: a user moves to another customer, the first one is deleted with all that it owns.
func (p *people) farewell() {
	p.Helper()
	ctx := context.Background()
	next := ok(p.partner.Organizations.Create(ctx, client.OrganizationCreate{Name: "Next"}))(p).ID
	finn := ok(p.mia.Users.List(ctx, client.Query{Filter: map[string]string{"username": "finn"}}))(p).Items[0]
	if u := ok(p.partner.Organizations.ChangeUser(ctx, next, client.ChangeUserOrganizationInput{User: finn.ID}))(p); u.ID != finn.ID || u.Organization.ID != next || u.Organization.Name != "Next" {
		p.Errorf("moved: %+v", u)
	}
	_, err := p.mia.Users.Show(ctx, finn.ID)
	p.wantRefused("a colleague who left", err, http.StatusNotFound)
	erin := ok(p.mia.Users.List(ctx, client.Query{Filter: map[string]string{"username": "erin"}}))(p).Items[0]
	if err := p.mia.Users.Delete(ctx, erin.ID); err != nil {
		p.Error(err)
	}
	p.wantUsers(p.mia, client.Query{SortBy: "username"}, "dora", "mia")
	if err := p.partner.Organizations.Delete(ctx, p.shop); err != nil {
		p.Fatal(err)
	}
	_, err = p.partner.Organizations.Show(ctx, p.shop)
	p.wantRefused("a deleted organization", err, http.StatusNotFound)
	_, err = p.mia.Targets.List(ctx, client.Query{})
	p.wantRefused("a user of a deleted organization", err, http.StatusUnauthorized)
	p.wantUsers(p.partner, client.Query{SortBy: "username"}, "finn", "pat")
}
