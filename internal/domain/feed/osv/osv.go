// Package osv reads records of the Open Source Vulnerability format (https://ossf.github.io/osv-schema) about packages of
// Linux distributions: Debian, Ubuntu, Alpine Linux, Red Hat Enterprise Linux, Rocky Linux and AlmaLinux.
package osv

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/feed/fix"
	"github.com/vedette/vedette/internal/domain/feed/nvd"
)

// MaxRecord bounds one record in bytes.
const MaxRecord = 16 << 20

// ErrWithdrawn is given for a record that was taken back.
var ErrWithdrawn = errors.New("withdrawn")

type record struct {
	ID        string   `json:"id"`
	Withdrawn string   `json:"withdrawn"`
	Aliases   []string `json:"aliases"`
	Upstream  []string `json:"upstream"`
	Related   []string `json:"related"`
	Affected  []struct {
		Package struct {
			Ecosystem string `json:"ecosystem"`
			Name      string `json:"name"`
		} `json:"package"`
		Ranges []span `json:"ranges"`
	} `json:"affected"`
}

// span is one range of versions.
type span struct {
	Type   string `json:"type"`
	Events []struct {
		Introduced string `json:"introduced"`
		Fixed      string `json:"fixed"`
		Last       string `json:"last_affected"`
	} `json:"events"`
}

const maxAffected = 20_000

// into notes the fixes of a range; one that ends with a last affected version names no fix to compare with.
func (r span) into(s *fix.Source, cves []string) {
	if r.Type != "ECOSYSTEM" {
		return
	}
	introduced, open := "", false
	for _, e := range r.Events {
		switch {
		case e.Introduced != "":
			introduced, open = e.Introduced, true
		case e.Fixed != "" && len(e.Fixed) <= fix.MaxText:
			note(s, cves, e.Fixed, introduced)
			open = false
		case e.Last != "":
			open = false
		}
	}
	if open {
		note(s, cves, "", introduced)
	}
}

// Read streams records, one after the other or in one array, and gives what each says of packages.
func Read(ctx context.Context, r io.Reader, each func(id string, all []fix.Source, err error) error) error {
	in := &limited{r: r, left: MaxRecord}
	buffer := bufio.NewReader(in)
	dec := json.NewDecoder(buffer)
	if opensArray(buffer) {
		if _, err := dec.Token(); err != nil {
			return fmt.Errorf("read the records: %w", err)
		}
	}
	for dec.More() {
		in.left = MaxRecord
		if err := ctx.Err(); err != nil {
			return err
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return fmt.Errorf("read the records: %w", err)
		}
		id, all, err := Parse(raw)
		if err := each(id, all, err); err != nil {
			return err
		}
	}
	return nil
}

func opensArray(in *bufio.Reader) bool {
	head, _ := in.Peek(64)
	return bytes.HasPrefix(bytes.TrimSpace(head), []byte("["))
}

// limited ends the reading of a record that is too large.
type limited struct {
	r    io.Reader
	left int
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("a record has more than %d bytes", MaxRecord)
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

var cveInside = regexp.MustCompile(`CVE-\d{4}-\d{4,10}$`)

// ids are the CVEs that a record is about: its own, its aliases, or what it was made from; related ones only where it names
// no other.
func (r record) ids() []string {
	var out []string
	add := func(all ...string) {
		for _, s := range all {
			if id := cveInside.FindString(s); nvd.ValidID(id) && !slices.Contains(out, id) && len(out) < 500 {
				out = append(out, id)
			}
		}
	}
	add(r.ID)
	add(r.Aliases...)
	add(r.Upstream...)
	if len(out) == 0 {
		add(r.Related...)
	}
	return out
}

// Parse reads one record. A record about nothing that is known here is an error that says so.
func Parse(raw []byte) (string, []fix.Source, error) {
	var r record
	if err := json.Unmarshal(raw, &r); err != nil {
		return "", nil, fmt.Errorf("read the record: %w", err)
	}
	id := r.ID[:min(len(r.ID), 60)]
	if r.Withdrawn != "" {
		return id, nil, ErrWithdrawn
	}
	cves := r.ids()
	if len(cves) == 0 {
		return id, nil, errors.New("it names no CVE")
	}
	var out []fix.Source
	for _, a := range r.Affected[:min(len(r.Affected), maxAffected)] {
		distro, release := ecosystem(a.Package.Ecosystem)
		if distro == "" || !fix.Named(a.Package.Name) {
			continue
		}
		for _, in := range a.Ranges {
			s := fix.Source{Distro: distro, Name: a.Package.Name, Release: release, Fixed: map[string]string{}}
			if in.into(&s, cves); len(s.Fixed) > 0 {
				out = append(out, s)
			}
		}
	}
	if len(out) == 0 {
		return id, nil, errors.New("it is about no package of a distribution that is known here")
	}
	return id, out, nil
}

func note(s *fix.Source, cves []string, fixed, introduced string) {
	for _, id := range cves {
		s.Add(id, fixed)
		if introduced != "" && introduced != "0" && len(introduced) <= fix.MaxText {
			if s.Since == nil {
				s.Since = map[string]string{}
			}
			s.Since[id] = introduced
		}
	}
}

var (
	ubuntuForm = regexp.MustCompile(`^Ubuntu(?::Pro)?(?::FIPS[a-z-]*)?:(\d\d\.\d\d)(?::LTS)?$`)
	redhatForm = regexp.MustCompile(`^Red Hat:(?:enterprise_linux|rhel_eus|rhel_aus|rhel_e4s|rhel_tus|rhel_els):(\d{1,2})(?:\.\d+)?(?:::[a-z]+)?$`)
)

// ecosystem reads the name of an ecosystem with its release; empty for one that is not known.
func ecosystem(name string) (distro, release string) {
	base, rest, _ := strings.Cut(name, ":")
	switch base {
	case "Debian":
		return fix.Debian, rest
	case "Alpine":
		return fix.Alpine, strings.TrimPrefix(rest, "v")
	case "Rocky Linux":
		return fix.Rocky, rest
	case "AlmaLinux":
		return fix.Alma, rest
	case "Ubuntu":
		if m := ubuntuForm.FindStringSubmatch(name); m != nil {
			return fix.Ubuntu, m[1]
		}
	case "Red Hat":
		if m := redhatForm.FindStringSubmatch(name); m != nil {
			return fix.RedHat, m[1]
		}
	}
	return "", ""
}
