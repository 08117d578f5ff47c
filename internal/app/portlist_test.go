package app

import (
	"testing"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
)

type portList struct {
	Data struct {
		ID         string
		Attributes struct {
			Name       string
			AppType    string `json:"app_type"`
			Active     bool
			Predefined bool
			TCPCount   int `json:"tcp_count"`
			UDPCount   int `json:"udp_count"`
			PortRanges []struct {
				ID, Protocol, Comment string
				Start, End            int
			} `json:"port_ranges"`
		}
	}
}

func TestPortLists(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "reseller", access.Partner)
		org := p.organization("partner@reseller", "ports", access.Manager)
		const m = "manager@ports"
		var l portList
		p.must(201, m, "POST", "/v2/port_lists", object{"port_list": object{"name": "web", "ranges": "80,81,443,U:53"}}).decode(p, &l)
		if a := l.Data.Attributes; a.TCPCount != 3 || a.UDPCount != 1 || len(a.PortRanges) != 3 || !a.Active || a.AppType != "all" || a.Predefined {
			p.Errorf("made: %+v", a)
		}
		path := "/v2/port_lists/" + l.Data.ID
		p.ranges(m, path)
		for name, c := range map[string]struct {
			in      object
			pointer string
		}{
			"taken":     {object{"name": "web", "ranges": "1"}, "/port_list/name"},
			"no name":   {object{"name": " ", "ranges": "1"}, "/port_list/name"},
			"no port":   {object{"name": "x", "ranges": ""}, "/port_list/ranges"},
			"backwards": {object{"name": "x", "ranges": "9-8"}, "/port_list/ranges"},
		} {
			if x := p.refused(422, m, "POST", "/v2/port_lists", object{"port_list": c.in}); len(x.Errors) != 1 || x.Errors[0].Pointer != c.pointer {
				p.Errorf("%s: %+v", name, x)
			}
		}
		p.must(200, m, "PUT", path, object{"port_list": object{"name": "web and dns"}}).decode(p, &l)
		if l.Data.Attributes.Name != "web and dns" {
			p.Errorf("renamed: %+v", l)
		}
		// a target that uses it
		target := p.must(201, m, "POST", "/v2/targets?product=vrms", object{"target": object{"name": "t", "hosts": "192.0.2.1", "port_list": l.Data.ID}}).id(p)
		if x := p.refused(409, m, "DELETE", path, nil); x.Code != "in_use" {
			p.Errorf("in use: %+v", x)
		}
		// administration, from the partner above, in the customer's organization
		acting := []string{"X-Organization-Id", org}
		p.must(404, "partner@reseller", "PUT", path+"/deactivate", nil)
		p.must(200, "partner@reseller", "PUT", path+"/deactivate", nil, acting...).decode(p, &l)
		if l.Data.Attributes.Active {
			p.Error("still active")
		}
		p.refused(422, m, "POST", "/v2/targets?product=vrms", object{"target": object{"name": "t2", "hosts": "192.0.2.2", "port_list": l.Data.ID}})
		p.must(200, "partner@reseller", "PUT", path+"/activate", nil, acting...)
		p.must(200, "partner@reseller", "PUT", path+"/app_type", object{"app_type": "penetration"}, acting...).decode(p, &l)
		if !l.Data.Attributes.Active || l.Data.Attributes.AppType != "penetration" {
			p.Errorf("administered: %+v", l)
		}
		p.must(422, "partner@reseller", "PUT", path+"/app_type", object{"app_type": "toys"}, acting...)
		p.must(200, m, "DELETE", "/v2/targets/"+target+"?product=vrms", nil)
		p.must(200, m, "DELETE", path, nil)
		p.must(404, m, "GET", path, nil)
		p.predefined(m, acting)
	})
}

// ranges are added and taken away one by one.
func (p *program) ranges(by, path string) {
	p.Helper()
	add := func(status int, protocol string, start, end int) answer {
		p.Helper()
		return p.must(status, by, "POST", path+"/port_ranges", object{"port_range": object{"protocol": protocol, "start": start, "end": end, "comment": "more"}})
	}
	made := add(201, "tcp", 8000, 8100)
	id := made.id(p)
	if at := made.Header.Get("Location"); at != path+"/port_ranges/"+id {
		p.Errorf("the range is at %q", at)
	}
	add(422, "tcp", 8050, 8200)
	add(422, "tcp", 9, 8)
	add(422, "tcp", 0, 8)
	add(422, "icmp", 8, 8)
	add(201, "udp", 8050, 8200)
	var l portList
	p.must(200, by, "GET", path, nil).decode(p, &l)
	if a := l.Data.Attributes; a.TCPCount != 104 || a.UDPCount != 152 || len(a.PortRanges) != 5 || a.PortRanges[2].Comment != "more" {
		p.Errorf("with ranges: %+v", a)
	}
	p.must(404, by, "DELETE", path+"/port_ranges/"+db.NewID(), nil)
	for i, r := range l.Data.Attributes.PortRanges {
		status := 200
		if i == len(l.Data.Attributes.PortRanges)-1 {
			status = 409
		}
		p.must(status, by, "DELETE", path+"/port_ranges/"+r.ID, nil)
	}
	p.must(200, by, "GET", path, nil).decode(p, &l)
	if a := l.Data.Attributes; a.TCPCount != 0 || a.UDPCount != 151 || len(a.PortRanges) != 1 {
		p.Errorf("without ranges: %+v", a)
	}
}

// predefined lists are the operator's to turn on and off and to sync, and nobody's to change.
func (p *program) predefined(m string, acting []string) {
	p.Helper()
	var list struct{ Data []struct{ ID string } }
	p.must(200, m, "GET", "/v2/port_lists?q[name]=Web+ports", nil).decode(p, &list)
	path := "/v2/port_lists/" + list.Data[0].ID
	for status, by := range map[int]string{403: m, 409: "admin"} {
		p.refused(status, by, "PUT", path, object{"port_list": object{"name": "mine"}})
		p.refused(status, by, "DELETE", path, nil)
		p.refused(status, by, "POST", path+"/port_ranges", object{"port_range": object{"protocol": "tcp", "start": 1, "end": 1}})
	}
	for _, word := range []string{"/activate", "/deactivate"} {
		p.refused(403, "partner@reseller", "PUT", path+word, nil)
		p.refused(403, "admin", "PUT", path+word, nil, acting...)
	}
	p.must(200, "admin", "PUT", path+"/deactivate", nil)
	p.refused(403, "partner@reseller", "POST", "/v2/port_lists/sync", nil)
	p.synced(0, 0, 7)
	err := p.app.DB.Write(p.Context(), access.System(access.DoorTest), func(tx *db.Tx) error {
		_, err := tx.Exec("delete from port_ranges where port_list_id = ? and start_port < 443", list.Data[0].ID)
		if err == nil {
			_, err = tx.Exec("delete from port_lists where name = 'Top 1000 TCP'")
		}
		return err
	})
	if err != nil {
		p.Fatal(err)
	}
	p.synced(1, 1, 5)
	p.synced(0, 0, 7)
	var l portList
	p.must(200, m, "GET", path, nil).decode(p, &l)
	if a := l.Data.Attributes; a.Active || a.PortRanges[0].Start != 80 {
		p.Errorf("after the sync: %+v", a)
	}
}

func (p *program) synced(created, updated, unchanged int) {
	p.Helper()
	var got struct{ Created, Updated, Unchanged int }
	p.must(200, "admin", "POST", "/v2/port_lists/sync", nil).decode(p, &got)
	if got.Created != created || got.Updated != updated || got.Unchanged != unchanged {
		p.Errorf("synced %+v, want %d, %d, %d", got, created, updated, unchanged)
	}
}
