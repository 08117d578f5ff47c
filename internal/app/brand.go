package app

import (
	"strings"

	"github.com/vedette/vedette/internal/domain/report"
	"github.com/vedette/vedette/internal/domain/whitelabel"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/mail"
)

// brandOfMail gives mails the look of the organization that they are sent for.
func brandOfMail(base string) mail.BrandOf {
	return func(tx *db.Tx, organization string) (mail.Brand, error) {
		b, err := whitelabel.BrandOf(tx, organization)
		out := mail.Brand{Name: b.Name, PrimaryColor: b.PrimaryColor, SupportEmail: b.SupportEmail, SupportURL: b.SupportURL, Footer: b.MailFooter,
			FromName: b.MailFromName, FromAddress: b.MailFromAddress}
		if b.LogoPath != "" {
			out.LogoURL = strings.TrimSuffix(base, "/") + b.LogoPath
		}
		return out, err
	}
}

// brandOfReport gives documents the look of the organization whose scan they are about.
func brandOfReport(tx *db.Tx, organization string) (report.Brand, error) {
	b, err := whitelabel.BrandOf(tx, organization)
	return report.Brand{Name: b.Name, Logo: b.Logo, PrimaryColor: b.PrimaryColor, Footer: b.ReportFooter, CoverText: b.ReportCoverText}, err
}
