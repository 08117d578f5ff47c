package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/vedette/vedette/internal/domain/feed"
)

// Knowledge is the version in force: the newest file of the feed folder, or the starter set where there is none. A new
// file is taken within half a minute; runs that have begun keep the version that their history names.
type Knowledge struct {
	dir     string
	log     *slog.Logger
	current atomic.Pointer[loaded]
}

type loaded struct {
	path string
	*feed.Knowledge
}

func openKnowledge(dir string, log *slog.Logger) (*Knowledge, error) {
	k := &Knowledge{dir: dir, log: log}
	return k, k.load()
}

// Get the version in force.
func (k *Knowledge) Get() *feed.Knowledge { return k.current.Load().Knowledge }

// Version in force.
func (k *Knowledge) Version() string { return k.Get().Version() }

func (k *Knowledge) load() error {
	newest, err := newestFile(k.dir)
	if err != nil {
		return err
	}
	now := k.current.Load()
	if now != nil && now.path == newest {
		return nil
	}
	next := feed.Starter()
	if newest != "" {
		if next, err = feed.Open(newest); err != nil {
			return fmt.Errorf("open the knowledge %s: %w", newest, err)
		}
	}
	k.current.Store(&loaded{newest, next})
	if now != nil {
		k.log.Info("new knowledge is in force", slog.String("version", next.Version()))
	}
	return nil
}

// newestFile of the folder by time; empty where there is none.
func newestFile(dir string) (string, error) {
	all, err := filepath.Glob(filepath.Join(dir, "*"+feed.Suffix))
	if err != nil || len(all) == 0 {
		return "", err
	}
	age := func(path string) time.Time {
		info, err := os.Stat(path)
		if err != nil {
			return time.Time{}
		}
		return info.ModTime()
	}
	return slices.MaxFunc(all, func(a, b string) int { return age(a).Compare(age(b)) }), nil
}

func (k *Knowledge) watch(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, 20*time.Second)
		if err := k.load(); err != nil {
			k.log.WarnContext(ctx, "the new knowledge can't be used; the old stays in force", slog.Any("error", err))
		}
	}
}

func (k *Knowledge) close() error {
	if now := k.current.Load(); now != nil && now.path != "" {
		return now.Close()
	}
	return nil
}
