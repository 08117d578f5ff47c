package identify

import (
	"regexp"
	"strings"
)

// vendors gives vendor and product of the CPE dictionary for a product as Vedette names it.
var vendors = map[string]string{
	"openssh": "openbsd:openssh", "dropbear": "dropbear_ssh_project:dropbear_ssh", "libssh": "libssh:libssh", "tinyssh": "tinyssh:tinyssh",
	"nginx": "f5:nginx", "apache httpd": "apache:http_server", "lighttpd": "lighttpd:lighttpd", "caddy": "caddyserver:caddy",
	"caddy admin api": "caddyserver:caddy", "mini_httpd": "acme:mini-httpd", "micro_httpd": "acme:micro_httpd", "thttpd": "acme:thttpd",
	"webfs": "webfs_project:webfs", "microsoft iis": "microsoft:internet_information_services", "openresty": "openresty:openresty",
	"litespeed": "litespeedtech:litespeed_web_server", "apache tomcat": "apache:tomcat", "jetty": "eclipse:jetty", "gunicorn": "gunicorn:gunicorn",
	"werkzeug": "palletsprojects:werkzeug", "tornado": "tornadoweb:tornado", "cherrypy": "cherrypy:cherrypy", "python": "python:python",
	"php": "php:php", "openssl": "openssl:openssl", "perl": "perl:perl", "mod_ssl": "mod_ssl:mod_ssl", "mod_perl": "apache:mod_perl",
	"mod_wsgi": "modwsgi:mod_wsgi", "node.js": "nodejs:node.js", "express": "openjsf:express", "boa": "boa:boa", "goahead": "embedthis:goahead",
	"rompager": "allegrosoft:rompager", "icecast": "icecast:icecast", "cups": "apple:cups", "squid": "squid-cache:squid",
	"varnish": "varnish_cache_project:varnish_cache", "haproxy": "haproxy:haproxy", "tengine": "alibaba:tengine", "webrick": "ruby-lang:webrick",
	"mongoose": "cesanta:mongoose", "apache traffic server": "apache:traffic_server", "envoy": "envoyproxy:envoy", "hiawatha": "hiawatha-webserver:hiawatha",
	"cherokee": "cherokee-project:cherokee", "monkey": "monkey-project:monkey", "darkhttpd": "darkhttpd_project:darkhttpd", "transmission": "transmissionbt:transmission",
	"tinyproxy": "tinyproxy_project:tinyproxy", "privoxy": "privoxy:privoxy", "traefik": "traefik:traefik", "kestrel": "microsoft:asp.net_core",
	"oracle weblogic": "oracle:weblogic_server", "ibm http server": "ibm:http_server", "resin": "caucho:resin", "zope": "zope:zope",
	"twisted web": "twisted:twisted", "h2o": "dena:h2o", "uwsgi": "unbit:uwsgi", "php-fpm": "php:php",
	"jenkins": "jenkins:jenkins", "grafana": "grafana:grafana", "gitlab": "gitlab:gitlab", "phpmyadmin": "phpmyadmin:phpmyadmin",
	"wordpress": "wordpress:wordpress", "drupal": "drupal:drupal", "joomla": "joomla:joomla\\!", "kibana": "elastic:kibana", "jquery": "jquery:jquery",
	"jquery ui": "jqueryui:jquery_ui", "bootstrap": "getbootstrap:bootstrap", "angularjs": "angularjs:angular.js", "vue.js": "vuejs:vue", "lodash": "lodash:lodash",
	"moment.js": "momentjs:moment", "handlebars": "handlebarsjs:handlebars", "dompurify": "cure53:dompurify",
	"prometheus": "prometheus:prometheus", "node exporter": "prometheus:node_exporter", "alertmanager": "prometheus:alertmanager", "gitea": "gitea:gitea",
	"sonarqube": "sonarsource:sonarqube", "nexus repository": "sonatype:nexus_repository_manager", "confluence": "atlassian:confluence_server", "jira": "atlassian:jira",
	"zabbix": "zabbix:zabbix", "nagios": "nagios:nagios", "rabbitmq": "pivotal_software:rabbitmq", "solr": "apache:solr", "webmin": "webmin:webmin",
	"roundcube": "roundcube:webmail", "nextcloud": "nextcloud:nextcloud_server", "keycloak": "redhat:keycloak", "minio": "minio:minio",
	"shellinabox": "shellinabox_project:shellinabox", "adminer": "adminer:adminer", "activemq": "apache:activemq", "swagger ui": "smartbear:swagger_ui",
	"vsftpd": "vsftpd_project:vsftpd", "proftpd": "proftpd:proftpd", "pure-ftpd": "pureftpd:pure-ftpd", "filezilla server": "filezilla-project:filezilla_server",
	"microsoft ftpd": "microsoft:internet_information_services", "pyftpdlib": "pyftpdlib_project:pyftpdlib", "serv-u": "solarwinds:serv-u", "crushftp": "crushftp:crushftp",
	"exim": "exim:exim", "postfix": "postfix:postfix", "sendmail": "sendmail:sendmail", "opensmtpd": "openbsd:opensmtpd", "microsoft exchange": "microsoft:exchange_server",
	"haraka": "haraka_project:haraka", "hmailserver": "hmailserver:hmailserver", "dovecot": "dovecot:dovecot", "cyrus": "cyrusimap:cyrus_imap", "courier": "double_precision_incorporated:courier_mta",
	"zimbra": "synacor:zimbra_collaboration_suite", "inetutils telnetd": "gnu:inetutils", "inetutils ftpd": "gnu:inetutils", "busybox telnetd": "busybox:busybox", "busybox": "busybox:busybox",
	"isc bind": "isc:bind", "dnsmasq": "thekelleys:dnsmasq", "unbound": "nlnetlabs:unbound", "nsd": "nlnetlabs:nsd", "powerdns": "powerdns:authoritative",
	"powerdns recursor": "powerdns:recursor", "knot dns": "nic:knot_dns", "knot resolver": "nic:knot_resolver", "microsoft dns": "microsoft:windows_dns", "coredns": "coredns.io:coredns",
	"mysql": "oracle:mysql", "mariadb": "mariadb:mariadb", "percona server": "percona:percona_server", "postgresql": "postgresql:postgresql",
	"redis": "redis:redis", "valkey": "lfprojects:valkey", "keydb": "snap:keydb", "memcached": "memcached:memcached", "mongodb": "mongodb:mongodb", "elasticsearch": "elastic:elasticsearch",
	"opensearch": "amazon:opensearch", "couchdb": "apache:couchdb", "etcd": "etcd:etcd", "cassandra": "apache:cassandra", "clickhouse": "clickhouse:clickhouse",
	"influxdb": "influxdata:influxdb", "neo4j": "neo4j:neo4j", "oracle database": "oracle:database_server", "microsoft sql server": "microsoft:sql_server",
	"db2": "ibm:db2", "firebird": "firebirdsql:firebird", "docker engine": "docker:docker", "kubernetes": "kubernetes:kubernetes",
	"samba": "samba:samba", "microsoft windows smb": "microsoft:windows", "openldap": "openldap:openldap", "389 directory server": "redhat:389_directory_server",
	"net-snmp": "net-snmp:net-snmp", "net-snmp smux": "net-snmp:net-snmp", "xrdp": "neutrinolabs:xrdp", "tigervnc": "tigervnc:tigervnc", "x11vnc": "x11vnc_project:x11vnc",
	"realvnc": "realvnc:realvnc", "ultravnc": "uvnc:ultravnc", "tightvnc": "tightvnc:tightvnc", "rpcbind": "rpcbind_project:rpcbind",
	"xorg xvfb": "x.org:x_server", "x.org x server": "x.org:x_server", "distcc": "distcc_project:distcc", "rsync": "samba:rsync", "ntp": "ntp:ntp", "ntpsec": "ntpsec:ntpsec",
	"chrony": "tuxfamily:chrony", "mosquitto": "eclipse:mosquitto", "emqx": "emqx:emqx", "nats": "linuxfoundation:nats-server", "zookeeper": "apache:zookeeper", "kafka": "apache:kafka",
	"qpid": "apache:qpid", "gearmand": "gearman:gearmand", "beanstalkd": "beanstalkd_project:beanstalkd", "subversion": "apache:subversion", "git daemon": "git-scm:git",
	"ngircd": "ngircd:ngircd", "unrealircd": "unrealircd:unrealircd", "inspircd": "inspircd:inspircd", "inn": "isc:inn", "asterisk": "digium:asterisk", "kamailio": "kamailio:kamailio",
	"gpsd": "gpsd_project:gpsd", "dcmtk": "offis:dcmtk", "orthanc": "orthanc-server:orthanc", "dcm4che": "dcm4che:dcm4che",
	"freeswitch": "freeswitch:freeswitch", "opensips": "opensips:opensips", "prosody": "prosody:prosody", "ejabberd": "process-one:ejabberd", "openfire": "igniterealtime:openfire",
	"mumble": "mumble:mumble", "freeradius": "freeradius:freeradius", "erlang": "erlang:erlang\\/otp", "dante": "inet:dante", "miniupnpd": "miniupnp_project:miniupnpd",
	"live555": "live555:streaming_media", "gstreamer rtsp": "gstreamer_project:gstreamer", "mediamtx": "bluenviron:mediamtx", "tgt": "tgt_project:tgt", "nbd": "network_block_device_project:nbd",
	"avahi": "avahi:avahi", "cyrus imapd": "cyrusimap:cyrus_imap", "nrpe": "nagios:remote_plugin_executor", "zabbix agent": "zabbix:zabbix", "munin": "munin-monitoring:munin", "consul": "hashicorp:consul", "vault": "hashicorp:vault",
	"ollama": "ollama:ollama", "jupyter": "jupyter:notebook", "spring boot": "vmware:spring_boot", "laravel": "laravel:laravel", "ruby": "ruby-lang:ruby", "passenger": "phusion:passenger",
	"webalizer": "webalizer:webalizer", "awstats": "awstats:awstats", "cacti": "cacti:cacti", "tftpd-hpa": "tftpd-hpa_project:tftpd-hpa",
	"teamspeak": "teamspeak:teamspeak3_server", "open62541": "open62541:open62541", "conserver": "conserver:conserver", "pgbouncer": "pgbouncer:pgbouncer", "stunnel": "stunnel:stunnel",
	"hadoop": "apache:hadoop", "spark": "apache:spark", "airflow": "apache:airflow", "druid": "apache:druid", "nifi": "apache:nifi", "flink": "apache:flink",
	"moby": "mobyproject:moby", "gitweb": "git-scm:git", "moodle": "moodle:moodle", "mediawiki": "mediawiki:mediawiki", "tomcat": "apache:tomcat", "undertow": "redhat:undertow", "wildfly": "redhat:jboss_wildfly_application_server",
	"glassfish": "oracle:glassfish_server", "coldfusion": "adobe:coldfusion", "rundeck": "rundeck:rundeck", "argo cd": "argoproj:argo_cd", "portainer": "portainer:portainer", "pgadmin": "pgadmin:pgadmin_4", "netdata": "netdata:netdata",
	"coturn": "coturn_project:coturn", "docker registry": "docker:registry", "sane-backends": "sane-project:sane_backends", "aria2": "aria2_project:aria2", "quassel core": "quassel-irc:quassel",
	"pushgateway":    "prometheus:pushgateway",
	"home assistant": "home-assistant:home-assistant", "plex": "plex:media_server", "jellyfin": "jellyfin:jellyfin", "superset": "apache:superset", "metabase": "metabase:metabase", "redmine": "redmine:redmine", "openvpn": "openvpn:openvpn",
}

// cpeOf is the CPE 2.3 formatted string of an application; empty when the product has no known name there.
func cpeOf(product, version, known string) string {
	if known == "" {
		known = vendors[product]
	}
	vendor, name, ok := strings.Cut(known, ":")
	if !ok {
		return ""
	}
	v, update := splitUpdate(name, version)
	return "cpe:2.3:a:" + vendor + ":" + name + ":" + v + ":" + update + ":*:*:*:*:*:*"
}

var patchLevel = regexp.MustCompile(`^([0-9][0-9.]*)[-_]?((?:p|rc|beta|alpha|b|a)[0-9]+)$`)

// splitUpdate parts 9.2p1 into version and update, as the dictionary does; absent parts are *.
func splitUpdate(name, version string) (string, string) {
	if version == "" {
		return "*", "*"
	}
	if m := patchLevel.FindStringSubmatch(version); m != nil {
		return m[1], m[2]
	}
	return escapeCPE(version), "*"
}

// escapeCPE quotes by the rules of the formatted string binding (NISTIR 7695, 6.2).
func escapeCPE(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
			b.WriteRune(r)
		case r > 0x20 && r < 0x7f:
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteByte('_')
		}
	}
	return b.String()
}
