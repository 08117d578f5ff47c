package app

import (
	"log/slog"
	"net/url"

	"github.com/vedette/vedette/internal/domain/auth"
	"github.com/vedette/vedette/internal/platform/config"
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
	sign := &auth.Auth{DB: a.DB, Hasher: hasher, Sealer: sealer, SMS: sender, Log: a.log, Issuer: hostOf(a.Config.BaseURL), Lifetime: a.Config.API.TokenLifetime}
	sign.WorkMessages(a.queue)
	return sign, nil
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
