package app

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"

	"github.com/vedette/vedette/internal/api"
	"github.com/vedette/vedette/internal/domain/apikey"
	"github.com/vedette/vedette/internal/domain/audit"
	"github.com/vedette/vedette/internal/domain/auth"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/config"
	"github.com/vedette/vedette/internal/platform/mail"
	"github.com/vedette/vedette/internal/platform/oidc"
	"github.com/vedette/vedette/internal/platform/secret"
	"github.com/vedette/vedette/internal/platform/sms"
)

// passwordCost is less in tests, which sign in all the time.
var passwordCost = secret.DefaultCost

// signing makes the part that callers sign in at.
func (a *App) signing(sealer *secret.Sealer, hasher *secret.Hasher) (*auth.Auth, error) {
	sender, err := textMessages(a.Config.SMS, a.log)
	if err != nil {
		return nil, err
	}
	mailer, err := a.mails()
	if err != nil {
		return nil, err
	}
	signOn, err := singleSignOn(a.Config, a.DB.Clock())
	if err != nil {
		return nil, err
	}
	sign := &auth.Auth{DB: a.DB, Hasher: hasher, Sealer: sealer, SMS: sender, Log: a.log, Issuer: hostOf(a.Config.BaseURL), Lifetime: a.Config.API.TokenLifetime,
		Idle: a.Config.API.TokenIdle, RequireTwoFactor: a.Config.API.RequireTwoFactor, SignOn: signOn,
		Mailer: mailer, BaseURL: a.Config.BaseURL, Record: audit.Record}
	sign.WorkMessages(a.queue)
	sign.Work(a.queue)
	return sign, nil
}

// singleSignOn is nil where no provider is configured.
func singleSignOn(c *config.Config, clk *clock.Clock) (*auth.SignOn, error) {
	o := c.OIDC
	if o.Issuer == "" {
		return nil, nil
	}
	options := oidc.Options{Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret, Scopes: o.Scopes, RedirectURL: c.BaseURL + "/oidc/" + o.Name,
		Allow: o.AllowNetworks, Clock: clk}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("oidc.ca_file: %w", err)
		}
		options.Roots = x509.NewCertPool()
		if !options.Roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("oidc.ca_file: %s holds no certificate in PEM", o.CAFile)
		}
	}
	return &auth.SignOn{Provider: oidc.New(options), Name: o.Name, Title: o.Title, Domains: o.EmailDomains, SecondFactors: o.SecondFactors}, nil
}

// mails makes the part that sends them.
func (a *App) mails() (*mail.Mailer, error) {
	c := a.Config.Mail
	mailer, err := mail.New(mail.Options{DB: a.DB, Log: a.log, Host: c.Host, Port: c.Port, Username: c.Username, Password: c.Password, From: c.From,
		Outbox: filepath.Join(a.Config.DataDir, "outbox"), BrandOf: brandOfMail(a.Config.BaseURL)})
	if err != nil {
		return nil, err
	}
	mailer.Work(a.queue)
	return mailer, nil
}

// application tells the edge whose API key it is.
func (a *App) application(ctx context.Context, key, ip string) (api.Application, error) {
	caller, err := apikey.Identifier{DB: a.DB}.Identify(ctx, key, ip)
	return api.Application{ID: caller.ID, Organization: caller.Organization}, err
}

// textMessages is nil where the installation sends none.
func textMessages(c config.SMS, log *slog.Logger) (sms.Sender, error) {
	switch c.Provider {
	case "log":
		return sms.Log{To: log}, nil
	case "twilio":
		return sms.NewTwilio(c.BaseURL, c.Account, c.Token, c.From)
	}
	return nil, nil
}

// hostOf the service, the name by which its users know it.
func hostOf(base string) string {
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" {
		return "Vedette"
	}
	return u.Hostname()
}
