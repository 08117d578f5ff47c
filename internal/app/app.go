// Package app is the composition root: it opens what the program stands on, makes the operation table of the nouns, ties
// events to those who hear them, and starts and stops it all. No other package knows who works for whom.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/vedette/vedette/internal/api"
	"github.com/vedette/vedette/internal/domain/audit"
	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/domain/report"
	"github.com/vedette/vedette/internal/domain/retention"
	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/domain/target"
	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/domain/vulnerability"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/blob"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/config"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/platform/metric"
	"github.com/vedette/vedette/internal/platform/netout"
	"github.com/vedette/vedette/internal/platform/outbox"
	"github.com/vedette/vedette/internal/platform/replay"
	"github.com/vedette/vedette/internal/platform/secret"
	linkserver "github.com/vedette/vedette/internal/scanlink/server"
	"github.com/vedette/vedette/internal/schema"
)

// Version of the program; the build sets it.
var Version = "2.0.0-dev"

// App is the running program.
type App struct {
	Config *config.Config
	DB     *db.DB
	First  *FirstSignIn // of a first start; nil otherwise
	// Executable that the embedded scanner is started from; empty: this program. To be set before Run.
	Executable string

	log        *slog.Logger
	blob       *blob.Store
	queue      *jobs.Queue
	knowledge  *Knowledge
	dispatcher *scan.Dispatcher
	link       *linkserver.Server
	api        *http.Server
	listener   net.Listener
	metrics    *metric.Registry
	work       sync.WaitGroup
}

// New opens the database (bringing the schema up to date where it may), makes what a first start needs, and builds the
// servers. Nothing runs until Run.
func New(ctx context.Context, c *config.Config, log *slog.Logger, clk *clock.Clock) (*App, error) {
	a := &App{Config: c, log: log, metrics: metric.New()}
	if err := a.open(ctx, clk); err != nil {
		return nil, errors.Join(err, a.close())
	}
	if err := a.build(ctx); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func (a *App) open(ctx context.Context, clk *clock.Clock) error {
	c := a.Config
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return fmt.Errorf("data_dir: %w", err)
	}
	address := c.Database.URL.Reveal()
	if c.Database.Postgres() {
		if owner := c.Database.MigrateURL.Reveal(); owner != "" {
			if err := db.Migrate(ctx, owner, db.RoleOf(address), schema.Files); err != nil {
				return err
			}
		}
	} else {
		address = c.Database.SQLitePath()
		if err := db.Migrate(ctx, address, "", schema.Files); err != nil {
			return err
		}
	}
	var err error
	if a.DB, err = db.Open(ctx, address, clk); err != nil {
		return err
	}
	a.DB.Limit(c.Database.MaxConnections)
	writes := a.metrics.Histogram("write_transaction_seconds", "Time of write transactions.", metric.Fast)
	a.DB.Watch(func(took time.Duration) { writes.WithLabelValues().Observe(took.Seconds()) })
	if a.blob, err = blob.Open(filepath.Join(c.DataDir, "blob")); err != nil {
		return err
	}
	a.knowledge, err = openKnowledge(c.Feed.Dir, a.log)
	return err
}

// build makes the graph.
func (a *App) build(ctx context.Context) error {
	sealer, err := a.Config.Sealer()
	if err != nil {
		return err
	}
	hasher := secret.NewHasher(passwordCost, 2)
	if a.First, err = firstStart(ctx, a.DB, a.Config, hasher); err != nil {
		return err
	}
	ca, err := openAuthority(ctx, a.DB, sealer)
	if err != nil {
		return err
	}
	a.dispatcher = &scan.Dispatcher{DB: a.DB, Authority: ca, Judge: vulnerability.Judging(a.knowledge.At, a.DB.Clock()), Complete: vulnerability.Complete,
		Knowledge: a.knowledge.Info, LeaseTime: a.Config.Scan.LeaseTime, Sealer: sealer, Log: a.log,
		Limits: scan.Limits{Running: a.Config.Scan.MaxRunning, PacketsPerSecond: a.Config.Scan.MaxPackets}}
	if a.link, err = linkserver.Listen(a.Config.ScannerLink.Address, ca, linkserver.Handler(a.dispatcher)); err != nil {
		return fmt.Errorf("listen for scanners on %s: %w", a.Config.ScannerLink.Address, err)
	}
	if a.listener, err = net.Listen("tcp", a.Config.HTTP.Address); err != nil {
		return fmt.Errorf("listen on %s: %w", a.Config.HTTP.Address, err)
	}
	maker := &report.Maker{DB: a.DB, Blob: a.blob, ASV: issuer(a.Config), BrandOf: brandOfReport}
	a.queue = jobs.New()
	maker.Work(a.queue)
	outbox.Work(a.queue, a.DB, handlers(maker))
	plan.Work(a.queue, a.DB)
	retention.Work(a.queue, a.DB, a.blob, periods(a.Config.Retention), a.log)
	vulnerability.WorkRematch(a.queue, a.DB, a.knowledge.Get)
	a.knowledge.Changed = a.rematch
	return a.serveAPI(sealer, hasher)
}

// rematch judges stored facts by the knowledge that has just come into force.
func (a *App) rematch() {
	ctx := context.Background()
	err := a.DB.Write(ctx, access.System(access.DoorRematch), func(tx *db.Tx) error { return jobs.Enqueue(tx, vulnerability.RematchJob{}) })
	if err != nil {
		a.log.ErrorContext(ctx, "rematch", slog.Any("error", err))
	}
}

func (a *App) serveAPI(sealer *secret.Sealer, hasher *secret.Hasher) error {
	sign, err := a.signing(sealer, hasher)
	if err != nil {
		return err
	}
	user.Work(a.queue, a.DB, sign)
	resolver := netout.Resolver(a.Config.DNS.Server)
	rules := target.Rules{Allow: a.Config.Scan.AllowNetworks, Own: a.own(), OwnScanner: scanner.HasOwn}
	scan.WorkSchedules(a.queue, a.DB, scan.Starter{Rules: rules, Lookup: lookup(resolver), Contact: a.Config.ASV.Email}, a.log)
	h, err := api.New(api.Options{
		DB: a.DB, Log: a.log, Metrics: a.metrics, Audit: audit.Record, Keys: replay.NewKeys(sealer),
		Identify:    identify(sign),
		Application: a.application, RequireKey: a.Config.API.RequireKey,
		TrustedProxies: a.Config.TrustedProxies, BaseURL: a.Config.BaseURL,
		Limits: api.Limits{Caller: a.Config.API.RateLimit, Public: a.Config.API.RateLimit, SignIn: a.Config.API.SignInLimit},
		Operations: Operations(Parts{DB: a.DB, Auth: sign, Hasher: hasher, Sealer: sealer, Rules: rules, Blob: a.blob, Contact: a.Config.ASV.Email, HostName: hostOf(a.Config.BaseURL),
			LinkAuthority: a.dispatcher.Authority.Certificate(), Resolver: resolver}),
	})
	if err != nil {
		return err
	}
	a.api = api.Server("", h, a.log)
	return nil
}

// own are the addresses of the service itself, which no scan may touch.
func (a *App) own() []netip.AddrPort {
	var all []netip.AddrPort
	for _, l := range []net.Addr{a.listener.Addr(), a.link.Address()} {
		at, err := netip.ParseAddrPort(l.String())
		if err != nil {
			continue
		}
		all = append(all, at)
		if at.Addr().IsUnspecified() {
			all = append(all, everywhere(at.Port())...)
		}
	}
	return all
}

// everywhere is the port at each address of this machine.
func everywhere(port uint16) []netip.AddrPort {
	here, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var all []netip.AddrPort
	for _, a := range here {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			all = append(all, netip.AddrPortFrom(p.Addr().Unmap(), port))
		}
	}
	return all
}

// Address of the API.
func (a *App) Address() string { return a.listener.Addr().String() }

// stopPatience is how long a graceful stop may take.
const stopPatience = 20 * time.Second

// Run serves until ctx ends, then stops gracefully: no new requests, leases given back, jobs ended.
func (a *App) Run(ctx context.Context) error {
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	failed := make(chan error, 4)
	if err := a.queue.Start(running, a.DB, 8, a.log); err != nil {
		return errors.Join(err, a.close())
	}
	a.background(running, failed)
	endScanner := a.scan(running, failed)
	select {
	case <-ctx.Done():
		return a.stop(endScanner, cancel)
	case err := <-failed:
		return errors.Join(err, a.stop(endScanner, cancel))
	}
}

func (a *App) background(ctx context.Context, failed chan<- error) {
	a.work.Go(func() {
		if err := a.listen(); err != nil && !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve the API: %w", err)
		}
	})
	a.work.Go(func() {
		if err := a.link.Serve(); err != nil {
			failed <- fmt.Errorf("serve scanners: %w", err)
		}
	})
	a.work.Go(func() { a.keepListening(ctx) })
	a.work.Go(func() { a.sweep(ctx) })
	a.work.Go(func() { a.knowledge.watch(ctx) })
	if a.Config.Feed.SyncEvery > 0 {
		a.work.Go(func() { a.syncing(ctx) })
	}
	if a.Config.Metrics.Address != "" {
		a.work.Go(func() { a.serveMetrics(ctx) })
	}
}

// scan runs the embedded scanner until the function that it gives back is called, which waits for its end.
func (a *App) scan(ctx context.Context, failed chan<- error) func() {
	if !a.Config.Scanner.Embedded {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var scanner sync.WaitGroup
	scanner.Go(func() {
		if err := a.embedded(ctx); err != nil {
			failed <- err
		}
	})
	return func() {
		cancel()
		scanner.Wait()
	}
}

func (a *App) listen() error {
	if a.Config.HTTP.TLS() {
		return a.api.ServeTLS(a.listener, a.Config.HTTP.TLSCert, a.Config.HTTP.TLSKey)
	}
	return a.api.Serve(a.listener)
}

// keepListening passes on what other processes announce; where the connection breaks it is made again.
func (a *App) keepListening(ctx context.Context) {
	for ctx.Err() == nil {
		if err := a.DB.ListenForWakes(ctx); err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "the database connection for announcements broke; making it again", slog.Any("error", err))
			pause(ctx, time.Second)
		}
	}
}

// sweepEvery is short enough for the notice of an outage to come within a minute.
const sweepEvery = 10 * time.Second

// sweep ends runs that nobody resumes, announces what fell silent, and says whether there is an embedded scanner.
func (a *App) sweep(ctx context.Context) {
	for ctx.Err() == nil {
		err := a.DB.Write(ctx, access.System(access.DoorDispatch), func(tx *db.Tx) error { return scanner.KeepEmbedded(tx, a.Config.Scanner.Embedded) })
		if err := errors.Join(err, a.dispatcher.Sweep(ctx)); err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "sweep", slog.Any("error", err))
		}
		pause(ctx, sweepEvery)
	}
}

func (a *App) serveMetrics(ctx context.Context) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.Handler())
	s := api.Server(a.Config.Metrics.Address, mux, a.log)
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	if err := s.ListenAndServe(); err != nil && ctx.Err() == nil {
		a.log.ErrorContext(ctx, "metrics are not served", slog.Any("error", err))
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// stop ends requests first, then the embedded scanner, which gives its chunks back while scanners are still served, then what
// works behind them.
func (a *App) stop(endScanner func(), cancel context.CancelFunc) error {
	ctx, done := context.WithTimeout(context.Background(), stopPatience)
	defer done()
	err := a.api.Shutdown(ctx)
	endScanner()
	err = errors.Join(err, a.queue.Stop(ctx))
	cancel()
	err = errors.Join(err, a.link.Shutdown(ctx))
	a.work.Wait()
	return errors.Join(err, a.close())
}

func (a *App) close() error {
	var all []error
	if a.knowledge != nil {
		all = append(all, a.knowledge.close())
	}
	if a.blob != nil {
		all = append(all, a.blob.Close())
	}
	if a.DB != nil {
		all = append(all, a.DB.Close())
	}
	return errors.Join(all...)
}
