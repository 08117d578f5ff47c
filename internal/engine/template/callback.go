package template

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vedette/vedette/internal/engine/collaborator"
	"github.com/vedette/vedette/internal/engine/template/dsl"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink"
)

// Bounds of what waits to be heard of.
const (
	maxWaiting   = 20_000
	maxWaitBytes = 64 << 20        // of answers that conditions may still read
	hastyWait    = 3 * time.Second // where the next step depends on it, or too much waits
	lookEvery    = 50 * time.Millisecond
)

// Callbacks are the requests of one host's templates that may yet show their effect at the collaborator. It is safe for
// concurrent use.
type Callbacks struct {
	server *collaborator.Server

	lock    sync.Mutex
	waiting []*waiting
	size    int
	late    []scanlink.Finding // what was found while room was made

	naming sync.Mutex // guards given alone: names are asked for while others wait under lock
	given  []*collaborator.Probe
}

// NewCallbacks is empty; nil without a collaborator.
func NewCallbacks(s *collaborator.Server) *Callbacks {
	if s == nil {
		return nil
	}
	return &Callbacks{server: s}
}

func (c *Callbacks) probe() (*collaborator.Probe, error) {
	p, err := c.server.Probe()
	if err == nil {
		c.naming.Lock()
		defer c.naming.Unlock()
		c.given = append(c.given, p)
	}
	return p, err
}

// waiting is one request that was sent, and what it would mean if one of its names was heard.
type waiting struct {
	x      *execution
	calls  *calls
	rules  *rules
	scope  *scope // after its own answer
	final  *scope // after the last answer of its block; nil where that is the same
	probes []*collaborator.Probe
	hit    hit
	at     time.Time
	size   int
	// Once the block is settled nothing but new interactions can change what was judged.
	settled bool
	seen    int
}

// calls are the names that one execution gives out in place of a collaborator's.
type calls struct {
	of      *Callbacks
	given   map[string]string
	owner   owner
	probes  [ofRequest + 1][]*collaborator.Probe
	pending []*waiting // of the present payloads

	mu    sync.Mutex
	found bool
}

// owner of a name: each request has its own, but for those in values that several requests share.
type owner int

const (
	ofTemplate owner = iota
	ofPayloads
	ofRequest
)

func newCalls(c *Callbacks) *calls {
	if c == nil {
		return nil
	}
	return &calls{of: c, given: map[string]string{}}
}

// host is the collaborator's name for the present owner.
func (c *calls) host(name string) (string, bool) {
	if h, ok := c.given[name]; ok {
		return h, true
	}
	p, err := c.of.probe()
	if err != nil {
		return "", false
	}
	c.probes[c.owner] = append(c.probes[c.owner], p)
	c.given[name] = p.Host
	return p.Host, true
}

// begin gives names of their own to the next payloads or request.
func (c *calls) begin(o owner) {
	if c == nil {
		return
	}
	c.owner = o
	for i := o; i <= ofRequest; i++ {
		c.probes[i] = nil
	}
	clear(c.given)
}

func (c *calls) done() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.found
}

func (c *calls) setDone() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.found = true
}

// await notes a request that was sent, and judges what was heard of it already. It says whether that matches.
func (x *execution) await(r *rules, sent []byte, h hit, res *result) bool {
	c := x.scope.calls
	if c == nil || !r.hears {
		return false
	}
	probes := c.carried(sent)
	if len(probes) == 0 {
		return false
	}
	w := &waiting{x: x, calls: c, rules: r, scope: x.scope.frozen(), probes: probes, hit: h, at: clock.Now()}
	w.size = x.scope.weight()
	c.pending = append(c.pending, w)
	deadline := clock.Monotonic()
	if x.template.flow != nil { // what comes next depends on it
		deadline = deadline.Add(hastyWait)
	}
	for {
		if hits := w.judge(); len(hits) > 0 {
			res.matched, res.hits = true, append(res.hits, hits...)
			return true
		}
		if !clock.Monotonic().Before(deadline) || !r.mayHear(w.scope) || pause(x.ctx, lookEvery) != nil {
			return false
		}
	}
}

// carried are the probes that a request says; one that is said in no request in clear may be in any of them.
func (c *calls) carried(sent []byte) []*collaborator.Probe {
	var all, hidden []*collaborator.Probe
	sent = bytes.ToLower(sent)
	for _, p := range slices.Concat(c.probes[:]...) {
		if bytes.Contains(sent, []byte(p.ID)) {
			all = append(all, p)
		} else {
			hidden = append(hidden, p)
		}
	}
	return append(all, hidden...)
}

// settle ends the present payloads: what may still be heard of goes to those who wait.
func (c *calls) settle(x *execution, r *rules) {
	if c == nil || len(c.pending) == 0 {
		return
	}
	final := x.scope.frozen()
	for _, w := range c.pending {
		if w.settled = true; len(c.pending) > 1 {
			w.final = final
		}
		if r.mayHear(w.scope) || w.final != nil && r.mayHear(w.final) {
			c.of.add(x.ctx, w)
		}
	}
	c.pending = nil
}

func (c *Callbacks) add(ctx context.Context, w *waiting) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if len(c.waiting) >= maxWaiting || c.size+w.size > maxWaitBytes {
		c.late = append(c.late, c.collect(ctx, hastyWait)...)
	}
	c.waiting = append(c.waiting, w)
	c.size += w.size
}

// Findings waits until nothing more can be heard of within the grace, counted from each request, and gives what was.
// The names given out mean nothing afterwards.
func (c *Callbacks) Findings(ctx context.Context, grace time.Duration) []scanlink.Finding {
	if c == nil {
		return nil
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	all := append(c.late, c.collect(ctx, grace)...)
	c.late = nil
	c.naming.Lock()
	defer c.naming.Unlock()
	for _, p := range c.given {
		p.Forget()
	}
	c.given = nil
	return all
}

// collect judges those who wait until each has been heard of or its time is over.
func (c *Callbacks) collect(ctx context.Context, grace time.Duration) []scanlink.Finding {
	var all []scanlink.Finding
	for {
		left := c.waiting[:0]
		for _, w := range c.waiting {
			hits := w.judge()
			switch over := !clock.Now().Before(w.at.Add(grace)); {
			case len(hits) > 0:
				all = append(all, w.x.findings(hits)...)
			case !over && !w.over():
				left = append(left, w)
			}
		}
		clear(c.waiting[len(left):])
		c.waiting = left
		if len(left) == 0 || pause(ctx, lookEvery) != nil {
			c.waiting, c.size = nil, 0
			return all
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *waiting) over() bool { return !w.x.every() && w.calls.done() }

// judge reads the interactions that are new, one after the other, and gives the first that makes the conditions hold.
func (w *waiting) judge() []hit {
	if w.over() {
		return nil
	}
	count := 0
	for _, p := range w.probes {
		all := p.Heard()
		for i := range all {
			if count++; count <= w.seen {
				continue
			}
			for _, s := range []*scope{w.scope, w.final} {
				if h, ok := w.matches(s, p, all[i]); ok {
					w.calls.setDone()
					return []hit{h}
				}
			}
		}
	}
	if w.settled {
		w.seen = count
	}
	return nil
}

func (w *waiting) matches(s *scope, p *collaborator.Probe, i collaborator.Interaction) (hit, bool) {
	if s == nil {
		return hit{}, false
	}
	for _, heard := range meanings(p, i) {
		s := s.clone()
		s.heard = heard
		if j := w.rules.judge(s); j.matched && !j.internal {
			h := w.hit
			h.judgement, h.called = j, called(p, i)
			return h, true
		}
	}
	return hit{}, false
}

// meanings of an interaction: itself; and where an address was given out in place of a name, the lookup without which
// nobody would have come.
func meanings(p *collaborator.Probe, i collaborator.Interaction) []dsl.Map {
	request := i.Request
	if i.Protocol == "dns" {
		request = strings.ToLower(request) // names are not written in one way (RFC 4343)
	}
	address := i.Source.Addr().String()
	all := []dsl.Map{{"interactsh_protocol": i.Protocol, "interactsh_request": request, "interactsh_response": i.Response, "interactsh_ip": address}}
	if !p.Named {
		all = append(all, dsl.Map{"interactsh_protocol": "dns", "interactsh_request": "", "interactsh_response": "", "interactsh_ip": address})
	}
	return all
}

// called tells an interaction as evidence.
func called(p *collaborator.Probe, i collaborator.Interaction) string {
	return fmt.Sprintf("Called back: %s from %s at %s, %.1f s after the request was made, with the name given to it alone (%s):\n%s",
		i.Protocol, i.Source, i.At.Format("2006-01-02T15:04:05.000Z"), i.At.Sub(p.Made).Seconds(), p.Host, firstBytes(i.Request, 1500))
}

// frozen is a copy that later steps of the execution do not change.
func (s *scope) frozen() *scope {
	c := s.clone()
	c.base, c.protocols, c.calls = maps.Clone(s.base), maps.Clone(s.protocols), nil
	if s.calls != nil {
		for name, host := range s.calls.given {
			c.base[name] = host
		}
	}
	return c
}

// weight is about how many bytes the last answer of a scope holds.
func (s *scope) weight() int {
	if k := len(s.answers); k > 0 {
		if a, ok := s.answers[k-1].(*httpAnswer); ok {
			return 2 * len(a.body)
		}
	}
	return 0
}
