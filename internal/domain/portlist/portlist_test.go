package portlist

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

func manager(t *testing.T, d *db.DB, name string) access.Principal {
	t.Helper()
	home := access.Organization{ID: db.NewID(), Name: name, Chain: []string{access.Installation}}
	addOrganization(t, d, home.ID, name)
	return access.Principal{User: db.NewID(), Role: access.Manager, Timezone: "UTC", Home: home, Acting: home, Product: plan.VRMS, Subscribed: true}
}

func addOrganization(t *testing.T, d *db.DB, id, name string) {
	t.Helper()
	write(t, d, access.System(access.DoorTest), func(tx *db.Tx) error {
		_, err := tx.Exec(`insert into organizations (organization_id, id, name, created_at, updated_at) values (?, ?, ?, 1, 1)`, id, id, name)
		return err
	})
}

func write(t *testing.T, d *db.DB, g access.Grant, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), g, fn); err != nil {
		t.Fatal(err)
	}
}

func grant(t *testing.T, p access.Principal) access.Grant {
	t.Helper()
	g, err := access.Check(p, access.PortListAccess)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func installation(t *testing.T, d *db.DB) {
	t.Helper()
	addOrganization(t, d, access.Installation, "Installation")
	for range 2 { // the second changes nothing
		write(t, d, access.System(access.DoorFirstStart), func(tx *db.Tx) error { return FirstStart(tx, tx.Now()) })
	}
}

func own(t *testing.T, d *db.DB, p access.Principal, l *PortList, spec string) {
	t.Helper()
	ranges, err := ParseSpec("/port_list/ranges", spec)
	if err != nil {
		t.Fatal(err)
	}
	l.ID = db.NewID()
	write(t, d, grant(t, p), func(tx *db.Tx) error { return Insert(tx, l, ranges) })
}

func get(t *testing.T, d *db.DB, p access.Principal, path string) (int, string) {
	t.Helper()
	c := huma.DefaultConfig("test", "1")
	c.CreateHooks = nil
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", func(t reflect.Type, _ string) string { // one Attributes a noun
		return strings.NewReplacer("/", "_", ".", "_", "[", "_", "]", "_", "*", "").Replace(t.String())
	})
	mux := http.NewServeMux()
	m := &op.Mount{API: humago.New(mux, c), DB: d, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if err := m.Register(Operations()); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, path, nil)
	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, r.WithContext(op.WithPrincipal(r.Context(), p, nil)))
	return rec.Code, rec.Body.String()
}

func names(t *testing.T, d *db.DB, p access.Principal, path string) []string {
	t.Helper()
	status, body := get(t, d, p, path)
	var many op.Many[Attributes]
	if err := json.Unmarshal([]byte(body), &many); status != 200 || err != nil {
		t.Fatalf("%s answers %d: %s", path, status, body)
	}
	all := []string{}
	for _, x := range many.Data {
		if len(x.Attributes.PortRanges) == 0 || x.Type != "port_list" {
			t.Errorf("%s is of type %s and has %d ranges", x.Attributes.Name, x.Type, len(x.Attributes.PortRanges))
		}
		all = append(all, x.Attributes.Name)
	}
	return all
}

var made = []string{"All TCP", "All TCP and common UDP", "Common TCP and UDP", "IANA-assigned TCP", "PCI", "Top 1000 TCP", "Web ports"}

func TestPredefinedListsAreSharedWithAll(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		installation(t, d)
		p, stranger := manager(t, d, "Blue Cup Coffee"), manager(t, d, "Stranger")
		own(t, d, stranger, &PortList{Name: "theirs", AppType: AllProducts, Active: true}, "1")
		if got := names(t, d, p, "/v2/port_lists"); !slices.Equal(got, made) {
			t.Errorf("lists %q", got)
		}
		if got := names(t, d, p, "/v2/port_lists?q[name]=*udp&q[predefined]=true&sort_by=-tcp_count"); !slices.Equal(got, []string{"All TCP and common UDP", "Common TCP and UDP"}) {
			t.Errorf("filtered: %q", got)
		}
		write(t, d, grant(t, p), func(tx *db.Tx) error {
			for product, want := range map[string]string{plan.PCI: "PCI", plan.VRMS: "All TCP and common UDP", plan.Penetration: "All TCP and common UDP"} {
				l, err := Default(tx, product)
				if err != nil {
					return err
				}
				spec, err := Spec(tx, l)
				if err != nil || l.Name != want || l.TCPCount != 65535 || l.UDPCount != 57 || !strings.HasPrefix(spec, "T:1-65535,U:7,13,17,19,37,53,") {
					t.Errorf("default of %s: %+v, %.60s, %v", product, l, spec, err)
				}
			}
			if _, err := Default(tx, "nothing"); err == nil || fault.Is(err, fault.NotFound) {
				t.Errorf("default of nothing: %v", err)
			}
			return nil
		})
	})
}

func TestActivatedListsServeTheProduct(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		installation(t, d)
		p := manager(t, d, "Blue Cup Coffee")
		own(t, d, p, &PortList{Name: "mine", AppType: AllProducts, Active: true}, "22")
		own(t, d, p, &PortList{Name: "off", AppType: AllProducts}, "22")
		own(t, d, p, &PortList{Name: "penetration", AppType: plan.Penetration, Active: true}, "22")
		want := append(slices.DeleteFunc(slices.Clone(made), func(n string) bool { return n == "PCI" }), "mine")
		if got := names(t, d, p, "/v2/port_lists/activated"); !slices.Equal(got, want) {
			t.Errorf("activated in vrms: %q", got)
		}
		p.Product = plan.PCI
		if got := names(t, d, p, "/v2/port_lists/activated"); !slices.Contains(got, "PCI") || slices.Contains(got, "penetration") {
			t.Errorf("activated in pci: %q", got)
		}
		if got := names(t, d, p, "/v2/port_lists?q[predefined]=false"); len(got) != 3 {
			t.Errorf("all: %q", got)
		}
	})
}

func TestShowPortList(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		installation(t, d)
		p, stranger := manager(t, d, "Blue Cup Coffee"), manager(t, d, "Stranger")
		mine, theirs := &PortList{Name: "mine", AppType: AllProducts, Active: true}, &PortList{Name: "theirs", AppType: AllProducts, Active: true}
		own(t, d, p, mine, "443,80,81,U:53")
		own(t, d, stranger, theirs, "1")
		status, body := get(t, d, p, "/v2/port_lists/"+mine.ID)
		var one op.One[Attributes]
		if err := json.Unmarshal([]byte(body), &one); err != nil || status != 200 {
			t.Fatalf("answers %d: %s", status, body)
		}
		a := one.Data.Attributes
		if a.ID != mine.ID || a.TCPCount != 3 || a.UDPCount != 1 || len(a.PortRanges) != 3 || a.PortRanges[0].Start != 80 || a.PortRanges[0].End != 81 || a.PortRanges[2].Protocol != UDP {
			t.Errorf("shown %+v", a)
		}
		for _, id := range []string{theirs.ID, db.NewID(), "no-id"} {
			if status, body := get(t, d, p, "/v2/port_lists/"+id); status != 404 {
				t.Errorf("%s answers %d: %s", id, status, body)
			}
		}
		write(t, d, grant(t, p), func(tx *db.Tx) error {
			if found, err := Names(tx, []string{mine.ID, theirs.ID}); err != nil || len(found) != 1 || found[mine.ID] != "mine" {
				t.Errorf("names %v, %v", found, err)
			}
			if ranges, err := Ranges(tx, theirs.ID); err != nil || len(ranges) != 0 {
				t.Errorf("ranges of a stranger: %v, %v", ranges, err)
			}
			return nil
		})
		err := d.Write(context.Background(), grant(t, p), func(tx *db.Tx) error {
			return Insert(tx, &PortList{ID: db.NewID(), Name: "x", Shared: db.Shared{OrganizationID: stranger.Acting.ID}}, []Range{{Protocol: TCP, Start: 1, End: 1}})
		})
		if err == nil {
			t.Error("a list was made for a stranger")
		}
	})
}

func TestPredefinedPorts(t *testing.T) {
	t.Parallel()
	all, err := predefined()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		ranges, err := ParseSpec("", d.spec)
		if err != nil {
			t.Fatalf("%s: %v", d.name, err)
		}
		tcp := count(ranges, TCP)
		switch d.name {
		case "Top 1000 TCP":
			if tcp != 1000 {
				t.Errorf("%s has %d ports", d.name, tcp)
			}
		case "IANA-assigned TCP":
			if tcp != 5953 || !strings.HasPrefix(Format(ranges), "T:1-3,5,7,9,11,13,17-25,") {
				t.Errorf("%s has %d ports", d.name, tcp)
			}
		}
		if tcp == 0 || d.description == "" {
			t.Errorf("%s: %d ports, %q", d.name, tcp, d.description)
		}
	}
	for product, name := range standard {
		if !slices.ContainsFunc(all, func(d definition) bool { return d.name == name }) || !slices.Contains(plan.Products, product) {
			t.Errorf("the list %s of %s is not predefined", name, product)
		}
	}
}

func TestParseSpec(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"80":                          "T:80",
		"443, 80 ,81-90,85-100":       "T:80-100,443",
		"T:1-65535,U:53,161":          "T:1-65535,U:53,161",
		"u:161,162\ntcp:22,":          "T:22,U:161-162",
		"U:53,T:53,53":                "T:53,U:53",
		"1-10,11":                     "T:1-11",
		"":                            "The ranges name no port",
		"T:,U:":                       "The ranges name no port",
		"S:1":                         `"S" is no protocol`,
		"0":                           `"0" is neither`,
		"65536":                       `"65536" is neither`,
		"90-80":                       "The range 90-80 runs backwards; write 80-90",
		"1-":                          `"1-" is neither`,
		"-":                           `"-" is neither`,
		"1-2-3":                       `"1-2-3" is neither`,
		"http":                        `"http" is neither`,
		"+80":                         `"+80" is neither`,
		strings.Repeat("1,", maxSpec): "longer than",
	} {
		ranges, err := ParseSpec("/port_list/ranges", text)
		got := Format(ranges)
		if details := fault.DetailsOf(err); len(details) == 1 && details[0].Pointer == "/port_list/ranges" {
			got = details[0].Detail
		}
		if !strings.HasPrefix(got, want) && !strings.Contains(got, want) {
			t.Errorf("%.40q reads as %q, not %q", text, got, want)
		}
	}
}

func FuzzParseSpec(f *testing.F) {
	for _, seed := range []string{"T:1-1024,U:53", "80,443", "U:1-", "tcp:1,\n2-3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ranges, err := ParseSpec("/x", text)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("no fault: %v", err)
			}
			return
		}
		again, err := ParseSpec("/x", Format(ranges))
		if err != nil || !reflect.DeepEqual(again, ranges) {
			t.Fatalf("%q reads as %v, and again as %v, %v", text, ranges, again, err)
		}
	})
}
