package app

import (
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/scanlink"
)

// machine is what a run meets at an address.
type machine struct {
	mac, certificate string
	names            []string
	ports            []uint16
	findings         int
}

// stand gives a scanner that sees these machines by address, and nobody elsewhere.
func stand(all map[string]machine) func(scanlink.PlanHost) []scanlink.Observation {
	return func(h scanlink.PlanHost) []scanlink.Observation {
		m, alive := all[h.Address.String()]
		seen := []scanlink.Observation{{Host: &scanlink.Host{Address: h.Address, Alive: alive, Done: true, Coverage: scanlink.Complete, MAC: m.mac, Names: m.names}}}
		for _, port := range m.ports {
			s := &scanlink.Service{Address: h.Address, Port: port, Protocol: "tcp", State: "open", Name: "redis", Product: "redis", Version: "7.0.15", QoD: 95}
			if m.certificate != "" {
				s.TLS = &scanlink.TLS{Certificate: &scanlink.Certificate{SHA256: m.certificate}}
			}
			seen = append(seen, scanlink.Observation{Service: s})
			if m.findings > 0 {
				seen = append(seen, scanlink.Observation{Finding: &scanlink.Finding{Address: h.Address, Port: port, Protocol: "tcp", Class: "anon.redis", Check: "anon-redis", QoD: 98}})
			}
		}
		return seen
	}
}

type hostRow struct {
	ID         string
	Attributes struct {
		Address    string
		MAC        string
		Tags       []string
		ScansCount int `json:"scans_count"`
		RiskScore  int `json:"risk_score"`
		Risk       struct {
			Score, Max int
			Parts      []struct {
				Threat        string
				Count, Points int
				Weight        float64
			}
		}
	}
}

// hosts by address.
func (p *program) hosts(by string) map[string]hostRow {
	p.Helper()
	var list struct{ Data []hostRow }
	p.must(200, by, "GET", "/v2/hosts?per_page=100", nil).decode(p, &list)
	all := map[string]hostRow{}
	for _, h := range list.Data {
		all[h.Attributes.Address] = h
	}
	return all
}

// TestHosts: a host that moves is found again by hardware address, certificate or name, and no other; its changes, risk and tags.
func TestHosts(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "north", access.Manager)
		p.organization("admin", "south", access.Manager)
		const by = "manager@north"
		for _, who := range []string{by, "manager@south"} {
			p.must(200, who, "PUT", "/v2/user/change_product?product_code=vrms", nil)
		}
		scan := p.scan(by, "site", p.target(by, "site", "192.0.2.1-192.0.2.14"))
		run := func(all map[string]machine) map[string]hostRow {
			p.must(200, by, "POST", "/v2/scans/"+scan+"/start", nil)
			p.work(stand(all))
			return p.hosts(by)
		}
		const mac, shared = "02:00:5e:00:53:01", "cc"
		before := run(map[string]machine{
			"192.0.2.1": {mac: mac, ports: []uint16{6379}, findings: 1}, "192.0.2.2": {certificate: "aa", ports: []uint16{443}},
			"192.0.2.3": {names: []string{"db.example"}, ports: []uint16{5432}},
			"192.0.2.8": {certificate: shared, ports: []uint16{443}}, "192.0.2.9": {certificate: shared, ports: []uint16{443}},
		})
		after := run(map[string]machine{
			"192.0.2.4": {mac: mac, ports: []uint16{6379, 6380}, findings: 1}, "192.0.2.5": {certificate: "aa", ports: []uint16{443}},
			"192.0.2.6": {names: []string{"db.example"}, ports: []uint16{5433}},
			"192.0.2.8": {certificate: shared, ports: []uint16{443}}, "192.0.2.10": {certificate: shared, ports: []uint16{443}},
		})
		for from, to := range map[string]string{"192.0.2.1": "192.0.2.4", "192.0.2.2": "192.0.2.5", "192.0.2.3": "192.0.2.6", "192.0.2.8": "192.0.2.8", "192.0.2.9": "192.0.2.9"} {
			if before[from].ID == "" || after[to].ID != before[from].ID {
				p.Errorf("what was at %s is not found at %s", from, to)
			}
		}
		if len(after) != 6 || after["192.0.2.10"].ID == "" {
			p.Errorf("a certificate that several machines bear tells none: %v", after)
		}
		p.changed(by, after)
		p.explained(by, after["192.0.2.4"].ID)
		p.tagged(by, after)
	})
}

func (p *program) changed(by string, after map[string]hostRow) {
	p.Helper()
	moved := "/v2/hosts/" + after["192.0.2.6"].ID + "/changes"
	for query, want := range map[string]int{"": 4, "?q[kind]=found": 1, "?q[kind]=address_changed": 1, "?q[kind]=port_opened&q[port]=5433": 1,
		"?q[kind]=port_closed&q[port]=5432": 1, "?q[kind]=os_changed": 0} {
		if got := p.total(by, moved+query); got != want {
			p.Errorf("%s: %d changes, not %d: %s", query, got, want, p.call(by, "GET", moved, nil).Body)
		}
	}
	if told := p.must(200, by, "GET", moved+"?q[kind]=address_changed", nil); !strings.Contains(string(told.Body), `"before":"192.0.2.3","after":"192.0.2.6"`) {
		p.Errorf("the move: %s", told.Body)
	}
	p.refused(422, by, "GET", moved+"?q[kind]=exploded", nil)
	p.must(404, "manager@south", "GET", moved, nil)
	if n := p.total(by, "/v2/hosts/"+after["192.0.2.8"].ID+"/changes"); n != 1 {
		p.Errorf("%d changes of a host that is as it was", n)
	}
}

func (p *program) explained(by, id string) {
	p.Helper()
	var shown struct{ Data hostRow }
	p.must(200, by, "GET", "/v2/hosts/"+id, nil).decode(p, &shown)
	risk, sum := shown.Data.Attributes.Risk, 0
	for _, part := range risk.Parts {
		sum += part.Points
		if (part.Count > 0) != (part.Points > 0) || part.Weight <= 0 {
			p.Errorf("a part of the risk: %+v", part)
		}
	}
	if len(risk.Parts) != 4 || risk.Score != shown.Data.Attributes.RiskScore || sum != risk.Score || risk.Score == 0 || risk.Max != 1000 {
		p.Errorf("the risk: %+v", shown.Data.Attributes)
	}
	if first := p.first(by, "/v2/hosts/most_vulnerable"); first != id {
		p.Errorf("the most vulnerable is %s", first)
	}
	if n := p.total(by, "/v2/hosts?q[mac]="+shown.Data.Attributes.MAC); shown.Data.Attributes.MAC == "" || n != 1 {
		p.Errorf("%d hosts of the hardware address %q", n, shown.Data.Attributes.MAC)
	}
}

func (p *program) tagged(by string, all map[string]hostRow) {
	p.Helper()
	one, two := all["192.0.2.4"].ID, all["192.0.2.5"].ID
	p.must(200, by, "PUT", "/v2/hosts/tags", object{"ids": []string{one, two}, "add": []string{"Prod", "eu"}})
	p.must(200, by, "PUT", "/v2/hosts/tags", object{"ids": []string{two}, "add": []string{"db"}, "remove": []string{"eu"}})
	for query, want := range map[string]int{"prod": 2, "eu": 1, "db,eu": 2, "!prod": 4, "pro": 0, "PROD": 2} {
		if got := p.total(by, "/v2/hosts?q[tags]="+query); got != want {
			p.Errorf("tags %s: %d hosts, not %d", query, got, want)
		}
	}
	p.must(404, "manager@south", "PUT", "/v2/hosts/tags", object{"ids": []string{one}, "add": []string{"mine"}})
	p.must(404, by, "PUT", "/v2/hosts/tags", object{"ids": []string{one, "0190a0a0-0000-7000-8000-000000000000"}, "add": []string{"half"}})
	p.refused(422, by, "PUT", "/v2/hosts/tags", object{"ids": []string{one}, "add": []string{"x"}, "remove": []string{"x"}})
	if n := p.total(by, "/v2/hosts?q[tags]=half,mine,x"); n != 0 {
		p.Errorf("%d hosts bear what was refused", n)
	}
	if n := p.rows("select count(*) from audit_events where action = 'tagHosts'"); n != 3 {
		p.Errorf("%d changes of tags in the audit trail", n)
	}
}
