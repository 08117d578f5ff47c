package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/authority"
)

// grace is how long a stopped engine, and after it the last messages, may take.
const grace = 4 * time.Second

type agent struct {
	cfg     Config
	link    *client
	running atomic.Int64
	freed   chan struct{}
	work    sync.WaitGroup
}

// Run works for the server until ctx ends; it then gives the leased chunks back and returns nil. ErrUnknown is returned
// when the server no longer knows this scanner. A server that is away is waited for.
func Run(ctx context.Context, cfg Config) error {
	if err := cfg.check(); err != nil {
		return err
	}
	link, err := dial(cfg)
	if err != nil {
		return err
	}
	defer link.http.CloseIdleConnections()
	a := &agent{cfg: cfg, link: link, freed: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if cfg.MemoryLimit > 0 {
		go watchMemory(ctx, cfg.MemoryLimit)
	}
	var renewals sync.WaitGroup
	renewals.Go(func() { a.renew(ctx) })
	err = a.poll(ctx)
	cancel()
	a.work.Wait()
	renewals.Wait()
	return err
}

func (a *agent) hello() scanlink.Hello {
	versions := maps.Clone(a.cfg.FeedVersions)
	if a.cfg.TemplateVersion != nil {
		if versions == nil {
			versions = map[string]string{}
		}
		versions["templates"] = a.cfg.TemplateVersion()
	}
	return scanlink.Hello{Version: a.cfg.Version, Capabilities: capabilities(), Addresses: addresses(), FeedVersions: versions, Clock: clock.Now()}
}

// poll leases work until ctx ends.
func (a *agent) poll(ctx context.Context) error {
	pause := onPoll.first
	greeted := false
	for ctx.Err() == nil {
		var lease scanlink.Lease
		some, err := false, error(nil)
		if !greeted {
			_, err = a.link.post(ctx, scanlink.PathHello, a.hello(), nil)
			greeted = err == nil
		} else {
			some, err = a.lease(ctx, &lease)
		}
		switch {
		case ctx.Err() != nil && !some:
		case statusOf(err) == http.StatusUnauthorized:
			return ErrUnknown
		case statusOf(err) == http.StatusForbidden:
			slog.WarnContext(ctx, "this scanner is not active; asking again later", "error", err)
			wait(ctx, refused)
		case err != nil:
			slog.WarnContext(ctx, "the server cannot be reached; trying again", "error", err, "pause", pause)
			wait(ctx, pause/2+rand.N(pause))
			pause = min(pause*2, onPoll.most)
			continue
		case some:
			a.take(ctx, lease)
		}
		pause = onPoll.first
	}
	return nil
}

// lease asks for work. With no chunk free it still hears of verifications, until a chunk becomes free.
func (a *agent) lease(ctx context.Context, into *scanlink.Lease) (bool, error) {
	ask, cancel := context.WithCancel(ctx)
	defer cancel()
	free := a.cfg.Parallel - int(a.running.Load())
	if free <= 0 {
		free = 0
		go func() {
			select {
			case <-a.freed:
				cancel()
			case <-ask.Done():
			}
		}()
	}
	start := clock.Monotonic()
	some, err := a.link.post(ask, scanlink.PathLease, scanlink.LeaseRequest{Hello: a.hello(), Free: free, Instance: a.cfg.Instance}, into)
	if err != nil && ask.Err() != nil {
		return false, nil //nolint:nilerr // a poll that was cut short is no failure
	}
	if err == nil && !some && clock.Since(start) < time.Second {
		wait(ask, time.Second) // a server that holds no polls is not to be hammered
	}
	return some, err
}

func (a *agent) take(ctx context.Context, lease scanlink.Lease) {
	if lease.Verify != nil {
		if err := a.unseal(&lease); err != nil {
			slog.ErrorContext(ctx, "the credentials of a verification cannot be opened", "error", err)
			wait(ctx, time.Second)
			return
		}
		a.work.Go(func() { a.verify(ctx, *lease.Verify, lease.Plan) })
		return
	}
	if lease.Plan == nil || lease.ChunkID == "" || lease.DeadlineSeconds < 1 {
		slog.ErrorContext(ctx, "the server leased a chunk without a plan or deadline")
		wait(ctx, time.Second)
		return
	}
	if err := a.unseal(&lease); err != nil {
		// The lease runs out and comes again, sealed anew for the certificate that is shown then.
		slog.ErrorContext(ctx, "the credentials of a chunk cannot be opened", "chunk", lease.ChunkID, "error", err)
		wait(ctx, time.Second)
		return
	}
	a.running.Add(1)
	a.work.Go(func() {
		defer func() {
			a.running.Add(-1)
			select {
			case a.freed <- struct{}{}:
			default:
			}
		}()
		newChunk(a, lease).run(ctx)
	})
}

// unseal puts the credentials of a lease into its plan, where they stay in memory until the chunk ends.
func (a *agent) unseal(lease *scanlink.Lease) error {
	if len(lease.Sealed) == 0 || lease.Plan == nil {
		return nil
	}
	plain, err := authority.Unseal(a.link.identity.Load(), lease.Job(), lease.Sealed)
	if former := a.link.former.Load(); err != nil && former != nil {
		plain, err = authority.Unseal(former, lease.Job(), lease.Sealed)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, &lease.Plan.Credentials)
}

// renew gets a new certificate in time. It looks every hour, and after a failure every minute.
func (a *agent) renew(ctx context.Context) {
	for {
		pause := time.Hour
		if clock.Now().After(a.link.identity.Load().Leaf.NotAfter.Add(-authority.RenewBefore)) {
			if err := a.renewNow(ctx); err != nil {
				slog.WarnContext(ctx, "the scanner's certificate could not be renewed", "error", err, "expires", a.link.identity.Load().Leaf.NotAfter)
				pause = time.Minute
			}
		}
		if !wait(ctx, pause) {
			return
		}
	}
}

func (a *agent) renewNow(ctx context.Context) error {
	csr, key, err := authority.NewRequest()
	if err != nil {
		return err
	}
	var answer scanlink.LinkAnswer
	if some, err := a.link.post(ctx, scanlink.PathRenew, scanlink.RenewRequest{CSR: csr}, &answer); err != nil || !some {
		return errors.Join(err, errors.New("renew the certificate"))
	}
	id, err := identityOf(answer.Certificate, key)
	if err != nil {
		return err
	}
	if a.cfg.Renewed != nil {
		if err := a.cfg.Renewed(answer.Certificate, key); err != nil {
			return fmt.Errorf("keep the new certificate: %w", err)
		}
	}
	a.link.former.Store(a.link.identity.Swap(id))
	a.link.http.CloseIdleConnections() // the next connection shows it
	return nil
}

// addresses of this machine's network interfaces, as far as others may meet them.
func addresses() []string {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []string
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().IsGlobalUnicast() {
			out = append(out, p.Addr().Unmap().String())
		}
	}
	return out
}

func capabilities() []string {
	if rawSockets() {
		return []string{"raw_sockets"}
	}
	return nil
}

func rawSockets() bool {
	c, err := (&net.ListenConfig{}).ListenPacket(context.Background(), "ip4:icmp", "127.0.0.1")
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}
