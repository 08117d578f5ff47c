// Package scanlink is the protocol between server and scanner: its messages, and nothing that acts on them.
// scanlink/agent is the scanner's side, scanlink/server the server's. The engine speaks in these messages too, so a
// scan without a server (vedette scan) yields the same facts as one with a server.
package scanlink

import "net/netip"

// Plan is what a scanner is told to do: one chunk of a scan, or a whole one-shot scan. Only the addresses in Hosts may
// be touched.
type Plan struct {
	Profile     string       `json:"profile"` // a name of Profiles
	Hosts       []PlanHost   `json:"hosts"`
	Ports       string       `json:"ports"`                 // nmap-like: "T:1-65535,U:53,161"; empty takes the profile's
	AliveTest   string       `json:"alive_test,omitempty"`  // auto, icmp, tcp, arp or none; empty is auto
	Rate        int          `json:"rate,omitempty"`        // probes a second in total; 0 takes the profile's
	HostRate    int          `json:"host_rate,omitempty"`   // probes a second a host; 0 takes the profile's
	Parallel    int          `json:"parallel,omitempty"`    // hosts at once; 0 takes the profile's
	TrustedCAs  []string     `json:"trusted_cas,omitempty"` // PEM certificates trusted besides the machine's own
	Credentials []Credential `json:"-"`                     // for the login stage; in memory alone, sealed in a Lease
	SignIn      bool         `json:"sign_in,omitempty"`     // only sign in with the credentials, and check nothing
	Templates   string       `json:"templates,omitempty"`   // version of imported templates that the run began with, or NoTemplates; empty takes the newest
	Contact     string       `json:"contact,omitempty"`     // put into the User-Agent, so that a target's owner can ask
}

// NoTemplates stands for a version where none were imported.
const NoTemplates = "none"

// PlanHost is one address with the names under which the customer knows it. Names serve SNI, the Host header and the
// check of certificate names; without one the address itself must be in the certificate.
type PlanHost struct {
	Address netip.Addr `json:"address"`
	Names   []string   `json:"names,omitempty"`
	// URLs are the starting points of web checks where the customer gave URLs.
	URLs []string `json:"urls,omitempty"`
	// Skip are TCP ports that are left alone: the service's own listeners, where it scans its own machine.
	Skip []uint16 `json:"skip,omitempty"`
}

// Credential is a login for the login stage. It is never logged: String gives dots.
type Credential struct {
	Kind     string `json:"kind"` // ssh, smb, snmp, http or esxi
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	Key      string `json:"key,omitempty"` // PEM private key of ssh
}

func (Credential) String() string   { return "••••" }
func (Credential) GoString() string { return "••••" }

// NamedHosts is how many addresses a plan may have to count as naming each of them: of such a plan an address that did
// not answer is told, of a larger one (a network) it is taken for unused.
const NamedHosts = 64
