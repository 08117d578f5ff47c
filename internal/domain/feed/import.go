package feed

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/feed/bundle"
	"github.com/vedette/vedette/internal/domain/feed/debian"
	"github.com/vedette/vedette/internal/domain/feed/eol"
	"github.com/vedette/vedette/internal/domain/feed/epss"
	"github.com/vedette/vedette/internal/domain/feed/kev"
	"github.com/vedette/vedette/internal/domain/feed/nvd"
)

// Suffix of a knowledge file's name.
const Suffix = ".knowledge"

// Report tells what an import did.
type Report struct {
	Info
	Path    string    `json:"path"` // the file written
	Ignored []Ignored `json:"ignored"`
	Damaged []Damaged `json:"damaged"` // the first maxDamaged of each source
	Skipped int       `json:"skipped"` // damaged records in all
}

// Ignored is a file that was not used, and why.
type Ignored struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Damaged is a record that was passed over.
type Damaged struct {
	Path   string `json:"path"`
	Record string `json:"record,omitempty"`
	Reason string `json:"reason"`
}

const (
	maxDamaged = 20
	maxFiles   = 10000
)

// Source is something to import from. Open may be called twice: once to recognise the kind, once to read.
type Source struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// Import builds a version from files and folders (walked, links not followed) and writes it into dir. Files are
// recognised by their content, whatever their names: NVD JSON 2.0, CISA KEV, FIRST EPSS, endoflife cycles, the fixes of
// Debian (this program's form or that of its security tracker), Ubuntu (its database of notices), Red Hat (CSAF) and Alpine
// Linux (secdb), and OSV records about packages of distributions, each plain or gzipped. What nothing recognised is listed. It builds on base where given, and on the starter set.
func Import(ctx context.Context, dir string, paths []string, base *Knowledge) (Report, error) {
	var rep Report
	var sources []Source
	for _, p := range paths {
		files, err := filesOf(p)
		if err != nil {
			rep.Ignored = append(rep.Ignored, Ignored{p, plainError(err)})
		}
		for _, f := range files {
			sources = append(sources, Source{f, func() (io.ReadCloser, error) { return os.Open(f) }})
		}
	}
	got, err := Build(ctx, dir, sources, base)
	got.Ignored = append(rep.Ignored, got.Ignored...)
	return got, err
}

func plainError(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

func filesOf(root string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Type().IsRegular() || path == root && !d.IsDir() {
			out = append(out, path)
		}
		if len(out) > maxFiles {
			return fmt.Errorf("more than %d files", maxFiles)
		}
		return nil
	})
	return out, err
}

// Build writes one version from sources into dir, under a name made of its content, at once or not at all. An error
// means that nothing was written; a damaged source or record is in the report instead.
func Build(ctx context.Context, dir string, sources []Source, base *Knowledge) (Report, error) {
	var rep Report
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return rep, fmt.Errorf("make the folder of the knowledge: %w", err)
	}
	tmp, err := os.CreateTemp(dir, "building-*")
	if err != nil {
		return rep, fmt.Errorf("write the knowledge: %w", err)
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	bases := []*Knowledge{Starter()}
	if base != nil && base != bases[0] {
		bases = []*Knowledge{base, bases[0]}
	}
	im := &importer{b: newBuilder(tmp, bases...), rep: &rep}
	if err := im.all(ctx, sources); err != nil {
		return rep, err
	}
	if rep.Info, err = im.finish(base); err != nil {
		return rep, fmt.Errorf("write the knowledge: %w", err)
	}
	if err := errors.Join(tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return rep, fmt.Errorf("write the knowledge: %w", err)
	}
	rep.Path = filepath.Join(dir, rep.Version+Suffix)
	if err := os.Rename(tmp.Name(), rep.Path); err != nil {
		return rep, fmt.Errorf("write the knowledge: %w", err)
	}
	return rep, nil
}

type importer struct {
	b   *builder
	rep *Report
}

func (im *importer) all(ctx context.Context, sources []Source) error {
	for _, s := range sources {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := im.one(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (im *importer) finish(base *Knowledge) (Info, error) {
	used := im.b.info.Sources
	im.b.info.Small = len(used) == 0 && (base == nil || base.Small())
	if base != nil {
		for _, s := range base.file.meta.Sources {
			if s.Kind != kindStarter {
				im.b.info.Sources = append(im.b.info.Sources, s)
			}
		}
		im.b.info.Date = max(im.b.info.Date, base.file.meta.Date)
	}
	im.b.info.Sources = append(im.b.info.Sources, Starter().file.meta.Sources...)
	im.b.info.Date = cmp.Or(im.b.info.Date, Starter().file.meta.Date)
	return im.b.finish()
}

// The kinds of sources.
const (
	kindNVD     = "nvd"
	kindKEV     = "kev"
	kindEPSS    = "epss"
	kindEOL     = "endoflife"
	kindDebian  = "debian"
	kindStarter = "starter"
)

func (im *importer) one(ctx context.Context, s Source) error {
	in, head, err := open(s)
	if err != nil {
		im.ignore(s, plainError(err))
		return nil
	}
	defer in.Close()
	kind, reason := recognise(head)
	if kind == "" {
		im.ignore(s, reason)
		return nil
	}
	n := &counter{im: im, source: s}
	info := SourceInfo{Kind: kind, Name: filepath.Base(s.Name)}
	err = im.read(ctx, kind, in, n, &info)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		n.bad("", err)
	}
	info.Records = n.good
	im.b.info.Whole = im.b.info.Whole || kind == kindKEV && n.good > 0
	if n.good == 0 {
		im.ignore(s, "it looks like "+kind+" and holds no usable record")
		return nil
	}
	if info.Date == "" {
		info.Date = dateIn(head)
	}
	im.b.info.Date = max(im.b.info.Date, info.Date)
	im.b.info.Sources = append(im.b.info.Sources, info)
	return nil
}

func (im *importer) read(ctx context.Context, kind string, in io.Reader, n *counter, info *SourceInfo) (err error) {
	switch kind {
	case kindNVD:
		err = nvd.Read(ctx, in, func(c nvd.CVE, err error) error {
			if errors.Is(err, nvd.ErrWithdrawn) {
				im.b.withdraw(c.ID)
				return nil
			}
			if n.took(c.ID, err) {
				im.b.addCVE(c)
			}
			return im.b.w.err
		})
	case kindKEV:
		err = kev.Read(ctx, in, func(e kev.Entry, err error) error {
			if n.took(e.CVE, err) {
				im.b.addKEV(e)
			}
			return im.b.w.err
		})
	case kindEPSS:
		info.Date, err = epss.Read(ctx, in, func(s epss.Score, err error) error {
			if n.took(s.CVE, err) {
				im.b.addEPSS(s)
			}
			return nil
		})
	case kindEOL:
		err = eol.Read(in, func(p eol.Product, err error) error {
			if n.took(p.Name, err) {
				im.b.addEOL(p)
			}
			return nil
		})
	case kindDebian:
		err = debian.Read(in, func(s debian.Source, err error) error {
			if n.took(s.Name, err) {
				im.b.addDebian(s)
			}
			return nil
		})
	default:
		err = im.readFixes(ctx, kind, in, n, info)
	}
	return err
}

func (im *importer) ignore(s Source, reason string) {
	im.rep.Ignored = append(im.rep.Ignored, Ignored{s.Name, reason})
}

// counter counts what a source gave.
type counter struct {
	im        *importer
	source    Source
	good, off int
}

func (n *counter) took(record string, err error) bool {
	if err != nil {
		n.bad(record, err)
		return false
	}
	n.good++
	return true
}

func (n *counter) bad(record string, err error) {
	n.off++
	n.im.rep.Skipped++
	if n.off <= maxDamaged {
		n.im.rep.Damaged = append(n.im.rep.Damaged, Damaged{n.source.Name, record, err.Error()})
	}
}

// headSize is how much of a file decides its kind.
const headSize = 8 << 10

type stream struct {
	io.Reader
	io.Closer
}

// open gives a source's content, unpacked where it is gzipped, and its beginning.
func open(s Source) (io.ReadCloser, []byte, error) {
	f, err := s.Open()
	if err != nil {
		return nil, nil, err
	}
	in := bufio.NewReaderSize(f, headSize)
	if b, _ := in.Peek(2); bytes.Equal(b, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			f.Close()
			return nil, nil, fmt.Errorf("unpack: %w", err)
		}
		in = bufio.NewReaderSize(z, headSize)
	}
	head, err := in.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		f.Close()
		return nil, nil, err
	}
	return stream{in, f}, slices.Clone(head), nil
}

var (
	epssForm   = regexp.MustCompile(`(?m)^CVE-\d{4}-\d{4,},[\d.]+(,[\d.]+)?\s*$`)
	debianForm = regexp.MustCompile(`^\s*\{\s*"[a-z0-9][a-z0-9+.\-]*"\s*:\s*\{\s*("version"\s*:\s*"[^"]*"\s*,\s*"upstream"\s*:|"(CVE|TEMP)-[^"]{1,40}"\s*:\s*\{)`)
	eolForm    = regexp.MustCompile(`^\s*\{\s*"[^"]{1,80}"\s*:\s*\{[^{}]*"cycles"\s*:\s*\[`)
	nvdForm    = regexp.MustCompile(`\{\s*"cve"\s*:\s*\{`)
	kevForm    = regexp.MustCompile(`\{\s*"cveID"\s*:`)
)

// recognise names the kind of a file by its beginning, or says why it is none.
func recognise(head []byte) (kind, reason string) {
	head = bytes.TrimPrefix(head, []byte("\ufeff"))
	switch {
	case len(bytes.TrimSpace(head)) == 0:
		return "", "it is empty"
	case bundle.Is(head):
		return "", "it is a signed bundle; vedette feed install takes it"
	case epssForm.Match(head):
		return kindEPSS, ""
	case bytes.TrimSpace(head)[0] != '{' && bytes.TrimSpace(head)[0] != '[':
		return "", "it is neither JSON nor EPSS scores"
	case nvdForm.Match(head) || bytes.Contains(head, []byte(`"NVD_CVE"`)) && bytes.Contains(head, []byte(`"vulnerabilities"`)):
		return kindNVD, ""
	case kevForm.Match(head) || bytes.Contains(head, []byte(`"catalogVersion"`)):
		return kindKEV, ""
	case debianForm.Match(head):
		return kindDebian, ""
	case recogniseFixes(head) != "":
		return recogniseFixes(head), ""
	case eolForm.Match(head) || bytes.Contains(head, []byte(`"schema_version"`)) && bytes.Contains(head, []byte(`"releases"`)):
		return kindEOL, ""
	case bytes.Contains(head, []byte(`"CVE_data_format"`)):
		return "", "it is the old NVD format 1.1, which NVD no longer serves; fetch format 2.0"
	}
	return "", "its content is none of NVD JSON 2.0, CISA KEV, FIRST EPSS, endoflife cycles, fixes of Debian, Ubuntu, Red Hat or Alpine Linux, OSV"
}

var dateForm = regexp.MustCompile(`"(?:timestamp|dateReleased)"\s*:\s*"(\d{4}-\d{2}-\d{2})`)

func dateIn(head []byte) string {
	if m := dateForm.FindSubmatch(head); m != nil {
		return strings.TrimSpace(string(m[1]))
	}
	return ""
}
