package check

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// apiChecks look for management interfaces over HTTP that ask for no login.
var apiChecks = []check{
	{"anon-api", []string{
		"anon.admin-api", "anon.elasticsearch", "anon.couchdb", "anon.etcd", "anon.docker-api", "anon.kubelet", "anon.consul", "anon.influxdb",
		"anon.solr", "anon.kubernetes-api", "anon.registry", "anon.nomad", "anon.clickhouse", "anon.neo4j", "anon.code-exec", "anon.node-inspector", "anon.transmission", "anon.aria2",
	}, over("tcp", "http"), openAPIs},
}

// api is one interface: what is asked, and what only an open one answers.
type api struct {
	class  string
	path   string
	post   string   // body of a POST, as JSON; empty: it is a GET
	hint   []string // names of the product; where the product is known and none fits, nothing is asked
	proves func(*page) bool
	detail string
}

var apis = []api{
	{class: "anon.admin-api", path: "/config/", hint: []string{"caddy"}, proves: jsonWith("apps", "admin", "logging"), detail: "The server's configuration can be read, and so written, by anybody."},
	{class: "anon.elasticsearch", path: "/_cat/indices?format=json", hint: []string{"elastic", "opensearch"}, proves: elasticIndices, detail: "The indices are listed for anybody."},
	{class: "anon.couchdb", path: "/_all_dbs", hint: []string{"couchdb"}, proves: couchDatabases, detail: "The databases are listed for anybody."},
	{class: "anon.etcd", path: "/v2/keys/", hint: []string{"etcd"}, proves: jsonAll("action", "node"), detail: "Keys are listed for anybody."},
	{class: "anon.etcd", path: "/v3/kv/range", post: `{"key":"AA==","limit":1}`, hint: []string{"etcd"}, proves: etcdRange, detail: "Keys are read by anybody."},
	{class: "anon.etcd", path: "/v3beta/kv/range", post: `{"key":"AA==","limit":1}`, hint: []string{"etcd"}, proves: etcdRange, detail: "Keys are read by anybody."},
	{class: "anon.docker-api", path: "/version", hint: []string{"docker"}, proves: jsonAll("ApiVersion", "GoVersion"), detail: "The engine takes orders from anybody, which is control of the machine."},
	{class: "anon.kubelet", path: "/pods", hint: []string{"kubelet", "kubernetes"}, proves: podList, detail: "The pods of the node are listed for anybody."},
	{class: "anon.consul", path: "/v1/agent/self", hint: []string{"consul"}, proves: jsonAll("Config", "Member"), detail: "The agent tells its configuration to anybody."},
	{class: "anon.nomad", path: "/v1/agent/self", hint: []string{"nomad"}, proves: jsonAll("config", "member"), detail: "The agent tells its configuration to anybody."},
	{class: "anon.influxdb", path: "/query?q=SHOW+DATABASES", hint: []string{"influx"}, proves: influxSeries, detail: "The databases are listed for anybody."},
	{class: "anon.solr", path: "/solr/admin/cores?wt=json", hint: []string{"solr", "jetty"}, proves: jsonAll("responseHeader", "status"), detail: "The cores are listed for anybody."},
	{class: "anon.kubernetes-api", path: "/api/v1/namespaces", hint: []string{"kubernetes"}, proves: namespaceList, detail: "The namespaces are listed for anybody."},
	{class: "anon.registry", path: "/v2/_catalog", hint: []string{"registry", "docker"}, proves: jsonAll("repositories"), detail: "The images are listed for anybody."},
	{class: "anon.clickhouse", path: "/?query=SELECT+version()%2C1764", hint: []string{"clickhouse"}, proves: func(p *page) bool {
		return p.status == 200 && len(p.body) < 64 && strings.HasSuffix(strings.TrimSpace(string(p.body)), "\t1764")
	}, detail: "Queries are answered for anybody."},
	{class: "anon.code-exec", path: "/rc/noopauth", post: `{"vedette":"6b1f"}`, hint: []string{"rclone"}, proves: rcloneEcho, detail: "The remote control takes every order from anybody: files of all remotes, and commands."},
	{class: "anon.node-inspector", path: "/json/list", hint: []string{"node.js", "chrome"}, proves: func(p *page) bool {
		var all []map[string]any
		return p.status == 200 && json.Unmarshal(p.body, &all) == nil && len(all) > 0 && all[0]["webSocketDebuggerUrl"] != nil
	}, detail: "The debugger of the program takes anybody, which is running code."},
	{class: "anon.transmission", path: "/transmission/rpc", post: `{"method":"session-get"}`, hint: []string{"transmission"}, proves: func(p *page) bool {
		return p.status == 409 && p.header.Get("X-Transmission-Session-Id") != ""
	}, detail: "The remote control asks for no login: it told the session id by which downloads are added and settings changed."},
	{class: "anon.aria2", path: "/jsonrpc?method=aria2.getGlobalOption&id=1", hint: []string{"aria2"}, proves: func(p *page) bool {
		return jsonAll("result")(p) && strings.Contains(string(p.body), `"dir"`)
	}, detail: "The remote control asks for no secret: anybody may write files of any address anywhere that the program may."},
}

// openAPIs asks for each interface that may stand behind the service. A server that answers everything alike proves
// nothing, since each answer must have its own shape.
func openAPIs(ctx context.Context, e *env) []scanlink.Finding {
	var out []scanlink.Finding
	for _, a := range apis {
		if !worthAsking(e.t, a.hint) {
			continue
		}
		p, err := e.call(ctx, a)
		if err != nil || !a.proves(p) || slices.ContainsFunc(out, func(f scanlink.Finding) bool { return f.Class == a.class }) {
			continue
		}
		f := e.found(a.class, p.request(), p.text(), a.detail)
		f.Check, f.Path = strings.ReplaceAll(a.class, ".", "-"), a.path
		*e.open = true
		out = append(out, f)
	}
	return out
}

func (e *env) call(ctx context.Context, a api) (*page, error) {
	if a.post == "" {
		return e.get(ctx, a.path)
	}
	return e.http(ctx, http.MethodPost, a.path, http.Header{"Content-Type": {"application/json"}}, []byte(a.post))
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

// etcdRange is an answer of the gateway that speaks for version 3 of the API; with authentication on it is an error.
func etcdRange(p *page) bool {
	return jsonAll("header")(p) && strings.Contains(string(p.body), `"cluster_id"`) && strings.Contains(string(p.body), `"revision"`)
}

// rcloneEcho is what an order that needs a login answers to anybody: what it was sent.
func rcloneEcho(p *page) bool {
	m := object(p)
	return len(m) == 1 && string(m["vedette"]) == `"6b1f"`
}

func influxSeries(p *page) bool {
	return jsonAll("results")(p) && strings.Contains(string(p.body), `"series"`)
}
