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
	Draining        bool        `json:"draining" doc:"It ends what it works on and takes nothing new"`
	Organization    *op.Link    `json:"organization" doc:"The owner, where it is one's own"`
	Network         *op.Link    `json:"network" doc:"The owner's site that it stands in, whose targets alone it scans"`
	Shared          bool        `json:"shared"`
	CreatedAt       clock.Time  `json:"created_at" format:"date-time"`
	UpdatedAt       clock.Time  `json:"updated_at" format:"date-time"`

	LinkingCode          string      `json:"linking_code,omitempty" doc:"In the answer of a create alone: good once, for 24 hours"`
	LinkingCodeExpiresAt *clock.Time `json:"linking_code_expires_at,omitempty" format:"date-time" doc:"In the answer of a create alone"`
}

// Key is the resource's id and type.
func (a Attributes) Key() (string, string) { return a.ID, "scanner" }

// Verified is the answer of a verification.
type Verified struct {
	Verified   bool                   `json:"verified"`
	VerifiedAt clock.Time             `json:"verified_at" format:"date-time"`
	Checks     []scanlink.VerifyCheck `json:"checks"`
}

type createInput struct {
	Body struct {
		Scanner createAttributes `json:"scanner"`
	}
}

type createAttributes struct {
	Name           string `json:"name" maxLength:"200" example:"Berlin office"`
	Comment        string `json:"comment,omitempty" maxLength:"2000"`
	Kind           string `json:"kind,omitempty" enum:"remote" doc:"The embedded scanner is there already"`
	MaxConcurrency int    `json:"max_concurrency,omitempty" minimum:"1" maximum:"64" doc:"Parts of scans at once; default 2"`
	Network        string `json:"network,omitempty" doc:"Id of the network (site) that it stands in; default: none"`
	NetworkID      string `json:"network_id,omitempty" doc:"The same as network"`
}

type updateInput struct {
	op.Path
	Body struct {
		Scanner updateAttributes `json:"scanner"`
	}
}

type updateAttributes struct {
	Name           op.Field[string] `json:"name,omitempty" maxLength:"200"`
	Comment        op.Field[string] `json:"comment,omitempty" maxLength:"2000"`
	MaxConcurrency op.Field[int]    `json:"max_concurrency,omitempty" minimum:"1" maximum:"64"`
	Network        op.Field[string] `json:"network,omitempty" doc:"Id; null: none"`
	NetworkID      op.Field[string] `json:"network_id,omitempty" doc:"The same as network"`
}

type appTypeInput struct {
	op.Path
	Body struct {
		AppType string `json:"app_type" enum:"all,pci,vrms,penetration" doc:"The product that it serves"`
	}
}

type assignInput struct {
	op.Path
	Body struct {
		Organization *string `json:"organization" nullable:"true" doc:"Id of an organization of one's branch; null takes the scanner back for one's home organization alone"`
	}
}

const assignID = "assignScanner"

var columns = filter.Columns{Date: "created_at", Sort: "name", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "name", SQL: "?TableAlias.name", Search: true},
	{Name: "comment", SQL: "?TableAlias.comment", NoSort: true},
	{Name: "kind", SQL: "?TableAlias.kind", Kind: filter.Word, Words: []string{Embedded, Remote}},
	{Name: "app_type", SQL: "?TableAlias.app_type", Kind: filter.Word},
	{Name: "version", SQL: "?TableAlias.version"},
	{Name: "network", SQL: "?TableAlias.network_id", Kind: filter.ID, Null: true, NoSort: true},
	{Name: "last_seen_at", SQL: "?TableAlias.last_seen_at", Kind: filter.Moment, Null: true},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
}}

// Operations of the noun. authority is the PEM certificate that linking codes pin; record keeps the audit trail.
func Operations(d *db.DB, authority string, record op.Auditor) []op.Operation {
	list := func(active bool) func(*db.Tx, *op.Empty, filter.Query) (filter.Page[Attributes], error) {
		return func(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[Attributes], error) {
			rows, meta, err := fetch(tx, q, active)
			if err != nil {
				return filter.Page[Attributes]{}, err
			}
			page := filter.Page[Attributes]{Meta: meta}
			for _, s := range rows {
				page.Rows = append(page.Rows, represent(tx, s))
			}
			if err != nil {
				return page, err
			}
			return page, named(tx, page.Rows)
		}
	}
	return op.In("Scanners", "",
		op.List("listScanners", "List scanners", "/v2/scanners", access.ScannerAccess, columns, list(false)),
		op.List("listActivatedScanners", "List activated scanners", "/v2/scanners/activated", access.ScannerAccess, columns, list(true)).
			Says("Those that may be given work for the active product."),
		op.Create("createScanner", "Create scanner", "/v2/scanners", access.ScannerCreate, func(tx *db.Tx, in *createInput) (Attributes, error) {
			return create(tx, authority, in.Body.Scanner)
		}).Says("A remote scanner. The answer carries `linking_code`, which `vedette-scanner link` trades for a certificate."),
		op.Show("showScanner", "Show scanner", "/v2/scanners/{id}", access.ScannerAccess, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			s, err := ByID(tx, in.ID)
			if err != nil {
				return Attributes{}, err
			}
			all := []Attributes{represent(tx, *s)}
			err = named(tx, all)
			return all[0], err
		}),
		op.Update("updateScanner", "Update scanner", "/v2/scanners/{id}", access.ScannerCreate, func(tx *db.Tx, in *updateInput) (Attributes, error) {
			return update(tx, in.ID, in.Body.Scanner)
		}).Says(ownedText),
		op.Delete("deleteScanner", "Delete scanner", "/v2/scanners/{id}", access.ScannerCreate, "scanner", func(tx *db.Tx, in *op.Path) error {
			return remove(tx, in.ID)
		}).Conflicts().Says("While scans refer to it, it can't be deleted (409). "+ownedText),
		op.Action("activateScanner", "Activate scanner", http.MethodPut, "/v2/scanners/{id}/activate", access.ScannerAdmin, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			return activate(tx, in.ID)
		}).Conflicts().Says(ownedText),
		op.Action("drainScanner", "Drain scanner", http.MethodPut, "/v2/scanners/{id}/drain", access.ScannerAdmin, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			return drain(tx, in.ID)
		}).Conflicts().Says("For an upgrade without loss: it ends what it works on and takes nothing new, until it is activated again. "+ownedText),
		op.Action("linkScannerAgain", "Link a scanner again", http.MethodPost, "/v2/scanners/{id}/linking_code", access.ScannerCreate, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			return relink(tx, authority, in.ID)
		}).Conflicts().Says("The answer carries a new `linking_code`. Once it is used, the scanner's former certificate is refused. "+ownedText),
		op.Action("deactivateScanner", "Deactivate scanner", http.MethodPut, "/v2/scanners/{id}/deactivate", access.ScannerAdmin, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			return deactivate(tx, in.ID)
		}).Conflicts().Says("The server answers the scanner 403 from then on; what it works on is given back to the queue when its lease ends. "+ownedText),
		op.Action("updateScannerAppType", "Update scanner app type", http.MethodPut, "/v2/scanners/{id}/app_type", access.ScannerAdmin, func(tx *db.Tx, in *appTypeInput) (Attributes, error) {
			return change(tx, in.ID, owned, func(s *Scanner) error {
				s.AppType = in.Body.AppType
				return nil
			})
		}).Says("PCI scans run on the installation's scanners alone, whatever the app type of another. "+ownedText),
		op.LongAction(assignID, "Assign a scanner to an organization", http.MethodPut, "/v2/scanners/{id}/assign", access.ScannerAdmin, assigner{d, record}.assign).
			Conflicts().Says("The organization owns the scanner from then on, and it serves all organizations below too. While scans refer to it or it is at work, it can't be assigned (409). "+ownedText),
		op.Long("verifyScanner", "Verify a scanner", http.MethodPost, "/v2/scanners/{id}/verify", access.ScannerCreate,
			func(ctx context.Context, open op.Opener, in *op.Path) (Verified, error) {
				return verify(ctx, d, open, in.ID)
			}).
			Says("Asks the scanner to prove itself and waits at most 15 seconds. A scanner that is offline is `verified: false`, no error."),
	)
}

const ownedText = "Scanners that the organization owns, not those that another one shares."

func represent(tx *db.Tx, s Scanner) Attributes {
	a := Attributes{ID: s.ID, Name: s.Name, Comment: s.Comment, Kind: s.Kind, AppType: s.AppType, State: s.StateAt(tx.Now()), Version: s.Version,
		LastSeenAt: s.LastSeenAt, Capabilities: s.Capabilities, SourceAddresses: s.SourceAddresses, MaxConcurrency: s.MaxConcurrency, Draining: s.Draining,
		Shared: s.Shared.Shared, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt}
	if s.NetworkID != nil {
		a.Network = &op.Link{ID: *s.NetworkID}
	}
	if s.OrganizationID == tx.Organization() {
		a.Organization = &op.Link{ID: s.OrganizationID, Name: tx.Grant().Principal().Acting.Name}
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
