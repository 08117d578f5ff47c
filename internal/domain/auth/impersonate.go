package auth

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/secret"
)

// impersonationTime is how long one may act as somebody else before one must say why again.
const impersonationTime = hour

const (
	startID = "startImpersonation"
	stopID  = "stopImpersonation"
)

type impersonateInput struct {
	Body struct {
		User   string `json:"user" doc:"Id of the user to act as"`
		Reason string `json:"reason" maxLength:"500" doc:"Stands in the audit trail"`
	}
}

func (a *Auth) impersonateOperations() []op.Operation {
	return op.In("Authentication", "Impersonation",
		op.Long(startID, "Start impersonating a user", http.MethodPost, "/v2/auth/impersonate", access.UserImpersonate, a.impersonate).NotNested().
			Says("An operator acts as any user, a partner as users of organizations below its own; nobody as someone mightier. The answer's token "+
				"works an hour and touches no password, token or second factor; your own stays good. Each change names both in the audit trail."),
		op.Long(stopID, "Stop impersonating", http.MethodDelete, "/v2/auth/impersonate", access.SignedIn, a.stopImpersonating).Conflicts().
			Says("Ends the token that it is called with."),
	)
}

func (a *Auth) impersonate(ctx context.Context, open op.Opener, in *impersonateInput) (SignedIn, error) {
	p := open.Grant().Principal()
	reason := strings.TrimSpace(in.Body.Reason)
	if reason == "" {
		return SignedIn{}, fault.At("/reason", "required", "Say why; the reason stands in the audit trail.")
	}
	err := open.Read(ctx, func(tx *db.Tx) error {
		_, err := impersonable(tx, p, in.Body.User, "/user")
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	token := secret.NewToken(impersonationPrefix)
	var out SignedIn
	err = a.DB.Write(ctx, access.System(access.DoorImpersonate), func(tx *db.Tx) error {
		u, err := user.ByID(tx, strings.ToLower(in.Body.User))
		if err != nil {
			return err
		}
		out = SignedIn{Token: token.Reveal(), ExpiresAt: tx.Now().Add(impersonationTime), User: ShortUser{u.ID, u.Username, u.Role}}
		request := op.RequestOf(ctx)
		t := &Token{ID: db.NewID(), UserID: u.ID, Kind: impersonation, Hash: secret.TokenHash(token.Reveal()), IP: request.IP, UserAgent: request.UserAgent,
			CreatedAt: tx.Now(), LastUsedAt: tx.Now(), ExpiresAt: clock.AtPointer(out.ExpiresAt.Time()), ImpersonatorID: &p.User, ImpersonatorName: p.Username, Reason: reason}
		t.OrganizationID = u.OrganizationID
		if err := insert(tx, t); err != nil {
			return err
		}
		return a.tellBoth(tx, startID, p, u, reason, request)
	})
	return out, err
}

// impersonable is the user of the id, where p may act as it; field is where the request names it. The permission is checked by then.
func impersonable(tx *db.Tx, p access.Principal, id, field string) (*user.User, error) {
	u, err := user.ByID(tx, strings.ToLower(id))
	if err != nil {
		return nil, err
	}
	switch {
	case u.ID == p.User:
		return nil, fault.At(field, "yourself", "You are this user already.")
	case p.Role != access.Admin && u.OrganizationID == p.Home.ID:
		return nil, fault.New(fault.Forbidden, "A partner acts as users of the organizations below its own, not as a colleague.").Coded("not_below")
	case mightier(u.Role, p.Role):
		return nil, fault.New(fault.Forbidden, "Nobody acts as someone who may do more.").Coded("too_mighty")
	case u.LockedAt != nil:
		return nil, fault.New(fault.Conflict, "This account is locked.").Coded("locked")
	}
	return u, nil
}

func mightier(a, b access.Role) bool {
	return slices.Index(access.Roles, a) < slices.Index(access.Roles, b)
}

func (a *Auth) stopImpersonating(ctx context.Context, open op.Opener, _ *op.Empty) (Message, error) {
	p := open.Grant().Principal()
	if p.Impersonator == "" {
		return Message{}, fault.New(fault.Conflict, "This token is no impersonation's; you act as yourself.").Coded("not_impersonating")
	}
	return Message{"You act as yourself again; use your own token."}, a.DB.Write(ctx, access.System(access.DoorImpersonate), func(tx *db.Tx) error {
		u, err := user.ByID(tx, p.User)
		if err != nil {
			return err
		}
		impersonator, err := user.ByID(tx, p.Impersonator)
		if err != nil {
			return err
		}
		self, err := principal(tx, impersonator, Credentials{})
		if err != nil {
			return err
		}
		if err := endSession(tx, p.Token); err != nil {
			return err
		}
		return a.tellBoth(tx, stopID, self, u, "", op.RequestOf(ctx))
	})
}

// tellBoth writes the audit trail of the impersonator's organization, and that of the user's where it is another.
func (a *Auth) tellBoth(tx *db.Tx, action string, p access.Principal, u *user.User, reason string, request op.Request) error {
	change := db.Change{Type: "user", ID: u.ID, Name: u.Username}
	if reason != "" {
		change.After = struct {
			Reason string `json:"reason"`
		}{reason}
	}
	there, err := organization.Place(tx, u.OrganizationID)
	if err != nil {
		return err
	}
	for _, place := range []access.Organization{p.Home, there} {
		acting := p
		acting.Acting = place
		change.Actor = &acting
		if err := a.Record(tx, op.Entry{Action: action, Change: change, Request: request}); err != nil {
			return err
		}
		if p.Home.ID == there.ID {
			return nil
		}
	}
	return nil
}

// impersonated completes the principal of an impersonation's token. It ends with what allowed it: the impersonator must still be
// there and hold the permission over the user.
func impersonated(tx *db.Tx, t *Token, u *user.User, p *access.Principal) error {
	over := fault.New(fault.Unauthenticated, "The impersonation is over; use your own token.").Coded("token_invalid")
	if t.ImpersonatorID == nil {
		return over
	}
	impersonator, err := stillOver(tx, *t.ImpersonatorID, u, p.Home)
	if err != nil {
		return err
	}
	if impersonator == nil {
		return over
	}
	p.Impersonator, p.ImpersonatorName = impersonator.ID, impersonator.Username
	return nil
}

// stillOver is the user of the id, where that one is there, not locked, and may act as u, who is at home in that organization; else nil.
func stillOver(tx *db.Tx, id string, u *user.User, home access.Organization) (*user.User, error) {
	by, err := user.ByID(tx, id)
	if db.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	self, err := principal(tx, by, Credentials{})
	if err != nil {
		return nil, err
	}
	reaches := by.Role == access.Admin || home.Below(self.Home.ID)
	if by.LockedAt != nil || !self.Holds(access.UserImpersonate) || !reaches || mightier(u.Role, by.Role) {
		return nil, nil
	}
	return by, nil
}
