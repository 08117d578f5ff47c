// Package config is the one configuration of the program. Each option is a field of Config and nothing else: its tags
// say its name, its default and what it does, and from them come the flags, the environment variables, the file's keys
// and docs/configuration.md. What is set nearer to the process wins: flag, environment, file, default.
package config

import (
	"net/netip"
	"time"

	"github.com/vedette/vedette/internal/platform/secret"
)

// Config is all that an operator can set. Read makes one that is complete and valid.
//
// Tags: key is the name in the file (dots between levels); default as it would be written in the file; derived says in
// words what an empty default becomes; doc is one sentence for the reference. Fields of type secret.Text can also be
// read from a file named by <key>_file, and have a flag only where flag:"yes" says so.
type Config struct {
	DataDir        string         `key:"data_dir" default:"var" doc:"Directory for all that the server keeps beside its database: the SQLite file, feed files, report documents, the sealing key."`
	BaseURL        string         `key:"base_url" derived:"the HTTP address" doc:"URL under which clients reach the service; it stands in mails, report links and Location headers."`
	TrustedProxies []netip.Prefix `key:"trusted_proxies" doc:"Networks of the reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."`

	Database    Database    `key:"database"`
	HTTP        HTTP        `key:"http"`
	ScannerLink ScannerLink `key:"scanner_link"`
	Scanner     Scanner     `key:"scanner"`
	Scan        Scan        `key:"scan"`
	DNS         DNS         `key:"dns"`
	Retention   Retention   `key:"retention"`
	Feed        Feed        `key:"feed"`
	Secret      Secret      `key:"secret"`
	API         API         `key:"api"`
	Operator    Operator    `key:"operator"`
	OIDC        OIDC        `key:"oidc"`
	Mail        Mail        `key:"mail"`
	SMS         SMS         `key:"sms"`
	ASV         ASV         `key:"asv"`
	Log         Log         `key:"log"`
	Metrics     Metrics     `key:"metrics"`

	unknown []string
}

// Database says where the rows are.
type Database struct {
	URL            secret.Text `key:"url" flag:"yes" derived:"sqlite:<data_dir>/vedette.db" doc:"sqlite:PATH, or postgres://… of the application role, which owns no table and is no superuser."`
	MigrateURL     secret.Text `key:"migrate_url" flag:"yes" doc:"postgres://… of the role that owns the tables; only migrations use it. Not used with SQLite."`
	MaxConnections int         `key:"max_connections" default:"20" doc:"Most open connections to PostgreSQL of one process."`
}

// HTTP is the listener for clients and the portal.
type HTTP struct {
	Address string `key:"address" default:"127.0.0.1:8080" doc:"Address and port of the API and portal."`
	TLSCert string `key:"tls_cert" doc:"PEM file with the certificate chain; with http.tls_key the server speaks HTTPS itself."`
	TLSKey  string `key:"tls_key" doc:"PEM file with the private key."`
}

// ScannerLink is the listener for scanners: mutual TLS from the installation's own authority.
type ScannerLink struct {
	Address string `key:"address" default:"127.0.0.1:0" doc:"Address and port for scanners. Port 0 takes any free port, enough for the embedded scanner; give a fixed port, usually 8443, to let scanners on other machines in."`
	Host    string `key:"host" derived:"the host of scanner_link.address" doc:"Name or address under which remote scanners reach the listener; it goes into its certificate and the enrolment command."`
}

// Scanner is about the scanner that the server runs itself.
type Scanner struct {
	Embedded     bool     `key:"embedded" default:"true" doc:"Run a scanner on this machine, as a child process of the server."`
	MemoryLimit  ByteSize `key:"memory_limit" default:"512MiB" doc:"Memory of the embedded scanner; it is restarted when it passes it."`
	Collaborator string   `key:"collaborator" doc:"Where the embedded scanner hears what targets are made to call: ADDRESS[:PORT] or ADDRESS,zone=DOMAIN, and public=, dns=, ports=. Without it, templates that need that are not run. See docs/detection.md."`
}

// Scan bounds what may be scanned and how much at once.
type Scan struct {
	AllowNetworks []netip.Prefix `key:"allow_networks" doc:"Private, loopback or link-local networks that shared scanners may scan nevertheless; none unless listed here. Cloud metadata addresses and the service's own listeners stay refused."`
	LeaseTime     time.Duration  `key:"lease_time" default:"25s" doc:"How long a scanner may be silent before its part of a scan is given out anew."`
	MaxParallel   int            `key:"max_parallel" default:"4" doc:"Chunks that the embedded scanner works on at the same time."`
	MaxRunning    int            `key:"max_running" default:"0" doc:"Scans of the whole installation that are worked at the same time; others wait. 0 for no limit."`
	MaxPackets    int            `key:"max_packets_per_second" default:"0" doc:"Packets a second of all scanners together, shared among the parts of scans that they work; 0 for no limit."`
}

// DNS is where names are asked for.
type DNS struct {
	Server string `key:"server" derived:"the machine's" doc:"HOST:PORT of the DNS server that the service asks for the names of targets and for proofs of control."`
}

// Retention is how many days things are kept; a job of every hour gives up what is over. 0 keeps for ever.
type Retention struct {
	EvidenceDays     int `key:"evidence_days" default:"365" doc:"Days for which the evidence of runs is kept, PCI aside; that of the last completed run of each scan stays. 0: for ever."`
	HistoryDays      int `key:"history_days" default:"1095" doc:"Days for which runs and the changes of hosts are kept, PCI aside; the last completed run of each scan stays. 0: for ever."`
	ReportDays       int `key:"report_days" default:"1095" doc:"Days for which reports and their files are kept, PCI aside. 0: for ever."`
	PCIDays          int `key:"pci_days" default:"1095" doc:"Days for which runs, evidence and reports of PCI are kept: three years at least. 0: for ever."`
	EventDays        int `key:"event_days" default:"90" doc:"Days for which events that were announced are kept. 0: for ever."`
	VerificationDays int `key:"verification_days" default:"365" doc:"Days for which verifications of scanners are kept; the newest of each scanner stays. 0: for ever."`
}

// Feed is about the vulnerability knowledge.
type Feed struct {
	Dir           string         `key:"dir" derived:"<data_dir>/feed" doc:"Directory of the imported knowledge files."`
	Sources       []string       `key:"sources" default:"https://nvd.nist.gov/feeds/json/cve/2.0/nvdcve-2.0-{year}.json.gz,https://nvd.nist.gov/feeds/json/cve/2.0/nvdcve-2.0-modified.json.gz,https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json,https://epss.empiricalsecurity.com/epss_scores-current.csv.gz,https://endoflife.date/api/v1/products/full,https://security-tracker.debian.org/tracker/data/json" doc:"URLs that vedette feed sync fetches: feeds that import knows, or signed bundles of another installation. {year} stands for each year from 2002 on."`
	SyncEvery     time.Duration  `key:"sync_every" default:"0s" doc:"How often the server fetches the sources itself, such as 12h; 0 for never."`
	TrustedKeys   []string       `key:"trusted_keys" doc:"Public keys, as vedette feed key prints them, whose bundles are installed."`
	AllowNetworks []netip.Prefix `key:"allow_networks" doc:"Private networks that a source may be in, such as that of a mirror of one's own."`
}

// Secret is about sealing what is stored encrypted.
type Secret struct {
	Key     secret.Text   `key:"key" derived:"<data_dir>/secret.key, made on the first start" doc:"Key that seals stored credentials: 32 bytes in base64. Every node of an installation needs the same one; whoever loses it loses what is sealed."`
	OldKeys []secret.Text `key:"old_keys" doc:"Former keys, still needed to open what was sealed with them until it is resealed."`
}

// API is about callers of /v2.
type API struct {
	RateLimit     int           `key:"rate_limit" default:"1200" doc:"Calls a minute for each API key, or for each caller without one; 0 for no limit."`
	SignInLimit   int           `key:"sign_in_limit" default:"20" doc:"Tries a minute at signing in from one network address; 0 for no limit."`
	RequireKey    bool          `key:"require_key" default:"false" doc:"Refuse calls without an API key in the header x-api-key, sign-in included. Make a key first: POST /v2/api_keys."`
	TokenLifetime time.Duration `key:"token_lifetime" default:"12h" doc:"How long the token of a sign-in works."`
	TokenIdle     time.Duration `key:"token_idle" default:"1h" doc:"How long the token of a sign-in may go unused before it works no more; 0 for no such end. Access tokens have none."`

	RequireTwoFactor bool `key:"require_two_factor" default:"false" doc:"Whoever has no second factor may sign in only to turn one on. An organization can ask that of its own users besides."`
}

// OIDC is the identity provider of single sign-on (OpenID Connect).
type OIDC struct {
	Name          string         `key:"name" default:"sso" doc:"Name of the provider in paths, /v2/auth/oidc/NAME, and in the redirect URI to register there: <base_url>/oidc/NAME."`
	Title         string         `key:"title" default:"Single sign-on" doc:"What people call the provider."`
	Issuer        string         `key:"issuer" doc:"Its URL, exactly as its discovery document writes it. Without one there is no single sign-on."`
	ClientID      string         `key:"client_id" doc:"Id of this installation there."`
	ClientSecret  secret.Text    `key:"client_secret" doc:"Secret of this installation there; none for a public client."`
	Scopes        []string       `key:"scopes" default:"email" doc:"What is asked for besides openid."`
	EmailDomains  []string       `key:"email_domains" doc:"Domains of the verified e-mail addresses by which the provider's people are found among the users at their first sign-in; * for all. Whoever is no user is refused."`
	SecondFactors []string       `key:"second_factors" doc:"Values of the claims amr and acr, such as mfa or hwk, that count as a second factor here. Without one of them a user's own second factor is asked for."`
	AllowNetworks []netip.Prefix `key:"allow_networks" doc:"Private networks that the provider may be in."`
	CAFile        string         `key:"ca_file" derived:"the machine's" doc:"PEM file with the certificates of authorities that the provider's certificate may come from."`
}

// Operator is the account that the first start makes.
type Operator struct {
	Username string      `key:"username" default:"admin" doc:"Name of the operator's account, made on the first start."`
	Password secret.Text `key:"password" derived:"a random one, printed once" doc:"Password of that account; read on the first start only."`
}

// Mail is the way out for mail.
type Mail struct {
	Host     string      `key:"host" doc:"SMTP server. Without one mails go nowhere: they are written as files into <data_dir>/outbox, links and all, for development."`
	Port     int         `key:"port" default:"587" doc:"Port of the SMTP server. STARTTLS is used wherever it is offered, and a must where mail.username is set and the server is another machine; TLS from the start on 465."`
	Username string      `key:"username" doc:"Name for signing in at the SMTP server."`
	Password secret.Text `key:"password" doc:"Password for signing in at the SMTP server."`
	From     string      `key:"from" derived:"vedette@ the host of base_url" doc:"Sender of all mail."`
}

// SMS is the way out for text messages, which bring codes for signing in.
type SMS struct {
	Provider string      `key:"provider" default:"none" doc:"none, twilio, or log: for development only, since it writes the codes into the log."`
	Account  string      `key:"account" doc:"Twilio's Account SID."`
	Token    secret.Text `key:"token" doc:"Twilio's auth token."`
	From     string      `key:"from" doc:"Number in E.164 form, or id of a messaging service (MG…), that messages come from."`
	BaseURL  string      `key:"base_url" default:"https://api.twilio.com" doc:"Where Twilio's API is, or what speaks like it."`
}

// ASV is the company that stands in the attestation as the Approved Scanning Vendor (ASV Program Guide, appendix A).
type ASV struct {
	Company           string `key:"company" doc:"Name of the scanning company."`
	Contact           string `key:"contact" doc:"Contact person."`
	Title             string `key:"title" doc:"Job title of the contact."`
	Phone             string `key:"phone" doc:"Telephone number."`
	Email             string `key:"email" doc:"E-mail address."`
	Address           string `key:"address" doc:"Street address."`
	City              string `key:"city" doc:"City."`
	State             string `key:"state" doc:"State or province."`
	Zip               string `key:"zip" doc:"Postal code."`
	Country           string `key:"country" doc:"Country."`
	URL               string `key:"url" doc:"Website."`
	CertificateNumber string `key:"certificate_number" doc:"Number that the PCI SSC gave the company. Without one every report page says that it is a pre-assessment."`
	Reviewer          string `key:"reviewer" doc:"Name of the qualified reviewer."`
}

// Log is about what the server writes to standard error.
type Log struct {
	Level  string `key:"level" default:"info" doc:"debug, info, warn or error."`
	Format string `key:"format" default:"text" doc:"text or json."`
}

// Metrics is the listener for Prometheus.
type Metrics struct {
	Address string `key:"address" doc:"Address and port that serve /metrics; none unless set, for it asks for no token."`
}

// Unknown lists environment variables that begin with VEDETTE_ and set nothing: often a misspelling, to be logged, and
// no error, because container platforms make variables of their own under the names of services.
func (c *Config) Unknown() []string { return c.unknown }
