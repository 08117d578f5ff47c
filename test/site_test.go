package test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// site is a customer's network in network namespaces of its own: a router that translates addresses, a machine for a scanner, and
// a machine to be scanned. The router can reach the address at which the server listens; nobody outside reaches what is
// behind it.
//
//	server (outer) ── 10.231.N.2 router 192.168.77.1 ──┬── scanner 192.168.77.2
//	                                                   └── target 192.168.77.10 to .25
type site struct {
	testing.TB
	outer                   string // the test's own end of the link to the router
	translated              string // the router's end: from there the scanner seems to call
	router, scanner, target string // namespaces
}

const (
	sitePrefix    = "192.168.77."
	targetAddress = sitePrefix + "10"
)

var sites atomic.Int32

func newSite(t testing.TB) *site {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test makes network namespaces; run it as root")
	}
	for _, tool := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("this test needs %s: run `make setup` (Debian packages iproute2 and nftables): %v", tool, err)
		}
	}
	n, id := int(sites.Add(1)), os.Getpid()%10000 // others may test on this machine at the same time
	outside := fmt.Sprintf("10.231.%d.", (id+n)%256)
	s := &site{TB: t, outer: outside + "1", translated: outside + "2"}
	name := func(what string) string { return fmt.Sprintf("v%d%s%d", id, what, n) }
	s.router, s.scanner, s.target = name("r"), name("s"), name("t")
	for _, ns := range []string{s.router, s.scanner, s.target} {
		s.run("ip", "netns", "add", ns)
		t.Cleanup(func() { s.run("ip", "netns", "del", ns) })
		s.run("ip", "-n", ns, "link", "set", "lo", "up")
	}
	s.uplink(name("u"))
	s.run("ip", "-n", s.router, "link", "add", "lan", "type", "bridge")
	s.run("ip", "-n", s.router, "addr", "add", sitePrefix+"1/24", "dev", "lan")
	s.run("ip", "-n", s.router, "link", "set", "lan", "up")
	s.join(s.scanner, "lan1", sitePrefix+"2")
	var machine []string
	for i := range 16 {
		machine = append(machine, fmt.Sprintf("%s%d", sitePrefix, 10+i))
	}
	s.join(s.target, "lan2", machine...)
	s.run("ip", "netns", "exec", s.router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
	s.rules(s.router, `table ip nat { chain post { type nat hook postrouting priority 100; oifname "wan" masquerade; }; }`)
	s.rules(s.target, `table netdev m { counter seen { }; chain in { type filter hook ingress device "eth0" priority 0; ip saddr `+sitePrefix+`2 counter name "seen"; }; }`)
	return s
}

// uplink ties the router to the test's own namespace.
func (s *site) uplink(link string) {
	s.Helper()
	s.run("ip", "link", "add", link, "type", "veth", "peer", "name", "wan", "netns", s.router)
	s.run("ip", "addr", "add", s.outer+"/30", "dev", link)
	s.run("ip", "link", "set", link, "up")
	s.run("ip", "-n", s.router, "addr", "add", s.translated+"/30", "dev", "wan")
	s.run("ip", "-n", s.router, "link", "set", "wan", "up")
	s.run("ip", "-n", s.router, "route", "add", "default", "via", s.outer)
}

// join ties a machine to the router's network.
func (s *site) join(ns, port string, addresses ...string) {
	s.Helper()
	s.run("ip", "-n", s.router, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", ns)
	s.run("ip", "-n", s.router, "link", "set", port, "master", "lan")
	s.run("ip", "-n", s.router, "link", "set", port, "up")
	for _, a := range addresses {
		s.run("ip", "-n", ns, "addr", "add", a+"/24", "dev", "eth0")
	}
	s.run("ip", "-n", ns, "link", "set", "eth0", "up")
	s.run("ip", "-n", ns, "route", "add", "default", "via", sitePrefix+"1")
}

func (s *site) run(name string, args ...string) string {
	s.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		s.Fatalf("this machine must let network namespaces be made: %s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (s *site) rules(ns, text string) {
	s.Helper()
	s.run("ip", "netns", "exec", ns, "nft", text)
}

// met is how many packets of the scanner have come in at the target's interface.
func (s *site) met() int { return s.counted(s.target, "seen") }

// counted is what a counter of packets in a namespace tells.
func (s *site) counted(ns, counter string) int {
	s.Helper()
	var told struct {
		Nftables []struct{ Counter struct{ Packets int } }
	}
	if err := json.Unmarshal([]byte(s.run("ip", "netns", "exec", ns, "nft", "-j", "list", "counter", "netdev", "m", counter)), &told); err != nil {
		s.Fatal(err)
	}
	n := 0
	for _, x := range told.Nftables {
		n += x.Counter.Packets
	}
	return n
}

// in starts a process in a namespace, until the test ends.
func (s *site) in(ns string, env []string, argv ...string) *process {
	p := &process{t: s.TB, argv: append([]string{"/usr/bin/env", "ip", "netns", "exec", ns}, argv...), env: append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, env...)}
	p.start()
	s.Cleanup(func() { p.stop(syscall.SIGTERM) })
	return p
}
