// Package organization is a tenant: a customer, a partner who resells, or the installation itself. Organizations form a
// tree; the installation is its root, and none changes its place. An organization owns everything that carries its id. Deleting
// one removes all that at once, but for issued PCI reports and the audit trail: those stay under its name, for who stands above.
package organization

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
)

// Organization is one row.
type Organization struct {
	bun.BaseModel `bun:"table:organizations,alias:o"`
	db.Branched
	ID          string  `bun:"id"`
	ParentID    *string `bun:"parent_id"`
	Name        string  `bun:"name"`
	Description string  `bun:"description"`
	Contact
	Partner bool `bun:"partner"`

	TwoFactorRequired bool `bun:"two_factor_required"` // of its own users, not of those below

	CreatedAt clock.Time  `bun:"created_at"`
	UpdatedAt clock.Time  `bun:"updated_at"`
	DeletedAt *clock.Time `bun:"deleted_at"`
}

// RowID breaks ties of a list.
func (o Organization) RowID() string { return o.ID }

// Above is the organization that it stands under.
func (o *Organization) Above() *string { return o.ParentID }

// Contact is what a PCI attestation prints of the scan customer (ASV Program Guide, Appendix A.1).
type Contact struct {
	CompanyName  string `bun:"company_name" json:"company_name"`
	Address      string `bun:"address" json:"address"`
	City         string `bun:"city" json:"city"`
	State        string `bun:"state" json:"state"`
	Zipcode      string `bun:"zipcode" json:"zipcode"`
	Country      string `bun:"country" json:"country"`
	Phone        string `bun:"phone" json:"phone"`
	Website      string `bun:"website" json:"website"`
	Email        string `bun:"email" json:"email"`
	ContactName  string `bun:"contact_name" json:"contact_name"`
	ContactTitle string `bun:"contact_title" json:"contact_title"`
	ContactPhone string `bun:"contact_phone" json:"contact_phone"`
	ContactEmail string `bun:"contact_email" json:"contact_email"`
}

// Incomplete says whether an attestation would miss something of the contact.
func (c Contact) Incomplete() bool {
	for _, v := range []string{c.CompanyName, c.Address, c.City, c.Zipcode, c.Country, c.ContactName, c.ContactTitle, c.ContactPhone, c.ContactEmail} {
		if v == "" {
			return true
		}
	}
	return false
}

// invisible characters make two names look the same, or turn the text around them; the two joiners of many scripts may stay.
func invisible(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != nonJoiner && r != joiner
}

// MaxName is the longest name, in characters.
const MaxName = 200

// CleanName trims a name and refuses an empty, overlong or invisible one. pointer names the attribute.
func CleanName(name, pointer string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return "", fault.At(pointer, "required", "A name is required.")
	case len([]rune(name)) > MaxName:
		return "", fault.At(pointer, "too_long", "A name is at most %d characters long.", MaxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, invisible):
		return "", fault.At(pointer, "invalid", "A name holds no control characters and none that can't be seen.")
	}
	return name, nil
}
