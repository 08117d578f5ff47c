package ports

import (
	"context"
	"sync"
	"time"
)

// pace is the engine's care for one host: how many probes may be under way, and how long one is waited for. Both follow
// what the host shows: the timeout as RFC 6298 computes it, the window as TCP does (grow with answers, halve on loss).
type pace struct {
	mu       sync.Mutex
	room     *sync.Cond
	inFlight int
	window   float64
	limit    float64
	slow     float64 // slow start until here
	srtt     time.Duration
	rttvar   time.Duration
	lastCut  time.Time
	losses   int
}

const (
	firstTimeout = time.Second
	minTimeout   = 250 * time.Millisecond
	maxTimeout   = 3 * time.Second
)

func newPace(limit int, rtt time.Duration) *pace {
	p := &pace{window: min(64, float64(limit)), limit: float64(limit), slow: float64(limit)}
	p.room = sync.NewCond(&p.mu)
	if rtt > 0 {
		p.srtt, p.rttvar = rtt, rtt/2
	}
	return p
}

// enter waits for room in the window; false when ctx has ended. The caller arranges that wake is called then.
func (p *pace) enter(ctx context.Context) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for float64(p.inFlight) >= p.window && ctx.Err() == nil {
		p.room.Wait()
	}
	if ctx.Err() != nil {
		return false
	}
	p.inFlight++
	return true
}

func (p *pace) wake() {
	p.mu.Lock()
	p.room.Broadcast()
	p.mu.Unlock()
}

func (p *pace) leave() {
	p.mu.Lock()
	p.inFlight--
	p.mu.Unlock()
	p.room.Signal()
}

// answered learns from one answer.
func (p *pace) answered(rtt time.Duration) {
	p.mu.Lock()
	if p.srtt == 0 {
		p.srtt, p.rttvar = rtt, rtt/2
	} else {
		p.rttvar = (3*p.rttvar + (p.srtt - rtt).Abs()) / 4
		p.srtt = (7*p.srtt + rtt) / 8
	}
	if p.window < p.slow {
		p.window = min(p.limit, p.window+1)
	} else {
		p.window = min(p.limit, p.window+1/p.window)
	}
	p.mu.Unlock()
	p.room.Signal()
}

// lost learns that a probe or its answer was lost; at most one cut of the window a round trip.
func (p *pace) lost(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.losses++
	if now.Sub(p.lastCut) < max(p.srtt, 100*time.Millisecond) {
		return
	}
	p.lastCut = now
	p.window = max(16, p.window/2)
	p.slow = p.window
}

// timeout for the given try, from 0: it doubles with each.
func (p *pace) timeout(try int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := firstTimeout
	if p.srtt > 0 {
		t = max(minTimeout, p.srtt+4*p.rttvar)
	}
	return min(maxTimeout, t<<min(try, 4))
}

// rtt is the smoothed round-trip time, 0 when nothing answered.
func (p *pace) rtt() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.srtt
}
