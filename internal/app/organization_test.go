package app

import (
	"bytes"
	"context"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
)

// acting names the organization to act in.
func acting(id string) []string { return []string{"X-Organization-Id", id} }

func TestOrganizations(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		partner := p.organization("admin", "reseller", access.Partner)
		child := p.organization("partner@reseller", "shop", access.Manager, access.User)
		p.changes(partner, child)
		p.exports()
		p.deletes(partner, child)
	})
}

// changes: what is sent is changed, and an organization stays where it is.
func (p *program) changes(partner, child string) {
	p.Helper()
	var o struct {
		Data struct{ Attributes map[string]any }
	}
	path := "/v2/organizations/" + child
	p.must(200, "partner@reseller", "PUT", path, object{"organization": object{"city": "Graz", "contact_name": "Ada", "parent_organization": partner}}).decode(p, &o)
	if a := o.Data.Attributes; a["city"] != "Graz" || a["contact_name"] != "Ada" || a["name"] != "shop" || a["users_count"] != 2.0 {
		p.Errorf("changed to %+v", a)
	}
	p.must(200, "partner@reseller", "PUT", path, object{"organization": object{"city": nil}}).decode(p, &o)
	if o.Data.Attributes["city"] != "" || o.Data.Attributes["contact_name"] != "Ada" {
		p.Errorf("null clears: %+v", o.Data.Attributes)
	}
	grandchild := p.organization("admin", "elsewhere")
	for name, c := range map[string]struct {
		in      object
		by      string
		pointer string
	}{
		"nothing":      {object{}, "partner@reseller", "/organization"},
		"no name":      {object{"name": " "}, "partner@reseller", "/organization/name"},
		"bidi":         {object{"name": "shop\u202egnp.exe"}, "partner@reseller", "/organization/name"},
		"below itself": {object{"parent_organization": child}, "partner@reseller", "/organization/parent_organization"},
		"moved":        {object{"parent_organization": grandchild}, "admin", "/organization/parent_organization"},
		"no parent":    {object{"parent_organization": nil}, "admin", "/organization/parent_organization"},
		"unknown":      {object{"partner": true}, "admin", "/organization/partner"},
	} {
		x := p.refused(422, c.by, "PUT", path, object{"organization": c.in})
		if len(x.Errors) != 1 || x.Errors[0].Pointer != c.pointer {
			p.Errorf("%s: %+v", name, x)
		}
	}
	p.refused(404, "partner@reseller", "PUT", path, object{"organization": object{"parent_organization": grandchild}})
	p.refused(404, "partner@reseller", "PUT", "/v2/organizations/"+grandchild, object{"organization": object{"city": "x"}})
	p.refused(403, "manager@shop", "PUT", path, object{"organization": object{"city": "x"}})
	p.must(200, "partner@reseller", "GET", "/v2/audit/events?q[action]=updateOrganization", nil)
}

func (p *program) exports() {
	p.Helper()
	p.order(201, "partner@reseller", object{"name": "=cmd()", "description": "a, \"b\""})
	a := p.must(200, "partner@reseller", "GET", "/v2/organizations/export", nil)
	rows, err := csv.NewReader(bytes.NewReader(a.Body)).ReadAll()
	if err != nil || len(rows) != 4 || rows[0][1] != "name" || !strings.Contains(a.Header.Get("Content-Type"), "text/csv") {
		p.Errorf("%v, %v", rows, err)
	}
	if !bytes.Contains(a.Body, []byte("'=cmd()")) || bytes.Contains(a.Body, []byte("Vedette")) {
		p.Errorf("the export: %s", a.Body)
	}
}

// deletes: an organization goes with all that it owns but PCI reports and the audit trail.
func (p *program) deletes(partner, child string) {
	p.Helper()
	const m = "manager@shop"
	scan := p.scan(m, "web", p.target(m, "web", "192.0.2.1"))
	p.must(200, m, "POST", "/v2/scans/"+scan+"/start", nil)
	path := "/v2/organizations/" + child
	if x := p.refused(409, "admin", "DELETE", "/v2/organizations/"+partner, nil); x.Code != "in_use" {
		p.Errorf("with organizations below: %+v", x)
	}
	if x := p.refused(409, "partner@reseller", "DELETE", path, nil); x.Code != "in_use" || !strings.Contains(x.Detail, "running") {
		p.Errorf("with a running scan: %+v", x)
	}
	if x := p.refused(409, "partner@reseller", "DELETE", "/v2/organizations/"+partner, nil); x.Code != "own_organization" {
		p.Errorf("one's own: %+v", x)
	}
	p.refused(409, "admin", "DELETE", "/v2/organizations/"+access.Installation, nil)
	p.work(alive)
	p.eventually("the report", func() bool {
		return bytes.Contains(p.must(200, m, "GET", "/v2/reports", nil).Body, []byte(`"scan_name"`)) || bytes.Contains(p.must(200, m, "GET", "/v2/reports", nil).Body, []byte(`"history_id"`))
	})
	report := p.first(m, "/v2/reports")
	p.must(201, m, "POST", "/v2/port_lists", object{"port_list": object{"name": "own", "ranges": "80"}})
	p.must(201, m, "POST", "/v2/scanners", object{"scanner": object{"name": "own"}})
	p.must(200, m, "PUT", "/v2/user/generate_access_token", nil)
	gone := p.must(200, "partner@reseller", "DELETE", path, nil)
	if !bytes.Contains(gone.Body, []byte(`"type":"organization"`)) || !bytes.Contains(gone.Body, []byte("1 issued PCI reports, the audit trail")) {
		p.Errorf("the answer: %s", gone.Body)
	}
	p.refused(401, m, "GET", "/v2/targets", nil)
	p.refused(401, "", "POST", "/v2/auth/sign_in", object{"username": m, "password": password})
	p.refused(404, "partner@reseller", "GET", path, nil)
	p.refused(404, "partner@reseller", "DELETE", path, nil)
	p.refused(404, "partner@reseller", "POST", "/v2/organizations", object{"organization": object{"name": "below the deleted", "parent_organization": child}})
	p.refused(404, "partner@reseller", "POST", "/v2/users", object{"user": object{"email": "late@example.org", "role": "user", "organization": child}})
	p.must(200, "partner@reseller", "GET", "/v2/reports/"+report, nil, acting(child)...)
	if a := p.must(200, "partner@reseller", "GET", "/v2/audit/events?q[action]=createTarget", nil, acting(child)...); !bytes.Contains(a.Body, []byte(`"createTarget"`)) {
		p.Errorf("the audit trail of the deleted: %s", a.Body)
	}
	p.left(child)
}

// left: of all tables, those that outlast an organization alone have rows of it.
func (p *program) left(organization string) {
	p.Helper()
	keep := map[string]bool{"organizations": true, "audit_events": true, "audit_heads": true, "reports": true, "report_files": true}
	err := p.app.DB.Read(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
		query := "select name from sqlite_master where type = 'table' and sql like '%organization_id%'"
		if tx.Dialect() == db.Postgres {
			query = "select table_name from information_schema.columns where column_name = 'organization_id' and table_schema = 'public'"
		}
		var tables []string
		if err := tx.Query(&tables, query); err != nil {
			return err
		}
		if len(tables) < 20 {
			p.Errorf("only %d tables were looked at", len(tables))
		}
		for _, table := range tables {
			var n int
			if err := tx.Query(&n, "select count(*) from "+table+" where organization_id = ?", organization); err != nil {
				return err
			}
			if n > 0 && !keep[table] {
				p.Errorf("%d rows are left in %s", n, table)
			}
		}
		return nil
	})
	if err != nil {
		p.Error(err)
	}
}

// TestTree: the database keeps the tree, and nobody else writes it.
func TestTree(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		above := p.organization("admin", "above", access.Partner)
		middle := p.organization("partner@above", "middle")
		var below subscribed
		p.order(201, "admin", object{"name": "below", "parent_organization": middle}).decode(p, &below)
		depths := map[string]int{below.Data.ID: 0, middle: 1, above: 2, access.Installation: 3}
		err := p.app.DB.Write(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
			for ancestor, want := range depths {
				var depth int
				err := tx.Query(&depth, "select depth from organization_tree where ancestor_id = ? and descendant_id = ?", ancestor, below.Data.ID)
				if err != nil || depth != want {
					p.Errorf("depth %d, want %d; %v", depth, want, err)
				}
			}
			return nil
		})
		if err != nil {
			p.Error(err)
		}
		writes := []string{"update organizations set parent_id = '" + below.Data.ID + "' where id = '" + above + "'"}
		if p.app.DB.Dialect() == db.Postgres {
			writes = append(writes, "insert into organization_tree (ancestor_id, descendant_id, depth) values ('"+above+"', '"+access.Installation+"', 1)",
				"delete from organization_tree where depth > 0", "update organization_tree set depth = 9")
		}
		for _, s := range writes {
			err := p.app.DB.Write(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error {
				_, err := tx.Exec(s)
				return err
			})
			if err == nil {
				p.Errorf("%s is done", s)
			}
		}
	})
}
