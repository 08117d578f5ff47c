package app

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/vedette/vedette/internal/domain/feed"
	"github.com/vedette/vedette/internal/domain/feed/bundle"
	"github.com/vedette/vedette/internal/domain/feed/mirror"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/config"
	"github.com/vedette/vedette/internal/platform/netout"
)

// Bounds of one feed: Debian's tracker, the largest, has some 70 MB.
const (
	maxFeed  = 2 << 30
	feedTime = 30 * time.Minute
)

// SyncReport tells what a synchronisation did.
type SyncReport struct {
	Feeds     []mirror.Result   `json:"feeds"`
	Installed []bundle.Manifest `json:"installed,omitempty"` // signed bundles among them
	Knowledge *feed.Report      `json:"knowledge,omitempty"` // the version made of the others; null where nothing had changed
}

// Failed is how many feeds could not be brought up to date.
func (r SyncReport) Failed() int {
	n := 0
	for _, f := range r.Feeds {
		if f.Error != "" {
			n++
		}
	}
	return n
}

// SyncFeeds fetches what has changed of feed.sources, installs signed bundles and makes a new version of the rest. A feed that
// can't be fetched leaves the others and its old copy in use.
func SyncFeeds(ctx context.Context, c config.Feed) (SyncReport, error) {
	return syncFeeds(ctx, c, netout.New(netout.Policy{Allow: c.AllowNetworks, HTTPSOnly: true, Redirects: 3, Timeout: feedTime, MaxBody: maxFeed}))
}

func syncFeeds(ctx context.Context, c config.Feed, client *netout.Client) (SyncReport, error) {
	var r SyncReport
	trusted, err := bundle.ParsePublic(c.TrustedKeys)
	if err != nil {
		return r, err
	}
	m := mirror.Mirror{Dir: filepath.Join(c.Dir, "download"), Client: client}
	if r.Feeds, err = m.Fetch(ctx, mirror.Expand(c.Sources, clock.Now())); err != nil {
		return r, err
	}
	var files []string
	for i, f := range r.Feeds {
		switch signed, err := isBundle(f.Path); {
		case f.Path == "" || err != nil:
		case !signed:
			files = append(files, f.Path)
		default:
			installed, err := installNew(c.Dir, f.Path, trusted)
			if err != nil {
				r.Feeds[i].Error = err.Error()
			} else if installed.Version != "" {
				r.Installed = append(r.Installed, installed)
			}
		}
	}
	stamp, err := m.Stamp(files)
	if err != nil || len(files) == 0 || stamp == m.Taken() {
		return r, err
	}
	if r.Knowledge, err = importOver(ctx, c.Dir, files); err != nil {
		return r, err
	}
	return r, m.Take(stamp)
}

// installNew installs a bundle unless its version is there; the manifest is empty then.
func installNew(dir, path string, trusted []ed25519.PublicKey) (bundle.Manifest, error) {
	in, err := os.Open(path)
	if err != nil {
		return bundle.Manifest{}, err
	}
	defer in.Close()
	m, _, err := bundle.Read(in, trusted)
	if err != nil {
		return bundle.Manifest{}, err
	}
	if _, err := os.Stat(filepath.Join(dir, m.Version+feed.Suffix)); err == nil {
		return bundle.Manifest{}, nil
	}
	return InstallBundle(dir, path, trusted)
}

func importOver(ctx context.Context, dir string, files []string) (*feed.Report, error) {
	base, err := Newest(dir)
	if err != nil {
		return nil, err
	}
	made, err := feed.Import(ctx, dir, files, base)
	return &made, errors.Join(err, base.Close())
}

func isBundle(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head, _ := bufio.NewReader(f).Peek(64) // a shorter file is none
	return bundle.Is(head), nil
}

// InstallBundle puts the knowledge of a signed bundle in force.
func InstallBundle(dir, path string, trusted []ed25519.PublicKey) (bundle.Manifest, error) {
	in, err := os.Open(path)
	if err != nil {
		return bundle.Manifest{}, err
	}
	defer in.Close()
	m, installed, err := bundle.Install(in, dir, feed.Suffix, trusted)
	if err != nil {
		return m, err
	}
	k, err := feed.Open(installed)
	if err != nil {
		return m, errors.Join(err, os.Remove(installed))
	}
	return m, k.Close()
}

// UseVersion puts an older version in force again: the newest file counts.
func UseVersion(dir, version string) error {
	all, err := filepath.Glob(filepath.Join(dir, "*"+feed.Suffix))
	if err != nil {
		return err
	}
	for _, path := range all {
		if filepath.Base(path) == version+feed.Suffix {
			now := clock.Now()
			return os.Chtimes(path, now, now)
		}
	}
	return fmt.Errorf("there is no version %q in %s; `vedette feed status` lists those that there are", version, dir)
}

// syncing brings the feeds up to date at the configured interval.
func (a *App) syncing(ctx context.Context) {
	for ctx.Err() == nil {
		r, err := SyncFeeds(ctx, a.Config.Feed)
		switch {
		case errors.Is(err, mirror.ErrBusy): // another node of this folder is at it
		case err != nil && ctx.Err() == nil:
			a.log.ErrorContext(ctx, "the feeds could not be fetched", slog.Any("error", err))
		case r.Failed() > 0:
			for _, f := range r.Feeds {
				if f.Error != "" {
					a.log.WarnContext(ctx, "a feed could not be fetched", slog.String("url", f.URL), slog.String("error", f.Error))
				}
			}
		}
		pause(ctx, a.Config.Feed.SyncEvery)
	}
}
