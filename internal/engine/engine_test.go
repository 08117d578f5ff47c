package engine_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/engine"
	"github.com/vedette/vedette/internal/engine/lab"
	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/scanlink"
)

var loopback = netip.MustParseAddr("127.0.0.1")

func planFor(at ...netip.AddrPort) scanlink.Plan {
	p := scanlink.Plan{Profile: "full", Hosts: []scanlink.PlanHost{{Address: loopback, Names: []string{"gate.example.com"}}}}
	for _, a := range at {
		p.Ports += fmt.Sprintf(",%d", a.Port())
	}
	p.Ports = strings.TrimPrefix(p.Ports, ",")
	return p
}

func TestRunTellsWhatItFinds(t *testing.T) {
	t.Parallel()
	ssh := lab.SSH(t, "OpenSSH_9.2p1 Debian-2+deb12u3")
	web := lab.HTTPS(t, lab.Page(map[string]string{"Server": "nginx/1.22.1"}, "hello"), lab.TLSConfig(lab.Cert(t, lab.CertOptions{})))
	closed := lab.ClosedPort(t)
	var inEmit atomic.Int32
	var hosts []scanlink.Host
	facts := scanlink.NewFacts()
	var last *scanlink.Progress
	stages := &engine.Stages{
		TLS: func(_ context.Context, _ *wire.Net, t wire.Target) (*scanlink.TLS, []scanlink.Finding, error) {
			c := &scanlink.Certificate{Subject: "CN=www.example.com", Names: []string{"www.example.com", "*.example.org", "10.0.0.1"}}
			return &scanlink.TLS{Versions: []string{"TLSv1.3"}, Certificate: c}, []scanlink.Finding{t.Finding("tls.selfsigned", "tls-selfsigned", 99)}, nil
		},
		Service: func(_ context.Context, _ *wire.Net, t wire.Target, k engine.Knowledge) []scanlink.Finding {
			if !k.Profile.Logins || !slices.Contains(k.Names, "gate.example.com") {
				return nil
			}
			return []scanlink.Finding{t.Finding("remote-access", "check-"+t.Service.Name, 95)}
		},
		Host: func(_ context.Context, _ *wire.Net, _ scanlink.PlanHost, services []scanlink.Service, _ engine.Knowledge) []scanlink.Finding {
			return []scanlink.Finding{{Address: loopback, Protocol: "tcp", Class: "info.host", Check: fmt.Sprint("services-", len(services)), QoD: 95}}
		},
	}
	err := engine.Run(context.Background(), planFor(ssh, web, closed), engine.Options{Stages: stages}, func(o scanlink.Observation) {
		if inEmit.Add(1) != 1 {
			t.Error("emit is called by two at once")
		}
		defer inEmit.Add(-1)
		facts.Add(o)
		if o.Host != nil {
			hosts = append(hosts, *o.Host)
		}
		if o.Progress != nil {
			last = o.Progress
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	first, end := hosts[0], hosts[len(hosts)-1]
	if !first.Alive || first.Done || !end.Done || end.Coverage != scanlink.Complete || end.OS != "Debian GNU/Linux 12" || end.Recall != 1 {
		t.Errorf("hosts: first %+v, last %+v", first, end)
	}
	if want := []string{"gate.example.com", "www.example.com", "example.org"}; !containsAll(end.Names, want) || slices.Contains(end.Names, "10.0.0.1") {
		t.Errorf("names %v, want %v", end.Names, want)
	}
	all := facts.Hosts()
	if len(all) != 1 || len(all[0].Services) != 2 {
		t.Fatalf("facts %+v", all)
	}
	got := map[string]scanlink.Service{}
	for _, s := range all[0].Services {
		got[s.Name] = s
	}
	if s := got["https"]; s.TLS == nil || s.Product != "nginx" || s.Port != web.Port() {
		t.Errorf("https: %+v", s)
	}
	if s := got["ssh"]; s.TLS != nil || s.Package != "1:9.2p1-2+deb12u3" {
		t.Errorf("ssh: %+v", s)
	}
	var checks []string
	for _, f := range all[0].Findings {
		checks = append(checks, f.Check)
	}
	if want := []string{"tls-selfsigned", "check-ssh", "check-https", "services-2"}; !containsAll(checks, want) || len(checks) != len(want) {
		t.Errorf("findings %v, want %v", checks, want)
	}
	if last == nil || last.Percent != 100 || last.Hosts != 1 {
		t.Errorf("last progress %+v", last)
	}
}

func containsAll(got, want []string) bool {
	for _, w := range want {
		if !slices.Contains(got, w) {
			return false
		}
	}
	return true
}

func TestRunStopsAtOnce(t *testing.T) {
	t.Parallel()
	silent := lab.Silent(t)
	ctx, cancel := context.WithCancel(context.Background())
	hung := make(chan struct{})
	stages := &engine.Stages{Service: func(ctx context.Context, _ *wire.Net, _ wire.Target, _ engine.Knowledge) []scanlink.Finding {
		close(hung)
		<-ctx.Done()
		return nil
	}}
	go func() {
		select {
		case <-hung:
		case <-time.After(2 * time.Second): // while it is being identified
		}
		cancel()
	}()
	done := make(chan error, 1)
	var finished atomic.Bool
	go func() {
		done <- engine.Run(ctx, planFor(silent), engine.Options{Stages: stages}, func(o scanlink.Observation) {
			if o.Host != nil && o.Host.Done {
				finished.Store(true)
			}
		})
	}()
	<-ctx.Done()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) || finished.Load() {
			t.Errorf("error %v, host called done: %v", err, finished.Load())
		}
	case <-time.After(5 * time.Second):
		t.Fatal("still running five seconds after the stop")
	}
}

func TestAFaultStaysOnItsHost(t *testing.T) {
	t.Parallel()
	at := lab.Banner(t, "SSH-2.0-OpenSSH_9.2p1\r\n")
	plan := planFor(at)
	plan.Hosts = append(plan.Hosts, scanlink.PlanHost{Address: netip.MustParseAddr("127.0.0.2")})
	stages := &engine.Stages{Service: func(context.Context, *wire.Net, wire.Target, engine.Knowledge) []scanlink.Finding {
		panic("broken check")
	}}
	facts := scanlink.NewFacts()
	if err := engine.Run(context.Background(), plan, engine.Options{Stages: stages}, facts.Add); err != nil {
		t.Fatal(err)
	}
	all := facts.Hosts()
	if len(all) != 2 {
		t.Fatalf("%d hosts", len(all))
	}
	if h := all[0].Host; !h.Done || h.Coverage != scanlink.Inconclusive || !strings.Contains(h.Error, "broken check") {
		t.Errorf("broken host: %+v", h)
	}
	if h := all[1].Host; !h.Done || h.Error != "" || h.Coverage != scanlink.Complete {
		t.Errorf("other host: %+v", h)
	}
}

func TestInterferenceMakesAHostInconclusive(t *testing.T) {
	t.Parallel()
	at := make([]netip.AddrPort, 0, 260)
	for range 260 {
		at = append(at, lab.Closer(t))
	}
	plan := planFor(at...)
	plan.Profile = "discovery"
	facts := scanlink.NewFacts()
	if err := engine.Run(context.Background(), plan, engine.Options{Stages: &engine.Stages{}}, facts.Add); err != nil {
		t.Fatal(err)
	}
	h := facts.Hosts()[0].Host
	if h.Coverage != scanlink.Inconclusive || h.Interference == "" || h.Error != "" {
		t.Errorf("host %+v", h)
	}
}

func TestBadPlansAreRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*scanlink.Plan){
		"profile": func(p *scanlink.Plan) { p.Profile = "gentle" }, "ports": func(p *scanlink.Plan) { p.Ports = "http" },
		"alive test": func(p *scanlink.Plan) { p.AliveTest = "guess" }, "no hosts": func(p *scanlink.Plan) { p.Hosts = nil },
	} {
		plan := scanlink.Plan{Hosts: []scanlink.PlanHost{{Address: loopback}}}
		change(&plan)
		err := engine.Run(context.Background(), plan, engine.Options{}, func(scanlink.Observation) { t.Errorf("%s: something was emitted", name) })
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProfilesAreSound(t *testing.T) {
	t.Parallel()
	var names []string
	for _, p := range engine.Profiles() {
		names = append(names, p.Name)
		if p.Summary == "" || p.Load == "" || p.Parallel < 1 {
			t.Errorf("%s: %+v", p.Name, p)
		}
		spec, err := engine.ParsePorts("T:" + p.TCP + ",U:" + p.UDP)
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		if all := p.Name == "pci" || p.Name == "full" || p.Name == "penetration"; all && len(spec.TCP) != 65535 {
			t.Errorf("%s scans %d TCP ports", p.Name, len(spec.TCP))
		}
	}
	if !slices.Equal(names, scanlink.Profiles) {
		t.Errorf("profiles %v, want %v", names, scanlink.Profiles)
	}
}
