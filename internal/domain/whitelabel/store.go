package whitelabel

import (
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
)

func init() {
	db.Constrain(
		db.Constraint{Name: "whitelabel_hosts_host_key", Columns: "whitelabel_hosts.host", Fault: func() *fault.Fault {
			return fault.At("/whitelabel/host_names", "taken", "One of these host names belongs to another organization of the installation.")
		}},
		db.Constraint{Name: "whitelabels_one_key", Columns: "whitelabels.organization_id", Fault: func() *fault.Fault {
			return fault.New(fault.Conflict, "The settings are being made by another request at this moment; send this one again.").Coded("twin")
		}},
	)
}

type hostRow struct {
	bun.BaseModel `bun:"table:whitelabel_hosts,alias:wh"`
	db.Shared
	ID       string `bun:"id,pk"`
	Host     string `bun:"host"`
	Position int    `bun:"position"`
}

type imageRow struct {
	bun.BaseModel `bun:"table:whitelabel_images,alias:wi"`
	db.Shared
	ID        string     `bun:"id,pk"`
	Content   []byte     `bun:"content"`
	SHA256    string     `bun:"sha256"`
	CreatedAt clock.Time `bun:"created_at"`
}

// of the transaction's own organization; nil where it has none.
func of(tx *db.Tx) (*Settings, error) {
	var all []Settings
	if err := tx.Select(&all).Where("?TableAlias.organization_id = ?", tx.Organization()).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("white label: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return &all[0], nil
}

func hosts(tx *db.Tx, organization string) ([]string, error) {
	names := []string{}
	err := tx.Select((*hostRow)(nil)).Column("host").Where("?TableAlias.organization_id = ?", organization).OrderExpr("?TableAlias.position").Scan(tx.Context(), &names)
	if err != nil {
		return nil, fmt.Errorf("host names: %w", err)
	}
	return names, nil
}

// put writes the settings of the transaction's own organization.
func put(tx *db.Tx, s *Settings, names []string) error {
	s.UpdatedAt, s.Shared.Shared = tx.Now(), true
	q := tx.Insert(s).On("CONFLICT (organization_id, id) DO UPDATE")
	for _, c := range strings.Fields(`name logo_id favicon_id primary_color secondary_color support_email support_url mail_from_name mail_from_address
		mail_footer terms_url privacy_url report_cover_text report_footer updated_at`) {
		q = q.Set("? = EXCLUDED.?", bun.Ident(c), bun.Ident(c))
	}
	if _, err := q.Exec(tx.Context()); err != nil {
		return fmt.Errorf("white label: %w", err)
	}
	if _, err := tx.Delete((*hostRow)(nil)).Where("1 = 1").Exec(tx.Context()); err != nil {
		return fmt.Errorf("host names: %w", err)
	}
	for i, name := range names {
		row := &hostRow{ID: db.NewID(), Host: name, Position: i}
		row.Shared.Shared = true
		if _, err := tx.Insert(row).Exec(tx.Context()); err != nil {
			return fmt.Errorf("host names: %w", err)
		}
	}
	return dropImages(tx, s)
}

// dropImages that the settings no longer show.
func dropImages(tx *db.Tx, s *Settings) error {
	q := tx.Delete((*imageRow)(nil)).Where("1 = 1")
	for _, kept := range []*string{s.LogoID, s.FaviconID} {
		if kept != nil {
			q = q.Where("id <> ?", *kept)
		}
	}
	if _, err := q.Exec(tx.Context()); err != nil {
		return fmt.Errorf("drop images: %w", err)
	}
	return nil
}

func insertImage(tx *db.Tx, content []byte, sha256 string) (*string, error) {
	row := &imageRow{ID: db.NewID(), Content: content, SHA256: sha256, CreatedAt: tx.Now()}
	row.Shared.Shared = true
	if _, err := tx.Insert(row).Exec(tx.Context()); err != nil {
		return nil, fmt.Errorf("keep an image: %w", err)
	}
	return &row.ID, nil
}

// picture by its id, whoever asks. Fault kind: notfound.
func picture(tx *db.Tx, id string) (*imageRow, error) {
	row := &imageRow{}
	if err := tx.Select(row).Where("?TableAlias.id = ?", id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	return row, nil
}

// atHost are the settings of who has the host name, while they are in force; nil where nobody has; through the public door.
func atHost(tx *db.Tx, host string) (*Settings, error) {
	var all []Settings
	err := tx.Select(&all).Where("?TableAlias.organization_id IN (SELECT organization_id FROM whitelabel_hosts WHERE host = ?)", host).Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("white label of a host: %w", err)
	}
	return firstInForce(tx, all)
}

// nearest settings in force, from the organization up the tree; nil where there are none.
func nearest(tx *db.Tx, organization string) (*Settings, error) {
	var all []Settings
	err := tx.Select(&all).Join("JOIN organization_tree AS t ON t.ancestor_id = ?TableAlias.organization_id AND t.descendant_id = ?", organization).
		OrderExpr("t.depth").Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("white label: %w", err)
	}
	return firstInForce(tx, all)
}

func firstInForce(tx *db.Tx, all []Settings) (*Settings, error) {
	for i := range all {
		has, err := plan.Gives(tx, all[i].OrganizationID, access.WhiteLabel)
		if err != nil {
			return nil, err
		}
		if has {
			return &all[i], nil
		}
	}
	return nil, nil
}

// BrandOf an organization: the settings in force nearest to it up the tree, or none but the standard name. The organization is that of the
// transaction, or any in one through a door.
func BrandOf(tx *db.Tx, organization string) (Brand, error) {
	s, err := nearest(tx, organization)
	if err != nil {
		return Brand{}, err
	}
	b := Brand{Name: StandardName}
	if s == nil {
		return b, nil
	}
	b = Brand{Name: s.Name, PrimaryColor: s.PrimaryColor, SupportEmail: s.SupportEmail, SupportURL: s.SupportURL, MailFromName: s.MailFromName,
		MailFromAddress: s.MailFromAddress, MailFooter: s.MailFooter, ReportCoverText: s.ReportCoverText, ReportFooter: s.ReportFooter}
	if s.LogoID != nil {
		logo, err := picture(tx, *s.LogoID)
		if err != nil {
			return b, err
		}
		b.Logo, b.LogoPath = logo.Content, *path(s.LogoID)
	}
	return b, nil
}
