package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/vedette/vedette/internal/domain/feed"
)

// Knowledge is the version in force: the newest file of the feed folder, or the starter set where there is none. A new
// file is taken within half a minute; runs that have begun keep the version that their history names.
type Knowledge struct {
	dir string
	log *slog.Logger
	// Changed is called when a new version is in force.
	Changed func()

	mu      sync.Mutex
	current string // path; empty: the starter set
	open    map[string]*feed.Knowledge
}

func openKnowledge(dir string, log *slog.Logger) (*Knowledge, error) {
	k := &Knowledge{dir: dir, log: log, Changed: func() {}, open: map[string]*feed.Knowledge{"": feed.Starter()}}
	_, err := k.load()
	return k, err
}

// Get the version in force.
func (k *Knowledge) Get() *feed.Knowledge {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.open[k.current]
}

// Version in force.
func (k *Knowledge) Version() string { return k.Get().Version() }

// Info of it.
func (k *Knowledge) Info() feed.Info { return k.Get().Info() }

// At gives a version that a run has begun with, or the one in force where that is gone.
func (k *Knowledge) At(version string) *feed.Knowledge {
	if now := k.Get(); now.Version() == version {
		return now
	}
	all, _ := filepath.Glob(filepath.Join(k.dir, "*"+feed.Suffix)) // the pattern is well formed
	for _, path := range append(all, "") {
		if old, err := k.file(path); err == nil && old.Version() == version {
			return old
		}
	}
	return k.Get()
}

// file opens each file once, and keeps it.
func (k *Knowledge) file(path string) (*feed.Knowledge, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if have := k.open[path]; have != nil {
		return have, nil
	}
	opened, err := feed.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the knowledge %s: %w", path, err)
	}
	k.open[path] = opened
	return opened, nil
}

// load takes the newest file, and tells whether it is a new one.
func (k *Knowledge) load() (bool, error) {
	newest, err := newestFile(k.dir)
	if err != nil {
		return false, err
	}
	next, err := k.file(newest)
	if err != nil {
		return false, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current == newest {
		return false, nil
	}
	k.current = newest
	k.log.Info("knowledge in force", slog.String("version", next.Version()))
	return true, nil
}

// Newest version of a feed folder, or the starter set.
func Newest(dir string) (*feed.Knowledge, error) {
	path, err := newestFile(dir)
	if err != nil || path == "" {
		return feed.Starter(), err
	}
	return feed.Open(path)
}

// NewestFile is the file of the version in force; an error where only the starter set is.
func NewestFile(dir string) (string, feed.Info, error) {
	path, err := newestFile(dir)
	if err != nil {
		return "", feed.Info{}, err
	}
	if path == "" {
		return "", feed.Info{}, fmt.Errorf("%s holds no version yet; `vedette feed sync` or `feed import` makes one", dir)
	}
	k, err := feed.Open(path)
	if err != nil {
		return "", feed.Info{}, err
	}
	return path, k.Info(), k.Close()
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
		changed, err := k.load()
		if err != nil {
			k.log.WarnContext(ctx, "the new knowledge can't be used; the old stays in force", slog.Any("error", err))
		}
		if changed {
			k.Changed()
		}
	}
}

func (k *Knowledge) close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []error
	for path, open := range k.open {
		if path != "" {
			all = append(all, open.Close())
		}
	}
	return errors.Join(all...)
}
