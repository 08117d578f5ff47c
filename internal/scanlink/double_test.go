package scanlink_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/agent"
	"github.com/vedette/vedette/internal/scanlink/authority"
	"github.com/vedette/vedette/internal/scanlink/server"
)

// double is a Dispatcher in memory, for the protocol alone: one chunk a plan.
type double struct {
	authority *authority.Authority
	pair      authority.Pair
	lifetime  int           // seconds of a lease
	hold      time.Duration // of a beat; 0: as long as it may

	mu       sync.Mutex
	changed  chan struct{}
	codes    map[string]bool
	known    map[string]error
	waiting  []scanlink.Lease
	token    map[string]int64
	stopped  map[string]bool
	batches  map[string]map[int]scanlink.Batch
	repeats  int
	finished map[string]scanlink.Finish
	verified map[string]scanlink.Verification
	hellos   int
	renewed  int
	progress *scanlink.Progress
	briefs   []string // stages told by brief beats
	held     bool     // the last beat may be held open
	dropNext int      // answers to lose after the batch was kept
}

func newDouble(t *testing.T) *double {
	t.Helper()
	pair, err := authority.New()
	if err != nil {
		t.Fatal(err)
	}
	a, err := authority.Open(pair)
	if err != nil {
		t.Fatal(err)
	}
	return &double{
		authority: a, pair: pair, lifetime: 30, changed: make(chan struct{}), codes: map[string]bool{"secret": true}, known: map[string]error{},
		token: map[string]int64{}, stopped: map[string]bool{}, batches: map[string]map[int]scanlink.Batch{},
		finished: map[string]scanlink.Finish{}, verified: map[string]scanlink.Verification{},
	}
}

// change runs act under the lock and wakes all who wait.
func (d *double) change(act func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	act()
	close(d.changed)
	d.changed = make(chan struct{})
}

// await returns when is says true, or false when ctx ends.
func (d *double) await(ctx context.Context, is func() bool) bool {
	for {
		d.mu.Lock()
		ok, changed := is(), d.changed
		d.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

func (d *double) must(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if !d.await(ctx, is) {
		t.Fatalf("never happened: %s", what)
	}
}

func (d *double) give(l scanlink.Lease) {
	d.change(func() { d.waiting = append(d.waiting, l) })
}

func (d *double) Link(_ context.Context, r scanlink.LinkRequest) (scanlink.LinkAnswer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.codes[r.Code] {
		return scanlink.LinkAnswer{}, fault.New(fault.Unauthenticated, "no such code")
	}
	id := uuid.NewString()
	c, err := d.authority.Scanner(r.CSR, id)
	if err != nil {
		return scanlink.LinkAnswer{}, err
	}
	delete(d.codes, r.Code)
	d.known[id] = nil
	return scanlink.LinkAnswer{Certificate: c, Authority: d.authority.Certificate(), ScannerID: id}, nil
}

func (d *double) Known(_ context.Context, id, _ string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err, ok := d.known[id]
	if !ok {
		return fault.New(fault.Unauthenticated, "not known")
	}
	return err
}

func (d *double) Renew(_ context.Context, id, _, csr string) (scanlink.LinkAnswer, error) {
	c, err := d.authority.Scanner(csr, id)
	d.change(func() { d.renewed++ })
	return scanlink.LinkAnswer{Certificate: c, Authority: d.authority.Certificate(), ScannerID: id}, err
}

func (d *double) Hello(context.Context, string, scanlink.Hello) error {
	d.change(func() { d.hellos++ })
	return nil
}

func (d *double) Lease(ctx context.Context, _ string, r scanlink.LeaseRequest) (*scanlink.Lease, error) {
	var out *scanlink.Lease
	d.await(ctx, func() bool {
		i := slices.IndexFunc(d.waiting, func(l scanlink.Lease) bool { return r.Free > 0 || l.Verify != nil })
		if i < 0 {
			return false
		}
		l := d.waiting[i]
		d.waiting = slices.Delete(d.waiting, i, i+1)
		if l.Verify == nil {
			d.token[l.ChunkID]++
			l.Token, l.Attempt, l.DeadlineSeconds = d.token[l.ChunkID], int(d.token[l.ChunkID]), d.lifetime
		}
		out = &l
		return true
	})
	return out, ctx.Err()
}

func (d *double) holds(chunk string, token int64) error {
	if d.token[chunk] != token {
		return fault.New(fault.Conflict, "stale token")
	}
	return nil
}

func (d *double) Beat(ctx context.Context, _, chunk string, b scanlink.Beat) (scanlink.BeatAnswer, error) {
	var err error
	if d.hold > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.hold)
		defer cancel()
	}
	if b.Progress != nil {
		d.change(func() { d.progress = b.Progress })
	}
	if b.Brief && b.Progress != nil {
		d.change(func() { d.briefs = append(d.briefs, b.Progress.Stage) })
	}
	d.change(func() { d.held = !b.Brief })
	stop := false
	d.await(ctx, func() bool {
		err = d.holds(chunk, b.Token)
		stop = d.stopped[chunk]
		return stop || b.Brief || err != nil
	})
	return scanlink.BeatAnswer{Stop: stop, DeadlineSeconds: d.lifetime}, err
}

func (d *double) Observe(_ context.Context, _, chunk string, b scanlink.Batch) (err error) {
	d.change(func() {
		if err = d.holds(chunk, b.Token); err != nil {
			return
		}
		if d.batches[chunk] == nil {
			d.batches[chunk] = map[int]scanlink.Batch{}
		}
		if _, ok := d.batches[chunk][b.Sequence]; ok {
			d.repeats++
		}
		d.batches[chunk][b.Sequence] = b
		if d.dropNext > 0 {
			d.dropNext--
			err = errors.New("the answer is lost")
		}
	})
	return err
}

func (d *double) Finish(_ context.Context, _, chunk string, f scanlink.Finish) (err error) {
	d.change(func() {
		if err = d.holds(chunk, f.Token); err != nil {
			return
		}
		for i := 1; i <= f.LastSequence; i++ {
			if _, ok := d.batches[chunk][i]; !ok {
				err = fmt.Errorf("batch %d is missing", i)
				return
			}
		}
		d.finished[chunk] = f
	})
	return err
}

func (d *double) Verified(_ context.Context, _, job string, v scanlink.Verification) error {
	d.change(func() { d.verified[job] = v })
	return nil
}

func (d *double) observations(chunk string) int {
	n := 0
	for _, b := range d.batches[chunk] {
		n += len(b.Observations)
	}
	return n
}

// serve listens on the address until stop is called, or the test ends.
func (d *double) serve(t *testing.T, address string) (url string, stop func()) {
	t.Helper()
	s, err := server.Listen(address, d.authority, server.Handler(d))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
		defer cancel()
		if err := errors.Join(s.Shutdown(ctx), <-served); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	t.Cleanup(stop)
	return "https://" + s.Address().String(), stop
}

// link makes an identity by the code.
func (d *double) link(t *testing.T, url string) agent.State {
	t.Helper()
	code, err := scanlink.LinkingCode("secret", d.authority.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	s, err := agent.Link(t.Context(), url, code, "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// start runs an agent with an engine; end stops it as SIGTERM would and gives Run's error.
func start(t *testing.T, s agent.State, engine agent.Engine) (end func() error, done <-chan error) {
	t.Helper()
	cfg := agent.Config{Parallel: 1, Version: "1.2.3", Engine: engine}
	s.Apply(&cfg, t.TempDir())
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	result := make(chan error, 1)
	ended := make(chan error, 1)
	go func() {
		err := agent.Run(ctx, cfg)
		ended <- err
		result <- err
	}()
	end = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-result:
			return err
		case <-time.After(15 * time.Second):
			return errors.New("the agent did not end")
		}
	})
	t.Cleanup(func() { _ = end() })
	return end, ended
}

// freePort is an address nobody listens on now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
