package identify_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/engine/identify"
	"github.com/vedette/vedette/internal/engine/lab"
	"github.com/vedette/vedette/internal/scanlink"
)

func identified(t *testing.T, at netip.AddrPort) (scanlink.Service, identify.OS) {
	t.Helper()
	target := identify.Target{Host: scanlink.PlanHost{Address: at.Addr()}, Port: at.Port()}
	s, o, err := identify.TCP(context.Background(), lab.Net(t), target)
	if err != nil {
		t.Fatal(err)
	}
	return s, o
}

type want struct {
	name, tunnel, product, version, pack, cpe string
	qod                                       int
	os                                        string
}

func check(t *testing.T, at netip.AddrPort, w want) scanlink.Service {
	t.Helper()
	s, o := identified(t, at)
	got := want{s.Name, s.Tunnel, s.Product, s.Version, s.Package, s.CPE, s.QoD, o.Name}
	if w.cpe == "" {
		got.cpe = ""
	}
	if got != w {
		t.Errorf("\n got %+v\nwant %+v\n(banner %q, note %q)", got, w, s.Banner, s.Note)
	}
	if s.State != "open" || s.Protocol != "tcp" || s.Port != at.Port() {
		t.Errorf("service %+v", s)
	}
	return s
}

// Every server listens on a random port, so nothing here can be known by the port's number.
func TestServicesOnStrangePorts(t *testing.T) {
	t.Parallel()
	cert := lab.TLSConfig(lab.Cert(t, lab.CertOptions{}))
	web := func(server string) http.Handler {
		return lab.Page(map[string]string{"Server": server}, "<html></html>")
	}
	for name, c := range map[string]struct {
		at func(testing.TB) netip.AddrPort
		want
	}{
		"openssh of Debian": {func(t testing.TB) netip.AddrPort { return lab.SSH(t, "OpenSSH_9.2p1 Debian-2+deb12u3") },
			want{name: "ssh", product: "openssh", version: "9.2p1", pack: "1:9.2p1-2+deb12u3", cpe: "cpe:2.3:a:openbsd:openssh:9.2:p1:*:*:*:*:*:*", qod: 80, os: "Debian GNU/Linux 12"}},
		"openssh of Ubuntu": {func(t testing.TB) netip.AddrPort { return lab.SSH(t, "OpenSSH_8.9p1 Ubuntu-3ubuntu0.6") },
			want{name: "ssh", product: "openssh", version: "8.9p1", pack: "1:8.9p1-3ubuntu0.6", qod: 80, os: "Ubuntu 22.04"}},
		"dropbear": {func(t testing.TB) netip.AddrPort { return lab.SSH(t, "dropbear_2022.83") },
			want{name: "ssh", product: "dropbear", version: "2022.83", qod: 80}},
		"vsftpd": {func(t testing.TB) netip.AddrPort { return lab.FTP(t, lab.FTPOptions{Greeting: "(vsFTPd 3.0.3)"}) },
			want{name: "ftp", product: "vsftpd", version: "3.0.3", cpe: "cpe:2.3:a:vsftpd_project:vsftpd:3.0.3:*:*:*:*:*:*:*", qod: 80}},
		"ftp with AUTH TLS": {func(t testing.TB) netip.AddrPort {
			return lab.FTP(t, lab.FTPOptions{Greeting: "ProFTPD 1.3.8 Server (Debian)", TLS: cert})
		}, want{name: "ftp", tunnel: "starttls", product: "proftpd", version: "1.3.8", qod: 80, os: "Debian GNU/Linux"}},
		"exim with STARTTLS": {func(t testing.TB) netip.AddrPort {
			return lab.SMTP(t, lab.MailOptions{Greeting: "mail.example.com ESMTP Exim 4.96 Tue, 24 Nov 2026 06:00:00 +0000", TLS: cert})
		}, want{name: "smtp", tunnel: "starttls", product: "exim", version: "4.96", qod: 80}},
		"dovecot pop3": {func(t testing.TB) netip.AddrPort {
			return lab.POP3(t, lab.MailOptions{Greeting: "Dovecot (Debian) ready."})
		},
			want{name: "pop3", product: "dovecot", qod: 80, os: "Debian GNU/Linux"}},
		"imap with STARTTLS": {func(t testing.TB) netip.AddrPort {
			return lab.IMAP(t, lab.MailOptions{Greeting: "Dovecot ready.", TLS: cert})
		}, want{name: "imap", tunnel: "starttls", product: "dovecot", qod: 80}},
		"telnet": {func(t testing.TB) netip.AddrPort { return lab.Telnet(t, "Debian GNU/Linux 12 gate") },
			want{name: "telnet", product: "netkit telnetd", qod: 30, os: "Debian GNU/Linux"}},
		"dns": {func(t testing.TB) netip.AddrPort { return lab.DNS(t, "9.18.24-1~deb12u1-Debian", false) },
			want{name: "dns", product: "isc bind", version: "9.18.24", pack: "1:9.18.24-1~deb12u1", cpe: "cpe:2.3:a:isc:bind:9.18.24:*:*:*:*:*:*:*", qod: 95, os: "Debian GNU/Linux 12"}},
		"mariadb": {func(t testing.TB) netip.AddrPort { return lab.MySQL(t, "5.5.5-10.11.6-MariaDB-0+deb12u1") },
			want{name: "mysql", product: "mariadb", version: "10.11.6", pack: "1:10.11.6-0+deb12u1", qod: 95, os: "Debian GNU/Linux 12"}},
		"mysql": {func(t testing.TB) netip.AddrPort { return lab.MySQL(t, "8.0.36-0ubuntu0.22.04.1") },
			want{name: "mysql", product: "mysql", version: "8.0.36", pack: "8.0.36-0ubuntu0.22.04.1", qod: 95, os: "Ubuntu 22.04"}},
		"postgresql with trust": {func(t testing.TB) netip.AddrPort { return lab.Postgres(t, "15.5 (Debian 15.5-0+deb12u1)", true) },
			want{name: "postgresql", product: "postgresql", version: "15.5", pack: "15.5-0+deb12u1", qod: 95, os: "Debian GNU/Linux 12"}},
		"postgresql with a password": {func(t testing.TB) netip.AddrPort { return lab.Postgres(t, "15.5", false) },
			want{name: "postgresql", product: "postgresql", qod: 80}},
		"redis": {func(t testing.TB) netip.AddrPort { return lab.Redis(t, "7.0.15", "") },
			want{name: "redis", product: "redis", version: "7.0.15", cpe: "cpe:2.3:a:redis:redis:7.0.15:*:*:*:*:*:*:*", qod: 95, os: "Linux"}},
		"redis with a password": {func(t testing.TB) netip.AddrPort { return lab.Redis(t, "7.0.15", "secret") },
			want{name: "redis", product: "redis", qod: 80}},
		"memcached": {func(t testing.TB) netip.AddrPort { return lab.Memcached(t, "1.6.18") },
			want{name: "memcached", product: "memcached", version: "1.6.18", qod: 95}},
		"vnc":   {func(t testing.TB) netip.AddrPort { return lab.VNC(t, 2, 16) }, want{name: "vnc", product: "tightvnc", qod: 30}},
		"nginx": {func(t testing.TB) netip.AddrPort { return lab.HTTP(t, web("nginx/1.22.1")) }, want{name: "http", product: "nginx", version: "1.22.1", cpe: "cpe:2.3:a:f5:nginx:1.22.1:*:*:*:*:*:*:*", qod: 80}},
		"https": {func(t testing.TB) netip.AddrPort { return lab.HTTPS(t, web("Apache/2.4.57 (Debian)"), cert) },
			want{name: "https", tunnel: "tls", product: "apache httpd", version: "2.4.57", qod: 80, os: "Debian GNU/Linux"}},
		"imaps": {func(t testing.TB) netip.AddrPort {
			return lab.TLS(t, cert, func(c net.Conn) { _, _ = io.WriteString(c, "* OK Dovecot ready.\r\n"); _, _ = io.Copy(io.Discard, c) })
		}, want{name: "imaps", tunnel: "tls", product: "dovecot", qod: 80}},
		"finger": {func(t testing.TB) netip.AddrPort {
			return lab.Lines(t, "", func(l string) string { return "finger: " + l + ": no such user.\r\n" })
		}, want{name: "finger", product: "fingerd", qod: 30}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, c.at(t), c.want)
		})
	}
}

func TestPostgresSaysWhyNoVersion(t *testing.T) {
	t.Parallel()
	s, _ := identified(t, lab.Postgres(t, "15.5", false))
	if s.Version != "" || !strings.Contains(s.Note, "password") {
		t.Errorf("version %q, note %q", s.Version, s.Note)
	}
}

func TestLegacyTLSIsEntered(t *testing.T) {
	t.Parallel()
	config := lab.TLSConfig(lab.Cert(t, lab.CertOptions{RSABits: 2048}))
	config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
	config.CipherSuites = []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}
	s, _ := identified(t, lab.HTTPS(t, lab.Page(map[string]string{"Server": "lighttpd/1.4.69"}, "ok"), config))
	if s.Name != "https" || s.Product != "lighttpd" || s.Version != "1.4.69" {
		t.Errorf("got %+v", s)
	}
}

func TestWebApplicationsAndLibraries(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "Apache/2.4.57 (Debian) OpenSSL/3.0.11")
		w.Header().Set("X-Powered-By", "PHP/8.2.7")
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, `<title> My
			site </title><meta name="generator" content="WordPress 6.2.2"><script src="/js/app.js"></script><script src="/js/jquery.min.js"></script>`)
	})
	mux.HandleFunc("/js/jquery.min.js", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "/*! jQuery v1.12.4 | (c) jQuery Foundation */")
	})
	mux.HandleFunc("/favicon.ico", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "icon") })
	s, _ := identified(t, lab.HTTP(t, mux))
	if s.Title != "My site" || s.Headers["X-Powered-By"] != "PHP/8.2.7" || s.Headers["favicon-mmh3"] == "" {
		t.Errorf("title %q, headers %v", s.Title, s.Headers)
	}
	got := map[string]string{}
	for _, w := range s.Software {
		got[w.Product] = w.Version
	}
	for product, version := range map[string]string{"openssl": "3.0.11", "php": "8.2.7", "wordpress": "6.2.2", "jquery": "1.12.4"} {
		if got[product] != version {
			t.Errorf("%s is %q, want %q; all: %v", product, got[product], version, got)
		}
	}
}

func TestServersWithoutNameAreAskedWhereTheyTellIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ path, body, product, version string }{
		"docker":        {"/version", `{"Platform":{"Name":""},"Version":"20.10.24","ApiVersion":"1.41","Os":"linux","KernelVersion":"6.1.0"}`, "docker engine", "20.10.24"},
		"etcd":          {"/version", `{"etcdserver":"3.4.23","etcdcluster":"3.4.0"}`, "etcd", "3.4.23"},
		"elasticsearch": {"/", `{"name":"n","cluster_name":"c","version":{"number":"7.10.2"},"tagline":"You Know, for Search"}`, "elasticsearch", "7.10.2"},
		"couchdb":       {"/", `{"couchdb":"Welcome","version":"3.3.2"}`, "couchdb", "3.3.2"},
		"node exporter": {"/metrics", "go_info 1\nnode_exporter_build_info{branch=\"HEAD\",version=\"1.5.0\"} 1\n", "node exporter", "1.5.0"},
		"aria2":         {"/jsonrpc", `{"id":"1","jsonrpc":"2.0","result":{"enabledFeatures":["BitTorrent"],"version":"1.36.0"}}`, "aria2", "1.36.0"},
		"privoxy":       {"/", "Invalid header received from client.\n", "privoxy", ""},
		"haproxy":       {"/", "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>", "haproxy", ""},
		"caddy":         {"/config/", `{"apps":{"http":{}}}`, "caddy admin api", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := identified(t, lab.HTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != c.path {
					http.NotFound(w, r)
					return
				}
				_, _ = io.WriteString(w, c.body)
			})))
			if s.Name != "http" || s.Product != c.product || s.Version != c.version {
				t.Errorf("got %q %q %q", s.Name, s.Product, s.Version)
			}
		})
	}
}

func TestServersAreNamedByHeadersOfTheirOwn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ path, header, value, product, version string }{
		"influxdb": {"/", "X-Influxdb-Version", "1.6.7~rc0", "influxdb", "1.6.7"},
		"registry": {"/v2/", "Docker-Distribution-Api-Version", "registry/2.0", "docker registry", ""},
		"php":      {"/", "Host", "localhost", "php cli server", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := identified(t, lab.HTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == c.path {
					w.Header().Set(c.header, c.value)
				}
				w.WriteHeader(http.StatusUnauthorized)
			})))
			if s.Name != "http" || s.Product != c.product || s.Version != c.version {
				t.Errorf("got %q %q %q", s.Name, s.Product, s.Version)
			}
		})
	}
}

// A redirect to another machine must not be followed.
func TestRedirectsStayOnTheServer(t *testing.T) {
	t.Parallel()
	touched := make(chan struct{}, 10)
	other := lab.HTTP(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { touched <- struct{}{} }))
	s, _ := identified(t, lab.HTTP(t, http.RedirectHandler("http://"+other.String()+"/", http.StatusFound)))
	if s.Name != "http" || len(touched) != 0 {
		t.Errorf("service %q, the other server was asked %d times", s.Name, len(touched))
	}
}

func TestHostileServersEndInTime(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]netip.AddrPort{
		"endless": lab.Endless(t, "220 spam spam spam\r\n"), "drip": lab.Tarpit(t, 50*time.Millisecond), "garbage": lab.Garbage(t, 7), "closer": lab.Closer(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			defer cancel()
			start := time.Now()
			s, _, err := identify.TCP(ctx, lab.Net(t), identify.Target{Host: scanlink.PlanHost{Address: at.Addr()}, Port: at.Port()})
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("took %v after the stop", took)
			}
			if len(s.Banner) > 2<<10 || s.Note == "" && s.Name == "unknown" {
				t.Errorf("banner of %d bytes, note %q", len(s.Banner), s.Note)
			}
		})
	}
}

func TestUDP(t *testing.T) {
	t.Parallel()
	at := lab.DNS(t, "dnsmasq-2.90", false)
	p := identify.Payloads(53)[0]
	c, err := net.Dial("udp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := make([]byte, 4096)
	if _, err := c.Write(p.Data); err != nil {
		t.Fatal(err)
	}
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := identify.UDP(context.Background(), lab.Net(t), identify.Target{Host: scanlink.PlanHost{Address: at.Addr()}, Port: at.Port()}, p.Name, b[:n])
	if err != nil || s.Name != "dns" || s.Product != "dnsmasq" || s.Version != "2.90" || s.Protocol != "udp" {
		t.Errorf("got %+v, %v", s, err)
	}
}
