package ports

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vedette/vedette/internal/engine/wire"
	"github.com/vedette/vedette/internal/platform/clock"
)

// Payload is one datagram that makes a service answer.
type Payload struct {
	Name    string // of the protocol
	Data    []byte
	AnyPort bool // the answer comes from another port, as TFTP's does
}

// Answer is what came back from an open UDP port.
type Answer struct {
	Port    uint16
	Payload string // name of the payload that was answered
	Reply   []byte
}

const (
	udpTries   = 3
	udpTimeout = 900 * time.Millisecond
)

// UDP sends each port the payloads that fit it. A port is open when it answers, and only then: silence may be a filter.
// An error is ctx's, or that the plan does not name the address.
func UDP(ctx context.Context, n *wire.Net, address netip.Addr, list []uint16, payloads func(uint16) []Payload, o Options) ([]Answer, error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	var mu sync.Mutex
	var answers []Answer
	var failed error
	for range min(128, len(list)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(list) || ctx.Err() != nil {
					return
				}
				u := udpPort{net: n, to: netip.AddrPortFrom(address, list[i]), options: o}
				a, err := u.ask(ctx, payloads(list[i]))
				mu.Lock()
				if err != nil && failed == nil {
					failed = err
				}
				if a != nil {
					answers = append(answers, *a)
					if o.Open != nil {
						o.Open(a.Port)
					}
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		failed = ctx.Err()
	}
	return answers, failed
}

type udpPort struct {
	net     *wire.Net
	to      netip.AddrPort
	options Options
}

// ask tries every payload, again when nothing comes; a refusal by ICMP ends it.
func (u *udpPort) ask(ctx context.Context, payloads []Payload) (*Answer, error) {
	if s := u.options.Sockets; s != nil {
		select {
		case s <- struct{}{}:
			defer func() { <-s }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	for try := range udpTries {
		for _, p := range payloads {
			if u.options.Probed != nil && try < 2 {
				u.options.Probed(1)
			}
			reply, refused, err := u.send(ctx, p, udpTimeout+min(2*time.Second, 4*u.options.RTT))
			if err != nil {
				return nil, err
			}
			if len(reply) > 0 {
				return &Answer{Port: u.to.Port(), Payload: p.Name, Reply: reply}, nil
			}
			if refused {
				return nil, nil
			}
		}
	}
	return nil, nil
}

func (u *udpPort) send(ctx context.Context, p Payload, wait time.Duration) (reply []byte, refused bool, err error) {
	if p.AnyPort {
		reply, err = u.net.Exchange(ctx, u.to, p.Data, wait)
		return reply, false, err
	}
	c, err := u.net.Dial(ctx, "udp", u.to)
	if err != nil {
		if wire.AnswerOf(err) == wire.Unreachable && ctx.Err() == nil {
			return nil, true, nil
		}
		return nil, false, err
	}
	defer c.Close()
	if err := c.SetDeadline(clock.Monotonic().Add(wait)); err != nil {
		return nil, false, nil
	}
	if _, err := c.Write(p.Data); err != nil {
		return nil, wire.AnswerOf(err) == wire.Closed, ctx.Err()
	}
	b := make([]byte, 64<<10)
	n, err := c.Read(b)
	if err != nil {
		return nil, wire.AnswerOf(err) == wire.Closed, ctx.Err()
	}
	return b[:n:n], false, nil
}
