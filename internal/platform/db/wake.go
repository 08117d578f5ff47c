package db

import (
	"context"
	"sync"
)

// channel of PostgreSQL on which wake-ups travel between processes.
const channel = "vedette"

// wakes are those who wait for something to happen, by topic.
type wakes struct {
	mu      sync.Mutex
	waiting map[string]chan struct{}
}

func (w *wakes) wait(topic string) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting == nil {
		w.waiting = map[string]chan struct{}{}
	}
	if w.waiting[topic] == nil {
		w.waiting[topic] = make(chan struct{})
	}
	return w.waiting[topic]
}

func (w *wakes) wake(topic string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.waiting[topic]; c != nil {
		close(c)
		delete(w.waiting, topic)
	}
}

// Wait gives a channel that is closed at the next Tx.Wake of the topic, in whichever process it was committed. Take it
// before looking at the rows, so that nothing is missed in between.
func (d *DB) Wait(topic string) <-chan struct{} { return d.wakes.wait(topic) }

// Wake those who wait for the topic, once the transaction is committed.
func (tx *Tx) Wake(topic string) error {
	tx.AfterCommit(func() { tx.wakes.wake(topic) })
	return tx.Notify(channel, topic)
}

// ListenForWakes passes on the wake-ups of other processes until ctx ends or the connection breaks.
func (d *DB) ListenForWakes(ctx context.Context) error {
	return d.Listen(ctx, channel, d.wakes.wake)
}
