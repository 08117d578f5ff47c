package check

import (
	"io"
	"net/http"
	"net/netip"
	"slices"
	"testing"
)

func TestClearHTTP(t *testing.T) {
	t.Parallel()
	page := service(web(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }), "tcp", "http")
	if got := names(runCheck(t, "clear-http", page, everything)); !slices.Equal(got, []string{"clear.http"}) {
		t.Errorf("a page in clear: %v", got)
	}
	moved := service(web(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://"+r.Host+r.URL.Path, http.StatusMovedPermanently)
	}), "tcp", "http")
	if got := runCheck(t, "clear-http", moved, everything); len(got) != 0 {
		t.Errorf("a move to https: %v", names(got))
	}
}

func TestOpenInterfaces(t *testing.T) {
	t.Parallel()
	for class, c := range map[string]struct{ path, body string }{
		"anon.admin-api":      {"/config/", `{"apps":{}}`},
		"anon.elasticsearch":  {"/_cat/indices?format=json", `[{"index":"a"}]`},
		"anon.etcd":           {"/v2/keys/", `{"action":"get","node":{"dir":true}}`},
		"anon.docker-api":     {"/version", `{"ApiVersion":"1.41","GoVersion":"go1.20"}`},
		"anon.kubelet":        {"/pods", `{"kind":"PodList","items":[]}`},
		"anon.consul":         {"/v1/agent/self", `{"Config":{},"Member":{}}`},
		"anon.influxdb":       {"/query?q=SHOW+DATABASES", `{"results":[{"series":[]}]}`},
		"anon.kubernetes-api": {"/api/v1/namespaces", `{"kind":"NamespaceList","items":[]}`},
		"anon.code-exec":      {"/rc/noopauth", `{"vedette":"6b1f"}`},
		"anon.aria2":          {"/jsonrpc?method=aria2.getGlobalOption&id=1", `{"id":"1","jsonrpc":"2.0","result":{"dir":"/root"}}`},
		"anon.registry":       {"/v2/_catalog", `{"repositories":[]}`},
	} {
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			got := names(runCheck(t, "anon-api", service(web(t, onlyPath(c.path, "application/json", c.body)), "tcp", "http"), everything))
			if !slices.Equal(got, []string{class}) {
				t.Errorf("%v, want %s", got, class)
			}
		})
	}
}

// TestOpenInterfacesThatArePosted: some tell themselves only to an order.
func TestOpenInterfacesThatArePosted(t *testing.T) {
	t.Parallel()
	for class, c := range map[string]struct {
		path   string
		open   func(http.ResponseWriter)
		closed func(http.ResponseWriter)
	}{
		"anon.etcd": {"/v3/kv/range", func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, `{"header":{"cluster_id":"1","member_id":"2","revision":"1","raft_term":"2"}}`)
		}, func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"etcdserver: user name is empty","code":3}`)
		}},
		"anon.transmission": {"/transmission/rpc", func(w http.ResponseWriter) {
			w.Header().Set("X-Transmission-Session-Id", "abc")
			w.WriteHeader(http.StatusConflict)
		}, func(w http.ResponseWriter) { w.WriteHeader(http.StatusUnauthorized) }},
	} {
		for _, open := range []bool{true, false} {
			s := service(web(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path != c.path || r.Method != http.MethodPost:
					http.NotFound(w, r)
				case open:
					c.open(w)
				default:
					c.closed(w)
				}
			}), "tcp", "http")
			if got := names(runCheck(t, "anon-api", s, everything)); slices.Contains(got, class) != open || len(got) > 1 {
				t.Errorf("%s, open %t: %v", class, open, got)
			}
		}
	}
}

func TestServersThatAnswerEverythingAlike(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"<html>welcome</html>", "{}", "[]", `{"status":"ok"}`} {
		s := service(web(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }), "tcp", "http")
		for _, id := range []string{"anon-api", "creds-http", "proxy-http"} {
			if got := runCheck(t, id, s, everything); len(got) != 0 {
				t.Errorf("%q: %v", body, names(got))
			}
		}
	}
	closed := service(web(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }), "tcp", "http")
	if got := runCheck(t, "anon-api", closed, everything); len(got) != 0 {
		t.Errorf("a closed server: %v", names(got))
	}
}

func basicServer(realm string, allow func(string, string) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || !allow(user, password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="`+realm+`"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
}

func TestBasicAccounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		realm string
		allow func(string, string) bool
		want  []string
	}{
		{"router", is("admin/1234"), []string{"creds=admin/1234"}},
		{"router", is(), []string{}},
		{"router", func(string, string) bool { return true }, []string{"anon.http"}},
	} {
		s := service(web(t, basicServer(c.realm, c.allow)), "tcp", "http")
		if got := names(runCheck(t, "creds-http", s, everything)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.realm, got, c.want)
		}
		if got := runCheck(t, "creds-http", s, Options{}); len(got) != 0 {
			t.Errorf("%v though logins are not allowed", names(got))
		}
	}
}

func TestExposure(t *testing.T) {
	t.Parallel()
	at := netip.MustParseAddrPort("127.0.0.1:1")
	for name, want := range map[string]string{"postgresql": "db.exposed", "mongod": "db.exposed", "ssh": "remote-access", "ms-wbt-server": "remote-access", "telnet": "remote-access"} {
		id := map[string]string{"db.exposed": "db-exposed", "remote-access": "remote-access"}[want]
		if got := names(runCheck(t, id, service(at, "tcp", name), Options{})); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %v, want %s", name, got, want)
		}
	}
	search := service(at, "tcp", "http")
	search.Product = "elasticsearch"
	if got := names(runCheck(t, "db-exposed", search, Options{})); !slices.Equal(got, []string{"db.exposed"}) {
		t.Errorf("a database over HTTP: %v", got)
	}
}
