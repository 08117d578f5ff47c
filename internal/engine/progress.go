package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink"
)

// meter measures the progress of a run by the weight of its work.
type meter struct {
	mu     sync.Mutex
	shares []*share
	hosts  int
	sum    float64 // of finished hosts
	ended  int
	probes int
	emit   func(scanlink.Progress)

	lastProbes int
	lastTime   time.Time
	began      time.Time
}

// share is one host's part of the progress.
type share struct {
	m     *meter
	name  string
	from  float64 // where the stage begins
	width float64
	work  int
	doneN int
}

// Where each stage begins and how much of a host's work it is, by experience.
var stageParts = map[string][2]float64{"discover": {0, 0.03}, "ports": {0.03, 0.37}, "identify": {0.40, 0.25}, "login": {0.65, 0.03}, "check": {0.68, 0.32}}

func newMeter(hosts int, emit func(scanlink.Progress)) *meter {
	return &meter{hosts: hosts, emit: emit, began: clock.Monotonic(), lastTime: clock.Monotonic()}
}

func (m *meter) host() *share { return &share{m: m, name: "discover", width: 0.03, work: 1} }

func (s *share) stage(name string, work int) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	part := stageParts[name]
	if s.name == "discover" && !slices.Contains(s.m.shares, s) {
		s.m.shares = append(s.m.shares, s)
	}
	s.name, s.from, s.width, s.work, s.doneN = name, part[0], part[1], max(1, work), 0
}

func (s *share) probed(n int) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.doneN += n
	s.m.probes += n
}

func (s *share) value() float64 {
	return s.from + s.width*min(1, float64(s.doneN)/float64(s.work))
}

func (s *share) done() {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.ended++
	s.m.sum++
	s.m.probes++
	s.m.shares = slices.DeleteFunc(s.m.shares, func(x *share) bool { return x == s })
}

// start emits at most two observations a second until the function it gives is called.
func (m *meter) start(ctx context.Context) func() {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				m.emit(m.now())
			}
		}
	})
	return func() {
		cancel()
		wg.Wait()
		m.emit(m.now())
	}
}

func (m *meter) now() scanlink.Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	sum, stage, lowest := m.sum, "discover", 2.0
	for _, s := range m.shares {
		v := s.value()
		sum += v
		if v < lowest {
			lowest, stage = v, s.name
		}
	}
	if m.ended == m.hosts {
		stage = "check"
	}
	now := clock.Monotonic()
	p := scanlink.Progress{Stage: stage, Hosts: m.ended, Percent: min(100, 100*sum/float64(max(1, m.hosts)))}
	if d := now.Sub(m.lastTime).Seconds(); d > 0.05 {
		p.Rate = float64(m.probes-m.lastProbes) / d
		m.lastProbes, m.lastTime = m.probes, now
	}
	if p.Percent > 1 && p.Percent < 100 {
		p.ETA = clock.Since(m.began).Seconds() * (100 - p.Percent) / p.Percent
	}
	return p
}

// weightOf is how many probes a list takes at least.
func weightOf(s PortSpec) int { return len(s.TCP) + 2*len(s.UDP) }
