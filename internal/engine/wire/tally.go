package wire

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// Tally counts what a stage asked of one service that is known to answer: a service that falls silent under its checks
// must not look as if they had found nothing.
type Tally struct {
	Port                      uint16 // connections to other ports are not counted; 0 counts all
	asked, unanswered, unsent atomic.Int64
}

// Count notes one request.
func (t *Tally) Count(answered bool) {
	if t == nil {
		return
	}
	t.asked.Add(1)
	if !answered {
		t.unanswered.Add(1)
	}
}

// Skip notes what was to be asked and was not: the service had fallen silent, or its time was over.
func (t *Tally) Skip(n int) {
	if t != nil {
		t.unsent.Add(int64(n))
	}
}

// Asked are the requests so far, of which Unanswered got no answer; Unsent are those that were given up.
func (t *Tally) Asked() int      { return int(t.asked.Load()) }
func (t *Tally) Unanswered() int { return int(t.unanswered.Load()) }
func (t *Tally) Unsent() int     { return int(t.unsent.Load()) }

// Counting is the same Net, which counts connections into t and tries one that fails once more. With nil it does not.
func (n *Net) Counting(t *Tally) *Net {
	c := *n
	c.tally = t
	return &c
}

// Tally that this Net counts into; nil for none.
func (n *Net) Tally() *Tally { return n.tally }

const secondTry = 250 * time.Millisecond

func again(ctx context.Context) error {
	t := time.NewTimer(secondTry)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Lost says that an error means silence: no connection, or no answer in time. A connection that is closed is an answer.
func Lost(err error) bool {
	var op *net.OpError
	var late net.Error
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &late) && late.Timeout()
}
