package identify

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// application recognises a web application by its front page.
type application struct {
	product string
	title   *regexp.Regexp
	body    *regexp.Regexp
	version *regexp.Regexp // group 1, in body
	path    string         // where it tells its version
	tells   *regexp.Regexp // group 1, in the page at path
	server  bool           // it is the server itself, not something behind it
}

func re(s string) *regexp.Regexp {
	if s == "" {
		return nil
	}
	return regexp.MustCompile(s)
}

var applications = []application{
	{product: "grafana", title: re(`^Grafana$`), body: re(`window\.grafanaBootData|"grafanaVersion"`), version: re(`"version":"([0-9][^"]*)"`), path: "/api/health", tells: re(`"version":\s*"([0-9][^"]*)"`), server: true},
	{product: "jenkins", title: re(`\[Jenkins\]`), version: re(`Jenkins(?: ver\.)? ([0-9.]+)`)},
	{product: "phpmyadmin", title: re(`^phpMyAdmin`), body: re(`PMA_VERSION|PMA_commonParams|phpmyadmin\.css`), version: re(`(?:PMA_VERSION[:=]["']|\.(?:css|js)\?v(?:ersion)?=)([0-9]+\.[0-9]+[0-9.]*[0-9])`)},
	{product: "wordpress", body: re(`/wp-content/|/wp-includes/`)},
	{product: "drupal", body: re(`Drupal\.settings|data-drupal-selector|/sites/default/files/`)},
	{product: "joomla", body: re(`/media/jui/|/media/system/js/`)},
	{product: "kibana", title: re(`^Kibana$|^Elastic$`), body: re(`kbn-injected-metadata|kbnVersion`), version: re(`(?:&quot;version&quot;:&quot;|kbn-version=")([0-9][0-9.]*)`), server: true},
	{product: "prometheus", title: re(`^Prometheus Time Series`), path: "/api/v1/status/buildinfo", tells: re(`"version":"([0-9][^"]*)"`), server: true},
	{product: "node exporter", title: re(`^(?i:node exporter)$`), body: re(`<h1>Node Exporter</h1>`), path: "/metrics", tells: re(`node_exporter_build_info\{[^}]*version="([0-9][^"]*)"`), server: true},
	{product: "alertmanager", title: re(`^Alertmanager$`), path: "/api/v2/status", tells: re(`"version":"([0-9][^"]*)"`), server: true},
	{product: "pushgateway", title: re(`Pushgateway`), path: "/api/v1/status", tells: re(`"version":"([0-9][^"]*)"`), server: true},
	{product: "gitea", body: re(`(?i)powered by gitea|content="Gitea|i_like_gitea`), path: "/api/v1/version", tells: re(`"version":"([0-9][^"]*)"`)},
	{product: "gitlab", body: re(`content="GitLab"|gon\.gitlab_url|/users/sign_in`)},
	{product: "sonarqube", title: re(`^SonarQube$`), path: "/api/server/version", tells: re(`^([0-9][0-9.]*)`)},
	{product: "nexus repository", title: re(`Nexus Repository Manager`), version: re(`(?:_v=|&amp;v=|\?)([0-9]+\.[0-9]+\.[0-9]+-[0-9]+)`)},
	{product: "confluence", body: re(`ajs-version-number`), version: re(`ajs-version-number" content="([0-9.]+)`)},
	{product: "jira", body: re(`name="application-name" content="JIRA"`), version: re(`data-version="([0-9.]+)`)},
	{product: "zabbix", title: re(`Zabbix`), body: re(`zabbix\.php|Zabbix SIA`)},
	{product: "nagios", title: re(`^Nagios`), version: re(`Version ([0-9.]+)`)},
	{product: "rabbitmq", title: re(`RabbitMQ Management`), path: "/api/overview", tells: re(`"rabbitmq_version":"([0-9][^"]*)"`), server: true},
	{product: "solr", title: re(`^Solr Admin`), path: "/solr/admin/info/system?wt=json", tells: re(`"solr-spec-version":"([0-9.]+)`)},
	{product: "activemq", title: re(`Apache ActiveMQ`)},
	{product: "apache tomcat", title: re(`Apache Tomcat/|Apache Tomcat$`), body: re(`Apache Tomcat/[0-9]`), version: re(`Apache Tomcat/([0-9][0-9A-Za-z.]*)`), path: nowhere, tells: re(`Apache Tomcat/([0-9][0-9A-Za-z.]*)`), server: true},
	{product: "webmin", title: re(`Login to (?:Webmin|Usermin)`)},
	{product: "roundcube", title: re(`Roundcube Webmail`), version: re(`"rcversion":([0-9]+)`)},
	{product: "nextcloud", body: re(`data-requesttoken.*nextcloud|Nextcloud`), path: "/status.php", tells: re(`"versionstring":"([0-9.]+)`)},
	{product: "keycloak", title: re(`Welcome to Keycloak`)},
	{product: "minio", title: re(`^MinIO (?:Console|Browser)`), server: true},
	{product: "portainer", title: re(`^Portainer$`), path: "/api/status", tells: re(`"Version":"([0-9.]+)`)},
	{product: "adminer", title: re(`- Adminer$`), version: re(`<span class="version">([0-9.]+)`)},
	{product: "pgadmin", title: re(`^pgAdmin 4$`), version: re(`\?ver=([0-9]+)`)},
	{product: "jupyter", title: re(`Jupyter (?:Notebook|Server|Lab)|^JupyterLab$|^Home Page - Select`), path: "/api", tells: re(`"version":\s*"([0-9][^"]*)"`), server: true},
	{product: "swagger ui", title: re(`Swagger UI`), body: re(`swagger-ui-bundle\.js`)},
	{product: "traefik", title: re(`^Traefik`), path: "/api/version", tells: re(`"Version":"([0-9][^"]*)"`), server: true},
	{product: "transmission", title: re(`Transmission Web Interface`)},
	{product: "cups", title: re(`^(?:Home|Forbidden|Unauthorized|Not Found|Bad Request) - CUPS ([0-9.]+)`), version: re(`CUPS ([0-9][0-9.]*)`), server: true},
	{product: "werkzeug debugger", title: re(`// Werkzeug Debugger`), body: re(`Werkzeug powered traceback interpreter`)},
	{product: "webfs", body: re(`bytesex\.org/webfs\.html`), version: re(`webfs/([0-9.]+)`), server: true},
	{product: "consul", title: re(`^Consul by HashiCorp|^Consul$`), path: "/v1/agent/self", tells: re(`"Version":"([0-9][^"]*)"`), server: true},
	{product: "vault", title: re(`^Vault$`), path: "/v1/sys/health", tells: re(`"version":"([0-9][^"]*)"`), server: true},
	{product: "netdata", title: re(`(?i)netdata`), path: "/api/v1/info", tells: re(`"version":\s*"v?([0-9][^"]*)"`), server: true},
	{product: "influxdb", title: re(`^InfluxDB`), path: "/health", tells: re(`"version":\s*"v?([0-9][^"]*)"`), server: true},
	{product: "ollama", body: re(`^Ollama is running`), path: "/api/version", tells: re(`"version":"([0-9][^"]*)"`), server: true},
	{product: "clickhouse", body: re(`^Ok\.\n$`), path: "/?query=SELECT%20version()", tells: re(`^([0-9]+\.[0-9.]+)`), server: true},
	{product: "moodle", body: re(`content="moodle|/theme/yui_combo\.php`)},
	{product: "mediawiki", body: re(`content="MediaWiki`), version: re(`content="MediaWiki ([0-9.]+)`)},
	{product: "redmine", body: re(`content="Redmine"`)},
	{product: "metabase", title: re(`^Metabase$`), path: "/api/session/properties", tells: re(`"tag":"v?([0-9.]+)`), server: true},
	{product: "airflow", title: re(`Airflow`), path: "/api/v1/version", tells: re(`"version":\s*"([0-9][^"]*)"`)},
	{product: "spark", title: re(`^Spark (?:Master|Worker)`), version: re(`<span class="version"[^>]*>([0-9.]+)`), server: true},
	{product: "hadoop", title: re(`Namenode information|All Applications|DataNode Information`), path: "/jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo", tells: re(`"SoftwareVersion" : "([0-9.]+)`), server: true},
	{product: "flink", title: re(`Apache Flink`), path: "/config", tells: re(`"flink-version":"([0-9.]+)`), server: true},
	{product: "home assistant", title: re(`^Home Assistant$`), server: true},
	{product: "jellyfin", title: re(`^Jellyfin$`), path: "/System/Info/Public", tells: re(`"Version":"([0-9.]+)`), server: true},
	{product: "rundeck", title: re(`Rundeck`)},
	{product: "argo cd", title: re(`^Argo CD$`), path: "/api/version", tells: re(`"Version":"v([0-9.]+)`), server: true},
	{product: "icecast", title: re(`^Icecast Streaming Media Server`), path: "/status-json.xsl", tells: re(`"server_id":"Icecast ([0-9.]+)`), server: true},
	{product: "haproxy", title: re(`^Statistics Report for HAProxy`), version: re(`HAProxy version ([0-9][0-9A-Za-z.+~-]*)`), server: true},
	{product: "shellinabox", title: re(`^Shell In A Box`), body: re(`ShellInABox\.js`), server: true},
	{product: "node.js", body: re(`^WebSockets request was expected`), path: "/json/version", tells: re(`node\.js/v([0-9.]+)`), server: true},
	{product: "gitweb", body: re(`<!-- git web interface version|content="gitweb/`), version: re(`gitweb/([0-9.]+)`)},
	{product: "awstats", title: re(`AWStats|^Statistics for .*\(.*\)$`), version: re(`Advanced Web Statistics ([0-9.]+)`)},
	{product: "cacti", title: re(`^Login to Cacti$`)},
	{product: "laravel", body: re(`laravel_session|Laravel v[0-9]`), version: re(`Laravel v([0-9.]+)`)},
	{product: "spring boot", body: re(`Whitelabel Error Page`)},
	{product: "glassfish", title: re(`GlassFish Server`)},
	{product: "radicale", title: re(`^Radicale Web Interface$`), body: re(`^Radicale works!`), server: true},
	{product: "wildfly", title: re(`Welcome to WildFly`), server: true},
}

// applications looks at the front page; a server that has told no name is asked where such servers tell theirs.
func (b *browser) applications(m *Match, p *page) {
	if p.generator != "" {
		if name, version := generator(p.generator); name != "" && len(name) < 40 {
			m.software(name, version, "generator: "+p.generator, toldBanner)
		}
	}
	found := false
	for i := range applications {
		app := &applications[i]
		if !(app.title != nil && app.title.MatchString(p.title)) && !(app.body != nil && app.body.Match(p.body)) {
			continue
		}
		found = true
		b.application(m, app, p)
	}
	if !found && m.Product == "" {
		b.speechless(m, p)
	}
}

func (b *browser) application(m *Match, app *application, p *page) {
	version, qod, evidence := "", toldBanner, "title: "+p.title
	if app.version != nil {
		if f := app.version.FindSubmatch(append([]byte(p.title+"\n"), p.body...)); f != nil {
			version = string(f[1])
		}
	}
	if version == "" && app.path != "" {
		if t := b.get(app.path); t != nil {
			if f := app.tells.FindSubmatch(t.body); f != nil {
				version, qod, evidence = string(f[1]), toldExactly, app.path
			}
		}
	}
	pack := ""
	if upstream, _, ok := strings.Cut(version, "-"); ok && osOf(version).QoD > 0 {
		version, pack = upstream, version
	}
	if app.server && slices.Contains(frameworks, m.Product) {
		m.software(m.Product, m.Version, "Server: "+m.Headers["Server"], toldBanner)
		m.Product, m.Version, m.CPE = "", "", ""
	}
	if app.server && (m.Product == "" || m.Product == app.product && m.Version == "") {
		m.product(app.product, version, pack, qod)
		m.Package = pack
		return
	}
	if m.Product != app.product {
		m.software(app.product, version, evidence, qod)
	}
}

// frameworks are web servers inside programs: where a program is known that serves itself, it is the product.
var frameworks = []string{"cowboy", "tornado", "wsgiref", "werkzeug", "cherrypy", "aiohttp", "uvicorn", "mochiweb", "jetty", "express", "kestrel"}

// tell is a place where a server without a name tells what it is.
type tell struct {
	path    string
	pattern *regexp.Regexp // group 1 is the version where there is one
	product string
	header  string // a header that tells the product, whatever the status; pattern is not used then
}

// nowhere is a path that no server has: its error page often names the server.
const nowhere = "/vedette-nowhere"

// tells are looked for in the front page itself (path empty) and then asked one after another.
var tells = []tell{
	{path: "", pattern: re(`Invalid header received from client\.`), product: "privoxy"},
	{path: "", pattern: re(`<h1>(?:503 Service Unavailable</h1>\s*No server is available to handle this request\.|400 Bad request</h1>\s*Your browser sent an invalid request\.)`), product: "haproxy"},
	{path: "", pattern: re(`"cluster_uuid"[\s\S]*?"distribution"\s*:\s*"opensearch"[\s\S]*?"number"\s*:\s*"([0-9][^"]*)"`), product: "opensearch"},
	{path: "", pattern: re(`"tagline"\s*:\s*"The OpenSearch Project`), product: "opensearch"},
	{path: "", pattern: re(`"cluster_name"[\s\S]*?"number"\s*:\s*"([0-9][^"]*)"[\s\S]*"You Know, for Search"`), product: "elasticsearch"},
	{path: "", pattern: re(`"couchdb"\s*:\s*"Welcome"[\s\S]*?"version"\s*:\s*"([0-9][^"]*)"`), product: "couchdb"},
	{path: "", pattern: re(`"neo4j_version"\s*:\s*"([0-9][^"]*)"`), product: "neo4j"},
	{path: "", pattern: re(`It looks like you are trying to access MongoDB over HTTP`), product: "mongodb"},
	{path: "/version", pattern: re(`"ApiVersion"[\s\S]*?"Version"\s*:\s*"([0-9][^"]*)"|"Version"\s*:\s*"([0-9][^"]*)"[\s\S]*?"ApiVersion"`), product: "docker engine"},
	{path: "/version", pattern: re(`"etcdserver"\s*:\s*"([0-9][^"]*)"`), product: "etcd"},
	{path: "/version", pattern: re(`"gitVersion"\s*:\s*"v([0-9][^"]*)"`), product: "kubernetes"},
	{path: "/config/", pattern: re(`^\s*(?:null|\{"(?:admin|apps|logging)")`), product: "caddy admin api"},
	{path: "/metrics", pattern: re(`node_exporter_build_info\{[^}]*version="([0-9][^"]*)"`), product: "node exporter"},
	{path: "/metrics", pattern: re(`(?m)^prometheus_build_info\{[^}]*version="([0-9][^"]*)"`), product: "prometheus"},
	{path: "/metrics", pattern: re(`(?m)^etcd_server_version\{server_version="([0-9][^"]*)"`), product: "etcd"},
	{path: "/metrics", pattern: re(`kubernetes_build_info\{[^}]*git_version="v([0-9][^"]*)"`), product: "kubernetes"},
	{path: "/metrics", pattern: re(`(?m)^caddy_`), product: "caddy"},
	{path: "/varz", pattern: re(`"server_id"[\s\S]*?"version"\s*:\s*"([0-9][^"]*)"[\s\S]*?"max_payload"`), product: "nats"},
	{path: "/api/version", pattern: re(`"Version"\s*:\s*"v?([0-9][^"]*)"\s*,\s*"Codename"`), product: "traefik"},
	{path: nowhere, pattern: re(`Apache Tomcat/([0-9][0-9A-Za-z.]*)`), product: "apache tomcat"},
	{path: nowhere, pattern: re(`(?i)powered by jetty:(?://)?[^0-9]{0,8}([0-9][0-9A-Za-z.]*)?`), product: "jetty"},
	{path: nowhere, pattern: re(`<pre>Cannot GET ` + nowhere + `</pre>`), product: "express"},
	{path: "/pods", pattern: re(`"kind"\s*:\s*"PodList"`), product: "kubernetes kubelet"},
	{path: "/health", pattern: re(`"name"\s*:\s*"influxdb"[\s\S]*?"version"\s*:\s*"v?([0-9][^"]*)"`), product: "influxdb"},
	{path: "/v1/agent/self", pattern: re(`"Config"[\s\S]*?"Version"\s*:\s*"([0-9][^"]*)"`), product: "consul"},
	{path: "/v1/sys/health", pattern: re(`"sealed"[\s\S]*?"version"\s*:\s*"([0-9][^"]*)"`), product: "vault"},
	{path: "/v2/", header: "Docker-Distribution-Api-Version", product: "docker registry"},
	{path: "/jsonrpc?method=aria2.getVersion&id=1", pattern: re(`"enabledFeatures"[\s\S]*?"version"\s*:\s*"([0-9][^"]*)"`), product: "aria2"},
}

func (b *browser) speechless(m *Match, front *page) {
	pages := map[string]*page{"": front}
	for _, t := range tells {
		p, seen := pages[t.path]
		if !seen {
			p = b.get(t.path)
			pages[t.path] = p
		}
		if p == nil {
			continue
		}
		if t.header != "" {
			if p.header.Get(t.header) != "" {
				m.product(t.product, "", "", toldExactly)
				return
			}
			continue
		}
		if t.path != "" && t.path != nowhere && p.status != 200 {
			continue
		}
		f := t.pattern.FindSubmatch(p.body)
		if f == nil {
			continue
		}
		version := ""
		for _, g := range f[1:] {
			version += string(g)
		}
		qod := toldExactly
		if version == "" {
			qod = toldBanner
		}
		m.product(t.product, version, "", qod)
		m.readDocker(p)
		b.statistics(m)
		return
	}
	b.goBuild(m, pages["/metrics"])
	for _, w := range m.Software {
		if w.Product == "express" && m.Product == "" {
			m.product("express", "", "", toldBanner)
		}
	}
}

// statistics asks a HAProxy for its version where its page of statistics usually is.
func (b *browser) statistics(m *Match) {
	if m.Product != "haproxy" {
		return
	}
	for _, path := range []string{"/stats", "/haproxy?stats", "/haproxy-status", "/admin?stats"} {
		if p := b.get(path); p != nil && p.status == 200 {
			if f := pattern(`HAProxy version ([0-9][0-9A-Za-z.+~-]*)`).FindSubmatch(p.body); f != nil {
				upstream, _, _ := strings.Cut(string(f[1]), "-")
				m.product("haproxy", upstream, string(f[1]), toldExactly)
				if upstream != string(f[1]) {
					m.Package = string(f[1])
				}
				return
			}
		}
	}
}

// goBuild takes a Go program's own build information out of its metrics.
func (b *browser) goBuild(m *Match, p *page) {
	if p == nil || p.status != 200 {
		return
	}
	f := pattern(`(?m)^([a-z][a-z0-9_]*)_build_info\{[^}]*version="v?([0-9][^"]*)"`).FindAllSubmatch(p.body, 8)
	for _, g := range f {
		if name := string(g[1]); name != "go" {
			m.product(strings.ReplaceAll(name, "_", " "), string(g[2]), "", toldExactly)
			return
		}
	}
}

func (m *Match) readDocker(p *page) {
	var v struct{ Os, KernelVersion string }
	if m.Product != "docker engine" || json.Unmarshal(p.body, &v) != nil || v.Os != "linux" {
		return
	}
	m.OS = osOf(v.KernelVersion)
	if m.OS.QoD == 0 {
		m.OS = OS{"Linux", "cpe:2.3:o:linux:linux_kernel:*:*:*:*:*:*:*:*", 60}
	}
}

// library recognises a JavaScript library by the name of its file or its first lines.
type library struct {
	product string
	file    *regexp.Regexp // group 1 is the version where the name has it
	text    *regexp.Regexp // group 1
}

var libraries = []library{
	{"jquery ui", re(`(?i)jquery[.-]ui(?:[.-]([0-9]+\.[0-9.]*[0-9]))?(?:\.custom)?(?:\.min)?\.js`), re(`jQuery UI (?:- v)?([0-9]+\.[0-9.]*[0-9])`)},
	{"jquery migrate", re(`(?i)jquery-migrate(?:-([0-9]+\.[0-9.]*[0-9]))?(?:\.min)?\.js`), re(`jQuery Migrate (?:- )?v([0-9]+\.[0-9.]*[0-9])`)},
	{"jquery", re(`(?i)(?:^|/)jquery(?:[.-]?([0-9]+\.[0-9.]*[0-9]))?(?:\.slim)?(?:\.min|\.pack)?\.js`), re(`jQuery (?:JavaScript Library )?v ?([0-9]+\.[0-9.]*[0-9])`)},
	{"bootstrap", re(`(?i)bootstrap(?:\.bundle)?(?:-([0-9]+\.[0-9.]*[0-9]))?(?:\.min)?\.js`), re(`Bootstrap v([0-9]+\.[0-9.]*[0-9])`)},
	{"angularjs", re(`(?i)angular(?:-([0-9]+\.[0-9.]*[0-9]))?(?:\.min)?\.js`), re(`AngularJS v([0-9]+\.[0-9.]*[0-9])`)},
	{"vue.js", re(`(?i)(?:^|/)vue(?:[.-]([0-9]+\.[0-9.]*[0-9]))?(?:\.global)?(?:\.prod|\.min)?\.js`), re(`Vue\.js v([0-9]+\.[0-9.]*[0-9])`)},
	{"lodash", re(`(?i)lodash(?:[.-]([0-9]+\.[0-9.]*[0-9]))?(?:\.min)?\.js`), re(`(?i)lodash (?:lodash )?([0-9]+\.[0-9]+\.[0-9]+)`)},
	{"moment.js", re(`(?i)moment(?:[.-]([0-9]+\.[0-9.]*[0-9]))?(?:\.min)?\.js`), re(`version : ([0-9]+\.[0-9.]*[0-9])`)},
	{"handlebars", re(`(?i)handlebars(?:[.-]v?([0-9]+\.[0-9.]*[0-9]))?(?:\.min)?\.js`), re(`(?i)handlebars v([0-9]+\.[0-9.]*[0-9])`)},
	{"dompurify", re(`(?i)purify(?:\.min)?\.js`), re(`DOMPurify ([0-9]+\.[0-9.]*[0-9])`)},
	{"underscore", re(`(?i)underscore(?:[.-]([0-9]+\.[0-9.]*[0-9]))?(?:\.min)?\.js`), re(`Underscore\.js ([0-9]+\.[0-9.]*[0-9])`)},
	{"prototype", re(`(?i)(?:^|/)prototype(?:[.-]([0-9]+\.[0-9.]*[0-9]))?(?:\.min)?\.js`), re(`Prototype JavaScript framework, version ([0-9]+\.[0-9.]*[0-9])`)},
}

func (b *browser) libraries(m *Match, p *page) {
	fetched := 0
	for _, src := range p.scripts {
		for _, l := range libraries {
			f := l.file.FindStringSubmatch(src)
			if f == nil {
				continue
			}
			version, where := f[1], src
			if v := pattern(`@([0-9]+\.[0-9.]*[0-9])/|/([0-9]+\.[0-9]+\.[0-9]+)/|[?&]ver?=([0-9]+\.[0-9.]*[0-9])`).FindStringSubmatch(src); version == "" && v != nil {
				version = v[1] + v[2] + v[3]
			}
			if here := b.sameServer(src); fetched < 6 && here != "" {
				fetched++
				if t := b.get(here); t != nil && t.status == 200 {
					if g := l.text.FindSubmatch(t.body[:min(len(t.body), 4096)]); g != nil {
						version = string(g[1])
					}
				}
			}
			m.software(l.product, version, "script: "+where, toldBanner)
			break
		}
	}
	for i := range m.Software {
		if s := &m.Software[i]; strings.HasPrefix(s.Evidence, "script: ") {
			s.URL = strings.TrimPrefix(s.Evidence, "script: ")
		}
	}
}

// sameServer gives the path of a script that this server itself serves; empty for others.
func (b *browser) sameServer(src string) string {
	u, err := url.Parse(src)
	if err != nil || u.Host != "" && u.Host != b.host() {
		return ""
	}
	if u.Path == "" {
		return ""
	}
	if u.RawQuery != "" {
		return "/" + strings.TrimPrefix(u.EscapedPath(), "/") + "?" + u.RawQuery
	}
	return "/" + strings.TrimPrefix(u.EscapedPath(), "/")
}
