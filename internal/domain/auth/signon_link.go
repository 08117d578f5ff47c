package auth

import (
	"context"
	"net/http"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/secret"
)

// maker of a single-sign-on link: an operator or partner, whose own portal has signed the user in.
type maker struct {
	ID       string `json:"id"`
	Username string `json:"username"`
}

// linkFollowed is what the audit trail tells of a sign-in by a link.
type linkFollowed struct {
	By maker `json:"single_sign_on_link_by"`
}

// SignOnLink is shown once.
type SignOnLink struct {
	Link      string     `json:"link" doc:"Send the user's browser there: <base_url>/single_sign_on?single_sign_on_token=…"`
	Token     string     `json:"single_sign_on_token" doc:"The one in the link, which the page behind it sends to Sign in by a single-sign-on link"`
	ExpiresAt clock.Time `json:"expires_at" format:"date-time"`
}

type signOnLinkInput struct {
	Body struct {
		Token string `json:"single_sign_on_token" maxLength:"200" doc:"Of the link"`
	}
}

const makeSignOnLinkID = "createSignOnLink"

func (a *Auth) signOnLinkOperations() []op.Operation {
	return op.In("Authentication", "Single sign-on",
		op.Long(makeSignOnLinkID, "Create a single-sign-on link", http.MethodPost, "/v2/users/{id}/single_sign_on_link", access.UserImpersonate, a.makeSignOnLink).
			NotImpersonated().Conflicts().Says("For a portal of an operator or partner that has signed the user in itself: whoever follows the link is that user. It works once, within "+
			"two minutes, and ends the user's older ones. Whose, as with impersonation: an operator any user's, a partner those of organizations below its own, "+
			"nobody that of someone mightier. A second factor is asked for all the same."),
		op.Long("signInByLink", "Sign in by a single-sign-on link", http.MethodPost, "/v2/auth/single_sign_on", access.Public, a.signInByLink).
			Says("Answers like Sign in: a token, or what the second step needs where the user has a second factor."),
	)
}

func (a *Auth) makeSignOnLink(ctx context.Context, open op.Opener, in *op.Path) (SignOnLink, error) {
	p := open.Grant().Principal()
	var id string
	err := open.Read(ctx, func(tx *db.Tx) error {
		u, err := impersonable(tx, p, in.ID, "id")
		if err != nil {
			return err
		}
		if u.ConfirmedAt == nil {
			return fault.New(fault.Conflict, "This user has not confirmed the e-mail address yet.").Coded("unconfirmed")
		}
		id = u.ID
		return nil
	})
	if err != nil {
		return SignOnLink{}, err
	}
	token := secret.NewToken(traits[signOnLink].prefix)
	out := SignOnLink{Link: a.address(signOnLink, token), Token: token.Reveal()}
	err = a.DB.Write(ctx, access.System(access.DoorImpersonate), func(tx *db.Tx) error {
		u, err := user.ByID(tx, id)
		if err != nil {
			return err
		}
		out.ExpiresAt = tx.Now().Add(traits[signOnLink].lifetime)
		if err := replaceSignOnLink(tx, u, secret.TokenHash(out.Token), maker{p.User, p.Username}); err != nil {
			return err
		}
		return a.tellBoth(tx, makeSignOnLinkID, p, u, "", op.RequestOf(ctx))
	})
	return out, err
}

// replaceSignOnLink keeps a new link of the user, and no other.
func replaceSignOnLink(tx *db.Tx, u *user.User, hash string, by maker) error {
	if err := tx.Lock("single-sign-on link " + u.ID); err != nil {
		return err
	}
	if err := deleteLinks(tx, u, signOnLink); err != nil {
		return err
	}
	l := &Link{ID: db.NewID(), UserID: u.ID, Kind: signOnLink, Email: u.Email, Hash: &hash, Maker: &by, CreatedAt: tx.Now(), ExpiresAt: tx.Now().Add(traits[signOnLink].lifetime)}
	l.OrganizationID = u.OrganizationID
	return insertLink(tx, l)
}

func (a *Auth) signInByLink(ctx context.Context, open op.Opener, in *signOnLinkInput) (SignedIn, error) {
	request := op.RequestOf(ctx)
	var out SignedIn
	err := a.guarded(ctx, []subject{addressOf(request.IP)}, func() error {
		return open.Write(ctx, func(tx *db.Tx) error {
			l, u, err := followSignOnLink(tx, in.Body.Token)
			if err != nil {
				return err
			}
			out, err = a.goOn(tx, u, request, proof{maker: l.Maker})
			return err
		})
	})
	return out, err
}

// followSignOnLink uses a link up. It works no more where its maker could not make it now.
func followSignOnLink(tx *db.Tx, token string) (*Link, *user.User, error) {
	pointer := "/" + traits[signOnLink].parameter
	spent := fault.At(pointer, "token_spent", spentText)
	l, u, err := follow(tx, signOnLink, token, pointer)
	if err != nil {
		return nil, nil, err
	}
	home, err := organization.Place(tx, u.OrganizationID)
	if err != nil {
		return nil, nil, err
	}
	by, err := stillOver(tx, l.Maker.ID, u, home)
	if err != nil {
		return nil, nil, err
	}
	if by == nil || u.ConfirmedAt == nil {
		return nil, nil, spent
	}
	taken, err := takeLink(tx, l)
	if err == nil && !taken {
		err = spent
	}
	return l, u, err
}
