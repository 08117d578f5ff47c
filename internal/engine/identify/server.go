package identify

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// serverNames gives the product for the first word of a Server header, lower case. Words not listed name themselves.
var serverNames = map[string]string{
	"apache": "apache httpd", "apache-coyote": "apache tomcat", "microsoft-iis": "microsoft iis", "microsoft-httpapi": "microsoft httpapi", "simplehttp": "python http.server", "basehttp": "python http.server",
	"tornadoserver": "tornado", "goahead-webs": "goahead", "ats": "apache traffic server", "ibm_http_server": "ibm http server", "oracle-http-server": "oracle http server",
	"wsgiserver": "wsgiref", "apachetomcat": "apache tomcat", "weblogic": "oracle weblogic", "hp-chaisoe": "hp chaisoe", "docker": "docker engine", "hyper": "hyper", "kong": "kong", "lighttpd": "lighttpd",
	"apple": "apple", "ecs": "edgecast", "gws": "google web server", "mochiweb": "mochiweb", "yaws": "yaws", "phusion": "passenger", "cups": "cups", "minio": "minio", "influxdb": "influxdb", "couchdb": "couchdb",
	"openbsd": "openbsd httpd", "oswego": "oswego", "aiohttp": "aiohttp", "waitress": "waitress", "uvicorn": "uvicorn", "hypercorn": "hypercorn", "daphne": "daphne", "mini_httpd": "mini_httpd", "micro_httpd": "micro_httpd",
	"rabbitmq": "rabbitmq", "cowboy": "cowboy", "netbox": "netbox", "splunkd": "splunk", "zenws": "zenws", "esf": "esf", "iweb": "iweb", "webfs": "webfs", "kestrel": "kestrel", "tengine": "tengine",
	"twistedweb": "twisted web", "transmission": "transmission", "privoxy": "privoxy", "polipo": "polipo", "asterisk": "asterisk", "wildfly": "wildfly", "jboss-eap": "jboss eap", "undertow": "undertow", "icecast": "icecast", "squid": "squid", "varnish": "varnish", "nginx-clojure": "nginx",
}

// token is one product of a Server header: RFC 9110, 10.2.4.
var token = regexp.MustCompile(`([A-Za-z][A-Za-z0-9_.!+-]*)(?:[/ ]v?([0-9][0-9A-Za-z._~+-]*)|\(([0-9][0-9A-Za-z._-]*)\))?|\(([^()]*)\)`)

// notProducts stand in Server headers and name no software of their own.
var notProducts = []string{"unix", "linux", "server", "httpd", "the", "and", "with", "os", "web", "http", "upnp"}

// serverHeader reads "Apache/2.4.57 (Debian) PHP/8.2.7 OpenSSL/3.0.11": the first product is the server, the others run
// inside it.
func (m *Match) serverHeader(v string) {
	v = wire.Printable([]byte(v), 256)
	if o := osOf(v); o.QoD > m.OS.QoD {
		m.OS = o
	}
	if m.specialServer(v) {
		return
	}
	if _, device, ok := strings.Cut(v, "UPnP/"); ok { // "OS/version UPnP/1.0 product/version" (UPnP Device Architecture, 1.2.2)
		_, v, _ = strings.Cut(device, " ")
	}
	first := true
	for _, f := range token.FindAllStringSubmatch(v, 12) {
		if f[1] == "" {
			continue
		}
		name, version := strings.ToLower(f[1]), f[2]+f[3]
		if first {
			first = false
			if name == "apache-coyote" { // the connector's version, not Tomcat's
				version = ""
			}
			if p, ok := serverNames[name]; ok {
				name = p
			}
			if name == "microsoft httpapi" {
				m.OS = family("windows")
			}
			m.product(name, version, v, toldBanner)
			continue
		}
		if version == "" || slices.Contains(notProducts, name) || osWords.MatchString(name) {
			continue
		}
		m.software(name, version, "Server: "+v, toldBanner)
	}
}

var specialServers = rules(
	`^Werkzeug/([0-9.]+)`, "werkzeug", `^Jetty\(([0-9][0-9A-Za-z.]*)`, "jetty", `^Icecast ([0-9][0-9A-Za-z.]*)`, "icecast", `^WebLogic (?:Server )?([0-9.]+)?`, "oracle weblogic", `^Lotus-Domino(?:/([0-9.]+))?`, "ibm domino",
	`^Oracle GlassFish Server ([0-9.]+)`, "glassfish", `^GlassFish Server Open Source Edition *([0-9.]+)`, "glassfish", `^Embedthis-http(?:/([0-9.]+))?`, "appweb", `^Mbedthis-Appweb/([0-9.]+)`, "appweb", `^Zope/\(?(?:Zope )?([0-9.]+)`, "zope",
	`^MiniServ/([0-9.]+)`, "webmin", `^HP HTTP Server`, "hp http server", `^Virata-EmWeb/R?([0-9_]+)`, "emweb", `^Allegro-Software-RomPager/ ?([0-9.]+)`, "rompager", `^RomPager/([0-9.]+)`, "rompager", `^Boa/([0-9.]+\w*)`, "boa", `^thttpd/([0-9.]+\w*)`, "thttpd",
	`^Oracle XML DB`, "oracle xml db", `^SonicWALL`, "sonicwall", `^Cougar/([0-9.]+)`, "windows media services", `^Serv-U/([0-9.]+)`, "serv-u", `^Apache TomEE`, "apache tomee", `^Hiawatha v([0-9.]+)`, "hiawatha", `^KS_HTTP/([0-9.]+)`, "canon http server", `^Cherokee/([0-9.]+)`, "cherokee",
	`^Prosody`, "prosody", `^Plex Media Server`, "plex", `^Home Assistant`, "home assistant", `^Mojolicious`, "mojolicious", `^Artifactory/([0-9.]+)`, "artifactory", `^Nexus/([0-9.-]+)`, "nexus repository", `(?i)MiniUPnPd/([0-9.]+)`, "miniupnpd", `^shellinabox`, "shellinabox", `^ejabberd`, "ejabberd",
	`^BaseHTTP/[0-9.]+ Python/`, "python http.server", `^SimpleHTTP/[0-9.]+ Python/`, "python http.server", `^CherryPy/([0-9.]+)`, "cherrypy", `^Ollama`, "ollama", `^Netdata Embedded HTTP Server v?([0-9.]+)?`, "netdata", `^tinyproxy/([0-9.]+)`, "tinyproxy", `^BusyBox http ([0-9.]+)?`, "busybox httpd",
)

func (m *Match) specialServer(v string) bool {
	if !m.byRules(specialServers, v, toldBanner) {
		return false
	}
	for _, f := range token.FindAllStringSubmatch(v, 12) {
		if name := strings.ToLower(f[1]); f[2] != "" && (name == "python" || name == "ruby" || name == "openssl" || name == "php") {
			m.software(name, f[2], "Server: "+v, toldBanner)
		}
	}
	if m.Product == "oracle weblogic" || m.Version != "" {
		m.Version = strings.TrimSuffix(m.Version, ".")
	}
	return true
}

func (m *Match) poweredBy(v string) {
	v = wire.Printable([]byte(v), 256)
	for _, part := range strings.Split(v, ",") {
		f := token.FindStringSubmatch(strings.TrimSpace(part))
		if f == nil || f[1] == "" {
			continue
		}
		name := strings.ToLower(f[1])
		switch name {
		case "asp.net", "express", "php", "servlet", "jsf", "next.js", "phusion", "plesklin", "pleskwin":
		default:
			if f[2] == "" {
				continue
			}
		}
		version, pack, _ := strings.Cut(f[2], "-")
		m.software(name, version, "X-Powered-By: "+v, toldBanner)
		if o := osOf(pack); o.QoD > m.OS.QoD {
			m.OS = o
		}
	}
}

// aloneServers are those among the header products that answer for themselves, with no web server before them.
var aloneServers = []string{"influxdb", "couchdb", "vault", "consul"}

// headerProducts are products that announce themselves in a header of their own.
func (m *Match) headerProducts(h http.Header) {
	for _, x := range []struct{ header, product string }{
		{"X-Jenkins", "jenkins"}, {"X-Influxdb-Version", "influxdb"}, {"X-Aspnet-Version", "asp.net"}, {"X-Aspnetmvc-Version", "asp.net mvc"}, {"X-Owa-Version", "microsoft exchange"},
		{"X-Couchdb-Version", "couchdb"}, {"X-Sonarqube-Version", "sonarqube"}, {"X-Vault-Version", "vault"}, {"X-Consul-Version", "consul"}, {"Liferay-Portal", "liferay portal"}, {"X-Generator", ""},
		{"X-Mod-Pagespeed", "mod_pagespeed"}, {"X-Page-Speed", "ngx_pagespeed"},
	} {
		v := h.Get(x.header)
		if v == "" {
			continue
		}
		name, version := x.product, v
		if name == "" {
			name, version = generator(v)
		}
		switch f := pattern(`[0-9][0-9A-Za-z.-]*`).FindString(version); {
		case name == "":
		case m.Product == "" && slices.Contains(aloneServers, name):
			m.product(name, f, "", toldExactly)
		default:
			m.software(name, f, x.header+": "+v, toldExactly)
		}
	}
	if _, told := h["Host"]; told && m.Product == "" { // no other server answers with a request's header
		m.product("php cli server", "", "", toldBanner)
	}
	if h.Get("Access-Control-Request-Method") != "" && m.Product == "" { // a request's header too, which only its remote control answers
		m.product("rclone", "", "", toldBanner)
	}
	if v := h.Get("Docker-Distribution-Api-Version"); v != "" && m.Product == "" {
		m.product("docker registry", "", "", toldExactly)
	}
	if h.Get("X-Clickhouse-Server-Display-Name") != "" {
		m.software("clickhouse", "", "X-ClickHouse-Server-Display-Name", toldExactly)
	}
	m.realm(h.Get("Www-Authenticate"))
	m.via(h.Get("Via"))
}

// realms are names that products give to their login.
var realms = map[string]string{
	"ActiveMQRealm": "activemq", "RabbitMQ Management": "rabbitmq", "Tomcat Manager Application": "apache tomcat", "Tomcat Host Manager Application": "apache tomcat",
	"Transmission": "transmission", "phpMyAdmin localhost": "phpmyadmin", "Webmin Server": "webmin", "Nagios Access": "nagios", "monit": "monit", "XDB": "oracle xml db",
	"Icecast2 Server": "icecast", "SABnzbd": "sabnzbd", "OpenWebNet": "openwebnet", "HAProxy Statistics": "haproxy", "Artifactory Realm": "artifactory", "Sonatype Nexus Repository Manager": "nexus repository",
}

func (m *Match) realm(v string) {
	f := pattern(`realm="([^"]{1,80})"`).FindStringSubmatch(v)
	if f == nil || realms[f[1]] == "" {
		return
	}
	if m.Product == "" {
		m.product(realms[f[1]], "", "", toldBanner)
	} else if m.Product != realms[f[1]] {
		m.software(realms[f[1]], "", "realm: "+f[1], toldBanner)
	}
}

var viaProxy = regexp.MustCompile(`(?i)\b(varnish|squid|haproxy|apache ?traffic ?server|ats|tinyproxy|privoxy|traefik|envoy|cloudfront|caddy|kong)\b(?:[^()0-9,]*\((?:varnish|squid|ApacheTrafficServer|tinyproxy)?/?v?([0-9][0-9A-Za-z.]*)[^)]*\)|/v?([0-9][0-9A-Za-z.]*))?`)

// via names proxies on the way (RFC 9110, 7.6.3); where the answer names no other server, the proxy is what was met.
func (m *Match) via(v string) {
	f := viaProxy.FindStringSubmatch(wire.Printable([]byte(v), 256))
	if f == nil {
		return
	}
	name := strings.ToLower(f[1])
	if strings.HasPrefix(name, "a") {
		name = "apache traffic server"
	}
	if m.Product == "" {
		m.product(name, f[2]+f[3], v, toldBanner)
		return
	}
	if m.Product != name {
		m.software(name, f[2]+f[3], "Via: "+v, toldBanner)
	}
}

var generatorForm = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9!. ]*?)(?:[ /]v?([0-9][0-9A-Za-z.-]*))?(?:[ ,;(].*)?$`)

// generator reads "WordPress 6.2.2" and "Drupal 10 (https://…)".
func generator(v string) (string, string) {
	f := generatorForm.FindStringSubmatch(strings.TrimSpace(v))
	if f == nil {
		return "", ""
	}
	name := strings.ToLower(strings.TrimSuffix(f[1], "!"))
	if strings.HasPrefix(name, "joomla") {
		name = "joomla"
	}
	return name, f[2]
}

// software adds a product seen behind the service, once; a version replaces none.
func (m *Match) software(name, version, evidence string, qod int) {
	name = wire.Printable([]byte(name), 64)
	version = clean(version)
	for i := range m.Software {
		if m.Software[i].Product == name {
			if m.Software[i].Version == "" && version != "" {
				m.Software[i].Version, m.Software[i].CPE, m.Software[i].QoD, m.Software[i].Evidence = version, cpeOf(name, version, ""), qod, wire.Printable([]byte(evidence), 256)
			}
			return
		}
	}
	if len(m.Software) >= 64 {
		return
	}
	m.Software = append(m.Software, scanlink.Software{
		Product: name, Version: version, CPE: cpeOf(name, version, ""), QoD: qod, Evidence: wire.Printable([]byte(evidence), 256),
	})
}

func (m *Match) mergeSoftware(all []scanlink.Software) {
	for _, s := range all {
		m.software(s.Product, s.Version, s.Evidence, s.QoD)
	}
}
