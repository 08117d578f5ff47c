package agent

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/vedette/vedette/internal/scanlink"
)

const (
	batchSize  = 500                    // observations
	batchDelay = 500 * time.Millisecond // after the first of a batch
	batchBytes = scanlink.MaxBody / 2
)

// deliver sends observations in batches until the engine's have ended or the chunk is lost. What waits in the queue
// holds the engine back while the server is away.
func (c *chunk) deliver() {
	for {
		batch, last := c.gather()
		if len(batch) > 0 && !c.sendBatch(batch) {
			return
		}
		if last {
			return
		}
	}
}

// gather waits for observations; last is true when no more will come.
func (c *chunk) gather() (batch []scanlink.Observation, last bool) {
	select {
	case o := <-c.queue:
		batch = append(batch, o)
	case <-c.over:
		return c.drain(nil)
	case <-c.words.Done():
		return nil, true
	}
	t := time.NewTimer(batchDelay)
	defer t.Stop()
	for len(batch) < batchSize {
		select {
		case o := <-c.queue:
			batch = append(batch, o)
		case <-t.C:
			return batch, false
		case <-c.over:
			return c.drain(batch)
		case <-c.words.Done():
			return nil, true
		}
	}
	return batch, false
}

func (c *chunk) drain(batch []scanlink.Observation) ([]scanlink.Observation, bool) {
	for len(batch) < batchSize {
		select {
		case o := <-c.queue:
			batch = append(batch, o)
		default:
			return batch, true
		}
	}
	return batch, false
}

// sendBatch numbers and sends observations, halved while they are too large for one body. It is repeated under the
// same number until the server has it. False ends the delivery.
func (c *chunk) sendBatch(batch []scanlink.Observation) bool {
	body, err := json.Marshal(scanlink.Batch{Token: c.lease.Token, Sequence: c.sequence + 1, Observations: batch})
	if err != nil {
		slog.Error("an observation cannot be sent", "chunk", c.lease.ChunkID, "error", err)
		return len(batch) == 1 || c.sendBatch(batch[:len(batch)/2]) && c.sendBatch(batch[len(batch)/2:])
	}
	if len(body) > batchBytes && len(batch) > 1 {
		return c.sendBatch(batch[:len(batch)/2]) && c.sendBatch(batch[len(batch)/2:])
	}
	err = retry(c.words, onSend, func() error {
		_, err := c.agent.link.send(c.words, c.path+scanlink.PathResult, body, nil)
		return err
	})
	switch {
	case err == nil:
		c.sequence++
		return true
	case c.words.Err() != nil:
	case gone(err):
		slog.Warn("the lease is over", "chunk", c.lease.ChunkID, "error", err)
		c.lost()
	default:
		c.end(fmt.Errorf("%w: %w", errRefused, err))
	}
	return false
}
