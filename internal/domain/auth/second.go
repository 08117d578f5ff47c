package auth

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/secret"
)

// half is a sign-in whose first step succeeded. Its state is the bearer's proof of that; only its hash is kept.
type half struct {
	bun.BaseModel `bun:"table:otp_sessions,alias:h"`
	db.Branched
	ID                string      `bun:"id,pk"`
	UserID            string      `bun:"user_id"`
	Hash              string      `bun:"hash"`
	PasswordMark      string      `bun:"password_mark"`       // of the password at the first step: a new one ends the sign-in
	PasswordCheckedAt *clock.Time `bun:"password_checked_at"` // nil: the first step asked for none
	Tries             int         `bun:"tries"`
	Challenge         *challenge  `bun:"challenge,type:jsonb"` // for a passkey; nil: none was asked for
	Identity          *person     `bun:"identity,type:jsonb"`  // whom the provider vouched for; nil: the first step was here
	Maker             *maker      `bun:"maker,type:jsonb"`     // of the single-sign-on link that was the first step; nil: none was
	CreatedAt         clock.Time  `bun:"created_at"`
	ExpiresAt         clock.Time  `bun:"expires_at"`
}

// Bounds on the second step.
const (
	statePrefix   = "vdo"
	stateLifetime = 10 * time.Minute
	stateTries    = 5
)

var (
	errState = fault.At("/otp_session_state", "expired", "This sign-in has expired or was used; sign in again with your password.")
	errCode  = fault.New(fault.Unauthenticated, "The code is wrong, was used already, or has expired.").Coded("wrong_code")
)

func passwordMark(u *user.User) string { return secret.TokenHash("mark:" + u.PasswordHash) }

// proof is what a sign-in has shown by now.
type proof struct {
	passwordCheckedAt *clock.Time // when the password was asked for on the way here; nil: it was not
	person            *person     // whom the provider vouched for, to be linked to the user; nil: nobody
	vouched           bool        // the provider saw a second factor that counts here
	maker             *maker      // of the single-sign-on link that was followed; nil: none was
}

// begin keeps that the first step succeeded and asks for the second.
func begin(tx *db.Tx, u *user.User, shown proof) (SignedIn, error) {
	if err := forgetOld(tx); err != nil {
		return SignedIn{}, err
	}
	state := secret.NewToken(statePrefix)
	h := &half{ID: db.NewID(), UserID: u.ID, Hash: secret.TokenHash(state.Reveal()), PasswordMark: passwordMark(u), PasswordCheckedAt: shown.passwordCheckedAt, Identity: shown.person, Maker: shown.maker,
		CreatedAt: tx.Now(), ExpiresAt: tx.Now().Add(stateLifetime)}
	h.OrganizationID = u.OrganizationID
	return SignedIn{OTPSessionState: state.Reveal(), OTPMethods: u.Methods(), OTPDefaultMethod: u.OTPDefaultMethod}, insertHalf(tx, h)
}

// resume finds the sign-in of a state and whose it is. Fault kind invalid where it has ended.
func resume(tx *db.Tx, state string) (*half, *user.User, error) {
	h, err := halfByHash(tx, secret.TokenHash(state))
	if err != nil {
		return nil, nil, err
	}
	if h == nil || h.ExpiresAt <= tx.Now() || h.Tries >= stateTries {
		return nil, nil, errState
	}
	u, err := user.ByID(tx, h.UserID)
	if err != nil {
		return nil, nil, err
	}
	if u.LockedAt != nil || h.PasswordMark != passwordMark(u) || !u.TwoFactor().Enabled {
		return nil, nil, errState
	}
	return h, u, nil
}

// finish is the second step: where prove says yes, the state is used up and gives a token. Each try counts, for the state, for
// the account and for the address, before it is looked at.
func (a *Auth) finish(ctx context.Context, open op.Opener, state string, prove func(*db.Tx, *half, *user.User) (bool, error)) (SignedIn, error) {
	var h *half
	var u *user.User
	err := open.Read(ctx, func(tx *db.Tx) error {
		var err error
		h, u, err = resume(tx, state)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	request := op.RequestOf(ctx)
	var out SignedIn
	err = a.guarded(ctx, []subject{factorOf(u.ID), addressOf(request.IP)}, func() error {
		if err := open.Write(ctx, func(tx *db.Tx) error { return takeTry(tx, h) }); err != nil {
			return err
		}
		return open.Write(ctx, func(tx *db.Tx) error {
			ok, err := prove(tx, h, u)
			if err != nil {
				return err
			}
			if !ok {
				return errCode
			}
			if err := deleteHalf(tx, h); err != nil {
				return err
			}
			if h.Identity != nil {
				if err := attach(tx, u, *h.Identity, request); err != nil {
					return err
				}
			}
			out, err = a.start(tx, u, request, proof{passwordCheckedAt: h.PasswordCheckedAt, maker: h.Maker})
			return err
		})
	})
	return out, err
}

// codeMatches holds the attempt against every method that is on.
func (a *Auth) codeMatches(attempt string) func(*db.Tx, *half, *user.User) (bool, error) {
	return func(tx *db.Tx, h *half, u *user.User) (bool, error) {
		for _, method := range u.Methods() {
			m, err := methodOf(tx, u, method)
			if err != nil {
				return false, err
			}
			if m == nil {
				continue
			}
			if ok, err := a.matches(tx, m, h.ID, cleanCode(attempt)); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	}
}
