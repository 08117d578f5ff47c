package feed

import (
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/feed/fix"
	"github.com/vedette/vedette/internal/domain/feed/version"
)

// product is what must be known of a piece of software to read its version honestly.
type product struct {
	key     string   // vendor:product as NVD names it now
	aliases []string // other names of the same
	sources []string // Debian source packages; % is the major version, %% major.minor
	follows bool     // distributions ship the maker's maintenance releases, so that the maker's version settles it
	shipped []string // makers' versions that distributions ship and patch in place, besides what the feed tells
}

// canonical is the one name under which a product is indexed.
func canonical(key string) string {
	if k, ok := aliasOf[key]; ok {
		return k
	}
	return key
}

var (
	aliasOf   = map[string]string{}
	productOf = map[string]*product{}
)

func init() {
	for i := range products {
		p := &products[i]
		productOf[p.key] = p
		for _, a := range p.aliases {
			aliasOf[a] = p.key
		}
	}
}

// sourceNames are the Debian source packages that may hold a version of the product.
func (p *product) sourceNames(v string) []string {
	release := strings.SplitN(version.Clean(v), ".", 3)
	var out []string
	for _, s := range p.sources {
		switch {
		case strings.Contains(s, "%%"):
			if len(release) > 1 {
				s = strings.ReplaceAll(s, "%%", release[0]+"."+release[1])
			}
		case strings.Contains(s, "%"):
			s = strings.ReplaceAll(s, "%", release[0])
		}
		out = append(out, s)
	}
	return out
}

// ships says whether a distribution is known to ship this maker's version, and which.
func (k *Knowledge) ships(p *product, v string) (by string, ok bool) {
	scheme := version.SchemeOf(productName(p.key))
	for _, name := range p.sourceNames(v) {
		for _, s := range k.sources[name] {
			if s.Upstream != "" && (version.Compare(scheme, s.Upstream, v) == 0 || beginning(v, s.Upstream)) {
				return strings.TrimSpace(fix.Title(s.Distro) + " " + s.Release), true
			}
		}
	}
	if slices.ContainsFunc(p.shipped, func(s string) bool { return version.Compare(scheme, s, v) == 0 || beginning(v, s) }) {
		return "a distribution", true
	}
	return "", false
}

// beginning says whether a version of two parts, as banners shorten it, may be a longer one.
func beginning(v, whole string) bool {
	return strings.Count(v, ".") == 1 && strings.HasPrefix(whole, v+".")
}

func productName(key string) string {
	_, name, _ := strings.Cut(key, ":")
	return name
}

func words(s string) []string { return strings.Fields(s) }

// products are the server programs that distributions package. Sources of the versions: the package archives of Debian
// 8 to 13, Ubuntu 14.04 to 24.04 and Red Hat Enterprise Linux 6 to 9.
var products = []product{
	{key: "openbsd:openssh", sources: words("openssh"), shipped: words("5.3p1 6.6.1p1 6.7p1 7.2p2 7.4p1 7.6p1 7.9p1 8.0p1 8.2p1 8.4p1 8.7p1 8.9p1 9.2p1 9.6p1 9.9p1 10.0p1")},
	{key: "f5:nginx", aliases: words("nginx:nginx igor_sysoev:nginx f5:nginx_open_source"), sources: words("nginx"), shipped: words("1.4.6 1.6.2 1.10.3 1.14.0 1.14.1 1.14.2 1.16.1 1.18.0 1.20.1 1.22.1 1.24.0 1.26.3")},
	{key: "apache:http_server", sources: words("apache2"), shipped: words("2.2.15 2.4.6 2.4.7 2.4.10 2.4.18 2.4.25 2.4.29 2.4.37 2.4.38 2.4.41 2.4.51 2.4.52 2.4.53 2.4.54 2.4.56 2.4.57 2.4.58 2.4.59 2.4.61 2.4.62 2.4.65")},
	{key: "lighttpd:lighttpd", sources: words("lighttpd"), shipped: words("1.4.35 1.4.45 1.4.53 1.4.55 1.4.59 1.4.63 1.4.69 1.4.74 1.4.79")},
	{key: "acme:mini-httpd", aliases: words("acme:mini_httpd acme_labs:mini_httpd"), sources: words("mini-httpd"), shipped: words("1.30")},
	{key: "webfs_project:webfs", sources: words("webfs"), shipped: words("1.21")},
	{key: "caddyserver:caddy", sources: words("caddy"), shipped: words("2.6.2")},
	{key: "dropbear_ssh_project:dropbear_ssh", aliases: words("matt_johnston:dropbear_ssh_server dropbear_ssh:dropbear_ssh"), sources: words("dropbear"), shipped: words("2014.65 2016.74 2017.75 2018.76 2019.78 2020.81 2022.82 2022.83 2025.88")},
	{key: "gnu:inetutils", sources: words("inetutils"), shipped: words("1.9.4 2.0 2.2 2.4 2.5 2.6")},
	{key: "vsftpd_project:vsftpd", aliases: words("beasts:vsftpd"), sources: words("vsftpd"), shipped: words("2.2.2 3.0.2 3.0.3 3.0.5")},
	{key: "proftpd:proftpd", sources: words("proftpd-dfsg"), shipped: words("1.3.5 1.3.5a 1.3.5b 1.3.5e 1.3.6 1.3.6c 1.3.7a 1.3.7c 1.3.8 1.3.8b")},
	{key: "pureftpd:pure-ftpd", sources: words("pure-ftpd"), shipped: words("1.0.36 1.0.43 1.0.46 1.0.47 1.0.49 1.0.50")},
	{key: "samba:rsync", aliases: words("rsync:rsync andrew_tridgell:rsync"), sources: words("rsync"), shipped: words("3.1.1 3.1.2 3.1.3 3.2.3 3.2.7 3.4.1")},
	{key: "samba:samba", sources: words("samba"), shipped: words("4.2.14 4.3.11 4.5.16 4.7.6 4.9.5 4.13.13 4.13.17 4.15.13 4.17.12 4.19.5 4.22.4")},
	{key: "distcc_project:distcc", aliases: words("samba:distcc"), sources: words("distcc"), shipped: words("3.1 3.3.3 3.3.5 3.4")},
	{key: "x.org:x_server", aliases: words("x.org:xorg-server x.org:x.org-xserver"), sources: words("xorg-server"), shipped: words("1.16.4 1.19.2 1.20.4 1.20.11 21.1.7 21.1.16")},
	{key: "x11vnc_project:x11vnc", aliases: words("libvnc_project:x11vnc"), sources: words("x11vnc"), shipped: words("0.9.13 0.9.16")},
	{key: "tigervnc:tigervnc", sources: words("tigervnc"), shipped: words("1.7.0 1.9.0 1.11.0 1.12.0 1.15.0")},
	{key: "neutrinolabs:xrdp", sources: words("xrdp"), shipped: words("0.6.1 0.9.1 0.9.9 0.9.12 0.9.17 0.9.21 0.9.21.1 0.9.24 0.10.1")},
	{key: "exim:exim", sources: words("exim4"), shipped: words("4.82 4.84 4.84.2 4.86.2 4.89 4.90.1 4.92 4.93 4.94.2 4.95 4.96 4.97 4.98.2")},
	{key: "postfix:postfix", aliases: words("wietse_venema:postfix"), sources: words("postfix"), shipped: words("2.11.3 3.1.15 3.3.0 3.4.23 3.4.13 3.5.25 3.6.4 3.7.11 3.8.6 3.10.4")},
	{key: "sendmail:sendmail", sources: words("sendmail"), shipped: words("8.14.4 8.15.2 8.17.1 8.17.1.9 8.18.1")},
	{key: "openbsd:opensmtpd", aliases: words("opensmtpd:opensmtpd"), sources: words("opensmtpd"), shipped: words("6.0.3p1 6.6.4p1 6.8.0p2")},
	{key: "dovecot:dovecot", sources: words("dovecot"), shipped: words("2.0.9 2.2.9 2.2.10 2.2.13 2.2.22 2.2.27 2.2.33.2 2.2.36 2.3.4.1 2.3.7.2 2.3.8 2.3.13 2.3.16 2.3.19.1 2.3.21 2.4.1")},
	{key: "cyrus:imap", aliases: words("cmu:cyrus_imap_server"), sources: words("cyrus-imapd"), shipped: words("2.4.17 2.5.10 3.0.8 3.2.6 3.6.1 3.10.2")},
	{key: "courier-mta:courier", sources: words("courier")},
	{key: "isc:bind", sources: words("bind9"), shipped: words("9.8.2 9.9.4 9.9.5 9.10.3 9.11.3 9.11.4 9.11.5 9.11.36 9.16.1 9.16.23 9.16.50 9.18.1 9.18.12 9.18.19 9.18.24 9.18.28 9.18.30 9.18.33")},
	{key: "isc:dhcp", sources: words("isc-dhcp"), shipped: words("4.3.1 4.3.5 4.4.1 4.4.3")},
	{key: "thekelleys:dnsmasq", sources: words("dnsmasq"), shipped: words("2.68 2.72 2.75 2.76 2.79 2.80 2.85 2.86 2.89 2.90 2.91")},
	{key: "nlnetlabs:unbound", aliases: words("unbound:unbound"), sources: words("unbound"), shipped: words("1.4.22 1.5.8 1.6.0 1.6.7 1.9.0 1.9.4 1.13.1 1.16.2 1.17.1 1.19.2 1.22.0")},
	{key: "powerdns:authoritative_server", aliases: words("powerdns:authoritative"), sources: words("pdns"), shipped: words("3.4.1 4.0.3 4.1.6 4.4.1 4.7.3 4.9.4")},
	{key: "powerdns:recursor", sources: words("pdns-recursor"), shipped: words("3.6.2 4.0.4 4.1.11 4.4.2 4.8.8 5.2.4")},
	{key: "net-snmp:net-snmp", aliases: words("net-snmp:net_snmp"), sources: words("net-snmp"), shipped: words("5.7.2 5.7.2.1 5.7.3 5.8 5.9 5.9.1 5.9.3 5.9.4")},
	{key: "ntp:ntp", sources: words("ntp"), shipped: words("4.2.6p5 4.2.8p4 4.2.8p10 4.2.8p12 4.2.8p15")},
	{key: "ntpsec:ntpsec", sources: words("ntpsec"), shipped: words("1.1.3 1.2.0 1.2.2 1.2.3")},
	{key: "tuxfamily:chrony", aliases: words("chrony_project:chrony"), sources: words("chrony"), shipped: words("3.0 3.2 3.4 3.5 4.0 4.2 4.3 4.5 4.6.1")},
	{key: "mariadb:mariadb", sources: words("mariadb mariadb-%%"), follows: true},
	{key: "oracle:mysql", aliases: words("mysql:mysql oracle:mysql_server"), sources: words("mysql-%%"), follows: true},
	{key: "postgresql:postgresql", sources: words("postgresql-%"), follows: true},
	{key: "redis:redis", aliases: words("redislabs:redis pivotal_software:redis"), sources: words("redis"), shipped: words("2.8.4 2.8.17 3.0.6 3.2.6 4.0.9 5.0.3 5.0.7 5.0.14 6.0.9 6.0.16 6.2.7 7.0.12 7.0.15 8.0.2")},
	{key: "memcached:memcached", aliases: words("memcachedb:memcached"), sources: words("memcached"), shipped: words("1.4.15 1.4.21 1.4.25 1.4.33 1.5.6 1.5.22 1.6.9 1.6.14 1.6.18 1.6.24 1.6.38")},
	{key: "mongodb:mongodb", sources: words("mongodb"), shipped: words("2.4.9 2.4.10 2.6.10 3.2.11 3.6.3 3.6.8")},
	{key: "apache:couchdb", sources: words("couchdb"), shipped: words("1.4.0 1.6.0")},
	{key: "influxdata:influxdb", sources: words("influxdb"), shipped: words("1.0.2 1.1.1 1.6.4 1.6.7")},
	{key: "etcd:etcd", aliases: words("redhat:etcd coreos:etcd"), sources: words("etcd"), shipped: words("3.2.17 3.2.26 3.3.25 3.4.23 3.4.30 3.5.16")},
	{key: "apache:zookeeper", sources: words("zookeeper"), shipped: words("3.4.9 3.4.10 3.4.13 3.8.0 3.9.3")},
	{key: "apache:activemq", sources: words("activemq"), shipped: words("5.6.0 5.14.3 5.15.8 5.15.11 5.16.1 5.17.2 5.17.6")},
	{key: "vmware:rabbitmq", aliases: words("pivotal_software:rabbitmq broadcom:rabbitmq rabbitmq:rabbitmq broadcom:rabbitmq_server vmware:rabbitmq_server"), sources: words("rabbitmq-server"), shipped: words("3.3.5 3.5.7 3.6.6 3.6.10 3.7.8 3.8.2 3.8.9 3.9.13 3.10.8 3.12.1 4.0.5")},
	{key: "eclipse:mosquitto", sources: words("mosquitto"), shipped: words("1.3.4 1.4.8 1.4.10 1.4.15 1.5.7 1.6.9 2.0.11 2.0.18 2.0.21")},
	{key: "apache:tomcat", aliases: words("apache_software_foundation:tomcat"), sources: words("tomcat%"), shipped: words("7.0.56 7.0.68 7.0.76 8.0.14 8.0.32 8.5.39 8.5.54 9.0.16 9.0.31 9.0.43 9.0.58 9.0.62 9.0.70 9.0.87 9.0.95 10.1.6 10.1.16 10.1.34 10.1.40 10.1.52")},
	{key: "eclipse:jetty", aliases: words("mortbay:jetty"), sources: words("jetty%"), shipped: words("9.2.21 9.2.23 9.4.15 9.4.16 9.4.26 9.4.39 9.4.45 9.4.50 9.4.53 9.4.56 9.4.57")},
	{key: "php:php", sources: words("php%%"), shipped: words("5.3.3 5.4.16 5.5.9 5.6.40 7.0.33 7.2.24 7.3.31 7.4.3 7.4.33 8.0.30 8.1.2 8.2.29 8.3.6 8.4.11")},
	{key: "phpmyadmin:phpmyadmin", sources: words("phpmyadmin"), shipped: words("4.2.12 4.5.4.1 4.6.6 4.9.5 5.0.4 5.1.1 5.2.1 5.2.2")},
	{key: "openssl:openssl", sources: words("openssl"), shipped: words("1.0.1e 1.0.1f 1.0.1t 1.0.2g 1.0.2k 1.0.2u 1.1.0g 1.1.0l 1.1.1 1.1.1c 1.1.1d 1.1.1f 1.1.1g 1.1.1k 1.1.1n 1.1.1w 3.0.1 3.0.2 3.0.7 3.0.11 3.0.13 3.0.14 3.0.15 3.0.16 3.0.17 3.0.18 3.2.2 3.5.1")},
	{key: "squid-cache:squid", sources: words("squid squid3"), shipped: words("3.1.23 3.3.8 3.4.8 3.5.12 3.5.20 3.5.23 3.5.27 4.4 4.6 4.10 4.13 4.15 5.2 5.5 5.7 5.9 6.6 6.13")},
	{key: "haproxy:haproxy", sources: words("haproxy"), shipped: words("1.4.24 1.5.8 1.5.18 1.6.3 1.7.5 1.8.8 1.8.19 1.8.27 2.0.13 2.0.33 2.2.9 2.4.22 2.4.29 2.6.12 2.8.5 2.8.16 3.0.11")},
	{key: "varnish_cache_project:varnish_cache", aliases: words("varnish-software:varnish_cache varnish-cache:varnish"), sources: words("varnish"), shipped: words("4.0.2 4.1.1 5.0.0 5.2.1 6.1.1 6.2.1 6.5.1 6.6.1 7.1.1 7.7.0")},
	{key: "tinyproxy_project:tinyproxy", aliases: words("banu:tinyproxy tinyproxy:tinyproxy"), sources: words("tinyproxy"), shipped: words("1.8.3 1.8.4 1.10.0 1.11.0 1.11.1 1.11.2")},
	{key: "stunnel:stunnel", sources: words("stunnel4"), shipped: words("5.06 5.30 5.39 5.44 5.50 5.56 5.63 5.68 5.72 5.74")},
	{key: "openldap:openldap", sources: words("openldap"), shipped: words("2.4.31 2.4.40 2.4.42 2.4.44 2.4.45 2.4.46 2.4.47 2.4.49 2.4.57 2.5.13 2.5.16 2.5.18 2.5.19 2.6.7 2.6.10")},
	{key: "freeradius:freeradius", sources: words("freeradius"), shipped: words("2.2.5 2.2.8 3.0.12 3.0.16 3.0.17 3.0.20 3.0.21 3.0.26 3.2.1 3.2.5 3.2.7")},
	{key: "openprinting:cups", aliases: words("apple:cups cups:cups cups:common_unix_printing_system"), sources: words("cups"), shipped: words("1.7.2 1.7.5 2.1.3 2.2.1 2.2.7 2.2.10 2.3.1 2.3.3 2.4.1 2.4.2 2.4.7 2.4.10")},
	{key: "git-scm:git", aliases: words("git:git git_project:git"), sources: words("git"), shipped: words("1.9.1 2.1.4 2.7.4 2.11.0 2.17.1 2.20.1 2.25.1 2.30.2 2.34.1 2.39.5 2.43.0 2.47.3")},
	{key: "apache:subversion", sources: words("subversion"), shipped: words("1.8.8 1.8.10 1.9.3 1.9.5 1.9.7 1.10.4 1.13.0 1.14.1 1.14.2 1.14.3 1.14.5")},
	{key: "prometheus:prometheus", sources: words("prometheus"), shipped: words("2.7.1 2.15.2 2.24.1 2.31.2 2.42.0 2.45.3 2.53.3")},
	{key: "prometheus:node_exporter", aliases: words("prometheus:node-exporter"), sources: words("prometheus-node-exporter"), shipped: words("0.17.0 0.18.1 1.1.2 1.3.1 1.5.0 1.7.0 1.9.0")},
	{key: "docker:docker", aliases: words("mobyproject:moby docker:engine"), sources: words("docker.io"), shipped: words("1.6.2 18.09.1 20.10.5 20.10.24 24.0.7 26.1.5")},
	{key: "docker:registry", aliases: words("docker:docker_registry linuxfoundation:distribution distribution:distribution"), sources: words("docker-registry"), shipped: words("2.6.2 2.7.1 2.8.1 2.8.2 2.8.3")},
	{key: "palletsprojects:flask", sources: words("flask"), shipped: words("0.10.1 0.12.1 1.0.2 1.1.1 1.1.2 2.0.1 2.2.2 3.0.2 3.1.1")},
	{key: "palletsprojects:werkzeug", sources: words("python-werkzeug"), shipped: words("0.9.6 0.11.15 0.14.1 0.16.1 1.0.1 2.0.2 2.2.2 3.0.1 3.1.3")},
	{key: "jupyter:notebook", aliases: words("jupyter:jupyter_notebook"), sources: words("jupyter-notebook"), shipped: words("4.2.3 5.2.2 5.7.8 6.0.3 6.2.0 6.4.8 6.4.12 6.4.13")},
	{key: "prosody:prosody", sources: words("prosody"), shipped: words("0.9.7 0.9.12 0.11.2 0.11.9 0.12.3 13.0.1")},
	{key: "process-one:ejabberd", sources: words("ejabberd"), shipped: words("14.07 16.09 18.12.1 21.01 23.01 24.12")},
	{key: "coturn_project:coturn", aliases: words("coturn:coturn"), sources: words("coturn"), shipped: words("4.2.1.2 4.5.0.5 4.5.1.1 4.5.2 4.6.1")},
	{key: "icecast:icecast", aliases: words("xiph:icecast"), sources: words("icecast2"), shipped: words("2.4.0 2.4.2 2.4.3 2.4.4")},
	{key: "mumble:mumble", aliases: words("mumble:murmur"), sources: words("mumble"), shipped: words("1.2.8 1.2.18 1.3.0 1.3.4 1.5.735")},
	{key: "transmissionbt:transmission", sources: words("transmission"), shipped: words("2.84 2.92 2.94 3.00 4.1.0")},
	{key: "zabbix:zabbix", aliases: words("zabbix:zabbix_server zabbix:zabbix-agent"), sources: words("zabbix"), shipped: words("2.2.7 3.0.7 4.0.4 5.0.8 6.0.14 7.0.10")},
	{key: "nagios:nagios", sources: words("nagios4"), shipped: words("4.3.4 4.4.6")},
	{key: "rclone:rclone", sources: words("rclone"), shipped: words("1.45 1.53.3 1.60.1")},
	{key: "shellinabox_project:shellinabox", sources: words("shellinabox"), shipped: words("2.14 2.19 2.20 2.21")},
	{key: "network_block_device_project:network_block_device", aliases: words("wouter_verhelst:nbd"), sources: words("nbd"), shipped: words("3.8 3.15.2 3.19 3.21 3.24 3.26.1")},
	{key: "sane-project:sane_backends", sources: words("sane-backends"), shipped: words("1.0.24 1.0.25 1.0.27 1.0.31 1.2.1 1.3.1")},
	{key: "oracle:openjdk", sources: words("openjdk-%"), follows: true},
	{key: "nodejs:node.js", aliases: words("joyent:node.js nodejs:nodejs"), sources: words("nodejs"), shipped: words("4.8.2 8.10.0 10.19.0 10.24.0 12.22.5 12.22.9 12.22.12 18.19.0 18.20.4 20.19.2")},
	{key: "rpcbind_project:rpcbind", sources: words("rpcbind"), shipped: words("0.2.1 0.2.3 1.2.5 1.2.6 1.2.7")},
	{key: "openvpn:openvpn", sources: words("openvpn"), shipped: words("2.3.4 2.4.0 2.4.4 2.4.7 2.5.1 2.6.3 2.6.14")},
	{key: "strongswan:strongswan", sources: words("strongswan"), shipped: words("5.2.1 5.5.1 5.7.2 5.9.1 5.9.8 6.0.1")},
	{key: "avahi:avahi", sources: words("avahi"), shipped: words("0.6.31 0.6.32 0.7 0.8")},
	{key: "asterisk:asterisk", aliases: words("digium:asterisk sangoma:asterisk"), sources: words("asterisk"), shipped: words("11.13.1 13.14.1 16.2.1 16.28.0")},
	{key: "python:python", sources: words("python%%"), shipped: words("2.7.5 2.7.18 3.5.3 3.6.8 3.7.3 3.8.10 3.9.2 3.9.25 3.10.12 3.11.2 3.12.3 3.13.5")},
	{key: "perl:perl", sources: words("perl"), shipped: words("5.16.3 5.18.2 5.20.2 5.22.1 5.24.1 5.26.1 5.26.3 5.28.1 5.30.0 5.32.1 5.34.0 5.36.0 5.38.2 5.40.1")},
	{key: "ruby-lang:ruby", sources: words("ruby%%"), shipped: words("1.9.3 2.0.0 2.1.5 2.3.1 2.3.3 2.5.1 2.5.5 2.7.0 2.7.4 3.0.2 3.1.2 3.2.3 3.3.8")},
	{key: "ruby-lang:webrick", sources: words("ruby-webrick")},
	{key: "gunicorn:gunicorn", sources: words("gunicorn"), shipped: words("19.0 19.6.0 19.7.1 19.9.0 20.0.4 20.1.0 23.0.0")},
	{key: "tornadoweb:tornado", sources: words("python-tornado"), shipped: words("3.2.2 4.4.3 4.5.3 5.1.1 6.0.3 6.1.0 6.2.0 6.4.0 6.4.2")},
	{key: "cherrypy:cherrypy", sources: words("cherrypy3 python-cherrypy3")},
	{key: "nlnetlabs:nsd", sources: words("nsd"), shipped: words("4.1.0 4.1.14 4.1.26 4.3.5 4.6.1 4.11.1")},
	{key: "nic:knot_dns", sources: words("knot"), shipped: words("1.6.0 2.4.0 2.7.6 3.0.5 3.2.6 3.4.6")},
	{key: "nic:knot_resolver", sources: words("knot-resolver"), shipped: words("1.2.0 3.2.1 5.3.1 5.6.0 5.7.5")},
	{key: "erlang:erlang/otp", sources: words("erlang"), shipped: words("17.3 19.2.1 21.2.6 22.2.7 23.2.6 24.2.1 25.2.3 25.3.2 27.3.4")},
	{key: "libssh:libssh", sources: words("libssh"), shipped: words("0.6.3 0.7.3 0.8.0 0.8.7 0.9.3 0.9.6 0.9.8 0.10.4 0.10.6 0.11.2")},
	{key: "acme:micro_httpd", sources: words("micro-httpd")},
	{key: "acme:thttpd", sources: words("thttpd")},
	{key: "boa:boa", sources: words("boa")},
	{key: "privoxy:privoxy", sources: words("privoxy"), shipped: words("3.0.21 3.0.26 3.0.28 3.0.32 3.0.34 4.0.0")},
	{key: "apache:traffic_server", sources: words("trafficserver"), shipped: words("5.0.1 7.0.0 8.0.2 8.1.11 9.2.5")},
	{key: "cyrusimap:cyrus_imap", sources: words("cyrus-imapd"), shipped: words("2.4.17 2.5.10 3.0.8 3.2.6 3.6.1 3.10.2")},
	{key: "double_precision_incorporated:courier_mta", sources: words("courier")},
	{key: "busybox:busybox", sources: words("busybox"), shipped: words("1.22.0 1.22.1 1.27.2 1.30.1 1.35.0 1.36.1 1.37.0")},
	{key: "redhat:389_directory_server", sources: words("389-ds-base")},
	{key: "beanstalkd_project:beanstalkd", sources: words("beanstalkd"), shipped: words("1.10 1.11 1.12 1.13")},
	{key: "gearman:gearmand", sources: words("gearmand")},
	{key: "ngircd:ngircd", sources: words("ngircd")},
	{key: "inspircd:inspircd", sources: words("inspircd"), shipped: words("2.0.17 2.0.23 2.0.27 3.8.1 3.15.0 4.7.0")},
	{key: "isc:inn", sources: words("inn2")},
	{key: "kamailio:kamailio", sources: words("kamailio"), shipped: words("4.2.0 4.4.4 5.1.2 5.2.1 5.3.2 5.4.4 5.6.3 5.7.4 6.0.1")},
	{key: "nagios:remote_plugin_executor", sources: words("nagios-nrpe")},
	{key: "munin-monitoring:munin", sources: words("munin")},
	{key: "phusion:passenger", sources: words("passenger")},
	{key: "redmine:redmine", sources: words("redmine")},
	{key: "roundcube:webmail", sources: words("roundcube"), shipped: words("1.2.3 1.3.17 1.4.15 1.6.5 1.6.11")},
	{key: "wordpress:wordpress", sources: words("wordpress"), shipped: words("5.0.22 5.7.14 6.1.9 6.8.3")},
	{key: "drupal:drupal", sources: words("drupal7"), shipped: words("7.32 7.52")},
	{key: "mediawiki:mediawiki", sources: words("mediawiki"), shipped: words("1.27.7 1.31.16 1.35.13 1.39.13 1.43.3")},
	{key: "moodle:moodle"},
	{key: "cacti:cacti", sources: words("cacti"), shipped: words("0.8.8 1.2.2 1.2.10 1.2.16 1.2.19 1.2.24 1.2.30")},
	{key: "pgbouncer:pgbouncer", sources: words("pgbouncer"), shipped: words("1.5.4 1.7.2 1.9.0 1.12.0 1.15.0 1.18.0 1.24.1")},
	{key: "miniupnp_project:miniupnpd", sources: words("miniupnpd")},
	{key: "live555:streaming_media", sources: words("liblivemedia")},
	{key: "digium:certified_asterisk"},
	{key: "tgt_project:tgt", aliases: words("zabel:tgt tgt:tgt"), sources: words("tgt"), shipped: words("1.0.51 1.0.69 1.0.74 1.0.79 1.0.85 1.0.92")},
	{key: "linuxfoundation:nats-server", aliases: words("nats:nats_server"), sources: words("nats-server"), shipped: words("2.9.10 2.10.27")},
	{key: "hashicorp:consul", sources: words("consul"), shipped: words("1.0.7 1.7.4 1.8.7")},
	{key: "minio:minio"},
	{key: "jquery:jquery"},
}
