package user

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/filter"
)

var unique = []db.Constraint{
	{Name: "users_username_key", Columns: "users.username_key", Fault: func() *fault.Fault {
		return fault.At("/user/username", "taken", "This user name is taken; choose another.")
	}},
	{Name: "users_email_key", Columns: "users.email_key", Fault: emailTaken},
}

func emailTaken() *fault.Fault {
	return fault.At("/user/email", "taken", "There is a user with this e-mail address already.")
}

func init() { db.Constrain(unique...) }

// takenBy another user is a name or address of one that could not be inserted; nil for another error.
func takenBy(err error) error {
	violated := db.Violation(err)
	for _, c := range unique {
		if violated != "" && (c.Name == violated || c.Columns == violated) {
			return c.Fault().Because(err)
		}
	}
	return nil
}

// Insert a user. Fault kind: invalid, at the e-mail address where the user name is the same.
func Insert(tx *db.Tx, u *User) error {
	u.UsernameKey, u.EmailKey = Fold(u.Username), Fold(u.Email)
	if _, err := tx.Insert(u).Exec(tx.Context()); err != nil {
		if u.UsernameKey == u.EmailKey && takenBy(err) != nil {
			return emailTaken().Because(err)
		}
		return fmt.Errorf("insert user: %w", err)
	}
	return nil
}

// ByID finds a user of the branch.
func ByID(tx *db.Tx, id string) (*User, error) {
	if !filter.IsID(id) {
		return nil, fault.Missing()
	}
	u := &User{}
	if err := tx.Select(u).Where("?TableAlias.id = ?", id).Scan(tx.Context()); err != nil {
		return nil, fmt.Errorf("user: %w", err)
	}
	return u, nil
}

// ByLogin finds the users whom a name or an e-mail address may mean: at most two, for one's name may be another's address, and
// nobody may keep another out by taking it.
func ByLogin(tx *db.Tx, login string) ([]User, error) {
	key := Fold(login)
	var all []User
	err := tx.Select(&all).Where("username_key = ? OR email_key = ?", key, key).OrderExpr("username_key = ? DESC", key).Limit(2).Scan(tx.Context())
	if err != nil {
		return nil, fmt.Errorf("user: %w", err)
	}
	return all, nil
}

func fetch(tx *db.Tx, q filter.Query) ([]User, filter.Meta, error) {
	return filter.Fetch[User](tx, q, func(rows any) *bun.SelectQuery { return tx.Select(rows) })
}

// fetchMembers is fetch for the transaction's own organization alone.
func fetchMembers(tx *db.Tx, q filter.Query) ([]User, filter.Meta, error) {
	return filter.Fetch[User](tx, q, func(rows any) *bun.SelectQuery {
		return tx.Select(rows).Where("?TableAlias.organization_id = ?", tx.Organization())
	})
}

// SetProduct changes the product that the caller works in.
func SetProduct(tx *db.Tx, id, product string) error {
	_, err := tx.Update((*User)(nil)).Set("active_product = ?, updated_at = ?", product, tx.Now()).Where("id = ?", id).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("change product: %w", err)
	}
	return nil
}

// SignedIn notes a sign-in.
func SignedIn(tx *db.Tx, u *User, ip string) error {
	_, err := tx.Update((*User)(nil)).Set("last_sign_in_at = ?, last_sign_in_ip = ?, sign_in_count = sign_in_count + 1", tx.Now(), ip).
		Where("organization_id = ? AND id = ?", u.OrganizationID, u.ID).Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("note sign-in: %w", err)
	}
	return nil
}

// SetFactors writes which second factors are on.
func SetFactors(tx *db.Tx, u *User) error {
	u.UpdatedAt = tx.Now()
	_, err := tx.Update(u).Column("otp_totp_enabled", "otp_sms_enabled", "otp_phone", "otp_default_method", "passkeys", "updated_at").WherePK().Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("change second factors: %w", err)
	}
	return nil
}

// update writes what an update may change.
func update(tx *db.Tx, u *User) error {
	u.UsernameKey, u.EmailKey, u.UpdatedAt = Fold(u.Username), Fold(u.Email), tx.Now()
	_, err := tx.Update(u).Column("username", "username_key", "email", "email_key", "role", "confirmed_at", "invited_at", "first_name", "last_name", "locale", "timezone", "phone", "mobile_phone", "url", "title",
		"address", "city", "state", "zipcode", "country", "comment", "updated_at").WherePK().Exec(tx.Context())
	if err != nil {
		return fmt.Errorf("update user: %w", err)
	}
	return nil
}

// CountByOrganization counts the users of each organization.
func CountByOrganization(tx *db.Tx, ids []string) (map[string]int, error) {
	counts := map[string]int{}
	if len(ids) == 0 {
		return counts, nil
	}
	var rows []struct {
		OrganizationID string
		N              int
	}
	err := tx.Select((*User)(nil)).Column("organization_id").ColumnExpr("count(*) AS n").
		Where("?TableAlias.organization_id IN (?)", bun.List(ids)).Group("organization_id").Scan(tx.Context(), &rows)
	if err != nil {
		return nil, fmt.Errorf("count users: %w", err)
	}
	for _, r := range rows {
		counts[r.OrganizationID] = r.N
	}
	return counts, nil
}

// HasAdmin says whether an operator's account exists.
func HasAdmin(tx *db.Tx) (bool, error) {
	n, err := tx.Select((*User)(nil)).Where("role = ?", access.Admin).Count(tx.Context())
	return n > 0, err
}

// New fills in what a new row needs.
func New(now clock.Time) *User {
	return &User{ID: db.NewID(), Profile: Profile{Locale: "en", Timezone: "UTC"}, ActiveProduct: "pci", CreatedAt: now, UpdatedAt: now}
}
