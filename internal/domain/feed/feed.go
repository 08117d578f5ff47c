// Package feed is what is known of vulnerabilities: CVE records with their CPE configurations, known exploitation,
// exploit prediction, release cycles and the fixes of distributions. One version of the knowledge is one immutable file,
// built by Import or Build and named by its content; whoever matches facts opens it and holds almost nothing in memory.
// A starter set is inside the program, so that a first scan without any feed finds well-known holes; what a feed lacks is
// filled from it. Knowledge is a value: no database, no transaction, no tenant.
package feed

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/vedette/vedette/internal/domain/feed/eol"
	"github.com/vedette/vedette/internal/domain/feed/fix"
	"github.com/vedette/vedette/internal/domain/feed/kev"
	"github.com/vedette/vedette/internal/domain/feed/nvd"
)

// The records that the knowledge holds.
type (
	CVE     = nvd.CVE
	KEV     = kev.Entry
	Product = eol.Product
	Cycle   = eol.Cycle
)

// Info tells what a version holds and how old it is.
type Info struct {
	Version string       `json:"version"`        // starter-… where nothing was imported
	Date    string       `json:"date,omitempty"` // YYYY-MM-DD of the newest source
	Small   bool         `json:"small"`          // the starter set alone
	CVEs    int          `json:"cves"`
	KEVs    int          `json:"kevs"`
	Whole   bool         `json:"whole_kev"` // the whole catalogue was imported; without it a missing entry means nothing
	Scores  int          `json:"scores"`    // EPSS; 0: no scores, they are unknown
	Cycles  int          `json:"products"`  // with release cycles
	Sources []SourceInfo `json:"sources"`
}

// SourceInfo is one source that went into a version.
type SourceInfo struct {
	Kind    string `json:"kind"` // nvd, kev, epss, endoflife, debian, ubuntu, redhat, alpine, osv or starter
	Name    string `json:"name"` // base name of the file
	Date    string `json:"date,omitempty"`
	Records int    `json:"records"`
}

// packageInfo is a source package of a distribution's release that the knowledge tells of.
type packageInfo struct {
	Distro   string `json:"distro,omitempty"` // empty: Debian
	Name     string `json:"name"`
	Release  string `json:"release"`
	Upstream string `json:"upstream"`
}

// EPSS is the exploit prediction of one CVE, both values 0 to 1.
type EPSS struct {
	Score      float64
	Percentile float64
}

// Knowledge is one version. It is immutable and safe for concurrent use.
type Knowledge struct {
	file    *file
	closer  *os.File
	sources map[string][]packageInfo // by name of the source package
	ready   ready
}

// Open opens a file that Import or Build wrote. It reads the table of contents only; Check reads all of it.
func Open(path string) (*Knowledge, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the knowledge: %w", err)
	}
	st, err := in.Stat()
	if err != nil {
		in.Close()
		return nil, fmt.Errorf("open the knowledge: %w", err)
	}
	f, err := openFile(in, st.Size())
	if err != nil {
		in.Close()
		return nil, fmt.Errorf("open the knowledge %s: %w", path, err)
	}
	k := knowledgeOf(f)
	k.closer = in
	return k, nil
}

func knowledgeOf(f *file) *Knowledge {
	k := &Knowledge{file: f, sources: map[string][]packageInfo{}}
	for _, s := range f.meta.Debian {
		k.sources[s.Name] = append(k.sources[s.Name], s)
	}
	return k
}

// Close gives the file back; the starter set needs none.
func (k *Knowledge) Close() error {
	if k.closer == nil {
		return nil
	}
	return k.closer.Close()
}

// Check reads the whole file and fails where its content is not what was written.
func (k *Knowledge) Check() error { return k.file.check() }

// Version names the content: two equal versions judge alike.
func (k *Knowledge) Version() string { return k.file.meta.Version }

// Small says that only the starter set is known.
func (k *Knowledge) Small() bool { return k.file.meta.Small }

// Date is the day of the newest source; zero where none told one.
func (k *Knowledge) Date() time.Time {
	t, err := time.Parse(time.DateOnly, k.file.meta.Date)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Info tells what the version holds.
func (k *Knowledge) Info() Info {
	info := k.file.meta.Info
	info.Sources = slices.Clone(info.Sources)
	return info
}

// Hash is the SHA-256 of the content, in hexadecimal.
func (k *Knowledge) Hash() string { return k.file.hash }

// CVE is the record of an id, without its configurations.
func (k *Knowledge) CVE(id string) (CVE, bool) {
	var c CVE
	key := cveKey(id)
	if key == 0 {
		return c, false
	}
	raw := k.file.value(tableCVE, key)
	if raw == nil || json.Unmarshal(raw, &c) != nil {
		return CVE{}, false
	}
	return c, true
}

// Configurations tells which software a CVE is about; empty where the record does not say.
func (k *Knowledge) Configurations(id string) []nvd.Configuration {
	return k.configurations(cveKey(id))
}

func (k *Knowledge) configurations(key uint64) []nvd.Configuration {
	raw := k.file.value(tableConfig, key)
	var out []nvd.Configuration
	if raw == nil || json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}

// EPSS is the score of a CVE; false where it is unknown.
func (k *Knowledge) EPSS(id string) (EPSS, bool) {
	e, ok := k.file.find(tableEPSS, cveKey(id))
	if !ok {
		return EPSS{}, false
	}
	return EPSS{float64(e.Off) / 1e6, float64(e.Len) / 1e6}, true
}

// KEV is the entry of a CVE that is exploited in the wild. known is false where no catalogue was imported: then a
// missing entry means nothing.
func (k *Knowledge) KEV(id string) (entry KEV, listed, known bool) {
	known = k.file.meta.Whole
	raw := k.file.value(tableKEV, cveKey(id))
	if raw == nil || json.Unmarshal(raw, &entry) != nil {
		return KEV{}, false, known
	}
	return entry, true, known
}

// Products are the products with release cycles that bear a CPE name vendor:product; mostly one.
func (k *Knowledge) Products(key string) []Product {
	var out []Product
	raw := k.file.value(tableEOL, hashKey(key))
	if raw == nil || json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return slices.DeleteFunc(out, func(p Product) bool { return !slices.Contains(p.CPE, key) })
}

// fixes is what is known of a source package of a release; an empty release takes any.
func (k *Knowledge) fixes(distro, name, release string) (fix.Source, bool) {
	var all []fix.Source
	key := fixKey(distro, name)
	raw := k.file.value(tableFixes, hashKey(key))
	if raw == nil || json.Unmarshal(raw, &all) != nil {
		return fix.Source{}, false
	}
	for _, s := range all {
		if fixKey(s.Distro, s.Name) == key && (release == "" || s.Release == "" || s.Release == release) {
			return s, true
		}
	}
	return fix.Source{}, false
}

// ValidID says whether a text is a CVE id.
func ValidID(id string) bool { return nvd.ValidID(id) }
