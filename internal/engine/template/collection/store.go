package collection

import (
	"archive/zip"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
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
	"sync"
	"time"

	"github.com/vedette/vedette/internal/engine/template"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/scanlink"
)

// Suffix of the file of a version.
const Suffix = ".templates"

// Report tells what an import did.
type Report struct {
	Version  string             `json:"version"`
	Path     string             `json:"path"`
	Files    int                `json:"files"`
	Loaded   int                `json:"loaded"`
	Kinds    map[string]*Kind   `json:"kinds"`
	Idle     map[string]int     `json:"idle"`    // loaded and not run, by reason
	Reasons  map[string]int     `json:"refused"` // by reason
	Refusals []template.Refusal `json:"refusals,omitempty"`
}

// Kind counts the templates of one kind.
type Kind struct {
	Loaded  int `json:"loaded"`
	Idle    int `json:"idle"`
	Refused int `json:"refused"`
}

// Import reads a collection, loads it, and stores what loaded as a new version in dir, at once or not at all. A
// collection of which nothing loads is an error.
func Import(dir, from string) (*Report, error) {
	files, err := Read(from)
	if err != nil {
		return nil, err
	}
	set, refusals, err := template.Load(files.FS)
	if err != nil {
		return nil, err
	}
	for _, p := range files.Passed {
		refusals = append(refusals, template.Refusal{Path: p.Path, Reason: p.Reason})
	}
	rep := summary(set, refusals)
	if set.Len() == 0 {
		return rep, errors.New("none of the files is a template that can be loaded")
	}
	rep.Version, rep.Path, err = write(dir, files.FS, set)
	return rep, err
}

func summary(set *template.Set, refusals []template.Refusal) *Report {
	r := &Report{
		Files: set.Len() + len(refusals), Loaded: set.Len(), Kinds: map[string]*Kind{}, Idle: map[string]int{}, Reasons: map[string]int{}, Refusals: refusals,
	}
	kind := func(name string) *Kind {
		name = cmp.Or(name, "none")
		if r.Kinds[name] == nil {
			r.Kinds[name] = &Kind{}
		}
		return r.Kinds[name]
	}
	for _, t := range set.All() {
		k := kind(t.Kind())
		if k.Loaded++; t.Idle() != "" {
			k.Idle++
			r.Idle[t.Idle()]++
		}
	}
	for _, f := range refusals {
		kind(f.Kind).Refused++
		reason, _, _ := strings.Cut(f.Reason, "\n")
		r.Reasons[reason]++
	}
	return r
}

// write stores templates and lists as a zip archive, whose entries are in order and without times, so that the same
// collection gives the same version.
func write(dir string, files fs.FS, set *template.Set) (version, name string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", "", fmt.Errorf("store the templates: %w", err)
	}
	tmp, err := os.CreateTemp(dir, "building-*")
	if err != nil {
		return "", "", fmt.Errorf("store the templates: %w", err)
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	digest := sha256.New()
	if err := pack(io.MultiWriter(tmp, digest), files, set); err != nil {
		return "", "", fmt.Errorf("store the templates: %w", err)
	}
	version = hex.EncodeToString(digest.Sum(nil))[:16]
	name = filepath.Join(dir, version+Suffix)
	if err := errors.Join(tmp.Chmod(0o444), tmp.Sync(), tmp.Close(), os.Rename(tmp.Name(), name)); err != nil {
		return "", "", fmt.Errorf("store the templates: %w", err)
	}
	return version, name, nil
}

func pack(w io.Writer, files fs.FS, set *template.Set) error {
	names := map[string]bool{}
	for _, t := range set.All() {
		names[t.Path()] = true
	}
	err := fs.WalkDir(files, ".", func(p string, d fs.DirEntry, err error) error {
		if ext := strings.ToLower(path.Ext(p)); err == nil && !d.IsDir() && ext != ".yaml" && ext != ".yml" {
			names[p] = true
		}
		return err
	})
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		f, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
		if err != nil {
			return err
		}
		if _, err := f.Write(b); err != nil {
			return err
		}
	}
	return z.Close()
}

// Stored says whether a file is a version that was stored.
func Stored(name string) bool { return filepath.Ext(name) == Suffix }

// Newest is the file of the version that was imported last; empty where there is none.
func Newest(dir string) (string, error) {
	all, err := filepath.Glob(filepath.Join(dir, "*"+Suffix))
	if err != nil || len(all) == 0 {
		return "", err
	}
	age := func(name string) time.Time {
		info, err := os.Stat(name)
		if err != nil {
			return time.Time{}
		}
		return info.ModTime()
	}
	return slices.MaxFunc(all, func(a, b string) int { return age(a).Compare(age(b)) }), nil
}

// Open loads a version.
func Open(name string) (*template.Set, error) {
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, fmt.Errorf("open the templates %s: %w", name, err)
	}
	defer z.Close()
	set, _, err := template.Load(z)
	if err != nil {
		return nil, fmt.Errorf("open the templates %s: %w", name, err)
	}
	return set.Named(strings.TrimSuffix(filepath.Base(name), Suffix)), nil
}

// Shelf gives the version in force in a folder, and looks for a newer one at most every few seconds. Sets that runs
// already use stay as they are.
type Shelf struct {
	Dir string

	lock    sync.Mutex
	name    string
	set     *template.Set
	checked time.Time
	former  *template.Set // of a run that began before the newest version came
}

const lookAgain = 20 * time.Second

// Get is the newest version; nil where there is none.
func (s *Shelf) Get() (*template.Set, error) {
	if s.Dir == "" {
		return nil, nil
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	if !s.checked.IsZero() && clock.Since(s.checked) < lookAgain {
		return s.set, nil
	}
	name, err := Newest(s.Dir)
	if err != nil {
		return s.set, err
	}
	if name != s.name {
		var set *template.Set
		if name != "" {
			if set, err = Open(name); err != nil {
				return s.set, err
			}
		}
		s.name, s.set = name, set
	}
	s.checked = clock.Monotonic()
	return s.set, nil
}

// Version of the newest templates; scanlink.NoTemplates where there are none.
func (s *Shelf) Version() string {
	set, err := s.Get()
	if set == nil || err != nil {
		return scanlink.NoTemplates
	}
	return set.Version()
}

// For gives the version that a run began with, as long as the folder has it: parts of one run must not be looked at with
// different templates. An empty version, and one that is gone, give the newest; the latter with an error.
func (s *Shelf) For(version string) (*template.Set, error) {
	if version == scanlink.NoTemplates {
		return nil, nil
	}
	newest, err := s.Get()
	if err != nil || version == "" || newest != nil && newest.Version() == version {
		return newest, err
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.former != nil && s.former.Version() == version {
		return s.former, nil
	}
	if s.Dir == "" || version != filepath.Base(version) {
		return newest, fmt.Errorf("there is no version %q of the templates here", version)
	}
	set, err := Open(filepath.Join(s.Dir, version+Suffix))
	if err != nil {
		return newest, err
	}
	s.former = set
	return set, nil
}
