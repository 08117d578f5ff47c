package target

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/domain/portlist"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/secret"
)

// world is an installation with two customers, of whom the second is a stranger to the first, served as clients see it.
type world struct {
	t        *testing.T
	db       *db.DB
	sealer   *secret.Sealer
	handler  http.Handler
	prover   *Prover
	customer access.Principal
	stranger access.Principal

	mu      sync.Mutex
	entries []op.Entry
}

var operator = access.Organization{ID: access.Installation, Name: "Installation"}

func newWorld(t *testing.T, d *db.DB, rules Rules) *world {
	t.Helper()
	sealer, err := secret.NewSealer(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: d, sealer: sealer, prover: NewProver(rules, nil)}
	w.setUp(func(tx *db.Tx) error {
		if err := addOrganization(tx, access.Installation, nil, operator.Name); err != nil {
			return err
		}
		if err := plan.FirstStart(tx, tx.Now()); err != nil {
			return err
		}
		return portlist.FirstStart(tx, tx.Now())
	})
	w.customer, w.stranger = w.manager("Blue Cup Coffee", 100), w.manager("Stranger", 100)
	c := huma.DefaultConfig("test", "1")
	c.CreateHooks = nil
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", func(t reflect.Type, hint string) string { // one Attributes a noun
		return strings.NewReplacer("/", "_", ".", "_", "[", "_", "]", "_", "*", "").Replace(t.String())
	})
	mux := http.NewServeMux()
	m := &op.Mount{API: humago.New(mux, c), DB: d, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Audit: w.audit}
	if err := m.Register(slices.Concat(Operations(rules, sealer, nil), ControlOperations(rules, w.prover), portlist.Operations())); err != nil {
		t.Fatal(err)
	}
	w.handler = mux
	return w
}

func (w *world) audit(_ *db.Tx, e op.Entry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entries = append(w.entries, e)
	return nil
}

func (w *world) setUp(fn func(tx *db.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(context.Background(), access.System(access.DoorTest), fn); err != nil {
		w.t.Fatal(err)
	}
}

func addOrganization(tx *db.Tx, id string, above *string, name string) error {
	_, err := tx.Exec(`insert into organizations (organization_id, id, parent_id, name, created_at, updated_at) values (?, ?, ?, ?, ?, ?)`,
		id, id, above, name, tx.Now(), tx.Now())
	return err
}

// manager of a new customer with a subscription to every product for so many addresses.
func (w *world) manager(name string, limit int) access.Principal {
	w.t.Helper()
	id, above := db.NewID(), access.Installation
	features, _ := json.Marshal(plan.Features{access.NumberOfIPs: {Limit: &limit}, access.TargetCredentials: {}})
	w.setUp(func(tx *db.Tx) error {
		if err := addOrganization(tx, id, &above, name); err != nil {
			return err
		}
		var plans []plan.Plan
		if err := tx.Select(&plans).Scan(tx.Context()); err != nil {
			return err
		}
		for _, p := range plans {
			s := &plan.Subscription{ID: db.NewID(), PlanOrganizationID: p.OrganizationID, PlanID: p.ID, Product: p.Product, Status: "active",
				BillingInterval: "none", StartAt: tx.Now(), Price: "0.00", Features: features, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
			s.OrganizationID = id
			if _, err := tx.Insert(s).Exec(tx.Context()); err != nil {
				return err
			}
		}
		return nil
	})
	home := access.Organization{ID: id, Name: name, Chain: []string{access.Installation}}
	return access.Principal{User: db.NewID(), Username: "manager@" + id, Role: access.Manager, Timezone: "UTC", Home: home, Acting: home,
		Product: plan.VRMS, Subscribed: true, Features: map[access.Feature]bool{access.TargetCredentials: true}}
}

func in(p access.Principal, product string) access.Principal {
	p.Product = product
	return p
}

type answer struct {
	status int
	body   string
}

func (w *world) call(p access.Principal, method, path, body string) answer {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r.WithContext(op.WithPrincipal(r.Context(), p, nil)))
	return answer{rec.Code, strings.TrimSpace(rec.Body.String())}
}

// one reads a resource that must have been answered with the status.
func (w *world) one(a answer, status int) Attributes {
	w.t.Helper()
	var body op.One[Attributes]
	if a.status != status || json.Unmarshal([]byte(a.body), &body) != nil {
		w.t.Fatalf("answered %d, not %d: %s", a.status, status, a.body)
	}
	if body.Data.Type != "target" || body.Data.ID != body.Data.Attributes.ID {
		w.t.Fatalf("no target: %s", a.body)
	}
	return body.Data.Attributes
}

func (w *world) create(p access.Principal, attributes string) Attributes {
	w.t.Helper()
	return w.one(w.call(p, "POST", "/v2/targets", `{"target": {`+attributes+`}}`), 201)
}

func (w *world) names(p access.Principal, query string) []string {
	w.t.Helper()
	a := w.call(p, "GET", "/v2/targets"+query, "")
	var body op.Many[Attributes]
	if a.status != 200 || json.Unmarshal([]byte(a.body), &body) != nil {
		w.t.Fatalf("list %s answered %d: %s", query, a.status, a.body)
	}
	names := []string{}
	for _, d := range body.Data {
		names = append(names, d.Attributes.Name)
	}
	return names
}

// refuse checks a problem's status, pointer (of any detail) and words.
func (w *world) refuse(a answer, status int, pointer string, words ...string) {
	w.t.Helper()
	var p op.Problem
	if a.status != status || json.Unmarshal([]byte(a.body), &p) != nil {
		w.t.Fatalf("answered %d, not %d: %s", a.status, status, a.body)
	}
	found := pointer == ""
	for _, e := range p.Errors {
		found = found || e.Pointer == pointer
	}
	if !found {
		w.t.Errorf("points not at %s: %s", pointer, a.body)
	}
	for _, word := range words {
		if !bytes.Contains([]byte(a.body), []byte(word)) {
			w.t.Errorf("says nothing of %q: %s", word, a.body)
		}
	}
}

// as reads or changes rows as the principal.
func (w *world) as(p access.Principal, fn func(tx *db.Tx) error) error {
	w.t.Helper()
	g, err := access.Check(p, access.TargetCreate)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.db.Write(context.Background(), g, fn)
}

var testRules = Rules{
	Allow: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16")},
	Own:   []netip.AddrPort{netip.MustParseAddrPort("203.0.113.200:443"), netip.MustParseAddrPort("10.9.0.1:8443")},
}
