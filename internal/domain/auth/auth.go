// Package auth is how a caller proves who it is. Sign-in gives a token that expires; a user may also have one access
// token that does not. Only hashes of tokens are kept. Wrong passwords make the account and the address wait, longer each time,
// and an unknown user is answered like a wrong password, in the same time.
package auth

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/mail"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/secret"
	"github.com/vedette/vedette/internal/platform/sms"
)

// Kinds of tokens.
const (
	session       = "session"
	accessToken   = "access"
	impersonation = "impersonation"
)

// Prefixes let a leaked token be recognised.
const (
	sessionPrefix       = "vds"
	accessPrefix        = "vda"
	impersonationPrefix = "vdm"
)

// Token is one row; the token itself is nowhere.
type Token struct {
	bun.BaseModel `bun:"table:tokens,alias:t"`
	db.Branched
	ID        string      `bun:"id,pk"`
	UserID    string      `bun:"user_id"`
	Kind      string      `bun:"kind"`
	Hash      string      `bun:"hash"`
	IP        string      `bun:"ip"`
	UserAgent string      `bun:"user_agent"`
	CreatedAt clock.Time  `bun:"created_at"`
	ExpiresAt *clock.Time `bun:"expires_at"`

	LastUsedAt clock.Time `bun:"last_used_at"` // to the minute; not kept of an access token
	Vouched    bool       `bun:"vouched"`      // an identity provider saw a second factor that counts here

	PasswordCheckedAt *clock.Time `bun:"password_checked_at"` // when the password was last asked for with it; nil: never

	ImpersonatorID   *string `bun:"impersonator_id"` // of an impersonation: who acts as the user
	ImpersonatorName string  `bun:"impersonator_name"`
	Reason           string  `bun:"reason"`

	Maker *maker `bun:"maker,type:jsonb"` // of the single-sign-on link that began it; nil: none did
}

// Auth signs callers in and recognises their tokens.
type Auth struct {
	DB       *db.DB
	Hasher   *secret.Hasher
	Lifetime time.Duration // of a sign-in token
	Idle     time.Duration // for which one may go unused; 0: as long as it lives
	Sealer   *secret.Sealer
	SMS      sms.Sender // nil: this installation sends no text messages
	Log      *slog.Logger
	Issuer   string // stands beside the codes of an authenticator, and in text messages
	Mailer   *mail.Mailer
	BaseURL  string     // of the pages that links in mails open
	Record   op.Auditor // keeps what is told in two organizations' audit trails
	SignOn   *SignOn    // nil: there is no single sign-on

	RequireTwoFactor bool // of every user, whatever the organization asks for
}

// Credentials of one request.
type Credentials struct {
	Authorization string // the header
	Organization  string // X-Organization-Id; empty: the caller's own
	Product       string // ?product=; empty: the caller's active one
}

// Identify finds out who sends the request. Fault kinds: unauthenticated (no token, an unknown or expired one), notfound (an
// organization that is not the caller's or below it), invalid (a product that there is not).
func (a *Auth) Identify(ctx context.Context, c Credentials) (access.Principal, error) {
	token, err := tokenOf(c.Authorization)
	if err != nil {
		return access.Principal{}, err
	}
	var p access.Principal
	var unnoted bool
	err = a.DB.Read(ctx, access.System(access.DoorAuthenticate), func(tx *db.Tx) error {
		t, err := tokenByHash(tx, secret.TokenHash(token))
		if err != nil {
			return err
		}
		if t == nil || t.over(tx.Now(), a.Idle) {
			return fault.New(fault.Unauthenticated, "The token is unknown or has expired; sign in again.").Coded("token_invalid")
		}
		u, err := user.ByID(tx, t.UserID)
		if err != nil {
			return err
		}
		if u.LockedAt != nil {
			return fault.New(fault.Unauthenticated, "This account is locked; ask whoever administers it.").Coded("locked")
		}
		if p, err = principal(tx, u, c); err != nil {
			return err
		}
		if t.Kind == impersonation {
			if err := impersonated(tx, t, u, &p); err != nil {
				return err
			}
		}
		p.Token, p.Expires, p.MustEnroll = t.ID, t.ExpiresAt, a.mustEnroll(p, u, t)
		unnoted = t.Kind != accessToken && t.LastUsedAt <= tx.Now().Add(-noteEvery)
		return nil
	})
	if err != nil {
		return access.Principal{}, err
	}
	if unnoted && a.Idle > 0 {
		a.noteUse(ctx, p.Token)
	}
	return p, nil
}

// over says whether the token works no more: its time has come, or it went unused for too long.
func (t *Token) over(now clock.Time, idle time.Duration) bool {
	if t.ExpiresAt != nil && *t.ExpiresAt <= now {
		return true
	}
	return idle > 0 && t.Kind != accessToken && max(t.CreatedAt, t.LastUsedAt) <= now.Add(-idle)
}

// noteEvery is how exactly the use of a token is noted, so that not every request writes.
const noteEvery = time.Minute

// noteUse of a token. Where that fails the request goes on: the token ends early at worst.
func (a *Auth) noteUse(ctx context.Context, id string) {
	err := a.DB.Write(ctx, access.System(access.DoorAuthenticate), func(tx *db.Tx) error { return tokenUsed(tx, id) })
	if err != nil {
		a.Log.WarnContext(ctx, "note the use of a token", slog.Any("error", err))
	}
}

func tokenOf(header string) (string, error) {
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	if token == "" || len(token) > 512 || !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "Basic") {
		return "", fault.New(fault.Unauthenticated, "Sign in first: send Authorization: Bearer <token>, or Basic <access token>.")
	}
	return token, nil
}

// principal builds who acts: the user's own place in the tree, the one chosen, and what was bought there.
func principal(tx *db.Tx, u *user.User, c Credentials) (access.Principal, error) {
	home, err := organization.Place(tx, u.OrganizationID)
	if err != nil {
		return access.Principal{}, err
	}
	p := access.Principal{User: u.ID, Username: u.Username, Role: u.Role, Timezone: u.Timezone, Home: home, Acting: home, Product: u.ActiveProduct}
	if c.Organization != "" && !strings.EqualFold(c.Organization, home.ID) {
		if p.Acting, err = chosen(tx, p, c.Organization); err != nil {
			return access.Principal{}, err
		}
	}
	if c.Product != "" {
		if !contains(plan.Products, c.Product) {
			return access.Principal{}, fault.At("product", "unknown", "product is one of %s.", strings.Join(plan.Products, ", "))
		}
		p.Product = c.Product
	}
	active, err := plan.Active(tx, p.Acting.ID)
	if err != nil {
		return access.Principal{}, err
	}
	p.Features = map[access.Feature]bool{}
	for _, s := range active {
		if s.Product != p.Product {
			continue
		}
		p.Subscribed = true
		granted := s.Granted()
		for code := range granted {
			p.Features[code] = granted.Gives(code)
		}
	}
	return p, nil
}

// chosen is an organization below the caller's own, or any for an operator; a strange one is not there.
func chosen(tx *db.Tx, p access.Principal, id string) (access.Organization, error) {
	if !filter.IsID(id) {
		return access.Organization{}, fault.Missing()
	}
	o, err := organization.Place(tx, strings.ToLower(id))
	if db.NoRows(err) {
		return o, fault.Missing()
	}
	if err != nil {
		return o, err
	}
	if p.Role != access.Admin && (p.Role != access.Partner || !o.Below(p.Home.ID)) {
		return o, fault.Missing()
	}
	return o, nil
}

func contains(all []string, one string) bool {
	for _, x := range all {
		if x == one {
			return true
		}
	}
	return false
}
