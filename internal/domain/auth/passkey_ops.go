package auth

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
)

// PasskeyAttributes on the wire.
type PasskeyAttributes struct {
	ID         string      `json:"id"`
	Name       string      `json:"name" example:"Key on the ring"`
	LastUsedAt *clock.Time `json:"last_used_at" format:"date-time"`
	CreatedAt  clock.Time  `json:"created_at" format:"date-time"`
	UpdatedAt  clock.Time  `json:"updated_at" format:"date-time"`
}

// Key is the resource's id and type.
func (a PasskeyAttributes) Key() (string, string) { return a.ID, "passkey" }

// PasskeyOptions are for the browser.
type PasskeyOptions struct {
	Options json.RawMessage `json:"options" doc:"What navigator.credentials takes, binary values in base64url (WebAuthn level 3: parseCreationOptionsFromJSON, parseRequestOptionsFromJSON)"`
}

type createPasskeyInput struct {
	Body struct {
		Passkey struct {
			Name       string          `json:"name" maxLength:"100" example:"Key on the ring"`
			Credential json.RawMessage `json:"credential" doc:"The authenticator's answer (PublicKeyCredential as JSON)"`
		} `json:"passkey"`
	}
}

type deletePasskeyInput struct {
	op.Path
	Body struct {
		Password string `json:"password" maxLength:"512"`
	}
}

// DeletedPasskey is the answer of a deletion.
type DeletedPasskey struct {
	Data op.Ref `json:"data"`
}

var passkeyColumns = filter.Columns{Date: "created_at", Sort: "created_at", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "name", SQL: "?TableAlias.name", Search: true},
	{Name: "last_used_at", SQL: "?TableAlias.last_used_at", Kind: filter.Moment, Null: true},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
}}

func (a *Auth) passkeyOperations() []op.Operation {
	own := op.In("User", "User 2FA",
		op.List("listPasskeys", "List passkeys", "/v2/user/mfa/webauthn", access.Own, passkeyColumns, listPasskeys),
		op.Do("beginPasskey", "Begin to register a passkey", http.MethodPost, "/v2/user/mfa/webauthn/begin", access.Own, a.beginPasskey).Conflicts().Enrolls().
			Says("The answer goes to the browser's navigator.credentials.create, and what that gives to Register a passkey, within ten minutes."),
		op.Create("createPasskey", "Register a passkey", "/v2/user/mfa/webauthn", access.Own, a.createPasskey).Conflicts().Enrolls().
			Says("Signing in needs a second step from now on. Make recovery codes unless there are some."),
		op.Long("deletePasskey", "Delete a passkey", http.MethodDelete, "/v2/user/mfa/webauthn/{id}", access.Own, a.deletePasskey),
	)
	for i := range own {
		own[i] = own[i].NotImpersonated()
	}
	return append(own, op.In("Authentication", "MFA",
		op.Do("challengePasskey", "Challenge a passkey", http.MethodPost, "/v2/auth/mfa/webauthn", access.Public, a.challengePasskey).Conflicts().
			Says("The answer goes to the browser's navigator.credentials.get, and what that gives to Sign in, as webauthn beside otp_session_state."),
	)...)
}

func representPasskey(p Passkey) PasskeyAttributes {
	return PasskeyAttributes{ID: p.ID, Name: p.Name, LastUsedAt: p.LastUsedAt, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt}
}

func listPasskeys(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[PasskeyAttributes], error) {
	rows, meta, err := fetchPasskeys(tx, q)
	page := filter.Page[PasskeyAttributes]{Rows: []PasskeyAttributes{}, Meta: meta}
	for _, r := range rows {
		page.Rows = append(page.Rows, representPasskey(r))
	}
	return page, err
}

func (a *Auth) beginPasskey(tx *db.Tx, _ *op.Empty) (PasskeyOptions, error) {
	party, err := a.party()
	if err != nil {
		return PasskeyOptions{}, err
	}
	u, err := lockedCaller(tx)
	if err != nil {
		return PasskeyOptions{}, err
	}
	o, err := ownerOf(tx, u)
	if err != nil {
		return PasskeyOptions{}, err
	}
	if len(o.passkeys) >= maxPasskeys {
		return PasskeyOptions{}, fault.New(fault.Conflict, "There are %d passkeys already; delete one first.", maxPasskeys).Coded("too_many_passkeys")
	}
	options, asked, err := party.BeginRegistration(o, webauthn.WithExclusions(webauthn.Credentials(o.WebAuthnCredentials()).CredentialDescriptors()),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{UserVerification: protocol.VerificationPreferred}))
	if err != nil {
		return PasskeyOptions{}, err
	}
	r := &registration{ID: db.NewID(), UserID: u.ID, Challenge: *asked, CreatedAt: tx.Now()}
	r.OrganizationID = u.OrganizationID
	raw, err := json.Marshal(options.Response)
	if err != nil {
		return PasskeyOptions{}, err
	}
	return PasskeyOptions{raw}, beginRegistration(tx, r)
}

func (a *Auth) createPasskey(tx *db.Tx, in *createPasskeyInput) (PasskeyAttributes, error) {
	name := strings.TrimSpace(in.Body.Passkey.Name)
	if name == "" {
		return PasskeyAttributes{}, fault.At("/passkey/name", "required", "Name the passkey, so that you know it among others.")
	}
	u, err := lockedCaller(tx)
	if err != nil {
		return PasskeyAttributes{}, err
	}
	r, err := takeRegistration(tx, u)
	if err != nil {
		return PasskeyAttributes{}, err
	}
	if r == nil {
		return PasskeyAttributes{}, errPrepare
	}
	o, err := ownerOf(tx, u)
	if err != nil {
		return PasskeyAttributes{}, err
	}
	p, err := a.register(o, r, in.Body.Passkey.Credential)
	if err != nil {
		return PasskeyAttributes{}, err
	}
	p.Name, p.CreatedAt, p.UpdatedAt = name, tx.Now(), tx.Now()
	if err := insertPasskey(tx, p); err != nil {
		return PasskeyAttributes{}, err
	}
	return representPasskey(*p), hold(tx, u, len(o.passkeys)+1)
}

// hold so many passkeys, and tell it to the audit trail.
func hold(tx *db.Tx, u *user.User, passkeys int) error {
	before := u.TwoFactor()
	u.Hold(passkeys)
	return factorsChanged(tx, u, before)
}

func (a *Auth) deletePasskey(ctx context.Context, open op.Opener, in *deletePasskeyInput) (DeletedPasskey, error) {
	err := open.Read(ctx, func(tx *db.Tx) error { return hasPasskey(tx, in.ID) })
	if err != nil {
		return DeletedPasskey{}, err
	}
	if err := a.checkOwnPassword(ctx, open, in.Body.Password); err != nil {
		return DeletedPasskey{}, err
	}
	err = open.Write(ctx, func(tx *db.Tx) error {
		u, err := lockedCaller(tx)
		if err != nil {
			return err
		}
		if err := deletePasskey(tx, u, in.ID); err != nil {
			return err
		}
		left, err := passkeysOf(tx, u)
		if err != nil {
			return err
		}
		if err := hold(tx, u, len(left)); err != nil {
			return err
		}
		if err := a.mayDoWithout(tx, u); err != nil {
			return err
		}
		return dropUnneeded(tx, u)
	})
	return DeletedPasskey{op.Ref{ID: in.ID, Type: "passkey"}}, err
}

// hasPasskey is a fault of kind notfound where the caller has no such passkey.
func hasPasskey(tx *db.Tx, id string) error {
	u, err := user.Caller(tx)
	if err != nil {
		return err
	}
	all, err := passkeysOf(tx, u)
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.ID == id {
			return nil
		}
	}
	return fault.Missing()
}

func (a *Auth) challengePasskey(tx *db.Tx, in *stateInput) (PasskeyOptions, error) {
	h, u, err := resume(tx, in.Body.OTPSessionState)
	if err != nil {
		return PasskeyOptions{}, err
	}
	if !u.On(user.WebAuthn) {
		return PasskeyOptions{}, errNoPasskey
	}
	party, err := a.party()
	if err != nil {
		return PasskeyOptions{}, err
	}
	o, err := ownerOf(tx, u)
	if err != nil {
		return PasskeyOptions{}, err
	}
	options, asked, err := party.BeginLogin(o)
	if err != nil {
		return PasskeyOptions{}, err
	}
	h.Challenge = asked
	raw, err := json.Marshal(options.Response)
	if err != nil {
		return PasskeyOptions{}, err
	}
	return PasskeyOptions{raw}, challengeHalf(tx, h)
}
