// Package collection keeps template collections that operators import: it reads a folder or an archive within bounds,
// and stores what loads as an immutable version, a file beside the vulnerability knowledge that scanners open.
package collection

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Bounds of a collection.
const (
	maxFiles = 100_000
	maxFile  = 2 << 20
	maxTotal = 512 << 20
)

// Passed is a file of a collection that was not read, and why.
type Passed struct {
	Path, Reason string
}

// Files is what was read: templates and the lists that they refer to.
type Files struct {
	FS     fs.FS
	Passed []Passed
}

var errBounds = errors.New("the collection is too large")

// Read reads a folder, or a .zip, .tar, .tar.gz or .tgz archive. Symbolic links are not followed, and what lies outside
// the collection's own folder is refused. Files and folders that begin with a dot are left out.
func Read(name string) (*Files, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("read the templates: %w", err)
	}
	r := &intake{files: map[string][]byte{}}
	switch lower := strings.ToLower(name); {
	case info.IsDir():
		err = r.folder(name)
	case strings.HasSuffix(lower, ".zip"):
		err = r.zip(name)
	case strings.HasSuffix(lower, ".tar"), strings.HasSuffix(lower, ".tar.gz"), strings.HasSuffix(lower, ".tgz"):
		err = r.tar(name)
	case strings.HasSuffix(lower, ".yaml"), strings.HasSuffix(lower, ".yml"):
		err = r.folderFile(filepath.Dir(name), filepath.Base(name))
	default:
		err = errors.New("it is neither a folder, a template nor a .zip, .tar, .tar.gz or .tgz archive")
	}
	if err != nil {
		return nil, fmt.Errorf("read the templates: %w", err)
	}
	files, err := r.rooted()
	return &Files{FS: files, Passed: r.passed}, err
}

// intake collects files within the bounds.
type intake struct {
	files  map[string][]byte
	passed []Passed
	seen   int
	total  int64
}

// wanted are the files that templates consist of or refer to.
func wanted(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".txt", ".csv", ".lst", ".list", ".dic"}, strings.ToLower(path.Ext(name)))
}

func hidden(name string) bool {
	return slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return strings.HasPrefix(part, ".") && part != "." })
}

func (r *intake) pass(name, reason string) {
	if len(r.passed) < 1000 {
		r.passed = append(r.passed, Passed{name, reason})
	}
}

// take says whether a file is to be read at all.
func (r *intake) take(name string, mode fs.FileMode, size int64) (bool, error) {
	if r.seen++; r.seen > maxFiles {
		return false, fmt.Errorf("%w: more than %d files", errBounds, maxFiles)
	}
	switch {
	case !fs.ValidPath(name):
		r.pass(name, "its path leads out of the collection")
	case hidden(name):
	case mode&fs.ModeSymlink != 0:
		r.pass(name, "it is a symbolic link")
	case !mode.IsRegular():
		r.pass(name, "it is no regular file")
	case !wanted(name):
	case size > maxFile:
		r.pass(name, fmt.Sprintf("it is larger than %d bytes", maxFile))
	default:
		return true, nil
	}
	return false, nil
}

// add reads one file; its size is counted as it comes, not as it was told.
func (r *intake) add(name string, from io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(b) > maxFile {
		r.pass(name, fmt.Sprintf("it is larger than %d bytes", maxFile))
		return nil
	}
	if r.total += int64(len(b)); r.total > maxTotal {
		return fmt.Errorf("%w: more than %d bytes", errBounds, maxTotal)
	}
	r.files[name] = b
	return nil
}

// folder reads through a root, which no link leads out of.
func (r *intake) folder(name string) error {
	root, err := os.OpenRoot(name)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			r.pass(p, "it cannot be read")
			return nil
		}
		if d.IsDir() {
			if hidden(p) {
				return fs.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil {
			r.pass(p, "it cannot be read")
			return nil
		}
		ok, err := r.take(p, info.Mode(), info.Size())
		if err != nil || !ok {
			return err
		}
		return r.open(root, p)
	})
}

func (r *intake) folderFile(dir, name string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return r.open(root, name)
}

func (r *intake) open(root *os.Root, name string) error {
	f, err := root.Open(name)
	if err != nil {
		r.pass(name, "it cannot be read")
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		r.pass(name, "it is no regular file")
		return nil
	}
	return r.add(name, f)
}

// rooted is the collection without the one folder that archives put around everything, as an archive in memory, which
// serves as a file system.
func (r *intake) rooted() (fs.FS, error) {
	top := r.top()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		f, err := z.CreateHeader(&zip.FileHeader{Name: strings.TrimPrefix(name, top), Method: zip.Store})
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(r.files[name]); err != nil {
			return nil, err
		}
		delete(r.files, name)
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
}

// top is the folder that holds every file, with its slash; empty where there is no such one.
func (r *intake) top() string {
	top := ""
	for name := range r.files {
		first, _, ok := strings.Cut(name, "/")
		if !ok || top != "" && top != first+"/" {
			return ""
		}
		top = first + "/"
	}
	return top
}
