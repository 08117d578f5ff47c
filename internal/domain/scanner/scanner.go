// Package scanner is what scans: one embedded for all, and remote ones that an organization or a partner links. A scanner dials
// in, leases chunks of work and sends what it saw. The embedded one belongs to the installation and is shared with
// everybody below it. A scanner that scans refer to is not deleted.
//
// States: new (made, not linked yet), linked (has its certificate, was never seen), online, offline (silent for three quarters of
// a minute), deactivated. One that drains works on what it has and takes nothing new.
package scanner

import (
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/scanlink"
)

// Kinds.
const (
	Embedded = "embedded"
	Remote   = "remote"
)

// States as stored; online and offline follow from when it was last seen.
const (
	New         = "new"
	Linked      = "linked"
	Online      = "online"
	Offline     = "offline"
	Deactivated = "deactivated"
)

// Silence after which a scanner counts as offline: longer than its longest poll, and short enough for the notice to come within
// a minute.
const Silence = 45 * time.Second

// OfflineEvent is announced once an outage.
const OfflineEvent = "scanner_offline"

// Outage is the data of OfflineEvent.
type Outage struct {
	ScannerID  string      `json:"scanner_id"`
	Name       string      `json:"name"`
	LastSeenAt *clock.Time `json:"last_seen_at"`
}

// EmbeddedID of the scanner that every installation has.
const EmbeddedID = "00000000-0000-7000-8000-000000000002"

// SignIn is what a verification that tests the credentials of a target is about.
type SignIn struct {
	TargetID string            `json:"target_id"`
	Product  string            `json:"product"`
	Host     scanlink.PlanHost `json:"host"`
	Ports    string            `json:"ports"`
}

// VerifyTopic wakes who waits for a verification, and the scanner that must do it.
const VerifyTopic = "scanner_verification"

// Scanner is one row.
type Scanner struct {
	bun.BaseModel `bun:"table:scanners,alias:n"`
	db.Shared
	ID              string      `bun:"id,pk"`
	Name            string      `bun:"name"`
	Comment         string      `bun:"comment"`
	Kind            string      `bun:"kind"`
	AppType         string      `bun:"app_type"` // the product it serves, or all
	State           string      `bun:"state"`
	Version         string      `bun:"version"`
	Capabilities    []string    `bun:"capabilities,type:jsonb"`
	SourceAddresses []string    `bun:"source_addresses,type:jsonb"`
	MaxConcurrency  int         `bun:"max_concurrency"`
	FeedVersion     string      `bun:"feed_version"`
	NetworkID       *string     `bun:"network_id"` // of the owner's; it scans the targets of that network alone
	LastSeenAt      *clock.Time `bun:"last_seen_at"`
	Draining        bool        `bun:"draining"`
	Serial          string      `bun:"certificate_serial"` // of the certificate in use; empty: none is remembered
	NextSerial      string      `bun:"next_serial"`        // of the one that replaces it
	OfflineAt       *clock.Time `bun:"offline_at"`         // when its outage was announced
	CreatedBy       *string     `bun:"created_by,nullzero"`
	CreatedAt       clock.Time  `bun:"created_at"`
	UpdatedAt       clock.Time  `bun:"updated_at"`
}

// RowID breaks ties of a list.
func (s Scanner) RowID() string { return s.ID }

// StateAt tells the state at an instant.
func (s Scanner) StateAt(now clock.Time) string {
	switch {
	case s.State == Deactivated || s.State == New:
		return s.State
	case s.LastSeenAt == nil:
		return s.State
	case now-*s.LastSeenAt > clock.Time(Silence.Milliseconds()):
		return Offline
	}
	return Online
}

// Active says whether it may be given work for the product. PCI scans run on the installation's own scanners alone.
func (s Scanner) Active(product string) bool {
	if product == plan.PCI && s.OrganizationID != access.Installation {
		return false
	}
	return s.State != Deactivated && s.State != New && (s.AppType == "all" || s.AppType == product)
}

// Private says whether it belongs to the organization itself, and may thus scan its private networks.
func (s Scanner) Private(organization string) bool {
	return s.Kind == Remote && s.OrganizationID == organization && organization != access.Installation
}

// Product whose users hear of it; one that serves all is told of under the first.
func (s Scanner) Product() string {
	if s.AppType == "all" {
		return plan.Products[0]
	}
	return s.AppType
}

// Shows says whether a certificate with the serial number is the scanner's. Each start of the embedded one has its own.
func (s Scanner) Shows(serial string) bool {
	return s.Kind == Embedded || s.Serial == "" || (serial != "" && (serial == s.Serial || serial == s.NextSerial))
}

// Verification asks a scanner to prove itself; each is kept.
type Verification struct {
	bun.BaseModel `bun:"table:scanner_verifications,alias:v"`
	db.Owned
	ID                    string          `bun:"id,pk"`
	ScannerOrganizationID string          `bun:"scanner_organization_id"`
	ScannerID             string          `bun:"scanner_id"`
	Verified              *bool           `bun:"verified"`
	Checks                json.RawMessage `bun:"checks,type:jsonb"`
	AskedAt               clock.Time      `bun:"asked_at"`
	AnsweredAt            *clock.Time     `bun:"answered_at"`
	OfferedAt             *clock.Time     `bun:"offered_at"`
	SignIn                *SignIn         `bun:"sign_in,type:jsonb,nullzero"`
}
