package scanner

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/scanlink"
)

// Attributes of a scanner on the wire.
type Attributes struct {
	ID              string      `json:"id"`
	Name            string      `json:"name"`
	Comment         string      `json:"comment"`
	Kind            string      `json:"kind" enum:"embedded,remote"`
	AppType         string      `json:"app_type" doc:"The product it serves, or all"`
	State           string      `json:"state" enum:"new,linked,online,offline,deactivated"`
	Version         string      `json:"version"`
	LastSeenAt      *clock.Time `json:"last_seen_at" format:"date-time"`
	Capabilities    []string    `json:"capabilities"`
	SourceAddresses []string    `json:"source_addresses" doc:"Addresses from which it scans, so that a firewall can let it through"`
	MaxConcurrency  int         `json:"max_concurrency"`
	Organization    *string     `json:"organization" doc:"Id of the owner where it is one's own"`
	Shared          bool        `json:"shared"`
	CreatedAt       clock.Time  `json:"created_at" format:"date-time"`
	UpdatedAt       clock.Time  `json:"updated_at" format:"date-time"`
}

// Key is the resource's id and type.
func (a Attributes) Key() (string, string) { return a.ID, "scanner" }

// Verified is the answer of a verification.
type Verified struct {
	Verified   bool                   `json:"verified"`
	VerifiedAt clock.Time             `json:"verified_at" format:"date-time"`
	Checks     []scanlink.VerifyCheck `json:"checks"`
}

var columns = filter.Columns{Date: "created_at", Sort: "name", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "name", SQL: "?TableAlias.name", Search: true},
	{Name: "comment", SQL: "?TableAlias.comment", NoSort: true},
	{Name: "kind", SQL: "?TableAlias.kind", Kind: filter.Word, Words: []string{Embedded, Remote}},
	{Name: "app_type", SQL: "?TableAlias.app_type", Kind: filter.Word},
	{Name: "version", SQL: "?TableAlias.version"},
	{Name: "last_seen_at", SQL: "?TableAlias.last_seen_at", Kind: filter.Moment, Null: true},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
}}

// Operations of the noun, as far as they are served.
func Operations(d *db.DB) []op.Operation {
	list := func(active bool) func(*db.Tx, *op.Empty, filter.Query) (filter.Page[Attributes], error) {
		return func(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[Attributes], error) {
			rows, meta, err := fetch(tx, q, active)
			page := filter.Page[Attributes]{Meta: meta}
			for _, s := range rows {
				page.Rows = append(page.Rows, represent(tx, s))
			}
			return page, err
		}
	}
	return op.In("Scanners", "",
		op.List("listScanners", "List scanners", "/v2/scanners", access.ScannerAccess, columns, list(false)),
		op.List("listActivatedScanners", "List activated scanners", "/v2/scanners/activated", access.ScannerAccess, columns, list(true)).
			Says("Those that may be given work for the active product."),
		op.Show("showScanner", "Show scanner", "/v2/scanners/{id}", access.ScannerAccess, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			s, err := ByID(tx, in.ID)
			if err != nil {
				return Attributes{}, err
			}
			return represent(tx, *s), nil
		}),
		op.Long("verifyScanner", "Verify a scanner", http.MethodPost, "/v2/scanners/{id}/verify", access.ScannerCreate,
			func(ctx context.Context, open op.Opener, in *op.Path) (Verified, error) {
				return verify(ctx, d, open, in.ID)
			}).
			Says("Asks the scanner to prove itself and waits at most 15 seconds. A scanner that is offline is `verified: false`, no error."),
	)
}

func represent(tx *db.Tx, s Scanner) Attributes {
	a := Attributes{ID: s.ID, Name: s.Name, Comment: s.Comment, Kind: s.Kind, AppType: s.AppType, State: s.StateAt(tx.Now()), Version: s.Version,
		LastSeenAt: s.LastSeenAt, Capabilities: s.Capabilities, SourceAddresses: s.SourceAddresses, MaxConcurrency: s.MaxConcurrency,
		Shared: s.Shared.Shared, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt}
	if s.OrganizationID == tx.Organization() {
		a.Organization = &s.OrganizationID
	}
	return a
}

const verifyPatience = 15 * time.Second

func verify(ctx context.Context, d *db.DB, open op.Opener, id string) (Verified, error) {
	v := &Verification{ID: db.NewID(), ScannerID: id, Checks: json.RawMessage("[]")}
	var state string
	err := open.Write(ctx, func(tx *db.Tx) error {
		s, err := ByID(tx, id)
		if err != nil {
			return err
		}
		state = s.StateAt(tx.Now())
		v.ScannerOrganizationID, v.AskedAt = s.OrganizationID, tx.Now()
		tx.Changed(db.Change{Type: "scanner", ID: s.ID, Name: s.Name})
		if err := insertVerification(tx, v); err != nil {
			return err
		}
		return tx.Wake(VerifyTopic)
	})
	if err != nil {
		return Verified{}, err
	}
	if state == Online || state == Linked {
		if v, err = answered(ctx, d, open, v); err != nil {
			return Verified{}, err
		}
	}
	if v.AnsweredAt == nil {
		return Verified{VerifiedAt: v.AskedAt, Checks: []scanlink.VerifyCheck{{Name: "reachable", Value: state, Detail: "The scanner did not answer within 15 seconds."}}}, nil
	}
	out := Verified{Verified: v.Verified != nil && *v.Verified, VerifiedAt: *v.AnsweredAt, Checks: []scanlink.VerifyCheck{}}
	return out, json.Unmarshal(v.Checks, &out.Checks)
}

// answered waits for the scanner's answer; without one the verification comes back as it was.
func answered(ctx context.Context, d *db.DB, open op.Opener, v *Verification) (*Verification, error) {
	ctx, cancel := context.WithTimeout(ctx, verifyPatience)
	defer cancel()
	for {
		woken := d.Wait(VerifyTopic)
		err := open.Read(context.WithoutCancel(ctx), func(tx *db.Tx) error {
			var err error
			v, err = verificationByID(tx, v.ID)
			return err
		})
		if err != nil || v.AnsweredAt != nil {
			return v, err
		}
		select {
		case <-woken:
		case <-ctx.Done():
			return v, nil
		}
	}
}
