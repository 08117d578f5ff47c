package auth

import (
	"time"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/jobs"
	"github.com/vedette/vedette/internal/platform/secret"
)

// Link is what was promised by mail: whoever follows it once, in time, proves to own the mailbox. Its token is made when the
// mail is sent, and only the token's hash is kept. A single-sign-on link is given to its maker instead, and proves that the maker gave it.
type Link struct {
	bun.BaseModel `bun:"table:mail_links,alias:l"`
	db.Branched
	ID        string     `bun:"id,pk"`
	UserID    string     `bun:"user_id"`
	Kind      linkKind   `bun:"kind"`
	Email     string     `bun:"email"`            // where it goes to; following a confirmation makes it the user's
	Hash      *string    `bun:"hash"`             // nil until the mail is sent
	Maker     *maker     `bun:"maker,type:jsonb"` // of a single-sign-on link; nil of others
	CreatedAt clock.Time `bun:"created_at"`
	ExpiresAt clock.Time `bun:"expires_at"`
}

// linkKind is also the path of the page that the link opens.
type linkKind string

const (
	confirmation linkKind = "confirmation"
	invitation   linkKind = "invitation"
	reset        linkKind = "password"
	signOnLink   linkKind = "single_sign_on"
)

// trait of a kind of links.
type trait struct {
	lifetime  time.Duration // who asks for a reset is waiting for it, who is invited may be on holiday
	parameter string        // name of the token, in the link and in the API
	prefix    string        // of the token
}

var traits = map[linkKind]trait{
	confirmation: {3 * 24 * hour, "confirmation_token", "vdc"},
	invitation:   {7 * 24 * hour, "invitation_token", "vdi"},
	reset:        {hour, "reset_password_token", "vdp"},
	signOnLink:   {2 * time.Minute, "single_sign_on_token", "vdg"},
}

// Confirm mails a link to u.Email; whoever follows it confirms the user, and u.Email becomes the user's address where it was
// not: hand in a changed copy to change an address. Links that were sent before for it work no more.
func (a *Auth) Confirm(tx *db.Tx, u *user.User) error { return promise(tx, u, confirmation) }

// Invite mails a link by which the user chooses a password and name. Invitations that were sent before work no more.
func (a *Auth) Invite(tx *db.Tx, u *user.User) error { return promise(tx, u, invitation) }

// EndSessions ends the sign-ins of a user but one (none: empty), and what the user does as somebody else. The access token stays.
func (a *Auth) EndSessions(tx *db.Tx, userID, exceptTokenID string) error {
	return endSessions(tx, userID, exceptTokenID)
}

// promise replaces the user's links of a kind by a new one, and has it mailed once the transaction is committed.
func promise(tx *db.Tx, u *user.User, kind linkKind) error {
	if err := deleteLinks(tx, u, kind); err != nil {
		return err
	}
	return send(tx, u, kind)
}

// send makes one more link.
func send(tx *db.Tx, u *user.User, kind linkKind) error {
	l := &Link{ID: db.NewID(), UserID: u.ID, Kind: kind, Email: u.Email, CreatedAt: tx.Now(), ExpiresAt: tx.Now().Add(traits[kind].lifetime)}
	l.OrganizationID = u.OrganizationID
	if err := insertLink(tx, l); err != nil {
		return err
	}
	return jobs.Enqueue(tx, linkJob{OrganizationID: l.OrganizationID, LinkID: l.ID})
}

const spentText = "This link was used already, has expired, or was replaced by a newer one; ask for another."

// follow finds the link of a token, and whose it is. A token that is unknown, used up or expired, and that of a locked user, are
// answered alike.
func follow(tx *db.Tx, kind linkKind, token, pointer string) (*Link, *user.User, error) {
	spent := fault.At(pointer, "token_spent", spentText)
	l, err := linkByHash(tx, kind, secret.TokenHash(token))
	if err != nil {
		return nil, nil, err
	}
	if l == nil {
		return nil, nil, spent
	}
	u, err := user.ByID(tx, l.UserID)
	if err != nil {
		return nil, nil, err
	}
	if u.LockedAt != nil {
		return nil, nil, spent
	}
	return l, u, nil
}
