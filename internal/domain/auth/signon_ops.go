package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/oidc"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/secret"
)

const finishSignOnID = "finishSignOn"

type signOnInput struct {
	Provider string `path:"provider" maxLength:"40" doc:"Name of the provider" example:"sso"`
}

type finishSignOnInput struct {
	Provider string `path:"provider" maxLength:"40" doc:"Name of the provider" example:"sso"`
	Body     struct {
		SessionState string `json:"oidc_session_state" maxLength:"100" doc:"What Begin single sign-on answered"`
		State        string `json:"state" maxLength:"200" doc:"Of the address to which the provider sent the browser back"`
		Code         string `json:"code,omitempty" maxLength:"4096" doc:"Of the same address; none where it says error"`
		Issuer       string `json:"iss,omitempty" maxLength:"500" doc:"Of the same address, where it is there (RFC 9207)"`
	}
}

// Providers of single sign-on.
type Providers struct {
	Providers []NamedProvider `json:"providers"`
}

// NamedProvider is what a sign-in page shows of one.
type NamedProvider struct {
	Name  string `json:"name" doc:"In paths"`
	Title string `json:"title" doc:"For people" example:"Example Corp"`
}

// SignOnBegun is where the browser goes.
type SignOnBegun struct {
	AuthorizationURL string     `json:"authorization_url" doc:"The browser goes there, and comes back to <base_url>/oidc/{provider} with code and state"`
	SessionState     string     `json:"oidc_session_state" doc:"Keep it where only this browser has it, such as its session storage, and send it to Finish single sign-on, within ten minutes, once"`
	ExpiresAt        clock.Time `json:"expires_at" format:"date-time"`
}

func (a *Auth) signOnOperations() []op.Operation {
	return op.In("Authentication", "Single sign-on",
		op.Get("listSignOnProviders", "List providers of single sign-on", "/v2/auth/oidc", access.Public, func(*db.Tx, *op.Empty) (Providers, error) {
			if a.SignOn == nil {
				return Providers{[]NamedProvider{}}, nil
			}
			return Providers{[]NamedProvider{{a.SignOn.Name, a.SignOn.Title}}}, nil
		}),
		op.Long("beginSignOn", "Begin single sign-on", http.MethodPost, "/v2/auth/oidc/{provider}", access.Public, a.beginSignOn),
		op.Long(finishSignOnID, "Finish single sign-on", http.MethodPost, "/v2/auth/oidc/{provider}/callback", access.Public, a.finishSignOn).
			Says("Answers like Sign in: a token, or what the second step needs where the user has a second factor and the provider showed none that counts. "+
				"The first time, the user is found by the verified e-mail address that the provider tells, and is told by mail. Everybody else gets the same 401."),
	)
}

// signOnAt is a fault of kind notfound for a provider that there is not.
func (a *Auth) signOnAt(name string) error {
	if a.SignOn == nil || a.SignOn.Name != name {
		return fault.Missing()
	}
	return nil
}

func (a *Auth) beginSignOn(ctx context.Context, open op.Opener, in *signOnInput) (SignOnBegun, error) {
	if err := a.signOnAt(in.Provider); err != nil {
		return SignOnBegun{}, err
	}
	held := secret.NewToken(awayPrefix).Reveal()
	address, err := a.SignOn.Provider.Start(ctx, requestOf(held))
	if err != nil {
		return SignOnBegun{}, a.noProvider(ctx, err)
	}
	out := SignOnBegun{AuthorizationURL: address, SessionState: held}
	err = open.Write(ctx, func(tx *db.Tx) error {
		out.ExpiresAt = tx.Now().Add(awayLifetime)
		return insertAway(tx, &away{Hash: secret.TokenHash(held), Provider: in.Provider, CreatedAt: tx.Now(), ExpiresAt: out.ExpiresAt})
	})
	return out, err
}

// noProvider is the answer where the provider can't be asked; other errors stay.
func (a *Auth) noProvider(ctx context.Context, err error) error {
	if !errors.Is(err, oidc.ErrUnavailable) {
		return err
	}
	a.Log.WarnContext(ctx, "single sign-on", slog.Any("error", err))
	return fault.New(fault.Unavailable, "The identity provider does not answer; try again soon, or sign in another way.").Coded("provider_unavailable").RetryAfter(time.Minute)
}

func (a *Auth) finishSignOn(ctx context.Context, open op.Opener, in *finishSignOnInput) (SignedIn, error) {
	if err := a.signOnAt(in.Provider); err != nil {
		return SignedIn{}, err
	}
	request := op.RequestOf(ctx)
	var out SignedIn
	var down error
	err := a.guarded(ctx, []subject{addressOf(request.IP)}, func() error {
		who, err := a.vouch(ctx, open, in)
		if errors.Is(err, oidc.ErrUnavailable) {
			down = a.noProvider(ctx, err)
			return nil // nobody's fault: it counts against no address
		}
		if err != nil {
			return a.refuse(ctx, err)
		}
		return a.refuse(ctx, open.Write(ctx, func(tx *db.Tx) error {
			out, err = a.admit(tx, who, request)
			return err
		}))
	})
	if err == nil {
		err = down
	}
	return out, err
}
