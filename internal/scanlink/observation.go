package scanlink

import (
	"net/netip"
	"time"
)

// Observation is one fact with its evidence, or a sign of life. Exactly one field is set. A later host or service
// replaces an earlier one of the same key, so sending one again is harmless.
type Observation struct {
	Host     *Host     `json:"host,omitempty"`     // key: address
	Service  *Service  `json:"service,omitempty"`  // key: address, protocol, port
	Finding  *Finding  `json:"finding,omitempty"`  // key: address, protocol, port, class, check, login, path
	Progress *Progress `json:"progress,omitempty"` // not a fact: the newest counts
}

// Coverage of a host, and of a scan.
const (
	Complete     = "complete"
	Inconclusive = "inconclusive"
)

// Host is what is known of one address.
type Host struct {
	Address       netip.Addr `json:"address"`
	Names         []string   `json:"names,omitempty"` // given by the plan, then reverse DNS, then seen in certificates
	Alive         bool       `json:"alive"`
	Done          bool       `json:"done"`                   // every stage has run
	Coverage      string     `json:"coverage,omitempty"`     // complete or inconclusive; empty until done
	Interference  string     `json:"interference,omitempty"` // why inconclusive, in a sentence
	Recall        float64    `json:"recall,omitempty"`       // estimated share of open ports found, 0 to 1
	OS            string     `json:"os,omitempty"`
	OSCPE         string     `json:"os_cpe,omitempty"`
	OSQoD         int        `json:"os_qod,omitempty"`
	MAC           string     `json:"mac,omitempty"`
	Authenticated string     `json:"authenticated,omitempty"`  // authenticated, insufficient, failed, not capable; empty: no login asked
	Logins        []Login    `json:"logins,omitempty"`         // how each credential fared
	Packages      []Package  `json:"packages,omitempty"`       // inventory of the login stage
	Kernel        string     `json:"kernel,omitempty"`         // release of the kernel that runs: 6.1.0-18-amd64
	KernelPackage string     `json:"kernel_package,omitempty"` // version of the package that it was built as, where it tells: 6.1.76-1
	Error         string     `json:"error,omitempty"`          // the engine failed on this host; the others go on
	// Templates is the version of imported templates that were run.
	Templates string `json:"templates,omitempty"`
	// Unanswered tells of stages some of whose requests got no answer. Too many make the host inconclusive.
	Unanswered []Unanswered `json:"unanswered,omitempty"`
}

// Unanswered is how many requests of a stage to a service got no answer, although it is there.
type Unanswered struct {
	Stage      string `json:"stage"`          // tls, login, checks, templates or web
	Port       uint16 `json:"port,omitempty"` // 0: of the whole host
	Protocol   string `json:"protocol"`
	Requests   int    `json:"requests"`
	Unanswered int    `json:"unanswered"`
	Unsent     int    `json:"unsent,omitempty"` // given up: the service had fallen silent, or the stage's time was over
}

// What came of logging in to a host.
const (
	Authenticated = "authenticated" // signed in, and what was asked for could be read
	Insufficient  = "insufficient"  // signed in, but not allowed or able to read it
	LoginFailed   = "failed"        // refused
	NotCapable    = "not capable"   // nothing on the host takes these credentials
)

// Login tells how one credential fared on a host. It never holds the credential.
type Login struct {
	Kind    string `json:"kind"` // ssh, smb, snmp, http or esxi
	Port    uint16 `json:"port,omitempty"`
	Result  string `json:"result"`             // authenticated, insufficient, failed, not capable
	Detail  string `json:"detail,omitempty"`   // why, in a sentence
	HostKey string `json:"host_key,omitempty"` // of ssh: type and SHA-256 of the key that the server showed
}

// Package is one installed package as its manager names it.
type Package struct {
	Ecosystem     string `json:"ecosystem"` // deb, rpm, apk, …
	Name          string `json:"name"`
	Version       string `json:"version"` // with epoch where there is one
	Source        string `json:"source,omitempty"`
	SourceVersion string `json:"source_version,omitempty"` // where it differs from Version
}

// Service is one port.
type Service struct {
	Address  netip.Addr        `json:"address"`
	Port     uint16            `json:"port"`
	Protocol string            `json:"protocol"`          // tcp or udp
	State    string            `json:"state"`             // open, closed, filtered or open|filtered
	Name     string            `json:"name,omitempty"`    // the protocol spoken: http, https, ssh, smtp …; unknown when none fits
	Tunnel   string            `json:"tunnel,omitempty"`  // tls or starttls: how the encryption that was seen begins
	Product  string            `json:"product,omitempty"` // lower case: openssh, nginx
	Version  string            `json:"version,omitempty"`
	Package  string            `json:"package,omitempty"` // the distribution's package version where the banner tells: 1:9.2p1-2+deb12u3
	CPE      string            `json:"cpe,omitempty"`     // CPE 2.3 formatted string of product and version
	QoD      int               `json:"qod,omitempty"`     // of product and version: 95 told by the protocol, 80 banner, 30 guess
	Note     string            `json:"note,omitempty"`    // why something is not known, in a sentence
	Banner   string            `json:"banner,omitempty"`  // printable, at most 2 KiB
	TLS      *TLS              `json:"tls,omitempty"`
	Software []Software        `json:"software,omitempty"` // what else shows here: web applications, libraries, modules
	Headers  map[string]string `json:"headers,omitempty"`  // of http: the few that identify
	Title    string            `json:"title,omitempty"`
}

// Software is a product seen behind a service: a web application, a JavaScript library, a module.
type Software struct {
	Product  string `json:"product"`
	Version  string `json:"version,omitempty"`
	CPE      string `json:"cpe,omitempty"`
	QoD      int    `json:"qod"`
	Evidence string `json:"evidence,omitempty"`
	URL      string `json:"url,omitempty"`
}

// TLS is what the TLS stage saw on one port.
type TLS struct {
	Versions    []string      `json:"versions"` // SSLv2, SSLv3, TLSv1.0, TLSv1.1, TLSv1.2, TLSv1.3
	Suites      []Suite       `json:"suites"`
	Certificate *Certificate  `json:"certificate,omitempty"` // the leaf
	Chain       []Certificate `json:"chain,omitempty"`       // what else the server sent, in order
}

// Suite is one cipher suite as accepted at one version.
type Suite struct {
	Version string `json:"version"`
	Name    string `json:"name"`           // IANA name
	Bits    int    `json:"bits,omitempty"` // of the key exchange: DH or curve size
}

// Certificate is one X.509 certificate.
type Certificate struct {
	Subject    string    `json:"subject"`
	Issuer     string    `json:"issuer"`
	Names      []string  `json:"names,omitempty"`
	Serial     string    `json:"serial"`
	NotBefore  time.Time `json:"not_before"`
	NotAfter   time.Time `json:"not_after"`
	KeyType    string    `json:"key_type"`
	KeyBits    int       `json:"key_bits"`
	Signature  string    `json:"signature"`
	SHA256     string    `json:"sha256"`
	SelfSigned bool      `json:"self_signed,omitempty"`
}

// Finding is a problem that the scanner itself saw: a check or template that matched. What a version implies is no
// finding of the scanner; the server matches versions with its knowledge.
type Finding struct {
	Address    netip.Addr `json:"address"`
	Port       uint16     `json:"port"` // 0 where the whole host is meant
	Protocol   string     `json:"protocol"`
	Class      string     `json:"class"`           // the stable code of the kind of problem: tls.expired, anon.redis, cve …
	Check      string     `json:"check"`           // stable id of what found it: a check's name or a template's id
	Login      string     `json:"login,omitempty"` // class creds: user/password, empty as -
	Path       string     `json:"path,omitempty"`  // where it is not the whole port: a URL path, a share, a zone
	Name       string     `json:"name,omitempty"`  // empty takes the class's name from the catalogue
	Summary    string     `json:"summary,omitempty"`
	Impact     string     `json:"impact,omitempty"`
	Solution   string     `json:"solution,omitempty"`
	CVEs       []string   `json:"cves,omitempty"`
	CVSS       string     `json:"cvss,omitempty"`     // vector of a template; empty takes the class's or the CVE's
	Severity   string     `json:"severity,omitempty"` // of a template without a vector, its author's: info, low, medium, high or critical
	QoD        int        `json:"qod"`                // 95 and above: the fault itself was seen
	QoDType    string     `json:"qod_type,omitempty"` // exploit, remote_vul, remote_app, remote_analysis, remote_banner …
	Evidence   Evidence   `json:"evidence"`
	References []string   `json:"references,omitempty"`
}

// Evidence lets a reader judge for themselves. Each text is printable and at most 4 KiB.
type Evidence struct {
	Request  string `json:"request,omitempty"`
	Response string `json:"response,omitempty"`
	Detail   string `json:"detail,omitempty"`
}

// Progress of a plan by weight of work.
type Progress struct {
	Percent float64 `json:"percent"` // 0 to 100
	Stage   string  `json:"stage"`   // discover, ports, identify, tls, check, login
	Rate    float64 `json:"rate"`    // probes a second, lately
	ETA     float64 `json:"eta"`     // seconds left, 0 when unknown
	Hosts   int     `json:"hosts"`   // done
}
