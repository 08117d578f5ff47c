// Package kev reads CISA's catalogue of Known Exploited Vulnerabilities.
package kev

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/vedette/vedette/internal/domain/feed/nvd"
	"github.com/vedette/vedette/internal/domain/feed/record"
)

// Entry is one vulnerability that is exploited in the wild.
type Entry struct {
	CVE        string `json:"cve"`
	Name       string `json:"name,omitempty"`
	Vendor     string `json:"vendor,omitempty"`
	Product    string `json:"product,omitempty"`
	Added      string `json:"added,omitempty"` // YYYY-MM-DD
	Due        string `json:"due,omitempty"`   // the date by which agencies must act
	Action     string `json:"action,omitempty"`
	Ransomware bool   `json:"ransomware,omitempty"`
}

type wire struct {
	CVE        string `json:"cveID"`
	Vendor     string `json:"vendorProject"`
	Product    string `json:"product"`
	Name       string `json:"vulnerabilityName"`
	Added      string `json:"dateAdded"`
	Due        string `json:"dueDate"`
	Action     string `json:"requiredAction"`
	Ransomware string `json:"knownRansomwareCampaignUse"`
}

// Read streams the catalogue.
func Read(ctx context.Context, r io.Reader, each func(Entry, error) error) error {
	return record.Split(ctx, r, "cveID", func(raw []byte, err error) error {
		if err != nil {
			return each(Entry{}, err)
		}
		return each(Parse(raw))
	})
}

// Parse reads one entry; what follows it is passed over.
func Parse(raw []byte) (Entry, error) {
	var w wire
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&w); err != nil {
		return Entry{}, fmt.Errorf("read the entry: %w", err)
	}
	w.CVE = strings.TrimSpace(w.CVE)
	if !nvd.ValidID(w.CVE) {
		return Entry{}, fmt.Errorf("%q is no CVE id", short(w.CVE, 40))
	}
	return Entry{
		CVE: w.CVE, Name: short(w.Name, 300), Vendor: short(w.Vendor, 100), Product: short(w.Product, 100), Added: date(w.Added), Due: date(w.Due),
		Action: short(w.Action, 1000), Ransomware: strings.EqualFold(w.Ransomware, "known"),
	}, nil
}

var dateForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}`)

func date(s string) string { return dateForm.FindString(s) }

func short(s string, n int) string {
	return strings.ToValidUTF8(s[:min(len(s), n)], "")
}
