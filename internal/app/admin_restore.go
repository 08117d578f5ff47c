package app

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/domain/scan"
	"github.com/vedette/vedette/internal/domain/schedule"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/config"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/schema"
)

// Restored tells of which instant the copy is, and what it was kept from doing a second time.
type Restored struct {
	Manifest  Manifest
	Jobs      map[string]int // that would have sent or started something, by kind
	Schedules int            // whose firings are passed over
	Runs      int            // of scans, stopped
	Sessions  int            // sign-ins, ended
	Links     int            // of mails, void now
}

// maxManifest in bytes.
const maxManifest = 64 << 10

// Restore puts a backup in its places, where no database is yet, and quietens it: between the backup and now the installation
// went on, and what waited in the backup was done. With PostgreSQL, pg_restore has brought the database back before, and no
// server runs. The database of SQLite comes into its place last, so that a restore that fails can be tried again.
func Restore(ctx context.Context, c *config.Config, in io.Reader, clk *clock.Clock) (Restored, error) {
	u := &unpacking{ctx: ctx, config: c}
	if !c.Database.Postgres() {
		if err := vacant(c.Database.SQLitePath()); err != nil {
			return Restored{}, err
		}
		u.draft = c.Database.SQLitePath() + ".restoring"
		defer removeDatabase(u.draft)
	}
	m, err := u.unpack(in)
	if err != nil {
		return Restored{}, err
	}
	r, err := settle(ctx, c, u.draft, m, clk)
	if err != nil || u.draft == "" {
		return r, err
	}
	return r, os.Rename(u.draft, c.Database.SQLitePath())
}

// vacant refuses a place where a database is.
func vacant(file string) error {
	for _, name := range []string{file, file + "-wal"} {
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is there: stop the server and move its database away first", name)
		}
	}
	return nil
}

func removeDatabase(file string) {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(file + suffix) // after a success it is not there
	}
}

// unpack reads the backup to its end, where its checksum is.
func (u *unpacking) unpack(in io.Reader) (Manifest, error) {
	var m Manifest
	plain, err := gzip.NewReader(in)
	if err != nil {
		return m, fmt.Errorf("this is no backup: %w", err)
	}
	files := tar.NewReader(plain)
	h, err := files.Next()
	if err != nil || h.Name != manifestName || h.Size > maxManifest {
		return m, errors.Join(errors.New("this is no backup of Vedette"), err)
	}
	if err := json.NewDecoder(files).Decode(&m); err != nil {
		return m, fmt.Errorf("this is no backup of Vedette: %w", err)
	}
	if err := m.fits(u.config); err != nil {
		return m, err
	}
	if err := u.all(files); err != nil {
		return m, err
	}
	if _, err := io.Copy(io.Discard, plain); err != nil {
		return m, fmt.Errorf("read the backup: %w", err)
	}
	return m, plain.Close()
}

// fits says whether this program with this configuration can take the backup.
func (m Manifest) fits(c *config.Config) error {
	want := string(db.SQLite)
	if c.Database.Postgres() {
		want = string(db.Postgres)
	}
	switch {
	case m.Format != backupFormat || m.Schema > schemaNumber():
		return fmt.Errorf("the backup is of a newer version (%s) than this program (%s)", m.Program, Version)
	case m.Database != want:
		return fmt.Errorf("the backup is of an installation on %s, and this one is configured for %s", m.Database, want)
	}
	return nil
}

// settle opens the restored database and keeps it from doing again what was done since the backup.
func settle(ctx context.Context, c *config.Config, draft string, m Manifest, clk *clock.Clock) (Restored, error) {
	r := Restored{Manifest: m}
	address := c.Database.URL.Reveal()
	if draft != "" {
		address = draft
		if _, err := os.Stat(draft); err != nil {
			return r, errors.New("the backup has no database")
		}
		if err := db.Migrate(ctx, draft, "", schema.Files); err != nil {
			return r, err
		}
	}
	d, err := db.Open(ctx, address, clk)
	if err != nil {
		return r, err
	}
	a := &Admin{Config: c, DB: d, Who: osUser()}
	return r, errors.Join(a.quieten(ctx, &r), d.Close())
}

// quieten in an order in which nothing is left over: what ends runs and turns subscriptions announces it, and announcements
// are dropped last.
func (a *Admin) quieten(ctx context.Context, r *Restored) error {
	if err := a.write(ctx, madeByServer); err != nil {
		return err
	}
	err := a.DB.Sound(ctx)
	if err == nil {
		err = plan.Tick(ctx, a.DB)
	}
	if err == nil {
		r.Runs, err = scan.StopAll(ctx, a.DB)
	}
	if err != nil {
		return err
	}
	return a.write(ctx, func(tx *db.Tx) error {
		var err error
		if r.Schedules, err = passOver(tx); err != nil {
			return err
		}
		if r.Jobs, err = dropJobs(tx); err != nil {
			return err
		}
		if r.Sessions, r.Links, err = endAllSessions(tx); err != nil {
			return err
		}
		return a.tell(tx, "adminRestore", access.Installation, db.Change{Type: "installation", ID: access.Installation, Name: "backup of " + r.Manifest.CreatedAt,
			After: map[string]any{"jobs": r.Jobs, "schedules": r.Schedules, "runs": r.Runs, "sessions": r.Sessions, "links": r.Links}})
	})
}

// passOver moves schedules that have come due on to their next firing.
func passOver(tx *db.Tx) (int, error) {
	const batch = 500
	for n := 0; ; {
		due, err := schedule.Due(tx, batch)
		if err != nil || len(due) == 0 {
			return n, err
		}
		for i := range due {
			f, err := due[i].Fire(tx.Now())
			next := f.Next
			if err != nil {
				next = nil // it can't be followed any more, and rests
			}
			if _, err := schedule.Claim(tx, &due[i], next); err != nil {
				return n, err
			}
			n++
		}
	}
}
