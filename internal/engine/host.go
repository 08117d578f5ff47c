package engine

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vedette/vedette/internal/engine/discover"
	"github.com/vedette/vedette/internal/engine/identify"
	"github.com/vedette/vedette/internal/engine/ports"
	"github.com/vedette/vedette/internal/engine/template"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/scanlink"
)

// host is the scan of one living address.
type host struct {
	run   *run
	plan  scanlink.PlanHost
	rtt   time.Duration
	share *share
	trace []byte // of a fault of the program

	mu       sync.Mutex
	facts    scanlink.Host
	os       identify.OS
	services []scanlink.Service
	open     []uint16 // TCP
}

const (
	identifyAtOnce = 16 // ports of one host
	checkAtOnce    = 4
	callbackGrace  = 10 * time.Second // from a request until the target has called back
)

func (h *host) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.facts.Error == "" {
		h.facts.Error = wire.Printable([]byte(err.Error()), 300)
	}
}

func (h *host) interfere(sentence string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.facts.Interference == "" {
		h.facts.Interference = sentence
	}
}

func (h *host) emitHost() {
	h.mu.Lock()
	facts := h.facts
	facts.Names = slices.Clone(facts.Names)
	h.mu.Unlock()
	h.run.send(scanlink.Observation{Host: &facts})
}

// finish emits the host for the last time.
func (h *host) finish() {
	h.mu.Lock()
	h.facts.Done = true
	h.facts.Authenticated = loginSummary(h.facts.Logins)
	h.facts.Coverage = scanlink.Complete
	if h.facts.Interference != "" || h.facts.Error != "" {
		h.facts.Coverage = scanlink.Inconclusive
	}
	h.mu.Unlock()
	h.emitHost()
	h.share.done()
}

// survey finds ports, services and their TLS.
func (h *host) survey(ctx context.Context) {
	lookup := make(chan []string, 1)
	go func() { lookup <- discover.Names(ctx, h.plan.Address) }()
	answers := h.scanPorts(ctx)
	if ctx.Err() != nil {
		return
	}
	if h.run.profile.Services {
		h.identify(ctx, answers)
	}
	select {
	case found := <-lookup:
		h.addNames(found...)
		h.run.names.add(found...)
	case <-ctx.Done():
		return
	}
	h.mu.Lock()
	h.facts.OS, h.facts.OSCPE, h.facts.OSQoD = h.os.Name, h.os.CPE, h.os.QoD
	h.mu.Unlock()
	h.emitHost()
}

// addNames keeps host names in the order plan, reverse DNS, certificates.
func (h *host) addNames(more ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range more {
		if n = hostName(n); n != "" && len(h.facts.Names) < 32 && !contains(h.facts.Names, n) {
			h.facts.Names = append(h.facts.Names, n)
		}
	}
}

var nameForm = regexp.MustCompile(`^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$`)

// hostName is a name in its usual form; empty where it is none, or an address.
func hostName(n string) string {
	n = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(n, "*."), "."))
	if len(n) > 253 || !nameForm.MatchString(n) || isAddress(n) {
		return ""
	}
	return n
}

// scanPorts runs TCP and UDP side by side; it gives what UDP ports answered.
func (h *host) scanPorts(ctx context.Context) []ports.Answer {
	h.share.stage("ports", weightOf(h.run.spec))
	probed := func(n int) { h.share.probed(n) }
	var wg sync.WaitGroup
	var result ports.Result
	var answers []ports.Answer
	wg.Go(func() {
		h.guard(func() {
			var err error
			o := ports.Options{RTT: h.rtt, Sockets: h.run.sockets, Probed: probed}
			if result, err = ports.TCP(ctx, h.run.net, h.plan.Address, without(h.run.spec.TCP, h.plan.Skip), o); err != nil && ctx.Err() == nil {
				h.fail(err)
			}
		})
	})
	wg.Go(func() {
		h.guard(func() {
			var err error
			o := ports.Options{RTT: h.rtt, Sockets: h.run.sockets, Probed: probed}
			if answers, err = ports.UDP(ctx, h.run.net, h.plan.Address, h.run.spec.UDP, identify.Payloads, o); err != nil && ctx.Err() == nil {
				h.fail(err)
			}
		})
	})
	wg.Wait()
	h.open, h.facts.Recall = result.Open, result.Recall
	if result.RTT > 0 {
		h.rtt = result.RTT
	}
	if result.Interference != "" {
		h.interfere(result.Interference)
	}
	if !h.run.profile.Services {
		for _, p := range result.Open {
			h.addService(scanlink.Service{Address: h.plan.Address, Port: p, Protocol: "tcp", State: "open"}, identify.OS{})
		}
	}
	return answers
}

// without leaves out the ports that the plan says to leave alone.
func without(list, skip []uint16) []uint16 {
	if len(skip) == 0 {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(p uint16) bool { return slices.Contains(skip, p) })
}

// identify names every open port and looks at its TLS, several at a time.
func (h *host) identify(ctx context.Context, answers []ports.Answer) {
	h.share.stage("identify", len(h.open)+len(answers))
	slots := make(chan struct{}, identifyAtOnce)
	var wg sync.WaitGroup
	work := func(f func() (scanlink.Service, identify.OS, error)) {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			defer h.share.probed(1)
			h.guard(func() {
				s, o, err := f()
				if err != nil {
					return
				}
				h.addService(h.tls(ctx, s), o)
			})
		})
	}
	for _, p := range h.open {
		t := h.identifyTarget(p)
		work(func() (scanlink.Service, identify.OS, error) { return identify.TCP(ctx, h.run.net, t) })
	}
	for _, a := range answers {
		t := h.identifyTarget(a.Port)
		work(func() (scanlink.Service, identify.OS, error) {
			return identify.UDP(ctx, h.run.net, t, a.Payload, a.Reply)
		})
	}
	wg.Wait()
}

func (h *host) identifyTarget(port uint16) identify.Target {
	return identify.Target{Host: h.plan, Port: port, RTT: h.rtt, Contact: h.run.plan.Contact}
}

// addService keeps and emits a service.
func (h *host) addService(s scanlink.Service, o identify.OS) {
	h.mu.Lock()
	h.services = append(h.services, s)
	if o.QoD > h.os.QoD {
		h.os = o
	}
	h.mu.Unlock()
	h.learnNames(s)
	h.run.send(scanlink.Observation{Service: &s})
}

var greetingName = regexp.MustCompile(`^220[ -]([A-Za-z0-9._-]+\.[A-Za-z]{2,})\s`)

// learnNames takes host names out of certificates and greetings.
func (h *host) learnNames(s scanlink.Service) {
	if s.TLS != nil && s.TLS.Certificate != nil {
		h.addNames(s.TLS.Certificate.Names...)
		h.run.names.add(s.TLS.Certificate.Names...)
	}
	if f := greetingName.FindStringSubmatch(s.Banner); f != nil {
		h.run.names.add(f[1])
	}
}

// tls adds what the TLS stage sees to the service, and emits its findings.
func (h *host) tls(ctx context.Context, s scanlink.Service) scanlink.Service {
	if h.run.plan.SignIn || h.run.stages.TLS == nil || s.Protocol != "tcp" || !mayTLS(s) {
		return s
	}
	tally := &wire.Tally{Port: s.Port}
	info, findings, err := h.run.stages.TLS(ctx, h.run.net.Counting(tally), h.target(s))
	if ctx.Err() == nil {
		h.lost("tls", s, tally)
	}
	if err == nil && info != nil {
		s.TLS = info
		if s.Tunnel == "" {
			s.Tunnel = "starttls"
		}
	}
	h.emitFindings(findings)
	return s
}

func (h *host) target(s scanlink.Service) wire.Target {
	return wire.Target{Host: h.plan, Service: s, Roots: h.run.plan.TrustedCAs, Contact: h.run.plan.Contact}
}

func (h *host) emitFindings(all []scanlink.Finding) {
	for i := range all {
		h.run.send(scanlink.Observation{Finding: &all[i]})
	}
}

// needsNames says that checks of this host use the names seen on others: zones are asked of name servers.
func (h *host) needsNames() bool {
	return slices.ContainsFunc(h.services, func(s scanlink.Service) bool { return s.Name == "dns" })
}

// examine runs the checks and ends the host.
func (h *host) examine(ctx context.Context) {
	h.guard(func() { h.login(ctx) })
	h.guard(func() { h.check(ctx) })
	if ctx.Err() != nil {
		return
	}
	h.finish()
}

func (h *host) check(ctx context.Context) {
	if h.run.plan.SignIn {
		h.signInWeb(ctx)
		return
	}
	if !h.run.profile.Checks || ctx.Err() != nil {
		return
	}
	know := Knowledge{Profile: h.run.profile, Roots: h.run.plan.TrustedCAs, Names: h.run.names.list(), Web: webLogin(h.run.plan.Credentials), Told: h.signedIn, Lost: h.lost, Callbacks: template.NewCallbacks(h.run.calls)}
	h.share.stage("check", len(h.services)+1)
	slots := make(chan struct{}, checkAtOnce)
	var wg sync.WaitGroup
	for _, s := range h.services {
		if h.run.stages.Service == nil || h.run.profile.Web && !isWeb(s) {
			h.share.probed(1)
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			defer h.share.probed(1)
			h.guard(func() { h.emitFindings(h.run.stages.Service(ctx, h.run.net, h.target(s), h.lockGuard(know))) })
		})
	}
	wg.Wait()
	if h.run.stages.Host != nil && ctx.Err() == nil {
		h.emitFindings(h.run.stages.Host(ctx, h.run.net, h.plan, h.services, know))
	}
	h.emitFindings(know.Callbacks.Findings(ctx, callbackGrace))
	h.stillThere(ctx)
}

func isWeb(s scanlink.Service) bool {
	return s.Name == "http" || s.Name == "https" || s.Name == "http-proxy"
}

// stillThere asks ports that were open once more: a host that has fallen silent under the checks has shut the scanner
// out, and what was checked last cannot be trusted.
func (h *host) stillThere(ctx context.Context) {
	if len(h.open) == 0 || h.facts.Interference != "" {
		return
	}
	for try := range 3 {
		for _, p := range h.open[:min(5, len(h.open))] {
			if h.run.net.Wait(ctx, h.plan.Address) != nil {
				return
			}
			answer, err := h.run.net.Knock(ctx, netip.AddrPortFrom(h.plan.Address, p), time.Duration(try+1)*time.Second)
			if err != nil || answer == wire.Open {
				return
			}
		}
		t := time.NewTimer(time.Duration(try+1) * time.Second)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
	}
	h.interfere(fmt.Sprintf("The host fell silent while it was checked (none of %d open ports answers any more): it has probably shut the scanner out.", len(h.open)))
}
