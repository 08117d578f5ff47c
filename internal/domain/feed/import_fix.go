package feed

import (
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/vedette/vedette/internal/domain/feed/alpine"
	"github.com/vedette/vedette/internal/domain/feed/fix"
	"github.com/vedette/vedette/internal/domain/feed/osv"
	"github.com/vedette/vedette/internal/domain/feed/redhat"
	"github.com/vedette/vedette/internal/domain/feed/ubuntu"
)

// The kinds of sources that tell of distributions' fixes, besides Debian's own.
const (
	kindUbuntu = "ubuntu"
	kindRedHat = "redhat"
	kindAlpine = "alpine"
	kindOSV    = "osv"
)

var (
	ubuntuForm = regexp.MustCompile(`^\s*\{\s*"(?:USN-)?\d{1,5}-\d{1,3}"\s*:\s*\{`)
	alpineForm = regexp.MustCompile(`"distroversion"\s*:\s*"`)
	csafForm   = regexp.MustCompile(`"csaf_version"\s*:\s*"`)
	osvID      = regexp.MustCompile(`^\s*\[?\s*\{(?s:.*?)"id"\s*:\s*"[A-Z][A-Za-z0-9]*-[^"]+"`)
	osvStamp   = regexp.MustCompile(`"modified"\s*:\s*"\d{4}-\d{2}-\d{2}T`)
)

// recogniseFixes names the kind of a file that tells of a distribution's fixes; empty for any other.
func recogniseFixes(head []byte) string {
	switch {
	case ubuntuForm.Match(head):
		return kindUbuntu
	case csafForm.Match(head):
		return kindRedHat
	case alpineForm.Match(head) && (bytes.Contains(head, []byte(`"secfixes"`)) || bytes.Contains(head, []byte(`"reponame"`))):
		return kindAlpine
	case osvID.Match(head) && osvStamp.Match(head):
		return kindOSV
	}
	return ""
}

// readFixes reads a source of one of these kinds.
func (im *importer) readFixes(ctx context.Context, kind string, in io.Reader, n *counter, info *SourceInfo) error {
	many := func(id string, all []fix.Source, err error) error {
		if errors.Is(err, osv.ErrWithdrawn) {
			return nil
		}
		if n.took(id, err) {
			im.b.addFixes(all)
		}
		return errors.Join(im.b.w.err, ctx.Err())
	}
	switch kind {
	case kindUbuntu:
		return ubuntu.Read(in, many)
	case kindAlpine:
		return alpine.Read(in, func(s fix.Source, err error) error { return many(s.Name, []fix.Source{s}, err) })
	case kindOSV:
		return osv.Read(ctx, in, many)
	}
	all, err := redhat.Read(in)
	return many(strings.TrimSuffix(info.Name, ".json"), all, err)
}
