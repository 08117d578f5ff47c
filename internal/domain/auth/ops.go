package auth

import (
	"context"
	"encoding/json"
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

// SignInInput is the body of Sign in: user name and password, or the second step.
type SignInInput struct {
	Body struct {
		Username        string `json:"username,omitempty" maxLength:"254" doc:"User name or e-mail address" example:"ada@example.com"`
		Password        string `json:"password,omitempty" maxLength:"512"`
		OTPAttempt      string `json:"otp_attempt,omitempty" maxLength:"20" doc:"Second step: the code" example:"123456"`
		OTPSessionState string `json:"otp_session_state,omitempty" maxLength:"100" doc:"Second step: what the first one answered"`

		WebAuthn json.RawMessage `json:"webauthn,omitempty" doc:"Second step, instead of otp_attempt: the passkey's answer (PublicKeyCredential as JSON)"`
	}
}

// SignedIn is the answer: a token, or what the second step needs.
type SignedIn struct {
	Token            string     `json:"token,omitempty" doc:"Send it as Authorization: Bearer <token>. None where a second step is needed"`
	ExpiresAt        clock.Time `json:"expires_at,omitzero" format:"date-time"`
	User             ShortUser  `json:"user,omitzero"`
	OTPSessionState  string     `json:"otp_session_state,omitempty" doc:"Send it with otp_attempt to this operation again: within ten minutes, at most five times"`
	OTPMethods       []string   `json:"otp_methods,omitempty" doc:"totp, sms, webauthn; the default first"`
	OTPDefaultMethod string     `json:"otp_default_method,omitempty"`

	TwoFactorRequired bool `json:"two_factor_required,omitempty" doc:"The token serves only to turn a second factor on; then it serves for all"`
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
	return op.Operations(
		a.linkOperations(),
		a.impersonateOperations(),
		a.sessionOperations(),
		a.signOnOperations(),
		a.signOnLinkOperations(),
		a.secondStepOperations(),
		a.passwordOperations(),
		a.ownSessionOperations(),
		identityOperations(),
		a.factorOperations(),
		a.passkeyOperations(),
	)
}

func (a *Auth) sessionOperations() []op.Operation {
	return append(op.In("Authentication", "",
		op.Long("signIn", "Sign in", http.MethodPost, "/v2/auth/sign_in", access.Public, a.signIn),
		op.Do("signOut", "Sign out", http.MethodDelete, "/v2/auth/sign_out", access.SignedIn, signOut).Enrolls(),
	), op.In("User", "",
		op.Get("validToken", "Check whether the token is valid", "/v2/user/valid_token", access.SignedIn, func(tx *db.Tx, _ *op.Empty) (Valid, error) {
			return Valid{Valid: true, ExpiresAt: tx.Grant().Principal().Expires}, nil
		}).Enrolls(),
		op.Quiet("listPermissions", "Get current user permissions", "/v2/user/permissions", access.Own, permissions),
		op.Do("generateAccessToken", "Generate a new access token", http.MethodPut, "/v2/user/generate_access_token", access.Own, generate).
			NotImpersonated().Says("Replaces the old one. The token is shown this once."),
		op.Do("revokeAccessToken", "Revoke the current access token", http.MethodPut, "/v2/user/revoke_access_token", access.Own, revoke).NotImpersonated(),
	)...)
}

var wrongCredentials = fault.New(fault.Unauthenticated, "The user name or the password is wrong.").Coded("wrong_credentials")

func (a *Auth) signIn(ctx context.Context, open op.Opener, in *SignInInput) (SignedIn, error) {
	b := in.Body
	if b.OTPSessionState != "" {
		prove := a.codeMatches(b.OTPAttempt)
		if len(b.WebAuthn) > 0 {
			prove = a.passkeyMatches(b.WebAuthn)
		}
		return a.finish(ctx, open, b.OTPSessionState, prove)
	}
	if err := bothSent(b.Username, b.Password); err != nil {
		return SignedIn{}, err
	}
	var meant []user.User
	err := open.Read(ctx, func(tx *db.Tx) error {
		var err error
		meant, err = user.ByLogin(tx, b.Username)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	request := op.RequestOf(ctx)
	var u *user.User
	err = a.guarded(ctx, triedSubjects(meant, b.Username, request.IP), func() error {
		u, err = a.which(ctx, meant, b.Username, b.Password)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	var out SignedIn
	err = open.Write(ctx, func(tx *db.Tx) error {
		out, err = a.goOn(tx, u, request, proof{passwordCheckedAt: clock.AtPointer(tx.Now().Time())})
		return err
	})
	return out, err
}

// goOn after the first step: to the second where the user has a second factor, else to a session.
func (a *Auth) goOn(tx *db.Tx, u *user.User, r op.Request, shown proof) (SignedIn, error) {
	if u.TwoFactor().Enabled {
		return begin(tx, u, shown)
	}
	return a.start(tx, u, r, shown)
}

func bothSent(username, password string) error {
	var missing []fault.Detail
	for _, f := range []struct{ name, value string }{{"username", username}, {"password", password}} {
		if f.value == "" {
			missing = append(missing, fault.Detail{Pointer: "/" + f.name, Code: "required", Detail: "Send username and password, or otp_session_state and otp_attempt."})
		}
	}
	return fault.All(missing)
}

// triedSubjects of a sign-in: the accounts that the name may mean, or the name that means none, and the address.
func triedSubjects(meant []user.User, username, ip string) []subject {
	all := []subject{addressOf(ip)}
	for i := range meant {
		all = append(all, accountOf(meant[i].ID))
	}
	if len(meant) == 0 {
		all = append(all, nobodyOf(user.Fold(username)))
	}
	return all
}

// which of the users it is whose password was sent; the fault is the first one's. How much it works tells only what was asked: a
// login with an @ may be one's name and another's address, and is held against two, be they there or not.
func (a *Auth) which(ctx context.Context, meant []user.User, login, password string) (*user.User, error) {
	times := 1
	if strings.Contains(user.Fold(login), "@") {
		times = 2
	}
	var found *user.User
	var first error
	for i := range max(times, len(meant)) {
		var u *user.User
		if i < len(meant) {
			u = &meant[i]
		}
		err := a.verify(ctx, u, password)
		if err == nil && found == nil {
			found = u
		}
		if first == nil {
			first = err
		}
	}
	if found != nil {
		return found, nil
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

// start a session of the user.
func (a *Auth) start(tx *db.Tx, u *user.User, r op.Request, shown proof) (SignedIn, error) {
	token := secret.NewToken(sessionPrefix)
	out := SignedIn{Token: token.Reveal(), ExpiresAt: tx.Now().Add(a.Lifetime), User: ShortUser{u.ID, u.Username, u.Role}}
	t := &Token{ID: db.NewID(), UserID: u.ID, Kind: session, Hash: secret.TokenHash(token.Reveal()), IP: r.IP, UserAgent: r.UserAgent,
		CreatedAt: tx.Now(), LastUsedAt: tx.Now(), ExpiresAt: &out.ExpiresAt, PasswordCheckedAt: shown.passwordCheckedAt, Vouched: shown.vouched, Maker: shown.maker}
	t.OrganizationID = u.OrganizationID
	if err := insert(tx, t); err != nil {
		return SignedIn{}, err
	}
	if err := user.SignedIn(tx, u, r.IP); err != nil {
		return SignedIn{}, err
	}
	if err := forgetOld(tx); err != nil {
		return SignedIn{}, err
	}
	p, err := principal(tx, u, Credentials{})
	out.TwoFactorRequired = a.mustEnroll(p, u, t)
	change := db.Change{Type: "user", ID: u.ID, Name: u.Username, Actor: &p}
	if shown.maker != nil {
		change.After = linkFollowed{*shown.maker}
	}
	tx.Changed(change)
	return out, err
}

// mustEnroll says whether the sign-in serves only to turn a second factor on: one is asked for here, and none was shown.
func (a *Auth) mustEnroll(p access.Principal, u *user.User, t *Token) bool {
	return (a.RequireTwoFactor || p.Home.TwoFactorRequired) && t.Kind != impersonation && !t.Vouched && !u.TwoFactor().Enabled
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
