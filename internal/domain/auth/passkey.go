package auth

import (
	"encoding/base64"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
)

// challenge is what an authenticator is asked to sign (WebAuthn), as the library keeps it.
type challenge = webauthn.SessionData

// Passkey is a key pair whose private half stays in an authenticator; what is kept is public.
type Passkey struct {
	bun.BaseModel `bun:"table:passkeys,alias:p"`
	db.Branched
	ID           string              `bun:"id,pk"`
	UserID       string              `bun:"user_id"`
	Name         string              `bun:"name"`
	CredentialID string              `bun:"credential_id"` // base64url
	Record       webauthn.Credential `bun:"record,type:jsonb"`
	LastUsedAt   *clock.Time         `bun:"last_used_at"`
	CreatedAt    clock.Time          `bun:"created_at"`
	UpdatedAt    clock.Time          `bun:"updated_at"`
}

// RowID breaks ties of a list.
func (p Passkey) RowID() string { return p.ID }

// registration of a passkey that has begun.
type registration struct {
	bun.BaseModel `bun:"table:passkey_challenges,alias:c"`
	db.Branched
	ID        string     `bun:"id,pk"`
	UserID    string     `bun:"user_id"`
	Challenge challenge  `bun:"challenge,type:jsonb"`
	CreatedAt clock.Time `bun:"created_at"`
}

// Bounds on passkeys.
const (
	registrationLifetime = 10 * time.Minute
	maxPasskeys          = 20
)

var (
	errNoPasskeys = fault.New(fault.Conflict, "Passkeys need a host name: base_url of this installation has none.").Coded("webauthn_unavailable")
	errNoPasskey  = fault.New(fault.Conflict, "There is no passkey for this account.").Coded("method_off")
)

// owner is a user as the library asks for one.
type owner struct {
	*user.User
	passkeys []Passkey
}

func (o owner) WebAuthnID() []byte          { return []byte(o.User.ID) }
func (o owner) WebAuthnName() string        { return o.Username }
func (o owner) WebAuthnDisplayName() string { return o.Username }
func (o owner) WebAuthnCredentials() []webauthn.Credential {
	all := make([]webauthn.Credential, len(o.passkeys))
	for i, p := range o.passkeys {
		all[i] = p.Record
	}
	return all
}

// party is this installation to authenticators: keys are bound to the host of its base_url.
func (a *Auth) party() (*webauthn.WebAuthn, error) {
	u, err := url.Parse(a.BaseURL)
	if err != nil {
		return nil, errNoPasskeys
	}
	w, err := webauthn.New(&webauthn.Config{RPID: u.Hostname(), RPDisplayName: a.Issuer, RPOrigins: []string{u.Scheme + "://" + u.Host}})
	if err != nil {
		return nil, errNoPasskeys
	}
	return w, nil
}

func ownerOf(tx *db.Tx, u *user.User) (owner, error) {
	all, err := passkeysOf(tx, u)
	return owner{u, all}, err
}

// register makes the row of what an authenticator answered to a registration. Fault kind invalid where it is not sound.
func (a *Auth) register(o owner, r *registration, answer []byte) (*Passkey, error) {
	party, err := a.party()
	if err != nil {
		return nil, err
	}
	unsound := fault.At("/passkey/credential", "invalid", "This is no answer to the registration that was begun last; begin again.")
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, unsound
	}
	made, err := party.CreateCredential(o, r.Challenge, parsed)
	if err != nil {
		return nil, unsound
	}
	p := &Passkey{ID: db.NewID(), UserID: o.User.ID, CredentialID: base64.RawURLEncoding.EncodeToString(made.ID), Record: *made}
	p.OrganizationID = o.User.OrganizationID
	return p, nil
}

// passkeyMatches says whether the answer is one of the user's passkeys', to the challenge of this sign-in. A counter that
// does not grow tells that the key was copied (WebAuthn level 3, 6.1.1): it is refused.
func (a *Auth) passkeyMatches(answer []byte) func(*db.Tx, *half, *user.User) (bool, error) {
	return func(tx *db.Tx, h *half, u *user.User) (bool, error) {
		party, err := a.party()
		if err != nil || h.Challenge == nil {
			return false, err
		}
		o, err := ownerOf(tx, u)
		if err != nil {
			return false, err
		}
		parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
		if err != nil {
			return false, nil //nolint:nilerr // a wrong answer, like any other
		}
		used, err := party.ValidateLogin(o, *h.Challenge, parsed)
		if err != nil || used.Authenticator.CloneWarning {
			return false, nil //nolint:nilerr // a wrong answer, like any other
		}
		for i := range o.passkeys {
			if o.passkeys[i].CredentialID == base64.RawURLEncoding.EncodeToString(used.ID) {
				o.passkeys[i].Record = *used
				return true, usePasskey(tx, &o.passkeys[i])
			}
		}
		return false, nil
	}
}
