package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink"
)

// Why a chunk ended before its plan did.
var (
	errStopped = errors.New("the server asked for a stop")
	errLost    = errors.New("the lease is over")
	errRefused = errors.New("the server refused what was observed")
	errTurned  = errors.New("the stage has changed")
)

// chunk is one lease at work. Two contexts run it: traffic carries the engine and ends by a stop; words carries the
// messages to the server and outlives traffic by the grace, so that the last observations and the finish get through.
type chunk struct {
	agent    *agent
	lease    scanlink.Lease
	path     string
	queue    chan scanlink.Observation
	over     chan struct{} // closed when the engine's observations have ended
	progress atomic.Pointer[scanlink.Progress]
	turned   chan struct{} // the stage has changed since the last beat

	traffic context.Context
	end     context.CancelCauseFunc
	words   context.Context
	hush    context.CancelFunc

	deadline *time.Timer
	sequence int
}

func newChunk(a *agent, lease scanlink.Lease) *chunk {
	return &chunk{
		agent: a, lease: lease, path: scanlink.PathChunks + lease.ChunkID,
		queue: make(chan scanlink.Observation, 4*batchSize), over: make(chan struct{}), turned: make(chan struct{}, 1),
	}
}

func (c *chunk) run(ctx context.Context) {
	c.traffic, c.end = context.WithCancelCause(ctx)
	defer c.end(nil)
	c.words, c.hush = context.WithCancel(context.WithoutCancel(ctx))
	defer c.hush()
	// After the scanner itself was told to end, the last words have a limited time.
	defer context.AfterFunc(ctx, func() { time.AfterFunc(2*grace, c.hush) })()
	c.deadline = time.AfterFunc(time.Duration(c.lease.DeadlineSeconds)*time.Second, c.lost)
	defer c.deadline.Stop()
	log := slog.With("chunk", c.lease.ChunkID, "scan", c.lease.ScanID, "attempt", c.lease.Attempt)
	log.InfoContext(ctx, "chunk leased", "hosts", len(c.lease.Plan.Hosts))

	var beats, sender sync.WaitGroup
	beats.Go(c.beat)
	sender.Go(c.deliver)
	err := c.work()
	interrupted := c.traffic.Err() != nil
	close(c.over)
	sender.Wait()
	c.finish(log, err, interrupted)
	c.hush()
	beats.Wait()
}

// lost ends everything about the chunk: another scanner may hold it now.
func (c *chunk) lost() {
	c.end(errLost)
	c.hush()
}

// work runs the engine. An engine that does not return within the grace after a stop is left behind: its sockets are
// closed by then, and nothing that it says is heard.
func (c *chunk) work() error {
	done := make(chan error, 1)
	go func() { done <- c.guarded() }()
	select {
	case err := <-done:
		return err
	case <-c.traffic.Done():
	}
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case err := <-done:
		return err
	case <-t.C:
		slog.Error("the engine did not stop in time", "chunk", c.lease.ChunkID)
		return errors.New("the engine did not stop in time")
	}
}

func (c *chunk) guarded() (err error) {
	defer func() {
		if p := recover(); p != nil {
			slog.Error("the engine panicked", "chunk", c.lease.ChunkID, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("the engine panicked: %v", p)
		}
	}()
	return c.agent.cfg.Engine(c.traffic, *c.lease.Plan, c.emit)
}

func (c *chunk) emit(o scanlink.Observation) {
	if err := o.Check(); err != nil {
		slog.Error("the engine emitted something that is no fact", "chunk", c.lease.ChunkID, "error", err)
		return
	}
	if o.Progress != nil {
		if last := c.progress.Swap(o.Progress); last == nil || last.Stage != o.Progress.Stage {
			select {
			case c.turned <- struct{}{}:
			default:
			}
		}
		return
	}
	select {
	case <-c.over:
		return
	default:
	}
	select {
	case c.queue <- o:
	case <-c.over:
	case <-c.words.Done():
	}
}

// beat keeps the lease alive. A beat that is held open is cut short when the stage changes, and followed by a brief one that tells
// of it; there is at most one a second.
func (c *chunk) beat() {
	brief := false
	for c.words.Err() == nil {
		start := clock.Monotonic()
		answer, cut, err := c.beatOnce(brief)
		switch {
		case c.words.Err() != nil:
			return
		case err != nil && !cut:
			slog.Warn("the lease is over", "chunk", c.lease.ChunkID, "error", err)
			c.lost()
			return
		}
		if answer.Stop {
			c.end(errStopped)
		}
		brief = cut
		if spent := clock.Since(start); spent < time.Second {
			wait(c.words, time.Second-spent)
		}
	}
}

// beatOnce sends one beat and moves the deadline by its answer; cut says that the stage changed while it was held open.
func (c *chunk) beatOnce(brief bool) (answer scanlink.BeatAnswer, cut bool, err error) {
	ctx, cancel := context.WithCancelCause(c.words)
	defer cancel(nil)
	if !brief {
		go func() {
			select {
			case <-c.turned:
				cancel(errTurned)
			case <-ctx.Done():
			}
		}()
	}
	start := clock.Monotonic()
	err = retry(ctx, onBeat, func() error {
		start = clock.Monotonic()
		_, err := c.agent.link.post(ctx, c.path+scanlink.PathBeat, scanlink.Beat{Token: c.lease.Token, Progress: c.progress.Load(), Brief: brief}, &answer)
		return err
	})
	if err != nil {
		return scanlink.BeatAnswer{}, errors.Is(context.Cause(ctx), errTurned), err
	}
	if left := time.Duration(answer.DeadlineSeconds)*time.Second - clock.Since(start); left > 0 {
		c.deadline.Reset(left)
	}
	return answer, false, nil
}

// finish tells the end of the chunk, unless the lease is lost.
func (c *chunk) finish(log *slog.Logger, err error, interrupted bool) {
	cause := context.Cause(c.traffic)
	if errors.Is(cause, errLost) {
		log.Warn("chunk dropped", "cause", cause)
		return
	}
	f := scanlink.Finish{Token: c.lease.Token, LastSequence: c.sequence, Interrupted: interrupted}
	switch {
	case errors.Is(cause, errRefused):
		f.Error, f.Interrupted = cause.Error(), false
	case err != nil && !interrupted:
		f.Error = err.Error()
	}
	err = retry(c.words, onSend, func() error {
		_, err := c.agent.link.post(c.words, c.path+scanlink.PathFinish, f, nil)
		return err
	})
	if err != nil {
		log.Warn("chunk could not be finished", "error", err)
		return
	}
	log.Info("chunk finished", "batches", f.LastSequence, "interrupted", f.Interrupted, "error", f.Error)
}

// gone says whether an answer means that the lease is no longer ours.
func gone(err error) bool {
	switch statusOf(err) {
	case http.StatusConflict, http.StatusNotFound, http.StatusGone, http.StatusUnauthorized, http.StatusForbidden:
		return true
	}
	return false
}
