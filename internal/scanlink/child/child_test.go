package child

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vedette/vedette/internal/scanlink/agent"
)

// TestMain is the child too: started with the child's arguments it plays what its configuration's Version says.
func TestMain(m *testing.M) {
	if slices.Equal(os.Args[1:], Arguments) {
		os.Exit(play())
	}
	os.Exit(m.Run())
}

func play() int {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	cfg, ctx, err := ReadConfig(context.Background(), os.Stdin)
	if err != nil {
		log.Error(err.Error())
		return 2
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	log.Info("child says hello", "server", cfg.Server, "limit", os.Getenv("GOMEMLIMIT"), "leak", os.Getenv("VEDETTE_SECRET_KEY"))
	switch cfg.Version {
	case "dies":
		return 3
	case "panics":
		panic("a panic in the child")
	}
	<-ctx.Done()
	log.Info("child ends in order")
	return 0
}

// capture collects what is logged, and tells when a text has been seen so many times.
type capture struct {
	mu   sync.Mutex
	b    bytes.Buffer
	wake chan struct{}
}

func (c *capture) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return c.b.Write(p)
}

func (c *capture) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.String()
}

func (c *capture) must(t *testing.T, what string, times int) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for strings.Count(c.text(), what) < times {
		select {
		case <-c.wake:
		case <-deadline:
			t.Fatalf("%q was not logged %d times:\n%s", what, times, c.text())
		}
	}
}

// The default logger is the process's, so these run one after another.
func TestSupervise(t *testing.T) { //nolint:paralleltest // sets the default logger
	t.Setenv("VEDETTE_SECRET_KEY", "very secret")
	logged := &capture{wake: make(chan struct{}, 1)}
	slog.SetDefault(slog.New(slog.NewTextHandler(logged, nil)))
	run := func(version string, limits Limits) (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- Supervise(ctx, os.Args[0], agent.Config{Server: "https://127.0.0.1:1", Version: version, Key: "the key"}, limits)
		}()
		return func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}

	stop := run("stays", Limits{Memory: 123 << 20})
	logged.must(t, "child says hello", 1)
	stop()
	logged.must(t, "child ends in order", 1)
	if !strings.Contains(logged.text(), "limit=128974848") || strings.Contains(logged.text(), "very secret") || strings.Contains(logged.text(), "the key") {
		t.Errorf("the log:\n%s", logged.text())
	}

	stop = run("dies", Limits{})
	logged.must(t, "child says hello", 4)
	stop()
	stop = run("panics", Limits{})
	logged.must(t, "panic: a panic in the child", 1)
	stop()

	starts := 0
	ctx, cancel := context.WithCancel(t.Context())
	err := Keep(ctx, os.Args[0], func() (agent.Config, error) {
		if starts++; starts == 3 {
			cancel()
		}
		return agent.Config{Version: "dies"}, nil
	}, Limits{})
	if err != nil || starts != 3 {
		t.Errorf("%d configurations were made: %v", starts, err)
	}

	err = Supervise(t.Context(), "/nonexistent/vedette", agent.Config{}, Limits{})
	if err == nil {
		t.Error("a program that is not there is started")
	}
}

func TestReadConfig(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", "{\n", strings.Repeat(" ", maxConfig+1)} {
		if _, _, err := ReadConfig(t.Context(), strings.NewReader(text)); err == nil {
			t.Errorf("%.20q is a configuration", text)
		}
	}
	cfg, ctx, err := ReadConfig(t.Context(), strings.NewReader(`{"server":"https://a:1"}`+"\n"))
	if err != nil || cfg.Server != "https://a:1" {
		t.Fatal(err)
	}
	<-ctx.Done() // the input has ended
}
