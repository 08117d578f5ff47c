package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/agent"
)

// network made by a user; it gives its id.
func (p *program) network(by, name string) string {
	p.Helper()
	return p.must(201, by, "POST", "/v2/networks", object{"network": object{"name": name}}).id(p)
}

// linkedScanner is a remote scanner in a network that has its certificate; it gives its id.
func (p *program) linkedScanner(by, url, name, network string) string {
	p.Helper()
	var s oneScanner
	p.must(201, by, "POST", "/v2/scanners", object{"scanner": object{"name": name, "network": network}}).decode(p, &s)
	if _, err := agent.Link(p.Context(), url, s.Data.Attributes.LinkingCode, ""); err != nil {
		p.Fatal(err)
	}
	return s.Data.ID
}

// workAs plays one scanner until it is given nothing more.
func (p *program) workAs(id string, see func(scanlink.PlanHost) []scanlink.Observation) {
	p.Helper()
	for {
		ctx, done := context.WithTimeout(context.Background(), 300*time.Millisecond)
		lease, err := p.app.dispatcher.Lease(ctx, id, scanlink.LeaseRequest{Free: 1})
		done()
		if err != nil {
			p.Fatal(err)
		}
		if lease == nil {
			return
		}
		batch := scanlink.Batch{Token: lease.Token, Sequence: 1}
		for _, h := range lease.Plan.Hosts {
			batch.Observations = append(batch.Observations, see(h)...)
		}
		if err := p.app.dispatcher.Observe(context.Background(), id, lease.ChunkID, batch); err != nil {
			p.Fatal(err)
		}
		if err := p.app.dispatcher.Finish(context.Background(), id, lease.ChunkID, scanlink.Finish{Token: lease.Token, LastSequence: 1}); err != nil {
			p.Fatal(err)
		}
	}
}

// TestNetworks: one address behind two scanners is two hosts with vulnerabilities of their own, and no scanner scans another site.
func TestNetworks(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "north", access.Manager)
		const by = "manager@north"
		url := p.serveLink()
		p.must(200, by, "PUT", "/v2/user/change_product?product_code=vrms", nil)
		berlin, vienna := p.network(by, "Berlin"), p.network(by, "Vienna")
		if x := p.refused(422, by, "POST", "/v2/networks", object{"network": object{"name": "Berlin"}}); !x.names("/network/name", "taken") {
			p.Errorf("the same name: %+v", x)
		}
		inBerlin, inVienna := p.linkedScanner(by, url, "b", berlin), p.linkedScanner(by, url, "v", vienna)
		made := func(name, network, scanner string) (string, string) {
			target := p.must(201, by, "POST", "/v2/targets", object{"target": object{"name": name, "hosts": "10.0.0.5", "network": network}}).id(p)
			s := object{"name": name, "target": target}
			if scanner != "" {
				s["scanner"] = scanner
			}
			return target, p.must(201, by, "POST", "/v2/scans", object{"scan": s}).id(p)
		}
		berlinTarget, first := made("Berlin", berlin, inBerlin)
		_, second := made("Vienna", vienna, "") // takes the network's scanner by itself
		_, wrong := made("wrong", vienna, inBerlin)
		if x := p.refused(409, by, "POST", "/v2/scans/"+wrong+"/start", nil); x.Code != "other_network" {
			p.Errorf("another site's scanner: %+v", x)
		}
		for scan, scanner := range map[string]string{first: inBerlin, second: inVienna} {
			p.must(200, by, "POST", "/v2/scans/"+scan+"/start", nil)
			p.workAs(scanner, redis)
		}
		for path, want := range map[string]int{
			"/v2/hosts?q[address]=10.0.0.5": 2, "/v2/hosts?q[address]=10.0.*&sort_by=address": 2, "/v2/hosts?q[network]=" + berlin: 1,
			"/v2/vulnerabilities?q[class]=anon.redis": 2, "/v2/hosts?q[address]=10.0.0.6": 0, "/v2/targets?q[network]=" + vienna: 2,
		} {
			if got := p.total(by, path); got != want {
				p.Errorf("%s lists %d, not %d", path, got, want)
			}
		}
		hosts := p.must(200, by, "GET", "/v2/hosts?sort_by=address", nil)
		for _, want := range []string{`"address":"10.0.0.5"`, `"name":"Berlin"`, `"name":"Vienna"`} {
			if !strings.Contains(string(hosts.Body), want) {
				p.Errorf("%s is not in %s", want, hosts.Body)
			}
		}
		if strings.Contains(string(hosts.Body), "10.0.0.5@") {
			p.Errorf("hosts show their key: %s", hosts.Body)
		}
		p.grouped(by, url, vienna, second, first)
		p.secondRun(by, first, inBerlin, berlinTarget, berlin)
	})
}

// grouped: the scanners of a network share the scans that name none of them.
func (p *program) grouped(by, url, network, free, bound string) {
	p.Helper()
	other := p.linkedScanner(by, url, "v2", network)
	ended := func(scan, want string) {
		p.Helper()
		p.must(200, by, "POST", "/v2/scans/"+scan+"/start", nil)
		p.workAs(other, redis)
		if a := p.must(200, by, "GET", "/v2/scans/"+scan, nil); !strings.Contains(string(a.Body), `"state":"`+want+`"`) {
			p.Errorf("after the other scanner's work: %s", a.Body)
		}
	}
	ended(free, "completed")
	ended(bound, "queued")
	p.must(200, by, "POST", "/v2/scans/"+bound+"/stop", nil)
	p.must(200, by, "DELETE", "/v2/scanners/"+other, nil)
}

// secondRun: a second run finds the same host; a network in use stays; the embedded scanner stands in none.
func (p *program) secondRun(by, scan, scannerID, target, network string) {
	p.Helper()
	p.must(200, by, "POST", "/v2/scans/"+scan+"/start", nil)
	p.workAs(scannerID, redis)
	if n := p.total(by, "/v2/hosts"); n != 2 {
		p.Errorf("%d hosts after another run", n)
	}
	if shown := p.must(200, by, "GET", "/v2/networks/"+network, nil); !strings.Contains(string(shown.Body), `"targets_count":1,"scanners_count":1,"hosts_count":1`) {
		p.Errorf("the network: %s", shown.Body)
	}
	if x := p.refused(409, by, "DELETE", "/v2/networks/"+network, nil); x.Code != "in_use" {
		p.Errorf("in use: %+v", x)
	}
	p.must(200, by, "PUT", "/v2/targets/"+target, object{"target": object{"network": nil}})
	if x := p.refused(409, by, "POST", "/v2/scans/"+scan+"/start", nil); x.Code != "other_network" {
		p.Errorf("a site's scanner for what is in none: %+v", x)
	}
	p.must(200, by, "PUT", "/v2/scanners/"+scannerID, object{"scanner": object{"network": nil}})
	p.must(200, by, "DELETE", "/v2/networks", object{"ids": []string{network}})
	if shown := p.must(200, by, "GET", "/v2/hosts", nil); !strings.Contains(string(shown.Body), `"network":null`) {
		p.Errorf("hosts of a network that is gone: %s", shown.Body)
	}
	p.refused(422, "admin", "PUT", "/v2/scanners/"+scanner.EmbeddedID, object{"scanner": object{"network": network}})
	if n := p.rows("select count(*) from audit_events where action = 'createNetwork'"); n != 2 {
		p.Errorf("%d creations in the audit trail", n)
	}
}

func redis(h scanlink.PlanHost) []scanlink.Observation {
	return []scanlink.Observation{
		{Host: &scanlink.Host{Address: h.Address, Alive: true, Done: true, Coverage: scanlink.Complete, OS: "Linux"}},
		{Service: &scanlink.Service{Address: h.Address, Port: 6379, Protocol: "tcp", State: "open", Name: "redis", Product: "redis", Version: "7.0.15", QoD: 95}},
		{Finding: &scanlink.Finding{Address: h.Address, Port: 6379, Protocol: "tcp", Class: "anon.redis", Check: "anon-redis", QoD: 98,
			Evidence: scanlink.Evidence{Request: "PING", Response: "+PONG"}}},
	}
}

// total of a list.
func (p *program) total(by, path string) int {
	p.Helper()
	var list struct {
		Meta struct {
			Pagination struct {
				TotalCount int `json:"total_count"`
			}
		}
	}
	p.must(200, by, "GET", path, nil).decode(p, &list)
	return list.Meta.Pagination.TotalCount
}

// rows is a number that the database tells, whatever the organization.
func (p *program) rows(query string, args ...any) int {
	p.Helper()
	n := 0
	err := p.app.DB.Read(context.Background(), access.System(access.DoorTest), func(tx *db.Tx) error { return tx.Query(&n, query, args...) })
	if err != nil {
		p.Fatal(err)
	}
	return n
}
