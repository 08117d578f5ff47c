// Package whitelabel is the look under which a partner or a customer shows the service as its own: at a host name, in mails
// and in reports. An organization has at most one, which holds for all below it that have none. It is in force while its
// organization has the feature white_label; deleting the organization deletes it and frees its host names.
package whitelabel

import (
	"net"
	"net/mail"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"
	"golang.org/x/net/idna"

	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
)

// Settings is one row.
type Settings struct {
	bun.BaseModel `bun:"table:whitelabels,alias:w"`
	db.Shared
	ID              string     `bun:"id,pk"`
	Name            string     `bun:"name"`
	LogoID          *string    `bun:"logo_id"`
	FaviconID       *string    `bun:"favicon_id"`
	PrimaryColor    string     `bun:"primary_color"`
	SecondaryColor  string     `bun:"secondary_color"`
	SupportEmail    string     `bun:"support_email"`
	SupportURL      string     `bun:"support_url"`
	MailFromName    string     `bun:"mail_from_name"`
	MailFromAddress string     `bun:"mail_from_address"`
	MailFooter      string     `bun:"mail_footer"`
	TermsURL        string     `bun:"terms_url"`
	PrivacyURL      string     `bun:"privacy_url"`
	ReportCoverText string     `bun:"report_cover_text"`
	ReportFooter    string     `bun:"report_footer"`
	CreatedAt       clock.Time `bun:"created_at"`
	UpdatedAt       clock.Time `bun:"updated_at"`
}

// Brand is what mails and reports take from the settings in force for an organization.
type Brand struct {
	Name            string // of the service
	Logo            []byte // PNG; nil: none
	LogoPath        string // where the logo is served, from the root; empty: none
	PrimaryColor    string // #rrggbb; empty: the standard one
	SupportEmail    string
	SupportURL      string
	MailFromName    string
	MailFromAddress string
	MailFooter      string
	ReportCoverText string
	ReportFooter    string
}

// Standard look of an installation that has set none.
const (
	StandardName      = "Vedette"
	standardPrimary   = "#1d4ed8"
	standardSecondary = "#bfdbfe"
)

// MaxHosts is how many host names an organization may have.
const MaxHosts = 20

// CleanHost gives a host name in the form in which names are compared: lower-case ASCII (IDNA), without port and final dot.
func CleanHost(host string) (string, bool) {
	host = strings.TrimSpace(host)
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	name, err := idna.Lookup.ToASCII(strings.TrimSuffix(host, "."))
	if err != nil || name == "" || len(name) > 253 || !strings.Contains(name, ".") || net.ParseIP(name) != nil {
		return "", false
	}
	for _, label := range strings.Split(name, ".") {
		if label == "" || len(label) > 63 {
			return "", false
		}
	}
	return strings.ToLower(name), true
}

// cleanText refuses control characters and those that turn the text around them; lines are kept where they may be several.
func cleanText(text, pointer string, most int, lines bool) (string, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	bad := func(r rune) bool {
		return (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) && (r != '\n' || !lines)
	}
	switch {
	case utf8.RuneCountInString(text) > most:
		return "", fault.At(pointer, "too_long", "It is at most %d characters long.", most)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, bad):
		return "", fault.At(pointer, "invalid", "It holds no control characters, and none that turn the text around them.")
	}
	return text, nil
}

// cleanURL takes http and https addresses of a host, and nothing that a browser would run.
func cleanURL(text, pointer string) (string, error) {
	if text = strings.TrimSpace(text); text == "" {
		return "", nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(text) > 500 || strings.ContainsFunc(text, unprintable) {
		return "", fault.At(pointer, "invalid", "An address starts with https:// or http://, names a host, and holds no user name.")
	}
	return u.String(), nil
}

func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Bidi_Control, r)
}

func cleanEmail(text, pointer string) (string, error) {
	if text = strings.TrimSpace(text); text == "" {
		return "", nil
	}
	a, err := mail.ParseAddress(text)
	if err != nil || a.Address != text || len(text) > 254 || strings.ContainsFunc(text, unprintable) {
		return "", fault.At(pointer, "invalid", "An e-mail address looks like name@example.com.")
	}
	return text, nil
}
