package target

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/domain/portlist"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

const shop = `"name": "Shop", "hosts": "203.0.113.0/28, www.Example.org\nhttps://203.0.113.20/cart", "exclude_hosts": ["203.0.113.1-4"], "comment": "ours"`

func TestTargetFromCreateToDelete(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, testRules)
		w.create(w.stranger, shop)
		a := w.create(w.customer, shop)
		want := []string{"203.0.113.0/28", "www.example.org", "https://203.0.113.20/cart"}
		if !slices.Equal(a.Hosts, want) || !slices.Equal(a.ExcludeHosts, []string{"203.0.113.1-203.0.113.4"}) {
			t.Errorf("hosts %q less %q", a.Hosts, a.ExcludeHosts)
		}
		if a.HostsCount != 16-4+1+1 || a.AppType != plan.VRMS || a.AliveTest != "auto" || a.ScopeAttestation != nil {
			t.Errorf("created %+v", a)
		}
		if a.PortList == nil || a.PortList.Name != "All TCP and common UDP" {
			t.Errorf("port list %+v", a.PortList)
		}
		if got := w.one(w.call(w.customer, "GET", "/v2/targets/"+a.ID, ""), 200); fmt.Sprint(got.Hosts, *got.PortList) != fmt.Sprint(a.Hosts, *a.PortList) {
			t.Errorf("shown %+v", got)
		}
		b := w.one(w.call(w.customer, "PUT", "/v2/targets/"+a.ID, `{"target": {"hosts": ["2001:db8::1"], "exclude_hosts": null, "alive_test": "none", "max_parallel": 8}}`), 200)
		if b.Name != "Shop" || b.Comment != "ours" || b.HostsCount != 1 || len(b.ExcludeHosts) != 0 || b.AliveTest != "none" || b.MaxParallel != 8 {
			t.Errorf("updated %+v", b)
		}
		if got := w.call(w.customer, "DELETE", "/v2/targets/"+a.ID, ""); got.status != 200 || got.body != `{"data":{"id":"`+a.ID+`","type":"target"}}` {
			t.Errorf("deleted: %+v", got)
		}
		w.refuse(w.call(w.customer, "GET", "/v2/targets/"+a.ID, ""), 404, "")
		if got := w.names(w.stranger, ""); len(got) != 1 {
			t.Errorf("the stranger has %q", got)
		}
		w.audited(t)
	})
}

// audited looks at the entries of a create by each customer, an update and a delete.
func (w *world) audited(t *testing.T) {
	t.Helper()
	var actions []string
	for _, e := range w.entries {
		actions = append(actions, e.Action)
	}
	if !slices.Equal(actions, []string{"createTarget", "createTarget", "updateTarget", "deleteTarget"}) {
		t.Fatalf("audited %q", actions)
	}
	before, after := w.entries[2].Change.Before.(Attributes), w.entries[2].Change.After.(Attributes)
	if before.HostsCount != 14 || after.HostsCount != 1 {
		t.Errorf("audited %d before and %d after", before.HostsCount, after.HostsCount)
	}
}

func TestStrangersTargetsAreNotThere(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, testRules)
		mine := w.create(w.customer, shop)
		theirs := w.create(w.stranger, shop)
		foreign := w.create(in(w.customer, plan.Penetration), shop) // another product's is as far away
		for _, id := range []string{theirs.ID, foreign.ID, db.NewID(), "no-id"} {
			w.refuse(w.call(w.customer, "GET", "/v2/targets/"+id, ""), 404, "")
			w.refuse(w.call(w.customer, "PUT", "/v2/targets/"+id, `{"target": {"name": "Mine"}}`), 404, "")
			w.refuse(w.call(w.customer, "DELETE", "/v2/targets/"+id, ""), 404, "")
			w.refuse(w.call(w.customer, "DELETE", "/v2/targets", `{"ids": ["`+mine.ID+`", "`+id+`"]}`), 404, "")
		}
		if got := w.one(w.call(w.stranger, "GET", "/v2/targets/"+theirs.ID, ""), 200); got.Name != "Shop" || got.UpdatedAt != theirs.UpdatedAt {
			t.Errorf("the stranger's is now %+v", got)
		}
		if got := w.names(w.customer, ""); !slices.Equal(got, []string{"Shop"}) {
			t.Errorf("listed %q", got)
		}
		other := w.create(w.customer, `"name": "Other", "hosts": ["198.51.100.1"]`)
		if got := w.call(w.customer, "DELETE", "/v2/targets?ids="+other.ID+","+mine.ID, ""); got.status != 200 || strings.Index(got.body, other.ID) > strings.Index(got.body, mine.ID) {
			t.Errorf("bulk delete: %+v", got)
		}
		if left := w.names(w.customer, ""); len(left) != 0 {
			t.Errorf("left %q", left)
		}
	})
}

func TestTargetRefusals(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, testRules)
		w.create(w.customer, shop)
		for _, c := range []struct{ attributes, pointer, words string }{
			{`"name": " ", "hosts": "203.0.113.1"`, "/target/name", "required"},
			{`"name": "Shop", "hosts": "203.0.113.1"`, "/target/name", "taken"},
			{`"name": "x", "hosts": ""`, "/target/hosts", "at least one host"},
			{`"name": "x", "hosts": "203.0.113.9-203.0.113.1"`, "/target/hosts", "203.0.113.9-203.0.113.1 runs backwards; write 203.0.113.1-203.0.113.9"},
			{`"name": "x", "hosts": ["203.0.113.1", "203.0.113.300"]`, "/target/hosts", "203.0.113.300"},
			{`"name": "x", "hosts": "2001:db8::ff-1"`, "/target/hosts", "2001:db8::ff-2001:db8::1 runs backwards; write 2001:db8::1-2001:db8::ff"},
			{`"name": "x", "hosts": "2001:db8::1-203.0.113.1"`, "/target/hosts", "one kind"},
			{`"name": "x", "hosts": "https://ada:secret@shop.example/"`, "/target/hosts", "give the login as a credential"},
			{`"name": "x", "hosts": ["a.example", "b..example", "-c.example"]`, "/target/hosts", "-c.example"},
			{`"name": "x", "hosts": "xn--zz--.example"`, "/target/hosts", "xn--zz--.example"},
			{`"name": "x", "hosts": "203.0.113.0/33"`, "/target/hosts", "203.0.113.0/33"},
			{`"name": "x", "hosts": "203.0.113.1-203.0.113.x"`, "/target/hosts", "203.0.113.x"},
			{`"name": "x", "hosts": "203.0.113.1", "exclude_hosts": "!"`, "/target/exclude_hosts", "no host"},
			{`"name": "x", "hosts": "203.0.113.1", "exclude_hosts": "203.0.113.0/24"`, "/target/exclude_hosts", "leave something"},
			{`"name": "x", "hosts": "8.0.0.0/15"`, "/target/hosts", "65536"},
			{`"name": "x", "hosts": "2001:db8::/64"`, "/target/hosts", "65536"},
			{`"name": "x", "hosts": "198.51.100.1, 192.168.0.0/30"`, "/target/hosts", "In 192.168.0.0/30: 192.168.0.0 is a private address"},
			{`"name": "x", "hosts": "127.0.0.1"`, "/target/hosts", "loopback"},
			{`"name": "x", "hosts": "169.254.169.254"`, "/target/hosts", "credentials"},
			{`"name": "x", "hosts": "http://[fd00:ec2::254]/latest"`, "/target/hosts", "credentials"},
			{`"name": "x", "hosts": "203.0.113.200"`, "/target/hosts", "service itself"},
			{`"name": "x", "hosts": "https://10.9.0.1:8443/"`, "/target/hosts", "service itself"},
			{`"name": "x", "hosts": "203.0.113.1", "alive_test": "ping"`, "/target/alive_test", ""},
			{`"name": "x", "hosts": "203.0.113.1", "max_parallel": 1000`, "/target/max_parallel", ""},
			{`"name": "x", "hosts": "203.0.113.1", "scope_attestation": {"accepted": true}`, "/target/scope_attestation", "accepted"},
			{`"name": "x", "hosts": "203.0.113.1", "hots": 1`, "/target/hots", ""},
			{`"hosts": "203.0.113.1"`, "/target/name", "name"},
			{`"name": "x", "hosts": "203.0.113.1", "credentials": [{"kind": "ssh", "username": "root"}]`, "/target/credentials/0/password", "password or a key"},
			{`"name": "x", "hosts": "203.0.113.1", "credentials": [{"kind": "smb", "password": "p"}]`, "/target/credentials/0/username", ""},
			{`"name": "x", "hosts": "203.0.113.1", "credentials": [{"kind": "snmp", "key": "p"}]`, "/target/credentials/0/key", ""},
			{`"name": "x", "hosts": "203.0.113.1", "credentials": [{"kind": "snmp", "password": "p"}, {"kind": "snmp", "password": "q"}]`, "/target/credentials/1/kind", "two of kind snmp"},
			{`"name": "", "hosts": "nowhere at all", "credentials": [{"kind": "snmp"}]`, "/target/credentials/0/password", "/target/hosts"},
		} {
			w.refuse(w.call(w.customer, "POST", "/v2/targets", `{"target": {`+c.attributes+`}}`), 422, c.pointer, c.words)
		}
		w.create(w.customer, `"name": "allowed", "hosts": "10.9.0.0/30"`)
		w.refuse(w.call(w.customer, "PUT", "/v2/targets/"+w.create(w.customer, `"name": "y", "hosts": "203.0.113.1"`).ID, `{"target": {}}`), 422, "/target")
		auditor := w.customer
		auditor.Role = access.Auditor
		w.refuse(w.call(auditor, "POST", "/v2/targets", `{"target": {`+shop+`}}`), 403, "")
		lapsed := w.customer
		lapsed.Subscribed = false
		w.refuse(w.call(lapsed, "POST", "/v2/targets", `{"target": {`+shop+`}}`), 403, "", "subscription_required")
		if got := w.names(lapsed, "?sort_by=name"); len(got) != 3 {
			t.Errorf("without a subscription %q can be read", got)
		}
	})
}

func TestScopeAttestationInPCI(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, testRules)
		p := in(w.customer, plan.PCI)
		for _, attestation := range []string{``, `, "scope_attestation": {"accepted": false, "name": "Ada", "title": "CTO"}`, `, "scope_attestation": {"accepted": true, "name": "Ada"}`} {
			w.refuse(w.call(p, "POST", "/v2/targets", `{"target": {`+shop+attestation+`}}`), 422, "/target/scope_attestation")
		}
		a := w.create(p, shop+`, "scope_attestation": {"accepted": true, "name": "Ada", "title": "CTO"}`)
		s := a.ScopeAttestation
		if s == nil || !s.Accepted || s.Name != "Ada" || s.Title != "CTO" || s.AcceptedAt == nil || s.AcceptedBy == nil || *s.AcceptedBy != p.User {
			t.Errorf("attested %+v", s)
		}
		if a.PortList.Name != "PCI" || a.AppType != plan.PCI {
			t.Errorf("a target of PCI: %+v", a)
		}
		w.refuse(w.call(p, "PUT", "/v2/targets/"+a.ID, `{"target": {"scope_attestation": null}}`), 422, "/target/scope_attestation")
		if got := w.one(w.call(p, "PUT", "/v2/targets/"+a.ID, `{"target": {"comment": "c"}}`), 200); got.ScopeAttestation == nil {
			t.Error("an update lost the attestation")
		}
		v := w.create(w.customer, `"name": "v", "hosts": "198.51.100.7", "scope_attestation": {"accepted": true, "name": "Ada", "title": "CTO"}`)
		if got := w.one(w.call(w.customer, "PUT", "/v2/targets/"+v.ID, `{"target": {"scope_attestation": null}}`), 200); got.ScopeAttestation != nil {
			t.Errorf("cleared: %+v", got.ScopeAttestation)
		}
	})
}

func TestCredentialsAreSealed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, testRules)
		logins := `, "credentials": [{"kind": "ssh", "username": "root", "password": "hunter2"}, {"kind": "snmp", "password": "public"}]`
		a := w.create(w.customer, shop+logins)
		if len(a.Credentials) != 2 || a.Credentials[1].Kind != "ssh" || *a.Credentials[1].Username != "root" || !a.Credentials[1].Set {
			t.Errorf("answered %+v", a.Credentials)
		}
		user := w.customer
		user.Role = access.User // may make targets, not credentials
		w.refuse(w.call(user, "POST", "/v2/targets", `{"target": {"name": "u", "hosts": "203.0.113.9"`+logins+`}}`), 403, "", "TARGET_CREATE_CREDENTIALS")
		w.refuse(w.call(user, "PUT", "/v2/targets/"+a.ID, `{"target": {"credentials": []}}`), 403, "")
		if got := w.one(w.call(user, "PUT", "/v2/targets/"+a.ID, `{"target": {"comment": "u"}}`), 200); got.Credentials[1].Username != nil || len(got.Credentials) != 2 {
			t.Errorf("a user without the permission is told %+v", got.Credentials)
		}
		w.call(w.customer, "PUT", "/v2/targets/"+a.ID, `{"target": {"credentials": [{"kind": "ssh", "username": "admin"}]}}`)
		var opened []Login
		if err := w.as(w.customer, func(tx *db.Tx) (err error) { opened, err = Logins(tx, w.sealer, a.ID); return err }); err != nil {
			t.Fatal(err)
		}
		if len(opened) != 1 || opened[0].Username != "admin" || opened[0].Password.Reveal() != "hunter2" {
			t.Errorf("kept %d logins", len(opened))
		}
		if err := w.as(w.stranger, func(tx *db.Tx) (err error) { opened, err = Logins(tx, w.sealer, a.ID); return err }); err != nil || len(opened) != 0 {
			t.Errorf("a stranger opens %d logins, %v", len(opened), err)
		}
		w.nowhere(t, "hunter2")
		if got := w.one(w.call(w.customer, "PUT", "/v2/targets/"+a.ID, `{"target": {"credentials": null}}`), 200); len(got.Credentials) != 0 {
			t.Errorf("cleared: %+v", got.Credentials)
		}
	})
}

// nowhere looks for a secret in the rows and the audit trail.
func (w *world) nowhere(t *testing.T, word string) {
	t.Helper()
	var rows []string
	w.setUp(func(tx *db.Tx) error { return tx.Query(&rows, "select secret from target_credentials") })
	raw, err := json.Marshal(w.entries)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(rows, string(raw)); len(rows) == 0 || strings.Contains(text, word) {
		t.Errorf("the secret stands in %s", text)
	}
}

func TestPortListOfATarget(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, testRules)
		ids := map[string]string{}
		add := func(p access.Principal, name, appType string, active bool) {
			l := &portlist.PortList{ID: db.NewID(), Name: name, AppType: appType, Active: active}
			if err := w.as(p, func(tx *db.Tx) error {
				return portlist.Insert(tx, l, []portlist.Range{{Protocol: portlist.TCP, Start: 80, End: 80}})
			}); err != nil {
				t.Fatal(err)
			}
			ids[name] = l.ID
		}
		add(w.customer, "mine", portlist.AllProducts, true)
		add(w.customer, "off", portlist.AllProducts, false)
		add(w.customer, "pci", plan.PCI, true)
		add(w.stranger, "theirs", portlist.AllProducts, true)
		body := func(name, key string) string {
			return `{"target": {"name": "` + name + `", "hosts": "203.0.113.1", "` + key + `": "` + ids[name] + `"}}`
		}
		a := w.one(w.call(w.customer, "POST", "/v2/targets", body("mine", "port_list_id")), 201)
		if a.PortList.ID != ids["mine"] || a.PortList.Name != "mine" {
			t.Errorf("port list %+v", a.PortList)
		}
		w.refuse(w.call(w.customer, "POST", "/v2/targets", body("off", "port_list")), 422, "/target/port_list", "not active")
		w.refuse(w.call(w.customer, "POST", "/v2/targets", body("pci", "port_list")), 422, "/target/port_list", "is for pci")
		w.refuse(w.call(w.customer, "POST", "/v2/targets", body("theirs", "port_list")), 404, "")
		w.refuse(w.call(w.customer, "PUT", "/v2/targets/"+a.ID, `{"target": {"port_list": "`+ids["theirs"]+`"}}`), 404, "")
		if got := w.names(w.customer, "?q[port_list]="+ids["mine"]); len(got) != 1 {
			t.Errorf("by port list: %q", got)
		}
		if got := w.one(w.call(w.customer, "PUT", "/v2/targets/"+a.ID, `{"target": {"port_list": null}}`), 200); got.PortList.Name != "All TCP and common UDP" {
			t.Errorf("cleared: %+v", got.PortList)
		}
	})
}

func TestFilterByHost(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, Rules{OwnScanner: func(*db.Tx) (bool, error) { return true, nil }})
		w.create(w.customer, `"name": "a", "hosts": "www.example.org, 192.168.1.1"`)
		w.create(w.customer, `"name": "b", "hosts": "192.168.2.0/30, 192.16.8.1"`)
		w.create(w.customer, `"name": "c", "hosts": "mail_1.example.org", "comment": "Spare"`)
		w.create(w.stranger, `"name": "d", "hosts": "192.168.1.1"`)
		for query, want := range map[string]string{
			"":                                     "a b c",
			"?q[hosts]=192.168.*":                  "a b",
			"?q[hosts]='192.168.*'":                "a b",
			"?q[hosts]=192.168.1.1":                "a",
			"?q[hosts]=WWW.*":                      "a",
			"?q[hosts]=*.example.org":              "a c",
			"?q[hosts]=www*.1":                     "", // not from one host into the next
			"?q[hosts]=192.168":                    "",
			"?q[hosts]=mail%251*":                  "",
			"?q[hosts]=mail_1*,192.16.8.1":         "b c",
			"?q[hosts]=!192.168.*":                 "c",
			"?q[hosts]=192.168.*&q[hosts]=www.*":   "a",
			"?q[hosts]=192.168.*&q[name]=b":        "b",
			"?q=spare":                             "c",
			"?q=168.1":                             "a",
			"?q[hosts_count]=>=3":                  "b",
			"?q[comment]=s*":                       "c",
			"?sort_by=-hosts_count,name":           "b a c",
			"?q[hosts]=192.168.*&per_page=1":       "a",
			"?per_page=2&page=2":                   "c",
			"?q[hosts]=192.*&sort_by=hosts%20desc": "a b",
		} {
			if got := strings.Join(w.names(w.customer, query), " "); got != want {
				t.Errorf("%s lists %q, not %q", query, got, want)
			}
		}
		w.refuse(w.call(w.customer, "GET", "/v2/targets?q[host]=x", ""), 422, "q[host]", "hosts")
		w.refuse(w.call(w.customer, "GET", "/v2/targets?q[hosts]="+strings.Repeat("x", 1001), ""), 422, "q[hosts]")
	})
}

func TestTargetInUse(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, testRules)
		a, b := w.create(w.customer, shop), w.create(w.customer, `"name": "free", "hosts": "203.0.113.1"`)
		w.setUp(func(tx *db.Tx) error {
			_, err := tx.Exec(`insert into scans (organization_id, id, product, name, target_id, profile, notify, created_at, updated_at)
				values (?, ?, 'vrms', 's', ?, 'full', '[]', 1, 1)`, w.customer.Acting.ID, db.NewID(), a.ID)
			return err
		})
		w.refuse(w.call(w.customer, "DELETE", "/v2/targets/"+a.ID, ""), 409, "", "A scan uses this target", "in_use")
		w.refuse(w.call(w.customer, "DELETE", "/v2/targets", `{"ids": ["`+b.ID+`", "`+a.ID+`"]}`), 409, "", "A scan uses")
		if got := w.names(w.customer, ""); len(got) != 2 {
			t.Errorf("left %q", got)
		}
	})
}

func TestPlanLimitsAddresses(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, testRules)
		p := w.manager("Small", 10)
		a := w.create(p, `"name": "a", "hosts": "203.0.113.0/29"`)                                               // 8
		w.create(p, `"name": "b", "hosts": "203.0.113.4/30, www.example.org", "exclude_hosts": ["203.0.113.7"]`) // the name is new
		w.create(in(p, plan.Penetration), `"name": "a", "hosts": "198.51.100.0/29"`)                             // counts apart
		w.create(p, `"name": "c", "hosts": "198.51.100.1"`)
		over := w.call(p, "POST", "/v2/targets", `{"target": {"name": "d", "hosts": "198.51.100.2"}}`)
		w.refuse(over, 422, "/target/hosts", "quota_exceeded", "covers 10", "10 are used", "would be 11")
		w.refuse(w.call(p, "PUT", "/v2/targets/"+a.ID, `{"target": {"hosts": "203.0.113.0/28"}}`), 422, "/target/hosts", "quota_exceeded")
		w.one(w.call(p, "PUT", "/v2/targets/"+a.ID, `{"target": {"exclude_hosts": "203.0.113.0"}}`), 200)
		w.create(p, `"name": "d", "hosts": "198.51.100.2"`)
		if err := w.as(p, CheckQuota); err != nil {
			t.Errorf("within the plan: %v", err)
		}
		w.setUp(func(tx *db.Tx) error {
			_, err := tx.Exec(`update subscriptions set features = '{"number_of_ips":{"limit":5}}' where organization_id = ?`, p.Acting.ID)
			return err
		})
		if err := w.as(p, CheckQuota); !fault.Is(err, fault.Invalid) {
			t.Errorf("over a plan that shrank: %v", err)
		}
		w.one(w.call(p, "PUT", "/v2/targets/"+a.ID, `{"target": {"name": "renamed"}}`), 200)
		w.one(w.call(p, "PUT", "/v2/targets/"+a.ID, `{"target": {"hosts": "203.0.113.0/30", "exclude_hosts": null}}`), 200) // fewer than before
		admin := access.Principal{User: db.NewID(), Role: access.Admin, Timezone: "UTC", Home: operator, Acting: operator, Product: plan.VRMS}
		if got := w.create(admin, `"name": "all", "hosts": "8.0.0.0/16"`); got.HostsCount != 65536 {
			t.Errorf("the installation's own target has %d addresses", got.HostsCount)
		}
	})
}

func TestPlanLimitHoldsUnderParallelCreates(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, testRules)
		p := w.manager("Small", 10)
		answers := make([]answer, 100)
		var group sync.WaitGroup
		for i := range answers {
			group.Go(func() {
				answers[i] = w.call(p, "POST", "/v2/targets", fmt.Sprintf(`{"target": {"name": "t%d", "hosts": "203.0.113.%d"}}`, i, i))
			})
		}
		group.Wait()
		made := 0
		for _, a := range answers {
			if a.status == 201 {
				made++
				continue
			}
			w.refuse(a, 422, "/target/hosts", "quota_exceeded")
		}
		var used int
		if err := w.as(p, func(tx *db.Tx) (err error) { used, err = Used(tx); return err }); err != nil {
			t.Fatal(err)
		}
		if made != 10 || used != 10 {
			t.Errorf("%d targets were made of %d addresses; the plan covers 10", made, used)
		}
	})
}

func TestRules(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ shared, own bool }{
		"8.8.8.8":                {true, true},
		"203.0.113.7":            {true, true}, // documentation: examples may be tried
		"2a00:1450:4001::1":      {true, true},
		"10.9.1.1":               {true, true}, // allowed
		"::ffff:10.9.1.1":        {true, true},
		"10.9.0.1":               {true, true}, // a listener that the operator allows
		"10.8.0.1":               {false, true},
		"::ffff:10.8.0.1":        {false, true},
		"100.64.0.1":             {false, true},
		"127.0.0.1":              {false, true},
		"::1":                    {false, true},
		"172.31.255.255":         {false, true},
		"172.32.0.1":             {true, true},
		"192.168.1.1":            {false, true},
		"169.254.1.1":            {false, true},
		"fe80::1%eth0":           {false, true},
		"fd12::1":                {false, true},
		"fec0::1":                {false, true},
		"198.19.0.1":             {false, true},
		"240.0.0.1":              {false, true},
		"64:ff9b::7f00:1":        {false, true},
		"2002:7f00:1::":          {false, true},
		"100::1":                 {false, true},
		"169.254.169.254":        {false, false},
		"::ffff:169.254.169.254": {false, false},
		"64:ff9b::a9fe:a9fe":     {false, false},
		"fd00:ec2::254":          {false, false},
		"100.100.100.200":        {false, false},
		"168.63.129.16":          {false, false},
		"203.0.113.200":          {false, false}, // the service itself
		"0.0.0.0":                {false, false},
		"::":                     {false, false},
		"224.0.0.1":              {false, false},
		"ff02::1":                {false, false},
	} {
		a := netip.MustParseAddr(text)
		for own, ok := range map[bool]bool{false: want.shared, true: want.own} {
			err := testRules.Check(a, own)
			if (err == nil) != ok || err != nil && !fault.Is(err, fault.Invalid) {
				t.Errorf("%s, own scanner %v: %v", text, own, err)
			}
		}
	}
	if err := testRules.Check(netip.Addr{}, true); err == nil {
		t.Error("no address may be scanned")
	}
	metadata := Rules{Allow: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}
	if err := metadata.Check(netip.MustParseAddr("169.254.169.254"), true); err == nil {
		t.Error("an operator can open the metadata address")
	}
}

func TestScopeCountsDistinctAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hosts, excluded string
		want            int
	}{
		{"203.0.113.1", "", 1},
		{"203.0.113.0/24 203.0.113.128/25 203.0.113.5 203.0.113.250-203.0.114.9", "", 256 + 10},
		{"203.0.113.0/24", "203.0.113.0/25 203.0.113.255", 127},
		{"203.0.113.1 ::ffff:203.0.113.1 https://203.0.113.1/a https://203.0.113.1/b", "", 1},
		{"www.example.org WWW.example.org. https://www.example.org/x api.example.org", "", 2},
		{"www.example.org api.example.org", "www.example.org", 1},
		{"2001:db8::/112", "", 65536},
		{"198.51.0.0/16", "", 65536},
		{"2001:db8::1-2001:db8::ff 2001:db8::f0-ffff", "2001:db8::ffff", 65534},
	} {
		s, err := ReadScope(strings.Fields(c.hosts), strings.Fields(c.excluded))
		if err != nil || s.Count() != c.want {
			t.Errorf("%s less %q: %d, not %d; %v", c.hosts, c.excluded, s.Count(), c.want, err)
		}
	}
	if _, err := ReadScope([]string{"198.51.0.0/16", "www.example.org"}, nil); !fault.Is(err, fault.Invalid) {
		t.Errorf("65537 hosts: %v", err)
	}
	if _, err := ReadScope([]string{"::/0"}, []string{"www.example.org"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("all of IPv6: %v", err)
	}
}

func FuzzReadScope(f *testing.F) {
	f.Add("203.0.113.0/24,www.example.org", "203.0.113.7")
	f.Add("2001:db8::1-ffff\n::1", "!")
	f.Fuzz(func(t *testing.T, hosts, excluded string) {
		s, err := ReadScope(strings.Split(hosts, ","), strings.Split(excluded, ","))
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("no fault: %v", err)
			}
			return
		}
		if s.Count() < 1 || s.Count() > 65536 {
			t.Fatalf("%d addresses", s.Count())
		}
		again, err := ReadScope(texts(s.Hosts), texts(s.Excluded))
		if err != nil || again.Count() != s.Count() {
			t.Fatalf("read again: %d, not %d; %v", again.Count(), s.Count(), err)
		}
	})
}
