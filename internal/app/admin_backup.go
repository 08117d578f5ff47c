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
	"path"
	"path/filepath"
	"strings"

	"github.com/vedette/vedette/internal/platform/config"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/schema"
)

// A backup is a tar.gz: the manifest, the database (of SQLite), then the files of blobs and knowledge, and the sealing key.
const (
	manifestName = "manifest.json"
	databaseName = "database.db"
	blobPrefix   = "blob/"
	feedPrefix   = "feed/"
	keyName      = "secret.key"

	backupFormat = 1
)

// Manifest is the first file of a backup.
type Manifest struct {
	Format    int    `json:"format"`
	Program   string `json:"program"`
	Database  string `json:"database"` // sqlite or postgres
	Schema    int    `json:"schema"`   // number of migrations
	CreatedAt string `json:"created_at"`
}

// BackedUp tells what a backup holds.
type BackedUp struct {
	Files int
	Bytes int64
	// Database and Key are false where they are not in it: PostgreSQL has pg_dump, and the key stands in the configuration.
	Database, Key bool
}

// Backup writes all that the service keeps, while it runs or not. The copy of the database is of one instant; blobs and
// knowledge never change once they are there, so those that it names are among the files that follow.
func (a *Admin) Backup(ctx context.Context, w io.Writer) (BackedUp, error) {
	compressed := gzip.NewWriter(w)
	p := &packing{out: tar.NewWriter(compressed), ctx: ctx}
	err := p.manifest(a.DB)
	if err == nil && a.DB.Dialect() == db.SQLite {
		err = p.database(a.DB, a.Config.DataDir)
	}
	for _, part := range []struct{ dir, prefix, skip string }{
		{filepath.Join(a.Config.DataDir, "blob"), blobPrefix, "draft"},
		{a.Config.Feed.Dir, feedPrefix, "download"},
	} {
		if err == nil {
			err = p.folder(part.dir, part.prefix, part.skip)
		}
	}
	if err == nil && a.Config.Secret.Key.Empty() {
		p.done.Key = true
		err = p.file(filepath.Join(a.Config.DataDir, keyName), keyName)
	}
	return p.done, errors.Join(err, p.out.Close(), compressed.Close())
}

// schemaNumber is how many migrations this program has.
func schemaNumber() int {
	all, _ := fs.Glob(schema.Files, "*.sql") // the pattern is well formed
	n := 0
	for _, name := range all {
		if strings.Count(name, ".") == 1 {
			n++
		}
	}
	return n
}

type packing struct {
	ctx  context.Context
	out  *tar.Writer
	done BackedUp
}

func (p *packing) manifest(d *db.DB) error {
	raw, err := json.MarshalIndent(Manifest{Format: backupFormat, Program: Version, Database: string(d.Dialect()), Schema: schemaNumber(),
		CreatedAt: d.Clock().Now().Format("2006-01-02T15:04:05Z")}, "", "  ")
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	if err := p.out.WriteHeader(&tar.Header{Name: manifestName, Mode: 0o600, Size: int64(len(raw)), ModTime: d.Clock().Now()}); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	_, err = p.out.Write(raw)
	return err
}

// database packs a copy that lies beside the data for a moment, readable by its owner alone.
func (p *packing) database(d *db.DB, dir string) error {
	folder, err := os.MkdirTemp(dir, ".backup-") // made with mode 0700
	if err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	defer os.RemoveAll(folder)
	snapshot := filepath.Join(folder, databaseName)
	if err := d.Snapshot(p.ctx, snapshot); err != nil {
		return err
	}
	p.done.Database = true
	return p.file(snapshot, databaseName)
}

func (p *packing) folder(dir, prefix, skip string) error {
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && name != dir && (e.Name() == skip || strings.HasPrefix(e.Name(), ".")) {
			return fs.SkipDir
		}
		if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			return nil
		}
		below, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		if err := p.file(name, prefix+filepath.ToSlash(below)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil // retention gave it up meanwhile
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (p *packing) file(name, as string) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("pack %s: %w", as, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("pack %s: %w", as, err)
	}
	if err := p.out.WriteHeader(&tar.Header{Name: as, Mode: 0o600, Size: info.Size(), ModTime: info.ModTime()}); err != nil {
		return fmt.Errorf("pack %s: %w", as, err)
	}
	if _, err := io.CopyN(p.out, f, info.Size()); err != nil {
		return fmt.Errorf("pack %s: %w", as, err)
	}
	p.done.Files++
	p.done.Bytes += info.Size()
	return nil
}

// unpacking puts the files of a backup in their places. Nothing of it touches what is there already, but for the same file.
type unpacking struct {
	ctx    context.Context
	config *config.Config
	draft  string // of the SQLite database, until all else is in place
}

// place of a file of the backup; an error for a name that no backup has.
func (u *unpacking) place(name string) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name {
		return "", fmt.Errorf("the backup has a file %q, which no backup has", name)
	}
	switch {
	case name == databaseName && u.draft != "":
		return u.draft, nil
	case name == keyName:
		return filepath.Join(u.config.DataDir, keyName), nil
	case strings.HasPrefix(name, blobPrefix):
		return filepath.Join(u.config.DataDir, filepath.FromSlash(name)), nil
	case strings.HasPrefix(name, feedPrefix):
		return filepath.Join(u.config.Feed.Dir, filepath.FromSlash(strings.TrimPrefix(name, feedPrefix))), nil
	}
	return "", fmt.Errorf("the backup has a file %q, which no backup has", name)
}

func (u *unpacking) all(in *tar.Reader) error {
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = u.ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("read the backup: %w", err)
		}
		if h.Typeflag != tar.TypeReg {
			return fmt.Errorf("the backup has %q, which is no plain file", h.Name)
		}
		to, err := u.place(h.Name)
		if err != nil {
			return err
		}
		if err := u.put(in, h, to); err != nil {
			return fmt.Errorf("restore %s: %w", h.Name, err)
		}
	}
}

// put writes beside the place and renames, so that what is there is whole.
func (u *unpacking) put(in io.Reader, h *tar.Header, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(to), ".restore-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already once it was renamed
	_, err = io.CopyN(f, in, h.Size)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if h.Name == keyName {
		return putKey(f.Name(), to)
	}
	return os.Rename(f.Name(), to)
}

// putKey keeps a key that is there: without it, something else could not be opened any more.
func putKey(from, to string) error {
	err := os.Link(from, to)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	mine, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	theirs, err := os.ReadFile(to)
	if err == nil && string(mine) != string(theirs) {
		err = fmt.Errorf("%s holds another key; move it away first", to)
	}
	return err
}
