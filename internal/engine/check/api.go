package check

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// apiChecks look for management interfaces over HTTP that ask for no login.
var apiChecks = []check{
	{"anon-api", []string{
		"anon.admin-api", "anon.elasticsearch", "anon.couchdb", "anon.etcd", "anon.docker-api", "anon.kubelet", "anon.consul", "anon.influxdb",
		"anon.solr", "anon.kubernetes-api", "anon.registry", "anon.nomad", "anon.clickhouse", "anon.neo4j",
	}, over("tcp", "http"), openAPIs},
}

// api is one interface: what is asked, and what only an open one answers.
type api struct {
	class  string
	path   string
	hint   []string // names of the product; where the product is known and none fits, nothing is asked
	proves func(*page) bool
	detail string
}

var apis = []api{
	{"anon.admin-api", "/config/", []string{"caddy"}, jsonWith("apps", "admin", "logging"), "The server's configuration can be read, and so written, by anybody."},
	{"anon.elasticsearch", "/_cat/indices?format=json", []string{"elastic", "opensearch"}, elasticIndices, "The indices are listed for anybody."},
	{"anon.couchdb", "/_all_dbs", []string{"couchdb"}, couchDatabases, "The databases are listed for anybody."},
	{"anon.etcd", "/v2/keys/", []string{"etcd"}, jsonAll("action", "node"), "Keys are listed for anybody."},
	{"anon.docker-api", "/version", []string{"docker"}, jsonAll("ApiVersion", "GoVersion"), "The engine takes orders from anybody, which is control of the machine."},
	{"anon.kubelet", "/pods", []string{"kubelet", "kubernetes"}, podList, "The pods of the node are listed for anybody."},
	{"anon.consul", "/v1/agent/self", []string{"consul"}, jsonAll("Config", "Member"), "The agent tells its configuration to anybody."},
	{"anon.nomad", "/v1/agent/self", []string{"nomad"}, jsonAll("config", "member"), "The agent tells its configuration to anybody."},
	{"anon.influxdb", "/query?q=SHOW+DATABASES", []string{"influx"}, influxSeries, "The databases are listed for anybody."},
	{"anon.solr", "/solr/admin/cores?wt=json", []string{"solr", "jetty"}, jsonAll("responseHeader", "status"), "The cores are listed for anybody."},
	{"anon.kubernetes-api", "/api/v1/namespaces", []string{"kubernetes"}, namespaceList, "The namespaces are listed for anybody."},
	{"anon.registry", "/v2/_catalog", []string{"registry", "docker"}, jsonAll("repositories"), "The images are listed for anybody."},
	{"anon.clickhouse", "/?query=SELECT+version()%2C1764", []string{"clickhouse"}, func(p *page) bool {
		return p.status == 200 && len(p.body) < 64 && strings.HasSuffix(strings.TrimSpace(string(p.body)), "\t1764")
	}, "Queries are answered for anybody."},
}

// openAPIs asks for each interface that may stand behind the service. A server that answers everything alike proves
// nothing, since each answer must have its own shape.
func openAPIs(ctx context.Context, e *env) []scanlink.Finding {
	var out []scanlink.Finding
	for _, a := range apis {
		if !worthAsking(e.t, a.hint) {
			continue
		}
		p, err := e.get(ctx, a.path)
		if err != nil || !a.proves(p) {
			continue
		}
		f := e.found(a.class, p.request(), p.text(), a.detail)
		f.Check, f.Path = strings.ReplaceAll(a.class, ".", "-"), a.path
		*e.open = true
		out = append(out, f)
	}
	return out
}

// webServers are products that say nothing of what stands behind them.
var webServers = []string{"nginx", "apache httpd", "http_server", "lighttpd", "caddy", "envoy", "traefik", "haproxy", "golang", "net/http", "jetty", "iis", "node", "express", "gunicorn", "werkzeug", "cowboy", "openresty"}

func worthAsking(t wire.Target, hint []string) bool {
	return t.Service.Product == "" || product(t, hint...) || product(t, webServers...)
}

func object(p *page) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if p.status != 200 || json.Unmarshal(p.body, &m) != nil {
		return nil
	}
	return m
}

func jsonAll(keys ...string) func(*page) bool {
	return func(p *page) bool {
		m := object(p)
		for _, k := range keys {
			if _, ok := m[k]; !ok {
				return false
			}
		}
		return m != nil
	}
}

func jsonWith(keys ...string) func(*page) bool {
	return func(p *page) bool {
		m := object(p)
		for _, k := range keys {
			if _, ok := m[k]; ok {
				return true
			}
		}
		return false
	}
}

func elasticIndices(p *page) bool {
	var rows []map[string]any
	if p.status != 200 || json.Unmarshal(p.body, &rows) != nil {
		return false
	}
	for _, r := range rows {
		if _, ok := r["index"]; ok {
			return true
		}
	}
	// An empty list proves little by itself; the head that the server gives each answer settles it.
	return len(rows) == 0 && strings.Contains(strings.ToLower(p.header.Get("X-Elastic-Product")), "elasticsearch")
}

func couchDatabases(p *page) bool {
	var names []string
	return p.status == 200 && strings.Contains(p.header.Get("Server"), "CouchDB") && json.Unmarshal(p.body, &names) == nil
}

func kindIs(p *page, kind string) bool {
	m := object(p)
	return m != nil && string(m["kind"]) == `"`+kind+`"` && m["items"] != nil
}

func podList(p *page) bool       { return kindIs(p, "PodList") }
func namespaceList(p *page) bool { return kindIs(p, "NamespaceList") }

func influxSeries(p *page) bool {
	return jsonAll("results")(p) && strings.Contains(string(p.body), `"series"`)
}
