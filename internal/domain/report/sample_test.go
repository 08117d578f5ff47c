package report

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/domain/vulnerability"
)

var (
	began = time.Date(2026, 11, 20, 21, 4, 12, 0, time.UTC)
	ended = time.Date(2026, 11, 20, 22, 17, 45, 0, time.UTC)
)

func base(id, title string) Model {
	return Model{
		ID: id, Title: title, Product: "PCI external scanning", GeneratedAt: ended.Add(2 * time.Minute),
		Brand: Brand{Name: "Northlight Security", PrimaryColor: "#17365d"},
		Customer: Party{Company: "Marlow & Finch Tea Merchants Ltd", Contact: "Eleanor Finch", Title: "Head of Operations", Telephone: "+44 20 7946 0321", Email: "eleanor.finch@marlowfinch.example",
			Address: "14 Harbour Lane", City: "Bristol", State: "England", ZIP: "BS1 4QA", Country: "United Kingdom", URL: "https://www.marlowfinch.example"},
		ASV: Party{Company: "Northlight Security GmbH", Contact: "Jonas Weidenfeller", Title: "PCI Lead", Telephone: "+49 30 901820 11", Email: "pci@northlight.example",
			Address: "Spreeufer 5", City: "Berlin", State: "Berlin", ZIP: "10178", Country: "Germany", URL: "https://northlight.example"},
		Scan: Scan{Name: "Quarterly external scan", Profile: "PCI", Scanner: "Frankfurt 1", StartedAt: began, FinishedAt: ended, ExpiresAt: ended.AddDate(0, 0, 90), FeedVersion: "20 November 2026",
			Coverage: "complete", Full: true, Timezone: "Europe/London"},
	}
}

func cleanPass() Model {
	m := base("0193a7c2-41fe-7b0a", "Quarterly external scan Q4 2026")
	m.Brand.Logo = logo()
	m.Certificate, m.Reviewer = "5041-01-17", "Miriam Okafor, ASV employee 5041-22"
	m.Attested = Signature{"Eleanor Finch", "Head of Operations", ended.AddDate(0, 0, 2)}
	m.Signed = Signature{"Jonas Weidenfeller", "PCI Lead", ended.AddDate(0, 0, 3)}
	m.SubmittedScope = []string{"www.marlowfinch.example", "203.0.113.24/31"}
	m.Components = []Component{
		{Host: "203.0.113.24", Names: []string{"www.marlowfinch.example", "marlowfinch.example"}, OS: "Debian 13", Status: Pass, Services: []Service{
			{80, "tcp", "open", "http", "", "nginx", "1.28.0", ""}, {443, "tcp", "open", "http", "tls", "nginx", "1.28.0", ""}}},
		{Host: "203.0.113.25", Names: []string{"mail.marlowfinch.example"}, OS: "Debian 13", Status: Pass, Services: []Service{{25, "tcp", "open", "smtp", "starttls", "postfix", "", "The server tells no version."}}},
	}
	m.Findings = []vulnerability.Finding{
		low("203.0.113.24", 443, "web.headers", "Security headers are missing", "The response carries no Content-Security-Policy.", "Send the headers Content-Security-Policy, X-Content-Type-Options and Referrer-Policy."),
		low("203.0.113.25", 25, "tls.no-pfs", "Cipher suites without forward secrecy", "TLS_RSA_WITH_AES_256_GCM_SHA384 is accepted with TLS 1.2.", "Allow cipher suites with ECDHE only."),
	}
	m.Verdict = Verdict{Pass, "All 2 components passed: no vulnerability scores 4.0 or more and none fails by rule. Every special note is settled."}
	m.Tally()
	return m
}

// logo is a ring and a bar on a transparent ground.
func logo() []byte {
	img := image.NewNRGBA(image.Rect(0, 0, 480, 120))
	for y := range 120 {
		for x := range 480 {
			d := (x-60)*(x-60) + (y-60)*(y-60)
			if d < 52*52 && d > 30*30 || x > 140 && x < 460 && y > 46 && y < 74 {
				img.Set(x, y, color.NRGBA{0x0b, 0x7a, 0x75, 0xff})
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func low(host string, port int, class, name, evidence, solution string) vulnerability.Finding {
	return vulnerability.Finding{Host: host, Port: port, Protocol: "tcp", NVT: class, Class: class, Name: name, Severity: 26, Certainty: vulnerability.Confirmed, QoD: 99, QoDType: "remote_vul",
		CVSS: vulnerability.Scores{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", Score: 26, Source: "calculated"}, Evidence: evidence,
		Summary: "The service answers in a way that makes other attacks easier.", Solution: solution, SolutionType: "mitigation",
		PCI: vulnerability.PCI{Status: "pass", Reason: "The base score is below 4.0 (ASV Program Guide 6.3.2)."}}
}

type seed struct {
	host     string
	port     int
	class    string
	name     string
	severity int
	status   string
	certain  string
	product  string
	cve      string
	kev      bool
	epss     float64
	evidence string
	solution string
	kind     string
}

func (s seed) finding() vulnerability.Finding {
	f := vulnerability.Finding{Host: s.host, Port: s.port, Protocol: "tcp", NVT: or(s.cve, s.class), Class: s.class, Name: s.name, Severity: s.severity, Certainty: or(s.certain, vulnerability.Confirmed), QoD: 97, QoDType: "remote_vul",
		Product: s.product, Evidence: s.evidence, Solution: s.solution, SolutionType: or(s.kind, "mitigation"), FeedVersion: "2026-11-20",
		CVSS:    vulnerability.Scores{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: s.severity, Source: "calculated"},
		Summary: s.name + ". The scanner saw this from the Internet, without a login.",
		Impact:  "Whoever reaches the service can use this to read or change what it protects, and to reach further systems from there.",
		PCI:     vulnerability.PCI{Status: s.status}}
	switch s.status {
	case "fail":
		f.PCI.Reason = "The base score is 4.0 or more (ASV Program Guide 6.3.2)."
	case "note":
		f.PCI.Reason = "A special note to the scan customer (ASV Program Guide 7.2)."
	default:
		f.PCI.Reason = "The base score is below 4.0 (ASV Program Guide 6.3.2)."
	}
	if s.cve != "" {
		f.CVEs = strings.Split(s.cve, " ")
		f.NVT = f.CVEs[0]
		f.KEV, f.EPSS = &s.kev, &s.epss
		f.CVSS.Source = "nvd-primary"
		f.References = []string{"https://nvd.nist.gov/vuln/detail/" + f.CVEs[0], "https://security-tracker.debian.org/tracker/" + f.CVEs[0]}
	}
	if s.certain == vulnerability.Likely {
		f.QoD, f.QoDType = 80, "remote_banner"
	}
	if s.certain == vulnerability.Possible {
		f.QoD, f.QoDType = 30, "remote_banner_unreliable"
	}
	return f
}

const redisEvidence = "> *1\\r\\n$4\\r\\nINFO\\r\\n\n< $3208\n< # Server\n< redis_version:6.0.16\n< redis_mode:standalone\n< os:Linux 5.10.0-28-amd64 x86_64\n< config_file:/etc/redis/redis.conf\n< # Keyspace\n< db0:keys=18442,expires=17101,avg_ttl=86112044"

var shopSeeds = []seed{
	{"198.51.100.12", 6379, "anon.redis", "Redis can be used without a login", 98, "fail", "", "", "", false, 0, redisEvidence, "Bind Redis to an internal address, set requirepass or ACL users, and keep port 6379 behind a firewall.", "mitigation"},
	{"198.51.100.10", 443, "cve", "Path traversal in Apache HTTP Server 2.4.49", 75, "fail", vulnerability.Confirmed, "Apache HTTP Server 2.4.49", "CVE-2021-41773", true, 0.944, "> GET /cgi-bin/.%2e/.%2e/.%2e/.%2e/etc/passwd HTTP/1.1\n> Host: shop.example\n\n< HTTP/1.1 200 OK\n< Server: Apache/2.4.49 (Unix)\n<\n< root:x:0:0:root:/root:/bin/bash\n< daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin", "Update Apache HTTP Server to 2.4.51 or later.", "vendor_fix"},
	{"198.51.100.10", 443, "cve", "Remote code execution through path traversal in Apache HTTP Server", 98, "fail", vulnerability.Likely, "Apache HTTP Server 2.4.49", "CVE-2021-42013", true, 0.943, "Server: Apache/2.4.49 (Unix)", "Update Apache HTTP Server to 2.4.51 or later.", "vendor_fix"},
	{"198.51.100.10", 443, "cve", "Request smuggling in mod_proxy", 90, "fail", vulnerability.Likely, "Apache HTTP Server 2.4.49", "CVE-2022-22720", false, 0.31, "Server: Apache/2.4.49 (Unix)", "Update Apache HTTP Server to 2.4.53 or later.", "vendor_fix"},
	{"198.51.100.10", 443, "web.sqli", "SQL injection in the parameter “sku” of /catalogue/search", 98, "fail", "", "", "", false, 0, "> GET /catalogue/search?sku=TEA-104%27%20AND%20SLEEP(5)--%20 HTTP/1.1\n< HTTP/1.1 200 OK        (5.04 s; without the payload 0.09 s)", "Use prepared statements in the search of the catalogue and validate the parameter.", "mitigation"},
	{"198.51.100.10", 443, "web.xss", "Reflected cross-site scripting in /account/login", 61, "fail", "", "", "", false, 0, "> GET /account/login?next=%22%3E%3Csvg/onload=alert(1)%3E HTTP/1.1\n< <input type=\"hidden\" name=\"next\" value=\"\"><svg/onload=alert(1)>\">", "Escape what is put into the page, and send a Content-Security-Policy.", "mitigation"},
	{"198.51.100.10", 443, "tls.v1.0", "TLS 1.0 is accepted", 48, "fail", "", "", "", false, 0, "TLSv1.0 TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "Allow TLS 1.2 and 1.3 only.", "mitigation"},
	{"198.51.100.10", 443, "tls.v1.1", "TLS 1.1 is accepted", 48, "fail", "", "", "", false, 0, "TLSv1.1 TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "Allow TLS 1.2 and 1.3 only.", "mitigation"},
	{"198.51.100.10", 443, "web.git-exposed", "The source repository of the site can be downloaded (/.git/)", 75, "fail", "", "", "", false, 0, "> GET /.git/HEAD HTTP/1.1\n< HTTP/1.1 200 OK\n< ref: refs/heads/production", "Keep /.git/ out of the document root or deny access to it, and replace every secret that the repository held.", "mitigation"},
	{"198.51.100.10", 443, "web.headers", "Security headers are missing", 26, "pass", "", "", "", false, 0, "Content-Security-Policy: –\nX-Content-Type-Options: –", "Send the headers Content-Security-Policy and X-Content-Type-Options.", "mitigation"},
	{"198.51.100.11", 5432, "db.exposed", "The database PostgreSQL can be reached from the Internet", 53, "fail", "", "", "", false, 0, "SSLRequest answered with N; StartupMessage answered with AuthenticationSASL (SCRAM-SHA-256)", "Let only the application servers reach port 5432.", "mitigation"},
	{"198.51.100.11", 22, "cve", "Race condition in the signal handler of OpenSSH (regreSSHion)", 81, "fail", vulnerability.Likely, "OpenSSH 9.2p1-2+deb12u2", "CVE-2024-6387", false, 0.62, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u2", "Update the package openssh-server to 1:9.2p1-2+deb12u3 or later.", "vendor_fix"},
	{"198.51.100.11", 22, "cve", "Terrapin: prefix truncation in the SSH transport", 59, "fail", vulnerability.Likely, "OpenSSH 9.2p1-2+deb12u1", "CVE-2023-48795", false, 0.55, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u1", "Update the package openssh-server to 1:9.2p1-2+deb12u2 or later.", "vendor_fix"},
	{"198.51.100.11", 22, "remote-access", "Remote access software: SSH", 0, "note", "", "", "", false, 0, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u2", "Limit access to the addresses of those who need it, and use keys.", "mitigation"},
	{"198.51.100.13", 21, "clear.ftp", "FTP sends logins and data unencrypted", 0, "note", "", "", "", false, 0, "220 ProFTPD Server (Marlow & Finch warehouse) [198.51.100.13]\n530 …", "Use SFTP or FTPS instead and close port 21.", "mitigation"},
	{"198.51.100.13", 21, "anon.ftp", "FTP accepts anonymous logins", 53, "fail", "", "", "", false, 0, "> USER anonymous\n< 331 Anonymous login ok\n> PASS guest@\n< 230 Anonymous access granted\n> LIST\n< drwxr-xr-x 2 ftp ftp 4096 Nov 02 10:11 invoices", "Turn anonymous access off.", "mitigation"},
	{"198.51.100.13", 21, "cve", "Use after free in ProFTPD", 88, "fail", vulnerability.Likely, "ProFTPD 1.3.6", "CVE-2020-9273", false, 0.28, "220 ProFTPD 1.3.6 Server", "Update ProFTPD to 1.3.6c or later.", "vendor_fix"},
	{"198.51.100.13", 8080, "creds", "Default login of the warehouse label printer", 98, "fail", "", "", "", false, 0, "> GET /config HTTP/1.1\n> Authorization: Basic YWRtaW46YWRtaW4=\n< HTTP/1.1 200 OK\n< <title>Printer configuration</title>", "Set a password of its own and keep the page off the Internet.", "mitigation"},
	{"198.51.100.13", 8080, "web.dirlist", "Directory listing at /labels/", 0, "note", "", "", "", false, 0, "<title>Index of /labels/</title>", "Turn listings off.", "mitigation"},
	{"198.51.100.14", 443, "tls.expired", "The certificate has expired", 53, "fail", "", "", "", false, 0, "CN=legacy.marlowfinch.example\nNot after: 3 March 2026 11:59:59 UTC", "Renew the certificate and have it renewed automatically.", "mitigation"},
	{"198.51.100.14", 443, "eol", "Windows Server 2012 R2 is out of support", 100, "fail", vulnerability.Likely, "", "", false, 0, "Server: Microsoft-IIS/8.5 – support ended on 10 October 2023", "Move the service to a supported version of Windows Server.", "vendor_fix"},
	{"198.51.100.14", 443, "tls.rc4", "RC4 cipher suites are accepted", 59, "fail", "", "", "CVE-2013-2566 CVE-2015-2808", false, 0.08, "TLSv1.2 TLS_RSA_WITH_RC4_128_SHA", "Allow AEAD cipher suites only.", "mitigation"},
	{"198.51.100.14", 3389, "remote-access", "Remote access software: Remote Desktop", 0, "note", "", "", "", false, 0, "CN=LEGACY01; NLA required", "Put a VPN or a gateway with several factors in front.", "mitigation"},
	{"198.51.100.15", 443, "tls.no-pfs", "Cipher suites without forward secrecy", 37, "pass", "", "", "", false, 0, "TLSv1.2 TLS_RSA_WITH_AES_256_GCM_SHA384", "Allow cipher suites with ECDHE only.", "mitigation"},
	{"198.51.100.15", 443, "cve", "Denial of service by rapid reset of HTTP/2 streams", 75, "pass", vulnerability.Likely, "nginx 1.22.1", "CVE-2023-44487", true, 0.94, "Server: nginx/1.22.1", "Update nginx, or limit keepalive_requests and http2_max_concurrent_streams.", "vendor_fix"},
	{"198.51.100.15", 443, "cve", "Heap overflow in the mp4 module", 73, "pass", vulnerability.Possible, "nginx 1.22.1", "CVE-2024-7347", false, 0.002, "Server: nginx/1.22.1", "Update nginx to 1.26.2 or later.", "vendor_fix"},
	{"198.51.100.15", 443, "cve", "Use after free in HTTP/3", 77, "pass", vulnerability.Possible, "nginx 1.22.1", "CVE-2024-32760 CVE-2024-31079", false, 0.004, "Server: nginx/1.22.1", "Update nginx to 1.26.1 or later.", "vendor_fix"},
	{"198.51.100.10", 443, "cve", "Cross-site scripting in jQuery before 3.5.0", 69, "fail", vulnerability.Possible, "jQuery 3.4.1", "CVE-2020-11022 CVE-2020-11023", true, 0.02, "/static/js/jquery-3.4.1.min.js", "Update jQuery to 3.5.0 or later.", "vendor_fix"},
}

func failingShop() Model {
	m := base("0193a7c9-d2b0-7c55", "Quarterly external scan Q4 2026")
	m.SubmittedScope = []string{"shop.marlowfinch.example", "198.51.100.10 – 198.51.100.15", "warehouse.marlowfinch.example", "https://shop.marlowfinch.example/checkout/"}
	service := func(port int, name, tunnel, product, version string) Service {
		return Service{port, "tcp", "open", name, tunnel, product, version, ""}
	}
	m.Components = []Component{
		{Host: "198.51.100.10", Names: []string{"shop.marlowfinch.example", "checkout.marlowfinch.example", "static.marlowfinch.example", "cdn-origin-europe-west-2.production.shop.marlowfinch.example"}, OS: "Debian 11", Status: Fail,
			Services: []Service{service(80, "http", "", "apache http server", "2.4.49"), service(443, "http", "tls", "apache http server", "2.4.49")}},
		{Host: "198.51.100.11", Names: []string{"db.marlowfinch.example"}, OS: "Debian 12", Status: Fail, Services: []Service{service(22, "ssh", "", "openssh", "9.2p1"), {5432, "tcp", "open", "postgresql", "", "postgresql", "", "The server tells no version before login."}}},
		{Host: "198.51.100.12", OS: "Linux 5.10", Status: Fail, Services: []Service{service(6379, "redis", "", "redis", "6.0.16")}},
		{Host: "198.51.100.13", Names: []string{"warehouse.marlowfinch.example"}, Status: Fail, Services: []Service{service(21, "ftp", "starttls", "proftpd", "1.3.6"), service(8080, "http", "", "", ""), {9100, "tcp", "open", "unknown", "", "", "", "Answers nothing to any of 31 probes."}}},
		{Host: "198.51.100.14", Names: []string{"legacy.marlowfinch.example"}, OS: "Windows Server 2012 R2", Status: Fail, Services: []Service{service(443, "http", "tls", "microsoft iis", "8.5"), service(3389, "rdp", "tls", "", "")}},
		{Host: "198.51.100.15", Names: []string{"www.marlowfinch.example"}, OS: "Debian 12", Status: Pass, Services: []Service{service(80, "http", "", "nginx", "1.22.1"), service(443, "http", "tls", "nginx", "1.22.1")}},
	}
	for _, s := range shopSeeds {
		m.Findings = append(m.Findings, s.finding())
	}
	for i := range m.Findings {
		if m.Findings[i].Class == "creds" {
			m.Findings[i].Login = "admin/admin"
		}
	}
	m.Exceptions = []Exception{
		{Host: "198.51.100.11", Port: 22, Protocol: "tcp", NVT: "CVE-2023-48795", Kind: "false_positive", State: Accepted, Text: "Package 1:9.2p1-2+deb12u2 is installed, see the output of dpkg.", Decision: "The package list of 18 November shows the fixed version.", By: "Miriam Okafor", Until: ended.AddDate(0, 0, 90)},
		{Host: "198.51.100.10", Port: 443, Protocol: "tcp", NVT: "tls.v1.1", Kind: "compensating_control", State: Rejected, Text: "Needed for old payment terminals.", Decision: "The terminals named have supported TLS 1.2 since 2019.", By: "Miriam Okafor"},
		{Host: "198.51.100.14", Port: 443, Protocol: "tcp", NVT: "eol", Kind: "compensating_control", State: Submitted, Text: "Extended support was bought until October 2026."},
	}
	m.Notes = []Note{
		{Host: "198.51.100.11", Port: 22, Protocol: "tcp", Kind: "remote_access", Item: "SSH (OpenSSH 9.2p1)", Declaration: &Declaration{Action: "justified", BusinessNeed: "Administration of the database by our hosting partner.", Secure: "Keys only, root login off.", Controls: "Reachable from two addresses of the partner; every session is logged.", Actions: "The list of keys is reviewed each quarter.", By: "Eleanor Finch", At: ended.AddDate(0, 0, 1)}, Review: &Review{By: "Miriam Okafor", At: ended.AddDate(0, 0, 2), Accepted: true}},
		{Host: "198.51.100.13", Port: 21, Protocol: "tcp", Kind: "insecure_service", Item: "FTP (ProFTPD 1.3.6)"},
		{Host: "198.51.100.13", Port: 8080, Protocol: "tcp", Kind: "directory_browsing", Item: "http://198.51.100.13:8080/labels/", Declaration: &Declaration{Action: "disabled", By: "Eleanor Finch", At: ended.AddDate(0, 0, 1)}},
		{Host: "198.51.100.13", Port: 9100, Protocol: "tcp", Kind: "unknown_service", Item: "Port 9100, open, answers nothing"},
		{Host: "198.51.100.14", Port: 3389, Protocol: "tcp", Kind: "remote_access", Item: "Remote Desktop", Declaration: &Declaration{Action: "justified", BusinessNeed: "Maintenance.", By: "Eleanor Finch"}, Review: &Review{By: "Miriam Okafor", Accepted: false, Comment: "Say who uses it and how it is protected."}},
	}
	m.OutOfScope = []OutOfScope{{"198.51.100.40", "Office VPN of another tenant of the same provider; no route to card data (network plan of 3 November).", "Eleanor Finch"}, {"blog.marlowfinch.example", "Hosted by a blogging service; takes no payments and links to none.", "Eleanor Finch"}}
	m.Verdict = Verdict{Fail, "5 of 6 components fail. The most pressing: Redis open to everyone on 198.51.100.12, SQL injection in the shop's search and an Apache HTTP Server that is being exploited in the wild."}
	m.Tally()
	return m
}

func inconclusive() Model {
	m := base("0193a7d1-09aa-7e21", "Αθήνα – Склад Δοκιμή: extern prüfen")
	m.Brand = Brand{Name: "Kassandra", PrimaryColor: "#7fd1c2"}
	m.Customer.Company, m.Customer.Contact = "Ελληνικά Τσάγια Α.Ε.", "Дмитрий Ковалёв"
	m.Scan.Coverage, m.Scan.Full, m.Scan.Timezone = "inconclusive", false, "Europe/Athens"
	m.Components = []Component{
		{Host: "2001:db8:51:4::9f2a", Names: []string{"pay.tea.example"}, Status: Inconclusive, Interference: "After 1,240 of 65,535 ports the host stopped answering the scanner, also on port 443 that was open before. This looks like dynamic blocking by an intrusion prevention system. Allow the scanner's address for the time of the scan and scan again.", Services: []Service{{443, "tcp", "open", "http", "tls", "", "", "The connection was reset during identification."}}},
		{Host: "2001:db8:51:4::9f2b", Status: Inconclusive, Interference: "All ports are filtered."},
	}
	m.SubmittedScope = []string{"2001:db8:51:4::9f2a", "2001:db8:51:4::9f2b"}
	m.Verdict = Verdict{Inconclusive, "The scan of 2 components was hindered and says nothing about them. Under the ASV Program Guide such a scan counts as failed until it is repeated without interference."}
	m.Tally()
	return m
}

// oneShot is what a scan with no server knows.
func oneShot() Model {
	m := Model{Title: "127.0.0.1", GeneratedAt: ended, Scan: Scan{Profile: "full", StartedAt: began, FinishedAt: began.Add(42 * time.Second), FeedVersion: "2026-11-20", Coverage: "complete", Full: true}, SubmittedScope: []string{"127.0.0.1"}}
	m.Components = []Component{{Host: "127.0.0.1", Names: []string{"localhost"}, Status: Fail, Services: []Service{{22, "tcp", "open", "ssh", "", "openssh", "9.2p1", ""}, {6379, "tcp", "open", "redis", "", "redis", "7.0.15", ""}}}}
	f := shopSeeds[0]
	f.host = "127.0.0.1"
	m.Findings = []vulnerability.Finding{f.finding()}
	m.Verdict = Verdict{Fail, "1 of 1 component fails."}
	m.Tally()
	return m
}

// stress is a big network with hostile names: n findings on n/10 hosts.
func stress(n int) Model {
	m := base("0193a7ff-5e55-7d00", "Whole network")
	m.Verdict = Verdict{Fail, fmt.Sprintf("%d findings.", n)}
	hosts := max(n/10, 1)
	for h := range hosts {
		m.Components = append(m.Components, Component{Host: fmt.Sprintf("10.20.%d.%d", h/250, h%250+1), Names: []string{fmt.Sprintf("node-%03d.%s.example", h, strings.Repeat("very-long-label-", 3+h%3))}, OS: "Debian 12", Status: []string{Fail, Pass}[h%2],
			Services: []Service{{22, "tcp", "open", "ssh", "", "openssh", "9.2p1", ""}, {443, "tcp", "open", "http", "tls", "nginx", "1.22.1", ""}}})
	}
	for i := range n {
		s := shopSeeds[i%len(shopSeeds)]
		s.host = m.Components[i%hosts].Host
		s.port = 1024 + i%5000
		f := s.finding()
		if i%7 == 0 {
			f.Evidence = strings.Repeat("A line of evidence with <b>markup</b> & \x00\x1b[31mcontrol\x07 characters\n", 60) + strings.Repeat("x", 5000)
			f.Name = "=HYPERLINK(\"https://evil.example\",\"" + strings.Repeat("Überlänge-", 12) + "\") 漢字 😀 \u202egnp.exe"
			f.References = append(f.References, "javascript:alert(1)", "https://example.com/"+strings.Repeat("path/", 60))
		}
		m.Findings = append(m.Findings, f)
	}
	m.Tally()
	return m
}
