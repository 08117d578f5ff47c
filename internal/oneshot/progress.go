package oneshot

import (
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink"
)

// progress shows on standard error how far a scan is: one updating line on a terminal, else a line now and then.
type progress struct {
	w        io.Writer
	terminal bool
	every    time.Duration
	hosts    int

	mu       sync.Mutex
	now      scanlink.Progress
	alive    map[string]bool
	open     int
	findings int
	began    time.Time
}

func newProgress(s Streams, hosts int) *progress {
	p := &progress{w: s.Err, terminal: s.ErrTerminal, every: 5 * time.Second, hosts: hosts, alive: map[string]bool{}, began: clock.Monotonic()}
	if p.terminal {
		p.every = 200 * time.Millisecond
	}
	return p
}

// start shows until the function that it gives is called.
func (p *progress) start() (stop func()) {
	fmt.Fprintf(p.w, "Scanning %s.\n", plural(p.hosts, "address", "addresses"))
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(p.every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.show()
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		running.Wait()
		if p.terminal {
			fmt.Fprint(p.w, "\r\x1b[K")
		}
	}
}

func (p *progress) set(now scanlink.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = now
}

func (p *progress) count(o scanlink.Observation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case o.Host != nil && o.Host.Alive:
		p.alive[o.Host.Address.String()] = true
	case o.Service != nil && o.Service.State == "open":
		p.open++
	case o.Finding != nil:
		p.findings++
	}
}

func (p *progress) show() {
	line := p.line()
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
		return
	}
	fmt.Fprintln(p.w, line)
}

func (p *progress) line() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := fmt.Sprintf("%3.0f %%  %-8s  %d of %d done, %d alive, %s, %s", p.now.Percent, p.now.Stage, p.now.Hosts, p.hosts, len(p.alive),
		plural(p.open, "open port", "open ports"), plural(p.findings, "finding", "findings"))
	if p.now.Rate > 0 {
		text += fmt.Sprintf(", %.0f probes/s", p.now.Rate)
	}
	text += ", " + duration(clock.Since(p.began).Seconds())
	if p.now.ETA > 0 {
		text += ", about " + duration(p.now.ETA) + " left"
	}
	return text
}

func duration(seconds float64) string {
	return time.Duration(math.Round(min(max(seconds, 0), 1e8)) * 1e9).String()
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
