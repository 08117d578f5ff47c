package auth

import (
	"context"
	"net/http"
	"strings"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/platform/op"
)

type confirmationInput struct {
	Token string `query:"confirmation_token" required:"true" maxLength:"200" doc:"Of the link in the mail"`
}

// Confirmation is what the form shows.
type Confirmation struct {
	Email            string `json:"email"`
	PasswordRequired bool   `json:"password_required" doc:"The user has none yet: confirming asks for one"`
}

type confirmInput struct {
	Body struct {
		Token    string `json:"confirmation_token" maxLength:"200"`
		Password string `json:"password,omitempty" maxLength:"512" doc:"Required where the user has none; else it replaces the old one"`
	}
}

type invitationInput struct {
	Token string `query:"invitation_token" required:"true" maxLength:"200" doc:"Of the link in the mail"`
}

// Invitation is what is shown before it is accepted.
type Invitation struct {
	Email        string  `json:"email"`
	Organization op.Link `json:"organization"`
}

type acceptInput struct {
	Body struct {
		Token     string           `json:"invitation_token" maxLength:"200"`
		Password  string           `json:"password" maxLength:"512"`
		FirstName op.Field[string] `json:"first_name,omitempty" maxLength:"200"`
		LastName  op.Field[string] `json:"last_name,omitempty" maxLength:"200"`
	}
}

type forgotInput struct {
	Body struct {
		Email string `json:"email" maxLength:"254"`
	}
}

type resetInput struct {
	Body struct {
		Token    string `json:"reset_password_token" maxLength:"200"`
		Password string `json:"password" maxLength:"512"`
	}
}

// linkOperations are those that begin with a mail.
func (a *Auth) linkOperations() []op.Operation {
	return op.Operations(op.In("Authentication", "User Confirmation",
		op.Long("confirmUser", "Confirm a User", http.MethodPost, "/v2/auth/confirmation", access.Public, a.confirm).
			Says("Confirms the address to which the link was sent. The token is good once. A changed address becomes the user's now."),
		op.Get("showConfirmation", "Show confirmation form", "/v2/auth/confirmation", access.Public, showConfirmation),
	), op.In("Authentication", "User Invitation",
		op.Long("acceptInvitation", "Accept an invitation", http.MethodPut, "/v2/auth/invitation", access.Public, a.accept),
		op.Get("checkInvitation", "Check an invitation", "/v2/auth/invitation", access.Public, checkInvitation),
	), op.In("Authentication", "Password Reset",
		op.Do("forgotPassword", "Forgot Password", http.MethodPost, "/v2/auth/password", access.Public, forgot).
			Says("Mails a link for a new password, where the address is that of a user. The answer is the same for every address."),
		op.Long("resetPassword", "Reset Password", http.MethodPut, "/v2/auth/password", access.Public, a.resetPassword).
			Says("Ends all sign-ins of the user, and the access token."),
	))
}

func showConfirmation(tx *db.Tx, in *confirmationInput) (Confirmation, error) {
	l, u, err := follow(tx, confirmation, in.Token, traits[confirmation].parameter)
	if err != nil {
		return Confirmation{}, err
	}
	return Confirmation{Email: l.Email, PasswordRequired: u.PasswordHash == ""}, nil
}

func checkInvitation(tx *db.Tx, in *invitationInput) (Invitation, error) {
	l, u, err := follow(tx, invitation, in.Token, traits[invitation].parameter)
	if err != nil {
		return Invitation{}, err
	}
	home, err := organization.Place(tx, u.OrganizationID)
	return Invitation{Email: l.Email, Organization: op.Link{ID: home.ID, Name: home.Name}}, err
}

func (a *Auth) confirm(ctx context.Context, open op.Opener, in *confirmInput) (Message, error) {
	err := a.redeem(ctx, open, redemption{kind: confirmation, token: in.Body.Token, password: in.Body.Password})
	return Message{"The address is confirmed; you can sign in."}, err
}

func (a *Auth) accept(ctx context.Context, open op.Opener, in *acceptInput) (Message, error) {
	err := a.redeem(ctx, open, redemption{kind: invitation, token: in.Body.Token, password: in.Body.Password, named: func(u *user.User) {
		in.Body.FirstName.Set(&u.FirstName)
		in.Body.LastName.Set(&u.LastName)
	}})
	return Message{"The invitation is accepted; you can sign in."}, err
}

func forgot(tx *db.Tx, in *forgotInput) (Message, error) {
	return Message{"If there is a user with this address, a mail with a link is under way to it."}, jobs.Enqueue(tx, forgotJob{Email: user.Fold(in.Body.Email)})
}

func (a *Auth) resetPassword(ctx context.Context, open op.Opener, in *resetInput) (Message, error) {
	err := a.redeem(ctx, open, redemption{kind: reset, token: in.Body.Token, password: in.Body.Password})
	return Message{"The password is changed; sign in with it."}, err
}

// redemption is what comes with a token.
type redemption struct {
	kind            linkKind
	token, password string
	named           func(*user.User) // nil: the name stays
}

// redeem follows a link, once: the mailbox is the user's, a password that was sent is set, all other links and sign-ins end.
// A weak password does not use the link up.
func (a *Auth) redeem(ctx context.Context, open op.Opener, r redemption) error {
	pointer := "/" + traits[r.kind].parameter
	var u *user.User
	var names []string
	err := open.Read(ctx, func(tx *db.Tx) error {
		var err error
		if _, u, err = follow(tx, r.kind, r.token, pointer); err != nil {
			return err
		}
		names, err = a.namesAround(tx, u)
		return err
	})
	if err != nil {
		return err
	}
	hash, err := a.newHash(ctx, u, r, names)
	if err != nil {
		return err
	}
	return open.Write(ctx, func(tx *db.Tx) error {
		l, u, err := follow(tx, r.kind, r.token, pointer)
		if err != nil {
			return err
		}
		taken, err := takeLink(tx, l)
		if err != nil {
			return err
		}
		if !taken {
			return fault.At(pointer, "token_spent", "This link was used already.")
		}
		return complete(tx, l, u, hash, r, op.RequestOf(ctx))
	})
}

// newHash of the password that was sent; empty where none was, and none is needed.
func (a *Auth) newHash(ctx context.Context, u *user.User, r redemption, names []string) (string, error) {
	if r.password == "" && r.kind == confirmation && u.PasswordHash != "" {
		return "", nil
	}
	if err := user.CheckPassword(r.password, "/password", names...); err != nil {
		return "", err
	}
	return a.Hasher.Hash(ctx, r.password)
}

// complete what the link promised.
func complete(tx *db.Tx, l *Link, u *user.User, hash string, r redemption, request op.Request) error {
	old, replaced := u.Email, hash != "" && u.PasswordHash != ""
	moved := user.Fold(l.Email) != user.Fold(old)
	if moved && l.Kind != confirmation {
		return fault.At("/"+traits[l.Kind].parameter, "token_spent", "This link was sent to an address that is the user's no more.")
	}
	u.Email = l.Email
	if u.ConfirmedAt == nil {
		u.ConfirmedAt = clock.AtPointer(tx.Now().Time())
	}
	if r.named != nil {
		r.named(u)
	}
	if hash != "" {
		u.PasswordHash = hash
	}
	if err := user.KeepCredentials(tx, u); err != nil {
		return err
	}
	if err := deleteLinks(tx, u, ""); err != nil {
		return err
	}
	if replaced {
		if err := changedPassword(tx, u, "", request); err != nil {
			return err
		}
	}
	if l.Kind == reset {
		if err := startAnew(tx, u); err != nil {
			return err
		}
	}
	p, err := principal(tx, u, Credentials{})
	if err != nil {
		return err
	}
	change := db.Change{Type: "user", ID: u.ID, Name: u.Username, Actor: &p}
	if moved {
		change.Before, change.After = mailbox{old}, mailbox{u.Email}
		err = notify(tx, u, old, "Your e-mail address was changed", "the e-mail address of your account is now "+u.Email+".", request)
	}
	tx.Changed(change)
	return err
}

// mailbox is what the audit trail tells of a changed address.
type mailbox struct {
	Email string `json:"email"`
}

// startAnew: who forgot the password may have lost it to somebody, so that no token of the account is good any more; nor must the
// user wait for what was tried with the old one.
func startAnew(tx *db.Tx, u *user.User) error {
	if err := endSessions(tx, u.ID, ""); err != nil {
		return err
	}
	if _, err := deleteAccess(tx, u.ID); err != nil {
		return err
	}
	return forgive(tx, []subject{accountOf(u.ID)})
}

// changedPassword ends the sign-ins of the user but one, and tells the user.
func changedPassword(tx *db.Tx, u *user.User, spared string, request op.Request) error {
	if err := endSessions(tx, u.ID, spared); err != nil {
		return err
	}
	if !strings.Contains(u.Email, "@") {
		return nil // the operator of a first start has no address
	}
	return notify(tx, u, u.Email, "Your password was changed", "the password of your account was changed, and all other sign-ins were ended.", request)
}
