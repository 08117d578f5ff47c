package auth

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
)

func init() {
	twin := func() *fault.Fault {
		return fault.New(fault.Conflict, "Another sign-in links this account at this moment; begin again.").Coded("sign_on_twin")
	}
	db.Constrain(
		db.Constraint{Name: "oidc_identities_subject_key", Columns: "oidc_identities.issuer, oidc_identities.subject", Fault: twin},
		db.Constraint{Name: "oidc_identities_user_key", Columns: "oidc_identities.organization_id, oidc_identities.user_id, oidc_identities.issuer", Fault: twin},
	)
}

func insertAway(tx *db.Tx, a *away) error {
	if _, err := tx.Insert(a).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert sign-in at a provider: %w", err)
	}
	return nil
}

// takeAway uses a sign-in up; false: there is none, or somebody was faster.
func takeAway(tx *db.Tx, hash, provider string) (bool, error) {
	res, err := tx.Delete((*away)(nil)).Where("hash = ? AND provider = ? AND expires_at > ?", hash, provider, tx.Now()).Exec(tx.Context())
	if err != nil {
		return false, fmt.Errorf("use sign-in at a provider: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

func forgetOldAways(tx *db.Tx) error {
	if _, err := tx.Delete((*away)(nil)).Where("expires_at <= ?", tx.Now()).Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete expired sign-ins at a provider: %w", err)
	}
	return nil
}

// identityOf is nil where nobody here is that person.
func identityOf(tx *db.Tx, issuer, subject string) (*Identity, error) {
	var all []Identity
	if err := tx.Select(&all).Where("issuer = ? AND subject = ?", issuer, subject).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return &all[0], nil
}

// identityOfUser is nil where the user is nobody of that issuer.
func identityOfUser(tx *db.Tx, u *user.User, issuer string) (*Identity, error) {
	var all []Identity
	if err := tx.Select(&all).Where("user_id = ? AND issuer = ?", u.ID, issuer).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return &all[0], nil
}

func insertIdentity(tx *db.Tx, i *Identity) error {
	if _, err := tx.Insert(i).Exec(tx.Context()); err != nil {
		return fmt.Errorf("insert identity: %w", err)
	}
	return nil
}

func useIdentity(tx *db.Tx, i *Identity) error {
	if _, err := tx.Update((*Identity)(nil)).Set("last_used_at = ?", tx.Now()).Where("id = ?", i.ID).Exec(tx.Context()); err != nil {
		return fmt.Errorf("use identity: %w", err)
	}
	return nil
}

// fetchIdentities of the caller.
func fetchIdentities(tx *db.Tx, q filter.Query) ([]Identity, filter.Meta, error) {
	return filter.Fetch[Identity](tx, q, func(rows any) *bun.SelectQuery {
		return tx.Select(rows).Where("?TableAlias.user_id = ?", tx.Grant().Principal().User)
	})
}

// ownIdentity of the caller. Fault kind: notfound.
func ownIdentity(tx *db.Tx, id string) (*Identity, error) {
	i := &Identity{}
	if err := tx.Select(i).Where("id = ? AND user_id = ?", id, tx.Grant().Principal().User).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	return i, nil
}

func deleteIdentity(tx *db.Tx, i *Identity) error {
	if _, err := tx.Delete(i).WherePK().Exec(tx.Context()); err != nil {
		return fmt.Errorf("delete identity: %w", err)
	}
	return nil
}
