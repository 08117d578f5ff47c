// Package ports finds out which TCP and UDP ports of a host are open, at a pace that the host and the way to it can
// bear, and says how sure it is of having found them all.
package ports

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
)

// Options of a scan of one host.
type Options struct {
	RTT     time.Duration  // what discovery measured; 0 when unknown
	Window  int            // most probes under way; 0 is 500
	Sockets chan struct{}  // shared among hosts: one slot a socket; nil is no limit
	Probed  func(n int)    // told of probes sent; may be nil
	Open    func(p uint16) // told of each open port when it is found, from several goroutines; may be nil
	Connect bool           // connect even where bare SYN segments could be sent
}

// Result of a TCP scan.
type Result struct {
	Open         []uint16
	Closed       int
	Filtered     int // silent in every try, or unreachable
	RTT          time.Duration
	Recall       float64 // estimated share of the open ports that was found; 0 when nothing answered at all
	Interference string  // why the result cannot be trusted, in a sentence; empty when it can
}

const (
	maxTries     = 4   // of a silent port; two are made always, more only while loss is seen
	judgeOpen    = 200 // open ports after which a host that has hardly any other is a middlebox
	canaryEvery  = 100 * time.Millisecond
	canaryDeaf   = 5 // silent canaries in a row that mean a host gone silent
	maxRevived   = 2
	minAllSilent = 50 // ports, of which none answers, that mean a filter in the way
)

type scan struct {
	ask     knocker
	net     *wire.Net
	address netip.Addr
	options Options
	pace    *pace
	total   int

	mu       sync.Mutex
	state    []wire.Answer // by port; Silent where nothing has answered
	answers  int           // ports that answered
	open     int
	silent   []uint16
	canaries []uint16
	refuses  bool // the canaries are closed ports
	rescued  int  // ports that answered only in a repeated try
	asked    int  // ports that had answered, asked again at the end
	again    int  // of these, how many answered again
	lastAny  time.Time
	deaf     int
	gone     atomic.Bool
	flooded  atomic.Bool
}

// TCP scans the ports: with bare SYN segments where this machine permits raw sockets, else by connecting. An error is
// ctx's, or that the plan does not name the address.
func TCP(ctx context.Context, n *wire.Net, address netip.Addr, list []uint16, o Options) (Result, error) {
	if o.Window <= 0 {
		o.Window = 500
	}
	if !o.Connect && len(list) >= worthSYN {
		if syn, err := n.SYN(address); err == nil {
			r, err := tcp(ctx, n, address, list, o, syn.Knock)
			syn.Close()
			if err != nil || len(r.Open)+r.Closed > 0 || !answersConnects(ctx, n, address, list) {
				return r, err
			}
			// Something between lets no bare segments through.
		}
	}
	return tcp(ctx, n, address, list, o, connecting(n, address))
}

// worthSYN is the length of a list from which raw sockets are worth their trouble.
const worthSYN = 20

// knocker asks one port.
type knocker func(ctx context.Context, port uint16, timeout time.Duration) (wire.Answer, error)

func connecting(n *wire.Net, address netip.Addr) knocker {
	return func(ctx context.Context, port uint16, timeout time.Duration) (wire.Answer, error) {
		return n.Knock(ctx, netip.AddrPortFrom(address, port), timeout)
	}
}

// answersConnects tries the commonest ports of a list by connecting.
func answersConnects(ctx context.Context, n *wire.Net, address netip.Addr, list []uint16) bool {
	few := order(list)
	few = few[:min(len(few), worthSYN)]
	r, err := tcp(ctx, n, address, few, Options{Window: worthSYN}, connecting(n, address))
	return err == nil && len(r.Open)+r.Closed > 0
}

func tcp(ctx context.Context, n *wire.Net, address netip.Addr, list []uint16, o Options, ask knocker) (Result, error) {
	s := &scan{ask: ask, net: n, address: address, options: o, pace: newPace(o.Window, o.RTT), total: len(list),
		state: make([]wire.Answer, 65536)}
	defer context.AfterFunc(ctx, s.pace.wake)()
	if err := s.rounds(ctx, order(list)); err != nil {
		return s.result(2), err
	}
	if err := s.confirm(ctx); err != nil {
		return s.result(2), err
	}
	return s.result(2), ctx.Err()
}

// rounds asks all ports, then the silent ones again: once always, more often only while that brings answers.
func (s *scan) rounds(ctx context.Context, todo []uint16) error {
	revived := 0
	for try := 0; try < maxTries && len(todo) > 0 && !s.flooded.Load(); {
		before := s.rescued
		if err := s.round(ctx, todo, try); err != nil {
			return err
		}
		todo, s.silent = s.silent, nil
		if s.gone.Load() {
			if revived++; revived > maxRevived || !s.revive(ctx) {
				break
			}
			continue
		}
		if try > 0 && s.rescued == before {
			break
		}
		try++
	}
	s.silent = todo
	return ctx.Err()
}

// revive waits for a host that has gone silent, and goes on slowly when it answers again.
func (s *scan) revive(ctx context.Context) bool {
	for i := range 3 {
		if !pause(ctx, time.Duration(i+1)*time.Second) {
			return false
		}
		answer, err := s.canary(ctx, s.canaries[rand.IntN(len(s.canaries))], 2)
		if err == nil && (answer == wire.Open || answer == wire.Closed) {
			s.deaf = 0
			s.gone.Store(false)
			s.pace.lost(clock.Monotonic())
			return true
		}
	}
	return false
}

// order puts the ports most often open first, so that the pace is learned early, and shuffles the rest.
func order(list []uint16) []uint16 {
	wanted := make(map[uint16]bool, len(list))
	for _, p := range list {
		wanted[p] = true
	}
	todo := make([]uint16, 0, len(list))
	for _, p := range Common {
		if wanted[p] {
			todo = append(todo, p)
			delete(wanted, p)
		}
	}
	rest := len(todo)
	for _, p := range list {
		if wanted[p] {
			todo = append(todo, p)
		}
	}
	rand.Shuffle(len(todo)-rest, func(i, j int) { todo[rest+i], todo[rest+j] = todo[rest+j], todo[rest+i] })
	return todo
}

// round probes each port once.
func (s *scan) round(ctx context.Context, todo []uint16, try int) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, s.pace.wake)()
	watch := make(chan struct{})
	wg.Go(func() { s.watchCanaries(ctx, watch) })
	var workers sync.WaitGroup
	for range min(s.options.Window, len(todo)) {
		workers.Go(func() {
			for !s.gone.Load() && !s.flooded.Load() {
				i := int(next.Add(1)) - 1
				if i >= len(todo) {
					return
				}
				if err := s.probe(ctx, todo[i], try); err != nil {
					failed.CompareAndSwap(nil, &err)
					cancel()
					return
				}
			}
		})
	}
	workers.Wait()
	close(watch)
	wg.Wait()
	if e := failed.Load(); e != nil {
		return *e
	}
	if i := int(next.Load()); i < len(todo) { // ended early: the rest stays silent
		s.silent = append(s.silent, todo[i:]...)
	}
	return nil
}

func (s *scan) probe(ctx context.Context, port uint16, try int) error {
	answer, err := s.knock(ctx, port, try)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if answer == wire.Silent || answer == wire.Unreachable { // a router's word, too, may be a passing trouble
		s.silent = append(s.silent, port)
		return nil
	}
	if s.state[port] == wire.Silent {
		s.answers++
		if answer == wire.Open {
			s.open++
		}
	}
	s.state[port] = answer
	s.lastAny = clock.Monotonic()
	if try > 0 {
		s.rescued++
		s.pace.lost(clock.Monotonic())
	}
	s.keepCanary(port, answer)
	if answer == wire.Open && s.options.Open != nil {
		s.options.Open(port)
	}
	s.judgeFlood()
	return nil
}

// keepCanary notes a port that answers. Closed ones are as good a sign and burden no service; open ones do where there is
// no other. Called with the lock held.
func (s *scan) keepCanary(port uint16, answer wire.Answer) {
	const enough = 16
	if answer == wire.Closed && !s.refuses {
		s.refuses, s.canaries = true, nil
	}
	if (answer == wire.Closed) == s.refuses && len(s.canaries) < enough {
		s.canaries = append(s.canaries, port)
	}
}

// knock makes one connection attempt within the window.
func (s *scan) knock(ctx context.Context, port uint16, try int) (wire.Answer, error) {
	if !s.pace.enter(ctx) {
		return wire.Silent, ctx.Err()
	}
	defer s.pace.leave()
	if s.options.Sockets != nil {
		select {
		case s.options.Sockets <- struct{}{}:
			defer func() { <-s.options.Sockets }()
		case <-ctx.Done():
			return wire.Silent, ctx.Err()
		}
	}
	if s.options.Probed != nil {
		s.options.Probed(1)
	}
	for {
		if err := s.net.Wait(ctx, s.address); err != nil {
			return wire.Silent, err
		}
		start := clock.Monotonic()
		answer, err := s.ask(ctx, port, s.pace.timeout(try))
		if err != nil {
			return wire.Silent, err
		}
		switch answer {
		case wire.Exhausted: // this machine's trouble, not the host's
			s.pace.lost(clock.Monotonic())
			if !pause(ctx, 50*time.Millisecond) {
				return wire.Silent, ctx.Err()
			}
			continue
		case wire.Open, wire.Closed:
			s.pace.answered(clock.Since(start))
		}
		return answer, nil
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// judgeFlood stops a scan in which nearly everything is open. Called with the lock held.
func (s *scan) judgeFlood() {
	if s.answers < judgeOpen || s.answers%50 != 0 {
		return
	}
	if s.open >= judgeOpen && s.open*10 >= (s.answers+len(s.silent))*9 {
		s.flooded.Store(true)
	}
}

// watchCanaries asks a port that has answered before, again and again while silent ports are waited for: its silence is
// loss, and lasting silence a host that has gone away or shut us out.
func (s *scan) watchCanaries(ctx context.Context, done <-chan struct{}) {
	tick := time.NewTicker(canaryEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		quiet := !s.lastAny.IsZero() && clock.Since(s.lastAny) > 2*canaryEvery
		var port uint16
		if len(s.canaries) > 0 {
			port = s.canaries[rand.IntN(len(s.canaries))]
		}
		s.mu.Unlock()
		if !quiet || port == 0 {
			continue
		}
		answer, err := s.canary(ctx, port, s.deaf)
		if err != nil {
			return
		}
		if answer == wire.Open || answer == wire.Closed {
			s.deaf = 0
			continue
		}
		s.pace.lost(clock.Monotonic())
		if s.deaf++; s.deaf >= canaryDeaf {
			s.gone.Store(true)
			s.pace.wake()
			return
		}
	}
}

// canary is a probe outside the window.
func (s *scan) canary(ctx context.Context, port uint16, try int) (wire.Answer, error) {
	if err := s.net.Wait(ctx, s.address); err != nil {
		return wire.Silent, err
	}
	return s.ask(ctx, port, s.pace.timeout(try))
}
