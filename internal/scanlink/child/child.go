// Package child keeps the embedded scanner running: the program itself, started again as "vedette scanner --embedded",
// with what it needs to know on its standard input and a limit on its memory. It dies with its parent.
package child

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink/agent"
)

// Limits of the child, and who hears of its end.
type Limits struct {
	Memory int64 // bytes the child should stay under; at one and a half times that it ends itself. 0: no limit
	// Ended is told of each child that has ended, by the Instance that it was given.
	Ended func(instance string)
}

// Arguments with which the child is started.
var Arguments = []string{"scanner", "--embedded"}

const (
	firstPause = 250 * time.Millisecond
	mostPause  = 30 * time.Second
	steady     = time.Minute      // a child that lived so long starts again without a pause
	patience   = 10 * time.Second // from SIGTERM to SIGKILL
	maxConfig  = 1 << 20
	maxLine    = 8 << 10
)

// Supervise is Keep with one configuration for every start.
func Supervise(ctx context.Context, exe string, cfg agent.Config, limits Limits) error {
	return Keep(ctx, exe, func() (agent.Config, error) { return cfg, nil }, limits)
}

// Keep runs the child from the executable exe until ctx ends, and starts it again whenever it ends. configure makes what
// each start is told; a child that starts late needs a certificate that has not run out. At the end the child is asked
// to end (SIGTERM), so that it gives its chunks back, and killed after ten seconds. What it logs is logged here. It
// returns nil when ctx ends, and an error only where the child could never be started.
func Keep(ctx context.Context, exe string, configure func() (agent.Config, error), limits Limits) error {
	pause := firstPause
	for ever := false; ctx.Err() == nil; {
		born := clock.Monotonic()
		started, err := once(ctx, exe, configure, limits)
		ever = ever || started
		if !ever && ctx.Err() == nil {
			return fmt.Errorf("start the embedded scanner: %w", err)
		}
		if ctx.Err() != nil {
			break
		}
		if clock.Since(born) > steady {
			pause = firstPause
		}
		slog.WarnContext(ctx, "the embedded scanner ended; it is started again", "error", err, "pause", pause)
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
		pause = min(2*pause, mostPause)
	}
	return nil
}

// once runs one child to its end; started is false where there was none.
func once(ctx context.Context, exe string, configure func() (agent.Config, error), limits Limits) (started bool, err error) {
	cfg, err := configure()
	if err != nil {
		return false, err
	}
	cfg.MemoryLimit = limits.Memory
	input, err := json.Marshal(cfg)
	if err != nil {
		return false, err
	}
	cmd := exec.CommandContext(ctx, exe, Arguments...) //nolint:gosec // this program itself
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt of the terminal is the parent's to pass on
	// The parent's environment may hold secrets; the child needs none of it.
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	if limits.Memory > 0 {
		cmd.Env = append(cmd.Env, "GOMEMLIMIT="+strconv.FormatInt(limits.Memory, 10))
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return false, err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return false, err
	}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	slog.InfoContext(ctx, "embedded scanner started", "pid", cmd.Process.Pid)
	_, writeErr := stdin.Write(append(input, '\n')) // then it stays open: its end tells the child that we are gone
	relay(ctx, stderr)
	err = cmd.Wait()
	if limits.Ended != nil {
		limits.Ended(cfg.Instance)
	}
	return true, errors.Join(err, writeErr)
}

// relay logs the child's lines until it closes them: JSON records as what they are, anything else (a panic) as errors.
func relay(ctx context.Context, r io.Reader) {
	lines := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			logLine(ctx, line)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

func logLine(ctx context.Context, line []byte) {
	var record map[string]any
	var level slog.Level
	if json.Unmarshal(line, &record) != nil || level.UnmarshalText([]byte(fmt.Sprint(record[slog.LevelKey]))) != nil {
		slog.ErrorContext(ctx, "embedded scanner", "line", string(line))
		return
	}
	attrs := []slog.Attr{slog.String("from", "scanner")}
	for k, v := range record {
		if k != slog.LevelKey && k != slog.TimeKey && k != slog.MessageKey {
			attrs = append(attrs, slog.Any(k, v))
		}
	}
	slog.LogAttrs(ctx, level, fmt.Sprint(record[slog.MessageKey]), attrs...)
}

// ReadConfig is the child's side: one JSON line from its standard input. The context that it gives ends when the
// input does, because then the parent is gone.
func ReadConfig(ctx context.Context, stdin io.Reader) (agent.Config, context.Context, error) {
	in := bufio.NewReader(stdin)
	line, err := readLine(in)
	if err != nil {
		return agent.Config{}, ctx, fmt.Errorf("read the configuration from the parent: %w", err)
	}
	var cfg agent.Config
	if err := json.Unmarshal(line, &cfg); err != nil {
		return agent.Config{}, ctx, fmt.Errorf("read the configuration from the parent: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, in)
	}()
	return cfg, ctx, nil
}

func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxConfig:
			return nil, errors.New("too long")
		case err == nil:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}
