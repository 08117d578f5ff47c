package report

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/vulnerability"
)

// A frozen report is JSON texts one after the other, compressed (RFC 1952): a Model without components, findings, notes and
// counts; then a frozenHost for each component; then a frozenEnd. A report of any size is thus written and read host by host.
// Those of the first versions are one Model, not compressed.
type (
	frozenHost struct {
		Component *Component              `json:",omitempty"`
		Findings  []vulnerability.Finding `json:",omitempty"`
		Notes     []Note                  `json:",omitempty"`
		End       *frozenEnd              `json:",omitempty"`
	}
	frozenEnd struct {
		Components int
		Counts     Counts
	}
)

// freezer writes a frozen report.
type freezer struct {
	zip *gzip.Writer
	out *json.Encoder
	end frozenEnd
}

// newFreezer begins with what the model says without its hosts.
func newFreezer(w io.Writer, m *Model) (*freezer, error) {
	zip, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	f := &freezer{zip: zip, out: json.NewEncoder(zip)}
	return f, f.out.Encode(m)
}

// add a component with what was found on it, and count it.
func (f *freezer) add(c Component, findings []vulnerability.Finding) error {
	for i := range findings {
		f.end.Counts.add(&findings[i], nil)
		if findings[i].Host == c.Host {
			c.Counts.add(&findings[i], nil)
		}
	}
	f.end.Components++
	return f.out.Encode(frozenHost{Component: &c, Findings: findings, Notes: notesOf(findings)})
}

// close writes the end.
func (f *freezer) close() error {
	return errors.Join(f.out.Encode(frozenHost{End: &f.end}), f.zip.Close())
}

// thaw reads a frozen report.
func thaw(r io.Reader) (*Model, error) {
	in := bufio.NewReader(r)
	m := &Model{}
	magic, err := in.Peek(2)
	if err == nil && bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		err = m.thawHosts(in)
	} else {
		err = json.NewDecoder(in).Decode(m)
	}
	if err != nil {
		return nil, fmt.Errorf("read the frozen report: %w", err)
	}
	return m, nil
}

func (m *Model) thawHosts(r io.Reader) error {
	zip, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(zip)
	if err := decoder.Decode(m); err != nil {
		return err
	}
	texts := shared{texts: map[string]string{}, lists: map[string][]string{}}
	for {
		var h frozenHost
		if err := decoder.Decode(&h); err != nil {
			return fmt.Errorf("after %d components: %w", len(m.Components), err)
		}
		if h.End != nil {
			if h.End.Components != len(m.Components) {
				return fmt.Errorf("%d components of %d", len(m.Components), h.End.Components)
			}
			m.Counts = h.End.Counts
			slices.SortStableFunc(m.Notes, compareNotes)
			_, err := io.Copy(io.Discard, zip) // the checksum stands at the end
			return err
		}
		for i := range h.Findings {
			texts.of(&h.Findings[i])
		}
		m.Components, m.Findings, m.Notes = append(m.Components, *h.Component), append(m.Findings, h.Findings...), append(m.Notes, h.Notes...)
	}
}

// shared keeps each text once: most of what is said of a finding is said of its kind.
type shared struct {
	texts map[string]string
	lists map[string][]string
}

func (s shared) of(f *vulnerability.Finding) {
	for _, text := range []*string{&f.Host, &f.Protocol, &f.NVT, &f.Class, &f.Name, &f.Certainty, &f.QoDType, &f.Product, &f.FeedVersion, &f.Summary, &f.Insight, &f.Affected,
		&f.Impact, &f.Solution, &f.SolutionType, &f.Detection, &f.CVSS.Version, &f.CVSS.Vector, &f.CVSS.Source, &f.PCI.Status, &f.PCI.Reason} {
		if kept, ok := s.texts[*text]; ok {
			*text = kept
		} else {
			s.texts[*text] = *text
		}
	}
	for _, list := range []*[]string{&f.CVEs, &f.References} {
		key := strings.Join(*list, "\x00")
		if kept, ok := s.lists[key]; ok && len(kept) == len(*list) {
			*list = kept
		} else {
			s.lists[key] = *list
		}
	}
}
