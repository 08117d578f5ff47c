package engine

import (
	"strings"

	"github.com/vedette/vedette/internal/engine/ports"
	"github.com/vedette/vedette/internal/platform/fault"
)

// Profile is a named way to scan.
type Profile struct {
	Name     string
	Summary  string // what it does
	Load     string // how heavy it is, in a sentence
	TCP, UDP string // ports, as ParsePorts reads them without T: and U:; empty is none
	Rate     int    // probes a second in total; 0 is as fast as the hosts answer
	HostRate int    // the same a host
	Parallel int    // hosts at once
	Services bool   // identify services, and look at their TLS
	Checks   bool   // run checks and templates
	Web      bool   // only web services are checked
	Active   bool   // attack-like requests to web applications; harmless canaries written and removed again
	Logins   bool   // try default accounts
}

// PortSpec is a list of ports.
type PortSpec = ports.Spec

// ParsePorts reads "T:1-65535,U:53,161", "1-1024,8080" (TCP) or "-" (every TCP port). A fault says what is wrong.
func ParsePorts(spec string) (PortSpec, error) { return ports.Parse(spec) }

var (
	commonUDP = udpList()
	fastTCP   = tcpList(1000)
	webTCP    = "80-90,443-445,591,593,631,800-810,832,888,981,1010,1080,1311,2019,2082-2083,2086-2087,2095-2096,2375-2376,2379,2480,3000-3010,3128,3333,4000-4001,4040,4200,4243,4443,4567,4711-4712,4848,4993,5000-5010,5104,5108,5280-5281,5357,5432,5601,5800-5802,5984-5986,6080,6443,6543,7000-7010,7070-7080,7396,7443,7474,7547,7777-7778,8000-8100,8118,8123,8139-8140,8161,8172,8180-8200,8222,8243,8280-8281,8333-8337,8443-8450,8500-8501,8530-8531,8765,8800,8834,8880-8890,8983,9000-9010,9042-9043,9060,9080-9100,9200,9443-9445,9502,9800,9981,9999-10001,10080,10243,10250,10255,10443,11371,11434,12443,15672,16080,18080-18091,20720,28017,30821,50000,50070,55672"
)

func tcpList(n int) string {
	return strings.TrimPrefix(ports.Spec{TCP: ports.Common[:min(n, len(ports.Common))]}.String(), "T:")
}

func udpList() string { return strings.TrimPrefix(ports.Spec{UDP: ports.CommonUDP}.String(), "U:") }

// Profiles in the order in which they are offered.
func Profiles() []Profile {
	return []Profile{
		{
			Name: "discovery", Summary: "Finds which hosts answer and their most common ports and services; checks nothing.",
			Load: "Light: about a hundred probes a host.",
			TCP:  tcpList(100), UDP: "53,123,137,161", Rate: 5000, Parallel: 32, Services: true,
		},
		{
			Name: "pci", Summary: "Everything that an external PCI DSS scan must look at: all TCP ports, the common UDP services, every check and default account.",
			Load: "Heavy: every TCP port, thousands of requests to each web server; harmless to what it meets.",
			TCP:  "1-65535", UDP: commonUDP, Parallel: 8, Services: true, Checks: true, Active: true, Logins: true,
		},
		{
			Name: "full", Summary: "All TCP ports, the common UDP services and every check.",
			Load: "Heavy: every TCP port, thousands of requests to each web server; harmless to what it meets.",
			TCP:  "1-65535", UDP: commonUDP, Parallel: 8, Services: true, Checks: true, Active: true, Logins: true,
		},
		{
			Name: "fast", Summary: "The thousand most common TCP ports, the commonest UDP services, and the checks that are no attack.",
			Load: "Moderate: about a thousand probes a host, some hundred requests to each web server.",
			TCP:  fastTCP, UDP: "53,69,111,123,137,161,500,1900,5353,11211", Parallel: 16, Services: true, Checks: true,
		},
		{
			Name: "web", Summary: "Ports on which web servers are met, and every check of web servers, their TLS and their applications.",
			Load: "Moderate: some hundred ports, thousands of requests to each web server.",
			TCP:  webTCP, Parallel: 8, Services: true, Checks: true, Web: true, Active: true, Logins: true,
		},
		{
			Name: "penetration", Summary: "All TCP ports, the common UDP services, active attacks on web applications and default accounts everywhere.",
			Load: "Very heavy: to be announced to who runs the targets.",
			TCP:  "1-65535", UDP: commonUDP, Parallel: 4, Services: true, Checks: true, Active: true, Logins: true,
		},
	}
}

// ProfileNamed finds a profile; the empty name is full. A fault of kind invalid names the ones there are.
func ProfileNamed(name string) (Profile, error) {
	if name == "" {
		name = "full"
	}
	var names []string
	for _, p := range Profiles() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Profile{}, fault.New(fault.Invalid, "There is no profile %q: choose one of %s", name, strings.Join(names, ", "))
}

func (p Profile) ports() (PortSpec, error) {
	var parts []string
	if p.TCP != "" {
		parts = append(parts, "T:"+p.TCP)
	}
	if p.UDP != "" {
		parts = append(parts, "U:"+p.UDP)
	}
	return ParsePorts(strings.Join(parts, ","))
}
