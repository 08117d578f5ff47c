// Package demo shows the whole service at work: it starts it with a database of its own and real servers to find faults
// in, and then does through the public API what a provider and its customers do. All that it starts ends with it.
package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/vedette/vedette/client"
	"github.com/vedette/vedette/internal/platform/clock"
)

// Options of a demo.
type Options struct {
	Executable string // of vedette, for the server
	Dir        string // for the database and the documents; what an earlier demo left there is removed
	Exit       bool   // stop at the end instead of leaving the service running until ctx ends
	Out        io.Writer
	Terminal   bool // Out is one: progress is one line that changes
}

// show is one run of the demo.
type show struct {
	Options
	stage    *stage
	operator *client.Client
	shop     *customer
	began    time.Time
}

// Run shows everything once. It returns nil only where all of it worked.
func Run(ctx context.Context, o Options) (err error) {
	if lacking := missing(); len(lacking) > 0 {
		return fmt.Errorf("the demo needs real servers: %w", errors.Join(lacking...))
	}
	s := &show{Options: o, began: clock.Monotonic()}
	if s.stage, err = newStage(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stage.clear()) }()
	if err := s.prepare(); err != nil {
		return err
	}
	address, err := s.startAll(ctx)
	if err != nil {
		return err
	}
	if err := s.play(ctx, address); err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted; everything is stopped")
		}
		return fmt.Errorf("%w\n\nThe service's log ends so:\n%s", err, tail(filepath.Join(o.Dir, "vedette.log")))
	}
	s.say("\nDone in %d s.\n", int(clock.Since(s.began).Seconds()))
	if o.Exit {
		return nil
	}
	s.farewell(ctx, address)
	return nil
}

func (s *show) say(format string, args ...any) { fmt.Fprintf(s.Out, format, args...) }

// prepare empties the folder of what a demo writes.
func (s *show) prepare() error {
	for _, name := range append([]string{"data", "vedette.log"}, documentNames()...) {
		if err := os.RemoveAll(filepath.Join(s.Dir, name)); err != nil {
			return err
		}
	}
	return os.MkdirAll(s.Dir, 0o755)
}

func (s *show) startAll(ctx context.Context) (string, error) {
	s.say("Starting servers to find faults in:\n")
	for _, v := range services() {
		if err := s.stage.start(ctx, v); err != nil {
			return "", err
		}
		s.say("  %-9s %-15s %s\n", v.name, v.at, v.faults)
	}
	s.say("Starting Vedette with SQLite in %s …\n", s.Dir)
	return s.serve(ctx)
}

const operatorName = "operator"

// play is the story.
func (s *show) play(ctx context.Context, address string) error {
	s.say("  %s\n", address)
	anyone, err := client.New(address, client.WithUserAgent("vedette-demo"))
	if err != nil {
		return err
	}
	if s.operator, err = signIn(ctx, anyone, operatorName, s.stage.password); err != nil {
		return err
	}
	if s.shop, err = s.newCustomer(ctx, anyone, "Corner Shop"); err != nil {
		return err
	}
	s.say("The operator made the organization %q; its manager %s signed in.\n", s.shop.organization, s.shop.user)
	run, err := s.scan(ctx)
	if err != nil {
		return err
	}
	if err := s.findings(ctx, run); err != nil {
		return err
	}
	if err := s.documents(ctx, run); err != nil {
		return err
	}
	return s.strangers(ctx, anyone, run)
}

// farewell leaves the service running until the user has seen enough.
func (s *show) farewell(ctx context.Context, address string) {
	s.say(`
The service goes on at %s (documentation: %s/docs).
  operator   %s / %s
  customer   %s / %s
Ctrl-C stops everything.
`, address, address, operatorName, s.stage.password, s.shop.user, s.shop.password)
	<-ctx.Done()
}

// newPassword is fit for an account.
func newPassword() string { return rand.Text() }
