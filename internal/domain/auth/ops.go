package auth

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/secret"
)

const hour = time.Hour

// SignInInput is the body of Sign in.
type SignInInput struct {
	Body struct {
		Username string `json:"username" maxLength:"254" doc:"User name or e-mail address" example:"ada@example.com"`
		Password string `json:"password" maxLength:"512"`
	}
}

// SignedIn is the answer.
type SignedIn struct {
	Token     string     `json:"token" doc:"Send it as Authorization: Bearer <token>"`
	ExpiresAt clock.Time `json:"expires_at" format:"date-time"`
	User      ShortUser  `json:"user"`
}

// ShortUser is who signed in.
type ShortUser struct {
	ID       string      `json:"id"`
	Username string      `json:"username"`
	Role     access.Role `json:"role"`
}

// Message of a small action.
type Message struct {
	Message string `json:"message"`
}

// AccessToken is shown once.
type AccessToken struct {
	Token    string `json:"token" doc:"Send it as Authorization: Basic <token>, raw; it never expires"`
	Username string `json:"username"`
	Message  string `json:"message"`
}

// Valid is the answer of valid_token.
type Valid struct {
	Valid     bool        `json:"valid"`
	ExpiresAt *clock.Time `json:"expires_at" format:"date-time" doc:"null: it never expires"`
}

// Permissions that the caller holds.
type Permissions struct {
	Permissions []access.Permission `json:"permissions"`
}

type permissionsInput struct {
	Permissions string `query:"permissions" doc:"Codes by comma: the answer is 200 with no body when all are held, else 401"`
}

// Operations of the noun.
func (a *Auth) Operations() []op.Operation {
	return append(op.In("Authentication", "",
		op.Long("signIn", "Sign in", http.MethodPost, "/v2/auth/sign_in", access.Public, a.signIn),
		op.Do("signOut", "Sign out", http.MethodDelete, "/v2/auth/sign_out", access.SignedIn, signOut),
	), op.In("User", "",
		op.Get("validToken", "Check whether the token is valid", "/v2/user/valid_token", access.SignedIn, func(tx *db.Tx, _ *op.Empty) (Valid, error) {
			return Valid{Valid: true, ExpiresAt: tx.Grant().Principal().Expires}, nil
		}),
		op.Quiet("listPermissions", "Get current user permissions", "/v2/user/permissions", access.Own, permissions),
		op.Do("generateAccessToken", "Generate a new access token", http.MethodPut, "/v2/user/generate_access_token", access.Own, generate).
			NotImpersonated().Says("Replaces the old one. The token is shown this once."),
		op.Do("revokeAccessToken", "Revoke the current access token", http.MethodPut, "/v2/user/revoke_access_token", access.Own, revoke).NotImpersonated(),
	)...)
}

var wrongCredentials = fault.New(fault.Unauthenticated, "The user name or the password is wrong.").Coded("wrong_credentials")

func (a *Auth) signIn(ctx context.Context, open op.Opener, in *SignInInput) (SignedIn, error) {
	request := op.RequestOf(ctx)
	account, address := "account:"+user.Fold(in.Body.Username), "address:"+request.IP
	var meant []user.User
	err := open.Read(ctx, func(tx *db.Tx) error {
		until, err := blockedUntil(tx, account, address)
		if err != nil {
			return err
		}
		if until > tx.Now() {
			left := time.Duration(until-tx.Now()) * time.Millisecond
			return fault.New(fault.Limited, "Too many failed sign-ins; try again in %d seconds.", int(left.Seconds())+1).RetryAfter(left)
		}
		meant, err = user.ByLogin(tx, in.Body.Username)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	u, err := a.which(ctx, meant, in.Body.Password)
	if err != nil {
		if failure := open.Write(ctx, func(tx *db.Tx) error { return failed(tx, account, address) }); failure != nil {
			return SignedIn{}, failure
		}
		return SignedIn{}, err
	}
	token := secret.NewToken(sessionPrefix)
	out := SignedIn{Token: token.Reveal(), User: ShortUser{u.ID, u.Username, u.Role}}
	err = open.Write(ctx, func(tx *db.Tx) error {
		out.ExpiresAt = tx.Now().Add(a.Lifetime)
		return a.start(tx, u, token, request, account)
	})
	return out, err
}

// which of the users it is whose password was sent; the fault is the first one's.
func (a *Auth) which(ctx context.Context, meant []user.User, password string) (*user.User, error) {
	if len(meant) == 0 {
		return nil, a.verify(ctx, nil, password)
	}
	var first error
	for i := range meant {
		err := a.verify(ctx, &meant[i], password)
		if err == nil {
			return &meant[i], nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// verify takes the same time whether the user exists or not.
func (a *Auth) verify(ctx context.Context, u *user.User, password string) error {
	if u == nil || u.PasswordHash == "" {
		if err := a.Hasher.VerifyNobody(ctx, password); err != nil {
			return err
		}
		return wrongCredentials
	}
	ok, _, err := a.Hasher.Verify(ctx, password, u.PasswordHash)
	switch {
	case err != nil:
		return err
	case !ok || u.LockedAt != nil:
		return wrongCredentials
	case u.ConfirmedAt == nil:
		return fault.New(fault.Unauthenticated, "Confirm your e-mail address first, by the link that was sent to it.").Coded("unconfirmed")
	}
	return nil
}

func (a *Auth) start(tx *db.Tx, u *user.User, token secret.Text, r op.Request, account string) error {
	t := &Token{ID: db.NewID(), UserID: u.ID, Kind: session, Hash: secret.TokenHash(token.Reveal()), IP: r.IP, UserAgent: r.UserAgent,
		CreatedAt: tx.Now(), ExpiresAt: clock.AtPointer(tx.Now().Add(a.Lifetime).Time())}
	t.OrganizationID = u.OrganizationID
	if err := insert(tx, t); err != nil {
		return err
	}
	if err := forgive(tx, account); err != nil {
		return err
	}
	if err := user.SignedIn(tx, u, r.IP); err != nil {
		return err
	}
	if err := forgetOld(tx); err != nil {
		return err
	}
	p, err := principal(tx, u, Credentials{})
	tx.Changed(db.Change{Type: "user", ID: u.ID, Name: u.Username, Actor: &p})
	return err
}

func signOut(tx *db.Tx, _ *op.Empty) (Message, error) {
	p := tx.Grant().Principal()
	tx.Changed(db.Change{Type: "user", ID: p.User, Name: p.Username})
	return Message{"Signed out."}, endSession(tx, p.Token)
}

func permissions(tx *db.Tx, in *permissionsInput) (Permissions, bool, error) {
	p := tx.Grant().Principal()
	if in.Permissions == "" {
		return Permissions{p.Held()}, true, nil
	}
	var missing []string
	for _, code := range strings.Split(in.Permissions, ",") {
		if code = strings.TrimSpace(code); !access.Permission(code).Coded() || !access.Permission(code).Known() || !p.Holds(access.Permission(code)) {
			missing = append(missing, code)
		}
	}
	if len(missing) > 0 {
		return Permissions{}, false, fault.New(fault.Unauthenticated, "You do not hold %s.", strings.Join(missing, ", ")).Coded("permission_missing")
	}
	return Permissions{}, false, nil
}

func generate(tx *db.Tx, _ *op.Empty) (AccessToken, error) {
	p := tx.Grant().Principal()
	if _, err := deleteAccess(tx, p.User); err != nil {
		return AccessToken{}, err
	}
	token := secret.NewToken(accessPrefix)
	t := &Token{ID: db.NewID(), UserID: p.User, Kind: accessToken, Hash: secret.TokenHash(token.Reveal()), CreatedAt: tx.Now()}
	tx.Changed(db.Change{Type: "user", ID: p.User, Name: p.Username})
	return AccessToken{Token: token.Reveal(), Username: p.Username, Message: "Keep this token; it is not shown again."}, insert(tx, t)
}

func revoke(tx *db.Tx, _ *op.Empty) (Message, error) {
	p := tx.Grant().Principal()
	had, err := deleteAccess(tx, p.User)
	if err != nil {
		return Message{}, err
	}
	if !had {
		return Message{"There was no access token."}, nil
	}
	tx.Changed(db.Change{Type: "user", ID: p.User, Name: p.Username})
	return Message{"The access token is revoked."}, nil
}
