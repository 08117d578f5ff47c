package auth

import (
	"context"
	"net/http"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

type changePasswordInput struct {
	Body struct {
		Current  string `json:"current_password" maxLength:"512"`
		Password string `json:"password" maxLength:"512" doc:"8 to 128 characters"`
	}
}

func (a *Auth) passwordOperations() []op.Operation {
	return op.In("User", "",
		op.Long("changePassword", "Change current user password", http.MethodPut, "/v2/user/change_password", access.Own, a.changePassword).NotImpersonated().
			Says("Ends all other sign-ins of the user; the access token stays."))
}

func (a *Auth) changePassword(ctx context.Context, open op.Opener, in *changePasswordInput) (Message, error) {
	var u *user.User
	var names []string
	err := open.Read(ctx, func(tx *db.Tx) error {
		var err error
		if u, err = user.Caller(tx); err != nil {
			return err
		}
		names, err = a.namesAround(tx, u)
		return err
	})
	if err != nil {
		return Message{}, err
	}
	if err := user.CheckPassword(in.Body.Password, "/password", names...); err != nil {
		return Message{}, err
	}
	if err := a.CheckPassword(ctx, u, in.Body.Current, "/current_password"); err != nil {
		return Message{}, err
	}
	hash, err := a.Hasher.Hash(ctx, in.Body.Password)
	if err != nil {
		return Message{}, err
	}
	return Message{"The password is changed."}, open.Write(ctx, func(tx *db.Tx) error {
		now, err := user.Caller(tx)
		if err != nil {
			return err
		}
		if now.PasswordHash != u.PasswordHash {
			return fault.New(fault.Conflict, "The password was changed at this moment; try again.").Coded("password_twin")
		}
		now.PasswordHash = hash
		if err := user.KeepCredentials(tx, now); err != nil {
			return err
		}
		if err := deleteLinks(tx, now, ""); err != nil {
			return err
		}
		tx.Changed(db.Change{Type: "user", ID: now.ID, Name: now.Username})
		return changedPassword(tx, now, tx.Grant().Principal().Token, op.RequestOf(ctx))
	})
}

// namesAround a user, of which no password may be made: the user's own, the organization's, this installation's.
func (a *Auth) namesAround(tx *db.Tx, u *user.User) ([]string, error) {
	home, err := organization.Place(tx, u.OrganizationID)
	return []string{u.Username, u.Email, u.FirstName, u.LastName, home.Name, a.Issuer}, err
}

// CheckPassword asks a user for the password again, where something is at stake; pointer names it in the request. Wrong tries count
// as they do at sign-in. Fault kinds: invalid, limited. Never call it inside a transaction.
func (a *Auth) CheckPassword(ctx context.Context, u *user.User, password, pointer string) error {
	err := a.guarded(ctx, []subject{accountOf(u.ID), addressOf(op.RequestOf(ctx).IP)}, func() error { return a.verify(ctx, u, password) })
	if fault.Is(err, fault.Unauthenticated) {
		return fault.At(pointer, "wrong", "The password is wrong.")
	}
	return err
}
