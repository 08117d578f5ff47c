package scanlink

// Profiles are the names that Plan.Profile may have; package engine says what each does and how heavy it is.
var Profiles = []string{"discovery", "pci", "full", "fast", "web", "penetration"}

// Cost is what a profile takes by its own statement, before anything was measured. It holds for hosts that answer; package engine
// holds rate and parallelism to it.
type Cost struct {
	Profile  string
	Summary  string
	Load     string // how heavy it is, in a sentence
	Rate     int    // most probes a second of a chunk; 0: as fast as the hosts answer
	Parallel int    // hosts at once
	Probes   int    // packets to a host, about, ports and requests together
	Seconds  int    // for a host, about
	Checks   bool   // it looks for vulnerabilities
	Active   bool   // attack-like requests to web applications
	Depth    int    // what a deeper profile does not find any more is mended, where the same ports were asked
}

var costs = []Cost{
	{Profile: "discovery", Summary: "Finds which hosts answer and their most common ports and services; checks nothing.", Load: "Light: about a hundred probes a host.",
		Rate: 5000, Parallel: 32, Probes: 150, Seconds: 8, Depth: 0},
	{Profile: "pci", Summary: "Everything that an external PCI DSS scan must look at: all TCP ports, the common UDP services, every check and default account.",
		Load: "Heavy: every TCP port, thousands of requests to each web server; harmless to what it meets.", Parallel: 8, Probes: 75000, Seconds: 300, Checks: true, Active: true, Depth: 3},
	{Profile: "full", Summary: "All TCP ports, the common UDP services and every check.",
		Load: "Heavy: every TCP port, thousands of requests to each web server; harmless to what it meets.", Parallel: 8, Probes: 75000, Seconds: 300, Checks: true, Active: true, Depth: 3},
	{Profile: "fast", Summary: "The thousand most common TCP ports, the commonest UDP services, and the checks that are no attack.",
		Load: "Moderate: about a thousand probes a host, some hundred requests to each web server.", Parallel: 16, Probes: 2000, Seconds: 60, Checks: true, Depth: 1},
	{Profile: "web", Summary: "Ports on which web servers are met, and every check of web servers, their TLS and their applications.",
		Load: "Moderate: some hundred ports, thousands of requests to each web server.", Parallel: 8, Probes: 8000, Seconds: 120, Checks: true, Active: true, Depth: 1},
	{Profile: "penetration", Summary: "All TCP ports, the common UDP services, active attacks on web applications and default accounts everywhere.",
		Load: "Very heavy: to be announced to who runs the targets.", Parallel: 4, Probes: 100000, Seconds: 600, Checks: true, Active: true, Depth: 3},
}

// Costs of all profiles, in the order in which they are offered.
func Costs() []Cost { return append([]Cost(nil), costs...) }

// CostOf a profile; the zero value for a name that there is not.
func CostOf(profile string) Cost {
	for _, c := range costs {
		if c.Profile == profile {
			return c
		}
	}
	return Cost{}
}
