package whitelabel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

// Attributes on the wire.
type Attributes struct {
	ID              string      `json:"id" doc:"Of the organization whose settings they are"`
	HostNames       []string    `json:"host_names"`
	Name            string      `json:"name" example:"Northlight Scanning"`
	Logo            *string     `json:"logo" doc:"Where it is served, as a path from the root; a PNG"`
	Favicon         *string     `json:"favicon" doc:"Where it is served, as a path from the root; a PNG"`
	PrimaryColor    string      `json:"primary_color" example:"#17365d" doc:"White text can be read on it"`
	SecondaryColor  string      `json:"secondary_color" example:"#7fd1c2" doc:"Black text can be read on it"`
	SupportEmail    string      `json:"support_email"`
	SupportURL      string      `json:"support_url"`
	MailFromName    string      `json:"mail_from_name"`
	MailFromAddress string      `json:"mail_from_address"`
	MailFooter      string      `json:"mail_footer"`
	TermsURL        string      `json:"terms_url"`
	PrivacyURL      string      `json:"privacy_url"`
	ReportCoverText string      `json:"report_cover_text"`
	ReportFooter    string      `json:"report_footer"`
	UpdatedAt       *clock.Time `json:"updated_at" format:"date-time" doc:"null: never set"`

	public bool
}

// Key is the resource's id and type.
func (a Attributes) Key() (string, string) { return a.ID, "whitelabel" }

// CacheFor a minute, where anyone may see it: a change is seen that late.
func (a Attributes) CacheFor() time.Duration {
	if a.public {
		return time.Minute
	}
	return 0
}

type publicInput struct {
	op.Addressed
	Host string `query:"host" doc:"Default: the host that the request is addressed to"`
}

// OfOrganization names whose settings are meant. What is embedded in an input is exported: huma passes over other fields.
type OfOrganization struct {
	OrganizationID string `path:"organization_id" doc:"Id of the organization (UUID)"`
}

type updateInput struct {
	OfOrganization
	Body struct {
		Whitelabel UpdateAttributes `json:"whitelabel"`
	}
}

// UpdateAttributes send what changes; what is not sent stays, null clears.
type UpdateAttributes struct {
	HostNames       op.Field[op.Strings] `json:"host_names,omitempty" doc:"At most 20; each belongs to one organization of the installation"`
	Name            op.Field[string]     `json:"name,omitempty" maxLength:"100"`
	Logo            op.Field[string]     `json:"logo,omitempty" doc:"data:image/png;base64,…: a PNG or JPEG of at most 512 KiB and 2048 by 2048 pixels"`
	Favicon         op.Field[string]     `json:"favicon,omitempty" doc:"data:image/png;base64,…: a PNG, a JPEG, or an ICO that holds PNGs, of at most 128 KiB and 512 by 512 pixels"`
	PrimaryColor    op.Field[string]     `json:"primary_color,omitempty" doc:"#rrggbb, of a contrast to white of at least 4.5:1"`
	SecondaryColor  op.Field[string]     `json:"secondary_color,omitempty" doc:"#rrggbb, of a contrast to black of at least 4.5:1"`
	SupportEmail    op.Field[string]     `json:"support_email,omitempty"`
	SupportURL      op.Field[string]     `json:"support_url,omitempty"`
	MailFromName    op.Field[string]     `json:"mail_from_name,omitempty"`
	MailFromAddress op.Field[string]     `json:"mail_from_address,omitempty"`
	MailFooter      op.Field[string]     `json:"mail_footer,omitempty"`
	TermsURL        op.Field[string]     `json:"terms_url,omitempty"`
	PrivacyURL      op.Field[string]     `json:"privacy_url,omitempty"`
	ReportCoverText op.Field[string]     `json:"report_cover_text,omitempty"`
	ReportFooter    op.Field[string]     `json:"report_footer,omitempty"`
}

// Operations of the noun. reserved is the host name of the installation itself, which its own organization alone may take.
func Operations(reserved string) []op.Operation {
	const path = "/v2/organizations/{organization_id}/whitelabel"
	return op.In("Whitelabel Settings", "",
		op.Show("showWhitelabelOfHost", "Show the white label settings (by host name)", "/v2/whitelabel", access.Public, byHost).
			Says("What a sign-in page shows: the settings of who has the host name, or the standard look where nobody has. May be kept for a minute."),
		op.Download("downloadWhitelabelImage", "Show an image of the white label settings", imagePath+"{id}", access.Public, download).
			Says("The path of an image that is changed is another one; it may be kept for ever."),
		op.Show("showWhitelabel", "Show the white label settings", path, access.WhitelabelAccess, show),
		op.LongAction("updateWhitelabel", "Update white label settings", http.MethodPut, path, access.WhitelabelCreate,
			func(ctx context.Context, open op.Opener, in *updateInput) (Attributes, error) {
				return update(ctx, open, in, reserved)
			}).
			Says("They hold for the organization and for all below it that have none, while the organization has the feature `white_label`: at its host names, in mails and in reports."),
	)
}

const imagePath = "/v2/whitelabel/images/"

func path(id *string) *string {
	if id == nil {
		return nil
	}
	p := imagePath + *id
	return &p
}

func (s *Settings) attributes(names []string) Attributes {
	return Attributes{ID: s.OrganizationID, HostNames: names, Name: s.Name, Logo: path(s.LogoID), Favicon: path(s.FaviconID), PrimaryColor: s.PrimaryColor,
		SecondaryColor: s.SecondaryColor, SupportEmail: s.SupportEmail, SupportURL: s.SupportURL, MailFromName: s.MailFromName,
		MailFromAddress: s.MailFromAddress, MailFooter: s.MailFooter, TermsURL: s.TermsURL, PrivacyURL: s.PrivacyURL,
		ReportCoverText: s.ReportCoverText, ReportFooter: s.ReportFooter, UpdatedAt: &s.UpdatedAt}
}

// byHost tells the look of one host name, and no other host names of who has it.
func byHost(tx *db.Tx, in *publicInput) (Attributes, error) {
	asked, given := in.Host, in.Host != ""
	if !given {
		asked = in.Addressed.Host
	}
	host, ok := CleanHost(asked)
	if !ok && given {
		return Attributes{}, fault.At("host", "invalid", "host is a host name, such as scan.example.com.")
	}
	standard := Attributes{ID: access.Installation, HostNames: []string{}, Name: StandardName, PrimaryColor: standardPrimary, SecondaryColor: standardSecondary, public: true}
	if !ok {
		return standard, nil
	}
	s, err := atHost(tx, host)
	if err != nil || s == nil {
		return standard, err
	}
	out := s.attributes([]string{host})
	out.public = true
	return out, nil
}

func download(ctx context.Context, open op.Opener, in *op.Path) (*op.File, error) {
	var row *imageRow
	err := open.Read(ctx, func(tx *db.Tx) error {
		var err error
		row, err = picture(tx, in.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &op.File{Name: row.ID + ".png", ContentType: "image/png", Size: int64(len(row.Content)), SHA256: row.SHA256, Shown: true,
		Content: io.NopCloser(bytes.NewReader(row.Content))}, nil
}

func show(tx *db.Tx, in *OfOrganization) (Attributes, error) {
	var out Attributes
	if _, err := organization.ByID(tx, in.OrganizationID); err != nil {
		return out, err
	}
	err := tx.In(in.OrganizationID, tx.Product(), func(own *db.Tx) error {
		s, err := of(own)
		if err != nil {
			return err
		}
		if s == nil {
			out = Attributes{ID: in.OrganizationID, HostNames: []string{}}
			return nil
		}
		names, err := hosts(own, in.OrganizationID)
		out = s.attributes(names)
		return err
	})
	return out, err
}

// update decodes the images outside of any transaction, and writes all in one.
func update(ctx context.Context, open op.Opener, in *updateInput, reserved string) (Attributes, error) {
	a := in.Body.Whitelabel
	if err := op.NoneSent("/whitelabel", a); err != nil {
		return Attributes{}, err
	}
	err := open.Read(ctx, func(tx *db.Tx) error {
		_, err := organization.ByID(tx, in.OrganizationID)
		return err
	})
	if err != nil {
		return Attributes{}, err
	}
	c := change{of: in.OrganizationID, sent: a, reserved: reserved}
	c.read()
	return op.Answer(ctx, open, func(tx *db.Tx) (Attributes, error) {
		if _, err := organization.ByID(tx, in.OrganizationID); err != nil {
			return Attributes{}, err
		}
		var out Attributes
		err := tx.In(in.OrganizationID, tx.Product(), func(own *db.Tx) error {
			var err error
			out, err = c.write(own)
			return err
		})
		return out, err
	})
}

// change of the settings of one organization.
type change struct {
	of            string
	sent          UpdateAttributes
	reserved      string
	logo, favicon []byte // nil: not sent, cleared, or sent back as it was answered
	wrong         []fault.Detail
}

func (c *change) note(err error) { c.wrong = append(c.wrong, fault.DetailsOf(err)...) }

// read decodes the images.
func (c *change) read() {
	for _, i := range []struct {
		from    op.Field[string]
		to      *[]byte
		pointer string
		bounds  bounds
	}{{c.sent.Logo, &c.logo, "/whitelabel/logo", logoBounds}, {c.sent.Favicon, &c.favicon, "/whitelabel/favicon", faviconBounds}} {
		if !i.from.Sent || i.from.Value == "" || strings.HasPrefix(i.from.Value, imagePath) {
			continue
		}
		content, err := readImage(i.from.Value, i.pointer, i.bounds)
		c.note(err)
		*i.to = content
	}
}

// write the settings; every mistake is told at once.
func (c *change) write(tx *db.Tx) (Attributes, error) {
	s, err := of(tx)
	if err != nil {
		return Attributes{}, err
	}
	var before any
	names := []string{}
	if s == nil {
		s = &Settings{ID: db.NewID(), CreatedAt: tx.Now()}
		s.OrganizationID = tx.Organization()
		s.Name, s.PrimaryColor, s.SecondaryColor = StandardName, standardPrimary, standardSecondary
	} else if names, err = hosts(tx, s.OrganizationID); err != nil {
		return Attributes{}, err
	} else {
		before = s.attributes(names)
	}
	c.texts(s)
	if c.sent.HostNames.Sent {
		names = c.hosts()
	}
	c.kept(c.sent.Logo, c.logo, s.LogoID, "/whitelabel/logo")
	c.kept(c.sent.Favicon, c.favicon, s.FaviconID, "/whitelabel/favicon")
	if len(c.wrong) > 0 {
		return Attributes{}, fault.All(c.wrong)
	}
	if s.LogoID, err = keep(tx, c.sent.Logo, c.logo, s.LogoID); err != nil {
		return Attributes{}, err
	}
	if s.FaviconID, err = keep(tx, c.sent.Favicon, c.favicon, s.FaviconID); err != nil {
		return Attributes{}, err
	}
	if err := put(tx, s, names); err != nil {
		return Attributes{}, err
	}
	after := s.attributes(names)
	tx.Changed(db.Change{Type: "whitelabel", ID: s.OrganizationID, Name: s.Name, Before: before, After: after})
	return after, nil
}

// texts checks what is sent and writes it into the row.
func (c *change) texts(s *Settings) {
	clean := func(f op.Field[string], to *string, name string, how func(text, pointer string) (string, error)) {
		if f.Sent {
			text, err := how(f.Value, "/whitelabel/"+name)
			c.note(err)
			*to = text
		}
	}
	line := func(text, pointer string) (string, error) { return cleanText(text, pointer, 100, false) }
	lines := func(text, pointer string) (string, error) { return cleanText(text, pointer, 2000, true) }
	onWhite := func(text, pointer string) (string, error) { return cleanColor(text, white, pointer) }
	onBlack := func(text, pointer string) (string, error) { return cleanColor(text, black, pointer) }
	a := c.sent
	clean(a.Name, &s.Name, "name", line)
	clean(a.PrimaryColor, &s.PrimaryColor, "primary_color", onWhite)
	clean(a.SecondaryColor, &s.SecondaryColor, "secondary_color", onBlack)
	clean(a.SupportEmail, &s.SupportEmail, "support_email", cleanEmail)
	clean(a.SupportURL, &s.SupportURL, "support_url", cleanURL)
	clean(a.MailFromName, &s.MailFromName, "mail_from_name", line)
	clean(a.MailFromAddress, &s.MailFromAddress, "mail_from_address", cleanEmail)
	clean(a.MailFooter, &s.MailFooter, "mail_footer", lines)
	clean(a.TermsURL, &s.TermsURL, "terms_url", cleanURL)
	clean(a.PrivacyURL, &s.PrivacyURL, "privacy_url", cleanURL)
	clean(a.ReportCoverText, &s.ReportCoverText, "report_cover_text", lines)
	clean(a.ReportFooter, &s.ReportFooter, "report_footer", lines)
	for _, standard := range []struct {
		of *string
		is string
	}{{&s.Name, StandardName}, {&s.PrimaryColor, standardPrimary}, {&s.SecondaryColor, standardSecondary}} {
		if *standard.of == "" {
			*standard.of = standard.is
		}
	}
}

// hosts that are sent, each once.
func (c *change) hosts() []string {
	const pointer = "/whitelabel/host_names"
	names := []string{}
	for i, text := range c.sent.HostNames.Value {
		name, ok := CleanHost(text)
		switch {
		case !ok:
			c.note(fault.At(fmt.Sprintf("%s/%d", pointer, i), "invalid", "A host name looks like scan.example.com, without scheme and path."))
		case name == c.reserved && c.of != access.Installation:
			c.note(fault.At(fmt.Sprintf("%s/%d", pointer, i), "taken", "This is the installation's own host name."))
		case !slices.Contains(names, name):
			names = append(names, name)
		}
	}
	if len(names) > MaxHosts {
		c.note(fault.At(pointer, "too_many", "An organization has at most %d host names.", MaxHosts))
	}
	return names
}

// kept refuses the path of an image that is not the present one.
func (c *change) kept(f op.Field[string], content []byte, present *string, pointer string) {
	if !f.Sent || f.Value == "" || content != nil || len(c.wrong) > 0 || present != nil && f.Value == *path(present) {
		return
	}
	c.note(fault.At(pointer, "invalid", "Send the image as data URI, data:image/png;base64,…; or as it was answered, to leave it as it is."))
}

// keep a new image, the present one, or none.
func keep(tx *db.Tx, f op.Field[string], content []byte, present *string) (*string, error) {
	switch {
	case content != nil:
		sum := sha256.Sum256(content)
		return insertImage(tx, content, hex.EncodeToString(sum[:]))
	case f.Sent && f.Value == "":
		return nil, nil
	}
	return present, nil
}
