package blob

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"
)

// listBatch is how many blobs are given at a time.
const listBatch = 500

// Old gives the blobs that were last stored before an instant, some hundreds at a time, until each fails or all were given.
func (s *Store) Old(before time.Time, each func([]Hash) error) error {
	var some []Hash
	err := fs.WalkDir(s.root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		h := Hash(path.Base(name))
		if err != nil || e.IsDir() || !h.Valid() || name != h.file() || !older(e, before) {
			return passOver(err)
		}
		if some = append(some, h); len(some) < listBatch {
			return nil
		}
		err = each(some)
		some = nil
		return err
	})
	if err == nil && len(some) > 0 {
		err = each(some)
	}
	if err != nil {
		return fmt.Errorf("list blobs: %w", err)
	}
	return nil
}

// RemoveOld deletes a blob unless it was stored again since the instant.
func (s *Store) RemoveOld(h Hash, before time.Time) error {
	info, err := s.root.Stat(h.file())
	if err != nil || !info.ModTime().Before(before) {
		return passOver(err)
	}
	return s.Remove(h)
}

// RemoveDrafts deletes what was begun before an instant and never became a blob.
func (s *Store) RemoveDrafts(before time.Time) error {
	all, err := fs.ReadDir(s.root.FS(), drafts)
	for _, e := range all {
		if older(e, before) {
			err = errors.Join(err, passOver(s.root.Remove(path.Join(drafts, e.Name()))))
		}
	}
	if err != nil {
		return fmt.Errorf("remove drafts: %w", err)
	}
	return nil
}

func older(e fs.DirEntry, before time.Time) bool {
	info, err := e.Info()
	return err == nil && info.ModTime().Before(before)
}

// passOver what another process has just removed.
func passOver(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
