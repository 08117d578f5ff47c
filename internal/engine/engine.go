// Package engine is the scanner: it takes a plan (addresses, ports, profile, limits) and emits observations with their
// evidence. It knows no database, customer or API. The stages follow one another on each host: discover, ports,
// identify, tls, login, check.
package engine

import (
	"context"
	"fmt"
	"net/netip"
	"runtime/debug"
	"sync"

	"github.com/vedette/vedette/internal/engine/collaborator"
	"github.com/vedette/vedette/internal/engine/discover"
	"github.com/vedette/vedette/internal/engine/login"
	"github.com/vedette/vedette/internal/engine/ports"
	"github.com/vedette/vedette/internal/engine/template"
	"github.com/vedette/vedette/internal/engine/web"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/scanlink"
)

// Options of a run. The zero value runs every stage that the profile names.
type Options struct {
	// Stages that follow identification; nil takes those of this program (see stages.go).
	Stages *Stages
	// Templates that were imported; they run beside those of this program. Nil: none.
	Templates *template.Set
	// Collaborator hears what targets say to third parties. Nil: templates that need it are not run.
	Collaborator *collaborator.Server
}

// Stages are what runs on services and hosts once they are identified. Each may be nil.
type Stages struct {
	// TLS looks at a port where TLS begins at once or after a command. Its result becomes part of the service.
	TLS func(ctx context.Context, n *wire.Net, t wire.Target) (*scanlink.TLS, []scanlink.Finding, error)
	// Login signs in to a host with the plan's credentials.
	Login func(ctx context.Context, n *wire.Net, h scanlink.PlanHost, services []scanlink.Service, credentials []scanlink.Credential) login.Result
	// Service checks one service.
	Service func(ctx context.Context, n *wire.Net, t wire.Target, k Knowledge) []scanlink.Finding
	// Host checks what needs all services of a host.
	Host func(ctx context.Context, n *wire.Net, h scanlink.PlanHost, services []scanlink.Service, k Knowledge) []scanlink.Finding
}

// Knowledge is what stages may use and what they are allowed.
type Knowledge struct {
	Profile Profile
	Roots   []string             // PEM certificates trusted besides the machine's own
	Web     *web.Login           // the customer's own account of web applications
	Told    func(scanlink.Login) // hears how a login of the checks fared
	// Lost hears what a stage asked of a service, and how much of it got no answer; may be nil.
	Lost func(stage string, s scanlink.Service, t *wire.Tally)
	// Callbacks wait for what the collaborator hears of this host; nil without one.
	Callbacks *template.Callbacks
	Names     []string // host names seen anywhere in the plan: given, in certificates, in greetings
}

// Run executes a plan. emit is called from one goroutine at a time. Each planned host gives a first observation when it is
// found alive, and one last with Done set, alive or not. A fault on one host becomes its Error and the others go on.
// The error is ctx's when the scan was stopped, or a fault when the plan cannot be carried out; all traffic has then ended.
func Run(ctx context.Context, plan scanlink.Plan, opts Options, emit func(scanlink.Observation)) error {
	r, err := newRun(plan, opts, emit)
	if err != nil {
		return err
	}
	defer r.tester.Close()
	stop := r.meter.start(ctx)
	defer stop()
	r.hosts(ctx)
	return ctx.Err()
}

// run is one execution of a plan.
type run struct {
	plan    scanlink.Plan
	profile Profile
	spec    PortSpec
	stages  Stages
	calls   *collaborator.Server
	version string // of the imported templates
	net     *wire.Net
	tester  *discover.Tester
	sockets chan struct{}
	meter   *meter
	names   *names

	mu   sync.Mutex
	emit func(scanlink.Observation)
}

func newRun(plan scanlink.Plan, opts Options, emit func(scanlink.Observation)) (*run, error) {
	profile, err := ProfileNamed(plan.Profile)
	if err != nil {
		return nil, err
	}
	r := &run{plan: plan, profile: profile, emit: emit, calls: opts.Collaborator, names: &names{}, sockets: make(chan struct{}, ports.SocketBudget())}
	if r.spec, err = profile.ports(); plan.Ports != "" {
		r.spec, err = ParsePorts(plan.Ports)
	}
	if err != nil {
		return nil, err
	}
	if len(plan.Hosts) == 0 {
		return nil, fault.New(fault.Invalid, "The plan names no host")
	}
	switch plan.AliveTest {
	case "", discover.Auto, discover.ICMP, discover.TCP, discover.ARP, discover.None:
	default:
		return nil, fault.New(fault.Invalid, "%q is no alive test: choose auto, icmp, tcp, arp or none", plan.AliveTest)
	}
	r.net = wire.New(plan.Hosts, wire.Limits{Rate: first(plan.Rate, profile.Rate), HostRate: first(plan.HostRate, profile.HostRate)})
	r.tester = discover.New(r.net, plan.AliveTest)
	if opts.Stages != nil {
		r.stages = *opts.Stages
	} else {
		r.stages = ownStages(opts.Templates)
	}
	if opts.Templates != nil {
		r.version = opts.Templates.Version()
	}
	r.meter = newMeter(len(plan.Hosts), func(p scanlink.Progress) { r.send(scanlink.Observation{Progress: &p}) })
	for _, h := range plan.Hosts {
		r.names.add(h.Names...)
	}
	return r, nil
}

func first(a, b int) int {
	if a > 0 {
		return a
	}
	return b
}

func (r *run) send(o scanlink.Observation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.emit(o)
}

// discoverAtOnce is how many addresses are tested at a time; silent ones take seconds.
const discoverAtOnce = 512

// hosts tests every address and scans those that live. Hosts whose checks need names seen on others come last.
func (r *run) hosts(ctx context.Context) {
	alive := make(chan *host)
	var testers, scanners sync.WaitGroup
	planned := r.planned(ctx)
	for range min(discoverAtOnce, len(r.plan.Hosts)) {
		testers.Go(func() { r.test(ctx, planned, alive) })
	}
	parallel := max(1, first(r.plan.Parallel, r.profile.Parallel))
	late := make(chan *host, len(r.plan.Hosts))
	for range parallel {
		scanners.Go(func() {
			for h := range alive {
				h.guard(func() { h.survey(ctx) })
				if h.needsNames() {
					late <- h
				} else {
					h.examine(ctx)
				}
			}
		})
	}
	testers.Wait()
	close(alive)
	scanners.Wait()
	close(late)
	for range min(parallel, len(late)) {
		scanners.Go(func() {
			for h := range late {
				h.examine(ctx)
			}
		})
	}
	scanners.Wait()
}

// planned hands out the plan's hosts one by one.
func (r *run) planned(ctx context.Context) <-chan scanlink.PlanHost {
	out := make(chan scanlink.PlanHost)
	go func() {
		defer close(out)
		for _, h := range r.plan.Hosts {
			select {
			case out <- h:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// test passes on the hosts that live.
func (r *run) test(ctx context.Context, planned <-chan scanlink.PlanHost, alive chan<- *host) {
	for p := range planned {
		h := r.discover(ctx, p)
		if h == nil {
			continue
		}
		select {
		case alive <- h:
		case <-ctx.Done():
			return
		}
	}
}

// discover tests one address; a silent one is done with.
func (r *run) discover(ctx context.Context, p scanlink.PlanHost) *host {
	h := &host{run: r, plan: p, facts: scanlink.Host{Address: p.Address, Names: p.Names, Templates: r.version}, share: r.meter.host()}
	var result discover.Result
	h.guard(func() {
		var err error
		if result, err = r.tester.Test(ctx, p.Address); err != nil && ctx.Err() == nil {
			h.fail(err)
		}
	})
	if ctx.Err() != nil {
		return nil
	}
	h.rtt, h.facts.Alive, h.facts.MAC = result.RTT, result.Alive, result.MAC
	if !result.Alive {
		h.finish()
		return nil
	}
	h.emitHost()
	return h
}

// guard keeps a fault of the program on one host.
func (h *host) guard(f func()) {
	defer func() {
		if v := recover(); v != nil {
			h.fail(fmt.Errorf("fault of the program: %v", v))
			h.trace = debug.Stack()
		}
	}()
	f()
}

// names are host names seen in the plan.
type names struct {
	mu  sync.Mutex
	all []string
}

const maxNames = 1000

func (n *names) add(more ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range more {
		if name = hostName(name); name != "" && len(n.all) < maxNames && !contains(n.all, name) {
			n.all = append(n.all, name)
		}
	}
}

func (n *names) list() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.all...)
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

// isAddress says that a name is an address in disguise.
func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}
