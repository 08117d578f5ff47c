// Package blob keeps files under the SHA-256 of their content in a directory: report documents, feed files. What is
// stored never changes, so that readers need no lock, and storing the same twice is harmless.
package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/vedette/vedette/internal/platform/fault"
)

const drafts = "draft"

// Hash names a blob: its SHA-256, 64 lower-case hexadecimal digits.
type Hash string

// Valid says whether h has the form of a hash. Only such hashes become file names.
func (h Hash) Valid() bool {
	if len(h) != 2*sha256.Size {
		return false
	}
	for _, c := range h {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// file is the place of a blob; the first byte makes a folder, so that none grows too large.
func (h Hash) file() string { return path.Join(string(h[:2]), string(h)) }

// Store is a directory of blobs. It is safe for concurrent use by several processes. Never call it inside a
// transaction.
type Store struct{ root *os.Root }

// Open makes the directory, for its owner alone, where it is missing.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("blob store: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("blob store: %w", err)
	}
	if err := root.Mkdir(drafts, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, errors.Join(fmt.Errorf("blob store: %w", err), root.Close())
	}
	return &Store{root}, nil
}

// Close releases the directory.
func (s *Store) Close() error { return s.root.Close() }

// Put stores what content gives, up to limit bytes, and tells its hash and size. A longer content is a fault of kind
// toolarge. When Put returns without an error the blob is on the disk; before that nothing of it can be opened.
func (s *Store) Put(ctx context.Context, content io.Reader, limit int64) (Hash, int64, error) {
	name, draft, err := s.draft()
	if err != nil {
		return "", 0, fmt.Errorf("blob: %w", err)
	}
	defer s.root.Remove(name) //nolint:errcheck // it is gone already once it was renamed
	digest := sha256.New()
	size, err := fill(ctx, draft, digest, content, limit)
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return "", 0, fmt.Errorf("blob: %w", err)
	}
	h := Hash(hex.EncodeToString(digest.Sum(nil)))
	if err := s.publish(name, h); err != nil {
		return "", 0, fmt.Errorf("blob: %w", err)
	}
	return h, size, nil
}

func fill(ctx context.Context, draft io.Writer, digest hash.Hash, content io.Reader, limit int64) (int64, error) {
	bounded := io.LimitReader(withContext{ctx, content}, limit+1)
	size, err := io.Copy(io.MultiWriter(draft, digest), bounded)
	if err == nil && size > limit {
		err = fault.New(fault.TooLarge, "The file is larger than %d bytes.", limit)
	}
	return size, err
}

// draft makes a file that no reader looks at.
func (s *Store) draft() (string, *os.File, error) {
	name := path.Join(drafts, randomName())
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	return name, f, err
}

func (s *Store) publish(draft string, h Hash) error {
	folder := path.Dir(h.file())
	if err := s.root.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := s.root.Rename(draft, h.file()); err != nil {
		return err
	}
	for _, changed := range []string{folder, "."} { // a name is on the disk once its folder is
		if err := s.sync(changed); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) sync(folder string) error {
	f, err := s.root.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Open gives the content of a blob and its size; a fault of kind notfound when there is none. The caller closes it.
func (s *Store) Open(h Hash) (io.ReadSeekCloser, int64, error) {
	if !h.Valid() {
		return nil, 0, fault.Missing()
	}
	f, err := s.root.Open(h.file())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fault.Missing()
	}
	if err != nil {
		return nil, 0, fmt.Errorf("blob: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("blob: %w", err), f.Close())
	}
	return f, info.Size(), nil
}

// Path is the file of a blob, for readers that need one to map into memory; notfound as from Open.
func (s *Store) Path(h Hash) (string, error) {
	f, _, err := s.Open(h)
	if err != nil {
		return "", err
	}
	return path.Join(s.root.Name(), h.file()), f.Close()
}

// Check reads a blob and says whether its content still has its hash.
func (s *Store) Check(h Hash) error {
	f, _, err := s.Open(h)
	if err != nil {
		return err
	}
	defer f.Close()
	digest := sha256.New()
	if _, err := io.Copy(digest, f); err != nil {
		return fmt.Errorf("blob %s: %w", h, err)
	}
	if got := hex.EncodeToString(digest.Sum(nil)); got != string(h) {
		return fmt.Errorf("blob %s is damaged: its content has hash %s", h, got)
	}
	return nil
}

// Remove deletes a blob; one that is not there is no error. Readers that have it open keep it.
func (s *Store) Remove(h Hash) error {
	if !h.Valid() {
		return nil
	}
	if err := s.root.Remove(h.file()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("blob: %w", err)
	}
	return nil
}
