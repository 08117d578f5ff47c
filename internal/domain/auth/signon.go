package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/oidc"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/secret"
)

// SignOn is single sign-on at an identity provider, as the operator configures it.
type SignOn struct {
	Provider      *oidc.Provider
	Name, Title   string
	Domains       []string // of the addresses by which people are found at their first sign-in; * for all
	SecondFactors []string // values of amr and acr that count as a second factor
}

// Identity is a person of a provider and whom that is here. It is known by issuer and subject alone.
type Identity struct {
	bun.BaseModel `bun:"table:oidc_identities,alias:i"`
	db.Branched
	ID         string     `bun:"id,pk"`
	UserID     string     `bun:"user_id"`
	Issuer     string     `bun:"issuer"`
	Subject    string     `bun:"subject"`
	Email      string     `bun:"email"` // by which the user was found
	CreatedAt  clock.Time `bun:"created_at"`
	LastUsedAt clock.Time `bun:"last_used_at"`
}

// person is what a half sign-in keeps of the provider's word, until the second step.
type person struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
	Email   string `json:"email"`
}

// away is a sign-in that is at the provider. Only the hash of what its beginner holds is kept, and from that alone come state,
// nonce and verifier: whoever reads the row, or the browser's address bar, can't go on with it.
type away struct {
	bun.BaseModel `bun:"table:oidc_sessions,alias:a"`
	Hash          string     `bun:"hash,pk"`
	Provider      string     `bun:"provider"`
	CreatedAt     clock.Time `bun:"created_at"`
	ExpiresAt     clock.Time `bun:"expires_at"`
}

const (
	awayPrefix   = "vdn"
	awayLifetime = 10 * time.Minute
)

var errSignOn = fault.New(fault.Unauthenticated, "Single sign-on did not succeed; begin again, or ask whoever administers your account.").Coded("sign_on_refused")

// requestOf derives what goes through the browser, and the PKCE verifier, from what the beginner holds.
func requestOf(held string) oidc.Request {
	derive := func(purpose string) string {
		mac := hmac.New(sha256.New, []byte(held))
		mac.Write([]byte("vedette oidc " + purpose))
		return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	return oidc.Request{State: derive("state"), Nonce: derive("nonce"), Verifier: derive("verifier")}
}

// refusal is why a single sign-on did not succeed: for the audit trail and the log, not for who tried.
type refusal struct {
	reason string
	user   *user.User // whose account it was about, where that is known
	cause  error
}

func (r *refusal) Error() string {
	if r.cause != nil {
		return r.reason + ": " + r.cause.Error()
	}
	return r.reason
}

// vouch uses up the sign-in that is away, and asks the provider who it was.
func (a *Auth) vouch(ctx context.Context, open op.Opener, in *finishSignOnInput) (oidc.Identity, error) {
	request := requestOf(in.Body.SessionState)
	var mine bool
	err := open.Write(ctx, func(tx *db.Tx) error {
		var err error
		mine, err = takeAway(tx, secret.TokenHash(in.Body.SessionState), in.Provider)
		return err
	})
	switch {
	case err != nil:
		return oidc.Identity{}, err
	case !mine:
		return oidc.Identity{}, &refusal{reason: "session_unknown"}
	case subtle.ConstantTimeCompare([]byte(in.Body.State), []byte(request.State)) != 1:
		return oidc.Identity{}, &refusal{reason: "state_wrong"}
	case in.Body.Code == "":
		return oidc.Identity{}, &refusal{reason: "provider_refused"}
	}
	who, err := a.SignOn.Provider.Finish(ctx, request, in.Body.Code, in.Body.Issuer)
	if errors.Is(err, oidc.ErrRefused) {
		return who, &refusal{reason: "provider_refused", cause: err}
	}
	return who, err
}

// admit whom the provider vouches for: to a session, or to the second step.
func (a *Auth) admit(tx *db.Tx, who oidc.Identity, r op.Request) (SignedIn, error) {
	u, err := a.known(tx, who)
	if err != nil {
		return SignedIn{}, err
	}
	p := person{who.Issuer, who.Subject, who.Email}
	if vouched := a.SignOn.secondFactor(who); !u.TwoFactor().Enabled || vouched {
		if err := attach(tx, u, p, r); err != nil {
			return SignedIn{}, err
		}
		return a.start(tx, u, r, proof{vouched: vouched})
	}
	return begin(tx, u, proof{person: &p})
}

// secondFactor says whether the person showed one to the provider that counts here.
func (s *SignOn) secondFactor(who oidc.Identity) bool {
	return slices.ContainsFunc(append(who.Methods, who.Context), func(said string) bool { return said != "" && slices.Contains(s.SecondFactors, said) })
}

// known finds the user: by issuer and subject, or, the first time, by a verified address. Its error for who is none is a refusal.
func (a *Auth) known(tx *db.Tx, who oidc.Identity) (*user.User, error) {
	i, err := identityOf(tx, who.Issuer, who.Subject)
	if err != nil {
		return nil, err
	}
	if i == nil {
		return a.meet(tx, who)
	}
	u, err := user.ByID(tx, i.UserID)
	if err != nil {
		return nil, err
	}
	return active(u)
}

// active refuses users who may not sign in.
func active(u *user.User) (*user.User, error) {
	switch {
	case u.LockedAt != nil:
		return nil, &refusal{reason: "locked", user: u}
	case u.ConfirmedAt == nil:
		return nil, &refusal{reason: "unconfirmed", user: u}
	}
	return u, nil
}

// meet finds the user of a person who is here for the first time.
func (a *Auth) meet(tx *db.Tx, who oidc.Identity) (*user.User, error) {
	switch {
	case !who.EmailVerified:
		return nil, &refusal{reason: "email_unverified"}
	case !a.SignOn.takes(who.Email):
		return nil, &refusal{reason: "email_domain"}
	}
	u, err := user.ByEmail(tx, who.Email)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, &refusal{reason: "user_unknown"}
	}
	other, err := identityOfUser(tx, u, who.Issuer)
	if err != nil {
		return nil, err
	}
	if other != nil { // the address has passed to another person there
		return nil, &refusal{reason: "linked_to_another", user: u}
	}
	return active(u)
}

// takes says whether people are found by this address. Only ASCII is taken: addresses are compared without regard to how characters
// are composed, and two that look alike may be two mailboxes.
func (s *SignOn) takes(email string) bool {
	name, domain, ok := cutLast(email, "@")
	if !ok || name == "" || domain == "" || strings.ContainsFunc(email, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return false
	}
	return slices.ContainsFunc(s.Domains, func(d string) bool { return d == "*" || strings.EqualFold(d, domain) })
}

func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}

// attach notes that the person is the user; the first time, the user is told.
func attach(tx *db.Tx, u *user.User, p person, r op.Request) error {
	i, err := identityOf(tx, p.Issuer, p.Subject)
	if err != nil {
		return err
	}
	switch {
	case i != nil && i.UserID != u.ID: // linked elsewhere between the two steps
		return errSignOn
	case i != nil:
		return useIdentity(tx, i)
	}
	i = &Identity{ID: db.NewID(), UserID: u.ID, Issuer: p.Issuer, Subject: p.Subject, Email: p.Email, CreatedAt: tx.Now(), LastUsedAt: tx.Now()}
	i.OrganizationID = u.OrganizationID
	if err := insertIdentity(tx, i); err != nil {
		return err
	}
	actor, err := principal(tx, u, Credentials{})
	if err != nil {
		return err
	}
	tx.Changed(db.Change{Type: "identity", ID: i.ID, Name: u.Username, After: p, Actor: &actor})
	return notify(tx, u, u.Email, "Single sign-on was linked to your account", "your account can be used by single sign-on from now on; "+p.Email+" signed in at "+p.Issuer+".", r)
}

// refuse tells the log and the audit trail why, and gives the one answer that all get. Another error stays.
func (a *Auth) refuse(ctx context.Context, err error) error {
	var r *refusal
	if !errors.As(err, &r) {
		return err
	}
	a.Log.WarnContext(ctx, "a single sign-on was refused", slog.Any("reason", r))
	told := a.DB.Write(ctx, access.System(access.DoorAuthenticate), func(tx *db.Tx) error {
		home, change := access.Installation, db.Change{Type: "identity_provider", Name: a.SignOn.Name}
		if r.user != nil {
			home, change.Type, change.ID, change.Name = r.user.OrganizationID, "user", r.user.ID, r.user.Username
		}
		place, err := organization.Place(tx, home)
		if err != nil {
			return err
		}
		change.After = struct {
			Refused string `json:"refused"`
		}{r.reason}
		change.Actor = &access.Principal{Home: place, Acting: place}
		return a.Record(tx, op.Entry{Action: finishSignOnID, Change: change, Request: op.RequestOf(ctx)})
	})
	if told != nil {
		return told
	}
	return errSignOn
}
