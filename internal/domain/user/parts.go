package user

import (
	"context"

	"github.com/vedette/vedette/internal/domain/organization"
	"github.com/vedette/vedette/internal/domain/plan"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/secret"
)

// Parts that the operations work with; app hands them in. Their zero value serves to describe the operations.
type Parts struct {
	Hasher   *secret.Hasher
	Letters  Letters
	Holdings []Holding
	Enrich   organization.Enrich // what nouns above know of an organization
	CountIPs plan.CountIPs
	Host     string // name of the installation, of which no password may be made
}

// Letters are the mails that prove a mailbox, and the end of sessions. auth writes them: it knows the tokens.
type Letters interface {
	// Confirm has a mail sent by which the user confirms the address, and chooses a password where there is none.
	Confirm(tx *db.Tx, u *User) error
	// Invite has a mail sent by which the user accepts an invitation.
	Invite(tx *db.Tx, u *User) error
	// CheckPassword asks the user for the password again; pointer names it in the request. Never call it inside a transaction.
	CheckPassword(ctx context.Context, u *User, password, pointer string) error
	// EndSessions of a user but for one token; empty: all.
	EndSessions(tx *db.Tx, userID, exceptTokenID string) error
}

// Holding is one kind of resource that users own. Both functions act in the transaction's organization.
type Holding struct {
	Type  string // as it stands in answers: targets
	Count func(tx *db.Tx, owner string) (int, error)
	Move  func(tx *db.Tx, from, to string) (int, error)
}
