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
	"github.com/vedette/vedette/internal/domain/audit"
	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
)

func openDatabase(t testing.TB, address string) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), strings.TrimPrefix(address, "sqlite:"), &clock.Clock{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// The access token of a user works as Basic and as Bearer until it is revoked or replaced; a sign-in until the sign-out.
func TestTokens(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ctx := context.Background()
		c := w.customer("Token")
		token := ok(c.User.GenerateAccessToken(ctx))(w)
		basic := w.anyone.With(client.WithAccessToken(token.Token))
		if me := ok(basic.User.ShowMe(ctx, client.ShowMeQuery{}))(w); me.Username != c.username || token.Username != c.username {
			w.Errorf("the token of %s is %s's", token.Username, me.Username)
		}
		ok(w.anyone.With(client.WithToken(token.Token)).Scans.List(ctx, client.Query{}))(w)
		next := ok(c.User.GenerateAccessToken(ctx))(w)
		_, err := basic.Scans.List(ctx, client.Query{})
		w.wantRefused("a replaced token", err, http.StatusUnauthorized)
		basic = w.anyone.With(client.WithAccessToken(next.Token))
		ok(basic.Scans.List(ctx, client.Query{}))(w)
		ok(c.User.RevokeAccessToken(ctx))(w)
		_, err = basic.Scans.List(ctx, client.Query{})
		w.wantRefused("a revoked token", err, http.StatusUnauthorized)
		ok(c.Authentication.SignOut(ctx))(w)
		_, err = c.Scans.List(ctx, client.Query{})
		w.wantRefused("a token after the sign-out", err, http.StatusUnauthorized)
		_, err = w.anyone.Scans.List(ctx, client.Query{})
		w.wantRefused("no token", err, http.StatusUnauthorized)
		_, err = w.anyone.Authentication.SignIn(ctx, client.SignInInput{Username: c.username, Password: "not the password at all"})
		w.wantRefused("a wrong password", err, http.StatusUnauthorized)
	})
}

func TestCallsWithOneKeyHappenOnce(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		c := w.customer("Replay")
		ctx := client.WithIdempotencyKey(context.Background(), "a key of this test")
		in := client.TargetCreate{Name: "Once", Hosts: []string{"127.0.0.1"},
			ScopeAttestation: &client.TargetCreateScopeAttestation{Accepted: new(true), Name: "Jo Doe", Title: "Owner"}}
		first, second := ok(c.Targets.Create(ctx, in))(w), ok(c.Targets.Create(ctx, in))(w)
		if first.ID != second.ID {
			w.Errorf("one key made %s and %s", first.ID, second.ID)
		}
		in.Name = "Another"
		_, err := c.Targets.Create(ctx, in)
		w.wantRefused("the key with another body", err, http.StatusUnprocessableEntity)
		if n := total(c.Targets.List(ctx, client.Query{})); n != 1 {
			w.Errorf("there are %d targets", n)
		}
		other := w.customer("Neighbour")
		in.Name = "Once"
		if third := ok(other.Targets.Create(ctx, in))(w); third.ID == first.ID {
			w.Error("one customer's key gave another's target")
		}
	})
}

// Filters, order, pages and CSV of a list with rows of a stranger between.
func TestLists(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ctx := context.Background()
		c, stranger := w.customer("List"), w.customer("Noise")
		names := []string{"alpha one", "alpha two", "beta", "gamma", "delta, with a comma", "=cmd", "omega"}
		for i, name := range names {
			for _, who := range []*customer{c, stranger} {
				ok(who.Targets.Create(ctx, client.TargetCreate{Name: name, Comment: fmt.Sprint(i), Hosts: []string{fmt.Sprintf("127.1.0.%d", i+1)},
					ScopeAttestation: &client.TargetCreateScopeAttestation{Accepted: new(true), Name: "Jo Doe", Title: "Owner"}}))(w)
			}
		}
		w.wantNames(c, client.Query{Filter: map[string]string{"name": "alpha*"}, SortBy: "-name"}, "alpha two", "alpha one")
		w.wantNames(c, client.Query{Filter: map[string]string{"name": "!alpha*", "hosts": "127.1.0.3"}}, "beta")
		w.wantNames(c, client.Query{Search: "omega"}, "omega")
		w.wantNames(c, client.Query{SortBy: "name", PerPage: 2}, "=cmd", "alpha one", "alpha two", "beta", "delta, with a comma", "gamma", "omega")
		w.wantNames(c, client.Query{SortBy: "-created_at", PerPage: 3}, "omega", "=cmd", "delta, with a comma", "gamma", "beta", "alpha two", "alpha one")
		w.wantNames(c, client.Query{Filter: map[string]string{"name": "alpha*' or 1=1 --"}})
		page := ok(c.Targets.List(ctx, client.Query{PerPage: 3, Page: 3, SortBy: "name"}))(w)
		if len(page.Items) != 1 || page.TotalCount != len(names) || page.TotalPages != 3 || page.NextCursor != "" {
			w.Errorf("the last page: %d rows of %d, %d pages, cursor %q", len(page.Items), page.TotalCount, page.TotalPages, page.NextCursor)
		}
		_, err := c.Targets.List(ctx, client.Query{Filter: map[string]string{"colour": "red"}})
		w.wantRefused("an unknown column", err, http.StatusUnprocessableEntity)
		_, err = c.Targets.List(ctx, client.Query{Cursor: "forged"})
		w.wantRefused("a forged cursor", err, http.StatusUnprocessableEntity)
		w.wantCSV(c, names)
	})
}

func (w *world) wantNames(c *customer, q client.Query, want ...string) {
	w.Helper()
	var got []string
	for t, err := range c.Targets.All(context.Background(), q) {
		if err != nil {
			w.Fatalf("%+v: %v", q, err)
		}
		got = append(got, t.Name)
	}
	if !slices.Equal(got, want) {
		w.Errorf("%+v: %q, want %q", q, got, want)
	}
}

// wantCSV downloads the list; a name that a spreadsheet would take for a formula comes harmless.
func (w *world) wantCSV(c *customer, names []string) {
	w.Helper()
	file := ok(c.CSV(context.Background(), "/v2/targets", client.Query{SortBy: "created_at"}))(w)
	defer file.Close()
	rows := ok(csv.NewReader(file).ReadAll())(w)
	if len(rows) != len(names)+1 {
		w.Fatalf("the CSV has %d rows", len(rows))
	}
	column := slices.Index(rows[0], "name")
	if column < 0 {
		w.Fatalf("the CSV has the columns %q", rows[0])
	}
	for i, name := range names {
		got := rows[i+1][column]
		if got != name && (name != "=cmd" || got != "'=cmd") {
			w.Errorf("row %d is named %q, want %q", i+1, got, name)
		}
	}
	if slices.ContainsFunc(rows, func(r []string) bool { return r[column] == "=cmd" }) {
		w.Error("the CSV holds a formula")
	}
}

// Every change stands in the trail, in a chain that verifies.
func TestAuditTrail(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ctx := context.Background()
		c := w.customer("Trail")
		target := w.target(c, "T:9", "127.9.3.1")
		comment := "changed"
		ok(c.Targets.Update(ctx, target.ID, client.TargetUpdate{Comment: client.Set(comment)}))(w)
		scan := ok(c.Scans.Create(ctx, client.ScanCreate{Name: "Trail", Target: target.ID}))(w)
		h := w.run(c, scan.ID)
		ok(c.User.GenerateAccessToken(ctx))(w)
		if err := c.Scans.Delete(ctx, scan.ID); err != nil {
			w.Fatal(err)
		}
		if err := c.Targets.Delete(ctx, target.ID); err != nil {
			w.Fatal(err)
		}
		_, err := c.Targets.Update(ctx, target.ID, client.TargetUpdate{Comment: client.Set("too late")})
		w.wantRefused("an update of what is gone", err, http.StatusNotFound)
		want := []string{"createTarget", "updateTarget", "createScan", "startScan", "generateAccessToken", "deleteScan", "deleteTarget"}
		w.wantTrail(c, want)
		_ = h
		w.wantChain(c)
	})
}

func (w *world) wantTrail(c *customer, want []string) {
	w.Helper()
	var got []string
	previous := ""
	for e, err := range c.Audit.AllEvents(context.Background(), client.Query{SortBy: "created_at", PerPage: 4}) {
		if err != nil {
			w.Fatal(err)
		}
		if previous != "" && e.PreviousHash != previous {
			w.Errorf("%s does not follow what is before it", e.Action)
		}
		if previous = e.Hash; e.Actor.Username == "" || e.Organization.ID != c.organization {
			w.Errorf("%s by %q in %s", e.Action, e.Actor.Username, e.Organization.ID)
		}
		if slices.Contains(want, e.Action) {
			got = append(got, e.Action)
		} else {
			w.Logf("also in the trail: %s by %s", e.Action, e.Actor.Username)
		}
	}
	if !slices.Equal(got, want) {
		w.Errorf("the trail holds %q, want %q", got, want)
	}
}

func (w *world) wantChain(c *customer) {
	w.Helper()
	home := access.Organization{ID: c.organization, Name: "Trail", Chain: []string{access.Installation}}
	p := access.Principal{User: db.NewID(), Role: access.Manager, Timezone: "UTC", Home: home, Acting: home, Product: plan.PCI, Subscribed: true}
	g := ok(access.Check(p, access.AuditAccess))(w)
	err := w.app.DB.Read(context.Background(), g, func(tx *db.Tx) error {
		broken, err := audit.Verify(tx)
		if broken != nil {
			w.Errorf("the chain breaks at %s", broken.Action)
		}
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
}
